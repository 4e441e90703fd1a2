"""The truth, counted again by other means, and the mix of mines and claims."""

from collections import Counter

import numpy as np
import pytest
import rasterio.features
import shapely

from reverdure.simulate.county import County, make_county
from reverdure.simulate.landscape import CELLS_PER_PIXEL, COMPONENTS, MARGIN_PIXELS
from reverdure.simulate.outlines import mine_areas_ha
from reverdure.simulate.programme import KIND_SHARES
from reverdure.simulate.truth import damage_year_map, restored_zones


def cells_in(county: County, ground: shapely.Geometry) -> np.ndarray:
    """Cells whose centre lies in a ground, by the rasteriser of GDAL."""
    cells = county.landscape.cells
    return rasterio.features.geometry_mask(
        [ground], cells.shape, rasterio.Affine(*cells.transform), invert=True
    )


def cover_of_leaves(county: County, number: int, year: int) -> np.ndarray:
    """Cover under leaves of one mine, straight from the shares of its components."""
    patch = county.sites[number].patch
    response = {"forest": 0.5, "plantation": 0.5, "grass": 1.0, "single": 0.7, "double": 0.7}
    anomaly = county.weather[year - county.record.first]
    total = np.zeros(patch.label.shape)
    for share, component in zip(patch.layers(year), patch.components, strict=True):
        name = COMPONENTS[component]
        if name.endswith("_leaf"):
            factor = 1 + anomaly * response[name.split("_")[0]]
            total += share * min(max(factor, 0.8), 1 / 0.985)
    return total


def way_back(county: County, number: int, zone: int) -> float:
    """Mean way from bare land to the reference over the last two years."""
    patch = county.sites[number].patch
    response = {0: 0.5, 1: 0.5, 2: 1.0, 3: 0.7, 4: 0.7}[patch.main_kind]
    ways = []
    for year in (2023, 2024):
        anomaly = county.weather[year - county.record.first]
        cover = cover_of_leaves(county, number, year)[patch.label == zone].mean()
        factor = min(max(1 + anomaly * response, 0.8), 1 / 0.985)
        reference = patch.reference_cover * factor
        ways.append((cover - patch.bare_cover) / (reference - patch.bare_cover))
    return float(np.mean(ways))


def test_restored_hectares_are_those_of_an_independent_count(large: County) -> None:
    claims = {site.mine_id: [] for site in large.sites}
    for claim in large.claims:
        claims[claim.mine_id].append(claim)
    for number in range(0, 60, 4):
        site = large.sites[number]
        if len(claims[site.mine_id]) != 1 or not site.has_outline:
            continue
        (claim,) = claims[site.mine_id]
        inside = cells_in(large, site.listed)[site.patch.slices]
        restored = np.zeros_like(inside)
        for zone in range(1, len(site.patch.zones) + 1):
            if way_back(large, number, zone) >= 0.8:
                restored |= site.patch.label == zone
        expected = (restored & inside).sum() * 25 / 1e4
        # a cell or two may have its centre on the outline itself
        assert claim.restored_ha == pytest.approx(expected, abs=0.006)


def test_the_reference_is_the_cover_of_undisturbed_land(large: County) -> None:
    mined = np.zeros(large.landscape.cells.shape, bool)
    for site in large.sites:
        mined |= cells_in(large, site.outline)
    for site in large.sites[::10]:
        like = (large.landscape.kind == site.patch.main_kind) & ~mined
        assert site.patch.reference_cover == pytest.approx(
            float(large.landscape.cover[like].mean()), abs=1e-4
        )


def test_two_claims_of_a_mine_share_its_ground(large: County) -> None:
    twice = [m for m, n in Counter(c.mine_id for c in large.claims).items() if n == 2]
    assert twice
    for mine_id in twice:
        first, second = (claim for claim in large.claims if claim.mine_id == mine_id)
        site = next(site for site in large.sites if site.mine_id == mine_id)
        assert first.ground is not None
        assert second.ground is None
        assert 0.25 < first.ground.area / site.listed.area < 0.75
        assert first.restored_ha + second.restored_ha <= site.area_ha * 1.01


def test_the_damage_map_is_the_majority_of_its_cells(large: County) -> None:
    county = large
    years = np.zeros(county.landscape.cells.shape, int)
    for site in county.sites:
        window = years[site.patch.slices]
        window[site.patch.label > 0] = site.patch.damage_year[site.patch.label > 0]
    result = damage_year_map(county.sites, county.landscape)
    assert (result > 0).sum() > 1000
    margin = MARGIN_PIXELS * CELLS_PER_PIXEL
    n_ties = 0
    for row, column in np.ndindex(*result.shape):
        top, left = margin + 6 * row, margin + 6 * column
        block = years[top : top + 6, left : left + 6]
        found = block[block > 0]
        if found.size < 18:
            assert result[row, column] == 0
        else:
            counts = np.bincount(found)
            n_ties += int((counts == counts.max()).sum() > 1)
            # argmax takes the first, which is the earlier year
            assert result[row, column] == counts.argmax()
    assert n_ties >= 1


