"""Money of a saved plan over time: from its works, its sources and its terms to the waterfall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput
from reverdure.finance.terms import CENTS, MILLION
from reverdure.finance.waterfall import Flow, Rules, Year, waterfall
from reverdure.finance.ways_over_time import PublicWorks, WaysOverTime, ways_over_time
from reverdure.pipeline.money_terms import Term, Terms
from reverdure.plan.money import GRANTS, REPAID
from reverdure.plan.quantities import restored_ha

if TYPE_CHECKING:
    from reverdure.plan.programme import Plan

Numbers = NDArray[np.float64]
_LOAN = ("loan_rate", "loan_years", "cover", "loan_to_value", "reserve_months")
_EARNS = ("tax_rate", "operator_years")
_WAYS = ("bridge_rate", "result_years", "reward_delay")
_NO_LIMIT = 10**18
_CENT = 1e-8
"""A cent in million CNY: what is less is rounding."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something of the money that has to be said: a key of the messages and its values."""

    key: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PlanMoney:
    """Money of a plan, year by year.

    Attributes
    ----------
    years : tuple of int
        The programme, then aftercare and repayment.
    programme : tuple of int
    flows : tuple of Flow
        [cents]
    to_come : tuple of int
        Rewards that are earned and not yet paid, at the end of each year: the bridging gap that
        the other sources stand for, [cents].
    terms : tuple of Term
        Numbers that were used beside those of the plan.
    remarks : tuple of Remark
    works : PublicWorks
        Works that public money pays for, over the same years and those until they are settled.
    """

    years: tuple[int, ...]
    programme: tuple[int, ...]
    flows: tuple[Flow, ...]
    to_come: tuple[int, ...]
    terms: tuple[Term, ...]
    remarks: tuple[Remark, ...]
    works: PublicWorks


@dataclass(frozen=True, slots=True)
class _Works:
    """The works of a plan, a row each; money in million CNY by year from the first."""

    at: NDArray[np.int64]
    cost: Numbers
    care: Numbers
    owned: NDArray[np.bool_]
    earns: NDArray[np.bool_]
    county: NDArray[np.str_]
    finish: NDArray[np.int64]
    success: Numbers
    area_ha: Numbers
    revenue: Numbers
    """Net, of a year, in million CNY; as much of it as the chance that the work takes."""


def money_over_time(plan: "Plan", terms: Terms, county: str = "") -> PlanMoney:
    """The money of a plan from its first year until aftercare and loans are paid.

    Within the programme every source brings what the plan has it pay; a reward comes in the year
    the plan pays it. Afterwards there is what the terms say, and revenue. A loan is never more
    than revenue covers, and what then has no source is told.

    Parameters
    ----------
    plan : Plan
    terms : Terms
    county : str
        Only what is done there; "" for the whole programme.

    Raises
    ------
    InvalidInput
        If the plan has no works, or none in this county.
    """
    works = _works(plan, terms, county)
    programme = plan.compiled.problem.years
    paid = _paid(plan, county)
    public = _public(plan, works, county)
    horizon = _horizon(works, paid, len(programme), terms)
    years = tuple(range(programme[0], programme[0] + horizon))
    needs = [_year(t, works, paid, public, programme, years[t], terms) for t in range(horizon)]
    flows = waterfall(needs, _rules(paid, terms))
    to_come, never = _to_come(plan, works, county, horizon)
    names = [*(_LOAN if paid["loan"].any() else ()), *(_EARNS if works.earns.any() else ())]
    used = tuple(terms.numbers[name] for name in names)
    remarks = _remarks(needs, flows, programme, paid, never, terms)
    return PlanMoney(
        years, programme, flows, to_come, used, remarks, _settled(works, public, terms)
    )


def both_ways(
    found: PlanMoney, terms: Terms, draws: int = 1000, seed: int = 0
) -> tuple[WaysOverTime, tuple[Term, ...]]:
    """The same works under process subsidy and under reward on result, and the terms used."""
    ways = ways_over_time(found.works, terms["bridge_rate"], 1e6, draws, seed)
    return ways, tuple(terms.numbers[name] for name in _WAYS)


def with_bundles(used: Sequence[Term], terms: Terms) -> tuple[Term, ...]:
    """The terms used so far, and those that bundles are judged by."""
    names = dict.fromkeys([*(one.name for one in used), *_LOAN, "tax_rate", "discount_rate"])
    return tuple(terms.numbers[name] for name in names)


def costs_by_year(
    plan: "Plan", mines: Sequence[str]
) -> tuple[list[str], Numbers, Numbers, NDArray[np.bool_]]:
    """Works of a plan on these mines: ids, cost and aftercare by year from the first, liable.

    Costs are in million CNY, a row a work.
    """
    compiled = plan.compiled
    options, table = compiled.options, compiled.problem.mines
    assert plan.found.x is not None
    at = np.flatnonzero(plan.found.x[compiled.starts] > 0.5)
    at = at[np.isin(table.ids[options.mine[at]], mines)]
    where = options.mine[at]
    cost, care = _costs(plan, at)
    return table.ids[where].tolist(), cost, care, table.has_owner[where]


