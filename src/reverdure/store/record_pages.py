"""Questions a screen asks of records, answered by the database: filtered, ordered, a page."""

import datetime
import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from reverdure.core.kinds import kinds
from reverdure.core.record_book import Record
from reverdure.store.database import Database
from reverdure.store.records import in_force
from reverdure.store.tables import RECORD, RECORD_VALUES


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


def page(database: Database, asked: Question, *, first: int = 0, rows: int = -1) -> Page:
    """Records in force that a question is about, from the `first` on; all with `rows` -1."""
    if asked == Question(asked.kind) and asked.kind not in _with_deadline():
        return _page_by_id(database, asked.kind, first, rows)
    # deadlines of all, whole records of the page only: what is counted and ordered is found in
    # the index, and bodies are the most of the table
    found = _found(database, asked)
    day = "" if asked.open_on is None else asked.open_on.isoformat()
    n = sa.select(sa.func.count()).select_from(found)
    past = n.where(found.c.due_date > "", found.c.due_date < day)
    shown = (
        sa.select(found.c.number, found.c.due)
        .order_by(found.c.due, found.c.id)
        .limit(None if rows < 0 else rows)
        .offset(first)
        .cte("shown")
    )
    counts = n.scalar_subquery().label("n"), past.scalar_subquery().label("past")
    whole = sa.select(RECORD, *counts).join_from(shown, RECORD, RECORD.c.number == shown.c.number)
    answer = database.read(whole.order_by(shown.c.due, RECORD.c.id))
    if not answer and first:
        return replace(page(database, asked, rows=1), records=())
    return Page(tuple(map(_record, answer)), *((answer[0].n, answer[0].past) if answer else (0, 0)))


@cache
def _with_deadline() -> frozenset[str]:
    return frozenset(
        kind.name
        for kind in kinds().values()
        if any(one.name == "due_date" for one in kind.columns)
    )


def _page_by_id(database: Database, kind: str, first: int, rows: int) -> Page:
    """All records of a kind without deadlines: there may be one for every mine and year.

    Ids are counted and gone through in the order of an index, and the version in force is looked
    up for what is shown.
    """
    of = RECORD.alias("beginnings")
    ids = sa.select(of.c.id).where(of.c.kind == kind, of.c.version == 1)
    if not database.sees_all:
        # the database's own list of what a login sees is short, all that it does not see is long
        mine = sa.func.team_records().table_valued("kind", "id", name="mine")
        ids = sa.select(mine.c.id.collate("C").label("id")).where(mine.c.kind == kind).distinct()
    part = ids.subquery("part")
    shown = sa.select(part.c.id).order_by(part.c.id)
    shown = shown.limit(None if rows < 0 else rows).offset(first)
    count = sa.select(sa.func.count()).select_from(ids.subquery("whole")).scalar_subquery()
    answer = database.read(
        sa.select(RECORD, count.label("n"))
        .where(RECORD.c.kind == kind, RECORD.c.id.in_(shown), in_force([kind]))
        .order_by(RECORD.c.id)
    )
    if not answer and first:
        return replace(_page_by_id(database, kind, 0, 1), records=())
    return Page(tuple(map(_record, answer)), answer[0].n if answer else 0, 0)


def _record(row: Any) -> Record:
    return Record(row.id, row.version, json.loads(row.body), row.at, row.person)


def _found(database: Database, asked: Question) -> sa.CTE:
    """Number, id and deadline of every record that a question is about."""
    light = sa.select(RECORD.c.number, RECORD.c.id, RECORD.c.mine_id, *RECORD_VALUES.values())
    newest = light.where(RECORD.c.kind == asked.kind)
    of_mine = asked.mine_id or asked.of_no_mine
    if database.is_shared and not of_mine:
        # whether a login sees a row costs more than the row: each is looked at once
        newest = newest.prefix_with(sa.text("distinct on (record.kind, record.id)"))
        newest = newest.order_by(*(RECORD.c[name].desc() for name in ("kind", "id", "version")))
    else:
        newest = newest.where(in_force([asked.kind]))
    if asked.mine_id:
        newest = newest.where(RECORD.c.mine_id == asked.mine_id)
    if asked.of_no_mine:
        newest = newest.where(RECORD.c.mine_id.is_(None))
    rows = newest.subquery("newest")
    due = sa.func.coalesce(rows.c.due_date, "").label("due")
    return sa.select(rows, due).where(*_conditions(asked, rows)).cte("found")


def _conditions(asked: Question, rows: sa.Subquery) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if asked.party_id:
        found.append(rows.c.party_id == asked.party_id)
    if asked.open_on is not None:
        found.append(_open_on(asked.open_on.isoformat(), rows))
    if asked.due_from is not None:
        found.append(rows.c.due_date >= asked.due_from.isoformat())
    if asked.due_until is not None:
        found.append(rows.c.due_date <= asked.due_until.isoformat())
    return found


def _open_on(day: str, rows: sa.Subquery) -> sa.ColumnElement[bool]:
    """What `core.record_book.is_open` says, in SQL."""
    end = sa.func.coalesce(rows.c.done_date, rows.c.closed_date)
    again = rows.c.reopened_date
    reopened = sa.and_(again <= day, sa.or_(end.is_(None), end <= again))
    # a date that is not there makes `reopened` unknown, which `or` passes over
    return sa.or_(reopened, end.is_(None), end > day)
