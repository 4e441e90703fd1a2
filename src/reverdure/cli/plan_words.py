"""A programme on the screen: tables and sentences, in two languages and two units of area."""

from collections import Counter
from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

from reverdure.cli.screen import language, say, table, words
from reverdure.core.codes import PlanStatus
from reverdure.core.units import MU_PER_HA

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from reverdure.core.records import Finding
    from reverdure.pipeline.plan_sources import BudgetRead
    from reverdure.pipeline.programme import Asked, Reopened
    from reverdure.pipeline.saved_plans import SavedPlan
    from reverdure.plan.answers import Why
    from reverdure.plan.comparing import Comparison
    from reverdure.plan.problem import Problem
    from reverdure.plan.programme import Plan

_MOST = 20
_LIKELY = 0.5
_BASES = ("assumption", "stated")
_PRICES = 6
_CENT = 0.005
"""What two decimals show as zero is not told."""
_SMALL = 20_000
"""Starts up to which what a million buys is solved again; beyond, its price alone is told."""


def say_budget(name: str, read: "BudgetRead") -> None:
    """What became of each row of the table of money."""
    say("plan.budget", name=name, read=read.read, used=read.used, left_out=len(read.left_out),
        refused=len(read.refused), sources=len(read.sources))  # fmt: skip
    for heading in read.unknown:
        say("plan.heading", heading=heading)
    _findings([*read.refused, *read.left_out])


def _findings(findings: "list[Finding]") -> None:
    for one in findings[:_MOST]:
        message = one.message_zh if language() == "zh" else one.message
        say("add.row", action=words(f"action.{one.action}"), row=one.row, id=one.id or "-",
            message=message)  # fmt: skip
    if len(findings) > _MOST:
        say("add.more", count=len(findings) - _MOST)


def say_left_out(asked: "Asked") -> None:
    """Which mines and targets are no part of the question, counted by reason."""
    chinese = language() == "zh"
    reasons = Counter(one.message_zh if chinese else one.message for one in asked.left_out)
    say("plan.mines", count=len(asked.problem.mines), left_out=asked.question["left_out"])
    for reason, count in reasons.most_common():
        say("plan.left_out", reason=reason, count=count)
    if asked.question["unknown_recovery"]:
        say("plan.unknown_recovery", count=asked.question["unknown_recovery"])
    sites = asked.question["sites"]
    if sites:
        say(f"plan.sites_{sites['unsurveyed']}", **sites)
        if sites["with_slope"] < len(asked.problem.mines):
            say("plan.no_slope", count=len(asked.problem.mines) - sites["with_slope"])
    if asked.question["commitments"]:
        say("plan.commitments", count=len(asked.question["commitments"]))


def say_plan(plan: "Plan", unit: str) -> None:
    """Status first, then what is done, who pays, what falls short, what money is worth."""
    say("plan.status", status=plan.status.label(language()))
    if not plan.has_works:
        say("plan.nothing", seconds=f"{plan.seconds:.1f}")
        return
    if plan.status is PlanStatus.TIME_LIMIT:
        say("plan.time_limit", gap=f"{plan.gap:.3%}")
    asked = plan.compiled.problem
    name = asked.objective.zh if language() == "zh" else asked.objective.en
    objective, bound = f"{plan.objective:,.2f}", f"{plan.bound:,.2f}"
    say("plan.figures", what=name, objective=objective, bound=bound, gap=f"{plan.gap:.4%}",
        seconds=f"{plan.seconds:.1f}")  # fmt: skip
    say_objective_parts(plan)
    _spending(plan)
    _without_money(plan)
    _works(plan, unit)
    if not plan.shortfalls.empty:
        say("plan.short")
        for row in plan.shortfalls.to_dict("records"):
            say("plan.shortfall", what=row[language()], amount=f"{row['amount']:,.2f}")
    else:
        say("plan.no_short")
    _demonstrations(plan)
    _chances(plan)
    _prices(plan, unit)
    say("plan.assumed", share=f"{plan.assumed_cost_share:.0%}")


