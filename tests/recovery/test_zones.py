"""Cells, courses and the sampler: what each must give for cases worked out by hand."""

import numpy as np
import pytest
import shapely

from reverdure.core.grid import Grid
from reverdure.kernels.zones import sample_zones
from reverdure.recovery.cells import lay_cells
from reverdure.recovery.courses import fit_courses
from reverdure.recovery.zones import Layer, draw_zones

GRID = Grid("EPSG:32650", 500_000.0, 3_000_000.0, 30.0, 60, 60)
SQUARE = shapely.box(500_600, 2_998_800, 501_200, 2_999_400)


def test_cells_add_up_to_the_ground():
    ground = shapely.Point(500_911, 2_999_087).buffer(83)
    cells = lay_cells(ground, ground, GRID, 2.5)
    assert cells.ground_ha.sum() == pytest.approx(2.5, rel=1e-9)
    assert (cells.ground_ha[cells.beyond_m > 8] == 0).all()
    # a full cell is 10 m by 10 m at the scale of the area given
    scale = 2.5 / (ground.area / 1e4)
    assert cells.ground_ha.max() == pytest.approx(0.01 * scale, rel=1e-6)


def test_response_is_the_point_spread_function():
    cells = lay_cells(SQUARE, SQUARE, GRID, 36.0)
    total = np.asarray(cells.response.sum(axis=0))
    middle = (cells.rows == 30) & (cells.columns == 30)
    # deep inside a pixel sees nothing but ground, but for the tails left out
    assert total[middle] == pytest.approx(1.0, abs=0.03)
    assert total.max() <= 1 + 1e-9
    # at a straight edge with the pixel's centre on the margin's border it sees half
    assert (total > 0.02).all()


@pytest.mark.parametrize("pixel", [10.0, 30.0, 60.0])
def test_pixels_of_other_sizes_work(pixel):
    grid = Grid("EPSG:32650", 500_000.0, 3_000_000.0, pixel, 200, 200)
    ground = shapely.box(500_600, 2_999_000, 500_900, 2_999_300)
    cells = lay_cells(ground, ground, grid, 9.0)
    assert cells.ground_ha.sum() == pytest.approx(9.0, rel=1e-9)
    assert cells.pixel_ha == pytest.approx(pixel**2 / 1e4, rel=2e-3)


def test_degrees_work():
    grid = Grid("EPSG:4326", 112.0, 28.0, 0.00027, 100, 100)
    ground = shapely.box(112.01, 27.985, 112.013, 27.988)
    cells = lay_cells(ground, ground, grid, 9.8)
    assert cells.pixel_ha == pytest.approx(26.5 * 29.9 / 1e4, rel=0.01)
    assert cells.ground_ha.sum() == pytest.approx(9.8, rel=1e-9)


def test_ground_outside_the_grid_is_none():
    far = shapely.box(9e5, 9e5, 9.1e5, 9.1e5)
    assert lay_cells(far, far, GRID, 1.0) is None


YEARS = np.arange(2000, 2020)


def course(end: float = 0.9) -> np.ndarray:
    share = np.where(YEARS < 2004, 1.0, 0.05)
    rise = np.clip((YEARS - 2010) / 4, 0, 1)
    return np.where(YEARS < 2010, share, 0.05 + (end - 0.05) * rise)


def fit(share: np.ndarray, n: int = 30, cloudy: int | None = None):
    values = np.repeat(share[:, None], n, axis=1)
    values += np.random.default_rng(3).normal(0, 0.03, values.shape)
    if cloudy is not None:
        values[cloudy == YEARS] = np.nan
    options = {
        "share": values,
        "years": YEARS,
        "bare_year": np.full(n, 2004.0),
        "last_before": np.full(n, 2003.0),
        "last_clear": YEARS >= 2018,
        "weight": np.ones(n),
        "mined": np.ones(n),
    }
    return fit_courses(**options)


def test_courses_find_levels_and_bends():
    found = fit(course())
    assert found.bends == (2010.0, 2014.0)
    assert found.trough.mean() == pytest.approx(0.05, abs=0.02)
    assert found.now.mean() == pytest.approx(0.9, abs=0.02)
    assert found.before.mean() == pytest.approx(1.0, abs=0.02)
    assert found.residual == pytest.approx(0.03, rel=0.25)
    # six years of trough and six of plateau: a variance of about 0.03^2 (1/6 + 1/2)
    assert found.var_gain.mean() == pytest.approx(0.03**2 * 0.5, rel=0.6)
    assert not found.fell


def test_a_fall_in_the_last_two_years_is_not_smoothed_away():
    share = course()
    share[YEARS >= 2018] = 0.1
    found = fit(share)
    assert found.fell
    assert found.now.mean() == pytest.approx(0.1, abs=0.05)


def test_a_cloudy_year_changes_little_and_costs_certainty():
    clear, hidden = fit(course()), fit(course(), cloudy=2017)
    assert np.allclose(clear.now, hidden.now, atol=0.04)
    assert hidden.var_gain.mean() > clear.var_gain.mean() * 0.9


