"""What sources report as totals, case by case; none is ever changed."""

import sqlalchemy as sa
from alembic import op

from reverdure.store.migrations import steps

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "reported",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("record", sa.Text, nullable=False),
    )
    steps.append_only("reported")


def downgrade() -> None:
    op.drop_table("reported")
