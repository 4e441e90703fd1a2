"""Records as layers of a vector file: one GeoPackage for several tables, outlines with them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from reverdure.core.errors import MissingCRS, UnreadableFile
from reverdure.core.kinds import Kind
from reverdure.intake.layers import read_layer
from reverdure.intake.table import Reading
from reverdure.intake.vector import read_table

VERSION = "version"
_OURS = ".gpkg"


def read_record_layer(path: Path, kind: Kind, encoding: str) -> tuple[list[list[Any]], bool]:
    """Lines of a layer, headings first, and whether it is a form of ours.

    A GeoPackage may hold layers of several kinds: the one that is called as the kind is read.
    Any other file must hold one layer. Outlines become a column where the kind has one.

    Raises
    ------
    UnreadableFile
        If the file cannot be read as a layer.
    MissingCRS
        If outlines are wanted and the file does not say where they lie.
    """
    ours = path.suffix.lower() == _OURS and kind.plural in _layers(path)
    table = (
        read_layer(path, path.name, encoding or None, layer=kind.plural)
        if ours
        else read_table(path, how=Reading(encoding=encoding))
    )
    columns = {name: table.frame[name].to_numpy(dtype=object) for name in table.frame}
    if kind.outline is not None and table.geometry is not None:
        if table.crs is None:
            raise MissingCRS(f"{path.name} does not say in which system its outlines are.")
        columns[kind.outline.name] = _as_text(table.geometry, table.crs)
    lines = [list(columns), *(list(row) for row in zip(*columns.values(), strict=True))]
    blank = [[None if pd.isna(cell) else cell for cell in line] for line in lines]
    return blank, ours and VERSION in columns


def _layers(path: Path) -> list[str]:
    try:
        return [str(name) for name, _ in pyogrio.list_layers(path)]
    except pyogrio.errors.DataSourceError as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error}.") from error


def _as_text(geometry: Any, crs: pyproj.CRS) -> Any:
    """Outlines as well-known text, longitude and latitude."""
    move = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    there = ~shapely.is_missing(geometry)
    found = np.full(len(geometry), None, dtype=object)
    moved = shapely.transform(geometry[there], move.transform, interleaved=False)
    found[there] = shapely.to_wkt(moved, rounding_precision=-1)
    return found
