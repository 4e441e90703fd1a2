"""The audit log edited from outside: what the chain shows, and what it cannot."""

import sqlite3
from pathlib import Path

import pytest

from reverdure.core.codes import AuditBreak
from reverdure.store.audit import AuditCheck, check_audit
from reverdure.store.database import Database

ACTIONS = ("init", "add mines", "add claims", "run", "run")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database.create(tmp_path / "registry.gpkg")
    for action in ACTIONS:
        with made.transaction(action, by="Li Wei"):
            pass
    return made


def edited(database: Database, *statements: str) -> AuditCheck:
    """What the chain shows after somebody with the file took the guards off and wrote in it."""
    connection = sqlite3.connect(database.path)
    try:
        names = connection.execute(
            "select name from sqlite_master where type = 'trigger' and tbl_name = 'audit'"
        ).fetchall()
        assert names
        for (name,) in names:
            connection.execute(f"drop trigger {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    finally:
        connection.close()
    return check_audit(database.rows("audit"))


def test_an_untouched_log_holds_and_its_last_hash_is_told(database: Database) -> None:
    seen = check_audit(database.rows("audit"))
    assert (seen.count, seen.held, seen.broken, seen.why) == (5, 5, None, None)
    assert seen.last == database.rows("audit")[-1]["chain"]


@pytest.mark.parametrize(
    "change", ["detail = '{}'", "actor = 'x'", "at = 'x'", "action = 'x'", "chain = 'ffff'",
               "detail = x'00'"],
)  # fmt: skip
def test_a_changed_line_is_named(database: Database, change: str) -> None:
    seen = edited(database, f"update audit set {change} where number = 3")
    assert seen.broken is not None
    assert (seen.held, seen.broken["number"], seen.why) == (2, 3, AuditBreak.CHANGED)
    assert seen.last == database.rows("audit")[1]["chain"]


def test_a_line_removed_in_the_middle_is_noticed_at_the_next(database: Database) -> None:
    seen = edited(database, "delete from audit where number = 3")
    assert seen.broken is not None
    assert (seen.held, seen.broken["number"], seen.why) == (2, 4, AuditBreak.REMOVED)


def test_a_removed_line_is_noticed_though_the_numbers_are_closed_up(database: Database) -> None:
    seen = edited(
        database,
        "delete from audit where number = 3",
        "update audit set number = number - 1 where number > 3",
    )
    assert (seen.held, seen.why) == (2, AuditBreak.CHANGED)


def test_the_first_line_cannot_be_removed_unseen(database: Database) -> None:
    seen = edited(database, "delete from audit where number = 1")
    assert (seen.held, seen.why, seen.last) == (0, AuditBreak.REMOVED, "")


def test_lines_that_changed_places_are_noticed(database: Database) -> None:
    seen = edited(
        database,
        "update audit set number = 99 where number = 2",
        "update audit set number = 2 where number = 3",
        "update audit set number = 3 where number = 99",
    )
    assert seen.broken is not None
    assert (seen.held, seen.broken["number"], seen.why) == (1, 2, AuditBreak.MOVED)


def test_the_newest_lines_can_be_removed_unseen_but_not_their_hash(database: Database) -> None:
    kept = check_audit(database.rows("audit")).last
    seen = edited(database, "delete from audit where number > 3")
    assert (seen.held, seen.broken) == (3, None)
    assert kept not in [row["chain"] for row in database.rows("audit")]
