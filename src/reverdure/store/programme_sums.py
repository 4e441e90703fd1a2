"""What programmes hold, counted by the database: mines by the programmes that share them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reverdure.core.record_book import Record
from reverdure.store.database import Database
from reverdure.store.records import in_force
from reverdure.store.tables import CLAIM, MINE, RECORD

_ASKED = ("programme", "membership", "work")


@dataclass(frozen=True, slots=True)
class Held:
    """What the programmes of a registry hold.

    Attributes
    ----------
    programmes : mapping of id to Record
    shared : list of (ids, mines, area_ha, claimed_ha, supported_ha)
        Mines that belong to the same programmes, counted together.
    works : mapping of programme id to int
    """

    programmes: dict[str, Record]
    shared: list[tuple[frozenset[str], int, float, float, float]]
    works: dict[str, int]


def held(database: Database, supported_ha: Mapping[str, float]) -> Held:
    """Programmes, what they hold, and how many works each has.

    Parameters
    ----------
    database : Database
    supported_ha : mapping of mine id to float
        What the satellite supports of the claims of a mine, [ha].
    """
    asked = _asked(database)
    rows = database.read(
        sa.select(sa.union_all(_by_mines(database, asked, supported_ha), _works(asked),
                               _programmes(asked)).subquery())
    )  # fmt: skip
    found = Held({}, [], {})
    for what, text, count, area_ha, claimed_ha, supported in rows:
        if what == "mine":
            ids = frozenset(json.loads(text))
            found.shared.append((ids, count, area_ha, claimed_ha, supported))
        elif what == "work":
            found.works[text] = count
        else:
            values = json.loads(text)
            record = Record(values["programme_id"], count, values)
            found.programmes[record.id] = record
    return found


def _asked(database: Database) -> sa.FromClause:
    """Records in force that say what programmes hold."""
    as_json = sa.cast if database.is_shared else sa.type_coerce
    programme_id: Any = as_json(RECORD.c.body, sa.JSON)["programme_id"]
    rows = sa.select(
        RECORD.c.kind,
        RECORD.c.version,
        RECORD.c.mine_id,
        sa.func.nullif(programme_id.as_string(), "").label("programme_id"),
        sa.case((RECORD.c.kind == "programme", RECORD.c.body)).label("body"),
    ).where(RECORD.c.kind.in_(_ASKED))
    if database.is_shared:
        # whether a login sees a row costs more than the row: each is looked at once
        rows = rows.prefix_with(sa.text("distinct on (record.kind, record.id)"))
        order = RECORD.c.kind, RECORD.c.id, RECORD.c.version.desc()
        return rows.order_by(*order).cte("asked")
    return rows.where(in_force(_ASKED)).subquery("asked")


def _by_mines(
    database: Database, asked: sa.FromClause, supported_ha: Mapping[str, float]
) -> sa.Select[Any]:
    """Mines by the programmes they belong to: each mine is one row before it is counted."""
    none = sa.literal(0.0, sa.Double)
    nobody: Any = sa.cast(sa.null(), sa.Text)
    area = sa.func.coalesce(
        sa.func.nullif(MINE.c.measured_area_ha, 0.0), MINE.c.stated_area_ha, none
    )
    measured = _supported(database, supported_ha)
    parts = sa.union_all(
        sa.select(
            asked.c.mine_id, asked.c.programme_id, sa.literal(0).label("known"),
            none.label("area_ha"), none.label("claimed_ha"), none.label("supported_ha"),
        ).where(asked.c.kind != "programme", asked.c.programme_id.is_not(None)),
        sa.select(MINE.c.mine_id, nobody, sa.literal(1), area, none, none),
        sa.select(CLAIM.c.mine_id, nobody, sa.literal(0), none, CLAIM.c.claimed_ha, none),
        sa.select(measured.c.key, nobody, sa.literal(0), none, none,
                  sa.cast(measured.c.value, sa.Double)),
    ).subquery("parts")  # fmt: skip
    ids = parts.c.programme_id
    gathered = sa.func.json_agg if database.is_shared else sa.func.json_group_array
    one = (
        sa.select(
            sa.cast(gathered(ids).filter(ids.is_not(None)), sa.Text).label("programmes"),
            sa.func.max(parts.c.known).label("known"),
            *(sa.func.sum(parts.c[name]).label(name)
              for name in ("area_ha", "claimed_ha", "supported_ha")),
        )
        .group_by(parts.c.mine_id)
        .having(sa.func.count(ids) > 0)
        .subquery("one")
    )  # fmt: skip
    # claims count for mines that are in the list
    sums = [
        sa.func.sum(one.c.known * sa.func.coalesce(one.c[name], none))
        for name in ("area_ha", "claimed_ha", "supported_ha")
    ]
    return sa.select(sa.literal("mine").label("what"), one.c.programmes.label("text"),
                     sa.func.count().label("count"), *sums).group_by(one.c.programmes)  # fmt: skip


def _supported(database: Database, supported_ha: Mapping[str, float]) -> sa.TableValuedAlias:
    """The sums of verdicts as a table: they lie in a file and not in the database."""
    text = sa.literal(json.dumps(dict(supported_ha), allow_nan=False), sa.Text)
    if database.is_shared:
        rows = sa.func.json_each_text(sa.cast(text, sa.JSON))
    else:
        rows = sa.func.json_each(text)
    return rows.table_valued("key", "value", name="measured")


def _works(asked: sa.FromClause) -> sa.Select[Any]:
    nothing = [sa.literal(0.0, sa.Double)] * 3
    return (
        sa.select(sa.literal("work"), asked.c.programme_id, sa.func.count(), *nothing)
        .where(asked.c.kind == "work", asked.c.programme_id.is_not(None))
        .group_by(asked.c.programme_id)
    )


def _programmes(asked: sa.FromClause) -> sa.Select[Any]:
    nothing = [sa.literal(0.0, sa.Double)] * 3
    whole = sa.select(sa.literal("programme"), asked.c.body, asked.c.version, *nothing)
    return whole.where(asked.c.kind == "programme")
