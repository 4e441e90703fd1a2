"""`reverdure audit`: whether the log of what was done still is what was written."""

from typing import Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import language, say

app = typer.Typer(
    help="Check the log of everything that was done. / 核对审计日志", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """Keep `verify` a command of its own."""


@app.command()
def verify(
    workspace: WorkspaceOption,
    expect: Annotated[
        str,
        typer.Option(help="Last hash of an earlier check: it must stand in the log. / 期望的哈希"),
    ] = "",
) -> None:
    """Walk the hash chain of the audit log; exit code 1 where broken. / 核对审计日志"""
    from reverdure.store.audit import check_audit
    from reverdure.store.workspace import Workspace

    rows = Workspace.open(workspace).database.rows("audit")
    seen = check_audit(rows)
    if not rows:
        say("audit.empty")
    elif seen.broken is None:
        say("audit.holds", count=seen.count)
    if seen.broken is not None and seen.why is not None:
        names = ("number", "at", "actor", "action")
        say("audit.broken", count=seen.count, held=seen.held, why=seen.why.label(language()),
            **{name: seen.broken[name] for name in names})  # fmt: skip
    if seen.last:
        say("audit.last", chain=seen.last)
    wanted = expect.strip().lower()
    at = [row["number"] for row in rows[: seen.held] if row["chain"] == wanted]
    if at:
        say("audit.found", chain=wanted, number=at[0])
    elif wanted:
        say("audit.missing", chain=wanted)
    if seen.broken is not None or not rows or (wanted and not at):
        raise typer.Exit(1)
