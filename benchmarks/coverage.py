"""Exact coverage of 10,000 small polygons, beside exactextract where that is installed."""

import importlib.util
import time

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.figures import Figure
from reverdure.core.grid import Grid
from reverdure.ground.coverage import coverage
from reverdure.kernels import warm_up

GRID = Grid("EPSG:32650", 400_000.0, 3_100_000.0, 30.0, 2000, 2000)
POLYGONS = 10_000


def measure() -> list[Figure]:
    """CPU time of both on the same polygons."""
    polygons = small_polygons(POLYGONS)
    warm_up()
    begun = time.process_time()
    found = [coverage(polygon, GRID) for polygon in polygons]
    ours_s = time.process_time() - begun
    pixels = np.mean([(share[1] > 0).sum() for share in found if share is not None])
    figures = [
        Figure("pixels a polygon touches, mean", float(pixels)),
        Figure("coverage of 10,000 polygons", ours_s, "s CPU"),
    ]
    if importlib.util.find_spec("exactextract"):
        theirs_s = _exactextract_s(polygons)
        figures.append(Figure("exactextract on the same polygons", theirs_s, "s CPU"))
    return figures


def small_polygons(n_polygons: int, seed: int = 1) -> NDArray[np.object_]:
    """Ragged polygons of mine size: lognormal, median 2 ha."""
    rng = np.random.default_rng(seed)
    west, south, east, north = GRID.bounds
    polygons = []
    for area_m2 in rng.lognormal(np.log(2e4), 1.0, n_polygons):
        n = int(rng.integers(6, 40))
        angle = (np.arange(n) + rng.uniform(0, 0.9, n)) * 2 * np.pi / n
        radius = np.sqrt(area_m2 / np.pi) * rng.uniform(0.5, 1.5, n)
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        ring = np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
        polygons.append(shapely.Polygon(ring))
    return np.array(polygons, dtype=object)


def _exactextract_s(polygons: NDArray[np.object_]) -> float:
    import geopandas as gpd
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    west, south, east, north = GRID.bounds
    number = np.arange(GRID.height * GRID.width, dtype=float).reshape(GRID.shape)
    source = NumPyRasterSource(number, xmin=west, ymin=south, xmax=east, ymax=north)
    frame = gpd.GeoDataFrame(geometry=polygons, crs=GRID.crs)
    begun = time.process_time()
    exact_extract(source, frame, ["cell_id", "coverage"], output="pandas")
    return time.process_time() - begun
