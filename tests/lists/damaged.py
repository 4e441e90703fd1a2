"""Files that are damaged, mislabelled or wrong on purpose, and what each must get.

A damage is either refused as a whole (`refused`: the code of the error), or read with the
rows it spoils named (`codes` among the findings). `test_damaged.py` runs them all.
"""

import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from tests.lists import truth as t
from tests.lists.writers import Write, later


@dataclass(frozen=True)
class Damage:
    """One damaged file: what was done to it, and what it must get."""

    format: str
    what: str
    write: Write
    refused: str = ""
    codes: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()
    accepted: int = 0
    """Rows still accepted."""

    @property
    def result(self) -> str:
        if self.refused:
            return f"refused: {self.refused}"
        return f"{self.accepted} rows read; named: {', '.join(sorted(self.codes))}"


def _raw(name: str, content: bytes | Callable[[], bytes]) -> Write:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content())
        return folder / name

    return write


def _text(name: str, *lines: str) -> Write:
    return _raw(name, ("\n".join(lines) + "\n").encode("utf-8"))


def _cut(source: Write, share: float = 0.6) -> Write:
    """The first part of a good file."""

    def write(folder: Path) -> Path:
        path = source(folder)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        return path

    return write


def _named(source: Write, name: str) -> Write:
    """A good file under another name."""

    def write(folder: Path) -> Path:
        return source(folder).rename(folder / name)

    return write


def csv(folder: Path) -> Path:
    return t.csv(folder / "m.csv", t.mines())


def geopackage(folder: Path) -> Path:
    t.mines().to_file(folder / "m.gpkg", engine="pyogrio")
    return folder / "m.gpkg"


def geojson(folder: Path) -> Path:
    t.mines().to_file(folder / "m.geojson", engine="pyogrio")
    return folder / "m.geojson"


def shape(folder: Path) -> Path:
    return t.shapefile(folder, t.mines(), cpg="GB18030")


def sheet(folder: Path) -> Path:
    return t.workbook(folder / "m.xlsx", t.rows_with_points())


def parquet(folder: Path) -> Path:
    t.mines().to_parquet(folder / "m.parquet")
    return folder / "m.parquet"


def keyhole(folder: Path) -> Path:
    (folder / "m.kml").write_text(t.kml(t.OUTLINES, t.extended()), encoding="utf-8")
    return folder / "m.kml"


def drawing(folder: Path) -> Path:
    shapes = list(t.mines(t.CGCS_ZONE).geometry)
    (folder / "m.dxf").write_bytes(t.dxf(shapes, t.IDS))
    return folder / "m.dxf"


def _rows(*lonlat: tuple[str, str]) -> Write:
    lines = [f'M{i},"{lon}","{lat}"' for i, (lon, lat) in enumerate(lonlat, start=1)]
    return _text("m.csv", "mine_id,lon,lat", *lines)


def _wkt(*outlines: str) -> Write:
    lines = [f'M{i},"{outline}"' for i, outline in enumerate(outlines, start=1)]
    return _text("m.csv", "mine_id,wkt", *lines)


GOOD_WKT = t.OUTLINES[0].wkt
SWAPPED = shapely.transform(t.OUTLINES[0], lambda xy: xy[:, ::-1]).wkt


def _mixed_encodings(folder: Path) -> Path:
    one = "mine_id,name,lon,lat\nM1,锡矿山,111.3,27.2\n".encode()
    (folder / "m.csv").write_bytes(one + "M2,石灰岩矿区,111.4,27.3\n".encode("gb18030"))
    return folder / "m.csv"


