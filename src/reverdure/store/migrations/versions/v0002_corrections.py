"""Corrections by people: one append-only table, a GeoPackage layer of its own."""

import sqlalchemy as sa
from alembic import op

from reverdure.store.geometry import Geom
from reverdure.store.migrations import steps

revision = "0002"
down_revision = "0001"

_TEXTS = ("kind", "mine_id", "claim_id", "county", "verdict", "run_id", "outcome", "person", "why",
          "at", "source", "evidence", "evidence_sha256")  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "correction",
        # rows never go, so a number that was shown to people is never given again
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.Column("year", sa.Integer),
        sa.Column("about", sa.Integer),
        sa.Column("geometry", Geom),
    )
    steps.append_only("correction", "corrections are append-only")
    steps.register_layer("correction", "MULTIPOLYGON")


def downgrade() -> None:
    steps.forget_layer("correction")
    op.drop_table("correction")
