"""Which ground a claim is about."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from reverdure.ground.areas import polygons_of

# common ground below this share of the smaller one is drawing accuracy, not a second claim
_LEAST_OVERLAP_SHARE = 0.01


def claim_ground(mines: gpd.GeoDataFrame, claims: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Ground of each claim: its polygon, else what its mine's other claims leave of the mine.

    A polygon drawn under the name of another mine takes nothing away: both are told that
    they overlap.

    Parameters
    ----------
    mines : GeoDataFrame
        Columns mine_id and geometry (polygon, point or None), in any CRS. Not changed.
    claims : GeoDataFrame or DataFrame
        Columns claim_id and mine_id, and geometry where claims have polygons, in any CRS.
        Not changed.

    Returns
    -------
    GeoDataFrame, EPSG:4326
        One row a claim, in the order given. claim_id; geometry (polygon, multipolygon or
        None); kind: "own" (the claim's polygon), "mine" (the mine's outline without the
        polygons of other claims), "shared" (the same, for several claims without polygon in
        one mine), "none" (no outline, only a point, an unknown mine, or nothing left);
        overlaps: bool, whether more than 1 % of the ground or of the other's is also the
        ground of another claim, not counting claims that share.

    Examples
    --------
    >>> import geopandas, shapely
    >>> pit, part = shapely.box(112, 28, 112.1, 28.1), shapely.box(112, 28, 112.05, 28.1)
    >>> mines = geopandas.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=4326)
    >>> claims = geopandas.GeoDataFrame(
    ...     {"claim_id": ["a", "b"], "mine_id": ["M1", "M1"]}, geometry=[part, None], crs=4326
    ... )
    >>> ground = claim_ground(mines, claims)
    >>> list(ground["kind"]), ground.geometry[1].bounds
    (['own', 'mine'], (112.05, 28.0, 112.1, 28.1))
    """
    outlines = dict(zip(mines["mine_id"].astype(str), _surfaces(mines), strict=True))
    own = _surfaces(claims)
    mine_ids = claims["mine_id"].astype(str).to_numpy()
    stated = ~shapely.is_empty(own)
    rest = _rest(outlines, mine_ids, own)
    n_sharing = pd.Series(mine_ids[~stated]).value_counts()

    ground = own.copy()
    kind = np.full(len(claims), "own", dtype=object)
    for position in np.flatnonzero(~stated):
        mine_id = mine_ids[position]
        ground[position] = rest[mine_id]
        kind[position] = "shared" if n_sharing[mine_id] > 1 else "mine"
    empty = shapely.is_empty(ground)
    kind[empty] = "none"
    sharer = np.where(kind == "shared", mine_ids, "")
    overlaps = _overlaps(ground, sharer)
    ground[empty] = None
    return gpd.GeoDataFrame(
        {"claim_id": claims["claim_id"].to_numpy(), "kind": kind, "overlaps": overlaps},
        geometry=gpd.GeoSeries(list(ground), index=claims.index, crs="EPSG:4326"),
        index=claims.index,
        crs="EPSG:4326",
    )


def _surfaces(table: pd.DataFrame) -> NDArray[Any]:
    """Polygons of each row in EPSG:4326, empty where it has none."""
    surfaces = np.empty(len(table), dtype=object)
    if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
        surfaces[:] = shapely.Polygon()
        return surfaces
    geometries = table.geometry if table.crs is None else table.geometry.to_crs("EPSG:4326")
    surfaces[:] = [polygons_of(geometry) for geometry in geometries]
    return surfaces


def _rest(outlines: dict[str, Any], mine_ids: NDArray[Any], own: NDArray[Any]) -> dict[str, Any]:
    """Outline of each mine with a claim without polygon, less its claims with polygon."""
    stated = ~shapely.is_empty(own)
    drawn = pd.Series(own[stated]).groupby(mine_ids[stated]).agg(list)
    rest = {}
    for mine_id in np.unique(mine_ids[~stated].astype(str)):
        outline = outlines.get(mine_id, shapely.Polygon())
        if not outline.is_empty and mine_id in drawn.index:
            outline = polygons_of(shapely.difference(outline, shapely.union_all(drawn[mine_id])))
        rest[mine_id] = outline
    return rest


def _overlaps(ground: NDArray[Any], sharer: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each ground is also another's, apart from claims that share one."""
    found = np.zeros(len(ground), bool)
    one, other = shapely.STRtree(ground).query(ground, predicate="intersects")
    apart = (one < other) & ((sharer[one] == "") | (sharer[one] != sharer[other]))
    one, other = one[apart], other[apart]
    common = shapely.area(shapely.intersection(ground[one], ground[other]))
    smaller = np.minimum(shapely.area(ground[one]), shapely.area(ground[other]))
    twice = common > _LEAST_OVERLAP_SHARE * smaller
    found[one[twice]] = True
    found[other[twice]] = True
    return found
