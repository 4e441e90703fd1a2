"""`reverdure pay`: what a fund pays on verified results, and what process subsidy would pay."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.records import By, Why, day_of, say_refused
from reverdure.cli.screen import language, say, table, words
from reverdure.core.codes import PayWay
from reverdure.core.errors import InvalidInput
from reverdure.core.units import MU_PER_HA

if TYPE_CHECKING:
    from reverdure.pipeline.pay import PayList, RecordedPayments

_CENTS = 100


def pay(
    workspace: WorkspaceOption,
    fund: Annotated[str, typer.Option(help="Fund that pays, by its id. / 资金编号")],
    year: Annotated[int, typer.Option(help="Year of the payment. / 支付年份")],
    out: Annotated[
        Path | None, typer.Option(help="Write the list here, .xlsx. / 支付清单文件,.xlsx")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the payments into the registry. / 登记支付")
    ] = False,
    on: Annotated[
        str,
        typer.Option(
            "--on", help="With --record: day the money moves, YYYY-MM-DD; today. / 支付日期"
        ),
    ] = "",
    by: By = "",
    why: Why = "",
) -> None:
    """Pay for restored hectares that are proved, and list why. / 按核验结果计算支付清单"""
    from reverdure.pipeline.pay import pay_list, record_payments, write_list
    from reverdure.store.records import Author
    from reverdure.store.workspace import Workspace

    if on and not record:
        raise InvalidInput("--on is the day of payments; it needs --record.")
    if out is not None and out.suffix.lower() != ".xlsx":
        raise InvalidInput(f"{out.name} must end in .xlsx.")
    opened = Workspace.open(workspace)
    recorded = None
    if record:
        author = Author(by or getpass.getuser(), why, f"pay {fund} {year}")
        recorded = record_payments(opened, fund, year, day_of(on), author)
        found = recorded.found
    else:
        found = pay_list(opened, fund, year)
    _print(found)
    if out is not None:
        write_list(out, found, language())
        say("pay.written", path=out, lines=len(found.lines))
    if recorded is None:
        say("pay.not_recorded")
    else:
        _print_recorded(recorded)


def _print(found: "PayList") -> None:
    from reverdure.pipeline.pay import sums_by_status

    terms = found.terms
    say("pay.fund", fund=terms.fund_id, name=found.fund.values["name"], year=terms.year,
        amount=_money(terms.amount), currency=terms.currency,
        price_year=found.fund.values["price_year"], run_id=found.run_id)  # fmt: skip
    per_ha = terms.worth(10_000)
    say("pay.terms", per_ha=_money(per_ha), per_mu=_money(round(per_ha / MU_PER_HA)),
        own_share=f"{terms.own_share / 10_000:g}", steps=len(terms.steps),
        ceiling=words("pay.none") if terms.ceiling is None else _money(terms.ceiling))  # fmt: skip
    rows = [
        [status.label(language()), count, _money(amount), _money(back)]
        for status, (count, amount, back) in sums_by_status(found.lines).items()
    ]
    headings = ("becomes", "count", "amount", "clawback")
    table([words(f"pay.{name}") for name in headings], rows)
    now = sum(line.amount for line in found.to_pay)
    aside = sum(line.amount for line in found.lines) - now
    back = sum(line.clawback for line in found.lines)
    say("pay.total", now=_money(now), aside=_money(aside), back=_money(back),
        currency=terms.currency)  # fmt: skip
    say("pay.bound", due=_money(sum(line.due for line in found.lines)),
        by_mean=_money(sum(line.due_by_mean for line in found.lines)),
        currency=terms.currency)  # fmt: skip
    _print_ways(found)


def _print_ways(found: "PayList") -> None:
    rows = []
    for way in PayWay:
        sums = found.ways[way]
        for_money = sums.ha_per_10000
        rows.append(
            [
                way.label(language()),
                _money(sums.money),
                f"{sums.supported_ha:,.2f}",
                f"{sums.supported_ha * MU_PER_HA:,.2f}",
                "-" if for_money is None else f"{for_money:.4f}",
                _money(sums.not_supported),
            ]
        )
    headings = ("way", "money", "supported_ha", "supported_mu", "for_10000", "not_supported")
    table([words(f"pay.{name}") for name in headings], rows)


def _print_recorded(recorded: "RecordedPayments") -> None:
    say("pay.recorded", count=recorded.written)
    say_refused(recorded.refused)
    if recorded.refused:
        raise typer.Exit(1)


def _money(cents: int) -> str:
    return f"{cents // _CENTS:,}.{cents % _CENTS:02d}"
