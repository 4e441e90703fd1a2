"""Areas on the ellipsoid and moves between reference systems."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from reverdure.core.errors import MissingCRS
from reverdure.ground.areas import area_ha, areas_ha, polygons_of, to_crs

COUNTY = shapely.box(115.0, 27.0, 115.02, 27.02)


def test_an_area_agrees_with_an_equal_area_projection():
    projected = gpd.GeoSeries([COUNTY.segmentize(1e-4)], crs=4326).to_crs(
        "+proj=cea +lat_ts=27 +lon_0=115 +ellps=WGS84"
    )
    assert area_ha(COUNTY) == pytest.approx(projected.area[0] / 1e4, rel=1e-6)


def test_holes_are_taken_off_whatever_way_their_rings_run():
    hole = shapely.box(115.005, 27.005, 115.01, 27.01)
    ring = list(COUNTY.exterior.coords)
    for shell in (ring, ring[::-1]):
        for inner in (hole.exterior.coords, hole.exterior.coords[::-1]):
            found = area_ha(shapely.Polygon(shell, [inner]))
            assert found == pytest.approx(area_ha(COUNTY) - area_ha(hole), rel=1e-12)


def test_parts_add_up():
    parts = [shapely.box(115, 27, 115.01, 27.02), shapely.box(115.01, 27, 115.02, 27.02)]
    apart = sum(area_ha(part) for part in parts)
    assert apart == pytest.approx(area_ha(shapely.MultiPolygon(parts)), rel=1e-12)
    # the shared border is a meridian, a geodesic; the outer parallels are cut into shorter ones
    assert apart == pytest.approx(area_ha(COUNTY), rel=1e-6)


def test_nothing_and_no_surface():
    series = gpd.GeoSeries([None, shapely.Point(1, 1), shapely.Polygon(), COUNTY], crs=4326)
    found = areas_ha(series)
    assert np.isnan(found[0])
    assert found[1:3].tolist() == [0.0, 0.0]
    assert found[3] == area_ha(COUNTY)


def test_areas_in_another_reference_system():
    series = gpd.GeoSeries([COUNTY], crs=4326)
    assert areas_ha(series.to_crs(32650))[0] == pytest.approx(area_ha(COUNTY), rel=1e-9)


def test_areas_need_a_reference_system():
    with pytest.raises(MissingCRS):
        areas_ha(gpd.GeoSeries([COUNTY]))


def test_there_and_back():
    there = to_crs(COUNTY, "EPSG:4326", "EPSG:32650")
    assert there.bounds[0] > 200_000
    back = to_crs(there, "EPSG:32650", "EPSG:4326")
    np.testing.assert_allclose(back.bounds, COUNTY.bounds, atol=1e-9)
    assert to_crs(COUNTY, "EPSG:4326", "EPSG:4326") is COUNTY


def test_surfaces_of_any_geometry():
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert polygons_of(bow).area == pytest.approx(0.5)
    mixed = shapely.GeometryCollection([shapely.Point(5, 5), COUNTY])
    assert polygons_of(mixed).equals(COUNTY)
    for empty in (None, shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])):
        assert polygons_of(empty).is_empty
    assert polygons_of(COUNTY) is COUNTY
