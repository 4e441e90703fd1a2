"""Patches as they are verified: the proposed table in, split and merged, to the field and back."""

import hashlib
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from reverdure.store.workspace import Workspace
from tests.flow.commands import reverdure

BY = ("--by", "Li Wei")


@pytest.fixture
def workspace(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "w")
    return tmp_path / "w"


def mines(workspace: Path) -> list[dict]:
    frame = Workspace.open(workspace).database.frame("mine")
    return frame[~frame.geometry.isna()].to_dict("records")


def squares(mine: dict, n: int) -> list[shapely.Polygon]:
    x, y = mine["geometry"].centroid.x, mine["geometry"].centroid.y
    return [shapely.box(x + 0.001 * i, y, x + 0.001 * i + 0.0009, y + 0.001) for i in range(n)]


def test_the_proposed_table_comes_in_as_a_county_has_it(workspace: Path, tmp_path: Path) -> None:
    one, two = mines(workspace)[:2]
    table = gpd.GeoDataFrame(
        {"TBBH": [one["mine_id"], two["mine_id"]], "损毁类型": ["挖损", "压占"],
         "损毁面积(亩)": [15.0, 30.0], "DLMC": ["采矿用地", "采矿用地"], "QSXZ": ["集体", "国有"],
         "责任主体": ["责任主体灭失", "有责任主体"], "主要生态问题": ["边坡裸露", "废渣堆积"],
         "修复方向": ["林地", "光伏"], "修复方式": ["自然恢复", "转型利用"],
         "计划年份": [2027, 2028], "状态": ["计划", "计划"]},
        geometry=[squares(one, 1)[0], squares(two, 1)[0]], crs="EPSG:4490",
    )  # fmt: skip
    path = tmp_path / "图斑.gpkg"
    table.to_file(path, layer="县级图斑")
    shown = reverdure("add", "patches", path, "-w", workspace, *BY).stdout
    assert "read 2, new 2" in shown
    history = ("--history", one["mine_id"], "-w", workspace)
    told = reverdure("records", "patches", *history, language="zh").stdout
    for word in (
        "自然恢复",
        "林地",
        "责任主体灭失",
        "损毁面积: 1\n",
        f"矿山编号: {one['mine_id']}",
    ):
        assert word in told


def test_a_split_and_a_merge_keep_history_and_land(workspace: Path, tmp_path: Path) -> None:
    mine = mines(workspace)[0]["mine_id"]
    a, b, c = squares(mines(workspace)[0], 3)

    def add(name: str, rows: list[dict], *more: object) -> str:
        path = tmp_path / f"{name}.csv"
        pd.DataFrame(rows).assign(mine_id=mine).to_csv(path, index=False)
        ran = reverdure("add", "patches", path, "-w", workspace, *BY, *more, expect=None)
        return ran.stdout + ran.stderr

    assert "new 1" in add(
        "whole", [{"patch_id": "P1", "damaged_ha": 3.0, "outline": a.union(b).wkt}]
    )
    parts = [
        {"patch_id": "P2", "damaged_ha": 1.0, "came_from": "P1", "outline": a.wkt},
        {"patch_id": "P3", "damaged_ha": 2.0, "came_from": "P1", "outline": b.wkt},
    ]
    ended = {"patch_id": "P1", "damaged_ha": 3.0, "ended_date": "2026-05-01"}
    # the whole still stands; too little is left of it; nobody knows where it came from
    assert "has no day on which it ended" in add("stands", parts)
    assert "keeps its area within 2 %" in add("lost", [ended, *parts[:1]], "--update")
    assert "no such patch" in add("whence", [{**parts[0], "came_from": "P9"}])
    assert "new 2, changed 1" in add("split", [ended, *parts], "--update")
    merged = [{**part, "ended_date": "2026-06-01"} for part in parts]
    whole = {"patch_id": "P4", "damaged_ha": 3.0, "came_from": "P2; P3", "outline": c.wkt}
    assert "new 1, changed 2" in add("merge", [*merged, whole], "--update")
    told = reverdure("records", "patches", "--history", "P1", "-w", workspace).stdout
    assert "version 2" in told
    assert "came from: -; became: P2, P3, P4" in told
    told = reverdure("records", "patches", "--history", "P4", "-w", workspace).stdout
    assert "came from: P2, P3, P1; became: -" in told
    assert "is part of itself" in add("circle", [{**ended, "came_from": "P4"}], "--update")
    bowtie = "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"
    assert "no valid polygon" in add("bowtie", [{**whole, "patch_id": "P7", "outline": bowtie}])


