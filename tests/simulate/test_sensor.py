"""What a sensor makes of the land: blur, shift, seams, light, season, sky; and the worlds."""

import dataclasses
import datetime

import numpy as np
import pytest
from scipy import ndimage

from reverdure.core.errors import UnknownOption
from reverdure.simulate.atmosphere import make_sky, missing_lines, quality, through_sky
from reverdure.simulate.county import County
from reverdure.simulate.landscape import COMPONENTS, FLOOR, Landscape, county_grid
from reverdure.simulate.passes import Overpass, overpasses, sun_position, yearly_weather
from reverdure.simulate.randomness import smooth_field, stream
from reverdure.simulate.sensor import (
    blurred_land,
    component_spectra,
    light_on_slopes,
    optics,
    shares_seen,
)
from reverdure.simulate.worlds import RANGES, World, draw_world
from reverdure.simulate.zones import Record

SUMMER = Overpass(0, "LC08", datetime.date(2020, 8, 1), 0.3, 62.0, 105.0, 0.0, 0.0)
RED, NIR, SWIR2 = 2, 3, 5


SEAM_COMPONENTS = (0, FLOOR, COMPONENTS.index("bare_red"))


def whole_land(county: County, year: int) -> dict[int, np.ndarray]:
    """Components on every cell, patches put in place, nothing blurred."""
    landscape = county.landscape
    changing = np.zeros(landscape.cells.shape, bool)
    for patch in county.patches:
        changing[patch.slices] |= patch.label > 0
    forest = (landscape.kind == 0) & ~changing
    layers = {
        0: np.where(forest, landscape.cover, 0),
        FLOOR: np.where(forest, (1 - landscape.cover) * landscape.brightness, 0),
        SEAM_COMPONENTS[2]: np.zeros(landscape.cells.shape, np.float32),
    }
    for patch in county.patches:
        for share, component in zip(patch.layers(year), patch.components, strict=True):
            if component in layers:
                layers[component][patch.slices] += share
    return layers


def test_patches_and_land_meet_without_a_seam(small_in_memory: County) -> None:
    county, year = small_in_memory, 2022
    lens = optics(county.world, "LC08")
    changing = np.zeros(county.landscape.cells.shape, bool)
    for patch in county.patches:
        changing[patch.slices] |= patch.label > 0
    land = blurred_land(county.landscape, changing, lens)
    patches = [(patch, patch.layers(year)) for patch in county.patches]
    # the same by one blur of everything and interpolation at the centres of the pixels
    sigma = county.world.psf_newer_px * 30 / 2.3548 / 5
    blurred = {
        component: ndimage.gaussian_filter(layer, sigma, mode="nearest")
        for component, layer in whole_land(county, year).items()
    }
    centres = 24 + 2.5 + 6 * np.arange(county.landscape.grid.height)
    for shift in ((0.0, 0.0), (4.2, -7.9), (-11.0, 3.1)):
        seen = shares_seen(county.landscape.grid, land, patches, lens, shift)
        places = np.meshgrid(centres + shift[0] / 5, centres + shift[1] / 5, indexing="ij")
        for component in SEAM_COMPONENTS:
            expected = ndimage.map_coordinates(blurred[component], places, order=1)
            assert np.abs(seen[component] - expected).max() < 5e-4
        assert seen[SEAM_COMPONENTS[2]].max() > 0.2


def test_a_shift_by_a_pixel_moves_the_image_by_a_pixel(small_in_memory: County) -> None:
    county = small_in_memory
    lens = optics(county.world, "LT05")
    nothing = np.zeros(county.landscape.cells.shape, bool)
    land = {0: blurred_land(county.landscape, nothing, lens)[0]}
    still = shares_seen(county.landscape.grid, land, [], lens, (0.0, 0.0))[0]
    moved = shares_seen(county.landscape.grid, land, [], lens, (30.0, -30.0))[0]
    assert np.allclose(moved[:-1, 1:], still[1:, :-1], atol=1e-6)


def test_shares_of_a_pixel_of_even_brightness_sum_to_one(small_in_memory: County) -> None:
    county = small_in_memory
    plain = Landscape(
        **{
            **{f.name: getattr(county.landscape, f.name) for f in dataclasses.fields(Landscape)},
            "brightness": np.ones_like(county.landscape.brightness),
        }
    )
    lens = optics(county.world, "LE07")
    nothing = np.zeros(plain.cells.shape, bool)
    seen = shares_seen(plain.grid, blurred_land(plain, nothing, lens), [], lens, (3.0, 3.0))
    assert np.abs(seen.sum(axis=0) - 1).max() < 1e-4


def test_slopes_towards_the_sun_are_brighter() -> None:
    ramp = np.tile(np.arange(20, dtype=np.float32) * -8, (20, 1))
    # falls towards the east, and the sun stands in the east-south-east
    assert light_on_slopes(ramp, SUMMER).min() > 1.02
    assert light_on_slopes(-ramp, SUMMER).max() < 0.98
    south = light_on_slopes(ramp.T.copy(), dataclasses.replace(SUMMER, sun_azimuth_deg=180.0))
    assert south.min() > 1.02
    assert np.allclose(light_on_slopes(np.zeros((5, 5), np.float32), SUMMER), 1)


