"""Ground that greens faster than a fit may rise: the bare years count, and it came back whole."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from scipy import ndimage

import reverdure as rv
from reverdure.core.grid import Grid

GREEN, BARE, BARE_YEARS = 0.8, 0.2, 3


def metrics_of(side: int, rise: list[float], seed: int) -> tuple[xr.Dataset, gpd.GeoDataFrame]:
    """A square of so many pixels that lay bare for three years, seen with blur and noise."""
    grid = Grid("EPSG:32650", 500000, 3000000, 30, 60, 60)
    course = np.array([GREEN] * 5 + [BARE] * BARE_YEARS + rise + [GREEN] * 12)
    share = np.zeros(grid.shape)
    share[28 : 28 + side, 28 : 28 + side] = 1
    share = ndimage.gaussian_filter(share, 0.55)
    values = GREEN - (GREEN - course[:, None, None]) * share
    values += np.random.default_rng(seed).normal(0, 0.02, values.shape)
    index = xr.DataArray(
        values.astype(np.float32),
        {"year": np.arange(2000, 2000 + course.size), **grid.coordinates()},
        ("year", "y", "x"),
    )
    pit = shapely.box(500840, 2999160 - 30 * side, 500840 + 30 * side, 2999160)
    mines = gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=32650)
    segments = rv.segment(index)
    reference = rv.reference(index, segments, mines)
    return rv.recovery_metrics(index, segments, reference=reference), mines


@pytest.mark.parametrize("rise", [[0.5], [0.5, 0.7], []])
@pytest.mark.parametrize("side", [3, 4])
def test_ground_that_came_back_at_once_is_not_refuted(side: int, rise: list[float]):
    metrics, mines = metrics_of(side, rise, seed=1)
    claims = gpd.GeoDataFrame(
        {"claim_id": ["C1"], "mine_id": ["M1"], "year": [2009], "start_year": [2007],
         "claimed_ha": [0.95 * side**2 * 0.09], "aim": ["grass"]},
        geometry=[None], crs=4326,
    )  # fmt: skip
    row = rv.verdicts(mines, claims, {"ndvi": metrics}).iloc[0]
    assert row["verdict"] == "supported"
    assert row["restored_ha_low"] <= side**2 * 0.09 <= row["restored_ha_high"] + 1e-6


def test_bare_years_set_the_bare_level_where_the_fit_misses_them():
    metrics, _ = metrics_of(4, [0.5, 0.7], seed=0)
    # the middle pixels are mixed with what lies around by the blur, by a tenth at most
    assert float(metrics["mine_bare_level"][0]) == pytest.approx(BARE, abs=0.1)
