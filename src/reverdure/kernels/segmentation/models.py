"""Models from many vertices down to two, and the choice among them.

Steps 4 to 6 of LandTrendr (Kennedy, Yang & Cohen 2010, doi:10.1016/j.rse.2010.07.008).
"""

import math

from reverdure.kernels.compiled import compiled
from reverdure.kernels.segmentation.sums import (
    BESIDE,
    COST,
    DIAGONAL,
    RUNG,
    RUNG_V,
    SLOPE,
    SSE,
    STEEPEST,
    SX,
    SY,
    SYY,
    Floats,
    Ints,
    P,
    X,
    Y,
    line_through,
    sums_about,
)

# Earth Engine treats all smaller p-values as equal
LEAST_P = 1e-9


@compiled
def _fit_anchored(F: Floats, V: Ints, rung: int, k: int, start: int) -> float:
    """Fit from vertex `start` on, each segment hung on the end of the one before.

    A line through two vertex values is never better than the regression through the same
    fixed end, so Kennedy's choice between both is the regression.
    """
    row, vrow = RUNG + rung, RUNG_V + rung
    if start == 0:
        b = V[vrow, 1]
        slope, first, left = line_through(F, 0, b)
        F[row, 0] = first
        F[row, 1] = first + slope * F[X, b]
        F[SLOPE, 0] = slope
        F[SSE, 0] = left
        start = 1
    for j in range(start, k - 1):
        a, b = V[vrow, j], V[vrow, j + 1]
        dxx, dxy, dyy = sums_about(F, a, b, F[X, a], F[row, j])
        slope = dxy / dxx
        F[row, j + 1] = F[row, j] + slope * (F[X, b] - F[X, a])
        F[SLOPE, j] = slope
        F[SSE, j] = max(dyy - slope * dxy, 0.0)
    left = 0.0
    for j in range(k - 1):
        left += F[SSE, j]
    return left


@compiled
def _fit_joint(F: Floats, V: Ints, n: int, rung: int, k: int) -> float:
    """Least squares of all vertex values at once: one tridiagonal system."""
    row, vrow = RUNG + rung, RUNG_V + rung
    F[DIAGONAL, 0] = 1.0
    F[row, 0] = F[Y, 0]
    for j in range(k - 1):
        a, b = V[vrow, j], V[vrow, j + 1]
        length = F[X, b] - F[X, a]
        dxx, dxy, _ = sums_about(F, a, b, F[X, a], 0.0)
        # shares w = dx / length of the later vertex, 1 - w of the earlier
        m = b - a
        sw = (F[SX, b + 1] - F[SX, a + 1] - m * F[X, a]) / length
        sww = dxx / (length * length)
        swy = dxy / length
        F[DIAGONAL, j] += m - 2.0 * sw + sww
        F[BESIDE, j] = sw - sww
        F[DIAGONAL, j + 1] = sww
        F[row, j] += F[SY, b + 1] - F[SY, a + 1] - swy
        F[row, j + 1] = swy
    # residual = yy - value . right-hand side, gathered while eliminating
    left = F[SYY, n] - F[row, 0] * F[row, 0] / F[DIAGONAL, 0]
    for j in range(1, k):
        share = F[BESIDE, j - 1] / F[DIAGONAL, j - 1]
        F[DIAGONAL, j] -= share * F[BESIDE, j - 1]
        F[row, j] -= share * F[row, j - 1]
        left -= F[row, j] * F[row, j] / F[DIAGONAL, j]
    F[row, k - 1] /= F[DIAGONAL, k - 1]
    for j in range(k - 2, -1, -1):
        F[row, j] = (F[row, j] - F[BESIDE, j] * F[row, j + 1]) / F[DIAGONAL, j]
    for j in range(k - 1):
        # Earth Engine divides by valid years here, and by calendar years in the other ladder
        F[SLOPE, j] = (F[row, j + 1] - F[row, j]) / (V[vrow, j + 1] - V[vrow, j])
    return max(float(left), 0.0)


