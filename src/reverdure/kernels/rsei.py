"""Ecological index of a picture, from stored integers to stored integers, in three passes.

`tally` counts what the four components are, `moments` how they go together, `project` puts
the index and its status down; nothing of the size of the picture is kept in between. Each
pass works in blocks that stay in the cache and that vectorise: no branch, no allocation.
Counts and sums are integers, so that neither tiles nor threads can move them.
"""

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import RseiPixel
from reverdure.kernels.compiled import compiled

N_BINS = 2048
"""Bins of `tally`, for each component but heat, which has one for every stored number."""

N_NUMBERS = 65536
"""Numbers that 16 bits can store."""

LEVELS = 1000
"""A component between its limits is one of 0..LEVELS in `moments`."""

SCALE = 1e-4
"""Stored number of the index -> its value."""

NODATA = -32768
"""Stored where there is no index; the status says why."""

_BLOCK = 512
_ROWS = 9  # six bands as reflectance, then what is seen, warm, and land
_MEASURED = np.uint8(RseiPixel.MEASURED)
_WATER = np.uint8(RseiPixel.WATER)
_NO_THERMAL = np.uint8(RseiPixel.NO_THERMAL)
_UNDEFINED = np.uint8(RseiPixel.UNDEFINED)
_NO_DATA = np.uint8(RseiPixel.NO_DATA)


@compiled
def _decode(
    stored: NDArray[np.generic],
    low: np.float32,
    high: np.float32,
    factor: float,
    offset: float,
    value: NDArray[np.float32],
    seen: NDArray[np.float32],
) -> None:
    # one loop over three arrays: with more the compiler gives up proving them apart
    for k in range(stored.size):
        number = np.float32(stored[k])
        value[k] = number * factor + offset
        inside = (number >= low) & (number <= high)
        seen[k] = seen[k] if inside else np.float32(0.0)