def test_every_kind_of_claim_is_there(large: County) -> None:
    kinds = Counter(claim.kind for claim in large.claims)
    assert set(kinds) == set(KIND_SHARES)
    assert kinds["true"] >= 15
    assert min(kinds.values()) >= 4
    for claim in large.claims:
        assert claim.is_true == (claim.restored_ha >= 0.8 * claim.claimed_ha)
        if claim.kind == "true":
            assert claim.is_true
        if claim.kind == "half":
            assert 0.2 <= claim.restored_ha / claim.claimed_ha < 0.8
        if claim.kind == "false":
            assert claim.restored_ha < 0.2 * claim.claimed_ha
        if claim.kind == "photovoltaic":
            assert claim.aim == "photovoltaic"
            assert claim.restored_ha == 0
        if claim.kind == "young":
            assert claim.year >= 2023
        else:
            assert claim.year <= 2021


def test_some_zones_end_near_the_share_that_decides(large: County) -> None:
    shares = [zone.share for site in large.sites for zone in site.patch.zones]
    assert sum(0.74 <= share <= 0.87 for share in shares) >= 5


def test_areas_are_lognormal_in_their_range_with_the_mean_asked_for() -> None:
    areas = mine_areas_ha(np.random.default_rng(1), 2000)
    assert areas.min() >= 0.3
    assert areas.max() <= 60
    assert areas.mean() == pytest.approx(3.4, abs=0.15)
    logs = np.log(areas)
    assert abs(np.median(logs) - np.log(1.75)) < 0.12
    few = mine_areas_ha(np.random.default_rng(1), 60)
    assert few.min() < 0.5
    assert few.max() > 12


def test_outlines_are_drawn_with_modest_errors(large: County) -> None:
    overlap = [
        site.outline.intersection(site.listed).area / site.outline.union(site.listed).area
        for site in large.sites
    ]
    assert 0.75 < np.median(overlap) < 0.97
    shifts = [site.outline.centroid.distance(site.listed.centroid) for site in large.sites]
    assert 2 < np.median(shifts) < 10


def test_a_few_mines_lack_an_outline_and_one_is_underground(large: County) -> None:
    assert sum(mine.outline is None for mine in large.mines) == 2
    assert [mine.mining_method for mine in large.mines].count("井工开采") == 1
    assert sum(mine.county == "" for mine in large.mines) >= 1
    assert len({mine.county for mine in large.mines} - {""}) >= 2


def test_mines_keep_clear_of_each_other_and_of_the_edge(large: County) -> None:
    west, south, east, north = large.landscape.grid.bounds
    box = shapely.box(west, south, east, north)
    for site in large.sites:
        assert site.outline.centroid.distance(box.exterior) >= 2999
    shapes = [site.outline for site in large.sites]
    pairs = [a.intersection(b).area for i, a in enumerate(shapes) for b in shapes[:i]]
    assert sum(pairs) < 0.001 * sum(shape.area for shape in shapes)


def test_a_longer_record_starts_earlier_and_ends_the_same(large: County) -> None:
    assert (large.record.first, large.record.last) == (1995, 2024)
    for site in large.sites:
        for zone in site.patch.zones:
            assert 1996 <= zone.damage_year <= site.start_year


def test_wet_years_move_mine_and_reference_together(large: County) -> None:
    patch = next(s.patch for s in large.sites if s.patch.main_kind == 0)
    wet, dry = patch.leaf_cover(1995, 0.05).sum(), patch.leaf_cover(1995, -0.05).sum()
    assert dry / wet == pytest.approx((1 - 0.025) / min(1 + 0.025, 1 / 0.985), rel=0.01)


def test_a_dry_year_does_not_undo_a_restoration(large: County) -> None:
    n_restored = {}
    for anomaly in (0.0, -0.3):
        weather = np.full(large.record.length, anomaly)
        n_restored[anomaly] = sum(
            int(restored_zones(site.patch, large.record, weather).sum()) for site in large.sites
        )
    assert n_restored[0.0] >= 20
    # herbs suffer a little more than the forest they are compared to
    assert 0.85 * n_restored[0.0] <= n_restored[-0.3] <= n_restored[0.0]


def test_one_mine_in_six_years_is_a_county_too() -> None:
    county = make_county(n_mines=1, n_years=6, seed=0)
    assert len(county.claims) == 1
    assert county.claims[0].year <= 2024
