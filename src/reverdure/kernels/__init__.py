"""Loops over arrays: numbers in, numbers out, compiled, without the interpreter lock.

Every module of kernels has a `warm_up()` that compiles what it holds.
"""

import importlib
import pkgutil


def warm_up() -> None:
    """Compile every kernel once, or load it from the cache.

    Call it before a pool of threads or processes starts: the cache must not be written by
    several at once.

    Examples
    --------
    >>> warm_up()
    """
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        if hasattr(module, "warm_up"):
            module.warm_up()
