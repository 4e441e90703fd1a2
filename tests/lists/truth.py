"""Three mines in Hunan, and ways to write them: with real libraries, in many dialects."""

import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyproj
import shapely

from reverdure.registry.shifted_maps import to_bd09, to_gcj02

IDS, NAMES = ["M1", "M2", "M3"], ["锡矿山", "北矿", "石灰岩矿"]
SIDES_DEG = (0.002, 0.0025, 0.003)
CORNERS = [(111.30, 27.20), (111.35, 27.25), (111.42, 27.31)]
# south-western corner, a notch in the north-east: no square, so that a turned outline shows
OUTLINES = [
    shapely.box(x, y, x + s, y + s) - shapely.box(x + s / 2, y + s / 2, x + s, y + s)
    for (x, y), s in zip(CORNERS, SIDES_DEG, strict=True)
]
ZONE_3, ZONE_6, MERIDIAN = 37, 19, 111
CGCS_ZONE, CGCS_PLAIN, CGCS_SIX_ZONE, CGCS_SIX_PLAIN = 4525, 4546, 4497, 4508
XIAN_ZONE, BEIJING_PLAIN = 2361, 2434
SHIFT = "-12.5,103.2,48.9"
"""Made up: the shifts of provinces are not public. Only the way through is tested."""


def mines(crs: int | pyproj.CRS = 4326) -> gpd.GeoDataFrame:
    """The three mines in a CRS, areas in mu."""
    table = gpd.GeoDataFrame({"图斑编号": IDS, "名称": NAMES}, geometry=list(OUTLINES), crs=4326)
    hectares = table.to_crs(6933).area / 10_000
    table.insert(2, "面积亩", (hectares * 15).round(2))
    return table.to_crs(crs)


def bound(code: int) -> pyproj.CRS:
    """A Chinese datum with the made-up shift, to write coordinates in it."""
    base = pyproj.CRS.from_epsg(code)
    step = pyproj.crs.coordinate_operation.ToWGS84Transformation(
        base.geodetic_crs, *map(float, SHIFT.split(","))
    )
    return pyproj.crs.BoundCRS(base, pyproj.CRS.from_epsg(4326), step)


def in_datum(code: int) -> gpd.GeoDataFrame:
    """The mines in a CRS of an old datum, labelled with the plain EPSG code."""
    table = mines(bound(code))
    return gpd.GeoDataFrame(table.drop(columns="geometry"), geometry=list(table.geometry), crs=code)


