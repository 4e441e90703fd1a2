"""Kernels give one result compiled, with bounds checked, and as plain Python."""

import os
import subprocess
import sys

import numpy as np
import pytest

SAMPLE = """
import sys

import numpy as np
import shapely
import xarray as xr

from reverdure.recovery.segmentation import SegmentParams, segment
from reverdure.ground.coverage import coverage
from reverdure.core.grid import Grid

from reverdure.kernels.courses import misfit, search_bends
from reverdure.kernels.losses import date_falls, largest_falls
from reverdure.kernels.rings import distances, grow, mean_of_years, wander
from reverdure.kernels.states import filter_states, running_shortfall, smooth_states
from reverdure.kernels.zones import merge_zones, sample_zones


def falls(found, values):
    event, extremes = np.empty((5, 70)), np.empty((2, 70))
    largest_falls(found.vertex_year.values, found.vertex_value.values, 0.2, event, extremes)
    dated = np.zeros(70)
    years = np.arange(2000.0, 2024.0)
    seen = values.astype(np.float32)
    date_falls(seen, years, event[0] > 0.1, event[1], event[2], 3.0, dated)
    return [event, np.where(np.isfinite(extremes), extremes, 0), dated]


def rings(rng):
    inside = rng.random((4, 5)) < 0.4
    distance, grown = np.empty((12, 14)), np.zeros((4, 5), bool)
    distances(inside, 3, 6, 30.0, 29.0, distance)
    grow(inside, 30.0, 29.0, 60.0, grown)
    cube = rng.random((6, 12, 14), np.float32)
    cube[rng.random(cube.shape) < 0.2] = np.nan
    mean, wanted = np.zeros((4, 5)), rng.random((4, 5)) < 0.8
    mean_of_years(cube, np.arange(6) < 4, 2, 3, wanted, mean)
    width, at = np.empty(9), rng.integers(0, 12, (2, 9))
    wander(cube, np.nanmedian(cube, axis=(1, 2)).astype(float), at[0], at[1], width)
    return [distance, grown.astype(float), mean, width]


def courses(rng):
    t = np.arange(2000.0, 2012.0)
    value = np.clip((t - 2003) / 3, 0, 1) - 0.6 * (t >= 2009) + rng.normal(0, 0.1, (5, 12))
    used = rng.random((5, 12)) < 0.9
    pixels = np.where(used, value, 0), used, rng.random(5)
    lengths, ridge = np.array([1.0, 2, 4, 8]), np.full(4, 0.01)
    best = [search_bends(*pixels, t, t[:8], lengths, t[-1], 2009.0, ridge[:n]) for n in (3, 4)]
    design, mean_level = np.column_stack([np.ones(12), t - 2005, (t - 2005) ** 2]), np.empty(3)
    left = misfit(*pixels, design, ridge[:3], mean_level)
    return [np.array(best), mean_level, np.array([left])]


def zones(rng):
    n = 12
    cell = np.repeat(np.arange(n), 2)
    pixel = np.clip(cell + np.tile([0, 1], n), 0, n - 1)
    order = np.arange(n)
    neighbour = np.full((n, 4), -1)
    neighbour[1:, 0], neighbour[:-1, 1] = order[:-1], order[1:]
    level, label = np.empty((2, 5, 3, 2)), np.empty((2, 5, n), np.uint8)
    gain = np.concatenate([(order > 5) * 0.9, (order > 6) * 0.7]) + rng.normal(0, 0.05, 2 * n)
    kind = np.repeat([[0, 1], [0, 1]], n, axis=1)
    both = np.stack([pixel, pixel + n], axis=1).reshape(n, 4)
    sample_zones(
        gain, np.full(2 * n, 0.01), np.ones(2 * n), kind,
        (np.arange(0, 4 * n + 1, 4), both.ravel(), np.full(4 * n, 0.5)),
        neighbour, np.tile([-2.0, -0.1], (n, 1)), rng.integers(0, 3, (2, n)),
        np.array([-0.05, 1.2, 1.3, 0.05]), np.array([3, 4, 2, 5]),
        np.random.default_rng(4), level, label,
    )
    way, area = rng.random((6, 4, 2)), rng.random((6, 4)) * (rng.random((6, 4)) < 0.8)
    merge_zones(way, area, 0.3)
    return [level, label.astype(float), way]


def states(rng):
    start, steps = rng.random((2, 4)), rng.random((3, 4, 6))
    seen, noise = rng.random((4, 6, 2)), rng.uniform(0.1, 0.2, (4, 6, 2))
    seen[rng.random(seen.shape) < 0.3] = np.nan
    filtered, predicted, smoothed = (np.empty((2, 4, 6)) for _ in range(3))
    surprise, likelihood, total = np.empty(seen.shape), np.empty(4), np.empty((4, 6))
    filter_states(
        start, tuple(steps), seen, np.array([1.0, 0.8]), noise, filtered, predicted, surprise,
        likelihood,
    )
    smooth_states(steps[0], filtered, predicted, smoothed)
    running_shortfall(surprise[:, :, 0].copy(), 0.5, total)
    return [filtered, predicted, smoothed, np.nan_to_num(surprise), likelihood, total]


rng = np.random.default_rng(9)
damaged = np.arange(24)[:, None] > rng.uniform(0, 40, 70)
values = 0.6 + rng.normal(0, 0.05, (24, 70)) - 0.3 * damaged
values[rng.random(values.shape) < 0.15] = np.nan
values[:, 3] = np.nan
values[:, 4] = 0.5
values[5:, 5] = np.nan
index = xr.DataArray(values, {"year": np.arange(2000, 2024)}, ("year", "pixel"))
many = SegmentParams(max_segments=12, vertex_count_overshoot=8, prevent_one_year_recovery=True)
few = SegmentParams(max_segments=1, vertex_count_overshoot=0, min_observations_needed=3)
found = [segment(index, params) for params in (SegmentParams(), many, few)]
arrays = [one[name].values.astype(float) for one in found for name in sorted(one.data_vars)]
arrays += falls(found[0], values) + rings(rng) + courses(rng) + zones(rng)
arrays += states(rng)
star = shapely.Point(55, 45).buffer(38).difference(shapely.Point(60, 40).buffer(13))
arrays.append(coverage(star, Grid("EPSG:32650", 0, 90, 10, 9, 10))[1])
np.savez(sys.argv[1], *arrays)
"""


def results(folder, name, **settings):
    path = folder / f"{name}.npz"
    environment = {**os.environ, **settings}
    subprocess.run([sys.executable, "-c", SAMPLE, str(path)], check=True, env=environment)
    with np.load(path) as stored:
        return [stored[key] for key in stored.files]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return results(tmp_path_factory.mktemp("compiled"), "compiled")


@pytest.mark.parametrize("mode", ["NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT"])
def test_one_result_in_every_mode(compiled, tmp_path, mode):
    found = results(tmp_path, mode.lower(), **{mode: "1"})
    assert len(found) == len(compiled)
    for one, other in zip(found, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_the_sample_holds_more_than_missing_values(compiled):
    assert np.isfinite(compiled[0]).mean() > 0.5
    assert compiled[-1].max() == 1.0
