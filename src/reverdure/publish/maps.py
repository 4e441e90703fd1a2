"""The map of mines by verdict: outlines of counties, one sign a mine, scale and north."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray

WIDTH = 960.0
_MOST_HEIGHT = 680.0
_MARGIN = 28.0
_LEAST_EXTENT_M = 2_000.0
_MOST_LABELS = 40


@dataclass(frozen=True, slots=True)
class Mark:
    """One mine on the map, in map units."""

    mine_id: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class CountyShape:
    """A county on the map: its name, its outline as path data, where its name stands."""

    name: str
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class MineMap:
    """Everything the map shows; `marks` by key of the verdict, "" where nothing is claimed."""

    width: float
    height: float
    radius: float
    counties: tuple[CountyShape, ...]
    has_names: bool
    marks: Mapping[str, tuple[Mark, ...]]
    scale_length: float
    scale_m: int


def mine_map(
    mines: geopandas.GeoDataFrame,
    verdict_of: Mapping[str, str],
    counties: geopandas.GeoDataFrame | None,
) -> MineMap | None:
    """The map of all mines that have an outline, or None where no mine has one.

    Parameters
    ----------
    mines : GeoDataFrame
        `mine_id` and geometry in EPSG:4326, geometry None or empty allowed.
    verdict_of : mapping
        Mine id to key of Verdict, for mines with a claim.
    counties : GeoDataFrame or None
        `county` and geometry in EPSG:4326.

    Returns
    -------
    MineMap or None

    Notes
    -----
    Drawn in Lambert's azimuthal equal-area projection about the middle of the mines: north
    is up at the middle, and the scale bar holds to 0.2 % within 300 km of it.
    """
    drawn = mines[mines.geometry.notna() & ~mines.geometry.is_empty].sort_values("mine_id")
    if drawn.empty:
        return None
    points = shapely.point_on_surface(drawn.geometry.to_numpy())
    west, south, east, north = shapely.total_bounds(points)
    # map units of the projection are metres; no lookup by code is needed for it
    projection = f"+proj=laea +lat_0={(south + north) / 2} +lon_0={(west + east) / 2} +datum=WGS84"
    placed = geopandas.GeoSeries(points, crs=mines.crs).to_crs(projection)
    xy = shapely.get_coordinates(placed.to_numpy())
    shapes = _counties_with(counties, points, projection)
    frame = _Frame.around(xy, shapes)
    marks: dict[str, list[Mark]] = {}
    for mine_id, (x, y) in zip(drawn["mine_id"], frame.place(xy), strict=True):
        marks.setdefault(verdict_of.get(mine_id, ""), []).append(Mark(mine_id, float(x), float(y)))
    scale_m = round_length(0.22 * WIDTH / frame.per_metre)
    return MineMap(
        WIDTH,
        frame.height,
        7.0 if len(drawn) <= 300 else 5.0 if len(drawn) <= 2000 else 3.0,
        tuple(_drawn(frame, name, shape) for name, shape in shapes),
        len(shapes) <= _MOST_LABELS,
        {key: tuple(group) for key, group in marks.items()},
        scale_m * frame.per_metre,
        scale_m,
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """From metres to map units: x right, y down."""

    west: float
    north: float
    per_metre: float
    height: float

    @classmethod
    def around(
        cls, xy: NDArray[np.float64], shapes: list[tuple[str, shapely.Geometry]]
    ) -> "_Frame":
        corners = [xy] + [np.reshape(shape.bounds, (2, 2)) for _, shape in shapes]
        everything = np.concatenate(corners)
        low, high = everything.min(axis=0), everything.max(axis=0)
        middle = (low + high) / 2
        width, height = np.maximum(high - low, _LEAST_EXTENT_M)
        inner = WIDTH - 2 * _MARGIN
        per_metre = min(inner / width, (_MOST_HEIGHT - 2 * _MARGIN) / height)
        tall = max(height * per_metre + 2 * _MARGIN, 0.45 * WIDTH)
        return cls(
            middle[0] - WIDTH / 2 / per_metre, middle[1] + tall / 2 / per_metre, per_metre, tall
        )

    def place(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        placed: NDArray[np.float64] = np.round(
            (xy - [self.west, self.north]) * [self.per_metre, -self.per_metre], 1
        )
        return placed


def _counties_with(
    counties: geopandas.GeoDataFrame | None, points: NDArray[np.object_], projection: str
) -> list[tuple[str, shapely.Geometry]]:
    """Counties that hold a mine, projected; the others would only shrink the map."""
    if counties is None or counties.empty:
        return []
    tree = shapely.STRtree(points)
    held = np.unique(tree.query(counties.geometry.to_numpy(), predicate="intersects")[0])
    chosen = counties.iloc[held].to_crs(projection)
    pairs = zip(chosen["county"], chosen.geometry, strict=True)
    return sorted(pairs, key=lambda pair: str(pair[0]))


def _drawn(frame: _Frame, name: str, shape: shapely.Geometry) -> CountyShape:
    plain = shapely.simplify(shape, 0.8 / frame.per_metre)
    rings = shapely.get_rings(shapely.get_parts(plain))
    path = "".join(
        "M" + " ".join(f"{x:g},{y:g}" for x, y in frame.place(shapely.get_coordinates(ring))) + "z"
        for ring in rings
    )
    spot = shapely.get_coordinates(shapely.point_on_surface(shape))
    x, y = frame.place(spot)[0]
    return CountyShape(str(name), path, float(x), float(y))


def round_length(most_m: float) -> int:
    """Longest of 1, 2, 5 times a power of ten that is at most `most_m`."""
    power = 10.0 ** math.floor(math.log10(most_m))
    return int(max(step for step in (1, 2, 5) if step * power <= most_m) * power)
