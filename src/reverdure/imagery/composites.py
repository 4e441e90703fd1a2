"""One picture a year out of many dates: the medoid of the clear observations."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.attributes import described
from reverdure.core.errors import InvalidInput, UnknownOption, WrongDimensions
from reverdure.core.grid import Grid, Window
from reverdure.imagery.landsat import Scene, read_band, read_masks
from reverdure.imagery.sensors import REFLECTIVE, THERMAL

_REFERENCES = {
    "medoid": "Flood 2013, doi:10.3390/rs5126481",
    "median": "median of each band by itself",
}
METHODS = ("medoid", "median")
"""Ways to make one observation out of many."""

Change = Callable[[str], NDArray[np.float64] | None]
"""Sensor code -> factor and offset of each reflectance band, (6, 2); None where all stay."""

_STACK_BYTES = 192 * 2**20
# a block of some ten observations fits the cache of one core
_PIXELS_AT_ONCE = 4096
_LEAP_YEAR = 2000


def season_year(day: date, season: tuple[str, str]) -> int | None:
    """Year a day counts for, or None outside the season.

    A season that crosses New Year is labelled with the year it ends in.

    Parameters
    ----------
    day : datetime.date
    season : two of "MM-DD"
        First and last day, both included; "02-29" is the end of February in any year.

    Raises
    ------
    UnknownOption
        If a day of the season does not exist.

    Examples
    --------
    >>> from datetime import date
    >>> season_year(date(2019, 12, 24), ("11-15", "02-29"))
    2020
    >>> season_year(date(2019, 5, 31), ("06-01", "09-30")) is None
    True
    """
    first, last = _month_day(season[0]), _month_day(season[1])
    at = (day.month, day.day)
    if first <= last:
        return day.year if first <= at <= last else None
    if at >= first:
        return day.year + 1
    return day.year if at <= last else None


def _month_day(text: str) -> tuple[int, int]:
    try:
        month, day = text.split("-")
        if len(month) == len(day) == 2:
            found = date(_LEAP_YEAR, int(month), int(day))
            return found.month, found.day
    except ValueError:
        pass
    raise UnknownOption(f"{text!r} is not a day of the year.", "Write it as MM-DD, such as 06-01.")


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise UnknownOption(f"method {method!r} is not known; use one of {', '.join(METHODS)}.")


def annual_composites(
    scenes: xr.Dataset,
    season: tuple[str, str] = ("06-01", "09-30"),
    method: str = "medoid",
) -> xr.Dataset:
    """Yearly composites of the clear observations in a season.

    The medoid [1]_ is the observation with the smallest sum of squared differences to
    the median of each band: a real observation, with bands that belong together.

    Parameters
    ----------
    scenes : Dataset with dims (time, y, x)
        Any of blue, green, red, nir, swir1, swir2 (float, reflectance), optionally
        thermal ([K]), and `clear` (bool). `water` may be there and is left out. Dates may
        come in any order.
    season : two of "MM-DD"
        First and last day, both included. A season that crosses New Year is labelled
        with the year it ends in.
    method : {"medoid", "median"}

    Returns
    -------
    xarray.Dataset with dims (year, y, x)
        Years run from the first to the last with a scene; a year without is all NaN.

        bands : float32
            As given. NaN where nothing was clear. Thermal follows the chosen observation.
        n_clear : int16
            Number of clear and complete observations.
        source : int16
            Position in `time` of the observation chosen; -1 for none, and everywhere for
            the median, which chooses none.

    Raises
    ------
    WrongDimensions
        If a variable has other dimensions than (time, y, x).
    InvalidInput
        If `clear` is missing or not bool, a variable is not known, or no scene lies in the
        season.
    UnknownOption
        If the method or a day of the season is not known.

    Notes
    -----
    An observation with NaN in any reflectance band is not used. Equal distances go to the
    earliest date; so with two clear observations the earlier one is taken.

    References
    ----------
    .. [1] Flood, N. (2013). Seasonal composite Landsat TM/ETM+ images using the medoid (a
       multi-dimensional median). Remote Sensing 5, 6481-6500. doi:10.3390/rs5126481

    Examples
    --------
    >>> import numpy as np, pandas as pd, xarray as xr
    >>> dates = pd.to_datetime(["2020-06-10", "2020-07-12", "2020-08-13"])
    >>> red = xr.DataArray([0.05, 0.06, 0.30], [("time", dates)]).expand_dims(y=1, x=1)
    >>> red = red.transpose("time", "y", "x")
    >>> scenes = xr.Dataset({"red": red, "nir": red + 0.3, "clear": red < 0.9})
    >>> out = annual_composites(scenes)
    >>> print(f"{out.red.item():.2f} of {out.n_clear.item()}, scene {out.source.item()}")
    0.06 of 3, scene 1
    """
    _check_method(method)
    bands = _bands_of(scenes)
    times = pd.DatetimeIndex(scenes["time"].values)
    labels = [season_year(moment.date(), season) for moment in times]
    years = sorted({label for label in labels if label is not None})
    if not years:
        raise InvalidInput(f"none of {len(labels)} scenes lies in the season {season}.")
    order = np.argsort(times.values, kind="stable")
    layers = []
    for year in range(years[0], years[-1] + 1):
        members = np.array([i for i in order if labels[i] == year], dtype=np.intp)
        layers.append(_one_year(scenes, bands, members, method))
    names = (*bands, "n_clear", "source")
    composites = {
        name: (("year", "y", "x"), np.stack([layer[name] for layer in layers]), _attributes(name))
        for name in names
    }
    kept = {name: value for name, value in scenes.coords.items() if "time" not in value.dims}
    span = np.arange(years[0], years[-1] + 1, dtype=np.int64)
    said = {name: scenes.attrs[name] for name in ("harmonised",) if name in scenes.attrs}
    made = xr.Dataset(composites, {"year": span, **kept}, said)
    return described(made, scenes, references=_REFERENCES[method])


def _bands_of(scenes: xr.Dataset) -> list[str]:
    """Names of the bands, checked."""
    if "clear" not in scenes:
        raise InvalidInput("the scenes have no variable `clear`.", "True where ground is seen.")
    if scenes["clear"].dtype != np.bool_:
        raise InvalidInput(
            f"`clear` is {scenes['clear'].dtype}; it must be bool.",
            "For Fmask write clear = fmask == 0.",
        )
    known = (*REFLECTIVE, THERMAL)
    strangers = sorted({str(name) for name in scenes.data_vars} - {*known, "clear", "water"})
    if strangers:
        raise InvalidInput(f"not bands: {', '.join(strangers)}; known are {', '.join(known)}.")
    bands = [name for name in known if name in scenes]
    if not set(bands) & set(REFLECTIVE):
        raise InvalidInput(f"no reflectance band; known are {', '.join(REFLECTIVE)}.")
    for name in (*bands, "clear"):
        if scenes[name].dims != ("time", "y", "x"):
            raise WrongDimensions(f"{name} has {scenes[name].dims}; expected (time, y, x).")
    if not np.issubdtype(scenes["time"].dtype, np.datetime64):
        raise InvalidInput(f"time is {scenes['time'].dtype}; it must be datetime64.")
    if scenes.sizes["time"] > np.iinfo(np.int16).max:
        raise InvalidInput(f"{scenes.sizes['time']} scenes are more than 32767.")
    return bands


def _one_year(
    scenes: xr.Dataset, bands: list[str], members: NDArray[np.intp], method: str
) -> dict[str, NDArray[Any]]:
    chosen_scenes = scenes.isel(time=members)
    shape = (len(members), len(bands), scenes.sizes["y"], scenes.sizes["x"])
    stack = np.empty(shape, np.float32)
    for i, band in enumerate(bands):
        stack[:, i] = chosen_scenes[band].values
    moments = chosen_scenes["time"].values.astype("datetime64[ns]").astype(np.int64)
    return composite(stack, chosen_scenes["clear"].values, bands, moments, members, method)


def composite(
    stack: NDArray[np.float32],
    clear: NDArray[np.bool_],
    bands: Sequence[str],
    moments: NDArray[np.int64],
    numbers: NDArray[np.intp],
    method: str,
) -> dict[str, NDArray[Any]]:
    """Composite of a stack of observations.

    Parameters
    ----------
    stack : (time, band, y, x) float32
        In date order.
    clear : (time, y, x) bool
    bands : sequence of str
        Names of the second axis; reflectance bands first.
    moments : (time,) int64
        Rising; equal for observations taken at once.
    numbers : (time,) int
        What `source` calls each observation.
    method : {"medoid", "median"}

    Returns
    -------
    dict of (y, x) arrays
        The bands (float32), `n_clear` and `source` (int16).
    """
    # numba is loaded only where there is something to compute
    from reverdure.kernels.medoid import band_medians, medoid

    n_times, n_bands, height, width = stack.shape
    n_reflective = sum(band in REFLECTIVE for band in bands)
    flat = stack.reshape(n_times, n_bands, height * width)
    usable = clear.reshape(n_times, height * width)
    values = np.full((n_bands, height * width), np.nan, np.float32)
    n_clear = np.zeros(height * width, np.int16)
    chosen = np.full(height * width, -1, np.int16)
    scratch, members = np.empty((n_reflective + 2, n_times)), np.empty(n_times, np.int64)
    for start in range(0, height * width if n_times else 0, _PIXELS_AT_ONCE):
        block = slice(start, start + _PIXELS_AT_ONCE)
        part = np.ascontiguousarray(flat[:, :, block])
        fit = usable[:, block] & ~np.isnan(part[:, :n_reflective]).any(axis=1)
        if method == "median":
            medians = np.empty((n_bands, part.shape[2]), np.float32)
            band_medians(part, fit, scratch[0], medians, n_clear[block])
            values[:, block] = medians
            continue
        medoid(part, n_reflective, fit, moments, scratch, members, chosen[block], n_clear[block])
        pixel = np.flatnonzero(chosen[block] >= 0)
        values[:, start + pixel] = part[chosen[start + pixel], :, pixel].T
    # -1 for none picks the -1 at the end
    source = np.append(numbers, -1)[chosen]
    layers: dict[str, NDArray[Any]] = {
        band: values[i].reshape(height, width) for i, band in enumerate(bands)
    }
    layers["n_clear"] = n_clear.reshape(height, width)
    layers["source"] = source.astype(np.int16).reshape(height, width)
    return layers


def _attributes(name: str) -> dict[str, str]:
    if name in ("n_clear", "source"):
        return {}
    return {"units": "K" if name == THERMAL else "1"}


def composite_tile(
    scenes: Sequence[Scene],
    grid: Grid,
    season: tuple[str, str],
    method: str = "medoid",
    change: Change | None = None,
) -> xr.Dataset:
    """Composite of one season's scenes on a tile, reading no more than the tile.

    Scenes of one day show the same overpass: where they overlap, an observation counts
    once. Strips of rows are worked off where the whole would take too much memory.

    Parameters
    ----------
    scenes : sequence of Scene
        All of one season.
    grid : Grid
    season : two of "MM-DD"
    method : {"medoid", "median"}
    change : callable, optional
        From a sensor code to factor and offset of each reflectance band, (6, 2), or None
        where its numbers stay as they are. Default: all stay.

    Returns
    -------
    xarray.Dataset with dims (y, x)
        The six reflectance bands and thermal (float32, NaN where nothing was clear),
        `n_clear` and `source` (int16). `attrs["scene_ids"]` lists the scenes that touch
        the tile, as `source` numbers them.

    Raises
    ------
    InvalidInput
        If the scenes are not of one season.
    UnknownOption
        If the method or a day of the season is not known.
    UnreadableFile
        If a file turns out cut off, by name.
    """
    _check_method(method)
    labels = {season_year(scene.date, season) for scene in scenes}
    if None in labels or len(labels) > 1:
        raise InvalidInput(f"scenes of one season {season} expected, got the years {labels}.")
    touching = sorted(
        (scene for scene in scenes if scene.touches(grid)),
        key=lambda scene: (scene.date, scene.scene_id),
    )
    bands = [*REFLECTIVE, THERMAL]
    row_bytes = max(len(touching), 1) * len(bands) * grid.width * 4
    rows = max(1, _STACK_BYTES // row_bytes)
    strips = [
        _strip(
            touching,
            grid.part(Window(row, 0, min(rows, grid.height - row), grid.width)),
            method,
            change,
        )
        for row in range(0, grid.height, rows)
    ]
    layers = {
        name: (("y", "x"), np.concatenate([strip[name] for strip in strips]), _attributes(name))
        for name in (*bands, "n_clear", "source")
    }
    ids = [scene.scene_id for scene in touching]
    return xr.Dataset(layers, grid.coordinates(), {"scene_ids": ids})


def _strip(
    scenes: Sequence[Scene], grid: Grid, method: str, change: Change | None
) -> dict[str, NDArray[Any]]:
    """Composite of a few rows, from the scenes that show anything in them."""
    bands = [*REFLECTIVE, THERMAL]
    kept: list[int] = []
    masks: list[NDArray[np.bool_]] = []
    seen_on: dict[date, NDArray[np.bool_]] = {}
    stack = np.empty((len(scenes), len(bands), *grid.shape), np.float32)
    for number, scene in enumerate(scenes):
        clear = read_masks(scene, grid)[0]
        # the same overpass, seen in the overlap of two scenes
        before = seen_on.get(scene.date)
        if before is not None:
            clear &= ~before
        if not clear.any():
            continue
        layer = stack[len(kept)]
        for i, band in enumerate(bands):
            layer[i] = read_band(scene, band, grid) if band in scene.files else np.nan
        lines = change(scene.sensor) if change is not None else None
        if lines is not None:
            factor, offset = lines.T.astype(np.float32)[:, :, None, None]
            layer[: len(REFLECTIVE)] = layer[: len(REFLECTIVE)] * factor + offset
        clear &= ~np.isnan(layer[: len(REFLECTIVE)]).any(axis=0)
        seen_on[scene.date] = clear if before is None else clear | before
        kept.append(number)
        masks.append(clear)
    moments = np.array([scenes[number].date.toordinal() for number in kept], np.int64)
    clear = np.stack(masks) if masks else np.zeros((0, *grid.shape), np.bool_)
    numbers = np.array(kept, np.intp)
    return composite(stack[: len(kept)], clear, bands, moments, numbers, method)
