"""`dev.py demo`: time of the whole, time of the run, peak memory."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure

ROOT = Path(__file__).parents[1]


def measure() -> list[Figure]:
    """Times and memory of one demo on an environment that is installed already."""
    subprocess.run(
        [sys.executable, "dev.py", "demo"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    steps = json.loads((ROOT / "demo" / "measured.json").read_text(encoding="utf-8"))
    whole = sum(step["seconds"] for step in steps)
    run = next(step["seconds"] for step in steps if step["step"] == "run")
    show = next(step["seconds"] for step in steps if step["step"] == "show")
    return [
        Figure("demo without installing, wall", whole / 60, "min", at_most=6),
        Figure("its run, wall", run / 60, "min", at_most=2),
        Figure("show, wall", show, "s"),
        Figure("peak memory", max(step["peak_gb"] for step in steps), "GB", at_most=3),
    ]
