"""One ground measured: from yearly values to draws of restored hectares, or a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.codes import Reason, ReferenceStatus
from reverdure.core.grid import Grid
from reverdure.recovery.brightness import BARE, to_cover
from reverdure.recovery.cells import Cells, lay_cells
from reverdure.recovery.constants import constant, index_brightness
from reverdure.recovery.courses import Courses, fit_courses
from reverdure.recovery.fine_gains import fine_gains
from reverdure.recovery.outline import OutlineCheck, check_outline, view
from reverdure.recovery.zones import Layer, ZoneDraws, draw_zones

_REFERENCE_REASONS: dict[int, Reason] = {
    ReferenceStatus.TOO_FEW_PIXELS: Reason.NO_FIT_REFERENCE,
    ReferenceStatus.ONE_SIDED: Reason.NO_FIT_REFERENCE,
    ReferenceStatus.NOT_SEPARABLE: Reason.REFERENCE_NOT_SEPARABLE,
    ReferenceStatus.NO_OUTLINE: Reason.NO_OUTLINE,
    ReferenceStatus.OUTSIDE_IMAGERY: Reason.OUTSIDE_IMAGERY,
    ReferenceStatus.NEVER_DAMAGED: Reason.NEVER_DAMAGED,
}
_DAMAGED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class GroundTask:
    """What to measure.

    Attributes
    ----------
    ground, mined : Geometry
        The ground, and all mined land near it, in the CRS of the grid.
    ground_ha : float
        Area of the ground on the ellipsoid.
    mine_id : str
        Mine whose reference counts.
    start_year, year : int
        Claimed start and completion.
    indices : tuple of str
        Indices that must all pass.
    seed : int
    """

    ground: shapely.Geometry
    mined: shapely.Geometry
    ground_ha: float
    mine_id: str
    start_year: int
    year: int
    indices: tuple[str, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was seen; `reason` is MEASURED where `draws` are there.

    Attributes
    ----------
    reason : Reason
    draws : ZoneDraws or None
    damage_year, recovered_year, last_clear_year : float
        NaN where there is none.
    clear_years_since : int
        Clear years after the year of completion.
    n_pixels : float
        Ground in pixels.
    ground_ha : float
        Area of the ground: the most that can be restored.
    before_record : bool
        Whether damage is older than the record.
    lost_again : bool
        Whether the ground had recovered after the claimed start and is bare again.
    cells : Cells or None
        Cells and pixels that were looked at, where `draws` are there.
    layers : tuple of Layer
        Courses of the pixels, one for each index.
    outside_ha : float
        Bare land near the ground that lies in no outline.
    """

    reason: Reason
    draws: ZoneDraws | None = None
    damage_year: float = np.nan
    recovered_year: float = np.nan
    last_clear_year: float = np.nan
    clear_years_since: int = 0
    n_pixels: float = np.nan
    ground_ha: float = np.inf
    before_record: bool = False
    lost_again: bool = False
    cells: Cells | None = None
    layers: tuple[Layer, ...] = ()
    outside_ha: float = 0.0


@dataclass(frozen=True, slots=True)
class _Series:
    """One index over the pixels of a ground, as shares of bare to reference."""

    share: NDArray[np.float64]
    disturbed: NDArray[np.bool_]
    damage_year: NDArray[np.float64]
    last_before: NDArray[np.float64]
    bare_year: NDArray[np.float64]
    before_record: bool
    reference_error: float
    brightness: tuple[float, float]


