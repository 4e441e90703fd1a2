"""`reverdure money`: the money of a plan over the years, and of bundles beside it."""

from pathlib import Path
from typing import Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.money_words import say_bundles, say_money, say_terms, say_ways
from reverdure.cli.plan_words import say_changed
from reverdure.cli.records import Unit
from reverdure.cli.screen import area_shown, language, say
from reverdure.core.errors import InvalidInput


def money(
    plan: Annotated[str, typer.Argument(help="Plan, by its name. / 方案名称")],
    workspace: WorkspaceOption,
    terms: Annotated[
        Path | None,
        typer.Option(help="Terms of loans, revenue, bundles, .toml. / 贷款等条件,.toml"),
    ] = None,
    county: Annotated[str, typer.Option(help="Only this county. / 仅该县")] = "",
    ways: Annotated[
        bool,
        typer.Option(
            "--ways",
            help="Process subsidy and reward on result, simulated. / 模拟过程补助与按结果奖补",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="With --ways: seed. / 随机种子", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write it here, .xlsx or .csv. / 输出,.xlsx 或 .csv")
    ] = None,
    unit: Unit = "ha",
) -> None:
    """Show the money of a plan over the years, closing to zero. / 方案资金逐年平衡"""
    from reverdure.pipeline.money_bundles import bundles_of
    from reverdure.pipeline.money_tables import (
        bundle_rows,
        flow_rows,
        term_rows,
        way_rows,
        write_tables,
    )
    from reverdure.pipeline.money_terms import read_terms
    from reverdure.pipeline.plan_money import both_ways, money_over_time, with_bundles
    from reverdure.pipeline.programme import reopen
    from reverdure.pipeline.saved_plans import load_plan
    from reverdure.store.workspace import Workspace

    shown = area_shown(unit)
    if out is not None and out.suffix.lower() not in (".xlsx", ".csv"):
        raise InvalidInput(f"{out.name} must end in .xlsx or .csv.")
    opened = Workspace.open(workspace)
    found = reopen(opened, load_plan(opened, plan))
    say_changed(found)
    known = read_terms(terms, found.plan.compiled.problem.measures)
    money = money_over_time(found.plan, known, county)
    tables = {"money": flow_rows(money)}
    used = money.terms
    say("money.of", name=found.saved.name, version=found.saved.version, county=county or "-")
    say_money(money, tables["money"])
    if ways:
        both, more = both_ways(money, known, seed=seed)
        tables["ways"] = way_rows(money, both)
        used = (*used, *more)
        say_ways(both, tables["ways"], shown)
    judged = bundles_of(known, found.plan, money.programme[0])
    if judged:
        tables["bundles"] = say_bundles(judged, bundle_rows(judged, known))
        used = with_bundles(used, known)
    say_terms(used)
    tables["terms"] = term_rows(used, language())
    if out is not None:
        write_tables(out, tables, language())
        say("plan.written", path=out)
