"""Records of the registry, version by version: what stands now, what stood before, what is new."""

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reverdure.core.errors import InvalidInput
from reverdure.core.record_book import Record
from reverdure.store.database import Database, Transaction
from reverdure.store.tables import RECORD

_LATER = RECORD.alias("later")


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, why, and from which file."""

    person: str
    why: str = ""
    source: str = ""


def in_force(kinds: Sequence[str]) -> sa.ColumnElement[bool]:
    """Whether no later version of a record of these kinds has been written.

    Versions of a record are counted without gaps, so that one look into the index tells.
    """
    later = sa.select(_LATER.c.number).where(
        # the same again, so that versions of other kinds are not gone through
        _LATER.c.kind.in_(kinds),
        _LATER.c.kind == RECORD.c.kind,
        _LATER.c.id == RECORD.c.id,
        _LATER.c.version == RECORD.c.version + 1,
    )
    return ~later.exists()


def current(
    database: Database, kinds: Iterable[str], mine_id: str = ""
) -> dict[str, dict[str, Record]]:
    """The version in force of every record, by kind and id; of one mine if it is named."""
    found: dict[str, dict[str, Record]] = {kind: {} for kind in kinds}
    statement = (
        sa.select(RECORD.c.kind, RECORD.c.id, RECORD.c.version, RECORD.c.body, RECORD.c.at,
                  RECORD.c.person)
        .where(RECORD.c.kind.in_(list(found)), in_force(list(found)))
        .order_by(RECORD.c.kind, RECORD.c.id)
    )  # fmt: skip
    if mine_id:
        statement = statement.where(RECORD.c.mine_id == mine_id)
    rows = database.read(statement)
    # all of them as one text: parsing ten thousand by themselves takes most of the time
    bodies = json.loads(f"[{','.join(row.body for row in rows)}]")
    for (kind, record_id, version, _, at, person), values in zip(rows, bodies, strict=True):
        found[kind][record_id] = Record(record_id, version, values, at, person)
    return found


def history(database: Database, kind: str, record_id: str) -> list[dict[str, Any]]:
    """Every version of one record, oldest first, with who wrote it and why."""
    statement = (
        sa.select(RECORD)
        .where(RECORD.c.kind == kind, RECORD.c.id == record_id)
        .order_by(RECORD.c.version)
    )
    rows = [row._asdict() for row in database.read(statement)]
    return [row | {"body": json.loads(row["body"])} for row in rows]


def write(
    transaction: Transaction,
    kind: str,
    rows: Sequence[tuple[str, int, Mapping[str, Any]]],
    author: Author,
) -> None:
    """Append versions: id, number of the version it follows (0 for none), and values.

    Raises
    ------
    InvalidInput
        If another writer made the next version first; nothing is written then.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    try:
        transaction.insert(
            RECORD,
            [
                {
                    "kind": kind,
                    "id": record_id,
                    "version": version + 1,
                    "mine_id": values.get("mine_id"),
                    "body": json.dumps(values, ensure_ascii=False, sort_keys=True),
                    "at": now,
                    "person": author.person,
                    "why": author.why,
                    "source": author.source,
                }
                for record_id, version, values in rows
            ],
        )
    except sa.exc.IntegrityError as error:
        raise InvalidInput(
            f"somebody else changed a {kind} of this file a moment ago; nothing was written.",
            "Export the table again and repeat the edit.",
        ) from error
