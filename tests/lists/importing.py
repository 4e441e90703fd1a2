"""`reverdure add ...` in this process, and what it left in the registry."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from typer.testing import CliRunner

from reverdure.cli.main import app
from reverdure.core.errors import ReverdureError
from reverdure.core.records import ImportReport
from reverdure.store.workspace import Workspace


@dataclass(frozen=True)
class Outcome:
    """What became of one `add`."""

    error: ReverdureError | None
    exit_code: int
    output: str
    report: ImportReport | None
    table: gpd.GeoDataFrame

    @property
    def codes(self) -> set[str]:
        return {finding.code for finding in self.report.findings} if self.report else set()

    def messages(self, code: str) -> str:
        assert self.report
        return " ".join(f.message for f in self.report.findings if f.code == code)


def add(workspace: Path, path: Path, *options: str, kind: str = "mines") -> Outcome:
    """Run `reverdure add KIND PATH -w WORKSPACE OPTIONS`; only our own errors may come out."""
    before = len(Workspace.open(workspace).database.imports(kind))
    done = CliRunner().invoke(app, ["add", kind, str(path), "-w", str(workspace), *options])
    error = done.exception if not isinstance(done.exception, SystemExit) else None
    if error is not None and not isinstance(error, ReverdureError):
        raise error
    database = Workspace.open(workspace).database
    reports = database.imports(kind)
    table = database.frame({"mines": "mine", "claims": "claim"}[kind])
    return Outcome(
        error, done.exit_code, done.output, reports[-1] if len(reports) > before else None, table
    )


def metres_off(found: gpd.GeoDataFrame, truth: dict[str, Any]) -> float:
    """Largest distance between corners of outlines found and true, by id."""
    return max(
        (_apart_m(shape, truth[mine_id]) for mine_id, shape in
         zip(found.iloc[:, 0], found.geometry, strict=True)),
        default=0.0,
    )  # fmt: skip


def _apart_m(shape: Any, true: Any) -> float:
    """Largest distance between the corners of two outlines, on a local plane."""
    scale = np.array([111_320 * np.cos(np.radians(true.centroid.y)), 110_900.0])
    one, other = (
        shapely.transform(each, lambda xy: (xy - true.centroid.coords[0]) * scale)
        for each in (shape, true)
    )
    return float(shapely.hausdorff_distance(one, other))
