"""Questions a screen asks of records, answered by the database: filtered, ordered, a page."""

import datetime
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from reverdure.core.record_book import Record
from reverdure.store.database import Database
from reverdure.store.records import in_force
from reverdure.store.tables import RECORD

_AT_ONCE = 10_000
_DUE = itemgetter(0)
_ASKED = ("due_date", "done_date", "closed_date", "reopened_date", "party_id")


@dataclass(frozen=True, slots=True)
class Question:
    """Which records are asked for.

    Attributes
    ----------
    kind : str
    mine_id, party_id : str
        Only of this mine or party; "" for all.
    open_on : date or None
        Only what is not done by the end of this day.
    due_from, due_until : date or None
        Only with a deadline from, and until, these days, both included.
    of_no_mine : bool
        Only what is about no single mine.
    """

    kind: str
    mine_id: str = ""
    party_id: str = ""
    open_on: datetime.date | None = None
    due_from: datetime.date | None = None
    due_until: datetime.date | None = None
    of_no_mine: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Part of an answer.

    Attributes
    ----------
    records : tuple of Record
        By deadline where there is one, then by id.
    count : int
        How many the whole answer has.
    past : int
        Of those, how many have a deadline before the day asked for.
    """

    records: tuple[Record, ...]
    count: int
    past: int


class _Values:
    """Values out of the bodies of records, as text, each body parsed once where it pays.

    SQLite keeps the last body parsed; PostgreSQL parses it anew for every value that is asked
    for, unless they are made one row.
    """

    def __init__(self, database: Database, *names: str) -> None:
        for name in names:
            if not name.isidentifier():
                raise ValueError(f"{name!r} is no column of a record")
        self.source: sa.FromClause = RECORD
        self._of: Mapping[str, sa.ColumnElement[Any]]
        if database.is_shared:
            columns = [sa.column(name, sa.Text) for name in names]
            row = sa.func.json_to_record(sa.cast(RECORD.c.body, sa.JSON)).table_valued(*columns)
            parsed = row.render_derived(name="parsed", with_types=True)
            self.source = RECORD.join(parsed, sa.true())
            self._of = {name: parsed.c[name] for name in names}
        else:
            self._of = {name: sa.func.json_extract(RECORD.c.body, f"$.{name}") for name in names}

    def __getitem__(self, name: str) -> sa.ColumnElement[Any]:
        return self._of[name]


def page(database: Database, asked: Question, *, first: int = 0, rows: int = -1) -> Page:
    """Records in force that a question is about, from the `first` on; all with `rows` -1."""
    # numbers and deadlines of all, whole records of the page only: what is counted and what is
    # ordered is one pass over the table, and bodies are the most of it
    values = _Values(database, *_ASKED)
    due = sa.func.coalesce(values["due_date"], "").label("due")
    light = sa.select(due, RECORD.c.number).select_from(values.source)
    ordered = light.where(*_conditions(asked, values)).order_by(sa.text("due"), RECORD.c.id)
    found = database.read(ordered)
    shown = [number for _, number in found[first : None if rows < 0 else first + rows]]
    whole = {one.number: one for one in _numbered(database, shown)}
    day = "" if asked.open_on is None else asked.open_on.isoformat()
    return Page(
        tuple(Record(one.id, one.version, json.loads(one.body), one.at, one.person)
              for one in (whole[number] for number in shown)),
        len(found),
        max(0, bisect_left(found, day, key=_DUE) - bisect_right(found, "", key=_DUE)),
    )  # fmt: skip


def _numbered(database: Database, numbers: Sequence[int]) -> list[Any]:
    """Whole rows of some numbers; a statement holds only so many of them."""
    return [
        row
        for start in range(0, len(numbers), _AT_ONCE)
        for row in database.read(
            sa.select(RECORD).where(RECORD.c.number.in_(numbers[start : start + _AT_ONCE]))
        )
    ]


def _conditions(asked: Question, values: _Values) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [RECORD.c.kind == asked.kind, in_force()]
    if asked.mine_id:
        found.append(RECORD.c.mine_id == asked.mine_id)
    if asked.of_no_mine:
        found.append(RECORD.c.mine_id.is_(None))
    if asked.party_id:
        found.append(values["party_id"] == asked.party_id)
    if asked.open_on is not None:
        found.append(_open_on(asked.open_on.isoformat(), values))
    if asked.due_from is not None:
        found.append(values["due_date"] >= asked.due_from.isoformat())
    if asked.due_until is not None:
        found.append(values["due_date"] <= asked.due_until.isoformat())
    return found


def _open_on(day: str, values: _Values) -> sa.ColumnElement[bool]:
    """What `core.record_book.is_open` says, in SQL."""
    end = sa.func.coalesce(values["done_date"], values["closed_date"])
    again = values["reopened_date"]
    reopened = sa.and_(again <= day, sa.or_(end.is_(None), end <= again))
    # a date that is not there makes `reopened` unknown, which `or` passes over
    return sa.or_(reopened, end.is_(None), end > day)
