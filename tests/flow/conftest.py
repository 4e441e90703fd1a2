"""A small simulated county, made once, and a workspace that measured it."""

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
def measured(county: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of that county after an undisturbed run."""
    workspace = tmp_path_factory.mktemp("measured") / "w"
    fill(workspace, county)
    reverdure("run", "-w", workspace)
    return workspace
