"""Exact share of each cell inside rings."""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled


@compiled
def _add_piece(share: NDArray[np.float64], row: int, x0: float, x1: float, height: float) -> None:
    """Add what an edge piece inside one row hides to its right: signed height by column."""
    last = share.shape[1] - 2
    step = 1.0 if x1 > x0 else -1.0
    length = abs(x1 - x0)
    x = x0
    gone = 0.0
    while True:
        column = math.floor(x) if step > 0.0 else math.ceil(x) - 1
        column = min(max(column, 0), last)
        border = column + 1.0 if step > 0.0 else float(column)
        reach = min(abs(border - x0), length)
        if abs(x1 - x) <= abs(border - x):
            reach = length
        part = height * (reach - gone) / length if length > 0.0 else height
        end = x1 if reach == length else border
        before = 0.5 * (x + end) - column
        share[row, column] += part * (1.0 - before)
        share[row, column + 1] += part * before
        if reach == length:
            return
        gone = reach
        x = end


@compiled
def cover_cells(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    ring: NDArray[np.int64],
    share: NDArray[np.float64],
) -> None:
    """Share of each cell covered by a valid polygon.

    Parameters
    ----------
    x, y : (point,) float64, [cells]
        Closed rings one after the other, column and row from the upper left corner, all
        inside the cells. Shells run against the clock in x right, y up; holes with it.
    ring : (point,) int64
        Number of the ring a point belongs to.
    share : (row, column + 1) float64
        Zeros. Written: the share, 0 to 1; the last column holds rounding only.

    Notes
    -----
    Each edge adds its signed height to all cells right of it, as a sum along the row; cost
    grows with the cells an edge crosses, not with the cells inside.
    """
    n_rows = share.shape[0]
    for i in range(x.size - 1):
        if ring[i] != ring[i + 1] or y[i] == y[i + 1]:
            continue
        # downward edges (y grows with the row) are the left side of a shell
        sign = 1.0 if y[i + 1] > y[i] else -1.0
        top, bottom = (i, i + 1) if y[i + 1] > y[i] else (i + 1, i)
        slope = (x[bottom] - x[top]) / (y[bottom] - y[top])
        row = min(max(math.floor(y[top]), 0), n_rows - 1)
        y0, x0 = y[top], x[top]
        while True:
            is_last = row + 1.0 >= y[bottom] or row == n_rows - 1
            y1 = y[bottom] if is_last else row + 1.0
            x1 = x[bottom] if is_last else x[top] + slope * (y1 - y[top])
            _add_piece(share, row, x0, x1, sign * (y1 - y0))
            if is_last:
                break
            row += 1
            y0, x0 = y1, x1
    for row in range(n_rows):
        total = 0.0
        for column in range(share.shape[1]):
            total += share[row, column]
            share[row, column] = total


def warm_up() -> None:
    """Compile for the types that `ground` calls with."""
    square = np.array([0.2, 0.2, 0.8, 0.8, 0.2])
    cover_cells(square, square[::-1].copy(), np.zeros(5, np.int64), np.zeros((1, 2)))
