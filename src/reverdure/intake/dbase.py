"""The table of a Shapefile: its encoding, and headings cut in the middle of a character."""

import glob
import shutil
from collections.abc import Iterator
from pathlib import Path

from reverdure.core.errors import UnreadableFile
from reverdure.intake.encodings import decode, is_chinese
from reverdure.intake.table import Problem

_HEADING_BYTES = 10
_CODE_PAGES = {
    "utf8": "utf-8", "65001": "utf-8", "gb18030": "gb18030", "54936": "gb18030",
    "gbk": "gb18030", "gb2312": "gb18030", "936": "gb18030", "cp936": "gb18030",
    "ansi936": "gb18030", "oem936": "gb18030",
}  # fmt: skip
_DBASE_GBK = 0x4D
"""Language driver of dBASE for code page 936."""


def dbase_encoding(path: Path) -> tuple[str | None, Problem | None]:
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
    content = raw[int.from_bytes(raw[8:10], "little") :].replace(b"\0", b" ").rstrip(b"\x1a")
    content += b" " + b" ".join(_uncut(name) for _, name in _headings(raw))
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


def check_parts(path: Path) -> None:
    """Refuse a Shapefile whose outlines or table are shorter than they say.

    Drivers read on past the cut and return rows without outline or without values.

    Raises
    ------
    UnreadableFile
        If a part is cut, or the table is missing.
    """
    with path.open("rb") as outlines:
        head = outlines.read(28)
    said = 2 * int.from_bytes(head[24:28], "big")
    there = path.stat().st_size
    if len(head) < 28 or there < said:
        raise UnreadableFile(f"{path.name} is cut: {there:,} of {said:,} bytes are there.")
    table = path.with_suffix(".dbf")
    if not table.exists():
        raise UnreadableFile(f"{table.name} is missing: the outlines would have no ids.")
    raw = table.read_bytes()[:32]
    rows, begin, row = (
        int.from_bytes(raw[start:end], "little") for start, end in ((4, 8), (8, 10), (10, 12))
    )
    if len(raw) < 32 or table.stat().st_size < begin + rows * row:
        raise UnreadableFile(f"{table.name} is cut: it says {rows:,} rows and holds fewer.")


def with_whole_headings(path: Path, folder: Path, encoding: str | None) -> Path:
    """The Shapefile, or a copy in `folder` without the halves of characters in its headings.

    A heading has ten bytes: of 图斑编号 in UTF-8 three characters and a third of the fourth,
    which no driver reads.
    """
    table = path.with_suffix(".dbf")
    if encoding != "utf-8" or not table.exists():
        return path
    raw = bytearray(table.read_bytes())
    mended = bytearray(raw)
    for at, name in _headings(bytes(raw)):
        whole = name.decode("utf-8", errors="ignore").encode("utf-8")
        mended[at : at + _HEADING_BYTES + 1] = whole.ljust(_HEADING_BYTES + 1, b"\0")
    if mended == raw:
        return path
    for part in path.parent.glob(f"{glob.escape(path.stem)}.*"):
        if part.suffix.lower() in (".shp", ".shx", ".prj", ".cpg"):
            shutil.copyfile(part, folder / part.name)
    (folder / table.name).write_bytes(mended)
    return folder / path.name


def _headings(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Place and bytes of each heading of a dBASE table."""
    for at in range(32, min(int.from_bytes(raw[8:10], "little"), len(raw)) - 1, 32):
        yield at, raw[at : at + _HEADING_BYTES + 1].split(b"\0")[0]


def _uncut(name: bytes) -> bytes:
    """A heading of full length without what may be the half of a character."""
    if len(name) < _HEADING_BYTES:
        return name
    whole = name.decode("utf-8", errors="ignore").encode("utf-8")
    return whole if name.startswith(whole) and len(name) - len(whole) <= 3 else name
