"""`reverdure rsei`: from a measured workspace to a table of every mine and year."""

import re
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from reverdure.core.fields import RSEI, RSEI_YEARS
from reverdure.pipeline.rsei import SETTING
from reverdure.store.workspace import Workspace
from tests.flow.commands import reverdure


def rasters(workspace: Path, kind: str = "products/rsei") -> dict[str, bytes]:
    """Bytes of every raster of a kind, by its place."""
    folder = workspace / kind
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.tif"))}


def tables(workspace: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    products = workspace / "products"
    return pd.read_parquet(products / "rsei.parquet"), pd.read_parquet(
        products / "rsei_years.parquet"
    )


def change_setting(workspace: Path, name: str, value: object) -> None:
    path = workspace / "reverdure.toml"
    text = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8")


def actions(workspace: Path) -> list[str]:
    rows = Workspace.open(workspace).database.rows("audit", ["number", "action"])
    return [row["action"] for row in rows if "RSEI" in row["action"]]


@pytest.fixture(scope="module")
def indexed(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the measured county with its ecological index, and tables beside it."""
    folder = tmp_path_factory.mktemp("indexed")
    shutil.copytree(measured, folder / "w")
    done = reverdure("rsei", "-w", folder / "w", "--out", folder / "out")
    assert "found from all years and kept" in done.stdout
    return folder / "w"


def test_it_reads_the_composites_of_the_run_and_leaves_them_as_they_are(measured, indexed):
    assert rasters(indexed, "cubes") == rasters(measured, "cubes")
    assert (indexed / "report" / "index.html").read_bytes() == (
        measured / "report" / "index.html"
    ).read_bytes()


def test_every_mine_and_year_has_a_row_with_its_status(indexed):
    mines, years = tables(indexed)
    assert list(mines.columns) == RSEI.columns
    assert list(years.columns) == RSEI_YEARS.columns
    assert len(mines) == mines["mine_id"].nunique() * 10
    measured = mines["status"] == "measured"
    assert measured.mean() > 0.5
    assert mines.loc[measured, "rsei"].between(0, 1).all()
    assert mines.loc[~measured, "rsei_difference"].isna().all()
    bare = mines[measured].groupby("mine_id")["rsei_difference"].min()
    assert (bare < -0.3).all()


def test_loadings_of_basis_and_years_are_sane(indexed):
    _, years = tables(indexed)
    assert years["year"].isna().sum() == 1
    assert (years["own_status"] == "measured").all()
    assert (years[["greenness", "wetness"]] > 0.2).all(axis=None)
    assert (years[["dryness", "heat"]] < -0.1).all(axis=None)
    assert years["share"].between(0.6, 0.95).all()
    assert (years["sensors"] == "LC08").all()


def test_land_that_is_no_mine_stays_flat(indexed):
    mines, years = tables(indexed)
    loose = years["reference_level"].dropna().iloc[1:]
    # what weather, haze and calibration did to it before it was brought level
    assert np.ptp(loose) > 0.03
    means = []
    for folder in sorted((indexed / "products" / "rsei").iterdir()):
        numbers = []
        for path in folder.glob("*.tif"):
            with rasterio.open(path) as source:
                index = source.read(1)
            numbers.append(index[index != -32768])
        means.append(np.concatenate(numbers).mean() * 1e-4)
    assert len(means) == 10
    # mines, a hundredth of the land, are in it
    assert np.ptp(means) < 0.01
    around = mines.groupby("mine_id")["rsei_around"]
    assert (around.max() - around.min()).max() < 0.02


def test_what_is_lost_is_made_again_with_the_same_bytes(indexed):
    before, (mines, years) = rasters(indexed), tables(indexed)
    lost = sorted((indexed / "products" / "rsei").rglob("*.tif"))[::7]
    for path in lost:
        path.unlink()
    done = reverdure("rsei", "-w", indexed, language="zh")
    assert f"新生成栅格{len(lost)}/{len(before)}" in done.stdout
    assert "沿用已固定的基准" in done.stdout
    assert rasters(indexed) == before
    again = tables(indexed)
    pd.testing.assert_frame_equal(again[0], mines)
    pd.testing.assert_frame_equal(again[1], years)


def test_a_further_year_moves_none_before_and_a_refit_is_recorded(measured, tmp_path):
    workspace = tmp_path / "w"
    shutil.copytree(measured, workspace)
    last = max(int(p.name) for p in (workspace / "cubes" / "composites").iterdir())
    change_setting(workspace, "last_year", last - 2)
    reverdure("rsei", "-w", workspace)
    early, fit = rasters(workspace), Workspace.open(workspace).database.setting(SETTING)["fit"]
    change_setting(workspace, "last_year", 0)
    done = reverdure("rsei", "-w", workspace)
    assert fit["loadings"] == Workspace.open(workspace).database.setting(SETTING)["fit"]["loadings"]
    later = rasters(workspace)
    assert {name: later[name] for name in early} == early
    assert len(later) > len(early)
    around = tables(workspace)[0].groupby("mine_id")["rsei_around"]
    assert (around.max() - around.min()).max() < 0.02
    assert actions(workspace) == ["fit RSEI", "RSEI references"]
    done = reverdure("rsei", "-w", workspace, "--refit-rsei")
    assert "found anew" in done.stdout
    assert actions(workspace)[-1] == "refit RSEI"
    assert set(rasters(workspace)).isdisjoint(early)


def test_the_size_of_tiles_changes_no_number(measured, indexed, tmp_path):
    workspace = tmp_path / "w"
    shutil.copytree(measured, workspace)
    change_setting(workspace, "tile_pixels", 100)
    reverdure("rsei", "-w", workspace)
    for found, expected in zip(tables(workspace), tables(indexed), strict=True):
        pd.testing.assert_frame_equal(found, expected)


def test_the_folder_asked_for_holds_tables_for_spreadsheets_and_the_rasters(indexed):
    out = indexed.parent / "out"
    assert (out / "rsei.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    pd.testing.assert_series_equal(
        pd.read_csv(out / "rsei.csv")["rsei"], tables(indexed)[0]["rsei"], check_dtype=False
    )
    assert len(list(out.rglob("*.tif"))) == len(rasters(indexed))
    with rasterio.open(sorted(out.rglob("*.tif"))[0]) as source:
        assert source.descriptions == ("rsei", "status")
        assert source.scales[0] == pytest.approx(1e-4)


def test_declared_rasters_without_temperature_are_refused_with_their_reason(tmp_path):
    rng = np.random.default_rng(0)
    for year in (2001, 2002):
        with rasterio.open(
            tmp_path / f"{year}.tif", "w", driver="GTiff", width=250, height=250, count=6,
            dtype="int16", crs="EPSG:32650", transform=rasterio.Affine(30, 0, 5e5, 0, -30, 3e6),
        ) as sink:  # fmt: skip
            for band, level in enumerate((300, 600, 500, 3000, 1800, 900), start=1):
                sink.write(rng.normal(level, 30, (250, 250)).astype(np.int16), band)
    mine = shapely.box(503000, 2996000, 503200, 2996200)
    gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[mine], crs=32650).to_file(tmp_path / "m.gpkg")
    workspace = tmp_path / "w"
    reverdure("init", workspace)
    reverdure("add", "mines", tmp_path / "m.gpkg", "-w", workspace)
    reverdure(
        "add", "composites", tmp_path / "2001.tif", tmp_path / "2002.tif", "-w", workspace,
        "--bands", "blue,green,red,nir,swir1,swir2", "--scale", 10000,
    )  # fmt: skip
    done = reverdure("rsei", "-w", workspace)
    assert "No ecological index: no surface temperature" in done.stdout
    mines, years = tables(workspace)
    assert (mines["status"] == "no_thermal").all()
    assert (years["status"] == "no_thermal").all()
    assert mines["rsei"].isna().all()
    assert Workspace.open(workspace).database.setting(SETTING) is None


@pytest.mark.real_data("landsat8-mendoza")
def test_declared_rasters_with_a_temperature_have_an_index(data_folder, tmp_path):
    """Real bands of Landsat 8 stacked by hand; temperature at the sensor, kelvin x 100."""
    folder, scene = data_folder / "inst" / "extdata", "LC82320832016040LGN00"
    text = (folder / f"{scene}_MTL.txt").read_text()
    stated = dict(line.strip().split(" = ") for line in text.splitlines() if " = " in line)
    layers = []
    for number in range(2, 8):
        with rasterio.open(folder / f"{scene}_sr_band{number}.tif") as source:
            layers.append(source.read(1).astype(np.int32))
            profile, bounds, crs = source.profile, source.bounds, source.crs
    with rasterio.open(folder / f"{scene}_band10.tif") as source:
        counts = source.read(1).astype(np.float64)
    radiance = counts * float(stated["RADIANCE_MULT_BAND_10"])
    radiance += float(stated["RADIANCE_ADD_BAND_10"])
    k1, k2 = float(stated["K1_CONSTANT_BAND_10"]), float(stated["K2_CONSTANT_BAND_10"])
    layers.append(np.round(100 * k2 / np.log(k1 / radiance + 1)).astype(np.int32))
    profile |= {"count": 7, "dtype": "int32", "nodata": None, "driver": "GTiff"}
    with rasterio.open(tmp_path / "mendoza_2016.tif", "w", **profile) as sink:
        sink.write(np.stack(layers))
    x, y = (bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2
    mine = shapely.box(x - 150, y - 150, x + 150, y + 150)
    gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[mine], crs=crs).to_file(tmp_path / "m.gpkg")
    workspace = tmp_path / "w"
    reverdure("init", workspace, "--season", "11-01:03-31")
    reverdure("add", "mines", tmp_path / "m.gpkg", "-w", workspace)
    said = ("--bands", "blue,green,red,nir,swir1,swir2,thermal", "--scale", 10_000)
    add = ("add", "composites", tmp_path / "mendoza_2016.tif", "-w", workspace, *said)
    refused = reverdure(*add, "--thermal", "LC08", expect=1, language="zh")
    assert "地表温度应在" in refused.stderr
    assert "--thermal SENSOR:100" in refused.stderr
    reverdure(*add, "--thermal", "LC08:100")
    done = reverdure("rsei", "-w", workspace)
    assert "found from all years and kept" in done.stdout
    mines, years = tables(workspace)
    basis = years[years["year"].isna()].iloc[0]
    # RECOVERY 4.4: what single dates elsewhere came to
    assert basis["greenness"] > 0.4
    assert basis["wetness"] > 0.25
    assert basis["dryness"] < -0.4
    assert basis["heat"] < 0
    assert basis["share"] > 0.6
    assert basis["sensors"] == "LC08"
    assert mines["status"].tolist() == ["measured"]
    assert mines["rsei"].between(0, 1).all()
    assert 290 < years["reference_k"].dropna().iloc[0] < 325
