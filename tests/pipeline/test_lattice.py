"""Tiles stay where they are whatever is added, and windows fall on the imagery's pixels."""

import pytest

from reverdure.core.errors import GridMismatch
from reverdure.core.grid import Grid, Window
from reverdure.pipeline.lattice import Lattice, lattice_grid, tile_name, touches
from reverdure.pipeline.steps import REGISTRY, STEP_VERSIONS, STEPS
from reverdure.pipeline.tiles import overlap

SCENE = Grid("EPSG:32650", 300_015.0, 3_000_045.0, 30.0, 500, 500)
LATTICE = Lattice.of(SCENE, 64)


def test_tiles_and_windows_lie_on_the_pixels_of_the_scenes() -> None:
    for tile in LATTICE.tiles_of(SCENE.bounds):
        assert SCENE.is_aligned(LATTICE.grid_of(tile))
    assert SCENE.is_aligned(LATTICE.around((301_000, 2_990_000, 301_500, 2_990_400), 3100))


def test_a_tile_is_the_same_wherever_it_is_asked_for_from() -> None:
    near = set(LATTICE.tiles_of((300_100, 2_999_000, 300_200, 2_999_900)))
    wide = set(LATTICE.tiles_of(SCENE.bounds))
    assert near < wide


def test_tiles_cover_the_bounds() -> None:
    bounds = SCENE.bounds
    grids = [LATTICE.grid_of(tile) for tile in LATTICE.tiles_of(bounds)]
    assert min(grid.bounds[0] for grid in grids) <= bounds[0]
    assert max(grid.bounds[3] for grid in grids) >= bounds[3]
    assert all(touches(grid.bounds, bounds) for grid in grids)


def test_overlap_shows_the_same_ground_on_both_sides() -> None:
    window = LATTICE.around((300_500, 2_998_000, 303_500, 2_999_500), 100)
    pixels = 0
    for tile in LATTICE.tiles_of(window.bounds):
        shared = overlap(LATTICE, tile, window)
        assert shared is not None
        into, out_of = shared
        one = window.part(_as_window(into)).bounds
        other = LATTICE.grid_of(tile).part(_as_window(out_of)).bounds
        assert one == pytest.approx(other)
        pixels += (into[0].stop - into[0].start) * (into[1].stop - into[1].start)
    assert pixels == window.height * window.width


def test_degrees_are_refused() -> None:
    with pytest.raises(GridMismatch, match="Reproject"):
        Lattice.of(Grid("EPSG:4326", 115.0, 28.0, 0.00027, 100, 100), 64)


def test_the_grid_of_most_scenes_is_taken() -> None:
    other = Grid("EPSG:32649", 0.0, 0.0, 30.0, 5, 5)
    assert lattice_grid([other, SCENE, SCENE.part(Window(1, 1, 3, 3))]) == SCENE


def test_tile_names_are_unique() -> None:
    tiles = list(LATTICE.tiles_of(SCENE.bounds))
    assert len({tile_name(tile) for tile in tiles}) == len(tiles)


def test_every_step_needs_what_an_earlier_one_makes_and_nothing_is_made_twice() -> None:
    made = set(REGISTRY)
    for step in STEPS:
        assert set(step.needs) <= made, step.id
        assert not set(step.makes) & made, step.id
        made |= set(step.makes)
    assert set(STEP_VERSIONS) == {step.id for step in STEPS}


def _as_window(slices: tuple[slice, slice]) -> Window:
    rows, columns = slices
    return Window(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
