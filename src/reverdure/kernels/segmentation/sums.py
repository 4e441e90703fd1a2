"""Rows of the working memory of segmentation, and sums over stretches of years.

One pixel has n valid years. All its working memory is two arrays, `F` (float64) and `V`
(int64), whose rows are named here: passing many arrays to a compiled function costs more
than the arithmetic done on them. Prefix sums make every sum over a stretch of years O(1).
"""

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# rows of F over valid years; prefix sums hold in entry i the sum of the first i years
X, Y, RATIO, SX, SY, SXX, SXY, SYY = 0, 1, 2, 3, 4, 5, 6, 7
# over segments, vertices or rungs
SCORE, SSE, SLOPE, COST, DIAGONAL, BESIDE, P, STEEPEST = 8, 9, 10, 11, 12, 13, 14, 15
# vertices of the chosen model, in years and in the units of the values
KNOT, LEVEL = 16, 17
# from here one row for each rung of a ladder: vertex values in F, vertices in V
RUNG = 18
# row of V with the candidate vertices, while RUNG_V is the first rung's
VERTEX = 0
RUNG_V = 1

# differences below this part of a pixel's range are rounding, at any scale of the values
RELATIVE_ZERO = 1e-9


@compiled
def sum_up(F: Floats, n: int) -> None:
    """Prefix sums of x, y and their products."""
    sx = sy = sxx = sxy = syy = 0.0
    F[SX, 0] = F[SY, 0] = F[SXX, 0] = F[SXY, 0] = F[SYY, 0] = 0.0
    for i in range(n):
        x = F[X, i]
        y = F[Y, i]
        sx += x
        sy += y
        sxx += x * x
        sxy += x * y
        syy += y * y
        F[SX, i + 1] = sx
        F[SY, i + 1] = sy
        F[SXX, i + 1] = sxx
        F[SXY, i + 1] = sxy
        F[SYY, i + 1] = syy


@compiled
def line_through(F: Floats, a: int, b: int) -> tuple[float, float, float]:
    """Ordinary least squares on years a..b: slope, value at year a, sum of squares left."""
    m = b - a + 1
    mean_x = (F[SX, b + 1] - F[SX, a]) / m
    mean_y = (F[SY, b + 1] - F[SY, a]) / m
    xx = F[SXX, b + 1] - F[SXX, a] - m * mean_x * mean_x
    xy = F[SXY, b + 1] - F[SXY, a] - m * mean_x * mean_y
    yy = F[SYY, b + 1] - F[SYY, a] - m * mean_y * mean_y
    slope = xy / xx
    return slope, mean_y + slope * (F[X, a] - mean_x), max(yy - slope * xy, 0.0)


@compiled
def sums_about(F: Floats, a: int, b: int, x: float, y: float) -> tuple[float, float, float]:
    """Sums of dx*dx, dx*dy, dy*dy about (x, y) over the years after a up to b."""
    m = b - a
    sx = F[SX, b + 1] - F[SX, a + 1]
    sy = F[SY, b + 1] - F[SY, a + 1]
    dxx = F[SXX, b + 1] - F[SXX, a + 1] - 2.0 * x * sx + m * x * x
    dxy = F[SXY, b + 1] - F[SXY, a + 1] - x * sy - y * sx + m * x * y
    dyy = F[SYY, b + 1] - F[SYY, a + 1] - 2.0 * y * sy + m * y * y
    return dxx, dxy, dyy
