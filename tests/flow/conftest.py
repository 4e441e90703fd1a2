"""A small simulated county, made once, and a workspace that measured it."""

import shutil
from pathlib import Path

import pytest

from tests.flow.commands import fill, reverdure


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A county of 6 mines and 10 years."""
    folder = tmp_path_factory.mktemp("county") / "county"
    reverdure("simulate", folder, "--mines", 6, "--years", 10, "--seed", 11)
    return folder


@pytest.fixture(scope="session")
def filled(county: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with everything of that county in it, before any run; to be copied."""
    workspace = tmp_path_factory.mktemp("filled") / "w"
    fill(workspace, county)
    return workspace


@pytest.fixture(scope="session")
def measured(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of that county after an undisturbed run."""
    workspace = tmp_path_factory.mktemp("measured") / "w"
    shutil.copytree(filled, workspace)
    reverdure("run", "-w", workspace)
    return workspace


@pytest.fixture
def unmeasured(filled: Path, tmp_path: Path) -> Path:
    """A workspace of that county before any run, for one test alone."""
    shutil.copytree(filled, tmp_path / "w")
    return tmp_path / "w"
