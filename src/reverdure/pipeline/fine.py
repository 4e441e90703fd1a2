"""10 m composites of small mines: made, kept, and handed over beside the Landsat series."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import shapely
import xarray as xr

from reverdure.core.codes import FineStatus
from reverdure.core.grid import Grid, grid_of
from reverdure.ground.coverage import coverage
from reverdure.imagery.fine import fine_composite, fine_grid
from reverdure.imagery.sentinel2 import NIR_20M, fine_bands
from reverdure.pipeline.fine_plan import FineSource
from reverdure.pipeline.run_plan import Plan
from reverdure.recovery.constants import constant
from reverdure.recovery.fine import FineOffset, fine_offset, joined
from reverdure.recovery.indices import index_spec, spectral_index
from reverdure.store.cubes import Band, read_tile, write_tile
from reverdure.store.workspace import Workspace

_REFLECTANCE = 1e-4
_SHORT_WAVE = frozenset({"swir1", "swir2"})


def fine_path(workspace: Workspace, year: int, source: FineSource) -> Path:
    """Where the fine composite of a window and year lies."""
    return workspace.cubes / "fine" / str(year) / f"{source.key}.tif"


def fine_tasks(workspace: Workspace, plan: Plan) -> list[tuple[str, int]]:
    """Mine and year of every fine composite of the run that is not on disk; each once."""
    seen: set[Path] = set()
    missing = []
    for mine_id in plan.selected:
        for year, source in plan.fine.get(mine_id, {}).items():
            path = fine_path(workspace, year, source)
            if path not in seen and not path.exists():
                missing.append((mine_id, year))
            seen.add(path)
    return missing


def make_fine(workspace: Workspace, plan: Plan, mine_id: str, year: int) -> None:
    """Make and keep the fine composite of one mine and year."""
    source = plan.fine[mine_id][year]
    path = fine_path(workspace, year, source)
    if path.exists():
        return
    grid = fine_grid(source.window)
    settings = workspace.settings
    made = fine_composite(source.scenes, grid, settings.season, settings.method)
    names = [*fine_bands(), "n_clear", "source"]
    bands = [Band(name, _REFLECTANCE if name in fine_bands() else 1.0) for name in names]
    tags = {
        "REVERDURE_KEY": source.key,
        "REVERDURE_SCENES": json.dumps(list(made.attrs["scene_ids"])),
    }
    write_tile(path, bands, [made[name].to_numpy() for name in names], grid, tags)


def fine_series(workspace: Workspace, plan: Plan, mine_id: str) -> dict[str, xr.DataArray]:
    """Yearly 10 m values of every index of the plan around one mine.

    Parameters
    ----------
    workspace : Workspace
    plan : Plan
        Its fine composites are on disk.
    mine_id : str

    Returns
    -------
    dict of index id to DataArray (year, y, x) float32
        On a window of the Landsat lattice cut in three: cell (r, c) lies in pixel
        (r // 3, c // 3). NaN where not clear. Only years with a scene that nobody marked
        as not clear; empty where the mine is not small, or no scene shows it.

    Notes
    -----
    An index with a short-wave band takes the near infrared as pixels of 20 m see it.
    """
    sources = plan.fine.get(mine_id, {})
    measured = plan.measured.get(mine_id)
    refused = measured.effect.cloudy_years if measured is not None else ()
    years = [year for year in sorted(sources) if year not in refused]
    if not years:
        return {}
    grid = fine_grid(sources[years[0]].window)
    cubes = {index: np.empty((len(years), *grid.shape), np.float32) for index in plan.indices}
    for place, year in enumerate(years):
        arrays, _ = read_tile(fine_path(workspace, year, sources[year]))
        sharp = xr.Dataset({name: (("y", "x"), values) for name, values in arrays.items()})
        alike = sharp.assign(nir=sharp[NIR_20M])
        for index, cube in cubes.items():
            is_short_wave = bool(_SHORT_WAVE & set(index_spec(index).bands))
            cube[place] = spectral_index(alike if is_short_wave else sharp, index).to_numpy()
    return {
        index: xr.DataArray(
            cube,
            dims=("year", "y", "x"),
            coords={"year": np.array(years), **grid.coordinates()},
            name=index,
            attrs={"units": "1"},
        )
        for index, cube in cubes.items()
    }


def join_fine(
    fine: Mapping[str, xr.DataArray],
    landsat: Mapping[str, xr.DataArray],
    outlines: Iterable[shapely.Geometry | None],
) -> tuple[dict[str, xr.DataArray], dict[str, FineOffset]]:
    """Fine values on the scale of Landsat, and the offsets they were joined with.

    Parameters
    ----------
    fine : mapping of index id to DataArray
        From `fine_series`.
    landsat : mapping of index id to DataArray (year, y, x)
        The mine's series on any window of the lattice that holds that of `fine`.
    outlines : iterable of Geometry or None
        Of all mines near, in the CRS of the lattice: land within `mine_buffer_m` of any is
        not used for the offset.

    Returns
    -------
    values : dict of index id to DataArray (year, y, x) float32
        Only indices whose offset is JOINED.
    offsets : dict of index id to FineOffset
        Every index of `landsat`, for `explain`: `offset.to_dict()`.
    """
    values: dict[str, xr.DataArray] = {}
    offsets: dict[str, FineOffset] = {}
    usable: xr.DataArray | None = None
    for index, series in landsat.items():
        if index not in fine:
            offsets[index] = FineOffset(index, FineStatus.NO_SCENES)
            continue
        cut = _cut(series, grid_of(fine[index]))
        if usable is None:
            usable = land_that_is_no_mine(grid_of(cut), outlines)
        offset = fine_offset(fine[index], cut, usable)
        offsets[index] = offset
        if offset.is_joined:
            values[index] = joined(fine[index], offset)
    return values, offsets


def _cut(landsat: xr.DataArray, cells: Grid) -> xr.DataArray:
    """The part of a Landsat series that lies under a window of fine cells."""
    whole = grid_of(landsat)
    row = round((whole.north - cells.north) / whole.pixel)
    column = round((cells.west - whole.west) / whole.pixel)
    rows, columns = cells.height // 3, cells.width // 3
    return landsat.isel(y=slice(row, row + rows), x=slice(column, column + columns))


def land_that_is_no_mine(grid: Grid, outlines: Iterable[shapely.Geometry | None]) -> xr.DataArray:
    """Pixels of `grid` of which nothing lies within `mine_buffer_m` of a mine, (y, x) bool."""
    shapes = np.array([shape for shape in outlines if shape is not None], object)
    near = shapely.union_all(shapely.buffer(shapes, constant("mine_buffer_m")))
    free = np.ones(grid.shape, bool)
    covered = None if near.is_empty else coverage(near, grid)
    if covered is not None:
        window, share = covered
        free[window.slices] = share <= 0
    return xr.DataArray(free, dims=("y", "x"), coords=grid.coordinates())
