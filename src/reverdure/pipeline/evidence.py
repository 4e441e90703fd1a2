"""What the verdicts of a mine stand on, kept beside what was measured of it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from reverdure.core.files import atomic
from reverdure.pipeline.run_plan import Plan
from reverdure.recovery.evidence import pack, unpack
from reverdure.store.workspace import Workspace


def evidence_path(workspace: Workspace, plan: Plan, mine_id: str) -> Path:
    """Where the evidence of a mine's claims lies."""
    return workspace.parts / f"{plan.measured[mine_id].key}.npz"


def write_evidence(path: Path, found: Mapping[str, xr.Dataset]) -> None:
    """Keep the evidence of one mine's claims, whole or not at all; no claim, no file."""
    if not found:
        return
    with atomic(path) as temporary, temporary.open("wb") as stream:
        # numpy dates every member 1980: equal evidence, equal bytes
        np.savez_compressed(stream, allow_pickle=False, **pack(found))


def read_evidence(path: Path) -> dict[str, xr.Dataset]:
    """Evidence of one mine by claim id; empty where none was kept."""
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as arrays:
        return unpack(arrays)
