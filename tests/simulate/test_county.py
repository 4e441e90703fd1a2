"""What is written: layout, metadata, repeatability, refusals, and how the bands look."""

import hashlib
import json
import re
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
from scipy import ndimage

from reverdure.core.errors import InvalidInput, WorkspaceExists
from reverdure.simulate.county import County, SimulationSummary, make_county, simulate
from reverdure.simulate.landscape import CELLS_PER_PIXEL, FOREST, MARGIN_PIXELS

Small = tuple[Path, SimulationSummary]
OLI_BANDS = [*(f"SR_B{n}" for n in range(1, 8)), "ST_B10"]
QA = ["QA_PIXEL", "QA_RADSAT"]


def read(scene: Path, layer: str) -> np.ndarray:
    with rasterio.open(scene / f"{scene.name}_{layer}.TIF") as source:
        return source.read(1)


def scenes(folder: Path) -> list[Path]:
    return sorted((folder / "scenes").iterdir())


def test_the_same_seed_gives_the_same_files(small: Small, tmp_path: Path) -> None:
    folder, summary = small
    again = simulate(tmp_path / "again", n_mines=4, n_years=6, seed=3)
    assert again == summary

    def digests(root: Path) -> dict[str, str]:
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            # a GeoPackage carries the time it was written
            if path.is_file() and path.suffix != ".gpkg"
        }

    assert digests(tmp_path / "again") == digests(folder)


def test_another_seed_gives_another_county(small_in_memory: County) -> None:
    other = make_county(n_mines=4, n_years=6, seed=4)
    assert not other.sites[0].outline.equals(small_in_memory.sites[0].outline)
    assert not np.array_equal(other.landscape.elevation, small_in_memory.landscape.elevation)


def test_everything_promised_is_there(small: Small) -> None:
    folder, summary = small
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "mines.gpkg", "claims.csv", "counties.gpkg", "dem.tif", "cover.tif", "scenes", "truth",
        "truth.parquet",
    }  # fmt: skip
    assert (folder / "truth" / "damage_year.tif").is_file()
    assert summary.n_mines == 4
    assert summary.n_scenes == len(scenes(folder))
    assert (summary.first_year, summary.last_year) == (2019, 2024)


def test_a_scene_has_the_layers_and_the_grid_of_a_real_one(small: Small) -> None:
    for scene in scenes(small[0]):
        assert re.fullmatch(r"L[TEC]0[578]_L2SP_121041_\d{8}_\d{8}_02_T1", scene.name)
        layers = {path.stem.removeprefix(scene.name + "_") for path in scene.glob("*.TIF")}
        assert layers == {*OLI_BANDS, *QA}
        with rasterio.open(scene / f"{scene.name}_SR_B4.TIF") as source:
            assert source.crs.to_epsg() == 32650
            assert source.dtypes == ("uint16",)
            assert source.nodata == 0
            assert source.res == (30, 30)
            # corners of Landsat pixels lie 15 m off whole multiples of 30 m
            assert source.bounds.left % 30 == 15
            assert source.bounds.top % 30 == 15
            assert source.tags()["AREA_OR_POINT"] == "Point"


@pytest.mark.real_data("landsat-c2l2-scenes")
def test_metadata_use_the_keys_of_a_real_file(small: Small, data_folder: Path) -> None:
    real_file = next(data_folder.rglob("*MTL.json"))
    real = json.loads(real_file.read_text())["LANDSAT_METADATA_FILE"]
    scene = scenes(small[0])[0]
    ours = json.loads((scene / f"{scene.name}_MTL.json").read_text())["LANDSAT_METADATA_FILE"]
    for group, entries in ours.items():
        assert set(entries) <= set(real[group]), group
    for group, pattern in [
        ("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", "REFLECTANCE_(MULT|ADD)_BAND_"),
        ("LEVEL2_SURFACE_TEMPERATURE_PARAMETERS", "TEMPERATURE_(MULT|ADD)_BAND_"),
    ]:
        scaling = {key: value for key, value in real[group].items() if re.match(pattern, key)}
        assert scaling
        assert scaling.items() <= ours[group].items()


def test_the_text_form_says_what_the_json_form_says(small: Small) -> None:
    scene = scenes(small[0])[0]
    groups = json.loads((scene / f"{scene.name}_MTL.json").read_text())["LANDSAT_METADATA_FILE"]
    text = (scene / f"{scene.name}_MTL.txt").read_text()
    stated = dict(re.findall(r"^    (\w+) = \"?([^\"\n]*)\"?$", text, re.MULTILINE))
    assert stated == {key: value for group in groups.values() for key, value in group.items()}
    assert f"DATE_ACQUIRED = {groups['IMAGE_ATTRIBUTES']['DATE_ACQUIRED']}\n" in text
    assert 'COLLECTION_CATEGORY = "T1"\n' in text


