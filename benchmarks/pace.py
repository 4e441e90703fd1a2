"""What a mine's verdict costs, on one of the counties of `verdicts`."""

import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.county import reverdure
from benchmarks.figures import Figure
from benchmarks.verdicts import SEEDS, county
from reverdure.pipeline.measure import grounds_of, measure_mine
from reverdure.pipeline.plan import Plan, make_plan
from reverdure.pipeline.tiles import TileReader
from reverdure.store.workspace import Workspace

INVENTORY = 10_253
CORES = 2


def measure() -> list[Figure]:
    """CPU of one mine, and how long an inventory takes on two cores."""
    world, seed = next(iter(SEEDS.items()))
    source = county(world, seed) / "workspace"
    reverdure("run", "-w", source)
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        cpu_s = _one_by_one(_unmeasured(source, Path(folder) / "one"))
        wall_s = _on_two_cores(_unmeasured(source, Path(folder) / "two"))
    return [
        Figure("mines measured", cpu_s.size),
        Figure("CPU a mine, median", float(np.median(cpu_s)), "s", at_most=0.3),
        Figure("CPU a mine, mean", float(cpu_s.mean()), "s"),
        Figure("CPU a mine, 95 of 100 need less", float(np.quantile(cpu_s, 0.95)), "s"),
        Figure(
            f"{INVENTORY} mines on {CORES} cores, by this pace",
            wall_s / cpu_s.size * INVENTORY / 60, "min", at_most=30,
        ),
    ]  # fmt: skip


def _unmeasured(source: Path, copy: Path) -> Workspace:
    """The same workspace with all its segments, in which no mine is measured yet."""

    def link(one: str, other: str) -> None:
        # the database is written to
        shutil.copyfile(one, other) if one.endswith(".gpkg") else os.link(one, other)

    shutil.copytree(source, copy, copy_function=link, ignore=shutil.ignore_patterns("parts"))
    return Workspace.open(copy)


def _in_order(plan: Plan) -> list[str]:
    """Mines as a run takes them: those of one tile follow each other."""
    return sorted(plan.selected, key=lambda mine_id: (plan.measured[mine_id].tiles[:1], mine_id))


def _one_by_one(workspace: Workspace) -> np.ndarray:
    plan = make_plan(workspace)
    reader, grounds, seconds = TileReader(workspace, plan), grounds_of(plan), []
    for mine_id in _in_order(plan):
        started = time.process_time()
        measure_mine(workspace, plan, reader, grounds, mine_id)
        seconds.append(time.process_time() - started)
    return np.array(seconds)


def _on_two_cores(workspace: Workspace) -> float:
    plan = make_plan(workspace)
    started = time.perf_counter()
    reader, grounds = TileReader(workspace, plan), grounds_of(plan)
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda mine_id: measure_mine(workspace, plan, reader, grounds, mine_id),
                      _in_order(plan)))  # fmt: skip
    return time.perf_counter() - started
