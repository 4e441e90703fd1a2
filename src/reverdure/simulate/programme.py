"""What happens in the county: mines with their courses, and what is claimed about them."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.simulate.landscape import (
    CELL_M,
    DOUBLE_CROP,
    FLOOR,
    FOREST,
    GRASS,
    LEAFY,
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


@dataclass(frozen=True, slots=True)
class Record:
    """First and last year of the imagery."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Number of years."""
        return self.last - self.first + 1


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
    reference = [landscape.mean_cover(kind, free) for kind in range(FLOOR)]
    by_size = np.argsort(areas)
    # two of middling size are special: a gap at either end of the sizes would tell more
    without_outline = {int(i) for i in by_size[[n_mines // 3]]} if n_mines >= 10 else set()
    if n_mines >= 40:
        without_outline.add(int(by_size[(2 * n_mines) // 3]))
    underground = int(by_size[n_mines // 2]) if n_mines >= 6 else -1
    sites = []
    for i in range(n_mines):
        draw = stream(seed, "mine", i)
        patch_kind, start, year, patch = _mine_patch(
            draw, world, landscape, outlines[i], kinds[i], reference, record
        )
        sites.append(
            Site(
                mine_id=f"M{i + 1:05d}",
                kind=kinds[i],
                area_ha=float(areas[i]),
                outline=outlines[i],
                listed=as_listed(draw, outlines[i], world),
                patch=patch,
                start_year=start,
                year=year,
                aim=_aim(draw, kinds[i], patch_kind),
                has_outline=i not in without_outline,
                is_underground=i == underground,
                has_two_claims=bool(
                    draw.random() < _TWO_CLAIMS_SHARE
                    and areas[i] > _TWO_CLAIMS_FROM_HA
                    and i not in without_outline
                    and kinds[i] in ("true", "half", "false")
                ),
            )
        )
    felled = _felled(world, landscape, taken, reference, record, seed)
    _separate([*(site.patch for site in sites), *felled], landscape)
    return sites, felled


def _separate(patches: list[Patch], landscape: Landscape) -> None:
    """Leave a cell that two patches would hold to the first."""
    held = np.zeros(landscape.cells.shape, bool)
    for patch in patches:
        patch.label[held[patch.slices]] = 0
        held[patch.slices] |= patch.label > 0


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


def _aim(rng: np.random.Generator, kind: str, main_kind: int) -> str:
    if kind == "photovoltaic":
        return "photovoltaic"
    if main_kind in (SINGLE_CROP, DOUBLE_CROP):
        return "farmland"
    if main_kind == GRASS:
        return "grass"
    return "natural_recovery" if rng.random() < 0.15 else "forest"


def _mine_patch(
    rng: np.random.Generator,
    world: World,
    landscape: Landscape,
    outline: shapely.Polygon,
    kind: str,
    reference: list[float],
    record: Record,
) -> tuple[int, int, int, Patch]:
    window, inside = cells_inside(outline, landscape.cells)
    areas_ha = inside.sum() * (CELL_M**2 / 1e4)
    fewest = 2 if kind == "half" else 1
    n_zones = max(fewest, min(6, 1 + round(float(rng.gamma(2.0, 0.45 * areas_ha**0.35)))))
    label = _zone_labels(rng, inside, n_zones)
    damage, start, year = _years(rng, kind, record)
    sizes = np.bincount(label.ravel(), minlength=n_zones + 1)[1:]
    fates = _fates(rng, kind, sizes)
    main_kind = _main_kind(landscape.kind[window][inside])
    spread = min(4, max(1, record.length // 7))
    zones = []
    for position, fate in enumerate(fates):
        begin = start if position == 0 else int(rng.integers(start, year + 1))
        damaged = damage + (0 if position == 0 else int(rng.integers(0, spread + 1)))
        zones.append(_zone(rng, world, fate, main_kind, min(damaged, start - 1), (begin, year)))
    patch = _patch(
        rng, world, landscape, (window, label), tuple(zones), main_kind, reference, record
    )
    return main_kind, start, year, patch


def _main_kind(kinds: NDArray[np.uint8]) -> int:
    return int(np.argmax(np.bincount(kinds, minlength=FLOOR)[:FLOOR]))


def _zone_labels(
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


def _years(rng: np.random.Generator, kind: str, record: Record) -> tuple[int, int, int]:
    """Damage, start and end of the works, spread over whatever record there is."""
    damage = record.first + max(1, round(rng.uniform(0.10, 0.40) * record.length))
    if kind == "young":
        year = int(record.last - rng.integers(0, 2))
        return damage, max(damage + 1, year - int(rng.integers(1, 4))), year
    latest = max(damage + 1, record.last - 4)
    start = min(latest, damage + max(1, round(rng.uniform(0.08, 0.35) * record.length)))
    return damage, start, min(start + int(rng.integers(1, 4)), max(start, record.last - 3))


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


def _zone(
    rng: np.random.Generator,
    world: World,
    fate: str,
    main_kind: int,
    damage_year: int,
    works: tuple[int, int],
) -> Zone:
    start, year = works
    wooded = main_kind in (FOREST, PLANTATION)
    lag = 0.4 if main_kind in (SINGLE_CROP, DOUBLE_CROP) else np.inf
    if wooded:
        lag = world.canopy_lag_years * rng.uniform(0.6, 1.6)
    years = world.regrowth_years * rng.uniform(0.6, 1.5)
    begins = rng.uniform(start, year + 0.5)
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


def _patch(
    rng: np.random.Generator,
    world: World,
    landscape: Landscape,
    ground: tuple[tuple[slice, slice], NDArray[np.uint8]],
    zones: tuple[Zone, ...],
    main_kind: int,
    reference: list[float],
    record: Record,
) -> Patch:
    window, label = ground
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
        reference_cover=reference[main_kind],
        grey_share=float(rng.random()),
        last_year=record.last,
    )


def _felled(
    world: World,
    landscape: Landscape,
    taken: list[tuple[float, float, float]],
    reference: list[float],
    record: Record,
    seed: int,
) -> list[Patch]:
    """Forest cut in some year and grown back: it lies in the rings and is no mine."""
    rng = stream(seed, "felled")
    county_ha = (landscape.grid.width * landscape.grid.pixel) ** 2 / 1e4
    count = round(county_ha / _HA_PER_FELLED)
    areas = rng.uniform(0.8, 6.0, count)
    patches = []
    for area_ha, centre in zip(
        areas, place(rng, landscape, areas, taken, margin_m=RING_M / 10), strict=True
    ):
        window, inside = cells_inside(blob(rng, centre, area_ha), landscape.cells)
        main_kind = _main_kind(landscape.kind[window][inside])
        if LEAFY[main_kind] not in ("forest", "plantation"):
            continue
        year = int(rng.integers(record.first + 1, record.last))
        zone = Zone(
            year, year + 1.0, rng.uniform(0.9, 1.0), world.regrowth_years * 0.8,
            world.canopy_lag_years, full_grown=False,
        )  # fmt: skip
        ground = (window, inside.astype(np.uint8))
        patches.append(_patch(rng, world, landscape, ground, (zone,), main_kind, reference, record))
    return patches
