"""Why a verdict moved: every kind of input that differs is named, and only those."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reverdure.core.errors import InvalidInput, NotFound
from reverdure.core.fields import CHANGES
from reverdure.pipeline.changes import changes, write_csv
from reverdure.store.workspace import Workspace

MANIFEST: dict[str, Any] = {
    "inputs": {"layers": {"elevation": "e1"}, "scenes": "s1", "composites": "c1"},
    "settings": {"seed": 0, "season": ["06-01", "09-30"], "tile_pixels": 256},
    "steps": {"segments": 1, "measure": 1, "report": 1},
    "indices": ["ndvi", "nbr"],
    "years": [2013, 2014],
}
MINE: dict[str, Any] = {
    "key": "k", "row": "r", "claims": "c", "outline": 0, "effect": "", "corrections": [],
    "tiles": ["r0c0"], "near": {"M2": "n2"}, "fine": {},
}  # fmt: skip
INPUTS: dict[str, Any] = {"tiles": {"r0c0": {"2013": "a", "2014": "b"}}, "mines": {"M1": MINE}}
ROW = {"claim_id": "C1", "mine_id": "M1", "county": "X", "verdict": "supported",
       "reason": "measured", "restored_ha": 4.0, "claimed_ha": 5.0}  # fmt: skip
Changed = Callable[[dict[str, Any], dict[str, Any]], None]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "w")


def add_run(
    workspace: Workspace,
    run_id: str,
    rows: list[dict[str, Any]],
    change: Changed | None = None,
    only: str | None = None,
) -> None:
    manifest, inputs = copy.deepcopy((MANIFEST, INPUTS))
    if change:
        change(manifest, inputs)
    folder = workspace.runs / run_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "inputs.json").write_text(json.dumps(inputs))
    frame = pd.DataFrame([{"run_id": run_id} | row for row in rows], columns=[*ROW, "run_id"])
    frame.to_parquet(folder / "verdicts.parquet")
    with workspace.database.transaction("run", run_id=run_id, only=only):
        pass


def moved(workspace: Workspace, change: Changed) -> dict[str, Any]:
    """The one row of changes after an input differed and the area with it."""
    add_run(workspace, "before", [ROW])
    add_run(workspace, "now", [ROW | {"restored_ha": 3.0}], change)
    (row,) = changes(workspace).rows
    return row


def mine(inputs: dict[str, Any], **values: object) -> None:
    inputs["mines"]["M1"] |= values


def new_scenes(manifest: dict[str, Any], inputs: dict[str, Any], **years: str | None) -> None:
    manifest["inputs"]["scenes"] = "s2"
    for name, print_ in years.items():
        if print_ is None:
            del inputs["tiles"]["r0c0"][name[1:]]
        else:
            inputs["tiles"]["r0c0"][name[1:]] = print_


CASES: dict[str, tuple[Changed, str, str]] = {
    "step": (lambda m, i: m["steps"].update(measure=2), "code", "measure: 1 to 2"),
    "new step": (lambda m, i: m["steps"].update(fine=1), "code", "fine: - to 1"),
    "setting": (lambda m, i: m["settings"].update(seed=9), "settings", "seed: 0 to 9"),
    "harmonise": (
        lambda m, i: m["settings"].update(harmonise="roy2016 k"),
        "settings",
        "harmonise: none to roy2016 k",
    ),
    "layer": (lambda m, i: m["inputs"]["layers"].update(rock="x"), "layers", "rock"),
    "indices": (lambda m, i: m.update(indices=["ndvi"]), "indices", "ndvi+nbr to ndvi"),
    "new year": (lambda m, i: new_scenes(m, i, y2015="z"), "new_year", "2015"),
    "scenes": (lambda m, i: new_scenes(m, i, y2014="z"), "other_scenes", "2014"),
    "year gone": (lambda m, i: new_scenes(m, i, y2014=None), "other_scenes", "2014"),
    "row": (lambda m, i: mine(i, row="q"), "list", "the mine's row"),
    "claims": (lambda m, i: mine(i, claims="q"), "list", "claims on this mine"),
    "neighbour": (lambda m, i: mine(i, near={"M2": "other"}), "neighbour", "M2"),
    "neighbour came": (lambda m, i: mine(i, near={"M2": "n2", "M3": "n3"}), "neighbour", "M3"),
    "nothing": (lambda m, i: None, "not_recorded", "no recorded input differs"),
    "no record": (lambda m, i: i["mines"].clear(), "not_recorded", "kept no inputs"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_input_is_named(workspace: Workspace, case: str) -> None:
    change, reason, words = CASES[case]
    row = moved(workspace, change)
    assert row["reason"] == reason
    assert words in row["detail"]
    assert row["detail_zh"]
    assert set(row) == set(CHANGES.columns)


def test_several_inputs_are_all_named(workspace: Workspace) -> None:
    def both(manifest: dict[str, Any], inputs: dict[str, Any]) -> None:
        manifest["steps"]["segments"] = 2
        new_scenes(manifest, inputs, y2015="z")

    row = moved(workspace, both)
    assert row["reason"] == "several"
    assert "segments: 1 to 2" in row["detail"]
    assert "2015" in row["detail"]


def test_a_step_that_moves_no_number_is_no_reason(
    workspace: Workspace,
) -> None:
    assert moved(workspace, lambda m, i: m["steps"].update(report=2))["reason"] == "not_recorded"


def test_the_season_is_the_reason_not_the_scenes_it_leaves_out(workspace: Workspace) -> None:
    def season(manifest: dict[str, Any], inputs: dict[str, Any]) -> None:
        manifest["settings"]["season"] = ["05-01", "09-30"]
        inputs["tiles"]["r0c0"]["2014"] = "more scenes of the same list"

    row = moved(workspace, season)
    assert row["reason"] == "settings"
    assert "2014" not in row["detail"]


def correct(workspace: Workspace, kind: str, **values: object) -> int:
    row = dict.fromkeys(
        ("mine_id", "claim_id", "county", "verdict", "run_id", "outcome", "source", "evidence",
         "evidence_sha256"), "",
    )  # fmt: skip
    row |= {"kind": kind, "person": "Li Wei", "why": "haze", "at": "2026-01-01T00:00:00+00:00"}
    with workspace.database.transaction("correct") as write:
        return write.append("correction", row | values)


def test_a_correction_is_named_with_who_and_why(workspace: Workspace) -> None:
    number = correct(workspace, "year", mine_id="M1", year=2013)
    row = moved(workspace, lambda m, i: mine(i, effect="e", corrections=[number]))
    assert row["reason"] == "correction"
    assert f"correction {number} (year marked not clear) by Li Wei: haze" in row["detail"]


def test_a_withdrawal_is_named_with_who_withdrew(workspace: Workspace) -> None:
    number = correct(workspace, "outline", mine_id="M1")
    correct(workspace, "withdrawal", mine_id="M1", about=number, person="Wu", why="wrong file")
    add_run(workspace, "before", [ROW], lambda m, i: mine(i, outline=number))
    add_run(workspace, "now", [ROW | {"restored_ha": 3.0}])
    (row,) = changes(workspace).rows
    assert row["reason"] == "correction"
    assert f"correction {number} withdrawn by Wu: wrong file" in row["detail"]


def test_a_moved_window_is_no_news_of_its_neighbours_or_imagery(workspace: Workspace) -> None:
    number = correct(workspace, "outline", mine_id="M1")

    def outline(manifest: dict[str, Any], inputs: dict[str, Any]) -> None:
        manifest["inputs"]["scenes"] = "a scene far away"
        inputs["tiles"]["r0c1"] = {"2013": "x", "2020": "y"}
        mine(inputs, outline=number, near={"M9": "n9"}, tiles=["r0c0", "r0c1"])

    assert moved(workspace, outline)["reason"] == "correction"


@pytest.mark.parametrize(
    ("restored", "listed"), [(4.0, 0), (4.04, 0), (4.06, 1), (float("nan"), 1)]
)
def test_small_moves_are_left_out_as_stated(
    workspace: Workspace, restored: float, listed: int
) -> None:
    add_run(workspace, "before", [ROW])
    add_run(workspace, "now", [ROW | {"restored_ha": restored}])
    assert len(changes(workspace).rows) == listed


def test_a_changed_verdict_or_reason_is_listed_however_small_the_move(
    workspace: Workspace,
) -> None:
    rows = [ROW, ROW | {"claim_id": "C2"}, ROW | {"claim_id": "C3"}]
    add_run(workspace, "before", rows)
    rows[1] = rows[1] | {"verdict": "undecided"}
    rows[2] = rows[2] | {"reason": "lost_again"}
    add_run(workspace, "now", rows)
    assert [row["claim_id"] for row in changes(workspace, least_percent=50).rows] == ["C2", "C3"]


def test_claims_that_came_or_went_are_listed(workspace: Workspace) -> None:
    add_run(workspace, "before", [ROW])
    add_run(workspace, "now", [ROW | {"claim_id": "C2"}])
    gone, new = changes(workspace).rows
    assert (gone["verdict_now"], new["verdict_before"]) == ("", "")
    assert gone["detail"] == "the claim is gone"
    assert new["detail"] == "the claim is new"


def test_the_full_run_before_is_taken_and_any_other_on_request(workspace: Workspace) -> None:
    for run_id, area, only in (("aa1", 1.0, None), ("bb2", 2.0, None), ("cc3", 3.0, "M1"),
                               ("dd4", 4.0, None), ("dd4", 4.0, None)):  # fmt: skip
        add_run(workspace, run_id, [ROW | {"restored_ha": area}], only=only)
    found = changes(workspace)
    assert (found.before, found.now) == ("bb2", "dd4")
    assert changes(workspace, since="aa").rows[0]["restored_ha_before"] == 1.0
    with pytest.raises(NotFound, match="0 runs begin with 'zz'"):
        changes(workspace, since="zz")
    with pytest.raises(NotFound, match="0 runs"):
        changes(workspace, since="")


def test_one_run_alone_is_compared_with_nothing(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="nothing has been run"):
        changes(workspace)
    add_run(workspace, "aa1", [ROW])
    with pytest.raises(InvalidInput, match="only run"):
        changes(workspace)
    with pytest.raises(InvalidInput, match="--least"):
        changes(workspace, least_percent=-1)


def test_rows_of_an_older_run_are_explained_by_that_run(workspace: Workspace) -> None:
    # a run of one mine leaves the rows of the others as the full run before wrote them
    add_run(workspace, "aa1", [ROW], lambda m, i: m["steps"].update(measure=7))
    add_run(workspace, "bb2", [ROW | {"restored_ha": 1.0}])
    late = [ROW | {"restored_ha": 1.0, "run_id": "bb2"}]
    add_run(workspace, "cc3", late, lambda m, i: i["mines"].clear(), only="M9")
    (row,) = changes(workspace, since="aa1").rows
    assert row["reason"] == "code"
    assert row["run_now"] == "bb2"


def test_the_table_is_safe_in_a_spreadsheet(workspace: Workspace, tmp_path: Path) -> None:
    add_run(workspace, "before", [ROW | {"claim_id": "=1+1"}])
    add_run(workspace, "now", [ROW | {"claim_id": "=1+1", "restored_ha": 1.0}])
    write_csv(tmp_path / "changes.csv", changes(workspace))
    content = (tmp_path / "changes.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert "'=1+1" in content.decode("utf-8-sig")
