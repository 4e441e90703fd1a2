"""Rows as lines of canonical JSON: the same from every database, so that they can be compared."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from reverdure.store.geometry import Geom


def lines(table: sa.Table, rows: Iterable[Any]) -> Iterator[bytes]:
    """One line a row; geometry as well-known binary in hexadecimal."""
    import shapely

    for row in rows:
        plain = {
            name: shapely.to_wkb(value, hex=True) if is_geometry(table, name, value) else value
            for name, value in row._asdict().items()
        }
        yield json.dumps(plain, ensure_ascii=False, sort_keys=True, allow_nan=False).encode()


def is_geometry(table: sa.Table, name: str, value: Any) -> bool:
    """Whether a value of a column is a shape."""
    return value is not None and isinstance(table.c[name].type, Geom)


def written(found: Iterable[bytes], sink: Any = None) -> dict[str, Any]:
    """Write lines, or only count and hash them: `rows` and `sha256`."""
    rows, digest = 0, hashlib.sha256()
    for line in found:
        rows += 1
        digest.update(line + b"\n")
        if sink is not None:
            sink.write(line + b"\n")
    return {"rows": rows, "sha256": digest.hexdigest()}
