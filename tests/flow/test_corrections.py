"""Corrections by command: who and why, only what depends on it anew, both versions stay."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from tests.flow.commands import reverdure

BY = ("--by", "Li Wei", "--why", "haze over the pit")
VERDICT = ["claim_id", "mine_id", "verdict", "reason", "restored_ha", "last_clear_year", "flags"]


@dataclass
class State:
    """What a workspace held after one run."""

    said: str
    verdicts: pd.DataFrame
    courses: pd.DataFrame
    parts: dict[str, bytes]

    @property
    def made(self) -> str:
        return next(line for line in self.said.splitlines() if line.startswith("made"))


def run(workspace: Path) -> State:
    return state(workspace, reverdure("run", "-w", workspace).stdout)


def state(workspace: Path, said: str = "") -> State:
    products = workspace / "products"
    parts = {}
    for path in (products / "parts").glob("*.json"):
        content = path.read_bytes()
        parts[json.loads(content)["mine_id"]] = content
    return State(
        said,
        pd.read_parquet(products / "verdicts.parquet"),
        pd.read_parquet(products / "trajectories.parquet"),
        parts,
    )


def others_stay(before: State, after: State, mine: str) -> None:
    """Every mine but one was left as it was, to the byte."""
    assert {m: p for m, p in before.parts.items() if m != mine} == {
        m: p for m, p in after.parts.items() if m != mine
    }
    pd.testing.assert_frame_equal(
        before.verdicts[VERDICT][before.verdicts["mine_id"] != mine],
        after.verdicts[VERDICT][after.verdicts["mine_id"] != mine],
    )


@dataclass
class Story:
    """One workspace corrected step by step, with the state after each run."""

    workspace: Path
    claim: str
    mine: str
    year: int
    first: State
    cloudy: State
    refused: State
    moved: State
    back: State
    changes: dict[str, str]
    table: pd.DataFrame
    explained: str
    pages: str
    old_outline: shapely.Geometry
    new_outline: shapely.Geometry


def texts_of(workspace: Path) -> str:
    """Everything that leaves the workspace as text."""
    paths = [*(workspace / "report").rglob("*.html"), *(workspace / "products").glob("*.csv")]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@pytest.fixture(scope="module")
def story(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("corrected")
    workspace = folder / "w"
    shutil.copytree(measured, workspace)
    first = state(workspace)
    seen = first.verdicts[first.verdicts["restored_ha"].notna()].iloc[0]
    mine, claim, year = seen["mine_id"], seen["claim_id"], int(seen["last_clear_year"])
    changes = {}

    evidence = folder / "private-photo.JPG"
    evidence.write_bytes(b"\xff\xd8 a picture")
    reverdure("correct", "year", year, "--mine", mine, *BY, "--evidence", evidence,
              "-w", workspace)  # fmt: skip
    reverdure("correct", "dispute", claim, "--by", "Wu Fang", "--why", "<b>apple</b> trees",
              "-w", workspace)  # fmt: skip
    cloudy = run(workspace)
    csv = folder / "changes.csv"
    changes["cloudy"] = reverdure(
        "show", "--changes", "--least", 0, "--csv", csv, "-w", workspace
    ).stdout
    changes["zh"] = reverdure(
        "show", "--changes", "--least", 0, "--unit", "mu", "-w", workspace, language="zh"
    ).stdout
    explained = reverdure("explain", claim, "-w", workspace).stdout
    pages = texts_of(workspace)

    outlines = gpd.read_file(workspace / "registry.gpkg", layer="mine").set_index("mine_id")
    old = outlines.geometry[mine]
    north = shapely.box(
        old.bounds[0] - 0.04, old.centroid.y, old.bounds[2] + 0.04, old.centroid.y + 0.04
    )
    land = folder / "land.gpkg"
    gpd.GeoDataFrame(geometry=[north], crs=4326).to_file(land)
    reverdure("correct", "reference", land, "--mine", mine, "--by", "Wu Fang", "--why",
              "orchards", "-w", workspace)  # fmt: skip
    refused = run(workspace)

    new = shapely.affinity.translate(old, 0.0006, 0)
    file = folder / "outline.geojson"
    gpd.GeoDataFrame(geometry=[new], crs=4326).to_file(file)
    reverdure("correct", "outline", mine, file, "--by", "Wu Fang", "--why", "60 m off",
              "-w", workspace)  # fmt: skip
    moved = run(workspace)
    changes["moved"] = reverdure("show", "--changes", "--least", 0, "-w", workspace).stdout

    for number in (1, 2, 3, 4):
        reverdure("correct", "withdraw", number, "--by", "Li Wei", "--why", "all wrong",
                  "-w", workspace)  # fmt: skip
    back = run(workspace)
    changes["back"] = reverdure("show", "--changes", "--least", 0, "-w", workspace).stdout
    first_run = str(first.verdicts["run_id"].iloc[0])
    changes["since"] = reverdure(
        "show", "--changes", "--since", first_run[:6], "--least", 0, "-w", workspace
    ).stdout
    return Story(
        workspace, claim, mine, year, first, cloudy, refused, moved, back, changes,
        pd.read_csv(csv), explained, pages, old, new,
    )  # fmt: skip


def test_a_year_marked_cloudy_measures_its_mine_alone(story: Story) -> None:
    assert story.cloudy.made.endswith("mines 1")
    assert "composites 0, segmentations 0" in story.cloudy.made
    assert story.cloudy.parts[story.mine] != story.first.parts[story.mine]
    others_stay(story.first, story.cloudy, story.mine)


def test_a_marked_year_is_no_longer_clear_over_the_mine_but_is_in_its_reference(
    story: Story,
) -> None:
    def at(state: State) -> pd.DataFrame:
        rows = state.courses[(state.courses["mine_id"] == story.mine)]
        return rows[rows["year"] == story.year].set_index("index")

    before, after = at(story.first), at(story.cloudy)
    assert (before["clear_share"] > 0).all()
    assert (after["clear_share"] == 0).all()
    assert after["value"].isna().all()
    # land is matched by the mine's own level before damage, which the year had moved a little
    np.testing.assert_allclose(before["reference"], after["reference"], atol=0.01)
    assert after["reference"].notna().all()
    row = story.cloudy.verdicts.set_index("claim_id").loc[story.claim]
    assert row["last_clear_year"] < story.year


def test_the_other_years_of_the_mine_are_seen_as_before(story: Story) -> None:
    def rest(state: State) -> pd.DataFrame:
        rows = state.courses[state.courses["mine_id"] == story.mine]
        columns = ["index", "year", "value", "clear_share"]
        return rows[rows["year"] != story.year][columns].reset_index(drop=True)

    pd.testing.assert_frame_equal(rest(story.first), rest(story.cloudy))


def test_changes_name_the_correction_its_author_and_the_reason(story: Story) -> None:
    text = story.changes["cloudy"]
    assert f"{story.claim} ({story.mine})" in text
    assert "because: correction by a person" in text
    assert "by Li Wei: haze over the pit" in text
    assert "人工更正" in story.changes["zh"]
    assert "亩" in story.changes["zh"]
    assert set(story.table["mine_id"]) == {story.mine}
    assert set(story.table["reason"]) == {"correction"}
    row = story.table.set_index("claim_id").loc[story.claim]
    before = story.first.verdicts.set_index("claim_id").loc[story.claim]
    now = story.cloudy.verdicts.set_index("claim_id").loc[story.claim]
    assert (row["verdict_before"], row["verdict_now"]) == (before["verdict"], now["verdict"])
    assert (row["run_before"], row["run_now"]) == (before["run_id"], now["run_id"])


def test_both_versions_of_every_verdict_stay(story: Story) -> None:
    states = (story.first, story.cloudy, story.refused, story.moved, story.back)
    runs = [state.verdicts["run_id"].iloc[0] for state in states]
    assert len(set(runs)) == 5
    for run_id, state in zip(runs, states, strict=True):
        kept = pd.read_parquet(story.workspace / "runs" / run_id / "verdicts.parquet")
        pd.testing.assert_frame_equal(kept[VERDICT], state.verdicts[VERDICT])
        assert (story.workspace / "runs" / run_id / "inputs.json").is_file()


def test_a_dispute_marks_its_claim_and_moves_nothing(story: Story) -> None:
    flags = story.cloudy.verdicts.set_index("claim_id")["flags"]
    assert "disputed" in flags[story.claim].split(";")
    assert not flags.drop(story.claim).str.contains("disputed").any()
    assert "verdict disputed" in story.explained
    assert "apple" in story.explained
    assert "Li Wei" in story.explained
    assert "&lt;b&gt;apple&lt;/b&gt; trees" in story.pages
    assert (
        "<b>apple</b> trees"
        not in story.pages.replace(
            (story.workspace / "products" / "corrections.csv").read_text("utf-8"), ""
        ).split("number,kind")[0]
    )
    corrections = pd.read_csv(story.workspace / "products" / "corrections.csv")
    assert list(corrections["person"][:2]) == ["Li Wei", "Wu Fang"]
    assert list(corrections["kind"][:2]) == ["year", "dispute"]


def test_the_name_of_evidence_stays_in_the_registry(story: Story) -> None:
    assert "private-photo" not in story.pages
    assert "private-photo" not in texts_of(story.workspace)
    (kept,) = (story.workspace / "evidence").iterdir()
    assert kept.suffix == ".jpg"
    assert kept.read_bytes() == b"\xff\xd8 a picture"
    assert "private-photo.JPG" in reverdure("corrections", "-w", story.workspace).stdout


def test_refused_land_is_out_of_the_reference_of_this_mine_alone(story: Story) -> None:
    assert story.refused.made.endswith("mines 1")
    others_stay(story.cloudy, story.refused, story.mine)

    def pixels(state: State) -> int:
        return int(json.loads(state.parts[story.mine])["references"]["ndvi"]["n_pixels"])

    assert pixels(story.refused) < pixels(story.cloudy)


def test_a_moved_outline_is_measured_and_the_old_one_stays(story: Story) -> None:
    assert story.moved.parts[story.mine] != story.refused.parts[story.mine]
    registry = story.workspace / "registry.gpkg"
    listed = gpd.read_file(registry, layer="mine").set_index("mine_id").geometry[story.mine]
    assert listed.equals(story.old_outline)
    kept = gpd.read_file(registry, layer="correction")
    (row,) = kept[kept["kind"] == "outline"].itertuples()
    assert row.geometry.equals(shapely.multipolygons(shapely.get_parts(story.new_outline)))
    assert (row.mine_id, row.person, row.why) == (story.mine, "Wu Fang", "60 m off")
    assert "outline replaced" in story.changes["moved"]


def test_withdrawing_everything_brings_the_first_numbers_back_to_the_byte(story: Story) -> None:
    assert story.back.parts == story.first.parts
    pd.testing.assert_frame_equal(story.back.verdicts[VERDICT], story.first.verdicts[VERDICT])
    assert "withdrawn by Li Wei: all wrong" in story.changes["back"]
    assert "moved: 0 of" in story.changes["since"]
    text = reverdure("corrections", "-w", story.workspace).stdout
    assert text.count("no longer in force") == 4
    assert text.count("correction withdrawn") == 4


REFUSED = [
    (("year", 2018, "--mine", "M00001", "--by", " ", "--why", "x"), "--by is empty"),
    (("year", 2018, "--mine", "M00001", "--by", "x", "--why", ""), "--why is empty"),
    (("year", 2018, "--by", "x", "--why", "y"), "exactly one of --mine, --county, --everywhere"),
    (("year", 2018, "--mine", "M9", "--by", "x", "--why", "y"), "M9"),
    (("year", 1990, "--everywhere", "--by", "x", "--why", "y"), "no imagery of 1990"),
    (("dispute", "C9", "--by", "x", "--why", "y"), "C9"),
    (("withdraw", 77, "--by", "x", "--why", "y"), "no correction 77"),
    (("settle", 1, "--as", "maybe", "--by", "x", "--why", "y"), "upheld or dismissed"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=lambda a: "-".join(map(str, a))[:30])
def test_what_cannot_be_a_correction_is_refused_and_nothing_kept(
    measured: Path, arguments: tuple[object, ...], words: str
) -> None:
    done = reverdure("correct", *arguments, "-w", measured, expect=1)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "Nobody" in reverdure("corrections", "-w", measured).stdout
