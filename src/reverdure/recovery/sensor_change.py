"""What a change of sensor does to the bands and indices of land that did not change."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from reverdure.core.codes import SensorChangeStatus
from reverdure.core.errors import InvalidInput, WrongDimensions
from reverdure.recovery.constants import table
from reverdure.recovery.harmonise import REFLECTIVE, Harmonisation
from reverdure.recovery.indices import INDICES, index_spec, spectral_index

_MAD_TO_SD = 1.4826
_ROUNDS = 5
_BLOCKS = 8
_LEAST_REAL = 0.25
_Floats = NDArray[np.float64]
_Fit = Callable[[_Floats, _Floats], _Floats]


def change_constant(name: str) -> float:
    """Value of an entry of `data/sensor_change.toml`.

    Examples
    --------
    >>> change_constant("most_jump")
    0.2
    """
    return float(table("sensor_change")[name]["value"])


@dataclass(frozen=True, slots=True)
class SensorLine:
    """newer = intercept + slope * older of one band or index, and the shift that makes.

    Attributes
    ----------
    status : SensorChangeStatus
        The numbers are NaN unless it is MEASURED or NO_OVERLAP.
    slope, intercept : float
        Reduced major axis.
    low, high : float
        5 % and 95 % quantile of the older sensor.
    shift_low, shift_high : float
        Newer less older there.
    shift_low_error, shift_high_error : float
        Half the width of their 95 % intervals.
    n_pixels : int
        Pixels the line is through.
    n_before, n_after : int
        Years with the older and the newer sensor.
    """

    status: SensorChangeStatus
    slope: float = np.nan
    intercept: float = np.nan
    low: float = np.nan
    high: float = np.nan
    shift_low: float = np.nan
    shift_high: float = np.nan
    shift_low_error: float = np.nan
    shift_high_error: float = np.nan
    n_pixels: int = 0
    n_before: int = 0
    n_after: int = 0

    @property
    def is_given(self) -> bool:
        """Whether there are numbers."""
        return self.status in (SensorChangeStatus.MEASURED, SensorChangeStatus.NO_OVERLAP)


def sensor_change(older: xr.Dataset, newer: xr.Dataset, *, overlap: bool) -> dict[str, SensorLine]:
    """Line and shift of every band and index between two sensors.

    Parameters
    ----------
    older, newer : Dataset with dims (year, pixel)
        Reflectance [1] of the same pixels of land to which nothing happened, float with
        NaN where not clear. A coordinate `block` along pixel, if there, groups neighbours.
    overlap : bool
        Whether the years of both are the same: then only years and pixels that both saw
        are compared, and no weather lies between them. Otherwise `older` holds the years
        before the change and `newer` those after, and pixels with a course within either
        side, or a step across, are left out.

    Returns
    -------
    dict of band or index to SensorLine

    Raises
    ------
    WrongDimensions
        If a band is not (year, pixel), or the pixels differ in number.
    InvalidInput
        If `overlap` and the years differ, or no band is common.

    Notes
    -----
    Each pixel counts once, with its mean over the years; the line is the reduced major
    axis [1]_ through them, without those further than three robust standard deviations.
    The noise of both means, as the years show it, is taken off their variances [3]_: else
    the noisier sensor would look the steeper. Intervals come from leaving out one year of
    each side, and one of eight blocks of pixels, at a time [2]_: they hold what varies from
    year to year, weather and calibration, and not a trend of all the land nor what is
    common to all years.

    References
    ----------
    .. [1] Smith, R. J. (2009). Use and misuse of the reduced major axis for line-fitting.
       American Journal of Physical Anthropology 140, 476-486. doi:10.1002/ajpa.21090
    .. [2] Miller, R. G. (1974). The jackknife: a review. Biometrika 61, 1-15.
       doi:10.1093/biomet/61.1.1
    .. [3] Fuller, W. A. (1987). Measurement Error Models. Wiley.
       doi:10.1002/9780470316665

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> rng = np.random.default_rng(0)
    >>> red = rng.uniform(0.03, 0.2, 500) + rng.normal(0, 0.001, (4, 500))
    >>> older = xr.Dataset({"red": (("year", "pixel"), red)}, {"year": [2001, 2002, 2003, 2004]})
    >>> line = sensor_change(older, older * 1.05, overlap=True)["red"]
    >>> line.status.key, round(line.slope, 3), round(line.shift_high, 3)
    ('measured', 1.05, 0.01)
    """
    years = _check(older, newer, overlap)
    values = {
        name: _clear((before, after), overlap)
        for name, (before, after) in _items(older, newer).items()
    }
    n_pixels = older.sizes["pixel"]
    usable = _is_land(values)
    if not overlap and "ndvi" in values:
        usable &= _unchanged(*values["ndvi"], *years)
    blocks = older["block"].values if "block" in older.coords else np.arange(n_pixels)
    return {
        name: _measured(before[:, usable], after[:, usable], blocks[usable], overlap)
        for name, (before, after) in values.items()
    }


def lines_as_table(
    lines: Mapping[str, SensorLine], older: tuple[str, ...], newer: tuple[str, ...], name: str
) -> Harmonisation:
    """The measured lines of the six bands as a table to harmonise with.

    Raises
    ------
    InvalidInput
        If a band has no line.
    """
    missing = {
        band: lines[band].status.en if band in lines else "band missing"
        for band in REFLECTIVE
        if band not in lines or not lines[band].is_given
    }
    if missing:
        raise InvalidInput(
            "no line of its own can be measured: "
            + "; ".join(f"{band}: {why}" for band, why in missing.items())
            + ".",
            "Use a published table, such as roy2016, or none.",
        )
    one = lines[REFLECTIVE[0]]
    return Harmonisation(
        name=name,
        newer=newer,
        older=older,
        slope=tuple(round(lines[band].slope, 5) for band in REFLECTIVE),
        intercept=tuple(round(lines[band].intercept, 5) for band in REFLECTIVE),
        source=f"measured on {one.n_pixels} pixels, {one.n_before} and {one.n_after} years",
        status="measured",
    )


def _check(older: xr.Dataset, newer: xr.Dataset, overlap: bool) -> tuple[_Floats, _Floats]:
    """Years of both sides, once dimensions are right."""
    for side in (older, newer):
        for name in side.data_vars:
            if side[name].dims != ("year", "pixel"):
                raise WrongDimensions(f"{name} has {side[name].dims}; expected (year, pixel).")
    if older.sizes["pixel"] != newer.sizes["pixel"]:
        raise WrongDimensions(
            f"{older.sizes['pixel']} pixels before and {newer.sizes['pixel']} after the change."
        )
    before, after = older["year"].values.astype(float), newer["year"].values.astype(float)
    if overlap and not np.array_equal(before, after):
        raise InvalidInput("years of an overlap must be the same on both sides.")
    return before, after


def _items(older: xr.Dataset, newer: xr.Dataset) -> dict[str, tuple[_Floats, _Floats]]:
    """Values of both sides by band and index."""
    common = [name for name in REFLECTIVE if name in older and name in newer]
    if not common:
        raise InvalidInput(f"no common band; known are {', '.join(REFLECTIVE)}.")
    indices = [name for name in INDICES if set(index_spec(name).bands) <= set(common)]
    items = {name: (older[name], newer[name]) for name in common}
    items |= {n: (spectral_index(older, n), spectral_index(newer, n)) for n in indices}
    return {
        name: (before.values.astype(np.float64), after.values.astype(np.float64))
        for name, (before, after) in items.items()
    }


def _clear(sides: tuple[_Floats, _Floats], overlap: bool) -> tuple[_Floats, _Floats]:
    """Both sides; of an overlap only what both saw."""
    if not overlap:
        return sides
    both = np.isfinite(sides[0]) & np.isfinite(sides[1])
    before, after = (np.where(both, side, np.nan) for side in sides)
    return before, after


def _mean(values: _Floats) -> _Floats:
    """Mean over years, NaN where a pixel was never clear."""
    seen = np.isfinite(values)
    count = seen.sum(axis=0)
    total = np.where(seen, values, 0.0).sum(axis=0)
    mean: _Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _is_land(values: Mapping[str, tuple[_Floats, _Floats]]) -> NDArray[np.bool_]:
    """Pixels that are no water (Xu 2006: green above short-wave infrared)."""
    if not {"green", "swir1"} <= set(values):
        return np.ones(next(iter(values.values()))[0].shape[1], bool)
    with np.errstate(invalid="ignore"):
        return np.asarray(~(_mean(values["green"][0]) > _mean(values["swir1"][0])))


def _unchanged(
    before: _Floats, after: _Floats, years_before: _Floats, years_after: _Floats
) -> NDArray[np.bool_]:
    """Pixels without a course of NDVI on either side, and without a step across."""
    step = np.abs(_mean(after) - _mean(before))
    flat = step <= change_constant("most_jump")
    for values, years in ((before, years_before), (after, years_after)):
        with np.errstate(invalid="ignore"):
            flat &= ~(np.abs(_trend(values, years)) > change_constant("most_trend"))
    return np.asarray(flat)


def _trend(values: _Floats, years: _Floats) -> _Floats:
    """Slope a year of each pixel by least squares; NaN with under three clear years."""
    seen = np.isfinite(values)
    count = seen.sum(axis=0)
    time = np.where(seen, years[:, None], 0.0)
    off = np.where(seen, years[:, None] - time.sum(axis=0) / np.maximum(count, 1), 0.0)
    top, bottom = (off * np.where(seen, values, 0.0)).sum(axis=0), (off**2).sum(axis=0)
    slope: _Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=count >= 3)
    return slope


def _measured(
    before: _Floats, after: _Floats, blocks: NDArray[np.generic], overlap: bool
) -> SensorLine:
    """Line, shift and interval of one band or index."""
    has_before, has_after = (np.isfinite(side).any(axis=1) for side in (before, after))
    counts = {"n_before": int(has_before.sum()), "n_after": int(has_after.sum())}
    before, after = before[has_before], after[has_after]
    least = 1 if overlap else int(change_constant("least_years"))
    if min(counts.values()) < least:
        return SensorLine(SensorChangeStatus.TOO_FEW_YEARS, **counts)
    x, y = _mean(before), _mean(after)
    kept = _kept(x, y)
    n_pixels = int(kept.sum())
    if n_pixels < change_constant("least_pixels"):
        return SensorLine(SensorChangeStatus.TOO_FEW_PIXELS, n_pixels=n_pixels, **counts)
    x, y, before, after = x[kept], y[kept], before[:, kept], after[:, kept]
    if np.corrcoef(x, y)[0, 1] < change_constant("least_correlation"):
        return SensorLine(SensorChangeStatus.NOT_ALIKE, n_pixels=n_pixels, **counts)
    ends = np.quantile(x, [change_constant("low"), change_constant("high")])

    noise = _noise(before), _noise(after)

    def shift(x: _Floats, y: _Floats) -> _Floats:
        slope, intercept = _axis(x, y, noise)
        return np.asarray(intercept + (slope - 1.0) * ends)

    slope, intercept = _axis(x, y, noise)
    low, high = shift(x, y)
    low_error, high_error = _half_width(shift, before, after, blocks[kept], overlap)
    return SensorLine(
        SensorChangeStatus.MEASURED if overlap else SensorChangeStatus.NO_OVERLAP,
        slope, intercept, float(ends[0]), float(ends[1]), float(low), float(high),
        low_error, high_error, n_pixels, **counts,
    )  # fmt: skip


def _axis(x: _Floats, y: _Floats, noise: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
    """Slope and intercept of the reduced major axis, of the variance that is not noise."""
    real = [max(v.var() - n, _LEAST_REAL * v.var()) for v, n in zip((x, y), noise, strict=True)]
    slope = float(np.sqrt(real[1] / real[0]))
    return slope, float(y.mean() - slope * x.mean())


def _noise(values: _Floats) -> float:
    """Variance of a pixel's mean over years, from what years differ by beyond their own mean."""
    off = values - _mean(values)
    off = off - _mean(off.T)[:, None]
    count = np.isfinite(off).sum(axis=0)
    often = count >= 2
    if not often.any():
        return 0.0
    count = count[often]
    return float((np.nansum(off[:, often] ** 2, axis=0) / (count - 1) / count).mean())


