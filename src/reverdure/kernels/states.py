"""One number per mine that is seen through noise, year by year: filter, smoother, running sum.

Harvey (1989), Forecasting, structural time series models and the Kalman filter; Durbin &
Koopman (2012), Time series analysis by state space methods, 2nd ed., sections 2.2, 2.4, 6.4.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled

Floats = NDArray[np.float64]


@compiled
def filter_states(
    start: Floats,
    course: tuple[Floats, Floats, Floats],
    observed: Floats,
    loading: Floats,
    noise: Floats,
    filtered: Floats,
    predicted: Floats,
    surprise: Floats,
    likelihood: Floats,
) -> None:
    """Filter every mine: predict a year ahead, then take in what each sensor saw.

    Parameters
    ----------
    start : (2, mine) float64
        Mean and variance of the state in the year before the first.
    course : keep (mine, year), push (mine, year), spread (mine, year)
        `r[t] = keep * r[t-1] + push + w`, w of variance `spread`.
    observed : (mine, year, sensor) float64
        NaN is skipped.
    loading : (sensor,) float64
        `y = loading * r + v`.
    noise : (mine, year, sensor) float64
        Variance of v.
    filtered, predicted : (2, mine, year) float64
        Mean and variance after and before the year's observations. Written.
    surprise : (mine, year, sensor) float64
        Innovation over its standard deviation, given the sensors before it; NaN where not
        observed. Written.
    likelihood : (mine,) float64
        Log-likelihood. Written.

    Notes
    -----
    Sensors of one year are taken one after the other, which with independent noise is the
    same as all at once (Durbin & Koopman 2012, 6.4). Cost is one pass over the observations.
    """
    keep, push, spread = course
    for i in range(observed.shape[0]):
        mean, var = start[0, i], start[1, i]
        total = 0.0
        for t in range(observed.shape[1]):
            mean = keep[i, t] * mean + push[i, t]
            var = keep[i, t] ** 2 * var + spread[i, t]
            predicted[0, i, t], predicted[1, i, t] = mean, var
            for j in range(observed.shape[2]):
                surprise[i, t, j] = np.nan
                if math.isnan(observed[i, t, j]):
                    continue
                off = observed[i, t, j] - loading[j] * mean
                size = loading[j] ** 2 * var + noise[i, t, j]
                gain = var * loading[j] / size
                mean += gain * off
                # equal to (1 - gain * loading) * var, and never below zero
                var = var * noise[i, t, j] / size
                surprise[i, t, j] = off / math.sqrt(size)
                total -= 0.5 * (math.log(2.0 * math.pi * size) + off * off / size)
            filtered[0, i, t], filtered[1, i, t] = mean, var
        likelihood[i] = total


@compiled
def smooth_states(keep: Floats, filtered: Floats, predicted: Floats, smoothed: Floats) -> None:
    """Look back from the last year: each year given all observations.

    Parameters
    ----------
    keep : (mine, year) float64
    filtered, predicted : (2, mine, year) float64
        As `filter_states` writes them.
    smoothed : (2, mine, year) float64
        Mean and variance. Written.

    Notes
    -----
    Rauch, Tung & Striebel (1965), AIAA Journal 3, 1445-1450, doi:10.2514/3.3166.
    """
    last = filtered.shape[2] - 1
    for i in range(filtered.shape[1]):
        mean, var = filtered[0, i, last], filtered[1, i, last]
        smoothed[0, i, last], smoothed[1, i, last] = mean, var
        for t in range(last - 1, -1, -1):
            ahead = predicted[1, i, t + 1]
            back = filtered[1, i, t] * keep[i, t + 1] / ahead if ahead > 0.0 else 0.0
            mean = filtered[0, i, t] + back * (mean - predicted[0, i, t + 1])
            var = filtered[1, i, t] + back * back * (var - ahead)
            smoothed[0, i, t], smoothed[1, i, t] = mean, var


@compiled
def running_shortfall(surprise: Floats, slack: float, total: Floats) -> None:
    """Lower cumulative sum of surprises: how far a mine keeps falling short of its course.

    Parameters
    ----------
    surprise : (mine, year) float64
        Of unit variance; NaN leaves the sum as it is.
    slack : float
        What is forgiven each time.
    total : (mine, year) float64
        Written.

    Notes
    -----
    Page (1954), Biometrika 41, 100-115, doi:10.1093/biomet/41.1-2.100.
    """
    for i in range(surprise.shape[0]):
        now = 0.0
        for t in range(surprise.shape[1]):
            if not math.isnan(surprise[i, t]):
                now = max(0.0, now - surprise[i, t] - slack)
            total[i, t] = now


def warm_up() -> None:
    """Compile the kernels once, or load them from the cache."""
    two, years = np.ones((2, 1, 2)), np.ones((1, 2))
    seen = np.ones((1, 2, 1))
    filter_states(
        np.ones((2, 1)), (years, years, years), seen, np.ones(1), seen,
        two.copy(), two.copy(), seen.copy(), np.ones(1),
    )  # fmt: skip
    smooth_states(years, two, two, two.copy())
    running_shortfall(years, 0.5, years.copy())
