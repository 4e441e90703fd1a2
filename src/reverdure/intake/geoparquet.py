"""GeoParquet, and Parquet whose columns hold geometry as text or bytes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray

from reverdure.core.errors import UnreadableFile, WrongEncoding
from reverdure.intake.layers import from_bytes
from reverdure.intake.table import RawTable

MAX_ROWS = 5_000_000
_NATIVE = ("point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon")


def read_geoparquet(path: Path) -> RawTable:
    """Read a Parquet file, its geometry as its GeoParquet metadata say (1.0, 1.1).

    A geometry whose metadata name no CRS is in longitude and latitude of WGS 84 by the
    standard (OGC GeoParquet 1.1, "crs"); one whose CRS is null is in none that is known.

    Raises
    ------
    UnreadableFile
        If it is damaged, has no rows, or its metadata contradict its columns.
    """
    try:
        source = pq.ParquetFile(path)
        if source.metadata.num_rows > MAX_ROWS:
            raise UnreadableFile(
                f"{path.name} has {source.metadata.num_rows:,} rows; allowed are {MAX_ROWS:,}."
            )
        table = source.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(f"{path.name} is damaged Parquet: {str(error)[:200]}.") from error
    if not table.num_rows:
        raise UnreadableFile(f"{path.name} has no rows.")
    table = table.select([name for name in table.column_names if not _is_index(name)])
    said = (source.schema_arrow.metadata or {}).get(b"geo")
    if said is None:
        return RawTable(_frame(table), None, None, path.name)
    try:
        meta = json.loads(said)
        primary = meta["primary_column"]
        column = meta["columns"][primary]
        encoding = str(column["encoding"])
        cells = table.column(primary)
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(
            f"{path.name} says it is GeoParquet, but its metadata do not fit: {error!r}."
        ) from error
    geometry, unreadable, repaired = from_bytes(_wkb(cells, encoding, path))
    others = [name for name in table.column_names if name not in meta["columns"]]
    try:
        frame = _frame(table.select(others)).reindex(range(table.num_rows))
    except UnicodeDecodeError as error:
        raise WrongEncoding(
            f"{path.name} is not in the encoding it states: {error}.", "Save it as UTF-8."
        ) from error
    crs, stated = _crs(column)
    return RawTable(frame, geometry, crs, path.name, unreadable, {}, repaired, crs_stated=stated)


def _is_index(name: str) -> bool:
    return name.startswith("__index_level_")


def _frame(table: Any) -> pd.DataFrame:
    """Columns as Python values, whole numbers whole beside empty cells."""
    plain = {name: table.column(name).to_pylist() for name in table.column_names}
    frame = pd.DataFrame(plain, dtype=object)
    return frame.map(_text_of_bytes) if len(frame.columns) else frame


def _text_of_bytes(cell: Any) -> Any:
    """Bytes as hex, so that a column of WKB is read like any geometry written as text."""
    return cell.hex() if isinstance(cell, bytes) else cell


def _wkb(cells: Any, encoding: str, path: Path) -> NDArray[Any]:
    """Geometries as WKB."""
    found = np.full(len(cells), None, dtype=object)
    if encoding.upper() == "WKB":
        values = cells.to_pylist()
        if any(not isinstance(value, bytes | None) for value in values):
            raise UnreadableFile(f"{path.name} says its geometry is WKB, and it is no bytes.")
        found[:] = values
        return found
    if encoding.lower() not in _NATIVE:
        raise UnreadableFile(f"{path.name} encodes geometry as {encoding[:40]!r}, not known here.")
    import geopandas as gpd

    try:
        found[:] = list(shapely.to_wkb(np.array(gpd.read_parquet(path).geometry, dtype=object)))
    except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise UnreadableFile(f"{path.name} cannot be read: {str(error)[:200]}.") from error
    return found


def _crs(column: dict[str, Any]) -> tuple[pyproj.CRS | None, bool]:
    """CRS of the geometry, and whether the file states it."""
    if "crs" not in column:
        return pyproj.CRS.from_epsg(4326), False
    if column["crs"] is None:
        return None, True
    try:
        crs = pyproj.CRS.from_user_input(column["crs"])
    except (pyproj.exceptions.CRSError, TypeError, ValueError):
        return None, True
    return (crs if crs.is_geographic or crs.is_projected else None), True
