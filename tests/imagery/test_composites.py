from datetime import date

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from reverdure.core.errors import InvalidInput, UnknownOption, WrongDimensions
from reverdure.imagery.composites import annual_composites, season_year

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
SUMMER = ("06-01", "09-30")


def scenes_of(days, seed=0, shape=(3, 4), cloudy=0.3):
    """Random scenes; `clear` is left out at random."""
    random = np.random.default_rng(seed)
    size = (len(days), *shape)
    dims = ("time", "y", "x")
    layers = {band: (dims, random.uniform(0, 0.6, size).astype(np.float32)) for band in BANDS}
    layers["thermal"] = (dims, random.uniform(280, 310, size).astype(np.float32))
    layers["clear"] = (dims, random.random(size) > cloudy)
    return xr.Dataset(layers, {"time": pd.to_datetime(list(days))})


def medoid_by_hand(scenes, members):
    """Position of the medoid of every pixel, by the words of the definition."""
    chosen = np.full(scenes.clear.shape[1:], -1)
    for y, x in np.ndindex(chosen.shape):
        usable = [t for t in members if scenes.clear.values[t, y, x]]
        if not usable:
            continue
        values = np.array([[scenes[b].values[t, y, x] for b in BANDS] for t in usable], float)
        distance = ((values - np.median(values, axis=0)) ** 2).sum(axis=1)
        chosen[y, x] = usable[int(np.argmin(distance))]
    return chosen


DAYS = [
    "2019-06-01", "2019-07-04", "2019-08-11", "2019-09-30", "2019-10-01",
    "2021-05-31", "2021-06-15", "2021-07-01", "2021-07-17",
]  # fmt: skip


def test_the_medoid_is_the_observation_nearest_to_the_median_of_each_band():
    scenes = scenes_of(DAYS)
    found = annual_composites(scenes, SUMMER)
    assert found.year.values.tolist() == [2019, 2020, 2021]
    assert found.year.dtype == np.int64
    for year, members in {2019: [0, 1, 2, 3], 2020: [], 2021: [6, 7, 8]}.items():
        one = found.sel(year=year)
        expected = medoid_by_hand(scenes, members)
        assert np.array_equal(one.source.values, expected)
        assert np.array_equal(one.n_clear.values, scenes.clear.values[members].sum(axis=0))
        for band in (*BANDS, "thermal"):
            of_scene = np.take_along_axis(scenes[band].values, expected[None], axis=0)[0]
            wanted = np.where(expected < 0, np.nan, of_scene)
            assert np.array_equal(one[band].values, wanted, equal_nan=True)
    assert found.nir.dtype == np.float32
    assert (found.n_clear.dtype, found.source.dtype) == (np.int16, np.int16)


def test_the_bounds_of_the_season_are_included():
    found = annual_composites(scenes_of(DAYS, cloudy=0), SUMMER)
    assert found.n_clear.values[0].min() == 4
    assert found.n_clear.values[2].min() == 3


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_the_order_of_dates_changes_nothing(seed, n):
    random = np.random.default_rng(seed)
    # two days only, so that several scenes fall on one
    days = random.choice(["2020-07-01", "2020-07-09"], n)
    scenes = scenes_of(days, seed, shape=(2, 3))
    order = random.permutation(n)
    one, other = annual_composites(scenes), annual_composites(scenes.isel(time=order))
    for name in (*BANDS, "thermal", "n_clear"):
        assert np.array_equal(one[name].values, other[name].values, equal_nan=True), name
    position = np.append(order, -1)[other.source.values]
    assert np.array_equal(position, one.source.values)


def test_a_cloudy_date_changes_nothing():
    days = ["2020-06-10", "2020-07-12", "2020-08-13", "2020-09-14"]
    scenes = scenes_of(days, cloudy=0)
    scenes.clear.values[2] = False
    without = scenes.isel(time=[0, 1, 3])
    one, other = annual_composites(scenes), annual_composites(without)
    for name in (*BANDS, "thermal", "n_clear"):
        assert np.array_equal(one[name].values, other[name].values), name
    scenes.nir.values[2] = 0.99
    again = annual_composites(scenes)
    assert np.array_equal(again.nir.values, one.nir.values)


def test_a_pixel_does_not_see_its_neighbours():
    scenes = scenes_of(DAYS)
    whole = annual_composites(scenes)
    for y, x in np.ndindex(3, 4):
        alone = annual_composites(scenes.isel(y=[y], x=[x]))
        assert np.array_equal(alone.red.values[:, 0, 0], whole.red.values[:, y, x], equal_nan=True)


def test_many_pixels_are_worked_off_in_blocks_like_few(monkeypatch):
    scenes = scenes_of(DAYS, shape=(7, 9))
    whole = annual_composites(scenes)
    monkeypatch.setattr("reverdure.imagery.composites._PIXELS_AT_ONCE", 10)
    assert annual_composites(scenes).identical(whole)
    middle = annual_composites(scenes, method="median")
    monkeypatch.undo()
    assert annual_composites(scenes, method="median").identical(middle)


def test_of_two_observations_the_earlier_is_taken():
    scenes = scenes_of(["2020-08-01", "2020-07-01"], cloudy=0)
    assert (annual_composites(scenes).source.values == 1).all()


@pytest.mark.parametrize("band", BANDS)
def test_an_observation_that_lacks_a_band_is_not_used(band):
    scenes = scenes_of(["2020-07-01", "2020-07-17"], cloudy=0)
    scenes[band].values[0] = np.nan
    found = annual_composites(scenes)
    assert (found.source.values == 1).all()
    assert (found.n_clear.values == 1).all()


