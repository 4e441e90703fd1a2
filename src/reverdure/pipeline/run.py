"""The run: make what is missing, then the tables and the report."""

import datetime
import json
import platform
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reverdure import kernels
from reverdure.core.files import atomic
from reverdure.core.records import OnProgress
from reverdure.core.units import M2_PER_HA
from reverdure.pipeline.evidence import evidence_path
from reverdure.pipeline.fine import fine_path, fine_tasks, make_fine
from reverdure.pipeline.inputs import write_inputs
from reverdure.pipeline.ledger import keep_books
from reverdure.pipeline.measure import measuring, part_path
from reverdure.pipeline.products import write_products
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.pipeline.steps import STEP_VERSIONS
from reverdure.pipeline.tiles import (
    TileReader,
    composite_path,
    make_composite,
    make_segments,
    segments_path,
)
from reverdure.pipeline.workers import cores, do_all, do_apart
from reverdure.store.workspace import Workspace

_PACKAGES = ("geopandas", "numba", "numpy", "pyproj", "rasterio", "shapely", "xarray")
_BYTES_PER_PIXEL_AND_SCENE = 2 * 9  # six bands, thermal and two masks, 16 bits each
# CPU seconds on one server core, measured on the county of `dev.py demo`
_S_PER_SCENE_MEGAPIXEL = 0.49
_S_PER_SEGMENT_MEGAPIXEL = 6.5
_S_PER_MINE = 0.4
_S_PER_FINE_SCENE = 0.07  # one Sentinel-2 scene over one small mine


