"""Files that appear whole or not at all, and places where none can."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reverdure.core.errors import NotWritable, UnreadableFile
from reverdure.core.files import atomic, read_text

NOBODY = 65534


def test_a_block_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", "utf-8")
    with pytest.raises(ValueError, match="half"), atomic(path) as temporary:
        temporary.write_text("new", "utf-8")
        raise ValueError("half way")
    assert path.read_text("utf-8") == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x", "utf-8")
    with pytest.raises(NotWritable, match="taken") as seen, atomic(tmp_path / "taken" / "a.txt"):
        pytest.fail("there is nowhere to write")
    assert seen.value.hint == "Name another place."


def test_a_folder_where_a_file_is_needed_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt" / "b").mkdir(parents=True)
    with pytest.raises(NotWritable, match=r"a\.txt"), atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("x", "utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A folder that whoever runs the test may read and not write; root becomes nobody for it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


def test_a_folder_that_may_not_be_written_is_named(guarded: Path) -> None:
    with pytest.raises(NotWritable, match="Permission denied"), atomic(guarded / "a.txt") as one:
        one.write_text("x", "utf-8")
    assert list(guarded.iterdir()) == []


def test_an_error_about_another_file_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError), atomic(tmp_path / "a.txt"):
        (tmp_path / "folder").read_text("utf-8")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00\x41\xff"])
def test_text_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ids.txt"
    with pytest.raises(UnreadableFile, match="is not there"):
        read_text(path)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read_text(path)


def test_the_mark_of_a_spreadsheet_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes("C1\n".encode("utf-8-sig"))
    assert read_text(path) == "C1\n"
