"""Money over time as rows: what the screen and the workbook show."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reverdure.core.codes import IrrStatus, PayWay
from reverdure.finance.terms import CENTS, MILLION
from reverdure.finance.waterfall import SOURCES, USES
from reverdure.finance.ways_over_time import WaysOverTime
from reverdure.pipeline.money_bundles import NamedBundle
from reverdure.pipeline.money_terms import Term, Terms
from reverdure.pipeline.plan_money import PlanMoney

Rows = list[dict[str, Any]]


def mcny(cents: float) -> float:
    """Cents as million CNY."""
    return cents / (CENTS * MILLION)


def flow_rows(found: PlanMoney) -> Rows:
    """A row a year: every source and use, both sums and their difference, and what is owed."""
    rows = []
    for year, flow, to_come in zip(found.years, found.flows, found.to_come, strict=True):
        money_in, money_out = sum(flow.sources.values()), sum(flow.uses.values())
        rows.append(
            {
                "year": year,
                **{name: mcny(flow.sources[name]) for name in SOURCES},
                "money_in": mcny(money_in),
                **{name: mcny(flow.uses[name]) for name in USES},
                "money_out": mcny(money_out),
                "balance": mcny(money_in - money_out),
                "to_come": mcny(to_come),
                "loan_left": mcny(flow.loan_left),
                "cover": flow.cover,
                "unpaid": mcny(sum(flow.unpaid.values())),
                "status": flow.status.key,
            }
        )
    return rows


def way_rows(found: PlanMoney, both: WaysOverTime) -> Rows:
    """A row a year and way of paying."""
    rows = []
    for way in PayWay:
        result = both.ways[way]
        for t, ((mean, low, high), advanced) in enumerate(
            zip(result.paid, result.advanced, strict=True)
        ):
            rows.append(
                {"year": found.years[0] + t, "way": way.key, "paid": mean, "paid_low": low,
                 "paid_high": high, "advanced": advanced}
            )  # fmt: skip
    return rows


def term_rows(terms: Sequence[Term], language: str) -> Rows:
    """A row a number that was used."""
    return [
        {"name": one.name, "value": one.value, "unit": one.unit, "status": one.status,
         "about": one.about_zh if language == "zh" else one.about}
        for one in terms
    ]  # fmt: skip


def bundle_rows(bundles: Sequence[NamedBundle], terms: Terms) -> Rows:
    """A row an item of each bundle: a key of the messages (`money.bundle_...`) and its value."""
    rows: Rows = []
    for one in bundles:
        found, rate = one.found, terms["discount_rate"]
        several = found.irr.status is IrrStatus.SEVERAL_SIGNS
        items: list[tuple[str, Any]] = [
            ("years", f"{one.first}-{one.last}"),
            ("npv", f"{mcny(found.npv):,.3f} ({rate:.1%})"),
            ("irr", ", ".join(f"{root:.2%}" for root in found.irr.roots) or "-"),
            ("irr_status", found.irr.status),
            *([("mirr", _percent(found.mirr))] if several else []),
            ("benefit_cost", _plain(found.benefit_cost)),
            ("payback", _plain(found.payback_years)),
            ("loan", f"{mcny(sum(flow.sources['loan'] for flow in found.flows)):,.2f}"),
            ("cover", _plain(found.least_cover)),
            ("feedback", f"{mcny(found.feedback):,.2f}"),
            ("unpaid", f"{mcny(sum(sum(flow.unpaid.values()) for flow in found.flows)):,.2f}"),
            ("carries", found.carries_itself),
        ]  # fmt: skip
        rows += [{"bundle": one.name, "item": key, "value": value} for key, value in items]
    return rows


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def write_tables(path: Path, tables: Mapping[str, Rows], language: str) -> None:
    """Write them as .xlsx, or the first as .csv; see `publish.money_book.write_money`."""
    from reverdure.publish.money_book import write_money

    write_money(path, tables, language)
