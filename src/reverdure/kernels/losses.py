"""The largest fall of each pixel's segments, and the year it happened.

Falling segments that follow each other are one fall; a slow drift that a steep fall ends
is not part of it.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled


@compiled
def largest_falls(
    year: NDArray[np.float32],
    value: NDArray[np.float32],
    onset_share: float,
    event: NDArray[np.float64],
    extremes: NDArray[np.float64],
) -> None:
    """Largest fall along one run of falling segments.

    Parameters
    ----------
    year, value : (vertex, pixel) float32
        Vertices, NaN after the last.
    onset_share : float
        A falling segment slower than this share of the next is not part of the fall.
    event : (5, pixel) float64
        Written: loss (0 where nothing falls), last year before it, the year it ended, level
        at both; NaN where nothing falls.
    extremes : (2, pixel) float64
        Written: lowest and highest vertex; inf and -inf without any.
    """
    n_vertices, n_pixels = value.shape
    for i in range(n_pixels):
        best, start, end, before, after = 0.0, math.nan, math.nan, math.nan, math.nan
        run_year, run_value = float(year[0, i]), float(value[0, i])
        low, high = math.inf, -math.inf
        if math.isfinite(run_value):
            low, high = run_value, run_value
        rate_before = math.nan
        for k in range(1, n_vertices):
            here, last = float(value[k, i]), float(value[k - 1, i])
            if not math.isfinite(here):
                break
            low, high = min(low, here), max(high, here)
            rate = (last - here) / (float(year[k, i]) - float(year[k - 1, i]))
            if here < last:
                if rate_before < onset_share * rate:
                    run_year, run_value = float(year[k - 1, i]), last
                if run_value - here > best:
                    best = run_value - here
                    start, end = run_year, float(year[k, i])
                    before, after = run_value, here
            else:
                run_year, run_value = float(year[k, i]), here
            rate_before = rate
        event[0, i] = best
        event[1, i] = start
        event[2, i] = end
        event[3, i] = before
        event[4, i] = after
        extremes[0, i] = low
        extremes[1, i] = high


@compiled
def date_falls(
    value: NDArray[np.float32],
    year: NDArray[np.float64],
    wanted: NDArray[np.bool_],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    reach: float,
    dated: NDArray[np.float64],
) -> None:
    """Year in which one step explains the clear values around a fall best.

    Parameters
    ----------
    value : (year, pixel) float32
        NaN where not clear.
    year : (year,) float64
    wanted : (pixel,) bool
    start, end : (pixel,) float64
        Last year before the fall, and the year it ended.
    reach : float
        Years looked at before `start` and after `end`.
    dated : (pixel,) float64
        Written where wanted: first year of the step's lower side, after `start` and not
        after `end`; the earliest among equals, which is the year after the last clear look.
        `start` + 1 where no value is clear on one of the sides.
    """
    n_years = year.size
    for i in range(wanted.size):
        if not wanted[i]:
            continue
        n_all, sum_all, squares = 0, 0.0, 0.0
        for k in range(n_years):
            seen = float(value[k, i])
            if math.isfinite(seen) and start[i] - reach <= year[k] <= end[i] + reach:
                n_all += 1
                sum_all += seen
                squares += seen * seen
        best, chosen = math.inf, start[i] + 1.0
        n_left, sum_left = 0, 0.0
        for k in range(n_years):
            if start[i] < year[k] <= end[i] and 0 < n_left < n_all:
                rest = sum_all - sum_left
                misfit = squares - sum_left**2 / n_left - rest**2 / (n_all - n_left)
                if misfit < best - 1e-9:
                    best, chosen = misfit, year[k]
            seen = float(value[k, i])
            if math.isfinite(seen) and start[i] - reach <= year[k] <= end[i] + reach:
                n_left += 1
                sum_left += seen
        dated[i] = chosen


def warm_up() -> None:
    """Compile for the types that `recovery` calls with."""
    one = np.zeros((2, 1), np.float32)
    one.setflags(write=False)
    largest_falls(one, one, 0.2, np.empty((5, 1)), np.empty((2, 1)))
    nothing = np.zeros(1)
    date_falls(one, np.zeros(2), np.zeros(1, np.bool_), nothing, nothing, 3.0, np.empty(1))
