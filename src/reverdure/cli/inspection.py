"""`reverdure inspect`: the mines to visit in a month, drawn by risk."""

import math
from pathlib import Path
from typing import Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import area_shown, language, say, table, words
from reverdure.core.units import ha_to_mu

_UNKNOWN = "unknown"


def inspect(
    workspace: WorkspaceOption,
    visits: Annotated[int, typer.Option(help="Mines that can be visited. / 可检查的矿山数")],
    month: Annotated[str, typer.Option(help="Month, YYYY-MM. / 月份")],
    area: Annotated[
        str, typer.Option(help="County, by name or code; all if not given. / 县名或代码")
    ] = "",
    unit: Annotated[str, typer.Option(help="ha or mu. / 公顷或亩")] = "ha",
    out: Annotated[
        Path | None,
        typer.Option(help="Write every mine and its chance here, .xlsx or .csv. / 另存为"),
    ] = None,
) -> None:
    """Draw the mines to inspect in a month, by risk. / 按风险抽取当月检查名单"""
    from reverdure.pipeline.inspection import inspection, write_list
    from reverdure.registry.inspection import in_words
    from reverdure.store.workspace import Workspace

    shown = area_shown(unit)
    found = inspection(Workspace.open(workspace), visits, month, area)
    drawn = found.drawn
    say("inspect.month", month=month, drawn=len(drawn), mines=len(found.visits))
    rows = []
    for one in drawn:
        risk = one.risk
        county = found.counties[risk.mine_id]
        rows.append(
            (one.rank, risk.mine_id, words("inspect.unknown") if county == _UNKNOWN else county,
             "; ".join(risk.parties) or "-", _area(risk.claimed_ha, shown), f"{risk.size:.2f}",
             f"{risk.doubt:.2f}", f"{risk.record:.2f}", f"{one.probability:.4f}")
        )  # fmt: skip
    headings = [words(f"inspect.{name}") for name in
                ("rank", "mine", "county", "party", "claimed", "size", "doubt", "record",
                 "chance")]  # fmt: skip
    headings[4] = f"{headings[4]} ({words(f'unit.{shown}')})"
    table(headings, rows, numbers_from=4)
    say("inspect.why")
    for one in drawn:
        why = in_words(one.risk.why, language(), shown)
        typer.echo(f"  {one.rank} {one.risk.mine_id}: {why}")
    if visits >= len(found.visits):
        say("inspect.all", visits=visits, mines=len(found.visits))
    if any(one.probability == 0 for one in found.visits):
        say("inspect.certain_only", count=sum(one.risk.is_certain for one in found.visits))
    if not found.run_id:
        say("inspect.no_run")
    say("inspect.assumed")
    if out is not None:
        say("inspect.written", path=write_list(out, found, language()), mines=len(found.visits))


def _area(value_ha: float, unit: str) -> str:
    """To a hundredth; "-" where no claim states one."""
    if math.isnan(value_ha):
        return "-"
    return f"{ha_to_mu(value_ha) if unit == 'mu' else value_ha:,.2f}"
