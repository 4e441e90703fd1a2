"""`load_scenes`: a folder or rasters to one array on one grid, with units and sources."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

import reverdure as rv
from reverdure.core.errors import (
    GridMismatch,
    InvalidInput,
    MissingCRS,
    NoImagery,
    UnknownOption,
    UnreadableFile,
)
from reverdure.core.grid import Grid, grid_of
from reverdure.imagery.landsat import find_scenes, read_scene

IDS = (
    "LC08_L2SP_121041_20200715_20200912_02_T1",
    "LT05_L2SP_121041_20090715_20200827_02_T1",
    "LC08_L2SP_121041_20190815_20200827_02_T1",
)


@pytest.fixture
def mines():
    box = shapely.box(500_100, 2_999_760, 500_160, 2_999_820)
    return gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[box], crs=32650)


@pytest.fixture
def folder(tmp_path, write_product, grid):
    ramp = np.arange(grid.height * grid.width).reshape(grid.shape) * 50 + 9_000
    for product_id in IDS:
        write_product(tmp_path / product_id, product_id, numbers={"SR_B4": ramp})
    return tmp_path


def test_a_folder_becomes_one_array_in_the_order_of_time(folder, mines):
    scenes = rv.load_scenes(folder, mines.to_crs(4326), margin_m=60)
    assert scenes.scene_id.values.tolist() == [IDS[1], IDS[2], IDS[0]]
    assert scenes.sensor.values.tolist() == ["LT05", "LC08", "LC08"]
    assert scenes.red.attrs["units"] == "1"
    assert scenes.thermal.attrs["units"] == "K"
    assert "Landsat Collection 2" in scenes.attrs["source"]
    assert scenes.attrs["refused"] == []
    assert scenes.clear.dtype == bool


def test_the_values_are_those_the_room_reads_on_its_own_lattice(folder, mines, grid):
    scenes = rv.load_scenes(folder, mines, margin_m=60)
    own = grid_of(scenes)
    assert grid.is_aligned(own)
    west, south, east, north = own.bounds
    assert (west, south, east, north) == (500_030, 2_999_700, 500_240, 2_999_880)
    for scene in find_scenes(folder)[0]:
        alone = read_scene(scene, own)
        stacked = scenes.isel(time=int(np.flatnonzero(scenes.scene_id == scene.scene_id)[0]))
        for band in ("red", "nir", "thermal", "clear"):
            np.testing.assert_array_equal(stacked[band].values, alone[band].values)


def test_bounds_are_degrees_and_the_same_place_gives_the_same_pixels(folder, mines):
    bounds = mines.to_crs(4326).total_bounds
    by_bounds = rv.load_scenes(folder, tuple(bounds), margin_m=60)
    by_mines = rv.load_scenes(folder, mines.to_crs(4326), margin_m=60)
    assert by_bounds.identical(by_mines)


def test_scenes_in_another_zone_come_onto_the_grid_of_most(folder, mines, write_product):
    east = gpd.GeoSeries([shapely.Point(500_000, 3_000_000)], crs=32650).to_crs(32651).iloc[0]
    other = Grid("EPSG:32651", round(east.x) - 300.0, round(east.y) + 300.0, 30.0, 40, 40)
    product_id = "LC09_L2SP_121041_20220715_20220912_02_T1"
    write_product(folder / "other", product_id, on=other)
    scenes = rv.load_scenes(folder, mines, margin_m=60)
    assert grid_of(scenes).crs == "EPSG:32650"
    assert scenes.sizes["time"] == 4
    assert float(scenes.blue.isel(time=-1).min()) == pytest.approx(10_000 * 2.75e-5 - 0.2, abs=1e-6)


def test_composites_take_what_is_loaded(folder, mines):
    composites = rv.annual_composites(rv.load_scenes(folder, mines, margin_m=60))
    assert composites.year.values.tolist() == list(range(2009, 2021))
    assert composites.red.attrs["units"] == "1"
    assert np.isfinite(composites.red.sel(year=2020)).all()
    assert np.isnan(composites.red.sel(year=2012)).all()


def test_what_is_refused_is_said_with_its_reason(folder, mines, write_product):
    write_product(folder / "bare", "LC08_L2SP_121041_20180715_20200912_02_T1", without={"SR_B5"})
    scenes = rv.load_scenes(folder, mines, margin_m=60)
    (reason,) = scenes.attrs["refused"]
    assert "20180715" in reason
    assert "SR_B5" in reason


def test_yearly_rasters_stand_at_their_year(tmp_path, mines, grid, write_raster):
    values = np.full((2, *grid.shape), 0.2, np.float32)
    values[:, 5, 5] = np.nan
    files = [write_raster(tmp_path / f"{year}.tif", values * year / 2000) for year in (2001, 2000)]
    scenes = rv.load_scenes(files, mines, bands=["red", "nir"], margin_m=60)
    composites = rv.annual_composites(scenes)
    assert composites.year.values.tolist() == [2000, 2001]
    assert float(composites.red.sel(year=2001).max()) == pytest.approx(0.2001)
    assert int((~scenes.clear.isel(time=0)).sum()) == 1
    assert scenes.attrs["source"] == "yearly rasters declared by the caller"


def test_what_cannot_be_loaded_is_refused_by_name(folder, mines, tmp_path, grid, write_raster):
    with pytest.raises(UnknownOption, match="'modis'"):
        rv.load_scenes(folder, mines, sensor="modis")
    with pytest.raises(UnreadableFile, match="absent"):
        rv.load_scenes(folder / "absent", mines)
    with pytest.raises(MissingCRS):
        rv.load_scenes(folder, mines.set_crs(None, allow_override=True))
    with pytest.raises(NoImagery, match="lies near"):
        rv.load_scenes(folder, (10.0, 50.0, 10.1, 50.1))
    with pytest.raises(InvalidInput, match="GB"):
        rv.load_scenes(folder, mines, margin_m=1e6)
    with pytest.raises(InvalidInput, match="`bands`"):
        rv.load_scenes([folder / "a.tif"], mines)
    with pytest.raises(NoImagery, match="refused: nothing"):
        rv.load_scenes(folder, mines, sensor="sentinel2")
    degrees = Grid("EPSG:4326", 117.0, 27.1, 0.0003, 12, 10)
    file = write_raster(tmp_path / "2003.tif", np.full((1, 12, 10), 0.2, np.float32), degrees)
    with pytest.raises(GridMismatch, match="degree"):
        rv.load_scenes([file], mines, bands=["red"])