def measure_ground(
    task: GroundTask,
    metrics: Mapping[str, xr.Dataset],
    grid: Grid,
    fine: Mapping[str, xr.DataArray] | None = None,
) -> Measurement:
    """Measure one ground with the indices asked for.

    Parameters
    ----------
    task : GroundTask
    metrics : mapping of index id to Dataset
        Results of `recovery_metrics`, on `grid`.
    grid : Grid
    fine : mapping of index id to (year, y, x) DataArray, optional
        10 m values on Landsat's scale (`reverdure.recovery.fine.joined`).
    """
    first = metrics[task.indices[0]]
    cells = lay_cells(task.ground, task.mined, grid, task.ground_ha)
    if cells is None or cells.ground_ha.sum() < 0.5 * task.ground_ha:
        return Measurement(Reason.OUTSIDE_IMAGERY)
    years = first["year"].values.astype(np.int64)
    clear = _clear_years(first["value"].values[:, cells.rows, cells.columns], cells.seen)
    seen = _seen(task, metrics, cells, years[clear])
    if seen.reason is not Reason.MEASURED:
        return seen
    series = [_series(name, metrics[name], task.mine_id, cells) for name in task.indices]
    series = [_timed(one, cells.seen) for one in series]
    if not any(one.before_record or one.disturbed.any() for one in series):
        return replace(seen, reason=_unless_short(first, task.mine_id, cells))
    last_two = clear & (np.cumsum(clear[::-1])[::-1] <= 2)
    layers = [
        _layer(name, one, years, last_two, cells, task.start_year)
        for name, one in zip(task.indices, series, strict=True)
    ]
    layers = [
        _with_fine(layer, metrics[layer.name], task.mine_id, cells, grid, fine or {})
        for layer in layers
    ]
    outline = _outline(task, first, grid, series[0], layers[0])
    if outline.shift_m >= constant("outline_off_m"):
        return replace(seen, reason=Reason.OUTLINE_OFF)
    draws = draw_zones(cells, layers, task.seed)
    if draws.damaged_share < _DAMAGED_SHARE:
        return replace(seen, reason=_unless_short(first, task.mine_id, cells))
    damage = series[0].damage_year[cells.seen > 0.25]
    damage = damage[np.isfinite(damage)]
    return Measurement(
        Reason.MEASURED,
        draws,
        float(np.median(damage)) if damage.size else np.nan,
        _recovered_year(layers, draws, years, task.start_year),
        seen.last_clear_year,
        seen.clear_years_since,
        seen.n_pixels,
        task.ground_ha,
        all(one.before_record for one in series),
        _lost_again(series, cells.seen, years, last_two, task),
        cells,
        tuple(layers),
        outline.outside_ha,
    )


def _with_fine(
    layer: Layer,
    metrics: xr.Dataset,
    mine_id: str,
    cells: Cells,
    grid: Grid,
    fine: Mapping[str, xr.DataArray],
) -> Layer:
    """The layer with the 10 m pixels of its index, where there are some."""
    value = fine.get(layer.name)
    if value is None:
        return layer
    position = _position(metrics, mine_id)
    bare = float(metrics["mine_bare_level"].values[position])
    level = metrics["reference_level"].values[position].astype(float)
    years = metrics["year"].values
    shared = value.sel(year=np.isin(value["year"].values, years))
    depth = level[np.searchsorted(years, shared["year"].values)] - bare
    depth = np.where(depth > 0, depth, np.nan)[:, None, None]
    share = shared.copy(data=to_cover((shared.values.astype(float) - bare) / depth,
                                      layer.brightness))  # fmt: skip
    return replace(layer, fine=fine_gains(layer.name, share, cells, layer.courses, grid))


def _outline(
    task: GroundTask, metrics: xr.Dataset, grid: Grid, series: _Series, layer: Layer
) -> OutlineCheck:
    """The outline against the damage; nothing is said of damage older than the record."""
    fallen = series.damage_year[series.disturbed]
    if series.before_record or not fallen.size:
        return OutlineCheck(0.0, 0.0)
    position = _position(metrics, task.mine_id)
    bare = float(metrics["mine_bare_level"].values[position])
    level = metrics["reference_level"].values[position].astype(float)
    depth = np.where(level - bare > 0, level - bare, np.nan)[:, None, None]
    value = metrics["value"].values[(slice(None), *view(grid, task.ground).slices)].astype(float)
    first = float(np.median(fallen))
    span = first, max(layer.courses.bends[0], first + 1)
    return check_outline(metrics, (value - bare) / depth, grid, task.ground, task.mined, span)


