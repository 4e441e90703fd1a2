"""Files that appear whole or not at all, and text that people wrote."""

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reverdure.core.errors import DiskFull, NotWritable, UnreadableFile

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_PLACE = (NotADirectoryError, IsADirectoryError, FileExistsError, PermissionError)


@contextmanager
def atomic(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well.

    Parameters
    ----------
    path : Path
        File to make or replace; its folder is made where it is missing.
    durable : bool
        Whether the content must be on the disk before the name is: needed where a file
        that is there counts as right, slow where thousands are written.

    Raises
    ------
    DiskFull
        If the disk has no space left; nothing half written stays.
    NotWritable
        If a file stands where its folder would be, a folder where it would be, or there is no
        right to write there.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [file.name for file in folder.iterdir()]
    ['a.txt']
    """
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if durable:
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        # drivers below Python give no number, only the system's words
        if error.errno in _FULL or "No space left" in str(error):
            raise DiskFull(
                f"no space left on the disk while writing {path.name}.",
                "Free some space and give the same command again; it continues.",
            ) from error
        ours = {str(one) for one in (*path.parents, path, temporary)}
        if isinstance(error, _NO_PLACE) and error.filename in ours:
            raise NotWritable(
                f"{path} cannot be written: {error.strerror}.", "Name another place."
            ) from error
        raise
    finally:
        # where its folder is none there is no such file either
        with contextlib.suppress(NotADirectoryError, PermissionError):
            temporary.unlink(missing_ok=True)


def read_text(path: Path) -> str:
    """Text that somebody wrote, in UTF-8, with or without its mark.

    Raises
    ------
    UnreadableFile
        If the file is not there, is none, or is not in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UnreadableFile(f"{path} is not there.") from error
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error}.") from error


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files that a killed process left behind."""
    for leftover in folder.rglob(".[0-9]*-*"):
        if leftover.is_file():
            leftover.unlink(missing_ok=True)
