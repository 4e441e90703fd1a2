"""Segmentation: agreement with Earth Engine, symmetries, and series it cannot fit."""

import csv
import json

import numpy as np
import pytest
import rasterio
import xarray as xr

from reverdure.core.codes import SegmentStatus
from reverdure.core.errors import InvalidInput, UnknownOption, WrongDimensions
from reverdure.recovery.segmentation import SegmentParams, segment

# what the scripts behind the reference data used
EARTH_ENGINE = SegmentParams(prevent_one_year_recovery=True, pval_threshold=0.05)


def series(values, first_year=2001):
    years = np.arange(first_year, first_year + len(values))
    dims = ("year", "pixel")[: np.ndim(values)]
    return xr.DataArray(np.asarray(values, np.float32), {"year": years}, dims)


def courses(n_pixels=400, n_years=30, missing=0.1, seed=3):
    """Noisy courses with damage, recovery, spikes and gaps, around 0.5."""
    rng = np.random.default_rng(seed)
    age = np.arange(n_years)[:, None] - rng.uniform(3, n_years, n_pixels)
    values = 0.7 - (age >= 0) * np.maximum(rng.uniform(0, 0.5, n_pixels) - 0.04 * age, 0)
    values = values + rng.normal(0, 0.03, values.shape)
    values -= (rng.random(values.shape) < 0.03) * 0.3
    values[rng.random(values.shape) < missing] = np.nan
    return series(values, 1990)


def vertex_years(segments):
    years = segments.vertex_year.values
    return years[np.isfinite(years)].astype(int).tolist()


@pytest.mark.real_data("landtrendr-gee-reference")
def test_the_documented_pixel_of_earth_engine(data_folder):
    with (data_folder / "docs" / "imgs" / "lt_data.csv").open() as stream:
        rows = {row[0]: np.array(row[1:], float) for row in csv.reader(stream)}
    index = xr.DataArray(rows["Source"], {"year": rows["Year"].astype(int)}, ("year",))
    for params in (EARTH_ENGINE, SegmentParams()):
        segments = segment(index, params)
        assert vertex_years(segments) == [1985, 1997, 1998, 2002, 2017]
        assert np.abs(segments.fitted.values - rows["FTV"]).mean() < 1.0


@pytest.mark.real_data("gee-landtrendr-scenes")
def test_five_pixels_fitted_by_earth_engine(data_folder):
    truth = json.loads((data_folder / "gee_truth.json").read_text())
    for pixel in truth["pixels"]:
        index = xr.DataArray(pixel["source"], {"year": pixel["years"]}, ("year",))
        segments = segment(index, EARTH_ENGINE)
        assert vertex_years(segments) == pixel["vertex_years"], pixel["name"]
        # its input was rounded to 0.1 for publication
        assert np.abs(segments.fitted.values - pixel["fitted"]).max() < 0.1, pixel["name"]


@pytest.mark.real_data("gee-landtrendr-scenes")
@pytest.mark.parametrize("scene", ["forest_or", "arid_nv"])
def test_yearly_loss_of_whole_scenes(data_folder, scene):
    with rasterio.open(data_folder / f"{scene}_source.tif") as source:
        values = source.read().astype(np.float32)
    with rasterio.open(data_folder / f"{scene}_distyear.tif") as source:
        expected = source.read(2)
    values[values == -32768] = np.nan
    index = xr.DataArray(values, {"year": np.arange(1984, 2017)}, ("year", "y", "x"))
    fitted = segment(index, EARTH_ENGINE).fitted
    loss = -fitted.diff("year").min("year")
    assert float((np.abs(loss - expected) <= 1.0).mean()) >= 0.97


def test_damage_up_is_damage_down_upside_down():
    index = courses()
    down, up = segment(index), segment(-index, disturbance="increase")
    np.testing.assert_array_equal(down.vertex_year, up.vertex_year)
    np.testing.assert_array_equal(down.fitted, -up.fitted)
    np.testing.assert_array_equal(down.p_value, up.p_value)


@pytest.mark.parametrize("scale", [1000.0, 10_000.0, 0.001])
def test_the_scale_of_the_values_changes_no_vertex(scale):
    index = courses()
    plain, scaled = segment(index), segment(index.astype(float) * scale)
    np.testing.assert_array_equal(plain.vertex_year, scaled.vertex_year)
    np.testing.assert_array_equal(plain.status, scaled.status)
    np.testing.assert_allclose(plain.fitted * scale, scaled.fitted, rtol=1e-4)


def test_earlier_years_move_the_vertices_along():
    index = courses()
    moved = segment(index.assign_coords(year=index["year"] - 137))
    plain = segment(index)
    np.testing.assert_array_equal(plain.vertex_year - 137, moved.vertex_year)
    np.testing.assert_array_equal(plain.vertex_value, moved.vertex_value)


