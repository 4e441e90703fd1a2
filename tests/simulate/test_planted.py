"""Planted cases: each is what its name says, and the rest of the county is left alone."""

from collections import Counter

import numpy as np
import pytest
import shapely

from reverdure.core.errors import InvalidInput
from reverdure.simulate.claims import Claim
from reverdure.simulate.county import County, make_county
from reverdure.simulate.cover import CLASSES, LAKE, TREES, cover_map
from reverdure.simulate.landscape import (
    CELLS_PER_PIXEL,
    FOREST,
    MARGIN_PIXELS,
    PLANTATION,
    ROCK,
    TOWN,
    WATER,
    WATER_COMPONENT,
)
from reverdure.simulate.outlines import cells_inside
from reverdure.simulate.patches import Patch
from reverdure.simulate.planted import PLANTED_KINDS
from reverdure.simulate.programme import Site
from reverdure.simulate.spoilers import RINGS

SETTINGS = {"n_mines": 1, "n_years": 12, "seed": 5}


@pytest.fixture(scope="module")
def planted() -> County:
    return make_county(**SETTINGS, planted=True)


def cases(county: County, kind: str) -> list[tuple[Site, Claim]]:
    """Sites and claims of a kind."""
    sites = {site.mine_id: site for site in county.sites}
    return [(sites[claim.mine_id], claim) for claim in county.claims if claim.kind == kind]


def mean_cover(county: County, patch: Patch, year: int) -> float:
    """Cover under leaves inside a patch in a mean year, straight from its components."""
    shares = dict(zip(patch.components, patch.layers(year), strict=True))
    return float(
        sum(shares.get(kind, 0 * patch.texture) for kind in range(5))[patch.label > 0].mean()
    )


def way(county: County, patch: Patch, year: int) -> float:
    """Share of the way from bare to reference at which a patch stands."""
    depth = patch.reference_cover - patch.bare_cover
    return (mean_cover(county, patch, year) - patch.bare_cover) / depth


def test_the_county_itself_is_the_same_with_and_without(planted: County) -> None:
    plain = make_county(**SETTINGS)
    n_claims, n_columns = len(plain.claims), plain.landscape.cells.width
    assert planted.claims[:n_claims] == plain.claims
    assert planted.mines[0].name == plain.mines[0].name
    assert planted.mines[0].outline.equals(plain.mines[0].outline)
    assert np.array_equal(planted.sites[0].patch.texture, plain.sites[0].patch.texture)
    for layer in ("kind", "cover", "brightness"):
        whole = getattr(planted.landscape, layer)
        assert np.array_equal(whole[:, :n_columns], getattr(plain.landscape, layer))
    elevation = planted.landscape.elevation
    assert np.array_equal(elevation[:, : plain.landscape.grid.width], plain.landscape.elevation)
    # and the terrain does not break off where the planted land begins
    seam = plain.landscape.grid.width
    steps = np.abs(np.diff(elevation, axis=1))
    assert steps[:, seam - 1].mean() < 2 * steps[:, : seam - 1].mean()


def test_every_kind_is_planted_and_numbered_after_the_others(planted: County) -> None:
    kinds = Counter(claim.kind for claim in planted.claims[1:])
    assert set(kinds) == set(PLANTED_KINDS)
    assert [claim.claim_id for claim in planted.claims] == sorted(
        {claim.claim_id for claim in planted.claims}
    )
    assert [site.mine_id for site in planted.sites] == [
        f"M{k:05d}" for k in range(1, len(planted.sites) + 1)
    ]
    for site in planted.sites[1:]:
        assert 2.4 <= site.area_ha <= 15.1
        assert site.is_planted


def test_a_county_of_sixty_mines_holds_three_of_each() -> None:
    county = make_county(n_mines=60, n_years=30, seed=7, planted=True)
    kinds = Counter(claim.kind for claim in county.claims if claim.kind in PLANTED_KINDS)
    assert min(kinds[kind] for kind in PLANTED_KINDS) == 3
    for _, claim in cases(county, "green_before_claim"):
        assert claim.payable_ha == 0
        assert claim.is_true
    for _, claim in cases(county, "lost_again"):
        assert claim.restored_ha == 0


