import shutil

import numpy as np
import pytest
import xarray as xr

from reverdure.core.errors import InvalidInput, UnknownOption, UnreadableFile
from reverdure.core.grid import Grid, grid_of
from reverdure.imagery.composites import annual_composites, composite_tile
from reverdure.imagery.landsat import find_scenes, read_scene

SUMMER = ("06-01", "09-30")
PRODUCTS = (
    "LC08_L2SP_121041_20200715_20200912_02_T1",
    "LC08_L2SP_121041_20200731_20200912_02_T1",
    "LE07_L2SP_121041_20200723_20200912_02_T1",
    "LC08_L2SP_122041_20200807_20200912_02_T1",
    "LC08_L2SR_121041_20200901_20200912_02_T1",
)
BANDS = ("blue", "green", "red", "nir", "swir1", "swir2", "thermal")


@pytest.fixture
def scenes(tmp_path, write_product, grid):
    """Five scenes with random land and cloud; the last without temperature."""
    random = np.random.default_rng(1)
    for product in PRODUCTS:
        bands = ("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7", "ST_B6", "ST_B10")
        numbers = {b: random.integers(7_273, 30_000, grid.shape).astype(np.uint16) for b in bands}
        cloud = random.random(grid.shape) < 0.4
        numbers["QA_PIXEL"] = np.where(cloud, 22280, 21824).astype(np.uint16)
        thermal = ("ST_B6", "ST_B10") if "L2SR" in product else ()
        write_product(tmp_path / product, product, numbers=numbers, without=thermal)
    found, refusals = find_scenes(tmp_path)
    assert refusals == []
    return found


def test_a_tile_is_the_same_composite_as_from_whole_scenes_in_memory(scenes, grid):
    tile = composite_tile(scenes, grid, SUMMER)
    read = []
    for scene in scenes:
        one = read_scene(scene, grid)
        if "thermal" not in one:
            one["thermal"] = one.red * np.nan
        read.append(one.assign_coords(time=np.datetime64(scene.date, "ns")))
    whole = annual_composites(xr.concat(read, "time", join="exact"), SUMMER).isel(year=0)
    assert tile.attrs["scene_ids"] == [scene.scene_id for scene in scenes]
    assert tile.n_clear.values.max() >= 4
    for name in (*BANDS, "n_clear", "source"):
        assert np.array_equal(tile[name].values, whole[name].values, equal_nan=True), name
    assert np.isnan(tile.thermal.values[tile.source.values == 4]).all()
    assert grid_of(tile) == grid


def test_the_order_of_the_scenes_changes_nothing(scenes, grid):
    assert composite_tile(scenes[::-1], grid, SUMMER).identical(
        composite_tile(scenes, grid, SUMMER)
    )


@pytest.mark.parametrize("method", ["medoid", "median"])
def test_tiles_and_strips_make_up_the_whole(scenes, grid, method, monkeypatch):
    whole = composite_tile(scenes, grid, SUMMER, method)
    for window in grid.tiles(5):
        tile = composite_tile(scenes, grid.part(window), SUMMER, method)
        for name in (*BANDS, "n_clear", "source"):
            part = whole[name].values[window.slices]
            assert np.array_equal(tile[name].values, part, equal_nan=True), name
    monkeypatch.setattr("reverdure.imagery.composites._STACK_BYTES", 5 * 7 * 10 * 4 * 3)
    assert composite_tile(scenes, grid, SUMMER, method).identical(whole)


def test_scenes_that_do_not_touch_the_tile_are_not_opened(scenes, grid, tmp_path):
    away = Grid(grid.crs, grid.west + 3_000, grid.north, 30.0, 4, 4)
    shutil.rmtree(tmp_path / PRODUCTS[0])
    tile = composite_tile(scenes, away, SUMMER)
    assert tile.attrs["scene_ids"] == []
    assert np.isnan(tile.red.values).all()
    assert (tile.source.values == -1).all()
    with pytest.raises(UnreadableFile, match=PRODUCTS[0]):
        composite_tile(scenes, grid, SUMMER)


