"""Records of every kind, version by version; none is ever changed or deleted."""

import sqlalchemy as sa
from alembic import op

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
    for verb in ("update", "delete"):
        op.execute(
            f"create trigger record_no_{verb} before {verb} on record"
            " begin select raise(abort, 'records are append-only'); end"
        )


def downgrade() -> None:
    op.drop_table("record")
