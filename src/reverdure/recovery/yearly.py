"""Quantiles of each year over pixels, of which some are not clear."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def yearly_quantiles(
    values: NDArray[np.floating], shares: Sequence[float], fewest: int = 1
) -> NDArray[np.float64]:
    """Quantiles of each year, interpolated linearly between the pixels that have a value.

    Parameters
    ----------
    values : (year, pixel) float
        NaN where not clear.
    shares : sequence of float
    fewest : int, default 1
        Years with fewer values have none.

    Returns
    -------
    (share, year) float64
        NaN where there are too few values.

    References
    ----------
    Hyndman & Fan (1996), definition 7. doi:10.1080/00031305.1996.10473566

    Examples
    --------
    >>> yearly_quantiles(np.array([[3.0, 1.0, np.nan], [np.nan] * 3]), (0.5,))
    array([[ 2., nan]])
    """
    n_years, n_pixels = values.shape
    if n_pixels == 0:
        return np.full((len(shares), n_years), np.nan)
    ordered = np.sort(values.astype(np.float64), axis=1)  # NaN comes last
    n = np.isfinite(ordered).sum(axis=1)
    last = np.maximum(n - 1, 0)
    place = np.asarray(shares)[:, None] * last
    low = np.floor(place).astype(np.int64)
    years = np.arange(n_years)
    below, above = ordered[years, low], ordered[years, np.minimum(low + 1, last)]
    found = below + (above - below) * (place - low)
    return np.asarray(np.where(n >= max(fewest, 1), found, np.nan), np.float64)
