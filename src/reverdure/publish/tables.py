"""Mines and verdicts as GeoPackage, GeoParquet, CSV and XLSX."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import geopandas
import pandas
import pyogrio
import shapely

from reverdure.core.fields import MINES, NATURAL_RECOVERY, VERDICTS, Field, Table
from reverdure.core.files import atomic
from reverdure.publish.contents import ReportData
from reverdure.publish.sheets import as_text_cell, write_sheet

_KINDS = ("gpkg", "parquet", "csv", "xlsx")
TABLE_NAMES = (
    *(f"{name}.{kind}" for name in ("mines", "verdicts") for kind in _KINDS),
    "natural_recovery.csv",
)
# Written into each GeoPackage in place of the time of day: equal tables, equal bytes.
_FIXED_TIME = "2000-01-01T00:00:00.000Z"
SPOT = (
    Field("longitude", "number", "Longitude", "经度", "Of a point inside the outline.", "deg"),
    Field("latitude", "number", "Latitude", "纬度", "Of a point inside the outline.", "deg"),
)


def write_tables(folder: Path, data: ReportData) -> list[Path]:
    """Write mines and verdicts in four formats, each whole or not at all.

    What came back by itself has no outline of its own and is written as CSV, where the
    programme has it.

    GeoPackage and GeoParquet hold the geometry (of a verdict: the ground of its claim).
    CSV and XLSX hold a point inside it in its place, since outlines exceed the cells of
    spreadsheets. Rows are sorted by id; equal tables give equal bytes.

    Parameters
    ----------
    folder : Path
        Folder of the files; made where it is missing.
    data : ReportData

    Returns
    -------
    list of Path
        The files written, named as in `TABLE_NAMES`.

    Raises
    ------
    DiskFull
        If no space is left.
    """
    written: list[Path] = []
    for name, table, frame in (("mines", MINES, data.mines), ("verdicts", VERDICTS, data.verdicts)):
        whole = typed(table, frame)
        write_geopackage(folder / f"{name}.gpkg", whole, name)
        with atomic(folder / f"{name}.parquet") as temporary:
            whole.to_parquet(temporary, index=False, compression="zstd")
        fields = (*(field for field in table if field.kind != "geometry"), *SPOT)
        flat = with_spot(whole)
        write_csv(folder / f"{name}.csv", flat, fields)
        with atomic(folder / f"{name}.xlsx") as temporary:
            write_sheet(temporary, name, flat, fields)
        written += [folder / f"{name}.{kind}" for kind in _KINDS]
    if data.natural is not None:
        path = folder / "natural_recovery.csv"
        ordered = data.natural.sort_values(NATURAL_RECOVERY.key, kind="stable")
        write_csv(path, typed_columns(NATURAL_RECOVERY, ordered), NATURAL_RECOVERY.fields)
        written.append(path)
    return written


def typed(table: Table, frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Columns of the specification in its order and types, sorted by id."""
    ordered = frame.sort_values(table.key, kind="stable")
    outlines = [_multi(geometry) for geometry in ordered.geometry]
    return geopandas.GeoDataFrame(
        typed_columns(table, ordered), geometry=geopandas.GeoSeries(outlines, crs=frame.crs)
    )


def typed_columns(table: Table, frame: pandas.DataFrame) -> pandas.DataFrame:
    """Columns of the specification in its order and types, without geometry."""
    fields = [field for field in table if field.kind != "geometry"]
    return pandas.DataFrame(
        {one.name: _column(frame[one.name], one.kind).reset_index(drop=True) for one in fields}
    )


def _column(values: pandas.Series, kind: str) -> pandas.Series:
    if kind == "text":
        return values.astype(object).where(values.notna(), "").astype(str).astype(object)
    if kind == "boolean":
        return values.astype("boolean")
    numbers = pandas.to_numeric(values).astype("float64")
    return numbers.round().astype("Int64") if kind == "integer" else numbers


def _multi(geometry: shapely.Geometry | None) -> shapely.Geometry | None:
    """Polygons as multipolygons, so that a layer has one type; points stay."""
    if geometry is None or geometry.is_empty:
        return None
    if geometry.geom_type == "Polygon":
        return shapely.MultiPolygon([geometry])
    return geometry


def write_geopackage(path: Path, frame: geopandas.GeoDataFrame, layer: str) -> None:
    """Write one layer of polygons, whole or not at all; equal layers give equal bytes."""
    types = set(frame.geometry.dropna().geom_type)
    content = BytesIO()
    with fixed_time():
        pyogrio.write_dataframe(
            frame,
            content,
            layer=layer,
            driver="GPKG",
            geometry_type="MultiPolygon" if types <= {"MultiPolygon"} else "Unknown",
        )
    # by way of memory: GDAL says of a full disk no more than that something failed
    with atomic(path) as temporary:
        temporary.write_bytes(content.getbuffer())


@contextmanager
def fixed_time() -> Iterator[None]:
    """GDAL writes this time instead of now."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FIXED_TIME})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def with_spot(frame: geopandas.GeoDataFrame) -> pandas.DataFrame:
    """A point inside each outline in place of the outline."""
    spots = shapely.point_on_surface(frame.geometry.to_numpy())
    flat = pandas.DataFrame(frame.drop(columns="geometry"))
    return flat.assign(
        longitude=shapely.get_x(spots).round(6), latitude=shapely.get_y(spots).round(6)
    )


def write_csv(
    path: Path,
    frame: pandas.DataFrame,
    fields: tuple[Field, ...],
    headings: Sequence[str] | None = None,
) -> None:
    """Write a table for spreadsheets; `headings` in place of the names of its columns."""
    text = {
        field.name: frame[field.name].map(as_text_cell) for field in fields if field.kind == "text"
    }
    with atomic(path) as temporary:
        # the byte-order mark tells spreadsheets that the Chinese is UTF-8
        frame.assign(**text).to_csv(
            temporary, index=False, encoding="utf-8-sig", lineterminator="\r\n",
            errors="replace", header=True if headings is None else list(headings),
        )  # fmt: skip
