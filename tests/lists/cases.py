"""Conformance: every format and dialect tried, and what it must come to.

Each case is run by `test_conformance.py`; `docs/lists.md` is written from them by `page.py`.
"""

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from tests.lists import truth as t
from tests.lists.writers import Write, later


@dataclass(frozen=True)
class Case:
    """One row of the table.

    `codes` must be among the findings; `refused` is the error code instead of a reading.
    """

    format: str
    dialect: str
    tried: str
    write: Write
    options: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()
    refused: str = ""
    says: str = ""
    rejected: int = 0
    outlines: bool = True
    within_m: float = 0.01
    named: bool = True

    @property
    def result(self) -> str:
        if self.refused:
            return f"refused: {self.refused}"
        told = ", ".join(sorted(self.codes))
        return (
            "read"
            + (f"; {self.rejected} rows rejected" if self.rejected else "")
            + (f" ({told})" if told else "")
        )


def _shp(code: int, **options: Any) -> Write:
    return lambda folder: t.shapefile(folder, t.mines(code), **options)


def _bare(table: Callable[[], gpd.GeoDataFrame], **options: Any) -> Write:
    return lambda folder: t.shapefile(folder, table(), prj=False, **options)


def _csv_points(crs: int, headings: tuple[str, str], swap: bool = False) -> Write:
    def write(folder: Path) -> Path:
        pairs = [pair[::-1] if swap else pair for pair in t.points(crs)]
        return t.csv(folder / "mines.csv", t.with_points(pairs, headings))

    return write


def _csv_dms(pattern_lon: str, pattern_lat: str) -> Write:
    def write(folder: Path) -> Path:
        pairs = [(t.dms(x, pattern_lon), t.dms(y, pattern_lat)) for x, y in t.points()]
        return t.csv(folder / "mines.csv", t.with_points(pairs))

    return write


def _both(pattern: str) -> Write:
    return _csv_dms(pattern, pattern)


_POINT = {"outlines": False, "codes": frozenset({"point_only"})}