def say_objective_parts(plan: "Plan") -> None:
    """What the objective is made of, where that is more than the benefit."""
    parts = plan.objective_parts
    said = [
        words(f"plan.part_{name}", worth=f"{worth:+,.2f}")
        for name, worth in parts.items() if name != "benefit" and abs(worth) >= _CENT
    ]  # fmt: skip
    if said:
        say("plan.parts", benefit=f"{parts['benefit']:,.2f}", others=words("plan.and").join(said))


def say_requirement_costs(plan: "Plan") -> None:
    """What the objective would gain without each requirement, dearest first."""
    from reverdure.plan.answers import requirement_costs

    found = requirement_costs(plan).sort_values("benefit_lost", ascending=False, kind="stable")
    rows = [[row[language()], f"{max(row['benefit_lost'], 0.0):,.2f}",
             f"{max(row['share'], 0.0):.2%}"] for row in found.to_dict("records")]  # fmt: skip
    if rows:
        table([words("plan.required"), words("plan.lost"), words("plan.lost_share")], rows)


def say_streams(found: "pd.DataFrame", plan: "Plan") -> None:
    """What lies at the mines of the plan, what of it its works can use, and what that earns."""
    if found.empty:
        return
    heads = ("stream", "count", "volume", "limit", "used", "revenue", "basis")
    rows = [
        [row[language()], row["mines"], _m3(row["volume_m3"]),
         f"{row['limit']:.0%}", _m3(row["used_m3"]), _known(row["revenue_mcny"]),
         words(f"plan.basis_{row['status']}" if row["status"] in _BASES else "plan.basis_other")]
        for row in found.to_dict("records")
    ]  # fmt: skip
    table([words(f"plan.{name}") for name in heads], rows)
    measures = plan.compiled.problem.measures
    for row in found.to_dict("records"):
        of = measures.streams[row["stream"]].measures
        takes = [measures.measures[one] for one in of if one in measures.measures]
        named = words("plan.and").join(one.zh if language() == "zh" else one.en for one in takes)
        say("plan.stream_of", stream=row[language()], use=row[f"use_{language()}"], measures=named)
        if row["mines_not_known"]:
            say("plan.stream_not_known", stream=row[language()], count=row["mines_not_known"])
    say("plan.stream_beside")


def _m3(volume: float) -> str:
    return "-" if isnan(volume) else f"{volume:,.0f}"


def _known(amount: float) -> str:
    return "-" if isnan(amount) else f"{amount:,.2f}"


def _demonstrations(plan: "Plan") -> None:
    """Demonstration projects of the plan whose works take longer than they may."""
    from reverdure.finance.tables import rule
    from reverdure.plan.requirements import Bundles

    compiled, most = plan.compiled, int(rule("demonstration_years"))
    groups = [one for one in compiled.problem.requirements if isinstance(one, Bundles)]
    named = [bundle for group in groups for bundle in group.bundles]
    if not named or plan.found.x is None:
        return
    taken = plan.found.x[compiled.model.columns("columns.bundle")] > 0.5
    for bundle, is_taken in zip(named, taken, strict=True):
        works = plan.works[plan.works["mine_id"].isin(bundle.mines)]
        if is_taken and len(works):
            first, last = int(works["start"].min()), int(works["finish"].max())
            if last - first + 1 > most:
                say("plan.demonstration", name=bundle.id, first=first, last=last,
                    years=last - first + 1, most=most)  # fmt: skip


def write_book(path: "Path", plan: "Plan", streams: "pd.DataFrame") -> None:
    """The plan as a workbook, its words in the language of the screen."""
    from reverdure.publish.plan_book import write_plan_book

    chinese = language() == "zh"
    catalogue = plan.compiled.problem.measures
    names = {one.id: one.zh if chinese else one.en for one in catalogue.measures.values()}
    uses = {one.id: one.zh if chinese else one.en for one in catalogue.land_uses.values()}
    works = plan.works.assign(
        measure=plan.works["measure"].replace(names), land_use=plan.works["land_use"].replace(uses)
    )
    short = plan.shortfalls.rename(columns={language(): "what"})
    said = [
        (words("plan.state"), plan.status.label(language())),
        (words("plan.worth"), f"{plan.objective:,.3f} ({_objective(plan)})"),
        (words("plan.bound"), f"{plan.bound:,.3f}"),
        (words("plan.gap"), f"{plan.gap:.4%}"),
        (words("plan.assumption"), f"{plan.assumed_cost_share:.0%}"),
    ]
    tables = {"works": works, "money": plan.money, "budget": plan.budget, "shortfalls": short}
    if not streams.empty:
        tables["streams"] = streams.assign(
            stream=streams[language()], use=streams[f"use_{language()}"]
        )
    write_plan_book(path, said, tables)


