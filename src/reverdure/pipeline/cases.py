"""Reported figures into the registry, and out again."""

import json
from pathlib import Path

from reverdure.registry.statements import Case, read_case
from reverdure.store.workspace import Settings, Workspace


def create(
    root: Path, settings: Settings, case: str | None = None, database_url: str = ""
) -> Workspace:
    """A new workspace, with the figures of a case where one is named.

    Its registry is a file, or lies in the PostgreSQL database of that address.

    Raises
    ------
    UnknownOption
        If the case is not known; nothing is made then.
    WorkspaceExists
        If the folder is not empty, or the database holds tables of ours.
    """
    found = None if case is None else read_case(case)
    workspace = Workspace.create(root, settings, database_url)
    if found is not None:
        record = json.dumps(found.to_dict(), ensure_ascii=False)
        with workspace.database.transaction("add case", name=found.name) as write:
            write.append("reported", {"name": found.name, "record": record})
    return workspace


def reported(workspace: Workspace) -> list[Case]:
    """Cases of a workspace, as they were added."""
    return [Case.from_dict(record) for record in workspace.database.records("reported")]
