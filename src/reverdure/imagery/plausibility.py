"""Whether the numbers of a raster made elsewhere can be what they are said to be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from reverdure.core.errors import NotKelvin, NotReflectance
from reverdure.imagery.sensors import temperature_scaling

REFLECTANCE_RANGE = (-0.2, 1.6)
"""Values Landsat Collection 2 can hold (2.75e-5 * 1..65535 - 0.2), LSDS-1619."""

INDEX_RANGE = (-1.0, 1.0)
"""Values of a normalised difference of positive reflectances."""

SENTINELS = (-32768.0, -9999.0, -99999.0, 32767.0, 65535.0)
"""Numbers people write for "nothing", besides the lowest and highest float32."""

ZERO_INDEX_SHARE = 0.01
"""From this share of exact zeros on, zero in an index stands for nothing (assumption)."""

_OUTSIDE_SHARE = 0.01
_TOO_SMALL = 0.02
_WARMEST_AT_LEAST = 260.0
_RESCALED_SLACK = 1e-6
_STRIP_BYTES = 64 * 2**20
_HUGE = 3.4e38
_COLLECTION_2_NUMBERS = (5_000, 65_535)


@dataclass(slots=True)
class Counts:
    """What was seen in some bands of one file, before anything is judged.

    Attributes
    ----------
    pixels : int
        All pixels.
    unused : int
        Pixels that are nodata or not finite in some band.
    zeros : int
        Pixels that are exactly 0 in all bands.
    values, outside : int
        Numbers looked at, and those outside the range.
    lowest, highest : (band,) float64
        Per band, zeros included, after scaling.
    sentinels : set of float
        Numbers found that stand for nothing without being declared.
    """

    pixels: int
    unused: int
    zeros: int
    values: int
    outside: int
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    sentinels: set[float]

    @classmethod
    def empty(cls, n_bands: int) -> Self:
        """Nothing seen yet."""
        return cls(0, 0, 0, 0, 0, np.full(n_bands, np.inf), np.full(n_bands, -np.inf), set())


def missing_values(values: NDArray[np.float64], nodata: Sequence[float]) -> NDArray[np.bool_]:
    """Where numbers as stored stand for nothing: nodata, not finite, or beyond float32."""
    missing = ~np.isfinite(values) | (np.abs(values) >= _HUGE)
    for number in nodata:
        missing |= values == number
    return missing


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bands of a file that are counted together, and what stands for nothing in them."""

    band_numbers: tuple[int, ...]
    nodata: tuple[float, ...]


def count(
    dataset: DatasetReader, wanted: Sequence[Wanted], scale: float, allowed: tuple[float, float]
) -> list[Counts]:
    """Count what the bands of an open raster hold, in one pass over the file.

    Parameters
    ----------
    dataset : rasterio dataset
    wanted : sequence of Wanted
    scale : float
        Number in the file divided by this is the value.
    allowed : two of float
        Lowest and highest value that can be.

    Returns
    -------
    list of Counts
        One for each of `wanted`.
    """
    counts = [Counts.empty(len(one.band_numbers)) for one in wanted]
    numbers = sorted({number for one in wanted for number in one.band_numbers})
    for strip in _strips(dataset, numbers):
        for one, seen in zip(wanted, counts, strict=True):
            bands = [numbers.index(number) for number in one.band_numbers]
            _add(seen, strip[bands].astype(np.float64), one.nodata, scale, allowed)
    return counts


def _add(
    seen: Counts,
    stored: NDArray[np.float64],
    nodata: Sequence[float],
    scale: float,
    allowed: tuple[float, float],
) -> None:
    missing = missing_values(stored, nodata)
    for number in SENTINELS:
        found = (stored == number) & ~missing
        if not allowed[0] <= number / scale <= allowed[1] and found.any():
            seen.sentinels.add(number)
            missing |= found
    values = np.where(missing, np.nan, stored / scale)
    unused = missing.any(axis=0)
    zeros = (stored == 0).all(axis=0) & ~unused
    counted = ~missing & ~zeros
    seen.pixels += unused.size
    seen.unused += int(unused.sum())
    seen.zeros += int(zeros.sum())
    seen.values += int(counted.sum())
    seen.outside += int((((values < allowed[0]) | (values > allowed[1])) & counted).sum())
    # zero counts as a value here even where it is nodata: bands stretched to 0..1 and
    # then given 0 for nothing must still be told
    lowest = np.where(stored == 0, 0.0, np.where(missing, np.inf, values))
    seen.lowest = np.fmin(seen.lowest, lowest.min(axis=(1, 2)))
    seen.highest = np.fmax(seen.highest, np.where(missing, -np.inf, values).max(axis=(1, 2)))


