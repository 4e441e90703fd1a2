"""File names that cannot collide or leave their folder; files whole or not at all."""

import errno
from pathlib import Path

import pytest

from reverdure.core.errors import DiskFull
from reverdure.core.files import atomic
from reverdure.publish.files import page_names, write_page

HARMFUL = [
    "../x", "a/b", "a\\b", "", ".", "..", ".hidden", "con", "NUL.txt", "x" * 300, "赣-7", "赣-8",
    "a b", "a%2fb", "end.", "\ud800", "<b>", "M1\n",
]  # fmt: skip


def test_safe_ids_keep_their_name() -> None:
    ids = ["M00042", "a.b_c-d", "7"]
    assert page_names(ids) == {mine_id: f"{mine_id}.html" for mine_id in ids}


def test_other_ids_get_safe_names_that_are_unique() -> None:
    names = page_names([*HARMFUL, "M1", "m1"])
    assert len({name.casefold() for name in names.values()}) == len(HARMFUL) + 2
    for mine_id in HARMFUL:
        assert names[mine_id].isascii()
        assert not set(names[mine_id]) & set('/\\:*?"<>|% ')
        assert len(names[mine_id]) < 100
        assert not names[mine_id].startswith(".")
        assert names[mine_id].split(".")[0].lower() not in ("con", "nul")


def test_a_digest_name_does_not_take_the_name_of_another_id() -> None:
    taken = page_names(["赣-7"])["赣-7"].removesuffix(".html")
    names = page_names(["赣-7", taken])
    assert names[taken] == f"{taken}.html"
    assert names["赣-7"] != names[taken]


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, "old")
    with pytest.raises(RuntimeError), atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match=r"page\.html"), atomic(tmp_path / "page.html"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), atomic(tmp_path / "page.html"):
        raise PermissionError(errno.EACCES, "Permission denied")
