"""Sentinel-2 as it comes: SAFE as JPEG 2000, COG beside a STAC item; shifted once, never twice."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import Affine

import reverdure as rv
from reverdure.core.errors import NoImagery, UnreadableFile
from reverdure.core.grid import Grid, Window
from reverdure.imagery.bilinear import read_bilinear
from reverdure.imagery.finding import find_all_scenes
from reverdure.imagery.fine import fine_composite, fine_grid
from reverdure.imagery.sentinel2 import (
    Sentinel2Scene,
    find_sentinel2_scenes,
    read_clear,
    read_reflectance,
)

FINE = Grid("EPSG:32650", 499_980.0, 3_000_000.0, 10.0, 60, 60)
COARSE = Grid("EPSG:32650", 499_980.0, 3_000_000.0, 20.0, 30, 30)
# cells as a Landsat lattice cuts them, whose corners lie 15 m off
CELLS = fine_grid(Grid("EPSG:32650", 500_055.0, 2_999_955.0, 30.0, 10, 10))
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
LEVELS = dict(zip(BANDS, (0.03, 0.05, 0.04, 0.40, 0.20, 0.10), strict=True))
IDS = {"B02": 1, "B03": 2, "B04": 3, "B08": 7, "B11": 11, "B12": 12}


def _write(path: Path, grid: Grid, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lossless = {"driver": "JP2OpenJPEG", "QUALITY": 100, "REVERSIBLE": "YES"}
    how = lossless if path.suffix == ".jp2" else {"driver": "GTiff"}
    with rasterio.open(
        path,
        "w",
        count=1,
        height=grid.height,
        width=grid.width,
        dtype=values.dtype,
        crs=grid.crs,
        transform=Affine(*grid.transform),
        **how,
    ) as target:
        target.write(values, 1)


def _numbers(shift: int, changed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    found = {}
    for band, level in LEVELS.items():
        shape = (COARSE if band in ("B11", "B12") else FINE).shape
        reflectance = np.broadcast_to(changed.get(band, np.float64(level)), shape)
        numbers = np.rint(reflectance * 10_000 + shift)
        found[band] = np.where(np.isnan(reflectance), 0, np.nan_to_num(numbers)).astype(np.uint16)
    classes = np.broadcast_to(np.asarray(changed.get("SCL", 4), np.uint8), COARSE.shape)
    return found | {"SCL": np.array(classes)}


def write_item(
    folder: Path,
    *,
    properties: Mapping[str, Any] | None = None,
    shift: int = 0,
    offset: float | None = None,
    without: tuple[str, ...] = (),
    day: str = "2020-07-15",
    **changed: Any,
) -> Path:
    """Bands as GeoTIFF beside the STAC item that describes them."""
    for band, values in _numbers(shift, changed).items():
        if band not in without:
            _write(folder / f"{band}.tif", FINE if len(values) == 60 else COARSE, values)
    assets: dict[str, Any] = {band: {"href": f"./{band}.tif"} for band in (*BANDS, "SCL")}
    if offset is not None:
        for band in BANDS:
            assets[band]["raster:bands"] = [{"scale": 0.0001, "offset": offset, "nodata": 0}]
    stated = {
        "datetime": f"{day}T02:55:51.024Z",
        "platform": "sentinel-2a",
        "s2:processing_baseline": "02.14",
        "grid:code": "MGRS-50RLS",
        **(properties or {}),
    }
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": folder.name,
        "properties": {name: value for name, value in stated.items() if value is not None},
        "assets": assets,
    }
    (folder / "item.json").write_text(json.dumps(item), encoding="utf-8")
    return folder


def write_safe(
    folder: Path,
    *,
    baseline: str = "02.14",
    shift: int = 0,
    stated: int | None = None,
    day: str = "20200715",
    **changed: Any,
) -> Path:
    """A product as unpacked from the archive, bands as JPEG 2000."""
    name = f"S2A_MSIL2A_{day}T025551_N{baseline.replace('.', '')}_R032_T50RLS_{day}T071234"
    root = folder / f"{name}.SAFE"
    images = root / "GRANULE" / f"L2A_T50RLS_A026456_{day}T025551" / "IMG_DATA"
    for band, values in _numbers(shift, changed).items():
        grid, size = (FINE, 10) if len(values) == 60 else (COARSE, 20)
        _write(images / f"R{size}m" / f"T50RLS_{day}T025551_{band}_{size}m.jp2", grid, values)
    # what the archive resamples to other pixels must not be taken for the band itself
    _write(images / "R20m" / f"T50RLS_{day}T025551_B02_20m.jp2", COARSE, np.full((30, 30), 9, "u2"))
    (images.parent / "MTD_TL.xml").write_text("<n1:Level-2A_Tile_ID xmlns:n1='x'/>")
    offsets = "".join(
        f'<BOA_ADD_OFFSET band_id="{number}">{stated}</BOA_ADD_OFFSET>' for number in range(13)
    )
    (root / "MTD_MSIL2A.xml").write_text(
        '<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/x.xsd">'
        f"<n1:General_Info><Product_Info><PRODUCT_URI>{name}.SAFE</PRODUCT_URI>"
        f"<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE></Product_Info>"
        "<Product_Image_Characteristics><QUANTIFICATION_VALUES_LIST>"
        '<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>'
        "</QUANTIFICATION_VALUES_LIST>"
        + (
            f"<BOA_ADD_OFFSET_VALUES_LIST>{offsets}</BOA_ADD_OFFSET_VALUES_LIST>"
            if stated is not None
            else ""
        )
        + "</Product_Image_Characteristics></n1:General_Info></n1:Level-2A_User_Product>",
        encoding="utf-8",
    )
    return root


def only_scene(folder: Path) -> Sentinel2Scene:
    scenes, refusals, _ = find_sentinel2_scenes(folder)
    assert [refusal.message for refusal in refusals] == []
    (scene,) = scenes
    return scene


def only_refusal(folder: Path) -> str:
    scenes, refusals, _ = find_sentinel2_scenes(folder)
    assert scenes == []
    (refusal,) = refusals
    assert refusal.message
    assert refusal.message_zh
    return refusal.code


EVERY_WAY: dict[str, Callable[[Path], Path]] = {
    "safe 02.14": write_safe,
    "safe 04.00": lambda f: write_safe(f, baseline="04.00", shift=1000, stated=-1000),
    "safe 05.11": lambda f: write_safe(f, baseline="05.11", shift=1000, stated=-1000),
    "item 02.14": lambda f: write_item(f / "a"),
    "item without a word of the shift": lambda f: write_item(
        f / "a", properties={"s2:processing_baseline": "05.09"}, shift=1000
    ),
    "item that states the offset": lambda f: write_item(
        f / "a", properties={"s2:processing_baseline": "05.00"}, shift=1000, offset=-0.1
    ),
    "item shifted back that goes on stating the offset": lambda f: write_item(
        f / "a",
        properties={"s2:processing_baseline": "04.00", "earthsearch:boa_offset_applied": True},
        offset=-0.1,
    ),
    "item of the first server": lambda f: write_item(
        f / "a",
        properties={
            "s2:processing_baseline": None,
            "sentinel:processing_baseline": "04.00",
            "sentinel:boa_offset_applied": True,
            "platform": "Sentinel-2A",
        },
    ),
}


@pytest.mark.parametrize("way", EVERY_WAY)
def test_every_way_of_delivery_gives_the_same_reflectance(tmp_path: Path, way: str) -> None:
    EVERY_WAY[way](tmp_path)
    scene = only_scene(tmp_path)
    assert (scene.sensor, scene.tile, scene.date.isoformat()) == ("S2A", "50RLS", "2020-07-15")
    assert scene.grid == FINE
    names = ("blue", "green", "red", "nir", "swir1", "swir2")
    for name, level in zip(names, LEVELS.values(), strict=True):
        assert read_reflectance(scene, name, CELLS) == pytest.approx(level, abs=1e-6), name
    assert read_reflectance(scene, "nir_20m", CELLS) == pytest.approx(0.40, abs=1e-6)
    assert read_clear(scene, CELLS).all()
    assert Sentinel2Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


@pytest.mark.parametrize("baseline", ["01.05", "06.00", "99.99", "5.9", ""])
def test_a_baseline_that_is_not_known_is_refused(tmp_path: Path, baseline: str) -> None:
    write_item(tmp_path / "a", properties={"s2:processing_baseline": baseline})
    assert only_refusal(tmp_path) == "unknown_baseline"


def test_safe_of_a_shifted_baseline_must_state_the_shift(tmp_path: Path) -> None:
    write_safe(tmp_path, baseline="04.00", shift=1000)
    assert only_refusal(tmp_path) == "shift_not_stated"


def test_numbers_that_contradict_the_stated_shift_are_refused_both_ways(tmp_path: Path) -> None:
    flag = {"s2:processing_baseline": "05.09", "earthsearch:boa_offset_applied": False}
    write_item(tmp_path / "a", properties=flag, shift=0, offset=-0.1)
    assert only_refusal(tmp_path / "a") == "shift_contradicted"
    flag = {"s2:processing_baseline": "05.09", "earthsearch:boa_offset_applied": True}
    write_item(tmp_path / "b", properties=flag, shift=1000, offset=-0.1)
    assert only_refusal(tmp_path / "b") == "shift_contradicted"


def test_an_old_baseline_that_states_a_shift_is_refused(tmp_path: Path) -> None:
    write_item(tmp_path / "a", offset=-0.1)
    assert only_refusal(tmp_path) == "shift_contradicted"


def test_bare_land_alone_does_not_look_like_a_contradiction(tmp_path: Path) -> None:
    write_item(tmp_path / "a", SCL=5, B04=np.float64(0.3))
    assert only_scene(tmp_path).scaling["red"] == (pytest.approx(1e-4), 0.0)


def test_products_that_cannot_be_measured_are_refused_by_name(tmp_path: Path) -> None:
    level_1 = tmp_path / "1" / "S2A_MSIL1C_20200715T025551_N0209_R032_T50RLS_20200715T053211.SAFE"
    level_1.mkdir(parents=True)
    (level_1 / "MTD_MSIL1C.xml").write_text("<x/>")
    assert only_refusal(tmp_path / "1") == "sentinel2_level_1"
    packed = tmp_path / "2" / "S2A_MSIL2A_20200715T025551_N0214_R032_T50RLS_20200715T053211.zip"
    packed.parent.mkdir()
    packed.write_bytes(b"PK")
    assert only_refusal(tmp_path / "2") == "packed_archive"
    (write_safe(tmp_path / "3") / "MTD_MSIL2A.xml").unlink()
    assert only_refusal(tmp_path / "3") == "no_metadata"
    (write_safe(tmp_path / "4") / "MTD_MSIL2A.xml").write_text("<cut", encoding="utf-8")
    assert only_refusal(tmp_path / "4") == "metadata_unreadable"
    (write_item(tmp_path / "5") / "item.json").unlink()
    assert only_refusal(tmp_path / "5") == "no_item"
    folder = write_item(tmp_path / "6")
    (folder / "other.json").write_text((folder / "item.json").read_text())
    assert only_refusal(tmp_path / "6") == "several_items"
    write_item(tmp_path / "7", without=("B11", "SCL"))
    assert only_refusal(tmp_path / "7") == "missing_bands"
    write_item(tmp_path / "8", properties={"platform": "landsat-8"})
    assert only_refusal(tmp_path / "8") == "not_sentinel2_item"
    write_item(tmp_path / "9", SCL=9)
    assert only_refusal(tmp_path / "9") == "nothing_clear"
    write_item(tmp_path / "10", properties={"s2:product_type": "S2MSI1C"})
    assert only_refusal(tmp_path / "10") == "sentinel2_level_1"


def test_bands_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    _write(write_item(tmp_path / "a") / "B08.tif", COARSE, np.ones((30, 30), np.uint16))
    assert only_refusal(tmp_path / "a") == "grid_mismatch"
    _write(write_item(tmp_path / "b") / "B03.tif", FINE, np.ones((60, 60), np.float32))
    assert only_refusal(tmp_path / "b") == "wrong_type"


@pytest.mark.parametrize("band", ["B04", "B12", "SCL"])
def test_a_picture_that_is_cut_off_is_refused_by_name(tmp_path: Path, band: str) -> None:
    root = write_safe(tmp_path)
    (path,) = (p for p in root.rglob(f"*_{band}_*.jp2") if "_B02_" not in p.name)
    path.write_bytes(path.read_bytes()[:-40])
    assert only_refusal(tmp_path) == "unreadable"


def test_of_two_processings_the_newer_is_kept(tmp_path: Path) -> None:
    write_safe(tmp_path / "old")
    newer = write_safe(tmp_path / "new", baseline="05.00", shift=1000, stated=-1000)
    scenes, refusals, _ = find_sentinel2_scenes(tmp_path)
    assert [scene.baseline for scene in scenes] == ["05.00"]
    assert [refusal.code for refusal in refusals] == ["duplicate"]
    assert str(newer) in refusals[0].message


def test_a_damaged_newer_processing_gives_way_to_the_older(tmp_path: Path) -> None:
    write_safe(tmp_path / "old")
    newer = write_safe(tmp_path / "new", baseline="05.00", shift=1000, stated=-1000)
    next(newer.rglob("*_B08_10m.jp2")).unlink()
    scenes, refusals, _ = find_sentinel2_scenes(tmp_path)
    assert [scene.baseline for scene in scenes] == ["02.14"]
    assert [refusal.code for refusal in refusals] == ["missing_bands"]


def test_a_folder_holds_both_kinds_mixed(
    tmp_path: Path, write_product: Callable[..., Path]
) -> None:
    write_product(tmp_path / "mixed")
    write_safe(tmp_path / "mixed")
    write_item(tmp_path / "mixed" / "item", day="2020-08-04")
    (tmp_path / "mixed" / "photo.tif").write_bytes(b"II*")
    landsat, sentinel2, refusals = find_all_scenes(tmp_path)
    assert [scene.sensor for scene in landsat] == ["LC08"]
    assert [scene.date.month for scene in sentinel2] == [7, 8]
    assert [refusal.code for refusal in refusals] == ["not_landsat"]


def test_no_folder_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="not a folder"):
        find_all_scenes(tmp_path / "nothing")


@pytest.mark.parametrize("value", range(12))
def test_classes_that_show_the_ground(tmp_path: Path, value: int) -> None:
    classes = np.full(COARSE.shape, 4)
    classes[15:] = value
    write_item(tmp_path / "a", SCL=classes)
    clear = read_clear(only_scene(tmp_path), FINE)
    assert clear[36:-1, 1:-1].all() == (value in (4, 5, 6, 7))
    assert clear[36:].any() == (value in (4, 5, 6, 7))
    assert clear[2:20, 2:-2].all()


def test_rims_of_clouds_are_left_out_but_not_those_of_water_or_shade(tmp_path: Path) -> None:
    for value, rim in ((9, 2), (3, 2), (11, 0), (2, 0)):
        classes = np.full(COARSE.shape, 4)
        classes[10:12, 10:12] = value
        write_item(tmp_path / str(value), SCL=classes)
        clear = read_clear(only_scene(tmp_path / str(value)), COARSE)
        assert (~clear).sum() == (2 + 2 * rim) ** 2, value


def test_nothing_and_numbers_out_of_range_are_nan(tmp_path: Path) -> None:
    red = np.full(FINE.shape, 0.04)
    red[30, 30], red[10, 10], red[20, 20] = np.nan, 2.0, -0.05
    write_item(tmp_path / "a", properties={"s2:processing_baseline": "05.09"}, shift=1000, B04=red)
    values = read_reflectance(only_scene(tmp_path), "red", FINE)
    assert np.isnan(values[30, 30])
    assert np.isnan(values[10, 10])
    assert values[20, 20] == pytest.approx(-0.05, abs=1e-6)
    assert np.isnan(values).sum() == 2
    # a cell between pixels is missing where any of the four is
    assert np.isnan(read_reflectance(only_scene(tmp_path), "red", CELLS)).sum() == 8


def test_between_pixels_a_plane_stays_a_plane(tmp_path: Path) -> None:
    def plane(grid: Grid) -> np.ndarray:
        x = grid.west + (np.arange(grid.width) + 0.5) * grid.pixel - 500_000
        y = grid.north - (np.arange(grid.height) + 0.5) * grid.pixel - 3_000_000
        return 0.3 + 2e-4 * x[None, :] - 1e-4 * y[:, None]

    write_item(tmp_path / "a", B08=plane(FINE), B11=plane(COARSE))
    scene = only_scene(tmp_path)
    for band in ("nir", "nir_20m", "swir1"):
        values = read_reflectance(scene, band, CELLS)
        assert values == pytest.approx(plane(CELLS), abs=6e-5), band


def test_a_part_is_what_the_whole_shows(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    changed = {
        "B08": noise.uniform(0.2, 0.5, FINE.shape),
        "B11": noise.uniform(0.1, 0.3, COARSE.shape),
        "SCL": noise.choice([4, 5, 9], COARSE.shape, p=[0.6, 0.39, 0.01]),
    }
    write_item(tmp_path / "a", **changed)
    scene = only_scene(tmp_path)
    window = Window(7, 5, 11, 13)
    part = CELLS.part(window)
    for band in ("nir", "nir_20m", "swir1"):
        whole = read_reflectance(scene, band, CELLS)
        assert (read_reflectance(scene, band, part) == whole[window.slices]).all(), band
    assert (read_clear(scene, part) == read_clear(scene, CELLS)[window.slices]).all()


def test_another_zone_is_read_in_its_place(tmp_path: Path) -> None:
    to_49 = pyproj.Transformer.from_crs("EPSG:32650", "EPSG:32649", always_xy=True)
    x, y = np.meshgrid(
        FINE.west + (np.arange(60) + 0.5) * 10, FINE.north - (np.arange(60) + 0.5) * 10
    )
    there = np.array(to_49.transform(x, y)[0])
    east = (there - there.mean()) * 1e-4 + 0.3
    write_item(tmp_path / "a", B08=east)
    centre = to_49.transform(500_250.0, 2_999_730.0)
    grid = Grid("EPSG:32649", round(centre[0]) - 100.0, round(centre[1]) + 100.0, 10.0, 20, 20)
    values = read_reflectance(only_scene(tmp_path), "nir", grid)
    columns = grid.west + (np.arange(20) + 0.5) * 10
    expected = (columns - there.mean()) * 1e-4 + 0.3
    assert values == pytest.approx(np.broadcast_to(expected, (20, 20)), abs=1e-4)


def test_outside_the_scene_there_is_nothing(tmp_path: Path) -> None:
    write_item(tmp_path / "a")
    scene = only_scene(tmp_path)
    beyond = Grid("EPSG:32650", 600_000.0, 3_000_000.0, 10.0, 5, 5)
    assert np.isnan(read_reflectance(scene, "red", beyond)).all()
    assert not read_clear(scene, beyond).any()
    edge = Grid("EPSG:32650", 499_975.0, 3_000_005.0, 10.0, 4, 4)
    values = read_bilinear(scene.files["red"], edge, lambda numbers: numbers.astype(np.float32))
    assert np.isnan(values[0]).all()
    assert np.isnan(values[:, 0]).all()
    assert (values[1:, 1:] == 400).all()


def test_a_composite_takes_a_clear_observation_and_counts_a_pass_once(tmp_path: Path) -> None:
    hidden = np.full(COARSE.shape, 9)
    hidden[:, :1] = 4
    write_item(tmp_path / "a", day="2020-06-20", SCL=hidden, B04=np.float64(0.5))
    write_item(tmp_path / "b", day="2020-07-15", B04=np.float64(0.04))
    write_item(tmp_path / "c", day="2020-08-04", B04=np.float64(0.06))
    # the same pass, delivered as the next tile
    write_item(
        tmp_path / "d", day="2020-08-04", B04=np.float64(0.06), properties={"grid:code": "50RMS"}
    )
    scenes, refusals, _ = find_sentinel2_scenes(tmp_path)
    assert refusals == []
    season = ("06-01", "09-30")
    made = fine_composite(scenes, CELLS, season)
    assert (made["n_clear"] == 2).all()
    assert made["red"].values == pytest.approx(0.04, abs=1e-6)
    assert {made.attrs["scene_ids"][i] for i in np.unique(made["source"])} == {"b"}
    again = fine_composite(scenes[::-1], CELLS, season)
    assert made.identical(again)
    middle = fine_composite(scenes, CELLS, season, "median")
    assert middle["red"].values == pytest.approx(0.05, abs=1e-6)


@pytest.mark.real_data("stac-items")
@pytest.mark.parametrize("ending", ["", "_raster_ext"])
def test_real_items_are_understood(tmp_path: Path, data_folder: Path, ending: str) -> None:
    name = f"S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531{ending}.json"
    text = (data_folder / "odc" / "tests" / "data" / name).read_text(encoding="utf-8")
    folder = write_item(tmp_path / "a")
    (folder / "item.json").write_text(text, encoding="utf-8")
    # as the archive names its files
    for path in sorted(folder.glob("*.tif")):
        size = 10 if path.stem in ("B02", "B03", "B04", "B08") else 20
        path.rename(folder / f"T06VVN_20190629T212529_{path.stem}_{size}m.tif")
    scene = only_scene(folder)
    assert (scene.sensor, scene.tile, scene.baseline) == ("S2B", "06VVN", "02.12")
    assert scene.date.isoformat() == "2019-06-29"
    assert read_reflectance(scene, "red", CELLS) == pytest.approx(0.04, abs=1e-6)


def test_scenes_of_sentinel2_are_loaded_at_10_m_apart_from_landsat(tmp_path):
    write_item(tmp_path / "one", day="2020-07-15")
    write_item(tmp_path / "two", day="2019-07-15")
    bounds = pyproj.Transformer.from_crs(FINE.crs, 4326, always_xy=True).transform_bounds(
        500_280, 2_999_700, 500_300, 2_999_720
    )
    scenes = rv.load_scenes(tmp_path, bounds, sensor="sentinel2", margin_m=50)
    assert float(scenes.x[1] - scenes.x[0]) == 10
    assert (scenes.x[0] - 5 - FINE.west) % 10 == 0
    assert scenes.time.dt.year.values.tolist() == [2019, 2020]
    assert float(scenes.nir.mean()) == pytest.approx(LEVELS["B08"], abs=1e-4)
    assert "Sentinel-2" in scenes.attrs["source"]
    assert scenes.clear.all()
    with pytest.raises(NoImagery):
        rv.load_scenes(tmp_path, bounds)
