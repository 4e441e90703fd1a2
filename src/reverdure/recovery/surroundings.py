"""Where mines lie on a grid, and how far the land around is from each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.grid import Grid, Window
from reverdure.ground.coverage import coverage
from reverdure.kernels.rings import distances, grow
from reverdure.recovery.constants import constant
from reverdure.recovery.local import local_metres

Cover = tuple[Window, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Place:
    """One mine and the land within reach of its reference ring.

    Attributes
    ----------
    cover : (Window, share)
        Pixels of the mine, and the share of each inside its outline.
    centre : Point
        A point inside the outline, in the CRS of the grid.
    window : Window
        Pixels within reach.
    distance_m : (y, x) float64
        Distance of each pixel of the window from the mine.
    """

    cover: Cover
    centre: shapely.Point
    window: Window
    distance_m: NDArray[np.float64]

    @property
    def ring(self) -> NDArray[np.bool_]:
        """Pixels of the window in which reference land is looked for."""
        far = self.distance_m >= constant("ring_inner_m")
        return far & (self.distance_m <= constant("ring_outer_m"))

    @property
    def near(self) -> NDArray[np.bool_]:
        """The mine and its edge: what the land was like before."""
        return self.distance_m <= 2 * constant("mine_buffer_m")


@dataclass(frozen=True)
class Surroundings:
    """All mines on a grid.

    Attributes
    ----------
    grid : Grid
    outlines : mapping of mine id to Geometry or None
        In the CRS of the grid.
    covers : mapping of mine id to (Window, share) or None
        None without outline, or outside of the grid.
    """

    grid: Grid
    outlines: Mapping[str, shapely.Geometry | None]
    covers: Mapping[str, Cover | None]

    @classmethod
    def of(cls, mines: gpd.GeoDataFrame, grid: Grid) -> "Surroundings":
        """Lay all mines of a table on a grid; later rows win where an id stands twice."""
        projected = mines.geometry if mines.crs == grid.crs else mines.geometry.to_crs(grid.crs)
        return cls.placed(dict(zip(mines["mine_id"].astype(str), projected, strict=True)), grid)

    @classmethod
    def placed(cls, outlines: Mapping[str, shapely.Geometry | None], grid: Grid) -> "Surroundings":
        """Lay outlines in the CRS of a grid on it."""
        return cls(grid, outlines, {mine: cover_of(one, grid) for mine, one in outlines.items()})

    @cached_property
    def mined(self) -> NDArray[np.bool_]:
        """Pixels of any mine, with the buffer around them, (y, x)."""
        touched = np.zeros(self.grid.shape, bool)
        for cover in self.covers.values():
            if cover is not None:
                touched[cover[0].slices] |= cover[1] > 0
        west, south, east, north = self.grid.bounds
        scale = local_metres(self.grid, (west + east) / 2, (north + south) / 2)
        grown = np.zeros(self.grid.shape, bool)
        pixel = self.grid.pixel
        reach = constant("mine_buffer_m")
        grow(touched, float(scale.per_y * pixel), float(scale.per_x * pixel), reach, grown)
        return grown

    def place(self, mine_id: str) -> Place | None:
        """Window and distances of one mine; None where it has no pixel."""
        outline, cover = self.outlines[mine_id], self.covers[mine_id]
        if outline is None or cover is None:
            return None
        centre = outline.representative_point()
        scale = local_metres(self.grid, centre.x, centre.y)
        margin = constant("ring_outer_m") / min(scale.per_x, scale.per_y)
        window = self.grid.window(outline.bounds, margin)
        if window is None:
            return None
        pixel = self.grid.pixel
        distance_m = np.empty((window.height, window.width))
        distances(
            cover[1] > 0,
            cover[0].row - window.row,
            cover[0].column - window.column,
            float(scale.per_y * pixel),
            float(scale.per_x * pixel),
            distance_m,
        )
        return Place(cover, centre, window, distance_m)

    def owner(self, mine_ids: list[str]) -> NDArray[np.int32]:
        """Position in `mine_ids` of the mine that covers most of a pixel, -1 for none."""
        owner = np.full(self.grid.shape, -1, np.int32)
        share = np.zeros(self.grid.shape)
        for position, mine_id in enumerate(mine_ids):
            cover = self.covers[mine_id]
            if cover is not None:
                part = cover[0].slices
                more = cover[1] > share[part]
                owner[part][more] = position
                share[part][more] = cover[1][more]
        return owner


def cover_of(outline: shapely.Geometry | None, grid: Grid) -> Cover | None:
    """Coverage of an outline that may be missing or empty."""
    return None if outline is None or outline.is_empty else coverage(outline, grid)
