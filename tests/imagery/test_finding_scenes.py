import json
import re
from collections import Counter
from datetime import date

import numpy as np
import pytest

from reverdure.core.errors import UnreadableFile
from reverdure.core.grid import Grid
from reverdure.core.records import Progress
from reverdure.imagery.landsat import Scene, find_scenes, read_scene

PRODUCT = "LC08_L2SP_121041_20200715_20200912_02_T1"


def reasons(refusals):
    return [refusal.code for refusal in refusals]


def test_products_in_folders_of_their_own_nested_and_flat_beside_each_other_are_found(
    tmp_path, write_product
):
    write_product(tmp_path / "a" / "deep" / PRODUCT)
    flat = tmp_path / "flat"
    write_product(flat, "LE07_L2SP_121041_20030601_20200912_02_T1")
    write_product(flat, "LT05_L2SP_121041_19990601_20200912_02_T1")
    scenes, refusals = find_scenes(tmp_path)
    assert [(scene.sensor, scene.date) for scene in scenes] == [
        ("LT05", date(1999, 6, 1)),
        ("LE07", date(2003, 6, 1)),
        ("LC08", date(2020, 7, 15)),
    ]
    assert refusals == []
    assert scenes[0].files["swir2"].endswith("SR_B7.TIF")
    assert scenes[0].files["thermal"].endswith("ST_B6.TIF")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("LC08_L1TP_121041_20200715_20200912_02_T1_B4.TIF", "level_1"),
        ("LC08_L1TP_121041_20160715_20170912_01_T1_B4.TIF", "collection_1"),
        ("LC081210412016071501T1-SC20190912.tar.gz", "collection_1"),
        ("LC81210412016197LGN00_sr_band4.tif", "pre_collection"),
        ("LC08_CU_030006_20190114_20210503_02_SR_B2.TIF", "tile_product"),
        ("LC08_L2SP_121041_20200715_20200912_02_T1.tar", "packed_archive"),
        ("LM05_L2SP_121041_19900715_20200912_02_T1_SR_B1.TIF", "unknown_sensor"),
        ("LC08_L2SP_121041_20200231_20200912_02_T1_SR_B1.TIF", "no_qa_pixel"),
        ("elevation.tif", "not_landsat"),
    ],
)
def test_other_files_are_refused_by_kind_in_both_languages(tmp_path, name, code):
    (tmp_path / name).write_bytes(b"II*\0")
    scenes, refusals = find_scenes(tmp_path)
    assert (scenes, reasons(refusals)) == ([], [code])
    assert re.search("[\u4e00-\u9fff]", refusals[0].message_zh)
    assert not re.search("[\u4e00-\u9fff]", refusals[0].message)


@pytest.mark.parametrize(
    ("suffix", "code"),
    [("QA_PIXEL", "no_qa_pixel"), ("SR_B5", "missing_bands")],
)
def test_a_product_without_a_needed_file_is_refused(tmp_path, write_product, suffix, code):
    write_product(tmp_path, without=[suffix])
    scenes, refusals = find_scenes(tmp_path)
    assert (scenes, reasons(refusals)) == ([], [code])
    assert refusals[0].path.endswith(PRODUCT)


def test_a_partial_download_without_saturation_is_taken_and_says_so(tmp_path, write_product):
    write_product(tmp_path, without=["QA_RADSAT"])
    scenes, refusals = find_scenes(tmp_path)
    assert refusals == []
    assert not scenes[0].tells_saturation
    assert read_scene(scenes[0], scenes[0].grid).clear.values.any()


def test_a_product_without_temperature_is_accepted(tmp_path, write_product):
    write_product(tmp_path, without=["ST_B10"])
    scenes, _ = find_scenes(tmp_path)
    assert "thermal" not in scenes[0].files
    assert "thermal" not in scenes[0].scaling


def test_a_day_that_is_no_date_is_refused(tmp_path, write_product):
    write_product(tmp_path, "LC08_L2SP_121041_20200231_20200912_02_T1")
    assert reasons(find_scenes(tmp_path)[1]) == ["impossible_date"]


