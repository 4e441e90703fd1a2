"""Recorded events date damage only when asked: by the command, in the keys and the manifest."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from reverdure.pipeline.run import workload
from reverdure.store.workspace import Workspace
from tests.flow.commands import reverdure


@pytest.fixture
def eventful(measured: Path, tmp_path: Path) -> tuple[Path, str]:
    """The county after its run, a mine with an event of damage, another with one of works."""
    workspace = tmp_path / "w"
    shutil.copytree(measured, workspace)
    mines = sorted(pd.read_parquet(workspace / "products" / "verdicts.parquet")["mine_id"].unique())
    path = tmp_path / "events.csv"
    path.write_text(
        "event_id,mine_id,type,date,note\n"
        f"E1,{mines[0]},mining_begins,2005-05-01,opened\n"
        f"E2,{mines[1]},works_begin,2012-05-01,planting\nE3,,mining_begins,1999-01-01,all\n",
        encoding="utf-8",
    )
    reverdure("add", "events", path, "-w", workspace, "--by", "Li")
    return workspace, mines[0]


def to_measure(workspace: Path) -> tuple[str, int]:
    load = workload(Workspace.open(workspace))
    assert (load.composites, load.segments) == (0, 0)
    return load.run_id, load.mines


def test_events_move_nothing_until_they_are_used(eventful: tuple[Path, str]) -> None:
    workspace, mine_id = eventful
    as_shown, none = to_measure(workspace)
    last = pd.read_parquet(workspace / "products" / "totals.parquet")["run_id"][0]
    assert (as_shown, none) == (last, 0)
    verdicts = pd.read_parquet(workspace / "products" / "verdicts.parquet")

    said = reverdure("run", "-w", workspace, "--events", "use").stdout
    assert "where no image tells the year" in said
    used, none = to_measure(workspace)
    assert none == 0
    assert used != as_shown
    manifest = json.loads((workspace / "runs" / used / "manifest.json").read_text("utf-8"))
    assert manifest["settings"]["events"] == manifest["inputs"]["events"]
    assert manifest["made"]["measure"] == 1
    # the imagery has a picture of every year: nothing is open that a date could tell
    moved = pd.read_parquet(workspace / "products" / "verdicts.parquet")
    pd.testing.assert_frame_equal(
        moved.drop(columns="run_id"), verdicts.drop(columns="run_id"), check_like=True
    )
    assert mine_id in set(moved["mine_id"])
    assert "only shown" in reverdure("run", "-w", workspace, "--events", "show").stdout
    assert to_measure(workspace) == (as_shown, 0)


def test_explain_says_which_years_came_from_the_record(measured: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(measured, workspace)
    verdicts = pd.read_parquet(workspace / "products" / "verdicts.parquet")
    row = verdicts[(verdicts["status"] == "measured") & (verdicts["damage_year"] > 2000)].iloc[0]
    mine_id, fell = row["mine_id"], int(row["damage_year"])
    # no picture of the year it fell and of the next: either may be right
    for year in (fell, fell + 1):
        reverdure("correct", "year", year, "-w", workspace, "--mine", mine_id, "--by", "Li",
                  "--why", "smoke")  # fmt: skip
    path = tmp_path / "events.csv"
    path.write_text(
        f"event_id,mine_id,type,date,note\nE1,{mine_id},mining_begins,{fell + 1}-05-01,opened\n",
        encoding="utf-8",
    )
    reverdure("add", "events", path, "-w", workspace, "--by", "Li")
    reverdure("run", "-w", workspace, "--events", "show")
    assert (
        "by the record and not by images"
        not in reverdure("explain", mine_id, "-w", workspace).stdout
    )
    reverdure("run", "-w", workspace, "--events", "use")
    said = " ".join(reverdure("explain", mine_id, "-w", workspace).stdout.split())
    found = re.search(
        rf"Dated {fell + 1} by the record and not by images, which tell no year here"
        rf" \(alone they would say {fell}\): \w+, ([0-9.]+) pixels",
        said,
    )
    assert found, said
    assert float(found[1]) > 1
    chinese = reverdure("explain", mine_id, "-w", workspace, language="zh").stdout
    assert f"{fell + 1}年取自登记事件而非影像" in chinese.replace("\n", "")


def test_other_ways_are_refused(unmeasured: Path) -> None:
    refused = reverdure("run", "-w", unmeasured, "--events", "guess", expect=1).stderr
    assert "use one of show, use" in refused
    both = reverdure("run", "-w", unmeasured, "--events", "use", "--dry-run", expect=1).stderr
    assert "Leave one of them out" in both
