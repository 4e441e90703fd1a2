"""What is true: restored hectares of every claim and the year of damage of every pixel."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.simulate.landscape import (
    CELL_M,
    CELLS_PER_PIXEL,
    MARGIN_PIXELS,
    Landscape,
)
from reverdure.simulate.outlines import cells_inside
from reverdure.simulate.patches import Patch, weather_factor
from reverdure.simulate.programme import Site, distinct_patches
from reverdure.simulate.zones import Record

RESTORED_FROM = 0.8
N_LAST_YEARS = 2


def restored_zones(
    patch: Patch, record: Record, weather: NDArray[np.float64], by: int | None = None
) -> NDArray[np.bool_]:
    """Whether each zone of a patch is restored, by its own definition.

    Parameters
    ----------
    patch : Patch
    record : Record
    weather : (year,) float64
        Anomaly of every year of the record.
    by : int, optional
        Year at whose end it is asked; the last of the record unless given.

    Returns
    -------
    (zone,) bool
        True where mean cover, averaged over the last two years, has gone at least 80 %
        of the way from bare land to the undisturbed land around. False before the record
        and where nothing was damaged until then.
    """
    way = np.zeros(len(patch.zones))
    by = record.last if by is None else by
    if by - N_LAST_YEARS + 1 < record.first:
        return way > 0
    for back in range(N_LAST_YEARS):
        year = by - back
        anomaly = float(weather[year - record.first])
        cover = patch.leaf_cover(year, anomaly)
        sizes = np.bincount(patch.label.ravel(), minlength=len(way) + 1)[1:]
        sums = np.bincount(
            patch.label.ravel(), weights=cover.ravel().astype(float), minlength=len(way) + 1
        )[1:]
        reference = patch.reference_cover * weather_factor(patch.main_kind, anomaly)
        mean = sums / np.maximum(sizes, 1)
        way += (mean - patch.bare_cover) / (reference - patch.bare_cover) / N_LAST_YEARS
    was_damaged = np.array(
        [zone.damage_year <= by + 1 - N_LAST_YEARS for zone in patch.zones], bool
    )
    return np.asarray((way >= RESTORED_FROM) & was_damaged)


def restored_ha(
    site: Site, ground: shapely.Geometry, landscape: Landscape, restored: NDArray[np.bool_]
) -> float:
    """Area of restored zones inside a claim's ground, [ha]."""
    if ground.is_empty:
        return 0.0
    inside = _inside(site.patch, ground, landscape)
    lookup = np.concatenate([[False], restored])
    return float((lookup[site.patch.label] & inside).sum() * CELL_M**2 / 1e4)


def ground_damage_year(site: Site, ground: shapely.Geometry, landscape: Landscape) -> int:
    """Median year in which the mined cells of a ground went bare; 0 where none did."""
    patch = site.patch
    years = patch.damage_year[_inside(patch, ground, landscape) & (patch.label > 0)]
    return int(np.median(years)) if years.size else 0


def _inside(patch: Patch, ground: shapely.Geometry, landscape: Landscape) -> NDArray[np.bool_]:
    window, inside = cells_inside(ground, landscape.cells)
    whole = np.zeros(landscape.cells.shape, bool)
    whole[window] = inside
    return np.asarray(whole[patch.slices])


def damage_year_map(sites: Sequence[Site], landscape: Landscape) -> NDArray[np.int16]:
    """Year in which listed mines damaged each pixel of the imagery, (y, x) int16.

    Returns
    -------
    (y, x) int16
        The most frequent year among the cells of a pixel, the earlier on a tie; 0 where
        fewer than half of them were ever mined.
    """
    height, width = landscape.grid.shape
    pixels, years = [], []
    for patch in distinct_patches(sites):
        rows, columns = np.nonzero(patch.label)
        row = (rows + patch.row) // CELLS_PER_PIXEL - MARGIN_PIXELS
        column = (columns + patch.column) // CELLS_PER_PIXEL - MARGIN_PIXELS
        pixels.append(row * width + column)
        years.append(patch.damage_year[rows, columns].astype(np.int64))
    pixel, year = np.concatenate(pixels), np.concatenate(years)
    pairs, counts = np.unique(np.stack([pixel, year]), axis=1, return_counts=True)
    mined = np.bincount(pixel, minlength=height * width)
    # by rising count, and falling year among equals, so that the last one written wins
    order = np.lexsort([-pairs[1], counts])
    result = np.zeros(height * width, np.int16)
    result[pairs[0][order]] = pairs[1][order]
    result[mined * 2 < CELLS_PER_PIXEL**2] = 0
    return result.reshape(height, width)
