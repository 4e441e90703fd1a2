"""KML as field staff and map programs write it: folders, extended data, description tables."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import shapely

from reverdure.core.errors import UnreadableFile
from reverdure.intake.archives import refuse_document_type
from reverdure.intake.encodings import decode
from reverdure.intake.table import Problem, RawTable

_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>")
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)[\"']")
_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.IGNORECASE | re.DOTALL)
_CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_PAIR = re.compile("\\s*([^:\uff1a=\\n]{1,30}?)\\s*[:\uff1a=]\\s*(.+?)\\s*")
_DEEPEST = 64
WGS84 = pyproj.CRS.from_epsg(4326)


class _BadGeometryError(ValueError):
    """Coordinates that cannot be read."""


def read_kml(path: Path, encoding: str | None) -> RawTable:
    """Read the placemarks of a KML file.

    Columns are `name`, `folder`, those of ExtendedData (Data and SchemaData), and those that
    a description holds as a table or as lines `key: value`. KML is in WGS 84 by its own rule
    (OGC 12-007r2, clause 6.3); that an outline was drawn on a shifted map is another matter.

    Parameters
    ----------
    path : Path
    encoding : str or None
        Told by the caller; else as declared, else UTF-8 or GB18030.

    Raises
    ------
    UnreadableFile
        If it is no complete KML, or has no placemark.
    WrongEncoding
        If its text is in no encoding known.
    UnsafeArchive
        If it declares a document type.
    """
    raw = path.read_bytes()
    text, note = _text(raw, path.name, encoding)
    refuse_document_type(text.encode("utf-8", "surrogatepass"), path.name)
    try:
        root = ET.fromstring(_PROLOG.sub("", text))  # noqa: S314 - no document type gets here
    except ET.ParseError as error:
        raise UnreadableFile(f"{path.name} is not complete KML: {error}.") from error
    if _plain(root.tag) != "kml" and not any(_plain(e.tag) == "Placemark" for e in root.iter()):
        raise UnreadableFile(f"{path.name} is XML, but no KML: its root is <{_plain(root.tag)}>.")
    rows: list[dict[str, str]] = []
    shapes, unreadable = [], {}
    for folder, placemark in _placemarks(root, "", 0):
        position = len(rows)
        rows.append(_columns(placemark, folder))
        try:
            with np.errstate(invalid="ignore"):  # NaN is judged with the outlines
                shapes.append(_geometry(placemark, 0))
        except (_BadGeometryError, shapely.errors.GEOSException) as error:
            shapes.append(None)
            unreadable[position] = Problem(
                "unreadable_geometry",
                f"the geometry cannot be read: {str(error)[:60]}",
                f"图形无法读取:{str(error)[:60]}",
            )
    if not rows:
        links = any(_plain(e.tag) == "NetworkLink" for e in root.iter())
        more = " It only links to another file." if links else ""
        raise UnreadableFile(f"{path.name} has no placemarks.{more}")
    geometry = np.full(len(rows), None, dtype=object)
    geometry[:] = shapes
    notes = (note,) if note else ()
    frame = pd.DataFrame(rows, dtype=object).astype(object)
    return RawTable(frame.where(frame.notna(), None), geometry, WGS84, path.name,
                    unreadable, notes=notes)  # fmt: skip


def _text(raw: bytes, name: str, encoding: str | None) -> tuple[str, Problem | None]:
    """Text of the file; what it declares is believed only if the bytes agree."""
    declared = _DECLARED.search(raw[:200])
    stated = declared[1].decode("ascii").lower() if declared else ""
    if encoding or not stated or raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return decode(raw, name, encoding), None
    stated = "gb18030" if stated in ("gb2312", "gbk", "cp936") else stated
    try:
        return raw.decode(stated).removeprefix("\ufeff"), None
    except (UnicodeDecodeError, LookupError):
        return decode(raw, name), Problem(
            "encoding_contradicts",
            f"the file says it is {stated}, and is not; its text was read as it is",
            f"文件声明编码为 {stated},与内容不符;已按实际编码读取",
        )


def _plain(tag: str) -> str:
    """Name of an element without its namespace, of which KML has had several."""
    return tag.rpartition("}")[2]


def _child(element: ET.Element, name: str) -> ET.Element | None:
    return next((one for one in element if _plain(one.tag) == name), None)


def _words(element: ET.Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()


def _placemarks(element: ET.Element, folder: str, depth: int) -> Iterator[tuple[str, ET.Element]]:
    """Placemarks with the name of the folder they lie in."""
    if depth > _DEEPEST:
        raise UnreadableFile(f"folders lie more than {_DEEPEST} deep in each other.")
    for one in element:
        kind = _plain(one.tag)
        if kind == "Placemark":
            yield folder, one
        elif kind == "Folder":
            yield from _placemarks(one, _words(_child(one, "name")) or folder, depth + 1)
        elif kind in ("Document", "kml", "Create", "Update"):
            yield from _placemarks(one, folder, depth + 1)


def _columns(placemark: ET.Element, folder: str) -> dict[str, str]:
    """What a placemark says; extended data goes before its description."""
    row = {"name": _words(_child(placemark, "name"))}
    if folder:
        row["folder"] = folder
    description = _words(_child(placemark, "description"))
    said = _described(description)
    extended = {}
    data = _child(placemark, "ExtendedData")
    for one in data.iter() if data is not None else ():
        key = (one.get("name") or "").strip()
        if not key or _plain(one.tag) not in ("Data", "SimpleData"):
            continue
        value = _child(one, "value") if _plain(one.tag) == "Data" else one
        extended[key] = _words(value)
    if description and not said:
        row["description"] = _TAG.sub(" ", unescape(description)).strip()
    for key, words in {**said, **extended}.items():
        row[key if key not in row or not row[key] else f"{key}.2"] = words
    return row


def _described(description: str) -> dict[str, str]:
    """Pairs that a description holds: rows of two cells, or lines `key: value`."""
    found = {}
    for row in _ROW.findall(description):
        cells = [_TAG.sub("", unescape(cell)).strip() for cell in _CELL.findall(row)]
        if len(cells) == 2 and cells[0]:
            found[cells[0].rstrip(":\uff1a ")] = cells[1]
    if found:
        return found
    plain = re.sub(r"<br\s*/?>|</p>|</div>", "\n", description, flags=re.IGNORECASE)
    lines = [line for line in _TAG.sub("", unescape(plain)).splitlines() if line.strip()]
    pairs = [_PAIR.fullmatch(line) for line in lines]
    if lines and all(pairs):
        return {pair[1].strip(): pair[2] for pair in pairs if pair}
    return {}


def _geometry(element: ET.Element, depth: int) -> Any:
    """Geometry below an element; None for none."""
    if depth > _DEEPEST:
        raise _BadGeometryError("geometries lie too deep in each other")
    found = []
    for one in element:
        kind = _plain(one.tag)
        if kind == "Point":
            found.append(shapely.Point(_coordinates(one)[0]))
        elif kind in ("LineString", "LinearRing"):
            found.append(shapely.LineString(_coordinates(one)))
        elif kind == "Polygon":
            found.append(_polygon(one))
        elif kind in ("MultiGeometry", "MultiPolygon"):
            inner = _geometry(one, depth + 1)
            found += [] if inner is None else [inner]
    if not found:
        return None
    if len(found) == 1:
        return found[0]
    if all(one.geom_type == "Polygon" for one in found):
        return shapely.MultiPolygon(found)
    return shapely.GeometryCollection(found)


def _polygon(element: ET.Element) -> Any:
    rings: dict[str, list[Any]] = {"outerBoundaryIs": [], "innerBoundaryIs": []}
    for border in element:
        for ring in border if _plain(border.tag) in rings else ():
            if _plain(ring.tag) == "LinearRing":
                points = _coordinates(ring)
                rings[_plain(border.tag)].append(
                    points if points[0] == points[-1] else [*points, points[0]]
                )
    if len(rings["outerBoundaryIs"]) != 1:
        raise _BadGeometryError("a polygon without one outer ring")
    if any(len(ring) < 4 for ring in (*rings["outerBoundaryIs"], *rings["innerBoundaryIs"])):
        raise _BadGeometryError("a ring of fewer than three corners")
    return shapely.Polygon(rings["outerBoundaryIs"][0], rings["innerBoundaryIs"])


def _coordinates(element: ET.Element) -> list[tuple[float, float]]:
    """Longitude and latitude of a coordinates element; heights are left out."""
    points = []
    for word in _words(_child(element, "coordinates")).split():
        parts = word.split(",")
        try:
            points.append((float(parts[0]), float(parts[1])))
        except (ValueError, IndexError) as error:
            raise _BadGeometryError(f"coordinates {word[:30]!r}") from error
        if len(parts) > 3:
            raise _BadGeometryError(f"coordinates {word[:30]!r}")
    if not points or (_plain(element.tag) != "Point" and len(points) < 2):
        raise _BadGeometryError("too few coordinates")
    return points
