"""A registry moved to PostgreSQL and back: the same rows, or nothing at all."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shapely
import sqlalchemy as sa

from reverdure.core.errors import (
    DatabaseUnavailable,
    InvalidInput,
    NotAllowed,
    WorkspaceExists,
    WorkspaceMissing,
)
from reverdure.store import records, tables
from reverdure.store.audit import check_audit
from reverdure.store.database import Database
from reverdure.store.dump import dump
from reverdure.store.move import move
from reverdure.store.records import Author
from reverdure.store.team import Member, add_member
from reverdure.store.workspace import Settings, Workspace

if TYPE_CHECKING:  # this file is also run by itself, where no package is
    from tests.postgres_server import Server

pytestmark = pytest.mark.postgres
MANY = 3000


@pytest.fixture
def filled(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "w", Settings(seed=7))
    ring = shapely.MultiPolygon([
        shapely.Polygon([(115.1, 27.123456789012345), (115.2, 27.2), (115.1, 27.3)]),
        shapely.box(1 / 3, 2 / 3, 1, 1),
    ])  # fmt: skip
    with workspace.database.transaction("fill", why="名 \x7f 😀") as write:
        empty = {"name": None, "stated_area_ha": None, "geometry": None}
        write.insert(tables.MINE, [
            {"mine_id": "M1", "name": "北矿\n\"x\"", "stated_area_ha": 0.1 + 0.2, "geometry": ring},
            {"mine_id": "M2", **empty},
            {"mine_id": "m10", **empty, "stated_area_ha": 5e-324},
            {"mine_id": "é", **empty, "stated_area_ha": 1.7976931348623157e308},
        ])  # fmt: skip
        records.write(write, "duty", [("D1", 0, {"duty_id": "D1", "x": 1 / 3})], Author("L"))
        # an order that a language would change
        for name in ("b", "B", "a_", "a-", "A", "é"):
            write.freeze(name, [name])
    with workspace.database.transaction("edit") as write:
        records.write(write, "duty", [("D1", 1, {"duty_id": "D1", "x": 2})], Author("W"))
    return workspace


def entries(archive: Path) -> dict[str, bytes]:
    """Files of a dump; of the audit log only what was there before the first move."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist() if name != "manifest.json"}
    files["tables/audit.jsonl"] = b"".join(files["tables/audit.jsonl"].splitlines(True)[:3])
    return files


def test_there_and_back_every_byte_is_the_same(
    filled: Workspace, postgres: "Server", tmp_path: Path
) -> None:
    url = postgres.url(postgres.new_database())
    dump(filled, tmp_path / "before.zip")
    there = move(filled, url)
    assert there.workspace.database.is_shared
    assert there.rows["mine"] == 4
    dump(there.workspace, tmp_path / "there.zip")
    assert entries(tmp_path / "there.zip") == entries(tmp_path / "before.zip")
    # the file was left as it was
    assert Database.open(filled.root / "registry.gpkg").count("audit") == 3
    with there.workspace.database.transaction("goes on") as write:
        assert write.append("reported", {"name": "x", "record": "{}"}) == 1
        write.insert(tables.MINE, [{"mine_id": "M3"}])
        records.write(write, "duty", [("D1", 2, {"duty_id": "D1"})], Author("W"))
    dump(there.workspace, tmp_path / "more.zip")
    back = move(Workspace.open(filled.root), "file")
    assert not back.workspace.database.is_shared
    dump(back.workspace, tmp_path / "back.zip")
    assert entries(tmp_path / "back.zip") == entries(tmp_path / "more.zip")
    assert len(list(filled.root.glob("registry-until-*.gpkg"))) == 1
    assert check_audit(back.workspace.database.rows("audit")).broken is None
    assert back.workspace.settings == filled.settings
    assert "database" not in (filled.root / "reverdure.toml").read_text(encoding="utf-8")


