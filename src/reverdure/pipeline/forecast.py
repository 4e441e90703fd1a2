"""Every mine to its deadline, and who is likely to miss a duty: last run and registry to tables."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from reverdure.control.standing import stand
from reverdure.control.states import Forecast
from reverdure.core.codes import ForecastStatus
from reverdure.core.errors import InvalidInput, NotFound, UnknownOption
from reverdure.core.fields import Table
from reverdure.core.record_book import is_open
from reverdure.core.steer_fields import DUTY_FORECASTS, FORECASTS
from reverdure.pipeline.mine_states import MineStates, mine_states
from reverdure.pipeline.records import book_of
from reverdure.store.workspace import Workspace

TARGET = 0.75
"""Recovered share asked for where none is said: an assumption, as every rule names its own."""
_WRITES = (".csv", ".xlsx")
_NAMED = 8


@dataclass(frozen=True)
class Forecasts:
    """A table of forecasts, `FORECASTS` or `DUTY_FORECASTS`, and what it was made from."""

    rows: pd.DataFrame
    states: MineStates
    target: float


def forecast(
    workspace: Workspace, by: int = 0, target: float = TARGET, county: str = "", mine: str = ""
) -> Forecasts:
    """Forecast the recovered share of every mine to a deadline.

    Parameters
    ----------
    workspace : Workspace
    by : int
        Deadline: last season that counts; 0 for five years after the last imagery.
    target : float
        Recovered share asked for, above 0 and at most 1.
    county, mine : str
        Only of this county or mine; "" for all. The paces are fitted to all mines.

    Raises
    ------
    InvalidInput
        If the deadline lies before the last imagery, or the target is no share.
    NotFound
        If nothing was measured, or there is no such mine or county.
    """
    states = mine_states(workspace, _share(target))
    last = states.years[-1]
    deadline = by or last + 5
    if deadline < last:
        raise InvalidInput(
            f"the deadline {deadline} lies before {last}, the last year of imagery.",
            "Look up the verdicts for what was reached.",
        )
    found = stand(states.mines, states.seen)
    ahead, now = found.prospect(deadline - last).ahead(), found.estimate.mean[:, -1]
    rows = [
        {
            "mine_id": states.mines.mine_id[n],
            "name": states.names[n],
            "county": states.counties[n],
            "measure": states.mines.measure[n],
            "last_seen": states.last_seen[n] or None,
            "run_id": states.run_id,
            **forecast_numbers(states.status[n], deadline, target, float(now[n]), ahead, n),
        }
        for n in _chosen(states, county, mine)
    ]
    return Forecasts(FORECASTS.frame(rows), states, target)


def duty_forecast(
    workspace: Workspace, target: float = TARGET, on: datetime.date | None = None,
    county: str = "", mine: str = "",
) -> Forecasts:  # fmt: skip
    """Open duties with the chance that their mine misses the target by their day, worst first.

    Parameters
    ----------
    workspace : Workspace
    target : float
        Recovered share that is read as the duty done.
    on : date, optional
        Day the duties are looked at; today by default.
    county, mine : str

    Notes
    -----
    A duty due before the season of its year ends is held against the season before: that is the
    last picture its day can be judged by. One that is past is held against the state now.
    """
    day = on or datetime.datetime.now(datetime.UTC).date()
    states = mine_states(workspace, _share(target))
    found, last = stand(states.mines, states.seen), states.years[-1]
    now = found.estimate.mean[:, -1]
    places = {states.mines.mine_id[n]: n for n in _chosen(states, county, mine)}
    book, season_ends = book_of(workspace, ["duty", "party"]), workspace.settings.season[1]
    ahead: dict[int, Forecast] = {}
    rows: list[dict[str, Any]] = []
    for duty in book.of("duty").values():
        n = places.get(duty.values["mine_id"])
        if n is None or not is_open(duty.values, day):
            continue
        due = duty.values["due_date"]
        deadline = int(due[:4]) - (due[5:] < season_ends)
        years = max(deadline - last, 0)
        if years not in ahead:
            ahead[years] = found.prospect(years).ahead()
        party = duty.values["party_id"]
        numbers = forecast_numbers(
            states.status[n], deadline, target, float(now[n]), ahead[years], n
        )
        chance = numbers.get("p_target")
        rows.append({
            "duty_id": duty.id, "mine_id": duty.values["mine_id"],
            "party": book.value("party", party, "name") or party, "duty": duty.values["duty"],
            "due_date": due, **numbers, "p_missed": None if chance is None else 1 - chance,
        })  # fmt: skip
    # what cannot be told stands last, not first and not in between
    rows.sort(key=lambda row: (row["p_missed"] is None, -(row["p_missed"] or 0.0),
                               row["due_date"], row["duty_id"]))  # fmt: skip
    placed = [row | {"place": place} for place, row in enumerate(rows, 1)]
    return Forecasts(DUTY_FORECASTS.frame(placed), states, target)


def write_table(path: Path, table: Table, rows: pd.DataFrame, language: str) -> Path:
    """Write a table as CSV or workbook, headings in words.

    Raises
    ------
    UnknownOption
        If the file ends otherwise.
    """
    from reverdure.publish.table_export import export_table

    suffix = path.suffix.lower()
    if suffix not in _WRITES:
        raise UnknownOption(f"{path.name} ends in {suffix!r}; use one of {', '.join(_WRITES)}.")
    written = export_table(
        path.parent, path.stem, table, rows, formats=(suffix[1:],), language=language
    )
    return written[0]


def forecast_numbers(
    status: ForecastStatus, deadline: int, target: float, now: float, ahead: Forecast, n: int
) -> dict[str, Any]:
    """Status first; without a forecast there is no number beside it."""
    known: dict[str, Any] = {"status": status.key, "deadline": deadline, "target": target}
    if status is not ForecastStatus.FORECAST:
        return known
    return known | {
        "now": now,
        "expected": float(ahead.mean[n]),
        "low": max(float(ahead.low[n]), 0.0),
        "high": min(float(ahead.high[n]), 1.0),
        "p_target": float(ahead.p_target[n]),
    }


def _share(target: float) -> float:
    if not 0 < target <= 1:
        raise InvalidInput(f"the target is a share above 0 and at most 1, got {target:g}.")
    return target


def _chosen(states: MineStates, county: str, mine: str) -> list[int]:
    """Positions of the mines that are asked for."""
    ids = states.mines.mine_id
    if mine and mine not in ids:
        raise NotFound(f"no mine is called {mine!r}.", f"Known: {_some(ids)}")
    if county and county not in states.counties:
        raise NotFound(
            f"no mine lies in {county!r}.",
            f"Counties with mines: {_some(sorted(set(states.counties)))}",
        )
    return [
        n for n, one in enumerate(ids)
        if mine in ("", one) and county in ("", states.counties[n])
    ]  # fmt: skip


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])]) or "-"