def test_temperature_follows_the_observation_even_where_it_is_missing():
    scenes = scenes_of(["2020-07-01", "2020-07-17", "2020-08-02"], cloudy=0)
    scenes.thermal.values[:] = np.nan
    found = annual_composites(scenes)
    assert np.isnan(found.thermal.values).all()
    assert (found.source.values >= 0).all()
    assert found.thermal.attrs["units"] == "K"


def test_the_median_takes_each_band_by_itself():
    scenes = scenes_of(["2020-07-01", "2020-07-17", "2020-08-02", "2020-08-18"])
    found = annual_composites(scenes, method="median")
    for band in (*BANDS, "thermal"):
        values = scenes[band].where(scenes.clear)
        assert np.allclose(found[band].values[0], values.median("time"), equal_nan=True)
    assert (found.source.values == -1).all()


def test_fewer_bands_are_enough():
    scenes = scenes_of(DAYS)[["red", "nir", "clear"]]
    assert set(annual_composites(scenes).data_vars) == {"red", "nir", "n_clear", "source"}


def test_the_input_is_left_alone():
    scenes = scenes_of(DAYS)
    for variable in scenes.data_vars.values():
        variable.values.setflags(write=False)
    copy = scenes.copy(deep=True)
    annual_composites(scenes)
    annual_composites(scenes, method="median")
    assert scenes.identical(copy)


def test_the_place_is_kept_and_the_water_left_out():
    scenes = scenes_of(DAYS).assign_coords(y=[3.0, 2.0, 1.0], x=[1.0, 2.0, 3.0, 4.0])
    scenes = scenes.assign_coords(spatial_ref=((), 0, {"crs_wkt": "LOCAL"}))
    scenes["water"] = scenes.clear
    found = annual_composites(scenes.assign_coords(cloud=("time", range(9))))
    assert found.spatial_ref.attrs == {"crs_wkt": "LOCAL"}
    assert found.y.values.tolist() == [3.0, 2.0, 1.0]
    assert "water" not in found
    assert set(found.coords) == {"year", "y", "x", "spatial_ref"}


@pytest.mark.parametrize(
    ("day", "season", "year"),
    [
        ((2019, 6, 1), SUMMER, 2019),
        ((2019, 9, 30), SUMMER, 2019),
        ((2019, 5, 31), SUMMER, None),
        ((2019, 10, 1), SUMMER, None),
        ((2019, 11, 15), ("11-15", "02-28"), 2020),
        ((2020, 2, 28), ("11-15", "02-28"), 2020),
        ((2020, 2, 29), ("11-15", "02-28"), None),
        ((2020, 2, 29), ("11-15", "02-29"), 2020),
        ((2021, 2, 28), ("11-15", "02-29"), 2021),
        ((2021, 3, 1), ("02-29", "04-01"), 2021),
        ((2021, 2, 28), ("02-29", "04-01"), None),
        ((2020, 11, 14), ("11-15", "02-28"), None),
        ((2020, 10, 1), ("10-01", "09-30"), 2021),
        ((2020, 9, 30), ("10-01", "09-30"), 2020),
        ((2020, 12, 31), ("01-01", "12-31"), 2020),
        ((2020, 7, 1), ("07-01", "07-01"), 2020),
    ],
)
def test_a_day_counts_for_the_year_its_season_ends_in(day, season, year):
    assert season_year(date(*day), season) == year


def test_a_season_over_new_year_gives_one_composite():
    scenes = scenes_of(["2019-12-20", "2020-01-05", "2020-06-01"], cloudy=0)
    found = annual_composites(scenes, ("12-01", "01-31"))
    assert found.year.values.tolist() == [2020]
    assert (found.n_clear.values == 2).all()


@pytest.mark.parametrize("season", [("6-1", "09-30"), ("06-31", "09-30"), ("06-01", "summer")])
def test_a_day_that_does_not_exist_is_refused(season):
    with pytest.raises(UnknownOption, match="not a day"):
        season_year(date(2000, 1, 1), season)
    with pytest.raises(UnknownOption, match="not a day"):
        annual_composites(scenes_of(DAYS), season)


def test_what_cannot_be_composited_is_refused_with_the_reason():
    scenes = scenes_of(DAYS)
    with pytest.raises(UnknownOption, match=r"'mean'.*medoid, median"):
        annual_composites(scenes, method="mean")
    with pytest.raises(InvalidInput, match="no variable `clear`"):
        annual_composites(scenes.drop_vars("clear"))
    with pytest.raises(InvalidInput, match="int8; it must be bool"):
        annual_composites(scenes.assign(clear=scenes.clear.astype("int8")))
    with pytest.raises(InvalidInput, match="not bands: NIR"):
        annual_composites(scenes.rename(nir="NIR"))
    with pytest.raises(InvalidInput, match="no reflectance band"):
        annual_composites(scenes[["thermal", "clear"]])
    with pytest.raises(InvalidInput, match="none of 9 scenes"):
        annual_composites(scenes, ("01-01", "01-31"))
    with pytest.raises(WrongDimensions, match="expected"):
        annual_composites(scenes.transpose("y", "x", "time"))
    with pytest.raises(InvalidInput, match="must be datetime64"):
        annual_composites(scenes.assign_coords(time=range(9)))