def test_a_file_cut_off_since_is_named(scenes, grid, cut_off, tmp_path):
    cut_off(tmp_path / PRODUCTS[2] / f"{PRODUCTS[2]}_SR_B3.TIF")
    with pytest.raises(UnreadableFile, match=f"{PRODUCTS[2]}_SR_B3"):
        composite_tile(scenes, grid, SUMMER)


def test_scenes_of_one_overpass_count_once_where_they_overlap(tmp_path, write_product, grid):
    half = np.full(grid.shape, 22280, np.uint16)
    half[:, :6] = 21824
    for place, pixels in (("121041", half), ("121042", 21824), ("121043", 21824)):
        product = f"LC08_L2SP_{place}_20200715_20200912_02_T1"
        write_product(tmp_path / place, product, numbers={"QA_PIXEL": pixels})
    tile = composite_tile(find_scenes(tmp_path)[0], grid, SUMMER)
    assert (tile.n_clear.values == 1).all()
    assert (tile.source.values[:, :6] == 0).all()
    assert (tile.source.values[:, 6:] == 1).all()


def test_scenes_of_another_zone_fill_the_tile(tmp_path, write_product, grid):
    other = Grid("EPSG:32649", 1_094_700.0, 3_014_700.0, 30.0, 60, 60)
    write_product(tmp_path, on=other)
    tile = composite_tile(find_scenes(tmp_path)[0], grid, SUMMER)
    assert (tile.n_clear.values == 1).all()


def test_scenes_of_several_seasons_or_none_are_refused(scenes, grid):
    with pytest.raises(InvalidInput, match="one season"):
        composite_tile(scenes, grid, ("07-20", "07-18"))
    with pytest.raises(InvalidInput, match="one season"):
        composite_tile(scenes, grid, ("07-20", "08-30"))
    with pytest.raises(UnknownOption, match="method"):
        composite_tile(scenes, grid, SUMMER, "mean")
    assert composite_tile([], grid, SUMMER).attrs["scene_ids"] == []


def test_stripes_without_data_are_filled_by_another_pass_or_stay_nothing(
    tmp_path, write_product, grid
):
    """Landsat 7 since 2003: lines that are fill in every band and in QA_PIXEL."""
    masks = []
    for shift, day in ((0, "0707"), (2, "0723")):
        stripe = (np.arange(grid.height) + shift) % 5 < 2
        stripe = np.broadcast_to(stripe[:, None], grid.shape)
        masks.append(stripe)
        product = f"LE07_L2SP_121041_2012{day}_20200912_02_T1"
        layers = ("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7", "ST_B6")
        numbers = {name: np.where(stripe, 0, 12_000) for name in layers}
        numbers["QA_PIXEL"] = np.where(stripe, 1, 21824)
        write_product(tmp_path / product, product, numbers=numbers)
    scenes, refusals = find_scenes(tmp_path)
    assert refusals == []
    alone = composite_tile(scenes[:1], grid, SUMMER)
    assert np.array_equal(np.isnan(alone.red.values), masks[0])
    assert np.array_equal(alone.source.values == -1, masks[0])
    both = composite_tile(scenes, grid, SUMMER)
    assert np.array_equal(np.isnan(both.nir.values), masks[0] & masks[1])
    assert np.array_equal(both.n_clear.values, 2 - masks[0] - masks[1])


def test_a_change_of_bands_moves_the_sensors_it_names_and_no_temperature(scenes, grid):
    lines = np.column_stack([np.full(6, 1.25), np.full(6, 0.01)])
    seen = composite_tile(scenes[:1], grid, SUMMER)
    found = composite_tile(
        scenes[:1], grid, SUMMER, change=lambda name: lines if name == "LC08" else None
    )
    np.testing.assert_allclose(found.red.values, seen.red.values * 1.25 + 0.01, rtol=1e-6)
    assert np.array_equal(found.thermal.values, seen.thermal.values, equal_nan=True)
    kept = composite_tile(scenes[:1], grid, SUMMER, change=lambda _: None)
    assert kept.identical(seen)
