"""Forecast to a deadline and to each duty, as a person types the commands."""

import json
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from tests.flow.commands import reverdure


@pytest.fixture(scope="session")
def owed(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The measured county with duties of two mines and one mine without outline."""
    folder = tmp_path_factory.mktemp("forecast")
    workspace = folder / "w"
    shutil.copytree(measured, workspace)
    listed = mines(workspace)
    more = folder / "more.csv"
    more.write_text("mine_id,county\nM99,Elsewhere\n", encoding="utf-8")
    reverdure("add", "mines", more, "-w", workspace)
    tables = {
        "parties": "party_id,name,type\nP1,Gone Mining,enterprise\n",
        "duties": "duty_id,mine_id,party_id,duty,liability,due_date,done_date\n"
        + "".join(
            f"D{n},{mine},P1,restore,liable_enterprise,{due},{done}\n"
            for n, (mine, due, done) in enumerate(
                [(listed[0], "2030-12-31", ""), (listed[1], "2030-03-01", ""),
                 ("M99", "2028-12-31", ""), (listed[2], "2030-12-31", "2026-01-01")]
            )
        ),
    }  # fmt: skip
    for name, text in tables.items():
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        reverdure("add", name, path, "-w", workspace, "--by", "Li Wei")
    return workspace


def mines(workspace: Path) -> list[str]:
    with sqlite3.connect(workspace / "registry.gpkg") as database:
        return [row[0] for row in database.execute("select mine_id from mine order by mine_id")]


def rows(workspace: Path, out: Path, *asked: object) -> pd.DataFrame:
    reverdure("forecast", "-w", workspace, *asked, "--csv", out)
    return pd.read_csv(out, encoding="utf-8-sig")


def test_every_mine_has_a_status_and_a_number_only_where_something_was_seen(
    owed: Path, tmp_path: Path
) -> None:
    found = rows(owed, tmp_path / "f.csv", "--by", 2030)
    assert sorted(found["Mine id"]) == mines(owed)
    seen = found["Status"] == "forecast from what was seen"
    assert 0 < seen.sum() < len(found)
    told = found[["Recovered now", "Expected", "Low", "High", "Chance of target"]]
    assert told[seen].notna().all(axis=None)
    assert told[~seen].isna().all(axis=None)
    assert found.set_index("Mine id").loc["M99", "Status"] == "no outline"
    assert found.loc[seen, "Chance of target"].between(0, 1).all()
    assert (found.loc[seen, "Low"] <= found.loc[seen, "Expected"]).all()


def test_the_estimate_follows_what_the_last_pictures_show(owed: Path, tmp_path: Path) -> None:
    """Held against the share of the last clear year, worked out here from the products."""
    found = rows(owed, tmp_path / "f.csv").set_index("Mine id")
    courses = pd.read_parquet(owed / "products" / "trajectories.parquet")
    parts = [json.loads(path.read_text("utf-8")) for path in owed.glob("products/parts/*.json")]
    references = {part["mine_id"]: part["references"] for part in parts}
    for mine_id, of in courses.groupby("mine_id"):
        if found.loc[mine_id, "Status"] != "forecast from what was seen":
            continue
        last = of[of["value"].notna()].sort_values("year").groupby("index").tail(2)
        bare = last["index"].map(lambda name, at=mine_id: references[at][name]["bare_level"])
        way = ((last["value"] - bare) / (last["reference"] - bare)).clip(0, 1).mean()
        assert found.loc[mine_id, "Recovered now"] == pytest.approx(way, abs=0.2)


def test_a_later_deadline_and_a_lower_target_are_likelier(owed: Path, tmp_path: Path) -> None:
    chance = [
        rows(owed, tmp_path / f"{n}.csv", "--by", by, "--target", target)["Chance of target"].mean()
        for n, (by, target) in enumerate([(2026, 0.8), (2032, 0.8), (2032, 0.6)])
    ]
    assert chance[0] < chance[1] < chance[2]


def test_duties_stand_by_their_chance_of_being_missed(owed: Path, tmp_path: Path) -> None:
    ask = ("--duties", "--on", "2026-11-01")
    found = rows(owed, tmp_path / "d.csv", *ask)
    assert set(found["Duty id"]) == {"D0", "D1", "D2"}  # what is done is not forecast
    assert found["Place"].tolist() == [1, 2, 3]
    assert found["Duty id"].iloc[-1] == "D2"
    chance = found["Chance of missing"]
    assert pd.isna(chance.iloc[-1])
    assert chance.iloc[0] >= chance.iloc[1]
    by_id = found.set_index("Duty id")
    # due in March: the season of the year before is the last that can show it
    assert by_id.loc["D1", "Deadline"] == 2029
    assert by_id.loc["D0", "Deadline"] == 2030
    whole = rows(owed, tmp_path / "f.csv", "--by", 2030).set_index("Mine id")
    mine = by_id.loc["D0", "Mine id"]
    assert by_id.loc["D0", "Chance of missing"] == pytest.approx(
        1 - whole.loc[mine, "Chance of target"]
    )


def test_in_chinese_the_list_says_what_was_assumed(owed: Path) -> None:
    said = reverdure("forecast", "-w", owed, "--duties", language="zh").stdout
    assert "未履行责任按到期未达0.75的概率排序" in said
    assert "初始假定" in said
    assert "无数值(原因见状态):1" in said


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (("--by", 1999), "the deadline 1999 lies before"),
        (("--target", 1.2), "the target is a share above 0 and at most 1, got 1.2"),
        (("--mine", "M7777"), "no mine is called 'M7777'"),
        (("--county", "Atlantis"), "no mine lies in 'Atlantis'"),
        (("--duties", "--by", 2030), "each duty has its own deadline"),
        (("--on", "2026-01-01"), "goes with --duties"),
        (("--page", 9), "there is no page 9; the list has 1"),
        (("--csv", "f.pdf"), "use one of .csv, .xlsx"),
    ],
)
def test_what_cannot_be_forecast_is_refused(owed: Path, how: tuple[object, ...], said: str) -> None:
    assert said in reverdure("forecast", "-w", owed, *how, expect=1).stderr


def test_before_any_run_there_is_nothing_to_forecast_from(unmeasured: Path) -> None:
    assert "nothing was measured yet" in reverdure("forecast", "-w", unmeasured, expect=1).stderr
