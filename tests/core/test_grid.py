"""Windows, tiles and labelled arrays agree on which pixel is which."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from reverdure.core.errors import GridMismatch, MissingCRS, WrongDimensions
from reverdure.core.grid import Grid, Window, crs_name, grid_of

GRID = Grid("EPSG:32650", 300_000.0, 3_000_000.0, 30.0, 70, 90)


def test_a_grid_survives_being_written_into_an_array() -> None:
    array = xr.DataArray(np.zeros(GRID.shape), dims=("y", "x"), coords=GRID.coordinates())
    assert grid_of(array) == GRID


def test_tiles_cover_every_pixel_once() -> None:
    seen = np.zeros(GRID.shape, int)
    for window in GRID.tiles(32):
        seen[window.slices] += 1
    assert (seen == 1).all()


@given(st.integers(0, 60), st.integers(0, 80), st.integers(1, 10), st.integers(1, 10))
def test_the_window_of_a_part_is_that_part(row: int, column: int, height: int, width: int) -> None:
    window = Window(row, column, height, width)
    assert GRID.window(GRID.part(window).bounds) == window


def test_bounds_outside_have_no_window() -> None:
    assert GRID.window((0, 0, 10, 10)) is None


def test_a_margin_widens_the_window_and_stops_at_the_edge() -> None:
    bounds = GRID.part(Window(0, 10, 5, 5)).bounds
    assert GRID.window(bounds, margin=60) == Window(0, 8, 7, 9)


def test_alignment_needs_the_same_lattice() -> None:
    assert GRID.is_aligned(GRID.part(Window(3, 4, 5, 6)))
    assert not GRID.is_aligned(Grid(GRID.crs, GRID.west + 15, GRID.north, 30.0, 5, 5))
    assert not GRID.is_aligned(Grid("EPSG:32649", GRID.west, GRID.north, 30.0, 5, 5))
    assert not GRID.is_aligned(Grid(GRID.crs, GRID.west, GRID.north, 10.0, 5, 5))


def test_arrays_that_state_no_place_are_refused() -> None:
    values = np.zeros(GRID.shape)
    coordinates = GRID.coordinates()
    with pytest.raises(WrongDimensions):
        grid_of(xr.DataArray(values, dims=("y", "x")))
    no_crs = {name: coordinates[name] for name in ("y", "x")}
    with pytest.raises(MissingCRS):
        grid_of(xr.DataArray(values, dims=("y", "x"), coords=no_crs))
    upside_down = xr.DataArray(values, dims=("y", "x"), coords=coordinates)[::-1]
    with pytest.raises(GridMismatch):
        grid_of(upside_down)


def test_one_crs_has_one_name() -> None:
    assert crs_name(32650) == crs_name("EPSG:32650") == "EPSG:32650"
