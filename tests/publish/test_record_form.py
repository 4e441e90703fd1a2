"""Forms of records: every kind goes out and comes back as it was, in both languages."""

from pathlib import Path

import openpyxl
import pytest

from reverdure.core.errors import ReverdureError
from reverdure.core.kinds import Column, Kind, choices, kinds
from reverdure.core.messages import LANGUAGES
from reverdure.core.record_book import Book, Record
from reverdure.intake.record_tables import read_records
from reverdure.publish.messages import messages
from reverdure.publish.record_form import write_form
from reverdure.publish.record_layers import write_layers
from reverdure.registry.records import check_records


def value(column: Column, number: int) -> object:
    if column.choices:
        return list(choices(column.choices))[number % len(choices(column.choices))]
    if column.name == "sha256":
        return "0f" * 32
    if column.name == "currency":
        return "CNY"
    return {
        "text": f"=甲 {number}", "integer": 2000 + number, "number": 50 / 15 + number,
        "outline": f"MULTIPOLYGON (((0 0, 1 0, 1 {number + 1}, 0 0)))",
        "boolean": number % 2 == 0, "date": f"2026-01-{number + 1:02d}",
    }[column.kind]  # fmt: skip


def rows(kind: Kind) -> list[Record]:
    """A full row, one with yes and no swapped, and one with only what is needed."""
    columns = [column for column in kind.columns if column.refers != kind.name]
    full = [
        {column.name: value(column, number) for column in columns} | {kind.key: f"X{number}"}
        for number in (0, 1)
    ]
    bare = {one.name: value(one, 2) for one in kind.columns if one.needed} | {kind.key: "X2"}
    return [Record(str(one[kind.key]), 3, one) for one in (*full, bare)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
def test_a_form_that_nobody_edited_changes_nothing(
    kind: Kind, language: str, tmp_path: Path
) -> None:
    records = rows(kind)
    write_form(tmp_path / "f.xlsx", kind, records, language)
    read = read_records(tmp_path / "f.xlsx", kind)
    assert not read.unknown
    book = Book({}).with_rows(kind.name, records)
    seen = check_records(kind, read, book)
    assert seen.unchanged == len(records), [one.message for one in seen.refused]


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
def test_a_layer_that_nobody_edited_changes_nothing(kind: Kind, tmp_path: Path) -> None:
    records = rows(kind)
    # a layer of another kind beside it is none of its business
    other = kinds()["unit" if kind.name != "unit" else "party"]
    write_layers(tmp_path / "f.gpkg", {kind: records, other: rows(other)}, {})
    read = read_records(tmp_path / "f.gpkg", kind)
    assert not read.unknown
    seen = check_records(kind, read, Book({}).with_rows(kind.name, records))
    assert seen.unchanged == len(records), [one.message for one in seen.refused]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_form_explains_itself_in_its_language(language: str, tmp_path: Path) -> None:
    write_form(tmp_path / "f.xlsx", kinds()["fund"], rows(kinds()["fund"]), language)
    book = openpyxl.load_workbook(tmp_path / "f.xlsx")
    shown = {str(cell) for sheet in book for line in sheet.iter_rows(values_only=True)
             for cell in line if cell is not None} | set(book.sheetnames)  # fmt: skip
    words = {key: text[language].format(kind="funds") for key, text in messages().items()
             if key.startswith("record_form.")}  # fmt: skip
    assert {key for key, text in words.items() if text not in shown} == set()
    checks = book.worksheets[0].data_validations.dataValidation
    assert len(checks) == sum(bool(column.choices) for column in kinds()["fund"].columns)


def test_no_form_is_written_over_a_file(tmp_path: Path) -> None:
    write_form(tmp_path / "f.xlsx", kinds()["duty"], [], "en")
    for name in ("f.xlsx", "f.csv"):
        with pytest.raises(ReverdureError):
            write_form(tmp_path / name, kinds()["duty"], [], "en")
    write_layers(tmp_path / "f.gpkg", {kinds()["duty"]: []}, {})
    for name in ("f.gpkg", "f.shp"):
        with pytest.raises(ReverdureError):
            write_layers(tmp_path / name, {kinds()["duty"]: []}, {})