def _spending(plan: "Plan") -> None:
    years = plan.compiled.problem.years
    paid = plan.money.pivot_table(index="source", columns="year", values="paid_mcny",
                                  aggfunc="sum", fill_value=0.0)  # fmt: skip
    rows = []
    for source in plan.compiled.flows.sources:
        amounts = [float(paid.loc[source.id, y]) if source.id in paid.index and y in paid else 0.0
                   for y in years]  # fmt: skip
        rows.append([source.words[language() == "zh"], *(f"{a:,.2f}" for a in amounts),
                     f"{sum(amounts):,.2f}"])  # fmt: skip
    table([words("plan.money"), *map(str, years), words("plan.all")], rows)
    later = float(plan.works["later_cost_mcny"].sum())
    if later > 0:
        say("plan.later", amount=f"{later:,.2f}")


def _without_money(plan: "Plan") -> None:
    """A mine that no money can reach is no mine that was weighed and left."""
    compiled, mines = plan.compiled, plan.compiled.problem.mines
    nobody, dear = compiled.flows.without_money(compiled.options, mines)
    if nobody.any():
        say("plan.nobody_pays", count=int(nobody.sum()),
            liable=int((nobody & mines.has_owner).sum()))  # fmt: skip
    if dear.any():
        say("plan.too_dear", count=int(dear.sum()))


def _works(plan: "Plan", unit: str) -> None:
    from reverdure.plan.measures import REMEDY

    years, measures = plan.compiled.problem.years, plan.compiled.problem.measures
    shown = [one.id for one in measures.measures.values() if one.slot in ("land", REMEDY)]
    on_land = plan.works[plan.works["measure"].isin(shown)]
    if on_land.empty:
        return
    rows = []
    for measure, group in on_land.groupby("measure"):
        one = measures.measures[str(measure)]
        by_year = [group[group["start"] == year] for year in years]
        rows.append([one.zh if language() == "zh" else one.en,
                     *(_count_and_area(part, unit) for part in by_year),
                     _count_and_area(group, unit)])  # fmt: skip
    heading = words("plan.begun", unit=words(f"unit.{unit}"))
    table([heading, *map(str, years), words("plan.all")], rows)


def _count_and_area(works: "pd.DataFrame", unit: str) -> str:
    return f"{len(works)} / {_area(works['area_ha'].sum(), unit)}" if len(works) else "-"


def _area(area_ha: float, unit: str) -> str:
    shown = round(area_ha * (MU_PER_HA if unit == "mu" else 1), 1)
    return f"{shown + 0.0:,.1f}"


def _chances(plan: "Plan") -> None:
    """A target that is planned for to the hectare is missed once any work does not take."""
    from reverdure.plan.risk import chances

    found = chances(plan)
    if found.targets.empty:
        return
    rows = [
        [row[language()], f"{row['planned']:,.1f}", f"{row['low']:,.1f}-{row['high']:,.1f}",
         f"{row['chance']:.0%}"]
        for row in found.targets.to_dict("records")
    ]  # fmt: skip
    headings = ("plan.target", "plan.planned", "plan.range", "plan.chance")
    table([words(one) for one in headings], rows)
    if (found.targets["chance"] < _LIKELY).any():
        say("plan.unlikely")


