"""The state each claim's verification is in, found by the database among the steps on record."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from reverdure.store.database import Database
from reverdure.store.tables import CLAIM, RECORD


def review_states(database: Database) -> Sequence[Any]:
    """Last row of each claim's verification, in the order of claim ids.

    Parameters
    ----------
    database : Database

    Returns
    -------
    list of (claim_id, rows, step, action, outcome, date)
        How many rows there are, what the last one says, and the outcome stated last ("" where
        none is, or a return took it back). No row and no step where nothing was done yet.
    """
    of = _steps(database)
    # whether a login sees a record costs more than the record: they are gone through once
    ends = (
        sa.select(
            of.c.claim_id,
            sa.func.count().label("rows"),
            sa.func.max(of.c.number).label("last"),
            sa.func.max(of.c.number).filter(of.c.settles).label("settled"),
        )
        .group_by(of.c.claim_id)
        .cte("ends")
    )
    last, settled = of.alias("last"), of.alias("settled")
    rows = (
        sa.select(
            CLAIM.c.claim_id,
            sa.func.coalesce(ends.c.rows, 0).label("rows"),
            _says(last, "step").label("step"),
            _says(last, "action").label("action"),
            sa.func.coalesce(_says(settled, "outcome"), "").label("outcome"),
            _says(last, "date").label("date"),
        )
        .select_from(CLAIM)
        .outerjoin(ends, ends.c.claim_id == CLAIM.c.claim_id)
        .outerjoin(last, last.c.number == ends.c.last)
        .outerjoin(settled, settled.c.number == ends.c.settled)
    )
    return database.read(rows.order_by(CLAIM.c.claim_id))


def _steps(database: Database) -> sa.CTE:
    """Rows of verification; those that state an outcome, or take one back, settle it.

    Rows of a claim are written one after the other and never again: the last has the greatest
    number.
    """
    body: Any = sa.type_coerce(RECORD.c.body, sa.JSON)
    if database.is_shared:
        body = sa.cast(RECORD.c.body, JSONB)
    rows = sa.select(RECORD.c.number, body.label("body")).where(RECORD.c.kind == "review")
    # each body is parsed once
    parsed = rows.cte("parsed").prefix_with("materialized", dialect="postgresql")
    settles = _says(parsed, "outcome").is_not(None) | (_says(parsed, "action") == "returned")
    return sa.select(
        parsed, _says(parsed, "claim_id").label("claim_id"), settles.label("settles")
    ).cte("steps")


def _says(rows: sa.FromClause, name: str) -> sa.ColumnElement[Any]:
    """A value out of the body of a record."""
    value: sa.ColumnElement[Any] = rows.c.body[name].as_string()
    return value
