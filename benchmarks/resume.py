"""Kill runs 20 times at random moments, finish them, and compare with an undisturbed one."""

import random
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.county import filled, reverdure, simulated, start, tables
from benchmarks.figures import Figure

KILLS, MOST_STARTS = 20, 80


def measure() -> list[Figure]:
    """Workspaces whose tables differ after the kills, and what the kills left behind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = filled(folder / "empty", simulated(folder / "county", mines=8, years=14, seed=3))
        calm = _copy(empty, folder / "calm")
        begun = time.monotonic()
        reverdure("run", "-w", calm)
        duration = time.monotonic() - begun
        kills, finished = _storm(empty, folder, duration)
        expected = tables(calm)
        differing = sum(tables(workspace) != expected for workspace in finished)
        leftovers = [path for one in finished for path in one.rglob(".[0-9]*-*") if path.is_file()]
    return [
        Figure("tables compared", len(expected), at_least=3),
        Figure("kills that met a run still going", kills, at_least=KILLS),
        Figure("workspaces finished after kills", len(finished)),
        Figure("of them with other tables than the undisturbed one", differing, at_most=0),
        Figure("temporary files left", len(leftovers), at_most=0),
    ]


def _storm(empty: Path, folder: Path, duration: float) -> tuple[int, list[Path]]:
    """Start and kill runs until enough kills met one; a finished workspace gives way to a new."""
    moments = random.Random(20)
    kills, finished = 0, []
    workspace = _copy(empty, folder / "stormy-0")
    for _ in range(MOST_STARTS):
        process = start(workspace)
        time.sleep(moments.uniform(0.1, 0.7) * duration)
        was_running = process.poll() is None
        process.kill()
        process.wait()
        kills += was_running
        if kills == KILLS:
            break
        if not was_running:
            finished.append(workspace)
            workspace = _copy(empty, folder / f"stormy-{len(finished)}")
    reverdure("run", "-w", workspace)
    return kills, [*finished, workspace]


def _copy(workspace: Path, to: Path) -> Path:
    return Path(shutil.copytree(workspace, to))
