"""The yearly review of a saved plan: what was seen, what is likely, what was decided."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reverdure.control.remedies import candidates, remedies
from reverdure.control.standing import LEFT_ALONE, Standing, stand
from reverdure.control.states import Floats
from reverdure.control.triggers import HARD, RED, Watch, watch
from reverdure.core.codes import ChangeCause, ForecastStatus, Light, PlanStatus, Trigger
from reverdure.core.errors import InvalidInput
from reverdure.core.files import atomic
from reverdure.core.provenance import digest
from reverdure.core.steer_fields import PACES, PLAN_CHANGES, REMEDIES, STEERED
from reverdure.pipeline.forecast import TARGET, forecast_numbers
from reverdure.pipeline.mine_states import MineStates, mine_states
from reverdure.pipeline.own_measures import measures_of
from reverdure.pipeline.programme import reopen, solve
from reverdure.pipeline.remedial import (
    Entry,
    after_remedies,
    done_before,
    offered,
    paces_seen,
    with_reviews,
)
from reverdure.pipeline.saved_plans import SavedPlan, load_plan, save_plan
from reverdure.pipeline.site_limits import surveyed
from reverdure.plan.comparing import compare
from reverdure.plan.problem import Problem
from reverdure.plan.requirements import Following
from reverdure.store.records import Author
from reverdure.store.workspace import Workspace

if TYPE_CHECKING:
    from reverdure.plan.programme import Plan

SECONDS, GAP = 120.0, 1e-3
_MENDED = tuple(one for one in RED if one not in HARD)
"""Triggers that a remedy of the table can answer."""
_CAUSES = {
    "added": ChangeCause.ADDED,
    "dropped": ChangeCause.DROPPED,
    "other_year": ChangeCause.POSTPONED,
}


@dataclass(frozen=True)
class Steering:
    """What a review found and proposes; nothing is decided by it.

    Attributes
    ----------
    year : int
        First year that can still be planned, and the only one that is committed.
    by : int
        Deadline of the forecast.
    saved : SavedPlan
        The plan under review.
    changed : tuple of str
        What of its inputs is otherwise in the workspace today; the plan's own are steered by.
    states : MineStates
    mines, remedies, paces, changes : DataFrame
        `STEERED`, `REMEDIES`, `PACES`, `PLAN_CHANGES`.
    lights : mapping of str to int
        Mines with works under each light.
    plan : Plan
        The rest of the horizon planned again.
    works : DataFrame
        Starts of the year: what a commitment binds.
    question : mapping
        That the new plan answers.
    inputs : str
        Hash of everything the review and the planner were given.
    """

    year: int
    by: int
    saved: SavedPlan
    changed: tuple[str, ...]
    states: MineStates
    mines: pd.DataFrame
    remedies: pd.DataFrame
    paces: pd.DataFrame
    changes: pd.DataFrame
    lights: Mapping[str, int]
    plan: "Plan"
    works: pd.DataFrame
    question: Mapping[str, Any]
    inputs: str

    @property
    def decision(self) -> dict[str, Any]:
        """The decision record, as JSON holds it."""
        works = self.works[["mine_id", "measure", "land_use", "start", "cost_mcny"]]
        chosen = self.remedies["in_plan"].astype(bool)
        return {
            "year": self.year, "deadline": self.by, "plan": self.saved.name,
            "from_version": self.saved.version, "run_id": self.states.run_id,
            "inputs": self.inputs, "fingerprint": self.plan.fingerprint,
            "status": self.plan.status.key, "objective": self.plan.objective,
            "bound": self.plan.bound, "gap": self.plan.gap, "lights": dict(self.lights),
            "committed": _records(works), "remedies": _records(self.remedies[chosen]),
            "paces": _records(self.paces), "changed": _records(self.changes),
        }  # fmt: skip


def steer(
    workspace: Workspace, year: int, plan: str = "base", *, by: int = 0, target: float = TARGET,
    seconds: float = SECONDS, gap: float = GAP,
) -> Steering:  # fmt: skip
    """Review a saved plan at the beginning of a year and plan the rest of it again.

    Parameters
    ----------
    workspace : Workspace
    year : int
        First year that can still be planned; imagery up to the year before is looked at.
    plan : str
        Name of a saved plan.
    by : int
        Deadline of the forecast; 0 for the last year recovered ha-years are counted in.
    target : float
        Recovered share asked for at the deadline.
    seconds, gap : float
        Of the solver.

    Returns
    -------
    Steering
        Starts before `year` stand as they were planned; each start that is changed has a price.

    Raises
    ------
    InvalidInput
        If the year is not one of the plan's, was decided already, or nothing can be planned.
    NotFound
        If there is no such plan, or nothing was measured.
    """
    saved = load_plan(workspace, plan)
    opened = reopen(workspace, saved)
    made = opened.plan.compiled.problem
    if year not in made.years:
        raise InvalidInput(
            f"{year} is not a year of plan {saved.name!r}, which goes from {made.years[0]} to "
            f"{made.years[-1]}."
        )
    if _decision_file(workspace, saved.name, year).is_file():
        raise InvalidInput(
            f"the year {year} of plan {saved.name!r} was decided already.",
            f"Its works are under contract; the next review is that of {year + 1}.",
        )
    works = opened.plan.works
    land = {one.id for one in made.measures.measures.values() if one.trajectory is not None}
    past = works[(works["start"] < year) & works["measure"].isin(land)]
    begun = {row.mine_id: (int(row.start), row.measure) for row in past.itertuples()}
    done = done_before(saved.question, works, year)
    measures = measures_of(saved.question["measures"])
    seen = mine_states(workspace, target, year - 1, begun, measures)
    states = after_remedies(seen, done)
    deadline = by or made.until
    if deadline < year:
        raise InvalidInput(f"the deadline {deadline} lies before {year}, the first year to plan.")
    now = stand(states.mines, states.seen)
    limits = surveyed(workspace, states, year)
    mines, helpful, lights = _looked(states, now, deadline, target, limits)
    red = np.isin(states.mines.mine_id, helpful["mine_id"])
    offers = offered(states, now, red, made, year)
    paces = PACES.frame(paces_seen(states, [one["mine"] for one in done], made).to_dict("records"))
    question = _question(saved, works, year, [*done, *offers], paces)
    again = _again(made, states, now, set(works[works["start"] < year]["mine_id"]), question)
    new = solve(again, seconds, gap)
    if not new.has_works or new.status is PlanStatus.INFEASIBLE:
        raise InvalidInput(
            f"the rest of plan {saved.name!r} cannot be planned again: {new.status.en}.",
            "Give it more time, or ask what cannot hold together: reverdure plan --from NAME",
        )
    changes = _changes(opened.plan, new, mines)
    coming = new.works[new.works["start"] == year].reset_index(drop=True)
    inputs = digest([again.fingerprint(), _said(mines), year, deadline, target])
    return Steering(
        year, deadline, saved, opened.changed, states, mines, _told(helpful, offers, coming),
        paces, changes, lights, new, coming, question, inputs,
    )  # fmt: skip


def commit(workspace: Workspace, found: Steering, author: Author) -> tuple[SavedPlan, Path]:
    """Keep the new plan and the decision record: the works of the year are bound from now on.

    Later reviews hold them fixed. What comes after the year stays open.

    Raises
    ------
    InvalidInput
        If nobody answers for it, the year was decided meanwhile, or the plan was.
    """
    if not author.person.strip():
        raise InvalidInput("who answers for this decision is not said.", "Add --by NAME.")
    path = _decision_file(workspace, found.saved.name, found.year)
    with workspace.writing():
        if path.is_file() or load_plan(workspace, found.saved.name).version != found.saved.version:
            raise InvalidInput(
                f"plan {found.saved.name!r} was changed or decided since this review.",
                "Review again: reverdure steer",
            )
    question = {**found.question, "decided": found.year}
    kept = save_plan(
        workspace, found.saved.name, found.plan, question, author, base=found.saved.name,
        inputs=found.saved.inputs, replace=True,
    )  # fmt: skip
    record = found.decision | {
        "version": kept.version, "at": kept.saved_at, "person": author.person, "why": author.why,
    }  # fmt: skip
    with workspace.writing(), workspace.database.transaction(
        "steer", plan=kept.name, version=kept.version, year=found.year, inputs=found.inputs,
        committed=len(found.works), changed=len(found.changes), person=author.person,
    ):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary:
            text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
            temporary.write_text(text, encoding="utf-8")
    return kept, path


def write_review(path: Path, found: Steering) -> Path:
    """Write the review as a workbook: mines, remedies, changes, paces."""
    from reverdure.publish.sheets import write_sheets

    if path.suffix.lower() != ".xlsx":
        raise InvalidInput(f"{path.name} must end in .xlsx.")
    tables = ((STEERED, found.mines), (REMEDIES, found.remedies),
              (PLAN_CHANGES, found.changes), (PACES, found.paces))  # fmt: skip
    write_sheets(path, [(table.name, rows, tuple(table)) for table, rows in tables])
    return path


def _decision_file(workspace: Workspace, plan: str, year: int) -> Path:
    return workspace.products / "decisions" / f"{plan}-{year}.json"


def _looked(
    states: MineStates, now: Standing, deadline: int, target: float, limits: Mapping[str, Floats]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """State, forecast, light and reasons of every mine, and what would help those under red."""
    prospect = now.prospect(deadline - states.years[-1])
    ahead = prospect.ahead()
    treated = np.array([name != LEFT_ALONE for name in states.mines.measure])
    began = np.where(treated, np.argmax(states.mines.under_works, axis=1), 0)
    seen = watch(now.planned, ahead, limits, since=began)
    # what lies beyond a hard limit is red, and no remedy here mends it
    red = np.any([seen.fired[:, n] for n, one in enumerate(Trigger) if one in _MENDED], axis=0)
    red &= treated & np.isfinite(states.mines.area_ha)
    red &= np.array([one is ForecastStatus.FORECAST for one in states.status])
    # a remedy that does not show yet is waited for
    red &= states.mines.under_works[:, -1]
    rows = [
        {
            "mine_id": mine_id,
            "name": states.names[n],
            "county": states.counties[n],
            "measure": states.mines.measure[n],
            **(_light(states.status[n], seen, n) if treated[n] else {}),
            **forecast_numbers(
                states.status[n], deadline, target, float(now.estimate.mean[n, -1]), ahead, n
            ),
        }
        for n, mine_id in enumerate(states.mines.mine_id)
    ]
    mines = STEERED.frame(rows)
    lights = {one.key: int((mines["light"] == one.key).sum()) for one in Light}
    return mines, candidates(prospect, red), lights


def _told(helpful: pd.DataFrame, offers: list[Entry], coming: pd.DataFrame) -> pd.DataFrame:
    """What would help the mines under red, what the plan was offered of it and what it does."""
    success = {one.key: one.success for one in remedies()}
    gains = {(one["mine"], one["remedy"]): one["gain_ha_years"] * success[one["remedy"]]
             for one in offers}  # fmt: skip
    begun = set(zip(coming["mine_id"], coming["measure"], strict=True))
    rows = []
    for row in helpful.to_dict("records"):
        key = row["mine_id"], row["remedy"]
        known = {"gain_ha_years": gains[key]} if key in gains else {}
        rows.append(row | known | {"in_plan": key in begun})
    return REMEDIES.frame(rows)


def _light(status: ForecastStatus, seen: Watch, n: int) -> dict[str, str]:
    """What was never seen has no light but grey, whatever its course as planned would say.

    What a survey measured beyond a hard limit is seen.
    """
    reasons = seen.reasons(n)
    if status is not ForecastStatus.FORECAST:
        reasons = tuple(one for one in reasons if one in HARD)
        if not reasons:
            return {"light": Light.NOT_OBSERVED.key, "sign": Light.NOT_OBSERVED.sign}
    light = Light.from_number(int(seen.light[n]))
    return {
        "light": light.key,
        "sign": light.sign,
        "reasons": "; ".join(one.label("en") for one in reasons),
        "reasons_zh": "；".join(one.label("zh") for one in reasons),
    }


def _question(
    saved: SavedPlan, works: pd.DataFrame, year: int, repairs: list[Entry], paces: pd.DataFrame
) -> dict[str, Any]:
    """The question of the plan, kept to: what was begun stands, other changes have a price.

    With the remedies done and offered, and the paces that rest on mines enough.
    """
    price = (saved.question.get("follow") or {}).get("price", 0.0) or _price(saved)
    starts = works[["mine_id", "measure", "land_use", "start"]].values.tolist()
    follow = {"plan": saved.name, "version": saved.version, "price": price, "starts": starts,
              "through": year - 1}  # fmt: skip
    used = paces[paces["is_used"].astype(bool)].set_index("measure")
    known = saved.question.get("paces", {}) | used[["kappa", "mines"]].to_dict("index")
    reviews = {"remedies": repairs, "paces": known}
    asked = {k: v for k, v in saved.question.items() if k not in reviews}
    return {**asked, **{k: v for k, v in reviews.items() if v}, "follow": follow}


def _price(saved: SavedPlan) -> float:
    return measures_of(saved.question["measures"]).rules["price_of_change"]


def _again(
    made: Problem, states: MineStates, now: Standing, begun: set[str], question: Mapping[str, Any]
) -> Problem:
    """The plan's problem with recovery as it is estimated now, where no works have begun."""
    place = {mine_id: n for n, mine_id in enumerate(states.mines.mine_id)}
    recovery = made.mines.numbers["recovery"].copy()
    for row, mine_id in enumerate(made.mines.ids):
        n = place.get(str(mine_id))
        if n is not None and mine_id not in begun and states.status[n] is ForecastStatus.FORECAST:
            recovery[row] = np.clip(now.estimate.mean[n, -1], 0.0, 1.0)
    mines = replace(
        made.mines, numbers={**made.mines.numbers, "recovery": recovery},
        assumed=tuple(one for one in made.mines.assumed if one != "recovery"),
    )  # fmt: skip
    follow = question["follow"]
    starts = tuple((m, k, u, int(t)) for m, k, u, t in follow["starts"])
    before = Following(starts, float(follow["price"]), int(follow["through"]))
    return with_reviews(replace(made, mines=mines, before=before), question)


