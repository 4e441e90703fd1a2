"""Raster files: opened, checked and read onto a grid, one call at a time.

Every call opens and closes its own file, so that threads never share one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window as FileWindow

from reverdure.core.errors import GridMismatch, MissingCRS, UnreadableFile
from reverdure.core.grid import Grid, Window, crs_name

# no listing of the folder on every opening; a side file is looked for by its name instead
_GDAL = {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE", "GDAL_NUM_THREADS": "1"}

_NODE_PIXELS = 16
# a pixel centre that falls on an edge goes to the same side whatever the last bit says
_EDGE_PIXELS = 1e-6


@contextmanager
def open_raster(path: str | Path) -> Iterator[DatasetReader]:
    """Raster open for reading.

    Raises
    ------
    UnreadableFile
        If it cannot be opened, or if a read within the block fails.
    """
    try:
        with rasterio.Env(**_GDAL), rasterio.open(path) as dataset:
            yield dataset
    except RasterioError as error:
        moved = "" if Path(path).exists() else "If it was moved, add it again from where it is."
        raise UnreadableFile(f"{path} cannot be read: {error}", moved) from error


def check_complete(dataset: DatasetReader) -> None:
    """Make sure that the file reaches as far as its own table of blocks says.

    A cut-off copy often opens well and fails only when its last rows are read.

    Raises
    ------
    UnreadableFile
        If a block ends beyond the end of the file.
    """
    if dataset.driver.startswith("JP2"):
        _check_codestream(Path(dataset.name))
    if dataset.driver != "GTiff":
        return
    size = Path(dataset.name).stat().st_size
    for band in range(1, dataset.count + 1):
        rows, columns = dataset.block_shapes[band - 1]
        for y in range(-(-dataset.height // rows)):
            for x in range(-(-dataset.width // columns)):
                start = dataset.get_tag_item(f"BLOCK_OFFSET_{x}_{y}", "TIFF", bidx=band)
                length = dataset.get_tag_item(f"BLOCK_SIZE_{x}_{y}", "TIFF", bidx=band)
                if start and length and int(start) + int(length) > size:
                    raise UnreadableFile(
                        f"{dataset.name} is cut off: a block of band {band} ends at byte "
                        f"{int(start) + int(length)}, the file at {size}.",
                        "Copy or download it again.",
                    )


def _check_codestream(path: Path) -> None:
    """Walk the boxes of a JPEG 2000 file; its codestream must be whole and end with its mark.

    ISO/IEC 15444-1, annexes I.4 (boxes) and A.4.4 (end of codestream).
    """
    size = path.stat().st_size
    place = 0
    with path.open("rb") as stream:
        while place + 8 <= size:
            stream.seek(place)
            header = stream.read(16)
            length = int.from_bytes(header[:4], "big")
            if length == 1:
                length = int.from_bytes(header[8:16], "big")
            end = size if length == 0 else place + length
            if end > size or end <= place:
                break
            if header[4:8] == b"jp2c":
                stream.seek(end - 2)
                if stream.read(2) == b"\xff\xd9":
                    return
                break
            place = end
    raise UnreadableFile(
        f"{path.name} is cut off: its picture does not end within its {size} bytes.",
        "Copy or download it again.",
    )


@lru_cache(maxsize=64)
def _crs_name(wkt: str) -> str:
    # finding the code of a CRS takes longer than reading a tile
    return crs_name(wkt)


def grid_of_raster(dataset: DatasetReader, *, cover: bool = False) -> Grid:
    """Grid of an open raster.

    Parameters
    ----------
    dataset : rasterio dataset
    cover : bool, default False
        Whether to answer pixels that are not square with the square grid of the smaller
        side that covers them.

    Raises
    ------
    MissingCRS
        If the raster states no CRS.
    GridMismatch
        If it is not north-up, or its pixels are not square and `cover` is False.
    """
    name = Path(dataset.name).name
    if not dataset.crs:
        raise MissingCRS(f"{name} states no CRS.", "Write it into the file.")
    at = dataset.transform
    if at.b or at.d or at.a <= 0 or at.e >= 0:
        raise GridMismatch(f"{name} is not north-up: its transform is {tuple(at)[:6]}.")
    crs = _crs_name(dataset.crs.to_wkt())
    if abs(at.a + at.e) <= 1e-6 * at.a:
        return Grid(crs, at.c, at.f, at.a, dataset.height, dataset.width)
    if not cover:
        raise GridMismatch(
            f"{name} has pixels of {at.a} x {-at.e}; they must be square.", "Resample it."
        )
    pixel = min(at.a, -at.e)
    height = int(np.ceil(dataset.height * -at.e / pixel - 1e-9))
    width = int(np.ceil(dataset.width * at.a / pixel - 1e-9))
    return Grid(crs, at.c, at.f, pixel, height, width)


def read_onto(path: str | Path, grid: Grid, *, bands: list[int], fill: float) -> NDArray[Any]:
    """Bands of a raster on exactly `grid`, with `fill` outside the file.

    Pixels on one lattice are copied; else each pixel takes the value of the file's pixel
    its centre falls in, in a way that gives a tile exactly what the whole would get.

    Parameters
    ----------
    path : path
    grid : Grid
    bands : list of int
        Band numbers from 1.
    fill : float
        Value that stands for nothing.

    Returns
    -------
    (band, y, x) array of the file's type, or float64 where `fill` is NaN

    Raises
    ------
    UnreadableFile
        If the file cannot be read to where the grid needs it.
    MissingCRS
        If the file states no CRS.
    """
    with open_raster(path) as dataset:
        kind = np.float64 if np.isnan(fill) else dataset.dtypes[bands[0] - 1]
        values: NDArray[Any] = np.full((len(bands), *grid.shape), fill, dtype=kind)
        if _is_aligned(dataset, grid):
            _copy(dataset, grid, bands, values)
        else:
            _sample(dataset, grid, bands, values)
        return values


def _is_aligned(dataset: DatasetReader, grid: Grid) -> bool:
    at = dataset.transform
    is_square = abs(at.a + at.e) <= 1e-6 * at.a
    return is_square and grid.is_aligned(grid_of_raster(dataset))


def _copy(dataset: DatasetReader, grid: Grid, bands: list[int], values: NDArray[Any]) -> None:
    own = grid_of_raster(dataset)
    row = round((own.north - grid.north) / grid.pixel)
    column = round((grid.west - own.west) / grid.pixel)
    common = own.whole.intersection(Window(row, column, grid.height, grid.width))
    if common is None:
        return
    target = Window(common.row - row, common.column - column, common.height, common.width)
    values[(slice(None), *target.slices)] = dataset.read(bands, window=_file_window(common))


def _sample(dataset: DatasetReader, grid: Grid, bands: list[int], values: NDArray[Any]) -> None:
    if not dataset.crs:
        raise MissingCRS(f"{dataset.name} states no CRS.")
    place = (_crs_name(dataset.crs.to_wkt()), tuple(dataset.transform)[:6])
    rows, columns = _nearest_pixels(*place, grid)
    inside = (rows >= 0) & (rows < dataset.height) & (columns >= 0) & (columns < dataset.width)
    if not inside.any():
        return
    rows, columns = rows[inside], columns[inside]
    top, left = int(rows.min()), int(columns.min())
    window = Window(top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1)
    found = dataset.read(bands, window=_file_window(window))
    values[:, inside] = found[:, rows - top, columns - left]


def _file_window(window: Window) -> FileWindow:
    return FileWindow(window.column, window.row, window.width, window.height)


@lru_cache(maxsize=8)
def _nearest_pixels(
    crs: str, transform: tuple[float, ...], grid: Grid
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Row and column of a file in which each pixel centre of `grid` falls; -1 for nowhere.

    Kept for the other bands of the same scene.
    """
    file_x, file_y = file_coordinates(crs, grid)
    width, _, west, _, height, north = transform
    columns = np.floor((file_x - west) / width + _EDGE_PIXELS)
    rows = np.floor((file_y - north) / height + _EDGE_PIXELS)
    return _as_index(rows, grid.shape), _as_index(columns, grid.shape)


