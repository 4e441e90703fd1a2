"""The page of one claim: what its verdict stands on, so that one can disagree with it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
import xarray as xr
from markupsafe import Markup

from reverdure.core.codes import ReferenceStatus
from reverdure.core.fields import VERDICTS, Field
from reverdure.publish.charts import Chart, Year, chart
from reverdure.publish.claim_maps import (
    GAIN_BOUNDS,
    ZONE_BOUNDS,
    gain_maps,
    reference_map,
    zone_map,
)
from reverdure.publish.claim_words import commands, said
from reverdure.publish.contents import ReportData
from reverdure.publish.correction_words import corrections_said, dispute_mark
from reverdure.publish.figures import area_with_unit
from reverdure.publish.messages import LANGUAGES, both, messages, pair
from reverdure.publish.mine_page import claim_events, coded
from reverdure.publish.pages import fill
from reverdure.publish.signs import SIGN_OF
from reverdure.publish.wording import sentences

Row = Mapping[str, Any]
_LOW, _HIGH = 0.2, 0.8
_NUMBERS = (
    "claimed_ha", "ground_ha", "restored_ha", "restored_ha_low", "restored_ha_high", "p_supported",
    "p_not_supported", "damage_year", "recovered_year", "recovered_share", "last_clear_year",
    "n_pixels", "indices", "status",
)  # fmt: skip


# in the order of `Year`
_YEARLY = (
    "value", "fitted", "clear_share", "reference", "reference_low", "reference_high", "needed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """All there is to say about one claim.

    Attributes
    ----------
    claim, verdict, mine : mapping
        Rows of CLAIMS, VERDICTS and MINES; {} for a mine that is not listed.
    mine_href : str
        Address of the mine's page from here; "" without one.
    seen : Dataset or None
        Its evidence, as `recovery.evidence.claim_evidence` makes it.
    place : Place or None
        Shapes around it, where there is evidence.
    """

    claim: Row
    verdict: Row
    mine: Row
    mine_href: str
    seen: xr.Dataset | None
    place: "Place | None"


@dataclass(frozen=True, slots=True)
class Place:
    """Shapes on the CRS of the evidence: the claim's ground, its mine, mines around."""

    ground: shapely.Geometry
    mine: shapely.Geometry
    others: tuple[shapely.Geometry, ...]


@dataclass(slots=True)
class Places:
    """Shapes of a whole programme, projected once for each CRS."""

    data: ReportData
    _kept: dict[str, "_Projected"] = field(default_factory=dict)

    def around(self, claim_id: str, mine_id: str, crs: str) -> Place:
        """Shapes around one claim, within the reach of its reference ring."""
        if crs not in self._kept:
            self._kept[crs] = _Projected(self.data, crs)
        return self._kept[crs].around(claim_id, mine_id)


class _Projected:
    def __init__(self, data: ReportData, crs: str) -> None:
        outlines = [_shape(one) for one in data.mines.geometry.to_crs(crs)]
        grounds = [_shape(one) for one in data.verdicts.geometry.to_crs(crs)]
        self._mine_ids = data.mines["mine_id"].tolist()
        self._outlines = dict(zip(self._mine_ids, outlines, strict=True))
        self._grounds = dict(zip(data.verdicts["claim_id"], grounds, strict=True))
        self._tree = shapely.STRtree(outlines)

    def around(self, claim_id: str, mine_id: str) -> Place:
        mine = self._outlines.get(mine_id, shapely.Polygon())
        ground = self._grounds.get(claim_id, mine)
        whole = shapely.union(mine, ground)
        near = np.sort(self._tree.query(whole, predicate="dwithin", distance=3100.0))
        others = tuple(
            shapely.difference(self._tree.geometries[k], whole)
            for k in near
            if self._mine_ids[k] != mine_id
        )
        return Place(ground, whole if mine.is_empty else mine, others)


def _shape(geometry: shapely.Geometry | None) -> shapely.Geometry:
    return shapely.Polygon() if geometry is None else geometry


@dataclass(frozen=True)
class _Gauge:
    """The interval against the claim, in per cent of the bar's width."""

    claimed_ha: float
    restored_ha: float
    low_ha: float
    high_ha: float
    draws_ha: tuple[float, ...]

    @cached_property
    def _most(self) -> float:
        return 1.08 * max(self.claimed_ha, self.high_ha, self.restored_ha, 1e-9)

    def at(self, value_ha: float) -> float:
        return round(100 * min(max(value_ha / self._most, 0.0), 1.0), 2)

    def facts(self) -> dict[str, Any]:
        low, high = self.at(self.low_ha), self.at(self.high_ha)
        marks = [(share, share * self.claimed_ha) for share in (_LOW, _HIGH, 1.0)]
        return {
            "restored": self.at(self.restored_ha),
            "low": low,
            "width": round(high - low, 2),
            "marks": [
                {"share": f"{100 * share:.0f} %", "at": self.at(ha), "area": _area(ha)}
                for share, ha in marks
            ],
            "draws": "".join(f"M{10 * self.at(ha):.0f},0v1" for ha in self.draws_ha),
        }


