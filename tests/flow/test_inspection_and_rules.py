"""The list of inspections, duties due next and rule packs, as a person types the commands."""

import re
import shutil
import sqlite3
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.flow.commands import reverdure

MONTH = ("--month", "2026-05")


@pytest.fixture(scope="session")
def owed(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The measured county with a party, three duties and an overdue rectification."""
    folder = tmp_path_factory.mktemp("owed")
    workspace = folder / "w"
    shutil.copytree(measured, workspace)
    one, other = mines(workspace)[:2]
    tables = {
        "parties": "party_id,name,type\nP1,Gone Mining,enterprise\n",
        "duties": "duty_id,mine_id,party_id,duty,liability,due_date\n"
        + "".join(
            f"D{day},{other},P1,plant,liable_enterprise,2026-0{month}-{day}\n"
            for month, day in ((4, "01"), (5, "20"), (8, "30"))
        ),
        "rectifications": "rectification_id,mine_id,party_id,finding,found_date,due_date\n"
        f"R1,{one},P1,bare slope,2026-01-10,2026-04-10\n",
    }
    for name, text in tables.items():
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        reverdure("add", name, path, "-w", workspace, "--by", "Li Wei")
    return workspace


def mines(workspace: Path) -> list[str]:
    with sqlite3.connect(workspace / "registry.gpkg") as database:
        return [row[0] for row in database.execute("select mine_id from mine order by mine_id")]


def test_the_list_of_a_month_is_the_same_each_time_and_names_chances_and_reasons(
    owed: Path, tmp_path: Path
) -> None:
    ask = ("inspect", "-w", owed, "--visits", 3, *MONTH)
    said = reverdure(*ask, "--out", tmp_path / "may.csv").stdout
    assert reverdure(*ask).stdout == "".join(said.splitlines(keepends=True)[:-1])
    table = pd.read_csv(tmp_path / "may.csv", encoding="utf-8-sig")
    chance = pd.to_numeric(table["Chance"])
    assert len(table) == len(mines(owed))
    assert chance.sum() == pytest.approx(3)
    drawn = table[table["Visit"].notna()]
    assert drawn["Visit"].tolist() == [1, 2, 3]
    first = drawn.iloc[0]
    assert first["Mine id"] == mines(owed)[0]
    assert first["Chance"] == 1
    assert first["Why"].startswith("rectification overdue: 1")
    assert "Gone Mining: failed 2 of 2 (duties overdue 1" in first["Why"]
    assert f"1 {first['Mine id']}: rectification overdue: 1" in said
    parts = table[["Size", "Doubt", "Record"]]
    assert parts.mean(axis=1).tolist() == pytest.approx(table["Risk"].tolist())
    assert table["Run"].notna().all()


def test_the_list_as_a_workbook_in_chinese_and_mu(owed: Path, tmp_path: Path) -> None:
    out = tmp_path / "may.xlsx"
    ask = ("inspect", "-w", owed, "--visits", 99, *MONTH, "--unit", "mu", "--out", out)
    said = reverdure(*ask, language="zh").stdout
    assert "上报面积 (亩)" in re.sub(r"\s+", " ", said)
    assert f"99次检查足以覆盖全部{len(mines(owed))}座矿山" in said
    sheet = openpyxl.load_workbook(out).worksheets[0]
    assert sheet.max_row == len(mines(owed)) + 1
    assert all(row[11].value == 1 for row in sheet.iter_rows(min_row=2))


def test_before_any_run_every_claim_is_in_full_doubt(unmeasured: Path) -> None:
    said = reverdure("inspect", "-w", unmeasured, "--visits", 2, *MONTH).stdout
    assert "Nothing was measured yet: every claim is in full doubt" in said


def test_a_county_is_asked_for_by_its_name(owed: Path, tmp_path: Path) -> None:
    whole = tmp_path / "all.csv"
    reverdure("inspect", "-w", owed, "--visits", 99, *MONTH, "--out", whole)
    counties = pd.read_csv(whole, encoding="utf-8-sig")["County"].value_counts()
    said = reverdure(
        "inspect", "-w", owed, "--visits", 1, *MONTH, "--area", counties.index[0]
    ).stdout
    assert f"1 of {counties.iloc[0]}, drawn by risk" in said


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (("--visits", 0, *MONTH), "0 visits were asked for"),
        (("--visits", 3, "--month", "2026-5"), "'2026-5' is no month"),
        (("--visits", 3, *MONTH, "--area", "Atlantis"), "no mine lies in 'Atlantis'"),
        (("--visits", 3, *MONTH, "--unit", "km2"), "areas are shown in ha or mu"),
        (("--visits", 3, *MONTH, "--out", "may.pdf"), "use one of .xlsx, .csv"),
    ],
)
def test_what_cannot_be_listed_is_refused(owed: Path, how: tuple[object, ...], said: str) -> None:
    assert said in reverdure("inspect", "-w", owed, *how, expect=1).stderr


def test_duties_due_next_are_listed_without_those_past_their_day(owed: Path) -> None:
    ask = ("duties", "-w", owed, "--on", "2026-05-01", "--next")
    assert "open on 2026-05-01: 1, of them overdue: 0" in reverdure(*ask, 19).stdout
    assert "open on 2026-05-01: 0" in reverdure(*ask, 18).stdout
    assert "open on 2026-05-01: 2" in reverdure(*ask, 10**9).stdout
    assert "within 0 days or more" in reverdure(*ask, -1, expect=1).stderr
    assert "--overdue alone" in reverdure(*ask, 9, "--overdue", expect=1).stderr


def test_packs_are_listed_printed_and_copied(tmp_path: Path) -> None:
    assert "jiangxi: Jiangxi: regulations" in reverdure("rules").stdout
    said = reverdure("rules", "jiangxi").stdout
    assert "to confirm: known at second hand; clause: not known; source: excerpts" in said
    assert "no clause" not in said
    assert "may go back to: checked in the field by the county" in said
    copy = tmp_path / "mine.toml"
    reverdure("rules", "jiangxi", "--copy", copy)
    assert reverdure("rules", copy).stdout == said.replace("(jiangxi,", "(mine,")
    assert "is there already" in reverdure("rules", "empty", "--copy", copy, expect=1).stderr
    copy.write_text(copy.read_text("utf-8").replace('"assumption"', '"sure"'), encoding="utf-8")
    assert "'sure' is not known there" in reverdure("rules", copy, expect=1).stderr
    copy.write_bytes(b"\xff\xfe")
    assert "cannot be read as a rule pack" in reverdure("rules", copy, expect=1).stderr
    assert "无法识别" in reverdure("rules", "atlantis", expect=1, language="zh").stderr


def test_a_pack_is_put_in_force_version_by_version(tmp_path: Path) -> None:
    workspace, file = tmp_path / "w", tmp_path / "ours.toml"
    reverdure("init", workspace)
    use = ("rules", "--use", file, "-w", workspace, "--by", "Li Wei")
    assert "No rule pack was put in force yet" in reverdure("rules", "-w", workspace).stdout
    reverdure("rules", "jiangxi", "--copy", file)
    assert "In force now: ours, version 1 (Li Wei," in reverdure(*use).stdout
    assert "is in force already" in reverdure(*use).stdout
    text = file.read_text("utf-8").replace("the government coordinates", "the county coordinates")
    file.write_text(text, encoding="utf-8")
    assert "it still says version 1" in reverdure(*use, expect=1).stderr
    file.write_text(text.replace("version = 1", "version = 2"), encoding="utf-8")
    reverdure(*use, "--why", "amended")
    said = reverdure("rules", "-w", workspace).stdout.splitlines()
    assert "ours, version 1, by Li Wei; why: - (replaced since)" in said[0]
    assert "ours, version 2, by Li Wei; why: amended (in force)" in said[1]
    assert "  the county coordinates [government]" in said
    assert "holds no rule" in reverdure(
        "rules", "--use", "empty", "-w", workspace, expect=1
    ).stderr  # fmt: skip
    assert "does nothing beside" in reverdure("rules", "jiangxi", "--use", file, expect=1).stderr
    assert "audit log holds" in reverdure("audit", "verify", "-w", workspace).stdout
    assert "In force now: jiangxi, version 1" in reverdure(
        "rules", "--use", "jiangxi", "-w", workspace
    ).stdout  # fmt: skip
