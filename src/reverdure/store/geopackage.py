"""The registry in one file: what SQLite does its own way."""

import datetime
import getpass
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from reverdure.core.errors import DiskFull, InvalidInput, ReverdureError, WorkspaceBusy
from reverdure.store import tables
from reverdure.store.audit import GENESIS, link

# machines that share a workspace do not agree to the second
_CLOCKS_DIFFER = datetime.timedelta(minutes=5)


class GeoPackage:
    """A GeoPackage file as an ordinary SQLite database.

    Attributes
    ----------
    engine : Engine
    name : str
        As it is shown to people.
    insert : callable
        What makes an `insert` that may update.
    """

    insert = staticmethod(insert)

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.engine = sa.create_engine(
            f"sqlite:///{path}", poolclass=sa.NullPool, connect_args={"timeout": 30}
        )
        sa.event.listen(self.engine, "connect", _configure)
        sa.event.listen(self.engine, "begin", _begin)

    def refuse_used(self, connection: sa.Connection) -> None:
        """Nothing to refuse: who makes a file has looked whether it is there."""

    def settle(self, connection: sa.Connection) -> None:
        """Nothing beside the tables."""

    def tidy(self) -> None:
        """Nothing to look through."""

    def role(self) -> str:
        """Role of whoever opened it: a file knows none."""
        return ""

    def hidden(self) -> frozenset[tuple[str, str]]:
        """Columns that may not be read: none, a file has no secrets."""
        return frozenset()

    def sees_all(self) -> bool:
        """Whether every row is seen: always, a file has no secrets."""
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing to hold: the lock of the folder keeps other writers out."""
        yield

    def explain(self, error: sa.exc.SQLAlchemyError) -> ReverdureError | None:
        """What an error of the driver means to people; None where it is a bug."""
        seen = str(getattr(error, "orig", ""))
        if isinstance(error, sa.exc.OperationalError) and "full" in seen:
            return DiskFull(
                "no space left on the disk for the registry; nothing was changed.",
                "Free some space and give the same command again.",
            )
        if isinstance(error, sa.exc.OperationalError) and "locked" in seen:
            return WorkspaceBusy(
                "another process is writing to the registry.",
                "Wait until it has finished and give the command again.",
            )
        return None

    def append_audit(
        self, connection: sa.Connection, action: str, detail: Mapping[str, Any]
    ) -> None:
        """Append a line to the audit log; it carries the hash of the one before.

        Raises
        ------
        InvalidInput
            If the clock was set back since the last line.
        """
        last = connection.execute(
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
        connection.execute(tables.AUDIT.insert(), {**line, "chain": chain})


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
    """The moment as the audit log writes it, never before its last line."""
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
