"""Steering against the plan left alone: 50 counties, 10 years, the same money in every year."""

import numpy as np

from benchmarks.counties import compare, table
from benchmarks.figures import Figure

COUNTIES, MINES = 50, 100


def measure() -> list[Figure]:
    """Recovered hectares both ways, and the money; same luck, planner and yearly sums."""
    found = [compare(seed, MINES) for seed in range(COUNTIES)]
    alone = np.array([one.alone_ha for one in found])
    steered = np.array([one.steered_ha for one in found])
    money = sum(one.steered_cny for one in found) / sum(one.alone_cny for one in found)
    return [
        Figure(f"{COUNTIES} counties of {MINES} mines: recovered, left alone", alone.mean(), "ha"),
        Figure("recovered, steered", steered.mean(), "ha", at_least=float(alone.mean())),
        Figure("counties in which steering recovers more", 100 * np.mean(steered > alone), "%",
               at_least=80),
        Figure("money of steering over that of the plan left alone", money, "", at_most=1),
        Figure("table", table(found)),
    ]  # fmt: skip
