"""Registry: mines, claims, counties, imagery, layers, imports, audit; GeoPackage tables."""

import sqlalchemy as sa
from alembic import op
from pyproj import CRS

from reverdure.store.geometry import Geom
from reverdure.store.migrations import steps

revision = "0001"
down_revision = None

_GEOMETRY_TABLES = ("mine", "claim", "county")
_TABLES = (
    "mine", "claim", "county", "scene", "refusal", "composite", "layer", "import_report",
    "setting", "audit",
)  # fmt: skip
_GEOPACKAGE_TABLES = ("gpkg_geometry_columns", "gpkg_contents", "gpkg_spatial_ref_sys")


def upgrade() -> None:
    if not steps.is_postgres():
        _create_geopackage()
    _create_registry()
    _create_imagery()
    _create_audit()
    for table in _GEOMETRY_TABLES:
        steps.register_layer(table, "MULTIPOLYGON")


def downgrade() -> None:
    for table in _TABLES + (() if steps.is_postgres() else _GEOPACKAGE_TABLES):
        op.drop_table(table)


def _create_geopackage() -> None:
    # OGC 12-128r18, clauses 1.1.1.1.1 (application id), 1.1.2, 1.1.3, 2.1.5
    op.execute("pragma application_id = 1196444487")
    op.execute("pragma user_version = 10300")
    op.execute(
        "create table gpkg_spatial_ref_sys (srs_name text not null, srs_id integer primary key,"
        " organization text not null, organization_coordsys_id integer not null,"
        " definition text not null, description text)"
    )
    systems = sa.table(
        "gpkg_spatial_ref_sys",
        *(
            sa.column(name)
            for name in (
                "srs_name", "srs_id", "organization", "organization_coordsys_id", "definition",
            )
        ),
    )  # fmt: skip
    rows = [
        ("Undefined Cartesian", -1, "NONE", -1, "undefined"),
        ("Undefined geographic", 0, "NONE", 0, "undefined"),
        ("WGS 84", 4326, "EPSG", 4326, CRS.from_epsg(4326).to_wkt("WKT1_GDAL")),
    ]
    names = [column.name for column in systems.columns]
    op.bulk_insert(systems, [dict(zip(names, row, strict=True)) for row in rows])
    op.execute(
        "create table gpkg_contents (table_name text not null primary key, data_type text not null,"
        " identifier text unique, description text default '', last_change datetime not null"
        " default '1970-01-01T00:00:00.000Z', min_x double, min_y double, max_x double,"
        " max_y double, srs_id integer references gpkg_spatial_ref_sys(srs_id))"
    )
    op.execute(
        "create table gpkg_geometry_columns (table_name text not null, column_name text not null,"
        " geometry_type_name text not null, srs_id integer not null"
        " references gpkg_spatial_ref_sys(srs_id), z tinyint not null, m tinyint not null,"
        " primary key (table_name, column_name))"
    )


def _create_registry() -> None:
    op.create_table(
        "mine",
        sa.Column("fid", sa.Integer, primary_key=True),
        sa.Column("mine_id", sa.Text, unique=True),
        sa.Column("name", sa.Text),
        sa.Column("county", sa.Text),
        sa.Column("commodity", sa.Text),
        sa.Column("mining_method", sa.Text),
        sa.Column("stated_area_ha", sa.Double),
        sa.Column("measured_area_ha", sa.Double),
        sa.Column("flags", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("source_row", sa.Integer),
        sa.Column("geometry", Geom),
    )
    op.create_table(
        "claim",
        sa.Column("fid", sa.Integer, primary_key=True),
        sa.Column("claim_id", sa.Text, unique=True),
        sa.Column("mine_id", sa.Text),
        sa.Column("year", sa.Integer),
        sa.Column("start_year", sa.Integer),
        sa.Column("claimed_ha", sa.Double),
        sa.Column("aim", sa.Text),
        sa.Column("claimant", sa.Text),
        sa.Column("flags", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("source_row", sa.Integer),
        sa.Column("geometry", Geom),
    )
    op.create_table(
        "county",
        sa.Column("fid", sa.Integer, primary_key=True),
        sa.Column("county", sa.Text),
        sa.Column("county_code", sa.Text),
        sa.Column("geometry", Geom),
    )
    op.create_table(
        "import_report",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _create_imagery() -> None:
    op.create_table(
        "scene",
        sa.Column("scene_id", sa.Text, primary_key=True),
        sa.Column("date", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_table(
        "refusal",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("message_zh", sa.Text, nullable=False),
    )
    op.create_table(
        "composite",
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_table(
        "layer",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
    )
    steps.append_only("audit", "the audit log is append-only")
