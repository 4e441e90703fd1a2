"""Mines of known truth mixed into real undisturbed series: what is mixed, and what is judged."""

import numpy as np
import pytest
from benchmarks import implants as bench
from benchmarks.verdicts import held, table_of_verdicts, with_interval

from reverdure.core.grid import Grid
from reverdure.simulate.implants import (
    CELLS_PER_PIXEL,
    bare_share,
    draw_implants,
    mirrored,
    mix_index,
    mix_reflectance,
    spread,
)

GRID = Grid("EPSG:32610", 433650.0, 5082870.0, 30.0, 90, 90)
YEARS = np.arange(1990, 2012)


@pytest.fixture(scope="module")
def implants():
    return draw_implants(GRID, YEARS, [6, 9, 14, 18, 30, 45, 70], np.random.default_rng(3))


def test_bare_land_is_neither_lost_nor_made_by_the_blur(implants):
    for one in implants:
        share = bare_share(one, YEARS, np.random.default_rng(4))
        before = one.courses[0].damage > YEARS
        assert np.abs(share[before]).max() == 0
        first = one.courses[0].damage == YEARS
        bare = sum(
            (1 - course.bare) * (one.label == zone).sum()
            for zone, course in enumerate(one.courses, start=1)
        )
        assert share[first].sum() == pytest.approx(bare / CELLS_PER_PIXEL**2, rel=0.02)
        # nothing is left of it where the window ends and the real series go on
        edge = np.concatenate([share[:, [0, -1]].ravel(), share[:, :, [0, -1]].ravel()])
        assert np.abs(edge).max() < 0.01


def test_kinds_of_claims_are_what_they_say(implants):
    many = [
        one
        for seed in range(12)
        for one in draw_implants(GRID, YEARS, [12, 25, 60], np.random.default_rng(seed))
    ]
    share = {kind: [] for kind in ("true", "false", "partial", "near")}
    for one in many:
        share[one.kind].append(one.restored_ha / one.claimed_ha)
        assert one.courses[0].damage < one.start_year <= one.year <= YEARS[-1] - 3
    assert min(share["true"]) > 0.75
    assert max(share["false"]) == 0
    assert 0 < np.mean(share["partial"]) < 0.8
    assert len({round(value, 1) for value in share["near"]}) > 1


def test_implants_keep_their_distance(implants):
    shapes = [one.drawn for one in implants]
    apart = [a.distance(b) for k, a in enumerate(shapes) for b in shapes[:k]]
    assert min(apart) > 90


def test_mixing_ends_at_its_parts():
    land, bare = np.array([0.8]), np.array([0.1])
    for share, expected in ((0.0, 0.8), (1.0, 0.1)):
        assert mix_reflectance(land, bare, np.array([share]))[0] == pytest.approx(expected)
        assert mix_index(land, bare, np.array([share]), 1.7)[0] == pytest.approx(expected)
    # the index of a mixture is the mixture of bands, where brightness is their ratio
    red, nir = np.array([0.04, 0.20]), np.array([0.30, 0.26])
    index = (nir - red) / (nir + red)
    mixed = 0.7 * np.array([red[0], nir[0]]) + 0.3 * np.array([red[1], nir[1]])
    brightness = (red[1] + nir[1]) / (red[0] + nir[0])
    by_index = mix_index(index[:1], index[1:], np.array([0.3]), brightness)[0]
    assert by_index == pytest.approx((mixed[1] - mixed[0]) / mixed.sum())


def test_a_spread_series_keeps_its_course_and_its_gaps():
    rng = np.random.default_rng(1)
    series = rng.uniform(0.05, 0.3, (30, 6))
    series[4] = np.nan
    neighbours = 0.2 + rng.normal(0, 0.01, (50, 6, 2, 4))
    land = spread(series, neighbours, (40, 40), rng)
    assert np.isnan(land[4]).all()
    middle = np.median(np.delete(land, 4, 0), axis=(-2, -1))
    assert np.abs(middle - np.delete(series, 4, 0)).max() < 0.02
    assert 0.007 < np.nanstd(land - series[:, :, None, None]) < 0.013


@pytest.mark.real_data("gee-landtrendr-scenes")
def test_the_land_in_oregon_is_undisturbed_and_untouched_elsewhere(data_folder, monkeypatch):
    monkeypatch.setattr(bench, "DATA", data_folder.parent)
    years, forest = bench._nbr("forest_or")
    for (first, last), part in bench.UNDISTURBED.items():
        wanted = (years >= first) & (years <= last)
        block = forest[(wanted, *part)]
        low = block < 0.65
        assert not (low[1:] & low[:-1]).any()
        indices, implants = bench.oregon((first, last), 6, 5, 60)
        outside = np.ones((60, 60), bool)
        for one in implants:
            outside[one.window] = False
        real = mirrored(block, (60, 60)).astype(np.float32)
        assert outside.mean() > 0.3
        np.testing.assert_array_equal(indices["nbr"].values[:, outside], real[:, outside])


@pytest.mark.real_data("gee-landtrendr-scenes")
def test_verdicts_hold_on_real_nbr(data_folder, monkeypatch):
    monkeypatch.setattr(bench, "DATA", data_folder.parent)
    _holds(bench.judged("gee-landtrendr-scenes, 17 years", 16, 100, 90))


@pytest.mark.real_data("dense-series-p035r032")
def test_verdicts_hold_on_real_reflectance(data_folder, monkeypatch):
    monkeypatch.setattr(bench, "DATA", data_folder.parent)
    _holds(bench.judged("dense-series-p035r032", 16, 100, 80))


def _holds(claims):
    measured = with_interval(claims)
    seen = f"{table_of_verdicts(claims)}\ninterval holds the truth: {held(measured):.0f} %"
    assert len(measured) >= 0.75 * len(claims), seen
    assert held(measured) >= 85, seen
    share = claims["true_ha"] / claims["claimed_ha"]
    assert not ((share >= 0.8) & (claims["verdict"] == "not_supported")).any(), seen
    assert ((share < 0.2) & (claims["verdict"] == "supported")).sum() <= 1, seen
    # and it does decide
    assert (claims["verdict"][share < 0.2] == "not_supported").mean() >= 0.5, seen
