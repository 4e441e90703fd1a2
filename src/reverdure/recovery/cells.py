"""Ground in 10 m cells, and how much of each cell's signal each pixel receives."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtr

from reverdure.core.grid import Grid, Window
from reverdure.ground.areas import polygons_of
from reverdure.ground.coverage import coverage
from reverdure.recovery.constants import constant
from reverdure.recovery.local import LocalMetres, local_metres

_CELL_M = 10.0
_MAX_CELLS = 1000
_SIGHT_M = 120.0
_MARGIN_M = 20.0
# part of the peak under which the tail of the point-spread function is cut
_TAIL = 0.02


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a ground and the pixels that see them.

    Attributes
    ----------
    rows, columns : (pixel,) int64
        Pixels used, on the grid of the index.
    ground_ha : (cell,) float64
        Area of the ground in each cell; 0 where a cell is mine but not this ground.
    response : (cell, pixel) sparse float64
        Share of a pixel's signal that comes from a cell.
    neighbour : (cell, 4) int64
        Cells above, below, left and right; -1 for none.
    beyond_m : (cell,) float64
        Distance of the cell's centre from the mined land as drawn; negative inside.
    row, column : (cell,) int64
        Place on the lattice of cells.
    seen : (pixel,) float64
        Share of a pixel's signal that comes from the ground.
    pixel_ha : float
        Area of a pixel.
    corner : (int, int)
        Row and column of the lattice's first cell, in cells from the grid's corner.
    per_pixel : int
        Cells along the side of a pixel.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    ground_ha: NDArray[np.float64]
    response: sparse.csr_array
    neighbour: NDArray[np.int64]
    beyond_m: NDArray[np.float64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    seen: NDArray[np.float64]
    pixel_ha: float
    corner: tuple[int, int] = (0, 0)
    per_pixel: int = 1

    @property
    def mined(self) -> NDArray[np.float64]:
        """Share of each pixel's signal that comes from land drawn as a mine, (pixel,)."""
        likely = ndtr(-self.beyond_m / constant("outline_error_m"))
        return np.asarray(np.clip(self.response.T @ likely, 0, 1), float)


def lay_cells(
    ground: shapely.Geometry, mined: shapely.Geometry, grid: Grid, area_ha: float
) -> Cells | None:
    """Cut a ground into cells; None where it lies outside the grid.

    Parameters
    ----------
    ground : Geometry
        In the CRS of the grid.
    mined : Geometry
        All mined land near it: gains there belong to its neighbours, and outside of it
        there are none.
    grid : Grid
        Grid of the index.
    area_ha : float
        Area of the ground on the ellipsoid; areas of cells add up to the part of it
        that lies on the grid.
    """
    centre = ground.representative_point()
    scale = local_metres(grid, centre.x, centre.y)
    sight = _SIGHT_M / min(scale.per_x, scale.per_y)
    around = shapely.intersection(mined, shapely.buffer(ground, sight, quad_segs=2))
    # edges that all but coincide leave lines behind, in which no cell ever lies
    drawn = polygons_of(shapely.union(ground, polygons_of(around)))
    # what was drawn a few metres off still is mine just outside of its outline
    field = shapely.buffer(drawn, _MARGIN_M / min(scale.per_x, scale.per_y), quad_segs=2)
    n = _division(grid, scale, field)
    fine = Grid(grid.crs, grid.west, grid.north, grid.pixel / n, grid.height * n, grid.width * n)
    in_field, in_ground = coverage(field, fine), coverage(ground, fine)
    if in_field is None or in_ground is None:
        return None
    window, share = in_field
    whole = np.zeros_like(share)
    offset = (in_ground[0].row - window.row, in_ground[0].column - window.column)
    whole[
        offset[0] : offset[0] + in_ground[0].height, offset[1] : offset[1] + in_ground[0].width
    ] = in_ground[1]
    row, column = np.nonzero(share > 1e-6)
    cell_ha = fine.pixel**2 * scale.per_x * scale.per_y / 1e4
    at_scale = shapely.area(ground) * scale.per_x * scale.per_y / 1e4
    ground_ha = whole[row, column] * cell_ha * (area_ha / at_scale)
    beyond_m = _beyond(drawn, fine, scale, row + window.row, column + window.column)
    lattice = (row, column, share[row, column])
    return _with_pixels(grid, scale, n, window, lattice, ground_ha, beyond_m)


