"""Distances, buffers and means around a set of pixels, against scipy and numpy."""

import numpy as np
import pytest
from scipy import ndimage

from reverdure.kernels.rings import distances, grow, mean_of_years, wander


@pytest.mark.parametrize("seed", range(5))
def test_distances_are_those_of_the_exact_transform(seed):
    random = np.random.default_rng(seed)
    inside = random.random((6, 9)) < 0.3
    inside[2, 3] = True
    whole = np.zeros((40, 50), bool)
    row, column = 11 + seed, 5 * seed
    whole[row : row + 6, column : column + 9] = inside
    found = np.empty(whole.shape)
    distances(inside, row, column, 30.0, 27.5, found)
    exact = ndimage.distance_transform_edt(~whole, sampling=(30.0, 27.5))
    np.testing.assert_allclose(found, exact, rtol=1e-12)


@pytest.mark.parametrize("reach", [0.0, 29.0, 60.0, 95.0])
def test_a_buffer_is_all_within_reach(reach):
    random = np.random.default_rng(3)
    inside = random.random((30, 40)) < 0.02
    grown = np.zeros(inside.shape, bool)
    grow(inside, 30.0, 29.0, reach, grown)
    exact = ndimage.distance_transform_edt(~inside, sampling=(30.0, 29.0)) <= reach
    np.testing.assert_array_equal(grown, exact)


def test_means_and_widths_leave_out_what_is_missing():
    random = np.random.default_rng(5)
    cube = random.random((7, 10, 12)).astype(np.float32)
    cube[random.random(cube.shape) < 0.2] = np.nan
    cube[:, 4, 5] = np.nan
    cube.setflags(write=False)
    wanted = random.random((5, 6)) < 0.7
    wanted[2, 2] = True
    mean = np.full((5, 6), -1.0)
    used = np.arange(7) % 2 == 0
    mean_of_years(cube, used, 2, 3, wanted, mean)
    part = cube[used, 2:7, 3:9].astype(float)
    count = np.isfinite(part).sum(axis=0)
    expected = np.where(count > 0, np.nansum(part, axis=0) / np.maximum(count, 1), np.nan)
    np.testing.assert_allclose(mean[wanted], expected[wanted])
    assert np.isnan(mean[2, 2])
    assert (mean[~wanted] == -1).all()
    course = random.random(7)
    rows, columns = np.array([0, 4, 9]), np.array([11, 5, 0])
    width = np.empty(3)
    wander(cube, course, rows, columns, width)
    apart = cube[:, rows, columns].astype(float) - course[:, None]
    assert width[1] == 0
    for pixel in (0, 2):
        expected = np.nanmax(apart[:, pixel]) - np.nanmin(apart[:, pixel])
        assert width[pixel] == pytest.approx(expected, abs=1e-6)
