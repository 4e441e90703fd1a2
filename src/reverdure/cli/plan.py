"""`reverdure plan`, `compare`, `why`, `plans`: the programme of a workspace."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.plan_words import (
    say_budget,
    say_changed,
    say_changed_base,
    say_comparison,
    say_conflict,
    say_left_out,
    say_plan,
    say_requirement_costs,
    say_side_by_side,
    say_streams,
    say_why,
    write_book,
)
from reverdure.cli.records import By, Unit, Why
from reverdure.cli.screen import area_shown, language, progress, say, table, words
from reverdure.core.codes import PlanStatus
from reverdure.core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from reverdure.pipeline.programme import Asked, Reopened
    from reverdure.pipeline.saved_plans import SavedPlan
    from reverdure.store.workspace import Workspace

PlanOption = Annotated[str, typer.Option("--plan", help="Plan asked about. / 方案名称")]


def plan(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    workspace: WorkspaceOption,
    years: Annotated[str, typer.Option(help="Years of it, 2027-2031. / 规划年份")] = "",
    within: Annotated[
        Path | None,
        typer.Option(help="Table of money, .xlsx or .csv. / 资金表,.xlsx 或 .csv"),
    ] = None,
    require: Annotated[
        Path | None, typer.Option(help="What is asked of it, .toml. / 目标要求,.toml")
    ] = None,
    base: Annotated[
        str, typer.Option("--from", help="Saved plan to begin from. / 以已存方案为基础")
    ] = "",
    change: Annotated[
        list[str] | None,
        typer.Option(
            help='Another circumstance, "budget[2028] * 0.8"; repeatable. / 条件变化,可重复'
        ),
    ] = None,
    price_of_change: Annotated[
        float | None,
        typer.Option(
            "--change-price",
            help="With --from: price of each start that is changed, in median benefits; .0165."
            " / 变更代价",
        ),
    ] = None,
    save: Annotated[str, typer.Option(help="Keep it under this name. / 存为")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Even where the name is taken. / 同名时更新")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write its tables here, .xlsx. / 输出工作簿,.xlsx")
    ] = None,
    time_limit: Annotated[
        float, typer.Option(help="Seconds it may take. / 求解时限(秒)", min=0.0)
    ] = 120.0,
    gap: Annotated[
        float, typer.Option(help="Distance from the best that will do. / 允许间隙", min=0.0)
    ] = 1e-3,
    unsurveyed: Annotated[
        str,
        typer.Option(
            help="Sites with unknown factors: allow, or survey. / 缺调查时 allow 或 survey"
        ),
    ] = "",
    costs: Annotated[
        bool, typer.Option("--costs", help="What each requirement costs. / 各项要求的代价")
    ] = False,
    unit: Unit = "ha",
    by: By = "",
    why: Why = "",
) -> None:
    """Plan what to restore, how, when and paid by whom. / 编制修复方案"""
    from reverdure.pipeline.plan_streams import streams_of
    from reverdure.pipeline.programme import ask, solve
    from reverdure.pipeline.saved_plans import checked_name, save_plan
    from reverdure.store.records import Author
    from reverdure.store.workspace import Workspace

    shown = area_shown(unit)
    if out is not None and out.suffix.lower() != ".xlsx":
        raise InvalidInput(f"{out.name} must end in .xlsx.")
    if save:
        checked_name(save)
    opened = Workspace.open(workspace)
    question = _question(opened, years, within, require, base, change or [], price_of_change)
    if unsurveyed:
        question["unsurveyed"] = unsurveyed
    asked = ask(opened, question)
    say_left_out(asked)
    if base:
        _name_changes(opened, base, asked)
    with progress() as on_progress:
        found = solve(asked.problem, time_limit, gap, on_progress)
    if found.status is PlanStatus.INFEASIBLE:
        say_conflict(asked.problem, found.status)
        raise typer.Exit(1)
    say_plan(found, shown)
    if not found.has_works:
        raise typer.Exit(1)
    streams = streams_of(found, asked.question)
    say_streams(streams, found)
    if costs:
        say_requirement_costs(found)
    if out is not None:
        write_book(out, found, streams)
        say("plan.written", path=out)
    if save:
        author = Author(by or getpass.getuser(), why, f"plan {save}")
        kept = save_plan(opened, save, found, asked.question, author, base=base,
                         inputs=asked.inputs, replace=replace)  # fmt: skip
        say("plan.saved", name=kept.name, version=kept.version)
    else:
        say("plan.not_saved")


def _question(
    opened: "Workspace", years: str, within: Path | None, require: Path | None, base: str,
    changes: list[str], price: float | None,
) -> dict[str, Any]:  # fmt: skip
    """What is asked: all of it, or a saved question with other parts."""
    from reverdure.pipeline.plan_changes import read_change
    from reverdure.pipeline.programme import follow_of, read_requirements, years_of
    from reverdure.pipeline.saved_plans import load_plan

    for said in changes:
        read_change(said)
    if price is not None and not base:
        raise InvalidInput("--change-price keeps to a plan; it needs --from.")
    question: dict[str, Any] = {"requirements": {}, "changes": []}
    if base:
        saved = load_plan(opened, base)
        question = {**saved.question, "follow": follow_of(saved, price)}
    elif not years or within is None:
        raise InvalidInput(
            "a plan needs its years and its money.",
            "Say --years 2027-2031 --within FILE, or --from PLAN.",
        )
    if years:
        question["years"] = list(years_of(years))
    if within is not None:
        question["budget"] = _budget(within, question["years"])
    if require is not None:
        question["requirements"] = read_requirements(require)
    question["changes"] = [*question["changes"], *changes]
    return question


def _name_changes(opened: "Workspace", base: str, asked: "Asked") -> None:
    """Say which data are others than when the plan to begin from was made."""
    from reverdure.pipeline.programme import changed_since, differing
    from reverdure.pipeline.saved_plans import load_plan

    saved = load_plan(opened, base)
    same = all(
        asked.question.get(key) == saved.question.get(key) for key in ("years", "unsurveyed")
    )
    parts = differing(saved.inputs, asked.inputs) if same else changed_since(opened, saved)
    say_changed_base(saved, parts)


def _budget(path: Path, years: list[int]) -> list[dict[str, Any]]:
    from reverdure.intake.budgets import read_budget
    from reverdure.pipeline.plan_sources import budget_of

    read = budget_of(read_budget(path), years)
    say_budget(path.name, read)
    if read.refused:
        raise InvalidInput(
            f"{len(read.refused)} rows of {path.name} cannot be used; money is never guessed.",
            "Correct them, or take them out.",
        )
    return [dict(source) for source in read.sources]


def compare(
    before: Annotated[str, typer.Argument(help="Plan before. / 原方案")],
    after: Annotated[list[str], typer.Argument(help="Plan after, or several. / 新方案,可多个")],
    workspace: WorkspaceOption,
    unit: Unit = "ha",
) -> None:
    """Two plans side by side: what moved, where, why, what it costs. / 方案对比"""
    from reverdure.plan.comparing import compare as side_by_side
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    shown = area_shown(unit)
    one, *others = [_reopened(opened, name) for name in (before, *after)]
    if len(others) == 1:
        say_comparison(one, others[0], side_by_side(one.plan, others[0].plan), shown)
    else:
        say_side_by_side([one, *others], shown)


def why(
    mine_id: Annotated[str, typer.Argument(help="Id of the mine. / 矿山编号")],
    workspace: WorkspaceOption,
    plan: PlanOption,
) -> None:
    """Why this measure on this mine, why then, what would change it. / 解释安排理由"""
    from reverdure.pipeline.programme import ask
    from reverdure.plan.answers import why as reasons
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    found = _reopened(opened, plan)
    try:
        said = reasons(found.plan, mine_id)
    except NotFound:
        left_out = [one for one in ask(opened, found.saved.question).left_out if one.id == mine_id]
        if not left_out:
            raise
        reason = left_out[0].message_zh if language() == "zh" else left_out[0].message
        say("plan.not_part", mine=mine_id, reason=reason)
    else:
        say_why(said)


def plans(workspace: WorkspaceOption) -> None:
    """List the plans that were kept. / 已存方案清单"""
    from reverdure.pipeline.saved_plans import plans_of
    from reverdure.store.workspace import Workspace

    found = plans_of(Workspace.open(workspace))
    headings = ("name", "version", "base", "state", "gap", "at", "person")
    table([words(f"plan.{one}") for one in headings], [_row(one) for one in found])


def _row(saved: "SavedPlan") -> list[object]:
    return [saved.name, saved.version, saved.base or "-", saved.status.label(language()),
            f"{saved.gap:.3%}", saved.saved_at[:10], saved.person]  # fmt: skip


def _reopened(opened: "Workspace", name: str) -> "Reopened":
    from reverdure.pipeline.programme import reopen
    from reverdure.pipeline.saved_plans import load_plan

    found = reopen(opened, load_plan(opened, name))
    say_changed(found)
    return found