def _prices(plan: "Plan", unit: str) -> None:
    """What one more million is worth, in words; solved again where that is quick."""
    from reverdure.plan.answers import one_more, shadow_prices

    if plan.found.relaxed is None:
        return
    prices = shadow_prices(plan)
    money = prices[prices["requirement"].str.startswith("source:")]
    money = money.sort_values("price", ascending=False, kind="stable")[:_PRICES]
    if money.empty:
        say("plan.no_prices")
    named = {one.id: one.words[language() == "zh"] for one in plan.compiled.flows.sources}
    years = _years_of(plan)
    for row in money.to_dict("records"):
        source, year = row["requirement"].removeprefix("source:"), years.get(row["en"])
        if source in named and year is not None and len(plan.compiled.options) <= _SMALL:
            bought = one_more(plan, source, year)
            say("plan.buys", source=named[source], year=year, unit=words(f"unit.{unit}"),
                area=_area(bought.restored_ha, unit), worth=f"{bought.objective:,.2f}",
                what=_objective(plan))  # fmt: skip
        else:
            say("plan.price", limit=row[language()], worth=f"{row['price']:,.3g}",
                what=_objective(plan))  # fmt: skip


def _objective(plan: "Plan") -> str:
    what = plan.compiled.problem.objective
    return what.zh if language() == "zh" else what.en


def _years_of(plan: "Plan") -> dict[str, int]:
    """Year of each row of a budget, by its words."""
    model, found = plan.compiled.model, {}
    for block in model.row_blocks:
        if block.kind == "rows.budget":
            for row in block.rows:
                found[model.name_of_row(int(row), "en")] = int(str(block.labels(int(row))["year"]))
    return found


def say_conflict(problem: "Problem", status: PlanStatus) -> None:
    """What cannot hold together, in words, and the cheapest way out."""
    from reverdure.plan.conflict import conflict

    say("plan.status", status=status.label(language()))
    found = conflict(problem)
    if found is None:
        say("plan.no_conflict")
        return
    say("plan.conflict", text=found.zh if language() == "zh" else found.en)
    if found.cheapest:
        say("plan.way_out")
    for one in found.cheapest:
        say("plan.gives_way", what=one.zh if language() == "zh" else one.en,
            amount=f"{one.amount:,.2f}")  # fmt: skip
    if not found.is_proven:
        say("plan.not_proven")


def say_changed(reopened: "Reopened") -> None:
    """That a plan was made from other data than there are now, and which."""
    if reopened.changed:
        kept = reopened.saved.saved_at
        parts = [words(f"plan.changed_{one}") for one in reopened.changed]
        say("plan.changed", name=reopened.saved.name, at=kept[:10],
            parts=words("plan.and").join(parts))  # fmt: skip


def say_changed_base(saved: "SavedPlan", parts: "Sequence[str]") -> None:
    """That the data are others than those the plan to begin from was made of."""
    if parts:
        said = words("plan.and").join(words(f"plan.changed_{one}") for one in parts)
        say("plan.changed_base", name=saved.name, at=saved.saved_at[:10], parts=said)


def say_comparison(one: "Reopened", other: "Reopened", found: "Comparison", unit: str) -> None:
    """What moved, where, why, and what it costs."""
    names = one.saved.name, other.saved.name
    for said in (one, other):
        plan = said.plan
        say("plan.one", name=said.saved.name, status=plan.status.label(language()),
            objective=f"{plan.objective:,.2f}", gap=f"{plan.gap:.4%}")  # fmt: skip
        say_objective_parts(plan)
    for said in other.saved.question["changes"]:
        if said not in one.saved.question["changes"]:
            say("plan.change", change=said)
    say("plan.moved", moved=found.moved["mine_id"].nunique(), same=found.same)
    changes = found.moved.groupby(["change", "why"]).agg(
        mines=("mine_id", "nunique"), cost=("cost_mcny", "sum"), benefit=("benefit", "sum")
    )
    if len(changes):
        headings = ("what_moved", "why_moved", "count", "cost", "benefit")
        table([words(f"plan.{name}") for name in headings], [
            [words(f"plan.is_{change}"), words(f"plan.for_{why}"), row.mines, f"{row.cost:+,.2f}",
             f"{row.benefit:+,.2f}"]
            for (change, why), row in zip(changes.index, changes.itertuples(), strict=True)
        ], numbers_from=2)  # fmt: skip
        table([words(f"plan.{name}") for name in ("county", "count", "cost", "benefit")], [
            [row.county, row.mines, f"{row.cost_mcny:+,.2f}", f"{row.benefit:+,.2f}"]
            for row in found.by_county.sort_values("mines", ascending=False)[:_MOST].itertuples()
        ])  # fmt: skip
        _moved(found, one.plan)
    total = found.totals[found.totals["difference"].abs() > 1e-9]
    rows = []
    for row in total.to_dict("records"):
        factor = MU_PER_HA if unit == "mu" and row["unit"] == "ha" else 1.0
        shown = words(f"unit.{unit}") if row["unit"] == "ha" else row["unit"]
        name = f"{row[language()]} ({shown})"
        rows.append([name, *(f"{row[k] * factor:,.1f}" for k in ("before", "after")),
                     f"{row['difference'] * factor:+,.1f}"])  # fmt: skip
    table([words("plan.quantity"), *names, words("plan.difference")], rows)


