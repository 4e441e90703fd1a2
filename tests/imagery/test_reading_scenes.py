from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyproj
import pytest

from reverdure.core.errors import UnreadableFile
from reverdure.core.grid import Grid, Window, grid_of
from reverdure.imagery.landsat import find_scenes, read_scene

TM = "LT05_L2SP_121041_19990601_20200912_02_T1"
CLEAR_LAND = 21824


def only_scene(folder):
    scenes, refusals = find_scenes(folder)
    assert refusals == []
    return scenes[0]


def scene_with(
    folder,
    write_product,
    grid,
    suffix,
    number,
    product_id="LC08_L2SP_121041_20200715_20200912_02_T1",
):
    """A scene whose first pixel has `number` in one file; all else is clear land."""
    usual = {"QA_PIXEL": CLEAR_LAND, "QA_RADSAT": 0}.get(suffix, 12_000)
    numbers = np.full(grid.shape, usual, np.uint16)
    numbers[0, 0] = number
    write_product(folder, numbers={suffix: numbers})
    return only_scene(folder)


@pytest.mark.parametrize("bit", range(6))
def test_each_bit_that_hides_the_ground_clears_its_pixel_and_no_other(
    tmp_path, write_product, grid, bit
):
    scene = scene_with(tmp_path, write_product, grid, "QA_PIXEL", CLEAR_LAND | 1 << bit)
    clear = read_scene(scene, grid).clear.values
    assert not clear[0, 0]
    assert clear.sum() == clear.size - 1


@pytest.mark.parametrize("bit", range(6, 16))
def test_water_and_confidence_bits_hide_nothing(tmp_path, write_product, grid, bit):
    scene = scene_with(tmp_path, write_product, grid, "QA_PIXEL", 1 << bit)
    found = read_scene(scene, grid)
    assert found.clear.values.all()
    assert bool(found.water.values[0, 0]) == (bit == 7)
    assert found.water.values.sum() == (bit == 7)


@pytest.mark.parametrize(
    ("product_id", "spoiling"),
    [
        # coastal (0) and cirrus (8) of OLI are not read; 11 is hidden by terrain
        ("LC08_L2SP_121041_20200715_20200912_02_T1", {1, 2, 3, 4, 5, 6, 11}),
        # thermal (5, 8) of TM and ETM+ are not reflectance; 9 is a dropped pixel
        (TM, {0, 1, 2, 3, 4, 6, 9}),
    ],
)
def test_saturation_counts_in_the_bands_that_are_used(
    tmp_path, write_product, grid, product_id, spoiling
):
    bits = np.zeros(grid.shape, np.uint16)
    bits.flat[:12] = 1 << np.arange(12)
    write_product(tmp_path, product_id, numbers={"QA_RADSAT": bits})
    clear = read_scene(only_scene(tmp_path), grid).clear.values
    assert set(np.flatnonzero(~clear.ravel())) == spoiling


@pytest.mark.parametrize(
    ("number", "is_valid"), [(0, False), (7272, False), (7273, True), (43636, True), (43637, False)]
)
def test_numbers_outside_the_valid_range_are_missing(
    tmp_path, write_product, grid, number, is_valid
):
    scene = scene_with(tmp_path, write_product, grid, "SR_B4", number)
    found = read_scene(scene, grid)
    assert bool(found.clear.values[0, 0]) == is_valid
    assert bool(np.isfinite(found.red.values[0, 0])) == is_valid
    assert np.isfinite(found.nir.values[0, 0])


def test_numbers_become_reflectance_and_kelvin(tmp_path, write_product, grid):
    write_product(tmp_path, numbers={"SR_B5": 20_000, "ST_B10": 44_000})
    found = read_scene(only_scene(tmp_path), grid)
    assert found.nir.dtype == np.float32
    assert found.nir.values == pytest.approx(0.35, abs=1e-6)
    assert found.thermal.values == pytest.approx(0.00341802 * 44_000 + 149, abs=1e-3)
    assert found.thermal.attrs["units"] == "K"
    assert grid_of(found) == grid


def test_a_fill_temperature_is_missing_and_does_not_hide_the_ground(tmp_path, write_product, grid):
    scene = scene_with(tmp_path, write_product, grid, "ST_B10", 0)
    found = read_scene(scene, grid)
    assert np.isnan(found.thermal.values[0, 0])
    assert found.clear.values[0, 0]


def numbered(grid):
    return (8_000 + np.arange(grid.height * grid.width)).reshape(grid.shape).astype(np.uint16)


def test_a_window_that_reaches_beyond_the_scene_is_empty_there(tmp_path, write_product, grid):
    write_product(tmp_path, numbers={"SR_B4": numbered(grid)})
    scene = only_scene(tmp_path)
    wide = Grid(grid.crs, grid.west - 60, grid.north + 90, 30.0, 20, 16)
    whole, found = read_scene(scene, grid), read_scene(scene, wide)
    assert np.array_equal(found.red.values[3:15, 2:12], whole.red.values)
    outside = np.ones(wide.shape, bool)
    outside[3:15, 2:12] = False
    assert np.isnan(found.red.values[outside]).all()
    assert not found.clear.values[outside].any()
    assert not found.water.values[outside].any()


def test_a_window_that_misses_the_scene_is_empty(tmp_path, write_product, grid):
    write_product(tmp_path)
    scene = only_scene(tmp_path)
    away = Grid(grid.crs, grid.west + 3_000, grid.north, 30.0, 4, 4)
    assert not scene.touches(away)
    assert not read_scene(scene, away).clear.values.any()


