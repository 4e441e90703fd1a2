"""Years at which a course may turn: spikes pulled back, candidates found, then culled.

Steps 1 to 3 of LandTrendr (Kennedy, Yang & Cohen 2010, doi:10.1016/j.rse.2010.07.008).
"""

import math

from reverdure.kernels.compiled import compiled
from reverdure.kernels.segmentation.sums import (
    RATIO,
    SCORE,
    VERTEX,
    Floats,
    Ints,
    X,
    Y,
    line_through,
)

# thresholds near 0 smooth without end; thresholds from 0.5 on need far fewer
CORRECTIONS_PER_YEAR = 10
# how much more a vertex counts in the cull when disturbance follows
DISTURBANCE_WEIGHT = 2.0


@compiled
def _set_ratio(F: Floats, i: int, zero: float) -> None:
    """Distance between the neighbours of year i over its own from the farther one."""
    farther = max(abs(F[Y, i] - F[Y, i - 1]), abs(F[Y, i] - F[Y, i + 1]))
    across = abs(F[Y, i + 1] - F[Y, i - 1])
    F[RATIO, i] = across / farther if farther > zero else 1.0


@compiled
def despike(F: Floats, n: int, threshold: float, zero: float) -> None:
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
def _set_score(F: Floats, V: Ints, segment: int, zero: float) -> None:
    """Mean square left by a line through the segment; 0 where nothing can be split off."""
    a = V[VERTEX, segment]
    b = V[VERTEX, segment + 1]
    score = 0.0
    if b - a > 1:
        _, _, left = line_through(F, a, b)
        score = left / (b - a + 1)
    F[SCORE, segment] = score if score > zero else 0.0


@compiled
def _farthest(F: Floats, a: int, b: int, end: int) -> int:
    """First year in a+1..end-1 that lies farthest from the line through a..b, or -1."""
    slope, start, _ = line_through(F, a, b)
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
def find_candidates(F: Floats, V: Ints, n: int, wanted: int, spare_end: int, zero: float) -> int:
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
def cull(F: Floats, V: Ints, n: int, count: int, wanted: int, value_range: float) -> int:
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
