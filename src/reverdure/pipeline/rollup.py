"""Programmes and targets of a workspace, with what its last run measured."""

from typing import Any

from reverdure.core.codes import Verdict
from reverdure.core.record_book import Book
from reverdure.registry.rollup import Branch, Cascade, MineFacts, programme_tree, target_tree
from reverdure.store.records import current
from reverdure.store.workspace import Workspace

_SUPPORTED = (Verdict.SUPPORTED.key, Verdict.PARTLY_SUPPORTED.key)


def programmes(workspace: Workspace) -> list[Branch]:
    """Every programme with all its parts, and the whole."""
    book = Book(current(workspace.database, ("programme", "membership", "work")))
    return programme_tree(book, _facts(workspace))


def targets(workspace: Workspace) -> list[Cascade]:
    """Every target beside the sum of its parts."""
    return target_tree(Book(current(workspace.database, ("target",))))


def _facts(workspace: Workspace) -> dict[str, MineFacts]:
    claimed: dict[str, float] = {}
    supported: dict[str, float] = {}
    for row in workspace.database.rows("claim", ["mine_id", "claimed_ha"]):
        claimed[row["mine_id"]] = claimed.get(row["mine_id"], 0.0) + (row["claimed_ha"] or 0.0)
    for row in _verdicts(workspace):
        if row["verdict"] in _SUPPORTED:
            supported[row["mine_id"]] = supported.get(row["mine_id"], 0.0) + row["restored_ha"]
    rows = workspace.database.rows("mine", ["mine_id", "measured_area_ha", "stated_area_ha"])
    return {
        row["mine_id"]: MineFacts(
            row["measured_area_ha"] or row["stated_area_ha"] or 0.0,
            claimed.get(row["mine_id"], 0.0),
            supported.get(row["mine_id"], 0.0),
        )
        for row in rows
    }


def _verdicts(workspace: Workspace) -> list[dict[str, Any]]:
    path = workspace.products / "verdicts.parquet"
    if not path.is_file():
        return []
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        rows: list[dict[str, Any]] = file.read(
            columns=["mine_id", "verdict", "restored_ha"]
        ).to_pylist()
    return rows
