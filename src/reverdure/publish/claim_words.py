"""The evidence of one claim in plain words, in both languages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from markupsafe import Markup

from reverdure.core.codes import DisputeStatus, Reason
from reverdure.publish.figures import area_with_unit
from reverdure.publish.messages import LANGUAGES, both, pair, text

Row = Mapping[str, Any]
_KNOWN_REASONS = {reason.key for reason in Reason}
_DISPUTES = {status.key: status for status in DisputeStatus}
_PURE, _MIXED, _LEAST_AREA = 0.9, 1.2, 0.005
_LEAST_YEARS = 3
# where fewer answers differ, the 95 % interval leaves them out
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Said:
    """Lines of text: what speaks against, what was seen, what would change it, what else."""

    against: tuple[Markup, ...]
    seen: tuple[Markup, ...]
    changes: tuple[Markup, ...]
    flags: tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command somebody who disagrees can give, and what it is for."""

    about: Markup
    line: str


def said(claim: Row, verdict: Row, seen: xr.Dataset | None, years: tuple[int, int]) -> Said:
    """Everything the numbers of a claim say, sentence by sentence."""
    return Said(
        tuple(_against(verdict)),
        tuple(_seen(verdict, seen, years)),
        tuple(_changes(verdict, seen)),
        tuple(_flags(claim, verdict)),
    )


def _line(key: str, **values: object) -> Markup:
    """A sentence; values that are functions are asked once for each language."""
    return pair(
        *(
            text(
                key,
                language,
                {n: v(language) if callable(v) else v for n, v in values.items()},
            )
            for language in LANGUAGES
        )
    )


def _area(value_ha: float) -> Callable[[str], Markup]:
    return lambda language: area_with_unit(abs(value_ha), language)


def _against(verdict: Row) -> list[Markup]:
    """How many answers a verdict passes over, where the interval reaches to them."""
    for key, column, message in (
        ("supported", "p_supported", "judged.against_supported"),
        ("not_supported", "p_not_supported", "judged.against_not_supported"),
    ):
        if verdict["verdict"] == key and verdict[column] is not None:
            rest = 1 - verdict[column]
            return [_line(message, rest=_per_cent(rest))] if rest >= _TAIL else []
    return []


def _seen(verdict: Row, seen: xr.Dataset | None, years: tuple[int, int]) -> list[Markup]:
    if seen is None:
        return [both("judged.not_looked_at")]
    lines = []
    known = seen.attrs
    if "seen" in seen:
        share = seen["seen"].to_numpy()
        lines.append(
            _line(
                "judged.pixels",
                used=int((share >= 0).sum()),
                pure=int((share >= _PURE).sum()),
                pixels=f"{verdict['n_pixels'] or 0:.1f}",
            )
        )
    if known["last_clear_year"] is not None:
        lines.append(
            _line(
                "judged.years",
                clear=known["clear_years"],
                all=years[1] - years[0] + 1,
                last=int(known["last_clear_year"]),
                since=known["clear_years_since"],
                done=verdict["year"],
            )
        )
    lines += _levels(seen)
    if verdict["p_supported"] is not None:
        lines.append(
            _line(
                "judged.odds",
                enough=_per_cent(verdict["p_supported"]),
                little=_per_cent(verdict["p_not_supported"]),
            )
        )
    green = known.get("green_before_ha")
    if green and green[0] and green[0] > _LEAST_AREA:
        lines.append(
            _line("judged.green", mean=_area(green[0]), low=_area(green[1]), high=_area(green[2]))
        )
    if known.get("mixing") is not None and known["mixing"] > _MIXED:
        lines.append(_line("judged.unmixed", mixing=f"{known['mixing']:.2f}"))
    return lines


def _levels(seen: xr.Dataset) -> list[Markup]:
    """Level before, bare and of the reference, index by index."""
    lines: list[Markup] = []
    if "reference" not in seen:
        return lines
    yearly = dict(zip(seen["index"].values, seen["reference"].to_numpy(), strict=True))
    for name, found in seen.attrs["references"].items():
        reference = yearly[name][np.isfinite(yearly[name])]
        if found["bare_level"] is None or not reference.size:
            continue
        before = found["level_before"]
        key = "judged.levels" if before is not None else "judged.levels_since"
        values = {
            "index": name.upper(),
            "bare": f"{found['bare_level']:.2f}",
            "reference": f"{float(reference[-1]):.2f}",
        }
        if before is not None:
            values["before"] = f"{before:.2f}"
        lines.append(_line(key, **values))
    return lines


def _per_cent(value: float) -> str:
    """A probability; one that is neither 0 nor 1 is never written as such."""
    shown = round(100 * value)
    if shown == 0 and value > 0:
        return "<1 %"
    if shown == 100 and value < 1:
        return ">99 %"
    return f"{shown} %"


def _changes(verdict: Row, seen: xr.Dataset | None) -> list[Markup]:
    """What would have to differ for another verdict."""
    key = verdict["verdict"]
    known = {} if seen is None else seen.attrs
    more, less = known.get("to_supported_ha"), known.get("to_not_supported_ha")
    lines = []
    if more is not None and (more <= 0) == (key == "supported"):
        lines.append(_line("judged.keeps" if more <= 0 else "judged.more", area=_area(more)))
    elif key in ("partly_supported", "undecided", "not_supported") and seen is not None:
        lines.append(both("judged.no_area"))
    if less is not None and (less >= 0) == (key == "not_supported"):
        lines.append(_line("judged.stays" if less >= 0 else "judged.less", area=_area(less)))
    if key == "too_early" and seen is not None:
        missing = _LEAST_YEARS - seen.attrs["clear_years_since"]
        if missing > 0:
            lines.append(_line("judged.wait", years=missing))
    if verdict["restored_ha"] is None:
        reason = verdict["reason"]
        lines.append(_line("judged.missing", reason=lambda lang: text(f"reason.{reason}", lang)))
    return lines


def _flags(claim: Row, verdict: Row) -> list[Markup]:
    """Each flag as a sentence; one that is no reason is shown as it is."""
    keys = [key for key in (verdict["flags"] or "").split(";") if key]
    lines = []
    for key in dict.fromkeys(keys):
        if key in _KNOWN_REASONS:
            lines.append(both(f"reason.{key}"))
        elif key in _DISPUTES:
            lines.append(pair(_DISPUTES[key].en, _DISPUTES[key].zh))
        elif key == "index_missing":
            lines.append(both("judged.index_missing"))
        else:
            lines.append(pair(key, key))
    if claim.get("flags"):
        lines.append(_line("judged.import_flags", flags=claim["flags"]))
    return lines


def commands(verdict: Row) -> list[Command]:
    """Commands for who disagrees, filled in for this claim."""
    mine, claim = _quoted(verdict["mine_id"]), _quoted(verdict["claim_id"])
    year = verdict["last_clear_year"] or verdict["year"] or 2020
    who = '--by "NAME" --why "REASON" -w WORKSPACE'
    return [
        Command(both("judged.dispute"), f"reverdure correct dispute {claim} {who}"),
        Command(both("judged.cloudy"), f"reverdure correct year {int(year)} --mine {mine} {who}"),
        Command(both("judged.moved"), f"reverdure correct outline {mine} OUTLINE.gpkg {who}"),
        Command(
            both("judged.refuse"), f"reverdure correct reference LAND.gpkg --mine {mine} {who}"
        ),
    ]


def _quoted(word: str) -> str:
    """An id as one word of a command line."""
    plain = word.replace("-", "").replace("_", "").replace(".", "")
    if plain.isalnum():
        return word
    return "'" + word.replace("'", "'\\''") + "'"
