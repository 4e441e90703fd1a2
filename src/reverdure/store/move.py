"""A registry from a file to PostgreSQL and back: every row copied, compared, then switched to."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reverdure.core.errors import InvalidInput, WorkspaceExists
from reverdure.store.database import Database, every
from reverdure.store.lines import lines, written
from reverdure.store.postgres import check_url
from reverdure.store.tables import AUDIT, metadata
from reverdure.store.workspace import REGISTRY, Workspace

FILE = "file"
ACTION = "move"
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved.

    Attributes
    ----------
    workspace : Workspace
        As it is now.
    rows : mapping of table to int
    source : str
        Where the registry was, and still is as it was.
    """

    workspace: Workspace
    rows: Mapping[str, int]
    source: str


def move(workspace: Workspace, to: str) -> Moved:
    """Keep the registry elsewhere from now on: wholly, or not at all.

    All is copied in one transaction and compared row by row before it ends; only then does
    `reverdure.toml` name the new place. Where the last step was cut off, the same command
    finds the copy whole and takes that step.

    Parameters
    ----------
    workspace : Workspace
    to : str
        Address of an empty database, or "file" for the GeoPackage of the workspace.

    Raises
    ------
    InvalidInput
        If the registry is there already, a row does not come back as it was, or the address
        holds a password.
    WorkspaceExists
        If the database holds tables of something else.
    NotAllowed
        If this login sees only a part of the registry.
    """
    source = workspace.database
    if to != FILE:
        check_url(to)
    if source.where == to or (to == FILE and not source.is_shared):
        raise InvalidInput("the registry is there already.", "Name another place.")
    source.require_all("a move")
    # the source stands still while it is copied, whoever else has it open
    with workspace.writing(), source.writer():
        rows = _into_file(workspace) if to == FILE else _into_database(source, Database(to))
        moved = workspace.name_database("" if to == FILE else to)
    return Moved(moved, rows, source.name)


def _into_database(source: Database, target: Database) -> dict[str, int]:
    try:
        return _copy(source, target)
    except WorkspaceExists:
        rows = _copied_before(source, target)
        if rows is None:
            raise
        return rows


def _into_file(workspace: Workspace) -> dict[str, int]:
    new, there = workspace.root / f".moving-{REGISTRY}", workspace.root / REGISTRY
    new.unlink(missing_ok=True)
    rows = _copy(workspace.database, Database(new))
    if there.exists():
        day = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
        there.rename(workspace.root / f"registry-until-{day}.gpkg")
    new.rename(there)
    return rows


def _copy(source: Database, target: Database) -> dict[str, int]:
    """Every row into an empty database, in one transaction; rows of each table."""
    counts = {}
    with target.writer() as connection:
        target.build(connection)
        for table in metadata.sorted_tables:
            rows = source.all_of(table)
            for first in range(0, len(rows), _BATCH):
                batch = [row._asdict() for row in rows[first : first + _BATCH]]
                connection.execute(table.insert(), batch)
            said = written(lines(table, rows))
            if _hashed(connection, table) != said:
                raise InvalidInput(
                    f"table {table.name} does not come back from {target.name} as it was;"
                    " nothing was moved."
                )
            counts[table.name] = int(said["rows"])
        target.settle(connection)
        target.log(connection, ACTION, {"from": source.name, "to": target.name, "rows": counts})
    target.tidy()
    return counts


def _copied_before(source: Database, target: Database) -> dict[str, int] | None:
    """Rows of each table, if the target is what a move cut off at its end left; else None."""
    counts = {}
    for table in metadata.sorted_tables:
        mine, theirs = source.all_of(table), target.all_of(table)
        if table is AUDIT:
            if not theirs or theirs[-1].action != ACTION:
                return None
            theirs = theirs[:-1]
        said = written(lines(table, mine))
        if written(lines(table, theirs)) != said:
            return None
        counts[table.name] = int(said["rows"])
    return counts


def _hashed(connection: sa.Connection, table: sa.Table) -> dict[str, Any]:
    return written(lines(table, connection.execute(every(table)).all()))
