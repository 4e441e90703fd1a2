"""Records into the registry and out again: a file checked, its changes kept, a form to edit."""

import datetime
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from reverdure.core.errors import InvalidInput, NotFound
from reverdure.core.files import atomic
from reverdure.core.kinds import Kind, kinds
from reverdure.core.provenance import file_digest
from reverdure.core.record_book import Book
from reverdure.core.records import ImportReport
from reverdure.intake.record_tables import RecordTable, read_records
from reverdure.registry.lineage import line_of
from reverdure.registry.record_rules import kinds_needed
from reverdure.registry.records import Checked, check_records
from reverdure.store.record_pages import Page, Question, page
from reverdure.store.records import Author, current, history, write
from reverdure.store.workspace import Workspace

PAGE = 100
"""Rows of a list that are shown at once."""
_SHOWN_IDS = 8


@dataclass(frozen=True, slots=True)
class AddedRecords:
    """What became of a file of records, and where its refused rows are."""

    checked: Checked
    source: str
    unknown: tuple[str, ...]
    rejected_file: Path | None


def add_records(
    workspace: Workspace,
    kind: Kind,
    path: Path,
    author: Author,
    *,
    update: bool = False,
    encoding: str = "",
) -> AddedRecords:
    """Bring a file of records into the registry: what is new and what changed.

    Parameters
    ----------
    workspace : Workspace
    kind : Kind
    path : Path
        CSV or workbook.
    author : Author
        Who answers for it, and why.
    update : bool
        Whether rows without a version may change what is known.
    encoding : str
        Of a CSV; "" for what is found.
    """
    if not author.person.strip():
        raise InvalidInput("who answers for these rows is not said.", "Add --by NAME.")
    with workspace.writing():
        table = read_records(path, kind, encoding)
        if kind.name == "evidence":
            table = _with_hashes(table, path.parent)
        checked = check_records(kind, table, book_of(workspace, kinds_needed(kind)), update=update)
        kept = [*checked.new, *checked.changed]
        report = ImportReport(
            path.name, checked.read, checked.read - len(checked.refused), 0, 0,
            len(checked.refused), checked.refused,
        )  # fmt: skip
        rejected_file = None
        with workspace.database.transaction(f"add {kind.plural}", source=path.name) as transaction:
            rows = [(one.id, one.version, one.values) for one in kept]
            write(transaction, kind.name, rows, author)
            number = transaction.log_import(kind.plural, report, file_digest(path))
            transaction.detail |= {"new": len(checked.new), "changed": len(checked.changed)}
            if checked.refused:
                rejected_file = (
                    workspace.root / "imports" / f"{number:03d}-{kind.plural}-rejected.csv"
                )
                _write_refused(rejected_file, checked)
    return AddedRecords(checked, path.name, table.unknown, rejected_file)


def book_of(workspace: Workspace, wanted: Iterable[str] = ()) -> Book:
    """What the registry holds now of these kinds; of all if none is named."""
    database = workspace.database
    return Book(
        current(database, wanted or kinds()),
        {
            "mine": {row["mine_id"]: row["county"] or ""
                     for row in database.rows("mine", ["mine_id", "county"])},
            "claim": {row["claim_id"]: row["mine_id"]
                      for row in database.rows("claim", ["claim_id", "mine_id"])},
        },
    )  # fmt: skip


def question(
    kind: Kind,
    *,
    mine_id: str = "",
    party_id: str = "",
    open_on: datetime.date | None = None,
    overdue: bool = False,
    next_days: int | None = None,
) -> Question:
    """What a screen asks of the records of a kind.

    Parameters
    ----------
    kind : Kind
    mine_id, party_id : str
        Only those of a mine or party; "" for all.
    open_on : date, optional
        Only those not done by the end of this day.
    overdue : bool
        Of those, only the ones whose deadline has passed.
    next_days : int, optional
        Of those, only the ones whose deadline is that day or within so many days after it.

    Raises
    ------
    InvalidInput
        If `next_days` is negative, or asked for together with `overdue`.
    """
    if next_days is not None and (next_days < 0 or overdue):
        raise InvalidInput(
            f"--next {next_days} lists what is due from today on, within 0 days or more.",
            "What is past its day is listed by --overdue alone.",
        )
    due_from = due_until = None
    if open_on is not None and overdue:
        due_until = open_on - datetime.timedelta(1)
    if open_on is not None and next_days is not None:
        due_from, due_until = open_on, _later(open_on, next_days)
    return Question(kind.name, mine_id, party_id, open_on, due_from, due_until)


