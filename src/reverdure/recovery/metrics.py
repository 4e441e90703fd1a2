"""Recovery of each pixel: when damaged, how bare, how far back, since when."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.attributes import described
from reverdure.core.codes import PixelStatus, ReferenceStatus
from reverdure.core.errors import GridMismatch, InvalidInput
from reverdure.recovery.brightness import BARE
from reverdure.recovery.constants import constant
from reverdure.recovery.losses import Losses, largest_losses

_USABLE = (ReferenceStatus.FOUND, ReferenceStatus.BEFORE_LEVEL)
_CARRIED = {
    "level": "reference_level",
    "low": "reference_low",
    "high": "reference_high",
    "n_pixels": "reference_n_pixels",
    "n_directions": "reference_n_directions",
    "status": "reference_status",
    "matched": "reference_matched",
    "brightness": "reference_brightness",
    "bare_level": "mine_bare_level",
    "level_before": "mine_level_before",
    "damage_year": "mine_damage_year",
    "pixels": "reference_pixels",
}
_FLOATS = (
    "damage_year", "before_year", "bare_year", "level_before", "level_bare", "level_now",
    "se_before", "se_bare", "se_now", "recovered_share", "recovered_year", "y2r", "r80p", "rri",
    "yryr", "dir",
)  # fmt: skip

_REFERENCES = "Frazier et al. 2018, Remote Sensing of Environment 205, 32-45"


def recovery_metrics(
    index: xr.DataArray,
    segments: xr.Dataset,
    *,
    reference: xr.Dataset,
    losses: Losses | None = None,
) -> xr.Dataset:
    """Recovery metrics of each pixel, and all that `verdicts` needs of one index.

    Parameters
    ----------
    index : (year, y, x) float, [1]
        Vegetation index, NaN where not clear.
    segments : Dataset
        `segment(index)`.
    reference : Dataset
        `reference(index, segments, mines)`.
    losses : Losses, optional
        `largest_losses(segments, index)` where it is there already.

    Returns
    -------
    Dataset
        value : (year, y, x), [1]
            `index` itself.
        damage_year : (y, x) float32
            Year of the largest fall, dated on the values themselves; for every pixel with a
            disturbance, inside mines or not.
        before_year, bare_year : (y, x) float32
            Last year before the fitted fall began, and the year it ended.
        level_before, level_bare, level_now : (y, x) float32, [1]
            Fitted level before the fall; lowest fitted level from then on; mean fitted
            level of the last two clear years.
        se_before, se_bare, se_now : (y, x) float32, [1]
            Their standard errors.
        recovered_share : (y, x) float32, [1]
            Way from bare to the yearly reference; 1 is the reference itself.
        recovered_year : (y, x) float32
            First year after the lowest level at which that way is at least 0.8.
        y2r : (y, x) float32, [year]
            Years from the lowest level to recovered_year.
        r80p, rri, dir, yryr : (y, x) float32
            See Notes.
        status : (y, x) uint8
            `PixelStatus`; NO_DATA outside of mines.
        reference_level, reference_low, reference_high : (mine_id, year) float32
        reference_status, reference_n_pixels, mine_bare_level, ... : (mine_id)
            Carried along from `reference`.
        brightness_bare : (y, x) float32, [1]
            From the segments, where they hold it.

    Raises
    ------
    GridMismatch
        If index, segments and reference differ in pixels or years.
    InvalidInput
        If `reference` was not made by `reference`.

    Notes
    -----
    With v the fitted index and i the year of its lowest level (Frazier et al. 2018, as
    spectral-recovery 1.0.1 defines them): r80p = v[i+5] / (0.8 target), with the
    reference of that year as target; rri = (max(v[i+4], v[i+5]) - v[i]) /
    (v before the fall - v[i]); dir = v[i+5] - v[i]; yryr = dir / 5. NaN where the
    record ends earlier. A cloudy year changes neither level by more than its fit does.

    Examples
    --------
    >>> import geopandas, numpy as np, shapely, xarray as xr
    >>> from reverdure.core.grid import Grid
    >>> from reverdure.recovery.reference import reference
    >>> from reverdure.recovery.segmentation import segment
    >>> grid = Grid("EPSG:32650", 500000, 3000000, 30, 60, 60)
    >>> series = [0.8] * 5 + [0.2] * 4 + [0.4, 0.5, 0.6, 0.7, 0.8, 0.8, 0.8]
    >>> values = np.full((16, 60, 60), 0.8, np.float32)
    >>> values[:, 28:32, 28:32] = np.array(series)[:, None, None]
    >>> ndvi = xr.DataArray(values, {"year": np.arange(2000, 2016), **grid.coordinates()},
    ...                     dims=("year", "y", "x"))
    >>> pit = shapely.box(500840, 2999040, 500960, 2999160)
    >>> mines = geopandas.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=32650)
    >>> segments = segment(ndvi)
    >>> found = recovery_metrics(ndvi, segments, reference=reference(ndvi, segments, mines))
    >>> pixel = found.isel(y=30, x=30)
    >>> float(pixel.damage_year), round(float(pixel.recovered_share), 1)
    (2005.0, 1.0)
    """
    _check(index, segments, reference)
    if losses is None:
        losses = largest_losses(segments, index)
    shape = (index.sizes["y"], index.sizes["x"])
    out = {name: np.full(shape, np.nan, np.float32) for name in _FLOATS}
    out["damage_year"][losses.disturbed] = losses.year[losses.disturbed]
    out["before_year"][losses.disturbed] = losses.start_year[losses.disturbed]
    out["bare_year"][losses.disturbed] = losses.end_year[losses.disturbed]
    status = np.full(shape, PixelStatus.NO_DATA, np.uint8)
    owner = reference["owner"].values
    at = np.nonzero(owner >= 0)
    if at[0].size:
        mine = owner[at]
        pixels = _Pixels(
            index["year"].values.astype(float),
            index.values[:, at[0], at[1]].astype(float),
            segments["fitted"].transpose("year", "y", "x").values[:, at[0], at[1]].astype(float),
            reference["level"].values.T[:, mine].astype(float),
            losses.start_year[at],
            losses.disturbed[at],
            np.nan_to_num(segments["rmse"].values[at].astype(float), nan=np.nan),
            reference["bare_level"].values[mine].astype(float),
        )
        usable = np.isin(reference["status"].values[mine], _USABLE)
        for name, values in _measure(pixels).items():
            out[name][at] = np.where(losses.fitted[at], values, np.nan)
        out["recovered_share"][at] = np.where(usable, out["recovered_share"][at], np.nan)
        status[at] = _status(pixels, losses.fitted[at], usable)
    flat = {name: (("y", "x"), values) for name, values in out.items()}
    carried = {new: reference.variables[old] for old, new in _CARRIED.items()}
    if BARE in segments:
        carried[BARE] = segments[BARE].variable
    made = xr.Dataset(
        {"value": index.variable, **flat, "status": (("y", "x"), status), **carried},
        {
            **{name: index.coords[name] for name in ("year", "y", "x", "spatial_ref")},
            "mine_id": reference["mine_id"].values,
            "land": reference["land"].variable,
        },
    )
    return described(made, index, references=_REFERENCES)


def _check(index: xr.DataArray, segments: xr.Dataset, reference: xr.Dataset) -> None:
    missing = [name for name in (*_CARRIED, "owner") if name not in reference.variables]
    if missing:
        raise InvalidInput(
            f"`reference` has no {missing[0]}.", "Make it with reverdure.reference(...)."
        )
    for name, other in (("segments", segments), ("reference", reference)):
        for axis in ("year", "y", "x"):
            if other.sizes.get(axis, index.sizes[axis]) != index.sizes[axis]:
                raise GridMismatch(
                    f"{name} has {other.sizes[axis]} along {axis}, index has {index.sizes[axis]}."
                )


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Mine pixels: (year, pixel) and (pixel,) arrays."""

    years: NDArray[np.float64]
    value: NDArray[np.float64]
    fitted: NDArray[np.float64]
    reference: NDArray[np.float64]
    last_before: NDArray[np.float64]
    disturbed: NDArray[np.bool_]
    rmse: NDArray[np.float64]
    bare: NDArray[np.float64]


