"""Course of each pixel of a ground: before, bare, and now, with standard errors.

From the year it is bare, a pixel follows a trough, a line up, and a free slope; where the
ground was cleared again, a fall. The bends are shared by the pixels of a ground, the
levels are each pixel's own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.courses import fill_design, misfit, search_bends

# prior deviations of trough, rise, slope (per 5 years) and fall, and the noise they meet
_PRIOR = np.array([0.15, 1.0, 0.15, 1.0])
_TROUGH, _TROUGH_FROM = 0.08, (-0.05, 0.4)
# mines open part by part: a pixel is bare from the year it is this near to its lowest
_OPENING_YEARS, _NEARLY_BARE = 6, 0.2
_NOISE = 0.08
_RISE_YEARS = np.array([1.0, 2, 3, 4, 6, 8, 11, 15])
_MAX_SEARCHED = 40
_SHARED_PIXELS = 2.5
_FALL_SEARCHED_YEARS = 10
_LEAST_FALL = 0.15
_FALL_EXPLAINS = 0.3


@dataclass(frozen=True, slots=True)
class Courses:
    """Courses of the pixels of one ground in one index; shares of bare to reference.

    Attributes
    ----------
    before, trough, now : (pixel,) float64
        Mean before damage (NaN where unknown), level while bare, level now.
    var_gain : (pixel,) float64
        Variance of now - trough.
    var_trough : (pixel,) float64
    fit : (year, pixel) float64
        Fitted course from the bare year; before it the trough.
    common : (2, 2) float64
        Covariance of the errors of trough and now that all pixels share.
    residual : float
        Standard deviation of one pixel and year around the fit.
    bends : tuple of float
        Year the rise starts and ends.
    fell : bool
        Whether the ground fell again after its rise.
    """

    before: NDArray[np.float64]
    trough: NDArray[np.float64]
    now: NDArray[np.float64]
    var_gain: NDArray[np.float64]
    var_trough: NDArray[np.float64]
    fit: NDArray[np.float64]
    common: NDArray[np.float64]
    residual: float
    bends: tuple[float, float]
    fell: bool


def fit_courses(
    share: NDArray[np.float64],
    years: NDArray[np.int64],
    bare_year: NDArray[np.float64],
    last_before: NDArray[np.float64],
    last_clear: NDArray[np.bool_],
    weight: NDArray[np.float64],
    mined: NDArray[np.float64],
) -> Courses:
    """Fit the courses of the pixels of one ground.

    Parameters
    ----------
    share : (year, pixel) float64
        Way from bare to reference; NaN where not clear.
    years : (year,) int64
    bare_year : (pixel,) float64
        First bare year.
    last_before : (pixel,) float64
        Last year before damage; -inf where damage is older than the record.
    last_clear : (year,) bool
        The two last clear years of the ground.
    weight : (pixel,) float64
        Share of the pixel that is ground; the bends are those of the ground.
    mined : (pixel,) float64
        Share of the pixel that is any mined land: the rest is not bare in the trough.
    """
    t = years.astype(float)
    clear = np.isfinite(share)
    bare_year = _settled(share, t, bare_year)
    after = clear & (t[:, None] >= bare_year)
    around = 1 - mined
    expected = around + mined * _TROUGH
    design, bends = _best_design(np.where(after, share - expected, 0.0), after, t, weight)
    fell = design.shape[1] == _PRIOR.size
    ridge = np.diag(_ridge(design.shape[1]))
    inverse = np.linalg.inv(_normal(design, after) + ridge)
    for _ in range(2):
        value = np.where(after, share - expected, 0.0)
        level = np.einsum("pij,pj->pi", inverse, value.T @ design)
        level[:, 0] += expected
        in_trough = (after & (t[:, None] <= bends[0])).sum(axis=0)
        expected = around + mined * mean_trough(level[:, 0], mined, weight * (in_trough >= 2))
    fit = design @ level.T
    residual = np.where(after, share - fit, np.nan)
    var_pixel, var_common = _variances(residual, after, weight)
    at_now = design[last_clear].mean(axis=0)
    at_trough = np.eye(design.shape[1])[0]
    toward = at_now - at_trough
    var_gain = np.einsum("i,pij,j->p", toward, inverse, toward) * var_pixel
    var_trough = np.asarray(inverse[:, 0, 0] * var_pixel, float)
    some = np.atleast_1d(after.any(axis=1))[:, None]
    full = np.linalg.inv(_normal(design, some)[0] + ridge)
    both = np.stack([at_trough, at_now])
    common: NDArray[np.float64] = np.asarray(both @ full @ both.T * var_common, float)
    early = np.where(clear & (t[:, None] <= last_before), share, np.nan)
    return Courses(
        _mean(early),
        level[:, 0],
        level @ at_now,
        var_gain,
        var_trough,
        np.where(t[:, None] >= bare_year, fit, level[:, 0]),
        common,
        float(np.sqrt(var_pixel + var_common)),
        bends,
        fell,
    )


def _settled(
    share: NDArray[np.float64], t: NDArray[np.float64], bare_year: NDArray[np.float64]
) -> NDArray[np.float64]:
    """First year from `bare_year` on in which each pixel is about as low as it gets.

    A pixel on the border of two parts falls twice; the years between are no trough.
    """
    following = np.vstack([share[1:], np.full((1, share.shape[1]), np.nan)])
    both = np.where(np.isfinite(following), (share + following) / 2, share)
    opening = (t[:, None] >= bare_year) & (t[:, None] <= bare_year + _OPENING_YEARS)
    low = np.where(opening & np.isfinite(both), both, np.inf)
    first = (low <= low.min(axis=0) + _NEARLY_BARE).argmax(axis=0)
    known = np.isfinite(low).any(axis=0)
    return np.where(known, np.maximum(t[first], bare_year), bare_year)


def mean_trough(
    trough: NDArray[np.float64], mined: NDArray[np.float64], weight: NDArray[np.float64]
) -> float:
    """Level of the mined part of the pixels in the trough, from those that show it."""
    used = weight * (mined > 0.5)
    if used.sum() <= 0:
        return _TROUGH
    own = 1 - (1 - trough) / np.maximum(mined, 0.5)
    return float(np.clip(np.average(own, weights=used), *_TROUGH_FROM))


def _design(
    t: NDArray[np.float64], bends: tuple[float, float], fall: float | None = None
) -> NDArray[np.float64]:
    """Trough, rise, slope after it and the fall, if any: (year, 3 or 4)."""
    design = np.empty((t.size, 3 if fall is None else 4))
    fill_design(t, *bends, np.nan if fall is None else fall, design)
    return design


def _ridge(n_levels: int) -> NDArray[np.float64]:
    """Weight of the prior, so that a level the years cannot tell stays near zero."""
    return np.asarray((_NOISE / _PRIOR[:n_levels]) ** 2)


def _normal(design: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Normal matrices, (pixel, level, level)."""
    n = design.shape[1]
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    return (used.T.astype(float) @ outer).reshape(-1, n, n)


