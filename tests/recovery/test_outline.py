"""Outlines that lie off the damage, and damage that no outline holds."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

import reverdure as rv


def judged(world, real, drawn, **claim):
    """Verdict on a mine that really is `real` and was drawn as `drawn`."""
    zones = real if isinstance(real, list) else [world.Zone(real, work=2010, end=0.9)]
    land = world.Landscape(zones, seed=8)
    mines = gpd.GeoDataFrame({"mine_id": ["M"]}, geometry=[drawn], crs=world.CRS)
    index = land.look("ndvi")
    segments = rv.segment(index)
    found = rv.reference(index, segments, mines)
    metrics = {"ndvi": rv.recovery_metrics(index, segments, reference=found)}
    stated = {"claim_id": "C", "mine_id": "M", "claimed_ha": drawn.area / 1e4, "year": 2013}
    return rv.verdicts(mines, world.claims_of(stated | claim), metrics).iloc[0]


@pytest.mark.parametrize(("off_m", "is_named"), [(0, False), (8, False), (60, True)])
def test_an_outline_is_named_only_when_it_lies_far_off(world, off_m, is_named):
    real = world.blob(4.0, 3)
    row = judged(world, real, shapely.affinity.translate(real, off_m * 0.8, -off_m * 0.6))
    assert (row.reason == "outline_off") is is_named
    assert bool(np.isnan(row.restored_ha)) is is_named


def test_bare_land_beyond_the_outline_is_flagged(world):
    real = world.blob(8.0, 4)
    west, south, east, north = real.bounds
    left = real.intersection(shapely.box(west, south, (west + east) / 2, north))
    right = real.difference(left)
    zones = [world.Zone(left, work=2010, end=0.9), world.Zone(right, work=None)]
    alone = judged(world, zones, left)
    assert "damage_outside" in alone["flags"].split(";")
    whole = judged(world, zones, real)
    assert "damage_outside" not in whole["flags"].split(";")