@dataclass(frozen=True, slots=True)
class Workload:
    """What a run would do.

    Attributes
    ----------
    run_id : str
    tiles, composites, segments, mines : int
        How many still have to be made or measured; `all_*` how many there are.
    read_gb, hours : float
        Imagery to read and time to expect on `cores` cores.
    """

    run_id: str
    tiles: int
    composites: int
    all_composites: int
    segments: int
    all_segments: int
    mines: int
    all_mines: int
    read_gb: float
    hours: float
    cores: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did: its id, how much it made, and where the report is."""

    run_id: str
    made: Mapping[str, int]
    seconds: float
    report: Path


def workload(workspace: Workspace, only: str | None = None) -> Workload:
    """Count what a run would make, without making it."""
    plan = make_plan(workspace, only)
    missing = _missing(workspace, plan)
    megapixels = workspace.settings.tile_pixels**2 / 1e6
    scenes = sum(len(plan.composites[task].scenes) or 1 for task in missing["composites"])
    n_cores = cores()
    fine_scenes = sum(len(plan.fine[mine_id][year].scenes) for mine_id, year in missing["fine"])
    seconds = (
        fine_scenes * _S_PER_FINE_SCENE
        + scenes * megapixels * _S_PER_SCENE_MEGAPIXEL
        + len(missing["segments"]) * megapixels * _S_PER_SEGMENT_MEGAPIXEL
        + len(missing["measure"]) * _S_PER_MINE
    )
    return Workload(
        run_id=plan.run_id,
        tiles=len({tile for tile, _ in plan.segments}),
        composites=len(missing["composites"]),
        all_composites=len(plan.composites),
        segments=len(missing["segments"]),
        all_segments=len(plan.segments),
        mines=len(missing["measure"]),
        all_mines=len(plan.selected),
        read_gb=scenes * megapixels * 1e6 * _BYTES_PER_PIXEL_AND_SCENE / 1e9,
        hours=seconds / n_cores / 3600,
        cores=n_cores,
    )


def run(
    workspace: Workspace, only: str | None = None, on_progress: OnProgress | None = None
) -> RunResult:
    """Make everything that is missing or changed, and the report.

    Stopped at any moment, it continues where it was when called again.

    Parameters
    ----------
    workspace : Workspace
    only : str, optional
        Id of the one mine to measure.
    on_progress : callable, optional
        Called with a Progress after each piece of work.
    """
    started = datetime.datetime.now(datetime.UTC)
    clock = time.perf_counter()
    with workspace.writing(registry=False):
        plan = make_plan(workspace, only)
        missing = _missing(workspace, plan)
        kernels.warm_up()
        reader = TileReader(workspace, plan)
        stages: dict[str, Callable[[Any], None]] = {
            "composites": lambda task: make_composite(workspace, plan, *task),
            "segments": lambda task: make_segments(workspace, plan, *task),
            "fine": lambda task: make_fine(workspace, plan, *task),
        }
        for stage, make in stages.items():
            do_all(stage, [partial(make, task) for task in missing[stage]], on_progress)
        do_apart(
            "measure", partial(measuring, workspace.root, plan), missing["measure"], on_progress
        )
        write_products(
            workspace, plan, reader, is_partial=only is not None, on_progress=on_progress
        )
        made = {stage: len(tasks) for stage, tasks in missing.items()}
        _write_manifest(workspace, plan, only, made, started)
        if only is None:
            _remove_outdated(workspace, plan)
        with workspace.database.transaction("run", run_id=plan.run_id, only=only, made=made):
            pass
        if only is None:
            keep_books(workspace)
    seconds = time.perf_counter() - clock
    return RunResult(plan.run_id, made, seconds, workspace.report / "index.html")


def _missing(workspace: Workspace, plan: Plan) -> dict[str, list[Any]]:
    """Tasks of each stage whose product is not on disk."""
    composites = [
        task
        for task, source in plan.composites.items()
        if not composite_path(workspace, *task, source).exists()
    ]
    segments = [
        task
        for task, source in plan.segments.items()
        if not segments_path(workspace, *task, source).exists()
    ]
    # mines of one tile follow each other, so that each tile is read about once
    mines = sorted(plan.selected, key=lambda mine_id: (plan.measured[mine_id].tiles[:1], mine_id))
    unmeasured = [m for m in mines if not part_path(workspace, plan, m).exists()]
    return {
        "composites": composites,
        "segments": segments,
        "fine": fine_tasks(workspace, plan),
        "measure": unmeasured,
    }


def _write_manifest(
    workspace: Workspace,
    plan: Plan,
    only: str | None,
    made: Mapping[str, int],
    started: datetime.datetime,
) -> None:
    """Keep what the run was, and its verdicts; the only place with clock times."""
    folder = workspace.runs / plan.run_id
    manifest = {
        "run_id": plan.run_id,
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "only": only,
        "made": dict(made),
        "inputs": dict(plan.inputs),
        "settings": asdict(workspace.settings) | _chosen(plan),
        "steps": STEP_VERSIONS,
        "years": [plan.years[0], plan.years[-1]],
        "indices": list(plan.indices),
        "crs": plan.lattice.crs,
        "pixel_m": plan.lattice.pixel,
        "pixel_ha": plan.lattice.pixel**2 / M2_PER_HA,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("reverdure", *_PACKAGES)},
    }
    with atomic(folder / "manifest.json") as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
    write_inputs(folder, plan)
    for name in ("verdicts.parquet", "totals.parquet", "natural_recovery.parquet"):
        with atomic(folder / name) as temporary:
            shutil.copyfile(workspace.products / name, temporary)


def _chosen(plan: Plan) -> dict[str, str]:
    """Beside the settings: the lines in force, and dates on record that date damage; if any."""
    lines = plan.harmonise
    found = {} if lines is None else {"harmonise": f"{lines.name} {lines.key}"}
    return found | ({"events": plan.inputs["events"]} if plan.known_years else {})


def _remove_outdated(workspace: Workspace, plan: Plan) -> None:
    """Delete rasters and parts that nothing refers to any more."""
    kept = {composite_path(workspace, *task, source) for task, source in plan.composites.items()}
    kept |= {segments_path(workspace, *task, source) for task, source in plan.segments.items()}
    kept |= {
        fine_path(workspace, year, source)
        for sources in plan.fine.values()
        for year, source in sources.items()
    }
    kept |= {part_path(workspace, plan, mine_id) for mine_id in plan.selected}
    kept |= {evidence_path(workspace, plan, mine_id) for mine_id in plan.selected}
    for pattern, folder in (
        ("*.tif", workspace.cubes),
        ("*.json", workspace.parts),
        ("*.npz", workspace.parts),
    ):
        for path in folder.rglob(pattern):
            if path not in kept:
                path.unlink()
