"""Planted cases: for each reason an auditor meets, mines of which it is the truth.

They lie on land of their own to the east of the county, so that the ordinary mines and
claims of a seed are the same with and without them. Each kind has its own random numbers.
Their areas are drawn between 2.5 and 15 ha (8 ha in spoiled rings): what they test is the
reason, and a patch of a few pixels would be undecided for its size.

==============================  ==========================================================
kind in the truth               what is true
==============================  ==========================================================
never_damaged                   forest that never was a mine: 0 ha
bare_slope                      bare rock that never was a mine: 0 ha
green_before_claim              came back by itself years before the claimed start
damage_before_record            mined before the first image, restored within the record
damage_before_record_failed     mined before the first image, worked on in vain
lost_again                      restored, cleared again two to four years before the end
claimed_first, overlapping      one ground, claimed under two mines, the first completed
                                earlier; every second pair states the ground as polygons
future_year                     completion claimed for a year after the last image
young                           completed in the last two years
no_outline                      restored, and the list has no outline
pit_lake                        a part is water at the end, the rest is restored
ring_unlisted, ring_town,       true, half true and false claims whose ring of 3 km is to
ring_water, ring_burnt          60 to 85 % unlisted mines, town, water, or burnt forest
==============================  ==========================================================
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from reverdure.simulate.annex import Annex, Box, joined, make_annex
from reverdure.simulate.landscape import FLOOR, ROCK, Landscape
from reverdure.simulate.outlines import as_listed, blob, cells_inside
from reverdure.simulate.patches import Patch, Zone
from reverdure.simulate.programme import (
    Setting,
    Site,
    distinct_patches,
    draw_aim,
    fell_forest,
    main_kind_of,
    make_patch,
    separate,
)
from reverdure.simulate.randomness import stream
from reverdure.simulate.spoilers import RINGS, spoil
from reverdure.simulate.worlds import World
from reverdure.simulate.zones import (
    Record,
    Works,
    draw_growth,
    draw_works,
    draw_zones,
    zone_labels,
)

FEWEST_YEARS = 12
_SMALLEST_HA, _LARGEST_HA = 2.5, 15.0
# several lie together in the middle of a spoiled ring
_LARGEST_IN_CLUSTER_HA = 8.0
_MINES_PER_CASE = 20
_CLUSTER_M = 400.0
# time constants after which a zone has gone 80 % of its way
_TO_RECOVER = 1.4

Story = tuple[Works, tuple[Zone, ...]]


@dataclass(frozen=True, eq=False, slots=True)
class Plantation:
    """Planted mines, other ground that changes, and the land with them."""

    sites: list[Site]
    patches: list[Patch]
    landscape: Landscape


def plant(world: World, county: Landscape, record: Record, n_mines: int, seed: int) -> Plantation:
    """Add planted cases to a county of `n_mines`: three of each for 60 mines, at least one.

    Parameters
    ----------
    world : World
    county : Landscape
    record : Record
        At least `FEWEST_YEARS`.
    n_mines, seed : int

    Returns
    -------
    Plantation
        Sites numbered after those of the county; rows and columns of the joined land.
    """
    count = max(1, round(n_mines / _MINES_PER_CASE))
    pairs, clustered = max(2, count), max(2, count)
    n_plain = count * len(_ALONE) + pairs
    annex = make_annex(world, county, n_plain, len(RINGS), seed)
    whole = joined(county, annex.land)
    everywhere = np.ones(whole.cells.shape, bool)
    reference = tuple(whole.mean_cover(kind, everywhere) for kind in range(FLOOR))
    setting = Setting(world, annex.land, record, reference)
    sites: list[Site] = []
    for kind in _ALONE:
        for number in range(count):
            rng = stream(seed, f"planted {kind}", number)
            sites.append(_site(rng, annex, setting, annex.plain, kind))
    for number in range(pairs):
        sites += _pair(stream(seed, "planted pair", number), annex, setting, number % 2 == 1)
    patches: list[Patch] = []
    for kind, centre in zip(RINGS, annex.centres, strict=True):
        rng = stream(seed, f"planted {kind}")
        patches += spoil(rng, annex, setting, centre, kind)
        box = (centre[0] - _CLUSTER_M, centre[1] - _CLUSTER_M,
               centre[0] + _CLUSTER_M, centre[1] + _CLUSTER_M)  # fmt: skip
        fates = rng.permutation([("true", "false", "half")[i % 3] for i in range(clustered)])
        sites += [_site(rng, annex, setting, box, kind, str(fate)) for fate in fates]
    patches += fell_forest(stream(seed, "planted felled"), setting, annex.taken)
    separate([*distinct_patches(sites), *patches], annex.land)
    return _moved(sites, patches, county, annex, n_mines)


def _moved(
    sites: list[Site], patches: list[Patch], county: Landscape, annex: Annex, n_mines: int
) -> Plantation:
    """Numbered, and on the columns of the joined land."""
    columns = county.cells.width
    at = {id(patch): replace(patch, column=patch.column + columns)
          for patch in [*distinct_patches(sites), *patches]}  # fmt: skip
    return Plantation(
        [
            replace(site, mine_id=f"M{n_mines + k:05d}", patch=at[id(site.patch)])
            for k, site in enumerate(sites, start=1)
        ],
        [at[id(patch)] for patch in patches],
        joined(county, annex.land),
    )


def _site(
    rng: np.random.Generator,
    annex: Annex,
    setting: Setting,
    box: Box,
    kind: str,
    fate: str = "",
) -> Site:
    """A planted mine somewhere in a box; `fate` is what its claim is where the kind says not."""
    largest = _LARGEST_IN_CLUSTER_HA if kind in RINGS else _LARGEST_HA
    area_ha = float(np.exp(rng.uniform(np.log(_SMALLEST_HA), np.log(largest))))
    outline = blob(rng, annex.spot(rng, box, area_ha), area_ha)
    window, inside = cells_inside(outline, annex.land.cells)
    if kind == "bare_slope":
        annex.become(rng, window, inside, ROCK)
    main_kind = main_kind_of(annex.land.kind[window][inside])
    label = zone_labels(rng, inside, int(rng.integers(2, 4)))
    sizes = np.bincount(label.ravel())[1:]
    if fate:
        works = draw_works(rng, fate, setting.record)
        zones = draw_zones(rng, setting.world, fate, sizes, main_kind, works, setting.record)
    else:
        works, zones = _STORIES[kind](rng, setting, sizes, main_kind)
    if not zones:
        label[:] = 0
    return Site(
        mine_id="",
        kind=kind,
        area_ha=area_ha,
        outline=outline,
        listed=as_listed(rng, outline, setting.world),
        patch=make_patch(rng, setting, window, label, zones, main_kind),
        start_year=works.start,
        year=works.year,
        aim=draw_aim(rng, kind, main_kind),
        has_outline=kind != "no_outline",
        is_underground=False,
        has_two_claims=False,
        is_planted=True,
    )


def _pair(
    rng: np.random.Generator, annex: Annex, setting: Setting, states_ground: bool
) -> list[Site]:
    """One ground under two mines: the later claim has its own drawing of the outline."""
    first = replace(
        _site(rng, annex, setting, annex.plain, "claimed_first"), states_ground=states_ground
    )
    second = replace(
        first,
        kind="overlapping",
        listed=as_listed(rng, first.outline, setting.world),
        year=first.year + int(rng.integers(1, 3)),
        claimed_before=first.listed,
    )
    return [first, second]


def _untouched(
    rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
) -> Story:
    """Nothing ever happened; the claim has the years of any other."""
    return draw_works(rng, "true", setting.record), ()


def _green_before(
    rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
) -> Story:
    """Left alone after the damage, green again three years before the claimed start."""
    record = setting.record
    year = record.last - 4 - int(rng.integers(0, 1 + max(0, record.length - 14) // 4))
    start = year - (int(rng.integers(0, 2)) if record.length >= 16 else 0)
    damage = record.first + 1 + int(rng.integers(0, 1 + max(0, start - record.first - 7)))
    zones = [
        _restored(
            rng, setting, main_kind, damage, damage + float(rng.uniform(0.6, 1.0)), start - 3.0
        )
        for _ in sizes
    ]
    return Works(damage, start, year), tuple(zones)


def _before_record(
    rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
) -> Story:
    works = _old_works(rng, setting.record)
    zones = [
        _restored(
            rng, setting, main_kind, works.damage, float(rng.uniform(works.start, works.year + 0.5))
        )
        for _ in sizes
    ]
    return works, tuple(zones)


def _before_record_failed(
    rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
) -> Story:
    works = _old_works(rng, setting.record)
    zones = draw_zones(rng, setting.world, "false", sizes, main_kind, works, setting.record)
    return works, tuple(replace(zone, damage_year=works.damage) for zone in zones)


def _old_works(rng: np.random.Generator, record: Record) -> Works:
    """Damage one to six years before the first image, works some years after it."""
    start = record.first + max(2, round(rng.uniform(0.15, 0.40) * record.length))
    year = min(start + int(rng.integers(1, 3)), record.last - 4)
    return Works(record.first - int(rng.integers(1, 7)), start, year)


def _lost_again(
    rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
) -> Story:
    record = setting.record
    lost = record.last + 1 - int(rng.integers(2, 5))
    damage = record.first + 1 + int(rng.integers(0, 1 + max(0, record.length - 12)))
    start = damage + 1
    zones = [
        replace(
            _restored(
                rng, setting, main_kind, damage, float(rng.uniform(start, start + 0.6)), lost - 3.0
            ),
            lost_year=lost,
        )
        for _ in sizes
    ]
    return Works(damage, start, start + int(rng.integers(0, 2))), tuple(zones)


def _claimed_first(
    rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
) -> Story:
    """Restored early enough that a second claim has its clear years too."""
    record = setting.record
    damage = record.first + max(1, round(rng.uniform(0.10, 0.30) * record.length))
    start = min(damage + int(rng.integers(1, 3)), record.last - 7)
    works = Works(min(damage, start - 1), start, start + int(rng.integers(0, 2)))
    zones = [
        _restored(
            rng, setting, main_kind, works.damage, float(rng.uniform(start, works.year + 0.5))
        )
        for _ in sizes
    ]
    return works, tuple(zones)


def _future(
    rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
) -> Story:
    """Work that has only begun: still bare in the last image."""
    record = setting.record
    damage = draw_works(rng, "true", record).damage
    zones = [Zone(damage, record.last + 1.0, 1.0, 3.0, full_grown=False) for _ in sizes]
    return Works(damage, record.last, record.last + int(rng.integers(1, 3))), tuple(zones)


def _as_ordinary(fate: str) -> Callable[..., Story]:
    def draw(
        rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
    ) -> Story:
        works = draw_works(rng, fate, setting.record)
        return works, draw_zones(rng, setting.world, fate, sizes, main_kind, works, setting.record)

    return draw


def _pit_lake(
    rng: np.random.Generator, setting: Setting, sizes: NDArray[np.intp], main_kind: int
) -> Story:
    """All zones restored but one, which fills with water when the works begin."""
    works = draw_works(rng, "true", setting.record)
    lake = int(np.argmin(np.abs(sizes / sizes.sum() - rng.uniform(0.25, 0.60))))
    zones = [
        Zone(works.damage, float(works.start), 0.0, 1.0, lake=True)
        if number == lake
        else _restored(
            rng, setting, main_kind, works.damage, float(rng.uniform(works.start, works.year + 0.5))
        )
        for number in range(len(sizes))
    ]
    return works, tuple(zones)


def _restored(
    rng: np.random.Generator,
    setting: Setting,
    main_kind: int,
    damage: int,
    begins: float,
    by: float = np.inf,
) -> Zone:
    """A zone that comes back beyond doubt, and before `by` where that is given."""
    years, lag = draw_growth(rng, setting.world, main_kind)
    years = min(years, (by - begins) / _TO_RECOVER)
    return Zone(damage, begins, float(rng.uniform(0.92, 1.02)), years, lag)


_STORIES: Mapping[str, Callable[..., Story]] = MappingProxyType(
    {
        "never_damaged": _untouched,
        "bare_slope": _untouched,
        "green_before_claim": _green_before,
        "damage_before_record": _before_record,
        "damage_before_record_failed": _before_record_failed,
        "lost_again": _lost_again,
        "future_year": _future,
        "young": _as_ordinary("young"),
        "no_outline": _as_ordinary("true"),
        "pit_lake": _pit_lake,
        "claimed_first": _claimed_first,
    }
)
# a first claim comes with the claim that overlaps it
_ALONE = tuple(kind for kind in _STORIES if kind != "claimed_first")
PLANTED_KINDS = (*_STORIES, "overlapping", *RINGS)