@compiled
def _wetness(work: NDArray[np.float32], wet: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    blue, green, red, nir, swir1, swir2 = work[0], work[1], work[2], work[3], work[4], work[5]
    w0, w1, w2, w3, w4, w5 = wet[0], wet[1], wet[2], wet[3], wet[4], wet[5]
    for k in range(out.size):
        visible = w0 * blue[k] + w1 * green[k] + w2 * red[k]
        out[k] = visible + w3 * nir[k] + w4 * swir1[k] + w5 * swir2[k]


@compiled
def _ratios(
    work: NDArray[np.float32],
    greenness: NDArray[np.float32],
    dryness: NDArray[np.float32],
    land: NDArray[np.float32],
) -> None:
    """Greenness and dryness; land is 1, 0 on water, -1 where a sum of bands is not positive."""
    zero, one, two, half = np.float32(0.0), np.float32(1.0), np.float32(2.0), np.float32(0.5)
    blue, green, red, nir, swir1 = work[0], work[1], work[2], work[3], work[4]
    for k in range(greenness.size):
        leaf, damp, bare = nir[k] + red[k], green[k] + swir1[k], swir1[k] + nir[k]
        soil, other = swir1[k] + red[k], nir[k] + blue[k]
        share = nir[k] / leaf
        natural = share + green[k] / damp
        built = two * swir1[k] / bare
        greenness[k] = two * share - one
        index = (built - natural) / (built + natural)
        dryness[k] = half * ((soil - other) / (soil + other) + index)
        state = zero if green[k] > swir1[k] else one
        defined = (leaf > zero) & (damp > zero) & (bare > zero)
        defined &= (soil + other > zero) & (built + natural > zero)
        land[k] = state if defined else -one


@compiled
def _components(
    bands: NDArray[np.generic],
    first: int,
    valid: NDArray[np.int64],
    scaling: NDArray[np.float32],
    wet: NDArray[np.float32],
    work: NDArray[np.float32],
    found: NDArray[np.float32],
    status: NDArray[np.uint8],
) -> None:
    """Greenness, wetness, dryness and heat of a block, and which of its pixels have them."""
    count = status.size
    # an index and one slice keep a view contiguous; two slices would not, at ten times the cost
    seen, warm, land = work[6, :count], work[7, :count], work[8, :count]
    seen[:] = np.float32(1.0)
    warm[:] = np.float32(1.0)
    low, high = np.float32(valid[0]), np.float32(valid[1])
    for band in range(6):
        stored = bands[band, first : first + count]
        value = work[band, :count]
        _decode(stored, low, high, scaling[band, 0], scaling[band, 1], value, seen)
    low, high = np.float32(valid[2]), np.float32(valid[3])
    stored = bands[6, first : first + count]
    _decode(stored, low, high, scaling[6, 0], scaling[6, 1], found[3, :count], warm)
    _wetness(work, wet, found[1, :count])
    _ratios(work, found[0, :count], found[2, :count], land)
    half = np.float32(0.5)
    for k in range(count):
        code = _MEASURED if warm[k] > half else _NO_THERMAL
        code = code if land[k] > half else _WATER
        code = code if land[k] > -half else _UNDEFINED
        status[k] = code if seen[k] > half else _NO_DATA


@compiled
def _places(
    values: NDArray[np.float32],
    status: NDArray[np.uint8],
    start: float,
    density: float,
    place: NDArray[np.uint16],
) -> None:
    """Bin of each value, N_BINS where there is none."""
    zero, last, none = np.float32(0.0), np.float32(N_BINS - 1), np.uint16(N_BINS)
    for k in range(status.size):
        spot = (values[k] - start) * density
        spot = spot if spot > zero else zero
        spot = spot if spot < last else last
        place[k] = np.uint16(np.int32(spot)) if status[k] == _MEASURED else none


@compiled
def tally(
    bands: NDArray[np.generic],
    valid: NDArray[np.int64],
    scaling: NDArray[np.float32],
    wet: NDArray[np.float32],
    span: NDArray[np.float32],
    lowest: int,
    counts: NDArray[np.int64],
    heat: NDArray[np.int64],
    statuses: NDArray[np.int64],
) -> None:
    """Histogram of each component of the land, and how many pixels had none.

    Parameters
    ----------
    bands : (7, pixel) integer
        Blue, green, red, nir, swir1, swir2, thermal as stored.
    valid : (4,) int64
        Lowest and highest stored number of reflectance, then of thermal, both included.
    scaling : (7, 2) float32
        Factor and offset of each band; the offset of thermal less the year's reference.
    wet : (6,) float32
        Tasselled-cap wetness.
    span : (3, 2) float32
        First and last edge of the bins; values outside count in the outermost bin.
    lowest : int
        Lowest number the type of `bands` holds.
    counts : (3, N_BINS) int64
        Added to: greenness, wetness, dryness.
    heat : (N_NUMBERS,) int64
        Added to: stored numbers of thermal, counted from `lowest`.
    statuses : (256,) int64
        Added to: pixels by `RseiPixel`.
    """
    found, work = np.empty((4, _BLOCK), np.float32), np.empty((_ROWS, _BLOCK), np.float32)
    states, place = np.empty(_BLOCK, np.uint8), np.empty((3, _BLOCK), np.uint16)
    # half the size of int64 stays in the first cache; the last bin takes pixels without value
    here = np.zeros((3, N_BINS + 1), np.int32)
    n_pixels = bands.shape[1]
    for first in range(0, n_pixels, _BLOCK):
        count = min(_BLOCK, n_pixels - first)
        status = states[:count]
        _components(bands, first, valid, scaling, wet, work, found, status)
        for part in range(3):
            density = np.float32(N_BINS) / (span[part, 1] - span[part, 0])
            _places(found[part, :count], status, span[part, 0], density, place[part, :count])
        stored = bands[6, first : first + count]
        # side by side, since two pixels of one bin wait for each other
        for k in range(count):
            here[0, place[0, k]] += 1
            here[1, place[1, k]] += 1
            here[2, place[2, k]] += 1
            heat[np.uint64(np.int64(stored[k]) - lowest)] += status[k] == _MEASURED
        measured = _measured(status)
        statuses[_MEASURED] += measured
        if measured < count:
            for k in range(count):
                if status[k] != _MEASURED:
                    statuses[status[k]] += 1
    for part in range(3):
        for place_of in range(N_BINS):
            counts[part, place_of] += here[part, place_of]


@compiled
def heat_of(
    bands: NDArray[np.generic],
    valid: NDArray[np.int64],
    scaling: NDArray[np.float32],
    wet: NDArray[np.float32],
    use: NDArray[np.bool_],
    lowest: int,
    heat: NDArray[np.int64],
) -> None:
    """How often each stored number of thermal occurs on some of the land.

    Parameters
    ----------
    bands, valid, scaling, wet, lowest, heat
        As for `tally`.
    use : (pixel,) bool
        Pixels that count.
    """
    found, work = np.empty((4, _BLOCK), np.float32), np.empty((_ROWS, _BLOCK), np.float32)
    states = np.empty(_BLOCK, np.uint8)
    n_pixels = bands.shape[1]
    for first in range(0, n_pixels, _BLOCK):
        status = states[: min(_BLOCK, n_pixels - first)]
        _components(bands, first, valid, scaling, wet, work, found, status)
        for k in range(status.size):
            if status[k] == _MEASURED and use[first + k]:
                heat[np.int64(bands[6, first + k]) - lowest] += 1


@compiled
def _levels(
    values: NDArray[np.float32],
    status: NDArray[np.uint8],
    start: float,
    density: float,
    level: NDArray[np.int16],
) -> None:
    zero, half, last = np.float32(0.0), np.float32(0.5), np.float32(LEVELS)
    for k in range(status.size):
        spot = (values[k] - start) * density + half
        spot = spot if spot > zero else zero
        spot = spot if spot < last else last
        level[k] = np.int16(np.int32(spot)) if status[k] == _MEASURED else np.int16(0)


@compiled
def _measured(status: NDArray[np.uint8]) -> int:
    count = np.int32(0)
    for k in range(status.size):
        count = np.int32(count + np.int32(status[k] == _MEASURED))
    return int(count)


# sums of a block fit 32 bits, and only as such do they add up eight at a time
@compiled
def _total(level: NDArray[np.int16]) -> int:
    total = np.int32(0)
    for k in range(level.size):
        total = np.int32(total + np.int32(level[k]))
    return int(total)


@compiled
def _product(one: NDArray[np.int16], other: NDArray[np.int16]) -> int:
    total = np.int32(0)
    for k in range(one.size):
        total = np.int32(total + np.int32(np.int32(one[k]) * np.int32(other[k])))
    return int(total)


@compiled
def moments(
    bands: NDArray[np.generic],
    valid: NDArray[np.int64],
    scaling: NDArray[np.float32],
    wet: NDArray[np.float32],
    limits: NDArray[np.float32],
    sums: NDArray[np.int64],
) -> None:
    """Sums and sums of products of the components between their limits.

    Parameters
    ----------
    bands, valid, scaling, wet
        As for `tally`.
    limits : (4, 2) float32
        Value that counts as 0 and as LEVELS; values outside count as the nearest.
    sums : (15,) int64
        Added to: pixels, the four sums, the ten sums of products (0 0, 0 1, ... 3 3).
    """
    found, work = np.empty((4, _BLOCK), np.float32), np.empty((_ROWS, _BLOCK), np.float32)
    states = np.empty(_BLOCK, np.uint8)
    level = np.empty((4, _BLOCK), np.int16)
    n_pixels = bands.shape[1]
    for first in range(0, n_pixels, _BLOCK):
        count = min(_BLOCK, n_pixels - first)
        status = states[:count]
        _components(bands, first, valid, scaling, wet, work, found, status)
        for part in range(4):
            start = limits[part, 0]
            density = np.float32(LEVELS) / (limits[part, 1] - start)
            here = level[part, :count]
            _levels(found[part, :count], status, start, density, here)
            sums[1 + part] += _total(here)
        sums[0] += _measured(status)
        pair = 5
        for one in range(4):
            for other in range(one, 4):
                sums[pair] += _product(level[one, :count], level[other, :count])
                pair += 1


@compiled
def _add(
    values: NDArray[np.float32],
    start: float,
    density: float,
    weight: float,
    total: NDArray[np.float32],
) -> None:
    zero, one = np.float32(0.0), np.float32(1.0)
    for k in range(total.size):
        level = (values[k] - start) * density
        level = level if level > zero else zero
        level = level if level < one else one
        total[k] += weight * level


@compiled
def _store(total: NDArray[np.float32], status: NDArray[np.uint8], index: NDArray[np.int16]) -> None:
    zero, half = np.float32(0.0), np.float32(0.5)
    last = np.float32(1.0 / SCALE)
    for k in range(status.size):
        value = total[k] * last + half
        value = value if value > zero else zero
        value = value if value < last else last
        index[k] = np.int16(np.int32(value)) if status[k] == _MEASURED else np.int16(NODATA)


@compiled
def project(
    bands: NDArray[np.generic],
    valid: NDArray[np.int64],
    scaling: NDArray[np.float32],
    wet: NDArray[np.float32],
    limits: NDArray[np.float32],
    weights: NDArray[np.float32],
    index: NDArray[np.int16],
    status: NDArray[np.uint8],
) -> None:
    """The index of every pixel and its status.

    Parameters
    ----------
    bands, valid, scaling, wet, limits
        As for `moments`.
    weights : (5,) float32
        Of the four components between 0 and 1, then a constant; the sum is cut at 0 and 1.
    index : (pixel,) int16
        Written: value over SCALE, NODATA where the status is not MEASURED.
    status : (pixel,) uint8
        Written: `RseiPixel`.
    """
    found, work = np.empty((4, _BLOCK), np.float32), np.empty((_ROWS, _BLOCK), np.float32)
    totals = np.empty(_BLOCK, np.float32)
    n_pixels = bands.shape[1]
    for first in range(0, n_pixels, _BLOCK):
        count = min(_BLOCK, n_pixels - first)
        state, total = status[first : first + count], totals[:count]
        _components(bands, first, valid, scaling, wet, work, found, state)
        total[:] = weights[4]
        for part in range(4):
            density = np.float32(1.0) / (limits[part, 1] - limits[part, 0])
            _add(found[part, :count], limits[part, 0], density, weights[part], total)
        _store(total, state, index[first : first + count])


@compiled
def extremes(
    bands: NDArray[np.generic],
    valid: NDArray[np.int64],
    scaling: NDArray[np.float32],
    wet: NDArray[np.float32],
    limits: NDArray[np.float32],
    weights: NDArray[np.float32],
    ends: NDArray[np.float32],
) -> None:
    """Lowest and highest value of each component and of their weighted sum, on land.

    Parameters
    ----------
    bands, valid, scaling, wet, limits, weights
        As for `project`; the sum is not cut.
    ends : (5, 2) float32
        Narrowed from inf and -inf: the four components, then the sum.
    """
    found, work = np.empty((4, _BLOCK), np.float32), np.empty((_ROWS, _BLOCK), np.float32)
    states = np.empty(_BLOCK, np.uint8)
    n_pixels = bands.shape[1]
    for first in range(0, n_pixels, _BLOCK):
        status = states[: min(_BLOCK, n_pixels - first)]
        _components(bands, first, valid, scaling, wet, work, found, status)
        for k in range(status.size):
            if status[k] != _MEASURED:
                continue
            total = weights[4]
            for part in range(4):
                value = found[part, k]
                ends[part, 0] = min(ends[part, 0], value)
                ends[part, 1] = max(ends[part, 1], value)
                level = (value - limits[part, 0]) / (limits[part, 1] - limits[part, 0])
                total += weights[part] * min(max(level, np.float32(0.0)), np.float32(1.0))
            ends[4, 0] = min(ends[4, 0], total)
            ends[4, 1] = max(ends[4, 1], total)


def warm_up() -> None:
    """Compile for the numbers of composites (int16) and of Landsat files (uint16)."""
    valid = np.array([0, 1, 0, 1])
    scaling, wet = np.ones((7, 2), np.float32), np.ones(6, np.float32)
    limits, weights = np.array([[0.0, 1.0]] * 4, np.float32), np.ones(5, np.float32)
    for kind in (np.int16, np.uint16):
        bands = np.ones((7, 1), kind)
        counts, statuses = np.zeros((3, N_BINS), np.int64), np.zeros(256, np.int64)
        heat = np.zeros(N_NUMBERS, np.int64)
        tally(bands, valid, scaling, wet, limits[:3], 0, counts, heat, statuses)
        heat_of(bands, valid, scaling, wet, np.ones(1, np.bool_), 0, heat)
        moments(bands, valid, scaling, wet, limits, np.zeros(15, np.int64))
        index, status = np.zeros(1, np.int16), np.zeros(1, np.uint8)
        project(bands, valid, scaling, wet, limits, weights, index, status)
        ends = np.ones((5, 2), np.float32)
        extremes(bands, valid, scaling, wet, limits, weights, ends)
