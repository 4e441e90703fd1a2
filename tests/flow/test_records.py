"""Tables of the registry by command: in, listed, out as a form, edited, and in again."""

from pathlib import Path

import openpyxl
import pytest

from tests.flow.commands import reverdure

MINES = """mine_id,county,lon,lat,geometry
M1,Xingguo,,,"POLYGON ((115.2 26.6, 115.21 26.6, 115.21 26.61, 115.2 26.6))"
M2,Yudu,,,"POLYGON ((115.3 26.6, 115.31 26.6, 115.31 26.61, 115.3 26.6))"
"""
PARTIES = """主体编号,名称,类型
P1,兴国矿业,企业
G1,兴国县,政府
P3,x,robot
"""
DUTIES = """duty_id,mine_id,party_id,duty,liability,from_date,due_date
D1,M1,P1,restore,liable enterprise,2024-01-01,2025-12-31
D2,M2,G1,restore,责任主体灭失,,2026年12月31日
D3,M9,P1,restore,illegal,,2026-12-31
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for name, text in (("mines", MINES), ("parties", PARTIES), ("duties", DUTIES)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    reverdure("init", folder / "w")
    reverdure("add", "mines", folder / "mines.csv", "-w", folder / "w")
    added = reverdure("add", "parties", folder / "parties.csv", "-w", folder / "w", "--by", "Li")
    assert "read 3, new 2, changed 0, as they were 0, refused 1" in added.stdout
    assert "robot" in added.stdout
    added = reverdure(
        "add", "duties", folder / "duties.csv", "-w", folder / "w", "--by", "Li", language="zh"
    )
    assert "新增 2" in added.stdout
    assert "登记中没有此矿山" in added.stdout
    (refused,) = (folder / "w" / "imports").glob("*-duties-rejected.csv")
    assert "D3" in refused.read_text(encoding="utf-8-sig")
    return folder


def test_duties_and_what_is_overdue(filled: Path) -> None:
    shown = reverdure("duties", "-w", filled / "w", "--on", "2026-06-30").stdout
    assert "open on 2026-06-30: 2, of them overdue: 1" in shown
    late = reverdure("duties", "-w", filled / "w", "--overdue", "--on", "2026-06-30").stdout
    assert "D1" in late
    assert "D2" not in late
    assert "责任主体灭失" in reverdure("duties", "-w", filled / "w", language="zh").stdout


def test_a_form_comes_back_edited(filled: Path, tmp_path: Path) -> None:
    workspace, form = filled / "w", tmp_path / "duties.xlsx"
    reverdure("export", "template", "-w", workspace, "--table", "duties", "--out", form)
    book = openpyxl.load_workbook(form)
    sheet = book.worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    sheet.cell(3, headings.index("Due") + 1, "2027-06-30")
    book.save(form)
    first = reverdure("add", "duties", form, "-w", workspace, "--by", "Wu", "--why", "agreed")
    assert "read 2, new 0, changed 1, as they were 1, refused 0" in first.stdout
    again = reverdure("add", "duties", form, "-w", workspace, "--by", "Wu")
    assert "changed 0, as they were 2" in again.stdout
    # a second edit of the form that was exported before the first came in
    sheet.cell(3, headings.index("Due") + 1, "2028-01-01")
    book.save(form)
    stale = reverdure("add", "duties", form, "-w", workspace, "--by", "Xu").stdout
    assert "2027-06-30" in stale
    assert "2028-01-01" in stale
    assert "version 2 now (Wu" in stale
    versions = reverdure("records", "duties", "-w", workspace, "--history", "D2").stdout
    assert "version 1" in versions
    assert "version 2" in versions
    assert "why: agreed" in versions
    assert "holds" in reverdure("audit", "verify", "-w", workspace).stdout


def test_a_form_without_one_of_its_columns_is_refused(filled: Path, tmp_path: Path) -> None:
    form = tmp_path / "parties.xlsx"
    reverdure("export", "template", "-w", filled / "w", "--table", "parties", "--out", form,
              language="zh")  # fmt: skip
    book = openpyxl.load_workbook(form)
    book.worksheets[0].delete_cols(2)
    book.save(form)
    done = reverdure("add", "parties", form, "-w", filled / "w", "--by", "Wu", expect=1)
    assert "missing_column" in done.stderr
    assert "name" in done.stderr


def test_programmes_and_targets_are_summed_up(filled: Path, tmp_path: Path) -> None:
    tables = {
        "programmes": "programme_id,name,level,parent_id\nP,Plan,programme,\n"
        "A,Slopes,major_project,P\nB,Water,重大工程,P\n",
        "memberships": "membership_id,programme_id,mine_id\n1,A,M1\n2,B,M1\n3,B,M2\n",
        "targets": "target_id,metric,measured_in,value,from_year,to_year,parent_id,basis\n"
        "T,land,ha,100,2022,2025,,plan\nT1,land,ha,60,2022,2025,T,plan\n",
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        reverdure("add", name, tmp_path / f"{name}.csv", "-w", filled / "w", "--by", "Li")
    lines = reverdure("programmes", "-w", filled / "w").stdout.splitlines()
    named = [line.split() for line in lines if line.split()[0] in ("P", "A", "B", "all")]
    mines = {words[0]: words[-5] for words in named}
    assert mines == {"P": "2", "A": "1", "B": "2", "all": "2"}
    target = reverdure("targets", "-w", filled / "w", language="zh").stdout
    assert "未分解" in target
    assert " 40" in target


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("records", "kings"), "no table is called 'kings'"),
        (("records", "duties", "--history", "D9"), "no duty is called 'D9'"),
        (("duties", "--on", "June"), "is no day"),
        (("add", "duties", "absent.csv"), "is not there"),
    ],
)
def test_what_is_not_there_is_said(filled: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in reverdure(*arguments, "-w", filled / "w", expect=1).stderr
