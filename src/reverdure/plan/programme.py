"""A plan: which works begin where and when, who pays, what falls short, and how sure that is."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reverdure.core.codes import PlanStatus
from reverdure.plan.quantities import QUANTITIES, Quantity, quantity

if TYPE_CHECKING:
    from reverdure.plan.compiling import Compiled
    from reverdure.plan.search import Found

WORKS = (
    "mine_id", "county", "prefecture", "measure", "land_use", "start", "finish", "units", "area_ha",
    "cost_mcny", "later_cost_mcny", "success", "gain_ha_years", "benefit", "cost_basis",
)  # fmt: skip
_PARTS = 1e-6


@dataclass(frozen=True)
class Plan:
    """What came of a problem.

    Attributes
    ----------
    status : PlanStatus
        Whether the gap was reached; look here first.
    objective, bound, gap : float
        Objective with all prices of shortfall and change, the proven bound, and their distance
        as a share of the bound; NaN without a plan.
    seconds : float
    works : DataFrame
        One row a start: `WORKS`; money in million CNY. `cost_basis` is "assumption" where the
        cost is a prior, "given" where it was.
    money : DataFrame
        source, kind, county, year, paid_mcny.
    budget : DataFrame
        source, county, year, budget_mcny, carried_in_mcny, paid_mcny, carried_out_mcny,
        lapsed_mcny; sums close to zero.
    shortfalls : DataFrame
        requirement, amount, unit, price: what elastic requirements miss.
    route : tuple of (step, seconds, objective)
    notes : tuple of (key, value)
    fingerprint : str
        Hash of what the plan was made from.
    """

    status: PlanStatus
    objective: float
    bound: float
    gap: float
    seconds: float
    works: pd.DataFrame
    money: pd.DataFrame
    budget: pd.DataFrame
    shortfalls: pd.DataFrame
    route: tuple[tuple[str, float, float], ...]
    notes: tuple[tuple[str, float], ...]
    fingerprint: str
    compiled: "Compiled" = field(repr=False)
    found: "Found" = field(repr=False)

    @property
    def has_works(self) -> bool:
        """Whether there is a plan at all."""
        return self.found.x is not None

    def total(self, what: Quantity | str) -> float:
        """Sum of a quantity over the works of the plan; NaN without a plan."""
        if self.found.x is None:
            return float("nan")
        one = quantity(what) if isinstance(what, str) else what
        compiled = self.compiled
        chosen = self.found.x[compiled.starts] > 0.5
        return float(one.of(compiled.options, compiled.problem.mines)[chosen].sum())

    @property
    def objective_parts(self) -> dict[str, float]:
        """What the objective is the sum of; nothing without a plan.

        `benefit` is the quantity maximised. `change` is the price of METHODS 4.5, more than 0
        for starts kept from the plan before and less for others. `corridors` is what pairs of
        mines are worth that are restored together; `missed` is the price, below 0, of what
        requirements fall short.
        """
        x = self.found.x
        if x is None:
            return {}
        starts, worth = self.compiled.starts, self.compiled.model.objective * x
        benefit = float(self.compiled.worth @ x[starts])
        beside = np.delete(worth, starts)
        return {
            "benefit": benefit,
            "change": float(worth[starts].sum()) - benefit,
            "corridors": float(beside[beside > 0].sum()),
            "missed": float(beside[beside < 0].sum()),
        }

    def totals(self) -> pd.DataFrame:
        """Every quantity of the plan, with its name in two languages and unit."""
        rows = [(q.id, q.en, q.zh, q.unit, self.total(q)) for q in QUANTITIES.values()]
        return pd.DataFrame(rows, columns=["quantity", "en", "zh", "unit", "amount"])

    @property
    def assumed_cost_share(self) -> float:
        """Share of the cost that rests on assumed unit costs."""
        cost = self.works["cost_mcny"].sum()
        assumed = self.works.loc[self.works["cost_basis"] == "assumption", "cost_mcny"].sum()
        return float(assumed / cost) if cost else 0.0

    def is_of(self, fingerprint: str) -> bool:
        """Whether the plan was made from the data that have this fingerprint."""
        return self.fingerprint == fingerprint


def read_plan(compiled: "Compiled", found: "Found") -> Plan:
    """The tables of a plan from the solution of its model."""
    return Plan(
        found.status, found.objective, found.bound, found.gap, found.seconds,
        _works(compiled, found), *_money(compiled, found), _shortfalls(compiled, found),
        found.route, compiled.notes, compiled.problem.fingerprint(), compiled, found,
    )  # fmt: skip


def _works(compiled: "Compiled", found: "Found") -> pd.DataFrame:
    if found.x is None:
        return pd.DataFrame(columns=list(WORKS))
    options, mines = compiled.options, compiled.problem.mines
    chosen = np.flatnonzero(found.x[compiled.starts] > 0.5)
    mine, years = options.mine[chosen], np.asarray(options.years)
    given = _given(compiled)
    measure = options.attribute("measure")[chosen]
    basis = [
        "given" if (str(m), str(k)) in given else "assumption"
        for m, k in zip(mines.ids[mine], measure, strict=True)
    ]
    columns = (
        mines.ids[mine], mines.county[mine], mines.prefecture[mine], measure,
        options.attribute("land_use")[chosen], years[options.start[chosen]],
        years[options.finish[chosen]], options.units[chosen], mines.area_ha[mine],
        options.cost[chosen], options.later_cost()[chosen], options.success[chosen],
        options.gain_ha_years[chosen], compiled.worth[chosen], basis,
    )  # fmt: skip
    return pd.DataFrame(dict(zip(WORKS, columns, strict=True)))


def _given(compiled: "Compiled") -> set[tuple[str, str]]:
    costs = compiled.problem.costs
    if costs is None:
        return set()
    return {(str(mine), str(measure)) for mine, measure in
            costs[["mine_id", "measure"]].itertuples(index=False)}  # fmt: skip


def _money(compiled: "Compiled", found: "Found") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Who pays what where, and each budget from its opening to its close."""
    paid_columns = ["source", "kind", "county", "year", "paid_mcny"]
    budget_columns = [
        "source", "county", "year", "budget_mcny", "carried_in_mcny", "paid_mcny",
        "carried_out_mcny", "lapsed_mcny",
    ]  # fmt: skip
    if found.x is None:
        return pd.DataFrame(columns=paid_columns), pd.DataFrame(columns=budget_columns)
    flows, years = compiled.flows, compiled.problem.years
    amount = found.x[flows.columns]
    paid = pd.DataFrame(
        {
            "source": np.repeat([flows.sources[k].id for k in flows.source], len(years)),
            "kind": np.repeat([flows.sources[k].kind for k in flows.source], len(years)),
            "county": np.repeat([flows.counties[c] for c in flows.county], len(years)),
            "year": np.tile(years, len(flows.source)),
            "paid_mcny": amount.ravel(),
        }
    )
    paid = paid.groupby(paid_columns[:-1], as_index=False)["paid_mcny"].sum()
    rows = []
    for n, (source, amounts) in enumerate(zip(flows.sources, flows.amounts, strict=True)):
        for county, budget in amounts.items():
            here = flows.source == n
            if county:
                here &= flows.county == flows.counties.index(county)
            spent = amount[here].sum(axis=0)
            left = np.cumsum(budget - spent) if n in flows.carried else 0 * spent
            before = np.append(0.0, left[:-1])
            lapsed = budget + before - spent - left
            rows += [
                (source.id, county, *values)
                for values in zip(years, budget, before, spent, left, lapsed, strict=True)
            ]
    return paid[paid["paid_mcny"] > _PARTS], pd.DataFrame(rows, columns=budget_columns)


def _shortfalls(compiled: "Compiled", found: "Found") -> pd.DataFrame:
    columns = ["requirement", "en", "zh", "amount", "price"]
    if found.x is None:
        return pd.DataFrame(columns=columns)
    model, rows = compiled.model, []
    for kind in ("columns.shortfall", "columns.unfair"):
        for column in model.columns(kind):
            amount = float(found.x[column])
            if amount > _PARTS:
                words = [model.name_of_column(int(column), one) for one in ("en", "zh")]
                price = -float(model.objective[column])
                rows.append((kind.removeprefix("columns."), *words, amount, price))
    return pd.DataFrame(rows, columns=columns)