def test_a_cloudy_year_changes_nothing_but_itself():
    index = courses(missing=0.0)
    thinned = index.isel(year=[t for t in range(index.sizes["year"]) if t not in (4, 11, 12)])
    cloudy = thinned.reindex(year=index["year"])
    absent, missing = segment(thinned), segment(cloudy)
    for name in ("vertex_year", "vertex_value", "p_value", "rmse", "status"):
        np.testing.assert_array_equal(absent[name], missing[name])
    np.testing.assert_array_equal(absent.fitted, missing.fitted.sel(year=thinned["year"]))
    assert np.isfinite(missing.fitted).all()


def test_infinite_counts_as_missing():
    index = courses()
    infinite = index.where(np.isfinite(index), np.inf)
    assert segment(index).identical(segment(infinite))


def test_a_pixel_sees_no_neighbour_and_no_block():
    index = courses(n_pixels=150)
    whole = segment(index)
    order = np.random.default_rng(0).permutation(150)
    assert segment(index.isel(pixel=order)).equals(whole.isel(pixel=order))
    pieces = [segment(index.isel(pixel=slice(a, b))) for a, b in ((0, 1), (1, 65), (65, 150))]
    assert xr.concat(pieces, "pixel").equals(whole)
    single = segment(index.isel(pixel=77))
    assert single.equals(whole.isel(pixel=77))


def test_dimensions_may_come_in_any_order():
    index = courses(n_pixels=12).values.reshape(30, 3, 4)
    cube = xr.DataArray(index, {"year": np.arange(30), "x": [5.0, 6, 7, 8]}, ("year", "y", "x"))
    expected = segment(cube)
    assert expected.fitted.dims == ("year", "y", "x")
    assert expected.vertex_year.dims == ("vertex", "y", "x")
    np.testing.assert_array_equal(expected["x"], cube["x"])
    assert segment(cube.transpose("x", "year", "y")).identical(expected)


def test_the_input_stays_as_it_was():
    index = courses(n_pixels=70)
    before = index.copy(deep=True)
    index.values.setflags(write=False)
    segment(index)
    assert index.identical(before)


def test_the_line_runs_from_the_first_to_the_last_clear_year():
    values = [np.nan, np.nan, 0.8, 0.79, np.nan, 0.8, 0.78, 0.8, 0.2, 0.21, np.nan]
    segments = segment(series(values))
    assert np.isfinite(segments.fitted.values).tolist() == [False] * 2 + [True] * 8 + [False]
    assert vertex_years(segments)[0] == 2003
    assert vertex_years(segments)[-1] == 2010


def test_the_line_goes_through_its_vertices():
    segments = segment(courses(n_pixels=50))
    for pixel in range(50):
        one = segments.isel(pixel=pixel)
        years = vertex_years(one)
        at_vertices = one.fitted.sel(year=years).values
        np.testing.assert_allclose(at_vertices, one.vertex_value.values[: len(years)], rtol=1e-6)


def test_rmse_is_the_distance_from_the_values_given():
    index = courses(n_pixels=50)
    segments = segment(index)
    expected = np.sqrt(((index - segments.fitted) ** 2).mean("year"))
    np.testing.assert_allclose(segments.rmse, expected, rtol=1e-5)


def test_damage_is_dated_and_measured():
    values = [0.8, 0.81, 0.8, 0.79, 0.8, 0.81, 0.2, 0.21, 0.2, 0.19, 0.2, 0.21, 0.2]
    segments = segment(series(values))
    assert 2006 in vertex_years(segments)
    assert 2007 in vertex_years(segments)
    drop = segments.fitted.sel(year=2006) - segments.fitted.sel(year=2007)
    assert float(drop) == pytest.approx(0.6, abs=0.03)


def test_a_single_dark_year_is_no_damage():
    values = np.full(20, 0.8) + np.tile([0.0, 0.01], 10)
    clean = segment(series(values))
    values[9] = 0.3
    spiked = segment(series(values))
    assert abs(float(spiked.fitted.min()) - float(clean.fitted.min())) < 0.02
    kept = segment(series(values), SegmentParams(spike_threshold=1.0, recovery_threshold=1.0))
    assert float(kept.fitted.min()) < 0.5


def test_too_fast_a_recovery_is_not_believed():
    values = [0.8] * 8 + [0.2, 0.21] + [0.8] * 8
    wary = segment(series(values))
    trusting = segment(series(values), SegmentParams(recovery_threshold=1.0))
    assert float(np.diff(wary.fitted).max()) <= 0.25 * float(np.ptp(wary.fitted.values)) + 1e-6
    assert float(np.diff(trusting.fitted).max()) > 0.5


def test_a_threshold_of_one_believes_every_recovery():
    index = courses(n_pixels=3000, missing=0.0)
    segments = segment(index, SegmentParams(recovery_threshold=1.0))
    assert (segments.status == SegmentStatus.FITTED).all()


