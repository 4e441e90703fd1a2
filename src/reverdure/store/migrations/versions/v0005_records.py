"""Records of every kind, version by version; none is ever changed or deleted."""

import sqlalchemy as sa
from alembic import op

from reverdure.store.migrations import steps

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "record",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("mine_id", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        # two that edit one version cannot both be the next
        sa.UniqueConstraint("kind", "id", "version"),
    )
    op.create_index("record_of_mine", "record", ["mine_id", "kind"])
    steps.append_only("record", "records are append-only")


def downgrade() -> None:
    op.drop_table("record")
