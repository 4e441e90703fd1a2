"""One small county on disk, and a larger one in memory, shared by all tests of the room."""

from pathlib import Path

import pytest

from reverdure.simulate.county import County, SimulationSummary, make_county, simulate

N_MINES, N_YEARS, SEED = 4, 6, 3


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SimulationSummary]:
    folder = tmp_path_factory.mktemp("simulated") / "county"
    return folder, simulate(folder, n_mines=N_MINES, n_years=N_YEARS, seed=SEED)


@pytest.fixture(scope="session")
def small_in_memory() -> County:
    return make_county(n_mines=N_MINES, n_years=N_YEARS, seed=SEED)


@pytest.fixture(scope="session")
def large() -> County:
    return make_county(n_mines=60, n_years=30, seed=7)
