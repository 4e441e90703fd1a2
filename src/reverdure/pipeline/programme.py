"""From a workspace to a programme: what is asked, the problem it makes, the plan that answers."""

import datetime
import threading
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverdure.core.errors import InvalidInput, UnreadableFile
from reverdure.core.files import read_text
from reverdure.core.provenance import digest
from reverdure.core.records import Finding, OnProgress, Progress
from reverdure.pipeline.own_measures import measures_of, own_measures
from reverdure.pipeline.plan_changes import changed_budget, changed_measures, read_change
from reverdure.pipeline.plan_checks import check_requirements
from reverdure.pipeline.plan_fit import fitting
from reverdure.pipeline.plan_sources import costs_of, requirements_of, source_of
from reverdure.pipeline.plan_streams import read_streams
from reverdure.pipeline.plan_targets import with_registry
from reverdure.pipeline.planned_mines import planned_mines
from reverdure.pipeline.saved_plans import SavedPlan
from reverdure.plan.measures import Catalogue
from reverdure.plan.problem import Problem, problem
from reverdure.plan.requirements import Following, Lock
from reverdure.plan.solver import stopping
from reverdure.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from reverdure.plan.programme import Plan

GAP, SECONDS = 1e-3, 120.0


@dataclass(frozen=True)
class Asked:
    """A question put to a workspace, and the problem it makes.

    Attributes
    ----------
    problem : Problem
    question : mapping
        What JSON can hold, to be kept with the plan and asked again.
    inputs : mapping of str to str
        Hashes of mines, measures, commitments, allowed.
    left_out : tuple of Finding
        Mines and targets that are not part of it, and why.
    """

    problem: Problem
    question: Mapping[str, Any]
    inputs: Mapping[str, str]
    left_out: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Reopened:
    """A saved plan that can be asked about.

    Attributes
    ----------
    saved : SavedPlan
    plan : Plan
    changed : tuple of str
        What has changed in the workspace since it was made: mines, measures, commitments.
    """

    saved: SavedPlan
    plan: "Plan"
    changed: tuple[str, ...]


def ask(
    workspace: Workspace,
    question: Mapping[str, Any],
    *,
    allowed: "pd.DataFrame | Callable[[pd.DataFrame, Catalogue], pd.DataFrame] | None" = None,
    day: datetime.date | None = None,
) -> Asked:
    """The problem that a question makes of what the workspace holds now.

    Parameters
    ----------
    workspace : Workspace
    question : mapping
        years, budget (entries as `source_of` takes them), requirements (a tree as
        `requirements_of` takes it), changes, follow, unsurveyed (as `fitting` takes it).
    allowed : DataFrame, callable or None
        Measures that fit each mine, or what gives them from the table of mines and the
        catalogue; None judges by the sites as `fitting` does.
    day : date, optional
        Day at which duties are open; today.

    Raises
    ------
    InvalidInput, UnknownOption, MissingColumn, NoMines
        Where what was given does not fit together, with what to do about it.
    """
    import pandas as pd

    years = tuple(question["years"])
    check_requirements(question["requirements"])
    own = own_measures(workspace)
    measures = measures_of(own)
    found = planned_mines(workspace, measures, years, day or datetime.date.today())
    table, sites = found.table, None
    fits = allowed(table, measures) if callable(allowed) else allowed
    if fits is None:
        wanted = str(question.get("unsurveyed", ""))
        table, fits, sites = fitting(workspace, table, measures, found.commitments, wanted)
    requirements, not_used = with_registry(workspace, question["requirements"], years)
    full = {
        **question,
        "requirements": requirements,
        "measures": own,
        "commitments": [[one.mine, one.measure, one.start] for one in found.commitments],
        "run_id": found.run_id,
        "unknown_recovery": found.unknown_recovery,
        "left_out": len(found.left_out),
        "sites": sites,
    }
    rows = costs_of(requirements)
    made = problem_of(full, table, fits, pd.DataFrame(rows) if rows else None)
    read_streams(requirements, made.measures, made.mines)
    inputs = _inputs(made, full) | {"suitability": digest(fits.to_numpy().tolist())}
    return Asked(made, full, inputs, (*found.left_out, *not_used))


def problem_of(
    question: Mapping[str, Any], mines: "pd.DataFrame", allowed: "pd.DataFrame | None",
    costs: "pd.DataFrame | None",
) -> Problem:  # fmt: skip
    """The problem of a full question on these tables; the same whenever they are the same."""
    changes = [read_change(said) for said in question.get("changes", ())]
    measures = changed_measures(measures_of(question["measures"]), changes)
    said = question["requirements"]
    required, locks = requirements_of(said, changes)
    index = {int(year): float(value) for year, value in said.get("price_index", {}).items()}
    made = problem(
        mines, measures, years=question["years"], allowed=allowed, costs=costs,
        until=said.get("until"), discount=float(said.get("discount", 0.0)), price_index=index,
    )  # fmt: skip
    sources = [source_of(one) for one in changed_budget(question["budget"], changes)]
    commitments = [Lock(mine, measure, start=start, why="commitment")
                   for mine, measure, start in question["commitments"]]  # fmt: skip
    made = (
        made.maximise(said.get("objective", "recovered_ha_years"))
        .within(budget=sources).require(*required).lock(*commitments, *locks)
    )  # fmt: skip
    if question.get("paces") or question.get("remedies"):
        from reverdure.pipeline.remedial import with_reviews

        made = with_reviews(made, question)
    return _following(made, question.get("follow"))


