"""The course of every zone of a mine: when damaged, when worked, how far it came back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.simulate.landscape import DOUBLE_CROP, SINGLE_CROP
from reverdure.simulate.patches import Zone
from reverdure.simulate.randomness import smooth_field
from reverdure.simulate.worlds import World


@dataclass(frozen=True, slots=True)
class Record:
    """First and last year of the imagery."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Number of years."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Works:
    """Year of damage, and first and last year of the works."""

    damage: int
    start: int
    year: int


def zone_labels(
    rng: np.random.Generator, inside: NDArray[np.bool_], n_zones: int
) -> NDArray[np.uint8]:
    """Parts of a mine with ragged borders, none of them tiny where it can be helped."""
    rows, columns = np.nonzero(inside)
    shape = (inside.shape[0], inside.shape[1])
    ragged = [5.0 * smooth_field(rng, shape, 6)[inside] for _ in range(2)]
    best, best_smallest = np.ones(rows.size, np.intp), -1
    for _ in range(12):
        seeds = rng.choice(rows.size, size=min(n_zones, rows.size), replace=False)
        distance = np.hypot(
            (rows + ragged[0])[:, None] - rows[seeds],
            (columns + ragged[1])[:, None] - columns[seeds],
        )
        nearest = np.argmin(distance, axis=1)
        smallest = int(np.bincount(nearest, minlength=n_zones).min())
        if smallest > best_smallest:
            best, best_smallest = nearest, smallest
    label = np.zeros(shape, np.uint8)
    label[inside] = best + 1
    return label


def draw_works(rng: np.random.Generator, kind: str, record: Record) -> Works:
    """Damage, start and end of the works, spread over whatever record there is."""
    damage = record.first + max(1, round(rng.uniform(0.10, 0.40) * record.length))
    if kind == "young":
        year = int(record.last - rng.integers(0, 2))
        return Works(damage, max(damage + 1, year - int(rng.integers(1, 4))), year)
    latest = max(damage + 1, record.last - 4)
    start = min(latest, damage + max(1, round(rng.uniform(0.08, 0.35) * record.length)))
    return Works(damage, start, min(start + int(rng.integers(1, 4)), max(start, record.last - 3)))


def draw_zones(
    rng: np.random.Generator,
    world: World,
    kind: str,
    sizes: NDArray[np.intp],
    main_kind: int,
    works: Works,
    record: Record,
) -> tuple[Zone, ...]:
    """Zones of a mine whose claim is of a kind.

    Parameters
    ----------
    rng : numpy.random.Generator
    world : World
    kind : str
        A key of `KIND_SHARES`.
    sizes : (zone,) int
        Cells of each zone.
    main_kind : int
        Kind of land it was.
    works : Works
    record : Record

    Returns
    -------
    tuple of Zone
        The first is damaged and worked first, the others follow.
    """
    spread = min(4, max(1, record.length // 7))
    zones = []
    for position, fate in enumerate(_fates(rng, kind, sizes)):
        later = 0 if position == 0 else int(rng.integers(0, spread + 1))
        start = works.start if position == 0 else int(rng.integers(works.start, works.year + 1))
        damage = min(works.damage + later, works.start - 1)
        begins = float(rng.uniform(start, works.year + 0.5))
        zones.append(_zone(rng, world, fate, main_kind, (damage, begins)))
    return tuple(zones)


def _fates(rng: np.random.Generator, kind: str, sizes: NDArray[np.intp]) -> list[str]:
    """What becomes of each zone: restored, failed, unworked, young or panel."""
    if kind in ("young", "photovoltaic"):
        return ["young" if kind == "young" else "panel"] * len(sizes)
    lost = [str(fate) for fate in rng.choice(["failed", "unworked"], len(sizes), p=[0.6, 0.4])]
    if kind == "false":
        return lost
    if kind == "true":
        fates = ["restored"] * len(sizes)
        if len(sizes) >= 3 and rng.random() < 0.35:
            fates[int(np.argmin(sizes))] = "unworked"
        return fates
    # of all ways to restore some zones, the one nearest to a share drawn for this mine
    wanted = rng.uniform(0.30, 0.65)
    chosen = np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes)) & 1
    share = chosen @ sizes / sizes.sum()
    best = chosen[int(np.argmin(np.abs(share - wanted)))]
    # an unworked zone would not be part of what is claimed
    return ["restored" if picked else "failed" for picked in best]


def draw_growth(rng: np.random.Generator, world: World, main_kind: int) -> tuple[float, float]:
    """Time constants of cover and of the canopy, [year]."""
    lag = float(world.canopy_lag_years * rng.uniform(0.6, 1.6))
    if main_kind in (SINGLE_CROP, DOUBLE_CROP):
        lag = 0.4
    return float(world.regrowth_years * rng.uniform(0.6, 1.5)), lag


def _zone(
    rng: np.random.Generator,
    world: World,
    fate: str,
    main_kind: int,
    times: tuple[int, float],
) -> Zone:
    damage_year, begins = times
    years, lag = draw_growth(rng, world, main_kind)
    if fate == "restored":
        # some end near the 80 % that decide
        near = rng.random() < 0.15
        share = rng.uniform(0.76, 0.87) if near else rng.uniform(0.87, 1.03)
        return Zone(damage_year, begins, share, years, lag)
    if fate == "failed":
        near = rng.random() < 0.20
        share = rng.uniform(0.55, 0.76) if near else rng.uniform(0.05, 0.55)
        return Zone(damage_year, begins, share, years, lag)
    if fate == "young":
        return Zone(damage_year, begins, rng.uniform(0.7, 1.0), years, lag, full_grown=False)
    if fate == "panel":
        return Zone(damage_year, begins, rng.uniform(0.2, 0.5), years, panel=True)
    # nobody worked here: weeds come slowly from the year after the damage
    return Zone(damage_year, damage_year + 1.0, rng.uniform(0.0, 0.2), 12.0, is_worked=False)