def _strips(dataset: DatasetReader, numbers: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Rows of the file by whole blocks, a bounded number of bytes at a time."""
    block = int(dataset.block_shapes[0][0])
    row_bytes = len(numbers) * dataset.width * np.dtype(dataset.dtypes[0]).itemsize
    step = max(1, _STRIP_BYTES // (row_bytes * block)) * block
    for row in range(0, dataset.height, step):
        rows = (row, min(row + step, dataset.height))
        yield dataset.read(list(numbers), window=(rows, (0, dataset.width)))


def judge_reflectance(name: str, seen: Counts, scale: float) -> None:
    """Refuse numbers that cannot be reflectance.

    Raises
    ------
    NotReflectance
        If more than 1 % lie outside -0.2..1.6, or if all are next to nothing.
    """
    low, high = REFLECTANCE_RANGE
    shown = (
        f"{name} holds {seen.lowest.min():.6g} to {seen.highest.max():.6g} after --scale {scale:g}"
    )
    if seen.outside > _OUTSIDE_SHARE * seen.values:
        share = seen.outside / seen.values
        raise NotReflectance(
            f"{shown}; {share:.1%} lie outside {low}..{high}, so this is not reflectance.",
            _scale_hint(seen, scale, REFLECTANCE_RANGE[1]),
        )
    if seen.values and seen.highest.max() < _TOO_SMALL:
        raise NotReflectance(
            f"{shown}; no land is as dark as that.", "Try a smaller --scale, such as --scale 1."
        )


def judge_index(name: str, seen: Counts, scale: float) -> None:
    """Refuse numbers that cannot be a normalised difference.

    Raises
    ------
    NotReflectance
        If more than 1 % lie outside -1..1, or if all are next to nothing.
    """
    shown = (
        f"{name} holds {seen.lowest.min():.6g} to {seen.highest.max():.6g} after --scale {scale:g}"
    )
    if seen.outside > _OUTSIDE_SHARE * seen.values:
        share = seen.outside / seen.values
        raise NotReflectance(
            f"{shown}; {share:.1%} lie outside -1..1, so this is no normalised index.",
            _scale_hint(seen, scale, INDEX_RANGE[1]),
        )
    if seen.values and max(-seen.lowest.min(), seen.highest.max()) < _TOO_SMALL:
        raise NotReflectance(
            f"{shown}; everything is next to zero.", "Try a smaller --scale, such as --scale 1."
        )


def judge_temperature(name: str, seen: Counts, scale: float) -> None:
    """Refuse numbers that cannot be surface temperature in kelvin.

    Raises
    ------
    NotKelvin
        If more than 1 % lie outside what Landsat can hold, or nothing is as warm as 260 K,
        as land in its growing season is.
    """
    lowest, highest = seen.lowest.min(), seen.highest.max()
    low, high = kelvin_range()
    too_cold = seen.values and highest < _WARMEST_AT_LEAST
    if seen.outside <= _OUTSIDE_SHARE * seen.values and not too_cold:
        return
    hint = "Write surface temperature in kelvin, or say what one kelvin is stored as."
    middle = (lowest + highest) / 2 * scale
    if lowest > -60 and highest < 80 and scale == 1:
        hint = "These look like degrees Celsius: add 273.15 first."
    else:
        for factor in (10.0, 100.0):
            if _WARMEST_AT_LEAST * factor <= middle <= high * factor and scale != factor:
                hint = f"Try a scale of {factor:g}: --thermal SENSOR:{factor:g}."
    raise NotKelvin(
        f"{name} holds {lowest:.6g} to {highest:.6g} as thermal at a scale of"
        f" {scale:g}; surface temperature lies in {low:g}..{high:g} K.",
        hint,
    )


def kelvin_range() -> tuple[float, float]:
    """Temperatures Landsat Collection 2 can hold, [K]."""
    scaling = temperature_scaling()
    return scaling.lowest, scaling.highest


def _shown(name: str, seen: Counts, scale: float) -> str:
    lowest, highest = seen.lowest.min(), seen.highest.max()
    return f"{name} holds {lowest:.6g} to {highest:.6g} after --scale {scale:g}"


def _scale_hint(seen: Counts, scale: float, largest: float) -> str:
    """What to try, from the numbers as stored."""
    lowest, highest = seen.lowest.min() * scale, seen.highest.max() * scale
    first, last = _COLLECTION_2_NUMBERS
    if first <= lowest and last / 3 < highest <= last:
        return "These look like Landsat Collection 2 numbers; use: reverdure add scenes FOLDER."
    for factor in (100.0, 1000.0, 10_000.0):
        if max(abs(lowest), abs(highest)) <= largest * factor and scale != factor:
            return f"Try --scale {factor:g}."
    return "Check --scale and --nodata."


def is_rescaled(seen: Sequence[Counts]) -> bool:
    """Whether every band of every year runs from exactly 0 to exactly 1.

    Reflectance never does that; stretching each band to its own extremes does.
    """
    filled = [one for one in seen if one.values]
    return bool(filled) and all(
        (np.abs(one.lowest) < _RESCALED_SLACK).all()
        and (np.abs(one.highest - 1.0) < _RESCALED_SLACK).all()
        for one in filled
    )
