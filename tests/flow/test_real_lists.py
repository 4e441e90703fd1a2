"""Real inventories by command: every row is somewhere."""

import re
from pathlib import Path

import pytest

from tests.flow.commands import reverdure

LINE = re.compile(
    r"read (\d+), accepted (\d+), repaired (\d+), without outline (\d+), rejected (\d+)"
)


@pytest.mark.real_data("mine-inventories")
@pytest.mark.parametrize(
    ("name", "rows", "options"),
    [
        ("va_permits.csv", 98, ["--area-unit", "acre"]),
        ("tn_permits.csv", 12, ["--area-unit", "acre"]),
        ("ky_permits.csv", None, ["--area-unit", "acre"]),
        ("gem_mine_boundaries_outside_china.geojson", 230, []),
    ],
)
def test_nothing_is_lost(
    data_folder: Path, tmp_path: Path, name: str, rows: int | None, options: list[str]
) -> None:
    workspace = tmp_path / "w"
    reverdure("init", workspace)
    done = reverdure("add", "mines", data_folder / name, "-w", workspace, *options)
    found = LINE.search(done.stdout)
    assert found, done.stdout
    read, accepted, _, without, rejected = map(int, found.groups())
    assert read == accepted + rejected
    if rows is not None:
        assert read == rows
    if rejected:
        assert len(list((workspace / "imports").glob("*-rejected.csv"))) == 1
    shown = reverdure("show", "-w", workspace).stdout
    assert f"of them without outline {without}" in shown
