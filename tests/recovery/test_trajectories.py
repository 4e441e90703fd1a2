"""Trajectories: weighted by coverage, with fit and reference."""

import numpy as np
import pytest
import shapely
import xarray as xr

import reverdure as rv
from reverdure.core.fields import TRAJECTORIES
from reverdure.core.grid import Grid
from reverdure.recovery.surroundings import cover_of
from reverdure.recovery.trajectories import trajectory

GRID = Grid("EPSG:32650", 500_000.0, 3_000_000.0, 30.0, 60, 60)
YEARS = np.arange(2000, 2010)


def two_levels() -> xr.DataArray:
    values = np.full((YEARS.size, 60, 60), 0.8, np.float32)
    values[:, :, 30:] = 0.6
    return xr.DataArray(
        values, {"year": YEARS, **GRID.coordinates()}, dims=("year", "y", "x"), name="nbr"
    )


def run(world, index, **outlines):
    mines = world.mines_of(**outlines)
    segments = rv.segment(index)
    found = rv.reference(index, segments, mines)
    rows = [
        row
        for mine_id, outline in outlines.items()
        for row in trajectory(mine_id, cover_of(outline, GRID), index, segments, found)
    ]
    return TRAJECTORIES.frame(rows)


def test_means_weigh_exact_coverage(world):
    # a third of the outline lies on 0.8, two thirds on 0.6
    outline = shapely.box(500_890, 2_999_000, 500_920, 2_999_030)
    rows = run(world, two_levels(), M1=outline)
    assert list(rows.columns) == TRAJECTORIES.columns
    assert rows["value"].to_numpy() == pytest.approx(0.8 / 3 + 0.6 * 2 / 3, abs=1e-6)
    assert (rows["index"] == "nbr").all()
    assert list(rows["year"]) == list(YEARS)


def test_cloud_is_seen_in_the_clear_share(world):
    index = two_levels()
    index[3, :, 30:] = np.nan
    index[4] = np.nan
    rows = run(world, index, M1=shapely.box(500_890, 2_999_000, 500_920, 2_999_030))
    assert rows["clear_share"][3] == pytest.approx(1 / 3)
    assert rows["value"][3] == pytest.approx(0.8, abs=1e-6)
    assert rows["clear_share"][4] == 0
    assert np.isnan(rows["value"][4])


def test_rows_are_by_year_and_mines_without_ground_have_none(world):
    near = shapely.box(500_300, 2_999_000, 500_400, 2_999_100)
    rows = run(world, two_levels(), B=near, C=None, D=shapely.box(0, 0, 9, 9))
    assert set(rows["mine_id"]) == {"B"}
    assert rows["year"].is_monotonic_increasing
    assert run(world, two_levels(), C=None).empty
