"""Field verification: samples, their plots, and the answers; none is ever changed."""

import sqlalchemy as sa
from alembic import op

from reverdure.store.geometry import Geom
from reverdure.store.migrations import steps

revision = "0003"
down_revision = "0002"

_POINTS = ("field_plot", "field_answer")
_TABLES = ("field_sample", *_POINTS)


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
        sa.Column("geometry", Geom),
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
        sa.Column("geometry", Geom),
    )
    for table in _TABLES:
        steps.append_only(table)
    for table in _POINTS:
        steps.register_layer(table, "POINT")


def downgrade() -> None:
    for table in _POINTS:
        steps.forget_layer(table)
    for table in _TABLES:
        op.drop_table(table)