def records_page(workspace: Workspace, asked: Question, number: int = 1, rows: int = PAGE) -> Page:
    """One page of an answer, counted from 1.

    Raises
    ------
    InvalidInput
        If there is no such page.
    """
    found = page(workspace.database, asked, first=max(0, number - 1) * rows, rows=rows)
    page_start(number, found.count, rows)
    return found


def page_start(number: int, count: int, rows: int = PAGE) -> int:
    """Where a page begins, counted from 1, in a list of so many.

    Raises
    ------
    InvalidInput
        If there is no such page.
    """
    pages = max(1, -(-count // rows))
    if not 1 <= number <= pages:
        raise InvalidInput(f"there is no page {number}; the list has {pages}.")
    return (number - 1) * rows


def _later(day: datetime.date, days: int) -> datetime.date:
    """So many days later; the last day there is where that is beyond the calendar."""
    return day + datetime.timedelta(min(days, (datetime.date.max - day).days))


def history_of(workspace: Workspace, kind: Kind, record_id: str) -> list[dict[str, Any]]:
    """Every version of one record, oldest first.

    Raises
    ------
    NotFound
        If there is none of this id.
    """
    found = history(workspace.database, kind.name, record_id)
    if not found:
        known = sorted(current(workspace.database, [kind.name])[kind.name])
        more = ["..."] if len(known) > _SHOWN_IDS else []
        raise NotFound(
            f"no {kind.name} is called {record_id!r}.",
            f"Known: {', '.join(known[:_SHOWN_IDS] + more) or 'none'}",
        )
    return found


def export_form(
    workspace: Workspace, wanted: Sequence[Kind], path: Path, language: str, county: str = ""
) -> int:
    """Write records as a form that `add` takes back edited; how many.

    Parameters
    ----------
    workspace : Workspace
    wanted : sequence of Kind
        One for a workbook, one or several for a GeoPackage.
    path : Path
        .xlsx or .gpkg.
    language : str
        Of a workbook; a GeoPackage shows both.
    county : str
        Only records of mines there, and those of no mine; "" for all.

    Raises
    ------
    InvalidInput
        If a workbook is asked for several kinds.
    NotFound
        If no mine lies in the county.
    """
    mines = {row["mine_id"]: row["county"] for row in
             workspace.database.rows("mine", ["mine_id", "county"])}  # fmt: skip
    if county and county not in mines.values():
        raise NotFound(f"no mine lies in {county!r}.", "See: reverdure show")
    tables = {
        kind: [
            one for one in page(workspace.database, Question(kind.name)).records
            if not county or mines.get(one.values.get("mine_id", ""), county) == county
        ]
        for kind in wanted
    }  # fmt: skip
    if path.suffix.lower() == ".gpkg":
        from reverdure.publish.record_layers import write_layers

        write_layers(path, tables, _spots(workspace))
    elif len(wanted) != 1:
        raise InvalidInput(
            "a workbook holds one table of records.", "Write a .gpkg, or name one table."
        )
    else:
        from reverdure.publish.record_form import write_form

        write_form(path, wanted[0], tables[wanted[0]], language)
    return sum(len(records) for records in tables.values())


def lineage(workspace: Workspace, patch_id: str) -> tuple[list[str], list[str]]:
    """Ids of all patches that one came from, and of all that came from it."""
    return line_of(current(workspace.database, ["patch"])["patch"], patch_id)


def _spots(workspace: Workspace) -> dict[str, Any]:
    """A point inside each mine that has an outline."""
    frame = workspace.database.frame("mine")
    there = frame[~frame.geometry.isna()]
    return dict(zip(there["mine_id"], there.geometry.representative_point(), strict=True))


def _with_hashes(table: RecordTable, folder: Path) -> RecordTable:
    """Rows of evidence without a hash get that of their file, where it lies beside the table."""
    rows = []
    for number, cells in table.rows:
        place = str(cells.get("place") or "")
        file = (folder / place).resolve()
        wanted = place and not cells.get("sha256") and file.is_relative_to(folder.resolve())
        found = {"sha256": _sha256(file)} if wanted and file.is_file() else {}
        rows.append((number, {**cells, **found}))
    return replace(table, rows=tuple(rows), columns={"sha256": 1.0, **table.columns})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_refused(path: Path, checked: Checked) -> None:
    rows: Iterable[dict[str, Any]] = (
        {"row": one.row, "id": one.id, "rule": one.code, "why": one.message,
         "why_zh": one.message_zh}
        for one in checked.refused
    )  # fmt: skip
    with atomic(path) as temporary:
        # the mark makes spreadsheets read the Chinese columns as UTF-8
        pd.DataFrame(list(rows)).to_csv(temporary, index=False, encoding="utf-8-sig")