def _measure(pixels: _Pixels) -> dict[str, NDArray[np.float64]]:
    t = pixels.years[:, None]
    clear = np.isfinite(pixels.value)
    from_fall = np.where(pixels.disturbed, pixels.last_before, -np.inf)
    later = np.isfinite(pixels.fitted) & (t >= from_fall)
    low = np.where(later, pixels.fitted, np.inf).argmin(axis=0)
    column = np.arange(low.size)
    bare = pixels.fitted[low, column]
    before_years = (t <= pixels.last_before) & clear
    last_two = clear & (np.cumsum(clear[::-1], axis=0)[::-1] <= 2)
    now = _mean(pixels.fitted, last_two)
    target = _mean(pixels.reference, last_two)
    n_bare = (clear & later & (pixels.fitted <= bare + pixels.rmse)).sum(axis=0)
    share = (pixels.fitted - bare) / np.where(
        pixels.reference - bare > 0, pixels.reference - bare, np.nan
    )
    reached = (share >= constant("recovered_threshold")) & (t > pixels.years[low])
    first = np.where(reached.any(axis=0), pixels.years[reached.argmax(axis=0)], np.nan)
    before = np.where(
        pixels.disturbed, _at(pixels.fitted, _position(pixels.years, pixels.last_before)), np.nan
    )
    four, five = _at(pixels.fitted, low + 4), _at(pixels.fitted, low + 5)
    rise = np.where(before - bare > 0, before - bare, np.nan)
    never = ~pixels.disturbed & ~(pixels.bare + constant("separable_min") > bare)
    share_now = (now - bare) / np.where(target - bare > 0, target - bare, np.nan)
    return {
        "level_before": before,
        "level_bare": np.where(never, np.nan, bare),
        "level_now": now,
        "se_before": pixels.rmse / np.sqrt(np.maximum(before_years.sum(axis=0), 1)),
        "se_bare": pixels.rmse / np.sqrt(np.maximum(n_bare, 1)),
        "se_now": pixels.rmse / np.sqrt(np.maximum(last_two.sum(axis=0), 1)),
        "recovered_share": np.where(never, np.nan, share_now),
        "recovered_year": np.where(never, np.nan, first),
        "y2r": np.where(never, np.nan, first - pixels.years[low]),
        "r80p": five / (0.8 * _at(pixels.reference, low + 5)),
        "rri": (np.fmax(four, five) - bare) / rise,
        "yryr": (five - bare) / 5,
        "dir": five - bare,
    }


