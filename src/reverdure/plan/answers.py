"""What a planner asks of a plan: what money is worth, what a requirement costs, why this mine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, NotFound
from reverdure.core.messages import message_table
from reverdure.plan.compiling import Compiled, option_words
from reverdure.plan.programme import Plan
from reverdure.plan.quantities import restored_ha
from reverdure.plan.search import arrays_of
from reverdure.plan.solver import Answer, solve_linear

if TYPE_CHECKING:
    from reverdure.plan.model import Model

Numbers = NDArray[np.float64]
PARTS = {
    "money": ("rows.spending",), "capacity": ("rows.capacity",), "targets": ("rows.target",),
    "fairness": ("rows.fair",), "corridors": ("rows.corridor",),
    "demonstration": ("rows.bundle_cost", "rows.bundle_area", "rows.bundle_share"),
    "rewards": ("rows.reward",),
}  # fmt: skip
"""What the value of a start is made of beside its benefit: kinds of rows by name."""
_SECONDS = 300.0
_LEAST = 1e-7


def shadow_prices(plan: Plan) -> pd.DataFrame:
    """What one more unit of each limit is worth, in units of the objective.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    DataFrame
        requirement, en, zh, limit, price; limits that do not bind are left out. Prices are
        those of the relaxation and hold for small changes: see `one_more`.
    """
    model, prices = plan.compiled.model, _relaxed(plan).prices
    assert prices is not None
    rows = []
    for block in model.row_blocks:
        for row in block.rows if block.group else ():
            if abs(prices[row]) > _LEAST:
                words = [model.name_of_row(int(row), one) for one in ("en", "zh")]
                upper = model.row_upper[row]
                limit = upper if np.isfinite(upper) else model.row_lower[row]
                rows.append((block.group, *words, limit, prices[row]))
    return pd.DataFrame(rows, columns=["requirement", "en", "zh", "limit", "price"])


@dataclass(frozen=True)
class Bought:
    """What more money buys.

    Attributes
    ----------
    objective : float
        By which the best possible objective grows, solved again.
    promised : float
        The same by the shadow price.
    restored_ha : float
        By which the restored area of the relaxation grows.
    """

    objective: float
    promised: float
    restored_ha: float


def one_more(plan: Plan, source: str, year: int, mcny: float = 1.0) -> Bought:
    """What so much more money of a source in a year buys: by its price, and solved again.

    Raises
    ------
    NotFound
        If the plan has no such source or year.
    """
    compiled, before = plan.compiled, _relaxed(plan)
    model = compiled.model
    rows = [
        int(row)
        for block in model.row_blocks
        if block.kind == "rows.budget" and block.group == f"source:{source}"
        for row in block.rows
        if block.labels(int(row))["year"] == year
    ]
    if not rows:
        known = ", ".join(one.id for one in compiled.flows.sources)
        raise NotFound(f"the plan has no source {source!r} in {year}; its sources are {known}.")
    upper = model.row_upper.copy()
    upper[rows[0]] += mcny
    after = _solved(replace(compiled, model=replace(model, row_upper=upper)))
    assert before.prices is not None and before.x is not None and after.x is not None
    area = restored_ha.of(compiled.options, compiled.problem.mines)
    more = after.x[compiled.starts] - before.x[compiled.starts]
    promised = float(before.prices[rows[0]]) * mcny
    return Bought(after.objective - before.objective, promised, float(area @ more))


def requirement_costs(plan: Plan, requirements: Sequence[str] | None = None) -> pd.DataFrame:
    """What each requirement costs: the benefit of the relaxation without it, less that with it.

    Parameters
    ----------
    plan : Plan
    requirements : sequence of str or None
        Groups of the model; all but budgets, locks and commitments by default.

    Returns
    -------
    DataFrame
        requirement, en, zh, benefit_lost, share.
    """
    compiled = plan.compiled
    model, before = compiled.model, _relaxed(plan)
    named = [g for g in model.groups if g.split(":")[0] not in ("source", "lock", "commitment")
             and g != "past"] if requirements is None else list(requirements)  # fmt: skip
    base, rows = _benefit(compiled, before), []
    for group in named:
        if group not in model.groups:
            raise InvalidInput(f"the plan has no requirement {group!r}.")
        others = [other for other in model.groups if other != group]
        free = _benefit(compiled, _solved(replace(compiled, model=model.only(others))))
        lost = free - base
        rows.append((group, *compiled.words[group], lost, lost / max(abs(free), 1e-9)))
    return pd.DataFrame(rows, columns=["requirement", "en", "zh", "benefit_lost", "share"])


@dataclass(frozen=True)
class Why:
    """Why a mine is treated as it is.

    Attributes
    ----------
    mine_id : str
    chosen : str
        What is begun on its land; "" where nothing is.
    value : float
        Benefit less what its money and capacity could do elsewhere, at the prices of the
        relaxation; above zero pays.
    parts : mapping of str to float
        Benefit, money, capacity, targets ...: what the value is made of.
    others : DataFrame
        en, zh, value, behind: every other start, best first, and by how much it is worse.
    cost_margin : float
        By which factor the cost of the chosen start may grow before another is better;
        infinite where its money has no price.
    en, zh : str
        All this in a few sentences.
    """

    mine_id: str
    chosen: str
    value: float
    parts: dict[str, float]
    others: pd.DataFrame
    cost_margin: float
    en: str
    zh: str


def why(plan: Plan, mine_id: str) -> Why:
    """Why this measure on this mine, why then, and what would change it.

    Raises
    ------
    NotFound
        If the mine is not in the plan's table of mines, or nothing is possible on its land.
    """
    compiled = plan.compiled
    options, mines = compiled.options, compiled.problem.mines
    land = np.array([m.slot == "land" for m, _ in options.packages])[options.package]
    here = np.flatnonzero((mines.ids[options.mine] == mine_id) & land)
    if not len(here) or plan.found.x is None:
        raise NotFound(f"there is nothing possible on mine {mine_id!r} in this plan.")
    parts = values(compiled, _relaxed(plan), here)
    total = np.sum(list(parts.values()), axis=0)
    taken = np.flatnonzero(plan.found.x[here] > 0.5)
    chosen = int(taken[0]) if len(taken) else None
    best = float(total[chosen]) if chosen is not None else 0.0
    rest = [n for n in np.argsort(-total, kind="stable") if n != chosen]
    words = [_words_of(compiled, int(option)) for option in here]
    others = pd.DataFrame(
        [(*words[n], total[n], best - total[n]) for n in rest],
        columns=["en", "zh", "value", "behind"],
    )
    next_best = max([0.0 if chosen is not None else -np.inf, *(float(total[n]) for n in rest)])
    money = float(-parts["money"][chosen]) if chosen is not None else 0.0
    margin = 1 + (best - next_best) / money if money > _LEAST else np.inf
    said = _said(mine_id, None if chosen is None else words[chosen], best, margin,
                 None if not rest else words[rest[0]], best - next_best)  # fmt: skip
    at = {k: float(v[chosen]) for k, v in parts.items()} if chosen is not None else {}
    return Why(
        mine_id, "" if chosen is None else words[chosen][0], best, at, others, float(margin), *said
    )


def _words_of(compiled: Compiled, option: int) -> tuple[str, str]:
    options = compiled.options
    measure, use = options.packages[options.package[option]]
    mine = str(compiled.problem.mines.ids[options.mine[option]])
    return option_words(mine, measure, use, options.years[options.start[option]])


def _said(
    mine: str, chosen: tuple[str, str] | None, value: float, margin: float,
    other: tuple[str, str] | None, behind: float,
) -> tuple[str, str]:  # fmt: skip
    """The answer in English and Chinese."""
    table, said = message_table("plan"), []
    for n, language in enumerate(("en", "zh")):
        if chosen is None:
            parts = [table["why.nothing"][language].format(mine=mine, value=f"{-behind:.3g}")]
        else:
            parts = [table["why.chosen"][language].format(option=chosen[n], value=f"{value:.3g}")]
            # under 1 another option is worth more by itself, which is said below
            if 1 <= margin < np.inf:
                parts.append(table["why.margin"][language].format(factor=f"{margin:.2f}"))
        if other is not None:
            gap = table["why.other" if behind >= 0 else "why.ahead"][language]
            parts.append(gap.format(option=other[n], behind=f"{abs(behind):.3g}"))
        said.append((" " if language == "en" else "").join(parts))
    return said[0], said[1]


def values(compiled: Compiled, relaxed: Answer, options: NDArray[np.int64]) -> dict[str, Numbers]:
    """What the value of these starts is made of at the prices of the relaxation.

    The parts add up to the reduced cost before the rule of one start a mine: what a start gives
    less what its money, capacity ... could do elsewhere.
    """
    model = compiled.model
    prices = relaxed.prices
    assert prices is not None
    matrix = model.matrix[:, options]
    benefit = compiled.worth[options]
    parts = {"benefit": benefit, "change": model.objective[options] - benefit}
    for name, kinds in PARTS.items():
        weights = np.zeros(len(prices))
        for kind in kinds:
            weights[model.rows(kind)] = prices[model.rows(kind)]
        parts[name] = -(matrix.T @ weights)
    return parts


def _relaxed(plan: Plan) -> Answer:
    relaxed = plan.found.relaxed
    if relaxed is None:
        raise InvalidInput(
            "this problem has no prices: its requirements cannot hold together.",
            "See which ones with `conflict`.",
        )
    return relaxed


def _solved(compiled: Compiled) -> Answer:
    return solve_linear(arrays_of(compiled, relaxed=True), _SECONDS)


def _benefit(compiled: Compiled, answer: Answer) -> float:
    """The objective of the starts and corridors alone, without prices of shortfall."""
    if answer.x is None:
        return float("nan")
    model: Model = compiled.model
    both = model.columns("columns.corridor")
    return float(
        compiled.worth @ answer.x[compiled.starts] + model.objective[both] @ answer.x[both]
    )
