"""Lists of mines: nothing lost, nothing guessed, everything said."""

import contextlib
import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from reverdure.core.errors import InvalidInput, MissingColumn, MissingCRS, UnknownOption
from reverdure.core.fields import MINES
from reverdure.core.records import ImportReport
from reverdure.registry.mines import read_mines
from reverdure.registry.reimport import Beside
from tests.registry.lists import WriteList, codes, square

A, B, C = square(112.0, 27.0), square(112.01, 27.0), square(112.02, 27.0)
BOW_TIE = shapely.from_wkt("POLYGON ((112 28, 112.002 28.002, 112.002 28, 112 28.002, 112 28))")


def check_balance(
    read: tuple[gpd.GeoDataFrame, ImportReport, pd.DataFrame],
) -> tuple[gpd.GeoDataFrame, ImportReport, pd.DataFrame]:
    """What holds for every import."""
    mines, report, rejected = read
    assert report.read == report.accepted + report.rejected
    assert report.rejected == len(rejected)
    assert list(mines) == MINES.columns
    assert mines.crs.to_epsg() == 4326
    assert mines["mine_id"].is_unique
    assert mines["mine_id"].tolist() == sorted(mines["mine_id"])
    assert all(finding.message and finding.message_zh for finding in report.findings)
    named = {finding.row for finding in report.findings if finding.action == "rejected"}
    assert named == set(rejected["row"])
    outlined = mines[~mines.geometry.isna()]
    assert set(outlined.geometry.geom_type) <= {"MultiPolygon"}
    assert outlined.geometry.is_valid.all()
    return mines, report, rejected


def test_a_plain_list_is_taken_as_it_is(write_list: WriteList) -> None:
    path = write_list(
        "矿山编号,矿山名称,县,矿种,开采方式,面积(亩),wkt",
        ("M2", "北矿", "冷水江市", "锑", "露天开采", "66.1", B.wkt),
        ("M1", "南矿", "冷水江市", "锑", "井工", "6６.1", A.wkt),
        encoding="gb18030",
    )
    mines, report, _ = check_balance(read_mines(path))
    assert report.line() == "read 2, accepted 2, repaired 0, without outline 0, rejected 0"
    first = mines.iloc[0]
    assert (first["mine_id"], first["name"], first["county"]) == ("M1", "南矿", "冷水江市")
    assert (first["commodity"], first["mining_method"]) == ("锑", "underground")
    assert (first["source"], first["source_row"], first["flags"]) == ("list.csv", 2, "")
    assert first["stated_area_ha"] == pytest.approx(66.1 / 15)
    assert first["measured_area_ha"] == pytest.approx(4.4, abs=0.05)


def test_every_bad_row_is_named_and_good_ones_stay(write_list: WriteList) -> None:
    known, *_ = read_mines(write_list("mine_id,name,wkt", ("old", "a", C.wkt)))
    path = write_list(
        "mine_id,name,area_ha,wkt",
        ("M1", "a", "4.4", A.wkt),
        ("../x", "b", "4.4", B.wkt),
        ("", "", "", ""),
        ("", "", "3", ""),
        ("M1", "a", "4.4", A.wkt),
        ("M1", "a", "4.4", ""),
        ("M\n6", "a", "4.4", ""),
        ("..", "a", "4.4", ""),
        ("old", "a", "4.4", C.wkt),
        ("M10", "a", "4.4", ""),
    )
    mines, _, rejected = check_balance(read_mines(path, beside=Beside(known)))
    assert dict(zip(rejected["row"], rejected["reason_code"], strict=True)) == {
        2: "unsafe_id", 3: "empty_row", 4: "no_id_no_outline", 5: "duplicate",
        6: "duplicate_id", 7: "unsafe_id", 8: "unsafe_id", 9: "id_exists",
    }  # fmt: skip
    assert mines["mine_id"].tolist() == ["M1", "M10"]
    assert list(rejected) == [
        "mine_id", "name", "area_ha", "wkt", "geometry_wkt", "row", "reason_code", "reason",
        "reason_zh",
    ]  # fmt: skip
    assert rejected["mine_id"].tolist()[0] == "../x"
    assert rejected["reason"].str.contains("row 1").sum() == 2


def test_patches_of_one_mine_become_one_and_lose_no_land(write_list: WriteList) -> None:
    path = write_list(
        "mine_id,area_ha,wkt",
        ("M1", "4.4", A.wkt),
        ("M1", "4.4", B.wkt),
        ("M1", "2.2", square(112.001, 27.0).wkt),
    )
    mines, report, _ = check_balance(read_mines(path))
    assert report.accepted == 3
    assert len(mines) == 1
    assert mines["flags"].item() == "merged_patches"
    assert mines["measured_area_ha"].item() == pytest.approx(2.5 * 4.4, rel=0.01)
    assert mines["stated_area_ha"].item() == pytest.approx(11.0)