def _kept(x: _Floats, y: _Floats) -> NDArray[np.bool_]:
    """Pixels seen on both sides and near the line."""
    kept = np.isfinite(x) & np.isfinite(y)
    for _ in range(_ROUNDS):
        if kept.sum() < 3 or x[kept].std() == 0:
            return np.zeros_like(kept)
        slope, intercept = _axis(x[kept], y[kept])
        off = y - intercept - slope * x
        spread = _MAD_TO_SD * np.median(np.abs(off[kept] - np.median(off[kept])))
        with np.errstate(invalid="ignore"):
            near = np.abs(off) <= change_constant("outlier") * max(spread, 1e-9)
        if np.array_equal(near, kept):
            break
        kept = near
    return kept


def _half_width(
    shift: _Fit, before: _Floats, after: _Floats, blocks: NDArray[np.generic], overlap: bool
) -> tuple[float, float]:
    """Half of the 95 % intervals of both shifts, from leaving years and blocks out."""
    variance, weighted = np.zeros(2), np.zeros(2)
    for group in _left_out(before, after, blocks, overlap):
        found = np.array([shift(x, y) for x, y in group])
        if len(found) > 1:
            part = (len(found) - 1) / len(found) * ((found - found.mean(axis=0)) ** 2).sum(axis=0)
            variance += part
            weighted += part**2 / (len(found) - 1)
    freedom = np.divide(variance**2, weighted, out=np.full(2, np.inf), where=weighted > 0)
    half = stats.t.ppf(0.975, np.maximum(freedom, 1.0)) * np.sqrt(variance)
    return float(half[0]), float(half[1])


def _left_out(
    before: _Floats, after: _Floats, blocks: NDArray[np.generic], overlap: bool
) -> Iterator[list[tuple[_Floats, _Floats]]]:
    """Means of both sides with one year, then with one block of pixels, left out."""
    x, y = _mean(before), _mean(after)
    if overlap:
        yield [_finite(_mean(np.delete(before, i, 0)), _mean(np.delete(after, i, 0)))
               for i in range(len(before))] if len(before) > 1 else []  # fmt: skip
    else:
        yield [_finite(_mean(np.delete(before, i, 0)), y) for i in range(len(before))]
        yield [_finite(x, _mean(np.delete(after, i, 0))) for i in range(len(after))]
    _, place = np.unique(blocks, return_inverse=True)
    part = place * _BLOCKS // (int(place.max()) + 1)
    yield [(x[part != i], y[part != i]) for i in np.unique(part)]


def _finite(x: _Floats, y: _Floats) -> tuple[_Floats, _Floats]:
    seen = np.isfinite(x) & np.isfinite(y)
    return x[seen], y[seen]