def _beyond(
    drawn: shapely.Geometry,
    fine: Grid,
    scale: LocalMetres,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Signed distance of cell centres from what was drawn, [m]."""
    at = scale.centres(fine, rows, columns)
    shape = scale.geometry(drawn)
    shapely.prepare(shape)
    distance = shapely.distance(shapely.points(at), shapely.boundary(shape))
    inside = shapely.contains_xy(shape, at[:, 0], at[:, 1])
    return np.asarray(np.where(inside, -distance, distance), float)


def _division(grid: Grid, scale: LocalMetres, field: shapely.Geometry) -> int:
    """Cells along the side of a pixel: about 10 m, wider on very large ground."""
    pixel_m = grid.pixel * (scale.per_x * scale.per_y) ** 0.5
    n = max(round(float(pixel_m) / _CELL_M), 1)
    pixels = float(shapely.area(field)) / grid.pixel**2
    while n > 1 and pixels * n * n > _MAX_CELLS:
        n -= 1
    return n


def _with_pixels(
    grid: Grid,
    scale: LocalMetres,
    n: int,
    corner: Window,
    lattice: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    ground_ha: NDArray[np.float64],
    beyond_m: NDArray[np.float64],
) -> Cells | None:
    """Join pixels to the cells; `lattice` is row, column and share of each cell."""
    row, column, share = lattice
    width_m, height_m = grid.pixel * scale.per_x, grid.pixel * scale.per_y
    side = (width_m * height_m) ** 0.5
    sigma = float(np.hypot(constant("psf_fwhm_pixels") * side / 2.355, constant("registration_m")))
    peak = width_m / n * height_m / n / (2 * np.pi * sigma**2)
    reach = ceil(3 * sigma / min(width_m, height_m))
    fine_row, fine_column = row + corner.row, column + corner.column
    cells, pixel_rows, pixel_columns, values = [], [], [], []
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            pixel_row, pixel_column = fine_row // n + down, fine_column // n + right
            inside = (
                (pixel_row >= 0) & (pixel_row < grid.height)
                & (pixel_column >= 0) & (pixel_column < grid.width)
            )  # fmt: skip
            above = (pixel_row + 0.5 - fine_row / n) * height_m
            beside = (pixel_column + 0.5 - fine_column / n) * width_m
            part = (ndtr(above / sigma) - ndtr((above - height_m / n) / sigma)) * (
                ndtr(beside / sigma) - ndtr((beside - width_m / n) / sigma)
            )
            inside &= part > _TAIL * peak
            cells.append(np.nonzero(inside)[0])
            pixel_rows.append(pixel_row[inside])
            pixel_columns.append(pixel_column[inside])
            values.append((part * share)[inside])
    cell = np.concatenate(cells)
    flat = np.concatenate(pixel_rows) * grid.width + np.concatenate(pixel_columns)
    used, pixel = np.unique(flat, return_inverse=True)
    response = sparse.csr_array(
        (np.concatenate(values), (cell, pixel)), shape=(row.size, used.size)
    )
    # what the cut tails held goes to the pixels that are left
    whole = share / n**2 / np.maximum(np.asarray(response.sum(axis=1)), 1e-12)
    response = sparse.csr_array(response.multiply(np.clip(whole, 1.0, 1.1)[:, None]))
    keep = np.asarray(response.sum(axis=0)) > constant("mask_min")
    if not keep.any():
        return None
    response = sparse.csr_array(response[:, keep])
    response.sort_indices()
    full = np.where(share > 0, ground_ha / np.maximum(share, 1e-9), 0.0)
    seen = np.asarray(response.T @ (ground_ha / max(float(full.max()), 1e-12)
                                    / np.maximum(share, 1e-9)))  # fmt: skip
    return Cells(
        used[keep] // grid.width,
        used[keep] % grid.width,
        ground_ha,
        response,
        _neighbours(row, column),
        beyond_m,
        row,
        column,
        np.clip(seen, 0, 1),
        width_m * height_m / 1e4,
        (corner.row, corner.column),
        n,
    )


def _neighbours(row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.int64]:
    place = np.full((row.max() + 3, column.max() + 3), -1, np.int64)
    place[row + 1, column + 1] = np.arange(row.size)
    sides = ((-1, 0), (1, 0), (0, -1), (0, 1))
    return np.column_stack([place[row + 1 + down, column + 1 + right] for down, right in sides])
