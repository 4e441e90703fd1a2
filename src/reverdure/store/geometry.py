"""Geometry as a GeoPackage blob, so that QGIS and GDAL read the registry as it is.

Layout: OGC 12-128r18 (GeoPackage 1.3), clause 2.1.3: header of 8 bytes, envelope
min x, max x, min y, max y, then WKB.
"""

import struct
from typing import Any

from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

SRS_ID = 4326
_HEADER = struct.Struct("<2sBBi")
_ENVELOPE = struct.Struct("<4d")
_FLAGS_LITTLE_ENDIAN_XY = 0b0000_0011
_FLAG_EMPTY = 0b0001_0000


def to_blob(geometry: Any) -> bytes:
    """GeoPackage blob of a shapely geometry in EPSG:4326."""
    import shapely

    flags = _FLAGS_LITTLE_ENDIAN_XY | (_FLAG_EMPTY if geometry.is_empty else 0)
    west, south, east, north = geometry.bounds
    envelope = _ENVELOPE.pack(west, east, south, north)
    wkb: bytes = shapely.to_wkb(geometry, byte_order=1, output_dimension=2)
    return _HEADER.pack(b"GP", 0, flags, SRS_ID) + envelope + wkb


def from_blob(blob: bytes) -> Any:
    """Shapely geometry of a GeoPackage blob, whichever envelope it carries."""
    import shapely  # late: counting rows needs no geometry

    flags = blob[3]
    envelope_doubles = (0, 4, 6, 6, 8)[(flags >> 1) & 0b111]
    return shapely.from_wkb(blob[_HEADER.size + 8 * envelope_doubles :])


class Geom(TypeDecorator[Any]):
    """Column of shapely geometries in EPSG:4326."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Shapely to blob."""
        return None if value is None else to_blob(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """Blob to shapely."""
        return None if value is None else from_blob(value)
