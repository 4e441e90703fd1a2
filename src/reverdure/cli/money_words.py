"""Money over time on the screen: tables and sentences, in two languages and two units of area."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from reverdure.cli.screen import language, say, table, words
from reverdure.core.codes import CashStatus, Code, PayWay
from reverdure.core.units import MU_PER_HA

if TYPE_CHECKING:
    from reverdure.core.fields import Field
    from reverdure.finance.ways_over_time import Result, Spread, WaysOverTime
    from reverdure.pipeline.money_bundles import NamedBundle
    from reverdure.pipeline.money_tables import Rows
    from reverdure.pipeline.money_terms import Term
    from reverdure.pipeline.plan_money import PlanMoney

_SMALL = 5e-9
_SPENT = 7
"""Uses that leave the programme; the others repay an advance or stay in it."""


def say_money(found: "PlanMoney", rows: "Rows") -> None:
    """What comes in, what goes out, what is owed; then what has to be said of it."""
    from reverdure.publish.money_book import OWED, SOURCES, TOTALS, USES

    _years(words("money.in"), rows, [*SOURCES, TOTALS[0]])
    _years(words("money.out"), rows, USES[:_SPENT])
    _years(words("money.kept"), rows, [*USES[_SPENT:], TOTALS[1], TOTALS[2]])
    _years(words("money.owed"), rows, OWED)
    for one in found.remarks:
        say(f"money.remark_{one.key}", **{key: _said(key, v) for key, v in one.values.items()})


def _years(title: str, rows: "Rows", fields: "Sequence[Field]") -> None:
    """A row a year; columns that are empty throughout are left out, sums are not."""
    kept = [one for one in fields if one.name in _ALWAYS or any(map(_filled(one.name), rows))]
    headings = [one.zh if language() == "zh" else one.en for one in kept]
    cells = [[row["year"], *(_cell(one.name, row[one.name]) for one in kept)] for row in rows]
    table([title, *headings], cells)


_ALWAYS = ("money_in", "money_out", "balance", "status")


def _filled(name: str) -> Any:
    return lambda row: row[name] is not None and abs(row[name]) > _SMALL


def _cell(name: str, value: Any) -> str:
    if name == "status":
        return CashStatus.from_key(value).label(language())
    return "-" if value is None else f"{value + 0.0:,.2f}"


def _said(key: str, value: Any) -> object:
    """A value of a remark: cents as million, shares as percent."""
    if isinstance(value, int) and key not in ("year",):
        return f"{value / 1e8:,.2f}"
    if key in ("share", "most"):
        return f"{value:.0%}"
    return f"{value:,.2f}" if isinstance(value, float) else value


def say_ways(both: "WaysOverTime", rows: "Rows", unit: str) -> None:
    """Both ways of paying, year by year and in all."""
    years = sorted({row["year"] for row in rows})
    of = {(row["year"], row["way"]): row for row in rows}
    cells = []
    for year in years:
        line: list[object] = [year]
        for way in PayWay:
            row = of[year, way.key]
            line.append(_range((row["paid"], row["paid_low"], row["paid_high"])))
        line.append(f"{of[year, PayWay.RESULT.key]['advanced']:,.2f}")
        cells.append(line)
    ways = [way.label(language()) for way in PayWay]
    say("money.ways", draws=both.draws, seed=both.seed)
    table([words("money.paid_by"), *ways, words("money.advanced")], cells)
    factor = MU_PER_HA if unit == "mu" else 1.0
    shown = words(f"unit.{unit}")
    results = [both.ways[way] for way in PayWay]
    lines: list[tuple[str, Callable[[Result], str]]] = [
        (words("money.way_in_all"), lambda one: _range(one.in_all)),
        (words("money.way_lost_public"), lambda one: _range(one.lost_public)),
        (words("money.way_lost_builders"), lambda one: _range(one.lost_builders)),
        (words("money.way_interest"), lambda one: _range(one.interest)),
        (words("money.way_most_advanced"), lambda one: f"{max(one.advanced):,.2f}"),
        (words("money.way_area", unit=shown), lambda one: _range(one.restored_ha, factor, 1)),
        (words("money.way_per_10000", unit=shown), lambda one: _range(one.ha_per_10000, factor, 4)),
    ]
    cells = [[name, *map(told, results)] for name, told in lines]
    table([words("money.way_of"), *ways], cells)
    if both.even_reward is not None:
        say("money.even", factor=f"{both.even_reward:.3f}")
    say("money.ways_note")


def _range(spread: "Spread", factor: float = 1.0, digits: int = 2) -> str:
    """Mean and 90 % interval; the mean alone where nothing varies."""
    mean, low, high = (one * factor for one in spread)
    if math.isnan(mean):
        return "-"
    if high - low <= _SMALL:
        return f"{mean:,.{digits}f}"
    return f"{mean:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def say_bundles(bundles: "Sequence[NamedBundle]", rows: "Rows") -> "Rows":
    """What each bundle comes to, and whether it carries itself; the rows in words."""
    said = [
        {**row, "item": words(f"money.bundle_{row['item']}"), "value": _in_words(row["value"])}
        for row in rows
    ]
    for one in bundles:
        mine = [row for row in said if row["bundle"] == one.name]
        title = words("money.bundle", name=one.name)
        table([title, ""], [[row["item"], row["value"]] for row in mine])
        if one.is_late:
            say("money.bundle_late", name=one.name, built=one.built, most=one.most_years)
    return said


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return words("money.yes" if value else "money.no")
    return value.label(language()) if isinstance(value, Code) else str(value)


def say_terms(used: "Sequence[Term]") -> None:
    """Which numbers beside those of the plan were used, and what they rest on."""
    if not used:
        return
    say("money.terms")
    for one in used:
        about = one.about_zh if language() == "zh" else one.about
        status = words(f"money.is_{one.status.replace(' ', '_')}")
        say("money.term", name=one.name, value=f"{one.value:g}", status=status, about=about)
