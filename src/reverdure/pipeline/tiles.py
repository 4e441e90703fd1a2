"""One tile at a time: scenes to a composite, composites to segments, and back as arrays."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.codes import SegmentStatus
from reverdure.core.grid import Grid
from reverdure.imagery.composites import composite_tile
from reverdure.imagery.declared import read_declared
from reverdure.pipeline.lattice import Lattice, Tile, tile_name
from reverdure.pipeline.run_plan import BANDS, Plan, SegmentSource, Source
from reverdure.recovery.brightness import BARE, USUAL, with_brightness
from reverdure.recovery.indices import band_sum, spectral_index
from reverdure.recovery.segmentation import SegmentParams, segment
from reverdure.store.cubes import Band, read_tile, write_tile
from reverdure.store.workspace import Workspace

REFLECTANCE = 1e-4
_KELVIN = (0.01, 273.15)
_COUNTS = ("n_clear", "source")
_CACHE_BYTES = 300e6  # in each process that measures

Arrays = dict[str, NDArray[np.float32]]


def composite_path(workspace: Workspace, tile: Tile, year: int, source: Source) -> Path:
    """Where the composite of a tile and year lies."""
    return workspace.cubes / "composites" / str(year) / f"{tile_name(tile)}.{source.key}.tif"


def segments_path(workspace: Workspace, tile: Tile, index: str, source: SegmentSource) -> Path:
    """Where the segments of a tile and index lie."""
    return workspace.cubes / "segments" / index / f"{tile_name(tile)}.{source.key}.tif"


def make_composite(workspace: Workspace, plan: Plan, tile: Tile, year: int) -> None:
    """Make and keep the composite of one tile and year."""
    source = plan.composites[tile, year]
    path = composite_path(workspace, tile, year, source)
    if path.exists():
        return
    grid = plan.lattice.grid_of(tile)
    settings = workspace.settings
    if source.declared is not None:
        made = read_declared(source.declared, grid)
        scene_ids = [Path(source.declared.path).name]
    else:
        change = None if plan.harmonise is None else plan.harmonise.change
        made = composite_tile(source.scenes, grid, settings.season, settings.method, change)
        scene_ids = list(made.attrs["scene_ids"])
    names = [str(name) for name in made.data_vars]
    tags = {"REVERDURE_KEY": source.key, "REVERDURE_SCENES": json.dumps(scene_ids)}
    arrays = [made[name].to_numpy() for name in names]
    write_tile(path, [_band(name) for name in names], arrays, grid, tags)


def _band(name: str) -> Band:
    if name == "thermal":
        return Band(name, *_KELVIN)
    return Band(name) if name in _COUNTS else Band(name, REFLECTANCE)


def make_segments(workspace: Workspace, plan: Plan, tile: Tile, index: str) -> None:
    """Make and keep index values and segments of one tile."""
    source = plan.segments[tile, index]
    path = segments_path(workspace, tile, index, source)
    if path.exists():
        return
    grid = plan.lattice.grid_of(tile)
    values = np.full((len(plan.years), *grid.shape), np.nan, np.float32)
    light = values.copy()
    for position, year in enumerate(plan.years):
        if year in source.composites:
            values[position], light[position] = _index_values(
                workspace, tile, year, index, source, grid
            )
    cube = xr.DataArray(
        values,
        dims=("year", "y", "x"),
        coords={"year": np.array(plan.years), **grid.coordinates()},
        name=index,
    )
    found = segment(cube, SegmentParams(), disturbance="decrease")
    found = with_brightness(found, cube.copy(data=light))
    bands, arrays = _segment_bands(values, found, plan.years)
    write_tile(path, bands, arrays, grid, {"REVERDURE_KEY": source.key})


def _index_values(
    workspace: Workspace, tile: Tile, year: int, index: str, source: SegmentSource, grid: Grid
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Index and sum of its bands; a declared index has no bands to tell the sum from."""
    made_from = source.composites[year]
    if made_from.declared is not None and made_from.declared.kind != BANDS:
        values = read_declared(made_from.declared, grid)[index].to_numpy()
        # the same rounding as a kept composite, so that both ways agree
        band = Band(index, REFLECTANCE)
        return band.decode(band.encode(values)), np.full_like(values, np.nan)
    arrays, _ = read_tile(composite_path(workspace, tile, year, made_from))
    dataset = xr.Dataset({name: (("y", "x"), values) for name, values in arrays.items()})
    return spectral_index(dataset, index).to_numpy(), band_sum(dataset, index).to_numpy()


def _segment_bands(
    values: NDArray[np.float32], found: xr.Dataset, years: Sequence[int]
) -> tuple[list[Band], list[NDArray[np.generic]]]:
    bands: list[Band] = []
    arrays: list[NDArray[np.generic]] = []
    for prefix, cube in (("value", values), ("fitted", found["fitted"].to_numpy())):
        for position, year in enumerate(years):
            bands.append(Band(f"{prefix}_{year}", REFLECTANCE))
            arrays.append(cube[position])
    for prefix, scale in (("vertex_year", 1.0), ("vertex_value", REFLECTANCE)):
        vertices = found[prefix].to_numpy()
        for position in range(vertices.shape[0]):
            bands.append(Band(f"{prefix}_{position}", scale))
            arrays.append(vertices[position])
    for name in ("rmse", "p_value", BARE, USUAL):
        bands.append(Band(name, REFLECTANCE))
        arrays.append(found[name].to_numpy())
    bands.append(Band("status"))
    arrays.append(found["status"].to_numpy().astype(np.float32))
    return bands, arrays


