"""What 10 m pixels add to the gains of a small ground: each cell seen by itself."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtr

from reverdure.core.grid import Grid, grid_of
from reverdure.recovery.cells import Cells
from reverdure.recovery.constants import constant
from reverdure.recovery.courses import Courses, mean_trough
from reverdure.recovery.fine import fine_sigma_m

# parts of a pixel's signal that come from elsewhere, above which it says too little
_LEAST_SEEN = 0.5
_TAIL = 0.02
_LAST_YEARS = 2


@dataclass(frozen=True, slots=True)
class FineGains:
    """Gains of 10 m pixels; they see the same levels as the layer of their index.

    Attributes
    ----------
    gain, variance : (observation,) float64
    response : (cell, observation) sparse float64
    """

    gain: NDArray[np.float64]
    variance: NDArray[np.float64]
    response: sparse.csr_array


def fine_gains(
    index: str, share: xr.DataArray, cells: Cells, courses: Courses, grid: Grid
) -> FineGains | None:
    """Gains of the 10 m pixels of a ground; None where they cannot be joined to its cells.

    Parameters
    ----------
    index : str
    share : (year, y, x) float
        Share of cover from 10 m values on Landsat's scale, cell (r, c) of which lies in
        pixel (r // 3, c // 3) of the lattice; NaN where not clear.
    cells : Cells
    courses : Courses
        Of the same index at 30 m: the trough stands there, years before any 10 m picture.
    grid : Grid
        That the cells lie on.

    Notes
    -----
    gain = now - (seen x trough + (1 - seen) x before), with seen the share of the signal
    from land that is mine by the outline and its error: what 30 m pixels saw in the trough
    stands for each cell of them. Its spread between cells, `fine_trough_sd`, the land
    around, `fine_around_sd`, and the doubt about the edge are part of the variance.
    """
    fine = grid_of(share)
    if cells.per_pixel * fine.pixel != grid.pixel:
        return None
    top = round((grid.north - fine.north) / fine.pixel)
    left = round((fine.west - grid.west) / fine.pixel)
    row, column = cells.row + cells.corner[0] - top, cells.column + cells.corner[1] - left
    inside = (row >= 0) & (row < fine.height) & (column >= 0) & (column < fine.width)
    if not inside.all():
        return None
    now = _now(share.values[:, row, column].astype(float))
    response = _response(index, cells)
    likely = ndtr(-cells.beyond_m / constant("outline_error_m"))
    seen = np.asarray(response.T @ likely)
    used = np.isfinite(now) & (seen > _LEAST_SEEN)
    if not used.any():
        return None
    trough = mean_trough(courses.trough, cells.mined, cells.seen)
    known = np.isfinite(courses.before)
    before = float(courses.before[known].mean()) if known.any() else 1.0
    gain = now - seen * trough - (1 - seen) * before
    edge = np.asarray(response.T @ (likely * (1 - likely))) * (before - trough) ** 2
    variance = (
        constant("fine_value_sd") ** 2
        + constant("fine_trough_sd") ** 2
        + ((1 - seen) * constant("fine_around_sd")) ** 2
        + edge
    )
    return FineGains(gain[used], variance[used], sparse.csr_array(response[:, used]))


def _now(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the last clear years of each cell; NaN where there are fewer."""
    clear = np.isfinite(share)
    last = clear & (np.cumsum(clear[::-1], axis=0)[::-1] <= _LAST_YEARS)
    n = last.sum(axis=0)
    total = np.where(last, share, 0).sum(axis=0)
    return np.where(n == _LAST_YEARS, total / _LAST_YEARS, np.nan)


def _response(index: str, cells: Cells) -> sparse.csr_array:
    """Share of the signal of the pixel over each cell (column) from each cell (row)."""
    cell_m = (cells.pixel_ha * 1e4) ** 0.5 / cells.per_pixel
    sigma = fine_sigma_m(index) / cell_m
    far = int(max(cells.row.max() - cells.row.min(), cells.column.max() - cells.column.min()))
    steps = np.arange(far + 1)
    along = ndtr((steps + 0.5) / sigma) - ndtr((steps - 0.5) / sigma)
    down = np.abs(cells.row[:, None] - cells.row)
    right = np.abs(cells.column[:, None] - cells.column)
    part = along[down] * along[right]
    part[part < _TAIL * along[0] ** 2] = 0.0
    share = np.clip(np.asarray(cells.response.sum(axis=1)) * cells.per_pixel**2, 0, 1)
    return sparse.csr_array(part * share[:, None])
