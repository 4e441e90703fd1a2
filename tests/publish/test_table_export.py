"""Every table in every format: what goes in comes out, and sheets speak one language."""

import csv
import math
from pathlib import Path

import geopandas
import openpyxl
import pandas
import pyogrio
import pytest

from reverdure.core import fields
from reverdure.core.codes import Verdict
from reverdure.core.errors import UnknownOption
from reverdure.core.fields import CLAIMS, MINES, NATURAL_RECOVERY, TOTALS, TRAJECTORIES, VERDICTS
from reverdure.publish import sheets
from reverdure.publish.report import ReportData
from reverdure.publish.table_export import FORMATS, export_table
from reverdure.publish.wording import codes_of, column_heading

TABLES = {
    "mines": MINES, "claims": CLAIMS, "verdicts": VERDICTS, "totals": TOTALS,
    "trajectories": TRAJECTORIES, "natural": NATURAL_RECOVERY,
}  # fmt: skip


@pytest.fixture(scope="module", params=["en", "zh"])
def exported(
    tmp_path_factory: pytest.TempPathFactory, report_data: ReportData, request
) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("tables")
    for name, table in TABLES.items():
        frame = getattr(report_data, name)
        written = export_table(folder, name, table, frame, language=request.param)
        assert [path.name for path in written] == [f"{name}.{kind}" for kind in FORMATS]
    return folder, request.param


def read_back(path: Path) -> pandas.DataFrame:
    if path.suffix == ".gpkg":
        return pyogrio.read_dataframe(path)
    try:
        return geopandas.read_parquet(path)
    except ValueError:  # a table without geometry
        return pandas.read_parquet(path)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", ["gpkg", "parquet"])
def test_programs_get_names_keys_and_values_as_they_are(exported, report_data, name, kind) -> None:
    table, before = TABLES[name], getattr(report_data, name)
    back = read_back(exported[0] / f"{name}.{kind}")
    plain = [field.name for field in table if field.kind != "geometry"]
    assert [column for column in back.columns if column != "geometry"] == plain
    assert isinstance(back, geopandas.GeoDataFrame) == ("geometry" in before)
    ordered = before.sort_values(table.key, kind="stable") if "geometry" in before else before
    for column in plain:
        for one, other in zip(ordered[column], back[column], strict=True):
            if pandas.isna(one) or one == "":
                assert pandas.isna(other) or other == ""
            else:
                assert other == pytest.approx(one)


@pytest.mark.parametrize("name", TABLES)
def test_a_spreadsheet_in_china_opens_the_csv(exported, report_data, name) -> None:
    folder, language = exported
    content = (folder / f"{name}.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    shown = [field for field in TABLES[name] if field.kind != "geometry"]
    assert rows[0][: len(shown)] == [column_heading(field, language) for field in shown]
    assert len(rows) == len(getattr(report_data, name)) + 1
    for field, *cells in zip(shown, *rows[1:], strict=False):
        if field.kind == "text":
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝"))]
        codes = codes_of(field)
        if codes is not None:
            assert set(cells) <= {"", *(code.label(language) for code in codes)}


@pytest.mark.parametrize("name", TABLES)
def test_a_workbook_holds_every_row_and_computes_nothing(exported, report_data, name) -> None:
    sheet = openpyxl.load_workbook(exported[0] / f"{name}.xlsx")[name]
    assert sheet.max_row == len(getattr(report_data, name)) + 1
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    heading = [cell.value for cell in sheet[1]]
    shown = [field for field in TABLES[name] if field.kind != "geometry"]
    for field, words in zip(shown, heading, strict=False):
        assert field.en in words
        assert field.zh in words


def test_verdicts_are_said_in_words(exported, report_data) -> None:
    folder, language = exported
    sheet = openpyxl.load_workbook(folder / "verdicts.xlsx")["verdicts"]
    column = VERDICTS.columns.index("verdict")
    found = [row[column].value for row in sheet.iter_rows(min_row=2)]
    keys = report_data.verdicts.sort_values("claim_id")["verdict"]
    assert found == [Verdict.from_key(key).label(language) for key in keys]
    whole = openpyxl.load_workbook(folder / "totals.xlsx")["totals"]["A2"].value
    assert whole == {"en": "All", "zh": "合计"}[language]


def test_equal_tables_give_equal_bytes(exported, report_data, tmp_path: Path) -> None:
    folder, language = exported
    for name, table in TABLES.items():
        for path in export_table(
            tmp_path, name, table, getattr(report_data, name), language=language
        ):
            assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_more_rows_than_a_sheet_holds_go_on_further_sheets(tmp_path, report_data, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 100)
    frame = report_data.trajectories
    assert len(frame) > 200
    (path,) = export_table(tmp_path, "t", TRAJECTORIES, frame, formats=("xlsx",))
    book = openpyxl.load_workbook(path)
    parts = [book[name] for name in book.sheetnames if name not in ("columns", "codes")]
    assert len(parts) == math.ceil(len(frame) / 100)
    assert {tuple(cell.value for cell in part[1]) for part in parts} == {
        tuple(cell.value for cell in parts[0][1])
    }
    years = [row[2].value for part in parts for row in part.iter_rows(min_row=2)]
    assert years == frame["year"].tolist()


def test_an_unknown_format_is_refused(tmp_path: Path, report_data: ReportData) -> None:
    with pytest.raises(UnknownOption, match="'dbf' is not known; use gpkg, parquet, csv, xlsx"):
        export_table(tmp_path, "mines", MINES, report_data.mines, formats=("dbf",))
    assert not list(tmp_path.iterdir())


def test_every_column_that_names_codes_finds_them() -> None:
    tables = [value for value in vars(fields).values() if isinstance(value, fields.Table)]
    naming = [field for table in tables for field in table if field.about.startswith("Key of ")]
    assert len(naming) > 10
    assert [field.name for field in naming if codes_of(field) is None] == []
