"""Scenes fetched from an archive on loopback: the same as from a folder, whatever goes wrong."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from reverdure.imagery.archives.web import Patience
from reverdure.pipeline.fetch import Fetched, Request, fetch_scenes
from reverdure.store.workspace import Workspace
from tests.archive_scenes import small_workspace, write_landsat
from tests.archive_server import COLLECTION, Archive, every_tenth, serving
from tests.flow.commands import reverdure

YEARS = tuple(range(2015, 2025))
QUICK = Patience(pause_s=0.01, timeout_s=10.0)


@pytest.fixture(scope="module")
def landsat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landsat")
    write_landsat(folder)
    return folder


@pytest.fixture
def archive(county: Path) -> Iterator[Archive]:
    with serving(Archive(county / "scenes")) as served:
        yield served


@pytest.fixture(scope="module")
def without_scenes(county: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the lists of the county; the mines are known, the imagery is not."""
    workspace = tmp_path_factory.mktemp("lists") / "w"
    reverdure("init", workspace)
    reverdure("add", "mines", county / "mines.gpkg", "-w", workspace)
    reverdure("add", "claims", county / "claims.csv", "-w", workspace)
    return workspace


@pytest.fixture
def workspace(without_scenes: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(without_scenes, tmp_path / "w"))


def fetch(workspace: Path, archive: Archive, years: tuple[int, ...] = YEARS) -> Fetched:
    request = Request(archive.url, (COLLECTION,), years)
    return fetch_scenes(Workspace.open(workspace), request, patience=QUICK)


def contents(workspace: Path) -> dict[str, bytes]:
    folder = workspace / "imagery"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_on_what_was_fetched_makes_the_composites_of_the_folder(
    archive: Archive, measured: Path, county: Path, workspace: Path
) -> None:
    reverdure("add", "counties", county / "counties.gpkg", "-w", workspace)
    reverdure("add", "layer", county / "dem.tif", "--as", "elevation", "-w", workspace)
    done = reverdure(
        "add", "scenes", archive.url, "--collection", COLLECTION, "--years", "2015-2024",
        "-w", workspace,
    )  # fmt: skip
    assert "GB, about" in done.stdout.splitlines()[0]
    assert "refused 0" in done.stdout
    reverdure("run", "-w", workspace)
    ours = composites(workspace)
    theirs = composites(measured)
    assert set(ours) == set(theirs)
    assert len(ours) >= 10
    for place, path in theirs.items():
        with rasterio.open(path) as local, rasterio.open(ours[place]) as fetched:
            assert local.descriptions == fetched.descriptions
            assert local.tags()["REVERDURE_SCENES"] == fetched.tags()["REVERDURE_SCENES"]
            assert np.array_equal(local.read(), fetched.read()), place
    verdicts = [
        pd.read_parquet(folder / "products" / "verdicts.parquet").drop(columns=["run_id"])
        for folder in (workspace, measured)
    ]
    pd.testing.assert_frame_equal(*verdicts)


def composites(workspace: Path) -> dict[tuple[str, str], Path]:
    return {
        (path.parent.name, path.name.split(".")[0]): path
        for path in (workspace / "cubes" / "composites").rglob("*.tif")
    }


def test_a_fetch_of_200_windows_with_a_tenth_failing_is_identical(
    archive: Archive, workspace: Path, tmp_path: Path
) -> None:
    calm = Path(shutil.copytree(workspace, tmp_path / "calm"))
    assert fetch(calm, archive).failed == ()
    archive.faults = every_tenth
    before = len(archive.asked)
    done = fetch(workspace, archive)
    asked = len(archive.asked) - before
    assert done.failed == ()
    assert done.faults >= 0.08 * asked
    files = contents(workspace)
    assert sum(name.endswith(".TIF") for name in files) >= 200
    assert files == contents(calm)


