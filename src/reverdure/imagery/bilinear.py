"""Raster files read between their pixels: bilinear, the same for a part as for the whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.imagery.rasters import file_coordinates, grid_of_raster, open_raster

_ON_A_CENTRE = 1e-6


def read_bilinear(
    path: str | Path,
    grid: Grid,
    convert: Callable[[NDArray[Any]], NDArray[np.float32]],
    *,
    block: int = 1,
    margin: int = 0,
) -> NDArray[np.float32]:
    """First band of a raster at the centres of `grid`.

    Parameters
    ----------
    path : path
    grid : Grid
    convert : callable
        Numbers of the file to values; NaN for nothing. It may look `margin` pixels around.
    block : int, default 1
        Side of the squares of pixels that are averaged first, counted from the file's
        upper left corner.
    margin : int, default 0
        Pixels that `convert` must see around those used.

    Returns
    -------
    (y, x) float32
        NaN where a pixel with weight is NaN or outside the file.

    Raises
    ------
    UnreadableFile
        If the file cannot be read.

    Notes
    -----
    Interpolation at a distance f from the pixel before, in pixels, widens the point-spread
    function by f (1 - f) pixels squared along each axis: 25 m2 for pixels of 10 m at
    f = 1/2, 75 m2 for pixels of 20 m at f = 1/4 or 3/4.
    """
    result = np.full(grid.shape, np.nan, np.float32)
    with open_raster(path) as dataset:
        own = grid_of_raster(dataset)
        x, y = file_coordinates(own.crs, grid)
        rows, row_share = _before((own.north - y) / (own.pixel * block) - 0.5)
        columns, column_share = _before((x - own.west) / (own.pixel * block) - 0.5)
        height, width = own.height // block, own.width // block
        inside_rows = (rows >= 0) & (rows + (row_share > 0) < height)
        inside_columns = (columns >= 0) & (columns + (column_share > 0) < width)
        inside = inside_rows & inside_columns
        if not inside.any():
            return result
        inner_rows, inner_columns = rows[inside_rows], columns[inside_columns]
        top, bottom = int(inner_rows.min()), min(int(inner_rows.max()) + 2, height)
        left, right = int(inner_columns.min()), min(int(inner_columns.max()) + 2, width)
        first_row, first_column = max(top - margin, 0), max(left - margin, 0)
        last_row, last_column = min(bottom + margin, height), min(right + margin, width)
        numbers = dataset.read(
            1,
            window=(
                (first_row * block, last_row * block),
                (first_column * block, last_column * block),
            ),
        )
    values = _averaged(convert(numbers), block)
    if own.crs == grid.crs:
        # rows and columns stand apart: two sweeps over slices
        row, column = inner_rows - first_row, inner_columns - first_column
        lines = _along(values, row, row_share[inside_rows], 0)
        part = _along(lines, column, column_share[inside_columns], 1)
        result[np.ix_(inside_rows[:, 0], inside_columns[0])] = part
        return result
    row, column = rows[inside] - first_row, columns[inside] - first_column
    down, right_share = row_share[inside], column_share[inside]
    # a pixel without weight must not spoil the cell by being NaN
    below = np.where(down > 0, row + 1, row)
    beside = np.where(right_share > 0, column + 1, column)
    upper = values[row, column] * (1 - down) + values[below, column] * down
    lower = values[row, beside] * (1 - down) + values[below, beside] * down
    result[inside] = upper * (1 - right_share) + lower * right_share
    return result


def _along(
    values: NDArray[np.float32], place: NDArray[np.intp], share: NDArray[np.float32], axis: int
) -> NDArray[np.float32]:
    """Values between places along one axis."""
    after = np.where(share > 0, place + 1, place)
    weight = share[:, None] if axis == 0 else share[None, :]
    near, far = values.take(place, axis), values.take(after, axis)
    return np.asarray(near * (1 - weight) + far * weight)


def _before(position: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Pixel at or before a position, and the way to the next; on a centre it is 0."""
    nearest = np.rint(position)
    exact = np.abs(position - nearest) < _ON_A_CENTRE
    low = np.where(exact, nearest, np.floor(position))
    share = np.where(exact, 0.0, position - low)
    return low.astype(np.intp), share.astype(np.float32)


def _averaged(values: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    if block == 1:
        return values
    height, width = values.shape[0] // block, values.shape[1] // block
    squares = values.reshape(height, block, width, block)
    return np.asarray(squares.mean(axis=(1, 3)), np.float32)
