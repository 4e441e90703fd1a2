"""What a file begins with, against what its name says."""

import codecs
from pathlib import Path

from reverdure.core.errors import UnreadableFile

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "zip", "a ZIP archive or an Excel workbook (.xlsx)"),
    (b"PK\x05\x06", "zip", "an empty ZIP archive"),
    (b"SQLite format 3\0", "sqlite", "a GeoPackage"),
    (b"PAR1", "parquet", "Parquet"),
    (b"\0\0\x27\x0a", "shape", "a Shapefile"),
    (b"AutoCAD Binary DXF", "binary dxf", "a binary DXF"),
    (b"AC10", "dwg", "an AutoCAD drawing (DWG)"),
    (b"\xd0\xcf\x11\xe0", "ole", "an old (.xls) or encrypted Office file"),
    (b"%PDF", "pdf", "a PDF"),
    (b"Rar!", "rar", "a RAR archive"),
    (b"7z\xbc\xaf", "7z", "a 7z archive"),
    (b"\x1f\x8b", "gzip", "a gzip archive"),
    (b"II*\0", "tiff", "a TIFF picture"),
    (b"MM\0*", "tiff", "a TIFF picture"),
    (b"\x89PNG", "png", "a PNG picture"),
    (b"\xff\xd8\xff", "jpeg", "a JPEG picture"),
)
_WANTED = {
    ".gpkg": "sqlite", ".shp": "shape", ".xlsx": "zip", ".xlsm": "zip", ".zip": "zip",
    ".kmz": "zip", ".parquet": "parquet", ".geoparquet": "parquet",
}  # fmt: skip
_TEXT_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "XML"),
    (b"<kml", "KML"),
    (b"{", "JSON"),
    (b"version https://git-lfs", "a pointer to a file that was not fetched"),
)
_TEXT_WANTED = {
    ".kml": ("XML", "KML"),
    ".geojson": ("JSON",),
    ".json": ("JSON",),
}
_TABLES = (".csv", ".tsv", ".txt")


def check_signature(path: Path) -> None:
    r"""Refuse a file that begins like another format than its name says.

    Raises
    ------
    UnreadableFile
        Names what the file looks like.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mines.csv"
    ...     _ = path.write_bytes(b"PK\x03\x04...")
    ...     check_signature(path)
    Traceback (most recent call last):
    reverdure.core.errors.UnreadableFile: mines.csv is no .csv: it begins like a ZIP archive ...
    """
    with path.open("rb") as source:
        start = source.read(4096)
    suffix = path.suffix.lower()
    found = next(((key, words) for sign, key, words in _SIGNATURES if start.startswith(sign)), None)
    if found and found[0] != _WANTED.get(suffix):
        raise _other(path, found[1])
    if found:
        return
    looks = _text_start(start)
    if suffix in _WANTED:
        raise (
            _other(path, looks)
            if looks
            else UnreadableFile(f"{path.name} is no {suffix} file, or its beginning is damaged.")
        )
    wrong_table = suffix in _TABLES and looks not in ("", "JSON")
    wrong_text = suffix in _TEXT_WANTED and looks and looks not in _TEXT_WANTED[suffix]
    if wrong_table or wrong_text or (suffix == ".dxf" and looks):
        raise _other(path, looks)


def _text_start(start: bytes) -> str:
    """What a text begins like, "" for nothing known."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if start.startswith(mark):
            whole = start[: len(start) // 2 * 2].decode(encoding, errors="ignore")
            start = whole.encode("utf-8", errors="ignore")
    plain = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    return next((words for sign, words in _TEXT_STARTS if plain.startswith(sign)), "")


def _other(path: Path, looks: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} is no {path.suffix.lower()}: it begins like {looks}.",
        "Give it the ending of what it is, or save it again in a format that is read here.",
    )
