"""A QGIS project over the exported layers: verdicts by colour and sign, a picture a year.

Structure as QGIS 3.22 writes it. Paths are relative; nothing is asked of a network.
"""

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, tostring

import pyproj

from reverdure.core.codes import Verdict
from reverdure.core.fields import MINES, VERDICTS, Field
from reverdure.core.files import atomic
from reverdure.publish.messages import text
from reverdure.publish.qgis_parts import (
    labels,
    rgba,
    symbol,
    symbol_layer,
    value_map,
)
from reverdure.publish.signs import SIGNS, Sign
from reverdure.publish.wording import codes_of, column_heading

PROJECT_NAME = "reverdure.qgz"
_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_INK = "#1C2421"
# a hatch of its own for each verdict beside its colour; pictures show through
_HATCHES = MappingProxyType(
    {
        Verdict.SUPPORTED.key: "b_diagonal",
        Verdict.PARTLY_SUPPORTED.key: "f_diagonal",
        Verdict.NOT_SUPPORTED.key: "diagonal_x",
        Verdict.UNDECIDED.key: "horizontal",
        Verdict.TOO_EARLY.key: "vertical",
        Verdict.CANNOT_BE_SEEN.key: "cross",
        Verdict.NO_REFERENCE.key: "dense6",
        Verdict.NO_DATA.key: "dense7",
    }
)
# scales from which on names and pictures are drawn
_NAMES_FROM, _PICTURES_FROM = "100000", "250000"
_WGS84 = "EPSG:4326"

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a project shows.

    Attributes
    ----------
    run_id : str
    crs : str
        CRS of the project and of its pictures.
    extent : (float, float, float, float)
        What is seen when it opens: west, south, east, north in that CRS.
    has_counties : bool
    pictures : mapping of int to str
        Year to the picture's path from the project's folder.
    bands : sequence of str
        Shown as red, green and blue.
    """

    run_id: str
    crs: str
    extent: Box
    has_counties: bool
    pictures: Mapping[int, str]
    bands: Sequence[str]


def write_project(folder: Path, contents: Contents, language: str) -> Path:
    """Write `reverdure.qgz` beside `mines.gpkg`, `verdicts.gpkg` and what else it shows.

    Parameters
    ----------
    folder : Path
    contents : Contents
    language : str
        "en" or "zh": names of layers, columns and codes.

    Returns
    -------
    Path
        The project; equal contents give equal bytes.
    """
    page = (_DOCTYPE + project(contents, language)).encode("utf-8", "replace")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo(Path(PROJECT_NAME).with_suffix(".qgs").name, (2000, 1, 1, 0, 0, 0))
        archive.writestr(entry, page, zipfile.ZIP_DEFLATED)
    with atomic(folder / PROJECT_NAME) as temporary:
        temporary.write_bytes(packed.getbuffer())
    return folder / PROJECT_NAME


def project(contents: Contents, language: str) -> str:
    """The project as XML.

    Examples
    --------
    >>> empty = Contents("r1", "EPSG:32649", (0.0, 0.0, 1.0, 1.0), False, {}, ())
    >>> "支持" in project(empty, "zh")
    True
    """
    title = text("qgis.title", language)
    top = Element("qgis", projectname=title, version="3.22.0")
    SubElement(top, "homePath", path="")
    SubElement(top, "title").text = title
    _crs(SubElement(top, "projectCrs"), contents.crs)
    tree = SubElement(top, "layer-tree-group")
    _canvas(top, contents)
    layers = SubElement(top, "projectlayers")
    _verdicts(_vector(tree, layers, "verdicts", language), language)
    _mines(_vector(tree, layers, "mines", language), language)
    if contents.has_counties:
        _counties(_vector(tree, layers, "counties", language))
    _pictures(tree, layers, contents, language)
    settings = SubElement(top, "properties")
    SubElement(SubElement(settings, "Paths"), "Absolute", type="bool").text = "false"
    used = SubElement(settings, "SpatialRefSys")  # without it the CRS of the project is not read
    SubElement(used, "ProjectionsEnabled", type="int").text = "1"
    about = SubElement(top, "projectMetadata")
    SubElement(about, "title").text = title
    SubElement(about, "abstract").text = text("qgis.about", language, {"run_id": contents.run_id})
    return tostring(top, encoding="unicode")


def _crs(parent: Element, crs: str) -> None:
    known = pyproj.CRS.from_user_input(crs)
    system = SubElement(parent, "spatialrefsys", nativeFormat="Wkt")
    SubElement(system, "wkt").text = known.to_wkt()
    epsg = known.to_epsg()
    SubElement(system, "srid").text = str(epsg or 0)
    SubElement(system, "authid").text = f"EPSG:{epsg}" if epsg else ""
    SubElement(system, "description").text = known.name
    SubElement(system, "geographicflag").text = str(known.is_geographic).lower()


def _canvas(top: Element, contents: Contents) -> None:
    canvas = SubElement(top, "mapcanvas", name="theMapCanvas")
    SubElement(canvas, "units").text = "meters"
    extent = SubElement(canvas, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), contents.extent, strict=True):
        SubElement(extent, name).text = f"{value:.3f}"
    _crs(SubElement(canvas, "destinationsrs"), contents.crs)


def _vector(tree: Element, layers: Element, name: str, language: str) -> Element:
    """A layer of polygons in the tree and in the list of layers."""
    title, source = text(f"qgis.{name}", language), f"./{name}.gpkg|layername={name}"
    key = f"reverdure_{name}"  # an id of under ten signs is replaced, and the tree loses it
    SubElement(tree, "layer-tree-layer", id=key, name=title, source=source, providerKey="ogr",
               checked="Qt::Checked", expanded="1")  # fmt: skip
    layer = SubElement(layers, "maplayer", type="vector", geometry="Polygon",
                       labelsEnabled=str(int(name != "verdicts")),
                       styleCategories="AllStyleCategories")  # fmt: skip
    _source(layer, key, title, source, "ogr", _WGS84)
    return layer


def _source(layer: Element, key: str, title: str, source: str, driver: str, crs: str) -> None:
    SubElement(layer, "id").text = key
    SubElement(layer, "datasource").text = source
    SubElement(layer, "layername").text = title
    _crs(SubElement(layer, "srs"), crs)
    SubElement(layer, "provider", encoding="UTF-8").text = driver


def _verdicts(layer: Element, language: str) -> None:
    renderer = SubElement(layer, "renderer-v2", type="categorizedSymbol", attr="verdict",
                          enableorderby="0", forceraster="0", symbollevels="0")  # fmt: skip
    categories, symbols = SubElement(renderer, "categories"), SubElement(renderer, "symbols")
    for number, sign in enumerate(SIGNS):
        label = sign.zh if language == "zh" else sign.en
        SubElement(categories, "category", symbol=str(number), value=sign.key, type="string",
                   label=label, render="true")  # fmt: skip
        _sign(symbol(symbols, str(number), "fill"), number, sign)
    _columns(layer, VERDICTS.fields, language)


def _sign(parent: Element, number: int, sign: Sign) -> None:
    """Hatch and dark edge over the ground, and in its middle the sign of the report."""
    symbol_layer(
        parent,
        "SimpleFill",
        {
            "color": rgba(sign.colour), "style": _HATCHES[sign.key], "outline_color": rgba(_INK),
            "outline_style": "solid", "outline_width": "0.4", "outline_width_unit": "MM",
        },
    )  # fmt: skip
    middle = symbol_layer(
        parent, "CentroidFill", {"point_on_surface": "1", "point_on_all_parts": "0"}
    )
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"'
        f' viewBox="-1.4 -1.4 2.8 2.8"><path d="{sign.shape}" fill="{sign.colour}"'
        f' stroke="{_INK}" stroke-width=".2"/></svg>'
    )
    symbol_layer(
        symbol(middle, f"@{number}@1", "marker"),
        "SvgMarker",
        {
            "name": "base64:" + base64.b64encode(drawing.encode()).decode("ascii"),
            "size": "5", "size_unit": "MM", "color": rgba(sign.colour), "outline_width": "0",
        },
    )  # fmt: skip


def _mines(layer: Element, language: str) -> None:
    _outline(layer, (("#FFFFFF", "1"), (_INK, "0.4")))
    placed = labels(
        layer, "coalesce(nullif(\"name\", ''), \"mine_id\")", is_expression=True
    )  # fmt: skip
    SubElement(placed, "placement", placement="8", dist="1")  # beside the outline
    SubElement(
        placed, "rendering", obstacle="0", scaleVisibility="1", scaleMin="0", scaleMax=_NAMES_FROM
    )
    _columns(layer, MINES.fields, language)


def _counties(layer: Element) -> None:
    _outline(layer, (("#59655F", "0.5"),))
    placed = labels(layer, "county", is_expression=False, size=12)
    SubElement(placed, "placement", placement="1")
    # names of mines may lie on a county
    SubElement(placed, "rendering", obstacle="0")


def _outline(layer: Element, strokes: Sequence[tuple[str, str]]) -> None:
    """Lines one over the other, (colour, width in mm), and nothing inside."""
    renderer = SubElement(layer, "renderer-v2", type="singleSymbol", enableorderby="0",
                          forceraster="0", symbollevels="0")  # fmt: skip
    drawn = symbol(SubElement(renderer, "symbols"), "0", "fill")
    for colour, width in strokes:
        symbol_layer(
            drawn,
            "SimpleFill",
            {
                "style": "no", "outline_color": rgba(colour), "outline_style": "solid",
                "outline_width": width, "outline_width_unit": "MM",
            },
        )  # fmt: skip


def _columns(layer: Element, fields: Sequence[Field], language: str) -> None:
    """Headings and labels of codes as the attribute table shows them."""
    shown = [field for field in fields if field.kind != "geometry"]
    configuration = SubElement(layer, "fieldConfiguration")
    for field in shown:
        codes = codes_of(field)
        if codes is not None:
            place = SubElement(configuration, "field", name=field.name)
            value_map(place, {code.label(language): code.key for code in codes})
    aliases = SubElement(layer, "aliases")
    for index, field in enumerate(shown, start=1):  # GeoPackage keeps a column fid before
        SubElement(aliases, "alias", index=str(index), field=field.name,
                   name=column_heading(field, language))  # fmt: skip


def _pictures(tree: Element, layers: Element, contents: Contents, language: str) -> None:
    """One layer a year, of which one is seen at a time: the last."""
    if not contents.pictures:
        return
    years = sorted(contents.pictures, reverse=True)
    gap = "、" if language == "zh" else ", "
    bands = gap.join(str(text(f"drawn.band.{band}", language)) for band in contents.bands)
    group = SubElement(tree, "layer-tree-group", {
        "name": text("qgis.pictures", language, {"bands": bands}), "checked": "Qt::Checked",
        "expanded": "1", "mutually-exclusive": "1", "mutually-exclusive-child": "0",
    })  # fmt: skip
    for year in years:
        key, source = f"picture_{year}", "./" + contents.pictures[year]
        SubElement(group, "layer-tree-layer", id=key, name=str(year), source=source,
                   providerKey="gdal", expanded="0",
                   checked="Qt::Checked" if year == years[0] else "Qt::Unchecked")  # fmt: skip
        layer = SubElement(layers, "maplayer", type="raster", hasScaleBasedVisibilityFlag="1",
                           minScale=_PICTURES_FROM, maxScale="0",
                           styleCategories="AllStyleCategories")  # fmt: skip
        _source(layer, key, str(year), source, "gdal", contents.crs)
        pipe = SubElement(layer, "pipe")
        SubElement(pipe, "rasterrenderer", type="multibandcolor", redBand="1", greenBand="2",
                   blueBand="3", alphaBand="4", opacity="1", nodataColor="")  # fmt: skip