TEXT = [
    Damage("CSV", "0 bytes", _raw("m.csv", b""), "unreadable_file"),
    Damage("CSV", "heading, no rows", _text("m.csv", "mine_id,lon,lat"), "unreadable_file"),
    Damage("CSV", "blanks only", _raw("m.csv", b" \n \n"), "unreadable_file"),
    Damage(
        "CSV",
        "quotation mark never closed",
        _text("m.csv", "mine_id,name", 'M1,"pit', "M2,x"),
        "unreadable_file",
    ),
    Damage(
        "CSV",
        "zero bytes between letters",
        _raw("m.csv", b"mine_id,name\nM\x001,x\n"),
        "wrong_encoding",
    ),
    Damage(
        "CSV",
        "random bytes",
        _raw("m.csv", lambda: np.random.default_rng(1).bytes(5000)),
        "wrong_encoding",
    ),
    Damage("CSV", "half UTF-8, half GB18030", _mixed_encodings, "wrong_encoding"),
    Damage(
        "CSV",
        "UTF-16 without its mark",
        _raw("m.csv", "mine_id,lon,lat\nM1,111.3,27.2\n".encode("utf-16-le")),
        "wrong_encoding",
    ),
    Damage("CSV", "is a workbook", _named(sheet, "m.csv"), "unreadable_file"),
    Damage("CSV", "is a GeoPackage", _named(geopackage, "m.csv"), "unreadable_file"),
    Damage(
        "CSV",
        "is a web page",
        _text("m.csv", "<!DOCTYPE html><html>sign in</html>"),
        "unreadable_file",
    ),
    Damage(
        "CSV",
        "is a pointer of Git LFS",
        _text("m.csv", "version https://git-lfs.github.com/spec/v1", "oid sha256:00"),
        "unreadable_file",
    ),
    Damage("CSV", "latitude before longitude, WKT", _wkt(SWAPPED), "missing_crs"),
    Damage(
        "CSV",
        "lat column holds longitudes",
        _rows(("27.2", "111.3"), ("27.3", "111.4")),
        codes=frozenset({"point_only"}),
        accepted=2,
    ),
    Damage(
        "CSV",
        "NaN corners",
        _wkt(GOOD_WKT, "POLYGON ((1 1, nan nan, 2 2, 1 1))"),
        codes=frozenset({"bad_coordinates"}),
        accepted=2,
    ),
    Damage(
        "CSV",
        "infinite corners",
        _wkt(GOOD_WKT, "POLYGON ((1 1, inf 1, 2 2, 1 1))"),
        codes=frozenset({"bad_coordinates"}),
        accepted=2,
    ),
    Damage(
        "CSV",
        "lines for polygons",
        _wkt("LINESTRING (111 27, 112 28, 111 28)"),
        codes=frozenset({"line_only"}),
        accepted=1,
    ),
    Damage(
        "CSV",
        "WKT cut in the last row",
        _wkt(GOOD_WKT, "POLYGON ((111.3 27.2, 111.302 27"),
        codes=frozenset({"unreadable_geometry"}),
        accepted=2,
    ),
    Damage(
        "CSV",
        "a row with more cells than headings",
        _text("m.csv", "mine_id,name", "M1,a", "M2,b,c,d"),
        codes=frozenset({"ragged_row"}),
        accepted=1,
    ),
    Damage(
        "CSV",
        "61 minutes",
        _rows(("111°61′00″", "27°12′00″")),
        codes=frozenset({"unreadable_position"}),
        accepted=1,
    ),
    Damage(
        "CSV",
        "decimal comma",
        _rows(("111,3", "27,2")),
        codes=frozenset({"unreadable_position"}),
        accepted=1,
    ),
    Damage(
        "CSV",
        "latitude in the longitude column",
        _rows(("27°12′N", "111°18′E")),
        codes=frozenset({"unreadable_position"}),
        accepted=1,
    ),
    Damage(
        "CSV",
        "two Gauss-Kruger zones",
        _rows(("37530000.1", "3010000.2"), ("38230000.1", "3010000.2")),
        "invalid_input",
    ),
    Damage(
        "CSV",
        "degrees and metres mixed",
        _rows(("111.3", "27.2"), ("37530000.1", "3010000.2")),
        "invalid_input",
    ),
    Damage(
        "CSV", "a digit lost from the eastings", _rows(("3753000.1", "3010000.2")), "missing_crs"
    ),
    Damage(
        "CSV",
        "unit in the heading not known",
        _text("m.csv", "mine_id,面积(万亩)", "M1,3"),
        "invalid_input",
    ),
    Damage(
        "CSV",
        "cells in hectares under a heading in mu",
        _text("m.csv", "mine_id,面积(亩)", "M1,3.4公顷", "M2,51"),
        codes=frozenset({"area_unit_conflict"}),
        accepted=2,
    ),
    Damage(
        "CSV",
        "path as id",
        _text("m.csv", "mine_id,name", "../../etc,x", "M2,y"),
        codes=frozenset({"unsafe_id"}),
        accepted=1,
    ),
    Damage(
        "CSV",
        "same id, other outlines",
        _text("m.csv", "mine_id,wkt", f'M1,"{t.OUTLINES[0].wkt}"', f'M1,"{t.OUTLINES[1].wkt}"'),
        codes=frozenset({"merged_patches"}),
        accepted=2,
    ),
    Damage("CSV", "nothing we know", _text("m.csv", "a,b,c", "x,y,z"), "missing_column"),
]


