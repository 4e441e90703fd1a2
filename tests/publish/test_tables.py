"""Exported tables: what goes in comes out, and no cell computes."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

import geopandas
import openpyxl
import pandas
import pytest

from reverdure.core.fields import MINES, VERDICTS
from reverdure.publish.report import ReportData
from reverdure.publish.sheets import as_text_cell
from reverdure.publish.tables import TABLE_NAMES, write_tables

MAKE = Callable[..., ReportData]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, report_data: ReportData) -> Path:
    folder = tmp_path_factory.mktemp("products")
    written = write_tables(folder, report_data)
    assert [path.name for path in written] == list(TABLE_NAMES)
    assert sorted(path.name for path in folder.iterdir()) == sorted(TABLE_NAMES)
    return folder


@pytest.mark.parametrize("kind", ["gpkg", "parquet"])
@pytest.mark.parametrize("table", [MINES, VERDICTS])
def test_map_formats_give_back_every_value(
    folder: Path, report_data: ReportData, kind: str, table
) -> None:
    path = folder / f"{table.name}s.{kind}"
    back = geopandas.read_file(path) if kind == "gpkg" else geopandas.read_parquet(path)
    before = getattr(report_data, f"{table.name}s").sort_values(table.key)
    assert back.crs.to_epsg() == 4326
    assert [name for name in back.columns if name != "geometry"] == [
        name for name in table.columns if name != "geometry"
    ]
    for field in table:
        if field.kind == "geometry":
            continue
        expected, found = before[field.name].tolist(), back[field.name].tolist()
        for one, other in zip(expected, found, strict=True):
            if pandas.isna(one) or one == "":
                assert pandas.isna(other) or other == ""
            else:
                assert other == pytest.approx(one)
    assert back.geometry.isna().tolist() == before.geometry.isna().tolist()
    for one, other in zip(before.geometry, back.geometry, strict=True):
        assert one is None or one.equals(other)


def test_rows_are_sorted_by_id(tmp_path: Path, folder: Path, make_data: MAKE) -> None:
    data = make_data(12)
    shuffled = dataclasses.replace(
        data,
        mines=data.mines.sample(frac=1, random_state=3),
        verdicts=data.verdicts.sample(frac=1, random_state=4),
    )
    for path in write_tables(tmp_path, shuffled):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", ["mines.csv", "verdicts.csv"])
def test_csv_opens_in_spreadsheets(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    assert len({len(row) for row in rows}) == 1
    text = {field.name for field in (*MINES, *VERDICTS) if field.kind == "text"}
    for row in rows[1:]:
        for heading, cell in zip(rows[0], row, strict=True):
            if heading in text:
                assert not cell.startswith(("=", "+", "-", "@", "＝"))


def test_negative_numbers_stay_numbers(tmp_path: Path, make_data: MAKE) -> None:
    data = make_data(3)
    west = data.mines.assign(geometry=data.mines.translate(-200))
    write_tables(tmp_path, dataclasses.replace(data, mines=west))
    frame = pandas.read_csv(tmp_path / "mines.csv")
    assert (frame["longitude"] < 0).all()
    sheet = openpyxl.load_workbook(tmp_path / "mines.xlsx")["mines"]
    assert all(row[-2].value < 0 for row in sheet.iter_rows(min_row=2))


@pytest.mark.parametrize(
    "value", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＋1", "－1", "＠x"]
)
def test_text_that_would_compute_is_escaped(value: str) -> None:
    assert as_text_cell(value) == "'" + value


@pytest.mark.parametrize("value", ["", "a=1", "赣-7", "7", "'=1"])
def test_other_text_is_left_alone(value: str) -> None:
    assert as_text_cell(value) == value


def test_the_workbook_names_its_columns_in_two_languages(
    folder: Path, report_data: ReportData
) -> None:
    book = openpyxl.load_workbook(folder / "verdicts.xlsx")
    sheet, dictionary = book["verdicts"], book["columns"]
    assert sheet.freeze_panes == "B2"
    for field, cell in zip(VERDICTS, sheet[1], strict=False):
        assert field.en in cell.value
        assert field.zh in cell.value
        assert field.unit in cell.value
    names = [row[0].value for row in dictionary.iter_rows(min_row=2)]
    assert names == [*VERDICTS.columns, "longitude", "latitude"]
    codes = {row[1].value: row[3].value for row in book["codes"].iter_rows(min_row=2)}
    assert codes["partly_supported"] == "部分支持"
    assert set(report_data.verdicts["reason"]) <= set(codes)
    assert sheet.max_row == len(report_data.verdicts) + 1
    column = VERDICTS.columns.index("claimed_ha")
    expected = report_data.verdicts.sort_values("claim_id")["claimed_ha"].tolist()
    cells = [row[column] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == pytest.approx(expected)
    assert {cell.number_format for cell in cells} == {"#,##0.00"}
    mines = openpyxl.load_workbook(folder / "mines.xlsx")["mines"]
    assert not [cell for row in mines.iter_rows() for cell in row if cell.data_type == "f"]
    assert "'=cmd|' /C calc'!A0" in [cell.value for cell in mines["B"]]


def test_an_empty_programme_has_its_tables(tmp_path: Path, make_data: MAKE) -> None:
    data = make_data(1)
    bare = dataclasses.replace(data, mines=data.mines.iloc[:0], verdicts=data.verdicts.iloc[:0])
    write_tables(tmp_path, bare)
    assert len(geopandas.read_parquet(tmp_path / "verdicts.parquet")) == 0
    assert len(geopandas.read_file(tmp_path / "mines.gpkg")) == 0
    assert len(pandas.read_csv(tmp_path / "verdicts.csv")) == 0


def test_control_characters_do_not_break_the_workbook(tmp_path: Path, make_data: MAKE) -> None:
    data = make_data(1)
    strange = data.mines.assign(name="a\x00b\x0bc" + "x" * 40_000)
    write_tables(tmp_path, dataclasses.replace(data, mines=strange))
    value = openpyxl.load_workbook(tmp_path / "mines.xlsx")["mines"]["B2"].value
    assert value.startswith("a\ufffdb\ufffdcx")
    assert len(value) < 32_767
