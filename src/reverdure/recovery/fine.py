"""Sentinel-2 joined to Landsat: a relation estimated on land that is no mine, and stated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from reverdure.core.codes import FineStatus
from reverdure.core.errors import GridMismatch, InvalidInput, WrongDimensions
from reverdure.core.grid import Grid, grid_of
from reverdure.recovery.constants import constant
from reverdure.recovery.indices import index_spec

_TIMES = 3
_FWHM_PER_SD = 2.3548
# bilinear interpolation at half a pixel of 10 m, at a quarter of one of 20 m
_RESAMPLED_M2 = {10: 25.0, 20: 75.0}
_SHORT_WAVE = frozenset({"swir1", "swir2"})
_LEAST_WEIGHT = 0.9
_OUTLIER = 3.0
_MAD_TO_SD = 1.4826
# side of the squares that are left out one by one: wider than errors are alike
_BLOCK_PIXELS = 8
_FEWEST_BLOCKS = 5


@dataclass(frozen=True, slots=True)
class FineOffset:
    """Relation landsat = intercept + slope * sentinel2 of one index near one mine.

    Attributes
    ----------
    index : str
    status : FineStatus
        The numbers below are NaN unless it is JOINED or NOT_ALIKE.
    intercept, slope : float
        Mean over the common years.
    intercept_error, slope_error : float
        Standard errors; that of the intercept holds at `centre`, for the mean of a year.
    centre : float
        Median of Sentinel-2 over the common land: where errors of the two part ways.
    year_intercepts : dict of int to float
        Intercept of each common year: what both composites of that year differ by.
    year_spread : float
        Standard deviation of the intercepts between years: the error of a year without one.
    residual : float
        Robust standard deviation of a Landsat pixel about the joined Sentinel-2.
    n_pixels, n_years : int
        Common pixels of land that is no mine, and common years.
    """

    index: str
    status: FineStatus
    intercept: float = np.nan
    slope: float = np.nan
    intercept_error: float = np.nan
    slope_error: float = np.nan
    centre: float = np.nan
    year_intercepts: tuple[tuple[int, float], ...] = ()
    year_spread: float = np.nan
    residual: float = np.nan
    n_pixels: int = 0
    n_years: int = 0

    @property
    def is_joined(self) -> bool:
        """Whether values may be joined with it."""
        return self.status is FineStatus.JOINED

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON: NaN as None, the status as its key.

        Examples
        --------
        >>> FineOffset("ndvi", FineStatus.NO_SCENES).to_dict()["status"]
        'no_scenes'
        """
        names = ("intercept", "slope", "intercept_error", "slope_error", "centre",
                 "year_spread", "residual")  # fmt: skip
        numbers = {name: float(getattr(self, name)) for name in names}
        return {
            "index": self.index,
            "status": self.status.key,
            **{name: round(v, 5) if np.isfinite(v) else None for name, v in numbers.items()},
            "year_intercepts": {str(year): round(a, 5) for year, a in self.year_intercepts},
            "n_pixels": self.n_pixels,
            "n_years": self.n_years,
        }


def fine_sigma_m(index: str) -> float:
    """Standard deviation of the blur of fine cells of an index along each axis, [m].

    Point-spread function, registration and resampling; an index with a short-wave band is
    made from pixels of 20 m.

    Examples
    --------
    >>> round(fine_sigma_m("ndvi"), 1), round(fine_sigma_m("nbr"), 1)
    (8.2, 13.2)
    """
    pixel = 20 if _SHORT_WAVE & set(index_spec(index).bands) else 10
    sigma = constant(f"fine_psf_{pixel}m") / _FWHM_PER_SD
    return float(np.sqrt(sigma**2 + constant("fine_registration_m") ** 2 + _RESAMPLED_M2[pixel]))


