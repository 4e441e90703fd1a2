"""A workspace that begins with the figures reported of a place."""

import sqlite3

import pytest

from tests.flow.commands import reverdure

JIANGXI = [
    "7,023 of 10,253 mines = 68.50 %",
    "355,800 of 524,300 mu = 23,720 of 34,953 ha: about 67.86 %",
    "3,230 mines",
    "168,500 mu = 11,233 ha",
    "70.06 %",
    "64,444 yuan per mu",
    "About 68 % of what?",
    "12 pilots or to the 9",
    "2023-04-07",
]
HUNAN = ["9,298 of 6,000 ha", "154.97 %"]
XIKUANGSHAN = ["347 ha", "at most 864,553 yuan per ha", "7.042 yuan per dollar"]


@pytest.mark.parametrize(
    ("case", "unit", "expected"),
    [("jiangxi", "mu", JIANGXI), ("hunan", "ha", HUNAN), ("xikuangshan", "ha", XIKUANGSHAN)],
)
def test_show_prints_what_was_reported_and_what_it_comes_to(tmp_path, case, unit, expected):
    workspace = tmp_path / case
    reverdure("init", workspace, "--case", case)
    shown = reverdure("show", "-w", workspace, "--unit", unit).stdout
    assert [text for text in expected if text not in shown] == []
    assert "Mines 0" in shown
    chinese = reverdure("--lang", "zh", "show", "-w", workspace).stdout
    assert "公布数据" in chinese
    assert "about" not in chinese


def test_an_unknown_case_makes_no_workspace(tmp_path):
    workspace = tmp_path / "w"
    failed = reverdure("init", workspace, "--case", "atlantis", expect=1)
    assert "hunan, jiangxi, xikuangshan" in failed.stderr
    assert not workspace.exists()


def test_reported_figures_are_never_changed(tmp_path):
    workspace = tmp_path / "w"
    reverdure("init", workspace, "--case", "hunan")
    with sqlite3.connect(workspace / "registry.gpkg") as registry:
        for change in ("update reported set record = '{}'", "delete from reported"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                registry.execute(change)
