"""A workspace opens as it was made, and says what is wrong with one that does not."""

from pathlib import Path

import pytest

from reverdure.core.errors import (
    InvalidInput,
    UnknownOption,
    WorkspaceExists,
    WorkspaceMissing,
    WorkspaceTooNew,
)
from reverdure.store.workspace import Settings, Workspace


def test_settings_come_back(tmp_path: Path) -> None:
    settings = Settings(season=("11-01", "03-31"), allow_before_level=True, seed=3)
    Workspace.create(tmp_path / "w", settings)
    assert Workspace.open(tmp_path / "w").settings == settings


def test_a_folder_with_something_in_it_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(WorkspaceExists):
        Workspace.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_is_no_workspace_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceMissing, match="reverdure init"):
        Workspace.open(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("format = 1", "format = 2", WorkspaceTooNew),
        ("format = 1", "format = 'one'", InvalidInput),
        ("seed = 0", "seeds = 0", UnknownOption),
        ("seed = 0", "seed = 'x'", InvalidInput),
        ("tile_pixels = 256", "tile_pixels = 1", InvalidInput),
        ("seed = 0", "seed = ", InvalidInput),
    ],
)
def test_settings_that_cannot_be_read_are_named(
    tmp_path: Path, old: str, new: str, error: type[Exception]
) -> None:
    Workspace.create(tmp_path / "w")
    path = tmp_path / "w" / "reverdure.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(error):
        Workspace.open(tmp_path / "w")
