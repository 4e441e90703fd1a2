"""One mine at a time: segments to reference, metrics, verdicts and trajectories."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from reverdure import kernels
from reverdure.core.codes import FineStatus, ReferenceStatus
from reverdure.core.files import atomic
from reverdure.core.grid import Grid
from reverdure.ground.terrain import read_layer, slope_deg
from reverdure.pipeline.evidence import evidence_path, write_evidence
from reverdure.pipeline.fine import fine_series, join_fine
from reverdure.pipeline.run_plan import Plan
from reverdure.pipeline.series import series_of
from reverdure.pipeline.tiles import TileReader
from reverdure.recovery.grounds import Grounds
from reverdure.recovery.losses import largest_losses, with_known_years, years_from_record
from reverdure.recovery.metrics import recovery_metrics
from reverdure.recovery.natural import natural_recovery
from reverdure.recovery.reference import FORMER, references
from reverdure.recovery.surroundings import Surroundings
from reverdure.recovery.trajectories import trajectory
from reverdure.recovery.verdicts import judge_mine
from reverdure.store.workspace import Workspace


def part_path(workspace: Workspace, plan: Plan, mine_id: str) -> Path:
    """Where what was measured of a mine lies."""
    return workspace.parts / f"{plan.measured[mine_id].key}.json"


def grounds_of(plan: Plan) -> Grounds:
    """The ground of every mine and claim of a plan."""
    return Grounds.of(plan.mines, plan.claims, plan.lattice.crs)


def measuring(root: Path, plan: Plan) -> Callable[[str], None]:
    """What measures one mine of a plan of the workspace in this folder."""
    kernels.warm_up()
    workspace = Workspace.open(root)
    return partial(measure_mine, workspace, plan, TileReader(workspace, plan), grounds_of(plan))


def measure_mine(
    workspace: Workspace, plan: Plan, reader: TileReader, grounds: Grounds, mine_id: str
) -> None:
    """Measure one mine and keep its verdicts, trajectories and references."""
    path = part_path(workspace, plan, mine_id)
    if path.exists():
        return
    looked = _look(workspace, plan, reader, grounds, mine_id)
    seed = workspace.settings.seed
    seen: dict[str, xr.Dataset] = {}
    judged = judge_mine(grounds, mine_id, looked.metrics, seed, fine=looked.fine, evidence=seen)
    natural = natural_recovery(grounds, mine_id, looked.metrics, seed, evidence=seen)
    # before the part: where a part lies, its evidence does
    write_evidence(evidence_path(workspace, plan, mine_id), seen)
    part = {
        "mine_id": mine_id,
        "verdicts": judged,
        "trajectories": looked.courses,
        "references": looked.references,
        "natural": natural,
    }
    if looked.from_record:
        part["from_record"] = looked.from_record
    with atomic(path) as temporary:
        text = json.dumps(part, ensure_ascii=False, sort_keys=True, allow_nan=False)
        temporary.write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the imagery shows of a mine; nothing of a mine without a window."""

    metrics: Mapping[str, xr.Dataset] = field(default_factory=dict)
    fine: Mapping[str, xr.DataArray] = field(default_factory=dict)
    courses: list[dict[str, object]] = field(default_factory=list)
    references: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    from_record: Mapping[str, list[dict[str, float]]] = field(default_factory=dict)


def _look(
    workspace: Workspace, plan: Plan, reader: TileReader, grounds: Grounds, mine_id: str
) -> _Looked:
    source = plan.measured[mine_id]
    if source.grid is None:
        return _Looked()
    series = {index: series_of(plan, reader, mine_id, index) for index in plan.indices}
    losses = {index: largest_losses(segments, value) for index, (value, segments) in series.items()}
    near = sorted([mine_id, *source.neighbours])
    around = Surroundings.placed({one: grounds.placed[one] for one in near}, source.grid)
    years, cover = plan.known_years.get(mine_id), around.covers[mine_id]
    from_record = {}
    if years and cover is not None:
        share = np.zeros(source.grid.shape)
        share[cover[0].slices] = cover[1]
        dated = {
            index: with_known_years(of, series[index][0], years, share > 0)
            for index, of in losses.items()
        }
        moved = {index: years_from_record(losses[index], of, share) for index, of in dated.items()}
        from_record = {index: rows for index, rows in moved.items() if rows}
        losses = dated
    found = references(
        series,
        around,
        read_terrain(workspace, source.grid),
        only=[mine_id],
        allow_before_level=workspace.settings.allow_before_level,
        refused=source.effect.refused_by(mine_id, plan.lattice.crs),
        aims={mine_id: sorted({claim.aim for claim in grounds.claims.get(mine_id, ())})},
        losses=losses,
    )
    summaries = {index: _reference_summary(one) for index, one in found.items()}
    landsat = {index: value for index, (value, _) in series.items()}
    fine, offsets = join_fine(
        fine_series(workspace, plan, mine_id), landsat, around.outlines.values()
    )
    for index, offset in offsets.items():
        if offset.status is not FineStatus.NO_SCENES:
            summaries[index]["fine"] = offset.to_dict()
    return _Looked(
        {
            index: recovery_metrics(*series[index], reference=one, losses=losses[index])
            for index, one in found.items()
        },
        fine,
        [
            row
            for index, one in found.items()
            for row in trajectory(mine_id, around.covers[mine_id], *series[index], one)
        ],
        summaries,
        from_record,
    )


def read_terrain(workspace: Workspace, grid: Grid) -> xr.Dataset | None:
    """Layers of the workspace on a window: elevation (with slope), rock, cover."""
    paths = {row["kind"]: workspace.root / row["path"] for row in workspace.database.rows("layer")}
    if not paths:
        return None
    layers = {kind: read_layer(path, grid, kind) for kind, path in sorted(paths.items())}
    if "elevation" in layers:
        layers["slope"] = slope_deg(layers["elevation"])
    return xr.Dataset(layers)


def _reference_summary(found: xr.Dataset) -> dict[str, Any]:
    """Scalars of the reference of one mine, for `explain`; by aim too, where it has land."""
    scalars = {
        str(name): found.variables[name].values
        for name in found.data_vars
        if found.variables[name].dims == ("mine_id",)
    }

    def row(position: int) -> dict[str, Any]:
        plain = {name: _plain(values[position]) for name, values in sorted(scalars.items())}
        return plain | {"status": ReferenceStatus.from_number(plain["status"]).key}

    by_aim = {str(of): row(k) for k, of in enumerate(found["land"].values) if of != FORMER}
    return row(0) | ({"by_aim": by_aim} if by_aim else {})


def _plain(value: Any) -> Any:
    """A value JSON takes; NaN becomes null."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def read_parts(workspace: Workspace, plan: Plan) -> dict[str, Mapping[str, Any]]:
    """What was measured, by mine."""
    return {
        mine_id: json.loads(part_path(workspace, plan, mine_id).read_text(encoding="utf-8"))
        for mine_id in plan.selected
    }
