"""`reverdure pictures` and `reverdure export`: from a measured workspace to files people open."""

import shutil
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
from PIL import Image

from reverdure.core.codes import PictureStatus
from reverdure.pipeline.picture_series import mine_windows, picture_series
from reverdure.pipeline.run_plan import make_plan
from reverdure.pipeline.tiles import TileReader
from reverdure.store.workspace import Workspace
from tests.flow.commands import reverdure

MINE = "M00001"
BANDS = "blue,green,red,nir,swir1,swir2"


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def n_frames(path: Path) -> int:
    with Image.open(path) as image:
        return int(image.n_frames)


def series_of(workspace: Path, mine_id: str, colours: str = "true"):
    opened = Workspace.open(workspace)
    plan = make_plan(opened)
    return picture_series(plan, TileReader(opened, plan), mine_id, colours, run_id="r")


def test_pictures_of_a_mine_are_the_same_again(measured: Path, tmp_path: Path) -> None:
    done = reverdure("pictures", MINE, "-w", measured, "--out", tmp_path / "a")
    again = reverdure("pictures", MINE, "-w", measured, "--out", tmp_path / "b", language="zh")
    one, other = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert sorted(one) == [
        f"{MINE}-animation-true.gif", f"{MINE}-strip-true.png", f"{MINE}-strip-true.svg",
        f"{MINE}-trajectory.svg",
    ]  # fmt: skip
    for name in one:
        assert (one[name] == other[name]) == (not name.endswith(".svg")), name
    assert n_frames(tmp_path / "a" / f"{MINE}-animation-true.gif") == 10
    run_id = pd.read_parquet(measured / "products" / "totals.parquet")["run_id"].iloc[0]
    for name in (f"{MINE}-strip-true.svg", f"{MINE}-trajectory.svg"):
        assert ElementTree.fromstring(one[name]).tag.endswith("svg")
        assert run_id.encode() in one[name]
    missing = [y for y in series_of(measured, MINE).years if y.status is not PictureStatus.SHOWN]
    assert missing, "the county has a year without a clear pixel over this mine"
    for year in missing:
        assert f"{year.year}: no picture, {year.status.en}" in done.stdout
        assert f"{year.year}:无图像,{year.status.zh}" in again.stdout


def test_all_years_have_one_stretch(measured: Path) -> None:
    opened = Workspace.open(measured)
    plan = make_plan(opened)
    reader = TileReader(opened, plan)
    window = next(one for one in mine_windows(plan) if one.mine_id == MINE)
    series = picture_series(plan, reader, MINE, "false", run_id="r")
    assert series.bands == ("swir2", "nir", "red")
    reflectance, shown = [], []
    for year in series.years:
        if year.rgb is not None:
            arrays = reader.composite(year.year, window.grid, window.tiles)
            reflectance.append(arrays["nir"][year.seen])
            shown.append(year.rgb[..., 1][year.seen])
    value, byte = np.concatenate(reflectance), np.concatenate(shown).astype(int)
    order = np.argsort(value, kind="stable")
    assert (np.diff(byte[order]) >= 0).all(), "more light is never darker, whatever the year"
    assert byte.min() == 0
    assert byte.max() > 150


def test_unknown_wishes_are_refused(measured: Path, tmp_path: Path) -> None:
    out = ("-w", measured, "--out", tmp_path)
    refused = {
        ("pictures", "M9", *out): "mine 'M9' is not in the inventory of 6 mines",
        ("pictures", MINE, "--kind", "film", *out): "use strip, animation, trajectory",
        ("pictures", MINE, "--colours", "red", *out): "use true, false",
        ("export", "qgis", "--colours", "red", *out): "use true, false",
        ("export", "tables", "--as", "dbf", *out): "use gpkg, parquet, csv, xlsx",
    }
    for words, said in refused.items():
        assert said in reverdure(*words, expect=1).stderr
    assert not contents(tmp_path)