def _status(
    pixels: _Pixels, fitted: NDArray[np.bool_], usable: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    lowest = np.where(np.isfinite(pixels.fitted), pixels.fitted, np.inf).min(axis=0)
    is_bare = lowest < pixels.bare + constant("separable_min")
    status = np.where(is_bare, PixelStatus.DAMAGE_BEFORE_RECORD, PixelStatus.NEVER_DAMAGED)
    status = np.where(pixels.disturbed, PixelStatus.MEASURED, status)
    status = np.where(usable | (status == PixelStatus.NEVER_DAMAGED), status,
                      PixelStatus.NO_REFERENCE)  # fmt: skip
    seen = np.isfinite(pixels.value).any(axis=0)
    status = np.where(fitted, status, PixelStatus.TOO_FEW_YEARS)
    return np.where(seen, status, PixelStatus.NO_DATA).astype(np.uint8)


def _mean(values: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
    used = used & np.isfinite(values)
    n = used.sum(axis=0)
    return np.where(n > 0, np.where(used, values, 0).sum(axis=0) / np.maximum(n, 1), np.nan)


def _position(years: NDArray[np.float64], year: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted(years, np.where(np.isfinite(year), year, years[0])).astype(np.int64)


def _at(values: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.float64]:
    """Value of each pixel in its own row; NaN past the end."""
    inside = row < values.shape[0]
    found = values[np.minimum(row, values.shape[0] - 1), np.arange(row.size)]
    return np.where(inside, found, np.nan)
