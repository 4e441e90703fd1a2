"""The yearly review: from what was seen to what the planner is handed, and what was decided.

The planner is a callable, so that any optimiser can stand behind it. Tables go both ways;
only the coming year is ever committed.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reverdure.control.fitting import Paces
from reverdure.control.remedies import candidates
from reverdure.control.standing import LEFT_ALONE, Seen, Steered, stand
from reverdure.control.states import Estimate, Forecast
from reverdure.control.triggers import Watch, watch
from reverdure.core.codes import ChangeCause, FitStatus, Light
from reverdure.core.errors import InvalidInput, MissingColumn
from reverdure.core.provenance import digest

WORKS = ("mine_id", "works", "start_year", "cost_cny")
"""Columns of a programme: `works` is a measure or a remedy."""
CHURN = 0.02
"""Price on changing what people were told, over the median benefit (METHODS 8: 5 % move)."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the planner gets for the rest of the horizon.

    Attributes
    ----------
    year, deadline : int
        First year that can be planned, and the last one.
    fixed : DataFrame
        Works that must stay: begun, under contract, or their year is past.
    previous : DataFrame
        The rest of the programme before; changing it costs `churn` times the median benefit.
    remedies : DataFrame
        Candidates for mines under a red light, as `candidates` gives them.
    kappa : dict of measure to float
        Pace of each measure as re-estimated; only of those seen under works.
    budget_cny : dict of year to float
        Money not yet bound by `fixed`.
    churn : float
    estimate : Estimate
    """

    year: int
    deadline: int
    fixed: pd.DataFrame
    previous: pd.DataFrame
    remedies: pd.DataFrame
    kappa: Mapping[str, float]
    budget_cny: Mapping[int, float]
    churn: float
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Answer:
    """What a planner hands back: the programme for the rest of the horizon, without `fixed`.

    Attributes
    ----------
    programme : DataFrame
        Columns `WORKS`.
    objective, bound : float
        What it reaches, and what none can exceed; NaN where the planner proves nothing.
    """

    programme: pd.DataFrame
    objective: float
    bound: float = float("nan")

    @property
    def gap(self) -> float:
        """Bound less objective over the bound; NaN where nothing is proven."""
        return (self.bound - self.objective) / self.bound if self.bound > 0 else float("nan")


Planner = Callable[[Handover], Answer]


@dataclass(frozen=True, slots=True)
class Review:
    """What a review found, and what it hands to the planner."""

    year: int
    estimate: Estimate
    paces: Paces
    ahead: Forecast
    watch: Watch
    handover: Handover
    inputs: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, on what, and why.

    Attributes
    ----------
    year : int
        The year that is committed.
    inputs : str
        Hash of everything the review and the planner were given.
    objective, bound, gap : float
    committed : DataFrame
        Works of that year; nothing later is bound.
    programme : DataFrame
        The whole programme, for the next review.
    changed : DataFrame
        `mine_id`, `before`, `after`, `cause` (ChangeCause) and `reasons` (keys of Trigger joined
        by ";") of every mine whose works moved.
    lights : dict of str to int
        Mines under each light.
    """

    year: int
    inputs: str
    objective: float
    bound: float
    gap: float
    committed: pd.DataFrame
    programme: pd.DataFrame
    changed: pd.DataFrame
    lights: Mapping[str, int]


def review(
    year: int,
    deadline: int,
    mines: Steered,
    seen: Seen,
    programme: pd.DataFrame,
    budget_cny: Mapping[int, float],
    contracted: frozenset[str] = frozenset(),
) -> Review:
    """Filter, estimate the paces again, look for triggers, and say what can be done.

    Parameters
    ----------
    year : int
        First year that can still be planned; observations end the year before.
    deadline : int
        Year the targets hold for.
    mines : Steered
    seen : Seen
    programme : DataFrame
        Columns `WORKS`, past works included; a mine may stand in it more than once.
    budget_cny : mapping of year to float
        All money of each year from `year` on, that of fixed works included.
    contracted : frozenset of str
        Mines whose later works are under contract and stay.

    Returns
    -------
    Review

    Raises
    ------
    InvalidInput
        If mines, years or money do not fit: an unknown or doubled mine, missing or negative
        cost, a deadline that is past, fixed works that cost more than there is.
    MissingColumn

    Examples
    --------
    See `docs/steering.md`.
    """
    rest = _checked(year, deadline, mines, seen, programme, budget_cny)
    inputs = _hash(year, deadline, mines, seen, programme, budget_cny, contracted)
    now = stand(mines, seen)
    paces, prospect = now.paces, now.prospect(deadline - year + 1)
    ahead = prospect.ahead()
    begun = mines.under_works[:, -1]
    since = np.where(begun, np.argmax(mines.under_works, axis=1), 0)
    found = watch(now.planned, ahead, seen.surveyed, seen.works, since)
    treated = np.array([name != LEFT_ALONE for name in mines.measure])
    options = candidates(prospect, (found.light == Light.RED) & begun & treated)
    is_fixed = (programme["start_year"] < year) | programme["mine_id"].isin(contracted)
    fixed, previous = programme[is_fixed], programme[~is_fixed]
    bound_up = fixed.groupby("start_year")["cost_cny"].sum()
    free = {one: money - float(bound_up.get(one, 0.0)) for one, money in rest.items()}
    short = [one for one, money in free.items() if money < -1e-6]
    if short:
        raise InvalidInput(
            f"works under contract in {short[0]} cost {-free[short[0]]:.0f} more than there is.",
            "Raise the budget of that year or release a contract.",
        )
    handover = Handover(
        year, deadline, fixed.reset_index(drop=True), previous.reset_index(drop=True), options,
        _measured(paces, now.group), free, CHURN,
        now.estimate,
    )  # fmt: skip
    return Review(year, now.estimate, paces, ahead, found, handover, inputs)


