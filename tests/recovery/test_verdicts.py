"""Verdicts: the rule, every reason planted once, and intervals that hold."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

import reverdure as rv
from reverdure.core.codes import Reason
from reverdure.core.errors import GridMismatch, InvalidInput, MissingColumn
from reverdure.core.fields import VERDICTS
from reverdure.recovery.calibration import interval
from reverdure.recovery.judge import judge
from reverdure.recovery.measure import Measurement
from reverdure.recovery.zones import ZoneDraws


def metrics_of(land, mines: gpd.GeoDataFrame, names=("ndvi",)) -> dict[str, xr.Dataset]:
    found = {}
    for name in names:
        index = land.look(name)
        segments = rv.segment(index)
        reference = rv.reference(index, segments, mines)
        found[name] = rv.recovery_metrics(index, segments, reference=reference)
    return found


@pytest.fixture(scope="module")
def programme(world):
    """Eight mines on one land, each with its own story."""
    x, y = world.centre(120)
    stories = {
        "RESTORED": {"work": 2010, "end": 0.9},
        "FAILED": {"work": 2010, "end": 0.15},
        "GREEN": {"work": 2005, "end": 0.9, "years": 2.0},
        "OLD": {"damage": 1990, "work": 2010, "end": 0.9},
        "LOST": {"work": 2008, "end": 0.9, "years": 2.0, "lost": 2019},
        "SHARED": {"work": 2010, "end": 0.9},
        "YOUNG": {"work": 2020, "end": 0.9},
    }
    zones, outlines = [], {}
    for k, (name, story) in enumerate(stories.items()):
        at = (x - 900 + 900 * (k % 3), y + 900 - 900 * (k // 3))
        outlines[name] = world.blob(3.0, k, at)
        zones.append(world.Zone(outlines[name], **story))
    outlines["NEVER"] = world.blob(3.0, 50, (x, y - 900))
    outlines["TINY"] = world.blob(0.3, 51, (x + 900, y - 900))
    mines = world.mines_of(**outlines, BLANK=None, FAR=shapely.box(0, 0, 200, 200))
    mines["mining_method"] = "open_pit"
    land = world.Landscape(zones, size=120, seed=4)
    return mines, metrics_of(land, mines)


def claim(mine: str, **change: object) -> dict[str, object]:
    return {"claim_id": f"C-{mine}", "mine_id": mine, "claimed_ha": 3.0, "year": 2013, **change}


@pytest.mark.parametrize(
    ("stated", "verdict", "reason"),
    [
        (claim("RESTORED"), "supported", "measured"),
        (claim("RESTORED", claimed_ha=9.0), "partly_supported", "measured"),
        (claim("FAILED"), "not_supported", "measured"),
        (claim("NEVER"), "not_supported", "never_damaged"),
        (claim("GREEN", year=2016), "not_supported", "green_before_claim"),
        (claim("OLD"), "supported", "damage_before_record"),
        (claim("LOST"), "not_supported", "lost_again"),
        (claim("YOUNG", year=2022), "too_early", "too_few_years"),
        (claim("RESTORED", year=2022, start_year=2008), "supported", "measured"),
        (claim("RESTORED", year=2030), "too_early", "future_year"),
        (claim("RESTORED", aim="photovoltaic"), "cannot_be_seen", "aim_not_vegetation"),
        (claim("TINY", claimed_ha=0.3), "cannot_be_seen", "too_small"),
        (claim("BLANK"), "no_data", "no_outline"),
        (claim("FAR"), "no_data", "outside_imagery"),
        (claim("NOBODY"), "no_data", "unknown_mine"),
    ],
    ids=lambda value: value["mine_id"] if isinstance(value, dict) else value,
)
def test_every_story_gets_its_verdict_and_reason(world, programme, stated, verdict, reason):
    mines, metrics = programme
    row = rv.verdicts(mines, world.claims_of(stated), metrics).iloc[0]
    assert (row.verdict, row.reason) == (verdict, reason)
    if verdict in ("no_data", "cannot_be_seen") or reason == "future_year":
        assert np.isnan(row.restored_ha)
        assert row.status == "not_measured"


def test_an_underground_mine_cannot_be_seen(world, programme):
    mines, metrics = programme
    below = mines.assign(mining_method="underground")
    row = rv.verdicts(below, world.claims_of(claim("RESTORED")), metrics).iloc[0]
    assert (row.verdict, row.reason) == ("cannot_be_seen", "underground")


def test_no_fit_reference_gives_no_number(world, programme):
    mines, metrics = programme
    changed = metrics["ndvi"].assign(reference_status=("mine_id", np.ones(len(mines), np.uint8)))
    row = rv.verdicts(mines, world.claims_of(claim("RESTORED")), {"ndvi": changed}).iloc[0]
    assert (row.verdict, row.reason) == ("no_reference", "no_fit_reference")
    assert np.isnan(row.restored_ha)


def test_ground_claimed_twice_is_held_for_the_later_claim(world, programme):
    mines, metrics = programme
    ground = mines.set_index("mine_id").geometry["RESTORED"]
    claims = world.claims_of(
        claim("RESTORED", claim_id="late", year=2014, geometry=ground),
        claim("RESTORED", claim_id="first", year=2012, geometry=ground.buffer(-3)),
    )
    rows = rv.verdicts(mines, claims, metrics).set_index("claim_id")
    assert rows.loc["first", "verdict"] == "supported"
    assert rows.loc["late", "verdict"] == "undecided"
    assert rows.loc["late", "reason"] == "overlaps_other_claim"
    assert all("overlaps_other_claim" in flags for flags in rows["flags"])


def test_shared_ground_is_split_by_claimed_area(world, programme):
    mines, metrics = programme
    shared = world.claims_of(
        claim("SHARED", claim_id="a", claimed_ha=2.0), claim("SHARED", claim_id="b", claimed_ha=1.0)
    )
    rows = rv.verdicts(mines, shared, metrics).set_index("claim_id")
    assert (rows["status"] == "shared_ground").all()
    assert rows.loc["a", "restored_ha"] == pytest.approx(2 * rows.loc["b", "restored_ha"])
    total = rows["restored_ha"].sum()
    assert total == pytest.approx(rows.loc["a", "ground_ha"], rel=0.1)


def test_parts_of_a_mine_add_up_to_the_whole(world, programme):
    mines, metrics = programme
    ground = mines.set_index("mine_id").geometry["SHARED"]
    west, south, east, north = ground.bounds
    cut = shapely.box(west, south, (west + east) / 2, north)
    parts = world.claims_of(
        claim("SHARED", claim_id="p", geometry=ground.intersection(cut)),
        claim("SHARED", claim_id="q", geometry=ground.difference(cut)),
    )
    whole = rv.verdicts(mines, world.claims_of(claim("SHARED")), metrics).restored_ha.sum()
    assert rv.verdicts(mines, parts, metrics).restored_ha.sum() == pytest.approx(whole, rel=0.05)


def test_order_of_claims_and_company_change_nothing_but_the_seed_does(world, programme):
    mines, metrics = programme
    stated = [claim("SHARED"), claim("RESTORED", claimed_ha=2.0)]
    rows = rv.verdicts(mines, world.claims_of(*stated), metrics)
    turned = rv.verdicts(mines, world.claims_of(*stated[::-1]), metrics)
    alone = rv.verdicts(mines, world.claims_of(stated[0]), metrics)
    pd.testing.assert_frame_equal(pd.DataFrame(rows), pd.DataFrame(turned))
    assert alone.restored_ha[0] == rows.set_index("claim_id").restored_ha["C-SHARED"]
    assert list(rows["claim_id"]) == sorted(rows["claim_id"])
    other = rv.verdicts(mines, world.claims_of(stated[0]), metrics, seed=1)
    assert other.restored_ha_low[0] != alone.restored_ha_low[0]


def test_the_table_has_the_columns_of_the_specification(world, programme):
    mines, metrics = programme
    rows = rv.verdicts(mines, world.claims_of(claim("RESTORED"), claim("BLANK")), metrics)
    assert list(rows.columns) == [*VERDICTS.columns, "geometry"]
    assert rows.crs.to_epsg() == 4326
    assert rows.geometry.isna().tolist() == [True, False]
    one = rows.iloc[1]
    assert one.damage_year == 2003
    assert 2011 <= one.recovered_year <= 2015
    assert one.last_clear_year == 2023
    assert one.n_pixels == pytest.approx(3.0e4 / 900, rel=0.01)
    assert one.restored_ha_low <= one.restored_ha <= one.restored_ha_high


def test_a_missing_index_is_flagged_and_the_other_used(world, programme):
    mines, metrics = programme
    row = rv.verdicts(mines, world.claims_of(claim("RESTORED", aim="forest")), metrics).iloc[0]
    assert row["indices"] == "ndvi"
    assert "index_missing" in row["flags"].split(";")


def test_a_claim_larger_than_its_ground_is_flagged(world, programme):
    mines, metrics = programme
    row = rv.verdicts(mines, world.claims_of(claim("RESTORED", claimed_ha=4.0)), metrics).iloc[0]
    assert "claim_exceeds_ground" in row["flags"].split(";")


def test_without_any_imagery_every_claim_is_no_data(world, programme):
    mines, _ = programme
    row = rv.verdicts(mines, world.claims_of(claim("RESTORED")), {}).iloc[0]
    assert (row.verdict, row.reason) == ("no_data", "outside_imagery")


def test_inputs_stay_as_they_were(world, programme):
    mines, metrics = programme
    claims = world.claims_of(claim("RESTORED"))
    kept = mines.copy(), claims.copy(), metrics["ndvi"].copy(deep=True)
    rv.verdicts(mines, claims, metrics)
    assert mines.equals(kept[0])
    assert claims.equals(kept[1])
    xr.testing.assert_identical(metrics["ndvi"], kept[2])


def test_broken_contracts_are_named(world, programme):
    mines, metrics = programme
    claims = world.claims_of(claim("RESTORED"))
    with pytest.raises(MissingColumn, match="claimed_ha"):
        rv.verdicts(mines, claims.drop(columns="claimed_ha"), metrics)
    with pytest.raises(InvalidInput, match="twice"):
        rv.verdicts(mines, pd.concat([claims, claims]), metrics)
    shifted = metrics["ndvi"].assign_coords(year=metrics["ndvi"].year + 1)
    with pytest.raises(GridMismatch):
        rv.verdicts(mines, claims, metrics | {"nbr": shifted})


def draws(restored: np.ndarray, green: float = 0.0) -> ZoneDraws:
    return ZoneDraws(restored, np.full_like(restored, green), restored, 1.0, *[np.ones(1)] * 4)


@pytest.mark.parametrize(
    ("share_restored", "verdict"),
    [
        ([0.85] * 91 + [0.7] * 9, "supported"),
        ([0.85] * 89 + [0.7] * 11, "undecided"),
        ([0.1] * 91 + [0.5] * 9, "not_supported"),
        ([0.1] * 20 + [0.5] * 80, "undecided"),
        ([0.1] * 5 + [0.5] * 90 + [0.9] * 5, "partly_supported"),
        ([0.8] * 100, "supported"),
        ([0.2] * 100, "partly_supported"),
    ],
)
def test_the_rule_at_its_bounds(share_restored, verdict):
    seen = Measurement(
        Reason.MEASURED, draws(3.0 * np.array(share_restored)), clear_years_since=9, n_pixels=30.0
    )
    assert judge(seen, 3.0, 1.0, False).verdict.key == verdict


def test_three_clear_years_are_enough_two_are_not():
    area = np.full(400, 1.5)
    two, three = (
        judge(
            Measurement(Reason.MEASURED, draws(area), clear_years_since=n, n_pixels=30.0),
            3.0, 1.0, False,
        ).verdict.key
        for n in (2, 3)
    )  # fmt: skip
    assert (two, three) == ("too_early", "partly_supported")


def test_ground_green_before_the_claim_is_left_out_of_the_area():
    seen = Measurement(
        Reason.MEASURED, draws(np.full(400, 3.0), 2.8), clear_years_since=9, n_pixels=30.0
    )
    found = judge(seen, 3.0, 1.0, False)
    assert found.restored_ha == pytest.approx(0.2)
    assert (found.verdict.key, found.reason.key) == ("not_supported", "green_before_claim")
    assert found.flags == ("green_before_claim",)


def test_the_interval_stays_within_zero_and_the_ground():
    low, high = interval(np.zeros(400), 8.0, 1.0, 1.0)
    assert low == 0
    assert 0 < high < 0.2
    assert interval(np.ones(400), 8.0, 1.0, 1.02)[1] == 1.02


# 16 claims on land of its own, half of them true, outlines drawn 4 m off. Before the interval
# was widened 63 % of them covered the truth; the bar is for so few claims, not for the method
def test_intervals_hold_on_land_with_known_truth(world):
    covered, fooled, rejected, widths = [], [], [], []
    for seed in range(2):
        x, y = world.centre(120)
        zones, outlines, truth = [], {}, {}
        for k in range(8):
            random = np.random.default_rng([seed, k])
            at = (x - 1000 + 1000 * (k % 3), y + 1000 - 1000 * (k // 3))
            ground = world.blob(float(random.uniform(1.0, 4.0)), 10 * seed + k, at)
            part = world.half(ground, float(random.uniform(0.3, 0.7)), k) if k % 4 == 1 else ground
            zones.append(world.Zone(ground, work=2010, end=0.15))
            if k % 2 == 0 or k % 4 == 1:
                zones.append(world.Zone(part, work=2010, end=float(random.uniform(0.78, 0.9))))
            drawn = shapely.affinity.translate(ground, *random.normal(0, 4, 2))
            outlines[f"M{k}"] = drawn
            is_restored = k % 2 == 0 or k % 4 == 1
            truth[f"M{k}"] = part.intersection(drawn).area / 1e4 if is_restored else 0.0
        mines = world.mines_of(**outlines)
        land = world.Landscape(zones, size=120, seed=seed)
        claims = world.claims_of(
            *(claim(name, claimed_ha=shape.area / 1e4) for name, shape in outlines.items())
        )
        rows = rv.verdicts(mines, claims, metrics_of(land, mines))
        for row in rows.itertuples():
            true_ha = truth[row.mine_id]
            covered.append(row.restored_ha_low - 1e-6 <= true_ha <= row.restored_ha_high + 1e-6)
            widths.append((row.restored_ha_high - row.restored_ha_low) / row.claimed_ha)
            if true_ha < 0.75 * row.claimed_ha:
                fooled.append(row.verdict == "supported")
            else:
                rejected.append(row.verdict == "not_supported")
    assert np.mean(covered) >= 0.85
    assert not any(fooled)
    assert not any(rejected)
    assert np.median(widths) <= 0.5


@pytest.mark.parametrize(("column", "value"), [("year", None), ("claimed_ha", np.nan)])
def test_claims_that_do_not_say_when_or_how_much_are_refused(world, programme, column, value):
    mines, metrics = programme
    claims = world.claims_of(claim("RESTORED")).assign(**{column: [value]})
    with pytest.raises(InvalidInput, match=column):
        rv.verdicts(mines, claims, metrics)
