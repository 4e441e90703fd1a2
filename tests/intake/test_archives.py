"""Archives: nothing is written outside the folder, nothing unpacks without end."""

import contextlib
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from reverdure.core.errors import UnreadableFile, UnsafeArchive
from reverdure.intake import archives
from reverdure.intake.archives import unpack


def zip_of(folder: Path, entries: dict[str, bytes]) -> Path:
    path = folder / "list.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return path


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "outer" / "inside"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    "name",
    ["../escaped.csv", "a/../../escaped.csv", "/escaped.csv", "C:\\escaped.csv", "..\\e.csv"],
)
def test_a_path_that_leaves_the_archive_is_refused_by_name(
    tmp_path: Path, inside: Path, name: str
) -> None:
    archive = zip_of(tmp_path, {"mines.csv": b"x", name: b"x"})
    with pytest.raises(UnsafeArchive, match="leaves the archive") as caught:
        unpack(archive, inside)
    assert repr(name) in caught.value.message
    assert sorted(tmp_path.rglob("*")) == sorted([archive, inside.parent, inside])


def test_a_link_in_an_archive_is_refused(tmp_path: Path, inside: Path) -> None:
    path = tmp_path / "list.zip"
    with zipfile.ZipFile(path, "w") as packed:
        link = zipfile.ZipInfo("mines.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeArchive):
        unpack(path, inside)


def test_a_zip_bomb_is_refused_before_a_byte_is_written(tmp_path: Path, inside: Path) -> None:
    archive = zip_of(tmp_path, {"mines.csv": b"0" * (40 * 1024**2)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(UnsafeArchive, match="unpacks to"):
        unpack(archive, inside)
    assert list(inside.iterdir()) == []


def test_an_entry_that_lies_about_its_size_is_stopped(
    tmp_path: Path, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "RATIO_FROM_BYTES", 4096)
    archive = zip_of(tmp_path, {"mines.csv": b"0" * 3_000_000})
    raw = bytearray(archive.read_bytes())
    central = raw.rindex(b"PK\x01\x02")
    raw[central + 24 : central + 28] = struct.pack("<I", 10)
    archive.write_bytes(raw)
    with pytest.raises((UnsafeArchive, UnreadableFile)):
        unpack(archive, inside)
    assert sum(file.stat().st_size for file in inside.iterdir()) < 2_000_000


@pytest.mark.parametrize("content", [b"PK\x03\x04 nothing", b"no archive at all"])
def test_a_file_that_is_no_archive_is_unreadable(
    tmp_path: Path, inside: Path, content: bytes
) -> None:
    path = tmp_path / "list.zip"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"list\.zip"):
        unpack(path, inside)


def test_a_truncated_archive_is_unreadable(tmp_path: Path, inside: Path) -> None:
    archive = zip_of(tmp_path, {"mines.csv": bytes(range(256)) * 50})
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(UnreadableFile):
        unpack(archive, inside)


@pytest.mark.parametrize("position", range(0, 200, 7))
def test_a_damaged_archive_is_unreadable_or_whole(
    tmp_path: Path, inside: Path, position: int
) -> None:
    archive = zip_of(tmp_path, {"mines.csv": b"id,name\n1,a\n" * 3, "矿.txt": b"x"})
    raw = bytearray(archive.read_bytes())
    raw[position % len(raw)] ^= 0xFF
    archive.write_bytes(raw)
    with contextlib.suppress(UnreadableFile, UnsafeArchive):
        assert len(unpack(archive, inside)) == 2


def test_an_empty_archive_is_unreadable(tmp_path: Path, inside: Path) -> None:
    with pytest.raises(UnreadableFile, match="empty"):
        unpack(zip_of(tmp_path, {}), inside)


def test_folders_in_an_archive_are_kept(tmp_path: Path, inside: Path) -> None:
    files = unpack(zip_of(tmp_path, {"a/b/mines.csv": b"1", "a/readme.txt": b"2"}), inside)
    assert [file.relative_to(inside).as_posix() for file in files] == [
        "a/b/mines.csv",
        "a/readme.txt",
    ]
    assert files[0].read_bytes() == b"1"
