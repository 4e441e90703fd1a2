"""Largest fitted loss of each pixel: the event that made it bare, and its year."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.codes import SegmentStatus
from reverdure.kernels.losses import date_falls, largest_falls
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
    year : (y, x) float64
        Year of the fall: of the step that explains the clear values around it best. One
        after `start_year` where no values were given, and where there is no disturbance.
    before, after : (y, x) float64
        Fitted level at start and end, [index].
    rmse : (y, x) float64
        Residual of the fit, [index]; 0 without a fit.
    first_year : (y, x) float64
        First year of the fit.
    range : (y, x) float64
        Highest minus lowest vertex, [index]; 0 without a fit.
    disturbed : (y, x) bool
        Whether the fall is a disturbance.
    fitted : (y, x) bool
        Whether the pixel has a fit at all.
    """

    loss: NDArray[np.float64]
    start_year: NDArray[np.float64]
    end_year: NDArray[np.float64]
    year: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    rmse: NDArray[np.float64]
    first_year: NDArray[np.float64]
    range: NDArray[np.float64]
    disturbed: NDArray[np.bool_]
    fitted: NDArray[np.bool_]


def largest_losses(segments: xr.Dataset, index: xr.DataArray | None = None) -> Losses:
    """Find the largest fall of each pixel.

    Parameters
    ----------
    segments : Dataset
        Result of `segment`: vertex_year, vertex_value (vertex, y, x), rmse and
        status (y, x).
    index : (year, y, x) float, optional
        The values that were segmented; with them the falls are dated.

    Notes
    -----
    Falling segments that follow each other are one fall: a mine that opens over three
    years is one event. A slow drift that a steep fall ends is not part of it. Segments
    tend to start a fall one to four years early, where a few noisy years or the edge of a
    part opened before bend the fit; so the year is taken from the values themselves, as
    that of the one step with the least squares left over (Bai 1994,
    doi:10.1111/j.1467-9892.1994.tb00204.x) between the fitted start and end.
    """
    year = fixed(segments["vertex_year"].transpose("vertex", "y", "x").values)
    value = fixed(segments["vertex_value"].transpose("vertex", "y", "x").values)
    shape = segments["status"].shape
    event, extremes = np.empty((5, *shape)), np.empty((2, *shape))
    largest_falls(
        year.reshape(len(year), -1),
        value.reshape(len(value), -1),
        constant("onset_rate_share"),
        event.reshape(5, -1),
        extremes.reshape(2, -1),
    )
    best, start_year, end_year, before, after = event
    lowest, highest = extremes
    status = segments["status"].values
    fitted = (status == SegmentStatus.FITTED) | (status == SegmentStatus.FLAT)
    rmse = np.nan_to_num(segments["rmse"].values.astype(float))
    bound = np.maximum(constant("disturbed_loss_min"), constant("disturbed_loss_rmse") * rmse)
    with np.errstate(invalid="ignore"):
        to_the_ground = after - lowest <= _DIP_SHARE * best
        width = np.where(np.isfinite(lowest), highest - lowest, 0.0)
    disturbed = fitted & (best >= bound) & to_the_ground
    return Losses(
        np.where(fitted, best, np.nan),
        start_year,
        end_year,
        _dated(index, disturbed, start_year, end_year),
        before,
        after,
        rmse,
        year[0].astype(float),
        width,
        disturbed,
        fitted,
    )


def with_known_years(
    losses: Losses, index: xr.DataArray, known: Sequence[int], ground: NDArray[np.bool_]
) -> Losses:
    """Losses dated by years on record, where the imagery leaves several years open.

    Between the last clear look before a fall and the first one after it, any year explains the
    values as well as another, and the earliest is taken. Where a year on record lies among
    them, it is taken instead. Nothing that the imagery tells is overruled, and no segment,
    level or area moves.

    Parameters
    ----------
    losses : Losses
        As `largest_losses` finds them.
    index : (year, y, x) float
        The values they were dated by.
    known : sequence of int
        Years of recorded damage; of several that fit, the earliest counts.
    ground : (y, x) bool
        Where they are known of.

    Examples
    --------
    >>> years = np.arange(2001, 2013)
    >>> values = np.where(years < 2007, 0.8, 0.2)
    >>> values[(years == 2007) | (years == 2008)] = np.nan
    >>> index = xr.DataArray(values.reshape(-1, 1, 1), [("year", years), ("y", [0]), ("x", [0])])
    >>> from reverdure.recovery.segmentation import segment
    >>> losses = largest_losses(segment(index), index)
    >>> ground = np.ones((1, 1), bool)
    >>> [int(with_known_years(losses, index, [at], ground).year.item()) for at in (2008, 2010)]
    [2008, 2007]
    """
    clear = np.isfinite(index.transpose("year", "y", "x").values)
    at = index["year"].values.astype(float)[:, None, None]
    year = losses.year.copy()
    for one in sorted(known, reverse=True):
        is_seen = (clear & (at >= losses.year) & (at < one)).any(axis=0)
        fits = ground & losses.disturbed & ~is_seen
        year[fits & (losses.year <= one) & (one <= losses.end_year)] = one
    return replace(losses, year=year)


def years_from_record(
    by_images: Losses, dated: Losses, weights: NDArray[np.floating[Any]]
) -> list[dict[str, float]]:
    """Which years of falls came from the record, and what the images alone would say.

    Parameters
    ----------
    by_images : Losses
        As `largest_losses` finds them.
    dated : Losses
        The same after `with_known_years`.
    weights : (y, x) float
        What a pixel counts, 0 to 1.

    Returns
    -------
    list of dict
        year, by_images (earliest year that fits the images) and pixels, in order of years.

    Examples
    --------
    >>> index = xr.DataArray([[[0.8]]] * 3 + [[[np.nan]]] * 2 + [[[0.2]]] * 4,
    ...     [("year", range(2001, 2010)), ("y", [0]), ("x", [0])])
    >>> from reverdure.recovery.segmentation import segment
    >>> losses, ground = largest_losses(segment(index), index), np.ones((1, 1), bool)
    >>> years_from_record(losses, with_known_years(losses, index, [2005], ground), ground * 0.5)
    [{'year': 2005, 'by_images': 2004, 'pixels': 0.5}]
    """
    moved = (dated.year != by_images.year) & dated.disturbed & (weights > 0)
    pairs = np.stack([dated.year[moved], by_images.year[moved]], axis=1).astype(int)
    rows, of_row = np.unique(pairs, axis=0, return_inverse=True)
    pixels = np.bincount(of_row.ravel(), weights[moved], len(rows))
    return [
        {"year": int(year), "by_images": int(before), "pixels": float(of)}
        for (year, before), of in zip(rows, pixels, strict=True)
    ]


def _dated(
    index: xr.DataArray | None,
    disturbed: NDArray[np.bool_],
    start_year: NDArray[np.float64],
    end_year: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Year of each fall."""
    year = start_year + 1
    if index is not None:
        values = fixed(index.transpose("year", "y", "x").values)
        date_falls(
            values.reshape(len(values), -1),
            index["year"].values.astype(float),
            disturbed.ravel(),
            start_year.ravel(),
            end_year.ravel(),
            constant("dating_reach_years"),
            year.reshape(-1),
        )
    return year


def fixed(values: NDArray[Any]) -> NDArray[np.float32]:
    """One type of array, read only, whatever comes in: kernels are compiled for each type."""
    array = np.ascontiguousarray(values, np.float32).view()
    array.setflags(write=False)
    return array
