"""One writer at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reverdure.core.errors import WorkspaceBusy


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