def _costs(plan: "Plan", at: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Cost of these starts by year from the first, and the part of it that is aftercare."""
    options = plan.compiled.options
    wide = options.profiles.shape[1]
    care = np.array([np.pad(one.aftercare_profile(), (0, wide))[:wide]
                     for one, _ in options.packages])  # fmt: skip
    cost, package, start = options.cost[at], options.package[at], options.start[at]
    whole = _shifted(cost, options.profiles[package], start)
    return whole, _shifted(cost, care[package], start)


def _works(plan: "Plan", terms: Terms, county: str) -> _Works:
    if plan.found.x is None:
        raise InvalidInput("there is no plan whose money could be told.")
    compiled = plan.compiled
    options, mines = compiled.options, compiled.problem.mines
    at = np.flatnonzero(plan.found.x[compiled.starts] > 0.5)
    if county:
        at = at[mines.county[options.mine[at]] == county]
    if not len(at):
        known = ", ".join(sorted(set(plan.works["county"]))) or "-"
        raise InvalidInput(f"the plan has no works in county {county!r}; it has in {known}.")
    package = options.package[at]
    net = np.array([terms.net_revenue(use) if use else 0.0 for _, use in options.packages])
    earns = np.array([bool(use and use.revenue_cny_per_ha_year) for _, use in options.packages])
    area = restored_ha.of(options, mines)[at]
    return _Works(
        at, *_costs(plan, at), mines.has_owner[options.mine[at]], earns[package],
        mines.county[options.mine[at]], options.finish[at], options.success[at], area,
        net[package] * area * options.success[at] / MILLION,
    )  # fmt: skip


def _shifted(cost: Numbers, profiles: Numbers, start: NDArray[np.int64]) -> Numbers:
    """Costs spread over the years from the first of the programme."""
    wide = profiles.shape[1]
    spread = np.zeros((len(cost), int(start.max(initial=0)) + wide))
    for offset in range(wide):
        spread[np.arange(len(cost)), start + offset] += cost * profiles[:, offset]
    return spread


def _paid(plan: "Plan", county: str) -> dict[str, Numbers]:
    """What the plan has each kind of money pay, by year; rewards apart."""
    problem = plan.compiled.problem
    rewards = {one.id for one in problem.sources if _is_reward(one.kind, one.reward_share)}
    table = plan.money if not county else plan.money[plan.money["county"] == county]
    paid = {kind: np.zeros(len(problem.years))
            for kind in (*GRANTS, *REPAID, "enterprise", "reward")}  # fmt: skip
    for row in table.itertuples():
        kind = "reward" if row.source in rewards else str(row.kind)
        paid[kind][row.year - problem.years[0]] += row.paid_mcny
    return paid


def _is_reward(kind: str, reward_share: float | None) -> bool:
    return reward_share is not None and kind in GRANTS


def _public(plan: "Plan", works: _Works, county: str) -> Numbers:
    """What public money pays of each work, by year.

    All of it where nobody is liable and nothing is earned; of works that earn the part that
    loans and social capital leave; nothing where an owner is liable.
    """
    span = len(plan.compiled.problem.years)
    money = plan.money[plan.money["kind"].isin(GRANTS)]
    free = works.cost[:, :span] * ~works.owned[:, None]
    public = np.where(works.earns[:, None], 0.0, free)
    for place in np.unique(works.county):
        here = works.county == place
        local = money[money["county"] == place]
        for t in range(span):
            paid = local.loc[local["year"] == plan.compiled.problem.years[t], "paid_mcny"].sum()
            earning = here & works.earns
            whole = float(free[earning, t].sum())
            if whole > 0:
                rest = float(np.clip(paid - public[here, t].sum(), 0.0, whole))
                public[earning, t] = free[earning, t] * rest / whole
    return public


def _horizon(works: _Works, paid: Mapping[str, Numbers], span: int, terms: Terms) -> int:
    """Years until the last cost is paid, and the last loan."""
    due = np.flatnonzero(works.cost.sum(axis=0) > _CENT)
    last = max(int(due[-1]) + 1 if len(due) else 1, span)
    lent = np.flatnonzero(paid["loan"] + paid["social"] > _CENT)
    if paid["loan"].any() and len(lent):
        last = max(last, int(lent[-1]) + 1 + int(terms["loan_years"]))
    return last


def _year(
    t: int, works: _Works, paid: Mapping[str, Numbers], public: Numbers,
    programme: Sequence[int], year: int, terms: Terms,
) -> Year:  # fmt: skip
    """What a year needs, and what each source brings."""
    revenue = _cents(works.revenue[works.finish < t].sum())
    if t >= len(programme):
        cost = works.cost[:, t] if t < works.cost.shape[1] else np.zeros(len(works.at))
        brings = {kind: _cents(years.get(year, 0.0)) for kind, years in terms.after.items()}
        return Year(
            owner_works=_cents(cost[works.owned].sum()),
            aftercare=_cents(cost[~works.owned].sum()), revenue=revenue,
            **{"central": 0, "loan": 0, "reward": 0, **brings},
        )  # fmt: skip
    brings = {kind: _cents(amounts[t]) for kind, amounts in paid.items()}
    shares = np.divide(works.care[:, t], works.cost[:, t], out=np.zeros(len(works.at)),
                       where=works.cost[:, t] > 0)  # fmt: skip
    by_grants = sum(brings[kind] for kind in (*GRANTS, "reward"))
    care = min(_cents(float(public[:, t] @ shares)), by_grants)
    return Year(
        works=by_grants - care, aftercare=care, owner_works=brings["enterprise"],
        industry_works=brings["loan"] + brings["social"], revenue=revenue, **brings,
    )  # fmt: skip


def _cents(mcny: float) -> int:
    return round(float(mcny) * MILLION * CENTS)


def _rules(paid: Mapping[str, Numbers], terms: Terms) -> Rules:
    return Rules(
        central_share=1.0, central_ceiling=_NO_LIMIT, reward_share=0.0, bridge_share=0.0,
        cover=terms["cover"], loan_rate=terms["loan_rate"], loan_years=int(terms["loan_years"]),
        loan_most=_cents(paid["loan"].sum()), loan_to_value=terms["loan_to_value"],
        reserve_months=terms["reserve_months"], tax_rate=terms["tax_rate"],
    )  # fmt: skip


def _to_come(
    plan: "Plan", works: _Works, county: str, horizon: int
) -> tuple[tuple[int, ...], float]:
    """Rewards earned and not yet paid, by year; and those that no budget pays, [million CNY]."""
    compiled = plan.compiled
    span, left, never = len(compiled.problem.years), np.zeros(horizon), 0.0
    for source, may in zip(compiled.flows.sources, compiled.flows.may_pay, strict=True):
        if not _is_reward(source.kind, source.reward_share):
            continue
        rows = plan.money[plan.money["source"] == source.id]
        rows = rows[rows["county"] == county] if county else rows
        got = np.zeros(span)
        np.add.at(got, rows["year"].to_numpy(int) - compiled.problem.years[0], rows["paid_mcny"])
        cost = compiled.options.cost[works.at] * may[works.at] * (source.reward_share or 0.0)
        earned = np.bincount(works.finish, cost, span)[:span].cumsum()
        still = got[::-1].cumsum()[::-1]
        # what the plan pays of it later is to come; what it never pays is told apart
        owing = np.minimum(earned - got.cumsum(), np.append(still[1:], 0.0))
        left[:span] += np.maximum(owing, 0.0)
        never += max(float(earned[-1] - got.sum()), 0.0)
    return tuple(_cents(one) for one in left), never


def _settled(works: _Works, public: Numbers, terms: Terms) -> PublicWorks:
    """Works that public money pays for, with the year in which a reward on result is paid."""
    paying = public.sum(axis=1) > _CENT
    public, span = public[paying], public.shape[1]
    last = np.where(public > 0, np.arange(span), -1).max(axis=1, initial=0)
    verified = np.maximum(works.finish[paying] + int(terms["result_years"]), last)
    settled = verified + int(terms["reward_delay"])
    wide = np.zeros((len(public), int(settled.max(initial=span - 1)) + 1))
    wide[:, :span] = public
    return PublicWorks(wide, settled, works.success[paying], works.area_ha[paying])


def _remarks(
    needs: Sequence[Year], flows: Sequence[Flow], programme: Sequence[int],
    paid: Mapping[str, Numbers], never: float, terms: Terms,
) -> tuple[Remark, ...]:  # fmt: skip
    found = []
    public = sum(float(paid[kind].sum()) for kind in (*GRANTS, "reward"))
    central, share = float(paid["central"].sum()), terms["central_share"]
    ceiling = terms["central_ceiling"] / MILLION
    if central > public * share + _CENT or central > ceiling:
        found.append(Remark("central", {"amount": central, "share": central / public,
                                        "most": share, "ceiling": ceiling}))  # fmt: skip
    lent, asked = sum(one.sources["loan"] for one in flows), _cents(paid["loan"].sum())
    if lent < asked:
        found.append(Remark("loan", {"asked": asked, "lent": lent, "cover": terms["cover"]}))
    within = sum(sum(one.unpaid.values()) for one in flows[: len(programme)])
    later = sum(sum(one.unpaid.values()) for one in flows[len(programme) :])
    if within:
        found.append(Remark("unpaid", {"amount": within}))
    if later:
        found.append(Remark("later", {"amount": later, "year": programme[-1]}))
    if never > _CENT:
        found.append(Remark("never", {"amount": _cents(never), "year": programme[-1]}))
    return tuple(found)
