"""Scenes fetched from an archive on loopback: the same as from a folder, whatever goes wrong."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from reverdure.imagery.archives.web import Patience
from reverdure.pipeline.fetch import Fetched, Request, fetch_scenes
from reverdure.store.workspace import Workspace
from tests.archive_server import COLLECTION, Archive, every_tenth, serving
from tests.flow.commands import reverdure

YEARS = tuple(range(2015, 2025))
QUICK = Patience(pause_s=0.01, timeout_s=10.0)


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
