"""The relaxation of a large programme, with few of its columns at a time.

Most starts are never near the plan. A single price of money, found by halving, says which ones
could be; the relaxation is solved with those, the others are priced out at its prices, and the
best of what would improve it comes in, until nothing does. Then it is the relaxation of the
whole problem, with its prices. Measured on class B of METHODS 8: 8 s for 15 s.

Starts of a mine that are the same to the letter (an aim that costs what another does) come in
once. Measured on 10,253 mines with 871,505 starts of 21 packages: 20 s of CPU for 110 s.
"""

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reverdure.plan.solver import Answer, Arrays, Basis, solve_from, solve_linear

if TYPE_CHECKING:
    from reverdure.plan.compiling import Compiled

Numbers = NDArray[np.float64]
LARGE = 10_000
"""Starts from which it pays."""
_NEAR = 0.3
"""How far behind the best start of its mine one may be to be kept, as a share."""
_LEAST = 1e-7
_ROUNDS = 30
_SHARE = 0.6
"""Of the time: what remains is for making a plan of it."""


def solve_relaxation(compiled: "Compiled", arrays: Arrays, seconds: float) -> Answer:
    """The relaxation with its prices, by whichever way is sooner.

    Where the time does not do, the last relaxation of some of the columns, with the status
    `stopped`: the best of what would still come in, once a mine, is added to its bound.
    """
    if len(compiled.options) < LARGE:
        return solve_linear(arrays, seconds)
    began = time.monotonic()
    distinct = _distinct(compiled, arrays)
    kept = np.ones(len(arrays.objective), dtype=bool)
    kept[compiled.starts] = _promising(compiled, arrays)
    kept &= distinct
    basis: Basis | None = None
    last: Answer | None = None
    for _ in range(_ROUNDS):
        columns = np.flatnonzero(kept)
        part = Arrays(
            arrays.matrix[:, columns], arrays.row_lower, arrays.row_upper, arrays.lower[columns],
            arrays.upper[columns], arrays.objective[columns],
        )  # fmt: skip
        left = (1.0 if last is None else _SHARE) * seconds - (time.monotonic() - began)
        answer, basis = solve_from(part, left, columns, basis, len(kept))
        if answer.prices is None or answer.x is None:
            break
        reduced = arrays.objective - arrays.matrix.T @ answer.prices
        reduced[~distinct] = -np.inf
        better = (reduced > _LEAST) & ~kept
        x = np.zeros(len(kept))
        x[columns] = answer.x
        bound = answer.objective + _missed(compiled, reduced, better)
        spent = time.monotonic() - began
        status = "stopped" if better.any() else "optimal"
        last = Answer(status, x, answer.objective, bound, spent, answer.prices, reduced)
        if status == "optimal":
            return last
        kept |= _best_of(compiled, reduced, better)
    if last is not None:
        return last
    left = seconds - (time.monotonic() - began)
    if left <= 0:
        # what reads the whole in cannot be stopped
        return Answer("stopped", None, np.nan, np.inf, time.monotonic() - began)
    return solve_linear(arrays, left)


def _distinct(compiled: "Compiled", arrays: Arrays) -> NDArray[np.bool_]:
    """All columns but starts that are another start of their mine to the letter, at most as good.

    Both stand in the row that lets one start on the mine, so that whatever one does the other
    can do. A product with random numbers tells columns apart; starts that are locked all stay.
    """
    n = len(compiled.options)
    key = (arrays.matrix.T @ np.random.default_rng(0).random(arrays.matrix.shape[0]))[:n]
    free = np.flatnonzero((arrays.lower[:n] == 0) & (arrays.upper[:n] == 1))
    order = free[np.lexsort((free, -arrays.objective[free], key[free]))]
    again = np.append(False, key[order[1:]] == key[order[:-1]])
    distinct = np.ones(len(arrays.objective), dtype=bool)
    distinct[order[again]] = False
    return distinct


def _missed(compiled: "Compiled", reduced: Numbers, better: NDArray[np.bool_]) -> float:
    """What the columns that are left out could add at most: the best of each mine."""
    row = compiled.one_start - compiled.one_start.min()
    most = np.zeros(int(row.max()) + 1)
    starts = better[compiled.starts]
    np.maximum.at(most, row[starts], reduced[compiled.starts][starts])
    return float(most.sum())


def _promising(compiled: "Compiled", arrays: Arrays) -> NDArray[np.bool_]:
    """Starts that could be in the plan at one price of money, the cheapest ones, and locks."""
    options, row = compiled.options, compiled.one_start
    row = row - row.min()
    size = int(row.max()) + 1
    benefit = arrays.objective[compiled.starts]
    cost = options.cost - options.later_cost()
    money = sum(float(b.sum()) for one in compiled.flows.amounts for b in one.values())
    low, high = 0.0, float(max((benefit / options.cost).max(), 1e-9))
    for _ in range(40):
        price = (low + high) / 2
        profit, best = _profits(benefit - price * cost, row, size)
        taken = (profit > 0) & (profit >= best[row])
        low, high = (price, high) if cost[taken].sum() > money else (low, price)
    profit, best = _profits(benefit - high * cost, row, size)
    usual = float(np.median(best[best > 0])) if (best > 0).any() else 1.0
    top = np.full(size, -np.inf)
    np.maximum.at(top, row, profit)
    cheapest = np.full(size, np.inf)
    np.minimum.at(cheapest, row, options.cost)
    near: NDArray[np.bool_] = profit >= best[row] - _NEAR * np.maximum(best[row], usual / 2)
    lower, upper = arrays.lower[compiled.starts], arrays.upper[compiled.starts]
    near |= (profit >= top[row]) | (options.cost <= cheapest[row]) | (lower >= upper)
    return near


def _profits(profit: Numbers, row: NDArray[np.int64], size: int) -> tuple[Numbers, Numbers]:
    best = np.zeros(size)
    np.maximum.at(best, row, profit)
    return profit, best


def _best_of(
    compiled: "Compiled", reduced: Numbers, better: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Of the starts that would improve the relaxation: the best of each mine and year."""
    options, years = compiled.options, len(compiled.options.years)
    place = (compiled.one_start - compiled.one_start.min()) * years + options.start
    gain = np.where(better[compiled.starts], reduced[compiled.starts], 0.0)
    order = np.lexsort((-gain, place))
    first = np.append(True, place[order[1:]] != place[order[:-1]])
    most = np.zeros(len(options), dtype=bool)
    most[order[first]] = True
    chosen = better.copy()
    chosen[compiled.starts] &= most
    return chosen