def unlabelled(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The same coordinates without a CRS."""
    return gpd.GeoDataFrame(table.drop(columns="geometry"), geometry=list(table.geometry))


def relabelled(table: gpd.GeoDataFrame, crs: int) -> gpd.GeoDataFrame:
    """The same coordinates under another label."""
    return unlabelled(table).set_crs(crs)


def turned(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Axes exchanged."""
    shapes = shapely.transform(np.array(table.geometry), lambda xy: xy[:, ::-1])
    return gpd.GeoDataFrame(table.drop(columns="geometry"), geometry=list(shapes), crs=table.crs)


def shifted(table: gpd.GeoDataFrame, to: str) -> gpd.GeoDataFrame:
    """Drawn on a web map in GCJ-02 or BD-09."""
    move = {"gcj02": to_gcj02, "bd09": to_bd09}[to]
    shapes = shapely.transform(
        np.array(table.geometry), lambda xy: np.column_stack(move(xy[:, 0], xy[:, 1]))
    )
    return gpd.GeoDataFrame(table.drop(columns="geometry"), geometry=list(shapes), crs=table.crs)


def csv(path: Path, table: pd.DataFrame, encoding: str = "utf-8", sep: str = ",") -> Path:
    """A delimited file; outlines as WKT."""
    frame = pd.DataFrame(table)
    if "geometry" in frame:
        frame = frame.assign(
            geometry=shapely.to_wkt(np.array(table.geometry), rounding_precision=-1)
        )
    frame.to_csv(path, index=False, encoding=encoding, sep=sep)
    return path


def shapefile(
    folder: Path, table: gpd.GeoDataFrame, *, cpg: str | None = "", prj: bool = True,
    encoding: str = "gb18030", mark: int = 0,
) -> Path:  # fmt: skip
    """A Shapefile; `cpg` "" leaves it out, `mark` is the table's own code page."""
    path = folder / "mines.shp"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a heading cut in the middle of a character
        table.to_file(path, engine="pyogrio", encoding=encoding)
    (folder / "mines.cpg").unlink(missing_ok=True)
    if cpg:
        (folder / "mines.cpg").write_text(cpg)
    raw = bytearray((folder / "mines.dbf").read_bytes())
    raw[29] = mark
    (folder / "mines.dbf").write_bytes(raw)
    if not prj:
        (folder / "mines.prj").unlink(missing_ok=True)
    return path


def points(crs: int = 4326, digits: int = 3) -> list[tuple[float, float]]:
    """A point in each mine."""
    inside = gpd.GeoSeries(
        [shapely.Point(x + s / 4, y + s / 4) for (x, y), s in zip(CORNERS, SIDES_DEG, strict=True)],
        crs=4326,
    ).to_crs(crs)
    return [(round(point.x, digits + 4 * (crs == 4326)), round(point.y, digits + 4 * (crs == 4326)))
            for point in inside]  # fmt: skip


def with_points(
    pairs: Sequence[tuple[Any, Any]], headings: tuple[str, str] = ("经度", "纬度")
) -> pd.DataFrame:
    """The mines with two columns of coordinates."""
    frame = pd.DataFrame(mines().drop(columns="geometry"))
    frame[headings[0]], frame[headings[1]] = zip(*pairs, strict=True)
    return frame


def dms(value: float, pattern: str) -> str:
    """Decimal degrees as degrees, minutes and seconds in a pattern."""
    seconds = round(value * 3600, 3)
    d, m, s = int(seconds // 3600), int(seconds % 3600 // 60), round(seconds % 60, 3)
    return pattern.format(d=d, m=m, s=s, minutes=m + s / 60, value=value)


Fill = Callable[[Any], None]


def workbook(path: Path, rows: Sequence[Sequence[Any]], *, merge: Sequence[str] = (),
             name: str = "Sheet1", more: Mapping[str, Sequence[Sequence[Any]]] | None = None,
             hidden: Sequence[str] = ()) -> Path:  # fmt: skip
    """A workbook by openpyxl."""
    book = openpyxl.Workbook()
    for title, lines in {name: rows, **(more or {})}.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(list(line))
        if title in hidden:
            sheet.sheet_state = "hidden"
    del book["Sheet"]
    for block in merge:
        book[name].merge_cells(block)
    book.save(path)
    return path


def with_cached(path: Path, values: Mapping[str, str]) -> Path:
    """Write the results of formulas into a workbook, as a spreadsheet does when it saves."""
    parts = {}
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode("utf-8")
    for formula, value in values.items():
        for empty in ("<v></v>", "<v />", "<v/>"):
            sheet = sheet.replace(f"<f>{formula}</f>{empty}", f"<f>{formula}</f><v>{value}</v>")
        assert f"<v>{value}</v>" in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.encode("utf-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return path


def rows_with_points(
    heading: Sequence[Any] = ("图斑编号", "名称", "图斑面积(亩)", "经度", "纬度"),
) -> list[list[Any]]:
    """Heading and rows of a sheet with a point for each mine."""
    areas = mines()["面积亩"].tolist()
    return [list(heading)] + [[IDS[i], NAMES[i], areas[i], *points()[i]] for i in range(len(IDS))]


def kml(
    shapes: Sequence[shapely.Geometry],
    inner: Sequence[str],
    *,
    head: str = "",
    encoding: str = "UTF-8",
) -> str:
    """A KML document with one placemark a shape."""
    marks = "".join(
        f"<Placemark><name>{name}</name>{extra}{_kml_shape(shape)}</Placemark>"
        for name, extra, shape in zip(NAMES, inner, shapes, strict=True)
    )
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"{head}<Folder><name>露天矿</name>{marks}</Folder></Document></kml>"
    )


def _kml_shape(shape: shapely.Geometry | None) -> str:
    if shape is None:
        return ""
    if shape.geom_type == "Polygon":
        ring = " ".join(f"{x!r},{y!r},0" for x, y in shape.exterior.coords)
        return ("<Polygon><outerBoundaryIs><LinearRing><coordinates>" + ring
                + "</coordinates></LinearRing></outerBoundaryIs></Polygon>")  # fmt: skip
    if shape.geom_type == "LineString":
        line = " ".join(f"{x!r},{y!r}" for x, y in shape.coords)
        return f"<LineString><coordinates>{line}</coordinates></LineString>"
    return "<MultiGeometry>" + "".join(map(_kml_shape, shape.geoms)) + "</MultiGeometry>"


def extended() -> list[str]:
    """ExtendedData of the three mines."""
    return [
        f'<ExtendedData><Data name="图斑编号"><value>{mine_id}</value></Data>'
        f'<Data name="面积(亩)"><value>{area}</value></Data></ExtendedData>'
        for mine_id, area in zip(IDS, mines()["面积亩"], strict=True)
    ]


def dxf(shapes: Sequence[shapely.Polygon], texts: Sequence[str], *, closed: bool = True,
        layer: str = "MINES", code_page: str = "ANSI_936") -> bytes:  # fmt: skip
    """An AutoCAD R2000 drawing: one light-weight polyline and one text an outline."""
    lines = ["0", "SECTION", "2", "HEADER", "9", "$ACADVER", "1", "AC1015", "9", "$DWGCODEPAGE",
             "3", code_page, "0", "ENDSEC", "0", "SECTION", "2", "ENTITIES"]  # fmt: skip
    for handle, (shape, text) in enumerate(zip(shapes, texts, strict=True), start=64):
        corners = list(shape.exterior.coords)[:-1]
        lines += ["0", "LWPOLYLINE", "5", f"{handle:X}", "100", "AcDbEntity", "8", layer,
                  "100", "AcDbPolyline", "90", str(len(corners)),
                  "70", "1" if closed else "0"]  # fmt: skip
        for x, y in corners:
            lines += ["10", repr(float(x)), "20", repr(float(y))]
        inside = shape.representative_point()
        if text:
            lines += ["0", "TEXT", "5", f"{handle + 1000:X}", "100", "AcDbEntity", "8", "ID",
                      "100", "AcDbText", "10", repr(inside.x), "20", repr(inside.y), "30", "0.0",
                      "40", "2.5", "1", text, "100", "AcDbText"]  # fmt: skip
    lines += ["0", "ENDSEC", "0", "EOF", ""]
    return "\r\n".join(lines).encode("gb18030" if code_page == "ANSI_936" else "utf-8")