def strip(level: np.ndarray, noise: float, seed: int, beta: float = 1.3):
    """A row of cells, each seen by its own and the two neighbouring pixels."""
    n = level.size
    pointer, pixel, response = [0], [], []
    for cell in range(n):
        for other, share in ((cell - 1, 0.2), (cell, 0.6), (cell + 1, 0.2)):
            if 0 <= other < n:
                pixel.append(other)
                response.append(share)
        pointer.append(len(pixel))
    matrix = np.zeros((n, n))
    for cell in range(n):
        for j in range(pointer[cell], pointer[cell + 1]):
            matrix[pixel[j], cell] = response[j]
    gain = matrix @ level + np.random.default_rng(1).normal(0, noise, n)
    neighbour = np.full((n, 4), -1, np.int64)
    neighbour[1:, 0], neighbour[:-1, 1] = np.arange(n - 1), np.arange(1, n)
    out = np.empty((2, 100, 3, 1)), np.empty((2, 100, n), np.uint8)
    sample_zones(
        gain,
        np.full(n, noise**2),
        np.ones(n),
        np.zeros((2, n), np.int64),
        (np.array(pointer), np.array(pixel), np.array(response, float)),
        neighbour,
        np.tile([-8.0, 0.0], (n, 1)),
        np.ones((2, n), np.int64),
        np.array([-0.05, 1.2, beta, 0.02]),
        np.array([3, 100, 2, 100]),
        np.random.default_rng(seed),
        *out,
    )
    return out


def test_the_sampler_finds_two_zones_and_their_border():
    level = np.where(np.arange(60) < 25, 0.1, 0.9)
    levels, labels = strip(level, 0.03, 0)
    drawn = np.take_along_axis(levels[..., 0], labels.astype(int), axis=2)
    mean = drawn.reshape(-1, 60).mean(axis=0)
    assert mean[:23] == pytest.approx(0.1, abs=0.05)
    assert mean[27:] == pytest.approx(0.9, abs=0.05)
    border = (drawn > 0.5).sum(axis=2)
    assert border.mean() == pytest.approx(35, abs=1)
    assert border.std() < 1.5


def test_label_zero_stays_at_level_zero():
    levels, _ = strip(np.full(30, 0.5), 0.03, 0)
    assert (levels[:, :, 0] == 0).all()


def test_the_sampler_repeats_itself_by_seed():
    level = np.where(np.arange(40) < 15, 0.2, 0.7)
    one, again, other = strip(level, 0.1, 5), strip(level, 0.1, 5), strip(level, 0.1, 6)
    assert np.array_equal(one[0], again[0]) and np.array_equal(one[1], again[1])
    assert not np.array_equal(one[0], other[0])


def test_levels_agree_with_the_exact_posterior_of_one_zone():
    """Without label freedom a level is a normal: least squares gives mean and deviation."""
    levels, labels = strip(np.full(50, 0.5), 0.05, 2, beta=50.0)
    assert (labels == labels[..., :1]).all()
    drawn = np.take_along_axis(levels[..., 0], labels[..., :1].astype(int), axis=2).ravel()
    assert drawn.mean() == pytest.approx(0.5, abs=0.02)
    # each pixel sees one whole zone: variance 0.05^2 / 50, and tau adds some
    assert 0.05 / 50**0.5 * 0.8 < drawn.std() < 0.08 / 50**0.5 * 1.4


def layer(cells, now: np.ndarray, name: str = "ndvi") -> Layer:
    """A layer whose pixels have these levels now, before 1 and trough 0."""
    n = now.size
    found = fit(course(), n=n)
    change = {
        "before": np.ones(n),
        "trough": 1 - cells.seen,
        "now": now,
        "var_gain": np.full(n, 0.01**2),
        "var_trough": np.full(n, 0.01**2),
        "common": np.diag([1e-4, 1e-4]),
    }
    names = found.__dataclass_fields__
    courses = type(found)(**{key: change.get(key, getattr(found, key)) for key in names})
    return Layer(name, courses, 0.01, 1 - cells.seen)


def test_a_zone_at_nine_tenths_is_restored_as_a_whole():
    """The reason for zones: single pixels at 0.9 would fall under 0.8 by noise and blur."""
    ground = shapely.box(500_610, 2_998_990, 500_790, 2_999_170)
    cells = lay_cells(ground, ground, GRID, 3.24)
    now = 1 - 0.1 * cells.seen
    now += np.random.default_rng(0).normal(0, 0.01, now.size)
    draws = draw_zones(cells, [layer(cells, now)], 1)
    assert draws.restored_ha.mean() == pytest.approx(3.24, rel=0.05)
    assert draws.mixing < 1.2


def test_all_indices_must_pass():
    ground = shapely.box(500_610, 2_998_990, 500_790, 2_999_170)
    cells = lay_cells(ground, ground, GRID, 3.24)
    green, structure = 1 - 0.05 * cells.seen, 1 - 0.6 * cells.seen
    both = draw_zones(cells, [layer(cells, green), layer(cells, structure, "nbr")], 1)
    assert both.restored_ha.mean() < 0.1
    assert draw_zones(cells, [layer(cells, green)], 1).restored_ha.mean() > 3.0


def test_half_a_ground_is_half_restored():
    ground = shapely.box(500_610, 2_998_990, 500_790, 2_999_170)
    part = shapely.box(500_610, 2_998_990, 500_700, 2_999_170)
    cells, inner = lay_cells(ground, ground, GRID, 3.24), lay_cells(part, part, GRID, 1.62)
    seen = np.zeros(cells.rows.size)
    place = {pair: k for k, pair in enumerate(zip(cells.rows, cells.columns, strict=True))}
    for row, column, share in zip(inner.rows, inner.columns, inner.seen, strict=True):
        seen[place[row, column]] = share
    draws = draw_zones(cells, [layer(cells, 1 - cells.seen + 0.9 * seen)], 3)
    assert draws.restored_ha.mean() == pytest.approx(1.62, abs=0.15)
