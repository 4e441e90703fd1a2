"""Corrections by people: one append-only table, a GeoPackage layer of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TEXTS = ("kind", "mine_id", "claim_id", "county", "verdict", "run_id", "outcome", "person", "why",
          "at", "source", "evidence", "evidence_sha256")  # fmt: skip
_GEOPACKAGE_TABLES = ("gpkg_geometry_columns", "gpkg_contents")


def upgrade() -> None:
    op.create_table(
        "correction",
        # rows never go, so a number that was shown to people is never given again
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.Column("year", sa.Integer),
        sa.Column("about", sa.Integer),
        sa.Column("geometry", sa.LargeBinary),
    )
    for verb in ("update", "delete"):
        op.execute(
            f"create trigger correction_no_{verb} before {verb} on correction"
            " begin select raise(abort, 'corrections are append-only'); end"
        )
    op.execute(
        "insert into gpkg_contents (table_name, data_type, identifier, srs_id)"
        " values ('correction', 'features', 'correction', 4326)"
    )
    op.execute(
        "insert into gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id,"
        " z, m) values ('correction', 'geometry', 'MULTIPOLYGON', 4326, 0, 0)"
    )


def downgrade() -> None:
    for table in _GEOPACKAGE_TABLES:
        op.execute(f"delete from {table} where table_name = 'correction'")  # noqa: S608 - our words
    op.drop_table("correction")