def test_an_area_repeated_on_every_patch_is_the_whole_mines(write_list: WriteList) -> None:
    path = write_list("mine_id,area_ha,wkt", ("M1", "8.8", A.wkt), ("M1", "8.8", B.wkt))
    assert read_mines(path)[0]["stated_area_ha"].item() == pytest.approx(8.8)


def test_a_mine_without_outline_is_kept_and_counted(write_list: WriteList) -> None:
    path = write_list(
        "mine_id,name,wkt",
        ("M1", "", ""),
        ("", "无编号矿", ""),
        ("M3", "", "POLYGON EMPTY"),
        ("M4", "", "POINT (112 27)"),
        ("M5", "", "LINESTRING (112 27, 112.1 27)"),
        ("M6", "", "POLYGON ((112 27, 112.1"),
        ("M7", "", "POLYGON ((112 27, 112.1 27, 112 27, 112 27))"),
    )
    mines, report, _ = check_balance(read_mines(path))
    assert report.without_outline == report.accepted == 7
    assert mines.geometry.isna().all()
    assert mines["measured_area_ha"].isna().all()
    seen = [codes(report, row) & _GEOMETRY for row in range(1, 8)]
    assert seen == [
        {"missing_geometry"}, {"missing_geometry"}, {"empty_geometry"}, {"point_only"},
        {"line_only"}, {"unreadable_geometry"}, {"invalid_ring"},
    ]  # fmt: skip


_GEOMETRY = {
    "missing_geometry", "empty_geometry", "point_only", "line_only", "unreadable_geometry",
    "invalid_ring",
}  # fmt: skip


def test_a_repair_says_what_it_changed(write_list: WriteList) -> None:
    path = write_list("mine_id,wkt", ("M1", BOW_TIE.wkt))
    mines, report, _ = check_balance(read_mines(path))
    assert report.repaired == 1
    (finding,) = [finding for finding in report.findings if finding.action == "repaired"]
    assert finding.code == "invalid_ring"
    assert finding.message.startswith("Self-intersection")
    assert finding.message_zh.startswith("自相交")
    assert "0.0000 ha before and 2.18" in finding.message
    # both halves of the figure of eight are kept
    assert mines["measured_area_ha"].item() == pytest.approx(2.18, abs=0.02)


def test_of_a_collection_the_polygons_are_taken(write_list: WriteList) -> None:
    nested = shapely.GeometryCollection(
        [
            A,
            shapely.Point(1, 2),
            shapely.GeometryCollection([B, shapely.LineString([(0, 0), (1, 1)])]),
        ]
    )
    mines, report, _ = check_balance(read_mines(write_list("mine_id,wkt", ("M1", nested.wkt))))
    assert mines["measured_area_ha"].item() == pytest.approx(8.8, rel=0.01)
    (finding,) = [finding for finding in report.findings if finding.action == "repaired"]
    assert finding.code == "parts_dropped"
    assert "2 polygons" in finding.message
    assert "2 other parts (LineString, Point)" in finding.message


def test_a_hole_stays_a_hole_through_a_repair(write_list: WriteList) -> None:
    hole = shapely.Polygon(A.exterior.coords, [square(112.0, 27.0, 0.001).exterior.coords])
    touching = shapely.Polygon(hole.exterior.coords, [hole.interiors[0].coords])
    mines, _, _ = read_mines(write_list("mine_id,wkt", ("M1", touching.wkt)))
    assert mines["measured_area_ha"].item() == pytest.approx(0.75 * 4.4, rel=0.01)


def test_overlaps_and_twins_are_flagged_on_both(write_list: WriteList) -> None:
    path = write_list(
        "mine_id,wkt",
        ("M1", A.wkt),
        ("M2", square(112.001, 27.0).wkt),
        ("M3", B.wkt),
        ("M4", B.reverse().wkt),
        ("M5", square(112.012, 27.0).wkt),
    )
    mines, report, _ = check_balance(read_mines(path))
    assert mines["flags"].tolist() == [
        "overlaps_mine", "overlaps_mine", "same_outline", "same_outline", "",
    ]  # fmt: skip
    (message,) = [finding.message for finding in report.findings if finding.row == 1]
    assert "M2" in message
    assert "2.2" in message


def test_a_sliver_is_flagged_and_a_small_pit_is_not(write_list: WriteList) -> None:
    path = write_list(
        "mine_id,wkt",
        ("thin", shapely.box(112.0, 27.0, 112.01, 27.00005).wkt),
        ("small", shapely.box(112.1, 27.0, 112.10015, 27.00015).wkt),
    )
    mines, _, _ = read_mines(path)
    assert mines.set_index("mine_id")["flags"].to_dict() == {"thin": "sliver", "small": ""}


