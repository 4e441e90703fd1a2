"""A fresh workspace for every list, and the command that reads it."""

import shutil
from pathlib import Path

import pytest

from reverdure.store.workspace import Workspace


@pytest.fixture(scope="session")
def empty_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists") / "empty"
    Workspace.create(folder)
    return folder


@pytest.fixture
def workspace(empty_workspace: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty_workspace, tmp_path / "workspace"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder
