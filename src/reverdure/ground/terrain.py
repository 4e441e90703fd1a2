"""Layers of the land, elevation and its slope, rock, cover, on the pixels of the imagery."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from reverdure.core.errors import (
    InvalidInput,
    MissingCRS,
    UnknownOption,
    UnreadableFile,
    WrongDimensions,
)
from reverdure.core.grid import Grid, grid_of

_RESAMPLING = {
    "elevation": Resampling.bilinear,
    "rock": Resampling.nearest,
    "cover": Resampling.nearest,
}
_UNITS = {"elevation": "m", "rock": "class", "cover": "class"}
LAYER_KINDS = tuple(_RESAMPLING)


def check_layer(path: Path, kind: str) -> None:
    """Refuse a file that cannot serve as a layer.

    Parameters
    ----------
    path : Path
        Raster of one band.
    kind : {"elevation", "rock", "cover"}
        What it holds: metres, or codes of classes.

    Raises
    ------
    UnknownOption
        If the kind is not known.
    UnreadableFile
        If the file is missing or not a raster.
    InvalidInput
        If it has more than one band.
    MissingCRS
        If it states no CRS.
    """
    _open_layer(path, kind).close()


def _open_layer(path: Path, kind: str) -> Any:
    if kind not in _RESAMPLING:
        raise UnknownOption(f"layer {kind!r} is not known; use one of {', '.join(LAYER_KINDS)}.")
    try:
        source = rasterio.open(path)
    except RasterioError as error:
        raise UnreadableFile(f"{path.name} cannot be read as a raster: {error}.") from error
    if source.count != 1:
        raise InvalidInput(f"{path.name} has {source.count} bands; a layer has one.")
    if source.crs is None:
        raise MissingCRS(f"{path.name} states no CRS.", "Write it into the file first.")
    return source


def read_layer(path: Path, grid: Grid, kind: str) -> xr.DataArray:
    """Read a layer on the pixels of a grid.

    Parameters
    ----------
    path : Path
        Raster of one band in any CRS.
    grid : Grid
        The pixels wanted.
    kind : {"elevation", "rock", "cover"}
        Elevation is interpolated between its pixels, classes are taken from the nearest.

    Returns
    -------
    xarray.DataArray, (y, x) float32, [m] or [class]
        NaN outside the raster and where it states no data.

    Raises
    ------
    UnknownOption, UnreadableFile, InvalidInput, MissingCRS
        As `check_layer`.
    """
    with (
        _open_layer(path, kind) as source,
        WarpedVRT(
            source,
            crs=grid.crs,
            transform=rasterio.Affine(*grid.transform),
            height=grid.height,
            width=grid.width,
            resampling=_RESAMPLING[kind],
            dtype="float64",
            nodata=math.nan,
        ) as warped,
    ):
        values = warped.read(1)
    return xr.DataArray(
        values.astype(np.float32),
        dims=("y", "x"),
        coords=grid.coordinates(),
        name=kind,
        attrs={"units": _UNITS[kind]},
    )


def slope_deg(elevation: xr.DataArray) -> xr.DataArray:
    """Slope of the ground.

    Parameters
    ----------
    elevation : (y, x) float, [m]
        With y, x and CRS. NaN where unknown. Not changed.

    Returns
    -------
    xarray.DataArray, (y, x) float32, [degree]
        0 to 90. NaN where one of the pixel or its eight neighbours is NaN; beyond the border
        the ground is taken to go on as it goes inside.

    Raises
    ------
    WrongDimensions
        If dimensions are not y, x.
    MissingCRS, GridMismatch
        As `reverdure.core.grid.grid_of`.

    References
    ----------
    Horn, B. K. P. (1981). Hill shading and the reflectance map. Proc. IEEE 69, 14-47.
    doi:10.1109/PROC.1981.11918

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from reverdure.core.grid import Grid
    >>> grid = Grid("EPSG:32650", 0, 90, 30, 3, 3)
    >>> hill = np.tile([0.0, 30.0, 60.0], (3, 1))
    >>> slope_deg(xr.DataArray(hill, dims=("y", "x"), coords=grid.coordinates())).values[1, 1]
    np.float32(45.0)
    """
    if elevation.dims != ("y", "x"):
        raise WrongDimensions(f"slope needs dimensions (y, x), got {elevation.dims}.")
    step_x, step_y = _steps_m(grid_of(elevation))
    z = np.pad(elevation.values.astype(np.float64), 1, mode="reflect", reflect_type="odd")
    # Horn's weights 1, 2, 1 across the direction of the difference
    east, west = _weighted(z[:, 2:], 0), _weighted(z[:, :-2], 0)
    south, north = _weighted(z[2:], 1), _weighted(z[:-2], 1)
    gradient = np.hypot((east - west) / (8.0 * step_x), (south - north) / (8.0 * step_y))
    # the centre has no weight, yet a slope where nothing is known would be a guess
    gradient = np.where(np.isnan(elevation.values), np.nan, gradient)
    slope = np.degrees(np.arctan(gradient)).astype(np.float32)
    return xr.DataArray(
        slope, dims=("y", "x"), coords=elevation.coords, name="slope", attrs={"units": "degree"}
    )


def _weighted(z: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Three neighbours along an axis with weights 1, 2, 1."""
    rows = z.swapaxes(0, axis)
    return (rows[:-2] + 2.0 * rows[1:-1] + rows[2:]).swapaxes(0, axis)


def _steps_m(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Width and height of the pixels of each row, (row, 1), [m]."""
    crs = pyproj.CRS.from_user_input(grid.crs)
    if not crs.is_geographic:
        step = np.full((grid.height, 1), grid.pixel * crs.axis_info[0].unit_conversion_factor)
        return step, step
    latitude = grid.north - (np.arange(grid.height) + 0.5) * grid.pixel
    zero, half = np.zeros(grid.height), grid.pixel / 2
    geod = crs.get_geod() or pyproj.Geod(ellps="WGS84")
    _, _, width = geod.inv(zero, latitude, zero + grid.pixel, latitude)
    _, _, height = geod.inv(zero, latitude - half, zero, latitude + half)
    return np.asarray(width)[:, None], np.asarray(height)[:, None]