def claim_page(data: ReportData, facts: ClaimFacts) -> str:
    """The page of one claim as HTML.

    Parameters
    ----------
    data : ReportData
        For the run, its years, and the constants shown.
    facts : ClaimFacts
    """
    verdict, seen, place = facts.verdict, facts.seen, facts.place
    spoken = said(facts.claim, verdict, seen, data.years)
    values: dict[str, Any] = {
        "claim_id": verdict["claim_id"],
        "mine_href": facts.mine_href,
        "mine_label": facts.mine.get("name") or verdict["mine_id"],
        "sign": SIGN_OF[verdict["verdict"]],
        "words_said": sentences(facts.claim, verdict),
        "gauge": _gauge(verdict, seen),
        "spoken": spoken,
        "dispute": dispute_mark(verdict["flags"]),
        "corrections": corrections_said(data.corrections(verdict["mine_id"])),
        "numbers": [coded(one, verdict[one.name]) for one in _fields()],
        "commands": commands(verdict),
        "constants": data.constants,
        **_drawings(facts.claim, verdict, seen, place),
    }
    return fill("claim.html.j2", data, values)


def _fields() -> list[Field]:
    by_name = {one.name: one for one in VERDICTS}
    return [by_name[name] for name in _NUMBERS]


def _gauge(verdict: Row, seen: xr.Dataset | None) -> dict[str, Any] | None:
    numbers = [verdict[f"restored_ha{end}"] for end in ("", "_low", "_high")]
    claimed = verdict["claimed_ha"]
    if any(one is None or not math.isfinite(one) for one in (claimed, *numbers)):
        return None
    draws = () if seen is None or "draw_ha" not in seen else seen["draw_ha"].to_numpy().tolist()
    restored, low, high = numbers
    return _Gauge(claimed, restored, low, high, tuple(draws)).facts()


def _area(value_ha: float) -> Markup:
    return pair(*(area_with_unit(value_ha, language) for language in LANGUAGES))


def _drawings(
    claim: Row, verdict: Row, seen: xr.Dataset | None, place: Place | None
) -> dict[str, Any]:
    nothing: dict[str, Any] = {"zones": None, "gains": [], "reference": None, "courses": []}
    if seen is None or place is None or "seen" not in seen:
        return nothing
    around = [place.mine, *place.others]
    return {
        "zones": zone_map(seen, place.ground, around),
        "gains": [
            {"map": one, "label": _index_label(one.title)}
            for one in gain_maps(seen, place.ground, around)
        ],
        "zone_classes": _classes(ZONE_BOUNDS, " %"),
        "gain_classes": _classes(GAIN_BOUNDS, ""),
        "reference": _reference(seen, place),
        "courses": _courses(claim, verdict, seen),
    }


def _classes(bounds: Sequence[float], sign: str) -> list[tuple[int, Markup]]:
    """Classes from the high end with their names."""
    ends = [f"{100 * bound:.0f}" for bound in bounds]
    names = [both("judged.under", {"bound": ends[0] + sign})]
    names += [pair(f"{low}–{high}{sign}", f"{low}–{high}{sign}") for low, high in pairwise(ends)]
    names.append(both("judged.from", {"bound": ends[-1] + sign}))
    return list(enumerate(names))[::-1]


def _index_label(index: str) -> Markup:
    key = f"index.{index}"
    return both(key) if key in messages() else pair(index.upper(), index.upper())


def _reference(seen: xr.Dataset, place: Place) -> dict[str, Any]:
    found = next(iter(seen.attrs["references"].values()))
    status = ReferenceStatus.from_key(found["status"])
    words = {name: found[name] for name in ("n_pixels", "n_directions")}
    return {
        "map": reference_map(seen, place.mine, place.ground, place.others),
        "status": pair(status.en, status.zh),
        "line": both("judged.reference_line", words) if found["n_pixels"] else "",
        "matched": Markup(", ").join(_layer(name) for name in found["matched"].split("+") if name),
    }


def _layer(name: str) -> Markup:
    key = f"judged.layer_{name}"
    return both(key) if key in messages() else _index_label(name)


def _courses(claim: Row, verdict: Row, seen: xr.Dataset) -> list[dict[str, Any]]:
    events = claim_events([(claim, verdict)])
    years = seen["year"].to_numpy().tolist()
    yearly = {key: seen[key].to_numpy() for key in _YEARLY}
    courses = []
    for k, name in enumerate(seen["index"].values.tolist()):
        columns = [
            [_number(value) for value in (all_[k] if all_.ndim == 2 else all_).tolist()]
            for all_ in yearly.values()
        ]
        series = [Year(year, *numbers) for year, *numbers in zip(years, *columns, strict=True)]
        series = since_damage(series, verdict.get("damage_year"))
        sizes: tuple[Chart, ...] = (
            chart(series, events, 900.0, 260.0),
            chart(series, events, 340.0, 220.0),
        )
        courses.append({"label": _index_label(name), "index": name.upper(), "charts": sizes})
    return courses


def since_damage(series: Sequence[Year], damage_year: int | None) -> list[Year]:
    """The course is fitted from the bare years on: what it is before them is nothing seen."""
    return [
        replace(one, fitted=None) if damage_year is not None and one.year < damage_year else one
        for one in series
    ]


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
