"""Geometry as each database keeps it, so that QGIS and GDAL read the registry as it is.

GeoPackage: OGC 12-128r18 (GeoPackage 1.3), clause 2.1.3: header of 8 bytes, envelope
min x, max x, min y, max y, then WKB. PostGIS: extended WKB in hexadecimal, which carries
the reference system (PostGIS manual, section 4.1.2).
"""

import struct
from typing import Any

from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

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


def to_ewkb(geometry: Any) -> str:
    """Extended WKB of a shapely geometry in EPSG:4326, hexadecimal."""
    import shapely

    flat = shapely.set_srid(geometry, SRS_ID)
    text: str = shapely.to_wkb(flat, hex=True, byte_order=1, output_dimension=2, include_srid=True)
    return text


def from_ewkb(text: str) -> Any:
    """Shapely geometry of what PostGIS hands out, as it is without a reference system."""
    import shapely

    return shapely.set_srid(shapely.from_wkb(text), 0)


class _PostGIS(UserDefinedType[Any]):
    """What PostGIS calls a geometry of any kind in EPSG:4326."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name of the type in a `create table`."""
        return f"geometry(Geometry,{SRS_ID})"


class Geom(TypeDecorator[Any]):
    """Column of shapely geometries in EPSG:4326."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Blob in a GeoPackage, geometry in PostGIS."""
        on_postgres = dialect.name == "postgresql"
        return dialect.type_descriptor(_PostGIS() if on_postgres else LargeBinary())

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | str | None:
        """Shapely to what the database takes."""
        if value is None:
            return None
        return to_ewkb(value) if dialect.name == "postgresql" else to_blob(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """What the database hands out to shapely."""
        if value is None:
            return None
        return from_ewkb(value) if dialect.name == "postgresql" else from_blob(value)
