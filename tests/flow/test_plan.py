"""The programme of a measured county, as a planner types the commands."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.flow.commands import reverdure

YEARS = ("--years", "2027-2029")
MONEY = """source,kind,year,amount (million CNY),rolls
grant,central,2027,0.5,no
grant,central,2028,0.5,no
grant,central,2029,0.5,no
own,county,2027,0.3,yes
own,county,2028,0.3,yes
own,county,2029,0.3,yes
own,county,2030,0.3,yes
"""
ASKED = """restored_ha = 5
restored_mines = { least = 3, by = 2029 }

[fair]
floor = 0.2
"""


@pytest.fixture(scope="session")
def _planned(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("plan") / "w"
    shutil.copytree(measured, workspace)
    (workspace / "budget.csv").write_text(MONEY, "utf-8")
    (workspace / "targets.toml").write_text(ASKED, "utf-8")
    planned(workspace, "--save", "base")
    return workspace


@pytest.fixture
def base(_planned: Path, tmp_path: Path) -> Path:
    """A workspace with one plan in it."""
    shutil.copytree(_planned, tmp_path / "w")
    return tmp_path / "w"


def planned(workspace: Path, *more: object, money: str = "", asked: str = "", **how: object) -> str:
    """What planning says; with other money or requirements if they are given."""
    for name, text in (("budget.csv", money), ("targets.toml", asked)):
        if text:
            (workspace / name).write_text(text, "utf-8")
    done = reverdure(
        "plan", "-w", workspace, *YEARS, "--within", workspace / "budget.csv",
        "--require", workspace / "targets.toml", "--by", "Li Wei", *more, **how,
    )  # fmt: skip
    return done.stdout + done.stderr


def works(workspace: Path, name: str, version: int = 1) -> pd.DataFrame:
    folder = workspace / "products" / "plans" / name / f"{version:04d}"
    return pd.read_parquet(folder / "works.parquet")


def test_four_commands_from_money_to_reasons(base: Path) -> None:
    said = reverdure("plan", "-w", base, "--from", "base", "--change", "budget[2028] * 0.2",
                     "--save", "dry-year", "--by", "Li Wei").stdout  # fmt: skip
    assert "Status: best to the gap asked for" in said
    assert "buys" in said and "Costs that are assumptions: 100%" in said
    money = pd.read_parquet(base / "products/plans/dry-year/0001/money.parquet")
    paid = money[(money["source"] == "grant") & (money["year"] == 2028)]["paid_mcny"].sum()
    assert 0 < paid <= 0.5 * 0.2 + 1e-6
    compared = reverdure("compare", "base", "dry-year", "-w", base).stdout
    assert "budget[2028] * 0.2" in compared
    before, after = (
        works(base, name).set_index("mine_id")["start"] for name in ("base", "dry-year")
    )
    moved = sum(before.get(m) != after.get(m) for m in before.index.union(after.index))
    assert moved > 0
    mine = before.index[0]
    why = reverdure("why", mine, "-w", base, "--plan", "base").stdout
    assert f"on {mine}, begun in {before[mine]}" in why
    assert "its benefit" in why
    assert "辅助再生" in reverdure("why", mine, "-w", base, "--plan", "base", language="zh").stdout
    assert "dry-year" in reverdure("plans", "-w", base).stdout
    reverdure("audit", "verify", "-w", base)


def test_a_plan_keeps_to_its_money_and_says_what_it_left_out(base: Path) -> None:
    said = planned(base, "--out", base / "plan.xlsx", "--unit", "mu")
    assert "rows read 7, used 6, of other years 1, refused 0" in said
    assert "2030 is outside the programme" in said
    money = pd.read_parquet(base / "products/plans/base/0001/money.parquet")
    grant = money[money["source"] == "grant"].groupby("year")["paid_mcny"].sum()
    assert (grant <= 0.5 + 1e-6).all()
    book = openpyxl.load_workbook(base / "plan.xlsx")
    assert {"plan", "works", "money", "budget", "shortfalls"} <= set(book.sheetnames)
    assert re.search(r"at least 5 ha of restored area .* \d+%", said)  # how likely it is
    assert "亩" in planned(base, "--unit", "mu", language="zh")


def test_a_name_is_taken_once_and_its_history_stays(base: Path) -> None:
    assert "there is a plan 'base' already" in planned(base, "--save", "base", expect=1)
    planned(base, "--save", "base", "--replace")
    assert len(works(base, "base", 1)) and len(works(base, "base", 2))
    outside = planned(base, "--save", "../../out", expect=1)
    assert "cannot be the name of a plan" in outside
    with sqlite3.connect(base / "registry.gpkg") as database:
        lines = database.execute("select detail from audit where action = 'plan'").fetchall()
    assert [json.loads(line[0])["version"] for line in lines] == [1, 2]


def test_data_that_changed_are_named(base: Path) -> None:
    assert "THE DATA HAVE CHANGED" not in reverdure("compare", "base", "base", "-w", base).stdout
    (base / "works.csv").write_text(
        "work_id,mine_id,measure,state,from_date\nW1,M00001,engineered reconstruction,"
        "contracted,2028-03-01\n", "utf-8",
    )  # fmt: skip
    reverdure("add", "works", base / "works.csv", "-w", base, "--by", "Li Wei")
    for command in (("why", "M00001", "--plan", "base"), ("compare", "base", "base")):
        said = reverdure(*command, "-w", base).stdout
        assert "THE DATA HAVE CHANGED since plan base" in said
        assert "works under contract" in said
    planned(base, "--save", "kept", asked="restored_ha = 1\n",
            money=MONEY.replace("grant,central,2028,0.5", "grant,central,2028,5"))  # fmt: skip
    row = works(base, "kept").set_index("mine_id").loc["M00001"]
    assert (row["measure"], row["start"]) == ("engineered_reconstruction", 2028)


def test_what_cannot_hold_together_is_said_with_the_way_out(base: Path) -> None:
    hard = '[[target]]\nwhat = "restored_ha"\nleast = 16\nhard = true\nby = 2027\n'
    poor = MONEY.replace("0.5,no", "0.05,no").replace("0.3,yes", "0.03,yes")
    said = planned(base, money=poor, asked=hard, expect=1)
    assert "these cannot hold together" in said and "at least 16 ha" in said
    assert "cheapest way out" in said
    assert "互相冲突" in planned(base, asked=hard, expect=1, language="zh")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("restored_ha = 9000\n", "above what exists"),
        ("resored_ha = 5\n", "unknown key 'resored_ha'"),
        ('[[lock]]\nmine = "M00001"\nmeasure = "magic"\n', "'magic' is not known"),
        ('[[lock]]\nmine = "M99999"\n', "M99999 are not in the table"),
        ('[[target]]\nwhat = "restored_ha"\nleast = nan\n', "asks for nan"),
        ('[[target]]\nwhat = "restored_ha"\nleast = 1\ncounty = "Q"\n', "'Q', without mines"),
        ("restored_ha =\n", "cannot be read"),
        *(
            (
                f'[[cost]]\nmine = "M00001"\nmeasure = "wetland"\nprice_year = 2024\n{cny}',
                "the cost of",
            )
            for cny in ("cny = 0\n", "cny = -5\n", "cny = nan\n", "")
        ),
        (
            '[[cost]]\nmine = "M00001"\nmeasure = "wetland"\nprice_year = 2019\ncny = 9e5\n',
            "prices of 2019",
        ),
    ],
)  # fmt: skip
def test_requirements_that_cannot_be_are_refused(base: Path, asked: str, said: str) -> None:
    assert said in planned(base, asked=asked, expect=1)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("grant,central,2028,0.5", "grant,central,2028,", "the amount is -"),
        ("grant,central,2028,0.5", "grant,central,2028,-1", "the amount is '-1'"),
        ("grant,central,2028,0.5", "grant,central,2028,nan", "the amount is 'nan'"),
        ("grant,central,2028", "grant,gift,2028", "kind 'gift' is not known"),
        ("grant,central,2028", "grant,central,2027", "has an amount for 2027 already"),
        ("grant,central,2028", "grant,loan,2028", "its rules are others"),
        ("grant,central,2028,0.5,no\n", "", "'grant' for 2028 is nan"),
        ("amount (million CNY)", "amount", "say an amount and its unit"),
    ],
)
def test_money_that_cannot_be_is_refused(base: Path, before: str, after: str, said: str) -> None:
    assert before in MONEY
    assert said in planned(base, money=MONEY.replace(before, after), expect=1)


def test_money_of_another_price_year_or_a_county_without_mines(base: Path) -> None:
    lines = MONEY.splitlines()
    priced = "\n".join([f"{lines[0]},price year", *(f"{line},2020" for line in lines[1:])])
    assert "prices of 2020" in planned(base, money=priced, expect=1)
    planned(base, money=priced, asked="[price_index]\n2020 = 100\n2024 = 106\n")
    placed = "\n".join([f"{lines[0]},county", *(f"{line},Nowhere" for line in lines[1:])])
    assert "'Nowhere', which has no mines" in planned(base, money=placed, asked=ASKED, expect=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("__import__('os').system('x')", "cannot be read"),
        ("budget[2050] * 0.5", "names no money there is"),
        ("budget[2028] = 3", "sets 2 amounts at once"),
        ("cost[magic] * 2", "'magic' is not known"),
        ("cost[wetland] = 0", "Costs are above zero"),
        ("success[wetland] = 2", "within 0 to 1"),
        ("require[beauty] removed", "names no target"),
    ],
)
def test_changes_that_cannot_be_are_refused(base: Path, change: str, said: str) -> None:
    done = reverdure("plan", "-w", base, "--from", "base", "--change", change, expect=1)
    assert said in done.stderr


def test_no_time_is_no_plan_and_nothing_is_kept(base: Path) -> None:
    said = planned(base, "--time-limit", 0, "--save", "hasty", expect=1)
    assert "no plan found in the time given" in said
    assert not (base / "products/plans/hasty").exists()


def test_mines_that_no_money_may_reach_are_counted(base: Path) -> None:
    """Only enterprises pay, and no mine has a liable one: an empty plan that says why."""
    owners = MONEY.replace("central", "enterprise").replace("county", "enterprise")
    empty = planned(base, money=owners, asked="restored_ha = 0\n")
    assert "No source of money may pay for" in empty
    assert "(with a liable owner: 0;" in empty
    tiny = "\n".join(f"grant,central,{year},0.000001,no" for year in range(2027, 2030))
    poor = planned(base, money=MONEY.splitlines()[0] + "\n" + tiny, asked="restored_ha = 0\n")
    assert "costs more than the money there is for it" in poor


def test_a_mine_that_was_left_out_is_told_why(base: Path) -> None:
    (base / "works.csv").write_text(
        "work_id,mine_id,measure,state,from_date\nW1,M00001,engineered reconstruction,"
        "under_way,2020-03-01\n", "utf-8",
    )  # fmt: skip
    reverdure("add", "works", base / "works.csv", "-w", base, "--by", "Li Wei")
    planned(base, "--save", "later", asked="restored_ha = 1\n")
    said = reverdure("why", "M00001", "-w", base, "--plan", "later").stdout
    assert "M00001 is no part of the plan: " in said
    assert "nothing possible" in reverdure("why", "M9", "-w", base, "--plan", "later",
                                           expect=1).stderr  # fmt: skip


def test_what_is_missing_is_asked_for(base: Path) -> None:
    assert "its years and its money" in reverdure("plan", "-w", base, expect=1).stderr
    assert "Known: base" in reverdure("why", "M00001", "-w", base, "--plan", "x", expect=1).stderr
    no_mine = reverdure("why", "M9", "-w", base, "--plan", "base", expect=1).stderr
    assert "nothing possible on mine 'M9'" in no_mine
