"""Zip archives, unpacked only inside bounds and only inside their folder."""

import errno
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from reverdure.core.errors import UnreadableFile, UnsafeArchive

MAX_FILES = 2_000
MAX_BYTES = 4 * 1024**3
MAX_RATIO = 200
"""Unpacked to packed size. Deflate reaches 1032; text tables rarely pass 20."""
RATIO_FROM_BYTES = 16 * 1024**2
"""Below this size a high ratio harms nobody."""
_BLOCK_BYTES = 1024**2
_LONGEST_MARK = len(b"<!DOCTYPE")


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """An archive to read; what is damaged in it is said in our words."""
    try:
        with zipfile.ZipFile(archive) as packed:
            if not all(entry.filename for entry in packed.infolist()):
                raise zipfile.BadZipFile("an entry has no name")
            yield packed
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise UnreadableFile(f"{archive.name} cannot be unpacked: {error}.") from error
    except OSError as error:
        # a damaged directory makes zipfile seek before the file's start; a full disk is no damage
        if error.errno != errno.EINVAL:
            raise
        raise UnreadableFile(f"{archive.name} is damaged or truncated.") from error


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack a zip archive into an empty folder, after checking every entry.

    Parameters
    ----------
    archive : Path
        The zip file.
    folder : Path
        Existing folder to unpack into; nothing is ever written outside it.

    Returns
    -------
    list of Path
        The files unpacked, sorted.

    Raises
    ------
    UnreadableFile
        If it is no zip, is truncated, empty or encrypted.
    UnsafeArchive
        If an entry leaves the folder, is a link, or unpacks beyond the bounds; found
        before anything is written where the archive declares it, else while writing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     archive = Path(name) / "mines.zip"
    ...     with zipfile.ZipFile(archive, "w") as packed:
    ...         packed.writestr("mines.csv", "mine_id,lon,lat")
    ...     (Path(name) / "out").mkdir()
    ...     [path.name for path in unpack(archive, Path(name) / "out")]
    ['mines.csv']
    """
    with _opened(archive) as packed:
        entries = [entry for entry in packed.infolist() if not entry.is_dir()]
        _check(archive, entries)
        budget = _budget(archive)
        files = []
        for entry in entries:
            target = folder.joinpath(*PurePosixPath(entry.filename).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            budget -= _write(packed, entry, target, budget, archive)
            files.append(target)
    return sorted(files)


def check_archive(archive: Path) -> None:
    """Refuse an archive that is damaged or unsafe by its own directory; writes nothing.

    XML parts are looked through: a document type could hold entities that unfold without
    end.

    Raises
    ------
    UnreadableFile, UnsafeArchive
        As `unpack`.
    """
    with _opened(archive) as packed:
        entries = [entry for entry in packed.infolist() if not entry.is_dir()]
        _check(archive, entries)
        for entry in entries:
            if entry.filename.lower().endswith((".xml", ".rels")):
                with packed.open(entry) as part:
                    _refuse_document_types(part, archive.name)


def _refuse_document_types(part: IO[bytes], name: str) -> None:
    """Look through a whole part: a long comment may stand before a document type."""
    before = b""
    while chunk := part.read(_BLOCK_BYTES):
        letters = chunk.replace(b"\0", b"")  # UTF-16 writes one beside each
        refuse_document_type(before + letters, name)
        before = letters[-_LONGEST_MARK:]


def refuse_document_type(head: bytes, name: str) -> None:
    """Refuse XML that declares a document type.

    Raises
    ------
    UnsafeArchive
        None of the formats read here has one.
    """
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise UnsafeArchive(
            f"{name} declares an XML document type, which no list has.", "Export it again."
        )


def _budget(archive: Path) -> int:
    """Bytes an archive of this size may unpack to."""
    return min(MAX_BYTES, max(RATIO_FROM_BYTES, MAX_RATIO * archive.stat().st_size))


def _check(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse what the archive's own directory already shows to be unsafe."""
    if not entries:
        raise UnreadableFile(f"{archive.name} is an empty archive.")
    if len(entries) > MAX_FILES:
        raise UnsafeArchive(f"{archive.name} holds {len(entries)} files, allowed: {MAX_FILES}.")
    for entry in entries:
        if _leaves_folder(entry.filename) or stat.S_ISLNK(entry.external_attr >> 16):
            raise UnsafeArchive(
                f"{archive.name} holds an entry that leaves the archive: {entry.filename!r}.",
                "Pack the files again without links and without folders above them.",
            )
        if entry.flag_bits & 1:
            raise UnreadableFile(f"{archive.name} is encrypted.", "Unpack it first.")
    total = sum(entry.file_size for entry in entries)
    if total > _budget(archive):
        raise UnsafeArchive(_too_large(archive, f"{total:,} bytes"))


def _leaves_folder(name: str) -> bool:
    """Whether a path inside an archive would be written outside its folder."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return (
        posix.is_absolute()
        or bool(windows.drive or windows.root)
        or ".." in posix.parts
        or ".." in windows.parts
    )


def _write(
    packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, budget: int, archive: Path
) -> int:
    """Bytes written; stops as soon as an entry that lied about its size passes the budget."""
    written = 0
    with packed.open(entry) as source, target.open("wb") as sink:
        while block := source.read(_BLOCK_BYTES):
            written += len(block)
            if written > budget:
                raise UnsafeArchive(_too_large(archive, f"more than {written:,} bytes"))
            sink.write(block)
    return written


def _too_large(archive: Path, size: str) -> str:
    return (
        f"{archive.name} ({archive.stat().st_size:,} bytes) unpacks to {size}; "
        f"allowed are {_budget(archive):,} bytes."
    )
