"""Writers of records: several at once lose nothing, and what is stale is refused."""

import datetime
import itertools
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reverdure.core.errors import InvalidInput, WorkspaceBusy
from reverdure.store import records, tables
from reverdure.store.audit import check_audit
from reverdure.store.records import Author
from reverdure.store.workspace import Workspace

if TYPE_CHECKING:  # this file is also run by itself, where no package is
    from tests.postgres_server import Server

EDITS, WRITERS = 8, 4
TEAM, TEAM_SECONDS = 20, "3"
WU = Author("Wu")


def edit(root: Path, writer: str, seconds: str = "") -> None:
    """Raise a counter, each time from the version that was read; again where it was stale."""
    workspace = Workspace.open(root)
    end = time.monotonic() + float(seconds or 0)
    edits = itertools.count() if seconds else range(EDITS)
    for _ in edits:
        if seconds and time.monotonic() > end:
            break
        while True:
            now = records.current(workspace.database, ["event"])["event"]["E1"]
            values = {**now.values, "count": now.values["count"] + 1, "by": writer}
            try:
                with workspace.writing(), workspace.database.transaction("edit") as transaction:
                    records.write(transaction, "event", [("E1", now.version, values)], WU)
            except (InvalidInput, WorkspaceBusy):
                time.sleep(0.01)
                continue
            break


@pytest.fixture
def workspace(place: Path | str, tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "w", None, place if isinstance(place, str) else "")


def start(work: str, root: Path, *more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, __file__, work, str(root), *more])


def test_writers_at_once_lose_no_update(workspace: Workspace) -> None:
    with workspace.database.transaction("begin") as transaction:
        records.write(transaction, "event", [("E1", 0, {"count": 0})], WU)
    running = [start("edit", workspace.root, f"writer {n}") for n in range(WRITERS)]
    assert [one.wait(timeout=120) for one in running] == [0] * WRITERS
    versions = records.history(workspace.database, "event", "E1")
    assert [one["body"]["count"] for one in versions] == list(range(WRITERS * EDITS + 1))
    by = [one["body"].get("by") for one in versions[1:]]
    assert {name: by.count(name) for name in set(by)} == {f"writer {n}": EDITS for n in range(4)}
    assert chain_holds(workspace)


@pytest.mark.postgres
def test_twenty_people_each_on_a_machine_lose_no_update(tmp_path: Path, postgres: "Server") -> None:
    url = postgres.url(postgres.new_database())
    first = Workspace.create(tmp_path / "w", None, url)
    with first.database.transaction("begin") as transaction:
        records.write(transaction, "event", [("E1", 0, {"count": 0})], WU)
    folders = [tmp_path / f"machine {n}" for n in range(TEAM)]
    for folder in folders:
        # the lock of a folder keeps nobody out who has another
        folder.mkdir()
        shutil.copy(first.root / "reverdure.toml", folder)
    with ThreadPoolExecutor(TEAM) as people:
        done = [people.submit(edit, one, one.name, TEAM_SECONDS) for one in folders]
        for one in done:
            one.result(timeout=120)
    versions = records.history(first.database, "event", "E1")
    assert len(versions) > TEAM
    assert [one["body"]["count"] for one in versions] == list(range(len(versions)))
    assert chain_holds(first)


def test_a_stale_write_is_refused_and_writes_nothing(workspace: Workspace) -> None:
    database = workspace.database
    with database.transaction("begin") as transaction:
        records.write(transaction, "event", [("E1", 0, {"count": 0})], WU)
    lines = database.count("audit")
    rows = [("E2", 0, {"count": 1}), ("E1", 0, {"count": 1})]
    with pytest.raises(InvalidInput, match="changed"), database.transaction("b") as transaction:
        records.write(transaction, "event", rows, WU)
    assert set(records.current(database, ["event"])["event"]) == {"E1"}
    assert database.count("audit") == lines


def test_nothing_is_written_by_a_clock_that_was_set_back(workspace: Workspace) -> None:
    database = workspace.database
    ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    line = {"number": 9, "at": ahead.isoformat(timespec="seconds"), "actor": "x", "action": "y",
            "detail": "{}", "chain": "z"}  # fmt: skip
    with database.writer() as connection:
        connection.execute(tables.AUDIT.insert(), [line])
    lines = database.count("audit")
    with pytest.raises(InvalidInput, match="the clock says"), database.transaction("later") as one:
        records.write(one, "event", [("E1", 0, {"count": 0})], WU)
    assert database.count("record") == 0
    assert database.count("audit") == lines


def chain_holds(workspace: Workspace) -> bool:
    return check_audit(workspace.database.rows("audit")).broken is None


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
