"""Functions that write a list into a folder, and how a table names one ahead of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Write = Callable[[Path], Path]


def later(module: dict[str, Any], name: str) -> Write:
    """A writer that is defined further down in a module, given its `globals()`."""

    def write(folder: Path) -> Path:
        path: Path = module[name](folder)
        return path

    return write
