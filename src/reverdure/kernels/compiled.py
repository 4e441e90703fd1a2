"""The one way kernels are compiled."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def compiled(kernel: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function of arrays and numbers, keeping its type.

    It runs without the interpreter lock, divides by zero as numpy does, and is kept in a
    cache on disk. That cache is keyed by the kernel's own file: a kernel and all compiled
    functions it calls stay in one file, or a change in one would go unseen.
    """
    return cast(
        "Callable[Parameters, Result]",
        njit(nogil=True, cache=True, error_model="numpy")(kernel),
    )
