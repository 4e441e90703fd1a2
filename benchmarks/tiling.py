"""The same workspace in few and in many tiles: the tables must be the same to the byte."""

import re
import shutil
import tempfile
from pathlib import Path

from benchmarks.county import filled, reverdure, simulated, tables
from benchmarks.figures import Figure

SIDES = (1024, 256, 96)


def measure() -> list[Figure]:
    """Tables that differ between tilings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        county = simulated(folder / "county", mines=8, years=14, seed=4)
        empty = filled(folder / "empty", county)
        found, tiles = [], []
        for side in SIDES:
            workspace = folder / f"tiles-{side}"
            shutil.copytree(empty, workspace)
            settings = workspace / "reverdure.toml"
            text = re.sub(r"(?m)^tile_pixels = \d+$", f"tile_pixels = {side}", settings.read_text())
            settings.write_text(text)
            reverdure("run", "-w", workspace)
            found.append(tables(workspace))
            names = (path.name for path in (workspace / "cubes").rglob("*.tif"))
            tiles.append(len({m[0] for name in names if (m := re.search(r"r-?\d+c-?\d+", name))}))
    differing = sum(one != found[0] for one in found[1:])
    return [
        Figure("tiles in each tiling", ", ".join(map(str, tiles))),
        Figure("tables compared", len(found[0]), at_least=3),
        Figure("tilings whose tables differ from the first", differing, at_most=0),
    ]
