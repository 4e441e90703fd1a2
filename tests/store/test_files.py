"""Products appear whole or not at all; one writer at a time; names stay in their folder."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reverdure.core.errors import DiskFull, UnreadableFile, WorkspaceBusy
from reverdure.core.files import atomic, remove_leftovers
from reverdure.core.grid import Grid
from reverdure.store.cubes import NODATA, Band, read_tile, write_tile
from reverdure.store.lock import exclusive

GRID = Grid("EPSG:32650", 300000.0, 3000000.0, 30.0, 40, 50)


def test_a_failed_product_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half"), atomic(tmp_path / "a.json") as temporary:
        temporary.write_text("{")
        raise ValueError("half way")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    # what is written through this link meets a device without space
    (tmp_path / f".{os.getpid()}-a.json").symlink_to("/dev/full")
    with pytest.raises(DiskFull, match=r"a\.json"), atomic(tmp_path / "a.json") as temporary:
        temporary.write_text("x" * 100_000)
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".4711-a.tif").write_text("half")
    (tmp_path / "kept.tif").write_text("whole")
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.tif"]


def test_a_second_writer_is_told_so(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\nfrom reverdure.store.lock import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1])):\n print('held', flush=True)\n sys.stdin.read()"
    )
    path = tmp_path / ".lock"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceBusy), exclusive(path):
            pass
        other.kill()
    with exclusive(path):
        pass  # the lock has ended with the process


def test_a_tile_comes_back_as_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    red = rng.uniform(0, 0.6, GRID.shape).astype(np.float32)
    red[3, 4] = np.nan
    thermal = rng.uniform(280, 320, GRID.shape).astype(np.float32)
    bands = [Band("red", 1e-4), Band("thermal", 0.01, 273.15)]
    write_tile(tmp_path / "t.tif", bands, [red, thermal], GRID, {"REVERDURE_KEY": "k"})
    arrays, tags = read_tile(tmp_path / "t.tif")
    np.testing.assert_allclose(arrays["red"], red, atol=5.1e-5)
    np.testing.assert_allclose(arrays["thermal"], thermal, atol=5.1e-3)
    assert np.isnan(arrays["red"][3, 4])
    assert tags["REVERDURE_KEY"] == "k"


def test_the_same_tile_is_written_byte_for_byte(tmp_path: Path) -> None:
    array = np.linspace(0, 1, 2000, dtype=np.float32).reshape(GRID.shape)
    for name in ("a.tif", "b.tif"):
        write_tile(tmp_path / name, [Band("ndvi", 1e-4)], [array], GRID, {})
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_values_beyond_int16_are_held_at_the_limit_and_never_become_nodata() -> None:
    stored = Band("x", 1e-4).encode(np.array([9.0, -9.0, np.nan]))
    assert stored.tolist() == [32767, -32767, NODATA]


def test_a_truncated_tile_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.tif"
    array = np.random.default_rng(0).uniform(0, 1, GRID.shape)
    write_tile(path, [Band("ndvi", 1e-4)], [array], GRID, {})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableFile, match=r"t\.tif"):
        read_tile(path)
