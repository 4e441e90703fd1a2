"""The yearly series that a mine is measured from, as people corrected it."""

import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from reverdure.ground.areas import polygons_of
from reverdure.pipeline.corrections import without_years
from reverdure.pipeline.run_plan import Plan
from reverdure.pipeline.tiles import TileReader
from reverdure.recovery.indices import band_sum, index_spec


def series_of(
    plan: Plan, reader: TileReader, mine_id: str, index: str
) -> tuple[xr.DataArray, xr.Dataset]:
    """Index values and segments on the window of a mine.

    Years that people marked as not clear over the mine are not clear over its outline and
    the ground of its claims; without such a year the tiles are given as they are.
    """
    source = plan.measured[mine_id]
    if source.grid is None:
        raise ValueError(f"{mine_id} has no window")
    grid, tiles = source.grid, source.tiles
    value, segments = reader.segments(index, grid, tiles)
    if not source.effect.cloudy_years:
        return value, segments

    def brightness(year: int) -> NDArray[np.float32] | None:
        arrays = reader.composite(year, grid, tiles)
        if not set(index_spec(index).bands) <= set(arrays):
            return None
        bands = xr.Dataset({name: (("y", "x"), values) for name, values in arrays.items()})
        return band_sum(bands, index).to_numpy()

    ground = _ground(plan, mine_id)
    return without_years(value, segments, ground, source.effect.cloudy_years, brightness)


def _ground(plan: Plan, mine_id: str) -> shapely.Geometry:
    """Outline of a mine and polygons of its claims, in the CRS of the imagery."""
    shapes = pd.concat(
        [
            frame.geometry[(frame["mine_id"] == mine_id).to_numpy()]
            for frame in (plan.mines, plan.claims)
        ]
    ).to_crs(plan.lattice.crs)
    return shapely.union_all([polygons_of(shape) for shape in shapes])