def _unless_short(metrics: xr.Dataset, mine_id: str, cells: Cells) -> Reason:
    """`NEVER_DAMAGED`, unless the ground stood far under its reference for a while.

    Two or three bare years that end at once are a spike to the segmentation; whether it
    was mining or a run of poor pictures cannot be said.
    """
    position = _position(metrics, mine_id)
    value = metrics["value"].values[:, cells.rows, cells.columns].astype(float)
    weight = np.isfinite(value) * cells.seen**2
    mass = weight.sum(axis=1)
    mean = np.where(mass > 0, np.nansum(value * weight, axis=1) / np.maximum(mass, 1e-9), np.nan)
    under = metrics["reference_level"].values[position].astype(float) - mean
    deep = (under - np.nanmedian(under))[np.isfinite(under)] >= constant("short_damage_min")
    return Reason.DAMAGE_TOO_SHORT if (deep[1:] & deep[:-1]).any() else Reason.NEVER_DAMAGED


def _seen(
    task: GroundTask, metrics: Mapping[str, xr.Dataset], cells: Cells, clear: NDArray[np.int64]
) -> Measurement:
    """What is known before anything is fitted; reason MEASURED where one can go on."""
    n_pixels = task.ground_ha / cells.pixel_ha
    if clear.size == 0:
        return Measurement(Reason.NO_CLEAR_YEARS, n_pixels=n_pixels)
    seen = Measurement(
        Reason.MEASURED,
        last_clear_year=float(clear[-1]),
        clear_years_since=int((clear > task.year).sum()),
        n_pixels=n_pixels,
    )
    if clear.size < constant("fewest_clear_years"):
        return replace(seen, reason=Reason.NO_CLEAR_YEARS)
    reasons = [_reference_reason(metrics[name], task.mine_id) for name in task.indices]
    barred = [one for one in reasons if one not in (Reason.MEASURED, Reason.NEVER_DAMAGED)]
    if barred:
        return Measurement(barred[0])
    if Reason.NEVER_DAMAGED in reasons:
        first = metrics[task.indices[0]]
        return replace(seen, reason=_unless_short(first, task.mine_id, cells))
    return seen


def _reference_reason(metrics: xr.Dataset, mine_id: str) -> Reason:
    position = _position(metrics, mine_id)
    if position < 0:
        return Reason.OUTSIDE_IMAGERY
    status = int(metrics["reference_status"].values[position])
    return _REFERENCE_REASONS.get(status, Reason.MEASURED)


def _position(metrics: xr.Dataset, mine_id: str) -> int:
    found = np.nonzero(metrics["mine_id"].values.astype(str) == mine_id)[0]
    return int(found[0]) if found.size else -1


