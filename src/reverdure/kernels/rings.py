"""Distances around a set of pixels, and means over years of the pixels wanted."""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled


@compiled
def distances(
    inside: NDArray[np.bool_],
    row: int,
    column: int,
    height_m: float,
    width_m: float,
    distance_m: NDArray[np.float64],
) -> None:
    """Distance of each pixel's centre from the nearest one inside.

    Parameters
    ----------
    inside : (y, x) bool
        The pixels, at least one; smaller than the window.
    row, column : int
        Where the first of them lies in the window.
    height_m, width_m : float
        Size of a pixel, [m].
    distance_m : (y, x) float64, [m]
        Written; 0 inside.

    Notes
    -----
    Exact: for each row the nearest pixel in each column, then the nearest column. Cost grows
    with the window times the width of what lies inside.
    """
    n_rows, n_columns = inside.shape
    nearest = np.empty(n_columns)
    for i in range(distance_m.shape[0]):
        for c in range(n_columns):
            nearest[c] = math.inf
            for r in range(n_rows):
                if inside[r, c]:
                    down = abs(i - row - r) * height_m
                    nearest[c] = min(nearest[c], down * down)
        for j in range(distance_m.shape[1]):
            best = math.inf
            for c in range(n_columns):
                right = (j - column - c) * width_m
                best = min(best, nearest[c] + right * right)
            distance_m[i, j] = math.sqrt(best)


@compiled
def grow(
    inside: NDArray[np.bool_],
    height_m: float,
    width_m: float,
    reach_m: float,
    grown: NDArray[np.bool_],
) -> None:
    """Mark all pixels whose centre is within a distance of one inside.

    Parameters
    ----------
    inside : (y, x) bool
    height_m, width_m : float
        Size of a pixel, [m].
    reach_m : float
        [m]
    grown : (y, x) bool
        False. Written: True within reach.
    """
    n_rows, n_columns = inside.shape
    rows, columns = int(reach_m / height_m) + 1, int(reach_m / width_m) + 1
    for i in range(n_rows):
        for j in range(n_columns):
            if not inside[i, j]:
                continue
            for r in range(max(i - rows, 0), min(i + rows + 1, n_rows)):
                for c in range(max(j - columns, 0), min(j + columns + 1, n_columns)):
                    down, right = (r - i) * height_m, (c - j) * width_m
                    if math.sqrt(down * down + right * right) <= reach_m:
                        grown[r, c] = True


@compiled
def mean_of_years(
    value: NDArray[np.float32],
    used: NDArray[np.bool_],
    row: int,
    column: int,
    wanted: NDArray[np.bool_],
    mean: NDArray[np.float64],
) -> None:
    """Mean over the years used of each pixel wanted in a window.

    Parameters
    ----------
    value : (year, y, x) float32
        NaN where missing.
    used : (year,) bool
    row, column : int
        First pixel of the window.
    wanted : (row, column) bool
        The window.
    mean : (row, column) float64
        Written where wanted; NaN where no year used has a value.
    """
    n_years = value.shape[0]
    n_rows, n_columns = wanted.shape
    total, count = np.zeros(n_columns), np.zeros(n_columns)
    for i in range(n_rows):
        total[:] = 0.0
        count[:] = 0.0
        for k in range(n_years):
            if used[k]:
                for j in range(n_columns):
                    here = value[k, row + i, column + j]
                    if wanted[i, j] and math.isfinite(here):
                        total[j] += here
                        count[j] += 1.0
        for j in range(n_columns):
            if wanted[i, j]:
                mean[i, j] = total[j] / count[j] if count[j] > 0 else math.nan


@compiled
def wander(
    value: NDArray[np.float32],
    course: NDArray[np.float64],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    width: NDArray[np.float64],
) -> None:
    """How far each pixel moves against a common course.

    Parameters
    ----------
    value : (year, y, x) float32
        NaN where missing.
    course : (year,) float64
        NaN where unknown.
    row, column : (pixel,) int64
    width : (pixel,) float64
        Written: highest minus lowest difference from the course; 0 where none is known.
    """
    low, high = np.full(row.size, math.inf), np.full(row.size, -math.inf)
    for k in range(course.size):
        for i in range(row.size):
            apart = value[k, row[i], column[i]] - course[k]
            if math.isfinite(apart):
                low[i] = min(low[i], apart)
                high[i] = max(high[i], apart)
    for i in range(row.size):
        width[i] = max(high[i] - low[i], 0.0)


def warm_up() -> None:
    """Compile for the types that `recovery` calls with."""
    one = np.ones((1, 1), np.bool_)
    distances(one, 0, 0, 30.0, 30.0, np.empty((1, 1)))
    grow(one, 30.0, 30.0, 60.0, np.zeros((1, 1), np.bool_))
    value = np.zeros((1, 1, 1), np.float32)
    value.setflags(write=False)
    mean_of_years(value, one[0], 0, 0, one, np.empty((1, 1)))
    wander(value, np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int64), np.empty(1))
