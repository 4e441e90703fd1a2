"""The registry in one GeoPackage: open, migrate, read, write, audit.

Writers are serialised by the workspace's lock, and every write is one transaction
that ends with its line in the audit log.
"""

import datetime
import getpass
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from reverdure.core.errors import (
    DiskFull,
    InvalidInput,
    WorkspaceBusy,
    WorkspaceMissing,
    WorkspaceTooNew,
)
from reverdure.core.records import Finding, ImportReport
from reverdure.store import tables
from reverdure.store.audit import GENESIS, link

HEAD = "0005"
# machines that share a workspace do not agree to the second
_CLOCKS_DIFFER = datetime.timedelta(minutes=5)


class Database:
    """The registry file of a workspace.

    Parameters
    ----------
    path : Path
        A GeoPackage; `create` makes it, `open` expects it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = sa.create_engine(
            f"sqlite:///{path}", poolclass=sa.NullPool, connect_args={"timeout": 30}
        )
        sa.event.listen(self._engine, "connect", _configure)
        sa.event.listen(self._engine, "begin", _begin)

    @classmethod
    def create(cls, path: Path) -> "Database":
        """Make a new registry with all tables."""
        database = cls(path)
        database.migrate()
        return database

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open a registry, bringing an older one up to date.

        Raises
        ------
        WorkspaceMissing
            If the file is not a registry.
        WorkspaceTooNew
            If a newer version wrote it.
        """
        database = cls(path)
        revision = database._revision()
        if revision > HEAD:
            raise WorkspaceTooNew(
                f"the registry has version {revision}, this program knows up to {HEAD}.",
                "Update reverdure.",
            )
        if revision < HEAD:
            database.migrate()
        return database

    def migrate(self, revision: str = "head") -> None:
        """Apply migrations up (or down) to `revision`."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", "reverdure:store/migrations")
        config.set_main_option("path_separator", "os")
        with self._engine.begin() as connection:
            # GeoPackage readers do not know the VARCHAR that Alembic would choose
            connection.exec_driver_sql(
                "create table if not exists alembic_version (version_num text primary key)"
            )
            config.attributes["connection"] = connection
            if revision == "base":
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)

    def _revision(self) -> str:
        try:
            with self._reader() as connection:
                return str(
                    connection.execute(
                        sa.text("select version_num from alembic_version")
                    ).scalar_one()
                )
        except (sa.exc.DatabaseError, sa.exc.NoResultFound) as error:
            raise WorkspaceMissing(
                f"{self.path.name} is not a registry.", "Make a workspace with: reverdure init"
            ) from error

    @contextmanager
    def transaction(self, action: str, **detail: Any) -> Iterator["Transaction"]:
        """One write: everything or nothing, with its line in the audit log.

        Raises
        ------
        DiskFull, WorkspaceBusy
            If the registry cannot be written now; nothing has been changed.
        InvalidInput
            If the clock was set back since the last write; nothing has been changed.
        """
        try:
            with self._engine.begin() as connection:
                transaction = Transaction(connection)
                yield transaction
                transaction.audit(action, detail | transaction.detail)
        except sa.exc.OperationalError as error:
            if "full" in str(error.orig):
                raise DiskFull(
                    "no space left on the disk for the registry; nothing was changed.",
                    "Free some space and give the same command again.",
                ) from error
            if "locked" in str(error.orig):
                raise WorkspaceBusy(
                    "another process is writing to the registry.",
                    "Wait until it has finished and give the command again.",
                ) from error
            raise

    def fill(self, table: sa.Table, batches: Iterable[list[dict[str, Any]]]) -> None:
        """Rows of another registry into the empty table of this one, all or none."""
        with self._engine.begin() as connection:
            for batch in batches:
                connection.execute(table.insert(), batch)

    def _reader(self) -> sa.Connection:
        return self._engine.connect().execution_options(reads=True)

    def count(self, table: str) -> int:
        """Rows of a table."""
        statement = sa.select(sa.func.count()).select_from(tables.metadata.tables[table])
        with self._reader() as connection:
            return int(connection.execute(statement).scalar_one())

    def count_empty(self, table: str, column: str) -> int:
        """Rows of a table without a value in a column."""
        source = tables.metadata.tables[table]
        statement = sa.select(sa.func.count()).select_from(source).where(source.c[column].is_(None))
        with self._reader() as connection:
            return int(connection.execute(statement).scalar_one())

    def rows(self, table: str, columns: Iterable[str] = ()) -> list[dict[str, Any]]:
        """All rows in the order they came in, optionally only some columns."""
        names = list(columns) or [column.name for column in tables.metadata.tables[table].c]
        return [dict(zip(names, row, strict=True)) for row in self.tuples(table, names)]

    def tuples(self, table: str, columns: Iterable[str]) -> Sequence[Any]:
        """Some columns of all rows in the order they came in, a tuple a row."""
        source = tables.metadata.tables[table]
        wanted = [source.c[name] for name in columns]
        return self.read(sa.select(*wanted).order_by(*source.primary_key.columns))

    def read(self, statement: sa.Select[Any]) -> Sequence[Any]:
        """Rows of a query that a module of this room has put together."""
        with self._reader() as connection:
            return connection.execute(statement).all()

    def records(self, table: str) -> list[dict[str, Any]]:
        """The JSON records of a table (scenes, composites, imports), parsed."""
        return [json.loads(row["record"]) for row in self.rows(table, ["record"])]

    def frame(self, table: str) -> Any:
        """Mines, claims or counties as a GeoDataFrame in EPSG:4326, sorted by id."""
        import geopandas as gpd

        source = tables.metadata.tables[table]
        names = [column.name for column in source.c if column.name != "fid"]
        rows = self.rows(table, names)
        frame = gpd.GeoDataFrame(
            {name: [row[name] for row in rows] for name in names if name != "geometry"},
            geometry=gpd.GeoSeries([row["geometry"] for row in rows], crs="EPSG:4326"),
            columns=names,
        )
        kinds = {column.name: column.type for column in source.c}
        for name in names:
            if isinstance(kinds[name], sa.Double):
                frame[name] = frame[name].astype("float64")
            elif isinstance(kinds[name], sa.Integer):
                frame[name] = frame[name].astype("Int64")
            elif isinstance(kinds[name], sa.Text):
                frame[name] = frame[name].astype("object")
        return frame.sort_values(names[0], ignore_index=True)

    def setting(self, name: str) -> Any:
        """A value the workspace froze, or None."""
        statement = sa.select(tables.SETTING.c.value).where(tables.SETTING.c.name == name)
        with self._reader() as connection:
            value = connection.execute(statement).scalar_one_or_none()
        return None if value is None else json.loads(value)

    def imports(self, kind: str) -> list[ImportReport]:
        """Reports of the imports of one kind, oldest first."""
        rows = self.rows("import_report", ["kind", "record"])
        found = [json.loads(row["record"]) for row in rows if row["kind"] == kind]
        return [
            ImportReport(**{**record, "findings": tuple(Finding(**f) for f in record["findings"])})
            for record in found
        ]


class Transaction:
    """What may be written inside `Database.transaction`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.detail: dict[str, Any] = {}

    def insert_frame(self, table: str, frame: Any) -> None:
        """Append rows of a GeoDataFrame that has the table's columns."""
        source = tables.metadata.tables[table]
        names = [column.name for column in source.c if column.name in frame.columns]
        rows = [
            {name: _plain(value) for name, value in zip(names, values, strict=True)}
            for values in frame[names].itertuples(index=False, name=None)
        ]
        if rows:
            try:
                self._connection.execute(source.insert(), rows)
            except sa.exc.IntegrityError as error:
                raise InvalidInput(f"{table}: {error.orig}.", "An id is there already.") from error

    def replace(self, table: str, rows: list[Mapping[str, Any]]) -> None:
        """Insert rows, replacing those with the same key."""
        source = tables.metadata.tables[table]
        if rows:
            statement = source.insert().prefix_with("or replace")
            self._connection.execute(statement, [dict(row) for row in rows])

    def append(self, table: str, row: Mapping[str, Any]) -> int:
        """Add one row to a table that is only added to; returns its number."""
        result = self._connection.execute(tables.metadata.tables[table].insert(), dict(row))
        number = int(result.inserted_primary_key[0]) if result.inserted_primary_key else 0
        self.detail = {"number": number}
        return number

    def insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        """Append rows of plain values."""
        if rows:
            self._connection.execute(table.insert(), rows)

    def clear(self, table: str) -> None:
        """Remove all rows (counties and layers, which are replaced as a whole)."""
        self._connection.execute(tables.metadata.tables[table].delete())

    def freeze(self, name: str, value: Any) -> None:
        """Keep a setting for good; writing another value needs `replace`."""
        self._connection.execute(
            tables.SETTING.insert(), {"name": name, "value": json.dumps(value, sort_keys=True)}
        )

    def log_import(self, kind: str, report: ImportReport, source_digest: str) -> int:
        """Keep an import report; returns its number."""
        record = json.dumps(asdict(report), ensure_ascii=False)
        result = self._connection.execute(
            tables.IMPORT.insert(),
            {"kind": kind, "source": report.source, "digest": source_digest, "record": record},
        )
        number = int(result.inserted_primary_key[0]) if result.inserted_primary_key else 0
        self.detail = {"import": number, "counts": report.line()}
        return number

    def audit(self, action: str, detail: Mapping[str, Any]) -> None:
        """Append a line to the audit log; each line carries the hash of the one before."""
        last = self._connection.execute(
            sa.select(tables.AUDIT.c.chain, tables.AUDIT.c.at)
            .order_by(tables.AUDIT.c.number.desc())
            .limit(1)
        ).one_or_none()
        line = {
            "at": _now(last.at if last else ""),
            "actor": _actor(),
            "action": action,
            "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True),
        }
        chain = link(last.chain if last else GENESIS, line)
        self._connection.execute(tables.AUDIT.insert(), {**line, "chain": chain})


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN below, not the driver's
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma busy_timeout = 30000")
    # full: a verdict that was shown is on disk (docs/decisions/rollback-journal.md)
    connection.execute("pragma synchronous = full")


def _begin(connection: sa.Connection) -> None:
    # a deferred BEGIN fails with "database is locked" when two writers upgrade at once
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("begin" if reads else "begin immediate")


def _now(last: str) -> str:
    """The moment as the audit log writes it, never before its last line.

    Raises
    ------
    InvalidInput
        If the clock was set back: what is written now would seem to be older than it is.
    """
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    if not last:
        return now.isoformat()
    before = datetime.datetime.fromisoformat(last)
    if now < before - _CLOCKS_DIFFER:
        raise InvalidInput(
            f"the clock says {now.isoformat()}, but the audit log was written at {last}.",
            "Set the clock of this machine right and give the command again.",
        )
    return max(now, before).isoformat()


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _plain(value: Any) -> Any:
    """A value SQLite takes: no NaN, no numpy scalars."""
    is_missing = isinstance(value, float) and math.isnan(value)
    if value is None or is_missing or type(value).__name__ in ("NAType", "NaTType"):
        return None
    return value.item() if hasattr(value, "item") else value
