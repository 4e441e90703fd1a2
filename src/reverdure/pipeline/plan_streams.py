"""What lies at the mines of a programme and can be used: stated volumes, with the plan's works."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.pipeline.plan_sources import check_keys, listed
from reverdure.plan.measures import Catalogue
from reverdure.plan.mines import Mines
from reverdure.plan.streams import streams

if TYPE_CHECKING:
    import pandas as pd

    from reverdure.plan.programme import Plan

STATED = "stated"
"""Basis of a stream whose limit and price the planner gave; else it is that of the catalogue."""
_KEYS = ("what", "m3", "limit", "cny_per_m3")


def read_streams(
    said: Mapping[str, Any], measures: Catalogue, mines: Mines
) -> tuple[Catalogue, dict[str, dict[str, float]]]:
    """Streams of a tree of requirements, checked.

    Parameters
    ----------
    said : mapping
        `stream`, a table each: what, m3 (volume by mine, [m3]), and optional the share that may
        be used (limit) and the net price (cny_per_m3, [CNY per m3]) in place of the assumed ones.
    measures : Catalogue
    mines : Mines
        Of the programme.

    Returns
    -------
    catalogue, volumes
        The catalogue with the streams that are asked for alone, and m3 by stream and mine.

    Raises
    ------
    UnknownOption
        For a key or stream that is not known.
    InvalidInput
        For a stream given twice, a mine that is not of the programme, a number out of range.
    """
    found, volumes = {}, {}
    for one in listed(said, "stream"):
        check_keys("stream", one, _KEYS)
        name = one["what"]
        if name not in measures.streams:
            allowed = ", ".join(measures.streams) or "none"
            raise UnknownOption(f"stream {name!r} is not known; use one of {allowed}.")
        if name in found:
            raise InvalidInput(
                f"the stream {name!r} is given twice.", "Write all its mines in one table m3."
            )
        if not isinstance(one["m3"], Mapping):
            raise InvalidInput(
                f"stream {name!r}: m3 = {one['m3']!r} is no table of mines.",
                "Write m3 = { M00042 = 120000 }.",
            )
        volumes[name] = {mine: _number(name, mine, m3) for mine, m3 in one["m3"].items()}
        mines.index_of(list(volumes[name]))
        stream = measures.streams[name]
        limit = _number(name, "limit", one.get("limit", stream.limit), most=1.0)
        price = _number(name, "cny_per_m3", one.get("cny_per_m3", stream.revenue_cny_per_m3))
        status = STATED if {"limit", "cny_per_m3"} <= one.keys() else stream.status
        found[name] = replace(stream, limit=limit, revenue_cny_per_m3=price, status=status)
    return replace(measures, streams=found), volumes


def streams_of(plan: "Plan", question: Mapping[str, Any]) -> "pd.DataFrame":
    """Streams that a question asks for with the works of its plan, as `plan.streams` has them.

    Revenue is told beside the plan and never spent in it; no row where nothing was asked for.
    """
    asked = plan.compiled.problem
    measures, volumes = read_streams(question["requirements"], asked.measures, asked.mines)
    return streams(plan.works, asked.mines, measures, volumes)


def _number(name: str, key: str, value: Any, most: float = math.inf) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not (good and math.isfinite(value) and 0 <= value <= most):
        allowed = f"0 to {most:g}" if math.isfinite(most) else "numbers of zero or more"
        raise InvalidInput(
            f"stream {name!r}: {key} = {value!r}; allowed are {allowed}.",
            "Leave a mine out whose volume is not known.",
        )
    return float(value)