def test_what_never_was_a_mine_has_no_damage(planted: County) -> None:
    land = planted.landscape
    for kind in ("never_damaged", "bare_slope"):
        for site, claim in cases(planted, kind):
            window, inside = cells_inside(site.outline, land.cells)
            changed = np.zeros(land.cells.shape, bool)
            for patch in planted.patches:
                changed[patch.slices] |= patch.label > 0
            assert not changed[window][inside].any()
            assert (claim.restored_ha, claim.damage_year) == (0, 0)
            assert claim.claimed_ha == pytest.approx(site.listed.area / 1e4, rel=0.12)
            wooded = np.isin(land.kind[window][inside], (FOREST, PLANTATION))
            if kind == "never_damaged":
                assert wooded.mean() > 0.6
            else:
                assert (land.kind[window][inside] == ROCK).all()
                assert land.cover[window][inside].mean() < 0.2


def test_green_ground_was_green_two_years_before_the_claimed_start(planted: County) -> None:
    for site, claim in cases(planted, "green_before_claim"):
        assert way(planted, site.patch, site.start_year - 2) >= 0.8
        assert way(planted, site.patch, planted.record.last) >= 0.85
        damaged = site.patch.zones[0].damage_year
        assert way(planted, site.patch, damaged) < 0.05
        assert claim.restored_before_start_ha == claim.restored_ha > 0.8 * claim.claimed_ha
        assert claim.payable_ha == 0
        assert claim.is_true


def test_old_damage_is_bare_in_the_first_image(planted: County) -> None:
    record = planted.record
    for kind, is_restored in (
        ("damage_before_record", True),
        ("damage_before_record_failed", False),
    ):
        for site, claim in cases(planted, kind):
            assert all(zone.damage_year < record.first for zone in site.patch.zones)
            assert claim.damage_year < record.first
            assert way(planted, site.patch, record.first) < 0.1
            assert claim.is_true is is_restored
            assert (way(planted, site.patch, record.last) > 0.8) is is_restored


def test_lost_ground_had_recovered_and_is_bare_at_the_end(planted: County) -> None:
    record = planted.record
    for site, claim in cases(planted, "lost_again"):
        (lost,) = {zone.lost_year for zone in site.patch.zones}
        assert record.last - 3 <= lost <= record.last - 1
        assert way(planted, site.patch, lost - 1) > 0.85
        assert all(way(planted, site.patch, year) < 0.05 for year in range(lost, record.last + 1))
        assert claim.restored_ha == 0


def test_ground_claimed_twice_is_one_ground_in_two_drawings(planted: County) -> None:
    firsts, seconds = cases(planted, "claimed_first"), cases(planted, "overlapping")
    assert len(firsts) == len(seconds) >= 2
    for (one, first), (other, second) in zip(firsts, seconds, strict=True):
        assert one.patch is other.patch
        assert first.mine_id != second.mine_id
        assert first.year < second.year
        common = one.listed.intersection(other.listed).area
        assert 0.75 < common / one.listed.union(other.listed).area < 0.995
        assert first.payable_ha == first.restored_ha > 0.8 * first.claimed_ha
        assert second.claimed_before_ha > 0.8 * second.claimed_ha
        assert second.payable_ha < 0.2 * second.claimed_ha
    assert {first.ground is None for _, first in firsts} == {True, False}
    # drawn once, or a pixel would be made of twice its area
    assert len({id(patch) for patch in planted.patches}) == len(planted.patches)


def test_a_pit_lake_is_water_at_the_end_and_not_restored(planted: County) -> None:
    for site, claim in cases(planted, "pit_lake"):
        patch = site.patch
        water = patch.components.index(WATER_COMPONENT)
        assert not patch.layers(site.start_year - 1)[water].any()
        lake = patch.layers(planted.record.last)[water] > 0
        share = lake.sum() / (patch.label > 0).sum()
        assert 0.1 < share < 0.8
        assert claim.restored_ha / claim.claimed_ha == pytest.approx(1 - share, abs=0.12)


def test_years_and_outlines_that_are_out_of_place(planted: County) -> None:
    record = planted.record
    for site, claim in cases(planted, "future_year"):
        assert claim.year > record.last
        assert way(planted, site.patch, record.last) < 0.05
    for _, claim in cases(planted, "young"):
        assert claim.year >= record.last - 1
    for site, claim in cases(planted, "no_outline"):
        listing = next(mine for mine in planted.mines if mine.mine_id == site.mine_id)
        assert listing.outline is None
        assert claim.restored_ha > 0