def _edit(source: Write, suffix: str, change: Callable[[bytearray], bytes | bytearray]) -> Write:
    """A good file with one of its parts changed."""

    def write(folder: Path) -> Path:
        path = source(folder)
        part = path.with_suffix(suffix)
        part.write_bytes(change(bytearray(part.read_bytes())))
        return path

    return write


def _without(source: Write, suffix: str) -> Write:
    def write(folder: Path) -> Path:
        path = source(folder)
        path.with_suffix(suffix).unlink()
        return path

    return write


def _more_records(raw: bytearray) -> bytearray:
    raw[4:8] = struct.pack("<I", 5000)
    return raw


def _two_layers(folder: Path) -> Path:
    for layer in ("a", "b"):
        t.mines().to_file(folder / "m.gpkg", layer=layer, engine="pyogrio", mode="w")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t.mines().to_file(folder / "m.gpkg", layer="a", engine="pyogrio", append=True)
    return folder / "m.gpkg"


def _nan_outline(folder: Path) -> Path:
    with np.errstate(invalid="ignore"):
        broken = shapely.Polygon([(1, 1), (np.nan, 1), (2, 2), (1, 1)])
    shapes = [t.OUTLINES[0], broken, t.OUTLINES[2]]
    table = gpd.GeoDataFrame({"mine_id": t.IDS}, geometry=shapes, crs=4326)
    table.to_file(folder / "m.gpkg", engine="pyogrio")
    return folder / "m.gpkg"


def _points(folder: Path) -> Path:
    shapes = [shapely.Point(*corner) for corner in t.CORNERS]
    table = gpd.GeoDataFrame({"mine_id": t.IDS}, geometry=shapes, crs=4326)
    table.to_file(folder / "mines.shp", engine="pyogrio")
    return folder / "mines.shp"


def _saved(table: gpd.GeoDataFrame, folder: Path, name: str = "m.gpkg") -> Path:
    table.to_file(folder / name, engine="pyogrio")
    return folder / name


def _json(coordinates: str) -> Write:
    ring = f"[[{coordinates}, {coordinates}, {coordinates}, {coordinates}]]"
    return _text("m.geojson", '{"type": "FeatureCollection", "features": [{"type": "Feature", '
                 '"properties": {"mine_id": "M1"}, "geometry": {"type": "Polygon", '
                 f'"coordinates": {ring}}}}}]}}')  # fmt: skip


