"""Which mines lie near which: the land of each mine's outline and of its claims."""

from collections.abc import Iterable

import geopandas as gpd
import shapely

# mines nearer than this change what a mine's pixels are made up of
_SHARED_PIXELS = 6


class Footprints:
    """Outline of each mine with the polygons of its claims, in the lattice's CRS.

    Mines without both have no footprint and lie near none.
    """

    def __init__(
        self,
        mine_ids: Iterable[str],
        outlines: gpd.GeoSeries,
        claims: gpd.GeoDataFrame,
        pixel: float,
    ) -> None:
        drawn: dict[str, list[shapely.Geometry]] = {}
        both = (mine_ids, outlines), (claims["mine_id"], claims.geometry.to_crs(outlines.crs))
        for ids, shapes in both:
            for mine_id, shape in zip(ids, shapes, strict=True):
                if shape is not None and not shape.is_empty:
                    drawn.setdefault(mine_id, []).append(shape)
        self._land = {
            mine_id: shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)
            for mine_id, shapes in drawn.items()
        }
        self._mine_ids = list(self._land)
        self._tree = shapely.STRtree(list(self._land.values()))
        self._reach = _SHARED_PIXELS * pixel

    def within(self, window: shapely.Geometry, mine_id: str) -> set[str]:
        """Mines in a window but this one."""
        hits = self._tree.query(window, predicate="intersects")
        return {self._mine_ids[hit] for hit in hits} - {mine_id}

    def touching(self, mine_id: str) -> set[str]:
        """Other mines that may share ground, or pixels, with this one or its claims."""
        if mine_id not in self._land:
            return set()
        hits = self._tree.query(self._land[mine_id], predicate="dwithin", distance=self._reach)
        return {self._mine_ids[hit] for hit in hits} - {mine_id}
