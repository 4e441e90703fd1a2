"""`reverdure ledger`: opening stock, what came, what went, closing stock."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import area_shown, language, say, table, words
from reverdure.core.codes import LedgerColumn, LedgerLine, LedgerStatus

if TYPE_CHECKING:
    from reverdure.pipeline.ledger import Account

WHOLE, UNKNOWN = "", "unknown"
_LINES = list(LedgerLine)
_SIGNED = range(LedgerLine.NEW_DAMAGE, LedgerLine.CLOSING)


def ledger(
    workspace: WorkspaceOption,
    first: Annotated[int, typer.Option("--from", help="First year. / 起始年份")],
    last: Annotated[int, typer.Option("--to", help="Last year, in the period. / 截止年份(含)")],
    area: Annotated[
        str,
        typer.Option(
            help="County (name or code), or code of a prefecture. / 县名、县代码或上级代码"
        ),
    ] = "",
    unit: Annotated[str, typer.Option(help="ha or mu. / 公顷或亩")] = "ha",
    by: Annotated[str, typer.Option(help="county: every county too. / county:分县列出")] = "",
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write it here too. / 另存为CSV")
    ] = None,
) -> None:
    """Print the stock-flow account of damaged land for a period. / 损毁土地存量增量台账"""
    from reverdure.pipeline.ledger import account, definitions, write_csv
    from reverdure.store.workspace import Workspace

    shown = area_shown(unit)
    found = account(Workspace.open(workspace), first, last, area=area, by=by)
    closing = next(row for row in found.rows if row["line"] == LedgerLine.CLOSING.key)
    say("ledger.period", first=first, last=last, day=closing["day"], run_id=closing["run_id"],
        runs=len(found.runs))  # fmt: skip
    for county in dict.fromkeys(row["county"] for row in found.rows):
        _print(county, found, shown)
    said = definitions()
    for name, codes in (("column", LedgerColumn), ("line", LedgerLine)):
        say(f"ledger.{name}s")
        for code in codes:
            typer.echo(f"  {code.label(language())}: {said[name][code.key][language()]}")
    if found.without:
        say("ledger.without", count=found.without)
    if found.is_partial:
        say("ledger.partial")
    if csv is not None:
        write_csv(csv, found)
        say("ledger.written", path=csv)


def _print(county: str, found: "Account", unit: str) -> None:
    """One account: a line for the count and one for the area, a column for each level."""
    named = {WHOLE: words("ledger.whole"), UNKNOWN: words("ledger.unknown")}
    say("ledger.of", county=named.get(county, county))
    rows = {(row["line"], row["column"]): row for row in found.rows if row["county"] == county}
    columns = [column.label(language()) for column in LedgerColumn]
    for name, part in (
        ("account", _LINES[: LedgerLine.DIFFERENCE]),
        ("beside", _LINES[LedgerLine.DIFFERENCE :]),
    ):
        cells = []
        for line in part:
            of_line = [rows[line.key, column.key] for column in LedgerColumn]
            cells.append([line.label(language()), words("ledger.mines"),
                          *(_mines(row, line) for row in of_line)])  # fmt: skip
            cells.append(["", words(f"unit.{unit}"), *(_area(row, line, unit) for row in of_line)])
        table([words(f"ledger.{name}"), "", *columns], cells, numbers_from=2)


def _mines(row: dict[str, Any], line: LedgerLine) -> str:
    if row["mines"] is None:
        return LedgerStatus.from_key(row["status"]).label(language())
    return format(row["mines"], "+,d" if line in _SIGNED else ",d")


def _area(row: dict[str, Any], line: LedgerLine, unit: str) -> str:
    """To the square metre, so that what is printed adds up."""
    value = row[f"area_{unit}"]
    return "-" if value is None else format(value, "+,.4f" if line in _SIGNED else ",.4f")