def test_the_sun_stands_where_it_does_in_jiangxi() -> None:
    elevation, azimuth = sun_position(datetime.date(2020, 6, 21))
    assert 62 < elevation < 72
    assert 75 < azimuth < 110
    elevation, azimuth = sun_position(datetime.date(2020, 12, 21))
    assert 28 < elevation < 38
    assert 140 < azimuth < 160


@pytest.mark.parametrize("number", range(1, 9))
def test_every_world_has_settings_in_range_and_bands_that_look_real(number: int) -> None:
    world = draw_world(number)
    assert {f.name for f in dataclasses.fields(World)} == {"number", *RANGES}
    for name, (low, high) in RANGES.items():
        assert low <= getattr(world, name) <= high
    spectra = component_spectra(world, SUMMER)
    leaf, floor = spectra[0], spectra[FLOOR]
    forest = 0.92 * leaf + 0.08 * floor
    assert 0.79 < (forest[NIR] - forest[RED]) / (forest[NIR] + forest[RED]) < 0.92
    assert 0.56 < (forest[NIR] - forest[SWIR2]) / (forest[NIR] + forest[SWIR2]) < 0.72
    for name in ("bare_red", "bare_grey"):
        bare = spectra[COMPONENTS.index(name)]
        assert 0.05 < (bare[NIR] - bare[RED]) / (bare[NIR] + bare[RED]) < 0.20
        assert -0.06 < (bare[NIR] - bare[SWIR2]) / (bare[NIR] + bare[SWIR2]) < 0.12


def test_worlds_differ_and_start_at_one() -> None:
    assert len({draw_world(number) for number in range(1, 20)}) == 19
    with pytest.raises(UnknownOption, match="from 1"):
        draw_world(0)


def test_grass_browns_in_winter_and_forest_hardly() -> None:
    world = draw_world(1)
    winter = dataclasses.replace(SUMMER, date=datetime.date(2020, 1, 20))
    loss = component_spectra(world, SUMMER)[:, NIR] - component_spectra(world, winter)[:, NIR]
    assert loss[2] > 3 * loss[0] > 0


def test_undetected_haze_and_thin_cloud_remain_in_what_is_called_clear() -> None:
    world = dataclasses.replace(draw_world(1), haze_share=0.999, haze_depth=0.09)
    grid = county_grid(4)
    sky = make_sky(world, grid, SUMMER, stream(5, "sky"))
    ground = np.full((6, *grid.shape), 0.05, np.float32)
    nothing = np.zeros((len(COMPONENTS), *grid.shape), np.float32)
    bits = quality(world, SUMMER, sky, nothing)
    clear = (bits & 0b11011) == 0
    seen = through_sky(ground, sky)
    assert seen[0][clear].mean() > 0.055
    assert seen[0][(bits & 8) > 0].mean() > 0.2
    # shadows take away light where no cloud stands over them
    dark = (sky.shadow > 0.9) & (sky.cloud == 0) & (sky.haze < 0.05)
    if dark.any():
        assert seen[NIR][dark].mean() < 0.03


def test_clouds_cover_the_share_asked_for() -> None:
    world = draw_world(1)
    grid = county_grid(4)
    skies = [make_sky(world, grid, SUMMER, stream(n, "sky")) for n in range(8)]
    assert np.mean([(sky.cloud > 0).mean() for sky in skies]) == pytest.approx(0.3, abs=0.06)


def test_only_landsat_seven_has_stripes() -> None:
    grid = county_grid(4)
    stripes = missing_lines(grid, dataclasses.replace(SUMMER, sensor="LE07"), stream(1, "x"))
    assert 0.2 < stripes.mean() < 0.35
    assert not missing_lines(grid, SUMMER, stream(1, "x")).any()


def test_passes_follow_the_orbit_the_season_and_the_satellites() -> None:
    world, record = draw_world(1), Record(1984, 2024)
    weather = yearly_weather(world, record, 7)
    scenes = overpasses(world, record, weather, 7)
    assert [s.date for s in scenes] == sorted(s.date for s in scenes)
    for sensor, years in (("LT05", (1984, 2011)), ("LE07", (2012, 2012)), ("LC08", (2013, 2024))):
        days = [s.date for s in scenes if s.sensor == sensor]
        assert (days[0].year, days[-1].year) == years
        assert {(day - days[0]).days % 16 for day in days} == {0}
    in_season = [
        sum(6 <= s.date.month <= 9 and s.date.year == year for s in scenes)
        for year in range(1984, 2025)
    ]
    assert min(in_season) >= 1
    assert max(in_season) <= 5
    assert 3 <= np.median(in_season) <= 5
    assert 5 < len(scenes) - sum(in_season) < 30
    assert abs(weather.std() - world.weather_sd) < 0.5 * world.weather_sd


@pytest.mark.parametrize("scale", [1.2, 4.0, 20.0, 90.0])
def test_fields_have_unit_variance_and_the_scale_asked_for(scale: float) -> None:
    fields = [smooth_field(stream(9, "field", n), (400, 380), scale) for n in range(12)]
    assert fields[0].shape == (400, 380)
    assert np.mean([np.mean(f**2) for f in fields]) == pytest.approx(1, abs=0.3)
    # a Gaussian of sd s gives exp(-d^2 / 4 s^2) at distance d
    lag = max(1, int(1.5 * scale))
    related = np.mean([np.mean(f[lag:] * f[:-lag]) for f in fields])
    assert related == pytest.approx(np.exp(-(lag**2) / (4 * scale**2)), abs=0.25)
