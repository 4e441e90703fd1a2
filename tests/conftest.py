"""What every test may ask for: the folder of real data, and a skip by name without it."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("REVERDURE_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture
def data_folder(request: pytest.FixtureRequest) -> Path:
    """Folder named by the test's `real_data` marker."""
    marker = request.node.get_closest_marker("real_data")
    folder = DATA / str(marker.args[0])
    if not folder.is_dir():
        pytest.skip(f"real data absent: {marker.args[0]}")
    return folder
