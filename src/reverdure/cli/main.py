"""The `reverdure` command."""

import os
import sys
from typing import Annotated

import typer

from reverdure import __version__
from reverdure.cli import (
    accounts,
    add,
    audit,
    correct,
    dump,
    export,
    field,
    fit,
    forecast,
    inspection,
    ledger,
    look,
    money,
    pay,
    pictures,
    plan,
    rank,
    records,
    rsei,
    rules,
    sensors,
    steer,
    team,
    template,
    verify,
    work,
)
from reverdure.cli.chinese import asks_for_chinese, language_first, run_in_chinese
from reverdure.cli.screen import fail, set_language
from reverdure.core.errors import ReverdureError

app = typer.Typer(
    name="reverdure",
    help="Measures, plans and proves the ecological restoration of mined land."
    " / 测量、规划并核验矿区生态修复。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(add.app, name="add")
app.add_typer(export.app, name="export")
app.add_typer(field.app, name="field")
app.add_typer(correct.app, name="correct")
app.add_typer(audit.app, name="audit")
app.command("init")(work.init)
app.command("run")(work.run)
app.command("simulate")(work.simulate)
app.command("rsei")(rsei.rsei)
app.command("pictures")(pictures.pictures)
app.command("sensors")(sensors.sensors)
app.command("show")(look.show)
app.command("ledger")(ledger.ledger)
app.command("inspect")(inspection.inspect)
app.command("pay")(pay.pay)
app.command("paid")(accounts.paid)
app.command("permitted")(accounts.permitted)
app.command("fit")(fit.fit)
app.command("forecast")(forecast.forecast)
app.command("rank")(rank.rank)
app.command("steer")(steer.steer)
app.command("plan")(plan.plan)
app.command("money")(money.money)
app.command("plans")(plan.plans)
app.command("compare")(plan.compare)
app.command("why")(plan.why)
app.command("duties")(records.duties)
app.command("rectifications")(records.rectifications)
app.command("records")(records.records)
app.command("programmes")(records.programmes)
app.command("targets")(records.targets)
app.command("verify")(verify.verify)
app.command("verifications")(verify.verifications)
app.command("rules")(rules.rules)
app.command("dump")(dump.dump)
app.command("restore")(dump.restore)
app.command("team")(team.team)
app.command("move")(team.move)
app.command("explain")(look.explain)
app.command("template")(template.template)
app.command("corrections")(correct.corrections)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reverdure {__version__}")
        raise typer.Exit


@app.callback()
def options(
    lang: Annotated[
        str, typer.Option(help="en or zh / 语言:en 或 zh", envvar="REVERDURE_LANG")
    ] = "en",
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit. / 显示版本号后退出",
        ),
    ] = False,
) -> None:
    """Choose the language of everything that is printed."""
    set_language(lang)


def main() -> None:
    """Run a command; errors meant for people end with one clear line and exit code 1."""
    try:
        arguments = language_first(sys.argv[1:])
        if asks_for_chinese(arguments, os.environ.get("REVERDURE_LANG", "")):
            set_language("zh")
            run_in_chinese(app, arguments)
        app(arguments)
    except ReverdureError as error:
        fail(error)
    except BrokenPipeError:
        # the reader of a pipe (head, less) has left: no error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
