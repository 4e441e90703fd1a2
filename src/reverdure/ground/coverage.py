"""Exact share of each pixel inside a polygon."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.grid import Grid, Window
from reverdure.ground.areas import polygons_of
from reverdure.kernels.coverage import cover_cells

# a share this near 0 or 1 differs from it by rounding alone
_ROUNDING = 1e-12


def coverage(geometry: Any, grid: Grid) -> tuple[Window, NDArray[np.float64]] | None:
    """Exact share of each pixel that a polygon covers.

    Parameters
    ----------
    geometry : shapely geometry
        Polygon or multipolygon in the CRS of the grid; parts outside the grid are cut off,
        points and lines cover nothing. An invalid polygon is repaired first.
    grid : Grid
        The pixels.

    Returns
    -------
    (Window, (row, column) float64) or None
        Smallest window that holds the polygon, and the share of each of its pixels, 0 to 1.
        None where no pixel is covered.

    Notes
    -----
    Exact but for rounding (1e-12 of a pixel): borders are followed through the pixels, no
    point is sampled. Shares times the area of a pixel add up to the area of the polygon.

    Examples
    --------
    >>> import shapely
    >>> from reverdure.core.grid import Grid
    >>> pixels = Grid("EPSG:32650", 0, 60, 30, 2, 2)
    >>> window, share = coverage(shapely.box(0, 30, 45, 60), pixels)
    >>> window, share
    (Window(row=0, column=0, height=1, width=2), array([[1. , 0.5]]))
    """
    surface = polygons_of(geometry)
    if surface.is_empty:
        return None
    bounds = shapely.bounds(surface)
    # wide enough that rounding of its border hides nothing; trimmed at the end
    window = grid.window(tuple(bounds), margin=0.01 * grid.pixel)
    if window is None:
        return None
    west, south, east, north = grid.bounds
    if bounds[0] < west or bounds[1] < south or bounds[2] > east or bounds[3] > north:
        surface = polygons_of(shapely.intersection(surface, shapely.box(*grid.bounds)))
        if surface.is_empty:
            return None
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(surface)))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    part = grid.part(window)
    share = np.zeros((window.height, window.width + 1))
    cover_cells(
        np.clip((points[:, 0] - part.west) / part.pixel, 0.0, window.width),
        np.clip((part.north - points[:, 1]) / part.pixel, 0.0, window.height),
        ring.astype(np.int64),
        share,
    )
    share = share[:, :-1]
    share[share < _ROUNDING] = 0.0
    share[share > 1.0 - _ROUNDING] = 1.0
    return _trimmed(window, share)


def _trimmed(
    window: Window, share: NDArray[np.float64]
) -> tuple[Window, NDArray[np.float64]] | None:
    """The part of a window that is covered."""
    rows, columns = np.flatnonzero(share.any(axis=1)), np.flatnonzero(share.any(axis=0))
    if rows.size == 0:
        return None
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) - top + 1, int(columns[-1]) - left + 1
    smallest = Window(window.row + top, window.column + left, height, width)
    return smallest, share[top : top + height, left : left + width].copy()
