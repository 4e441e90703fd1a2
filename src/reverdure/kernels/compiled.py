"""The one way kernels are compiled, and where the compiled code is kept."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba

from reverdure.core import codes

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


_HOME = Path(__file__).parent


def _cache_folder(source: Path) -> str:
    """Folder for a kernel's compiled code, named by all that it is compiled from.

    A kernel is one file here, or a folder of files. numba compares the file of the function
    called first only: after a change in a second one it would go on with the old code.
    """
    sources = [source] if source.parent == _HOME else sorted(source.parent.glob("*.py"))
    state = hashlib.sha256(repr(numba.config.BOUNDSCHECK).encode())
    for part in [*sources, Path(codes.__file__)]:
        state.update(part.read_bytes())
    base = numba.config.CACHE_DIR or source.parent / "__pycache__"
    return str(Path(base) / f"kernels-{state.hexdigest()[:12]}")


def compiled(kernel: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function of arrays and numbers, keeping its type.

    It runs without the interpreter lock and divides by zero as numpy does. The compiled
    code is kept beside the sources, or where numba keeps it if that cannot be written to.
    """
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _cache_folder(Path(kernel.__code__.co_filename))
    try:
        dispatcher = numba.njit(nogil=True, cache=True, error_model="numpy")(kernel)
    finally:
        numba.config.CACHE_DIR = before
    return cast("Callable[Parameters, Result]", dispatcher)
