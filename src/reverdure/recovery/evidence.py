"""What a verdict stands on, kept small, so that an engineer can disagree with it."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.codes import ReferenceStatus, Verdict
from reverdure.core.grid import Grid
from reverdure.recovery.brightness import to_cover
from reverdure.recovery.cells import Cells, lay_cells
from reverdure.recovery.constants import constant, index_brightness, table
from reverdure.recovery.judge import judge
from reverdure.recovery.measure import GroundTask, Measurement
from reverdure.recovery.zones import Layer, ZoneDraws

# how each variable is kept: integer type and steps in one unit; the rest as it is
_KEPT: Mapping[str, tuple[str, float]] = {
    "zone_restored": ("uint8", 200.0),
    "seen": ("uint8", 200.0),
    "clear_share": ("uint8", 200.0),
    **dict.fromkeys(("zone_way", "gain", "now"), ("int16", 1e3)),
    **dict.fromkeys(
        ("value", "fitted", "reference", "reference_low", "reference_high", "needed"),
        ("int16", 1e4),
    ),
}
_QUANTILES = np.linspace(0.0, 1.0, 41)
_BISECTIONS = 14
_FEWEST_SEEN = 0.25
_SHOWN_CONSTANTS = (
    "recovered_threshold", "supported_share", "not_supported_share", "certainty",
    "min_clear_years", "min_ground_ha", "ring_inner_m", "ring_outer_m", "mine_buffer_m",
    "reference_min_pixels", "reference_min_directions", "reference_level_width",
    "damaged_loss_min", "psf_fwhm_pixels", "outline_error_m", "zone_merge",
)  # fmt: skip


def claim_evidence(
    found: Measurement,
    task: GroundTask,
    metrics: Mapping[str, xr.Dataset],
    grid: Grid,
    *,
    claimed_ha: float,
    share: float = 1.0,
    overlapped: bool = False,
) -> xr.Dataset:
    """Everything one verdict stands on.

    Parameters
    ----------
    found : Measurement
        `measure_ground(task, metrics, grid)`.
    task : GroundTask
    metrics : mapping of index id to Dataset
        Results of `recovery_metrics`, on `grid`.
    grid : Grid
    claimed_ha, share, overlapped
        As given to `judge`.

    Returns
    -------
    Dataset
        zone_restored, zone_way : (cell_y, cell_x), [1]
            Probability that the cell lies in a restored zone, and its mean way back in
            the lowest index; NaN where there is no mined land. Absent without draws.
        cell_ha : (cell_y, cell_x), [ha]
            The claim's ground in each cell.
        seen : (y, x), [1]
            Share of a used pixel's signal that comes from the ground; NaN where the
            pixel was not used.
        gain, now : (index, y, x), [1]
            Cover gained since the ground lay bare, and where it stands, as shares of bare to
            reference; read from the index with its brightness. Absent without draws.
        value, fitted : (index, year), [1]
            Mean index of the ground, and of its fitted course.
        reference, reference_low, reference_high, needed : (index, year), [1]
            Reference of each year with its spread, and the level of the index at which
            ground counts as restored.
        clear_share : (year), [1]
            Share of the ground that was seen clear.
        reference_row, reference_column : (reference_pixel)
            Place of the reference pixels on the grid of `west`, `north` and `pixel`;
            absent where they were not kept.
        draw_ha, green_ha, all_ha : (quantile), [ha]
            Quantiles of the draws of restored hectares that count for the claim, of those
            that had recovered two years before its start, and of both together.

        Attributes: crs, west, north, pixel (of the grid); indices; references (per
        index: status, n_pixels, n_directions, matched, bare_level, level_before);
        clear_years, clear_years_since, last_clear_year, damage_year, recovered_year,
        n_pixels, ground_ha (of the claim), damaged_share, mixing, before_record,
        lost_again, green_before_ha (mean, low, high); to_supported_ha and
        to_not_supported_ha: by how much the restored hectares would have to differ for
        that verdict, None where no area would do.

    Notes
    -----
    Means over the ground weigh each pixel by the square of `seen`, as the courses do.

    Examples
    --------
    >>> from reverdure.core.codes import Reason
    >>> import shapely
    >>> task = GroundTask(shapely.Point(0, 0).buffer(1), shapely.Point(0, 0), 1.0, "M1",
    ...                   2010, 2012, (), 1)
    >>> nothing = Measurement(Reason.OUTSIDE_IMAGERY)
    >>> claim_evidence(nothing, task, {}, Grid("EPSG:32650", 0, 90, 30, 3, 3), claimed_ha=1).sizes
    Frozen({'index': 0})
    """
    cells = found.cells
    if cells is None and task.indices:
        cells = lay_cells(task.ground, task.mined, grid, task.ground_ha)
    indices = [name for name in task.indices if _position(metrics[name], task.mine_id) >= 0]
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {"index": np.array(indices, dtype=object)}
    if cells is not None and indices:
        layers = {layer.name: layer for layer in found.layers}
        variables |= _pixels(cells, layers, indices, grid, coordinates)
        variables |= _yearly(cells, layers, indices, metrics, task.mine_id, coordinates)
        variables |= _reference_pixels(metrics[indices[0]], task.mine_id, grid)
        variables |= _zones(found, cells, grid, coordinates)
    attributes = _attributes(found, task, metrics, grid, indices, share)
    if "clear_share" in variables:
        clear = variables["clear_share"][1] >= constant("clear_ground_share")
        attributes["clear_years"] = int(clear.sum())
    if found.draws is not None:
        all_ha, green_ha = found.draws.restored_ha * share, found.draws.green_before_ha * share
        coordinates["quantile"] = _QUANTILES
        for name, drawn in (("draw_ha", all_ha - green_ha), ("green_ha", green_ha),
                            ("all_ha", all_ha)):  # fmt: skip
            variables[name] = (("quantile",), np.quantile(drawn, _QUANTILES))
        attributes |= _margins(found, found.draws, claimed_ha, share, overlapped)
    return xr.Dataset(variables, coordinates, attributes)


def _position(metrics: xr.Dataset, mine_id: str) -> int:
    place = np.nonzero(metrics["mine_id"].values.astype(str) == mine_id)[0]
    return int(place[0]) if place.size else -1


def _zones(
    found: Measurement, cells: Cells, grid: Grid, coordinates: dict[str, Any]
) -> dict[str, Any]:
    shape = (int(cells.row.max()) + 1, int(cells.column.max()) + 1)
    side = grid.pixel / cells.per_pixel
    rows = cells.corner[0] + np.arange(shape[0])
    columns = cells.corner[1] + np.arange(shape[1])
    coordinates["cell_y"] = grid.north - (rows + 0.5) * side
    coordinates["cell_x"] = grid.west + (columns + 0.5) * side
    ground_ha = np.zeros(shape, np.float32)
    ground_ha[cells.row, cells.column] = cells.ground_ha
    placed = {"cell_ha": (("cell_y", "cell_x"), ground_ha)}
    if found.draws is not None:
        for name, values in (
            ("zone_restored", found.draws.cell_restored),
            ("zone_way", found.draws.cell_way),
        ):
            dense = np.full(shape, np.nan, np.float32)
            dense[cells.row, cells.column] = values
            placed[name] = (("cell_y", "cell_x"), dense)
    return placed


def _pixels(
    cells: Cells,
    layers: Mapping[str, Layer],
    indices: list[str],
    grid: Grid,
    coordinates: dict[str, Any],
) -> dict[str, Any]:
    top, left = int(cells.rows.min()), int(cells.columns.min())
    shape = (int(cells.rows.max()) - top + 1, int(cells.columns.max()) - left + 1)
    at = (cells.rows - top, cells.columns - left)
    coordinates["y"] = grid.north - (top + np.arange(shape[0]) + 0.5) * grid.pixel
    coordinates["x"] = grid.west + (left + np.arange(shape[1]) + 0.5) * grid.pixel
    seen = np.full(shape, np.nan, np.float32)
    seen[at] = cells.seen
    placed: dict[str, Any] = {"seen": (("y", "x"), seen)}
    if layers:
        gain = np.full((len(indices), *shape), np.nan, np.float32)
        now = np.full_like(gain, np.nan)
        for k, name in enumerate(indices):
            if name in layers:
                courses = layers[name].courses
                gain[(k, *at)] = courses.now - courses.trough
                now[(k, *at)] = courses.now
        placed |= {"gain": (("index", "y", "x"), gain), "now": (("index", "y", "x"), now)}
    return placed


def _yearly(
    cells: Cells,
    layers: Mapping[str, Layer],
    indices: list[str],
    metrics: Mapping[str, xr.Dataset],
    mine_id: str,
    coordinates: dict[str, Any],
) -> dict[str, Any]:
    """Course of the ground and of its reference, index by index."""
    years = metrics[indices[0]]["year"].values.astype(np.int64)
    coordinates["year"] = years
    names = ("value", "fitted", "reference", "reference_low", "reference_high", "needed")
    out = {name: np.full((len(indices), years.size), np.nan, np.float32) for name in names}
    clear_share = np.zeros(years.size, np.float32)
    for k, name in enumerate(indices):
        one = metrics[name]
        position = _position(one, mine_id)
        value = one["value"].values[:, cells.rows, cells.columns].astype(float)
        level, low, high = (
            one[f"reference_{which}"].values[position].astype(float)
            for which in ("level", "low", "high")
        )
        bare = float(one["mine_bare_level"].values[position])
        out["value"][k] = _mean_over(value, cells.seen)
        out["reference"][k], out["reference_low"][k], out["reference_high"][k] = level, low, high
        layer = layers.get(name)
        # courses are shares of cover; the index of a pixel is bent by its brightness
        ratio = index_brightness(name)[0] if layer is None else layer.brightness
        enough = to_cover(constant("recovered_threshold"), 1 / ratio)
        out["needed"][k] = bare + enough * (level - bare)
        if layer is not None:
            way = _mean_over(to_cover(layer.courses.fit, 1 / ratio), cells.seen)
            out["fitted"][k] = bare + way * (level - bare)
        if k == 0:
            clear_share[:] = np.isfinite(value) @ cells.seen / max(float(cells.seen.sum()), 1e-12)
    placed: dict[str, Any] = {name: (("index", "year"), values) for name, values in out.items()}
    return placed | {"clear_share": (("year",), clear_share)}


def _mean_over(values: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the ground, (year,); NaN in years in which little of it was clear."""
    weight = np.isfinite(values) * seen**2
    mass = weight.sum(axis=1)
    total = np.where(np.isfinite(values), values, 0.0) * weight
    enough = mass > _FEWEST_SEEN * float((seen**2).sum())
    return np.where(enough, total.sum(axis=1) / np.maximum(mass, 1e-12), np.nan)


