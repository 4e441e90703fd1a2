"""The payment list as a workbook: each line with what justifies it, and both ways of paying."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas

from reverdure.core.errors import InvalidInput
from reverdure.core.fields import Table
from reverdure.core.files import atomic
from reverdure.core.money_fields import PAYMENT_LIST, PAYMENT_WAYS
from reverdure.publish.messages import text
from reverdure.publish.sheets import Sheet, write_sheets
from reverdure.publish.wording import codes_of, label


def write_payment_book(
    path: Path,
    lines: Sequence[Mapping[str, Any]],
    ways: Sequence[Mapping[str, Any]],
    language: str,
) -> None:
    """Write the list and the comparison; headings in both languages, codes in one.

    Parameters
    ----------
    path : Path
        .xlsx.
    lines, ways : sequence of mapping
        Rows of `PAYMENT_LIST` and `PAYMENT_WAYS`.
    language : str
        "en" or "zh".

    Raises
    ------
    InvalidInput
        If the file is not called .xlsx.
    """
    if path.suffix.lower() != ".xlsx":
        raise InvalidInput(f"{path.name} must end in .xlsx.")
    sheets = [_sheet(PAYMENT_LIST, lines, language), _sheet(PAYMENT_WAYS, ways, language)]
    with atomic(path) as temporary:
        write_sheets(temporary, sheets)


def _sheet(table: Table, rows: Sequence[Mapping[str, Any]], language: str) -> Sheet:
    frame: pandas.DataFrame = table.frame(rows)
    for field in table:
        codes = codes_of(field)
        if codes is not None:
            frame[field.name] = [label(codes, key, language) for key in frame[field.name]]
        elif field.name == "county":
            unknown = str(text("counties.unknown", language))
            frame[field.name] = frame[field.name].replace({"unknown": unknown})
    return table.name, frame, table.fields
