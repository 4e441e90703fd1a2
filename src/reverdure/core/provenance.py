"""Hashes that say "made from exactly this".

A digest is a SHA-256 over canonical JSON, so that it is the same on every machine.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

_EDGE_BYTES = 1 << 16


def digest(value: Any) -> str:
    """Hash of anything JSON can hold: 16 hexadecimal digits.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(
        value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """Hash of a whole file: 16 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def file_fingerprint(path: Path) -> str:
    """Hash of size, head and tail: for imagery too large to be read twice."""
    size = path.stat().st_size
    state = hashlib.sha256(str(size).encode())
    with path.open("rb") as stream:
        state.update(stream.read(_EDGE_BYTES))
        if size > 2 * _EDGE_BYTES:
            stream.seek(-_EDGE_BYTES, 2)
            state.update(stream.read())
    return state.hexdigest()[:16]
