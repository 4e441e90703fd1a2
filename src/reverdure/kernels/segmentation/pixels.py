"""Segmentation of many pixels: gather a course, choose its model, draw it.

Written from the papers and from published outputs, not from anybody's code:
Kennedy, Yang & Cohen 2010 (doi:10.1016/j.rse.2010.07.008) describe the steps, Kennedy et
al. 2018 (doi:10.3390/rs10050691) their parameters on Earth Engine. A pixel's values are
turned so that disturbance is an increase, and centred; all arithmetic is float64.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import SegmentStatus
from reverdure.kernels.compiled import compiled
from reverdure.kernels.segmentation.models import (
    choose,
    climb,
)
from reverdure.kernels.segmentation.sums import (
    KNOT,
    LEVEL,
    RELATIVE_ZERO,
    RUNG,
    RUNG_V,
    SY,
    VERTEX,
    Floats,
    Ints,
    P,
    X,
    Y,
    sum_up,
)
from reverdure.kernels.segmentation.vertices import (
    cull,
    despike,
    find_candidates,
)

Singles = NDArray[np.float32]
Counts = tuple[int, int, int, int]
Thresholds = tuple[float, float, float, float]

# pixels transposed together, so that (year, pixel) arrays are read along rows
BLOCK = 64

FITTED = int(SegmentStatus.FITTED)
FLAT = int(SegmentStatus.FLAT)
TOO_FEW_YEARS = int(SegmentStatus.TOO_FEW_YEARS)
NO_DATA = int(SegmentStatus.NO_DATA)


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
    despike(F, n, spike, RELATIVE_ZERO * _value_range(F, n))
    sum_up(F, n)
    value_range = _value_range(F, n)
    if value_range <= 0.0:
        return -1, 0, 1.0
    zero = (RELATIVE_ZERO * value_range) ** 2
    wanted = max_segments + 1
    count = find_candidates(F, V, n, min(wanted + overshoot, n - 2), spare_end, zero)
    count = cull(F, V, n, count, wanted, value_range)
    for j in range(count):
        V[RUNG_V, j] = V[VERTEX, j]
    climb(F, V, n, count, False, recovery)
    rung = choose(F, count - 1, proportion, recovery)
    if rung < 0 or F[P, rung] > pval:
        # Earth Engine keeps this second model even where it is not significant either
        climb(F, V, n, count, True, recovery)
        rung = choose(F, count - 1, proportion, recovery)
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
