"""What a mine's verdict costs, on one of the counties of `verdicts`."""

import os
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.county import reverdure
from benchmarks.figures import Figure
from benchmarks.verdicts import SEEDS, county
from reverdure.core.records import Progress
from reverdure.pipeline.measure import measuring
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.pipeline.workers import do_apart
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
            wall_s / 60, "min", at_most=30,
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
    measure_mine, seconds = measuring(workspace.root, plan), []
    for mine_id in _in_order(plan):
        started = time.process_time()
        measure_mine(mine_id)
        seconds.append(time.process_time() - started)
    return np.array(seconds)


def _on_two_cores(workspace: Workspace) -> float:
    """Seconds for an inventory: to start, and then at the pace of these mines."""
    plan, moments = make_plan(workspace), []
    todo, started = _in_order(plan), time.perf_counter()

    def note(progress: Progress) -> None:
        moments.append((progress.done, time.perf_counter() - started))

    do_apart("measure", partial(measuring, workspace.root, plan), todo, note)
    (first, start_s), (last, end_s) = next(m for m in moments if m[0]), moments[-1]
    return start_s + (INVENTORY - first) * (end_s - start_s) / (last - first)