def test_a_scene_of_cloud_and_fill_holds_nothing_clear(tmp_path, write_product, grid):
    pixels = np.full(grid.shape, 22280, np.uint16)  # cloud
    pixels[:3] = 1  # fill
    pixels[3] = 2 | 4096  # dilated cloud
    write_product(tmp_path, numbers={"QA_PIXEL": pixels})
    assert reasons(find_scenes(tmp_path)[1]) == ["nothing_clear"]
    pixels[5, 5] = 21824
    write_product(tmp_path, numbers={"QA_PIXEL": pixels})
    scenes, refusals = find_scenes(tmp_path)
    assert refusals == []
    assert scenes[0].clear_share == pytest.approx(1 / 120)


@pytest.mark.parametrize("suffix", ["SR_B4", "ST_B10", "QA_PIXEL", "QA_RADSAT"])
def test_a_file_that_is_cut_off_is_refused_by_name(tmp_path, write_product, cut_off, suffix):
    write_product(tmp_path)
    cut_off(tmp_path / f"{PRODUCT}_{suffix}.TIF")
    scenes, refusals = find_scenes(tmp_path)
    assert (scenes, reasons(refusals)) == ([], ["unreadable"])
    assert f"{suffix}.TIF" in refusals[0].message
    assert f"{suffix}.TIF" in refusals[0].message_zh


def test_an_empty_file_is_refused(tmp_path, write_product):
    write_product(tmp_path)
    (tmp_path / f"{PRODUCT}_SR_B4.TIF").write_bytes(b"")
    assert reasons(find_scenes(tmp_path)[1]) == ["unreadable"]


def test_a_band_without_crs_converted_or_on_another_grid_is_refused(
    tmp_path, write_product, write_raster, grid
):
    numbers = np.full(grid.shape, 9_000, np.uint16)
    other = Grid(grid.crs, grid.west + 30, grid.north, 30.0, *grid.shape)
    cases = {
        "no_crs": (numbers, grid, None),
        "wrong_type": (numbers.astype(np.float32) / 1e4, grid, grid.crs),
        "grid_mismatch": (numbers, other, grid.crs),
    }
    for code, (values, on, crs) in cases.items():
        folder = write_product(tmp_path / code)
        write_raster(folder / f"{PRODUCT}_SR_B5.TIF", values, on, crs=crs)
        assert reasons(find_scenes(folder)[1]) == [code]


def test_of_one_scene_processed_twice_the_newest_is_kept(tmp_path, write_product):
    old = "LC08_L2SP_121041_20200715_20200912_02_T1"
    new = "LC08_L2SP_121041_20200715_20221001_02_T1"
    for product in (new, old):
        write_product(tmp_path / product, product)
    write_product(tmp_path / "again", new)
    scenes, refusals = find_scenes(tmp_path)
    assert [scene.scene_id for scene in scenes] == [new]
    assert reasons(refusals) == ["duplicate", "duplicate"]
    assert all(new in refusal.message for refusal in refusals)


def test_where_the_newest_processing_cannot_be_read_the_older_is_kept(
    tmp_path, write_product, cut_off
):
    new = "LC08_L2SP_121041_20200715_20221001_02_T1"
    write_product(tmp_path / "old")
    write_product(tmp_path / "new", new)
    cut_off(tmp_path / "new" / f"{new}_SR_B2.TIF")
    scenes, refusals = find_scenes(tmp_path)
    assert [scene.scene_id for scene in scenes] == [PRODUCT]
    assert reasons(refusals) == ["unreadable"]


TEXT = """GROUP = LANDSAT_METADATA_FILE
  GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS
    REFLECTANCE_MULT_BAND_4 = 2.5e-05
    REFLECTANCE_ADD_BAND_4 = -0.1
  END_GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS
  GROUP = LEVEL2_SURFACE_TEMPERATURE_PARAMETERS
    TEMPERATURE_MULT_BAND_ST_B10 = 0.003
    TEMPERATURE_ADD_BAND_ST_B10 = 150.0
  END_GROUP = LEVEL2_SURFACE_TEMPERATURE_PARAMETERS
  GROUP = LEVEL1_RADIOMETRIC_RESCALING
    REFLECTANCE_MULT_BAND_4 = 2.0000E-05
    REFLECTANCE_ADD_BAND_4 = -0.100000
  END_GROUP = LEVEL1_RADIOMETRIC_RESCALING
END_GROUP = LANDSAT_METADATA_FILE
END
"""