def say_side_by_side(found: "Sequence[Reopened]", unit: str) -> None:
    """Scenarios in columns, and what stays the same in all of them."""
    from reverdure.plan.comparing import stays

    for said in found:
        plan = said.plan
        say("plan.one", name=said.saved.name, status=plan.status.label(language()),
            objective=f"{plan.objective:,.2f}", gap=f"{plan.gap:.4%}")  # fmt: skip
        for change in said.saved.question["changes"]:
            say("plan.change", change=change)
    names = [said.saved.name for said in found]
    totals = [said.plan.totals() for said in found]
    rows = []
    for n, row in enumerate(totals[0].to_dict("records")):
        factor = MU_PER_HA if unit == "mu" and row["unit"] == "ha" else 1.0
        amounts = [float(table["amount"].iloc[n]) * factor for table in totals]
        if any(abs(amount) > 1e-9 for amount in amounts):
            shown = words(f"unit.{unit}") if row["unit"] == "ha" else row["unit"]
            rows.append([f"{row[language()]} ({shown})", *(f"{a:,.1f}" for a in amounts)])
    cost = [float(said.plan.works["cost_mcny"].sum()) for said in found]
    table([words("plan.quantity"), *names],
          [*rows, [words("plan.cost"), *(f"{one:,.2f}" for one in cost)]])  # fmt: skip
    same = stays({str(n): said.plan for n, said in enumerate(found)})
    say("plan.in_all", count=len(same), plans=len(found))
    for row in same[:_MOST].to_dict("records"):
        side = {f"{key}_x": row[key] for key in ("measure", "land_use", "start")}
        say("plan.stays", mine=row["mine_id"], what=_start(side, "x", found[0].plan))
    if len(same) > _MOST:
        say("add.more", count=len(same) - _MOST)


def _moved(found: "Comparison", plan: "Plan") -> None:
    """The mines that moved, the first of them."""
    rows = []
    for row in found.moved[:_MOST].to_dict("records"):
        sides = [_start(row, side, plan) for side in ("before", "after")]
        rows.append([row["mine_id"], *sides, words(f"plan.for_{row['why']}")])
    table([words(f"plan.{name}") for name in ("mine", "before", "after", "why_moved")], rows, 4)
    if len(found.moved) > _MOST:
        say("add.more", count=len(found.moved) - _MOST)


def _start(row: dict[str, object], side: str, plan: "Plan") -> str:
    measure = plan.compiled.problem.measures.measures.get(str(row[f"measure_{side}"]))
    if measure is None:
        return "-"
    use = plan.compiled.problem.measures.land_uses.get(str(row[f"land_use_{side}"]))
    names = [one.zh if language() == "zh" else one.en for one in (measure, use) if one is not None]
    year = int(float(str(row[f"start_{side}"])))
    return f"{' - '.join(names)}, {year}"


def _behind(amount: float) -> str:
    return f"{amount:,.3f}" if amount >= 0 else words("plan.ahead", amount=f"{-amount:,.3f}")


def say_why(found: "Why") -> None:
    """The answer in sentences, what the value is made of, and the next best starts."""
    say("plan.why", text=found.zh if language() == "zh" else found.en)
    rows = [[words(f"plan.for_{name}"), f"{value:+,.3f}"]
            for name, value in found.parts.items() if abs(value) > 1e-9]  # fmt: skip
    if rows:
        table([words("plan.part"), words("plan.worth")], rows)
    others = found.others[:5]
    rows = [[row[language()], _behind(row["behind"])] for row in others.to_dict("records")]
    table([words("plan.other"), words("plan.behind")], rows)
