"""One observation out of many for each pixel: the medoid, or the median of each band.

Kernels take observations in date order; scratch and outputs are passed in, so that
nothing is allocated in the pixel loop.
"""

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled


@compiled
def _median(values: NDArray[np.float64], count: int) -> float:
    # insertion sort: a season has tens of observations at most, mostly fewer than ten
    for i in range(1, count):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value
    middle = count // 2
    if count % 2:
        return float(values[middle])
    return float(0.5 * (values[middle - 1] + values[middle]))


@compiled
def medoid(
    bands: NDArray[np.float32],
    n_compared: int,
    usable: NDArray[np.bool_],
    day: NDArray[np.int64],
    scratch: NDArray[np.float64],
    members: NDArray[np.int64],
    chosen: NDArray[np.int16],
    n_clear: NDArray[np.int16],
) -> None:
    """Observation with the smallest sum of squared differences to the median of each band.

    Parameters
    ----------
    bands : (time, band, pixel) float32, reflectance
        In date order.
    n_compared : int
        Bands that are compared: the first of them.
    usable : (time, pixel) bool
        Clear and complete.
    day : (time,) int64
        Time of each observation, rising; equal where two were taken at once.
    scratch : (n_compared + 2, time) float64
        Working space.
    members : (time,) int64
        Working space.
    chosen : (pixel,) int16
        Written: index into time, -1 where nothing is usable.
    n_clear : (pixel,) int16
        Written: number of usable observations.

    Notes
    -----
    Equal distances go to the earliest date; of two taken at once, to the one that is
    darker in the first band in which they differ, so that their order in the file list
    plays no part. With two observations the earlier is always taken: both lie at the same
    distance from their mean.

    References
    ----------
    Flood, N. (2013). Seasonal composite Landsat TM/ETM+ images using the medoid (a
    multi-dimensional median). Remote Sensing 5, 6481-6500. doi:10.3390/rs5126481
    """
    n_times, n_pixels = usable.shape
    sorting = scratch[n_compared]
    distance = scratch[n_compared + 1]
    for pixel in range(n_pixels):
        count = 0
        for time in range(n_times):
            if usable[time, pixel]:
                members[count] = time
                distance[count] = 0.0
                count += 1
        n_clear[pixel] = count
        chosen[pixel] = -1
        if count == 0:
            continue
        for band in range(n_compared):
            for i in range(count):
                value = np.float64(bands[members[i], band, pixel])
                scratch[band, i] = value
                sorting[i] = value
            middle = _median(sorting, count)
            for i in range(count):
                difference = scratch[band, i] - middle
                distance[i] += difference * difference
        best = 0
        for i in range(1, count):
            if distance[i] < distance[best]:
                best = i
            elif distance[i] == distance[best] and day[members[i]] == day[members[best]]:
                for band in range(n_compared):
                    if scratch[band, i] != scratch[band, best]:
                        if scratch[band, i] < scratch[band, best]:
                            best = i
                        break
        chosen[pixel] = members[best]


@compiled
def band_medians(
    bands: NDArray[np.float32],
    usable: NDArray[np.bool_],
    scratch: NDArray[np.float64],
    medians: NDArray[np.float32],
    n_clear: NDArray[np.int16],
) -> None:
    """Median of each band over the usable observations.

    Parameters
    ----------
    bands : (time, band, pixel) float32
    usable : (time, pixel) bool
    scratch : (time,) float64
        Working space.
    medians : (band, pixel) float32
        Written: NaN where nothing is usable. A NaN among usable values is passed over.
    n_clear : (pixel,) int16
        Written: number of usable observations.
    """
    n_times, n_bands, n_pixels = bands.shape
    for pixel in range(n_pixels):
        count = 0
        for time in range(n_times):
            if usable[time, pixel]:
                count += 1
        n_clear[pixel] = count
        for band in range(n_bands):
            filled = 0
            for time in range(n_times):
                value = bands[time, band, pixel]
                if usable[time, pixel] and not np.isnan(value):
                    scratch[filled] = value
                    filled += 1
            medians[band, pixel] = _median(scratch, filled) if filled else np.nan


def warm_up() -> None:
    """Compile both kernels on one pixel."""
    bands = np.zeros((1, 1, 1), np.float32)
    usable = np.ones((1, 1), np.bool_)
    whole = np.zeros(1, np.int64)
    count = np.zeros(1, np.int16)
    medoid(bands, 1, usable, whole, np.zeros((3, 1)), whole.copy(), count.copy(), count)
    band_medians(bands, usable, np.zeros(1), np.zeros((1, 1), np.float32), count)