class TileReader:
    """Tiles as arrays on any window, with the last few kept in memory.

    Threads that ask for one tile at the same time wait for one reading of it.
    """

    def __init__(self, workspace: Workspace, plan: Plan) -> None:
        self._workspace = workspace
        self._plan = plan
        self._kept: OrderedDict[Path, Future[Arrays]] = OrderedDict()
        # values and fits of every year, and some twenty bands more, as float32
        tile_bytes = 4 * workspace.settings.tile_pixels**2 * (2 * len(plan.years) + 20)
        self._most_kept = max(2, int(_CACHE_BYTES / tile_bytes))
        self._lock = threading.Lock()

    def segments(
        self, index: str, grid: Grid, tiles: Sequence[Tile]
    ) -> tuple[xr.DataArray, xr.Dataset]:
        """Index values and segments on a window, as `rv.segment` gives them."""
        paths = {
            tile: segments_path(self._workspace, tile, index, source)
            for tile in tiles
            if (source := self._plan.segments.get((tile, index))) is not None
        }
        arrays = self._window(grid, paths, self._stacked)
        # made once for both: indexing years and pixels costs more than all the rest
        coordinates = xr.Coordinates({"year": np.array(self._plan.years), **grid.coordinates()})
        empty = np.full(grid.shape, np.nan, np.float32)
        cubes = {
            name: arrays.get(name, np.broadcast_to(empty, (len(suffixes), *grid.shape)))
            for name, suffixes in self._stacks().items()
        }
        status = arrays.get("status", empty)
        found = xr.Dataset(
            {
                "fitted": (("year", "y", "x"), cubes["fitted"]),
                "vertex_year": (("vertex", "y", "x"), cubes["vertex_year"]),
                "vertex_value": (("vertex", "y", "x"), cubes["vertex_value"]),
                "rmse": (("y", "x"), arrays.get("rmse", empty)),
                "p_value": (("y", "x"), arrays.get("p_value", empty)),
                BARE: (("y", "x"), arrays.get(BARE, empty)),
                USUAL: (("y", "x"), arrays.get(USUAL, empty)),
                "status": (
                    ("y", "x"),
                    np.where(np.isnan(status), SegmentStatus.NO_DATA, status).astype(np.uint8),
                ),
            },
            coords=coordinates,
        )
        value = xr.DataArray(
            cubes["value"], dims=("year", "y", "x"), coords=coordinates, name=index
        )
        return value, found

    def composite(self, year: int, grid: Grid, tiles: Sequence[Tile]) -> Arrays:
        """Bands of one year's composite on a window; empty where nothing was made."""
        paths = {
            tile: composite_path(self._workspace, tile, year, source)
            for tile in tiles
            if (source := self._plan.composites.get((tile, year))) is not None
        }
        return self._window(grid, paths)

    def _stacks(self) -> Mapping[str, Sequence[int]]:
        """Bands of a file of segments that are one cube: its name, and what each ends in."""
        vertices = range(SegmentParams().max_segments + 1)
        years = self._plan.years
        return {
            "value": years, "fitted": years, "vertex_year": vertices, "vertex_value": vertices,
        }  # fmt: skip

    def _stacked(self, arrays: Arrays) -> Arrays:
        """The bands of a file of segments as cubes, so that a window is cut at once."""
        empty = np.full(next(iter(arrays.values())).shape, np.nan, np.float32)
        cubes = {
            name: np.stack([arrays.pop(f"{name}_{suffix}", empty) for suffix in suffixes])
            for name, suffixes in self._stacks().items()
        }
        return arrays | cubes

    def _window(
        self,
        grid: Grid,
        paths: Mapping[Tile, Path],
        arrange: Callable[[Arrays], Arrays] | None = None,
    ) -> Arrays:
        out: Arrays = {}
        for tile, path in paths.items():
            here = overlap(self._plan.lattice, tile, grid)
            if here is None:
                continue
            into, out_of = here
            for name, values in self._read(path, arrange).items():
                if name not in out:
                    out[name] = np.full((*values.shape[:-2], *grid.shape), np.nan, np.float32)
                out[name][(..., *into)] = values[(..., *out_of)]
        return out

    def _read(self, path: Path, arrange: Callable[[Arrays], Arrays] | None) -> Arrays:
        with self._lock:
            future = self._kept.get(path)
            is_mine = future is None
            if future is None:
                future = Future()
                self._kept[path] = future
            self._kept.move_to_end(path)
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
        if is_mine:
            try:
                arrays = read_tile(path)[0]
                future.set_result(arrays if arrange is None else arrange(arrays))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()


def overlap(
    lattice: Lattice, tile: Tile, grid: Grid
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Slices of a window and of a tile that show the same ground, or None."""
    place = lattice.grid_of(tile)
    row = round((grid.north - place.north) / grid.pixel)
    column = round((place.west - grid.west) / grid.pixel)
    shared = grid.whole.intersection(type(grid.whole)(row, column, place.height, place.width))
    if shared is None:
        return None
    top, left = shared.row - row, shared.column - column
    return shared.slices, (slice(top, top + shared.height), slice(left, left + shared.width))
