"""Field verification: samples, their plots, and the answers; none is ever changed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_POINTS = ("field_plot", "field_answer")
_TABLES = ("field_sample", *_POINTS)
_CONTENTS = ("table_name", "data_type", "identifier", "srs_id")
_COLUMNS = ("table_name", "column_name", "geometry_type_name", "srs_id", "z", "m")


def upgrade() -> None:
    op.create_table(
        "field_sample",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("sample_id", sa.Text, nullable=False, unique=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_table(
        "field_plot",
        sa.Column("fid", sa.Integer, primary_key=True),
        sa.Column("plot_id", sa.Text, unique=True),
        *(
            sa.Column(name, sa.Text)
            for name in ("sample_id", "claim_id", "mine_id", "county", "aim", "stratum")
        ),
        sa.Column("priority", sa.Integer),
        *(
            sa.Column(name, sa.Double)
            for name in ("p_restored", "density_per_ha", "radius_m", "longitude", "latitude")
        ),
        sa.Column("image_year", sa.Integer),
        sa.Column("geometry", sa.LargeBinary),
    )
    op.create_table(
        "field_answer",
        sa.Column("fid", sa.Integer, primary_key=True),
        sa.Column("answer_id", sa.Text, unique=True),
        *(sa.Column(name, sa.Text) for name in ("plot_id", "answer", "visited_on", "observer")),
        sa.Column("cover_percent", sa.Double),
        sa.Column("around_percent", sa.Double),
        sa.Column("remark", sa.Text),
        sa.Column("distance_m", sa.Double),
        *(sa.Column(name, sa.Text) for name in ("corrects", "flags", "source")),
        sa.Column("source_row", sa.Integer),
        sa.Column("geometry", sa.LargeBinary),
    )
    for table in _TABLES:
        for verb in ("update", "delete"):
            op.execute(
                f"create trigger {table}_no_{verb} before {verb} on {table}"
                f" begin select raise(abort, '{table} is append-only'); end"
            )
    contents = sa.table("gpkg_contents", *map(sa.column, _CONTENTS))
    columns = sa.table("gpkg_geometry_columns", *map(sa.column, _COLUMNS))
    for table in _POINTS:
        row = dict(zip(_CONTENTS, (table, "features", table, 4326), strict=True))
        op.bulk_insert(contents, [row])
        row = dict(zip(_COLUMNS, (table, "geometry", "POINT", 4326, 0, 0), strict=True))
        op.bulk_insert(columns, [row])


def downgrade() -> None:
    for table in _POINTS:
        for listing in ("gpkg_geometry_columns", "gpkg_contents"):
            op.execute(f"delete from {listing} where table_name = '{table}'")  # noqa: S608
    for table in _TABLES:
        op.drop_table(table)
