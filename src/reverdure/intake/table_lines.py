"""Lines of a table, cell by cell: the first sheet of a workbook, or delimited text."""

import contextlib
from pathlib import Path
from typing import Any

from reverdure.core.errors import UnreadableFile
from reverdure.intake.archives import check_archive
from reverdure.intake.delimited import read_delimited
from reverdure.intake.workbooks import MAX_CELLS, load_book

WORKBOOKS = (".xlsx", ".xlsm")


def table_lines(path: Path, encoding: str = "") -> list[list[Any]]:
    """Every line with its heading first.

    Raises
    ------
    UnreadableFile
        If the file is not there, is no table, or spans too many cells.
    """
    if not path.is_file():
        raise UnreadableFile(f"{path} is not there.")
    if path.suffix.lower() in WORKBOOKS:
        return sheet_lines(path)[0]
    frame = read_delimited(path, encoding or None).frame
    return [list(frame.columns), *frame.to_numpy().tolist()]


def sheet_lines(path: Path) -> tuple[list[list[Any]], str]:
    """Lines of the first sheet, and the keywords of the workbook.

    Raises
    ------
    UnreadableFile
        If it is no workbook, or spans too many cells.
    """
    check_archive(path)
    with contextlib.closing(load_book(path)) as book:
        sheet = book.worksheets[0]
        if sheet.max_row * sheet.max_column > MAX_CELLS:
            raise UnreadableFile(
                f"{path.name} spans {sheet.max_row:,} rows and {sheet.max_column:,} columns.",
                "Delete the empty rows and columns after the list.",
            )
        lines = [list(line) for line in sheet.iter_rows(values_only=True)]
        return lines, book.properties.keywords or ""
