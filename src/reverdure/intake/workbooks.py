"""Excel workbooks: which sheet, which rows are the heading, and what its cells hold."""

import contextlib
import datetime
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from reverdure.core.errors import InvalidInput, UnreadableFile
from reverdure.intake.archives import check_archive
from reverdure.intake.columns import recognise
from reverdure.intake.headings import Headings, find_headings
from reverdure.intake.table import Problem, RawTable
from reverdure.intake.templates import EXAMPLE_IDS, TEMPLATE_MARK
from reverdure.intake.values import is_missing

MAX_CELLS = 5_000_000
_SERIAL_YEARS = range(1950, 2101)
_EPOCH = datetime.datetime(1899, 12, 30)
_EXACT_DIGITS = 10**15
_AREAS = ("stated_area_ha", "claimed_ha")


@dataclass
class _Sheet:
    """Cells of one sheet, row by row, and what stood where a value should."""

    name: str
    rows: list[list[Any]]
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    broken: dict[tuple[int, int], str] = field(default_factory=dict)
    n_formulas: int = 0


def read_workbook(path: Path, kind: str, sheet: str = "") -> RawTable:
    """Read the list in a workbook.

    Headings may stand in several rows with merged cells, under titles; the block whose
    headings the alias table knows best is taken. A cell with a formula gives the value the
    workbook keeps of its last calculation; where it keeps none, the row is refused.

    Parameters
    ----------
    path : Path
        .xlsx or .xlsm.
    kind : str
        "mines" or "claims".
    sheet : str
        Sheet to read; "" for the only one that fits.

    Raises
    ------
    UnreadableFile
        If it is damaged, encrypted, or no sheet holds a list.
    InvalidInput
        If several sheets fit, or the one named is not there.
    UnsafeArchive
        If it unpacks beyond the bounds.
    """
    check_archive(path)
    sheets, hidden, is_template = _sheets(path)
    found = {
        one.name: (one, headings)
        for one in sheets
        if (headings := find_headings(one.rows, one.merged, kind)) is not None
    }
    if sheet:
        if sheet not in [one.name for one in sheets]:
            there = ", ".join(one.name for one in sheets)
            raise InvalidInput(f"{path.name} has no sheet {sheet!r}; it has {there}.")
        found = {sheet: found[sheet]} if sheet in found else {}
    if not found:
        names = ", ".join(one.name for one in sheets) or "none"
        raise UnreadableFile(
            f"{path.name} holds no sheet with headings that are known here; its sheets: {names}.",
            "Say which column is which with --map, or fill in the form that "
            f"`reverdure template {kind} FILE.xlsx` writes.",
        )
    if len(found) > 1:
        raise InvalidInput(
            f"{path.name} holds several sheets with a list: {', '.join(found)}.",
            "Say which with --sheet, and add them one by one.",
        )
    ((chosen, headings),) = found.values()
    table = _table(path.name, chosen, headings, kind, is_template)
    others = [one.name for one in sheets if one is not chosen and one.rows] + hidden
    if not others or is_template:
        return table
    listed = ", ".join(map(repr, others))
    note = Problem("sheets_unused", f"sheets not read: {listed}", f"未读取的工作表:{listed}")
    return replace(table, notes=(*table.notes, note))


