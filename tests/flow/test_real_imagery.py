"""Real rasters and scenes by command: add, run, explain, show, report; or refused with a reason."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from reverdure.core.codes import Verdict
from tests.flow.commands import reverdure

BANDS = "blue,green,red,nir,swir1,swir2"


def registered_mines(workspace: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(workspace / "registry.gpkg", layer="mine")


def look_at(workspace: Path, mine_id: str) -> str:
    """Run, show and open the report, as a person would; returns what `explain` says."""
    reverdure("run", "-w", workspace)
    assert "Claimed" in reverdure("show", "-w", workspace).stdout
    assert (workspace / "report" / "index.html").stat().st_size > 5000
    assert list((workspace / "report" / "mines").glob("*.html"))
    return reverdure("explain", mine_id, "-w", workspace).stdout


@pytest.mark.real_data("annual-composites-bc")
def test_composites_made_elsewhere_are_measured(data_folder: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    folder = data_folder / "composites"
    reverdure("init", workspace)
    mines = folder / "test_multiple_polygons.gpkg"
    reverdure("add", "mines", mines, "-w", workspace)
    registered = registered_mines(workspace)
    assert len(registered) == 5
    dates = gpd.read_file(mines)
    claims = pd.DataFrame(
        {
            "claim_id": [f"C{number}" for number in range(5)],
            "mine_id": registered.sort_values("source_row")["mine_id"].to_numpy(),
            "year": dates["rest_start"],
            "start_year": dates["rest_start"],
            "claimed_ha": dates.geometry.area / 1e4,
            "aim": "forest",
        }
    )
    claims.to_csv(tmp_path / "claims.csv", index=False)
    reverdure("add", "claims", tmp_path / "claims.csv", "-w", workspace)
    rasters = sorted(folder.glob("20*.tif"))
    done = reverdure("add", "composites", *rasters, "-w", workspace, "--bands", BANDS, "--scale", 1)
    assert "10 years, 2002 to 2011" in done.stdout
    assert "2011" in done.stdout.split("10 years")[0], "its zeros stand for nothing: say so"
    text = look_at(workspace, registered["mine_id"].iloc[0])
    assert "2005.tif" in text
    verdicts = pd.read_parquet(workspace / "products" / "verdicts.parquet")
    assert len(verdicts) == 5
    assert {Verdict.from_key(key) for key in verdicts["verdict"]}
    assert (verdicts["ground_ha"] > 4).all()


@pytest.mark.real_data("gee-landtrendr-scenes")
def test_an_index_stack_of_33_years_is_measured(data_folder: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    with rasterio.open(data_folder / "forest_or_distyear.tif") as source:
        year, loss = source.read()
        west, north, crs = source.bounds.left, source.bounds.top, source.crs
    with rasterio.open(data_folder / "forest_or_source.tif") as source:
        assert source.count == 33
    # three drawn squares of 7 x 7 pixels around the clearest losses, apart from each other
    squares, years = [], []
    strength = np.where((year > 1990) & (year < 2010), loss, 0.0)
    for _ in range(3):
        row, column = np.unravel_index(
            strength[6:-6, 6:-6].argmax(), (year.shape[0] - 12,) * 1 + (year.shape[1] - 12,)
        )
        row, column = row + 6, column + 6
        corners = [
            (west + (column + c) * 30.0, north - (row + r) * 30.0)
            for c, r in ((-3, -3), (4, -3), (4, 4), (-3, 4))
        ]
        squares.append(shapely.Polygon(corners))
        block = (slice(row - 3, row + 4), slice(column - 3, column + 4))
        lost = loss[block] > 200
        years.append(int(np.median(year[block][lost])))
        strength[max(row - 10, 0) : row + 11, max(column - 10, 0) : column + 11] = 0
    drawn = gpd.GeoDataFrame({"mine_id": ["D1", "D2", "D3"]}, geometry=squares, crs=crs).to_crs(
        4326
    )
    drawn.to_file(tmp_path / "mines.geojson")
    claims = pd.DataFrame(
        {
            "claim_id": ["C1", "C2", "C3"],
            "mine_id": ["D1", "D2", "D3"],
            "year": [y + 5 for y in years],
            "claimed_ha": 4.41,
            "aim": "forest",
        }
    )
    claims.to_csv(tmp_path / "claims.csv", index=False)
    reverdure("init", workspace)
    reverdure("add", "mines", tmp_path / "mines.geojson", "-w", workspace)
    reverdure("add", "claims", tmp_path / "claims.csv", "-w", workspace)
    raster = tmp_path / "nbr.tif"
    shutil.copyfile(data_folder / "forest_or_source.tif", raster)
    options = ["--index", "nbr", "--years", "1984-2016", "--scale", 1000]
    reverdure("add", "composites", raster, "-w", workspace, *options)
    text = look_at(workspace, "D1")
    assert "nbr.tif" in text
    verdicts = pd.read_parquet(workspace / "products" / "verdicts.parquet").set_index("mine_id")
    assert list(verdicts["indices"]) == ["nbr"] * 3
    for mine_id, lost_in in zip(("D1", "D2", "D3"), years, strict=True):
        assert abs(verdicts.loc[mine_id, "damage_year"] - lost_in) <= 1


@pytest.mark.real_data("landsat-c2l2-scenes")
def test_real_scenes_are_taken_or_refused_with_the_reason(
    data_folder: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    reverdure("init", workspace)
    done = reverdure("add", "scenes", data_folder, "-w", workspace)
    assert "accepted 2 (2 new), refused 2" in done.stdout
    for product in ("LC08_L2SP_017036_20130419", "LC08_L2SR_099120_20191129"):
        line = next(line for line in done.stdout.splitlines() if product in line)
        assert "clear" in line
    again = reverdure("add", "scenes", data_folder, "-w", workspace)
    assert "accepted 2 (0 new)" in again.stdout


@pytest.mark.real_data("landsat8-mendoza")
def test_scenes_without_qa_are_refused(data_folder: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    reverdure("init", workspace)
    done = reverdure("add", "scenes", data_folder / "inst" / "extdata", "-w", workspace, expect=1)
    assert "accepted 0" in done.stdout
    assert "LC82320832016040LGN00" in done.stdout


@pytest.mark.real_data("rescaled-not-reflectance")
def test_values_rescaled_to_0_1_are_refused(data_folder: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    reverdure("init", workspace)
    rasters = sorted(data_folder.glob("*.tif"))
    done = reverdure("add", "composites", *rasters, "-w", workspace, "--bands", BANDS, expect=1)
    assert "not_reflectance" in done.stderr
    assert "Traceback" not in done.stderr