def nearest_by_hand(values, own, grid):
    """Value of the pixel that each centre of `grid` falls in, one point at a time."""
    to_own = pyproj.Transformer.from_crs(grid.crs, own.crs, always_xy=True)
    found = np.full(grid.shape, 0, values.dtype)
    for row in range(grid.height):
        for column in range(grid.width):
            x, y = to_own.transform(
                grid.west + (column + 0.5) * grid.pixel, grid.north - (row + 0.5) * grid.pixel
            )
            i, j = int((own.north - y) // own.pixel), int((x - own.west) // own.pixel)
            if 0 <= i < own.height and 0 <= j < own.width:
                found[row, column] = values[i, j]
    return found


@pytest.mark.parametrize(
    "target",
    [
        Grid("EPSG:32650", 500_010.0, 2_999_983.0, 30.0, 9, 8),
        Grid("EPSG:32650", 499_907.0, 3_000_050.0, 20.0, 30, 25),
        Grid("EPSG:32649", 1_095_000.0, 3_014_400.0, 30.0, 30, 30),
        Grid("EPSG:4326", 116.9995, 27.1215, 0.00027, 14, 16),
    ],
    ids=["shifted", "finer", "other zone", "degrees"],
)
def test_pixels_off_the_lattice_take_the_nearest_value(tmp_path, write_product, grid, target):
    numbers = numbered(grid)
    write_product(tmp_path, numbers={"SR_B4": numbers})
    found = read_scene(only_scene(tmp_path), target).red.values
    expected = nearest_by_hand(numbers, grid, target)
    assert (expected > 0).any()
    assert (expected == 0).any() or target.pixel == 30.0
    back = np.where(np.isnan(found), 0, np.round((found + 0.2) / 2.75e-5))
    assert np.array_equal(back.astype(int), expected)


@pytest.mark.parametrize(
    "target",
    [
        Grid("EPSG:32650", 499_985.0, 3_000_015.0, 30.0, 14, 12),  # centres fall on edges
        Grid("EPSG:32649", 1_095_000.0, 3_014_400.0, 30.0, 30, 30),
    ],
)
def test_a_tile_gets_exactly_what_the_whole_would(tmp_path, write_product, grid, target):
    write_product(tmp_path, numbers={"SR_B4": numbered(grid)})
    scene = only_scene(tmp_path)
    whole = read_scene(scene, target).red.values
    assert np.isfinite(whole).any()
    for window in target.tiles(5):
        tile = read_scene(scene, target.part(window)).red.values
        assert np.array_equal(tile, whole[window.slices], equal_nan=True)


def test_centres_on_edges_go_to_one_side_in_every_tile(tmp_path, write_product):
    # steps of 0.00027 cannot be written exactly, so the last bit differs from tile to tile
    own = Grid("EPSG:4326", 117.0, 27.12, 0.00027, 40, 40)
    write_product(tmp_path, on=own, numbers={"SR_B4": numbered(own)})
    scene = only_scene(tmp_path)
    shifted = Grid(own.crs, own.west + 0.000135, own.north - 0.000135, own.pixel, 38, 38)
    whole = read_scene(scene, shifted).red.values
    assert np.array_equal(whole, read_scene(scene, own).red.values[1:39, 1:39])
    for window in shifted.tiles(7):
        tile = read_scene(scene, shifted.part(window)).red.values
        assert np.array_equal(tile, whole[window.slices])


def test_threads_reading_one_scene_get_the_same(tmp_path, write_product, grid):
    write_product(tmp_path, numbers={"SR_B4": numbered(grid)})
    scene = only_scene(tmp_path)
    tiles = [grid.part(window) for window in grid.tiles(6)] * 5
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda tile: read_scene(scene, tile).red.values, tiles))
    expected = [read_scene(scene, tile).red.values for tile in tiles]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("target", ["same", "shifted"])
def test_a_file_cut_off_after_it_was_accepted_is_named(
    tmp_path, write_product, cut_off, grid, target
):
    write_product(tmp_path)
    scene = only_scene(tmp_path)
    cut_off(Path(scene.files["nir"]))
    place = grid if target == "same" else Grid(grid.crs, grid.west + 7, grid.north, 30.0, 12, 10)
    with pytest.raises(UnreadableFile, match=r"SR_B5\.TIF"):
        read_scene(scene, place)
    Path(scene.files["nir"]).unlink()
    with pytest.raises(UnreadableFile, match=r"SR_B5\.TIF"):
        read_scene(scene, place)


@pytest.mark.real_data("landsat-c2l2-scenes")
def test_a_real_scene_of_forest_is_green_and_warm_where_it_is_clear(data_folder):
    scene = next(s for s in find_scenes(data_folder)[0] if "_001070_" in s.scene_id)
    found = read_scene(scene, scene.grid)
    clear = found.clear.values
    red, nir = found.red.values[clear], found.nir.values[clear]
    ndvi = (nir - red) / (nir + red)
    assert clear.mean() == pytest.approx(0.092, abs=0.002)
    assert np.median(ndvi) == pytest.approx(0.87, abs=0.01)
    assert np.nanpercentile(found.thermal.values[clear], [5, 95]) == pytest.approx(
        [298.3, 306.8], abs=1
    )
    assert 0 < found.water.values.mean() < 0.01


@pytest.mark.real_data("landsat-c2l2-scenes")
def test_snow_of_a_real_scene_is_not_clear(data_folder):
    scene = next(s for s in find_scenes(data_folder)[0] if "_005009_" in s.scene_id)
    window = Window(100, 100, 200, 200)
    assert not read_scene(scene, scene.grid.part(window)).clear.values.any()