def test_a_recovery_in_the_last_year_alone_can_be_refused():
    values = [0.8, 0.81, 0.8, 0.79, 0.8, 0.4, 0.41, 0.4, 0.39, 0.4, 0.41, 0.4, 0.41, 0.5]
    trusting = SegmentParams(recovery_threshold=1.0, spike_threshold=1.0)
    wary = SegmentParams(
        recovery_threshold=1.0, spike_threshold=1.0, prevent_one_year_recovery=True
    )
    assert 2013 in vertex_years(segment(series(values), trusting))
    assert 2013 not in vertex_years(segment(series(values), wary))


@pytest.mark.parametrize("n_segments", [1, 2, 3, 6])
def test_no_more_segments_than_allowed(n_segments):
    index = courses(missing=0.3)
    segments = segment(index, SegmentParams(max_segments=n_segments))
    assert segments.sizes["vertex"] == n_segments + 1
    counted = np.isfinite(segments.vertex_year).sum("vertex").values
    assert counted.max() <= n_segments + 1
    assert counted.min() >= 2


def test_a_constant_course_is_flat():
    segments = segment(series([0.3] * 12))
    assert int(segments.status) == SegmentStatus.FLAT
    assert float(segments.p_value) == 1.0
    assert float(segments.rmse) == pytest.approx(0.0, abs=1e-7)
    assert vertex_years(segments) == [2001, 2012]
    np.testing.assert_allclose(segments.fitted, 0.3, rtol=1e-6)


def test_a_straight_course_is_one_segment_with_the_least_p():
    segments = segment(series(np.arange(20) * 0.02))
    assert int(segments.status) == SegmentStatus.FITTED
    assert float(segments.p_value) == pytest.approx(1e-9)
    np.testing.assert_allclose(segments.fitted, np.arange(20) * 0.02, atol=1e-6)


@pytest.mark.parametrize("n_years", [1, 2, 3, 5])
def test_too_few_years_have_a_status_and_no_number(n_years):
    segments = segment(series(np.linspace(0.8, 0.2, n_years)))
    assert int(segments.status) == SegmentStatus.TOO_FEW_YEARS
    for name in ("fitted", "vertex_year", "vertex_value", "rmse", "p_value"):
        assert np.isnan(segments[name]).all(), name


def test_the_fewest_years_are_counted_clear():
    values = np.array([0.8, 0.8, 0.8, np.nan, 0.2, 0.2, 0.2, np.nan])
    assert int(segment(series(values)).status) == SegmentStatus.FITTED
    values[0] = np.nan
    assert int(segment(series(values)).status) == SegmentStatus.TOO_FEW_YEARS
    fewer = SegmentParams(min_observations_needed=5)
    assert int(segment(series(values), fewer).status) != SegmentStatus.TOO_FEW_YEARS


@pytest.mark.parametrize("n_years", [3, 4, 5])
def test_very_short_courses_still_have_two_vertices(n_years):
    params = SegmentParams(min_observations_needed=3)
    segments = segment(series([0.1, 0.5, 0.2, 0.6, 0.3][:n_years]), params)
    assert vertex_years(segments)[0] == 2001
    assert vertex_years(segments)[-1] == 2000 + n_years


def test_nothing_clear_is_no_data():
    segments = segment(series([np.nan] * 10))
    assert int(segments.status) == SegmentStatus.NO_DATA
    assert np.isnan(segments.fitted).all()


def test_no_pixels_at_all():
    segments = segment(series(np.empty((10, 0))))
    assert segments.sizes["pixel"] == 0


@pytest.mark.parametrize("disturbance", ["loss", "", "Decrease"])
def test_an_unknown_direction_is_refused(disturbance):
    with pytest.raises(UnknownOption, match="decrease, increase"):
        segment(courses(n_pixels=1), disturbance=disturbance)


@pytest.mark.parametrize(
    "years", [[2001, 2001, 2002], [2003, 2002, 2001], [2001.0, 2002.0, 2003.5]]
)
def test_years_must_be_whole_and_increase(years):
    with pytest.raises(InvalidInput, match="year"):
        segment(xr.DataArray([0.1, 0.2, 0.3], {"year": years}, ("year",)))


def test_years_must_be_stated():
    with pytest.raises(InvalidInput, match="no coordinate 'year'"):
        segment(xr.DataArray([0.1, 0.2, 0.3], dims="year"))


def test_other_dimensions_are_refused():
    with pytest.raises(WrongDimensions, match="time"):
        segment(xr.DataArray(np.zeros((8, 2)), dims=("time", "pixel")))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_segments", 0),
        ("max_segments", 2.5),
        ("max_segments", True),
        ("vertex_count_overshoot", -1),
        ("min_observations_needed", 2),
        ("spike_threshold", 1.01),
        ("spike_threshold", -0.1),
        ("recovery_threshold", 0.0),
        ("pval_threshold", 1.5),
        ("best_model_proportion", 1.25),
        ("best_model_proportion", float("nan")),
    ],
)
def test_parameters_outside_their_range_are_refused(name, value):
    with pytest.raises(InvalidInput, match=name):
        SegmentParams(**{name: value})
