"""A form that holds what the registry has of one kind, and comes back edited."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from reverdure.core.errors import InvalidInput
from reverdure.core.files import atomic
from reverdure.core.kinds import Column, Kind, choices
from reverdure.core.record_book import Record
from reverdure.intake.record_layers import VERSION
from reverdure.intake.record_tables import FORM_MARK
from reverdure.publish.messages import messages
from reverdure.publish.sheets import printable

_EMPTY_ROWS = 2000
_GREY = PatternFill("solid", fgColor="EEEEEE")


def write_form(path: Path, kind: Kind, records: Sequence[Record], language: str) -> None:
    """Write a workbook with a row a record, drop-downs, and a sheet that explains the columns.

    Parameters
    ----------
    path : Path
        .xlsx; must not be there yet.
    kind : Kind
    records : sequence of Record
        Each with its version, so that an edit of an older one is recognised.
    language : str
        "en" or "zh".

    Raises
    ------
    InvalidInput
        If the file is there already, or is not called .xlsx.
    """
    if path.suffix.lower() != ".xlsx":
        raise InvalidInput(f"{path.name} must end in .xlsx.")
    if path.exists():
        raise InvalidInput(f"{path} is there already.", "Choose another name.")
    book = Workbook()
    book.properties.keywords = FORM_MARK
    book.properties.creator = "reverdure"
    sheet = book.worksheets[0]
    sheet.title = kind.zh if language == "zh" else kind.en
    lists = book.create_sheet("codes")
    lists.sheet_state = "hidden"
    for place, column in enumerate(kind.columns, start=1):
        _head(sheet, place, _heading(column, language))
        if column.choices:
            _offer(sheet, lists, place, column, language, len(records))
    _head(sheet, len(kind.columns) + 1, _words(VERSION, language))
    for row, record in enumerate(records, start=2):
        for place, column in enumerate(kind.columns, start=1):
            cell = sheet.cell(row, place, _shown(column, record.values.get(column.name), language))
            cell.number_format = "General" if column.kind in {"number", "integer"} else "@"
            if isinstance(cell.value, str):
                # text, whatever it begins with: no formula, and it comes back as it went out
                cell.data_type, cell.quotePrefix = "s", True
        sheet.cell(row, len(kind.columns) + 1, record.version).fill = _GREY
    sheet.freeze_panes = "B2"
    _explain(book.create_sheet(_words("about", language)), kind, language)
    with atomic(path) as temporary:
        book.save(temporary)


def _head(sheet: Any, place: int, words: str) -> None:
    cell = sheet.cell(1, place, words)
    cell.font, cell.fill = Font(bold=True), _GREY
    sheet.column_dimensions[cell.column_letter].width = max(12, 2 * len(words))


def _offer(
    sheet: Any, lists: Any, place: int, column: Column, language: str, n_records: int
) -> None:
    """A drop-down with the words a column may hold."""
    letter = sheet.cell(1, place).column_letter
    allowed = [words[language] for words in choices(column.choices).values()]
    for row, word in enumerate(allowed, start=1):
        lists.cell(row, place, word)
    check = DataValidation(
        "list", formula1=f"codes!${letter}$1:${letter}${len(allowed)}",
        allow_blank=not column.needed, showErrorMessage=True,
    )  # fmt: skip
    sheet.add_data_validation(check)
    check.add(f"{letter}2:{letter}{n_records + _EMPTY_ROWS}")


def _explain(sheet: Any, kind: Kind, language: str) -> None:
    names = ("column", "name", "meaning", "allowed")
    sheet.append([_words(name, language) for name in names])
    for column in kind.columns:
        needed = _words("needed", language) if column.needed else ""
        allowed = ", ".join(words[language] for words in choices(column.choices).values()) \
            if column.choices else needed  # fmt: skip
        sheet.append([_heading(column, language), column.name, column.about, allowed])
    sheet.append([_words("read", language).format(kind=kind.plural)])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for letter, width in zip("ABCD", (26, 20, 60, 40), strict=True):
        sheet.column_dimensions[letter].width = width
    for line in sheet.iter_rows():
        for cell in line:
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _heading(column: Column, language: str) -> str:
    words = column.zh if language == "zh" else column.en
    if column.unit != "ha":
        return words
    return f"{words}(公顷)" if language == "zh" else f"{words} (ha)"


def _shown(column: Column, value: Any, language: str) -> Any:
    if value is None:
        return None
    if column.choices:
        return choices(column.choices)[value][language]
    if isinstance(value, bool):
        return _words("yes" if value else "no", language)
    return printable(value) if isinstance(value, str) else value


def _words(name: str, language: str) -> str:
    return messages()[f"record_form.{name}"][language]
