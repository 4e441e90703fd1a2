"""Waste rock, tailings and aggregate of a plan, as a planner states them and reads them."""

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.flow.commands import reverdure
from tests.flow.conftest import MONEY

STREAMS = """
[[lock]]
mine = "M01"
measure = "cubic_restoration"

[[lock]]
mine = "M02"
measure = "engineered_reconstruction"

[[stream]]
what = "waste_rock"
m3 = { M01 = 100000, M09 = 7000 }

[[stream]]
what = "tailings"
m3 = { M02 = 40000 }
limit = 0.5
cny_per_m3 = 12
"""


def planned(workspace: Path, asked: str, *more: object, **how: object) -> str:
    (workspace / "b.csv").write_text(MONEY, "utf-8")
    (workspace / "s.toml").write_text(asked, "utf-8")
    done = reverdure(
        "plan", "-w", workspace, "--years", "2027-2029", "--within", workspace / "b.csv",
        "--require", workspace / "s.toml", "--time-limit", 30, "--by", "Li Wei", *more, **how,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def line(said: str, beginning: str) -> list[str]:
    (found,) = [one for one in said.splitlines() if one.startswith(beginning + " ")]
    return found.removeprefix(beginning).split()


def test_streams_are_shown_with_the_plan_and_kept_with_its_question(
    listed: Path, tmp_path: Path
) -> None:
    book = tmp_path / "plan.xlsx"
    said = planned(listed, STREAMS, "--save", "rock", "--out", book)
    works = pd.read_parquet(listed / "products/plans/rock/0001/works.parquet")
    at = {
        measure: set(works[works["measure"] == measure]["mine_id"])
        for measure in ("cubic_restoration", "engineered_reconstruction", "soil_water_treatment")
    }
    rock = at["cubic_restoration"] | at["engineered_reconstruction"]
    assert {"M01", "M02"} <= rock and len(rock) >= 2
    volume = 100_000 + (7_000 if "M09" in rock else 0)
    mines, said_volume, limit, used, revenue, basis = line(said, "waste rock")
    assert (int(mines), said_volume) == (len(rock), f"{volume:,}")
    assert (limit, used, revenue) == ("70%", f"{0.7 * volume:,.0f}", f"{5.6e-6 * volume:,.2f}")
    assert basis == "assumption"
    unknown = len(rock - {"M01", "M09"})
    assert f"waste rock: of {unknown} of these mines the volume is not known" in said
    # what the planner states takes the place of what is assumed
    assert line(said, "tailings")[1:] == ["40,000", "50%", "20,000", "0.24", "stated"]
    assert "aggregate" not in said
    sheet = openpyxl.load_workbook(book)["streams"]
    assert {row[0] for row in sheet.iter_rows(values_only=True)} >= {"waste rock", "tailings"}
    kept = json.loads((listed / "products/plans/rock/0001/question.json").read_text("utf-8"))
    assert [one["what"] for one in kept["requirements"]["stream"]] == ["waste_rock", "tailings"]
    again = reverdure("plan", "-w", listed, "--from", "rock", "--time-limit", 30, language="zh")
    assert line(again.stdout, "尾矿")[1:] == ["40,000", "50%", "20,000", "0.24", "已给定"]
    assert "不用于方案支出" in again.stdout
    assert "rock" in reverdure("compare", "base", "rock", "-w", listed).stdout


def test_a_stream_changes_no_plan(listed: Path) -> None:
    with_streams = STREAMS
    without = STREAMS[: STREAMS.index("[[stream]]")]
    for name, asked in (("with", with_streams), ("without", without)):
        planned(listed, asked, "--save", name)
    one, other = (
        pd.read_parquet(listed / f"products/plans/{name}/0001/works.parquet")
        for name in ("with", "without")
    )
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ('what = "gold"\nm3 = { M01 = 1 }', "stream 'gold' is not known; use one of waste_rock"),
        ('what = "tailings"\nm3 = { M01 = 1 }\nprice = 3', "unknown key 'price'; use one of what"),
        ('what = "tailings"', "a stream has no m3"),
        ("m3 = { M01 = 1 }", "a stream has no what"),
        ('what = "tailings"\nm3 = 5', "is no table of mines"),
        ('what = "tailings"\nm3 = { M01 = -5 }', "M01 = -5; allowed are numbers of zero or more"),
        ('what = "tailings"\nm3 = { M01 = nan }', "M01 = nan; allowed"),
        ('what = "tailings"\nm3 = { M01 = "x" }', "M01 = 'x'; allowed"),
        ('what = "tailings"\nm3 = { M01 = true }', "M01 = True; allowed"),
        ('what = "tailings"\nm3 = { Nowhere = 5 }', "mines Nowhere are not in the table"),
        ('what = "tailings"\nm3 = { M01 = 5 }\nlimit = 1.5', "limit = 1.5; allowed are 0 to 1"),
        ('what = "tailings"\nm3 = { M01 = 5 }\ncny_per_m3 = -1', "cny_per_m3 = -1; allowed"),
        ('what = "tailings"\nm3 = { M01 = 5 }\n[[stream]]\nwhat = "tailings"\nm3 = { M02 = 5 }',
         "the stream 'tailings' is given twice"),
    ],
)  # fmt: skip
def test_streams_that_cannot_be_meant(listed: Path, asked: str, said: str) -> None:
    assert said in planned(listed, f"[[stream]]\n{asked}\n", expect=1)


def test_a_stream_that_is_no_table_is_refused_in_chinese(listed: Path) -> None:
    assert "不是表" in planned(listed, "stream = 3\n", expect=1, language="zh")
    one = '[[stream]]\nwhat = "tailings"\nm3 = { M01 = -5 }\n'
    assert "须为不小于零的数" in planned(listed, one, expect=1, language="zh")