VECTORS = [
    Damage("Shapefile", "0 bytes", _edit(shape, ".shp", lambda raw: b""), "unreadable_file"),
    Damage(
        "Shapefile", "outlines cut", _edit(shape, ".shp", lambda raw: raw[:300]), "unreadable_file"
    ),
    Damage(
        "Shapefile", "table cut", _edit(shape, ".dbf", lambda raw: raw[:250]), "unreadable_file"
    ),
    Damage("Shapefile", "no .shx", _without(shape, ".shx"), "unreadable_file"),
    Damage("Shapefile", "no .dbf", _without(shape, ".dbf"), "unreadable_file"),
    Damage("Shapefile", "no .prj", _without(shape, ".prj"), "missing_crs"),
    Damage(
        "Shapefile",
        ".prj is noise",
        _edit(shape, ".prj", lambda raw: b"GEOGCS[oops"),
        "unreadable_file",
    ),
    Damage(
        "Shapefile", "table says 5,000 rows", _edit(shape, ".dbf", _more_records), "unreadable_file"
    ),
    Damage(
        "Shapefile",
        ".prj of another zone",
        lambda f: t.shapefile(f, t.relabelled(t.mines(t.CGCS_ZONE), 4527)),
        "doubtful_position",
    ),
    Damage(
        "Shapefile", "points for polygons", _points, codes=frozenset({"point_only"}), accepted=3
    ),
    Damage(
        "Shapefile", "handed in as .dbf", lambda f: shape(f).with_suffix(".dbf"), "unreadable_file"
    ),
    Damage("GeoPackage", "cut", _cut(geopackage, 0.3), "unreadable_file"),
    Damage("GeoPackage", "is a Shapefile", _named(shape, "m.gpkg"), "unreadable_file"),
    Damage(
        "GeoPackage",
        "its first page is noise",
        _edit(geopackage, ".gpkg", lambda raw: raw[:100] + b"\xff" * 4000 + raw[4100:]),
        "unreadable_file",
    ),
    Damage("GeoPackage", "two layers", _two_layers, "invalid_input"),
    Damage(
        "GeoPackage", "NaN corners", _nan_outline, codes=frozenset({"bad_coordinates"}), accepted=3
    ),
    Damage(
        "GeoPackage",
        "degrees labelled UTM 49N",
        lambda f: _saved(t.relabelled(t.mines(), 32649), f),
        "doubtful_position",
    ),
    Damage("GeoJSON", "cut", _cut(geojson), "unreadable_file"),
    Damage(
        "GeoJSON",
        "latitude before longitude",
        lambda f: _saved(t.turned(t.mines()), f, "m.geojson"),
        "missing_crs",
    ),
    Damage(
        "GeoJSON",
        "coordinates are words",
        _json('["a", "b"]'),
        accepted=1,
        codes=frozenset({"unreadable_geometry"}),
    ),
    Damage(
        "GeoJSON",
        "empty collection",
        _text("m.geojson", '{"type": "FeatureCollection", "features": []}'),
        "unreadable_file",
    ),
    Damage("GeoJSON", "any JSON", _text("m.json", '{"a": 1}'), "unreadable_file"),
    Damage("GeoJSON", "is CSV", _named(csv, "m.geojson"), "unreadable_file"),
]


def _zip(name: str, entries: dict[str, bytes], **options: int) -> Write:
    def write(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
            for entry, content in entries.items():
                packed.writestr(entry, content)
        return folder / name

    return write


def _zipped(folder: Path) -> Path:
    path = csv(folder)
    return _zip("m.zip", {"m.csv": path.read_bytes()})(folder)


def _no_directory(folder: Path) -> Path:
    path = _zipped(folder)
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.index(b"PK\x01\x02")])
    return path


def _encrypted(folder: Path) -> Path:
    path = _zipped(folder)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    return path


def _nameless(folder: Path) -> Path:
    """An entry whose name the directory counts as something else."""
    path = _zip("m.zip", {"m": csv(folder).read_bytes()})(folder)
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 28], raw[at + 30] = 0, 1
    path.write_bytes(raw)
    return path


