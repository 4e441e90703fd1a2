"""Tables for spreadsheets: bilingual headings, number formats, no cell that computes."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from reverdure.core.fields import Field
from reverdure.publish.wording import UNITS_ZH, codes_of

# A spreadsheet takes a cell that begins so for a formula; the full-width signs are turned
# into these by some of them (OWASP, CSV Injection).
_FORMULA = "=+-@\t\r\n＝＋－＠"
MOST_ROWS = 1_000_000
_MOST_SIGNS = 32_000  # a cell of a spreadsheet holds 32,767
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FIXED_TIME = datetime(2000, 1, 1)
_FORMATS = {"integer": "0", "number": "0.000"}
_CODE_HEADINGS = ("Column 列名", "Code 代码", "Meaning", "含义")
_DICTIONARY_HEADINGS = (
    "Column 列名", "Heading", "标题", "Type 类型", "Unit 单位", "Meaning 说明",
)  # fmt: skip


def as_text_cell(value: str) -> str:
    """Text that no spreadsheet takes for a formula.

    Parameters
    ----------
    value : str

    Returns
    -------
    str
        With a leading apostrophe where it would begin like a formula.

    Examples
    --------
    >>> as_text_cell("=1+1"), as_text_cell(" @x"), as_text_cell("Pit 3")
    ("'=1+1", "' @x", 'Pit 3')
    """
    begins = value[:1] + value.lstrip()[:1]
    return f"'{value}" if any(sign in _FORMULA for sign in begins) else value


def printable(value: str) -> str:
    r"""Text without signs that no XML file can hold.

    Examples
    --------
    >>> printable("a\x00b")
    'a�b'
    """
    return _UNPRINTABLE.sub("\ufffd", value)


def write_sheet(path: Path, name: str, frame: pandas.DataFrame, fields: tuple[Field, ...]) -> None:
    """Write one table with its data dictionary as a workbook.

    Parameters
    ----------
    path : Path
        File to write.
    name : str
        Name of the first sheet; "columns" and "codes" explain it.
    frame : DataFrame
        A column for each of `fields`.
    fields : tuple of Field
        Headings, units and kinds.

    Notes
    -----
    As `write_sheets` of one table.
    """
    write_sheets(path, [(name, frame, fields)])


Sheet = tuple[str, pandas.DataFrame, tuple[Field, ...]]
"""Name, rows and columns of a table."""


def write_sheets(path: Path, tables: Sequence[Sheet]) -> None:
    """Write tables with their data dictionary as one workbook.

    Parameters
    ----------
    path : Path
        File to write.
    tables : sequence of (name, DataFrame, tuple of Field)
        Each becomes a sheet; "columns" and "codes" explain them all.

    Notes
    -----
    The first row is the heading in English, Chinese and unit; it stays in sight. Cells
    that would begin like a formula get an apostrophe. Equal tables give equal bytes.
    """
    book = Workbook(write_only=True)
    for name, frame, fields in tables:
        # a sheet holds 1,048,576 rows; what is over goes on further sheets
        for number, start in enumerate(range(0, max(len(frame), 1), MOST_ROWS), start=1):
            part = frame.iloc[start : start + MOST_ROWS]
            _add_sheet(book, name if number == 1 else f"{name} {number}", part, fields)
    described = {field.name: field for _, _, fields in reversed(tables) for field in fields}
    ordered = dict.fromkeys(field.name for _, _, fields in tables for field in fields)
    everything = tuple(described[name] for name in ordered)
    _add_dictionary(book, everything)
    _add_codes(book, everything)
    path.write_bytes(_timeless(book))


def _add_sheet(
    book: Workbook, name: str, frame: pandas.DataFrame, fields: tuple[Field, ...]
) -> None:
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "B2"
    last = get_column_letter(len(fields))
    sheet.auto_filter.ref = f"A1:{last}{len(frame) + 1}"
    for number, field in enumerate(fields, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = _width(field)
    sheet.row_dimensions[1].height = 48
    sheet.append([_heading_cell(sheet, _heading(field)) for field in fields])
    for row in _cells(sheet, frame, fields):
        sheet.append(row)


def _heading(field: Field) -> str:
    unit = f"\n{field.unit} {UNITS_ZH.get(field.unit, '')}".rstrip() if field.unit else ""
    return f"{field.en}\n{field.zh}{unit}"


def _width(field: Field) -> float:
    return {"text": 22.0, "number": 13.0}.get(field.kind, 11.0)


def _heading_cell(sheet: Any, words: str) -> Any:
    cell = WriteOnlyCell(sheet, words)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="FFE8EEEA")
    cell.border = Border(bottom=Side("thin", color="FF17563F"))
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _cells(sheet: Any, frame: pandas.DataFrame, fields: tuple[Field, ...]) -> Iterator[list[Any]]:
    columns = [frame[field.name].astype(object).tolist() for field in fields]
    for values in zip(*columns, strict=True):
        yield [_cell(sheet, value, field) for value, field in zip(values, fields, strict=True)]


def _cell(sheet: Any, value: Any, field: Field) -> Any:
    if value is None or value is pandas.NA or value == "" or value != value:  # noqa: PLR0124 - NaN
        return None
    if field.kind == "text":
        plain = printable(as_text_cell(value))[:_MOST_SIGNS]
        return WriteOnlyCell(sheet, plain)
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = _format(field)
    return cell


def _format(field: Field) -> str:
    by_unit = {"ha": "#,##0.00", "mu": "#,##0.00", "currency": "#,##0.00", "deg": "0.000000"}
    return by_unit.get(field.unit) or _FORMATS.get(field.kind, "General")


def _add_dictionary(book: Workbook, fields: tuple[Field, ...]) -> None:
    sheet = book.create_sheet("columns")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEF", (24, 24, 20, 12, 12, 64), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_heading_cell(sheet, words) for words in _DICTIONARY_HEADINGS])
    for field in fields:
        sheet.append([field.name, field.en, field.zh, field.kind, field.unit, field.about])


def _add_codes(book: Workbook, fields: tuple[Field, ...]) -> None:
    """What each key in a column of codes stands for, in both languages."""
    sheet = book.create_sheet("codes")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCD", (20, 26, 48, 36), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_heading_cell(sheet, words) for words in _CODE_HEADINGS])
    for field in fields:
        for code in codes_of(field) or ():
            sheet.append([field.name, code.key, code.en, code.zh])


def _timeless(book: Workbook) -> bytes:
    """The workbook without the time it was saved at, which would change its bytes."""
    saved, steady = io.BytesIO(), io.BytesIO()
    book.properties.created = _FIXED_TIME
    book.properties.creator = "Reverdure"
    book.save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(steady, "w") as target:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "docProps/core.xml":
                stamp = _FIXED_TIME.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            target.writestr(
                zipfile.ZipInfo(entry, (2000, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
    return steady.getvalue()
