"""Any table of `core.fields` in four formats, sheets in one language."""

from io import BytesIO
from pathlib import Path

import geopandas
import pandas
import pyogrio

from reverdure.core.errors import UnknownOption
from reverdure.core.fields import TOTALS, Table
from reverdure.core.files import atomic
from reverdure.publish.messages import text
from reverdure.publish.sheets import write_sheet
from reverdure.publish.tables import (
    SPOT,
    fixed_time,
    typed,
    typed_columns,
    with_spot,
    write_csv,
    write_geopackage,
)
from reverdure.publish.wording import codes_of, column_heading, label

FORMATS = ("gpkg", "parquet", "csv", "xlsx")


def export_table(
    folder: Path,
    name: str,
    table: Table,
    frame: pandas.DataFrame,
    *,
    formats: tuple[str, ...] = FORMATS,
    language: str = "en",
) -> list[Path]:
    """Write one table, each file whole or not at all.

    GeoPackage and Parquet are for programs: names of columns and keys of codes as in
    `core.fields`, with the geometry where the table has one. CSV (UTF-8 with byte-order
    mark) and XLSX are for people: headings and codes in words, a point in place of the
    geometry, text that would compute made harmless.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    name : str
        Of the files and of the layer.
    table : Table
    frame : DataFrame
        At least the columns of the table; a GeoDataFrame where it has a geometry.
    formats : tuple of str
        Of `FORMATS`.
    language : str
        "en" or "zh", of CSV headings and of codes; headings of XLSX are in both.

    Returns
    -------
    list of Path
        One file a format. Equal tables give equal bytes.

    Raises
    ------
    UnknownOption
        If a format is not known.
    DiskFull
        If no space is left.
    """
    for one in formats:
        if one not in FORMATS:
            raise UnknownOption(f"format {one!r} is not known; use {', '.join(FORMATS)}.")
    fields = tuple(field for field in table if field.kind != "geometry")
    if isinstance(frame, geopandas.GeoDataFrame):
        whole = typed(table, frame)
        sheet, shown = with_spot(whole), (*fields, *SPOT)
    else:
        whole, shown = typed_columns(table, frame), fields
        sheet = whole
    sheet = _in_words(table, sheet, language)
    paths = []
    for one in formats:
        path = folder / f"{name}.{one}"
        if one == "gpkg" and isinstance(whole, geopandas.GeoDataFrame):
            write_geopackage(path, whole, name)
        elif one == "gpkg":
            _write_plain_geopackage(path, whole, name)
        elif one == "parquet":
            with atomic(path) as temporary:
                whole.to_parquet(temporary, index=False, compression="zstd")
        elif one == "csv":
            write_csv(path, sheet, shown, [column_heading(field, language) for field in shown])
        else:
            with atomic(path) as temporary:
                write_sheet(temporary, name, sheet, shown)
        paths.append(path)
    return paths


def _write_plain_geopackage(path: Path, frame: pandas.DataFrame, layer: str) -> None:
    """A table without geometry, as GeoPackage has them too (attributes)."""
    content = BytesIO()
    with fixed_time():
        pyogrio.write_dataframe(frame, content, layer=layer, driver="GPKG")
    with atomic(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def _in_words(table: Table, frame: pandas.DataFrame, language: str) -> pandas.DataFrame:
    """Codes as their labels, the county that is not known, and all counties together."""
    words = {}
    for field in table:
        codes = codes_of(field)
        if codes is not None:
            known = {key: label(codes, key, language) for key in frame[field.name].unique()}
            words[field.name] = frame[field.name].map(known)
        elif field.name == "county":
            names = {"unknown": str(text("counties.unknown", language))}
            if table is TOTALS:
                names[""] = str(text("counties.whole", language))
            words[field.name] = frame[field.name].replace(names)
    return frame.assign(**words)
