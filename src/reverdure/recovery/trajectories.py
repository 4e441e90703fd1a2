"""One index of each mine over the years, as its page draws it."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.errors import MissingCRS
from reverdure.core.fields import TRAJECTORIES
from reverdure.core.grid import grid_of
from reverdure.ground.coverage import coverage
from reverdure.recovery.reference import FORMER


def trajectories(
    mines: gpd.GeoDataFrame, index: xr.DataArray, segments: xr.Dataset, reference: xr.Dataset
) -> pd.DataFrame:
    """Yearly mean of each mine, its fit, and its reference.

    Parameters
    ----------
    mines : GeoDataFrame
        mine_id, geometry, with a CRS.
    index : (year, y, x) float, [1]
        `index.name` becomes the column `index`.
    segments : Dataset
        `segment(index)`.
    reference : Dataset
        `reference(index, segments, mines)`; mines it does not hold are left out.

    Returns
    -------
    DataFrame
        Columns of `core.fields.TRAJECTORIES` (run_id ""), sorted by mine_id and year.
        Means are weighted by exact coverage; value is NaN in a year without clear
        pixels. Mines without outline or outside the grid have no rows.

    Raises
    ------
    MissingCRS
        If `mines` states no CRS.

    Examples
    --------
    >>> import geopandas, numpy as np, shapely, xarray as xr
    >>> import reverdure as rv
    >>> from reverdure.core.grid import Grid
    >>> grid = Grid("EPSG:32650", 500000, 3000000, 30, 60, 60)
    >>> values = np.full((8, 60, 60), 0.8, np.float32)
    >>> ndvi = xr.DataArray(values, {"year": np.arange(2000, 2008), **grid.coordinates()},
    ...                     dims=("year", "y", "x"), name="ndvi")
    >>> pit = shapely.box(500840, 2999040, 500960, 2999160)
    >>> mines = geopandas.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=32650)
    >>> segments = rv.segment(ndvi)
    >>> rows = trajectories(mines, ndvi, segments, rv.reference(ndvi, segments, mines))
    >>> print(len(rows), rows.value.iloc[0].round(3), rows.clear_share.iloc[0])
    8 0.8 1.0
    """
    if mines.crs is None:
        raise MissingCRS("mines state no CRS.", "Set it with mines.set_crs(...).")
    grid = grid_of(index)
    projected = mines.geometry if mines.crs == grid.crs else mines.geometry.to_crs(grid.crs)
    outlines = dict(zip(mines["mine_id"].astype(str), projected, strict=True))
    fitted = segments["fitted"].transpose("year", "y", "x").values
    parts = []
    for position in np.nonzero(reference["land"].values == FORMER)[0]:
        mine = str(reference["mine_id"].values[position])
        outline = outlines.get(mine)
        cover = None if outline is None or outline.is_empty else coverage(outline, grid)
        if cover is None or cover[1].sum() == 0:
            continue
        at = (slice(None), *cover[0].slices)
        value, clear_share = _weighted(index.values[at], cover[1])
        parts.append(
            pd.DataFrame(
                {
                    "mine_id": mine,
                    "index": str(index.name or ""),
                    "year": index["year"].values.astype(np.int64),
                    "value": value,
                    "fitted": _weighted(fitted[at], cover[1])[0],
                    "clear_share": clear_share,
                    "reference": reference["level"].values[position].astype(float),
                    "reference_low": reference["low"].values[position].astype(float),
                    "reference_high": reference["high"].values[position].astype(float),
                    "run_id": "",
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=TRAJECTORIES.columns)
    table = pd.concat(parts, ignore_index=True)[TRAJECTORIES.columns]
    return table.sort_values(["mine_id", "year"], kind="stable", ignore_index=True)


def _weighted(
    values: NDArray[np.floating[Any]], share: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over clear pixels and share of the weight that is clear, each year."""
    clear = np.isfinite(values)
    mass = (clear * share).sum(axis=(1, 2), dtype=float)
    total = np.where(clear, values * share, 0.0).sum(axis=(1, 2), dtype=float)
    mean = np.where(mass > 0, total / np.where(mass > 0, mass, 1.0), np.nan)
    return mean, mass / share.sum()
