"""Real lists: every row accounted for, ids kept, no land lost."""

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from reverdure.ground.areas import area_ha
from reverdure.registry.mines import read_mines
from tests.registry.lists import codes


def raw(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.mark.real_data("mine-inventories")
@pytest.mark.parametrize(
    ("name", "id_column", "n_rows", "n_outlines"),
    [
        ("va_permits.csv", "PermitID", 98, 61),
        ("tn_permits.csv", "PermitID", 12, 8),
        ("ky_permits.csv", "Permit_ID", 258, 0),
    ],
)
def test_nothing_is_lost_of_a_list_of_permits(
    data_folder: Path, name: str, id_column: str, n_rows: int, n_outlines: int
) -> None:
    mines, report, rejected = read_mines(data_folder / name)
    assert (report.read, report.accepted, report.rejected) == (n_rows, n_rows, 0)
    assert rejected.empty
    source = raw(data_folder / name).set_index(id_column)
    assert set(mines["mine_id"]) == set(source.index)
    assert report.without_outline == n_rows - n_outlines
    assert int(mines.geometry.notna().sum()) == n_outlines
    by_id = mines.set_index("mine_id")
    acres = pd.to_numeric(source["Acres"]).replace(0, float("nan"))
    stated = by_id["stated_area_ha"].reindex(source.index)
    pd.testing.assert_series_equal(stated, acres * 0.40468564224, check_names=False, rtol=1e-9)
    assert by_id["name"].reindex(source.index).tolist() == source["Mine_Name"].str.strip().tolist()


@pytest.mark.real_data("mine-inventories")
def test_the_polygons_of_virginia_keep_their_land(data_folder: Path) -> None:
    mines, report, _ = read_mines(data_folder / "va_permits.csv")
    source = raw(data_folder / "va_permits.csv")
    collections = set()
    for row, (permit, cell) in enumerate(zip(source["PermitID"], source[".geo"], strict=True), 1):
        if not cell:
            assert "missing_geometry" in codes(report, row)
            continue
        geometry = shapely.make_valid(shapely.from_geojson(cell))
        if json.loads(cell)["type"] == "GeometryCollection":
            collections.add(row)
        outline = mines.set_index("mine_id").geometry[permit]
        assert area_ha(outline) == pytest.approx(area_ha(geometry), rel=1e-6)
    assert len(collections) == 4
    repaired = {finding.row for finding in report.findings if finding.code == "parts_dropped"}
    assert repaired == collections


@pytest.mark.real_data("mine-inventories")
def test_zero_acres_and_epoch_dates_of_virginia_are_told(data_folder: Path) -> None:
    mines, report, _ = read_mines(data_folder / "va_permits.csv")
    acres = pd.to_numeric(raw(data_folder / "va_permits.csv")["Acres"], errors="coerce")
    zeros = [finding for finding in report.findings if finding.code == "area_zero"]
    assert len(zeros) == int((acres == 0).sum()) == 40
    assert int(mines["stated_area_ha"].notna().sum()) == int((acres > 0).sum())
    told = [finding.message for finding in report.findings if finding.code == "epoch_dates"]
    assert any("'Issue_Date'" in message and "1983-02-23" in message for message in told)


@pytest.mark.real_data("mine-inventories")
def test_the_four_invalid_boundaries_are_repaired_and_said(data_folder: Path) -> None:
    path = data_folder / "gem_mine_boundaries_outside_china.geojson"
    mines, report, rejected = read_mines(path)
    source = gpd.read_file(path)
    assert (report.read, report.accepted, report.repaired) == (230, 230, 4)
    assert rejected.empty
    assert set(mines["mine_id"]) == set(source["id"])
    invalid = set(source.loc[~source.is_valid, "id"])
    repaired = [finding for finding in report.findings if finding.code == "invalid_ring"]
    assert {finding.id for finding in repaired} == invalid
    assert all("ha before and" in finding.message for finding in repaired)
    assert mines.geometry.is_valid.all()
    valid = source[source.is_valid].set_index("id")
    measured = mines.set_index("mine_id")["measured_area_ha"]
    for mine_id, outline in valid.geometry.items():
        assert measured[mine_id] == pytest.approx(area_ha(outline), rel=1e-9)


@pytest.mark.real_data("annual-composites-bc")
def test_polygons_without_ids_are_given_stable_ones(data_folder: Path) -> None:
    path = data_folder / "composites" / "test_multiple_polygons.gpkg"
    mines, report, _ = read_mines(path)
    again, _, _ = read_mines(path)
    assert report.accepted == 5
    assert mines["mine_id"].tolist() == again["mine_id"].tolist()
    source = gpd.read_file(path)
    # UTM areas differ from ellipsoidal ones by the projection's scale, under 0.1 % here
    assert mines["measured_area_ha"].sum() == pytest.approx(source.area.sum() / 1e4, rel=2e-3)