def _best_design(
    value: NDArray[np.float64],
    after: NDArray[np.bool_],
    t: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Design that fits the ground best, and start and end of the rise."""
    chosen = np.argsort(-weight, kind="stable")[:_MAX_SEARCHED]
    pixels = (
        np.ascontiguousarray(value[:, chosen].T),
        np.ascontiguousarray(after[:, chosen].T),
        weight[chosen],
    )
    seen = t[after.any(axis=1)]
    if seen.size < 3:
        bends = (float(t[0]), float(t[-1]))
        return _design(t, bends), bends
    bends, least = _bends(pixels, t, seen, None)
    falls = [float(fall) for fall in seen[-_FALL_SEARCHED_YEARS:] if fall > bends[0] + 1]
    level = np.empty(_PRIOR.size)
    trials = [(misfit(*pixels, _design(t, bends, fall), _ridge(4), level), fall) for fall in falls]
    if trials:
        _, fall = min(trials)
        after_fall, least_fall = _bends(pixels, t, seen, fall)
        design = _design(t, after_fall, fall)
        misfit(*pixels, design, _ridge(4), level)
        if level[3] < -_LEAST_FALL and least_fall < (1 - _FALL_EXPLAINS) * least:
            return design, after_fall
    return _design(t, bends), bends


def _bends(
    pixels: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]],
    t: NDArray[np.float64],
    seen: NDArray[np.float64],
    fall: float | None,
) -> tuple[tuple[float, float], float]:
    """Start and end of the rise that fit best, and the misfit."""
    starts = np.arange(seen[0], seen[-1] if fall is None else fall - 1)
    ridge = _ridge(3 if fall is None else 4)
    first, last = float(seen[0]), float(seen[-1])
    start, end, least = search_bends(
        *pixels, t, starts, _RISE_YEARS, last, np.nan if fall is None else fall, ridge
    )
    return ((start, end) if np.isfinite(least) else (first, last)), least


def _variances(
    residual: NDArray[np.float64], after: NDArray[np.bool_], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Variance of one pixel and year, and that of a year common to all pixels."""
    n = int(after.sum())
    free = max(n - 3 * residual.shape[1], 0.3 * n, 1.0)
    total = max(float(np.nansum(residual**2)) / free, 0.01**2)
    weighted = after * (weight + 0.01)
    mass = weighted.sum(axis=1)
    years = mass > 0
    if years.sum() < 4:
        return total, 0.25 * total
    mean = np.nansum(residual * weighted, axis=1)[years] / mass[years]
    n_effective = (mass[years] ** 2 / (weighted[years] ** 2).sum(axis=1)).mean()
    spread = float((mean**2).sum()) / max(int(years.sum()) - 3, 1)
    common = max(spread - _SHARED_PIXELS * total / n_effective, 0.05 * total)
    common = min(common, 0.9 * total)
    return total - common, common


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    n = np.isfinite(values).sum(axis=0)
    return np.where(n > 0, np.nansum(values, axis=0) / np.maximum(n, 1), np.nan)
