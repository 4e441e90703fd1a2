"""A map of land cover as a provider of such maps would deliver it: coarse classes, some wrong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reverdure.simulate.landscape import (
    CELLS_PER_PIXEL,
    DOUBLE_CROP,
    FLOOR,
    FOREST,
    GRASS,
    MARGIN_PIXELS,
    PANEL,
    PLANTATION,
    SINGLE_CROP,
    WATER_COMPONENT,
    Landscape,
)
from reverdure.simulate.patches import Patch
from reverdure.simulate.randomness import smooth_field, stream
from reverdure.simulate.worlds import World
from reverdure.simulate.zones import Record

# class numbers of ESA WorldCover (Zanaga et al. 2022, doi:10.5281/zenodo.7254221)
TREES, GRASSLAND, CROPS, BUILT, BARE, LAKE = 10, 30, 40, 50, 60, 80
CLASSES = (TREES, GRASSLAND, CROPS, BUILT, BARE, LAKE)
_CLASS_OF_KIND = np.array(
    [TREES, TREES, GRASSLAND, CROPS, CROPS, BUILT, LAKE, BARE], np.uint8
)  # in the order of KINDS
_BARE_UNDER = 0.2


def cover_map(
    landscape: Landscape, patches: Sequence[Patch], world: World, record: Record, seed: int
) -> NDArray[np.uint8]:
    """Land cover in the last year of the record on the grid of the imagery.

    Parameters
    ----------
    landscape : Landscape
    patches : sequence of Patch
        All ground that changes.
    world : World
        Says which share of the map is wrong.
    record : Record
    seed : int

    Returns
    -------
    (y, x) uint8
        10 trees, 30 grass, 40 crops, 50 built (solar panels too), 60 bare or sparse, 80
        water: the class of most cells of a pixel, the lower number on a tie. Where the map
        is wrong, in patches of a few pixels, a class stands there by its share of the land.
    """
    cells = _CLASS_OF_KIND[landscape.kind]
    for patch in patches:
        held = patch.label > 0
        cells[patch.slices][held] = _of_patch(patch, record.last)[held]
    blocks = cells.reshape(cells.shape[0] // CELLS_PER_PIXEL, CELLS_PER_PIXEL, -1, CELLS_PER_PIXEL)
    votes = np.stack([(blocks == one).sum(axis=(1, 3)) for one in CLASSES])
    inner = slice(MARGIN_PIXELS, -MARGIN_PIXELS)
    true = np.array(CLASSES, np.uint8)[votes.argmax(axis=0)][inner, inner]
    rng = stream(seed, "cover map")
    doubt = smooth_field(rng, (true.shape[0], true.shape[1]), 2)
    wrong = doubt > np.quantile(doubt, 1 - world.cover_error_share)
    return np.where(wrong, rng.permutation(true.ravel()).reshape(true.shape), true)


def _of_patch(patch: Patch, year: int) -> NDArray[np.uint8]:
    shares = dict(zip(patch.components, patch.layers(year), strict=True))
    nothing = np.zeros(patch.label.shape, np.float32)

    def total(components: Sequence[int]) -> NDArray[np.float32]:
        return sum((shares[one] for one in components if one in shares), nothing)

    leaves = [total((FOREST, PLANTATION)), total((GRASS,)), total((SINGLE_CROP, DOUBLE_CROP))]
    tallest = np.array([TREES, GRASSLAND, CROPS], np.uint8)[np.argmax(leaves, axis=0)]
    found = np.where(total(range(FLOOR)) < _BARE_UNDER, np.uint8(BARE), tallest)
    found = np.where(total((PANEL,)) > 0, np.uint8(BUILT), found)
    return np.asarray(np.where(total((WATER_COMPONENT,)) > 0, np.uint8(LAKE), found))
