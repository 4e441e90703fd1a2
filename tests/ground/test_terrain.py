"""Layers on the pixels of the imagery, and slopes."""

import numpy as np
import pytest
import rasterio
import xarray as xr

from reverdure.core.errors import (
    InvalidInput,
    MissingCRS,
    UnknownOption,
    UnreadableFile,
    WrongDimensions,
)
from reverdure.core.grid import Grid, grid_of
from reverdure.ground.terrain import read_layer, slope_deg

GRID = Grid("EPSG:32650", 400_000.0, 3_100_000.0, 30.0, 20, 25)


def write(path, values, grid=GRID, nodata=None, count=1, crs=None):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=grid.height,
        width=grid.width,
        count=count,
        dtype=values.dtype,
        crs=grid.crs if crs is None else crs,
        transform=rasterio.Affine(*grid.transform),
        nodata=nodata,
    ) as file:
        file.write(np.broadcast_to(values, (count, *values.shape)))
    return path


def hill(grid):
    """Ground that rises 0.5 to the east and falls 0.2 to the north."""
    coordinates = grid.coordinates()
    x, y = coordinates["x"][1], coordinates["y"][1]
    return 0.5 * (x[None] - 400_000) - 0.2 * (y[:, None] - 3_100_000)


def test_the_same_pixels_come_back_as_they_are(tmp_path):
    values = np.arange(500, dtype=np.int16).reshape(GRID.shape)
    for kind in ("elevation", "rock", "cover"):
        found = read_layer(write(tmp_path / "a.tif", values), GRID, kind)
        assert found.dtype == np.float32
        assert grid_of(found) == GRID
        np.testing.assert_array_equal(found, values)


def test_no_data_and_outside_are_missing(tmp_path):
    values = np.full(GRID.shape, 7, np.int16)
    values[4, 5] = -32768
    path = write(tmp_path / "a.tif", values, nodata=-32768)
    wider = Grid(GRID.crs, GRID.west - 60, GRID.north, 30.0, 20, 25)
    for kind in ("elevation", "cover"):
        found = read_layer(path, wider, kind).values
        assert np.isnan(found[:, :2]).all()
        assert np.isnan(found[4, 7])
        assert np.isfinite(found[0, 2:]).all()


def test_elevation_is_interpolated_and_classes_are_not(tmp_path):
    coarse = Grid(GRID.crs, GRID.west - 300, GRID.north + 300, 90.0, 20, 20)
    path = write(tmp_path / "a.tif", hill(coarse).astype(np.float32), coarse)
    np.testing.assert_allclose(read_layer(path, GRID, "elevation"), hill(GRID), atol=1e-2)
    classes = np.random.default_rng(1).choice([3, 9], (20, 20)).astype(np.uint8)
    path = write(tmp_path / "b.tif", classes, coarse)
    assert set(np.unique(read_layer(path, GRID, "rock"))) == {3.0, 9.0}


def test_a_layer_in_degrees_lands_where_it_belongs(tmp_path):
    degrees = Grid("EPSG:4326", 115.9, 28.1, 0.0005, 300, 300)
    latitude = degrees.coordinates()["y"][1]
    values = np.repeat(latitude[:, None], 300, axis=1).astype(np.float32)
    found = read_layer(write(tmp_path / "a.tif", values, degrees), GRID, "elevation")
    assert float(found[0, 0]) == pytest.approx(28.02, abs=0.01)
    assert float(found[0, 0] - found[-1, 0]) == pytest.approx(570 / 110_800, rel=0.02)


def test_the_slope_of_a_plane_is_its_slope_up_to_the_border():
    grid = Grid("EPSG:32650", 400_000.0, 3_100_000.0, 30.0, 6, 7)
    found = slope_deg(xr.DataArray(hill(grid), dims=("y", "x"), coords=grid.coordinates()))
    np.testing.assert_allclose(found, np.degrees(np.arctan(np.hypot(0.5, 0.2))), rtol=1e-6)


def test_the_slope_in_degrees_knows_the_length_of_a_degree():
    grid = Grid("EPSG:4326", 115.0, 60.0, 0.001, 5, 5)
    metres_east = (grid.coordinates()["x"][1] - 115.0) * 55_800
    values = np.repeat(metres_east[None] * 0.3, 5, axis=0)
    found = slope_deg(xr.DataArray(values, dims=("y", "x"), coords=grid.coordinates()))
    np.testing.assert_allclose(found[2], np.degrees(np.arctan(0.3)), rtol=2e-3)


def test_the_slope_beside_the_unknown_is_unknown():
    values = hill(GRID)
    values[10, 10] = np.nan
    found = slope_deg(xr.DataArray(values, dims=("y", "x"), coords=GRID.coordinates())).values
    assert np.isnan(found[9:12, 9:12]).all()
    assert np.isnan(found).sum() == 9


def test_the_slope_needs_y_and_x():
    with pytest.raises(WrongDimensions):
        slope_deg(xr.DataArray(hill(GRID), dims=("row", "column")))


def test_bad_layers_are_refused_each_with_its_error(tmp_path):
    values = np.zeros(GRID.shape, np.uint8)
    with pytest.raises(UnknownOption, match="elevation, rock, cover"):
        read_layer(write(tmp_path / "a.tif", values), GRID, "soil")
    with pytest.raises(InvalidInput, match="3 bands"):
        read_layer(write(tmp_path / "b.tif", values, count=3), GRID, "rock")
    with pytest.raises(MissingCRS):
        read_layer(write(tmp_path / "c.tif", values, crs=""), GRID, "rock")
    for content in (b"", b"not a raster"):
        (tmp_path / "d.tif").write_bytes(content)
        with pytest.raises(UnreadableFile, match=r"d\.tif"):
            read_layer(tmp_path / "d.tif", GRID, "rock")
    with pytest.raises(UnreadableFile, match=r"absent\.tif"):
        read_layer(tmp_path / "absent.tif", GRID, "rock")
