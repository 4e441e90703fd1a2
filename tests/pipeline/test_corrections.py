"""What corrections do to a measurement: hidden years, refused land, who sees a moved outline."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from reverdure.core.codes import CorrectionKind, ReferenceStatus
from reverdure.core.grid import Grid
from reverdure.pipeline.corrections import (
    CLOUD_REACH_PIXELS,
    NO_EFFECT,
    Effects,
    without_years,
)
from reverdure.recovery.brightness import BARE, USUAL, with_brightness
from reverdure.recovery.reference import reference
from reverdure.recovery.segmentation import segment
from reverdure.registry.corrections import Correction, Standing, corrected_mines

GRID = Grid("EPSG:32650", 500_000, 3_000_000, 30, 60, 60)
YEARS = np.arange(2000, 2016)
PIT = shapely.box(500_840, 2_999_040, 500_960, 2_999_160)
HAZE = 2009
REACH = slice(28 - CLOUD_REACH_PIXELS, 32 + CLOUD_REACH_PIXELS)


def cube(values: np.ndarray, name: str = "ndvi") -> xr.DataArray:
    return xr.DataArray(
        values.astype(np.float32), dims=("year", "y", "x"), name=name,
        coords={"year": YEARS, **GRID.coordinates()},
    )  # fmt: skip


@pytest.fixture(scope="module")
def hazy() -> xr.DataArray:
    rng = np.random.default_rng(5)
    values = 0.8 + rng.normal(0, 0.01, (16, 60, 60))
    values[5:, 28:32, 28:32] -= 0.6
    values[YEARS == HAZE, 28:32, 28:32] = 0.7
    return cube(values)


def light_of(value: xr.DataArray) -> xr.DataArray:
    return xr.where(value > 0.5, 0.3, 0.5).where(np.isfinite(value)).transpose(*value.dims)


def test_a_hidden_year_is_as_if_it_had_never_been_clear(hazy: xr.DataArray) -> None:
    light = light_of(hazy)
    segments = with_brightness(segment(hazy), light)
    value, found = without_years(
        hazy, segments, PIT, [HAZE], lambda year: light.sel(year=year).values
    )
    clean = hazy.copy()
    clean.values[YEARS == HAZE, REACH, REACH] = np.nan
    np.testing.assert_array_equal(value.values, clean.values)
    expected = with_brightness(segment(clean), light_of(clean))
    assert set(found.data_vars) == set(segments.data_vars)
    for name in found.data_vars:
        # sums of single precision differ in their last digit with the shape of the array
        np.testing.assert_allclose(found[name].values, expected[name].values, 1e-6, err_msg=name)
        outside = np.ones((60, 60), bool)
        outside[REACH, REACH] = False
        np.testing.assert_array_equal(
            found[name].values[..., outside], segments[name].values[..., outside]
        )
    assert not np.array_equal(found["rmse"].values, segments["rmse"].values)


def test_what_was_given_is_not_changed(hazy: xr.DataArray) -> None:
    segments = segment(hazy)
    before = hazy.copy(deep=True), segments.copy(deep=True)
    without_years(hazy, segments, PIT, [HAZE], lambda year: None)
    assert before[0].identical(hazy)
    assert before[1].identical(segments)


def test_a_year_that_was_not_clear_anyway_leaves_the_tiles_as_they_are(hazy: xr.DataArray) -> None:
    cloudy = hazy.copy()
    cloudy.values[YEARS == HAZE] = np.nan
    segments = segment(cloudy)
    value, found = without_years(cloudy, segments, PIT, [HAZE], lambda year: None)
    assert value is cloudy
    assert found is segments


def test_an_index_without_bands_has_no_brightness(hazy: xr.DataArray) -> None:
    nothing = hazy.copy(data=np.full_like(hazy.values, np.nan))
    segments = with_brightness(segment(hazy), nothing)
    _, found = without_years(hazy, segments, PIT, [HAZE], lambda year: None)
    assert found[BARE].isnull().all()
    assert found[USUAL].isnull().all()


def test_refused_land_is_no_reference(hazy: xr.DataArray) -> None:
    mines = gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[PIT], crs=32650)
    segments = segment(hazy)
    north = shapely.box(499_000, 2_999_100, 503_000, 3_001_000)

    def search(land: shapely.Geometry | None) -> xr.Dataset:
        refused = None if land is None else {"M1": land}
        return reference(hazy, segments, mines, refused=refused).sel(mine_id="M1")

    whole, half, none = search(None), search(north), search(north.buffer(5000))
    assert 0 < int(half["n_pixels"]) < int(whole["n_pixels"])
    assert int(half["n_directions"]) < int(whole["n_directions"])
    assert int(none["status"]) == ReferenceStatus.TOO_FEW_PIXELS
    other = reference(hazy, segments, mines, refused={"M2": north}).sel(mine_id="M1")
    assert int(other["n_pixels"]) == int(whole["n_pixels"])


def test_only_windows_that_see_an_outline_move_depend_on_it() -> None:
    old, new = PIT, shapely.affinity.translate(PIT, 60, 0)
    listed = gpd.GeoDataFrame(
        {"mine_id": ["M1", "M2"], "measured_area_ha": [1.4, 1.4], "flags": ["", ""]},
        geometry=[old, shapely.affinity.translate(PIT, 9000, 0)], crs=32650,
    ).to_crs(4326)  # fmt: skip
    shape = gpd.GeoSeries([new], crs=32650).to_crs(4326).iloc[0]
    move = Correction(1, CorrectionKind.OUTLINE, "Wu", "moved", "", mine_id="M1", geometry=shape)
    standing = Standing((move,))
    counties = gpd.GeoDataFrame({"county": []}, geometry=[], crs=4326)
    effects = Effects(standing, listed, corrected_mines(listed, standing), counties, "EPSG:32650")
    near, far = old.buffer(3000), shapely.box(510_000, 2_999_000, 515_000, 3_000_000)
    only_new = shapely.box(500_970, 2_999_040, 501_100, 2_999_160)
    assert not effects.is_out_of_sight("M1", near)
    assert not effects.is_out_of_sight("M1", only_new)
    assert effects.is_out_of_sight("M1", far)
    assert not effects.is_out_of_sight("M2", near)
    assert effects.of("M1", near) is NO_EFFECT
    assert NO_EFFECT.key == []
