"""The QGIS project: whole XML, sources that open, a colour and a sign for each verdict."""

import base64
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio

from reverdure.core.codes import Verdict
from reverdure.core.fields import VERDICTS
from reverdure.core.grid import Grid, Window
from reverdure.publish.messages import messages, text
from reverdure.publish.picture_rasters import BLOCK_PIXELS, write_picture
from reverdure.publish.qgis_project import Contents, project, write_project
from reverdure.publish.signs import SIGNS
from reverdure.publish.tables import write_geopackage, write_tables

GRID = Grid("EPSG:32649", 500_010.0, 3_100_020.0, 30.0, 600, 700)
YEARS = (1987, 2003, 2024)


def blocks(seed: int):
    """Two of the six blocks of GRID; one of them at its edge, half transparent."""
    random = np.random.default_rng(seed)
    for window in (Window(0, 256, 256, 256), Window(512, 512, 88, 188)):
        pixels = random.integers(0, 255, (4, window.height, window.width)).astype(np.uint8)
        pixels[3] = 255
        pixels[3, : window.height // 2] = 0
        yield window, pixels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, report_data) -> Path:
    folder = tmp_path_factory.mktemp("qgis")
    write_tables(folder, report_data)
    write_geopackage(folder / "counties.gpkg", report_data.counties, "counties")
    for year in YEARS:
        assert write_picture(folder / f"pictures/true-{year}.tif", GRID, blocks(year), {"YEAR": ""})
    return folder


def contents(**other) -> Contents:
    pictures = {year: f"pictures/true-{year}.tif" for year in YEARS}
    given = {"has_counties": True, "pictures": pictures, "bands": ("red", "green", "blue")}
    return Contents("run7", GRID.crs, GRID.bounds, **(given | other))


@pytest.fixture(scope="module", params=["en", "zh"])
def opened(folder: Path, request) -> tuple[ElementTree.Element, str]:
    path = write_project(folder, contents(), request.param)
    first = path.read_bytes()
    assert write_project(folder, contents(), request.param).read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["reverdure.qgs"]
        return ElementTree.fromstring(archive.read("reverdure.qgs")), request.param


def test_every_layer_opens_from_a_relative_path(opened, folder: Path) -> None:
    top, _ = opened
    layers = top.findall("projectlayers/maplayer")
    assert len(layers) == 3 + len(YEARS)
    for layer in layers:
        source = layer.findtext("datasource")
        assert source.startswith("./")
        path, _, name = source.partition("|layername=")
        crs = pyproj.CRS(layer.findtext("srs/spatialrefsys/authid"))
        assert pyproj.CRS.from_wkt(layer.findtext("srs/spatialrefsys/wkt")) == crs
        if layer.findtext("provider") == "ogr":
            assert pyogrio.read_dataframe(folder / path, layer=name).crs == crs
        else:
            with rasterio.open(folder / path) as raster:
                assert raster.crs.to_epsg() == crs.to_epsg()
                assert [one.name for one in raster.colorinterp] == ["red", "green", "blue", "alpha"]
    assert top.findtext("properties/Paths/Absolute") == "false"
    assert top.findtext("projectCrs/spatialrefsys/authid") == "EPSG:32649"
    assert top.findtext("properties/SpatialRefSys/ProjectionsEnabled") == "1"
    assert not [one for one in top.iter() if "http" in (one.text or "")]


def test_the_tree_names_every_layer_once_and_shows_one_picture(opened) -> None:
    top, language = opened
    ids = [layer.findtext("id") for layer in top.findall("projectlayers/maplayer")]
    entries = top.findall("layer-tree-group//layer-tree-layer")
    assert [entry.get("id") for entry in entries] == ids
    # QGIS gives a layer with a shorter id another one, and the tree loses it
    assert all(len(one) >= 10 for one in ids)
    group = top.find("layer-tree-group/layer-tree-group")
    assert group.get("mutually-exclusive") == "1"
    shown = [one.get("name") for one in group if one.get("checked") == "Qt::Checked"]
    assert shown == ["2024"]
    assert [one.get("name") for one in group] == ["2024", "2003", "1987"]
    assert entries[0].get("name") == text("qgis.verdicts", language)