def test_factors_stated_in_the_metadata_are_used_and_the_documented_ones_elsewhere(
    tmp_path, write_product
):
    write_product(tmp_path, metadata=TEXT)
    scaling = find_scenes(tmp_path)[0][0].scaling
    assert scaling["red"] == (2.5e-05, -0.1)
    assert scaling["thermal"] == (0.003, 150.0)
    assert scaling["blue"] == (2.75e-5, -0.2)


def test_metadata_as_json_says_the_same_as_text(tmp_path, write_product):
    stated = {"REFLECTANCE_MULT_BAND_4": "2.5e-05", "REFLECTANCE_ADD_BAND_4": "-0.1"}
    document = {"LANDSAT_METADATA_FILE": {"LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": stated}}
    write_product(tmp_path)
    (tmp_path / f"{PRODUCT}_MTL.json").write_text(json.dumps(document), encoding="utf-8")
    assert find_scenes(tmp_path)[0][0].scaling["red"] == (2.5e-05, -0.1)


@pytest.mark.parametrize("text", ["", "not metadata", TEXT.replace("2.5e-05", "zero")])
def test_metadata_that_makes_no_sense_is_a_reason_to_refuse(tmp_path, write_product, text):
    write_product(tmp_path, metadata=text)
    assert reasons(find_scenes(tmp_path)[1]) == ["unreadable"]


def test_a_scene_comes_back_from_json_as_it_was(tmp_path, write_product):
    write_product(tmp_path)
    scene = find_scenes(tmp_path)[0][0]
    assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


def test_the_fingerprint_changes_with_a_file_and_with_the_stated_factor(tmp_path, write_product):
    write_product(tmp_path)
    before = find_scenes(tmp_path)[0][0].fingerprint
    assert find_scenes(tmp_path)[0][0].fingerprint == before
    write_product(tmp_path, numbers={"SR_B4": 12_345})
    changed = find_scenes(tmp_path)[0][0].fingerprint
    write_product(tmp_path, numbers={"SR_B4": 12_345}, metadata=TEXT)
    assert len({before, changed, find_scenes(tmp_path)[0][0].fingerprint}) == 3


def test_progress_counts_every_product(tmp_path, write_product):
    write_product(tmp_path / "a")
    write_product(tmp_path / "b", "LT05_L2SP_121041_19990601_20200912_02_T1")
    seen = []
    find_scenes(tmp_path, seen.append)
    assert seen == [Progress("scenes", 1, 2), Progress("scenes", 2, 2)]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnreadableFile, match="nowhere"):
        find_scenes(tmp_path / "nowhere")
    assert find_scenes(tmp_path) == ([], [])


@pytest.mark.real_data("landsat-c2l2-scenes")
def test_of_four_real_scenes_two_hold_nothing_clear(data_folder):
    scenes, refusals = find_scenes(data_folder)
    assert {scene.scene_id[10:16]: round(scene.clear_share, 2) for scene in scenes} == {
        "005009": 0.22,
        "001070": 0.12,
    }
    assert all(scene.scaling["nir"] == (2.75e-5, -0.2) for scene in scenes)
    assert all(scene.scaling["thermal"] == (0.00341802, 149.0) for scene in scenes)
    assert reasons(refusals) == ["nothing_clear", "nothing_clear"]
    assert [refusal.path[-40:] for refusal in refusals] == [
        "LC08_L2SP_017036_20130419_20200913_02_T2",
        "LC08_L2SR_099120_20191129_20201016_02_T2",
    ]


@pytest.mark.real_data("landsat8-mendoza")
def test_a_real_scene_from_before_the_collections_is_refused(data_folder):
    scenes, refusals = find_scenes(data_folder)
    assert scenes == []
    assert Counter(reasons(refusals)) == {"pre_collection": 1}
    assert refusals[0].path.endswith("LC82320832016040LGN00")
