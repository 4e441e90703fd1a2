"""CSV and its relatives: rows that stay rows, and geometry written as text."""

import contextlib
import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, UnreadableFile
from reverdure.intake import values
from reverdure.intake.columns import Columns
from reverdure.intake.degrees import angle
from reverdure.intake.encodings import decode
from reverdure.intake.table import Problem, RawTable

_DELIMITERS = (",", "\t", ";", "|")
_LARGEST_FIELD = 2**31 - 1
"""Python stops at 131,072 characters a cell; a detailed outline as WKT has more."""
_EWKT = re.compile(r"SRID=\d+;", re.IGNORECASE)
WGS84 = pyproj.CRS.from_epsg(4326)


def read_delimited(path: Path, encoding: str | None) -> RawTable:
    """Read a delimited text file, every cell as text, geometry not yet looked at.

    Raises
    ------
    WrongEncoding
        If the text is in no encoding known.
    UnreadableFile
        If it holds no heading or no rows, or a quotation mark is never closed (which would
        swallow the rows behind it).
    """
    content = decode(path.read_bytes(), path.name, encoding)
    if not content.strip():
        raise UnreadableFile(f"{path.name} is empty.")
    lines = _parse(content, path.name)
    headings = _unique([cell.strip() for cell in lines[0]])
    if len(lines) == 1:
        raise UnreadableFile(f"{path.name} has a heading and no rows.")
    rows, refused = [], {}
    for position, line in enumerate(lines[1:]):
        cells = line[: len(headings)]
        if any(cell.strip() for cell in line[len(headings) :]):
            refused[position] = _ragged(len(line), len(headings))
        rows.append(cells + [""] * (len(headings) - len(cells)))
    frame = pd.DataFrame(rows, columns=headings, dtype=object)
    return RawTable(frame, None, None, path.name, refused=refused)


def with_geometry(table: RawTable, columns: Columns) -> RawTable:
    """Table with the geometry its text columns hold: WKT, GeoJSON, hex WKB, or lon and lat.

    Raises
    ------
    InvalidInput
        If the cells state more than one CRS (EWKT).
    """
    frame = table.frame
    if "geometry" in columns:
        cells = [values.text(cell) for cell in frame[columns.heading["geometry"]]]
        geometry, crs = _from_text(cells, table.source)
        unreadable = {
            int(position): Problem(
                "unreadable_geometry",
                f"the geometry cannot be read: {cells[position][:40]!r}",
                f"图形无法读取:{cells[position][:40]!r}",
            )
            for position in np.flatnonzero([c != "" for c in cells] & shapely.is_missing(geometry))
        }
        crs, stated = _in_degrees(geometry, crs)
        return replace(table, geometry=geometry, crs=crs, unreadable=unreadable, crs_stated=stated)
    if "lon" in columns and "lat" in columns:
        return _from_pairs(table, columns.heading["lon"], columns.heading["lat"])
    return table


def _from_pairs(table: RawTable, lon_heading: str, lat_heading: str) -> RawTable:
    """Points of two columns, in degrees of any writing or in metres."""
    written = list(zip(table.frame[lon_heading], table.frame[lat_heading], strict=True))
    geometry = np.full(len(written), None, dtype=object)
    unreadable = {}
    for position, (lon_cell, lat_cell) in enumerate(written):
        lon, lat = angle(lon_cell, "lon"), angle(lat_cell, "lat")
        if not lon.code and not lat.code:
            geometry[position] = shapely.Point(lon.value, lat.value)
        elif "not_a_number" in (lon.code, lat.code):
            cells = f"{str(lon_cell)[:30]!r}, {str(lat_cell)[:30]!r}"
            unreadable[position] = Problem(
                "unreadable_position",
                f"longitude and latitude cannot be read safely: {cells}",
                f"经纬度无法可靠读取:{cells}",
            )
    crs, stated = _in_degrees(geometry, None)
    return replace(table, geometry=geometry, crs=crs, unreadable=unreadable, crs_stated=stated)