def file_coordinates(crs: str, grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates x, y of the pixel centres of `grid` in another CRS; they broadcast to (y, x)."""
    x = grid.west + (np.arange(grid.width, dtype=np.float64) + 0.5) * grid.pixel
    y = grid.north - (np.arange(grid.height, dtype=np.float64) + 0.5) * grid.pixel
    if crs == grid.crs:
        return x[None, :], y[:, None]
    return _transformed(grid.crs, crs, x, y, _NODE_PIXELS * grid.pixel)


def _as_index(numbers: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.int32]:
    limit = np.iinfo(np.int32).max
    known = np.where(np.isfinite(numbers) & (np.abs(numbers) < limit), numbers, -1)
    return np.broadcast_to(known.astype(np.int32), shape)


def _transformed(
    source: str, target: str, x: NDArray[np.float64], y: NDArray[np.float64], step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates of all (y, x) in another CRS, linear between nodes `step` apart.

    Nodes lie at whole multiples of `step`, wherever the tile begins. Over 16 pixels of
    30 m the line departs from the curve by millimetres.
    """
    node_x = step * np.arange(np.floor(x.min() / step), np.floor(x.max() / step) + 2)
    node_y = step * np.arange(np.floor(y.min() / step), np.floor(y.max() / step) + 2)
    to_target = pyproj.Transformer.from_crs(source, target, always_xy=True)
    nodes = to_target.transform(*np.meshgrid(node_x, node_y))
    at_x, at_y = (x - node_x[0]) / step, (y - node_y[0]) / step
    column, row = at_x.astype(int), at_y.astype(int)
    right, down = at_x - column, (at_y - row)[:, None]

    def between(values: NDArray[np.float64]) -> NDArray[np.float64]:
        along = values[:, column] * (1 - right) + values[:, column + 1] * right
        result: NDArray[np.float64] = along[row] * (1 - down) + along[row + 1] * down
        return result

    return between(np.asarray(nodes[0])), between(np.asarray(nodes[1]))
