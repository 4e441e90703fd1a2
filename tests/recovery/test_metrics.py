"""Recovery metrics of pixels, by hand."""

import numpy as np
import pytest
import shapely
import xarray as xr

import reverdure as rv
from reverdure.core.codes import PixelStatus
from reverdure.core.errors import GridMismatch, InvalidInput
from reverdure.core.grid import Grid

SIZE = 60
GRID = Grid("EPSG:32650", 500_000.0, 3_000_000.0, 30.0, SIZE, SIZE)
YEARS = np.arange(2000, 2018)
# before 0.8 to 2004, bare 0.2 from 2005, work from 2009: 0.1 a year up to 0.8 in 2014
COURSE = np.array([0.8] * 5 + [0.2] * 4 + [0.3, 0.4, 0.5, 0.6, 0.7] + [0.8] * 4)


def index_of(course: np.ndarray) -> xr.DataArray:
    values = np.full((YEARS.size, SIZE, SIZE), 0.8, np.float32)
    values[:, 28:32, 28:32] = course[:, None, None]
    return xr.DataArray(
        values, {"year": YEARS, **GRID.coordinates()}, dims=("year", "y", "x"), name="ndvi"
    )


@pytest.fixture
def measured(world):
    def run(course, change=None):
        index = index_of(course)
        if change is not None:
            change(index)
        pit = shapely.box(500_840, 2_999_040, 500_960, 2_999_160)
        mines = world.mines_of(M1=pit)
        segments = rv.segment(index)
        found = rv.reference(index, segments, mines)
        return rv.recovery_metrics(index, segments, reference=found)

    return run


def test_a_worked_example(measured):
    pixel = measured(COURSE).isel(y=30, x=30)
    assert int(pixel.status) == PixelStatus.MEASURED
    assert float(pixel.damage_year) == 2005
    assert float(pixel.bare_year) == 2005
    assert float(pixel.level_before) == pytest.approx(0.8, abs=0.02)
    assert float(pixel.level_bare) == pytest.approx(0.2, abs=0.03)
    # the fit is a line to the end of the plateau: a little above it
    assert float(pixel.level_now) == pytest.approx(0.8, abs=0.03)
    assert float(pixel.recovered_share) == pytest.approx(1.0, abs=0.05)
    # 80 % of the way is 0.68: reached between 2012 (0.6) and 2014 (0.8)
    assert float(pixel.recovered_year) in (2013, 2014)


def test_ratios_follow_their_definitions(measured):
    pixel = measured(COURSE).isel(y=30, x=30)
    index = index_of(COURSE)
    fitted = rv.segment(index)["fitted"].isel(y=30, x=30).values
    low = int(np.argmin(fitted))
    four, five = fitted[low + 4], fitted[low + 5]
    before = fitted[4]
    assert float(pixel.r80p) == pytest.approx(five / (0.8 * 0.8), rel=1e-5)
    assert float(pixel.dir) == pytest.approx(five - fitted[low], abs=1e-6)
    assert float(pixel.yryr) == pytest.approx((five - fitted[low]) / 5, abs=1e-6)
    expected = (max(four, five) - fitted[low]) / (before - fitted[low])
    assert float(pixel.rri) == pytest.approx(expected, rel=1e-5)
    assert float(pixel.y2r) == float(pixel.recovered_year) - YEARS[low]


def test_ratios_past_the_end_of_the_record_are_missing(measured):
    late = np.where(YEARS < 2014, 0.8, 0.2)
    pixel = measured(late).isel(y=30, x=30)
    assert float(pixel.damage_year) == 2014
    assert np.isnan(pixel.r80p)
    assert np.isnan(pixel.dir)
    assert np.isnan(pixel.recovered_year)


def test_statuses_tell_apart_what_is_not_measured(measured):
    found = measured(COURSE)
    assert int(found.status[0, 0]) == PixelStatus.NO_DATA
    assert np.isnan(found.recovered_share[0, 0])
    # a mine bare from the first image on
    old = measured(np.where(YEARS < 2009, 0.2, COURSE))
    assert int(old.status[30, 30]) == PixelStatus.DAMAGE_BEFORE_RECORD
    assert np.isnan(old.damage_year[30, 30])
    # forest within an outline
    never = measured(np.full(YEARS.size, 0.8))
    assert int(never.status[30, 30]) == PixelStatus.NEVER_DAMAGED
    assert np.isnan(never.recovered_share[30, 30])

    def blind(index):
        index[:, 30, 30] = np.nan

    assert int(measured(COURSE, blind).status[30, 30]) == PixelStatus.NO_DATA

    def scarce(index):
        index[4:, 30, 30] = np.nan

    assert int(measured(COURSE, scarce).status[30, 30]) == PixelStatus.TOO_FEW_YEARS


def test_a_cloudy_year_on_a_plateau_changes_nothing(measured):
    def cloud(index):
        index[7, 28:32, 28:32] = np.nan

    clear, cloudy = measured(COURSE), measured(COURSE, cloud)
    for name in ("damage_year", "level_bare", "level_now", "recovered_share"):
        assert np.allclose(clear[name], cloudy[name], atol=0.02, equal_nan=True), name


def test_everything_the_verdict_needs_is_carried(measured):
    found = measured(COURSE)
    assert found.value.dims == ("year", "y", "x")
    assert found.reference_level.dims == ("mine_id", "year")
    assert float(found.mine_bare_level[0]) == pytest.approx(0.2, abs=0.03)


def test_broken_contracts_are_named(world):
    index = index_of(COURSE)
    segments = rv.segment(index)
    with pytest.raises(InvalidInput, match="level"):
        rv.recovery_metrics(index, segments, reference=xr.Dataset())
    found = rv.reference(index, segments, world.mines_of(M1=shapely.box(5e5, 2.999e6, 5.01e5, 3e6)))
    with pytest.raises(GridMismatch, match="segments"):
        rv.recovery_metrics(index, segments.isel(x=slice(1, None)), reference=found)
