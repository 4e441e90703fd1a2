"""Layers that GDAL reads: GeoPackage, Shapefile, GeoJSON, drawings.

A driver's own idea of a repair or a default is not taken: geometries come as bytes and
are judged here, and a CRS the file does not state is not invented.
"""

import contextlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import pyogrio.raw
import pyproj
import shapely
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, UnreadableFile, WrongEncoding
from reverdure.intake.delimited import read_each
from reverdure.intake.encodings import decode, is_chinese
from reverdure.intake.table import Problem, RawTable


def read_geojson(path: Path, encoding: str | None) -> RawTable:
    """Read a GeoJSON file in any encoding; its CRS is stated only where it says one."""
    content, says_crs = _utf8_json(path, encoding)
    return replace(read_layer(content, path.name, None), crs_stated=says_crs)


def read_shapefile(path: Path, encoding: str | None) -> RawTable:
    """Read a Shapefile; its table in the encoding told, stated, or found and named."""
    found, note = (encoding, None) if encoding else _dbase_encoding(path)
    table = read_layer(path, path.name, found)
    return replace(table, notes=(note,)) if note else table


def _utf8_json(path: Path, encoding: str | None) -> tuple[bytes, bool]:
    """Content of a GeoJSON file as UTF-8, whatever it was in, and whether it states a CRS."""
    content = decode(path.read_bytes(), path.name, encoding)
    try:
        top = json.loads(content)
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"{path.name} is not complete JSON: {error}.") from error
    if not isinstance(top, dict) or top.get("type") not in ("FeatureCollection", "Feature"):
        raise UnreadableFile(f"{path.name} is JSON, but no GeoJSON feature collection.")
    if top.get("features") == []:
        raise UnreadableFile(f"{path.name} has no rows.")
    return content.encode("utf-8"), "crs" in top


_CODE_PAGES = {
    "utf8": "utf-8", "65001": "utf-8", "gb18030": "gb18030", "54936": "gb18030",
    "gbk": "gb18030", "gb2312": "gb18030", "936": "gb18030", "cp936": "gb18030",
    "ansi936": "gb18030", "oem936": "gb18030",
}  # fmt: skip
_DBASE_GBK = 0x4D
"""Language driver of dBASE for code page 936."""


def _dbase_encoding(path: Path) -> tuple[str | None, Problem | None]:
    """Encoding of a Shapefile's table, and a note where it was found and not stated.

    The .cpg file goes before the table's own mark. Neither is believed where the bytes
    contradict it: GDAL would turn Chinese names into noise.
    """
    table = path.with_suffix(".dbf")
    if not table.exists():
        return None, None
    raw = table.read_bytes()
    if len(raw) < 32:
        return None, None
    stated, where = _stated_code_page(path, raw[29])
    if stated is None and where:
        return None, None  # one GDAL knows and this does not look into
    begin = int.from_bytes(raw[8:10], "little")
    names = b" ".join(raw[at : at + 11].split(b"\0")[0] for at in range(32, begin - 1, 32))
    content = (names + b" " + raw[begin:]).replace(b"\0", b" ").rstrip(b"\x1a")
    if content.isascii():
        return "utf-8", None
    if stated is None:
        found = _found(content, table.name)
        return found, _encoding_note(table.name, found, "") if found != "utf-8" else None
    try:
        text = content.decode(stated)
        if stated == "utf-8" or is_chinese(text):
            return stated, None
    except UnicodeDecodeError:
        pass
    found = _found(content, table.name)
    return found, None if found == stated else _encoding_note(table.name, found, where)


def _stated_code_page(path: Path, mark: int) -> tuple[str | None, str]:
    """Encoding that the .cpg file or the table's mark states, and where it stands."""
    page = next((one for one in (path.with_suffix(".cpg"), path.with_suffix(".CPG"))
                 if one.exists()), None)  # fmt: skip
    if page is not None:
        written = page.read_bytes()[:64].decode("ascii", errors="ignore").strip().lower()
        key = written.replace("-", "").replace(" ", "").replace("_", "")
        return _CODE_PAGES.get(key), f"{page.name} ({written})"
    if mark == _DBASE_GBK:
        return "gb18030", "its mark (code page 936)"
    return None, "its mark" if mark else ""


