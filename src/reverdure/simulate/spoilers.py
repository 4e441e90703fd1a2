"""Land around mines that must not pass for undisturbed: unlisted mines, town, water, burns."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reverdure.simulate.annex import Annex
from reverdure.simulate.landscape import CELL_M, FOREST, PLANTATION, TOWN, WATER
from reverdure.simulate.outlines import blob, cells_inside
from reverdure.simulate.patches import Patch, Zone
from reverdure.simulate.programme import Setting, main_kind_of, make_patch

RINGS = ("ring_unlisted", "ring_town", "ring_water", "ring_burnt")
# ground this near to the middle stays as it is: the mines lie there
_INNER_M, _OUTER_M = 850.0, 3300.0
_SPOILED_SHARE = (0.60, 0.85)
_BLOB_HA = (25.0, 90.0)
# char is dark: brightness of burnt ground relative to bare soil
_CHAR = 0.45
_MOST_BLOBS = 1000
_MOST_OF_WHERE = 0.95

Part = tuple[tuple[slice, slice], NDArray[np.bool_]]


def spoil(
    rng: np.random.Generator, annex: Annex, setting: Setting, centre: tuple[float, float], kind: str
) -> list[Patch]:
    """Spoil the ring around a point.

    Parameters
    ----------
    rng : numpy.random.Generator
    annex : Annex
        Its land is changed where it becomes town or water.
    setting : Setting
        On the land of the annex.
    centre : (x, y), [m]
    kind : str
        One of `RINGS`.

    Returns
    -------
    list of Patch
        Ground with a course of its own.
    """
    if kind in ("ring_town", "ring_water"):
        becomes = TOWN if kind == "ring_town" else WATER
        everywhere = np.ones(annex.land.cells.shape, bool)
        for window, inside in _parts(rng, annex, centre, everywhere):
            annex.become(rng, window, inside, becomes)
        return []
    draw = _unlisted if kind == "ring_unlisted" else _burnt
    record = setting.record
    burn_year = int(rng.integers(record.first + 2, record.last - 5))
    patches = []
    # fire stops where the trees do
    trees = np.isin(annex.land.kind, (FOREST, PLANTATION))
    where = trees if kind == "ring_burnt" else np.ones_like(trees)
    for window, inside in _parts(rng, annex, centre, where):
        main_kind = main_kind_of(setting.landscape.kind[window][inside])
        zone = draw(rng, setting, burn_year)
        patch = make_patch(rng, setting, window, inside.astype(np.uint8), (zone,), main_kind)
        if kind == "ring_burnt":
            patch.brightness[...] *= np.float32(_CHAR)
        patches.append(patch)
    return patches


def _unlisted(rng: np.random.Generator, setting: Setting, _: int) -> Zone:
    """A mine that no list has, opened before the record or within it, and never worked on."""
    record = setting.record
    damage = int(rng.integers(record.first - 15, record.first + record.length // 2))
    return Zone(damage, damage + 1.0, float(rng.uniform(0.0, 0.2)), 12.0, is_worked=False)


def _burnt(rng: np.random.Generator, setting: Setting, burn_year: int) -> Zone:
    """Forest that burnt in the year of the fire or the year after, and came back."""
    year = burn_year + int(rng.random() < 0.3)
    world = setting.world
    return Zone(
        damage_year=year,
        regrowth_from=year + 0.8,
        share=float(rng.uniform(0.9, 1.0)),
        years_to_grow=world.regrowth_years * 0.8,
        canopy_lag_years=world.canopy_lag_years,
        full_grown=False,
    )


def _parts(
    rng: np.random.Generator,
    annex: Annex,
    centre: tuple[float, float],
    where: NDArray[np.bool_],
) -> Iterator[Part]:
    """Pieces of the ring, without overlap, until the share drawn for it is reached."""
    cells = annex.land.cells
    x = cells.west + (np.arange(cells.width) + 0.5) * CELL_M - centre[0]
    y = cells.north - (np.arange(cells.height) + 0.5) * CELL_M - centre[1]
    distance = np.hypot(x[None, :].astype(np.float32), y[:, None].astype(np.float32))
    free = (distance >= _INNER_M) & (distance <= _OUTER_M)
    wanted = float(free.sum()) * rng.uniform(*_SPOILED_SHARE)
    free &= where
    wanted = min(wanted, _MOST_OF_WHERE * float(free.sum()))
    for _ in range(_MOST_BLOBS):
        if wanted <= 0:
            return
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(_INNER_M**2, _OUTER_M**2))
        middle = centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle)
        area_ha = float(rng.uniform(*_BLOB_HA))
        window, inside = cells_inside(blob(rng, middle, area_ha), cells)
        inside = inside & free[window]
        if inside.any():
            free[window] &= ~inside
            wanted -= float(inside.sum())
            yield window, inside
