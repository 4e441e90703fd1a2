"""A table of records against what the registry holds: new, changed, as it was, or refused.

A row that is refused never takes a good one with it: rules that look at several rows are asked
again without it until nothing more is refused.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reverdure.core.kinds import Kind
from reverdure.core.record_book import Book, Record
from reverdure.core.records import Finding
from reverdure.intake.record_tables import RecordTable
from reverdure.intake.values import text
from reverdure.registry.record_cells import RowRefused, read_row, refuse_empty, version_of
from reverdure.registry.record_rules import broken_rules

_SPREADSHEET_DIGITS = 1e-14


@dataclass(frozen=True, slots=True)
class Checked:
    """What becomes of a table.

    Attributes
    ----------
    read : int
        Rows in it.
    new, changed : tuple of Record
        To be written; `version` is the one they follow.
    unchanged : int
        Rows that say what is there.
    refused : tuple of Finding
        Every other row, with the rule and what to do.
    """

    read: int
    new: tuple[Record, ...]
    changed: tuple[Record, ...]
    unchanged: int
    refused: tuple[Finding, ...]


def check_records(kind: Kind, table: RecordTable, book: Book, *, update: bool = False) -> Checked:
    """Check a table of records.

    Parameters
    ----------
    kind : Kind
    table : RecordTable
    book : Book
        What the registry holds.
    update : bool
        Whether rows without a version may change what is known.

    Returns
    -------
    Checked
        `read == len(new) + len(changed) + unchanged + len(refused)`.

    Notes
    -----
    A row with the version it was edited from changes that version and no later one; one that
    says the same as the version in force is unchanged, whatever it was edited from. Columns
    the file does not have keep their values.
    """
    refused: list[Finding] = []
    rows: dict[str, tuple[int, Record]] = {}
    unchanged = 0
    for number, cells in table.rows:
        record_id = text(cells.get(kind.key))
        try:
            values = read_row(kind, cells, table.columns)
            if record_id in rows:
                raise RowRefused("twice", id=record_id, first=rows[record_id][0])
            record = _against(kind, record_id, values, cells, book, table, update)
        except RowRefused as seen:
            refused.append(seen.refusal.finding(number, record_id))
            continue
        if record is None:
            unchanged += 1
        else:
            rows[record_id] = number, record
    refused += _by_rules(kind, rows, book)
    known = book.of(kind.name)
    kept = [record for _, record in rows.values()]
    return Checked(
        len(table.rows),
        tuple(one for one in kept if one.id not in known),
        tuple(one for one in kept if one.id in known),
        unchanged,
        tuple(sorted(refused, key=lambda one: one.row)),
    )


def _against(
    kind: Kind,
    record_id: str,
    values: dict[str, Any],
    cells: Mapping[str, Any],
    book: Book,
    table: RecordTable,
    update: bool,
) -> Record | None:
    """The row as a record to write; None where it says what is there."""
    known = book.of(kind.name).get(record_id)
    if known is None:
        refuse_empty(kind, values)
        return Record(record_id, 0, values)
    kept = {name: value for name, value in known.values.items() if name not in table.columns}
    # a spreadsheet keeps 15 digits of a number: less than that is no edit
    kept |= {name: known.values[name] for name, value in values.items()
             if _is_as_it_was(known.values.get(name), value)}  # fmt: skip
    values |= kept
    refuse_empty(kind, values)
    differs = [
        column
        for column in kind.columns
        if values.get(column.name) != known.values.get(column.name)
    ]
    if not differs:
        return None
    first = differs[0]
    both = {"column": first, "now": known.values.get(first.name, ""),
            "seen": values.get(first.name, "")}  # fmt: skip
    if kind.final:
        raise RowRefused("final", id=record_id, **both)
    from_version = version_of(cells)
    if from_version is None and not update:
        raise RowRefused("known", id=record_id, **both)
    if from_version not in (None, known.version):
        raise RowRefused(
            "conflict", id=record_id, from_version=from_version, version=known.version,
            person=known.person, at=known.at, **both,
        )  # fmt: skip
    return Record(record_id, known.version, values)


def _is_as_it_was(before: Any, now: Any) -> bool:
    numbers = isinstance(before, int | float) and isinstance(now, int | float)
    return numbers and math.isclose(before, now, rel_tol=_SPREADSHEET_DIGITS)


def _by_rules(kind: Kind, rows: dict[str, tuple[int, Record]], book: Book) -> list[Finding]:
    """Take out of `rows` what breaks a rule, until nothing does."""
    refused: list[Finding] = []
    while True:
        with_them = book.with_rows(kind.name, (record for _, record in rows.values()))
        broken = broken_rules(kind, with_them, rows)
        if not broken:
            return refused
        for record_id, refusal in broken.items():
            number, _ = rows.pop(record_id)
            refused.append(refusal.finding(number, record_id))
