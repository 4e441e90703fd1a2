"""Metres around one place, whatever the grid's CRS."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from reverdure.core.grid import Grid

_GEOD = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class LocalMetres:
    """CRS units to metres east and north of an origin; exact to 0.1 % over a few km.

    Attributes
    ----------
    x, y : float
        Origin, [CRS units].
    per_x, per_y : float
        Metres in one CRS unit.
    """

    x: float
    y: float
    per_x: float
    per_y: float

    def geometry(self, geometry: shapely.Geometry) -> shapely.Geometry:
        """Geometry in local metres."""
        return shapely.transform(
            geometry, lambda at: (at - (self.x, self.y)) * (self.per_x, self.per_y)
        )

    def centres(
        self, grid: Grid, rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Centres of pixels in local metres, (pixel, 2)."""
        x = grid.west + (columns + 0.5) * grid.pixel
        y = grid.north - (rows + 0.5) * grid.pixel
        return np.column_stack([(x - self.x) * self.per_x, (y - self.y) * self.per_y])


def local_metres(grid: Grid, x: float, y: float) -> LocalMetres:
    """Scale of a grid's CRS at a point, measured on the ellipsoid over one pixel."""
    to_degrees = _to_degrees(grid.crs)
    step = grid.pixel
    xs, ys = np.array([x, x + step, x]), np.array([y, y, y + step])
    lon, lat = (xs, ys) if to_degrees is None else to_degrees.transform(xs, ys)
    _, _, east = _GEOD.inv(lon[0], lat[0], lon[1], lat[1])
    _, _, north = _GEOD.inv(lon[0], lat[0], lon[2], lat[2])
    return LocalMetres(x, y, east / step, north / step)


@cache
def _to_degrees(crs: str) -> pyproj.Transformer | None:
    """Change of a CRS into degrees; None where it is in degrees. Safe across threads."""
    if not pyproj.CRS(crs).is_projected:
        return None
    return pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
