"""The yearly review of a saved plan, as a person types the command."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.flow.commands import reverdure


@pytest.fixture(scope="session")
def _planned(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The measured county with a plan of the three years after its imagery."""
    folder = tmp_path_factory.mktemp("steer")
    shutil.copytree(measured, folder / "w")
    first = last_year(folder / "w") + 1
    money = folder / "money.csv"
    money.write_text(
        "source,year,amount (million CNY)\n"
        + "".join(f"grant,{first + n},0.25\n" for n in range(3)),
        encoding="utf-8",
    )
    reverdure("plan", "-w", folder / "w", "--years", f"{first}-{first + 2}", "--within", money,
              "--save", "base", "--by", "Li Wei")  # fmt: skip
    return folder / "w"


@pytest.fixture
def planned(_planned: Path, tmp_path: Path) -> Path:
    shutil.copytree(_planned, tmp_path / "w")
    return tmp_path / "w"


def last_year(workspace: Path) -> int:
    return int(pd.read_parquet(workspace / "products" / "trajectories.parquet")["year"].max())


def works(workspace: Path, version: int) -> pd.DataFrame:
    return pd.read_parquet(workspace / f"products/plans/base/{version:04d}/works.parquet")


def audit(workspace: Path, action: str) -> list[dict[str, object]]:
    with sqlite3.connect(workspace / "registry.gpkg") as database:
        rows = database.execute("select detail from audit where action = ?", [action])
        return [json.loads(row[0]) for row in rows]


def test_a_dry_run_shows_everything_and_writes_nothing(planned: Path, tmp_path: Path) -> None:
    before = sorted(planned.rglob("*"))
    year = last_year(planned) + 1
    ask = ("steer", "-w", planned, "--year", year, "--deadline", year + 2, "--dry-run")
    said = reverdure(*ask, "--out", tmp_path / "review.xlsx").stdout
    assert "Nothing was committed" in said
    assert sorted(planned.rglob("*")) == before
    assert re.search(r"■ to be acted on: \d", said)
    assert re.search(r"bound [\d.,]+, gap 0\.0\d+%", said)
    book = openpyxl.load_workbook(tmp_path / "review.xlsx")
    assert book.sheetnames[:4] == ["steered", "remedy", "plan_change", "pace"]
    chinese = reverdure(*ask, language="zh").stdout
    assert "未作任何承诺" in chinese
    assert "须处置" in chinese


def test_only_the_coming_year_is_committed_and_stands_in_later_plans(planned: Path) -> None:
    year = last_year(planned) + 1
    ask = ("steer", "-w", planned, "--by", "Li Wei", "--commit", "--year")
    reverdure(*ask, year)
    record = json.loads((planned / f"products/decisions/base-{year}.json").read_text("utf-8"))
    bound = {(one["mine_id"], one["start"]) for one in record["committed"]}
    assert {start for _, start in bound} <= {year}
    assert record["objective"] <= record["bound"] * (1 + 1e-9)
    assert record["person"] == "Li Wei"
    line = audit(planned, "steer")[-1]
    assert (line["year"], line["version"], line["inputs"]) == (year, 2, record["inputs"])
    assert "audit log holds" in reverdure("audit", "verify", "-w", planned).stdout
    again = reverdure(*ask, year, expect=1).stderr
    assert "was decided already" in again
    reverdure(*ask, year + 1)
    later = works(planned, 3)
    assert bound <= set(zip(later["mine_id"], later["start"], strict=True))
    # and where the plan is made anew with more money, what was committed stays
    reverdure("plan", "-w", planned, "--from", "base", "--change", f"budget[{year + 2}] * 3",
              "--change-price", 0, "--save", "rich")  # fmt: skip
    rich = pd.read_parquet(planned / "products/plans/rich/0001/works.parquet")
    assert bound <= set(zip(rich["mine_id"], rich["start"], strict=True))


def test_the_same_review_twice_has_the_same_inputs(planned: Path, tmp_path: Path) -> None:
    from reverdure.pipeline.steering import steer
    from reverdure.store.workspace import Workspace

    opened, year = Workspace.open(planned), last_year(planned) + 1
    one, other = steer(opened, year), steer(opened, year)
    assert one.inputs == other.inputs
    assert one.inputs != steer(opened, year, target=0.6).inputs


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--year", 1999), "1999 is not a year of plan 'base'"),
        (("--year", 0, "--plan", "none"), "no plan is called 'none'"),
        (("--year", 0, "--commit", "--dry-run"), "were both given"),
        (("--year", 0, "--deadline", 2000), "the deadline 2000 lies before"),
        (("--year", 0, "--out", "review.csv"), "must end in .xlsx"),
    ],
)
def test_what_cannot_be_reviewed_is_refused(
    _planned: Path, more: tuple[object, ...], said: str
) -> None:
    real = [last_year(_planned) + 1 if one == 0 else one for one in more]
    assert said in reverdure("steer", "-w", _planned, *real, expect=1).stderr
