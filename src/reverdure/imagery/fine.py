"""Yearly pictures from Sentinel-2 on 10 m cells of the Landsat lattice."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.errors import GridMismatch, InvalidInput, UnknownOption
from reverdure.core.grid import Grid
from reverdure.imagery.composites import METHODS, composite, season_year
from reverdure.imagery.sensors import REFLECTIVE
from reverdure.imagery.sentinel2 import (
    Sentinel2Scene,
    fine_bands,
    read_clear,
    read_reflectance,
)

TIMES = 3
"""Fine cells along the side of a Landsat pixel: cell (r, c) lies in pixel (r // 3, c // 3)."""


def fine_grid(grid: Grid) -> Grid:
    """Cells of a third of the pixels of `grid`, with the same corner.

    Raises
    ------
    GridMismatch
        If the cells would not be 10 m.

    Examples
    --------
    >>> fine_grid(Grid("EPSG:32650", 390_015, 3_120_015, 30, 4, 5)).shape
    (12, 15)
    """
    if abs(grid.pixel - 30) > 0.3:
        raise GridMismatch(
            f"pixels of {grid.pixel} m cannot be cut into cells of 10 m; they must be 30 m."
        )
    height, width = TIMES * grid.height, TIMES * grid.width
    return Grid(grid.crs, grid.west, grid.north, grid.pixel / TIMES, height, width)


def fine_composite(
    scenes: Sequence[Sentinel2Scene],
    grid: Grid,
    season: tuple[str, str],
    method: str = "medoid",
) -> xr.Dataset:
    """Composite of one season's Sentinel-2 scenes on 10 m cells.

    Parameters
    ----------
    scenes : sequence of Sentinel2Scene
        All of one season, in any order.
    grid : Grid
        Cells, from `fine_grid`.
    season : two of "MM-DD"
    method : {"medoid", "median"}

    Returns
    -------
    xarray.Dataset with dims (y, x)
        blue, green, red, nir, swir1, swir2 : float32, reflectance
            NaN where nothing was clear.
        nir_20m : float32, reflectance
            Near infrared as pixels of 20 m see it, of the observation chosen.
        n_clear, source : int16
            As in `composite_tile`; `attrs["scene_ids"]` lists what `source` numbers.

    Raises
    ------
    InvalidInput
        If the scenes are not of one season.
    UnknownOption
        If the method or a day of the season is not known.
    UnreadableFile
        If a file cannot be read, by name.

    Notes
    -----
    Bands are interpolated bilinearly from their own pixels. Tiles of one day overlap and
    show the same pass: an observation counts once.
    """
    if method not in METHODS:
        raise UnknownOption(f"method {method!r} is not known; use one of {', '.join(METHODS)}.")
    labels = {season_year(scene.date, season) for scene in scenes}
    if None in labels or len(labels) > 1:
        raise InvalidInput(f"scenes of one season {season} expected, got the years {labels}.")
    ordered = sorted(scenes, key=lambda scene: (scene.date, scene.scene_id))
    bands = fine_bands()
    stack = np.empty((len(ordered), len(bands), *grid.shape), np.float32)
    masks: list[NDArray[np.bool_]] = []
    kept: list[int] = []
    seen_on: dict[tuple[date, str], NDArray[np.bool_]] = {}
    for number, scene in enumerate(ordered):
        clear = read_clear(scene, grid)
        day = (scene.date, scene.sensor)
        if day in seen_on:
            clear &= ~seen_on[day]
        if not clear.any():
            continue
        layer = stack[len(kept)]
        for place, band in enumerate(bands):
            layer[place] = read_reflectance(scene, band, grid)
        clear &= ~np.isnan(layer[: len(REFLECTIVE)]).any(axis=0)
        seen_on[day] = clear | seen_on.get(day, False)
        masks.append(clear)
        kept.append(number)
    moments = np.array([ordered[number].date.toordinal() for number in kept], np.int64)
    clear_stack = np.stack(masks) if masks else np.zeros((0, *grid.shape), np.bool_)
    layers = composite(
        stack[: len(kept)], clear_stack, bands, moments, np.array(kept, np.intp), method
    )
    ids = [scene.scene_id for scene in ordered]
    variables = {name: (("y", "x"), values) for name, values in layers.items()}
    return xr.Dataset(variables, grid.coordinates(), {"scene_ids": ids})
