"""The commands as a person types them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


def reverdure(
    *arguments: object, expect: int | None = 0, language: str = "en"
) -> "subprocess.CompletedProcess[str]":
    """Run `reverdure ARGUMENTS`; fail with its output if it ends otherwise than expected."""
    command = [sys.executable, "-m", "reverdure", *map(str, arguments)]
    environment = os.environ | {"REVERDURE_LANG": language, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, check=False
    )
    if expect is not None and done.returncode != expect:
        pytest.fail(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def fill(workspace: Path, county: Path) -> None:
    """A workspace with everything of a simulated county in it, before any run."""
    reverdure("init", workspace)
    reverdure("add", "mines", county / "mines.gpkg", "-w", workspace)
    reverdure("add", "claims", county / "claims.csv", "-w", workspace)
    reverdure("add", "counties", county / "counties.gpkg", "-w", workspace)
    reverdure("add", "layer", county / "dem.tif", "--as", "elevation", "-w", workspace)
    reverdure("add", "scenes", county / "scenes", "-w", workspace)


_IN_PROCESSES = """
from reverdure.cli.main import main
from reverdure.pipeline import workers
workers.WORTH_PROCESSES = 1
main()
"""


def start_run(workspace: Path, *, in_processes: bool = False) -> "subprocess.Popen[str]":
    """A run in the background, to be watched and stopped."""
    program = ["-c", _IN_PROCESSES] if in_processes else ["-m", "reverdure"]
    command = [sys.executable, *program, "run", "-w", str(workspace)]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def n_products(workspace: Path) -> int:
    """Rasters and measured mines that a workspace holds."""
    rasters = len(list((workspace / "cubes").rglob("r*.tif")))
    return rasters + len(list((workspace / "products" / "parts").glob("[!.]*.json")))


def wait_for(workspace: Path, products: int, run: "subprocess.Popen[str]") -> bool:
    """Wait until a workspace holds so many products; whether the run still goes on then."""
    deadline = time.monotonic() + 120
    while n_products(workspace) < products and run.poll() is None:
        assert time.monotonic() < deadline, "the run makes nothing"
        time.sleep(0.02)
    return run.poll() is None
