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


MONEY = """source,kind,year,amount (million CNY),rolls,reward share
grant,central,2027,6,no,
grant,central,2028,6,no,
grant,central,2029,6,no,
own,county,2027,3,yes,
own,county,2028,3,yes,
own,county,2029,3,yes,
prize,province,2027,2,no,0.2
prize,province,2028,2,no,0.2
prize,province,2029,2,no,0.2
bank,loan,2027,4,no,
bank,loan,2028,4,no,
bank,loan,2029,4,no,
investor,social,2027,2,no,
investor,social,2028,2,no,
investor,social,2029,2,no,
owner,enterprise,2027,1,yes,
owner,enterprise,2028,1,yes,
owner,enterprise,2029,1,yes,
"""
ASKED = """restored_ha = 60

[[target]]
name = "visitors"
what = "restored_ha"
least = 20
land_use = "tourism"
"""


@pytest.fixture(scope="session")
def _listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listed")
    rows = ["mine_id,name,county,commodity,geometry"]
    for n in range(10):
        x, y, side = 115.2 + 0.02 * n, 27.6 + 0.01 * (n % 3), 0.003 * (1 + 0.2 * n)
        corners = ((x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y))
        ring = ", ".join(f"{a:.6f} {b:.6f}" for a, b in corners)
        county = "Jinping" if n < 6 else "Longhui"
        rows.append(f'M{n + 1:02d},Pit {n + 1},{county},limestone,"POLYGON (({ring}))"')
    tables = {
        "mines": "\n".join(rows) + "\n",
        "parties": "party_id,name,type\nP1,North Mining,enterprise\n",
        "duties": "duty_id,mine_id,party_id,duty,liability,due_date\n"
                  "D1,M03,P1,restore,liable_enterprise,2030-12-31\n",
    }  # fmt: skip
    workspace = folder / "w"
    reverdure("init", workspace)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        who = () if name == "mines" else ("--by", "Li Wei")
        reverdure("add", name, folder / f"{name}.csv", "-w", workspace, *who)
    (workspace / "budget.csv").write_text(MONEY, "utf-8")
    (workspace / "targets.toml").write_text(ASKED, "utf-8")
    reverdure(
        "plan", "-w", workspace, "--years", "2027-2029", "--within", workspace / "budget.csv",
        "--require", workspace / "targets.toml", "--save", "base", "--by", "Li Wei",
    )  # fmt: skip
    return workspace


@pytest.fixture
def listed(_listed: Path, tmp_path: Path) -> Path:
    """A workspace of ten mines that nothing was measured of, with one plan: `base`."""
    shutil.copytree(_listed, tmp_path / "w")
    return tmp_path / "w"
