"""`reverdure steer`: the yearly review of a plan; it shows first and asks before it commits."""

import getpass
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.forecast import Target
from reverdure.cli.plan_words import say_objective_parts
from reverdure.cli.records import By, Why
from reverdure.cli.screen import language, say, words
from reverdure.core.codes import ChangeCause, Light
from reverdure.core.errors import InvalidInput
from reverdure.core.messages import message_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverdure.pipeline.steering import Steering

_MOST = 20


def steer(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    workspace: WorkspaceOption,
    year: Annotated[int, typer.Option(help="First year that can still be planned. / 复核年份")],
    plan: Annotated[str, typer.Option(help="Saved plan. / 方案名称")] = "base",
    deadline: Annotated[
        int, typer.Option(help="Of the forecast; 0: as the plan counts. / 预测截止年份")
    ] = 0,
    target: Target = 0.75,
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit the year without asking. / 不询问直接承诺")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show only, do not ask. / 仅显示")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the review here, .xlsx. / 输出工作簿")
    ] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds it may take. / 求解时限(秒)")] = 120.0,
    by: By = "",
    why: Why = "",
) -> None:
    """Review a plan by what was seen, plan the rest again, commit one year. / 年度复核与调整"""
    from reverdure.pipeline.steering import commit as committed
    from reverdure.pipeline.steering import steer as review
    from reverdure.pipeline.steering import write_review
    from reverdure.store.records import Author
    from reverdure.store.workspace import Workspace

    if commit and dry_run:
        raise InvalidInput("--commit and --dry-run were both given.", "Leave one of them out.")
    opened = Workspace.open(workspace)
    found = review(opened, year, plan, by=deadline, target=target, seconds=time_limit)
    _say(found, target)
    if out is not None:
        say("steer.written", path=write_review(out, found))
    if dry_run or not (commit or typer.confirm(words("steer.ask", year=year))):
        say("steer.dry")
        return
    author = Author(by or getpass.getuser(), why, f"steer {year}")
    kept, path = committed(opened, found, author)
    say("steer.committed", plan=kept.name, version=kept.version, path=path)


def _say(found: "Steering", target: float) -> None:
    """What was seen, what would help, what moves, what would be committed."""
    last = max(found.states.last_seen, default=0)
    say("steer.title", plan=found.saved.name, version=found.saved.version, year=found.year,
        last=last, by=found.by, target=f"{target:g}")  # fmt: skip
    if found.changed:
        say("steer.changed", what=", ".join(found.changed))
    say("steer.lights")
    for light in Light:
        say("steer.light", sign=light.sign, light=light.label(language()),
            count=found.lights[light.key])  # fmt: skip
    say("steer.not_begun", count=len(found.mines) - sum(found.lights.values()))
    _say_red(found)
    _say_paces(found)
    say("steer.plan", status=found.plan.status.label(language()), gap=f"{found.plan.gap:.4%}",
        objective=f"{found.plan.objective:,.2f}", bound=f"{found.plan.bound:,.2f}")  # fmt: skip
    say_objective_parts(found.plan)
    _say_changes(found)
    cost = found.works["cost_mcny"].sum()
    say("steer.works", year=found.year, count=len(found.works), cost=f"{cost:,.2f}")
    for row in found.works.head(_MOST).to_dict("records"):
        what = " ".join(str(row[one]) for one in ("measure", "land_use") if row[one])
        say("steer.work", mine=row["mine_id"], what=what)
    _more(len(found.works))


def _say_red(found: "Steering") -> None:
    from reverdure.control.triggers import HARD

    red = found.mines[found.mines["light"] == Light.RED.key].sort_values("p_target")
    if red.empty:
        return
    say("steer.red")
    column = "reasons_zh" if language() == "zh" else "reasons"
    for row in red.head(_MOST).to_dict("records"):
        chance = "-" if math.isnan(row["p_target"]) else f"{row['p_target']:.2f}"
        say("steer.mine", sign=row["sign"], mine=row["mine_id"], reasons=row[column], chance=chance)
    _more(len(red))
    hard = [one.label("en") for one in HARD]
    count = sum(any(one in said for one in hard) for said in red["reasons"])
    if count:
        say("steer.hard", count=count)
    if found.remedies.empty:
        return
    from reverdure.control.remedies import remedies

    called = {one.key: getattr(one, language()) for one in remedies()}
    say("steer.remedies")
    for row in found.remedies.head(_MOST).to_dict("records"):
        say("steer.remedy", mine=row["mine_id"], remedy=called[row["remedy"]],
            cost=f"{row['cost_cny']:,.0f}", now=f"{row['p_now']:.2f}",
            after=f"{row['p_after']:.2f}", gain=f"{row['gain_ha']:.2f}",
            in_plan=words(f"steer.{_in_plan(row)}"))  # fmt: skip
    _more(len(found.remedies))


def _in_plan(row: "Mapping[str, Any]") -> str:
    if row["in_plan"]:
        return "in_plan"
    return "not_offered" if math.isnan(row["gain_ha_years"]) else "not_in_plan"


def _say_paces(found: "Steering") -> None:
    """What the mines show of the pace of their measures, and whether the plan reckons with it."""
    from reverdure.pipeline.remedial import FEWEST

    measures = found.plan.compiled.problem.measures
    for row in found.paces.to_dict("records"):
        one = measures.measure(row["measure"])
        say("steer.pace" if row["is_used"] else "steer.pace_kept", mines=row["mines"],
            measure=one.zh if language() == "zh" else one.en, kappa=f"{row['kappa']:.2f}",
            before=f"{row['instead_of']:.2f}", fewest=FEWEST)  # fmt: skip


def _say_changes(found: "Steering") -> None:
    if found.changes.empty:
        say("steer.no_changes")
        return
    say("steer.changes", count=len(found.changes), works=len(found.plan.works))
    for row in found.changes.head(_MOST).to_dict("records"):
        say("steer.change", mine=row["mine_id"], before=row["before"] or words("steer.none"),
            after=row["after"] or words("steer.none"), why=_part(row["why"]),
            cause=ChangeCause.from_key(row["cause"]).label(language()))  # fmt: skip
    _more(len(found.changes))


def _part(name: Any) -> str:
    key = f"steer.part.{name}"
    return words(key if key in message_table("cli") else "steer.part.other")


def _more(count: int) -> None:
    if count > _MOST:
        say("steer.more", count=count - _MOST)