DELIMITED = [
    Case("CSV", "UTF-8, WKT", "longitude and latitude", lambda f: t.csv(f / "m.csv", t.mines())),
    Case(
        "CSV",
        "GB18030, WKT",
        "Chinese headings",
        lambda f: t.csv(f / "m.csv", t.mines(), "gb18030"),
    ),
    Case(
        "CSV",
        "UTF-16 with mark, tab",
        "Excel's Unicode text",
        lambda f: t.csv(f / "m.txt", t.mines(), "utf-16", "\t"),
    ),
    Case("CSV", "decimal degrees", "points", _csv_points(4326, ("经度", "纬度")), **_POINT),
    Case("CSV", "115°12′30.5″", "degrees, minutes, seconds", _both("{d}°{m}′{s}″"), **_POINT),
    Case("CSV", "115度12分30.5秒", "the same in words", _both("{d}度{m}分{s}秒"), **_POINT),
    Case("CSV", "115-12-30.5", "the same with hyphens", _both("{d}-{m}-{s}"), **_POINT),
    Case(
        "CSV",
        "115 12 30.5E",
        "the same with spaces and hemisphere",
        _csv_dms("{d} {m} {s}E", "{d} {m} {s}N"),
        **_POINT,
    ),
    Case(
        "CSV",
        "东经１１５°１２′３０″",
        "full-width characters",
        lambda f: t.csv(
            f / "m.csv",
            t.with_points(
                [
                    (_wide(t.dms(x, "东经{d}°{m}′{s}″")), _wide(t.dms(y, "北纬{d}°{m}′{s}″")))
                    for x, y in t.points()
                ]
            ),
        ),
        **_POINT,
    ),
    Case("CSV", "115°12.508′", "degrees and minutes", _both("{d}°{minutes:.7f}′"), **_POINT),
    Case(
        "CSV",
        "1151230",
        "degrees, minutes, seconds run together",
        lambda f: t.csv(f / "m.csv", t.with_points([(1111803, 271203)] * 3)),
        refused="missing_crs",
        says="run together",
    ),
    Case(
        "CSV",
        "X/Y(CGCS2000), prefix",
        "datum in the heading, zone in the easting",
        _csv_points(t.CGCS_ZONE, ("X(CGCS2000)", "Y")),
        **{**_POINT, "codes": frozenset({"crs_recognised", "point_only"})},
    ),
    Case(
        "CSV",
        "X north, Y east, prefix",
        "axes as surveyors write them",
        _csv_points(t.CGCS_ZONE, ("X", "Y"), swap=True),
        ("--crs", "cgcs2000"),
        **{**_POINT, "codes": frozenset({"axes_swapped", "crs_told"})},
    ),
    Case(
        "CSV",
        "X, Y, prefix, no datum",
        "zone certain, datum not",
        _csv_points(t.CGCS_ZONE, ("X", "Y")),
        refused="missing_crs",
        says="EPSG:4525",
    ),
    Case(
        "CSV",
        "X, Y, no prefix",
        "neither certain",
        _csv_points(t.CGCS_PLAIN, ("X", "Y")),
        refused="missing_crs",
        says="carry no zone",
    ),
    Case(
        "CSV",
        "X, Y, no prefix",
        "--crs cgcs2000:111E",
        _csv_points(t.CGCS_PLAIN, ("X", "Y")),
        ("--crs", "cgcs2000:111E"),
        **_POINT,
    ),
    Case(
        "CSV",
        "WKT in Gauss-Kruger, prefix",
        "--crs EPSG:4525",
        lambda f: t.csv(f / "m.csv", t.mines(t.CGCS_ZONE)),
        ("--crs", "EPSG:4525"),
    ),
    Case(
        "CSV",
        "totals and notes",
        "合计, 小计, a note under the list",
        later(globals(), "_with_totals"),
        rejected=3,
        codes=frozenset({"totals_row", "note_row"}),
    ),
]


def _wide(text: str) -> str:
    return text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789."})


def _with_totals(folder: Path) -> Path:
    path = t.csv(folder / "m.csv", t.mines())
    with path.open("a", encoding="utf-8") as file:
        file.write("锡矿山小计,,100,\n合 计,,200,\n注:面积以图斑为准,,,\n")
    return path


def _dated(label: str, code: int, told: str, refused: str, says: str) -> list[Case]:
    """An old datum: refused without its shift, read with it."""
    kind = "prefix" if code in (t.XIAN_ZONE,) else "no prefix"
    return [
        Case("Shapefile", f"{label}, {kind}", ".prj states it, no shift known",
             lambda f: t.shapefile(f, t.in_datum(code)), refused=refused, says=says),
        Case("Shapefile", f"{label}, {kind}", f"--shift {t.SHIFT}",
             lambda f: t.shapefile(f, t.in_datum(code)), ("--shift", t.SHIFT),
             codes=frozenset({"datum_shifted"}), within_m=0.02),
        Case("Shapefile", f"{label}, {kind}, no .prj", f"--crs {told} --shift {t.SHIFT}",
             lambda f: t.shapefile(f, t.in_datum(code), prj=False),
             ("--crs", told, "--shift", t.SHIFT), codes=frozenset({"crs_told"}), within_m=0.02),
    ]  # fmt: skip


