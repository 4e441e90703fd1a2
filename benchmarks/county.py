"""A simulated county and workspaces over it, by command, for the benchmarks that run whole."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "reverdure"]


def reverdure(*words: str | Path) -> None:
    """Run one command; what it prints is shown only where it fails."""
    answer = subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise RuntimeError(f"reverdure {words[0]} failed:\n{answer.stdout}{answer.stderr}")


def simulated(folder: Path, *, mines: int, years: int, seed: int) -> Path:
    """A simulated county in `folder`."""
    reverdure("simulate", folder, "--mines", str(mines), "--years", str(years), "--seed", str(seed))
    return folder


def filled(workspace: Path, county: Path) -> Path:
    """A workspace that holds everything of a county and has not run yet."""
    reverdure("init", workspace)
    for words in (
        ("mines", county / "mines.gpkg"),
        ("claims", county / "claims.csv"),
        ("scenes", county / "scenes"),
        ("layer", county / "dem.tif", "--as", "elevation"),
        ("counties", county / "counties.gpkg"),
    ):
        reverdure("add", *words, "-w", workspace)
    return workspace


def start(workspace: Path) -> subprocess.Popen[bytes]:
    """`reverdure run` in a process of its own."""
    return subprocess.Popen(
        [*COMMAND, "run", "-w", str(workspace)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def tables(workspace: Path) -> dict[str, str]:
    """Hash of every table of a workspace, by file name."""
    files = sorted((workspace / "products").glob("*.parquet"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def cpu_seconds() -> float:
    """Processor time of this process and of all children that ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
