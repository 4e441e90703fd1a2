"""A table of records as it stands in a CSV or a workbook, its headings told apart."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverdure.core.errors import InvalidInput, MissingColumn, UnreadableFile
from reverdure.core.kinds import Kind
from reverdure.core.units import to_ha
from reverdure.intake.columns import plain
from reverdure.intake.record_layers import VERSION, read_record_layer
from reverdure.intake.table_lines import WORKBOOKS, sheet_lines, table_lines

_VERSION_WORDS = ("version", "版本")
FORM_MARK = "reverdure-records-1"
_TITLE_ROWS = 10
_TEXTS = (".csv", ".tsv", ".txt", "")
_AREA_UNITS = {"ha": (("ha", "公顷"), 1.0), "mu": (("mu", "亩"), to_ha(1.0, "mu"))}


@dataclass(frozen=True, slots=True)
class RecordTable:
    """Cells by column.

    Attributes
    ----------
    source : str
        Name of the file.
    columns : mapping of column to its unit's factor
        Columns of the kind the file has; what their numbers are multiplied by.
    rows : tuple of (number, mapping of column to cell)
        Counted from 1 without the heading; empty rows are left out.
    unknown : tuple of str
        Headings that are no column of this kind.
    """

    source: str
    columns: Mapping[str, float]
    rows: tuple[tuple[int, Mapping[str, Any]], ...]
    unknown: tuple[str, ...]


def read_records(path: Path, kind: Kind, encoding: str = "") -> RecordTable:
    """Read a table of records.

    Headings are column names or their words in either language, areas in hectares or mu as
    the heading says. In a form of ours every column must still be there.

    Raises
    ------
    UnreadableFile
        If the file is no table, or none of its first rows is a heading.
    MissingColumn
        If the id or a column of the form is gone.
    InvalidInput
        If two headings mean the same column.
    """
    if not path.is_file():
        raise UnreadableFile(f"{path} is not there.")
    is_form = False
    if path.suffix.lower() in WORKBOOKS:
        lines, keywords = sheet_lines(path)
        is_form = keywords == FORM_MARK
    elif path.suffix.lower() in _TEXTS:
        lines = table_lines(path, encoding)
    else:
        lines, is_form = read_record_layer(path, kind, encoding)
    start, found, unknown = _headings(path, lines, kind)
    gone = [column.name for column in kind.columns if column.name not in found]
    if is_form:
        gone += [VERSION] * (VERSION not in found)
    wanted = gone if is_form else [kind.key] * (kind.key in gone)
    if wanted:
        raise MissingColumn(
            f"{path.name} has no column {wanted[0]!r}.",
            "Put the column back, or export the table anew and edit that."
            if is_form
            else "Give every row an id of its own.",
        )
    rows = tuple(
        (number, {name: line[place] for name, (place, _) in found.items() if place < len(line)})
        for number, line in enumerate(lines[start + 1 :], start=1)
        if any(cell not in (None, "") for cell in line)
    )
    return RecordTable(path.name, {name: factor for name, (_, factor) in found.items()}, rows,
                       unknown)  # fmt: skip


def _headings(
    path: Path, lines: Sequence[Sequence[Any]], kind: Kind
) -> tuple[int, dict[str, tuple[int, float]], tuple[str, ...]]:
    """Row of the headings, place and factor of each column, and headings not known."""
    names = heading_names(kind)
    best: tuple[int, list[tuple[str, float] | None]] = (-1, [])
    for start, line in enumerate(lines[:_TITLE_ROWS]):
        read = [names.get(_plain(cell)) for cell in line]
        if sum(one is not None for one in read) > sum(one is not None for one in best[1]):
            best = start, read
    start, read = best
    if start < 0:
        raise UnreadableFile(
            f"{path.name} has no heading of {kind.plural}.",
            f"Its columns are called: {', '.join(column.name for column in kind.columns)}.",
        )
    found: dict[str, tuple[int, float]] = {}
    for place, one in enumerate(read):
        if one is not None:
            if one[0] in found:
                raise InvalidInput(
                    f"{path.name} has two headings for {one[0]!r}.", "Leave one of them out."
                )
            found[one[0]] = place, one[1]
    unknown = tuple(
        str(cell)
        for cell, one in zip(lines[start], read, strict=True)
        if one is None and cell not in (None, "")
    )
    return start, found, unknown


def heading_names(kind: Kind) -> dict[str, tuple[str, float]]:
    """What a heading may say, without case, spaces and signs: column and factor."""
    names: dict[str, tuple[str, float]] = {_plain(word): (VERSION, 1.0) for word in _VERSION_WORDS}
    for column in kind.columns:
        for word in (column.name, column.en, column.zh, *column.also):
            names[_plain(word)] = column.name, 1.0
        if column.unit == "ha":
            stem = column.name.removesuffix("_ha")
            for words, factor in _AREA_UNITS.values():
                for unit in words:
                    for word in (stem, column.en, column.zh):
                        names[_plain(f"{word}({unit})")] = column.name, factor
    return names


def _plain(cell: Any) -> str:
    return re.sub(r"[\W_]", "", plain(str(cell))) if cell is not None else ""
