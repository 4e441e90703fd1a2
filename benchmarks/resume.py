"""Kill a run 20 times at random moments, finish it, and compare with an undisturbed one."""

import random
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.county import filled, reverdure, simulated, start, tables
from benchmarks.figures import Figure

KILLS = 20


def measure() -> list[Figure]:
    """Tables that differ after the kills; kills that met a run still going."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        county = simulated(folder / "county", mines=8, years=14, seed=3)
        calm = filled(folder / "calm", county)
        stormy = folder / "stormy"
        shutil.copytree(calm, stormy)
        begun = time.monotonic()
        reverdure("run", "-w", calm)
        duration = time.monotonic() - begun

        moments = random.Random(20)
        landed = 0
        for _ in range(KILLS):
            process = start(stormy)
            # the whole of a run is met evenly, since what is done stays done
            time.sleep(moments.uniform(0.0, duration / 2))
            landed += process.poll() is None
            process.kill()
            process.wait()
        reverdure("run", "-w", stormy)
        expected, found = tables(calm), tables(stormy)
        differing = {name for name in expected | found if expected.get(name) != found.get(name)}
        leftovers = [path for path in stormy.rglob(".[0-9]*-*") if path.is_file()]
    return [
        Figure("tables compared", len(expected), at_least=3),
        Figure("tables that differ after 20 kills", len(differing), at_most=0),
        Figure("kills that met a run still going", landed, at_least=3),
        Figure("temporary files left", len(leftovers), at_most=0),
    ]