def decide(found: Review, mines: Steered, planner: Planner) -> Decision:
    """Let the planner plan the rest of the horizon, check it, and commit the coming year.

    Raises
    ------
    InvalidInput
        If the planner's programme breaks a rule: works in the past, a second start of a mine, a
        remedy that was not offered, more money in a year than there is.
    MissingColumn
    """
    handover = found.handover
    answer = planner(handover)
    _obeys(answer.programme, handover, mines)
    whole = pd.concat([handover.fixed, answer.programme[list(WORKS)]], ignore_index=True)
    whole = whole.sort_values(["start_year", "mine_id", "works"], ignore_index=True)
    lights = {
        light.key: int((found.watch.light == light).sum()) for light in Light
    }  # fmt: skip
    return Decision(
        found.year, found.inputs, answer.objective, answer.bound, answer.gap,
        whole[whole["start_year"] == found.year].reset_index(drop=True), whole,
        _changes(found, mines, answer.programme), lights,
    )  # fmt: skip


def _measured(paces: Paces, group: Sequence[str]) -> dict[str, float]:
    """Pace of each measure of which a mine was seen under works; of others nothing is known."""
    seen = {name for name, status in zip(group, paces.status, strict=True)
            if status == FitStatus.FITTED}  # fmt: skip
    return {name: paces.group_kappa[name] for name in sorted(seen - {"none", LEFT_ALONE})}


def _checked(
    year: int, deadline: int, mines: Steered, seen: Seen, programme: pd.DataFrame,
    budget_cny: Mapping[int, float],
) -> dict[int, float]:  # fmt: skip
    """Money of the years that are left; everything that cannot be is refused."""
    if deadline < year:
        raise InvalidInput(f"the deadline {deadline} lies before {year}, the first year to plan.")
    count = len(mines.mine_id)
    if len(set(mines.mine_id)) != count or len(mines.measure) != count:
        raise InvalidInput(
            f"{count} mines have {len(set(mines.mine_id))} different ids and {len(mines.measure)} "
            "measures."
        )
    if seen.observed.shape[:1] != (count,):
        raise InvalidInput(f"there are {count} mines, observed were {seen.observed.shape[0]}.")
    area = np.asarray(mines.area_ha, float)
    if area.shape != (count,) or not (area > 0).all():
        raise InvalidInput("every mine needs an area above 0 ha.")
    _has_columns(programme)
    unknown = sorted(set(programme["mine_id"]) - set(mines.mine_id))
    if unknown:
        raise InvalidInput(
            f"the programme names {len(unknown)} mines that are not steered, first {unknown[0]}."
        )
    cost = programme["cost_cny"].to_numpy(float)
    if not (np.isfinite(cost) & (cost >= 0)).all():
        raise InvalidInput("a cost in the programme is missing or below 0.")
    rest = {one: float(budget_cny.get(one, 0.0)) for one in range(year, deadline + 1)}
    if not all(np.isfinite(money) and money >= 0 for money in rest.values()):
        raise InvalidInput("the budget of a year is missing or below 0.")
    return rest


def _has_columns(programme: pd.DataFrame) -> None:
    lacking = [name for name in WORKS if name not in programme]
    if lacking:
        raise MissingColumn(
            f"the programme has no column {', '.join(lacking)}.", f"It needs {', '.join(WORKS)}."
        )