@compiled
def _p_of(unexplained: float, n: int, k: int) -> float:
    """P-value of k vertices that leave this share of the squares.

    The first degree of freedom is even, so the tail of F is a finite sum.
    """
    second = n - 2 * (k - 1) - 1
    if second <= 0 or unexplained >= 1.0:
        return 1.0
    term = total = 1.0
    for j in range(1, k - 1):
        term *= (0.5 * second + (j - 1)) * (1.0 - unexplained) / j
        total += term
    power = math.sqrt(unexplained)
    while second > 0:
        if second & 1:
            total *= power
        power *= power
        second >>= 1
    return min(max(total, LEAST_P), 1.0)


@compiled
def _steepest_recovery(F: Floats, rung: int, k: int) -> tuple[int, float]:
    """Segment of the steepest recovery, and its slope as a share of the fitted range."""
    row = RUNG + rung
    low = high = F[row, 0]
    steepest = 0
    for j in range(1, k):
        low = min(low, F[row, j])
        high = max(high, F[row, j])
        if j < k - 1 and F[SLOPE, j] < F[SLOPE, steepest]:
            steepest = j
    if F[SLOPE, steepest] >= 0.0 or high <= low:
        return steepest, 0.0
    # the whole range in one year is the most there is, whatever rounding says
    return steepest, min(-F[SLOPE, steepest] / (high - low), 1.0)


@compiled
def _least_missed(F: Floats, V: Ints, rung: int, k: int, stale: int) -> int:
    """Interior vertex whose removal leaves the least mean square; costs before `stale` stand."""
    row, vrow = RUNG + rung, RUNG_V + rung
    for j in range(stale, k - 1):
        a, b = V[vrow, j - 1], V[vrow, j + 1]
        first = F[row, j - 1]
        span = F[X, b] - F[X, a]
        slope = (F[row, j + 1] - first) / span
        dxx, dxy, dyy = sums_about(F, a, b, F[X, a], first)
        miss = F[Y, a] - first
        F[COST, j] = (dyy - slope * (2.0 * dxy - slope * dxx) + miss * miss) / span
    least = 1
    for j in range(2, k - 1):
        if F[COST, j] < F[COST, least]:
            least = j
    return least


@compiled
def climb(F: Floats, V: Ints, n: int, count: int, joint: bool, recovery_threshold: float) -> None:
    """Fit with all vertices, then with one fewer, down to a single line."""
    total = F[SYY, n] - F[SY, n] * F[SY, n] / n
    start = 0
    stale = 1
    for rung in range(count - 1):
        k = count - rung
        if joint:
            left = _fit_joint(F, V, n, rung, k)
            start, stale = 0, 1
        else:
            left = _fit_anchored(F, V, rung, k, start)
        F[P, rung] = _p_of(left / total, n, k)
        segment, F[STEEPEST, rung] = _steepest_recovery(F, rung, k)
        if k == 2:
            return
        if not joint and F[STEEPEST, rung] > recovery_threshold and segment < k - 2:
            removed = segment + 1
        else:
            removed = _least_missed(F, V, rung, k, stale)
            stale = k
        stale = min(stale, max(removed - 1, 1))
        start = removed - 1
        for j in range(k - 1):
            V[RUNG_V + rung + 1, j] = V[RUNG_V + rung, j + (j >= removed)]
        for j in range(removed):
            F[RUNG + rung + 1, j] = F[RUNG + rung, j]


@compiled
def choose(F: Floats, rungs: int, best_model_proportion: float, recovery_threshold: float) -> int:
    """Most vertices with a p-value near the best and no recovery too fast, or -1."""
    for _ in range(rungs + 2):
        least = 1.0
        for rung in range(rungs):
            least = min(least, F[P, rung])
        limit = (2.0 - best_model_proportion) * least
        for rung in range(rungs):
            if F[P, rung] <= limit:
                if F[STEEPEST, rung] <= recovery_threshold:
                    return rung
                F[P, rung] = 1.0
                break
    return -1
