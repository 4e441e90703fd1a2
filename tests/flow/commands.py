"""The commands as a person types them."""

import contextlib
import io
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from unittest import mock

import pytest

from reverdure.cli.main import main


def reverdure(
    *arguments: object, expect: int | None = 0, language: str = "en"
) -> "subprocess.CompletedProcess[str]":
    """Run `reverdure ARGUMENTS`; fail with its output if it ends otherwise than expected.

    In this process, which has the libraries already; `start_run` and tests/cli start their own.
    """
    command = ["reverdure", *map(str, arguments)]
    out, errors, code = io.StringIO(), io.StringIO(), 0
    environment = {"REVERDURE_LANG": language, "COLUMNS": "80"}
    with (
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        except Exception:  # noqa: BLE001 - a bug is shown as Python would show it
            traceback.print_exc()
            code = 1
    done = subprocess.CompletedProcess(command, code, out.getvalue(), errors.getvalue())
    if expect is not None and code != expect:
        pytest.fail(f"{command} ended with {code}\n{done.stdout}\n{done.stderr}")
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