def _reference_pixels(metrics: xr.Dataset, mine_id: str, grid: Grid) -> dict[str, Any]:
    if "reference_pixels" not in metrics:
        return {}
    flat = metrics["reference_pixels"].values[_position(metrics, mine_id)]
    flat = np.sort(flat[flat >= 0]).astype(np.int64)
    return {
        "reference_row": (("reference_pixel",), (flat // grid.width).astype(np.int16)),
        "reference_column": (("reference_pixel",), (flat % grid.width).astype(np.int16)),
    }


def _attributes(
    found: Measurement,
    task: GroundTask,
    metrics: Mapping[str, xr.Dataset],
    grid: Grid,
    indices: list[str],
    share: float,
) -> dict[str, Any]:
    draws = found.draws
    known: dict[str, Any] = {
        "crs": grid.crs,
        "west": grid.west,
        "north": grid.north,
        "pixel": grid.pixel,
        "mine_id": task.mine_id,
        "indices": list(indices),
        "reason": found.reason.key,
        "clear_years": 0,
        "clear_years_since": int(found.clear_years_since),
        "last_clear_year": _plain(found.last_clear_year),
        "damage_year": _plain(found.damage_year),
        "recovered_year": _plain(found.recovered_year),
        "n_pixels": _plain(found.n_pixels),
        "ground_ha": _plain(task.ground_ha * share),
        "before_record": bool(found.before_record),
        "lost_again": bool(found.lost_again),
        "references": {name: _reference(metrics[name], task.mine_id) for name in indices},
        "to_supported_ha": None,
        "to_not_supported_ha": None,
    }
    if draws is not None:
        green = draws.green_before_ha * share
        ends = np.quantile(green, (0.025, 0.975))
        known |= {
            "damaged_share": _plain(draws.damaged_share),
            "mixing": _plain(draws.mixing),
            "green_before_ha": [_plain(value) for value in (green.mean(), *ends)],
        }
    return known


def _reference(metrics: xr.Dataset, mine_id: str) -> dict[str, Any]:
    position = _position(metrics, mine_id)

    def at(name: str) -> Any:
        return metrics[name].values[position]

    return {
        "status": ReferenceStatus.from_number(int(at("reference_status"))).key,
        "n_pixels": int(at("reference_n_pixels")),
        "n_directions": int(at("reference_n_directions")),
        "matched": str(at("reference_matched")),
        "bare_level": _plain(at("mine_bare_level")),
        "level_before": _plain(at("mine_level_before")),
    }


def _plain(value: Any) -> float | None:
    """A number JSON takes, to six digits after the point; None for NaN."""
    return round(float(value), 6) if math.isfinite(value) else None


def _margins(
    found: Measurement, draws: ZoneDraws, claimed_ha: float, share: float, overlapped: bool
) -> dict[str, float | None]:
    """By how much the hectares would have to differ for each clear verdict, [ha]."""
    most = found.ground_ha * share if math.isfinite(found.ground_ha) else claimed_ha

    def verdict_at(more_ha: float) -> Verdict:
        shifted = np.clip(draws.restored_ha + more_ha / share, 0.0, most / share)
        moved = replace(found, draws=replace(draws, restored_ha=shifted))
        return judge(moved, claimed_ha, share, overlapped).verdict

    return {
        "to_supported_ha": _turning(lambda ha: verdict_at(ha) is Verdict.SUPPORTED, most),
        "to_not_supported_ha": _turning(lambda ha: verdict_at(-ha) is Verdict.NOT_SUPPORTED, most,
                                        sign=-1.0),
    }  # fmt: skip


def _turning(holds: Callable[[float], bool], most: float, sign: float = 1.0) -> float | None:
    """Least amount from which on `holds` is true, looked for in -most..most."""
    if not holds(most):
        return None
    low, high = -most, most
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return round(sign * high, 4)


def shown_constants() -> list[dict[str, Any]]:
    """Constants a verdict turns on: name, value, unit, status, source, about.

    Examples
    --------
    >>> next(one["value"] for one in shown_constants() if one["name"] == "certainty")
    0.9
    """
    entries = table("constants")
    keys = ("value", "unit", "status", "source", "about")
    return [
        {"name": name} | {key: entries[name].get(key, "") for key in keys}
        for name in _SHOWN_CONSTANTS
        if name in entries
    ]


def pack(found: Mapping[str, xr.Dataset]) -> dict[str, NDArray[Any]]:
    """Evidence of several claims as small arrays, for one `.npz` file.

    Shares are kept to 0.005, courses to 0.0001: what a page can show.

    Examples
    --------
    >>> shares = xr.Dataset({"seen": (("y", "x"), [[0.5, np.nan]])}, attrs={"crs": "x"})
    >>> back = unpack(pack({"C1": shares}))["C1"]
    >>> back["seen"].values.tolist(), back.attrs["crs"]
    ([[0.5, nan]], 'x')
    """
    arrays: dict[str, NDArray[Any]] = {}
    contents = []
    for number, (claim_id, one) in enumerate(sorted(found.items())):
        dims: dict[str, list[str]] = {}
        for name, variable in one.variables.items():
            if variable.dtype != object:
                arrays[f"{number}.{name}"] = _small(str(name), variable.values)
                dims[str(name)] = [str(dim) for dim in variable.dims]
        contents.append({"claim_id": claim_id, "dims": dims, "attrs": dict(one.attrs)})
    text = json.dumps(contents, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return {"contents": np.frombuffer(text.encode(), np.uint8), **arrays}


def unpack(arrays: Mapping[str, NDArray[Any]]) -> dict[str, xr.Dataset]:
    """What `pack` made, as it was but for the last digits."""
    found = {}
    for number, one in enumerate(json.loads(arrays["contents"].tobytes().decode())):
        variables = {
            name: (tuple(dims), _full(name, arrays[f"{number}.{name}"]))
            for name, dims in one["dims"].items()
        }
        coordinates = {name: values for name, values in variables.items() if values[0] == (name,)}
        coordinates["index"] = (("index",), np.array(one["attrs"].get("indices", ()), object))
        data = {name: values for name, values in variables.items() if name not in coordinates}
        found[str(one["claim_id"])] = xr.Dataset(data, coordinates, one["attrs"])
    return found


def _small(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if name not in _KEPT:
        return values.astype(np.float32) if name.endswith("_ha") else values
    kind, steps = _KEPT[name]
    limits = np.iinfo(kind)
    gap = limits.max
    scaled = np.clip(np.rint(values * steps), limits.min, gap - 1)
    return np.where(np.isfinite(values), scaled, gap).astype(kind)


def _full(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if name not in _KEPT:
        return values
    kind, steps = _KEPT[name]
    whole = (values / np.float32(steps)).astype(np.float32)
    return np.where(values == np.iinfo(kind).max, np.float32(np.nan), whole)
