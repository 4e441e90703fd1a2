"""Exact coverage: against overlay and exactextract, and by what must add up."""

import numpy as np
import pytest
import shapely

from reverdure.core.grid import Grid, Window
from reverdure.ground.coverage import coverage

GRID = Grid("EPSG:32650", 400_000.0, 3_100_000.0, 30.0, 200, 160)


def blob(rng, hole=False):
    """A ragged polygon of 0.2 to 60 ha, some of it beyond the grid."""
    west, south, east, north = GRID.bounds
    x, y = rng.uniform(west - 100, east + 100), rng.uniform(south - 100, north + 100)
    n = int(rng.integers(5, 60))
    angle = (np.arange(n) + rng.uniform(0, 0.9, n)) * 2 * np.pi / n
    radius = np.sqrt(rng.uniform(2e3, 6e5) / np.pi) * rng.uniform(0.4, 1.6, n)
    ring = np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
    polygon = shapely.Polygon(ring[:: rng.choice([-1, 1])])
    return polygon.difference(shapely.Point(x, y).buffer(20)) if hole else polygon


def on_grid(found):
    whole = np.zeros(GRID.shape)
    if found is not None:
        whole[found[0].slices] = found[1]
    return whole


def cells():
    west, south, east, north = GRID.bounds
    x, y = np.arange(west, east, GRID.pixel), np.arange(north, south, -GRID.pixel)
    return shapely.box(x[None], y[:, None] - GRID.pixel, x[None] + GRID.pixel, y[:, None])


@pytest.mark.parametrize("seed", range(12))
def test_shares_are_those_of_an_overlay_with_each_cell(seed):
    polygon = blob(np.random.default_rng(seed), hole=seed % 2 == 0)
    expected = shapely.area(shapely.intersection(cells(), polygon)) / GRID.pixel**2
    np.testing.assert_allclose(on_grid(coverage(polygon, GRID)), expected, atol=1e-9)


def test_shares_are_those_of_exactextract():
    exactextract = pytest.importorskip("exactextract")
    geopandas = pytest.importorskip("geopandas")
    rng = np.random.default_rng(1)
    polygons = [blob(rng, hole=n % 3 == 0) for n in range(200)]
    west, south, east, north = GRID.bounds
    number = np.arange(GRID.height * GRID.width, dtype=float).reshape(GRID.shape)
    source = exactextract.raster.NumPyRasterSource(
        number, xmin=west, ymin=south, xmax=east, ymax=north
    )
    frame = geopandas.GeoDataFrame(geometry=polygons, crs=32650)
    found = exactextract.exact_extract(source, frame, ["cell_id", "coverage"], output="pandas")
    for polygon, ids, shares in zip(polygons, found["cell_id"], found["coverage"], strict=True):
        expected = np.zeros(GRID.shape)
        expected.flat[np.asarray(ids, int)] = shares
        # it keeps shares in single precision, which is what this tolerance is
        np.testing.assert_allclose(on_grid(coverage(polygon, GRID)), expected, atol=7e-8)


@pytest.mark.parametrize("seed", range(40))
def test_shares_add_up_to_the_area(seed):
    polygon = blob(np.random.default_rng(100 + seed), hole=seed % 2 == 0)
    inside = polygon.intersection(shapely.box(*GRID.bounds)).area
    assert on_grid(coverage(polygon, GRID)).sum() * GRID.pixel**2 == pytest.approx(
        inside, rel=1e-10, abs=1e-6
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_whole_is_the_sum_of_its_parts(seed):
    polygon = blob(np.random.default_rng(seed))
    x = polygon.centroid.x
    left = polygon.intersection(shapely.box(x - 1e5, 0, x, 1e7))
    right = polygon.intersection(shapely.box(x, 0, x + 1e5, 1e7))
    parts = on_grid(coverage(left, GRID)) + on_grid(coverage(right, GRID))
    np.testing.assert_allclose(parts, on_grid(coverage(polygon, GRID)), atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_a_part_of_the_grid_gives_the_same_shares(seed):
    polygon = blob(np.random.default_rng(seed))
    window = Window(37, 20, 100, 90)
    expected = on_grid(coverage(polygon, GRID))[window.slices]
    found = np.zeros((100, 90))
    part = coverage(polygon, GRID.part(window))
    if part is not None:
        found[part[0].slices] = part[1]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_window_is_the_smallest():
    for seed in range(30):
        found = coverage(blob(np.random.default_rng(seed)), GRID)
        if found is not None:
            assert found[1].shape == (found[0].height, found[0].width)
            assert all(found[1][edge].any() for edge in (0, -1))
            assert all(found[1][:, edge].any() for edge in (0, -1))


def test_borders_on_pixel_edges_cover_whole_pixels():
    west, north = GRID.west, GRID.north
    window, share = coverage(shapely.box(west + 60, north - 120, west + 150, north - 30), GRID)
    assert window == Window(1, 2, 3, 3)
    np.testing.assert_array_equal(share, np.ones((3, 3)))


def test_a_polygon_smaller_than_a_pixel():
    window, share = coverage(
        shapely.box(GRID.west + 33, GRID.north - 9, GRID.west + 36, GRID.north - 6), GRID
    )
    assert window == Window(0, 1, 1, 1)
    assert share[0, 0] == pytest.approx(0.01, rel=1e-9)


def test_direction_of_rings_does_not_matter():
    hole = shapely.Point(402_000, 3_098_000).buffer(100)
    polygon = shapely.Point(402_000, 3_098_000).buffer(500).difference(hole)
    turned = shapely.Polygon(polygon.exterior.coords[::-1], [polygon.interiors[0].coords[::-1]])
    np.testing.assert_array_equal(coverage(polygon, GRID)[1], coverage(turned, GRID)[1])


def test_parts_of_a_multipolygon_and_invalid_rings():
    one, two = (
        shapely.Point(401_000, 3_099_000).buffer(99),
        shapely.box(402e3, 3098e3, 4022e2, 30982e2),
    )
    both = on_grid(coverage(shapely.MultiPolygon([one, two]), GRID))
    apart = on_grid(coverage(one, GRID)) + on_grid(coverage(two, GRID))
    np.testing.assert_allclose(both, apart, atol=1e-12)
    bow = shapely.Polygon([(401e3, 3099e3), (4012e2, 30988e2), (4012e2, 3099e3), (401e3, 30988e2)])
    assert coverage(bow, GRID)[1].sum() * 900 == pytest.approx(2e4)


@pytest.mark.parametrize(
    "geometry",
    [
        shapely.Point(401_000, 3_099_000),
        shapely.LineString([(401_000, 3_099_000), (402_000, 3_099_000)]),
        shapely.Polygon(),
        shapely.box(0, 0, 10, 10),
        shapely.box(GRID.west - 30, GRID.north - 90, GRID.west, GRID.north),
    ],
)
def test_what_covers_nothing(geometry):
    assert coverage(geometry, GRID) is None


def test_a_polygon_around_the_whole_grid():
    window, share = coverage(shapely.box(*GRID.bounds).buffer(1000), GRID)
    assert window == GRID.whole
    np.testing.assert_array_equal(share, np.ones(GRID.shape))