ARCHIVES = [
    Damage("ZIP", "an entry without a name", _nameless, "unreadable_file"),
    Damage("ZIP", "half written", _cut(_zipped), "unreadable_file"),
    Damage("ZIP", "without its directory", _no_directory, "unreadable_file"),
    Damage("ZIP", "encrypted", _encrypted, "unreadable_file"),
    Damage(
        "ZIP", "holds two lists", _zip("m.zip", {"a.csv": b"x", "b.csv": b"y"}), "invalid_input"
    ),
    Damage("ZIP", "holds no list", _zip("m.zip", {"a.jpg": b"x"}), "unreadable_file"),
    Damage("ZIP", "a bomb", _zip("m.zip", {"a.csv": b"0" * 100_000_000}), "unsafe_archive"),
    Damage(
        "ZIP",
        "leaves its folder",
        _zip("m.zip", {"../../a.csv": b"mine_id\nM1\n"}),
        "unsafe_archive",
    ),
    Damage("ZIP", "is RAR", _raw("m.zip", b"Rar!\x1a\x07\x00" + b"x" * 50), "unreadable_file"),
    Damage("KMZ", "holds no KML", _zip("m.kmz", {"a.png": b"x"}), "unreadable_file"),
    Damage("KMZ", "a bomb", _zip("m.kmz", {"doc.kml": b" " * 100_000_000}), "unsafe_archive"),
]


def _part(name: str, change: Callable[[bytes], bytes]) -> Write:
    """A workbook with one part changed."""

    def write(folder: Path) -> Path:
        path = sheet(folder)
        with zipfile.ZipFile(path) as packed:
            parts = {one: packed.read(one) for one in packed.namelist()}
        parts[name] = change(parts[name])
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for one, content in parts.items():
                packed.writestr(one, content)
        return path

    return write


_SHEET = "xl/worksheets/sheet1.xml"
_ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
# text that does not pack well: a comment of one letter would be refused as a bomb
_LONG_COMMENT = b"<!-- " + np.random.default_rng(1).bytes(1 << 20).hex().encode() + b" -->"


def _error_cells(folder: Path) -> Path:
    rows = t.rows_with_points()
    rows[1][2], rows[2][0] = "#REF!", "#N/A"
    return t.workbook(folder / "m.xlsx", rows)


def _formula_ids(folder: Path) -> Path:
    rows = t.rows_with_points()
    rows[2][0] = "=A2"
    return t.workbook(folder / "m.xlsx", rows)


def _hidden_only(folder: Path) -> Path:
    return t.workbook(folder / "m.xlsx", [["空"]], more={"x": t.rows_with_points()}, hidden=("x",))


def _far_cell(folder: Path) -> Path:
    path = sheet(folder)
    book = openpyxl.load_workbook(path)
    book["Sheet1"]["XFD1048576"] = "x"
    book.save(path)
    return path


