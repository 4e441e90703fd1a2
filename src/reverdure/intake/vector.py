"""One door for every list: GeoPackage, Shapefile (also zipped), GeoJSON, CSV.

A driver's own idea of a repair or a default is not taken: geometries come as bytes and
are judged here, and a CRS the file does not state is not invented.
"""

import contextlib
import json
import tempfile
import warnings
from collections.abc import Mapping
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
from reverdure.intake.archives import unpack
from reverdure.intake.columns import recognise
from reverdure.intake.delimited import is_delimited, read_delimited, read_each, with_geometry
from reverdure.intake.encodings import decode
from reverdure.intake.table import Problem, RawTable

_VECTOR = (".gpkg", ".shp", ".geojson", ".json")
_KNOWN = (*_VECTOR, ".csv", ".tsv", ".txt", ".zip")


def read_table(
    path: Path,
    *,
    encoding: str | None = None,
    kind: str = "mines",
    column_map: Mapping[str, str] | None = None,
) -> RawTable:
    """Read a list as it stands, whatever format it is in.

    Parameters
    ----------
    path : Path
        .gpkg, .shp, .geojson, .json, .csv, .tsv, .txt; a .zip with one of them inside; or a
        folder with one Shapefile.
    encoding : str, optional
        Encoding of the text; otherwise what the file states, else UTF-8 or GB18030.
    kind : str, default "mines"
        "mines" or "claims": whose aliases tell the geometry columns of a CSV.
    column_map : mapping of str to str, optional
        Column of ours to heading; of use here for `geometry`, `lon` and `lat` of a CSV.

    Returns
    -------
    RawTable
        Every row of the file, in order.

    Raises
    ------
    UnreadableFile
        If the file is missing, empty, truncated, without rows or in another format.
    WrongEncoding
        If its text is in no encoding known.
    UnsafeArchive
        If an archive leaves its folder or unpacks beyond the bounds.
    InvalidInput
        If it holds more than one layer or list.
    """
    if not path.exists():
        raise UnreadableFile(f"{path} does not exist.")
    if path.is_dir():
        table = _read_one(_only_list(sorted(path.iterdir()), path.name), encoding)
    elif path.stat().st_size == 0:
        raise UnreadableFile(f"{path.name} is empty.")
    elif path.suffix.lower() == ".zip":
        with tempfile.TemporaryDirectory() as name:
            table = _read_one(_only_list(unpack(path, Path(name)), path.name), encoding)
    else:
        table = _read_one(path, encoding)
    if table.geometry is None and table.crs is None:
        table = with_geometry(table, recognise(list(table.frame), kind, column_map))
    return RawTable(
        table.frame, table.geometry, table.crs, path.name,
        table.unreadable, table.refused, table.repaired, table.warnings,
    )  # fmt: skip


def _only_list(files: list[Path], where: str) -> Path:
    """The one file among several that is a list."""
    lists = [
        file
        for file in files
        if file.suffix.lower() in _KNOWN[:-1]
        and not file.name.startswith((".", "._"))
        and "__MACOSX" not in file.parts
        and file.suffix.lower() != ".txt"
    ]
    if not lists:
        raise UnreadableFile(f"{where} holds no list; known are {', '.join(_VECTOR)} and .csv.")
    if len(lists) > 1:
        names = ", ".join(file.name for file in lists)
        raise InvalidInput(f"{where} holds several lists: {names}.", "Add them one by one.")
    return lists[0]


def _read_one(path: Path, encoding: str | None) -> RawTable:
    if is_delimited(path):
        return read_delimited(path, encoding)
    if path.suffix.lower() not in _VECTOR:
        raise UnreadableFile(
            f"{path.name} is in a format not known here; known are {', '.join(_KNOWN)}."
        )
    if path.suffix.lower() in (".geojson", ".json"):
        return _read_layer(_utf8_json(path, encoding), path.name, encoding=None)
    if path.suffix.lower() == ".shp":
        return _read_layer(path, path.name, encoding or _dbase_encoding(path))
    return _read_layer(path, path.name, encoding)


def _utf8_json(path: Path, encoding: str | None) -> bytes:
    """Content of a GeoJSON file as UTF-8, whatever it was in."""
    content = decode(path.read_bytes(), path.name, encoding)
    try:
        top = json.loads(content)
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"{path.name} is not complete JSON: {error}.") from error
    if not isinstance(top, dict) or top.get("type") not in ("FeatureCollection", "Feature"):
        raise UnreadableFile(f"{path.name} is JSON, but no GeoJSON feature collection.")
    if top.get("features") == []:
        raise UnreadableFile(f"{path.name} has no rows.")
    return content.encode("utf-8")


def _dbase_encoding(path: Path) -> str | None:
    """Encoding of a Shapefile's table where the file states none.

    GDAL would take such text for Latin-1, which turns Chinese names into noise.
    """
    table = path.with_suffix(".dbf")
    if not table.exists() or path.with_suffix(".cpg").exists():
        return None
    raw = table.read_bytes()
    if len(raw) < 32 or raw[29]:
        return None
    records = raw[int.from_bytes(raw[8:10], "little") :]
    for candidate in ("ascii", "utf-8"):
        try:
            records.decode(candidate)
        except UnicodeDecodeError:
            continue
        return "utf-8"
    decode(records.replace(b"\0", b" "), table.name, "gb18030")
    return "gb18030"


def _read_layer(source: Path | bytes, name: str, encoding: str | None) -> RawTable:
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
    geometry, unreadable, repaired = _from_bytes(wkb)
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


def _from_bytes(
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
