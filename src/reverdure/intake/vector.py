"""One door for every list: vector files, workbooks, delimited text, drawings."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from reverdure.core.errors import InvalidInput, UnreadableFile
from reverdure.intake.archives import unpack
from reverdure.intake.columns import recognise
from reverdure.intake.delimited import read_delimited, with_geometry
from reverdure.intake.drawings import read_drawing
from reverdure.intake.gauss_kruger import settle_crs
from reverdure.intake.geoparquet import read_geoparquet
from reverdure.intake.keyhole import read_kml
from reverdure.intake.layers import read_geojson, read_layer, read_shapefile
from reverdure.intake.not_rows import refuse_not_rows
from reverdure.intake.signatures import check_signature
from reverdure.intake.table import AS_IT_IS, RawTable, Reading
from reverdure.intake.workbooks import read_workbook

_READERS: Mapping[str, Callable[[Path, str, Reading], RawTable]] = {
    ".gpkg": lambda path, _, how: read_layer(path, path.name, how.encoding or None),
    ".shp": lambda path, _, how: read_shapefile(path, how.encoding or None),
    ".geojson": lambda path, _, how: read_geojson(path, how.encoding or None),
    ".json": lambda path, _, how: read_geojson(path, how.encoding or None),
    ".kml": lambda path, _, how: read_kml(path, how.encoding or None),
    ".xlsx": lambda path, kind, how: read_workbook(path, kind, how.sheet),
    ".xlsm": lambda path, kind, how: read_workbook(path, kind, how.sheet),
    ".parquet": lambda path, *_: read_geoparquet(path),
    ".geoparquet": lambda path, *_: read_geoparquet(path),
    ".dxf": lambda path, *_: read_drawing(path),
    ".csv": lambda path, _, how: read_delimited(path, how.encoding or None),
    ".tsv": lambda path, _, how: read_delimited(path, how.encoding or None),
    ".txt": lambda path, _, how: read_delimited(path, how.encoding or None),
}
_ARCHIVES = (".zip", ".kmz")
KNOWN = (*_READERS, *_ARCHIVES)
_OTHERS = {
    ".xls": "Open it and save it as .xlsx.",
    ".et": "Save it as .xlsx.",
    ".ods": "Save it as .xlsx.",
    ".dwg": "Save it as DXF.",
    ".rar": "Unpack it first.",
    ".7z": "Unpack it first.",
    ".gz": "Unpack it first.",
    ".dbf": "Hand in the .shp with its .dbf beside it.",
    ".shx": "Hand in the .shp.",
    ".prj": "Hand in the .shp.",
    ".tab": "Export it as GeoPackage.",
    ".mdb": "Export it as GeoPackage.",
    ".gdb": "Export it as GeoPackage.",
    ".pdf": "Hand in the table it was printed from.",
    ".doc": "Copy the table into a workbook.",
    ".docx": "Copy the table into a workbook.",
}  # fmt: skip


def read_table(
    path: Path,
    *,
    encoding: str | None = None,
    kind: str = "mines",
    column_map: Mapping[str, str] | None = None,
    how: Reading = AS_IT_IS,
) -> RawTable:
    """Read a list as it stands, whatever format it is in.

    Parameters
    ----------
    path : Path
        .gpkg, .shp, .geojson, .json, .kml, .kmz, .xlsx, .xlsm, .parquet, .geoparquet, .dxf,
        .csv, .tsv, .txt; a .zip with one of them inside; or a folder with one Shapefile.
    encoding : str, optional
        Encoding of the text; otherwise what the file states, else UTF-8 or GB18030.
    kind : str, default "mines"
        "mines" or "claims": whose aliases tell the columns of a table.
    column_map : mapping of str to str, optional
        Column of ours to heading; of use here for `geometry`, `lon` and `lat` of a table.
    how : Reading
        What the caller says about the file: its CRS, sheet, encoding.

    Returns
    -------
    RawTable
        Every row of the file, in order, in the CRS that was settled.

    Raises
    ------
    UnreadableFile
        If the file is missing, empty, truncated, without rows, in another format, or not in
        the one its name says.
    WrongEncoding
        If its text is in no encoding known.
    UnsafeArchive
        If an archive leaves its folder or unpacks beyond the bounds.
    InvalidInput
        If it holds more than one layer or list.
    MissingCRS, DoubtfulPosition, UnknownOption
        As `intake.gauss_kruger.settle_crs`.
    """
    if encoding:
        how = replace(how, encoding=encoding)
    if not path.exists():
        raise UnreadableFile(f"{path} does not exist.")
    if path.is_dir():
        table = _read_one(_only_list(sorted(path.iterdir()), path.name), kind, how)
    elif path.stat().st_size == 0:
        raise UnreadableFile(f"{path.name} is empty.")
    elif path.suffix.lower() in _ARCHIVES:
        check_signature(path)
        with tempfile.TemporaryDirectory() as name:
            table = _read_one(_only_list(unpack(path, Path(name)), path.name), kind, how)
    else:
        table = _read_one(path, kind, how)
    columns = recognise(list(table.frame), kind, column_map)
    if table.geometry is None and table.crs is None:
        table = with_geometry(table, columns)
    table = refuse_not_rows(table, columns)
    return settle_crs(replace(table, source=path.name), how)


def _only_list(files: list[Path], where: str) -> Path:
    """The one file among several that is a list."""
    lists = [
        file
        for file in files
        if file.suffix.lower() in _READERS
        and not file.name.startswith((".", "._", "~$"))
        and "__MACOSX" not in file.parts
        and file.suffix.lower() != ".txt"
    ]
    if not lists:
        raise UnreadableFile(f"{where} holds no list; known are {', '.join(_READERS)}.")
    if len(lists) > 1:
        names = ", ".join(file.name for file in lists)
        raise InvalidInput(f"{where} holds several lists: {names}.", "Add them one by one.")
    return lists[0]


def _read_one(path: Path, kind: str, how: Reading) -> RawTable:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise UnreadableFile(
            f"{path.name} is in a format not known here; known are {', '.join(KNOWN)}.",
            _OTHERS.get(suffix, ""),
        )
    check_signature(path)
    return _READERS[suffix](path, kind, how)
