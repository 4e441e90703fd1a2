"""The registry as one archive of text, and back: JSON Lines a table, with a hash of each.

`manifest.json` names the version of the tables, and of each table how many rows it has and
the SHA-256 of its lines. Geometry is well-known binary (OGC 06-103r4, clause 8) in
hexadecimal, EPSG:4326. Evidence and the runs' own files stand beside the tables as they are.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from reverdure.core.errors import InvalidInput, UnreadableFile, WorkspaceExists, WorkspaceTooNew
from reverdure.core.files import atomic
from reverdure.core.provenance import file_digest
from reverdure.store.database import HEAD, Database, every
from reverdure.store.lines import is_geometry, lines, written
from reverdure.store.postgres import check_url
from reverdure.store.tables import metadata
from reverdure.store.workspace import REGISTRY, SETTINGS, Workspace, naming

MANIFEST = "manifest.json"
_FORMAT = 1
_FOLDERS = ("evidence", "runs")
_BATCH = 1000
# a date that no clock gives, so that the same registry is the same archive
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def dump(workspace: Workspace, path: Path) -> dict[str, int]:
    """Write everything the registry holds as one archive; rows of each table.

    Raises
    ------
    InvalidInput
        If the file is there already, or is not called .zip.
    NotAllowed
        If this login sees only a part of the registry.
    """
    if path.suffix.lower() != ".zip" or path.exists():
        raise InvalidInput(
            f"{path} is there already, or does not end in .zip.", "Choose another name."
        )
    workspace.database.require_all("a dump")
    stated: dict[str, dict[str, Any]] = {}
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for table in metadata.sorted_tables:
            with archive.open(_entry(f"tables/{table.name}.jsonl"), "w") as sink:
                stated[table.name] = written(lines(table, workspace.database.all_of(table)), sink)
        files = {
            one.relative_to(workspace.root).as_posix(): one
            for folder in _FOLDERS
            for one in sorted((workspace.root / folder).rglob("*"))
            if one.is_file()
        }
        # what is restored lies in a file again, wherever it came from
        settings = naming((workspace.root / SETTINGS).read_text(encoding="utf-8"), "")
        archive.writestr(_entry(SETTINGS), settings)
        for name, one in files.items():
            archive.writestr(_entry(name), one.read_bytes())
        manifest = {
            "format": _FORMAT,
            "schema": HEAD,
            "tables": stated,
            "files": {name: file_digest(one) for name, one in files.items()},
        }
        archive.writestr(_entry(MANIFEST), json.dumps(manifest, indent=1, sort_keys=True))
    return {name: one["rows"] for name, one in stated.items()}


def restore(unpacked: Path, root: Path, url: str = "") -> dict[str, int]:
    """Make a workspace from an unpacked archive; rows of each table.

    Everything is filled in and compared in one transaction, the last step of all. Where what
    comes after it was cut off, the same again finds the database as the archive has it.

    Parameters
    ----------
    unpacked : Path
        Folder with the files of a dump.
    root : Path
        Folder that is not there yet.
    url : str
        Address of an empty database that keeps the registry; "" for a file in the folder.

    Raises
    ------
    UnreadableFile
        If it is no dump, or a table or file is not what its manifest says.
    WorkspaceTooNew
        If a newer version wrote it.
    WorkspaceExists
        If the database holds tables of something else.
    InvalidInput, DatabaseUnavailable, NotAllowed
        If the address is none or holds a password, or the database refuses.
    """
    manifest = _read_manifest(unpacked)
    for name, digest in manifest["files"].items():
        if not (unpacked / name).is_file() or file_digest(unpacked / name) != digest:
            raise UnreadableFile(f"{name} is not what the dump's manifest says.")
    for name in (SETTINGS, *manifest["files"]):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (unpacked / name).replace(target)
    if url:
        settings = naming((root / SETTINGS).read_text(encoding="utf-8"), check_url(url))
        (root / SETTINGS).write_text(settings, encoding="utf-8")
    database = Database(url or root / REGISTRY)
    try:
        counts = _filled(database, unpacked / "tables", manifest["tables"])
    except WorkspaceExists:
        if _there(database) != manifest["tables"]:
            raise
        counts = {name: one["rows"] for name, one in manifest["tables"].items()}
    Workspace.open(root)
    return counts


def _filled(database: Database, folder: Path, stated: Mapping[str, Any]) -> dict[str, int]:
    """Tables with the rows of a dump, in one transaction; how many each has."""
    counts = {}
    with database.writer() as connection:
        database.build(connection)
        for table in metadata.sorted_tables:
            said = stated.get(table.name, {"rows": 0})
            if said["rows"]:
                _fill(connection, table, folder / f"{table.name}.jsonl")
            found = written(lines(table, connection.execute(every(table)).all()))
            if "sha256" in said and found != said:
                raise UnreadableFile(f"table {table.name} is not what the dump's manifest says.")
            counts[table.name] = int(found["rows"])
        database.settle(connection)
    database.tidy()
    return counts


def _there(database: Database) -> dict[str, dict[str, Any]]:
    """What a manifest would say of a database; nothing where it lacks one of our tables."""
    try:
        return {table.name: written(lines(table, database.all_of(table)))
                for table in metadata.sorted_tables}  # fmt: skip
    except sa.exc.ProgrammingError:
        return {}


def _read_manifest(unpacked: Path) -> Mapping[str, Any]:
    try:
        manifest = json.loads((unpacked / MANIFEST).read_text(encoding="utf-8"))
        form, schema = int(manifest["format"]), str(manifest["schema"])
        names = [*manifest["files"], *manifest["tables"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableFile("the archive is no dump of a registry.") from error
    if form > _FORMAT or schema > HEAD:
        raise WorkspaceTooNew(
            f"the dump has format {form} and tables {schema}, this program knows up to {_FORMAT}"
            f" and {HEAD}.",
            "Update reverdure.",
        )
    if any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
        raise UnreadableFile("the archive is no dump of a registry.")
    return dict(manifest)


def _fill(connection: sa.Connection, table: sa.Table, path: Path) -> None:
    try:
        for batch in _rows(path, table):
            connection.execute(table.insert(), batch)
    except (OSError, ValueError, TypeError, sa.exc.SQLAlchemyError) as error:
        raise UnreadableFile(f"table {table.name} of the dump cannot be read: {error}.") from error


def _rows(path: Path, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    """Rows of a table, a batch at a time."""
    import shapely

    batch = []
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            if set(row) != {column.name for column in table.columns}:
                raise ValueError(f"its columns are {', '.join(map(str, row))}")
            batch.append({
                name: shapely.from_wkb(value) if is_geometry(table, name, value) else value
                for name, value in row.items()
            })  # fmt: skip
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