def test_each_verdict_has_its_colour_its_hatch_and_the_sign_of_the_report(opened, folder) -> None:
    top, language = opened
    layer = top.find("projectlayers/maplayer[id='reverdure_verdicts']")
    renderer = layer.find("renderer-v2")
    assert renderer.get("attr") == "verdict"
    categories = renderer.findall("categories/category")
    assert [one.get("value") for one in categories] == [verdict.key for verdict in Verdict]
    assert [one.get("label") for one in categories] == [v.label(language) for v in Verdict]
    stored = pyogrio.read_dataframe(folder / "verdicts.gpkg")["verdict"]
    assert set(stored) <= {one.get("value") for one in categories}
    hatches = set()
    for category, sign in zip(categories, SIGNS, strict=True):
        symbol = renderer.find(f"symbols/symbol[@name='{category.get('symbol')}']")
        fill, middle = symbol.findall("layer")
        red, green, blue, alpha = map(int, option(fill, "color").split(","))
        assert (f"#{red:02X}{green:02X}{blue:02X}", alpha) == (sign.colour.upper(), 255)
        hatches.add(option(fill, "style"))
        drawn = option(middle.find("symbol/layer"), "name").removeprefix("base64:")
        picture = ElementTree.fromstring(base64.b64decode(drawn))
        assert picture.find("{*}path").get("d") == sign.shape
    assert len(hatches) == len(Verdict)
    assert not hatches & {"solid", "no"}


def option(layer: ElementTree.Element, name: str) -> str:
    return layer.find(f"Option/Option[@name='{name}']").get("value")


def test_columns_have_headings_and_codes_have_labels(opened, folder: Path) -> None:
    top, language = opened
    layer = top.find("projectlayers/maplayer[id='reverdure_verdicts']")
    stored = list(pyogrio.read_info(folder / "verdicts.gpkg")["fields"])
    aliases = layer.findall("aliases/alias")
    # the index counts from the column fid, which QGIS shows and GDAL does not
    assert [(int(one.get("index")), one.get("field")) for one in aliases] == list(
        enumerate(stored, start=1)
    )
    for alias, field in zip(aliases, VERDICTS, strict=True):
        assert alias.get("name").startswith(field.zh if language == "zh" else field.en)
    config = layer.find("fieldConfiguration/field[@name='verdict']/editWidget/config")
    pairs = {one.get("name"): one.get("value") for one in config.iter("Option") if one.get("value")}
    assert pairs == {verdict.label(language): verdict.key for verdict in Verdict}


def test_a_programme_without_counties_and_pictures_has_a_project(folder: Path) -> None:
    top = ElementTree.fromstring(project(contents(has_counties=False, pictures={}), "en"))
    assert len(top.findall("projectlayers/maplayer")) == 2
    assert top.find("layer-tree-group/layer-tree-group") is None


def test_a_crs_without_a_code_is_written_out(folder: Path) -> None:
    local = pyproj.CRS("+proj=tmerc +lat_0=0 +lon_0=111.3 +k=1 +x_0=500000 +datum=WGS84").to_wkt()
    given = Contents("run7", local, GRID.bounds, has_counties=False, pictures={}, bands=())
    top = ElementTree.fromstring(project(given, "en"))
    stated = top.findtext("projectCrs/spatialrefsys/wkt")
    assert pyproj.CRS.from_wkt(stated) == pyproj.CRS.from_wkt(local)


def test_a_picture_holds_its_blocks_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    path = folder / "pictures/true-1987.tif"
    with rasterio.open(path) as raster:
        found = raster.read()
        assert raster.bounds == pytest.approx(GRID.bounds)
        assert raster.block_shapes == [(BLOCK_PIXELS, BLOCK_PIXELS)] * 4
    rest = np.ones(GRID.shape, bool)
    for window, pixels in blocks(1987):
        assert (found[(slice(None), *window.slices)] == pixels).all()
        rest[window.slices] = False
    assert (found[:, rest] == 0).all()
    assert write_picture(tmp_path / "again.tif", GRID, blocks(1987), {"YEAR": ""})
    assert (tmp_path / "again.tif").read_bytes() == path.read_bytes()
    assert path.stat().st_size < 4 * 256 * 256 + 4 * 88 * 188 + 5000


def test_a_year_without_a_block_leaves_no_file(tmp_path: Path) -> None:
    assert not write_picture(tmp_path / "none.tif", GRID, [], {})
    assert not list(tmp_path.iterdir())


def test_every_word_of_the_project_is_used() -> None:
    for language in ("en", "zh"):
        page = project(contents(), language)
        for key in messages():
            if key.startswith("qgis."):
                whole = str(text(key, language, {"run_id": "run7", "bands": "…"}))
                assert whole.split("…", maxsplit=1)[0] in page, key
