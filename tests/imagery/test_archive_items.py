"""Real STAC items of four archives, and what is changed in them to mislead."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import DATA

from reverdure.imagery.archives.items import (
    ARD,
    LANDSAT,
    SENTINEL2,
    FoundItem,
    layers_missing,
    merged,
    parse_item,
)
from reverdure.imagery.refusals import Refusal

FOLDER = DATA / "stac-items"
ODC = "odc/tests/data"
TM = {"SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7", "QA_PIXEL", "QA_RADSAT"}
OLI = {"SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7", "QA_PIXEL", "QA_RADSAT"}
FINE = {"B02", "B03", "B04", "B08", "B11", "B12", "SCL"}
NBART = {"blue", "green", "red", "nir", "swir1", "swir2", "fmask", "contiguity"}
PC_ITEM = f"{ODC}/S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531.json"
USGS_ITEM = f"{ODC}/LC08_L2SP_028030_20200114_20200824_02_T1_SR.json"
STACTOOLS_ITEM = "landsat/LC08_L2SP_047027_20201204_02_T1.json"
DEA_ITEM = f"{ODC}/ga_ls8c_ard_3-1-0_088080_2020-05-25_final.stac-item.json"


def item(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


def parse(document: Any) -> FoundItem | Refusal:
    return parse_item(document, "https://archive.example/stac/items/a.json")


@pytest.mark.real_data("stac-items")
@pytest.mark.parametrize(
    ("name", "kind", "folder", "layers", "pixel"),
    [
        (STACTOOLS_ITEM, LANDSAT, "LC08_L2SP_047027_20201204_20210313_02_T1", OLI | {"ST_B10"}, 30),
        ("landsat/LE07_L2SP_021030_20100109_02_T1.json", LANDSAT,
         "LE07_L2SP_021030_20100109_20200911_02_T1", TM | {"ST_B6"}, 30),
        ("landsat/LT04_L2SP_002026_19830110_02_T1.json", LANDSAT,
         "LT04_L2SP_002026_19830110_20200918_02_T1", TM | {"ST_B6"}, 30),
        ("landsat/LT05_L2SP_010067_19860424_02_T2.json", LANDSAT,
         "LT05_L2SP_010067_19860424_20200918_02_T2", TM | {"ST_B6"}, 30),
        (USGS_ITEM, LANDSAT, "LC08_L2SP_028030_20200114_20200824_02_T1", OLI, 30),
        (f"{ODC}/LE07_L2SP_044033_20210329_20210424_02_T1_SR.json", LANDSAT,
         "LE07_L2SP_044033_20210329_20210424_02_T1", TM, 30),
        (PC_ITEM, SENTINEL2, "S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531", FINE, 10),
        (PC_ITEM.replace(".json", "_raster_ext.json"), SENTINEL2,
         "S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531", FINE, 10),
        (DEA_ITEM, ARD, "LC08_L2NB_088080_20200525_20200618_02_T1", NBART, 30),
    ],
    ids=["stactools-oli", "stactools-etm", "stactools-tm-4", "stactools-tm-5", "usgs-oli",
         "usgs-etm", "planetary-computer", "planetary-computer-raster", "digital-earth"],
)  # fmt: skip
def test_real_items_of_every_dialect_are_read(
    data_folder: Path, name: str, kind: str, folder: str, layers: set[str], pixel: int
) -> None:
    found = parse(json.loads((data_folder / name).read_text(encoding="utf-8")))
    assert isinstance(found, FoundItem)
    assert (found.kind, found.folder, set(found.hrefs)) == (kind, folder, layers)
    assert layers_missing(found) == ()
    assert found.grid is not None
    assert found.grid.pixel == pixel
    assert found.bbox is not None
    assert all(href.startswith(("https://", "http://")) for href in found.hrefs.values())


@pytest.mark.real_data("stac-items")
def test_a_whole_answer_of_planetary_computer_is_read(data_folder: Path) -> None:
    for name, count in (("site2-2020_jun_jul-35MNM", 13), ("site1-20200606-tall-strip-africa", 9)):
        path = data_folder / ODC / f"{name}.geojson"
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        found = [parse(feature) for feature in features]
        assert len(found) == count
        assert {type(one) for one in found} == {FoundItem}


@pytest.mark.real_data("stac-items")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        (f"{ODC}/lidar_dem.json", "item_unknown"),
        (f"{ODC}/only_crs_proj.json", "item_unknown"),
        (f"{ODC}/sentinel-2-l2a.collection.json", "item_unreadable"),
        ("landsat/collection.json", "item_unreadable"),
    ],
)
def test_real_documents_of_other_kinds_are_refused(data_folder: Path, name: str, code: str) -> None:
    found = parse(json.loads((data_folder / name).read_text(encoding="utf-8")))
    assert isinstance(found, Refusal)
    assert found.code == code


@pytest.mark.real_data("stac-items")
def test_a_real_item_that_leads_nowhere_lacks_a_band(data_folder: Path) -> None:
    path = data_folder / ODC / "LC08_L2SR_081119_20200101_20200823_02_T2.json"
    found = parse(json.loads(path.read_text(encoding="utf-8")))
    assert isinstance(found, FoundItem)
    assert found.grid is None, "its pixels are not square"
    assert layers_missing(found) == ("SR_B2",)


@pytest.mark.real_data("stac-items")
def test_stac_11_says_the_same(data_folder: Path) -> None:
    old = item(STACTOOLS_ITEM)
    new = copy.deepcopy(old)
    new["stac_version"] = "1.1.0"
    new["properties"]["proj:code"] = f"EPSG:{new['properties'].pop('proj:epsg')}"
    for asset in new["assets"].values():
        for band in asset.pop("raster:bands", []):
            asset["bands"] = [{f"raster:{k}": v for k, v in band.items() if k != "data_type"}]
    first, second = parse(old), parse(new)
    assert isinstance(first, FoundItem)
    assert isinstance(second, FoundItem)
    assert (first.grid, first.hrefs) == (second.grid, second.hrefs)
    for asset in new["assets"].values():
        if "bands" in asset and "raster:scale" in asset["bands"][0]:
            asset["bands"][0]["raster:scale"] = 1e-4
    assert parse(new).code == "scaling_contradicted"  # type: ignore[union-attr]


def with_date(found: dict[str, Any], text: Any) -> dict[str, Any]:
    found["properties"]["datetime"] = text
    return found


def with_hrefs(found: dict[str, Any], change: Callable[[str], Any]) -> dict[str, Any]:
    for asset in found["assets"].values():
        asset["href"] = change(asset["href"])
        asset.pop("alternate", None)
    return found


@pytest.mark.real_data("stac-items")
@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        (USGS_ITEM, lambda i: with_date(i, "2020-01-16T17:05:46Z"), "date_contradicted"),
        (PC_ITEM, lambda i: with_date(i, "2019-07-02T21:25:29Z"), "date_contradicted"),
        (DEA_ITEM, lambda i: with_date(i, "2021-05-25T23:35:47Z"), "date_contradicted"),
        (USGS_ITEM, lambda i: with_date(i, "2999-01-14T17:05:46Z"), "impossible_date"),
        (USGS_ITEM, lambda i: with_date(i, "1949-01-14T17:05:46Z"), "impossible_date"),
        (USGS_ITEM, lambda i: with_date(i, None), "item_unreadable"),
        (USGS_ITEM, lambda i: with_date(i, "yesterday"), "item_unreadable"),
        (USGS_ITEM, lambda i: with_date(i, 7), "item_unreadable"),
        (USGS_ITEM, lambda i: i | {"assets": []}, "item_unreadable"),
        (USGS_ITEM, lambda i: i | {"assets": {}}, "item_unknown"),
        (USGS_ITEM, lambda i: [i], "item_unreadable"),
        (USGS_ITEM, lambda i: None, "item_unreadable"),
        (USGS_ITEM, lambda i: with_hrefs(i, lambda h: h.replace("L2SP", "L1TP")), "level_1"),
        (USGS_ITEM, lambda i: with_hrefs(i, lambda h: h.replace("_02_", "_01_")), "collection_1"),
        (USGS_ITEM, lambda i: with_hrefs(i, lambda h: h.replace("LC08", "LX08")), "unknown_sensor"),
        (USGS_ITEM, lambda i: with_hrefs(i, lambda h: h.replace("https", "ftp")), "unsafe_href"),
        (USGS_ITEM, lambda i: with_hrefs(i, lambda h: h.replace("https://", "https://a:b@")),
         "unsafe_href"),
        (USGS_ITEM, lambda i: with_hrefs(i, lambda h: h.replace("https", "s3")), "unsafe_href"),
        (USGS_ITEM, lambda i: with_hrefs(i, lambda h: 5), "item_unknown"),
        (PC_ITEM, lambda i: i | {"id": "../../etc/S2"}, "item_unreadable"),
        (PC_ITEM, lambda i: with_hrefs(i, lambda h: h.replace(".tif", ".jp2")), "item_unknown"),
        (DEA_ITEM, lambda i: i | {"properties": i["properties"] | {"platform": "landsat-5"}},
         "item_unreadable"),
        (DEA_ITEM, lambda i: i | {"properties": i["properties"] | {"odc:region_code": "../x"}},
         "item_unreadable"),
    ],
)  # fmt: skip
def test_items_that_mislead_are_refused_by_name(
    data_folder: Path, name: str, change: Callable[[dict[str, Any]], Any], code: str
) -> None:
    found = parse(change(json.loads((data_folder / name).read_text(encoding="utf-8"))))
    assert isinstance(found, Refusal)
    assert found.code == code
    assert found.message != found.message_zh


@pytest.mark.real_data("stac-items")
def test_reflectance_and_temperature_of_usgs_are_one_scene(data_folder: Path) -> None:
    both = [item(USGS_ITEM) for _ in range(2)]
    for asset in both[1]["assets"].values():
        asset["href"] = asset["href"].replace("_SR_B2.TIF", "_ST_B10.TIF")
    found = [parse(one) for one in both]
    assert all(isinstance(one, FoundItem) for one in found)
    (scene,) = merged(one for one in found if isinstance(one, FoundItem))
    assert set(scene.hrefs) == OLI | {"ST_B10"}