WORKBOOKS = [
    Damage("XLSX", "half written", _cut(sheet), "unreadable_file"),
    Damage("XLSX", "0 bytes", _raw("m.xlsx", b""), "unreadable_file"),
    Damage(
        "XLSX",
        "XML of the sheet cut",
        _part(_SHEET, lambda raw: raw[: len(raw) // 2]),
        "unreadable_file",
    ),
    Damage("XLSX", "no sheet part", _zip("m.xlsx", {"a.xml": b"<a/>"}), "unreadable_file"),
    Damage(
        "XLSX",
        "is an old .xls",
        _raw("m.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        "unreadable_file",
    ),
    Damage("XLSX", "is CSV", _named(csv, "m.xlsx"), "unreadable_file"),
    Damage(
        "XLSX", "entities that unfold", _part(_SHEET, lambda raw: _ENTITY + raw), "unsafe_archive"
    ),
    Damage(
        "XLSX",
        "entities behind a comment of 2 MB",
        _part(_SHEET, lambda raw: _LONG_COMMENT + _ENTITY[21:] + raw),
        "unsafe_archive",
    ),
    Damage(
        "XLSX",
        "entities in UTF-16",
        _part(_SHEET, lambda raw: _ENTITY.decode().encode("utf-16") + raw),
        "unsafe_archive",
    ),
    Damage(
        "XLSX",
        "cells with #REF! and #N/A",
        _error_cells,
        codes=frozenset({"cell_error"}),
        accepted=1,
    ),
    Damage(
        "XLSX",
        "id is a formula without result",
        _formula_ids,
        codes=frozenset({"formula_without_value"}),
        accepted=2,
    ),
    Damage("XLSX", "the list is on a hidden sheet", _hidden_only, "unreadable_file"),
    Damage("XLSX", "a cell in the last corner", _far_cell, "unreadable_file"),
    Damage(
        "XLSX",
        "cell reference is noise",
        _part(_SHEET, lambda raw: raw.replace(b'r="A2"', b'r="??"')),
        "unreadable_file",
    ),
    Damage("XLS", "any", _raw("m.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 600), "unreadable_file"),
]


def _kml(change: Callable[[str], str]) -> Write:
    def write(folder: Path) -> Path:
        (folder / "m.kml").write_text(change(t.kml(t.OUTLINES, t.extended())), encoding="utf-8")
        return folder / "m.kml"

    return write


def _swap_pairs(text: str) -> str:
    for outline in t.OUTLINES:
        for x, y in outline.exterior.coords:
            text = text.replace(f"{x!r},{y!r},0", f"{y!r},{x!r},0")
    return text


FIRST = "{!r},{!r},0".format(*t.OUTLINES[0].exterior.coords[1])
KEYHOLE = [
    Damage("KML", "cut", _cut(keyhole), "unreadable_file"),
    Damage(
        "KML",
        "entities that unfold",
        _kml(lambda s: s.replace("<kml", '<!DOCTYPE k [<!ENTITY a "b">]><kml', 1)),
        "unsafe_archive",
    ),
    Damage("KML", "latitude before longitude", _kml(_swap_pairs), "missing_crs"),
    Damage(
        "KML",
        "a corner is NaN",
        _kml(lambda s: s.replace(FIRST, "nan,nan,0", 1)),
        codes=frozenset({"bad_coordinates"}),
        accepted=3,
    ),
    Damage(
        "KML",
        "a corner is a word",
        _kml(lambda s: s.replace(FIRST, "east,north,0", 1)),
        codes=frozenset({"unreadable_geometry"}),
        accepted=3,
    ),
    Damage(
        "KML",
        "blank after the comma",
        _kml(lambda s: s.replace(FIRST, FIRST.replace(",", ", "), 1)),
        codes=frozenset({"unreadable_geometry"}),
        accepted=3,
    ),
    Damage(
        "KML",
        "a polygon without outer ring",
        _kml(lambda s: s.replace("outerBoundaryIs", "innerBoundaryIs", 2)),
        codes=frozenset({"unreadable_geometry"}),
        accepted=3,
    ),
    Damage("KML", "no placemarks", _text("m.kml", "<kml><Document/></kml>"), "unreadable_file"),
    Damage(
        "KML",
        "only a link to another file",
        _text("m.kml", "<kml><NetworkLink><Link/></NetworkLink></kml>"),
        "unreadable_file",
    ),
    Damage(
        "KML", "is GPX", _text("m.kml", "<?xml version='1.0'?><gpx><trk/></gpx>"), "unreadable_file"
    ),
]


def _geo(change: Callable[[dict[bytes, bytes]], None], **columns: object) -> Write:
    """A GeoParquet file with its metadata or columns changed."""

    def write(folder: Path) -> Path:
        path = parquet(folder)
        table = pq.read_table(path)
        meta = dict(table.schema.metadata)
        change(meta)
        for name, cells in columns.items():
            place = table.column_names.index(name)
            table = table.set_column(place, name, pa.array(cells))
        pq.write_table(table.replace_schema_metadata(meta), path)
        return path

    return write


def _meta(**changes: object) -> Callable[[dict[bytes, bytes]], None]:
    def change(meta: dict[bytes, bytes]) -> None:
        said = json.loads(meta[b"geo"])
        column = said["columns"][said["primary_column"]]
        for key, value in changes.items():
            (said if key == "primary_column" else column)[key] = value
        meta[b"geo"] = json.dumps(said).encode()

    return change


def _no_rows(folder: Path) -> Path:
    pd.DataFrame({"mine_id": []}).to_parquet(folder / "m.parquet")
    return folder / "m.parquet"


def _projjson() -> str:
    import pyproj

    return str(pyproj.CRS.from_epsg(t.CGCS_ZONE).to_json())


PARQUET = [
    Damage("GeoParquet", "cut", _cut(parquet), "unreadable_file"),
    Damage(
        "GeoParquet",
        "metadata are no JSON",
        _geo(lambda m: m.update({b"geo": b"{oops"})),
        "unreadable_file",
    ),
    Damage(
        "GeoParquet",
        "metadata name another column",
        _geo(_meta(primary_column="nix")),
        "unreadable_file",
    ),
    Damage("GeoParquet", "encoding not known", _geo(_meta(encoding="TWKB")), "unreadable_file"),
    Damage(
        "GeoParquet",
        "one geometry is noise",
        _geo(_meta(), geometry=[t.OUTLINES[0].wkb, b"\x01\x03noise", t.OUTLINES[2].wkb]),
        codes=frozenset({"unreadable_geometry"}),
        accepted=3,
    ),
    Damage(
        "GeoParquet", "geometry is text", _geo(_meta(), geometry=["a", "b", "c"]), "unreadable_file"
    ),
    Damage(
        "GeoParquet",
        "degrees labelled Gauss-Kruger",
        _geo(_meta(crs=json.loads(_projjson()))),
        "doubtful_position",
    ),
    Damage("GeoParquet", "no rows", _no_rows, "unreadable_file"),
]

TELLS = ("--crs", "cgcs2000")
DRAWINGS = [
    Damage("DXF", "cut", _cut(drawing), "unreadable_file", options=TELLS),
    Damage("DXF", "binary", _raw("m.dxf", b"AutoCAD Binary DXF\r\n\x1a\0"), "unreadable_file"),
    Damage("DXF", "is a DWG", _raw("m.dxf", b"AC1032" + b"\0" * 90), "unreadable_file"),
    Damage(
        "DXF",
        "no entities",
        _text("m.dxf", "0", "SECTION", "2", "ENTITIES", "0", "ENDSEC", "0", "EOF"),
        "unreadable_file",
    ),
    Damage(
        "DXF",
        "a coordinate is a word",
        _edit(drawing, ".dxf", lambda raw: raw.replace(b"\r\n10\r\n375", b"\r\n10\r\nx75", 1)),
        "unreadable_file",
        options=TELLS,
    ),
    Damage(
        "DXF",
        "two texts in one outline",
        later(globals(), "_two_texts"),
        codes=frozenset({"id_made"}),
        accepted=1,
        options=TELLS,
    ),
]


def _two_texts(folder: Path) -> Path:
    shape = t.mines(t.CGCS_ZONE).geometry.iloc[0]
    raw = t.dxf([shape], ["M1"])
    text = raw[raw.index(b"0\r\nTEXT") : raw.index(b"0\r\nENDSEC\r\n0\r\nEOF")]
    (folder / "m.dxf").write_bytes(raw.replace(text, text + text.replace(b"M1", b"M2")))
    return folder / "m.dxf"


DAMAGES = [*TEXT, *VECTORS, *ARCHIVES, *WORKBOOKS, *KEYHOLE, *PARQUET, *DRAWINGS]
