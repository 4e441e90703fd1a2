"""Course of each pixel of a ground: before, bare, and now, with standard errors.

From the year it is bare, a pixel follows a trough, a line up, and a free slope. The two
bends are shared by the pixels of a ground, the levels are each pixel's own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# prior deviations of trough, rise and slope (per 5 years), and the noise they weigh against
_PRIOR = np.array([1.0, 1.0, 0.15])
_NOISE = 0.08
_RISE_YEARS = (1, 2, 3, 4, 6, 8, 11, 15)
_MAX_SEARCHED = 80
_SHARED_PIXELS = 2.5


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
        Whether the last two clear years lie far under the fit (levels now are their
        means instead).
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
    """
    t = years.astype(float)
    clear = np.isfinite(share)
    after = clear & (t[:, None] >= bare_year)
    value = np.where(after, share, 0.0)
    bends = _bends(value, after, t, weight)
    design = _design(t, *bends)
    ridge = np.diag((_NOISE / _PRIOR) ** 2)
    inverse = np.linalg.inv(_normal(design, after) + ridge)
    level = np.einsum("pij,pj->pi", inverse, value.T @ design)
    fit = design @ level.T
    residual = np.where(after, share - fit, np.nan)
    var_pixel, var_common = _variances(residual, after, weight)
    at_now = design[last_clear].mean(axis=0)
    at_trough = np.array([1.0, 0.0, 0.0])
    now = level @ at_now
    var_now = np.einsum("i,pij,j->p", at_now, inverse, at_now) * var_pixel
    gap, gap_error = _gap(residual[last_clear], weight, var_pixel, var_common)
    fell = gap < -max(0.1, 3 * gap_error)
    toward = at_now - at_trough
    var_gain = np.einsum("i,pij,j->p", toward, inverse, toward) * var_pixel
    var_trough = np.asarray(inverse[:, 0, 0] * var_pixel, float)
    if fell:
        n = after[last_clear].sum(axis=0)
        raw = np.where(after[last_clear], share[last_clear], 0).sum(axis=0) / np.maximum(n, 1)
        now = np.where(n > 0, raw, now)
        var_now = np.where(n > 0, var_pixel / np.maximum(n, 1), var_now)
        var_gain = var_now + var_trough
    some = np.atleast_1d(after.any(axis=1))[:, None]
    full = np.linalg.inv(_normal(design, some)[0] + ridge)
    both = np.stack([at_trough, at_now])
    common: NDArray[np.float64] = np.asarray(both @ full @ both.T * var_common, float)
    early = np.where(clear & (t[:, None] <= last_before), share, np.nan)
    return Courses(
        _mean(early),
        level[:, 0],
        now,
        var_gain,
        var_trough,
        np.where(t[:, None] >= bare_year, fit, level[:, 0]),
        common,
        float(np.sqrt(var_pixel + var_common)),
        bends,
        bool(fell),
    )


def _design(t: NDArray[np.float64], rise_start: float, rise_end: float) -> NDArray[np.float64]:
    """Trough, rise and slope after it, (year, 3)."""
    rise = np.clip((t - rise_start) / (rise_end - rise_start), 0, 1)
    return np.column_stack([np.ones_like(t), rise, np.maximum(t - rise_end, 0) / 5])


def _normal(design: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Normal matrices, (pixel, 3, 3)."""
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    return (used.T.astype(float) @ outer).reshape(-1, 3, 3)


def _bends(
    value: NDArray[np.float64],
    after: NDArray[np.bool_],
    t: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[float, float]:
    """Start and end of the rise that fit the ground best."""
    chosen = np.argsort(-weight, kind="stable")[:_MAX_SEARCHED]
    value, after, weight = value[:, chosen], after[:, chosen], weight[chosen]
    seen = t[after.any(axis=1)]
    if seen.size < 3:
        return float(t[0]), float(t[-1])
    best, bends = np.inf, (float(seen[0]), float(seen[-1]))
    total = (value**2).sum(axis=0)
    ridge = np.diag((_NOISE / _PRIOR) ** 2)
    for start in np.arange(seen[0], seen[-1]):
        for years in _RISE_YEARS:
            if start + years > seen[-1] and years > 1:
                break
            design = _design(t, start, start + years)
            moment = value.T @ design
            level = np.linalg.solve(_normal(design, after) + ridge, moment[:, :, None])[:, :, 0]
            misfit = float(weight @ (total - (moment * level).sum(axis=1)))
            if misfit < best - 1e-12:
                best, bends = misfit, (float(start), float(start + years))
    return bends


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
    spread = float((mean**2).sum()) / max(years.sum() - 3, 1)
    common = max(spread - _SHARED_PIXELS * total / n_effective, 0.05 * total)
    common = min(common, 0.9 * total)
    return total - common, common


def _gap(
    residual: NDArray[np.float64],
    weight: NDArray[np.float64],
    var_pixel: float,
    var_common: float,
) -> tuple[float, float]:
    """Weighted mean residual of the last two clear years, and its error."""
    seen = np.isfinite(residual)
    mass = (seen * weight).sum()
    if mass == 0:
        return 0.0, 1.0
    mean = float(np.nansum(residual * weight) / mass)
    n_effective = mass**2 / ((seen * weight) ** 2).sum() / _SHARED_PIXELS
    return mean, float(np.sqrt(var_common / 2 + var_pixel / max(n_effective, 1.0)))


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    n = np.isfinite(values).sum(axis=0)
    return np.where(n > 0, np.nansum(values, axis=0) / np.maximum(n, 1), np.nan)
