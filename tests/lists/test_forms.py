"""Forms that are written, filled in and read back; maps kept for next year."""

from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from reverdure.cli.main import app
from reverdure.core.codes import Aim, MiningMethod
from tests.lists import truth
from tests.lists.importing import add


def write(path: Path, kind: str, language: str) -> Path:
    done = CliRunner().invoke(app, ["--lang", language, "template", kind, str(path)])
    assert done.exit_code == 0, done.exception
    return path


def fill(path: Path, *rows: tuple[object, ...]) -> None:
    book = openpyxl.load_workbook(path)
    for place, row in enumerate(rows, start=3):
        for column, value in enumerate(row, start=1):
            book.worksheets[0].cell(place, column, value)
    book.save(path)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_form_is_filled_in_and_read_back(language: str, workspace: Path, files: Path) -> None:
    zh = language == "zh"
    mines = write(files / "mines.xlsx", "mines", language)
    method = MiningMethod.UNDERGROUND.zh if zh else MiningMethod.UNDERGROUND.en
    fill(
        mines,
        ("M1", "锡矿山", "锦屏县", "锑", method, 51, "亩" if zh else "mu", "111°18′", "27-12-00"),
        ("M2", "北矿", "", "", "", 3.4, "公顷" if zh else "ha", "", "", truth.OUTLINES[1].wkt),
    )
    read = add(workspace, mines)
    assert read.error is None, read.error
    assert read.report
    assert (read.report.read, read.report.accepted) == (2, 2)
    assert read.table["stated_area_ha"].tolist() == [3.4, 3.4]
    assert read.table["mining_method"].tolist() == ["underground", "unknown"]
    assert read.table.geometry.notna().tolist() == [False, True]
    assert "example_row" in read.codes
    claims = write(files / "claims.xlsx", "claims", language)
    aim = Aim.GRASS.zh if zh else Aim.GRASS.en
    fill(claims, ("C1", "M1", 30, "亩" if zh else "mu", 2019, 2016, aim, "县局"))
    read = add(workspace, claims, kind="claims")
    assert read.error is None, read.error
    assert read.table[["claim_id", "mine_id", "claimed_ha", "year", "aim"]].values.tolist() == [
        ["C1", "M1", 2.0, 2019, "grass"]
    ]


def test_every_choice_of_a_drop_down_is_one_that_is_read(files: Path) -> None:
    book = openpyxl.load_workbook(write(files / "claims.xlsx", "claims", "zh"))
    checks = book.worksheets[0].data_validations.dataValidation
    assert len(checks) == 2
    assert all(check.type == "list" and check.showErrorMessage for check in checks)
    listed = {cell.value for row in book["codes"].iter_rows() for cell in row if cell.value}
    assert {aim.zh for aim in Aim} <= listed
    assert {"亩", "公顷"} <= listed
    assert book["codes"].sheet_state == "hidden"
    said = " ".join(str(c.value) for row in book["填写说明"].iter_rows() for c in row if c.value)
    assert "1公顷=15亩" in said
    assert "示例" in said


def test_an_empty_form_has_no_rows(workspace: Path, files: Path) -> None:
    refused = add(workspace, write(files / "mines.xlsx", "mines", "en"))
    assert refused.error is not None
    assert "no rows" in str(refused.error)


def test_a_form_does_not_overwrite_a_file(files: Path) -> None:
    path = write(files / "mines.xlsx", "mines", "en")
    done = CliRunner().invoke(app, ["template", "mines", str(path)])
    assert "is there already" in str(done.exception)


STRANGE = "矿点号,矿点名,多少亩,外廓\n"


def strange_list(path: Path, ids: list[str]) -> Path:
    lines = [
        f'{i},{name},50,"{shape.wkt}"'
        for i, name, shape in zip(ids, truth.NAMES, truth.OUTLINES, strict=True)
    ]
    path.write_text(STRANGE + "\n".join(lines) + "\n", "utf-8")
    return path


def test_a_map_is_written_by_the_import_and_serves_the_next_list(
    workspace: Path, files: Path
) -> None:
    pairs = ["mine_id=矿点号", "name=矿点名", "stated_area_ha=多少亩", "geometry=外廓"]
    options = [word for pair in pairs for word in ("--map", pair)]
    first = add(workspace, strange_list(files / "a.csv", truth.IDS), *options, "--area-unit", "mu")
    assert first.error is None, first.error
    saved = next((workspace / "imports").glob("*-mines-map.toml"))
    assert 'stated_area_ha = "多少亩"' in saved.read_text("utf-8")
    assert 'area_unit = "mu"' in saved.read_text("utf-8")
    assert str(saved) in first.output.replace("\n", "")
    table = first.table
    again = add(
        workspace,
        strange_list(files / "b.csv", ["M1", "M2", "M3"]),
        "--map",
        str(saved),
        "--update",
    )
    assert again.error is None, again.error
    assert again.table["stated_area_ha"].tolist() == table["stated_area_ha"].tolist()
    assert "3 unchanged" in again.messages("compared")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind = 'claims'\n", "maps 'claims'"),
        ("colour = 'red'\n", "colour"),
        ("[columns]\nmine_colour = 'x'\n", "mine_colour"),
        ("[columns]\nmine_id = 7\n", "must be text"),
        ("kind = ", "no map file"),
        ("[columns]\nmine_id = '没有这一列'\n", "没有这一列"),
    ],
)
def test_a_bad_map_is_named(text: str, says: str, workspace: Path, files: Path) -> None:
    (files / "map.toml").write_text(text, "utf-8")
    path = truth.csv(files / "m.csv", truth.mines())
    refused = add(workspace, path, "--map", str(files / "map.toml"))
    assert says in str(refused.error)


def test_a_map_that_is_not_there_is_named(workspace: Path, files: Path) -> None:
    path = truth.csv(files / "m.csv", truth.mines())
    assert "no.toml is not there" in str(add(workspace, path, "--map", "no.toml").error)
