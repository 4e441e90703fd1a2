"""Layers that GDAL reads: GeoPackage, Shapefile, GeoJSON.

A driver's own idea of a repair or a default is not taken: geometries come as bytes and
are judged here, and a CRS the file does not state is not invented.
"""

import contextlib
import json
import tempfile
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
from reverdure.intake.dbase import check_parts, dbase_encoding, with_whole_headings
from reverdure.intake.delimited import read_each
from reverdure.intake.encodings import decode
from reverdure.intake.table import Problem, RawTable

_UNREADABLE = Problem("unreadable_geometry", "the geometry cannot be read", "图形无法读取")


def read_geojson(path: Path, encoding: str | None) -> RawTable:
    """Read a GeoJSON file in any encoding; its CRS is stated only where it says one."""
    content, top = _utf8_json(path, encoding)
    table = read_layer(content, path.name, None)
    features = top.get("features", [top])
    unreadable = dict(table.unreadable)
    if table.geometry is not None and len(features) == len(table.frame):
        # the driver gives none for coordinates it cannot read, as for a feature without
        for place in np.flatnonzero(shapely.is_missing(table.geometry)):
            if features[place].get("geometry") is not None:
                unreadable.setdefault(int(place), _UNREADABLE)
    return replace(table, crs_stated="crs" in top, unreadable=unreadable)


def read_shapefile(path: Path, encoding: str | None) -> RawTable:
    """Read a Shapefile; its table in the encoding told, stated, or found and named."""
    check_parts(path)
    found, note = (encoding, None) if encoding else dbase_encoding(path)
    with tempfile.TemporaryDirectory() as folder:
        table = read_layer(with_whole_headings(path, Path(folder), found), path.name, found)
    return replace(table, notes=(note,)) if note else table


def _utf8_json(path: Path, encoding: str | None) -> tuple[bytes, dict[str, Any]]:
    """Content of a GeoJSON file as UTF-8, whatever it was in, and as it is parsed."""
    content = decode(path.read_bytes(), path.name, encoding)
    try:
        top = json.loads(content)
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"{path.name} is not complete JSON: {error}.") from error
    if not isinstance(top, dict) or top.get("type") not in ("FeatureCollection", "Feature"):
        raise UnreadableFile(f"{path.name} is JSON, but no GeoJSON feature collection.")
    if top.get("features") == []:
        raise UnreadableFile(f"{path.name} has no rows.")
    return content.encode("utf-8"), top


def read_layer(source: Path | bytes, name: str, encoding: str | None, layer: str = "") -> RawTable:
    """Read a layer of a vector file through GDAL: the one named, else the only one."""
    try:
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            place = _place_of(source, name, layer)
            meta, _, wkb, columns = pyogrio.raw.read(
                source, layer=place, encoding=encoding, force_2d=True, datetime_as_string=True
            )
            frame = pd.DataFrame(dict(zip(meta["fields"], columns, strict=True)))
            _restore_whole_numbers(frame, meta, source, place)
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
    frame: pd.DataFrame, meta: Mapping[str, Any], source: Path | bytes, layer: int
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


def _place_of(source: Path | bytes, name: str, wanted: str) -> int:
    """Place of the layer to read: the one named, else the one with geometry, or the only one.

    The place and not the name: a layer read from memory that states no name, as most GeoJSON
    does, is called otherwise each time it is opened.
    """
    layers = list(pyogrio.list_layers(source))
    names = [str(layer) for layer, _ in layers]
    if wanted:
        return names.index(wanted)
    spatial = [place for place, (_, kind) in enumerate(layers) if kind is not None]
    chosen = spatial or list(range(len(layers)))
    if len(chosen) != 1:
        listed = ", ".join(names[place] for place in chosen) or "none"
        raise InvalidInput(f"{name} must hold one layer; it holds: {listed}.", "Export one.")
    return chosen[0]


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
            unreadable[int(position)] = _UNREADABLE
        else:
            repaired[int(position)] = Problem(
                "ring_closed", "a ring that did not end where it began was closed",
                "不闭合的环已闭合",
            )  # fmt: skip
    return geometry, unreadable, repaired