def _clear_years(value: NDArray[np.float32], seen: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Years in which at least half of the ground is clear."""
    share = np.isfinite(value) @ seen / max(float(seen.sum()), 1e-12)
    return share >= constant("clear_ground_share")


def _series(name: str, metrics: xr.Dataset, mine_id: str, cells: Cells) -> _Series:
    at = cells.rows, cells.columns
    position = _position(metrics, mine_id)
    value = metrics["value"].values[(slice(None), *at)].astype(float)
    level = metrics["reference_level"].values[position].astype(float)
    spread = (
        metrics["reference_high"].values[position] - metrics["reference_low"].values[position]
    ) / 2
    bare = float(metrics["mine_bare_level"].values[position])
    before_record = not np.isfinite(metrics["mine_level_before"].values[position])
    depth = np.where(level - bare > 0, level - bare, np.nan)
    n_pixels = max(int(metrics["reference_n_pixels"].values[position]), 1)
    # neighbouring reference pixels share their error, one in ten counts; and the mine's own
    # ground is one place in the spread of its reference
    place = constant("reference_place")
    error = np.nanmedian(spread / depth) * np.sqrt(place**2 + 1 / max(n_pixels / 10, 1))
    damage = metrics["damage_year"].values[at].astype(float)
    brightness = _brightness(name, metrics, position, cells)
    return _Series(
        to_cover((value - bare) / depth[:, None], brightness[0]),
        np.isfinite(damage),
        damage,
        metrics["before_year"].values[at].astype(float),
        metrics["bare_year"].values[at].astype(float),
        before_record,
        float(np.nan_to_num(error, nan=0.0)),
        brightness,
    )


def _brightness(name: str, metrics: xr.Dataset, position: int, cells: Cells) -> tuple[float, float]:
    """Brightness of bare over green ground, and the standard error of its log.

    Each pixel is its share of bare ground and the rest of green; without bands, or with
    an answer no ground gives, the prior of the index.
    """
    prior = index_brightness(name)
    if BARE not in metrics:
        return prior
    green = float(metrics["reference_brightness"].values[position])
    seen = cells.response.sum(axis=0)
    light = metrics[BARE].values[cells.rows, cells.columns].astype(float)
    known = np.isfinite(light) & (seen > 0.25)
    if not (np.isfinite(green) and green > 0 and known.any()):
        return prior
    share = np.asarray(seen)[known]
    bare = green + float((share * (light[known] - green)).sum() / (share**2).sum())
    ratio = bare / green
    if not constant("brightness_least") <= ratio <= constant("brightness_most"):
        return prior
    return ratio, constant("brightness_error")


def _timed(series: _Series, seen: NDArray[np.float64]) -> _Series:
    """The same with the ground's years where a pixel's own fall was not told."""
    strong = series.disturbed & (seen > 0.25)
    if not strong.any():
        strong = series.disturbed & (seen > 0)
    if series.before_record or not strong.any():
        nothing = np.full(seen.size, np.nan)
        older = np.full(seen.size, -np.inf)
        return _Series(series.share, series.disturbed & False, nothing, older, older,
                       series.before_record, series.reference_error, series.brightness)  # fmt: skip
    damage = _weighted_median(series.damage_year[strong], seen[strong])
    before = _weighted_median(series.last_before[strong], seen[strong])
    bare = _weighted_median(series.bare_year[strong], seen[strong])
    own = series.disturbed & (seen > 0.1)
    return _Series(
        series.share,
        own,
        np.where(own, series.damage_year, damage),
        np.where(own, series.last_before, before),
        np.where(own, series.bare_year, max(bare, damage)),
        False,
        series.reference_error,
        series.brightness,
    )


def _weighted_median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(mass, mass[-1] / 2)])


def _layer(
    name: str,
    series: _Series,
    years: NDArray[np.int64],
    last_two: NDArray[np.bool_],
    cells: Cells,
    start_year: int,
) -> Layer:
    courses = fit_courses(
        series.share, years, series.bare_year, series.last_before, last_two, cells.seen,
        cells.mined,
    )  # fmt: skip
    at = int(np.searchsorted(years, start_year - 2, side="right")) - 1
    early = courses.fit[at] if at >= 0 else courses.trough
    return Layer(name, courses, series.reference_error, early, *series.brightness)


def _recovered_year(
    layers: list[Layer], draws: ZoneDraws, years: NDArray[np.int64], start_year: int
) -> float:
    """First year the restored zones stood at 0.8 in every index."""
    weight = draws.restored_weight
    if weight.max() < 0.05:
        return np.nan
    reached = np.ones(years.size, bool)
    for layer in layers:
        courses: Courses = layer.courses
        gain = (courses.fit - courses.trough) @ weight / (weight @ weight)
        known = np.isfinite(courses.before)
        before = np.where(known, courses.before, 1.0)
        loss = (before - courses.trough) @ weight / (weight @ weight)
        depth = max(1 - float(np.average(before, weights=weight)) + float(loss), 0.2)
        reached &= gain / depth >= constant("recovered_threshold")
    return float(years[reached.argmax()]) if reached.any() else np.nan


def _lost_again(
    series: list[_Series],
    seen: NDArray[np.float64],
    years: NDArray[np.int64],
    last_two: NDArray[np.bool_],
    task: GroundTask,
) -> bool:
    """Whether the mean of the ground stood near the reference and fell since.

    The largest fall may be the second one: then the claimed years count, not the bare.
    """
    for one in series:
        weight = np.isfinite(one.share) * seen**2
        mass = weight.sum(axis=1)
        ok = mass > 0.5 * (seen**2).sum()
        mean = np.where(ok, np.nansum(one.share * weight, axis=1) / np.maximum(mass, 1e-9), np.nan)
        bare = float(np.median(np.maximum(one.bare_year, years[0])))
        first = task.start_year if bare >= task.year else max(task.start_year, bare)
        span = ok & (years >= first) & ~last_two
        if span.sum() < 2 or not (ok & last_two).any():
            continue
        best = np.sort(mean[span])[-2:].mean()
        now = np.nanmean(mean[last_two])
        if best >= 0.7 and best - now >= constant("lost_again_drop"):
            return True
    return False