def test_the_field_package_goes_out_and_comes_back(workspace: Path, tmp_path: Path) -> None:
    mine = mines(workspace)[0]
    rows = pd.DataFrame([{"patch_id": "P1", "mine_id": mine["mine_id"], "damaged_ha": 3.0,
                          "mode": "natural", "outline": squares(mine, 1)[0].wkt}])  # fmt: skip
    rows.to_csv(tmp_path / "patches.csv", index=False)
    reverdure("add", "patches", tmp_path / "patches.csv", "-w", workspace, *BY)
    package = tmp_path / "field" / "package.gpkg"
    package.parent.mkdir()
    reverdure("export", "template", "-w", workspace, "--table", "patches,evidence,rectifications",
              "--county", mine["county"], "--out", package)  # fmt: skip
    layers = dict(pyogrio.list_layers(package))
    assert set(layers) == {"patches", "evidence", "rectifications", "layer_styles"}
    assert (layers["patches"], layers["evidence"]) == ("MultiPolygon", "Point")
    styles = pyogrio.read_dataframe(package, layer="layer_styles")
    assert set(styles["f_table_name"]) == {"patches", "evidence", "rectifications"}
    unedited = reverdure("add", "patches", package, "-w", workspace, *BY).stdout
    assert "new 0, changed 0, as they were 1" in unedited
    # what a device does: one outline drawn anew, one value chosen, one photo taken
    photo = package.parent / "photo.jpg"
    photo.write_bytes(b"\xff\xd8 a slope in May")
    patches = pyogrio.read_dataframe(package, layer="patches")
    patches["mode"] = "assisted"
    pyogrio.write_dataframe(patches, package, layer="patches", driver="GPKG", append=False)
    # the same package once more: its version is old now, and both are shown
    patches["mode"] = "reconstruction"
    later = package.with_name("later.gpkg")
    pyogrio.write_dataframe(patches, later, layer="patches", driver="GPKG")
    taken = gpd.GeoDataFrame(
        {"evidence_id": ["E-7", "E-8"], "mine_id": [mine["mine_id"]] * 2, "title": ["slope"] * 2,
         "taken_date": ["2026-05-04"] * 2, "place": ["photo.jpg", "../../etc/passwd"]},
        geometry=[mine["geometry"].centroid] * 2, crs=4326,
    )  # fmt: skip
    pyogrio.write_dataframe(taken, tmp_path / "evidence.gpkg", layer="evidence", driver="GPKG")
    assert "changed 1" in reverdure("add", "patches", package, "-w", workspace, *BY).stdout
    shutil.copy(tmp_path / "evidence.gpkg", package.parent / "evidence.gpkg")
    back = reverdure("add", "evidence", package.parent / "evidence.gpkg", "-w", workspace, *BY)
    assert "read 2, new 1" in back.stdout  # the path that leaves the package has no hash
    listed = reverdure("records", "evidence", "-w", workspace).stdout
    assert hashlib.sha256(photo.read_bytes()).hexdigest()[:20] in listed
    stale = reverdure("add", "patches", later, "-w", workspace, *BY, expect=1).stdout
    assert "edited from version 1, but is at version 2" in stale
    several = reverdure("export", "template", "-w", workspace, "--table", "patches,works",
                      "--out", package.with_suffix(".xlsx"), expect=None)  # fmt: skip
    assert "one table" in several.stdout + several.stderr
