"""10 m pixels beside those of 30 m: what a cell-by-cell view adds to a small ground."""

import numpy as np
import pytest
import shapely
import xarray as xr

from reverdure.core.grid import Grid
from reverdure.recovery.cells import lay_cells
from reverdure.recovery.courses import Courses
from reverdure.recovery.fine_gains import fine_gains
from reverdure.recovery.zones import Layer, draw_zones

GRID = Grid("EPSG:32650", 500_000.0, 3_000_000.0, 30.0, 60, 60)
FINE = Grid("EPSG:32650", 500_000.0, 3_000_000.0, 10.0, 180, 180)
GROUND = shapely.box(500_612, 2_998_992, 500_702, 2_999_082)


@pytest.fixture(scope="module")
def cells():
    return lay_cells(GROUND, GROUND, GRID, 0.81)


def seen_at(grid: Grid, restored: shapely.Geometry, sigma_m: float) -> np.ndarray:
    """Cover 1 around, 0.05 in the ground, 0.9 in the restored part, blurred; (y, x)."""
    from scipy.ndimage import gaussian_filter

    step = 5
    n = int(grid.width * grid.pixel / step)
    x = grid.west + (np.arange(n) + 0.5) * step
    y = grid.north - (np.arange(n) + 0.5) * step
    xx, yy = np.meshgrid(x, y)
    cover = np.ones((n, n))
    cover[shapely.contains_xy(GROUND, xx, yy)] = 0.05
    cover[shapely.contains_xy(restored, xx, yy)] = 0.9
    blurred = gaussian_filter(cover, sigma_m / step)
    k = int(grid.pixel / step)
    return blurred.reshape(grid.height, k, grid.width, k).mean(axis=(1, 3))


def courses(cells, restored, random) -> Courses:
    n = cells.rows.size
    bare = seen_at(GRID, shapely.Polygon(), 16.0)[cells.rows, cells.columns]
    now = seen_at(GRID, restored, 16.0)[cells.rows, cells.columns]
    return Courses(
        np.ones(n), bare, now + random.normal(0, 0.03, n), np.full(n, 0.03**2),
        np.full(n, 0.02**2), np.ones((3, n)), np.diag([1e-4, 1e-4]), 0.05, (2010.0, 2012.0), False,
    )  # fmt: skip


def picture(restored: shapely.Geometry, random) -> xr.DataArray:
    one = seen_at(FINE, restored, 7.0)
    values = np.stack([one + random.normal(0, 0.04, one.shape) for _ in range(3)])
    return xr.DataArray(
        values, {"year": np.arange(2022, 2025), **FINE.coordinates()}, dims=("year", "y", "x")
    )


def test_the_gains_are_those_of_the_cells(cells):
    random = np.random.default_rng(1)
    whole = courses(cells, GROUND, random)
    found = fine_gains("ndvi", picture(GROUND, random), cells, whole, GRID)
    seen = np.asarray(found.response.sum(axis=0))
    assert (seen > 0.5).all()
    # a trough read through 30 m pixels stands a little too high, in gain and depth alike
    assert found.gain.mean() == pytest.approx(0.85 * seen.mean(), abs=0.15)


def test_what_does_not_lie_on_the_lattice_is_left_alone(cells):
    random = np.random.default_rng(2)
    small = picture(GROUND, random).isel(y=slice(0, 30), x=slice(0, 30))
    assert fine_gains("ndvi", small, cells, courses(cells, GROUND, random), GRID) is None
    cloudy = picture(GROUND, random) * np.nan
    assert fine_gains("ndvi", cloudy, cells, courses(cells, GROUND, random), GRID) is None


def test_a_third_of_nine_pixels_is_found_better_with_10_m(cells):
    """0.27 of 0.81 ha restored: three Landsat pixels wide, one of them green."""
    errors = {"alone": [], "with": []}
    part = shapely.box(500_612, 2_998_992, 500_642, 2_999_082)
    for seed in range(6):
        random = np.random.default_rng([3, seed])
        seen = courses(cells, part, random)
        fine = fine_gains("ndvi", picture(part, random), cells, seen, GRID)
        for name, extra in (("alone", None), ("with", fine)):
            layer = Layer("ndvi", seen, 0.01, seen.trough, fine=extra)
            draws = draw_zones(cells, [layer], seed)
            errors[name].append(np.sqrt(((draws.restored_ha - 0.27) ** 2).mean()))
    assert np.mean(errors["with"]) < 0.9 * np.mean(errors["alone"])