SHAPEFILES = [
    *(
        Case("Shapefile", f"CGCS2000, EPSG:{code}", f".prj of {words}", _shp(code))
        for code, words in (
            (4490, "longitude and latitude"),
            (t.CGCS_ZONE, "3-degree zone 37"),
            (t.CGCS_PLAIN, "3-degree, 111 E"),
            (t.CGCS_SIX_ZONE, "6-degree zone 19"),
            (t.CGCS_SIX_PLAIN, "6-degree, 111 E"),
        )
    ),
    Case(
        "Shapefile",
        "CGCS2000, bare .prj",
        "degrees in the .prj, metres with prefix in the file",
        lambda f: t.shapefile(f, t.relabelled(t.mines(t.CGCS_ZONE), 4490)),
        codes=frozenset({"crs_recognised"}),
    ),
    Case(
        "Shapefile",
        "no .prj, 3-degree prefix",
        "zone certain, datum not",
        _bare(lambda: t.mines(t.CGCS_ZONE)),
        refused="missing_crs",
        says="CGCS2000 EPSG:4525, Xian 1980 EPSG:2361, Beijing 1954 EPSG:2413",
    ),
    Case(
        "Shapefile",
        "no .prj, 6-degree prefix",
        "zone certain, datum not",
        _bare(lambda: t.mines(t.CGCS_SIX_ZONE)),
        refused="missing_crs",
        says="6-degree zone 19",
    ),
    Case(
        "Shapefile",
        "no .prj, 3-degree prefix",
        "--crs cgcs2000",
        _bare(lambda: t.mines(t.CGCS_ZONE)),
        ("--crs", "cgcs2000"),
        codes=frozenset({"crs_told"}),
    ),
    Case(
        "Shapefile",
        "no .prj, 6-degree prefix",
        "--crs cgcs2000",
        _bare(lambda: t.mines(t.CGCS_SIX_ZONE)),
        ("--crs", "2000国家大地坐标系"),
    ),
    Case(
        "Shapefile",
        "no .prj, no prefix",
        "neither certain",
        _bare(lambda: t.mines(t.CGCS_PLAIN)),
        refused="missing_crs",
        says="carry no zone",
    ),
    Case(
        "Shapefile",
        "no .prj, no prefix",
        "--crs EPSG:4546",
        _bare(lambda: t.mines(t.CGCS_PLAIN)),
        ("--crs", "4546"),
    ),
    Case(
        "Shapefile",
        "no .prj, degrees",
        "which degrees cannot be seen",
        _bare(t.mines),
        refused="missing_crs",
        says="EPSG:4490",
    ),
    Case(
        "Shapefile", "no .prj, degrees", "--crs EPSG:4490", _bare(t.mines), ("--crs", "EPSG:4490")
    ),
    *_dated("Xian 1980", t.XIAN_ZONE, "xian1980", "missing_crs", "no shift"),
    *_dated("Beijing 1954", t.BEIJING_PLAIN, "beijing1954:111E", "missing_crs", "no shift"),
    Case(
        "Shapefile",
        ".prj of zone 38, eastings of 37",
        "CRS against coordinates",
        lambda f: t.shapefile(f, t.relabelled(t.mines(t.CGCS_ZONE), 4526)),
        refused="doubtful_position",
        says="zone 37",
    ),
    Case(
        "Shapefile",
        ".prj without prefix, eastings with",
        "CRS against coordinates",
        lambda f: t.shapefile(f, t.relabelled(t.mines(t.CGCS_ZONE), t.CGCS_PLAIN)),
        refused="doubtful_position",
        says="--crs EPSG:4525",
    ),
    Case(
        "Shapefile",
        ".prj with prefix, eastings without",
        "CRS against coordinates",
        lambda f: t.shapefile(f, t.relabelled(t.mines(t.CGCS_PLAIN), t.CGCS_ZONE)),
        refused="doubtful_position",
        says="--crs EPSG:4546",
    ),
    Case(
        "Shapefile",
        ".prj in metres, degrees",
        "CRS against coordinates",
        lambda f: t.shapefile(f, t.relabelled(t.mines(), t.CGCS_ZONE)),
        refused="doubtful_position",
        says="look like degrees",
    ),
    Case(
        "Shapefile",
        "WGS 84 .prj, metres with prefix",
        "no datum of China is said",
        lambda f: t.shapefile(f, t.relabelled(t.mines(t.CGCS_ZONE), 4326)),
        refused="missing_crs",
    ),
    Case(
        "Shapefile",
        "--crs of zone 38",
        "told against coordinates",
        _bare(lambda: t.mines(t.CGCS_ZONE)),
        ("--crs", "cgcs2000:38"),
        refused="doubtful_position",
        says="114 E",
    ),
    Case(
        "Shapefile",
        "GB18030 table, .cpg says GBK",
        "attributes",
        lambda f: t.shapefile(f, t.mines(), cpg="GBK"),
    ),
    Case(
        "Shapefile",
        "GB18030 table, .cpg says 936",
        "attributes",
        lambda f: t.shapefile(f, t.mines(), cpg="936"),
    ),
    Case(
        "Shapefile",
        "GB18030 table, mark of code page 936",
        "attributes",
        lambda f: t.shapefile(f, t.mines(), mark=0x4D),
    ),
    Case(
        "Shapefile",
        "GB18030 table, nothing says so",
        "found and named",
        lambda f: t.shapefile(f, t.mines()),
        codes=frozenset({"encoding_found"}),
    ),
    Case(
        "Shapefile",
        "GB18030 table, .cpg says UTF-8",
        "contradiction named",
        lambda f: t.shapefile(f, t.mines(), cpg="UTF-8"),
        codes=frozenset({"encoding_contradicts"}),
    ),
    Case(
        "Shapefile",
        "UTF-8 table, mark of code page 936",
        "contradiction named",
        lambda f: t.shapefile(f, t.mines(), encoding="utf-8", mark=0x4D),
        codes=frozenset({"encoding_contradicts"}),
    ),
]

