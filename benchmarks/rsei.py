"""The ecological index from stored integers, beside plain numpy in single precision."""

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure
from reverdure.kernels import rsei as kernel
from reverdure.recovery.rsei_fit import RseiFit, fit_pooled, references, tally_years
from reverdure.recovery.rsei_picture import Picture, index_of
from reverdure.recovery.rsei_wetness import wetness_sets

PIXELS = 4_000_000
ROUNDS = 5
OLI = wetness_sets()["oli_sr"]
SCALING = np.array([[2.75e-5, -0.2]] * 6 + [[0.00341802, 149.0]])
VALID = np.array([7273, 43636, 1, 65535])
BARE = np.array([0.10, 0.13, 0.16, 0.20, 0.28, 0.22, 305.0])
GREEN = np.array([0.03, 0.06, 0.04, 0.40, 0.18, 0.08, 291.0])


def measure() -> list[Figure]:
    """CPU time of both on the same pixels, in turns."""
    bands = landsat(PIXELS)
    wet = np.array(OLI.coefficients, np.float32)
    kernel.warm_up()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_cpu_ns(lambda: fused(picture(bands))))
        theirs.append(_cpu_ns(lambda: plain(bands, wet)))
    ratios = np.divide(theirs, ours)
    return [
        Figure("index of a pixel, from integers", float(np.median(ours)), "ns CPU"),
        Figure("plain numpy on the same pixels", float(np.median(theirs)), "ns CPU"),
        Figure("times as fast as plain numpy", float(np.median(ratios)), at_least=7),
    ]


def _cpu_ns(work: Callable[[], object]) -> float:
    # of this thread: workers of the linear algebra behind numpy wait for more in a loop,
    # and their waiting would be counted to whatever runs next
    begun = time.thread_time()
    work()
    return (time.thread_time() - begun) / PIXELS * 1e9


def landsat(n_pixels: int, seed: int = 1, water: float = 0.03, gaps: float = 0.05) -> np.ndarray:
    """Numbers of a Landsat file over bare to green land, with some water and some gaps."""
    rng = np.random.default_rng(seed)
    cover = rng.random(n_pixels, dtype=np.float32)
    bands = np.empty((7, n_pixels), np.uint16)
    lake = rng.random(n_pixels) < water
    for band in range(7):
        noise = 0.012 if band < 6 else 1.0
        values = BARE[band] + cover * (GREEN[band] - BARE[band])
        values = values + noise * rng.standard_normal(n_pixels, dtype=np.float32)
        values[lake] = (0.06, 0.05, 0.03, 0.02, 0.01, 0.01, 289.0)[band]
        lowest = 1e-4 if band < 6 else 200.0
        numbers = (np.maximum(values, lowest) - SCALING[band, 1]) / SCALING[band, 0]
        bands[band] = np.rint(numbers)
    bands[:, rng.random(n_pixels) < gaps] = 0
    return bands


def plain(bands: np.ndarray, wet: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The same index as one writes it with numpy: single precision, array by array."""
    f = np.float32
    scaling = SCALING.astype(f)
    seen = ((bands[:6] >= VALID[0]) & (bands[:6] <= VALID[1])).all(axis=0) & (bands[6] >= VALID[2])
    b, g, r, n, s1, s2, kelvin = (
        bands[i].astype(f) * scaling[i, 0] + scaling[i, 1] for i in range(7)
    )
    ndvi = (n - r) / (n + r)
    wetness = wet[0] * b + wet[1] * g + wet[2] * r + wet[3] * n + wet[4] * s1 + wet[5] * s2
    soil = ((s1 + r) - (n + b)) / ((s1 + r) + (n + b))
    built, natural = 2 * s1 / (s1 + n), n / (n + r) + g / (g + s1)
    ndbsi = (soil + (built - natural) / (built + natural)) / 2
    land = seen & ((g - s1) / (g + s1) <= 0)
    parts = np.stack([ndvi, wetness, ndbsi, kelvin])[:, land]
    parts[3] -= np.median(parts[3])
    low, high = np.quantile(parts, (0.02, 0.98), axis=1).astype(f)
    level = np.clip((parts - low[:, None]) / (high - low)[:, None], 0, 1)
    variances, vectors = np.linalg.eigh(np.cov(level))
    main = vectors[:, -1].astype(f)
    main *= np.sign(main @ np.array([1, 1, -1, -1], f))
    worst, best = np.minimum(main, 0).sum(), np.maximum(main, 0).sum()
    index = np.full(bands.shape[1], np.nan, f)
    index[land] = (main @ level - worst) / (best - worst)
    return index, main, float(variances[-1] / variances.sum())


def fused(*pictures: Picture) -> tuple[RseiFit, NDArray[np.int16], NDArray[np.uint8]]:
    """Fit and index of a year in one or more parts."""

    def read() -> Iterator[tuple[int, Picture]]:
        return ((2015, one) for one in pictures)

    tallies = tally_years(read, OLI)
    kelvin, _ = references(tallies)
    fit, _ = fit_pooled(read, OLI, tallies, kelvin)
    found = [index_of(one, fit, kelvin[2015]) for one in pictures]
    return fit, np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])


def picture(bands: np.ndarray, reference: np.ndarray | None = None) -> Picture:
    """Numbers of a Landsat 8 file with what they mean."""
    return Picture(bands, SCALING, VALID, "LC08", reference)
