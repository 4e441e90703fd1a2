"""Steering against the plan left alone: counties over 10 years, the same money in every year."""

import numpy as np

from benchmarks.counties import compare, greedy, optimal, table
from benchmarks.figures import Figure

COUNTIES, MINES = 50, 100
PLANNERS = (("greedy planner", greedy), ("mixed-integer planner", optimal))


def measure() -> list[Figure]:
    """Recovered hectares both ways, and the money; same luck, planner and yearly sums."""
    return [figure for name, planner in PLANNERS for figure in _with(name, planner)]


def _with(name: str, planner) -> list[Figure]:
    found = [compare(seed, MINES, planner) for seed in range(COUNTIES)]
    alone = np.array([one.alone_ha for one in found])
    steered = np.array([one.steered_ha for one in found])
    money = sum(one.steered_cny for one in found) / sum(one.alone_cny for one in found)
    return [
        Figure(f"{name}, {COUNTIES} counties of {MINES} mines: recovered, left alone",
               alone.mean(), "ha"),
        Figure(f"{name}: recovered, steered", steered.mean(), "ha", at_least=float(alone.mean())),
        Figure(f"{name}: counties in which steering recovers more",
               100 * np.mean(steered > alone), "%", at_least=80),
        Figure(f"{name}: money of steering over that of the plan left alone", money, "",
               at_most=1),
        Figure(f"{name}: table", table(found)),
    ]  # fmt: skip
