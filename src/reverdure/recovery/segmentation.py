"""Yearly courses as a few straight segments (LandTrendr)."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.attributes import described
from reverdure.core.errors import InvalidInput, UnknownOption, WrongDimensions
from reverdure.kernels.segmentation import segment_pixels

_SIGNS = {"decrease": -1.0, "increase": 1.0}
_SPACES = {("year",): (), ("year", "pixel"): ("pixel",), ("year", "y", "x"): ("y", "x")}


@dataclass(frozen=True, slots=True)
class SegmentParams:
    """Parameters of the segmentation, by their names on Earth Engine.

    Attributes
    ----------
    max_segments : int
        Most segments, 1 to 20.
    spike_threshold : float
        A year is pulled back while it stands out from its neighbours by more than this
        share, 0 to 1; 1 leaves spikes alone.
    vertex_count_overshoot : int
        Vertices looked for beyond those kept, 0 to 20.
    prevent_one_year_recovery : bool
        Whether a recovery in the last year alone is not believed.
    recovery_threshold : float, [1/year]
        Fastest recovery believed, as a share of the fitted range, above 0 to 1; 0.25 is
        the whole range in four years, 1 believes all.
    pval_threshold : float
        Largest p-value of the first model, above 0 to 1.
    best_model_proportion : float
        How near the best p-value a model with more vertices must come, above 0 to 1.
    min_observations_needed : int
        Fewest clear years, 3 or more.

    Raises
    ------
    InvalidInput
        If a value is outside its range.

    Examples
    --------
    >>> SegmentParams(max_segments=4).max_segments
    4
    """

    max_segments: int = 6
    spike_threshold: float = 0.9
    vertex_count_overshoot: int = 3
    prevent_one_year_recovery: bool = False
    recovery_threshold: float = 0.25
    pval_threshold: float = 0.1
    best_model_proportion: float = 0.75
    min_observations_needed: int = 6

    def __post_init__(self) -> None:
        _require_count("max_segments", self.max_segments, 1, 20)
        _require_count("vertex_count_overshoot", self.vertex_count_overshoot, 0, 20)
        _require_count("min_observations_needed", self.min_observations_needed, 3, 1000)
        _require_share("recovery_threshold", self.recovery_threshold)
        _require_share("pval_threshold", self.pval_threshold)
        _require_share("best_model_proportion", self.best_model_proportion)
        if not 0.0 <= self.spike_threshold <= 1.0:
            raise InvalidInput(f"spike_threshold is {self.spike_threshold}; allowed are 0 to 1.")


def _require_count(name: str, value: int, least: int, most: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        raise InvalidInput(f"{name} is {value!r}; allowed are whole numbers {least} to {most}.")


def _require_share(name: str, value: float) -> None:
    if not 0.0 < value <= 1.0:
        raise InvalidInput(f"{name} is {value}; allowed is above 0 up to 1.")


_REFERENCES = "Kennedy et al. 2010, doi:10.1016/j.rse.2010.07.008; 2018, doi:10.3390/rs10050691"


def segment(
    index: xr.DataArray,
    params: SegmentParams | None = None,
    disturbance: str = "decrease",
) -> xr.Dataset:
    """Straight segments through the yearly course of each pixel, as Earth Engine finds them.

    LandTrendr [1]_ [2]_: spikes are pulled back, candidate vertices found by splitting where
    a line fits worst, culled by angle, and of all models from many vertices to two the one
    with most vertices among the significant is kept, if it recovers at a believable speed.

    Parameters
    ----------
    index : (year,), (year, pixel) or (year, y, x) float
        Spectral index, one value a year, NaN (or infinite) where not clear; any unit.
        `year` is an increasing coordinate of whole numbers; it need not be without gaps.
        Computed from float32 values in double precision. Not changed.
    params : SegmentParams, optional
        Earth Engine's defaults with six segments when left out.
    disturbance : {"decrease", "increase"}
        What damage does to the index: "decrease" for NDVI and NBR.

    Returns
    -------
    xarray.Dataset
        fitted : same shape, float32, [units of index]
            The segments at every year from a pixel's first to its last clear year, also in
            missing years between; NaN outside.
        vertex_year : (vertex, ...) float32, [year]
            Years of the vertices, NaN after the last; `vertex` has max_segments + 1 places.
        vertex_value : (vertex, ...) float32, [units of index]
            Fitted values there.
        rmse : (...) float32, [units of index]
            Root mean square distance of the clear values, spikes included, from `fitted`.
        p_value : (...) float32
            Of the model kept; never below 1e-9, as on Earth Engine. May exceed
            `pval_threshold`: the second attempt is kept however weak. 1 for a flat line.
        status : (...) uint8
            SegmentStatus: 0 fitted, 1 flat (constant, or no believable model), 2 too few
            clear years, 255 no data.

    Raises
    ------
    UnknownOption
        If `disturbance` is neither.
    WrongDimensions
        If `index` has other dimensions.
    InvalidInput
        If `year` is missing, not whole or not increasing.

    Notes
    -----
    A missing year, a neighbour, the scale of the values or the way an array is cut into
    pieces changes nothing. The interpreter lock is released while computing.

    References
    ----------
    .. [1] Kennedy, R. E., Yang, Z., Cohen, W. B. (2010). Detecting trends in forest
       disturbance and recovery using yearly Landsat time series: 1. LandTrendr. Remote
       Sens. Environ. 114, 2897-2910. doi:10.1016/j.rse.2010.07.008
    .. [2] Kennedy, R. E. et al. (2018). Implementation of the LandTrendr algorithm on
       Google Earth Engine. Remote Sens. 10, 691. doi:10.3390/rs10050691

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cut = [0.8] * 8 + [0.2, 0.2, 0.26, 0.32, 0.38, 0.44, 0.5, 0.56]
    >>> ndvi = xr.DataArray(cut, [("year", np.arange(2001, 2017))])
    >>> segment(ndvi).vertex_year.values
    array([2001., 2008., 2009., 2016.,   nan,   nan,   nan], dtype=float32)
    """
    params = params or SegmentParams()
    if disturbance not in _SIGNS:
        raise UnknownOption(
            f"disturbance {disturbance!r} is not known; use one of {', '.join(_SIGNS)}."
        )
    ordered, space = _in_order(index)
    years = _years(ordered)
    values = np.ascontiguousarray(ordered.values, dtype=np.float32).reshape(years.size, -1)
    # one type of array, read only, whatever comes in: each type is compiled anew
    values.setflags(write=False)
    n_pixels = values.shape[1]
    vertices = params.max_segments + 1
    fitted = np.empty_like(values)
    vertex_year = np.empty((vertices, n_pixels), np.float32)
    vertex_value = np.empty((vertices, n_pixels), np.float32)
    quality = np.empty((2, n_pixels), np.float32)
    status = np.empty(n_pixels, np.uint8)
    segment_pixels(
        values,
        years,
        _SIGNS[disturbance],
        _counts(params),
        _thresholds(params),
        fitted,
        vertex_year,
        vertex_value,
        quality,
        status,
    )
    shape = tuple(ordered.sizes[name] for name in space)
    units = {"units": index.attrs.get("units", "1")}
    result = xr.Dataset(
        {
            "fitted": (("year", *space), fitted.reshape(years.size, *shape), units),
            "vertex_year": (("vertex", *space), vertex_year.reshape(vertices, *shape)),
            "vertex_value": (("vertex", *space), vertex_value.reshape(vertices, *shape), units),
            "rmse": (space, quality[0].reshape(shape), units),
            "p_value": (space, quality[1].reshape(shape)),
            "status": (space, status.reshape(shape)),
        },
        attrs={"disturbance": disturbance},
    )
    told = described(
        result.assign_coords(ordered.coords), index, references=_REFERENCES, units=units["units"]
    )
    told["p_value"].attrs["units"] = "1"
    return told


def _in_order(index: xr.DataArray) -> tuple[xr.DataArray, tuple[str, ...]]:
    """Array with year first, and its other dimensions."""
    for dimensions, space in _SPACES.items():
        if set(index.dims) == set(dimensions) and len(index.dims) == len(dimensions):
            return index.transpose(*dimensions), space
    raise WrongDimensions(
        f"segment needs dimensions year, (year, pixel) or (year, y, x), got {index.dims}."
    )


def _years(index: xr.DataArray) -> NDArray[np.float64]:
    """Years as float64, checked."""
    if "year" not in index.coords:
        raise InvalidInput("the index has no coordinate 'year'.", "Assign one, as whole numbers.")
    years = index["year"].values
    if not np.issubdtype(years.dtype, np.integer):
        raise InvalidInput(f"'year' is {years.dtype}; it must be whole numbers.")
    if years.size == 0 or np.any(np.diff(years) <= 0):
        raise InvalidInput(f"'year' must increase without repeats, got {years.tolist()}.")
    return years.astype(np.float64)


def _counts(params: SegmentParams) -> tuple[int, int, int, int]:
    return (
        int(params.max_segments),
        int(params.vertex_count_overshoot),
        int(params.prevent_one_year_recovery),
        int(params.min_observations_needed),
    )


def _thresholds(params: SegmentParams) -> tuple[float, float, float, float]:
    return (
        float(params.spike_threshold),
        float(params.recovery_threshold),
        float(params.pval_threshold),
        float(params.best_model_proportion),
    )
