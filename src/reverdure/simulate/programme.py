"""What happens in the county: mines with their courses, and what is claimed about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.simulate.landscape import (
    DOUBLE_CROP,
    FLOOR,
    FOREST,
    GRASS,
    PLANTATION,
    RING_M,
    SINGLE_CROP,
    Landscape,
)
from reverdure.simulate.outlines import (
    as_listed,
    blob,
    cells_inside,
    mine_areas_ha,
    place,
)
from reverdure.simulate.patches import Patch, Zone, settle
from reverdure.simulate.randomness import smooth_field, stream
from reverdure.simulate.worlds import World
from reverdure.simulate.zones import Record, draw_works, draw_zones, zone_labels

KIND_SHARES = {"true": 0.42, "half": 0.21, "false": 0.20, "young": 0.09, "photovoltaic": 0.08}
_TWO_CLAIMS_SHARE = 0.10
# below this size a half would be smaller than what a satellite can judge
_TWO_CLAIMS_FROM_HA = 2.0
_HA_PER_FELLED = 250.0


@dataclass(frozen=True, eq=False, slots=True)
class Site:
    """A mine as it is.

    Attributes
    ----------
    mine_id : str
    kind : str
        Planned kind of its claim, a key of `KIND_SHARES`.
    area_ha : float
        Area of the true outline.
    outline, listed : shapely.Geometry
        True outline, and as the list draws it, in the CRS of the land.
    patch : Patch
    start_year, year : int
        First and last year of the works.
    aim : str
        Key of `core.codes.Aim`.
    has_outline, is_underground, has_two_claims : bool
    is_planted : bool
        True for a case with a reason of its own (`simulate.planted`).
    states_ground : bool
        True where its claim comes with a polygon of the whole ground.
    claimed_before : shapely.Geometry or None
        Ground that was claimed earlier under the name of another mine.
    """

    mine_id: str
    kind: str
    area_ha: float
    outline: shapely.Polygon
    listed: shapely.Geometry
    patch: Patch
    start_year: int
    year: int
    aim: str
    has_outline: bool
    is_underground: bool
    has_two_claims: bool
    is_planted: bool = False
    states_ground: bool = False
    claimed_before: shapely.Geometry | None = None


def distinct_patches(sites: Sequence[Site]) -> list[Patch]:
    """Patches of all sites, the ground of two sites once."""
    return list({id(site.patch): site.patch for site in sites}.values())


@dataclass(frozen=True, eq=False, slots=True)
class Setting:
    """What all patches of a county have in common; `reference` is mean cover by kind."""

    world: World
    landscape: Landscape
    record: Record
    reference: tuple[float, ...]


def make_programme(
    world: World, landscape: Landscape, n_mines: int, record: Record, seed: int
) -> tuple[list[Site], list[Patch]]:
    """Mines, and patches of felled forest around them.

    Returns
    -------
    sites : list of Site
        By mine id.
    felled : list of Patch
        Ground that lost its trees without any mine.
    """
    rng = stream(seed, "programme")
    areas = mine_areas_ha(rng, n_mines)
    taken: list[tuple[float, float, float]] = []
    centres = place(rng, landscape, areas, taken)
    kinds = _kinds(rng, n_mines)
    outlines = [blob(stream(seed, "shape", i), centres[i], areas[i]) for i in range(n_mines)]
    free = np.ones(landscape.cells.shape, bool)
    for outline in outlines:
        window, inside = cells_inside(outline, landscape.cells)
        free[window] &= ~inside
    reference = tuple(landscape.mean_cover(kind, free) for kind in range(FLOOR))
    setting = Setting(world, landscape, record, reference)
    roles = _roles(rng, areas, kinds)
    sites = [
        _site(stream(seed, "mine", i), setting, i, outlines[i], kinds[i], roles)
        for i in range(n_mines)
    ]
    felled = fell_forest(stream(seed, "felled"), setting, taken)
    separate([*(site.patch for site in sites), *felled], landscape)
    return sites, felled


def separate(patches: Sequence[Patch], landscape: Landscape) -> None:
    """Leave a cell that two patches would hold to the first."""
    held = np.zeros(landscape.cells.shape, bool)
    for patch in patches:
        patch.label[held[patch.slices]] = 0
        held[patch.slices] |= patch.label > 0


@dataclass(frozen=True, slots=True)
class _Roles:
    """Mines, by position, with something about them."""

    without_outline: frozenset[int]
    underground: frozenset[int]
    two_claims: frozenset[int]


def _roles(rng: np.random.Generator, areas_ha: NDArray[np.float64], kinds: list[str]) -> _Roles:
    """Mines without outline, underground, or claimed twice.

    The first two are of middling size: a gap at either end of the sizes would show there.
    """
    n_mines, by_size = len(kinds), np.argsort(areas_ha)
    without = [int(by_size[n_mines // 3])] if n_mines >= 10 else []
    if n_mines >= 40:
        without.append(int(by_size[2 * n_mines // 3]))
    underground = [int(by_size[n_mines // 2])] if n_mines >= 6 else []
    divisible = [
        i
        for i in range(n_mines)
        if areas_ha[i] > _TWO_CLAIMS_FROM_HA
        and kinds[i] in ("true", "half", "false")
        and i not in without
    ]
    twice = rng.permutation(divisible)[: round(_TWO_CLAIMS_SHARE * n_mines)]
    return _Roles(frozenset(without), frozenset(underground), frozenset(twice.tolist()))


def _kinds(rng: np.random.Generator, n_mines: int) -> list[str]:
    """Kinds of claims in fixed shares, so that none is missing where there is room."""
    shares = np.array(list(KIND_SHARES.values()))
    counts = np.floor(shares * n_mines).astype(int)
    rest = shares * n_mines - counts
    if n_mines >= len(counts):
        rest[counts == 0] += 1.0
    for i in np.argsort(-rest, kind="stable")[: n_mines - int(counts.sum())]:
        counts[i] += 1
    names = np.repeat(np.array(list(KIND_SHARES)), counts)
    return [str(name) for name in rng.permutation(names)]


def draw_aim(rng: np.random.Generator, kind: str, main_kind: int) -> str:
    """What the ground is said to have become, a key of `core.codes.Aim`."""
    if kind == "photovoltaic":
        return "photovoltaic"
    if main_kind in (SINGLE_CROP, DOUBLE_CROP):
        return "farmland"
    if main_kind == GRASS:
        return "grass"
    return "natural_recovery" if rng.random() < 0.15 else "forest"


def _site(
    rng: np.random.Generator,
    setting: Setting,
    number: int,
    outline: shapely.Polygon,
    kind: str,
    roles: _Roles,
) -> Site:
    window, inside = cells_inside(outline, setting.landscape.cells)
    area_ha = outline.area / 1e4
    fewest = 2 if kind == "half" else 1
    n_zones = max(fewest, min(6, 1 + round(float(rng.gamma(2.0, 0.45 * area_ha**0.35)))))
    label = zone_labels(rng, inside, n_zones)
    sizes = np.bincount(label.ravel(), minlength=n_zones + 1)[1:]
    main_kind = main_kind_of(setting.landscape.kind[window][inside])
    works = draw_works(rng, kind, setting.record)
    zones = draw_zones(rng, setting.world, kind, sizes, main_kind, works, setting.record)
    return Site(
        mine_id=f"M{number + 1:05d}",
        kind=kind,
        area_ha=area_ha,
        outline=outline,
        listed=as_listed(rng, outline, setting.world),
        patch=make_patch(rng, setting, window, label, zones, main_kind),
        start_year=works.start,
        year=works.year,
        aim=draw_aim(rng, kind, main_kind),
        has_outline=number not in roles.without_outline,
        is_underground=number in roles.underground,
        has_two_claims=number in roles.two_claims,
    )


def main_kind_of(kinds: NDArray[np.uint8]) -> int:
    """The kind with leaves that most cells are of."""
    return int(np.argmax(np.bincount(kinds, minlength=FLOOR)[:FLOOR]))


def make_patch(
    rng: np.random.Generator,
    setting: Setting,
    window: tuple[slice, slice],
    label: NDArray[np.uint8],
    zones: tuple[Zone, ...],
    main_kind: int,
) -> Patch:
    """Zones on the land of a setting, with the texture of bare and green ground drawn."""
    world, landscape = setting.world, setting.landscape
    shape = (label.shape[0], label.shape[1])
    texture = 1.0 + world.patchiness * (
        0.8 * smooth_field(rng, shape, 1.2) + 0.6 * smooth_field(rng, shape, 4)
    )
    return Patch(
        row=window[0].start,
        column=window[1].start,
        label=label,
        zones=zones,
        texture=np.clip(texture, 0.0, 2.0).astype(np.float32),
        cover_before=landscape.cover[window].copy(),
        brightness=(landscape.brightness[window] * rng.uniform(0.85, 1.15)).astype(np.float32),
        kind=settle(landscape, window, main_kind),
        main_kind=main_kind,
        regrown_kind=main_kind,
        bare_cover=world.bare_cover * float(rng.uniform(0.6, 1.6)),
        reference_cover=setting.reference[main_kind],
        grey_share=float(rng.random()),
        last_year=setting.record.last,
    )


def fell_forest(
    rng: np.random.Generator, setting: Setting, taken: list[tuple[float, float, float]]
) -> list[Patch]:
    """Forest cut in some year and grown back: it lies in the rings and is no mine."""
    world, landscape, record = setting.world, setting.landscape, setting.record
    county_ha = landscape.grid.width * landscape.grid.height * landscape.grid.pixel**2 / 1e4
    areas = rng.uniform(0.8, 6.0, round(county_ha / _HA_PER_FELLED))
    centres = place(rng, landscape, areas, taken, margin_m=RING_M / 10)
    patches = []
    for area_ha, centre in zip(areas, centres, strict=True):
        window, inside = cells_inside(blob(rng, centre, area_ha), landscape.cells)
        main_kind = main_kind_of(landscape.kind[window][inside])
        if main_kind not in (FOREST, PLANTATION):
            continue
        year = int(rng.integers(record.first + 1, record.last))
        zone = Zone(
            damage_year=year,
            regrowth_from=year + 1.0,
            share=float(rng.uniform(0.9, 1.0)),
            years_to_grow=world.regrowth_years * 0.8,
            canopy_lag_years=world.canopy_lag_years,
            full_grown=False,
        )
        label = inside.astype(np.uint8)
        patches.append(make_patch(rng, setting, window, label, (zone,), main_kind))
    return patches
