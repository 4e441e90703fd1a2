"""The registry of a team: what PostgreSQL does its own way."""

import json
import re
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from reverdure.core.errors import (
    DatabaseUnavailable,
    DiskFull,
    InvalidInput,
    NotAllowed,
    ReverdureError,
    WorkspaceBusy,
    WorkspaceExists,
)
from reverdure.store import tables

SCHEMES = ("postgresql://", "postgres://")
# advisory locks of a database are told apart by two numbers; the first is ours
_OURS, _LINE, _WRITING = 1_380_276_804, 1, 2
_WAIT_S = 30
_DENIED, _FULL, _LOCKED, _RAISED = "42501", "53100", "55P03", "P0001"
_CLOCK = re.compile(r"clock (\S+) before (\S+)")


def is_url(where: object) -> bool:
    """Whether a registry is named by the address of a database, not by a file.

    Examples
    --------
    >>> is_url("postgresql://db.example/jiangxi"), is_url("registry.gpkg")
    (True, False)
    """
    return isinstance(where, str) and where.startswith(SCHEMES)


def check_url(url: str) -> str:
    """The address of a database as it may be written down: without a password.

    Raises
    ------
    InvalidInput
        If it is no such address, names no database, or holds a password.

    Examples
    --------
    >>> check_url("postgresql://li@db.example/jiangxi")
    'postgresql://li@db.example/jiangxi'
    """
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None or any(
            "password" in name for name, _ in parse_qsl(parts.query)
        )
        _ = parts.port
    except ValueError:
        parts, has_password = urlsplit(""), False
    if has_password:
        raise InvalidInput(
            "the address of the database holds a password, which would stay in reverdure.toml.",
            "Leave it out; give it in the environment as PGPASSWORD, or in ~/.pgpass.",
        )
    if not is_url(url) or not parts.path.strip("/"):
        raise InvalidInput(
            "this is no address of a database.", "Write it as postgresql://HOST/DATABASE."
        )
    return url


class Postgres:
    """A PostgreSQL database with PostGIS.

    Attributes
    ----------
    engine : Engine
    name : str
        As it is shown to people: without login.
    insert : callable
        What makes an `insert` that may update.

    Raises
    ------
    DatabaseUnavailable
        If the driver is not installed.
    """

    insert = staticmethod(insert)

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise DatabaseUnavailable(
                "a registry in PostgreSQL needs the driver psycopg, which is not installed.",
                "Install it with: pip install 'reverdure[team]'",
            ) from error
        self.url = check_url(url)
        self.name = urlsplit(url).path.strip("/")

        def connect(url: str = self.url) -> Any:
            return psycopg.connect(url, connect_timeout=10, application_name="reverdure")

        self._connect = connect
        self.engine = sa.create_engine(
            "postgresql+psycopg://", creator=connect, pool_size=2, pool_pre_ping=True
        )
        sa.event.listen(self.engine, "connect", _configure)
        sa.event.listen(self.engine, "begin", _begin)
        # a driver's connection that is left to the end of the process complains
        weakref.finalize(self, self.engine.dispose)

    def refuse_used(self, connection: sa.Connection) -> None:
        """Refuse a database that holds tables of ours already.

        Raises
        ------
        WorkspaceExists
            If it does.
        """
        ours = {*tables.metadata.tables, "alembic_version", "team"}
        found = sorted(ours.intersection(sa.inspect(connection).get_table_names()))
        if found:
            raise WorkspaceExists(
                f"the database {self.name} holds tables already: {', '.join(found)}.",
                "Choose an empty database; a registry that is there is opened by a copy of the"
                " reverdure.toml that names it.",
            )

    def prepare(self, connection: sa.Connection) -> None:
        """PostGIS, which the tables need; and nothing in the way of a migration."""
        connection.exec_driver_sql("create extension if not exists postgis")
        _run(connection, "unguard.sql")

    def settle(self, connection: sa.Connection) -> None:
        """What stands beside the tables: order of text, who sees and writes which row."""
        asked = (
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'public' and collation_name = 'C'"
        )
        in_order = {tuple(row) for row in connection.exec_driver_sql(asked)}
        for table in tables.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, sa.Text) and (table.name, column.name) not in in_order:
                    # the order of text is that of its bytes, as in a file
                    connection.exec_driver_sql(
                        f'alter table "{table.name}" alter column "{column.name}"'
                        ' type text collate "C"'
                    )
        _run(connection, "team.sql")
        for table in tables.metadata.sorted_tables:
            _count_on(connection, table)

    def tidy(self) -> None:
        """Look through rows that came in together: the planner knows nothing of them yet.

        The database would do it by itself a minute later.
        """
        options = {"isolation_level": "AUTOCOMMIT", "reads": True}
        with self.engine.connect().execution_options(**options) as connection:
            connection.exec_driver_sql("vacuum (analyze)")

    @cached_property
    def _login(self) -> tuple[str, bool]:
        with self.engine.connect().execution_options(reads=True) as connection:
            row = connection.exec_driver_sql("select team_role(), team_whole()").one()
        return str(row[0]), bool(row[1])

    def role(self) -> str:
        """Role of the login in the team; "" for a stranger."""
        return self._login[0]

    def sees_all(self) -> bool:
        """Whether this login sees every row of every area."""
        return self._login[1]

    def hidden(self) -> frozenset[tuple[str, str]]:
        """Columns of our tables, as (table, column), that this login may not read."""
        return self._hidden

    @cached_property
    def _hidden(self) -> frozenset[tuple[str, str]]:
        statement = (
            "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
            " where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0"
            " and not a.attisdropped and not has_column_privilege(c.oid, a.attnum, 'select')"
        )
        with self.engine.connect().execution_options(reads=True) as connection:
            found = {tuple(row) for row in connection.exec_driver_sql(statement)}
        known = tables.metadata.sorted_tables
        return frozenset(found & {(one.name, column.name) for one in known for column in one.c})

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the registry for what is read, checked and then written, on any machine.

        Raises
        ------
        WorkspaceBusy
            If another writer does not end within half a minute.
        """
        import psycopg

        try:
            connection = self._connect()
        except psycopg.Error as error:
            raise _explain(error, self.name) from error
        try:
            connection.autocommit = True
            connection.execute(f"set lock_timeout = '{_WAIT_S}s'")
            connection.execute("select pg_advisory_lock(%s, %s)", [_OURS, _WRITING])
        except psycopg.Error as error:
            connection.close()
            raise _explain(error, self.name) from error
        try:
            yield
        finally:
            connection.close()

    def explain(self, error: sa.exc.SQLAlchemyError) -> ReverdureError | None:
        """What an error of the driver means to people; None where it is a bug."""
        original = getattr(error, "orig", None)
        return None if original is None else _explained(original, self.name)

    def append_audit(
        self, connection: sa.Connection, action: str, detail: Mapping[str, Any]
    ) -> None:
        """Append a line to the audit log; the database itself writes who, when and the hash."""
        connection.execute(
            sa.text("select team_audit(:action, :detail)"),
            {
                "action": action,
                "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True),
            },
        )


def _run(connection: sa.Connection, name: str) -> None:
    source = resources.files("reverdure.store").joinpath(f"data/{name}")
    # the driver reads % as the mark of a parameter
    connection.exec_driver_sql(source.read_text(encoding="utf-8").replace("%", "%%"))


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Let numbers go on after the highest there is: copied rows bring their own."""
    (key, *more) = table.primary_key.columns
    if more or not isinstance(key.type, sa.Integer):
        return
    connection.exec_driver_sql(
        f"select setval(pg_get_serial_sequence('{table.name}', '{key.name}'),"  # noqa: S608 - ours
        f' greatest(coalesce(max("{key.name}"), 0), 1), max("{key.name}") is not null)'
        f' from "{table.name}"'
    )


