"""Shift between sensors on land that did not change: known gains are found, or refused."""

import numpy as np
import pytest
import xarray as xr

from reverdure.core.codes import SensorChangeStatus
from reverdure.core.errors import InvalidInput, WrongDimensions
from reverdure.recovery.harmonise import harmonise
from reverdure.recovery.sensor_change import lines_as_table, sensor_change

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
BARE = np.array([0.10, 0.14, 0.18, 0.25, 0.32, 0.25])
GREEN = np.array([0.03, 0.06, 0.04, 0.40, 0.19, 0.09])
GAIN = np.array([0.96, 0.98, 0.97, 1.02, 1.00, 0.98])
N = 3000


def seen(years, gain=1.0, *, noise=0.004, weather=0.02, seed=0, trend=0.0, land=0):
    """Mixtures of bare and green land under weather, as a sensor of a gain sees them."""
    rng = np.random.default_rng([seed, min(years)])
    cover = np.random.default_rng(land).uniform(0, 1, N)
    layers = np.empty((len(years), 6, N))
    for i, year in enumerate(years):
        of_year = np.clip(cover + weather * rng.normal() + trend * (year - 2012), 0, 1)
        layers[i] = (BARE + of_year[:, None] * (GREEN - BARE)).T * np.broadcast_to(gain, 6)[:, None]
    layers += rng.normal(0, noise, layers.shape)
    found = {band: (("year", "pixel"), layers[:, i]) for i, band in enumerate(BANDS)}
    blocks = np.arange(N) // 100
    return xr.Dataset(found, {"year": list(years), "block": ("pixel", blocks)})


def true_shift(at_ndvi):
    """What the gains do to a mixture of this NDVI."""
    cover = np.linspace(0, 1, 2001)[:, None]
    land = BARE + cover * (GREEN - BARE)

    def ndvi(bands):
        return (bands[:, 3] - bands[:, 2]) / (bands[:, 3] + bands[:, 2])

    return np.interp(at_ndvi, ndvi(land), ndvi(land * GAIN) - ndvi(land))


def test_gains_are_found_in_years_with_both_sensors():
    years = (2013, 2014, 2015)
    older = seen(years, noise=0.006)
    clean = seen(years, 1.0, noise=0.0)
    newer = seen(years, GAIN, noise=0.002, seed=0)
    lines = sensor_change(older, newer, overlap=True)
    for i, band in enumerate(BANDS):
        line = lines[band]
        assert line.status is SensorChangeStatus.MEASURED
        assert line.slope == pytest.approx(GAIN[i], abs=0.01), band
        assert line.shift_high == pytest.approx((GAIN[i] - 1) * line.high, abs=0.002)
    ndvi = lines["ndvi"]
    assert ndvi.shift_low == pytest.approx(true_shift(ndvi.low), abs=0.004)
    assert ndvi.shift_high == pytest.approx(true_shift(ndvi.high), abs=0.004)
    assert abs(ndvi.shift_low) > 0.015
    assert clean.sizes == older.sizes


def test_the_noisier_sensor_does_not_look_the_steeper():
    years = (2011, 2012, 2013)
    older, newer = seen(years, noise=0.02, seed=1), seen(years, noise=0.002, seed=1)
    assert sensor_change(older, newer, overlap=True)["red"].slope == pytest.approx(1, abs=0.02)
    naive = newer.red.mean("year").std() / older.red.mean("year").std()
    assert float(naive) < 0.975


def test_intervals_of_years_on_both_sides_hold_weather():
    held = []
    for seed in range(40):
        older = seen(range(2008, 2013), seed=seed)
        newer = seen(range(2013, 2018), GAIN, seed=seed)
        line = sensor_change(older, newer, overlap=False)["ndvi"]
        assert line.status is SensorChangeStatus.NO_OVERLAP
        held.append(abs(line.shift_low - true_shift(line.low)) <= line.shift_low_error)
    assert 0.85 <= np.mean(held) <= 1.0
    assert 0.005 < line.shift_low_error < 0.1


def test_land_that_changes_or_is_water_does_not_count():
    older, newer = seen(range(2008, 2013)), seen(range(2013, 2018), GAIN)
    lines = sensor_change(older, newer, overlap=False)
    changed = newer.copy(deep=True)
    for band in BANDS:
        changed[band][:, :600] = seen(range(2013, 2018), GAIN, land=7)[band][:, :600].values + 0.1
    water = older.copy(deep=True)
    water["swir1"][:, 600:700] = 0.01
    found = sensor_change(water, changed, overlap=False)
    assert found["ndvi"].n_pixels < lines["ndvi"].n_pixels - 500
    assert found["ndvi"].shift_low == pytest.approx(lines["ndvi"].shift_low, abs=0.004)


def test_a_steady_trend_of_a_side_is_left_out():
    growing = seen(range(2008, 2013), trend=0.06), seen(range(2013, 2018), GAIN, trend=0.06)
    line = sensor_change(*growing, overlap=False)["ndvi"]
    assert line.n_pixels < N / 2


def test_what_cannot_be_measured_says_why_and_has_no_numbers():
    five, three = range(2013, 2018), (2013, 2014, 2015)
    few = seen(three).isel(pixel=slice(100))
    cases = {
        SensorChangeStatus.TOO_FEW_YEARS: (seen((2012,)), seen(five), False),
        SensorChangeStatus.TOO_FEW_PIXELS: (few, few, True),
        SensorChangeStatus.NOT_ALIKE: (seen(three, land=1), seen(three, land=2), True),
    }  # fmt: skip
    for status, (older, newer, overlap) in cases.items():
        lines = sensor_change(older, newer, overlap=overlap)
        assert {line.status for line in lines.values()} == {status}
        assert all(np.isnan(line.slope) and np.isnan(line.shift_low) for line in lines.values())
        with pytest.raises(InvalidInput, match=status.en):
            lines_as_table(lines, ("LE07",), ("LC08",), "own")


def test_measured_lines_take_the_change_away():
    years = (2013, 2014, 2015)
    older, newer = seen(years), seen(years, GAIN)
    lines = sensor_change(older, newer, overlap=True)
    table = lines_as_table(lines, ("LE07",), ("LC08",), "own")
    left = sensor_change(older, harmonise(newer, "LC08", table), overlap=True)["ndvi"]
    assert max(abs(left.shift_low), abs(left.shift_high)) < 0.003


def test_arrays_that_do_not_fit_are_refused():
    older = seen((2013, 2014))
    with pytest.raises(WrongDimensions):
        sensor_change(older.rename(pixel="x"), older, overlap=True)
    with pytest.raises(WrongDimensions):
        sensor_change(older, older.isel(pixel=slice(10)), overlap=True)
    with pytest.raises(InvalidInput, match="must be the same"):
        sensor_change(older, seen((2014, 2015)), overlap=True)
    with pytest.raises(InvalidInput, match="no common band"):
        sensor_change(older[["red"]], older[["nir"]], overlap=True)
