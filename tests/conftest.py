"""What every test may ask for: real data and a browser, and a skip by name without them."""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.postgres_server import Server, binaries

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("REVERDURE_DATA", ROOT.parent / "shared" / "data"))
# markers whose tests must run: set by .ci/run where what they need is at hand
NO_SKIP = frozenset(filter(None, os.environ.get("REVERDURE_NO_SKIP", "").split(",")))


@pytest.fixture
def data_folder(request: pytest.FixtureRequest) -> Path:
    """Folder named by the test's `real_data` marker."""
    marker = request.node.get_closest_marker("real_data")
    folder = DATA / str(marker.args[0])
    if not folder.is_dir():
        pytest.skip(f"real data absent: {marker.args[0]}")
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of a Chromium: REVERDURE_CHROMIUM, as dev.py sets it, or the one on the PATH."""
    found = os.environ.get("REVERDURE_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("browser absent: no Chromium")
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL with PostGIS that runs as long as the tests do."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL absent: no server with PostGIS")
    server = Server(programs)
    yield server
    server.stop()


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a registry may be made: a file, or a database."""
    if request.param == "file":
        return tmp_path / "registry.gpkg"
    server: Server = request.getfixturevalue("postgres")
    return server.url(server.new_database())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test that must run into a failure."""
    report = yield
    must_run = sorted(NO_SKIP.intersection(marker.name for marker in item.iter_markers()))
    if must_run and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but tests marked {must_run} must run here: {report.longrepr}"
    return report
