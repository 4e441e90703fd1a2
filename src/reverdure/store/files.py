"""Products on disk: written under a temporary name, then renamed; locks; safe names."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reverdure.core.errors import DiskFull, UnsafePath, WorkspaceBusy

_SAFE_NAME = re.compile(r"[\w.\- ()]+", re.UNICODE)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well.

    Raises
    ------
    DiskFull
        If the disk has no space left; nothing half written stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        # rename and content reach the disk together, or a killed machine leaves an empty product
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            raise DiskFull(
                f"no space left on the disk while writing {path.name}.",
                "Free some space and give the same command again; it continues.",
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files that a killed process left behind."""
    for leftover in folder.rglob(".[0-9]*-*"):
        if leftover.is_file():
            leftover.unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """The name itself, if it is one plain file name.

    Raises
    ------
    UnsafePath
        If it could lead out of its folder.

    Examples
    --------
    >>> safe_name("M00042")
    'M00042'
    """
    if not _SAFE_NAME.fullmatch(name) or name.strip(". ") == "":
        raise UnsafePath(f"{name!r} cannot be a file name inside the workspace.")
    return name


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the workspace for writing; the lock ends with the process, however it ends.

    Raises
    ------
    WorkspaceBusy
        If another process holds it.
    """
    with path.open("a+") as stream:
        try:
            _lock(stream.fileno())
        except OSError as error:
            raise WorkspaceBusy(
                "another process is writing to this workspace.",
                "Wait until it has finished, or stop it, and give the command again.",
            ) from error
        yield


if os.name == "nt":  # pragma: no cover
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
