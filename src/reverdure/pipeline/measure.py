"""One mine at a time: segments to reference, metrics, verdicts and trajectories."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import xarray as xr

from reverdure.core.codes import ReferenceStatus
from reverdure.core.fields import TRAJECTORIES, VERDICTS
from reverdure.core.files import atomic
from reverdure.core.grid import Grid
from reverdure.ground.terrain import read_layer, slope_deg
from reverdure.pipeline.evidence import evidence_path, write_evidence
from reverdure.pipeline.plan import Plan
from reverdure.pipeline.series import series_of
from reverdure.pipeline.tiles import TileReader
from reverdure.recovery.metrics import recovery_metrics
from reverdure.recovery.reference import reference
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
    around = [mine_id, *source.neighbours]
    mines = plan.mines[plan.mines["mine_id"].isin(around)]
    claims = plan.claims[plan.claims["mine_id"].isin(around)]
    metrics: dict[str, xr.Dataset] = {}
    courses: list[pd.DataFrame] = []
    references: dict[str, dict[str, Any]] = {}
    if source.grid is not None:
        terrain = read_terrain(workspace, source.grid)
        for index in plan.indices:
            value, segments = series_of(plan, reader, mine_id, index)
            found = reference(
                value,
                segments,
                mines,
                terrain,
                only=[mine_id],
                allow_before_level=workspace.settings.allow_before_level,
                refused=source.effect.refused_by(mine_id),
            )
            metrics[index] = recovery_metrics(value, segments, reference=found)
            courses.append(trajectories(mines[mines["mine_id"] == mine_id], value, segments, found))
            references[index] = _reference_summary(found, mine_id)
    seen: dict[str, xr.Dataset] = {}
    judged = verdicts(mines, claims, metrics, seed=workspace.settings.seed, evidence=seen)
    rows = judged[judged["mine_id"] == mine_id]
    # before the part: where a part lies, its evidence does
    write_evidence(evidence_path(workspace, plan, mine_id), seen)
    part = {
        "mine_id": mine_id,
        "verdicts": _records(rows, VERDICTS.columns),
        "trajectories": [
            row for course in courses for row in _records(course, TRAJECTORIES.columns)
        ],
        "references": references,
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


def _reference_summary(found: xr.Dataset, mine_id: str) -> dict[str, Any]:
    """Scalars of the reference of one mine, for `explain`."""
    one = found.sel(mine_id=mine_id)
    scalars = {str(name): one[name] for name in one.data_vars if one[name].ndim == 0}
    plain = {name: _plain(value.item()) for name, value in sorted(scalars.items())}
    return plain | {"status": ReferenceStatus.from_number(plain["status"]).key}


def _records(frame: pd.DataFrame | gpd.GeoDataFrame, columns: list[str]) -> list[dict[str, Any]]:
    names = [name for name in columns if name in frame.columns]
    return [
        {name: _plain(value) for name, value in zip(names, row, strict=True)}
        for row in frame[names].itertuples(index=False, name=None)
    ]


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
