"""The commands as a person types them."""

import os
import subprocess
import sys
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
