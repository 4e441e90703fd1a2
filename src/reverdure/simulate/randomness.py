"""Random numbers that do not depend on the order in which things are made."""

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def stream(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Generator for one purpose and one thing.

    Examples
    --------
    >>> a, b = stream(7, "noise", 3), stream(7, "noise", 4)
    >>> bool(a.random() == b.random())
    False
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *numbers])


def smooth_field(
    rng: np.random.Generator, shape: tuple[int, int], scale: float
) -> NDArray[np.float32]:
    """Gaussian field of mean 0 and variance 1, smooth over `scale` cells.

    Notes
    -----
    Drawn on a grid as coarse as the scale allows and interpolated: a field over many
    cells costs little more than one pass over the array.
    """
    step = max(1, int(scale // 3))
    coarse = tuple(-(-side // step) + 2 for side in shape)
    white = rng.standard_normal(coarse, dtype=np.float32)
    sigma = scale / step
    field = ndimage.gaussian_filter(white, sigma, mode="wrap")
    # the variance of white noise after a Gaussian of this width, so that no sample of
    # a few correlation lengths is stretched to variance 1
    field /= np.float32(np.sum(_kernel(sigma) ** 2))
    if step > 1:
        rows = np.arange(shape[0]) / step
        columns = np.arange(shape[1]) / step
        field = _interpolated(field, rows, 0)
        field = _interpolated(field, columns, 1)
    return np.ascontiguousarray(field[: shape[0], : shape[1]], dtype=np.float32)


def _kernel(sigma: float) -> NDArray[np.float64]:
    radius = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(weights / weights.sum())


def _interpolated(
    field: NDArray[np.float32], position: NDArray[np.floating], axis: int
) -> NDArray[np.float32]:
    low = position.astype(np.intp)
    share = (position - low).astype(np.float32)
    share = share[:, None] if axis == 0 else share[None, :]
    below, above = np.take(field, low, axis), np.take(field, low + 1, axis)
    return np.asarray(below + share * (above - below), dtype=np.float32)
