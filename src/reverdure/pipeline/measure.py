"""One mine at a time: segments to reference, metrics, verdicts and trajectories."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import xarray as xr

from reverdure.core.codes import FineStatus, ReferenceStatus
from reverdure.core.fields import NATURAL_RECOVERY, TRAJECTORIES, VERDICTS
from reverdure.core.files import atomic
from reverdure.core.grid import Grid
from reverdure.ground.terrain import read_layer, slope_deg
from reverdure.pipeline.evidence import evidence_path, write_evidence
from reverdure.pipeline.fine import fine_series, join_fine
from reverdure.pipeline.plan import Plan
from reverdure.pipeline.series import series_of
from reverdure.pipeline.tiles import TileReader
from reverdure.recovery.losses import largest_losses
from reverdure.recovery.metrics import recovery_metrics
from reverdure.recovery.natural import natural_recovery
from reverdure.recovery.reference import FORMER, references
from reverdure.recovery.trajectories import trajectories
from reverdure.recovery.verdicts import verdicts
from reverdure.store.workspace import Workspace


def part_path(workspace: Workspace, plan: Plan, mine_id: str) -> Path:
    """Where what was measured of a mine lies."""
    return workspace.parts / f"{plan.measured[mine_id].key}.json"


def measure_mine(workspace: Workspace, plan: Plan, reader: TileReader, mine_id: str) -> None:
    """Measure one mine and keep its verdicts, trajectories and references."""
    path = part_path(workspace, plan, mine_id)
    if path.exists():
        return
    source = plan.measured[mine_id]
    around = plan.mines[plan.mines["mine_id"].isin([mine_id, *source.neighbours])]
    mines = around[around["mine_id"].isin([mine_id, *source.touching])]
    claims = plan.claims[plan.claims["mine_id"].isin(mines["mine_id"])]
    metrics: dict[str, xr.Dataset] = {}
    courses: list[pd.DataFrame] = []
    references_of: dict[str, dict[str, Any]] = {}
    fine: dict[str, xr.DataArray] = {}
    if source.grid is not None:
        series = {index: series_of(plan, reader, mine_id, index) for index in plan.indices}
        losses = {
            index: largest_losses(segments, value) for index, (value, segments) in series.items()
        }
        found = references(
            series,
            around,
            read_terrain(workspace, source.grid),
            only=[mine_id],
            allow_before_level=workspace.settings.allow_before_level,
            refused=source.effect.refused_by(mine_id),
            aims={mine_id: sorted(set(claims["aim"][claims["mine_id"] == mine_id]))},
            losses=losses,
        )
        one = mines[mines["mine_id"] == mine_id]
        for index, (value, segments) in series.items():
            metrics[index] = recovery_metrics(
                value, segments, reference=found[index], losses=losses[index]
            )
            courses.append(trajectories(one, value, segments, found[index]))
            references_of[index] = _reference_summary(found[index])
        landsat = {index: value for index, (value, _) in series.items()}
        fine, offsets = join_fine(fine_series(workspace, plan, mine_id), landsat, around)
        for index, offset in offsets.items():
            if offset.status is not FineStatus.NO_SCENES:
                references_of[index]["fine"] = offset.to_dict()
    seen: dict[str, xr.Dataset] = {}
    judged = verdicts(
        mines, claims, metrics, seed=workspace.settings.seed, fine=fine, evidence=seen,
        only=[mine_id],
    )  # fmt: skip
    rows = judged[judged["mine_id"] == mine_id]
    natural = natural_recovery(
        mines, claims, metrics, seed=workspace.settings.seed, evidence=seen, only=[mine_id]
    )
    # before the part: where a part lies, its evidence does
    write_evidence(evidence_path(workspace, plan, mine_id), seen)
    part = {
        "mine_id": mine_id,
        "verdicts": _records(rows, VERDICTS.columns),
        "trajectories": [
            row for course in courses for row in _records(course, TRAJECTORIES.columns)
        ],
        "references": references_of,
        "natural": _records(natural, NATURAL_RECOVERY.columns),
    }
    with atomic(path) as temporary:
        text = json.dumps(part, ensure_ascii=False, sort_keys=True, allow_nan=False)
        temporary.write_text(text, encoding="utf-8")


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
    names = sorted(str(name) for name in found.data_vars if found[name].dims == ("mine_id",))

    def row(position: int) -> dict[str, Any]:
        plain = {name: _plain(found[name].values[position]) for name in names}
        return plain | {"status": ReferenceStatus.from_number(plain["status"]).key}

    by_aim = {str(of): row(k) for k, of in enumerate(found["land"].values) if of != FORMER}
    return row(0) | ({"by_aim": by_aim} if by_aim else {})


def _records(frame: pd.DataFrame | gpd.GeoDataFrame, columns: list[str]) -> list[dict[str, Any]]:
    names = [name for name in columns if name in frame.columns]
    # a column at once: rows of text columns are slow to walk
    values = [map(_plain, frame[name].tolist()) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _plain(value: Any) -> Any:
    """A value JSON takes; NaN and NA become null."""
    if value is None or value is pd.NA:
        return None
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def read_parts(workspace: Workspace, plan: Plan) -> dict[str, Mapping[str, Any]]:
    """What was measured, by mine."""
    return {
        mine_id: json.loads(part_path(workspace, plan, mine_id).read_text(encoding="utf-8"))
        for mine_id in plan.selected
    }
