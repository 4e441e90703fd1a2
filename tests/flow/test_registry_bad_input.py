"""What the registry refuses, by command: each names the row, the rule and what to do."""

import datetime
import sqlite3
from pathlib import Path

import openpyxl
import pytest

from tests.flow.commands import reverdure

MINES = """mine_id,county,lon,lat,geometry
M1,Xingguo,,,"POLYGON ((115.2 26.6, 115.21 26.6, 115.21 26.61, 115.2 26.6))"
"""
TABLES = {
    "units": "unit_id,name,level,to_year\n360781,Ruijin,county,2013\n360732,Xingguo,county,\n",
    "parties": "party_id,name,type\nP1,Tin works,enterprise\n",
    "funds": "fund_id,name,source,amount,currency,price_year,opens_date\n"
             "F1,reward,reward,1000,CNY,2026,2026-03-01\n",
    "targets": "target_id,metric,measured_in,value,from_year,to_year,basis\n"
               "T,land restored,ha,100,2022,2025,plan\n",
}  # fmt: skip
PAYMENTS = "payment_id,fund_id,mine_id,party_id,type,amount,currency,date\n"

# table, its rows, then the id refused, the row it stands in, the rule, and what to do
REFUSED = {
    "a circle of programmes": (
        "programmes", "programme_id,name,level,parent_id\nA,a,programme,\nB,b,major_project,C\n"
        "C,c,major_project,B\n",
        "B", 2, "a tree has no circle", "Give it another parent", "层级不得成环"),
    "parts beyond the whole": (
        "targets", "target_id,metric,measured_in,value,from_year,to_year,basis,parent_id\n"
        "T1,land restored,ha,60,2022,2025,plan,T\nT2,land restored,ha,41,2022,2025,plan,T\n",
        "T2", 2, "add up to 101 ha, the whole is 100", "lower a part", "请调低分项"),
    "a duty of no party": (
        "duties", "duty_id,mine_id,party_id,duty,liability,due_date\n"
        "D1,M1,,restore,liable_enterprise,2026-12-31\n",
        "D1", 1, "Party is empty", "fill it in", "请填写"),
    "a payment beyond the fund": (
        "payments", PAYMENTS + "Y1,F1,M1,P1,payment,800,CNY,2026-03-02\n"
        "Y2,F1,M1,P1,payment,201,CNY,2026-03-03\n",
        "Y2", 2, "come to 1,001.00 CNY, the fund has 1,000.00", "lower it", "请调低金额"),
    "a payment before the fund opens": (
        "payments", PAYMENTS + "Y3,F1,M1,P1,payment,10,CNY,2026-02-28\n",
        "Y3", 1, "lies before fund F1 opens (2026-03-01)", "give a later day", "请改填日期"),
    "two currencies": (
        "payments", PAYMENTS + "Y4,F1,M1,P1,payment,10,USD,2026-03-02\n",
        "Y4", 1, "money of two currencies is never added", "Use a fund in that", "请使用该币种"),
    "an acceptance without evidence": (
        "works", "work_id,mine_id,measure,state,accepted_date\n"
        "W1,M1,planting,accepted,2026-05-01\n",
        "W1", 1, "without evidence", "name at least one", "请至少填写一个证据编号"),
    "a county code of another year": (
        "observations", "observation_id,unit_id,metric,measured_in,value,year,basis\n"
        "O1,360781,jobs,people,3,2020,yearbook\n",
        "O1", 1, "unit 360781 was in force", "use the code of that year", "请用当年代码"),
}  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refused")
    reverdure("init", folder / "w")
    for name, text in ({"mines": MINES} | TABLES).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        reverdure("add", name, folder / f"{name}.csv", "-w", folder / "w",
                  *(() if name == "mines" else ("--by", "Li")))  # fmt: skip
    return folder / "w"


@pytest.mark.parametrize("case", REFUSED)
def test_a_row_that_breaks_a_rule_is_refused(registry: Path, tmp_path: Path, case: str) -> None:
    table, text, refused, row, rule, to_do, in_chinese = REFUSED[case]
    path = tmp_path / f"{table}.csv"
    path.write_text(text, encoding="utf-8")
    for language in ("en", "zh"):
        done = reverdure("add", table, path, "-w", registry, "--by", "Li", expect=None,
                         language=language)  # fmt: skip
        said = " ".join(done.stdout.split())
        if language == "en":
            assert f"row {row} ({refused})" in said
            assert rule in said
            assert to_do in said
        else:
            assert in_chinese in said
    assert (
        f"no {_kind(table)} is called {refused!r}"
        in reverdure("records", table, "--history", refused, "-w", registry, expect=1).stderr
    )
    # what was refused also stands beside the workspace, to be corrected there
    assert any(refused in one.read_text(encoding="utf-8-sig")
               for one in (registry / "imports").glob(f"*-{table}-rejected.csv"))  # fmt: skip


def _kind(table: str) -> str:
    return {"duties": "duty"}.get(table, table.removesuffix("s"))


def test_a_clock_that_was_set_back_writes_nothing(registry: Path, tmp_path: Path) -> None:
    ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    reverdure("init", tmp_path / "w")
    with sqlite3.connect(tmp_path / "w" / "registry.gpkg") as database:
        database.execute(
            "insert into audit (at, actor, action, detail, chain)"
            " select ?, actor, action, detail, chain from audit order by number desc limit 1",
            (ahead.isoformat(timespec="seconds"),),
        )
    path = tmp_path / "parties.csv"
    path.write_text(TABLES["parties"], encoding="utf-8")
    for language, words in (("en", "Set the clock of this machine right"), ("zh", "时钟")):
        done = reverdure("add", "parties", path, "-w", tmp_path / "w", "--by", "Li", expect=1,
                         language=language)  # fmt: skip
        assert words in " ".join(done.stderr.split())
    assert "P1" not in reverdure("records", "parties", "-w", tmp_path / "w").stdout


def test_a_form_with_a_deleted_column_is_refused_whole(registry: Path, tmp_path: Path) -> None:
    form = tmp_path / "parties.xlsx"
    reverdure("export", "template", "-w", registry, "--table", "parties", "--out", form)
    book = openpyxl.load_workbook(form)
    sheet = book.worksheets[0]
    headings = [str(cell.value) for cell in sheet[1]]
    sheet.delete_cols(next(n for n, one in enumerate(headings, 1) if "type" in one.lower()))
    book.save(form)
    done = reverdure("add", "parties", form, "-w", registry, "--by", "Wu", expect=1)
    said = " ".join(done.stderr.split())
    assert "missing_column" in said
    assert "type" in said
    assert "Put the column back" in said
    versions = reverdure("records", "parties", "--history", "P1", "-w", registry).stdout
    assert "Tin works" in versions
    assert "Wu" not in versions
