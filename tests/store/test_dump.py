"""The registry as an archive: everything comes back, and nothing that was touched does."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import shapely
from tests.postgres_server import Server

from reverdure.core.errors import (
    InvalidInput,
    ReverdureError,
    UnreadableFile,
    UnsafeArchive,
    WorkspaceExists,
    WorkspaceTooNew,
)
from reverdure.pipeline.dump import restore_archive
from reverdure.store import records, tables
from reverdure.store.audit import check_audit
from reverdure.store.dump import dump
from reverdure.store.records import Author
from reverdure.store.workspace import Settings, Workspace


@pytest.fixture
def filled(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "w", Settings(seed=7))
    square = shapely.MultiPolygon([shapely.box(115.1, 27.123456789012345, 115.2, 27.2)])
    with workspace.database.transaction("fill") as transaction:
        transaction.insert(tables.MINE, [
            {"mine_id": "M1", "name": "北矿", "stated_area_ha": 0.1 + 0.2, "geometry": square},
            {"mine_id": "M2", "name": None, "stated_area_ha": None, "geometry": None},
        ])  # fmt: skip
        records.write(transaction, "duty", [("D1", 0, {"duty_id": "D1", "x": 1 / 3})], Author("L"))
        transaction.freeze("basis", {"a": [1, 2]})
    with workspace.database.transaction("edit") as transaction:
        records.write(transaction, "duty", [("D1", 1, {"duty_id": "D1", "x": 2})], Author("W"))
    (workspace.root / "evidence").mkdir()
    (workspace.root / "evidence" / "a.jpg").write_bytes(b"\xff\xd8 photo")
    return workspace


def test_everything_comes_back(filled: Workspace, tmp_path: Path) -> None:
    counts = dump(filled, tmp_path / "d.zip")
    again, back = restore_archive(tmp_path / "d.zip", tmp_path / "again")
    assert back == counts
    assert counts["mine"] == 2
    assert again.settings == filled.settings
    for table in tables.metadata.tables:
        assert again.database.rows(table) == filled.database.rows(table)
    assert (
        again.database.frame("mine")
        .geometry[0]
        .equals_exact(filled.database.frame("mine").geometry[0], 0.0)
    )
    assert (again.root / "evidence" / "a.jpg").read_bytes() == b"\xff\xd8 photo"
    assert check_audit(again.database.rows("audit")).broken is None
    with again.database.transaction("goes on"):
        pass
    assert check_audit(again.database.rows("audit")).broken is None


def test_one_registry_is_one_archive(filled: Workspace, tmp_path: Path) -> None:
    dump(filled, tmp_path / "a.zip")
    again, _ = restore_archive(tmp_path / "a.zip", tmp_path / "again")
    dump(again, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def changed(path: Path, out: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out


def in_manifest(**new: object) -> Callable[[dict[str, bytes]], object]:
    def change(parts: dict[str, bytes]) -> None:
        manifest = json.loads(parts["manifest.json"]) | new
        parts["manifest.json"] = json.dumps(manifest).encode()

    return change


def replaced(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], object]:
    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[name]
        parts[name] = parts[name].replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (replaced("tables/record.jsonl", b'"L"', b'"X"'), UnreadableFile),
        (replaced("tables/record.jsonl", b'"kind"', b'"kin"'), UnreadableFile),
        (replaced("tables/mine.jsonl", b"{", b"["), UnreadableFile),
        (replaced("evidence/a.jpg", b"photo", b"other"), UnreadableFile),
        (lambda parts: parts.pop("evidence/a.jpg"), UnreadableFile),
        (lambda parts: parts.pop("tables/audit.jsonl"), UnreadableFile),
        (lambda parts: parts.pop("manifest.json"), UnreadableFile),
        (in_manifest(format=2), WorkspaceTooNew),
        (in_manifest(schema="9999"), WorkspaceTooNew),
        (in_manifest(format="x"), UnreadableFile),
        (in_manifest(files={"../a": "b"}), UnreadableFile),
        (lambda parts: parts.update({"../a": b"b"}), UnsafeArchive),
    ],
)
def test_what_was_touched_is_refused_and_leaves_nothing(
    filled: Workspace, tmp_path: Path, change: Callable[[dict[str, bytes]], object],
    error: type[ReverdureError],
) -> None:  # fmt: skip
    dump(filled, tmp_path / "d.zip")
    bad = changed(tmp_path / "d.zip", tmp_path / "bad.zip", change)
    with pytest.raises(error):
        restore_archive(bad, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob(".restore-*"))


def test_nothing_is_written_over(filled: Workspace, tmp_path: Path) -> None:
    dump(filled, tmp_path / "d.zip")
    with pytest.raises(ReverdureError, match="already"):
        dump(filled, tmp_path / "d.zip")
    with pytest.raises(WorkspaceExists):
        restore_archive(tmp_path / "d.zip", filled.root)


@pytest.mark.postgres
def test_an_archive_is_restored_into_postgresql_as_it_is(
    filled: Workspace, tmp_path: Path, postgres: Server
) -> None:
    counts = dump(filled, tmp_path / "a.zip")
    url = postgres.url(postgres.new_database())
    again, back = restore_archive(tmp_path / "a.zip", tmp_path / "again", url)
    assert again.database.is_shared
    assert back == counts
    dump(again, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with again.database.transaction("goes on"):
        pass
    assert check_audit(again.database.rows("audit")).broken is None
    with pytest.raises(WorkspaceExists):
        restore_archive(tmp_path / "a.zip", tmp_path / "third", url)
    assert not (tmp_path / "third").exists()


@pytest.mark.postgres
def test_a_touched_archive_leaves_a_database_empty(
    filled: Workspace, tmp_path: Path, postgres: Server
) -> None:
    dump(filled, tmp_path / "d.zip")
    name = postgres.new_database()
    for number, change in enumerate((
        replaced("tables/record.jsonl", b'"L"', b'"X"'),
        replaced("tables/mine.jsonl", b"{", b"["),
    )):  # fmt: skip
        bad = changed(tmp_path / "d.zip", tmp_path / f"bad{number}.zip", change)
        with pytest.raises(UnreadableFile):
            restore_archive(bad, tmp_path / "again", postgres.url(name))
        assert not (tmp_path / "again").exists()
    # what is whole then goes in; where only the folder was lost, it goes in again
    for folder in ("again", "lost"):
        found, _ = restore_archive(tmp_path / "d.zip", tmp_path / folder, postgres.url(name))
        assert found.database.rows("record") == filled.database.rows("record")
    with pytest.raises(InvalidInput, match="holds a password"):
        restore_archive(tmp_path / "d.zip", tmp_path / "x", "postgresql://a:b@db/x")
