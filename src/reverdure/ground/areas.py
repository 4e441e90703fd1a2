"""Areas on the ellipsoid, and polygons from one reference system to another."""

from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from reverdure.core.errors import MissingCRS
from reverdure.core.units import M2_PER_HA

_ELLIPSOID = pyproj.Geod(ellps="WGS84")
_POLYGON, _COLLECTION = 3, 7


def polygons_of(geometry: Any) -> Any:
    """Surfaces of a geometry as one valid polygon or multipolygon, empty where it has none.

    Parameters
    ----------
    geometry : shapely geometry or None
        Of any kind; points and lines are left out, invalid rings repaired.

    Returns
    -------
    shapely.Polygon or shapely.MultiPolygon
        The geometry itself where nothing had to be done.

    Examples
    --------
    >>> import shapely
    >>> polygons_of(shapely.Point(1, 2)).is_empty
    True
    """
    if geometry is None:
        return shapely.Polygon()
    if not shapely.is_valid(geometry):
        geometry = shapely.make_valid(geometry)
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    if geometry.geom_type != "GeometryCollection":
        return shapely.Polygon()
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.union_all(parts[shapely.get_type_id(parts) == _POLYGON])


def area_ha(geometry_4326: Any) -> float:
    """Area of a geometry in longitude and latitude, on the WGS 84 ellipsoid.

    Parameters
    ----------
    geometry_4326 : shapely geometry or None, [degree]
        Holes are taken off whatever way their rings run.

    Returns
    -------
    float, [ha]
        0 for points, lines and empty geometries; NaN for None.

    Notes
    -----
    Edges are geodesics (Karney 2013, doi:10.1007/s00190-012-0578-z); CGCS2000 differs from
    WGS 84 by less than a millimetre here.

    Examples
    --------
    >>> import shapely
    >>> round(area_ha(shapely.box(112.0, 28.0, 112.01, 28.01)), 1)
    109.0
    """
    if geometry_4326 is None:
        return float("nan")
    parts = shapely.get_parts(shapely.orient_polygons(geometry_4326))
    surfaces = parts[shapely.get_type_id(parts) == _POLYGON]
    total = sum(_ELLIPSOID.geometry_area_perimeter(surface)[0] for surface in surfaces)
    return float(total) / M2_PER_HA


def areas_ha(geometries: gpd.GeoSeries) -> Any:
    """Area of each geometry, on the ellipsoid.

    Parameters
    ----------
    geometries : geopandas.GeoSeries
        With a CRS; not changed.

    Returns
    -------
    (row,) float64, [ha]
        NaN where there is no geometry, 0 for points and lines.

    Raises
    ------
    MissingCRS
        If the series has no CRS.

    Examples
    --------
    >>> import geopandas, shapely
    >>> areas_ha(geopandas.GeoSeries([shapely.Point(112, 28), None], crs=4326))
    array([ 0., nan])
    """
    if geometries.crs is None:
        raise MissingCRS("areas need a reference system.", "Set the CRS of the geometries.")
    degrees = geometries.to_crs("EPSG:4326")
    return np.array([area_ha(geometry) for geometry in degrees], dtype=np.float64)


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def to_crs(geometry: Any, source: str, target: str) -> Any:
    """A geometry in another reference system, x before y in both.

    Parameters
    ----------
    geometry : shapely geometry
        Not changed. Only its points are moved; edges stay straight.
    source, target : str
        CRS as "EPSG:n" or WKT.

    Returns
    -------
    shapely geometry
        The same geometry where both are one CRS.

    Examples
    --------
    >>> import shapely
    >>> to_crs(shapely.Point(117.0, 0.0), "EPSG:4326", "EPSG:32650").x
    500000.0
    """
    if source == target:
        return geometry
    return shapely.transform(geometry, _transformer(source, target).transform, interleaved=False)