def _configure(connection: Any, _record: Any) -> None:
    connection.execute("set search_path = public")
    connection.execute(f"set lock_timeout = '{_WAIT_S}s'")
    # row security makes the planner think a screen's question so dear that compiling it pays;
    # compiling takes 300 ms and the question 30
    connection.execute("set jit = off")
    connection.commit()


def _begin(connection: sa.Connection) -> None:
    # writers one after the other, so that each line of the log follows from the one before
    if not connection.get_execution_options().get("reads", False):
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_OURS}, {_LINE})")


def _explain(error: Exception, name: str) -> Exception:
    return _explained(error, name) or error


def _explained(error: BaseException, name: str) -> ReverdureError | None:
    import psycopg

    state = getattr(error, "sqlstate", None) or ""
    said = getattr(getattr(error, "diag", None), "message_primary", "") or ""
    clock = _CLOCK.search(said)
    if state == _RAISED and clock:
        return InvalidInput(
            f"the clock says {clock[1]}, but the audit log was written at {clock[2]}.",
            "Set the clock of this machine right and give the command again.",
        )
    if state == _FULL:
        return DiskFull(
            "no space left on the disk for the registry; nothing was changed.",
            "Free some space and give the same command again.",
        )
    if state == _LOCKED:
        return WorkspaceBusy(
            "another process is writing to the registry.",
            "Wait until it has finished and give the command again.",
        )
    if state == _DENIED:
        return NotAllowed(
            f"this login may not do that in the database {name}; nothing was changed"
            f" (it said: {said}).",
            "Ask who keeps the team: reverdure team -w WORKSPACE",
        )
    if state.startswith("22"):
        return InvalidInput(
            f"a value cannot be kept in the database {name} (it said: {said});"
            " nothing was changed.",
            "Correct it where it came from.",
        )
    if isinstance(error, psycopg.OperationalError):
        # what the driver says names hosts and logins, never a password
        words = " ".join(str(error).split())
        return DatabaseUnavailable(
            f"the database {name} cannot be reached ({words}).",
            "See that it runs, and that PGPASSWORD or ~/.pgpass has the password of this login.",
        )
    return None
