"""How steep the ground of a mine is, from an elevation raster: mean and steepest tenth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.ground.coverage import coverage
from reverdure.ground.terrain import read_layer, slope_deg

PIXEL_M = 30.0
STEEP_QUANTILE = 0.9
_KNOWN_SHARE = 0.9
_MARGIN = 2
_SOUTH = 32700
_NORTH = 32600


@dataclass(frozen=True, slots=True)
class Steepness:
    """Slope of a mine, [degree]; NaN where under nine tenths of its ground have an elevation."""

    mean: float
    steep: float
    known_share: float


def steepness(elevation: Path, outlines: Mapping[str, Any]) -> dict[str, Steepness]:
    """Mean slope and 90th percentile of each outline on exact coverage, on pixels of 30 m.

    Parameters
    ----------
    elevation : Path
        Raster of heights in metres, any CRS.
    outlines : mapping of id to shapely geometry
        EPSG:4326; None or empty gives no entry.

    Returns
    -------
    dict of id to Steepness
        In UTM of the outline's own zone. Slope by Horn (1981), doi:10.1109/PROC.1981.11918.

    Raises
    ------
    UnreadableFile, InvalidInput, MissingCRS
        As `terrain.read_layer`.
    """
    found = {}
    for name, outline in outlines.items():
        if outline is None or outline.is_empty:
            continue
        crs = _utm(outline)
        placed = gpd.GeoSeries([outline], crs="EPSG:4326").to_crs(crs).iloc[0]
        grid = _grid_around(placed.bounds, crs)
        slope = slope_deg(read_layer(elevation, grid, "elevation")).values
        covered = coverage(placed, grid)
        if covered is not None:
            window, share = covered
            found[name] = of_slope(slope[window.slices], share)
    return found


def of_slope(slope: NDArray[np.floating[Any]], share: NDArray[np.float64]) -> Steepness:
    """Mean and 90th percentile of slopes weighted by the share of each pixel inside.

    Examples
    --------
    >>> import numpy as np
    >>> of_slope(np.array([[10.0, 20.0, 40.0]]), np.array([[0.5, 0.45, 0.05]]))
    Steepness(mean=16.0, steep=20.0, known_share=1.0)
    """
    known = np.isfinite(slope) & (share > 0)
    total = float(share.sum())
    part = float(share[known].sum()) / total if total else 0.0
    if part < _KNOWN_SHARE:
        return Steepness(math.nan, math.nan, part)
    order = np.argsort(slope[known], kind="stable")
    values, weights = slope[known][order].astype(np.float64), share[known][order]
    reached = np.cumsum(weights) / weights.sum()
    place = int(np.searchsorted(reached, STEEP_QUANTILE - 1e-9))
    return Steepness(float(np.average(values, weights=weights)), float(values[place]), part)


def _utm(outline: Any) -> str:
    point = outline.representative_point()
    zone = min(int((point.x + 180) // 6) + 1, 60)
    return f"EPSG:{(_NORTH if point.y >= 0 else _SOUTH) + zone}"


def _grid_around(bounds: tuple[float, float, float, float], crs: str) -> Grid:
    """Pixels of 30 m at whole multiples, so that neighbours share them."""
    west, south, east, north = bounds
    left = math.floor(west / PIXEL_M) - _MARGIN
    top = math.ceil(north / PIXEL_M) + _MARGIN
    width = math.ceil(east / PIXEL_M) + _MARGIN - left
    height = top - (math.floor(south / PIXEL_M) - _MARGIN)
    return Grid(crs, left * PIXEL_M, top * PIXEL_M, PIXEL_M, height, width)