OTHER_VECTORS = [
    Case(
        "GeoPackage",
        "CGCS2000 3-degree zone 37",
        "as stated",
        lambda f: _to(t.mines(t.CGCS_ZONE), f / "m.gpkg"),
    ),
    Case(
        "GeoPackage",
        "undefined CRS, prefix",
        "--crs cgcs2000",
        lambda f: _to(t.unlabelled(t.mines(t.CGCS_ZONE)), f / "m.gpkg"),
        ("--crs", "cgcs2000"),
    ),
    Case(
        "GeoJSON", "longitude and latitude", "RFC 7946", lambda f: _to(t.mines(), f / "m.geojson")
    ),
    Case(
        "GeoJSON",
        "without a name, as most write it",
        "RFC 7946",
        lambda f: _nameless(_to(t.mines(), f / "m.geojson")),
    ),
    Case(
        "GeoJSON",
        "metres with prefix, no CRS",
        "zone certain, datum not",
        lambda f: _to(t.unlabelled(t.mines(t.CGCS_ZONE)), f / "m.geojson"),
        refused="missing_crs",
        says="EPSG:4525",
    ),
    Case(
        "GeoParquet",
        "WKB, CGCS2000 zone 37",
        "CRS of its metadata",
        lambda f: _parquet(t.mines(t.CGCS_ZONE), f / "m.parquet"),
    ),
    Case(
        "GeoParquet",
        "native encoding",
        "GeoArrow polygons",
        lambda f: _parquet(t.mines(), f / "m.parquet", geometry_encoding="geoarrow"),
    ),
    Case(
        "GeoParquet",
        "CRS null",
        "--crs EPSG:4525",
        lambda f: _parquet(t.unlabelled(t.mines(t.CGCS_ZONE)), f / "m.geoparquet"),
        ("--crs", "EPSG:4525"),
    ),
    Case(
        "GeoParquet",
        "CRS null, degrees",
        "which degrees cannot be seen",
        lambda f: _parquet(t.unlabelled(t.mines()), f / "m.parquet"),
        refused="missing_crs",
    ),
    Case("Parquet", "WKT column", "no GeoParquet metadata", later(globals(), "_plain_parquet")),
]


