"""A list added again: new, changed, unchanged, gone, and what changed."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from reverdure.store.workspace import Workspace
from tests.lists import truth
from tests.lists.importing import add

HEADINGS = ["mine_id", "name", "面积(亩)", "geometry"]


def listed(path: Path, *rows: tuple[str, str, object, shapely.Geometry | None]) -> Path:
    frame = pd.DataFrame(rows, columns=HEADINGS)
    frame["geometry"] = ["" if shape is None else shape.wkt for shape in frame["geometry"]]
    frame.to_csv(path, index=False, encoding="gb18030")
    return path


def first(files: Path) -> Path:
    return listed(
        files / "2023.csv",
        *zip(truth.IDS, truth.NAMES, (50, 60, 70), truth.OUTLINES, strict=True),
    )


LARGER = truth.OUTLINES[1].buffer(0.0005, join_style="mitre")
NEW = shapely.box(111.5, 27.4, 111.503, 27.403)


def second(files: Path) -> Path:
    """M1 unchanged, M2 with another area and outline, M3 left out, M4 new."""
    return listed(
        files / "2024.csv",
        ("M1", "锡矿山", 50, truth.OUTLINES[0]),
        ("M2", "北矿", 75, LARGER),
        ("M4", "新矿", 60, NEW),
    )


def test_without_update_nothing_known_is_touched_and_each_difference_is_named(
    workspace: Path, files: Path
) -> None:
    before = add(workspace, first(files)).table
    outcome = add(workspace, second(files))
    assert outcome.report
    assert (outcome.report.accepted, outcome.report.rejected) == (1, 2)
    assert outcome.messages("compared") == (
        "Against the registry: 1 new, 1 changed (not taken without --update), 1 unchanged, 1 gone."
    )
    told = outcome.messages("id_exists")
    assert "M1, and nothing changed" in told
    assert "stated_area_ha was 4 ha, now 5 ha" in told
    assert "shares" in told
    assert "from 2023.csv" in told
    assert "M3" in outcome.messages("gone")
    assert outcome.table["mine_id"].tolist() == ["M1", "M2", "M3", "M4"]
    same = outcome.table[outcome.table["mine_id"] != "M4"].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.DataFrame(same), pd.DataFrame(before))


def test_an_update_takes_the_place_of_what_was_and_keeps_what_was(
    workspace: Path, files: Path
) -> None:
    add(workspace, first(files))
    outcome = add(workspace, second(files), "--update")
    table = outcome.table.set_index("mine_id")
    assert table.index.tolist() == ["M1", "M2", "M3", "M4"]
    assert table.loc["M2", "stated_area_ha"] == 5.0
    assert shapely.equals(table.loc["M2", "geometry"], LARGER)
    assert {"changed", "outline_differs"} <= set(table.loc["M2", "flags"].split(";"))
    kept = pd.read_csv(next((workspace / "imports").glob("*-replaced.csv")), encoding="utf-8-sig")
    assert kept["mine_id"].tolist() == ["M1", "M2"]
    assert shapely.equals(shapely.from_wkt(kept["geometry_wkt"][1]), truth.OUTLINES[1])
    audit = Workspace.open(workspace).database.rows("audit")[-1]["detail"]
    assert '"replaced": 2' in audit


def test_what_is_gone_leaves_only_when_told_and_not_where_a_claim_rests_on_it(
    workspace: Path, files: Path
) -> None:
    add(workspace, first(files))
    claim = files / "claims.csv"
    claim.write_text("claim_id,mine_id,year,claimed_ha\nC1,M3,2020,2\n", "utf-8")
    add(workspace, claim, kind="claims")
    kept = add(workspace, second(files), "--update", "--remove-gone")
    assert kept.table["mine_id"].tolist() == ["M1", "M2", "M3", "M4"]
    only = listed(files / "2025.csv", *[(i, i, 50, None) for i in ("M1", "M2", "M3")])
    gone = add(workspace, only, "--update", "--remove-gone")
    assert gone.table["mine_id"].tolist() == ["M1", "M2", "M3"]


def test_what_was_told_gone_can_be_removed_by_the_same_command_and_by_the_next_list(
    workspace: Path, files: Path
) -> None:
    add(workspace, first(files))
    only = listed(files / "2025.csv", *[(i, i, 50, None) for i in ("M1", "M2")])
    told = add(workspace, only, "--update")
    assert "M3" in told.messages("gone")
    assert "M3" in add(workspace, only, "--update").messages("gone")
    later = listed(files / "2026.csv", ("M1", "M1", 51, None), ("M2", "M2", 51, None))
    assert "M3" in add(workspace, later).messages("gone")
    removed = add(workspace, only, "--update", "--remove-gone")
    assert removed.table["mine_id"].tolist() == ["M1", "M2"]


def test_an_empty_cell_takes_nothing_away(workspace: Path, files: Path) -> None:
    add(workspace, first(files))
    sheet = listed(files / "tables.csv", ("M1", "", 55, None), ("M2", "北矿", "", None))
    table = add(workspace, sheet, "--update").table.set_index("mine_id")
    assert table.loc["M1", "name"] == "锡矿山"
    assert round(table.loc["M1", "stated_area_ha"] * 15) == 55
    assert shapely.equals(table.loc["M1", "geometry"], truth.OUTLINES[0])
    assert table.loc["M1", "measured_area_ha"] > 1
    assert table.loc["M2", "stated_area_ha"] == 4.0
    assert "missing_geometry" not in table.loc["M1", "flags"]


def test_two_lists_with_the_same_ids_and_other_outlines_are_named(
    workspace: Path, files: Path
) -> None:
    add(workspace, first(files))
    away = [shapely.affinity.translate(shape, 0.4, 0.1) for shape in truth.OUTLINES]
    other = listed(
        files / "other.csv", *zip(truth.IDS, truth.NAMES, (50, 60, 70), away, strict=True)
    )
    for options in ((), ("--update",)):
        outcome = add(workspace, other, *options)
        assert outcome.error is not None
        assert "same ids for different ground" in str(outcome.error)
    one = listed(files / "one.csv", ("M1", "锡矿山", 50, away[0]), ("M2", "北矿", 60, LARGER))
    outcome = add(workspace, one)
    assert "clear of it" in outcome.messages("id_exists")
    assert outcome.exit_code == 1


def test_claims_are_compared_the_same_way(workspace: Path, files: Path) -> None:
    add(workspace, first(files))
    claims = files / "claims.csv"
    claims.write_text("claim_id,mine_id,year,claimed_ha,aim\nC1,M1,2020,2,forest\n", "utf-8")
    add(workspace, claims, kind="claims")
    claims.write_text(
        "claim_id,mine_id,year,claimed_ha,aim\nC1,M1,2021,2,grass\nC2,M2,2020,1,grass\n", "utf-8"
    )
    refused = add(workspace, claims, kind="claims")
    assert "year was '2020', now '2021'" in refused.messages("id_exists")
    assert refused.table["year"].tolist() == [2020, 2020]
    taken = add(workspace, claims, "--update", kind="claims")
    assert taken.table["year"].tolist() == [2021, 2020]
    assert taken.table["aim"].tolist() == ["grass", "grass"]


def test_a_list_added_twice_makes_no_second_copy(workspace: Path, files: Path) -> None:
    add(workspace, first(files))
    again = add(workspace, first(files), "--update")
    assert again.error is None
    assert len(again.table) == 3
    assert "0 new, 0 changed, 3 unchanged, 0 gone" in again.messages("compared")
    assert isinstance(again.table, gpd.GeoDataFrame)


def test_remove_gone_alone_is_refused(workspace: Path, files: Path) -> None:
    outcome = add(workspace, first(files), "--remove-gone")
    assert outcome.error is not None
    assert outcome.error.code == "invalid_input"