def as_landsat_sees(fine: xr.DataArray) -> xr.DataArray:
    """Fine values through the point-spread function of Landsat, on Landsat pixels.

    Parameters
    ----------
    fine : DataArray (year, y, x), named as an index
        10 m cells, three along each side of a Landsat pixel. NaN where not clear.

    Returns
    -------
    DataArray (year, y, x) float32
        A third as many rows and columns. NaN where less than 0.9 of what Landsat would
        see is clear.

    Raises
    ------
    WrongDimensions, GridMismatch
        If `fine` is not (year, y, x), or its sides are no multiples of three.

    Notes
    -----
    The blur that the cells carry already is taken off that of Landsat, both as variances
    of a Gaussian.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from reverdure.core.grid import Grid
    >>> cells = Grid("EPSG:32650", 0, 90, 10, 9, 9)
    >>> flat = xr.DataArray(
    ...     np.full((1, 9, 9), 0.5, "float32"), dims=("year", "y", "x"),
    ...     coords={"year": [2020], **cells.coordinates()}, name="ndvi",
    ... )
    >>> seen = as_landsat_sees(flat)
    >>> seen.shape, float(seen[0, 1, 1])
    ((1, 3, 3), 0.5)
    """
    if fine.dims != ("year", "y", "x"):
        raise WrongDimensions(f"{fine.name} has {fine.dims}; expected (year, y, x).")
    cells = grid_of(fine)
    if cells.height % _TIMES or cells.width % _TIMES:
        raise GridMismatch(f"{cells.shape} cells cannot be put together three by three.")
    side = _TIMES * cells.pixel
    landsat = np.hypot(
        constant("psf_fwhm_pixels") * side / _FWHM_PER_SD, constant("registration_m")
    )
    sigma = np.sqrt(max(float(landsat) ** 2 - fine_sigma_m(str(fine.name)) ** 2, 1.0)) / cells.pixel
    values = fine.to_numpy()
    clear = np.isfinite(values)
    seen = _blurred(np.where(clear, values, 0).astype(np.float32), float(sigma))
    weight = _blurred(clear.astype(np.float32), float(sigma))
    whole = _blurred(np.ones((1, *cells.shape), np.float32), float(sigma))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(weight >= _LEAST_WEIGHT * whole, seen / weight, np.nan)
    grid = Grid(cells.crs, cells.west, cells.north, side, cells.height // 3, cells.width // 3)
    return xr.DataArray(
        mean.astype(np.float32),
        dims=("year", "y", "x"),
        coords={"year": fine["year"].values, **grid.coordinates()},
        name=fine.name,
    )


def _blurred(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian mean about the centre of each three by three cells."""
    narrow = ndimage.gaussian_filter1d(values, sigma, axis=1, mode="constant")[:, 1::3]
    return np.asarray(ndimage.gaussian_filter1d(narrow, sigma, axis=2, mode="constant")[:, :, 1::3])


def fine_offset(
    fine: xr.DataArray, landsat: xr.DataArray, usable: xr.DataArray | None = None
) -> FineOffset:
    """Relation between Sentinel-2 and Landsat over land that both see, robustly.

    Parameters
    ----------
    fine : DataArray (year, y, x), named as an index
        Values on 10 m cells. NaN where not clear. Not changed.
    landsat : DataArray (year, y, x)
        The same index on Landsat pixels that cover the same ground. Not changed.
    usable : DataArray (y, x) of bool, optional
        Landsat pixels that are no mine, nor near one; all where not given.

    Returns
    -------
    FineOffset
        TOO_FEW_PIXELS, TOO_FEW_YEARS: not estimated. NOT_ALIKE: estimated, and so far off
        that something else than the sensors differs. JOINED: may be used.

    Raises
    ------
    WrongDimensions, GridMismatch
        If the arrays are not (year, y, x), or do not cover each other three by three.

    Notes
    -----
    Sentinel-2 is first seen through the point-spread function of Landsat. A year's
    composites differ by haze, calibration and date: that difference is the year's own
    intercept. The slope comes from medians of the pixels over the years, in which noise is
    small; what is left of it is taken off the variance of Sentinel-2 (errors in variables,
    Fuller 1987, eq. 1.2.3); pixels farther than three robust standard deviations from the
    line are left out once. Its error is the jackknife over squares of 240 m, which keeps
    what neighbours share. Where land is too much alike to tell a slope, the error is
    large, and the slope is held near 1 by what is known of the two sensors.

    References
    ----------
    Fuller, W. A. (1987). Measurement Error Models. Wiley. doi:10.1002/9780470316665
    Zhang, H. K. et al. (2018). Characterization of Sentinel-2A and Landsat-8 top of
    atmosphere, surface, and nadir BRDF adjusted reflectance and NDVI differences. Remote
    Sensing of Environment 215, 482-494. doi:10.1016/j.rse.2018.04.031

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from reverdure.core.grid import Grid
    >>> land = np.linspace(0.2, 0.9, 60)[:, None] * np.ones((1, 60))
    >>> land = np.stack([land, land, land]).astype("float32")
    >>> cells = Grid("EPSG:32650", 0, 1800, 10, 180, 180)
    >>> fine = xr.DataArray(
    ...     land.repeat(3, 1).repeat(3, 2), dims=("year", "y", "x"),
    ...     coords={"year": [2019, 2020, 2021], **cells.coordinates()}, name="ndvi",
    ... )
    >>> seen = as_landsat_sees(fine)
    >>> found = fine_offset(fine, 0.02 + 0.97 * seen)
    >>> found.status.key, round(found.intercept, 3), round(found.slope, 3)
    ('joined', 0.02, 0.97)
    """
    name = str(fine.name)
    seen = as_landsat_sees(fine)
    _check_cover(seen, landsat)
    years = np.intersect1d(seen["year"].values, landsat["year"].values)
    x = seen.sel(year=years).to_numpy().astype(np.float64)
    y = landsat.sel(year=years).to_numpy().astype(np.float64)
    both = np.isfinite(x) & np.isfinite(y)
    if usable is not None:
        both &= usable.to_numpy().astype(bool)
    enough = both.sum(axis=(1, 2)) >= constant("fine_min_pixels")
    n_pixels = int(both.any(axis=0).sum())
    if not enough.any():
        return FineOffset(name, FineStatus.TOO_FEW_PIXELS, n_pixels=n_pixels)
    years, x, y, both = years[enough], x[enough], y[enough], both[enough]
    if years.size < constant("fine_min_years"):
        return FineOffset(
            name, FineStatus.TOO_FEW_YEARS, n_pixels=n_pixels, n_years=int(years.size)
        )
    x, y = np.where(both, x, np.nan), np.where(both, y, np.nan)
    slope, slope_error = _slope(x, y)
    return _finish(name, years, x, y, slope, slope_error)


def _check_cover(seen: xr.DataArray, landsat: xr.DataArray) -> None:
    if landsat.dims != ("year", "y", "x"):
        raise WrongDimensions(f"landsat has {landsat.dims}; expected (year, y, x).")
    one, other = grid_of(seen), grid_of(landsat)
    if not one.is_aligned(other) or one.shape != other.shape:
        raise GridMismatch(
            f"Landsat has {other.shape} pixels from {other.west}, {other.north}; the cells"
            f" cover {one.shape} from {one.west}, {one.north}.",
            "Cut both to one window.",
        )


def _medians(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over the years of each pixel that any year shows, else NaN."""
    seen = np.isfinite(values).any(axis=0)
    result = np.full(values.shape[1:], np.nan)
    result[seen] = np.nanmedian(values[:, seen], axis=0)
    return result


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and its standard error, held near 1 by the prior."""
    u = x - np.nanmedian(x, axis=(1, 2), keepdims=True)
    v = y - np.nanmedian(y, axis=(1, 2), keepdims=True)
    mean_u, mean_v = _medians(u), _medians(v)
    good = np.isfinite(mean_u) & np.isfinite(mean_v)
    gap = mean_v - mean_u
    centre = np.median(gap[good])
    spread = _MAD_TO_SD * np.median(np.abs(gap[good] - centre))
    good &= np.abs(gap - centre) <= _OUTLIER * max(float(spread), 1e-4)
    noise = _noise(u - mean_u, v - mean_v, good)
    rows, columns = np.nonzero(good)
    blocks = (rows // _BLOCK_PIXELS) * (u.shape[2] // _BLOCK_PIXELS + 1) + columns // _BLOCK_PIXELS
    _, block = np.unique(blocks, return_inverse=True)
    parts = np.stack(
        [
            np.bincount(block, weights=values)
            for values in (
                np.ones(rows.size), mean_u[good], mean_v[good],
                mean_u[good] ** 2, mean_u[good] * mean_v[good],
            )
        ]
    )  # fmt: skip
    whole = parts.sum(axis=1)
    estimate = float(_slope_of(whole[:, None], noise)[0])
    n = parts.shape[1]
    prior = constant("fine_slope_prior")
    if n < _FEWEST_BLOCKS:
        return 1.0, prior
    left_out = _slope_of(whole[:, None] - parts, noise)
    variance = (n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum())
    if not np.isfinite(estimate) or not np.isfinite(variance):
        return 1.0, prior
    variance = max(variance, 1e-8)
    weight = prior**2 / (prior**2 + variance)
    return 1.0 + weight * (estimate - 1.0), float(np.sqrt(weight * variance))


def _slope_of(sums: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Slope from sums of 1, u, v, uu, uv; `noise` is the variance of noise in u."""
    n, u, v, uu, uv = sums
    variance = uu / n - (u / n) ** 2
    covariance = uv / n - (u / n) * (v / n)
    # noise must not take all of it
    return np.asarray(covariance / np.maximum(variance - noise, 0.3 * variance + 1e-12))


def _noise(du: NDArray[np.float64], dv: NDArray[np.float64], good: NDArray[np.bool_]) -> float:
    """Variance of the noise in the median of a pixel, from what its years do apart."""
    both = np.isfinite(du) & np.isfinite(dv) & good
    count = both.sum(axis=0)[good]
    if both.sum() < 2 or np.median(count) < 2:
        return 0.0
    # squares would take a missed cloud for noise
    variance = (_MAD_TO_SD * np.median(np.abs(du[both]))) ** 2
    total = (_MAD_TO_SD * np.median(np.abs(dv[both]))) ** 2
    apart = (_MAD_TO_SD * np.median(np.abs((dv - du)[both]))) ** 2
    shared = max(0.0, (variance + total - apart) / 2)
    years = float(np.median(count))
    return float(max(variance - shared, 0.0) / max(years - 1, 1))


def _finish(
    name: str,
    years: NDArray[np.int64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    slope: float,
    slope_error: float,
) -> FineOffset:
    rest = y - slope * x
    intercepts = np.nanmedian(rest, axis=(1, 2))
    centre = float(np.nanmedian(x))
    about = rest - intercepts[:, None, None]
    residual = float(_MAD_TO_SD * np.nanmedian(np.abs(about)))
    spread = float(intercepts.std(ddof=1))
    is_far = abs(slope - 1) > constant("fine_slope_most") + 2 * slope_error
    alike = residual <= constant("fine_residual_most") and not is_far
    return FineOffset(
        name,
        FineStatus.JOINED if alike else FineStatus.NOT_ALIKE,
        intercept=float(intercepts.mean()),
        slope=slope,
        intercept_error=spread / float(np.sqrt(years.size)),
        slope_error=slope_error,
        centre=centre,
        year_intercepts=tuple(
            (int(year), float(a)) for year, a in zip(years, intercepts, strict=True)
        ),
        year_spread=spread,
        residual=residual,
        n_pixels=int(np.isfinite(rest).any(axis=0).sum()),
        n_years=int(years.size),
    )


def joined(fine: xr.DataArray, offset: FineOffset) -> xr.DataArray:
    """Fine values on the scale of Landsat, each year by its own intercept.

    Parameters
    ----------
    fine : DataArray (year, y, x), named as an index
        Not changed.
    offset : FineOffset
        Of the same index, with status JOINED.

    Returns
    -------
    DataArray (year, y, x) float32
        A year without common land takes the mean intercept.

    Raises
    ------
    InvalidInput
        If the offset is of another index, or not to be joined with.

    Examples
    --------
    >>> import xarray as xr
    >>> dims = ("year", "y", "x")
    >>> fine = xr.DataArray([[[0.5]]], dims=dims, coords={"year": [2020]}, name="ndvi")
    >>> offset = FineOffset(
    ...     "ndvi", FineStatus.JOINED, 0.01, 0.98, year_intercepts=((2020, 0.02),)
    ... )
    >>> round(joined(fine, offset).item(), 3)
    0.51
    """
    if fine.name != offset.index or not offset.is_joined:
        raise InvalidInput(
            f"{fine.name} cannot be joined by an offset of {offset.index} that is"
            f" {offset.status.key}."
        )
    own = dict(offset.year_intercepts)
    intercepts = np.array([own.get(int(y), offset.intercept) for y in fine["year"].values])
    moved = offset.slope * fine + xr.DataArray(intercepts, dims="year")
    return moved.astype(np.float32).transpose("year", "y", "x").rename(fine.name)
