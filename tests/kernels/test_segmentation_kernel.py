"""Parts of the segmentation kernel against plain linear algebra and scipy."""

import itertools

import numpy as np
import pytest
from scipy import stats

from reverdure.kernels.segmentation import models, vertices
from reverdure.kernels.segmentation.sums import (
    RUNG,
    RUNG_V,
    SSE,
    VERTEX,
    X,
    Y,
    line_through,
    sum_up,
)


def scratch(x, y):
    """Working memory that holds a course, with its sums."""
    F = np.full((RUNG + 8, x.size + 16), np.nan)
    V = np.full((RUNG_V + 8, x.size + 16), -1)
    F[X, : x.size], F[Y, : x.size] = x, y
    sum_up(F, x.size)
    return F, V


@pytest.fixture
def course():
    rng = np.random.default_rng(5)
    x = np.sort(rng.choice(50, 30, replace=False)).astype(float)
    return x - x[0], rng.normal(0, 1, 30).cumsum()


@pytest.mark.parametrize(("a", "b"), [(0, 29), (0, 1), (7, 12), (20, 29)])
def test_a_line_is_least_squares(course, a, b):
    x, y = course
    slope, start, left = line_through(scratch(x, y)[0], a, b)
    coefficients = np.polyfit(x[a : b + 1], y[a : b + 1], 1)
    rest = y[a : b + 1] - np.polyval(coefficients, x[a : b + 1])
    assert slope == pytest.approx(coefficients[0], rel=1e-9)
    assert start == pytest.approx(np.polyval(coefficients, x[a]), rel=1e-9)
    assert left == pytest.approx((rest**2).sum(), rel=1e-9, abs=1e-9)


def test_joint_fit_is_least_squares_of_hats(course):
    x, y = course
    knots = np.array([0, 4, 5, 13, 22, 29])
    F, V = scratch(x, y)
    V[RUNG_V, :6] = knots
    left = models._fit_joint(F, V, x.size, 0, 6)
    hats = np.array([np.interp(x, x[knots], row) for row in np.eye(6)]).T
    values, _, _, _ = np.linalg.lstsq(hats, y, rcond=None)
    np.testing.assert_allclose(F[RUNG, :6], values, rtol=1e-9)
    assert left == pytest.approx(((y - hats @ values) ** 2).sum(), rel=1e-9)


def test_anchored_fit_hangs_each_segment_on_the_one_before(course):
    x, y = course
    knots = np.array([0, 4, 13, 22, 29])
    F, V = scratch(x, y)
    V[RUNG_V, :5] = knots
    left = models._fit_anchored(F, V, 0, 5, 0)
    line = np.polyval(np.polyfit(x[:5], y[:5], 1), x[[0, 4]])
    values = list(line)
    for a, b in itertools.pairwise(knots[1:]):
        dx, dy = x[a : b + 1] - x[a], y[a : b + 1] - values[-1]
        values.append(values[-1] + (dx * dy).sum() / (dx**2).sum() * dx[-1])
    np.testing.assert_allclose(F[RUNG, :5], values, rtol=1e-9)
    fitted = np.interp(x, x[knots], values)
    assert left == pytest.approx(((y - fitted) ** 2).sum(), rel=1e-9)


def test_refitting_from_a_vertex_on_is_fitting_anew(course):
    x, y = course
    F, V = scratch(x, y)
    V[RUNG_V, :5] = [0, 4, 13, 22, 29]
    models._fit_anchored(F, V, 0, 5, 0)
    V[RUNG_V + 1, :4] = [0, 4, 22, 29]
    F[RUNG + 1, :2] = F[RUNG, :2]
    partly = models._fit_anchored(F, V, 1, 4, 1)
    values = F[RUNG + 1, :4].copy()
    F[SSE] = np.nan
    assert models._fit_anchored(F, V, 1, 4, 0) == pytest.approx(partly, rel=1e-12)
    np.testing.assert_allclose(F[RUNG + 1, :4], values, rtol=1e-12)


@pytest.mark.parametrize("n_vertices", [2, 3, 5, 7])
@pytest.mark.parametrize("n_years", [18, 40])
@pytest.mark.parametrize("unexplained", [0.9, 0.5, 0.2])
def test_p_is_the_tail_of_f(n_vertices, n_years, unexplained):
    first = 2 * (n_vertices - 1)
    second = n_years - first - 1
    ratio = (1 - unexplained) / first / (unexplained / second)
    expected = max(stats.f.sf(ratio, first, second), 1e-9)
    assert models._p_of(unexplained, n_years, n_vertices) == pytest.approx(expected, rel=1e-11)


def test_p_is_bounded():
    assert models._p_of(0.0, 40, 3) == 1e-9
    assert models._p_of(1.0, 40, 3) == 1.0
    assert models._p_of(0.1, 5, 3) == 1.0


def test_a_spike_goes_to_the_middle_of_its_neighbours():
    y = np.array([0.0, 0.1, 5.0, 0.1, -0.2, -0.4, -0.7])
    F, _ = scratch(np.arange(7.0), y)
    vertices.despike(F, 7, 0.9, 1e-9)
    np.testing.assert_allclose(F[Y, :7], [0.0, 0.1, 0.1, 0.1, -0.2, -0.4, -0.7], atol=1e-12)
    F[Y, :7] = y
    vertices.despike(F, 7, 1.0, 1e-9)
    np.testing.assert_array_equal(F[Y, :7], y)


def test_the_bend_least_sharp_is_culled_first():
    y = np.array([0.0, 0.0, 0.0, 0.1, 0.0, 1.0, 1.0, 1.0])
    F, V = scratch(np.arange(8.0), y)
    V[VERTEX, :5] = [0, 3, 4, 5, 7]
    assert vertices.cull(F, V, 8, 5, 4, 1.0) == 4
    assert V[VERTEX, :4].tolist() == [0, 4, 5, 7]