def test_areas_are_compared_with_the_outline(write_list: WriteList) -> None:
    path = write_list(
        "mine_id,面积(公顷),wkt",
        ("M1", "66.0", A.wkt),
        ("M2", "0.2933", B.wkt),
        ("M3", "6.0", C.wkt),
        ("M4", "4.5", square(112.03, 27.0).wkt),
    )
    mines, report, _ = check_balance(read_mines(path))
    assert mines["flags"].tolist() == ["area_factor_15", "area_factor_15", "area_differs", ""]
    assert any("mu were taken for hectares" in finding.message for finding in report.findings)


def test_what_is_no_area_is_missing_and_said(write_list: WriteList) -> None:
    path = write_list(
        "mine_id,area_ha,note",
        ("M1", "-999", "-9999"),
        ("M2", "0", ""),
        ("M3", "-3", ""),
        ("M4", "3,4", ""),
        ("M5", "51亩", ""),
        ("M6", "5 t", ""),
        ("M7", "NA", ""),
    )
    mines, report, _ = check_balance(read_mines(path))
    assert mines["stated_area_ha"].isna().all()
    assert [flags.split(";")[-1] for flags in mines["flags"]] == [
        "area_sentinel", "area_zero", "area_negative", "area_not_a_number",
        "area_unit_conflict", "area_unit_conflict", "missing_geometry",
    ]  # fmt: skip
    counted = [finding.message for finding in report.findings if finding.code == "sentinel_values"]
    assert len(counted) == 2
    assert all(message.startswith("1 cells of") for message in counted)


def test_units_of_cells_rows_and_caller_are_read(write_list: WriteList) -> None:
    path = write_list("mine_id,area", ("M1", "30亩"), ("M2", "2 公顷"), ("M3", "30"))
    assert read_mines(path, area_unit="mu")[0]["stated_area_ha"].tolist() == [2.0, 2.0, 2.0]
    path = write_list("mine_id,area,unit", ("M1", "30", "亩"), ("M2", "2", "公顷"))
    assert read_mines(path)[0]["stated_area_ha"].tolist() == [2.0, 2.0]


def test_a_heading_against_the_caller_is_an_error_naming_both(write_list: WriteList) -> None:
    path = write_list("mine_id,area_ha", ("M1", "30"))
    with pytest.raises(InvalidInput, match=r"area_ha.*states ha.*given is mu"):
        read_mines(path, area_unit="亩")
    with pytest.raises(UnknownOption, match="furlong"):
        read_mines(path, area_unit="furlong")


def test_a_unit_nobody_states_is_inferred_only_where_outlines_are_clear(
    write_list: WriteList,
) -> None:
    outlines = [square(112 + 0.01 * step, 27.0, 0.001 * (step + 1)) for step in range(6)]
    mu = [15 * 1.1 * (step + 1) ** 2 for step in range(6)]
    rows = [(f"M{step}", mu[step], outlines[step].wkt) for step in range(6)]
    mines, report, _ = check_balance(read_mines(write_list("mine_id,area,wkt", *rows)))
    assert mines["stated_area_ha"].tolist() == pytest.approx([value / 15 for value in mu])
    assert set(mines["flags"]) == {"area_unit_inferred"}
    assert any("outlines say mu" in finding.message for finding in report.findings)
    few = read_mines(write_list("mine_id,area,wkt", *rows[:4]))[0]
    assert few["stated_area_ha"].isna().all()
    assert set(few["flags"]) == {"area_unit_unknown"}
    vague = [(name, value * 7**step, wkt) for step, (name, value, wkt) in enumerate(rows)]
    assert read_mines(write_list("mine_id,area,wkt", *vague))[0]["stated_area_ha"].isna().all()


def test_an_id_made_from_the_outline_stays_the_same(write_list: WriteList, tmp_path: Path) -> None:
    mines, _, _ = check_balance(read_mines(write_list("name,wkt", ("a", A.wkt), ("b", B.wkt))))
    turned = gpd.GeoDataFrame({"name": ["b", "a"]}, geometry=[B.reverse(), A], crs=4326)
    turned.to_file(tmp_path / "turned.gpkg", engine="pyogrio")
    again, _, _ = read_mines(tmp_path / "turned.gpkg")
    assert (
        again.set_index("name")["mine_id"].to_dict() == mines.set_index("name")["mine_id"].to_dict()
    )
    assert mines["mine_id"].str.fullmatch(r"G-[0-9a-f]{10}").all()
    assert set(mines["flags"]) == {"id_made"}


