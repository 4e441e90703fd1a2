"""LandTrendr segmentation of yearly series, with the choices Earth Engine makes.

Written from the papers and from published outputs, not from anybody's code:
Kennedy, Yang & Cohen 2010 (doi:10.1016/j.rse.2010.07.008) describe the steps, Kennedy et
al. 2018 (doi:10.3390/rs10050691) their parameters on Earth Engine.

One pixel has n valid years. Its values are turned so that disturbance is an increase and
centred, and prefix sums make every sum over a stretch of years O(1). All working memory is
two arrays, `F` (float64) and `V` (int64), whose rows are named below: passing many arrays
to a compiled function costs more than the arithmetic done on them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import SegmentStatus
from reverdure.kernels.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Singles = NDArray[np.float32]
Counts = tuple[int, int, int, int]
Thresholds = tuple[float, float, float, float]

# pixels transposed together, so that (year, pixel) arrays are read along rows
BLOCK = 64
# Earth Engine treats all smaller p-values as equal
LEAST_P = 1e-9
# differences below this part of a pixel's range are rounding, at any scale of the values
RELATIVE_ZERO = 1e-9
# each correction shrinks a spike geometrically: a bound, not met in practice
CORRECTIONS_PER_YEAR = 100
# how much more a vertex counts in the cull when disturbance follows
DISTURBANCE_WEIGHT = 2.0

FITTED = int(SegmentStatus.FITTED)
FLAT = int(SegmentStatus.FLAT)
TOO_FEW_YEARS = int(SegmentStatus.TOO_FEW_YEARS)
NO_DATA = int(SegmentStatus.NO_DATA)

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


@compiled
def _set_ratio(F: Floats, i: int, zero: float) -> None:
    """Distance between the neighbours of year i over its own from the farther one."""
    farther = max(abs(F[Y, i] - F[Y, i - 1]), abs(F[Y, i] - F[Y, i + 1]))
    across = abs(F[Y, i + 1] - F[Y, i - 1])
    F[RATIO, i] = across / farther if farther > zero else 1.0


@compiled
def _despike(F: Floats, n: int, threshold: float, zero: float) -> None:
    """Pull years that stand out from both neighbours towards their mean, worst first."""
    for i in range(1, n - 1):
        _set_ratio(F, i, zero)
    for _ in range(CORRECTIONS_PER_YEAR * n):
        worst = 0
        least = 1.0 - threshold
        for i in range(1, n - 1):
            if F[RATIO, i] < least:
                least = F[RATIO, i]
                worst = i
        if worst == 0:
            return
        middle = 0.5 * (F[Y, worst - 1] + F[Y, worst + 1])
        F[Y, worst] += (1.0 - least) * (middle - F[Y, worst])
        for i in range(max(worst - 1, 1), min(worst + 2, n - 1)):
            _set_ratio(F, i, zero)


@compiled
def _sum_up(F: Floats, n: int) -> None:
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
def _line(F: Floats, a: int, b: int) -> tuple[float, float, float]:
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
def _about(F: Floats, a: int, b: int, x: float, y: float) -> tuple[float, float, float]:
    """Sums of dx*dx, dx*dy, dy*dy about (x, y) over the years after a up to b."""
    m = b - a
    sx = F[SX, b + 1] - F[SX, a + 1]
    sy = F[SY, b + 1] - F[SY, a + 1]
    dxx = F[SXX, b + 1] - F[SXX, a + 1] - 2.0 * x * sx + m * x * x
    dxy = F[SXY, b + 1] - F[SXY, a + 1] - x * sy - y * sx + m * x * y
    dyy = F[SYY, b + 1] - F[SYY, a + 1] - 2.0 * y * sy + m * y * y
    return dxx, dxy, dyy


@compiled
def _set_score(F: Floats, V: Ints, segment: int, zero: float) -> None:
    """Mean square left by a line through the segment; 0 where nothing can be split off."""
    a = V[VERTEX, segment]
    b = V[VERTEX, segment + 1]
    score = 0.0
    if b - a > 1:
        _, _, left = _line(F, a, b)
        score = left / (b - a + 1)
    F[SCORE, segment] = score if score > zero else 0.0


@compiled
def _farthest(F: Floats, a: int, b: int, end: int) -> int:
    """First year in a+1..end-1 that lies farthest from the line through a..b, or -1."""
    slope, start, _ = _line(F, a, b)
    offset = start - slope * F[X, a]
    found = -1
    most = -1.0
    for i in range(a + 1, end):
        distance = abs(F[Y, i] - offset - slope * F[X, i])
        if distance > most:
            most = distance
            found = i
    return found


@compiled
def _candidates(F: Floats, V: Ints, n: int, wanted: int, spare_end: int, zero: float) -> int:
    """Split the worst segment at its farthest year until there are `wanted` vertices."""
    V[VERTEX, 0] = 0
    V[VERTEX, 1] = n - 1
    count = 2
    _set_score(F, V, 0, zero)
    # a recovery in the very last year may not get a vertex of its own
    last_end = n - 1
    if spare_end and F[Y, n - 1] <= F[Y, n - 2]:
        last_end = n - 2
    while count < wanted:
        worst = -1
        most = 0.0
        for s in range(count - 1):
            if F[SCORE, s] > most:
                most = F[SCORE, s]
                worst = s
        if worst < 0:
            break
        b = V[VERTEX, worst + 1]
        split = _farthest(F, V[VERTEX, worst], b, min(b, last_end))
        if split < 0:
            F[SCORE, worst] = 0.0
            continue
        for j in range(count - 1, worst, -1):
            V[VERTEX, j + 1] = V[VERTEX, j]
            F[SCORE, j] = F[SCORE, j - 1]
        V[VERTEX, worst + 1] = split
        count += 1
        _set_score(F, V, worst, zero)
        _set_score(F, V, worst + 1, zero)
    return count


@compiled
def _set_angle(F: Floats, V: Ints, j: int, span: float, value_range: float) -> None:
    """How sharply the course bends at vertex j; more where disturbance follows."""
    i, before, after = V[VERTEX, j], V[VERTEX, j - 1], V[VERTEX, j + 1]
    step = F[Y, after] - F[Y, i]
    steepness = max(
        abs(F[Y, i] - F[Y, before]) / (F[X, i] - F[X, before]),
        abs(step) / (F[X, after] - F[X, i]),
    )
    weight = 1.0 + max(0.0, DISTURBANCE_WEIGHT * step / value_range)
    # values stretched to the span of the years, so that an angle means something
    F[SCORE, j] = math.atan(steepness * span / value_range) * weight


@compiled
def _cull(F: Floats, V: Ints, n: int, count: int, wanted: int, value_range: float) -> int:
    """Drop the vertex with the least angle until `wanted` are left."""
    span = F[X, n - 1]
    if count > wanted:
        for j in range(1, count - 1):
            _set_angle(F, V, j, span, value_range)
    while count > wanted:
        least = 1
        for j in range(2, count - 1):
            if F[SCORE, j] < F[SCORE, least]:
                least = j
        count -= 1
        for j in range(least, count):
            V[VERTEX, j] = V[VERTEX, j + 1]
            F[SCORE, j] = F[SCORE, j + 1]
        if least > 1:
            _set_angle(F, V, least - 1, span, value_range)
        if least < count - 1:
            _set_angle(F, V, least, span, value_range)
    return count


@compiled
def _fit_anchored(F: Floats, V: Ints, rung: int, k: int, start: int) -> float:
    """Fit from vertex `start` on, each segment hung on the end of the one before.

    A line through two vertex values is never better than the regression through the same
    fixed end, so Kennedy's choice between both is the regression.
    """
    row, vrow = RUNG + rung, RUNG_V + rung
    if start == 0:
        b = V[vrow, 1]
        slope, first, left = _line(F, 0, b)
        F[row, 0] = first
        F[row, 1] = first + slope * F[X, b]
        F[SLOPE, 0] = slope
        F[SSE, 0] = left
        start = 1
    for j in range(start, k - 1):
        a, b = V[vrow, j], V[vrow, j + 1]
        dxx, dxy, dyy = _about(F, a, b, F[X, a], F[row, j])
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
        dxx, dxy, _ = _about(F, a, b, F[X, a], 0.0)
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
    return steepest, -F[SLOPE, steepest] / (high - low)


@compiled
def _least_missed(F: Floats, V: Ints, rung: int, k: int, stale: int) -> int:
    """Interior vertex whose removal leaves the least mean square; costs before `stale` stand."""
    row, vrow = RUNG + rung, RUNG_V + rung
    for j in range(stale, k - 1):
        a, b = V[vrow, j - 1], V[vrow, j + 1]
        first = F[row, j - 1]
        span = F[X, b] - F[X, a]
        slope = (F[row, j + 1] - first) / span
        dxx, dxy, dyy = _about(F, a, b, F[X, a], first)
        miss = F[Y, a] - first
        F[COST, j] = (dyy - slope * (2.0 * dxy - slope * dxx) + miss * miss) / span
    least = 1
    for j in range(2, k - 1):
        if F[COST, j] < F[COST, least]:
            least = j
    return least


@compiled
def _climb(F: Floats, V: Ints, n: int, count: int, joint: bool, recovery_threshold: float) -> None:
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
def _choose(F: Floats, rungs: int, best_model_proportion: float, recovery_threshold: float) -> int:
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


@compiled
def _value_range(F: Floats, n: int) -> float:
    """Largest minus smallest value."""
    low = high = F[Y, 0]
    for i in range(1, n):
        low = min(low, F[Y, i])
        high = max(high, F[Y, i])
    return float(high - low)


@compiled
def _model(
    F: Floats, V: Ints, n: int, counts: Counts, thresholds: Thresholds
) -> tuple[int, int, float]:
    """Rung of the chosen model, its number of vertices and p-value; rung -1 is a flat line."""
    max_segments, overshoot, spare_end = counts[0], counts[1], counts[2]
    spike, recovery, pval, proportion = thresholds
    _despike(F, n, spike, RELATIVE_ZERO * _value_range(F, n))
    _sum_up(F, n)
    value_range = _value_range(F, n)
    if value_range <= 0.0:
        return -1, 0, 1.0
    zero = (RELATIVE_ZERO * value_range) ** 2
    wanted = max_segments + 1
    count = _candidates(F, V, n, min(wanted + overshoot, n - 2), spare_end, zero)
    count = _cull(F, V, n, count, wanted, value_range)
    for j in range(count):
        V[RUNG_V, j] = V[VERTEX, j]
    _climb(F, V, n, count, False, recovery)
    rung = _choose(F, count - 1, proportion, recovery)
    if rung < 0 or F[P, rung] > pval:
        # Earth Engine keeps this second model even where it is not significant either
        _climb(F, V, n, count, True, recovery)
        rung = _choose(F, count - 1, proportion, recovery)
    if rung < 0:
        return -1, 0, 1.0
    return rung, count - rung, F[P, rung]


@compiled
def _gather(
    tile: Floats, j: int, years: Floats, sign: float, F: Floats
) -> tuple[int, float, float]:
    """Valid years of a pixel, turned and centred: their number, first year, centre."""
    n = 0
    total = 0.0
    first = 0.0
    for t in range(years.size):
        value = sign * tile[j, t]
        if math.isfinite(value):
            if n == 0:
                first = years[t]
            F[X, n] = years[t] - first
            F[Y, n] = value
            total += value
            n += 1
    centre = total / n if n > 0 else 0.0
    for i in range(n):
        F[Y, i] -= centre
    return n, first, centre


@compiled
def _draw(tile: Floats, line: Singles, j: int, years: Floats, F: Floats, k: int) -> float:
    """Write the line through the knots; root mean square distance of the values from it."""
    squares = 0.0
    n = 0
    s = 0
    slope = (F[LEVEL, 1] - F[LEVEL, 0]) / (F[KNOT, 1] - F[KNOT, 0])
    for t in range(years.size):
        year = years[t]
        if year < F[KNOT, 0] or year > F[KNOT, k - 1]:
            line[j, t] = np.nan
            continue
        while year > F[KNOT, s + 1]:
            s += 1
            slope = (F[LEVEL, s + 1] - F[LEVEL, s]) / (F[KNOT, s + 1] - F[KNOT, s])
        fitted = F[LEVEL, s] + slope * (year - F[KNOT, s])
        line[j, t] = fitted
        if math.isfinite(tile[j, t]):
            squares += (tile[j, t] - fitted) ** 2
            n += 1
    return math.sqrt(squares / n)


@compiled
def _segment_pixel(
    tile: Floats,
    line: Singles,
    j: int,
    years: Floats,
    sign: float,
    F: Floats,
    V: Ints,
    counts: Counts,
    thresholds: Thresholds,
) -> tuple[int, int, float, float]:
    """Fit one pixel; knots in F, the line in `line`. Status, vertices, p-value, distance."""
    n, first, centre = _gather(tile, j, years, sign, F)
    if n < counts[3]:
        for t in range(years.size):
            line[j, t] = np.nan
        return NO_DATA if n == 0 else TOO_FEW_YEARS, 0, np.nan, np.nan
    rung, k, p = _model(F, V, n, counts, thresholds)
    status = FITTED
    if rung < 0:
        status = FLAT
        k = 2
        F[KNOT, 0] = first
        F[KNOT, 1] = first + F[X, n - 1]
        F[LEVEL, 0] = F[LEVEL, 1] = sign * (centre + F[SY, n] / n)
    else:
        for i in range(k):
            F[KNOT, i] = first + F[X, V[RUNG_V + rung, i]]
            F[LEVEL, i] = sign * (centre + F[RUNG + rung, i])
    return status, k, p, _draw(tile, line, j, years, F, k)


@compiled
def segment_pixels(
    values: Singles,
    years: Floats,
    sign: float,
    counts: Counts,
    thresholds: Thresholds,
    fitted: Singles,
    vertex_year: Singles,
    vertex_value: Singles,
    quality: Singles,
    status: NDArray[np.uint8],
) -> None:
    """Segment every pixel of a block of yearly values.

    Parameters
    ----------
    values : (year, pixel) float32
        NaN or infinite where missing. Read only.
    years : (year,) float64, [year]
        Increasing.
    sign : float
        -1.0 where disturbance lowers the values, 1.0 where it raises them.
    counts : (int, int, int, int)
        Most segments, overshoot of vertices, 1 to spare the last year, fewest years.
    thresholds : (float, float, float, float)
        Spike, recovery [1/year], p-value, best model proportion.
    fitted : (year, pixel) float32
        Written: the line between the first and last valid year, else NaN.
    vertex_year, vertex_value : (segments + 1, pixel) float32
        Written; NaN after the last vertex.
    quality : (2, pixel) float32
        Written: root mean square distance of the given values, p-value.
    status : (pixel,) uint8
        Written: a SegmentStatus.

    Notes
    -----
    About 3 us for 40 years. Missing years are dropped before anything is computed.
    """
    n_years, n_pixels = values.shape
    most = vertex_year.shape[0]
    width = max(n_years + 1, most + counts[1] + 2)
    F = np.empty((RUNG + most, width), np.float64)
    V = np.empty((RUNG_V + most, width), np.int64)
    tile = np.empty((BLOCK, n_years), np.float64)
    line = np.empty((BLOCK, n_years), np.float32)
    for start in range(0, n_pixels, BLOCK):
        size = min(BLOCK, n_pixels - start)
        for t in range(n_years):
            for j in range(size):
                tile[j, t] = values[t, start + j]
        for j in range(size):
            code, k, p, distance = _segment_pixel(
                tile, line, j, years, sign, F, V, counts, thresholds
            )
            pixel = start + j
            status[pixel] = code
            quality[0, pixel] = distance
            quality[1, pixel] = p
            for i in range(most):
                vertex_year[i, pixel] = F[KNOT, i] if i < k else np.nan
                vertex_value[i, pixel] = F[LEVEL, i] if i < k else np.nan
        for t in range(n_years):
            for j in range(size):
                fitted[t, start + j] = line[j, t]


def warm_up() -> None:
    """Compile for the types that `recovery` calls with."""
    year, pixel, vertex = 8, 1, 7
    values = np.zeros((year, pixel), np.float32)
    values.setflags(write=False)
    segment_pixels(
        values,
        np.arange(year, dtype=np.float64),
        -1.0,
        (6, 3, 0, 6),
        (0.9, 0.25, 0.1, 0.75),
        np.empty((year, pixel), np.float32),
        np.empty((vertex, pixel), np.float32),
        np.empty((vertex, pixel), np.float32),
        np.empty((2, pixel), np.float32),
        np.empty(pixel, np.uint8),
    )
