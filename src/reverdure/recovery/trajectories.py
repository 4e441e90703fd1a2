"""One index of a mine over the years, as its page draws it."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.fields import TRAJECTORIES
from reverdure.recovery.reference import FORMER
from reverdure.recovery.surroundings import Cover


def trajectory(
    mine_id: str,
    cover: Cover | None,
    index: xr.DataArray,
    segments: xr.Dataset,
    reference: xr.Dataset,
) -> list[dict[str, object]]:
    """Yearly mean of a mine, its fit, and its reference.

    Parameters
    ----------
    mine_id : str
    cover : (Window, share) or None
        Pixels of the mine on the grid of `index`; None without outline, or outside.
    index : (year, y, x) float, [1]
        `index.name` becomes the column `index`.
    segments : Dataset
        `segment(index)`.
    reference : Dataset
        `reference(index, segments, mines)`, which holds the mine.

    Returns
    -------
    list of dict
        Rows of `core.fields.TRAJECTORIES` (run_id ""), by year. Means are weighted by
        exact coverage; value is None in a year without clear pixels. None at all without
        pixels.

    Examples
    --------
    >>> import geopandas, numpy as np, shapely, xarray as xr
    >>> import reverdure as rv
    >>> from reverdure.core.grid import Grid
    >>> from reverdure.recovery.surroundings import cover_of
    >>> grid = Grid("EPSG:32650", 500000, 3000000, 30, 60, 60)
    >>> values = np.full((8, 60, 60), 0.8, np.float32)
    >>> ndvi = xr.DataArray(values, {"year": np.arange(2000, 2008), **grid.coordinates()},
    ...                     dims=("year", "y", "x"), name="ndvi")
    >>> pit = shapely.box(500840, 2999040, 500960, 2999160)
    >>> mines = geopandas.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=32650)
    >>> segments = rv.segment(ndvi)
    >>> found = rv.reference(ndvi, segments, mines)
    >>> rows = trajectory("M1", cover_of(pit, grid), ndvi, segments, found)
    >>> len(rows), round(rows[0]["value"], 3), rows[0]["clear_share"]
    (8, 0.8, 1.0)
    """
    if cover is None or cover[1].sum() == 0:
        return []
    is_mine = reference["mine_id"].values.astype(str) == mine_id
    position = int(np.nonzero(is_mine & (reference["land"].values == FORMER))[0][0])
    at = (slice(None), *cover[0].slices)
    value, clear_share = _weighted(index.values[at], cover[1])
    fitted = segments["fitted"].transpose("year", "y", "x").values[at]
    columns = {
        "year": index["year"].values,
        "value": value,
        "fitted": _weighted(fitted, cover[1])[0],
        "clear_share": clear_share,
        "reference": reference["level"].values[position],
        "reference_low": reference["low"].values[position],
        "reference_high": reference["high"].values[position],
    }
    same = {"mine_id": mine_id, "index": str(index.name or ""), "run_id": ""}
    return [
        TRAJECTORIES.row(dict(zip(columns, row, strict=True)) | same)
        for row in zip(*columns.values(), strict=True)
    ]


def _weighted(
    values: NDArray[np.floating[Any]], share: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over clear pixels and share of the weight that is clear, each year."""
    clear = np.isfinite(values)
    mass = (clear * share).sum(axis=(1, 2), dtype=float)
    total = np.where(clear, values * share, 0.0).sum(axis=(1, 2), dtype=float)
    mean = np.where(mass > 0, total / np.where(mass > 0, mass, 1.0), np.nan)
    return mean, mass / share.sum()