def _nameless(path: Path) -> Path:
    """A collection as RFC 7946 has it: its features and nothing else."""
    features = json.loads(path.read_text("utf-8"))["features"]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def _to(table: gpd.GeoDataFrame, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a file without a CRS is what is tried
        table.to_file(path, engine="pyogrio")
    return path


def _parquet(table: gpd.GeoDataFrame, path: Path, **options: Any) -> Path:
    table.to_parquet(path, **options)
    return path


def _plain_parquet(folder: Path) -> Path:
    t.mines().to_wkt().rename(columns={"geometry": "wkt"}).to_parquet(folder / "m.parquet")
    return folder / "m.parquet"


def _kml(inner: Callable[[], Sequence[str]], **options: Any) -> Write:
    def write(folder: Path) -> Path:
        encoding = options.pop("as_bytes", "utf-8")
        (folder / "m.kml").write_bytes(t.kml(t.OUTLINES, inner(), **options).encode(encoding))
        return folder / "m.kml"

    return write


def _schema() -> list[str]:
    return [
        f'<ExtendedData><SchemaData schemaUrl="#s"><SimpleData name="图斑编号">{i}</SimpleData>'
        "</SchemaData></ExtendedData>"
        for i in t.IDS
    ]


def _tables() -> list[str]:
    return [
        "<description><![CDATA[<table><tr><th>项目</th><th>内容</th></tr>"
        f"<tr><td>图斑编号</td><td>{i}</td></tr><tr><td>县</td><td>锦屏县</td></tr></table>]]>"
        "</description>"
        for i in t.IDS
    ]


def _lines() -> list[str]:
    return [f"<description>图斑编号:{i}\n县:锦屏县</description>" for i in t.IDS]


KEYHOLE = [
    Case("KML", "ExtendedData, Data", "ids and areas", _kml(t.extended)),
    Case("KML", "ExtendedData, SchemaData", "ids", _kml(_schema)),
    Case("KML", "table in the description", "ids", _kml(_tables)),
    Case("KML", "lines `key: value` in the description", "ids", _kml(_lines)),
    Case(
        "KML",
        "declared GB2312",
        "Chinese names",
        _kml(t.extended, encoding="GB2312", as_bytes="gb18030"),
    ),
    Case(
        "KML",
        "declared UTF-8, is GB18030",
        "contradiction named",
        _kml(t.extended, as_bytes="gb18030"),
        codes=frozenset({"encoding_contradicts"}),
    ),
    Case(
        "KML",
        "lines instead of polygons",
        "named, no outline made up",
        later(globals(), "_kml_lines"),
        outlines=False,
        codes=frozenset({"line_only"}),
    ),
    Case("KMZ", "doc.kml with a picture beside it", "ids and outlines", later(globals(), "_kmz")),
]


def _kml_lines(folder: Path) -> Path:
    shapes = [shapely.LineString(shape.exterior.coords[:-1]) for shape in t.OUTLINES]
    (folder / "m.kml").write_text(t.kml(shapes, t.extended()), encoding="utf-8")
    return folder / "m.kml"


def _kmz(folder: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(folder / "m.kmz", "w") as packed:
        packed.writestr("doc.kml", t.kml(t.OUTLINES, t.extended()))
        packed.writestr("files/photo.jpg", b"\xff\xd8\xff")
    return folder / "m.kmz"


def _dxf(code: int, texts: Sequence[str] = tuple(t.IDS), **options: Any) -> Write:
    def write(folder: Path) -> Path:
        (folder / "m.dxf").write_bytes(t.dxf(list(t.mines(code).geometry), texts, **options))
        return folder / "m.dxf"

    return write


def _old_dxf(folder: Path) -> Path:
    """The same outlines as an R12 drawing: POLYLINE, VERTEX, SEQEND."""
    lines = ["0", "SECTION", "2", "ENTITIES"]
    for shape, mine_id in zip(t.mines(t.CGCS_ZONE).geometry, t.IDS, strict=True):
        lines += ["0", "POLYLINE", "8", "A", "66", "1", "10", "0.0", "20", "0.0", "70", "1"]
        for x, y in list(shape.exterior.coords)[:-1]:
            lines += ["0", "VERTEX", "8", "A", "10", repr(x), "20", repr(y)]
        inside = shape.representative_point()
        lines += ["0", "SEQEND", "8", "A", "0", "TEXT", "8", "A", "1", mine_id]
        lines += ["10", repr(inside.x), "20", repr(inside.y)]
    lines += ["0", "ENDSEC", "0", "EOF", ""]
    (folder / "m.dxf").write_text("\n".join(lines), encoding="ascii")
    return folder / "m.dxf"


def written_dxf(folder: Path) -> Path:
    """Closed lines as GDAL writes them."""
    table = t.mines(t.CGCS_ZONE)
    lines = gpd.GeoDataFrame(geometry=list(table.geometry.exterior), crs=table.crs)
    lines["geometry"] = [shapely.LineString(ring.coords) for ring in lines.geometry]
    lines.to_file(folder / "m.dxf", engine="pyogrio", driver="DXF")
    return folder / "m.dxf"


DRAWINGS = [
    Case(
        "DXF",
        "R12, POLYLINE and VERTEX",
        "--crs cgcs2000",
        _old_dxf,
        ("--crs", "cgcs2000"),
        named=False,
    ),
    Case(
        "DXF",
        "closed polylines, prefix",
        "--crs cgcs2000; ids are the texts inside",
        _dxf(t.CGCS_ZONE),
        ("--crs", "cgcs2000"),
        codes=frozenset({"drawing_read"}),
        named=False,
    ),
    Case(
        "DXF",
        "closed polylines, no prefix",
        "--crs cgcs2000:111E",
        _dxf(t.CGCS_PLAIN),
        ("--crs", "cgcs2000:111E"),
        named=False,
    ),
    Case(
        "DXF",
        "layer name says CGCS2000",
        "zone in the eastings",
        _dxf(t.CGCS_ZONE, layer="CGCS2000_MINES"),
        codes=frozenset({"crs_recognised"}),
        named=False,
    ),
    Case(
        "DXF", "closed polylines, prefix", "no CRS told", _dxf(t.CGCS_ZONE), refused="missing_crs"
    ),
    Case(
        "DXF",
        "open polylines",
        "nothing is closed",
        _dxf(t.CGCS_ZONE, closed=False),
        ("--crs", "cgcs2000"),
        refused="unreadable_file",
        says="no closed line",
    ),
]


def _sheet(rows: Callable[[], Sequence[Sequence[Any]]], **options: Any) -> Write:
    return lambda folder: t.workbook(folder / "台账.xlsx", rows(), **options)


def _foreign() -> list[list[Any]]:
    areas, pairs = t.mines()["面积亩"].tolist(), t.points()
    return [
        ["历史遗留矿山图斑台账", None, None, None, None, None],
        ["填报单位:县自然资源局", None, None, "单位:亩", None, None],
        ["序号", "图斑", None, "图斑面积", "中心点坐标", None],
        [None, "编号", "名称", None, "经度", "纬度"],
        *([i + 1, t.IDS[i], t.NAMES[i], areas[i], *pairs[i]] for i in range(3)),
        ["合计", None, None, sum(areas), None, None],
        ["注:本表由县局填写", None, None, None, None, None],
    ]


_FOREIGN_MERGES = ("A1:F1", "A2:C2", "A3:A4", "B3:C3", "D3:D4", "E3:F3", "A9:F9")


def _mixed() -> list[list[Any]]:
    mu = t.mines()["面积亩"].tolist()
    cells = [f"{mu[0]}亩", f"{mu[1] / 15:.6f} 公顷", f"{mu[2]:,.2f}亩"]
    heading = ["图斑编号", "名称", "面积", "经度", "纬度"]
    return [heading] + [[t.IDS[i], t.NAMES[i], cells[i], *t.points()[i]] for i in range(3)]


def _formulas(cached: bool) -> Write:
    def write(folder: Path) -> Path:
        rows = t.rows_with_points()
        areas = [row[2] for row in rows[1:]]
        for row, area in zip(rows[1:], areas, strict=True):
            row[2] = f"={area}*1"
        path = t.workbook(folder / "m.xlsx", rows)
        return t.with_cached(path, {f"{area}*1": str(area) for area in areas}) if cached else path

    return write


_SHEET_POINT = {"outlines": False, "codes": frozenset({"point_only", "sheet_read"})}
WORKBOOKS = [
    Case("XLSX", "one heading row", "points", _sheet(t.rows_with_points), **_SHEET_POINT),
    Case(
        "XLSX",
        "title, unit line, merged headings, total, note",
        "a foreign sheet",
        _sheet(_foreign, merge=_FOREIGN_MERGES),
        rejected=2,
        **_SHEET_POINT,
    ),
    Case(
        "XLSX",
        "51亩 and 3.4公顷 in one column",
        "units in the cells",
        _sheet(_mixed),
        **_SHEET_POINT,
    ),
    Case(
        "XLSX",
        "formulas with their results",
        "results of the last calculation",
        _formulas(cached=True),
        outlines=False,
        codes=frozenset({"formulas_read"}),
    ),
    Case(
        "XLSX",
        "formulas without results",
        "rows refused, not read as empty",
        _formulas(cached=False),
        rejected=3,
        codes=frozenset({"formula_without_value"}),
        outlines=False,
    ),
    Case(
        "XLSX",
        "X/Y under a CGCS2000 title",
        "Gauss-Kruger with prefix",
        _sheet(
            lambda: [
                ["坐标系:2000国家大地坐标系", None, None, None, None],
                *t.rows_with_points(("图斑编号", "名称", "面积(亩)", "Y", "X"))[:1],
                *(
                    [i, n, 50, x, y]
                    for i, n, (x, y) in zip(t.IDS, t.NAMES, t.points(t.CGCS_ZONE), strict=True)
                ),
            ]
        ),
        outlines=False,
        codes=frozenset({"crs_recognised"}),
    ),
    Case(
        "XLSX",
        "two sheets with a list",
        "which one is not guessed",
        _sheet(t.rows_with_points, name="一月", more={"二月": t.rows_with_points()}),
        refused="invalid_input",
        says="--sheet",
    ),
    Case(
        "XLSX",
        "two sheets with a list",
        "--sheet 二月",
        _sheet(t.rows_with_points, name="一月", more={"二月": t.rows_with_points()}),
        ("--sheet", "二月"),
        outlines=False,
        codes=frozenset({"sheets_unused"}),
    ),
    Case(
        "XLSX",
        "a hidden sheet beside the list",
        "named, not read",
        _sheet(
            t.rows_with_points, name="一月", more={"二月": t.rows_with_points()}, hidden=("二月",)
        ),
        outlines=False,
        codes=frozenset({"sheets_unused"}),
    ),
    Case(
        "XLSX",
        "ids of 18 digits as numbers",
        "rounded by the spreadsheet: rows refused",
        _sheet(
            lambda: [
                t.rows_with_points()[0],
                *([430000200912345670 + i, "矿", 5, *t.points()[i]] for i in range(3)),
            ]
        ),
        rejected=3,
        codes=frozenset({"id_rounded"}),
        outlines=False,
    ),
    Case(
        "XLSX",
        "no heading that is known",
        "named",
        _sheet(lambda: [["a", "b"], [1, 2]]),
        refused="unreadable_file",
        says="reverdure template",
    ),
]

CASES = [*DELIMITED, *SHAPEFILES, *OTHER_VECTORS, *KEYHOLE, *DRAWINGS, *WORKBOOKS]
