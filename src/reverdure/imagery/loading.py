"""Scenes of a folder, or yearly rasters, as one labelled array around mines."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.errors import GridMismatch, InvalidInput, MissingCRS, NoImagery, UnknownOption
from reverdure.core.grid import Grid
from reverdure.imagery.declared import DeclaredYear, inspect_composites, read_declared
from reverdure.imagery.finding import find_all_scenes
from reverdure.imagery.landsat import Scene, read_scene
from reverdure.imagery.refusals import Refusal
from reverdure.imagery.sensors import REFLECTIVE, THERMAL
from reverdure.imagery.sentinel2 import Sentinel2Scene, read_clear, read_reflectance

SENSORS = ("landsat", "sentinel2")
MARGIN_M = 3100.0
"""The reference ring of 3 km and three Landsat pixels."""
_MOST_GB = 4.0
_DECLARED_DAY = "07-15"
_SOURCE = {
    "landsat": "Landsat Collection 2 Level-2, U.S. Geological Survey, doi:10.5066/P9OGBGM6",
    "sentinel2": "Sentinel-2 Level-2A, Copernicus, doi:10.5270/S2_-znk9xsj",
    "declared": "yearly rasters declared by the caller",
}


@dataclass(frozen=True, slots=True)
class _Picture:
    """One scene or year that can be read.

    Attributes
    ----------
    day, name, sensor : str
    grid : Grid
        Its own pixels.
    read : function of Grid
        Its bands and `clear` on other pixels.
    """

    day: str
    name: str
    sensor: str
    grid: Grid
    read: Callable[[Grid], dict[str, NDArray[Any]]]


def load_scenes(
    source: str | Path | Sequence[str | Path],
    around: Any,
    *,
    sensor: str = "landsat",
    margin_m: float = MARGIN_M,
    bands: Sequence[str] | None = None,
    years: Sequence[int] | None = None,
    scale: float = 1.0,
    nodata: float | None = None,
) -> xr.Dataset:
    """Scenes on one grid around mines, as `annual_composites` takes them.

    Parameters
    ----------
    source : path, or sequence of paths
        A folder of Landsat Collection 2 Level-2 [1]_ or Sentinel-2 Level-2A [2]_ scenes, as
        they are downloaded; or yearly rasters made elsewhere, with `bands`.
    around : GeoDataFrame, GeoSeries, or (west, south, east, north)
        What to load: everything within `margin_m` of it. Four numbers are degrees, WGS 84.
    sensor : {"landsat", "sentinel2"}
        Which scenes of the folder. The two are not mixed: they differ in bands and pixels.
    margin_m : float
        [m]; the default takes the land that `reference` looks at.
    bands : sequence of str, optional
        With rasters: what their bands are, "-" for one to be passed over.
    years : sequence of int, optional
        With rasters: the year of each; else the number of four digits in the name.
    scale, nodata : float
        With rasters: number in the file of reflectance 1; number that stands for nothing.

    Returns
    -------
    xarray.Dataset with dims (time, y, x)
        blue, green, red, nir, swir1, swir2 : float32, reflectance
            NaN where there is no valid value.
        thermal : float32, [K]
            Where a scene has it.
        clear : bool
            The ground is seen, by the quality layers; of rasters, where all bands are there.
        Coordinates `scene_id` and `sensor` (time). `attrs` name the source, and under
        `refused` each product of the folder that is not read, with its reason.

    Raises
    ------
    NoImagery
        If nothing that can be read lies there.
    InvalidInput
        If it takes more than 4 GB, or rasters come without `bands`.
    UnknownOption
        If the sensor is not known.
    MissingCRS
        If `around` states no CRS.
    UnreadableFile, GridMismatch, NotReflectance
        As the files are: missing or cut off, not in metres or on several grids, not
        reflectance.

    Notes
    -----
    The grid is that of most scenes. Landsat pixels on it are copied, on another the nearest
    is taken; Sentinel-2 is interpolated to 10 m, bilinear. A raster of a year stands at
    15 July, so give `annual_composites` a season with that day.

    References
    ----------
    .. [1] U.S. Geological Survey, Landsat 8-9 Collection 2 Level 2 Science Product Guide
       (LSDS-1619). doi:10.5066/P9OGBGM6
    .. [2] European Space Agency, Copernicus Sentinel-2 Level-2A. doi:10.5270/S2_-znk9xsj

    Examples
    --------
    >>> import tempfile
    >>> from reverdure.simulate.county import simulate
    >>> folder = Path(tempfile.mkdtemp()) / "county"
    >>> _ = simulate(folder, n_mines=1, n_years=6, seed=3)
    >>> import geopandas
    >>> mines = geopandas.read_file(folder / "mines.gpkg")
    >>> scenes = load_scenes(folder / "scenes", mines, margin_m=300)
    >>> scenes.red.dims, scenes.red.attrs["units"], scenes.thermal.attrs["units"]
    (('time', 'y', 'x'), '1', 'K')
    """
    if sensor not in SENSORS:
        raise UnknownOption(f"sensor {sensor!r} is not known; use {' or '.join(SENSORS)}.")
    if isinstance(source, str | Path):
        found, refused = _of_folder(Path(source), sensor)
        kind = sensor
    else:
        found, refused = _of_rasters([Path(path) for path in source], bands, years, scale, nodata)
        kind = "declared"
    if not found:
        raise NoImagery(
            f"nothing can be read there; refused: {'; '.join(refused) or 'nothing'}.",
            "Check the folder, and which sensor is asked for.",
        )
    grid = _grid_around(_common_grid(found), around, margin_m)
    near = [one for one in found if one.grid.touches(grid)]
    if not near:
        raise NoImagery(
            f"none of {len(found)} scenes lies near what was asked for.",
            "Check the coordinates, and their reference system.",
        )
    _check_memory(len(near), grid)
    return _stacked(near, grid).assign_attrs(source=_SOURCE[kind], refused=refused)


def _of_folder(folder: Path, sensor: str) -> tuple[list[_Picture], list[str]]:
    """Scenes of one sensor, and what is refused, each with its reason."""
    landsat, sentinel2, refusals = find_all_scenes(folder)
    pictures = (
        [_picture(scene, partial(_read_landsat, scene)) for scene in landsat]
        if sensor == "landsat"
        else [_picture(scene, partial(_read_sentinel2, scene)) for scene in sentinel2]
    )
    return pictures, [_said(refusal) for refusal in refusals]


def _picture(
    scene: Scene | Sentinel2Scene, read: Callable[[Grid], dict[str, NDArray[Any]]]
) -> _Picture:
    return _Picture(scene.date.isoformat(), scene.scene_id, scene.sensor, scene.grid, read)


def _said(refusal: Refusal) -> str:
    return f"{Path(refusal.path).name}: {refusal.message}"


def _of_rasters(
    paths: list[Path],
    bands: Sequence[str] | None,
    years: Sequence[int] | None,
    scale: float,
    nodata: float | None,
) -> tuple[list[_Picture], list[str]]:
    """Years of rasters, and what was seen in them."""
    if bands is None:
        raise InvalidInput(
            "rasters need `bands`.", "For example bands=['red', 'nir', 'swir1', 'swir2']."
        )
    declared, findings = inspect_composites(
        paths, bands=bands, index=None, years=years, scale=scale, nodata=nodata
    )
    pictures = [
        _Picture(
            f"{one.year}-{_DECLARED_DAY}", Path(one.path).stem, "", one.grid,
            partial(_read_raster, one),
        )
        for one in declared
    ]  # fmt: skip
    return pictures, [finding.message for finding in findings]


def _common_grid(found: Sequence[_Picture]) -> Grid:
    """The grid of one of the scenes that lie on the commonest lattice."""
    lattices = Counter(_lattice(one.grid) for one in found)
    best = lattices.most_common(1)[0][0]
    return next(one.grid for one in found if _lattice(one.grid) == best)


def _lattice(grid: Grid) -> tuple[str, float, float, float]:
    west, north = (round(edge % grid.pixel, 3) % grid.pixel for edge in (grid.west, grid.north))
    return grid.crs, grid.pixel, west, north


def _grid_around(common: Grid, around: Any, margin_m: float) -> Grid:
    """Pixels of the lattice of `common` within the margin of what is asked for."""
    if hasattr(around, "total_bounds"):
        if around.crs is None:
            raise MissingCRS("mines state no CRS.", "Set it with mines.set_crs(...).")
        box, crs = around.total_bounds, around.crs
    else:
        box, crs = around, pyproj.CRS.from_epsg(4326)
    units = {axis.unit_name for axis in pyproj.CRS.from_user_input(common.crs).axis_info}
    if units != {"metre"}:
        raise GridMismatch(
            f"imagery in {common.crs} has pixels in {', '.join(sorted(units))}, not metres.",
            "Reproject it, for example to the local UTM zone.",
        )
    to_grid = pyproj.Transformer.from_crs(crs, common.crs, always_xy=True)
    west, south, east, north = (float(edge) for edge in box)
    west, south, east, north = to_grid.transform_bounds(west, south, east, north, densify_pts=21)
    if not np.isfinite([west, south, east, north]).all():
        raise InvalidInput(
            f"the bounds {tuple(box)} cannot be placed on the imagery in {common.crs}.",
            "Give west, south, east, north.",
        )
    pixel = common.pixel
    left = int(np.floor((west - margin_m - common.west) / pixel))
    right = int(np.ceil((east + margin_m - common.west) / pixel))
    top = int(np.floor((common.north - north - margin_m) / pixel))
    bottom = int(np.ceil((common.north - south + margin_m) / pixel))
    return Grid(
        common.crs, common.west + left * pixel, common.north - top * pixel, pixel,
        bottom - top, right - left,
    )  # fmt: skip


def _check_memory(n_scenes: int, grid: Grid) -> None:
    needed = n_scenes * grid.height * grid.width * (4 * (len(REFLECTIVE) + 1) + 1) / 1e9
    if needed > _MOST_GB:
        raise InvalidInput(
            f"{n_scenes} scenes on {grid.height} x {grid.width} pixels take {needed:.1f} GB; "
            f"allowed are {_MOST_GB:g} GB.",
            "Load fewer mines at a time, or less around them.",
        )


def _stacked(near: Sequence[_Picture], grid: Grid) -> xr.Dataset:
    """Scenes in the order of time; every band on the same pixels."""
    dated = sorted(near, key=lambda one: (one.day, one.name))
    n = len(dated)
    layers: dict[str, NDArray[Any]] = {"clear": np.zeros((n, *grid.shape), bool)}
    for position, one in enumerate(dated):
        for band, values in one.read(grid).items():
            if band not in layers:
                layers[band] = np.full((n, *grid.shape), np.nan, np.float32)
            layers[band][position] = values
    order = [band for band in (*REFLECTIVE, THERMAL, "clear") if band in layers]
    units = {band: {"units": "K" if band == THERMAL else "1"} for band in order}
    return xr.Dataset(
        {band: (("time", "y", "x"), layers[band], units[band]) for band in order},
        {
            "time": np.array([one.day for one in dated], "datetime64[ns]"),
            "scene_id": ("time", [one.name for one in dated]),
            "sensor": ("time", [one.sensor for one in dated]),
            **grid.coordinates(),
        },
    )


def _read_landsat(scene: Scene, grid: Grid) -> dict[str, NDArray[Any]]:
    read = read_scene(scene, grid)
    return {str(name): read[name].values for name in read if name != "water"}


def _read_sentinel2(scene: Sentinel2Scene, grid: Grid) -> dict[str, NDArray[Any]]:
    bands = {band: read_reflectance(scene, band, grid) for band in REFLECTIVE}
    return bands | {"clear": read_clear(scene, grid) & _complete(bands)}


def _read_raster(year: DeclaredYear, grid: Grid) -> dict[str, NDArray[Any]]:
    read = read_declared(year, grid)
    bands = {str(name): read[name].values for name in read}
    return bands | {"clear": _complete(bands)}


def _complete(bands: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Where all bands hold a value."""
    return np.asarray(~np.isnan(np.stack(list(bands.values()))).any(axis=0))