def test_what_was_fetched_is_not_fetched_again(archive: Archive, workspace: Path) -> None:
    first = fetch(workspace, archive, (2016,))
    assert first.scenes >= 1
    before = archive.count("/files/")
    again = fetch(workspace, archive, (2016,))
    assert (again.scenes, again.kept) == (0, first.scenes)
    assert archive.count("/files/") == before
    manifest = json.loads(
        next((workspace / "imagery").rglob("fetched.json")).read_text(encoding="utf-8")
    )
    assert len(manifest["layers"]["SR_B4"]["sha256"]) == 16


def test_ctrl_c_stops_and_the_same_command_goes_on(landsat: Path, tmp_path: Path) -> None:
    workspace = small_workspace(tmp_path).root
    with serving(Archive(landsat)) as archive:
        archive.faults = lambda number, path: "late" if "/files/" in path else None
        arguments = ["add", "scenes", archive.url, "--collection", COLLECTION]
        arguments += ["--years", "2019", "-w", str(workspace)]
        command = [sys.executable, "-m", "reverdure", *arguments]
        running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        # the look ahead asks for nine headers; then the fetch has begun
        while archive.count("/files/") < 12 and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
        assert running.returncode == 130, errors
        assert "the same command continues" in errors
        assert "Traceback" not in errors
        assert not (workspace / "imagery").exists()
        archive.faults = lambda number, path: None
        assert "fetched: 1 scenes" in reverdure(*arguments).stdout


def test_the_cost_is_told_before_and_nothing_is_fetched_on_a_dry_run(
    landsat: Path, tmp_path: Path
) -> None:
    workspace = small_workspace(tmp_path).root
    with serving(Archive(landsat)) as archive:
        arguments = ["add", "scenes", archive.url, "--collection", COLLECTION]
        arguments += ["--years", "2018-2020", "-w", str(workspace)]
        told = reverdure(*arguments, "--dry-run").stdout
        said = re.search(r"to fetch: 1 scenes .*about (0\.\d+) GB, about 0\.\d+ hours", told)
        assert said is not None
        assert not (workspace / "imagery").exists()
        done = reverdure(*arguments, language="zh")
        received_mb = float(re.search(r"([\d.]+) MB", done.stdout).group(1))
        assert float(said.group(1)) * 1000 == pytest.approx(received_mb, rel=0.25)
        assert "待下载1景" in done.stdout
        assert "接受1(新增1)" in done.stdout
        assert "从影像档案下载: 9/9" in done.stderr


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("http://127.0.0.1:9/stac", [], "needs --collection and --years"),
        ("http://127.0.0.1:9/stac", ["--collection", "a"], "needs --collection and --years"),
        ("http://a:b@127.0.0.1/", ["--collection", "a", "--years", "2019"], "password"),
        ("ftp://127.0.0.1/", ["--collection", "a", "--years", "2019"], "not an address of http"),
        ("http://127.0.0.1:9/stac",
         ["--collection", "a", "--years", "2019", "--sign", "aws"], "use planetary-computer"),
        ("scenes", ["--collection", "a"], "not with a folder"),
        ("scenes", ["--dry-run"], "not with a folder"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_told(
    tmp_path: Path, source: str, options: list[str], words: str
) -> None:
    workspace = small_workspace(tmp_path).root
    done = reverdure("add", "scenes", source, *options, "-w", workspace, expect=1)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_every_row_of_the_table_of_archives_is_a_test() -> None:
    page = (Path(__file__).parents[2] / "docs" / "archives.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    tests = Path(__file__).parents[1]
    files = [*tests.glob("flow/test_archive*.py"), *tests.glob("imagery/test_archive*.py")]
    defined = {
        name
        for path in files
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.M)
    }
    assert len(named) > 25
    assert named <= defined
    rows = [line for line in page.splitlines() if line.startswith("|") and "---" not in line]
    headings = {"archive", "what is sent"}
    assert [
        row for row in rows if "`test_" not in row and row.split("|")[1].strip() not in headings
    ] == []
