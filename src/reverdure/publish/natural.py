"""What came back by itself: sums for the first page, sentences for a mine's page."""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from reverdure.core.codes import NaturalGround, NaturalState, Reason
from reverdure.publish import figures
from reverdure.publish.contents import ReportData, rows
from reverdure.publish.figures import area_with_unit
from reverdure.publish.messages import LANGUAGES, pair, text
from reverdure.publish.wording import label

Row = Mapping[str, Any]
_SHOWN = 100
_CAME_BACK = (NaturalState.RECOVERED.key, NaturalState.PARTLY_RECOVERED.key)


def natural_facts(
    data: ReportData, mine_names: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, Any] | None:
    """The section of the first page; None where nothing was looked at.

    Parameters
    ----------
    data : ReportData
    mine_names : mapping
        Mine id to its name.
    names : mapping
        Mine id to the file name of its page.
    """
    if data.natural is None or data.natural.empty:
        return None
    table = rows(data.natural.sort_values("ground_id"))
    unclaimed = [row for row in table if row["ground"] == NaturalGround.UNCLAIMED.key]
    back = [row for row in table if row["state"] in _CAME_BACK]
    back.sort(key=lambda row: (-row["recovered_ha"], row["ground_id"]))
    return {
        "lead": _lead(unclaimed),
        "states": [line for state in NaturalState if (line := _state_line(state, unclaimed))],
        "claimed": [
            _sum_sentence(f"natural.{kind.key}", here)
            for kind in (NaturalGround.NATURAL_AIM, NaturalGround.BEFORE_CLAIM)
            if (here := [row for row in table if row["ground"] == kind.key])
        ],
        "grounds": [_ground_line(row, mine_names, names) for row in back[:_SHOWN]],
        "left_out": max(len(back) - _SHOWN, 0),
        "count": len(back),
    }


def _lead(unclaimed: Sequence[Row]) -> Markup:
    back = [row for row in unclaimed if row["state"] == NaturalState.RECOVERED.key]
    return _sum_sentence("natural.lead", unclaimed, count=len(back), total=len(unclaimed))


def _sum_sentence(key: str, here: Sequence[Row], **counts: int) -> Markup:
    recovered, low, high = _summed(here)
    return pair(
        *(
            text(
                key,
                language,
                {
                    "count": len(here),
                    "recovered": area_with_unit(recovered, language),
                    "low": area_with_unit(low, language),
                    "high": area_with_unit(high, language),
                }
                | counts,
            )
            for language in LANGUAGES
        )
    )


def _summed(here: Sequence[Row]) -> tuple[float, float, float]:
    """Sum with its interval; errors of grounds are their own."""
    measured = [row for row in here if row["recovered_ha"] is not None]
    total = math.fsum(row["recovered_ha"] for row in measured)
    below = math.hypot(*(row["recovered_ha"] - row["recovered_ha_low"] for row in measured))
    above = math.hypot(*(row["recovered_ha_high"] - row["recovered_ha"] for row in measured))
    return total, max(total - below, 0.0), total + above


def _state_line(state: NaturalState, unclaimed: Sequence[Row]) -> dict[str, Any] | None:
    here = [row for row in unclaimed if row["state"] == state.key]
    if not here:
        return None
    ground_ha = math.fsum(row["ground_ha"] or 0.0 for row in here)
    is_measured = any(row["recovered_ha"] is not None for row in here)
    return {
        "label": pair(state.en, state.zh),
        "count": len(here),
        "ground": figures.area(ground_ha),
        "recovered": figures.area(_summed(here)[0] if is_measured else None),
    }


def _ground_line(
    row: Row, mine_names: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, Any]:
    mine_id = row["mine_id"]
    kind = NaturalGround.from_key(row["ground"])
    return {
        "href": "mines/" + quote(names[mine_id]) if mine_id in names else "",
        "mine": mine_names.get(mine_id) or mine_id,
        "kind": pair(kind.en, kind.zh),
        "recovered": figures.area(row["recovered_ha"]),
        "interval": figures.area_range(row["recovered_ha_low"], row["recovered_ha_high"]),
        "share": figures.per_cent(row["recovered_share"], 1.0),
        "since": figures.year(row["since"]),
    }


def natural_sentences(natural: Sequence[Row]) -> list[Markup]:
    """What came back by itself on one mine, a sentence for each ground."""
    return [pair(*(_sentence(row, language) for language in LANGUAGES)) for row in natural]


def _sentence(row: Row, language: str) -> Markup:
    kind, since = row["ground"], row["since"]
    if row["recovered_ha"] is None:
        key = "natural.unmeasured"
    elif row["state"] == NaturalState.NEVER_DAMAGED.key:
        key = "natural.undamaged"
    else:
        key = f"natural.on_{kind}"
    words = {
        "ground": text("area.unknown", language)
        if row["ground_ha"] is None
        else area_with_unit(row["ground_ha"], language),
        "claim": row["claim_id"] or "",
        "reason": label(Reason, row["reason"], language),
        "recovered": _area(row["recovered_ha"], language),
        "low": _area(row["recovered_ha_low"], language),
        "high": _area(row["recovered_ha_high"], language),
    }
    said = text(key, language, words)
    if since is not None and key.startswith("natural.on_"):
        joint = Markup(" ") if language == "en" else Markup("")
        said = joint.join((said, text("natural.since", language, {"year": figures.year(since)})))
    return said


def _area(value_ha: float | None, language: str) -> Markup:
    return Markup("") if value_ha is None else area_with_unit(value_ha, language)
