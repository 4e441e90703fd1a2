"""The programme in one screen."""

import json
import math
from dataclasses import dataclass
from typing import Any

from reverdure.core.codes import NaturalGround
from reverdure.store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Overview:
    """What a workspace holds and what its last run found.

    Attributes
    ----------
    mines, mines_without_outline, claims, scenes, refused_scenes, declared_years : int
    run : dict or None
        Manifest of the last run.
    totals : list of dict
        Rows of the totals table; the first is the whole.
    size_mb : float
    natural : dict of str to (int, float, float)
        By key of NaturalState, ground nobody claims: how many grounds, their hectares, and
        the hectares that came back.
    """

    mines: int
    mines_without_outline: int
    claims: int
    scenes: int
    refused_scenes: int
    declared_years: int
    run: dict[str, Any] | None
    totals: list[dict[str, Any]]
    size_mb: float
    natural: dict[str, tuple[int, float, float]]


def overview(workspace: Workspace) -> Overview:
    """Count what is there; reads small tables only, so that it answers at once."""
    database = workspace.database
    totals_path = workspace.products / "totals.parquet"
    totals: list[dict[str, Any]] = []
    manifest = None
    if totals_path.is_file():
        import pyarrow.parquet as pq

        # not read_table, which would load the machinery of data sets first
        with pq.ParquetFile(totals_path) as file:
            totals = file.read().to_pylist()
        run_id = totals[0]["run_id"]
        path = workspace.runs / run_id / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return Overview(
        mines=database.count("mine"),
        mines_without_outline=database.count_empty("mine", "geometry"),
        claims=database.count("claim"),
        scenes=database.count("scene"),
        refused_scenes=database.count("refusal"),
        declared_years=database.count("composite"),
        run=manifest,
        totals=totals,
        size_mb=workspace.size_mb(),
        natural=_natural(workspace),
    )


def _natural(workspace: Workspace) -> dict[str, tuple[int, float, float]]:
    path = workspace.products / "natural_recovery.parquet"
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        rows = file.read(columns=["ground", "state", "ground_ha", "recovered_ha"]).to_pylist()
    found: dict[str, tuple[int, float, float]] = {}
    for row in rows:
        if row["ground"] == NaturalGround.UNCLAIMED.key:
            count, ground_ha, recovered_ha = found.get(row["state"], (0, 0.0, 0.0))
            found[row["state"]] = (
                count + 1,
                ground_ha + _or_zero(row["ground_ha"]),
                recovered_ha + _or_zero(row["recovered_ha"]),
            )
    return found


def _or_zero(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else value
