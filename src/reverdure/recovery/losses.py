"""Largest fitted loss of each pixel: the event that made it bare."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.codes import SegmentStatus
from reverdure.recovery.constants import constant

_DIP_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Losses:
    """Per pixel (y, x); NaN where there is no segment.

    Attributes
    ----------
    loss : (y, x) float64
        Largest fall along one run of falling segments, [index]; 0 where nothing falls.
    start_year, end_year : (y, x) float64
        Last year before the fall, and the year it ended.
    before, after : (y, x) float64
        Fitted level at both, [index].
    rmse : (y, x) float64
        Residual of the fit, [index]; 0 without a fit.
    first_year : (y, x) float64
        First year of the fit.
    disturbed : (y, x) bool
        Whether the fall is a disturbance.
    fitted : (y, x) bool
        Whether the pixel has a fit at all.
    """

    loss: NDArray[np.float64]
    start_year: NDArray[np.float64]
    end_year: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    rmse: NDArray[np.float64]
    first_year: NDArray[np.float64]
    disturbed: NDArray[np.bool_]
    fitted: NDArray[np.bool_]


def largest_losses(segments: xr.Dataset) -> Losses:
    """Find the largest fall of each pixel.

    Parameters
    ----------
    segments : Dataset
        Result of `segment`: vertex_year, vertex_value (vertex, y, x), rmse and
        status (y, x).

    Notes
    -----
    Falling segments that follow each other are one fall: a mine that opens over three
    years is one event. A slow drift that a steep fall ends is not part of it.
    """
    year = segments["vertex_year"].transpose("vertex", "y", "x").values.astype(float)
    value = segments["vertex_value"].transpose("vertex", "y", "x").values.astype(float)
    status = segments["status"].values
    shape = year.shape[1:]
    best = np.zeros(shape)
    start_year, end_year = np.full(shape, np.nan), np.full(shape, np.nan)
    before, after = np.full(shape, np.nan), np.full(shape, np.nan)
    run_year, run_value = year[0].copy(), value[0].copy()
    rate_before = np.full(shape, np.nan)
    for k in range(1, year.shape[0]):
        falls = value[k] < value[k - 1]
        rises = ~falls & np.isfinite(value[k])
        rate = (value[k - 1] - value[k]) / (year[k] - year[k - 1])
        onset = falls & (rate_before < constant("onset_rate_share") * rate)
        run_year = np.where(onset, year[k - 1], run_year)
        run_value = np.where(onset, value[k - 1], run_value)
        rate_before = rate
        loss = run_value - value[k]
        better = falls & (loss > best)
        best = np.where(better, loss, best)
        start_year = np.where(better, run_year, start_year)
        end_year = np.where(better, year[k], end_year)
        before = np.where(better, run_value, before)
        after = np.where(better, value[k], after)
        run_year = np.where(rises, year[k], run_year)
        run_value = np.where(rises, value[k], run_value)
    fitted = np.isin(status, (SegmentStatus.FITTED, SegmentStatus.FLAT))
    rmse = np.nan_to_num(segments["rmse"].values.astype(float))
    bound = np.maximum(constant("disturbed_loss_min"), constant("disturbed_loss_rmse") * rmse)
    lowest = np.where(np.isfinite(value), value, np.inf).min(axis=0)
    with np.errstate(invalid="ignore"):
        to_the_ground = after - lowest <= _DIP_SHARE * best
    return Losses(
        np.where(fitted, best, np.nan),
        start_year,
        end_year,
        before,
        after,
        rmse,
        year[0],
        fitted & (best >= bound) & to_the_ground,
        fitted,
    )


def fitted_range(segments: xr.Dataset) -> NDArray[np.float64]:
    """Highest minus lowest vertex of each pixel, [index]; 0 without a fit."""
    value = segments["vertex_value"].transpose("vertex", "y", "x").values.astype(float)
    low = np.where(np.isfinite(value), value, np.inf).min(axis=0)
    high = np.where(np.isfinite(value), value, -np.inf).max(axis=0)
    return np.where(np.isfinite(low), high - low, 0.0)
