"""What the contracts look at: the tracked files, the public command tree."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tracked_files() -> list[Path]:
    """Every file that git holds or would hold, deleted ones apart."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = {ROOT / name for name in names.split("\0") if name}
    return sorted(path for path in files if path.is_file())


@pytest.fixture(scope="session")
def documents(tracked_files: list[Path]) -> list[Path]:
    """Pages a reader meets: the ones in the root and in docs/."""
    return [path for path in tracked_files if path.suffix == ".md"]


@pytest.fixture(scope="session")
def reference_page() -> ModuleType:
    """The generator of docs/reference.md."""
    place = Path(__file__).with_name("reference_page.py")
    spec = importlib.util.spec_from_file_location("reference_page", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