def test_names_alone_make_ids_and_namesakes_stay_apart(write_list: WriteList) -> None:
    path = write_list("name,county", ("采石场", "甲县"), ("采石场", "乙县"), ("采石场", "甲县"))
    mines, _, rejected = check_balance(read_mines(path))
    assert mines["mine_id"].str.fullmatch(r"N-[0-9a-f]{10}").all()
    assert sorted(mines["county"]) == ["乙县", "甲县"]
    assert rejected["reason_code"].tolist() == ["duplicate"]


def test_a_projected_list_is_brought_to_degrees(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[A], crs=4326)
    table.to_crs(4547).to_file(tmp_path / "mines.shp", engine="pyogrio")
    mines, _, _ = check_balance(read_mines(tmp_path / "mines.shp"))
    assert mines["measured_area_ha"].item() == pytest.approx(4.4, abs=0.05)
    assert np.abs(np.array(mines.total_bounds) - np.array(A.bounds)).max() < 1e-5


def test_coordinates_without_a_crs_are_refused(tmp_path: Path, write_list: WriteList) -> None:
    table = gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[A], crs=4326)
    table.to_file(tmp_path / "mines.shp", engine="pyogrio")
    (tmp_path / "mines.prj").unlink()
    with pytest.raises(MissingCRS, match=r"mines\.shp"):
        read_mines(tmp_path / "mines.shp")
    metres = shapely.box(500_000, 3_000_000, 500_100, 3_000_100)
    with pytest.raises(MissingCRS, match="carry no zone"):
        read_mines(write_list("mine_id,wkt", ("M1", metres.wkt)))


def test_a_crs_that_is_called_undefined_is_none(tmp_path: Path) -> None:
    path = tmp_path / "mines.gpkg"
    table = gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[A], crs=4326)
    table.to_file(path, engine="pyogrio")
    for undefined in (0, -1):
        with contextlib.closing(sqlite3.connect(path)) as package, package:
            package.execute("UPDATE gpkg_geometry_columns SET srs_id = ?", (undefined,))
            package.execute("UPDATE gpkg_contents SET srs_id = ?", (undefined,))
        with pytest.raises(MissingCRS, match="states no coordinate reference system"):
            read_mines(path)


def test_a_datum_without_a_known_shift_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mines.gpkg"
    table = gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[A], crs=4326)
    table.to_crs(2383).to_file(path, engine="pyogrio")
    with pytest.raises(MissingCRS, match=r"Xian 1980.*100 m off"):
        read_mines(path)
    table.to_crs(4490).to_file(path, engine="pyogrio")
    assert read_mines(path)[0].total_bounds == pytest.approx(A.bounds, abs=1e-9)


def test_what_the_driver_could_not_read_is_told(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame({"mine_id": ["M1"], "area_ha": [4.5]}, geometry=[A], crs=4326)
    table.to_file(tmp_path / "mines.shp", engine="pyogrio")
    records = (tmp_path / "mines.dbf").read_bytes()
    assert records.count(b"4.5") == 1
    (tmp_path / "mines.dbf").write_bytes(records.replace(b"4.5", b"4x5"))
    _, report, _ = check_balance(read_mines(tmp_path / "mines.shp"))
    told = [finding.message for finding in report.findings if finding.code == "driver_warning"]
    assert any("area_ha" in message for message in told)


def test_one_row_off_the_earth_is_kept_without_outline(write_list: WriteList) -> None:
    swapped = shapely.box(27.0, 112.0, 27.1, 112.1)
    path = write_list("mine_id,wkt", ("M1", A.wkt), ("M2", B.wkt), ("M3", swapped.wkt))
    mines, report, _ = check_balance(read_mines(path))
    assert codes(report, 3) == {"bad_coordinates"}
    assert mines.geometry.isna().tolist() == [False, False, True]


def test_a_list_of_nothing_we_know_is_refused(write_list: WriteList) -> None:
    path = write_list("foo,bar", ("1", "2"))
    with pytest.raises(MissingColumn, match="'foo', 'bar'"):
        read_mines(path)
    assert read_mines(path, column_map={"mine_id": "foo"})[0]["mine_id"].tolist() == ["1"]


def test_columns_chosen_and_left_are_told(write_list: WriteList) -> None:
    path = write_list("id,矿山编号,外观,date", ("9", "M1", "好", "1056006000000"))
    mines, report, _ = check_balance(read_mines(path))
    assert mines["mine_id"].item() == "M1"
    notes = {finding.code: finding.message for finding in report.findings if finding.row == 0}
    assert "'id' would have fitted" in notes["column_chosen"]
    assert "'外观'" in notes["columns_unused"]
    assert "2003-06-19" in notes["epoch_dates"]
