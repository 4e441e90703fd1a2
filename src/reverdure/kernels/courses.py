"""Search for the bends that the courses of many pixels share.

From the year it is bare a pixel follows a trough, a line up, and a free slope; where the
ground was cleared again, a fall. Each pixel has its own levels, by ridge regression; all
have the same bends.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled


@compiled
def fill_design(
    t: NDArray[np.float64], start: float, end: float, fall: float, design: NDArray[np.float64]
) -> None:
    """Fill (year, level) with ones, the rise, the slope after it and, if asked for, the fall.

    Parameters
    ----------
    t : (year,) float64
    start, end : float
        Years between which the rise goes from 0 to 1.
    fall : float
        First year after the fall; used where `design` has four levels.
    design : (year, 3 or 4) float64
        Written; the slope is per five years.
    """
    for k in range(t.size):
        design[k, 0] = 1.0
        design[k, 1] = min(max((t[k] - start) / (end - start), 0.0), 1.0)
        design[k, 2] = max(t[k] - end, 0.0) / 5.0
        if design.shape[1] == 4:
            design[k, 3] = 1.0 if t[k] >= fall else 0.0


@compiled
def _solve(normal: NDArray[np.float64], moment: NDArray[np.float64]) -> None:
    """Solve a small positive definite system by Cholesky; both are written.

    `moment` becomes the answer.
    """
    n = moment.size
    for i in range(n):
        for j in range(i + 1):
            total = normal[i, j]
            for k in range(j):
                total -= normal[i, k] * normal[j, k]
            normal[i, j] = math.sqrt(total) if i == j else total / normal[j, j]
    for i in range(n):
        for k in range(i):
            moment[i] -= normal[i, k] * moment[k]
        moment[i] /= normal[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            moment[i] -= normal[k, i] * moment[k]
        moment[i] /= normal[i, i]


@compiled
def misfit(
    value: NDArray[np.float64],
    used: NDArray[np.bool_],
    weight: NDArray[np.float64],
    design: NDArray[np.float64],
    ridge: NDArray[np.float64],
    mean_level: NDArray[np.float64],
) -> float:
    """Weighted sum of squares left over by a design, the price of the prior included.

    Parameters
    ----------
    value : (pixel, year) float64
        0 where not used.
    used : (pixel, year) bool
    weight : (pixel,) float64
    design : (year, level) float64
    ridge : (level,) float64
        Added to the diagonal of the normal matrices.
    mean_level : (level,) float64
        Weighted mean of the pixels' levels. Written.

    Returns
    -------
    float
        Infinite where the rise would be a fall: that is damage, not recovery.
    """
    n = design.shape[1]
    normal = np.empty((n, n))
    moment = np.empty(n)
    right = np.empty(n)
    left_over = 0.0
    total_weight = 0.0
    mean_level[:] = 0.0
    for p in range(value.shape[0]):
        normal[:] = 0.0
        moment[:] = 0.0
        squares = 0.0
        for i in range(n):
            normal[i, i] = ridge[i]
        for k in range(design.shape[0]):
            if used[p, k]:
                squares += value[p, k] ** 2
                for i in range(n):
                    moment[i] += value[p, k] * design[k, i]
                    for j in range(i + 1):
                        normal[i, j] += design[k, i] * design[k, j]
        right[:] = moment
        _solve(normal, moment)
        for i in range(n):
            squares -= right[i] * moment[i]
            mean_level[i] += weight[p] * moment[i]
        left_over += weight[p] * squares
        total_weight += weight[p]
    rise = mean_level[1]
    for i in range(n):
        mean_level[i] /= total_weight
    return np.inf if rise < 0 else left_over


@compiled
def search_bends(
    value: NDArray[np.float64],
    used: NDArray[np.bool_],
    weight: NDArray[np.float64],
    t: NDArray[np.float64],
    starts: NDArray[np.float64],
    rise_years: NDArray[np.float64],
    last: float,
    fall: float,
    ridge: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Start and end of the rise that leave the least over, and what they leave.

    Parameters
    ----------
    value, used, weight, ridge
        As for `misfit`; three levels, or four with a fall.
    t : (year,) float64
    starts, rise_years : float64
        Starts tried, and lengths of the rise, shortest first.
    last : float
        No rise but the shortest ends after this year.
    fall : float
        First year after the fall, where there are four levels.

    Returns
    -------
    start, end, misfit : float
        NaN, NaN and infinity where no rise goes up.
    """
    design = np.empty((t.size, ridge.size))
    mean_level = np.empty(ridge.size)
    best, best_start, best_end = np.inf, np.nan, np.nan
    for start in starts:
        for k in range(rise_years.size):
            end = start + rise_years[k]
            if k > 0 and end > last:
                break
            fill_design(t, start, end, fall, design)
            found = misfit(value, used, weight, design, ridge, mean_level)
            if found < best - 1e-12:
                best, best_start, best_end = found, start, end
    return best_start, best_end, best


def warm_up() -> None:
    """Compile the kernels once, or load them from the cache."""
    value, used, weight = np.zeros((1, 3)), np.ones((1, 3), np.bool_), np.ones(1)
    t, ridge = np.arange(3.0), np.ones(3)
    search_bends(value, used, weight, t, t[:1], np.ones(1), 2.0, 0.0, ridge)
    design = np.empty((3, 3))
    fill_design(t, 0.0, 1.0, 0.0, design)
    misfit(value, used, weight, design, ridge, np.empty(3))
