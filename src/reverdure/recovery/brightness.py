"""How bright bare ground is against vegetation, in the bands of an index.

A normalised difference weighs each part of a mixed pixel by its brightness, the sum of
its two bands. Half bare, half green ground does not stand half way in the index; it does
once the index is read with the ratio of the two brightnesses (`to_cover`).
"""

from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.errors import GridMismatch

BARE, USUAL = "brightness_bare", "brightness_usual"
_Shares = TypeVar("_Shares", float, NDArray[np.float64])


def with_brightness(segments: xr.Dataset, brightness: xr.DataArray) -> xr.Dataset:
    """Add to the segments of an index how bright each pixel was while lowest, and usually.

    Parameters
    ----------
    segments : Dataset
        `segment(index)`.
    brightness : (year, y, x) float, [1]
        Sum of the two bands of the same index (`band_sum`), NaN where not clear.

    Returns
    -------
    Dataset
        The same, with brightness_bare : (y, x) float32, mean over the clear years whose
        fit stands within its residual of the lowest, and brightness_usual : (y, x)
        float32, median over all clear years. NaN without any.

    Raises
    ------
    GridMismatch
        If the two differ in years or pixels.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> years = {"year": np.arange(2000, 2010)}
    >>> ndvi = xr.DataArray([0.8] * 5 + [0.2] * 5, years, dims="year").expand_dims(y=1, x=1)
    >>> from reverdure.recovery.segmentation import segment
    >>> ndvi = ndvi.transpose("year", "y", "x")
    >>> light = xr.where(ndvi > 0.5, 0.3, 0.5)
    >>> with_brightness(segment(ndvi), light).brightness_bare.values
    array([[0.5]], dtype=float32)
    """
    fitted = segments["fitted"].transpose("year", "y", "x").values
    if fitted.shape != brightness.shape:
        raise GridMismatch(f"brightness is {brightness.shape}, segments are {fitted.shape}.")
    light = brightness.values
    lowest = np.where(np.isfinite(fitted), fitted, np.inf).min(axis=0)
    with np.errstate(invalid="ignore"):
        bare = fitted <= lowest + np.nan_to_num(segments["rmse"].values)
    bare &= np.isfinite(light)
    n = bare.sum(axis=0)
    mean = np.where(bare, light, 0).sum(axis=0) / np.maximum(n, 1)
    usual = np.full(mean.shape, np.nan, np.float32)
    some = np.isfinite(light).any(axis=0)
    usual[some] = np.nanmedian(light[:, some], axis=0)
    return segments.assign(
        {
            BARE: (("y", "x"), np.where(n > 0, mean, np.nan).astype(np.float32)),
            USUAL: (("y", "x"), usual),
        }
    )


def to_cover(way: _Shares, ratio: float) -> _Shares:
    """Share of vegetation from the way between bare and green in an index.

    Parameters
    ----------
    way : float or array
        0 is bare, 1 is green; beyond both ends the curve goes on straight.
    ratio : float
        Brightness of bare ground over that of green ground, `k`.

    Notes
    -----
    With brightness k of bare and 1 of green ground, cover c shows as
    y = c / (c + k (1 - c)) in a normalised difference of the mixture; this is its
    inverse, c = k y / (1 - y + k y).

    Examples
    --------
    >>> to_cover(0.5, 1.0), round(to_cover(0.5, 2.0), 3), to_cover(1.2, 2.0)
    (0.5, 0.667, 1.1)
    """
    inside = np.clip(way, 0.0, 1.0)
    curve = ratio * inside / (1 - inside + ratio * inside)
    beyond = np.where(np.asarray(way) < 0, ratio * way, (way - inside) / ratio)
    result = np.where(way == inside, curve, curve + beyond)
    return float(result) if isinstance(way, float) else result
