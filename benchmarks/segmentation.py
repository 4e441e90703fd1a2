"""Segmentation of 40-year courses: time per pixel, beside cdts where that is installed.

cdts (a C++ port of the original LandTrendr) is no dependency. To compare, install it apart
and say where: `pip install --no-deps --target FOLDER cdts`, then
`PYTHONPATH=FOLDER python -m benchmarks segmentation`. The bar of 3.5 us holds for a processor
on which cdts needs 11.5 us; beside cdts our time is scaled to that processor.
"""

import importlib.util
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.figures import Figure
from reverdure import SegmentParams, segment
from reverdure.kernels import warm_up

PIXELS = 20_000
YEARS = np.arange(1985, 2025)
ROUNDS = 5
# the settings Earth Engine scripts use
PARAMS = SegmentParams(prevent_one_year_recovery=True, pval_threshold=0.05)


def measure() -> list[Figure]:
    """CPU time per pixel of both, alternating, medians of five rounds; one thread."""
    courses = synthetic_courses(PIXELS)
    index = xr.DataArray(courses, {"year": YEARS}, ("year", "pixel"))
    warm_up()
    ours = [lambda: segment(index, PARAMS)]
    theirs = [run for run in [_cdts(courses)] if run is not None]
    times = _alternating(ours + theirs)
    if not theirs:
        return [Figure("segmentation of a 40-year pixel", times[0], "us CPU", at_most=3.5)]
    ours_us, theirs_us = times
    return [
        Figure("segmentation of a 40-year pixel", ours_us, "us CPU"),
        Figure("cdts on the same pixels", theirs_us, "us CPU"),
        Figure("where cdts needs 11.5 us", 11.5 * ours_us / theirs_us, "us CPU", at_most=3.5),
        Figure("times as fast as cdts", theirs_us / ours_us, at_least=3.0),
    ]


def synthetic_courses(n_pixels: int, seed: int = 7) -> NDArray[np.float32]:
    """NDVI-like courses: stable, disturbed, mined, trending and hit twice.

    8 % of years are missing and 4 % stand out as clouds and haze do.

    Returns
    -------
    (year, pixel) float32
    """
    rng = np.random.default_rng(seed)
    age = np.arange(YEARS.size, dtype=float)[:, None]
    level = rng.uniform(0.5, 0.85, n_pixels)
    start = rng.uniform(5, 30, n_pixels)
    drop = rng.uniform(0.2, 0.6, n_pixels)
    speed = rng.uniform(0.02, 0.15, n_pixels)
    after = np.maximum(age - start, 0.0)
    hit = (age >= start) * np.maximum(drop - speed * after, 0.0)
    pause = rng.uniform(3, 12, n_pixels)
    mined = (age >= start) * np.maximum(drop - speed * np.maximum(after - pause, 0.0), 0.0)
    trend = rng.uniform(-0.008, 0.008, n_pixels) * age
    again = np.minimum(start + rng.uniform(4, 15, n_pixels), 38)
    twice = hit + (age >= again) * np.maximum(drop - speed * np.maximum(age - again, 0), 0)
    kind = rng.choice(5, n_pixels, p=[0.30, 0.30, 0.20, 0.15, 0.05])
    change = np.choose(kind, [0.0 * age + 0.0 * hit, -hit, -mined, trend, -twice])
    values = level + change + rng.normal(0.0, 0.03, (YEARS.size, n_pixels))
    values -= (rng.random(values.shape) < 0.04) * rng.uniform(0.1, 0.5, values.shape)
    values[rng.random(values.shape) < 0.08] = np.nan
    return values.astype(np.float32)


def _cdts(courses: NDArray[np.float32]) -> Callable[[], object] | None:
    """The same work by cdts, without importing what else its package loads."""
    core = _cdts_core()
    if core is None:
        return None
    params = core.landtrendr.LandTrendrParams()
    params.max_segments = PARAMS.max_segments
    params.pval_threshold = PARAMS.pval_threshold
    params.recovery_threshold = PARAMS.recovery_threshold
    params.prevent_fast_recovery = True
    params.spike_threshold = PARAMS.spike_threshold
    params.best_model_proportion = PARAMS.best_model_proportion
    params.vertex_count_overshoot = PARAMS.vertex_count_overshoot
    params.min_observations_needed = PARAMS.min_observations_needed
    params.modifier = -1.0
    # it expects reflectance times 1000, pixels first, in double precision
    values = np.ascontiguousarray((courses.T * 1000.0)[None], dtype=np.float64)
    years = YEARS.astype(np.int32)
    batch = core.landtrendr.fit_trajectory_batch
    return lambda: batch(values, years, params, -9999.0, 1)


def _cdts_core() -> ModuleType | None:
    package = importlib.util.find_spec("cdts")
    if package is None or not package.submodule_search_locations:
        return None
    library = next(Path(package.submodule_search_locations[0]).glob("_core*"))
    found = importlib.util.spec_from_file_location("_core", library)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _alternating(runs: list[Callable[[], object]]) -> list[float]:
    """Median CPU time of each run per pixel, [us]."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, spent in zip(runs, times, strict=True):
            begun = time.process_time()
            run()
            spent.append((time.process_time() - begun) / PIXELS * 1e6)
    return [statistics.median(spent) for spent in times]