def _found(content: bytes, name: str) -> str:
    """UTF-8 or GB18030, whichever the bytes are."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        decode(content, name, None)
        return "gb18030"
    return "utf-8"


def _encoding_note(name: str, found: str, contradicted: str) -> Problem:
    if contradicted:
        return Problem(
            "encoding_contradicts",
            f"{name} is in {found}, although {contradicted} says otherwise",
            f"{name} 实际编码为 {found},与 {contradicted} 不符",
        )
    return Problem(
        "encoding_found", f"{name} states no encoding; it was found to be {found}",
        f"{name} 未注明编码,判断为 {found}",
    )  # fmt: skip


def read_layer(source: Path | bytes, name: str, encoding: str | None) -> RawTable:
    """Read the only layer of a vector file through GDAL."""
    try:
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            layer = _only_layer(source, name)
            meta, _, wkb, columns = pyogrio.raw.read(
                source, layer=layer, encoding=encoding, force_2d=True, datetime_as_string=True
            )
            frame = pd.DataFrame(dict(zip(meta["fields"], columns, strict=True)))
            _restore_whole_numbers(frame, meta, source, layer)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        UnboundLocalError,  # pyogrio 0.13, for a CRS that cannot be written out
    ) as error:
        raise UnreadableFile(f"{name} cannot be read: {error}.") from error
    except UnicodeDecodeError as error:
        raise WrongEncoding(
            f"{name} is not in the encoding it states: {error}.", "Save it as UTF-8."
        ) from error
    if wkb is not None:
        frame = frame.reindex(range(len(wkb)))
    if not len(frame):
        raise UnreadableFile(f"{name} has no rows.")
    said = tuple(dict.fromkeys(str(complaint.message) for complaint in complaints))
    if wkb is None:
        return RawTable(frame, None, None, name, warnings=said)
    geometry, unreadable, repaired = from_bytes(wkb)
    return RawTable(frame, geometry, _stated_crs(meta["crs"]), name, unreadable, {}, repaired, said)


def _restore_whole_numbers(
    frame: pd.DataFrame, meta: Mapping[str, Any], source: Path | bytes, layer: str
) -> None:
    """Read columns of long integers again where an empty cell made them floats.

    Ids of 18 digits, as the registries of mining rights use them, do not survive a float.
    """
    kinds = zip(meta["fields"], meta["ogr_types"], strict=True)
    long = [name for name, kind in kinds if kind == "OFTInteger64" and frame[name].dtype == float]
    if not long:
        return
    _, exact = pyogrio.read_arrow(source, layer=layer, columns=long, read_geometry=False)
    for name in long:
        frame[name] = pd.Series(exact.column(name).to_pylist(), dtype=object)


def _only_layer(source: Path | bytes, name: str) -> str:
    """Name of the layer to read: the one with geometry, or the only one."""
    layers = pyogrio.list_layers(source)
    spatial = [layer for layer, geometry_type in layers if geometry_type is not None]
    chosen = spatial or [layer for layer, _ in layers]
    if len(chosen) != 1:
        listed = ", ".join(chosen) or "none"
        raise InvalidInput(f"{name} must hold one layer; it holds: {listed}.", "Export one.")
    return str(chosen[0])


def _stated_crs(stated: str | None) -> pyproj.CRS | None:
    """CRS of a layer; None also for what GeoPackage calls undefined and for local systems."""
    if not stated:
        return None
    try:
        crs = pyproj.CRS.from_user_input(stated)
    except pyproj.exceptions.CRSError:
        return None
    placed = crs.is_geographic or crs.is_projected
    return crs if placed and not crs.name.casefold().startswith("undefined") else None


def from_bytes(
    wkb: NDArray[Any],
) -> tuple[NDArray[Any], dict[int, Problem], dict[int, Problem]]:
    """Geometries, those that cannot be read, and those read after closing their rings."""
    geometry = read_each(shapely.from_wkb, wkb)
    unreadable, repaired = {}, {}
    for position in np.flatnonzero(shapely.is_missing(geometry)):
        if wkb[position] is None:
            continue
        with contextlib.suppress(NotImplementedError):
            geometry[position] = shapely.from_wkb(wkb[position], on_invalid="fix")
        if geometry[position] is None:
            unreadable[int(position)] = Problem(
                "unreadable_geometry", "the geometry cannot be read", "图形无法读取"
            )
        else:
            repaired[int(position)] = Problem(
                "ring_closed", "a ring that did not end where it began was closed",
                "不闭合的环已闭合",
            )  # fmt: skip
    return geometry, unreadable, repaired
