"""The registry: open, migrate, read, write, audit; in one GeoPackage, or in PostgreSQL.

Writers are serialised by the workspace's lock, and every write is one transaction
that ends with its line in the audit log. What the two databases do each their own way
stands in `store.geopackage` and `store.postgres`.
"""

import hashlib
import json
import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.sql.visitors import replacement_traverse

from reverdure.core.errors import InvalidInput, NotAllowed, WorkspaceMissing, WorkspaceTooNew
from reverdure.core.records import Finding, ImportReport
from reverdure.store import tables
from reverdure.store.geopackage import GeoPackage
from reverdure.store.postgres import Postgres, is_url

HEAD = "0006"
_MIGRATING = threading.Lock()
"""Alembic knows one migration in a process: in a second thread it would take the other's tables."""


class Database:
    """The registry of a workspace.

    Parameters
    ----------
    where : Path or str
        A GeoPackage, or the address of a PostgreSQL database without a password;
        `create` makes it, `open` expects it.
    """

    def __init__(self, where: Path | str) -> None:
        self.where = where
        self._side = Postgres(str(where)) if is_url(where) else GeoPackage(Path(where))
        self._engine = self._side.engine

    @property
    def path(self) -> Path:
        """The file, where it is one."""
        return Path(self.where)

    @property
    def name(self) -> str:
        """What it is called: of the file, or of the database."""
        return self._side.name

    @property
    def is_shared(self) -> bool:
        """Whether a team keeps it in PostgreSQL."""
        return isinstance(self._side, Postgres)

    @property
    def role(self) -> str:
        """Role of the login it was opened with; "" in a file, which knows none."""
        return self._side.role()

    @classmethod
    def create(cls, where: Path | str) -> "Database":
        """Make a new registry with all tables.

        Raises
        ------
        WorkspaceExists
            If a database in PostgreSQL holds tables of ours already.
        """
        database = cls(where)
        with database.writer() as connection:
            database.build(connection)
            database._side.settle(connection)
        return database

    @classmethod
    def open(cls, where: Path | str) -> "Database":
        """Open a registry, bringing an older one up to date.

        Raises
        ------
        WorkspaceMissing
            If there is no registry.
        WorkspaceTooNew
            If a newer version wrote it.
        DatabaseUnavailable
            If the database does not answer.
        """
        database = cls(where)
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
        with self.writer() as connection:
            self._migrate(connection, revision)
            if revision == "head":
                self._side.settle(connection)

    def build(self, connection: sa.Connection) -> None:
        """Make all tables in a database that has none; `settle` it when they are filled."""
        self._side.refuse_used(connection)
        self._migrate(connection, "head")

    def settle(self, connection: sa.Connection) -> None:
        """Put in place what stands beside the tables, once they hold their rows."""
        self._side.settle(connection)

    def tidy(self) -> None:
        """Have the database look through what came in, after all tables were filled."""
        with self._plainly():
            self._side.tidy()

    def _migrate(self, connection: sa.Connection, revision: str) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", "reverdure:store/migrations")
        config.set_main_option("path_separator", "os")
        if isinstance(self._side, Postgres):
            self._side.prepare(connection)
        # GeoPackage readers do not know the VARCHAR that Alembic would choose
        connection.exec_driver_sql(
            "create table if not exists alembic_version (version_num text primary key)"
        )
        config.attributes["connection"] = connection
        change = command.downgrade if revision == "base" else command.upgrade
        with _MIGRATING:
            change(config, revision)

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
                f"{self.name} is not a registry.", "Make a workspace with: reverdure init"
            ) from error

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Say what an error of the driver means."""
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            said = self._side.explain(error)
            if said is None:
                raise
            raise said from error

    @contextmanager
    def writer(self) -> Iterator[sa.Connection]:
        """A connection in one transaction that keeps other writers waiting."""
        with self._plainly(), self._engine.begin() as connection:
            yield connection

    def log(self, connection: sa.Connection, action: str, detail: Mapping[str, Any]) -> None:
        """Append a line to the audit log in a transaction that `writer` began."""
        self._side.append_audit(connection, action, detail)

    def alone(self) -> AbstractContextManager[None]:
        """Hold the registry against other writers, from what is read to what is written."""
        return self._side.alone()

    @property
    def sees_all(self) -> bool:
        """Whether the login it was opened with sees every row."""
        return self._side.sees_all()

    def require_all(self, what: str) -> None:
        """Refuse a question that can only be answered with every row in sight.

        Raises
        ------
        NotAllowed
            If this login sees only a part.
        """
        if not self.sees_all:
            raise NotAllowed(
                f"{what} needs every row, and this login sees only its own part.",
                "Ask the province or an auditor without an area.",
            )

    @contextmanager
    def transaction(self, action: str, **detail: Any) -> Iterator["Transaction"]:
        """One write: everything or nothing, with its line in the audit log.

        Raises
        ------
        DiskFull, WorkspaceBusy, DatabaseUnavailable
            If the registry cannot be written now; nothing has been changed.
        NotAllowed
            If the role of this login may not; nothing has been changed.
        InvalidInput
            If the clock was set back since the last write; nothing has been changed.
        """
        with self.writer() as connection:
            transaction = Transaction(connection, self._side)
            yield transaction
            transaction.audit(action, detail | transaction.detail)

    @contextmanager
    def _reader(self) -> Iterator[sa.Connection]:
        with (
            self._plainly(),
            self._engine.connect().execution_options(reads=True) as connection,
        ):
            yield connection

    def _shown(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        """A query with nothing in place of the columns this login may not read."""
        hidden = self._side.hidden()
        if not hidden:
            return statement

        def nothing(element: Any, **_: Any) -> Any:
            if isinstance(element, sa.Column) and (element.table.name, element.name) in hidden:
                empty = sa.literal("") if isinstance(element.type, sa.Text) else sa.null()
                return empty.label(element.name)
            return None

        # a table that is asked for as a whole is its columns
        columns = statement.with_only_columns(*statement.selected_columns)
        return cast("sa.Select[Any]", replacement_traverse(columns, {}, nothing))

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
        if table == "audit":
            self.require_all("the audit log")
        source = tables.metadata.tables[table]
        wanted = [source.c[name] for name in columns]
        return self.read(sa.select(*wanted).order_by(*source.primary_key.columns))

    def audit_details(self, action: str) -> list[dict[str, Any]]:
        """What the audit log says of every act of one kind, oldest first."""
        self.require_all("the audit log")
        log = tables.AUDIT
        statement = sa.select(log.c.detail).where(log.c.action == action).order_by(log.c.number)
        return [json.loads(detail) for (detail,) in self.read(statement)]

    def fingerprint(self, table: str) -> str:
        """Hash of all rows of a table as the database has them."""
        source = tables.metadata.tables[table]
        # as the driver gives it: geometry is only compared, not read
        raw = [sa.type_coerce(one, sa.types.NullType()) for one in source.c]
        statement = sa.select(*raw).order_by(*source.primary_key.columns)
        state = hashlib.sha256()
        rows: Sequence[Any] = self.read(cast("sa.Select[Any]", statement))
        for row in rows:
            for value in row:
                whole = value if isinstance(value, bytes) else repr(value).encode()
                state.update(b"%d " % len(whole))
                state.update(whole)
        return str(state.hexdigest()[:16])

    def all_of(self, table: sa.Table) -> Sequence[Any]:
        """Every row of a table in the order of its key."""
        return self.read(every(table))

    def read(self, statement: sa.Select[Any]) -> Sequence[Any]:
        """Rows of a query that a module of this room has put together."""
        with self._reader() as connection:
            return connection.execute(self._shown(statement)).all()

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
            ImportReport(
                **{
                    **record,
                    "findings": tuple(Finding(**one) for one in record["findings"]),
                    "took_over": tuple(record.get("took_over", ())),
                }
            )
            for record in found
        ]


class Transaction:
    """What may be written inside `Database.transaction`."""

    def __init__(self, connection: sa.Connection, side: GeoPackage | Postgres) -> None:
        self._connection = connection
        self._side = side
        self.detail: dict[str, Any] = {}

    @property
    def connection(self) -> sa.Connection:
        """For statements that a module of this room has put together."""
        return self._connection

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
                self._connection.execute(source.insert().inline(), rows)
            except sa.exc.IntegrityError as error:
                raise InvalidInput(f"{table}: {error.orig}.", "An id is there already.") from error

    def replace(self, table: str, rows: list[Mapping[str, Any]]) -> None:
        """Insert rows, replacing those with the same key."""
        source = tables.metadata.tables[table]
        if rows:
            statement = self._side.insert(source)
            keys = list(source.primary_key.columns)
            rest = [one for one in source.columns if not one.primary_key]
            statement = statement.on_conflict_do_update(
                index_elements=keys, set_={one.name: statement.excluded[one.name] for one in rest}
            )
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
            self._connection.execute(table.insert().inline(), rows)

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
        self._side.append_audit(self._connection, action, detail)


def every(table: sa.Table) -> sa.Select[Any]:
    """All rows of a table in the order of its key."""
    return sa.select(table).order_by(*table.primary_key.columns)


def _plain(value: Any) -> Any:
    """A value a database takes: no NaN, no numpy scalars."""
    is_missing = isinstance(value, float) and math.isnan(value)
    if value is None or is_missing or type(value).__name__ in ("NAType", "NaTType"):
        return None
    return value.item() if hasattr(value, "item") else value
