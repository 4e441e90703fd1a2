"""Programmes and targets of a workspace, with what its last run measured."""

from typing import Any

from reverdure.core.codes import Verdict
from reverdure.core.record_book import Book
from reverdure.registry.rollup import Branch, Cascade, MineFacts, programme_tree, target_tree
from reverdure.store.record_pages import values_in_force
from reverdure.store.records import current
from reverdure.store.workspace import Workspace

_SUPPORTED = (Verdict.SUPPORTED.key, Verdict.PARTLY_SUPPORTED.key)


def programmes(workspace: Workspace) -> list[Branch]:
    """Every programme with all its parts, and the whole."""
    database = workspace.database
    return programme_tree(
        current(database, ["programme"])["programme"],
        [row[1:] for row in values_in_force(database, "membership", "programme_id", "mine_id")],
        values_in_force(database, "work", "programme_id", "mine_id"),
        _facts(workspace),
    )


def targets(workspace: Workspace) -> list[Cascade]:
    """Every target beside the sum of its parts."""
    return target_tree(Book(current(workspace.database, ("target",))))


def _facts(workspace: Workspace) -> dict[str, MineFacts]:
    claimed: dict[str, float] = {}
    supported: dict[str, float] = {}
    for mine_id, claimed_ha in workspace.database.tuples("claim", ["mine_id", "claimed_ha"]):
        claimed[mine_id] = claimed.get(mine_id, 0.0) + (claimed_ha or 0.0)
    for row in _verdicts(workspace):
        if row["verdict"] in _SUPPORTED:
            supported[row["mine_id"]] = supported.get(row["mine_id"], 0.0) + row["restored_ha"]
    columns = ["mine_id", "measured_area_ha", "stated_area_ha"]
    return {
        mine_id: MineFacts(
            measured_ha or stated_ha or 0.0, claimed.get(mine_id, 0.0), supported.get(mine_id, 0.0)
        )
        for mine_id, measured_ha, stated_ha in workspace.database.tuples("mine", columns)
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
