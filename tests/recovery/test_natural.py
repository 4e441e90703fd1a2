"""Natural recovery: what came back without recorded work, where, and since when."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reverdure as rv
from reverdure.core.fields import NATURAL_RECOVERY
from reverdure.recovery.grounds import Grounds
from reverdure.recovery.natural import natural_recovery

NOBODY = {"claim_id": "C-0", "mine_id": "NOBODY", "claimed_ha": 1.0}


def looked_at(world, county, *claims: dict[str, object], **options: object) -> pd.DataFrame:
    mines, metrics = county
    stated = world.claims_of(NOBODY, *claims)
    seen: dict[str, xr.Dataset] = {}
    rv.verdicts(mines, stated, metrics, evidence=seen)
    return natural(mines, stated, metrics, evidence=seen, **options).set_index("ground_id")


def natural(mines, claims, metrics, *, only=None, **options: object) -> pd.DataFrame:
    grounds = Grounds.of(mines, claims, "EPSG:32650")
    rows = [
        row
        for mine_id in only or mines["mine_id"]
        for row in natural_recovery(grounds, mine_id, metrics, **options)
    ]
    return NATURAL_RECOVERY.frame(rows).sort_values("ground_id", ignore_index=True)


@pytest.fixture(scope="module")
def unclaimed(world, told_county) -> pd.DataFrame:
    return looked_at(world, told_county)


@pytest.mark.parametrize(
    ("mine", "state", "reason", "status"),
    [
        ("GREEN", "recovered", "measured", "measured"),
        ("RESTORED", "recovered", "measured", "measured"),
        ("FAILED", "not_recovered", "measured", "measured"),
        ("PARTED", "partly_recovered", "measured", "measured"),
        ("OLD", "recovered", "damage_before_record", "measured"),
        # the second loss is the larger one: it is the damage, and nothing came back since
        ("LOST", "not_recovered", "measured", "measured"),
        ("NEVER", "never_damaged", "never_damaged", "set_by_rule"),
        ("BLANK", "not_measured", "no_outline", "not_measured"),
        ("FAR", "not_measured", "outside_imagery", "not_measured"),
    ],
)
def test_every_mine_without_claim_gets_its_state_and_reason(unclaimed, mine, state, reason, status):
    row = unclaimed.loc[f"{mine}:unclaimed"]
    assert (row["state"], row["reason"], row["status"]) == (state, reason, status)
    if status == "not_measured":
        assert np.isnan(row["recovered_ha"])
    elif state == "never_damaged":
        assert row["recovered_ha"] == 0
    else:
        assert 0 <= row["recovered_ha_low"] <= row["recovered_ha"] <= row["recovered_ha_high"]


def test_the_planted_area_and_year_are_found(unclaimed):
    green, parted = unclaimed.loc["GREEN:unclaimed"], unclaimed.loc["PARTED:unclaimed"]
    assert green["recovered_ha"] == pytest.approx(4.0, abs=0.4)
    assert parted["recovered_ha_low"] < 2.0 < parted["recovered_ha_high"]
    assert parted["recovered_share"] == pytest.approx(0.5, abs=0.12)
    # work of nature began in 2005 and 2008: 80 % of the way some two years later
    assert green["since"] in (2006, 2007, 2008)
    assert parted["since"] in (2009, 2010, 2011)
    assert green["damage_year"] in (2002, 2003, 2004)
    assert pd.isna(unclaimed.loc["FAILED:unclaimed", "since"]) or (
        unclaimed.loc["FAILED:unclaimed", "recovered_ha"] > 0
    )


def test_ground_that_is_claimed_is_left_out(world, told_county):
    mines, _ = told_county
    outline = mines.set_index("mine_id").geometry["PARTED"]
    green = world.half(outline, 0.5, 3)
    whole = {"claim_id": "C-G", "mine_id": "GREEN", "claimed_ha": 4.0, "year": 2013}
    part = {"claim_id": "C-P", "mine_id": "PARTED", "claimed_ha": 2.0, "geometry": green}
    found = looked_at(world, told_county, whole, part)
    assert "GREEN:unclaimed" not in found.index
    rest = found.loc["PARTED:unclaimed"]
    assert rest["ground_ha"] == pytest.approx(2.0, rel=0.02)
    assert rest["state"] == "not_recovered"


def test_a_claim_for_natural_recovery_is_told_with_all_its_green(world, told_county):
    claim = {"claim_id": "C-G", "mine_id": "GREEN", "claimed_ha": 4.0, "year": 2016,
             "start_year": 2015, "aim": "natural_recovery"}  # fmt: skip
    found = looked_at(world, told_county, claim)
    row = found.loc["C-G:natural_aim"]
    assert row["state"] == "recovered"
    assert row["since"] in (2006, 2007, 2008)
    assert "C-G:before_claim" not in found.index


def test_zones_green_before_the_claimed_work_are_counted_apart(world, told_county):
    late = {"claim_id": "C-G", "mine_id": "GREEN", "claimed_ha": 4.0, "year": 2016,
            "start_year": 2014}  # fmt: skip
    real = {"claim_id": "C-R", "mine_id": "RESTORED", "claimed_ha": 4.0, "year": 2013,
            "start_year": 2010}  # fmt: skip
    found = looked_at(world, told_county, late, real)
    row = found.loc["C-G:before_claim"]
    assert row["recovered_ha"] == pytest.approx(4.0, abs=0.5)
    assert row["since"] <= 2012
    assert "C-R:before_claim" not in found.index


def test_the_answer_depends_on_the_mine_and_the_seed_alone(world, told_county, unclaimed):
    alone = looked_at(world, told_county, only=["GREEN"])
    assert list(alone.index) == ["GREEN:unclaimed"]
    pd.testing.assert_series_equal(alone.iloc[0], unclaimed.loc["GREEN:unclaimed"])
    other = looked_at(world, told_county, only=["GREEN"], seed=5)
    assert other.iloc[0]["recovered_ha"] != alone.iloc[0]["recovered_ha"]


def test_slivers_of_drawing_are_no_ground(world, told_county):
    mines, _ = told_county
    outline = mines.set_index("mine_id").geometry["GREEN"]
    claim = {"claim_id": "C-G", "mine_id": "GREEN", "claimed_ha": 4.0,
             "geometry": outline.buffer(-4)}  # fmt: skip
    assert "GREEN:unclaimed" not in looked_at(world, told_county, claim, only=["GREEN"]).index


def test_small_ground_and_underground_mines_are_not_measured(world, told_county):
    mines, metrics = told_county
    changed = mines.assign(mining_method="underground")
    small = mines.set_index("mine_id").geometry["GREEN"].centroid.buffer(30)
    changed.loc[changed["mine_id"] == "FAILED", "geometry"] = small
    changed.loc[changed["mine_id"] == "FAILED", "mining_method"] = "open_pit"
    nothing = world.claims_of(NOBODY)
    found = natural(changed, nothing, metrics, evidence={}, only=["FAILED", "GREEN"])
    assert found["reason"].tolist() == ["too_small", "underground"]
    assert set(found["state"]) == {"not_measured"}


def test_without_imagery_nothing_is_measured(world, told_county):
    mines, _ = told_county
    found = natural(mines, world.claims_of(NOBODY), {}, evidence={})
    assert set(found["status"]) == {"not_measured"}
    assert list(found.columns) == NATURAL_RECOVERY.columns
    assert found["ground_id"].is_monotonic_increasing