def test_a_database_in_use_and_a_password_are_refused(
    filled: Workspace, postgres: "Server", tmp_path: Path
) -> None:
    url = postgres.url(postgres.new_database())
    Workspace.create(tmp_path / "other", None, url)
    with pytest.raises(WorkspaceExists, match="holds tables already"):
        Workspace.create(tmp_path / "third", None, url)
    with pytest.raises(WorkspaceExists):
        move(filled, url)
    assert not Workspace.open(filled.root).database.is_shared
    secret = url.replace("owner@", "owner:tell-nobody@")
    for wrong in (secret, f"{url}?password=tell-nobody", "postgresql://x", "mysql://x/y"):
        with pytest.raises(InvalidInput) as refused:
            move(filled, wrong)
        assert "tell-nobody" not in str(refused.value)
        with pytest.raises(InvalidInput):
            Workspace.create(tmp_path / "fourth", None, wrong)
    for file in filled.root.rglob("*"):
        assert not file.is_file() or b"tell-nobody" not in file.read_bytes()


def test_a_database_that_does_not_answer_is_named_without_the_password(
    tmp_path: Path, postgres: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "tell-nobody")
    for url in ("postgresql://li@127.0.0.1:1/x", postgres.url("absent"),
                postgres.url("postgres", "stranger")):  # fmt: skip
        with pytest.raises(DatabaseUnavailable, match="cannot be reached") as refused:
            Workspace.create(tmp_path / "w", None, url)
        assert "tell-nobody" not in str(refused.value)
    with pytest.raises(WorkspaceMissing):
        Database.open(postgres.url(postgres.new_database()))


def test_a_row_that_cannot_be_kept_moves_nothing(filled: Workspace, postgres: "Server") -> None:
    with filled.database.transaction("odd") as write:
        write.freeze("zero", "x")
        write.connection.execute(
            sa.update(tables.SETTING).where(tables.SETTING.c.name == "zero").values(value="a\0b")
        )
    name = postgres.new_database()
    with pytest.raises((InvalidInput, sa.exc.SQLAlchemyError)):
        move(filled, postgres.url(name))
    assert not Workspace.open(filled.root).database.is_shared
    found = postgres.ask(name, "select 1 from pg_tables where tablename in ('mine', 'team')")
    assert found == []


def test_who_sees_a_part_moves_nothing(filled: Workspace, postgres: "Server") -> None:
    name = postgres.new_database()
    moved = move(filled, postgres.url(name)).workspace
    add_member(moved.database, Member("part", "public"))
    part = moved.name_database(postgres.url(name, "part"))
    for to in ("file", postgres.url(postgres.new_database())):
        with pytest.raises(NotAllowed, match="every row"):
            move(part, to)
    with pytest.raises(NotAllowed):
        dump(part, filled.root / "d.zip")


def test_a_move_cut_off_before_its_last_step_takes_it_again(
    filled: Workspace, postgres: "Server"
) -> None:
    url = postgres.url(postgres.new_database())
    move(filled, url).workspace.name_database("")
    again = move(Workspace.open(filled.root), url)
    assert again.workspace.database.is_shared
    assert again.workspace.database.count("audit") == 4


@pytest.mark.parametrize("kill", range(3))
@pytest.mark.parametrize("back", [False, True])
def test_a_killed_move_is_whole_or_absent(
    tmp_path: Path, postgres: "Server", kill: int, *, back: bool
) -> None:
    name = postgres.new_database()
    url = postgres.url(name)
    made = Workspace.create(tmp_path / "w", None, url if back else "")
    rows = [(f"E{n}", 0, {"number": n}) for n in range(MANY)]
    with made.database.transaction("fill") as write:
        records.write(write, "event", rows, Author("L"))
    running = subprocess.Popen(
        [sys.executable, __file__, str(made.root), "file" if back else url],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert running.stdout is not None
    running.stdout.readline()
    time.sleep((0.0, 0.4, 0.8)[kill])
    running.kill()
    running.wait()
    running.stdout.close()
    now = Workspace.open(made.root)
    assert now.database.count("record") == MANY
    assert check_audit(now.database.rows("audit")).broken is None
    to = "file" if now.database.is_shared else url
    if now.database.is_shared == back:  # it did not get there: the same command does
        now = move(now, to).workspace
        assert now.database.is_shared != back
        assert now.database.count("record") == MANY


if __name__ == "__main__":
    opened = Workspace.open(Path(sys.argv[1]))
    print("begins", flush=True)  # noqa: T201 - the test waits for it
    move(opened, sys.argv[2])
