"""Products of the older satellites: band numbers, scale factors, missing pixels, saturation."""

import datetime
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from reverdure.core.grid import Grid
from reverdure.simulate.passes import Overpass
from reverdure.simulate.products import Image, product_id, write_product

GRID = Grid("EPSG:32650", 390_015.0, 3_120_015.0, 30.0, 20, 30)


def overpass(sensor: str) -> Overpass:
    return Overpass(0, sensor, datetime.date(2012, 7, 2), 0.0, 65.0, 100.0, 0.0, 0.0)


def image() -> Image:
    levels = np.array([0.03, 0.06, 0.04, 0.35, 0.18, 0.08], np.float32)
    reflectance = np.tile(levels[:, None, None], (1, *GRID.shape))
    reflectance[:, 0, 0] = 0.9
    reflectance[0, 0, 1] = -0.3
    missing = np.zeros(GRID.shape, bool)
    missing[5] = True
    quality = np.full(GRID.shape, 5440, np.uint16)
    return Image(reflectance, np.full(GRID.shape, 300.0, np.float32), quality, missing)


def read(folder: Path, name: str, layer: str) -> np.ndarray:
    with rasterio.open(folder / name / f"{name}_{layer}.TIF") as source:
        return source.read(1)


@pytest.mark.parametrize("sensor", ["LT05", "LE07"])
def test_older_satellites_number_their_bands_as_they_do(tmp_path: Path, sensor: str) -> None:
    scene = overpass(sensor)
    size = write_product(tmp_path, GRID, scene, image())
    name = product_id(scene)
    assert name == f"{sensor}_L2SP_121041_20120702_20200912_02_T1"
    layers = {path.stem.removeprefix(name + "_") for path in (tmp_path / name).glob("*.TIF")}
    assert layers == {
        "SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7", "ST_B6", "QA_PIXEL", "QA_RADSAT",
    }  # fmt: skip
    assert size == sum(path.stat().st_size for path in (tmp_path / name).iterdir())
    groups = json.loads((tmp_path / name / f"{name}_MTL.json").read_text())
    groups = groups["LANDSAT_METADATA_FILE"]
    assert groups["PRODUCT_CONTENTS"]["FILE_NAME_BAND_7"] == f"{name}_SR_B7.TIF"
    assert groups["PRODUCT_CONTENTS"]["FILE_NAME_BAND_ST_B6"] == f"{name}_ST_B6.TIF"
    assert groups["IMAGE_ATTRIBUTES"]["SPACECRAFT_ID"] == f"LANDSAT_{sensor[-1]}"
    scaling = groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"]
    for number, level in zip((1, 2, 3, 4, 5, 7), (0.03, 0.06, 0.04, 0.35, 0.18, 0.08), strict=True):
        scale = float(scaling[f"REFLECTANCE_MULT_BAND_{number}"])
        offset = float(scaling[f"REFLECTANCE_ADD_BAND_{number}"])
        counts = read(tmp_path, name, f"SR_B{number}")
        assert counts[10, 10] * scale + offset == pytest.approx(level, abs=2e-5)
    thermal = groups["LEVEL2_SURFACE_TEMPERATURE_PARAMETERS"]
    kelvin = read(tmp_path, name, "ST_B6")[10, 10] * float(thermal["TEMPERATURE_MULT_BAND_ST_B6"])
    kelvin += float(thermal["TEMPERATURE_ADD_BAND_ST_B6"])
    assert kelvin == pytest.approx(300, abs=0.01)


def test_missing_pixels_are_fill_everywhere(tmp_path: Path) -> None:
    scene = overpass("LE07")
    write_product(tmp_path, GRID, scene, image())
    name = product_id(scene)
    for layer in ("SR_B1", "SR_B7", "ST_B6", "QA_RADSAT"):
        assert (read(tmp_path, name, layer)[5] == 0).all()
    quality = read(tmp_path, name, "QA_PIXEL")
    assert (quality[5] == 1).all()
    assert (np.delete(quality, 5, axis=0) == 5440).all()
    assert (np.delete(read(tmp_path, name, "SR_B4"), 5, axis=0) > 0).all()


def test_bright_pixels_saturate_the_older_detectors_only(tmp_path: Path) -> None:
    for sensor, bits in (("LT05", 0b1011111), ("LC08", 0)):
        scene = overpass(sensor)
        write_product(tmp_path, GRID, scene, image())
        saturated = read(tmp_path, product_id(scene), "QA_RADSAT")
        assert saturated[0, 0] == bits
        assert (saturated[1:] == 0).all()


def test_counts_never_wrap_around(tmp_path: Path) -> None:
    scene = overpass("LT05")
    write_product(tmp_path, GRID, scene, image())
    blue = read(tmp_path, product_id(scene), "SR_B1")
    assert blue[0, 1] == 1
    assert blue[0, 0] == round((0.9 + 0.2) / 2.75e-5)


def test_tile_and_tags_are_those_of_a_cloud_optimised_file(tmp_path: Path) -> None:
    scene = overpass("LT05")
    write_product(tmp_path, GRID, scene, image())
    name = product_id(scene)
    with rasterio.open(tmp_path / name / f"{name}_SR_B3.TIF") as source:
        assert source.profile["compress"] == "deflate"
        assert tuple(source.transform)[:6] == GRID.transform
        assert source.tags()["AREA_OR_POINT"] == "Point"