def _changes(before: "Plan", after: "Plan", mines: pd.DataFrame) -> pd.DataFrame:
    """Every mine whose works moved, with the cause and the part of its value that moved it."""
    fired = set(mines["mine_id"][mines["reasons"].fillna("") != ""])
    repairs, rows = {one.key for one in remedies()}, []
    for row in compare(before, after).moved.to_dict("records"):
        cause = _CAUSES.get(row["change"], ChangeCause.OTHER_WORKS)
        if row["mine_id"] in fired:
            cause = ChangeCause.TRIGGER
        if row["measure_after"] in repairs:
            cause = ChangeCause.REMEDY
        rows.append({
            "mine_id": row["mine_id"], "before": _start(row, "before"),
            "after": _start(row, "after"), "why": row["why"],
            "cause": cause.key, "cost_mcny": row["cost_mcny"], "benefit": row["benefit"],
        })  # fmt: skip
    return PLAN_CHANGES.frame(rows)


def _start(row: Mapping[str, Any], side: str) -> str:
    if pd.isna(row[f"start_{side}"]):
        return ""
    parts = (row[f"measure_{side}"], row[f"land_use_{side}"], int(row[f"start_{side}"]))
    return " ".join(str(one) for one in parts if one)


def _records(table: pd.DataFrame) -> Any:
    return json.loads(table.to_json(orient="records", force_ascii=False))


def _said(mines: pd.DataFrame) -> list[str]:
    """Rows in words, for a hash."""
    return [str(row) for row in mines.astype(str).to_dict("records")]