def _obeys(programme: pd.DataFrame, handover: Handover, mines: Steered) -> None:
    """Check a planner's programme by rules that share nothing with its model."""
    _has_columns(programme)
    cost = programme["cost_cny"].to_numpy(float)
    if not (np.isfinite(cost) & (cost >= 0)).all():
        raise InvalidInput("the planner gives works a cost that is missing or below 0.")
    if (programme["start_year"] < handover.year).any():
        raise InvalidInput(f"the planner starts works before {handover.year}.")
    if set(programme["mine_id"]) - set(mines.mine_id):
        raise InvalidInput("the planner plans for a mine that is not steered.")
    twice = programme["mine_id"][programme["mine_id"].duplicated()]
    if len(twice):
        raise InvalidInput(f"the planner starts {twice.iloc[0]} more than once.")
    offered = set(zip(handover.remedies["mine_id"], handover.remedies["remedy"], strict=True))
    begun = set(handover.fixed["mine_id"])
    asked = zip(programme["mine_id"], programme["works"], strict=True)
    wrong = [pair for pair in asked if pair[0] in begun and pair not in offered]
    if wrong:
        raise InvalidInput(
            f"the planner plans {wrong[0][1]} for {wrong[0][0]}, whose works are fixed, and no "
            "such remedy was offered."
        )
    for year, cost in programme.groupby("start_year")["cost_cny"].sum().items():
        there = handover.budget_cny.get(year, 0.0)
        if not cost <= there * (1 + 1e-9) + 1e-6:
            raise InvalidInput(f"the planner spends {cost:.0f} in {year}, there are {there:.0f}.")


def _changes(found: Review, mines: Steered, after: pd.DataFrame) -> pd.DataFrame:
    """Every mine whose works are others than before, with the cause."""
    place = {mine_id: i for i, mine_id in enumerate(mines.mine_id)}
    old, new = _works_of(found.handover.previous), _works_of(after)
    remedies = set(found.handover.remedies["remedy"])
    rows = []
    for mine_id in sorted(old.keys() | new.keys()):
        before, now = old.get(mine_id), new.get(mine_id)
        if before == now:
            continue
        reasons = found.watch.reasons(place[mine_id])
        begun = bool(mines.under_works[place[mine_id], -1])
        cause = _cause(before, now, bool(reasons) and begun, remedies)
        rows.append((
            mine_id, _said(before), _said(now), cause.key, ";".join(one.key for one in reasons),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=["mine_id", "before", "after", "cause", "reasons"])


def _cause(
    before: tuple[str, int] | None, now: tuple[str, int] | None, fired: bool, remedies: set[str]
) -> ChangeCause:
    if now is not None and now[0] in remedies:
        return ChangeCause.REMEDY
    if fired:
        return ChangeCause.TRIGGER
    if before is None:
        return ChangeCause.ADDED
    if now is None:
        return ChangeCause.DROPPED
    return ChangeCause.POSTPONED if before[0] == now[0] else ChangeCause.OTHER_WORKS


def _works_of(programme: pd.DataFrame) -> dict[str, tuple[str, int]]:
    rows = zip(programme["mine_id"], programme["works"], programme["start_year"], strict=True)
    return {mine_id: (works, int(year)) for mine_id, works, year in rows}


def _said(works: tuple[str, int] | None) -> str:
    return f"{works[0]} {works[1]}" if works else ""


def _hash(
    year: int, deadline: int, mines: Steered, seen: Seen, programme: pd.DataFrame,
    budget_cny: Mapping[int, float], contracted: frozenset[str],
) -> str:  # fmt: skip
    """Hash of all inputs, the same whatever the order of the mines."""
    order = np.argsort(np.array(mines.mine_id))
    steps = seen.course.by_year(*seen.observed.shape[:2])
    arrays = [
        seen.observed, np.broadcast_to(seen.noise, seen.observed.shape), *steps,
        seen.course.first(len(order)).T, np.asarray(mines.area_ha, float),
        np.asarray(mines.target, float), mines.under_works.astype(float),
        np.asarray(mines.p_fails, float), np.asarray(mines.kappa_without, float),
        *(np.asarray(seen.surveyed[name], float) for name in sorted(seen.surveyed)),
    ]  # fmt: skip
    if seen.works:
        works = (seen.works.planned, seen.works.earned, seen.works.spent)
        arrays += [np.asarray(one, float) for one in works]
    state = hashlib.sha256()
    for array in arrays:
        state.update(np.ascontiguousarray(np.asarray(array, "<f8")[order]).tobytes())
    rows = sorted(
        [str(row.mine_id), str(row.works), int(row.start_year), float(row.cost_cny)]
        for row in programme.itertuples()
    )
    return digest({
        "year": year, "deadline": deadline, "mines": [mines.mine_id[i] for i in order],
        "measures": [mines.measure[i] for i in order], "arrays": state.hexdigest(),
        "surveyed": sorted(seen.surveyed), "programme": rows,
        "budget": {str(one): float(money) for one, money in budget_cny.items()},
        "contracted": sorted(contracted),
    })  # fmt: skip