def spoiled(county: County, kind: str) -> np.ndarray:
    """Cells of land that is what a ring of this kind is spoiled with."""
    land = county.landscape
    if kind in ("ring_town", "ring_water"):
        return land.kind == (TOWN if kind == "ring_town" else WATER)
    found = np.zeros(land.cells.shape, bool)
    for patch in county.others:
        zone = patch.zones[0]
        if (kind == "ring_unlisted") is not zone.is_worked:
            found[patch.slices] |= patch.label > 0
    return found


@pytest.mark.parametrize("kind", RINGS)
def test_most_of_a_spoiled_ring_is_not_what_it_should_be(planted: County, kind: str) -> None:
    land, record = planted.landscape, planted.record
    for site, _ in cases(planted, kind):
        ring = site.outline.buffer(3000).difference(site.outline.buffer(500))
        window, inside = cells_inside(ring, land.cells)
        assert spoiled(planted, kind)[window][inside].mean() > 0.4
        near = site.outline.buffer(60)
        window, inside = cells_inside(near, land.cells)
        assert spoiled(planted, kind)[window][inside].mean() < 0.05
    clean = [site for site, _ in cases(planted, "damage_before_record")]
    for site in clean:
        window, inside = cells_inside(site.outline.buffer(3000), land.cells)
        assert spoiled(planted, kind)[window][inside].mean() < 0.3
    if kind == "ring_burnt":
        burns = [p for p in planted.others if p.zones[0].regrowth_from % 1 == pytest.approx(0.8)]
        assert len(burns) > 10
        for patch in burns:
            assert record.first < patch.zones[0].damage_year < record.last - 3
            assert patch.brightness[patch.label > 0].mean() < 0.7


def test_unlisted_mines_are_on_no_list(planted: County) -> None:
    outlines = shapely.union_all([site.outline.buffer(30) for site in planted.sites])
    window, inside = cells_inside(outlines, planted.landscape.cells)
    assert spoiled(planted, "ring_unlisted")[window][inside].mean() < 0.02
    unlisted = [patch.zones[0] for patch in planted.others if not patch.zones[0].is_worked]
    assert min(zone.damage_year for zone in unlisted) < planted.record.first
    assert max(zone.damage_year for zone in unlisted) >= planted.record.first


def test_the_map_of_land_cover_is_coarse_and_partly_wrong(planted: County) -> None:
    land = planted.landscape
    found = cover_map(land, planted.patches, planted.world, planted.record, planted.seed)
    assert found.shape == land.grid.shape
    assert set(np.unique(found)) <= set(CLASSES)
    margin = MARGIN_PIXELS * CELLS_PER_PIXEL
    inner = slice(margin, -margin)
    blocks = land.kind[inner, inner].reshape(found.shape[0], 6, found.shape[1], 6)
    untouched = np.ones(land.cells.shape, bool)
    for patch in planted.patches:
        untouched[patch.slices] &= patch.label == 0
    still = untouched[inner, inner].reshape(blocks.shape).all(axis=(1, 3))
    wooded = np.isin(blocks, (FOREST, PLANTATION)).all(axis=(1, 3)) & still
    lake = (blocks == WATER).all(axis=(1, 3)) & still
    error = planted.world.cover_error_share
    # a wrong pixel may by chance be given its own class
    assert 1 - error - 0.03 < (found[wooded] == TREES).mean() < 1
    assert 1 - error - 0.05 < (found[lake] == LAKE).mean() < 1


def test_a_record_too_short_for_planted_cases_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expected 12 to 41 years, got 11"):
        make_county(n_mines=1, n_years=11, seed=1, planted=True)


@pytest.mark.parametrize("seed", [0, 3])
def test_other_worlds_and_records_hold_every_case_too(seed: int) -> None:
    from reverdure.simulate.worlds import draw_world

    county = make_county(n_mines=2, n_years=20, seed=seed, world=draw_world(seed + 2), planted=True)
    assert set(PLANTED_KINDS) <= {claim.kind for claim in county.claims}
    for _, claim in cases(county, "green_before_claim"):
        assert claim.payable_ha == 0
        assert claim.is_true
