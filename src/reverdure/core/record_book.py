"""Records as rooms hand them to each other: one version of each, by kind and id."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One version of one record.

    Attributes
    ----------
    id : str
    version : int
        Counted from 1; 0 for what is not in the registry yet.
    values : mapping of column to value
        Without empty cells; dates as YYYY-MM-DD.
    at : str
        When it was written, UTC.
    person : str
        By whom.
    """

    id: str
    version: int
    values: Mapping[str, Any]
    at: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """What stands in the registry.

    Attributes
    ----------
    records : mapping of kind to mapping of id to Record
    listed : mapping of "mine" and "claim" to mapping of id to county
        What is in the two lists.
    """

    records: Mapping[str, Mapping[str, Record]]
    listed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, kind: str) -> Mapping[str, Record]:
        """Records of a kind by id; empty where there is none."""
        return self.records.get(kind, {})

    def holds(self, kind: str, record_id: str) -> bool:
        """Whether there is a record, a mine or a claim of this id."""
        return record_id in self.listed.get(kind, {}) or record_id in self.of(kind)

    def value(self, kind: str, record_id: str, column: str) -> Any:
        """One value of a record; None where the record or the value is missing."""
        record = self.of(kind).get(record_id)
        return None if record is None else record.values.get(column)

    def with_rows(self, kind: str, rows: Iterable[Record]) -> "Book":
        """The book as it would be with these records of a kind.

        Examples
        --------
        >>> book = Book({}).with_rows("party", [Record("P1", 0, {"name": "A"})])
        >>> book.value("party", "P1", "name"), book.holds("party", "P2")
        ('A', False)
        """
        changed = {**self.of(kind), **{row.id: row for row in rows}}
        return replace(self, records={**self.records, kind: changed})


def is_open(values: Mapping[str, Any], day: datetime.date) -> bool:
    """Whether a duty or rectification is not done by the end of a day.

    Examples
    --------
    >>> closed = {"closed_date": "2026-03-01"}
    >>> is_open(closed, datetime.date(2026, 2, 1)), is_open(closed, datetime.date(2026, 3, 1))
    (True, False)
    >>> is_open(closed | {"reopened_date": "2026-04-01"}, datetime.date(2026, 5, 1))
    True
    """
    end = values.get("done_date") or values.get("closed_date")
    again = values.get("reopened_date")
    if again and again <= day.isoformat() and (not end or end <= again):
        return True
    return end is None or end > day.isoformat()


def is_overdue(values: Mapping[str, Any], day: datetime.date) -> bool:
    """Whether a duty or rectification is open and its last day was before this one.

    Examples
    --------
    >>> duty = {"due_date": "2026-03-01"}
    >>> is_overdue(duty, datetime.date(2026, 3, 1)), is_overdue(duty, datetime.date(2026, 3, 2))
    (False, True)
    """
    return is_open(values, day) and bool(values["due_date"] < day.isoformat())