def _following(made: Problem, follow: Mapping[str, Any] | None) -> Problem:
    from dataclasses import replace

    through = follow.get("through") if follow else None
    if not follow or not (follow["price"] or through):
        return made
    starts = tuple((m, k, u, int(t)) for m, k, u, t in follow["starts"])
    return replace(made, before=Following(starts, float(follow["price"]), through))


def follow_of(saved: SavedPlan, price: float | None) -> dict[str, Any]:
    """What a question says of the plan it keeps to: its starts, and the price of changing one."""
    import math

    amount = measures_of(saved.question["measures"]).rules["price_of_change"] if price is None \
        else price  # fmt: skip
    if not (math.isfinite(amount) and amount >= 0):
        raise InvalidInput(f"the price of change is {amount}; allowed is zero or more.")
    starts = saved.works[["mine_id", "measure", "land_use", "start"]].values.tolist()
    # what a review committed stands in every plan that is made from it
    through = saved.question.get("decided")
    return {"plan": saved.name, "version": saved.version, "price": amount, "starts": starts,
            "through": through}  # fmt: skip


def read_requirements(path: Path) -> dict[str, Any]:
    """The tree of a file of requirements.

    Raises
    ------
    UnreadableFile
        If it is not there, or no TOML.
    """
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error}.") from error


def solve(
    made: Problem, seconds: float = SECONDS, gap: float = GAP, on_progress: OnProgress | None = None
) -> "Plan":
    """Solve; Ctrl-C stops the search and gives the best plan so far with its gap.

    Parameters
    ----------
    made : Problem
    seconds : float
        Time limit; the status says whether it was reached.
    gap : float
    on_progress : callable, optional
        Told the seconds gone, of those there are.
    """
    compiled = made.compile().presolve()
    found: list[Plan] = []
    failed: list[BaseException] = []

    def work() -> None:
        from reverdure.plan.search import solve as search

        try:
            found.append(search(compiled, seconds, gap))
        except BaseException as error:  # noqa: BLE001 - it is raised again where people wait
            failed.append(error)

    began, told = time.monotonic(), -1
    with stopping() as stop:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            try:
                thread.join(0.2)
                gone = min(int(time.monotonic() - began), int(seconds))
                if on_progress and gone != told:
                    told = gone
                    on_progress(Progress("solve", gone, max(int(seconds), 1)))
            except KeyboardInterrupt:
                stop.set()
    if failed:
        raise failed[0]
    return found[0]


def reopen(workspace: Workspace, saved: SavedPlan) -> Reopened:
    """A saved plan with its prices and reasons, on the data it was made from.

    Raises
    ------
    InvalidInput
        If this version of the program makes another problem of what was kept.
    """
    import numpy as np

    from reverdure.plan.programme import read_plan
    from reverdure.plan.search import Found
    from reverdure.plan.solver import Answer

    tables = [saved.table(one) if saved.has(one) else None for one in ("mines", "allowed", "costs")]
    made = problem_of(saved.question, *tables)
    if made.fingerprint() != saved.fingerprint:
        raise InvalidInput(
            f"plan {saved.name!r} was made by a version that reckons otherwise: "
            f"{saved.versions.get('reverdure', '-')}.",
            "Plan again: reverdure plan --from NAME --save OTHER",
        )
    compiled = made.compile().presolve()
    with np.load(saved.folder / "solution.npz") as kept:
        arrays = {name: kept[name] for name in kept.files}
    relaxed = None
    if "prices" in arrays:
        value = float(compiled.model.objective @ arrays["relaxed"])
        relaxed = Answer("optimal", arrays["relaxed"], value, value, 0.0, arrays["prices"],
                         arrays["reduced"])  # fmt: skip
    found = Found(
        saved.status, arrays["x"], saved.objective, saved.bound, saved.seconds, relaxed, ()
    )
    return Reopened(saved, read_plan(compiled, found), changed_since(workspace, saved))


def changed_since(workspace: Workspace, saved: SavedPlan) -> tuple[str, ...]:
    """What of a plan's inputs is otherwise in the workspace today: mines, measures ..."""
    bare = {key: value for key, value in saved.question.items() if key != "changes"}
    by_site = saved.question.get("sites") is not None
    allowed = None if by_site else saved.table("allowed")
    try:
        now = ask(workspace, bare, allowed=allowed).inputs
    except InvalidInput:
        return ("mines",)
    return differing(saved.inputs, now)


def differing(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Parts of the inputs that are otherwise now than they were then."""
    return tuple(name for name in sorted(then) if name in now and then[name] != now[name])


def _inputs(made: Problem, question: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of what a plan was made from, part by part."""
    mines = made.mines
    numbers = {name: values.tolist() for name, values in mines.numbers.items()}
    said = [mines.ids.tolist(), mines.county.tolist(), mines.prefecture.tolist(),
            mines.has_owner.tolist(), numbers]  # fmt: skip
    return {
        "mines": digest(said),
        "measures": digest(question["measures"]),
        "commitments": digest(question["commitments"]),
    }


def years_of(said: str) -> tuple[int, ...]:
    """Years of a span as people write it.

    Raises
    ------
    InvalidInput

    Examples
    --------
    >>> years_of("2027-2029")
    (2027, 2028, 2029)
    """
    first, _, last = said.partition("-")
    if not (first.isdigit() and (last or first).isdigit() and len(first) == 4):
        raise InvalidInput(f"years {said!r} cannot be read; write 2027-2031.")
    years: Sequence[int] = range(int(first), int(last or first) + 1)
    if not years or len(years) > 50:
        raise InvalidInput(f"years {said!r} span {len(years)}; a programme has 1 to 50.")
    return tuple(years)