def test_nothing_is_shown_before_a_run(county: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    reverdure("init", workspace)
    reverdure("add", "mines", county / "mines.gpkg", "-w", workspace)
    for words in (("export", "qgis"), ("export", "tables")):
        assert (
            "nothing has been measured yet" in reverdure(*words, "-w", workspace, expect=1).stderr
        )
    reverdure("add", "scenes", county / "scenes", "-w", workspace)
    said = reverdure("pictures", MINE, "-w", workspace, expect=1).stderr
    assert "yearly composites have not been made" in said


def test_the_size_is_told_before_anything_is_written(measured: Path, tmp_path: Path) -> None:
    dry = reverdure("export", "qgis", "-w", measured, "--out", tmp_path / "q", "--dry-run").stdout
    assert not (tmp_path / "q").exists()
    done = reverdure("export", "qgis", "-w", measured, "--out", tmp_path / "q").stdout
    assert done.startswith(dry)
    most = float(dry.rpartition(" MB")[0].rpartition(" ")[2]) * 1e6
    size = sum(map(len, contents(tmp_path / "q").values()))
    assert 0.3 * most < size <= most


def test_the_qgis_folder_can_be_sent_and_is_the_same_again(measured: Path, tmp_path: Path) -> None:
    reverdure("export", "qgis", "-w", measured, "--out", tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "sent")
    folder = tmp_path / "sent"
    leftover = tmp_path / "b" / "pictures" / "true-1901.tif"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    reverdure("export", "qgis", "-w", measured, "--out", tmp_path / "b")
    assert contents(folder) == contents(tmp_path / "b")
    with zipfile.ZipFile(folder / "reverdure.qgz") as archive:
        page = archive.read("reverdure.qgs")
    assert str(tmp_path).encode() not in page
    top = ElementTree.fromstring(page)
    for layer in top.findall("projectlayers/maplayer"):
        path, _, name = layer.findtext("datasource").partition("|layername=")
        if name:
            assert len(gpd.read_file(folder / path, layer=name)) > 0
        else:
            with rasterio.open(folder / path) as raster:
                assert (raster.read(4) == 255).any()


def test_the_raster_of_a_year_shows_each_mine_as_its_pictures_do(
    measured: Path, tmp_path: Path
) -> None:
    reverdure("export", "qgis", "-w", measured, "--out", tmp_path)
    opened = Workspace.open(measured)
    windows = mine_windows(make_plan(opened))
    # the smallest window lies over the others, so all of it can be compared
    window = min(windows, key=lambda one: one.grid.height * one.grid.width)
    for year in series_of(measured, window.mine_id).years:
        with rasterio.open(tmp_path / "pictures" / f"true-{year.year}.tif") as raster:
            part = raster.window(*window.grid.bounds)
            found = raster.read(window=part)
        assert found.shape[1:] == window.grid.shape
        if year.rgb is None:
            assert not found[3].any()
            continue
        assert ((found[3] == 255) == year.seen).all()
        assert (np.moveaxis(found[:3], 0, -1)[year.seen] == year.rgb[year.seen]).all()


def test_what_changed_since_the_run_is_said(measured: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(measured, workspace)
    claims = pd.read_parquet(workspace / "products" / "verdicts.parquet", columns=["claim_id"])
    current = reverdure("export", "qgis", "-w", workspace, "--no-pictures").stdout
    assert "something changed since" not in current
    assert not (workspace / "qgis" / "pictures").exists()
    said = ("--by", "Li", "--why", "apple trees", "-w", workspace)
    reverdure("correct", "dispute", claims["claim_id"].iloc[0], *said)
    stale = reverdure("export", "qgis", "-w", workspace, "--no-pictures").stdout
    assert "something changed since" in stale
    assert f"reverdure run -w {workspace}" in stale
    reverdure("export", "tables", "-w", workspace, "--as", "csv")
    disputes = pd.read_csv(workspace / "tables" / "corrections.csv")
    assert disputes["By"].tolist() == ["Li"]


def test_every_table_is_exported_in_the_language_asked_for(measured: Path, tmp_path: Path) -> None:
    done = reverdure("export", "tables", "-w", measured, "--out", tmp_path, language="zh")
    assert "共24个文件" in done.stdout
    for name in ("mines", "claims", "verdicts", "totals", "trajectories", "natural_recovery"):
        rows = len(pd.read_parquet(tmp_path / f"{name}.parquet"))
        assert len(pd.read_csv(tmp_path / f"{name}.csv")) == rows
        assert len(gpd.read_file(tmp_path / f"{name}.gpkg")) == rows
        assert openpyxl.load_workbook(tmp_path / f"{name}.xlsx")[name].max_row == rows + 1
    verdicts = pd.read_csv(tmp_path / "verdicts.csv")
    assert {"核验结论", "上报修复面积 (公顷)"} <= set(verdicts.columns)
    assert set(verdicts["核验结论"]) <= {"支持", "部分支持", "不支持", "尚不能判定", "时间过短",
                                       "遥感不可判定", "无参照", "无数据"}  # fmt: skip


@pytest.mark.real_data("annual-composites-bc")
def test_pictures_of_real_composites(data_folder: Path, tmp_path: Path) -> None:
    workspace, folder = tmp_path / "w", data_folder / "composites"
    reverdure("init", workspace)
    reverdure("add", "mines", folder / "test_multiple_polygons.gpkg", "-w", workspace)
    rasters = sorted(folder.glob("20*.tif"))
    reverdure("add", "composites", *rasters, "-w", workspace, "--bands", BANDS, "--scale", 1)
    mine_id = gpd.read_file(workspace / "registry.gpkg", layer="mine")["mine_id"].iloc[0]
    reverdure("run", "-w", workspace, "--only", mine_id)
    reverdure("pictures", mine_id, "-w", workspace, "--colours", "false")
    (gif,) = (workspace / "pictures").glob("*.gif")
    assert n_frames(gif) == 10
    series = series_of(workspace, mine_id, "false")
    assert series.bands == ("swir2", "nir", "red")
    assert [year.year for year in series.years] == list(range(2002, 2012))
    assert {year.status for year in series.years} <= {
        PictureStatus.SHOWN, PictureStatus.NOTHING_CLEAR,
    }  # fmt: skip
    said = reverdure("export", "qgis", "-w", workspace).stdout
    assert "2002 to 2011" in said
