"""Bringing newer sensors to older ones: what moves, what stays, what is refused."""

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reverdure as rv
from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.recovery.harmonise import Harmonisation, harmonisation
from reverdure.recovery.rsei_wetness import band_change, wetness_sets

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")


def pictures(n=3):
    rng = np.random.default_rng(0)
    layers = {
        band: (("year", "y", "x"), rng.uniform(0.02, 0.5, (n, 4, 5)).astype(np.float32))
        for band in BANDS
    }
    layers["thermal"] = (("year", "y", "x"), np.full((n, 4, 5), 300.0, np.float32))
    return xr.Dataset(layers, {"year": [2011, 2013, 2021][:n]})


SENSORS = {2011: "LT05", 2013: "LC08", 2021: "LC09"}


def test_a_line_there_and_back_is_what_was_measured():
    older, lines = pictures(), harmonisation("roy2016")
    newer = older.copy()
    for i, band in enumerate(BANDS):
        newer[band] = lines.intercept[i] + lines.slope[i] * older[band]
    found = rv.harmonise(newer, "LC08")
    for band in BANDS:
        np.testing.assert_allclose(found[band], older[band], atol=1e-6)
        assert found[band].dtype == np.float32
        assert found[band].dims == ("year", "y", "x")


def test_older_sensors_and_other_variables_stay_to_the_last_digit():
    given = pictures()
    given.red[0, 0, 0] = np.nan
    before = given.copy(deep=True)
    found = rv.harmonise(given, SENSORS)
    assert given.identical(before)
    assert found.isel(year=[0]).drop_attrs().identical(before.isel(year=[0]).drop_attrs())
    assert found.thermal.identical(given.thermal)
    assert (np.abs(found.nir - given.nir).values[1:] > 1e-5).all()
    assert "doi:10.1016/j.rse.2015.12.024" in found.attrs["harmonised"]


def test_sensors_come_by_scene_by_year_or_from_the_data():
    given = pictures()
    expected = rv.harmonise(given, SENSORS)
    assert rv.harmonise(given, list(SENSORS.values())).identical(expected)
    named = given.assign_coords(sensor=("year", list(SENSORS.values())))
    assert rv.harmonise(named).drop_vars("sensor").identical(expected)
    times = pd.to_datetime(["2011-07-01", "2013-07-01", "2021-07-01"])
    scenes = given.rename(year="time").assign_coords(time=times)
    assert np.array_equal(rv.harmonise(scenes, SENSORS).red.values, expected.red.values)
    alone = given.isel(year=1, drop=True).assign_attrs(sensor="LC08")
    assert np.array_equal(rv.harmonise(alone).red.values, expected.red.values[1])


@pytest.mark.parametrize(
    ("change", "sensor", "table", "error"),
    [
        (lambda d: d, None, "roy2016", InvalidInput),
        (lambda d: d, "S2A", "roy2016", UnknownOption),
        (lambda d: d, "LC08", "roy2015", UnknownOption),
        (lambda d: d, ["LC08"], "roy2016", InvalidInput),
        (lambda d: d, {2011: "LT05"}, "roy2016", InvalidInput),
        (lambda d: d[["thermal"]], "LC08", "roy2016", InvalidInput),
        (lambda d: (d * 10_000).astype("int16"), "LC08", "roy2016", InvalidInput),
        (lambda d: rv.harmonise(d, "LC08"), "LC08", "roy2016", InvalidInput),
    ],
    ids=["no sensor", "other sensor", "table", "number", "year", "no band", "integers", "twice"],
)
def test_what_cannot_be_harmonised_is_refused(change, sensor, table, error):
    with pytest.raises(error):
        rv.harmonise(change(pictures()), sensor, table)


def test_composites_of_harmonised_scenes_cannot_be_harmonised_again():
    times = pd.to_datetime(["2013-07-01", "2013-07-17", "2013-08-02"])
    scenes = pictures().rename(year="time").assign_coords(time=times)
    scenes["clear"] = scenes.red < 1
    composites = rv.annual_composites(rv.harmonise(scenes, "LC08"))
    with pytest.raises(InvalidInput, match="harmonised already by roy2016"):
        rv.harmonise(composites, "LC08")


def test_the_ecological_index_takes_its_lines_from_the_same_table():
    change = harmonisation("roy2016").change("LC09")
    assert np.array_equal(band_change("LC09", wetness_sets()["tm_sr"]), change)


def test_lines_survive_json_and_their_key_follows_their_numbers():
    lines = harmonisation("roy2016")
    again = Harmonisation.from_dict({**lines.to_dict(), "slope": list(lines.slope)})
    assert again == lines
    assert again.key == lines.key
    other = Harmonisation.from_dict({**lines.to_dict(), "slope": [1.0] * 6})
    assert other.key != lines.key
    assert (lines.seen_as("LC08"), lines.seen_as("LT05")) == ("LE07", "LT05")


def test_the_snippets_of_the_page_run():
    page = Path(__file__).resolve().parents[2] / "docs" / "sensors.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 7
    assert result.failed == 0
