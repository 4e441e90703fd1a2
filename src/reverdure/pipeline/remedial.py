"""What reviews hand to a plan: remedies for red mines as starts of it, and paces as seen."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.control.remedies import Remedy, gains_ha_years, remedies
from reverdure.control.standing import LEFT_ALONE, Seen, Standing, Steered, stand
from reverdure.control.states import Course, Floats
from reverdure.core.codes import FitStatus
from reverdure.core.errors import InvalidInput
from reverdure.pipeline.mine_states import MineStates
from reverdure.plan.measures import REMEDY, Cost, Measure, PerUnit, Stage
from reverdure.plan.options import Offer, price_factor
from reverdure.plan.problem import Problem

FEWEST = 5
"""Mines a pace must rest on before a plan reckons with it (ours)."""
Entry = Mapping[str, Any]
"""A remedy as a question keeps it: mine, remedy, year, gain_ha_years, kappa_now, usual."""


def with_reviews(made: Problem, question: Mapping[str, Any]) -> Problem:
    """A problem with the paces and remedies that the reviews of its question found.

    Raises
    ------
    InvalidInput
        If the catalogue of the workspace has a measure by the name of a remedy.
    """
    known = set(made.mines.ids.tolist())
    entries = [one for one in question.get("remedies", ())
               if one["mine"] in known and one["year"] in made.years]  # fmt: skip
    measures = {name: one for name, one in made.measures.measures.items() if one.slot != REMEDY}
    for name, pace in question.get("paces", {}).items():
        course = measures[name].trajectory if name in measures else None
        if course is not None:
            seen = replace(course, kappa=float(pace["kappa"]))
            measures[name] = replace(measures[name], trajectory=seen)
    of = {one.key: one for one in remedies(sorted({one["remedy"] for one in entries}))}
    if taken := sorted(of.keys() & measures.keys()):
        raise InvalidInput(
            f"the measure {taken[0]!r} of the workspace has the name of a remedy.",
            "Call the measure otherwise in measures.toml.",
        )
    measures |= {key: _measure(one, made) for key, one in of.items()}
    offers = tuple(
        Offer(one["mine"], one["remedy"], int(one["year"]), float(one["gain_ha_years"]),
              of[one["remedy"]].success)
        for one in entries
    )  # fmt: skip
    return replace(made, measures=replace(made.measures, measures=measures), offers=offers)


def _measure(remedy: Remedy, made: Problem) -> Measure:
    """A remedy as a measure of one year; its cost in the prices of the programme."""
    price = price_factor(remedy.price_year, made.measures.price_year, made.price_index)
    cost = Cost(remedy.key, "works", remedy.cost_cny_ha * price, remedy.source, remedy.status)
    takes = PerUnit(
        remedy.works_ha, remedy.earthworks_m3, remedy.seedlings, remedy.water_m3, remedy.jobs,
        trained=0.0, infrastructure_km=0.0, households=0.0, carbon_t_per_year=0.0,
    )  # fmt: skip
    return Measure(
        remedy.key, remedy.en, remedy.zh, REMEDY, "ha", "none", False, (),
        (Stage("works", 0, 1),), (cost,), takes,
    )  # fmt: skip


def done_before(question: Mapping[str, Any], works: pd.DataFrame, year: int) -> list[Entry]:
    """Remedies of a question that its plan began before a year."""
    past = works[works["start"] < year]
    begun = set(zip(past["mine_id"], past["measure"], past["start"].astype(int), strict=True))
    return [one for one in question.get("remedies", ())
            if (one["mine"], one["remedy"], one["year"]) in begun]  # fmt: skip


def offered(
    states: MineStates, now: Standing, wanted: NDArray[np.bool_], made: Problem, year: int
) -> list[Entry]:
    """Remedies for mines of the programme that ask for it, with what they would bring.

    Parameters
    ----------
    states, now
    wanted : (mine,) bool
    made : Problem
        Its mines, area still to be restored and horizon count.
    year : int
        First year ahead, in which they would be done.
    """
    area = dict(zip(made.mines.ids.tolist(), made.mines.area_ha.tolist(), strict=True))
    ids = states.mines.mine_id
    here = wanted & np.array([one in area for one in ids], bool)
    prospect = now.prospect(1)
    prospect = replace(prospect, area_ha=np.array([area.get(one, 0.0) for one in ids]))
    ahead = np.arange(year, made.until + 1)
    weights = (1 + made.discount) ** -(ahead - made.years[0]).astype(float)
    paces, without = now.paces, np.asarray(states.mines.kappa_without)
    kappa = paces.kappa + paces.p_failed * (without - paces.kappa)
    at = {one: n for n, one in enumerate(ids)}
    return [
        {
            "mine": row.mine_id, "remedy": row.remedy, "year": year,
            "gain_ha_years": float(row.gain_ha_years), "kappa_now": float(kappa[at[row.mine_id]]),
            "usual": float(prospect.group_kappa[at[row.mine_id]]),
        }
        for row in gains_ha_years(prospect, here, weights).itertuples()
    ]  # fmt: skip


def after_remedies(states: MineStates, done: Iterable[Entry]) -> MineStates:
    """States whose course has changed as the remedies done say.

    Until a remedy shows, the mine goes on at the pace it had; then it begins anew.
    """
    mines, course = states.mines, states.seen.course
    shape = (len(mines.mine_id), len(states.years))
    kappa, level = (_by_year(one, shape) for one in (course.kappa, course.level))
    works, fails = mines.under_works.copy(), np.array(mines.p_fails, float)
    without = np.array(mines.kappa_without, float)
    for one in sorted(done, key=lambda one: (one["year"], one["mine"])):
        if one["mine"] not in mines.mine_id:
            continue
        i, remedy = mines.mine_id.index(one["mine"]), remedies([one["remedy"]])[0]
        shows = min(max(one["year"] + remedy.years - states.years[0], 0), shape[1])
        kappa[i, :shows][works[i, :shows]] = one["kappa_now"]
        works[i] = np.arange(shape[1]) >= shows
        after = remedy.kappa_after(np.array([one["kappa_now"]]), np.array([one["usual"]]))
        kappa[i, shows:] = after[0]
        level[i, shows:] = np.minimum(level[i, shows:] + remedy.level_add, 1.0)
        fails[i], without[i] = 1 - remedy.success, one["kappa_now"]
    return replace(
        states, seen=replace(states.seen, course=replace(course, kappa=kappa, level=level)),
        mines=replace(mines, under_works=works, p_fails=fails, kappa_without=without),
    )  # fmt: skip


def _by_year(values: Any, shape: tuple[int, int]) -> Floats:
    given = np.asarray(values, float)
    return np.array(np.broadcast_to(given[:, None] if given.ndim == 1 else given, shape))


def paces_seen(states: MineStates, repaired: Iterable[str], made: Problem) -> pd.DataFrame:
    """Pace of each measure of the programme as its mines show it.

    Only mines whose measure is on record or in the plan tell of it, and none that was repaired.

    Returns
    -------
    DataFrame
        `measure`, `kappa`, `instead_of`, `mines`, `is_used`: with fewer than `FEWEST` mines seen
        under works the plan keeps the pace it has.
    """
    measure = np.array(states.mines.measure)
    rows = np.array(states.known) & (measure != LEFT_ALONE)
    rows &= ~np.isin(states.mines.mine_id, list(repaired)) & states.mines.under_works[:, -1]
    columns = ["measure", "kappa", "instead_of", "mines", "is_used"]
    if not rows.any():
        return pd.DataFrame(columns=columns)
    part = _part(states, rows)
    paces = stand(*part).paces
    found = []
    for name in sorted(set(measure[rows].tolist())):
        course = made.measures.measures[name].trajectory if name in made.measures.measures else None
        count = int((paces.status[measure[rows] == name] == FitStatus.FITTED).sum())
        if course is not None and count:
            found.append((name, paces.group_kappa[name], course.kappa, count, count >= FEWEST))
    return pd.DataFrame(found, columns=columns)


def _part(states: MineStates, rows: NDArray[np.bool_]) -> tuple[Steered, Seen]:
    """Some of the mines, with what was seen of them."""
    mines, seen, at = states.mines, states.seen, np.flatnonzero(rows)
    shape, course = (len(mines.mine_id), len(states.years)), seen.course
    some = Steered(
        tuple(mines.mine_id[n] for n in at), mines.area_ha[at], mines.target[at],
        tuple(mines.measure[n] for n in at), mines.under_works[at],
        np.asarray(mines.p_fails)[at], np.asarray(mines.kappa_without)[at],
    )  # fmt: skip
    start, start_sd = (np.asarray(one, float)[at] for one in (course.start, course.start_sd))
    kappa, level, q = (_by_year(one, shape)[at] for one in (course.kappa, course.level, course.q))
    return some, Seen(seen.observed[at], seen.noise[at], Course(start, start_sd, kappa, level, q))