def test_forest_and_bare_mine_look_like_it(small: Small, small_in_memory: County) -> None:
    folder, _ = small
    with rasterio.open(folder / "truth" / "damage_year.tif") as source:
        damage = source.read(1)
    inner = slice(MARGIN_PIXELS * CELLS_PER_PIXEL + 3, -MARGIN_PIXELS * CELLS_PER_PIXEL or None)
    step = slice(inner.start, inner.stop, CELLS_PER_PIXEL)
    forest = (small_in_memory.landscape.kind[step, step] == FOREST) & (damage == 0)
    seen: dict[str, list[tuple[float, float]]] = {"forest": [], "bare": []}
    for scene in scenes(folder):
        year, month = int(scene.name[17:21]), int(scene.name[21:23])
        if not 6 <= month <= 9:
            continue
        clear = (read(scene, "QA_PIXEL") & 0b11111) == 0
        red, nir, swir = (read(scene, f"SR_B{n}") * 2.75e-5 - 0.2 for n in (4, 5, 7))
        ndvi, nbr = (nir - red) / (nir + red), (nir - swir) / (nir + swir)
        core = ndimage.binary_erosion((damage > 0) & (damage <= year), np.ones((3, 3)))
        for name, here in (("forest", forest & clear), ("bare", core & clear & (damage == year))):
            if here.sum() >= 5:
                seen[name].append((float(np.median(ndvi[here])), float(np.median(nbr[here]))))
    forest_ndvi, forest_nbr = np.median(seen["forest"], axis=0)
    bare_ndvi, bare_nbr = np.median(seen["bare"], axis=0)
    assert 0.80 <= forest_ndvi <= 0.90
    assert 0.60 <= forest_nbr <= 0.70
    assert 0.05 <= bare_ndvi <= 0.25
    assert -0.05 <= bare_nbr <= 0.12


def test_clouds_are_bright_and_cold_and_flagged(small: Small) -> None:
    cloudy, n_shadows = 0, 0
    for scene in scenes(small[0]):
        quality = read(scene, "QA_PIXEL")
        cloud, dilated = (quality & 0b1000) > 0, (quality & 0b10) > 0
        clear = (quality & 0b11111) == 0
        assert not (cloud & dilated).any()
        # confidence of cloud is high exactly where the bit is set
        assert np.array_equal(cloud, (quality >> 8 & 3) == 3)
        assert np.array_equal(~cloud & ~dilated, (quality >> 6 & 1) == 1)
        n_shadows += int(((quality & 0b10000) > 0).sum())
        if cloud.sum() > 500 and clear.sum() > 500:
            cloudy += 1
            blue, heat = read(scene, "SR_B2"), read(scene, "ST_B10")
            assert np.median(blue[cloud]) > 2 * np.median(blue[clear])
            assert np.median(heat[cloud]) < np.median(heat[clear])
            assert dilated.any()
    assert cloudy >= 3
    assert n_shadows > 500


def test_clear_land_has_the_value_of_the_real_files(small: Small) -> None:
    values = np.concatenate([np.unique(read(scene, "QA_PIXEL")) for scene in scenes(small[0])])
    # 21824 clear land, 21952 clear water, 22280 cloud, 21762 dilated, 23888 shadow
    assert {21824, 21952, 22280, 21762, 23888} <= set(values.tolist())


def test_reflectance_counts_stay_in_the_range_of_the_format(small: Small) -> None:
    for scene in scenes(small[0]):
        for layer in OLI_BANDS:
            counts = read(scene, layer)
            assert counts.min() > 0
            # under -0.05 lies only what a real scene has in deep shadow
            if layer.startswith("SR"):
                assert (counts < 5455).mean() < 0.001


def test_the_list_is_readable_and_in_mu(small: Small, small_in_memory: County) -> None:
    mines = geopandas.read_file(small[0] / "mines.gpkg")
    assert list(mines["mine_id"]) == ["M00001", "M00002", "M00003", "M00004"]
    area_ha = mines.to_crs("EPSG:32650").area / 1e4
    assert np.allclose(mines["面积(亩)"] / 15, area_ha, rtol=0.5)
    true_ha = np.array([site.area_ha for site in small_in_memory.sites])
    # mu taken for hectares would be fifteen times as much
    assert np.allclose(mines["面积(亩)"] / 15, true_ha, rtol=0.2)
    counties = geopandas.read_file(small[0] / "counties.gpkg")
    assert set(mines["county"].dropna()) <= set(counties["county"])


def test_claims_point_at_mines_and_the_truth_at_claims(small: Small) -> None:
    claims = pd.read_csv(small[0] / "claims.csv")
    truth = pd.read_parquet(small[0] / "truth.parquet")
    mines = geopandas.read_file(small[0] / "mines.gpkg")
    assert list(truth.columns) == [
        "claim_id", "kind", "restored_ha", "damage_year", "is_true",
        "restored_before_start_ha", "claimed_before_ha", "payable_ha",
    ]  # fmt: skip
    # nothing of an ordinary claim is green too early or claimed elsewhere
    assert (truth["payable_ha"] == truth["restored_ha"]).all()
    assert set(claims["mine_id"]) == set(mines["mine_id"])
    assert list(claims["claim_id"]) == list(truth["claim_id"])
    assert (claims["start_year"] <= claims["year"]).all()
    assert truth["damage_year"].between(2020, 2024).all()


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(WorkspaceExists, match="not empty"):
        simulate(tmp_path, n_mines=1, n_years=6)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("wrong", [{"n_mines": 0}, {"n_years": 5}, {"n_years": 42}, {"seed": -1}])
def test_impossible_counties_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="expected"):
        simulate(tmp_path / "county", **{"n_mines": 1, "n_years": 6, **wrong})
    assert not (tmp_path / "county").exists()
