"""Programmes and targets of a workspace, with what its last run measured."""

from reverdure.core.codes import Verdict
from reverdure.core.record_book import Book
from reverdure.registry.rollup import Branch, Cascade, summed_tree, target_tree
from reverdure.store.programme_sums import held
from reverdure.store.records import current
from reverdure.store.workspace import Workspace

_SUPPORTED = (Verdict.SUPPORTED.key, Verdict.PARTLY_SUPPORTED.key)


def programmes(workspace: Workspace) -> list[Branch]:
    """Every programme with all its parts, and the whole."""
    found = held(workspace.database, _supported_ha(workspace))
    return summed_tree(found.programmes, found.shared, found.works)


def targets(workspace: Workspace) -> list[Cascade]:
    """Every target beside the sum of its parts."""
    return target_tree(Book(current(workspace.database, ("target",))))


def _supported_ha(workspace: Workspace) -> dict[str, float]:
    """What the satellite supports of the claims of each mine, [ha]."""
    path = workspace.products / "verdicts.parquet"
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        table = file.read(columns=["mine_id", "verdict", "restored_ha"])
    found: dict[str, float] = {}
    columns = (table[name].to_pylist() for name in ("mine_id", "verdict", "restored_ha"))
    for mine_id, verdict, restored_ha in zip(*columns, strict=True):
        if verdict in _SUPPORTED:
            found[mine_id] = found.get(mine_id, 0.0) + restored_ha
    return found