def load_book(path: Path, *, formulas: bool = False) -> Any:
    """A workbook with the values its cells show, or with their formulas.

    Raises
    ------
    UnreadableFile
        If it is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that do not matter here
            # by an open file: where openpyxl stumbles, it leaves one it opened itself open
            with path.open("rb") as stream:
                return openpyxl.load_workbook(stream, data_only=not formulas, keep_links=False)
    except (
        KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, SyntaxError,
        zipfile.BadZipFile, EOFError, NotImplementedError, AssertionError, ZeroDivisionError,
        RecursionError, OverflowError,
    ) as error:  # fmt: skip
        # openpyxl has no error of its own for a damaged part: what it stumbles over comes out
        raise UnreadableFile(
            f"{path.name} is a damaged workbook: {str(error)[:120] or type(error).__name__}.",
            "Open it, repair it, and save it again as .xlsx.",
        ) from error


def _sheets(path: Path) -> tuple[list[_Sheet], list[str], bool]:
    """Visible sheets with content, names of hidden ones, and whether it is our template."""
    values, formulas = load_book(path), load_book(path, formulas=True)
    with contextlib.closing(values), contextlib.closing(formulas):
        is_template = TEMPLATE_MARK in (values.properties.keywords or "")
        sheets: list[_Sheet] = []
        hidden: list[str] = []
        for sheet in values.worksheets:
            if sheet.sheet_state != "visible":
                hidden.append(sheet.title)
                continue
            if sheet.max_row * sheet.max_column > MAX_CELLS:
                raise UnreadableFile(
                    f"sheet {sheet.title!r} of {path.name} spans {sheet.max_row:,} rows and "
                    f"{sheet.max_column:,} columns; allowed are {MAX_CELLS:,} cells.",
                    "Delete the empty rows and columns after the list.",
                )
            sheets.append(_sheet(sheet, formulas[sheet.title]))
    return sheets, hidden, is_template


def _sheet(values: Any, formulas: Any) -> _Sheet:
    """Cells of a sheet with what its formulas came to."""
    found = _Sheet(values.title, [])
    pairs = zip(values.iter_rows(), formulas.iter_rows(), strict=True)
    for row, (cells, sources) in enumerate(pairs):
        line = []
        for column, (cell, source) in enumerate(zip(cells, sources, strict=True)):
            value = cell.value
            if source.data_type == "f":
                found.n_formulas += 1
                if value is None:
                    found.broken[row, column] = "formula"
            if cell.data_type == "e":
                found.broken[row, column] = str(value)
                value = None
            line.append(value)
        found.rows.append(line)
    while (
        found.rows
        and all(is_missing(cell) for cell in found.rows[-1])
        and not any(key[0] == len(found.rows) - 1 for key in found.broken)
    ):
        found.rows.pop()
    found.merged = [
        (r.min_row - 1, r.min_col - 1, r.max_row - 1, r.max_col - 1)
        for r in values.merged_cells.ranges
    ]
    return found


def _table(name: str, sheet: _Sheet, headings: Headings, kind: str, is_template: bool) -> RawTable:
    """The rows under the headings, with what is wrong in them."""
    columns = recognise(headings.names, kind)
    areas = {columns.heading.get(key) for key in _AREAS}
    rows = [list(row) for row in sheet.rows]
    _spread(rows, sheet.merged, headings, areas)
    places = {
        key: headings.places[headings.names.index(heading)]
        for key, heading in columns.heading.items()
    }
    taken = _Rows(sheet, headings, places, is_template)
    for row in range(headings.last_row + 1, len(rows)):
        taken.take(row, rows[row])
    if not taken.kept:
        raise UnreadableFile(f"sheet {sheet.name!r} of {name} has headings and no rows.")
    frame = pd.DataFrame(taken.kept, columns=headings.names, dtype=object)
    titles = [cell for row in rows[: headings.first_row] for cell in row if isinstance(cell, str)]
    return RawTable(
        frame, None, None, name, refused=taken.refused, notes=tuple(taken.notes()),
        texts=tuple(dict.fromkeys(titles)),
    )  # fmt: skip


class _Rows:
    """Rows of a sheet as they are taken over, one by one."""

    def __init__(
        self, sheet: _Sheet, headings: Headings, places: dict[str, int], is_template: bool
    ) -> None:
        self._sheet, self._headings, self._places = sheet, headings, places
        self._is_template = is_template
        self.kept: list[list[Any]] = []
        self.refused: dict[int, Problem] = {}
        self._at: list[int] = []
        self._n_examples = self._n_years = 0

    def take(self, row: int, cells: list[Any]) -> None:
        """Keep a row, refuse it by name, or pass over an empty one and our example."""
        all_places = self._headings.places
        broken = [place for place in all_places if (row, place) in self._sheet.broken]
        if not broken and all(is_missing(cells[place]) for place in all_places):
            return
        ids = [self._places[key] for key in ("claim_id", "mine_id") if key in self._places]
        if self._is_template and ids and str(cells[ids[0]]).strip() in EXAMPLE_IDS:
            self._n_examples += 1
            return
        position = len(self.kept)
        for place in broken:
            if place in self._places.values():
                what = self._sheet.broken[row, place]
                self.refused.setdefault(position, _broken(self._headings, place, what))
        for place in ids:
            if isinstance(cells[place], int | float) and abs(cells[place]) >= _EXACT_DIGITS:
                self.refused.setdefault(position, _rounded(self._headings, place, cells[place]))
        for key in ("year", "start_year"):
            serial = _serial(cells[self._places[key]]) if key in self._places else None
            if serial is not None:
                cells[self._places[key]] = serial
                self._n_years += 1
        self.kept.append([cells[place] for place in all_places])
        self._at.append(row + 1)

    def notes(self) -> list[Problem]:
        """What was read from where, and what was read as something else."""
        notes = [_sheet_note(self._sheet, self._headings, self._at)]
        if self._n_examples:
            notes.append(_EXAMPLE_LEFT_OUT)
        if self._sheet.n_formulas:
            notes.append(_formula_note(self._sheet))
        if self._n_years:
            notes.append(
                Problem(
                    "year_as_date",
                    f"{self._n_years} years are formatted as days (2019 shows as 1905-07-11); "
                    "they were read as years",
                    f"{self._n_years} 个年份被设为日期格式,已按年份读取",
                )
            )
        return notes


_EXAMPLE_LEFT_OUT = Problem(
    "example_row", "the example row of the form was left out", "已忽略表单中的示例行"
)


def _spread(
    rows: list[list[Any]],
    merged: Sequence[tuple[int, int, int, int]],
    headings: Headings,
    areas: set[str | None],
) -> None:
    """Write the value of merged cells into each of them; an area only into the first."""
    name_at = dict(zip(headings.places, headings.names, strict=True))
    for top, left, bottom, right in merged:
        if top <= headings.last_row:
            continue
        value = rows[top][left] if top < len(rows) else None
        for row in range(top, min(bottom + 1, len(rows))):
            for column in range(left, right + 1):
                if name_at.get(column) not in areas and column == left:
                    rows[row][column] = value


def _serial(cell: Any) -> int | None:
    """Year of a number that was formatted as a day, None for a real day."""
    if not isinstance(cell, datetime.datetime):
        return None
    days = (cell - _EPOCH).days
    return days if days in _SERIAL_YEARS and cell.time() == datetime.time() else None


def _broken(headings: Headings, place: int, what: str) -> Problem:
    heading = headings.names[headings.places.index(place)]
    if what == "formula":
        return Problem(
            "formula_without_value",
            f"{heading!r} holds a formula whose value the file does not keep; "
            "open it in a spreadsheet and save it",
            f"“{heading}”为公式且文件未保存其结果;请用表格软件打开后另存",
        )
    return Problem(
        "cell_error", f"{heading!r} holds the error {what}", f"“{heading}”为错误值 {what}"
    )


def _rounded(headings: Headings, place: int, value: float) -> Problem:
    heading = headings.names[headings.places.index(place)]
    return Problem(
        "id_rounded",
        f"{heading!r} holds {value:.0f} as a number of more than 15 digits, which a spreadsheet "
        "rounds; format the column as text and enter the id again",
        f"“{heading}”中的 {value:.0f} 为超过15位的数字,表格软件已将其舍入;请设为文本后重新录入",
    )


def _sheet_note(sheet: _Sheet, headings: Headings, at: Sequence[int]) -> Problem:
    top, bottom = headings.first_row + 1, headings.last_row + 1
    where = f"row {top}" if top == bottom else f"rows {top} to {bottom}"
    return Problem(
        "sheet_read",
        f"sheet {sheet.name!r}: headings in {where}, {len(at)} rows from row {at[0]} on; "
        f"row 1 in messages is row {at[0]} of the sheet",
        f"工作表“{sheet.name}”:表头为第 {top} 至 {bottom} 行,自第 {at[0]} 行起共 {len(at)} 行;"
        f"提示中的第 1 行为表中第 {at[0]} 行",
    )


def _formula_note(sheet: _Sheet) -> Problem:
    return Problem(
        "formulas_read",
        f"{sheet.n_formulas} cells of {sheet.name!r} hold formulas; the values of the last "
        "calculation were read",
        f"“{sheet.name}”有 {sheet.n_formulas} 个公式单元格,已读取其最近一次计算结果",
    )
