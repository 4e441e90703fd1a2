"""Quick to answer: nothing heavy is imported before it is used."""

import re
import subprocess
import sys

import pytest

HEAVY = {
    "numba", "rasterio", "pandas", "geopandas", "xarray", "scipy", "pyarrow", "pyogrio",
    "shapely", "sqlalchemy", "openpyxl",
}  # fmt: skip


def imported(*arguments: str) -> set[str]:
    """Top-level packages that a fresh interpreter imports."""
    command = [sys.executable, "-X", "importtime", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    names = re.findall(r"^import time:.*\|\s*(\S+)\s*$", answer.stderr, re.MULTILINE)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    "arguments",
    [["-c", "import reverdure"], ["-m", "reverdure", "--help"], ["-m", "reverdure", "--version"]],
    ids=["import", "help", "version"],
)
def test_nothing_heavy_is_imported(arguments):
    packages = imported(*arguments)
    assert "reverdure" in packages
    assert packages & HEAVY == set()
