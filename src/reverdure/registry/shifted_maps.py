"""GCJ-02 and BD-09: the shifted coordinates of Chinese web maps, both ways.

GCJ-02 moves WGS 84 by mostly 300 to 700 m by a formula of its own that was never published by its
makers; the one below became public as source code in 2010 and is what every map library
uses (as in eviltransform by googollee and others, MIT licence, whose test points are
reproduced to 1e-9 degrees). BD-09 is Baidu's second shift on top of GCJ-02, as in the same
libraries. The way back has no closed form; it is iterated until it holds to 1e-9 degrees
(0.1 mm).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Degrees = NDArray[np.float64]
_SEMI_MAJOR_M, _ECCENTRICITY_2 = 6_378_245.0, 0.00669342162296594323
"""Krassowsky 1940, as the formula has it."""
_LON_RANGE, _LAT_RANGE = (72.004, 137.8347), (0.8293, 55.8271)
"""Outside this box web maps are not shifted."""
_BAIDU = np.pi * 3000.0 / 180.0
_TOLERANCE_DEG, _MOST_ROUNDS = 1e-10, 30


def to_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """WGS 84 to GCJ-02; unchanged outside the box of China.

    Parameters
    ----------
    lon, lat : array of float, [deg]

    Examples
    --------
    >>> lon, lat = to_gcj02(np.array([121.5272106]), np.array([31.1774276]))
    >>> round(float(lon[0]), 9), round(float(lat[0]), 9)
    (121.531541859, 31.175303984)
    """
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    waves_x = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves_x
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves_x
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY_2 * np.sin(phi) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_2) / (magic * np.sqrt(magic))
    parallel_m = _SEMI_MAJOR_M / np.sqrt(magic) * np.cos(phi)
    inside = (
        (lon >= _LON_RANGE[0]) & (lon <= _LON_RANGE[1])
        & (lat >= _LAT_RANGE[0]) & (lat <= _LAT_RANGE[1])
    )  # fmt: skip
    return (
        np.where(inside, lon + np.degrees(east / parallel_m), lon),
        np.where(inside, lat + np.degrees(north / meridian_m), lat),
    )


def gcj02_to_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """GCJ-02 to BD-09, Baidu's second step.

    Examples
    --------
    >>> lon, lat = gcj02_to_bd09(np.array([116.404]), np.array([39.915]))
    >>> round(float(lon[0]), 9), round(float(lat[0]), 9)
    (116.410369494, 39.921336994)
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    length = np.hypot(x, y) + 0.00002 * np.sin(y * _BAIDU)
    turn = np.arctan2(y, x) + 0.000003 * np.cos(x * _BAIDU)
    return length * np.cos(turn) + 0.0065, length * np.sin(turn) + 0.006


def to_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """WGS 84 to BD-09.

    Examples
    --------
    >>> back = from_bd09(*to_bd09(np.array([112.5]), np.array([27.7])))
    >>> bool(np.allclose(back, ([112.5], [27.7]), rtol=0, atol=1e-9))
    True
    """
    return gcj02_to_bd09(*to_gcj02(lon, lat))


def from_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """GCJ-02 to WGS 84.

    Examples
    --------
    >>> back = from_gcj02(*to_gcj02(np.array([112.5]), np.array([27.7])))
    >>> bool(np.allclose(back, ([112.5], [27.7]), rtol=0, atol=1e-9))
    True
    """
    return _back(to_gcj02, lon, lat)


def from_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """BD-09 to WGS 84; as `from_gcj02`."""
    return _back(to_bd09, lon, lat)


def _back(
    forward: Callable[[Degrees, Degrees], tuple[Degrees, Degrees]], lon: Degrees, lat: Degrees
) -> tuple[Degrees, Degrees]:
    """The point that `forward` takes to this one; the shift varies slowly, so it converges."""
    wanted = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    x, y = wanted
    for _ in range(_MOST_ROUNDS):
        ahead = forward(x, y)
        miss_x, miss_y = ahead[0] - wanted[0], ahead[1] - wanted[1]
        x, y = x - miss_x, y - miss_y
        if max(np.max(np.abs(miss_x), initial=0), np.max(np.abs(miss_y), initial=0)) < (
            _TOLERANCE_DEG
        ):
            break
    return x, y


BACK: dict[str, Callable[[Degrees, Degrees], tuple[Degrees, Degrees]]] = {
    "gcj02": from_gcj02,
    "bd09": from_bd09,
}
"""Ways back to WGS 84, by the word of `--datum`."""