def _in_degrees(
    geometry: NDArray[Any], stated: pyproj.CRS | None
) -> tuple[pyproj.CRS | None, bool]:
    """The CRS stated; else WGS 84 where the numbers are degrees, and that it is not stated."""
    if stated is not None:
        return stated, True
    bounds = np.abs(shapely.bounds(geometry))
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    degrees = not len(bounds) or np.median(bounds.max(axis=1)) <= 360
    return (WGS84 if degrees else None), False


def _parse(content: str, name: str) -> list[list[str]]:
    """Lines of cells; wholly blank lines are no rows."""
    first = content.lstrip().splitlines()[0]
    delimiter = max(_DELIMITERS, key=lambda sign: len(next(csv.reader([first], delimiter=sign))))
    before = csv.field_size_limit(_LARGEST_FIELD)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        return [line for line in reader if line]
    except csv.Error as error:
        raise UnreadableFile(
            f"{name}, line {reader.line_num}: {error}.",
            "Look for a quotation mark that is opened and not closed.",
        ) from error
    finally:
        csv.field_size_limit(before)


def _unique(headings: Sequence[str]) -> list[str]:
    """Headings made distinct: blank ones by position, repeated ones by a number."""
    seen: dict[str, int] = {}
    distinct = []
    for position, heading in enumerate(headings, start=1):
        name = heading or f"column_{position}"
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return distinct


def _ragged(found: int, expected: int) -> Problem:
    return Problem(
        "ragged_row",
        f"the row has {found} cells where the heading has {expected}",
        f"该行有 {found} 个单元格,表头为 {expected} 个",
    )


def _from_text(cells: Sequence[str], source: str) -> tuple[NDArray[Any], pyproj.CRS | None]:
    """Geometries of text cells, None where empty or unreadable, and the CRS they state."""
    geometry = np.full(len(cells), None, dtype=object)
    wkt = np.array(cells, dtype=object)
    kind = np.array([_notation(cell) for cell in cells])
    codes = set()
    for position in np.flatnonzero(kind == "ewkt").tolist():
        code, _, wkt[position] = cells[position].partition(";")
        codes.add(code.upper().removeprefix("SRID="))
    readers: Mapping[str, Any] = {
        "geojson": shapely.from_geojson,
        "wkb": shapely.from_wkb,
        "wkt": shapely.from_wkt,
        "ewkt": shapely.from_wkt,
    }
    for notation, reader in readers.items():
        chosen = kind == notation
        if chosen.any():
            geometry[chosen] = read_each(reader, wkt[chosen])
    codes |= {str(code) for code in np.unique(shapely.get_srid(geometry)) if code > 0}
    if len(codes) > 1:
        raise InvalidInput(f"{source} mixes geometries of several CRS: {', '.join(sorted(codes))}.")
    if not codes:
        return geometry, None
    try:
        return geometry, pyproj.CRS.from_epsg(int(codes.pop()))
    except (ValueError, pyproj.exceptions.CRSError) as error:
        raise InvalidInput(f"{source} states a CRS that is not known: {error}.") from error


def _notation(cell: str) -> str:
    """How a geometry is written: geojson, wkb (as hex), ewkt, wkt, or "" for none."""
    if not cell:
        return ""
    if cell.startswith("{"):
        return "geojson"
    if cell[:2] in ("00", "01"):
        return "wkb"
    return "ewkt" if _EWKT.match(cell) else "wkt"


def read_each(reader: Callable[..., Any], written: NDArray[Any]) -> NDArray[Any]:
    """Geometries by one of shapely's readers; None for what it cannot read.

    One curved geometry stops the reader for all of them, so then each is read alone.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            return np.asarray(reader(written, on_invalid="ignore"))
        except NotImplementedError:
            geometry = np.full(len(written), None, dtype=object)
            for position, one in enumerate(written):
                with contextlib.suppress(NotImplementedError):
                    geometry[position] = reader(one, on_invalid="ignore")
            return geometry


def is_delimited(path: Path) -> bool:
    """Whether the name is that of a delimited text file."""
    return path.suffix.lower() in (".csv", ".tsv", ".txt")
