"""The pixels of a workspace: one endless lattice, cut into tiles at fixed places.

Tiles are counted from the lattice's origin, so that adding a mine moves no tile.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, floor

import pyproj

from reverdure.core.errors import GridMismatch
from reverdure.core.grid import Grid

RING_MARGIN_M = 3100.0  # the reference ring ends at 3 km (RECOVERY 7.2), plus three Landsat pixels

Tile = tuple[int, int]
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Lattice:
    """CRS, pixel size and phase of all rasters of a workspace.

    Attributes
    ----------
    crs : str
    pixel : float
        [m]
    west, north : float
        A pixel corner, anywhere.
    tile_pixels : int
    """

    crs: str
    pixel: float
    west: float
    north: float
    tile_pixels: int

    @classmethod
    def of(cls, grid: Grid, tile_pixels: int) -> "Lattice":
        """Lattice on which a grid's pixels lie.

        Raises
        ------
        GridMismatch
            If the grid is not in metres.
        """
        units = {axis.unit_name for axis in pyproj.CRS.from_user_input(grid.crs).axis_info}
        if units != {"metre"}:
            raise GridMismatch(
                f"imagery in {grid.crs} has pixels in {', '.join(sorted(units))}, not metres.",
                "Reproject it, for example to the local UTM zone.",
            )
        return cls(
            grid.crs, grid.pixel, grid.west % grid.pixel, grid.north % grid.pixel, tile_pixels
        )

    def tiles_of(self, bounds: Bounds) -> Iterator[Tile]:
        """Tiles that touch `bounds`."""
        side = self.tile_pixels * self.pixel
        west, south, east, north = bounds
        for row in range(floor((self.north - north) / side), ceil((self.north - south) / side)):
            for column in range(floor((west - self.west) / side), ceil((east - self.west) / side)):
                yield row, column

    def grid_of(self, tile: Tile) -> Grid:
        """Grid of one tile."""
        side = self.tile_pixels * self.pixel
        return Grid(
            self.crs,
            self.west + tile[1] * side,
            self.north - tile[0] * side,
            self.pixel,
            self.tile_pixels,
            self.tile_pixels,
        )

    def around(self, bounds: Bounds, margin: float) -> Grid:
        """Smallest grid on the lattice that covers `bounds` and a margin in metres."""
        west, south, east, north = bounds
        left = floor((west - margin - self.west) / self.pixel)
        right = ceil((east + margin - self.west) / self.pixel)
        top = floor((self.north - north - margin) / self.pixel)
        bottom = ceil((self.north - south + margin) / self.pixel)
        return Grid(
            self.crs,
            self.west + left * self.pixel,
            self.north - top * self.pixel,
            self.pixel,
            bottom - top,
            right - left,
        )


def tile_name(tile: Tile) -> str:
    """Name of a tile in file names.

    Examples
    --------
    >>> tile_name((12, -3))
    'r12c-3'
    """
    return f"r{tile[0]}c{tile[1]}"


def touches(one: Bounds, other: Bounds) -> bool:
    """Whether two rectangles share ground."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def lattice_grid(grids: Iterable[Grid]) -> Grid:
    """The grid most of the imagery is on; ties go to the CRS that sorts first.

    Examples
    --------
    >>> a = Grid("EPSG:32650", 0, 90, 30, 3, 3)
    >>> b = Grid("EPSG:32649", 0, 90, 30, 3, 3)
    >>> lattice_grid([b, a, a]).crs
    'EPSG:32650'
    """
    counts: dict[tuple[str, float, float, float], int] = {}
    first: dict[tuple[str, float, float, float], Grid] = {}
    for grid in grids:
        phase = (
            grid.crs,
            round(grid.pixel, 6),
            round(grid.west % grid.pixel, 3),
            round(grid.north % grid.pixel, 3),
        )
        counts[phase] = counts.get(phase, 0) + 1
        first.setdefault(phase, grid)
    best = min(counts, key=lambda phase: (-counts[phase], phase))
    return first[best]
