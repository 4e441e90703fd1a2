"""What changes of sensor do to mines, as flown and harmonised, and to real series."""

import datetime
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from benchmarks.county import filled
from benchmarks.figures import Figure
from benchmarks.sensor_series import series_figures
from reverdure.core.errors import InvalidInput
from reverdure.core.grid import Grid
from reverdure.ground.coverage import coverage
from reverdure.pipeline.run_plan import make_plan
from reverdure.pipeline.sensor_changes import choices, choose_harmonisation
from reverdure.pipeline.tiles import TileReader, composite_path, make_composite
from reverdure.recovery.indices import spectral_index
from reverdure.simulate import county as simulated
from reverdure.simulate.county import LAST_YEAR
from reverdure.simulate.passes import Overpass
from reverdure.simulate.worlds import draw_world
from reverdure.store.workspace import Workspace

# world -> seed; mines of 0.3 to 60 ha
SEEDS = {2: 802, 3: 803}
MINES, YEARS = 10, 31
CHANGES = {"1999 TM > ETM+": range(1999, 2004), "2013 ETM+ > OLI": range(2013, 2018)}
BAR = 0.02
# the scan line corrector failed (USGS, Landsat 7 Data Users Handbook LSDS-1927, section 2.2.4)
STRIPED_SINCE = datetime.date(2003, 5, 31)


def measure() -> list[Figure]:
    """What each change does to mines' NDVI, by world and by what is done about it; real series."""
    figures = series_figures()
    for world, seed in SEEDS.items():
        with tempfile.TemporaryDirectory() as name:
            moved = movements(Path(name), world, seed, mines=MINES, years=YEARS)
        figures += simulated_figures(f"world {world}", moved)
    return figures


def simulated_figures(where: str, moved: pd.DataFrame) -> list[Figure]:
    """Largest movement of a mine over the five years after a change, and in a single one."""
    figures = []
    for (change, how), rows in moved.groupby(["change", "harmonise"], sort=False):
        of_mines = rows.groupby("mine_id")["moved"].mean()
        label = f"{where}, {change}, {how}"
        figures += [
            Figure(
                f"{label}: most that a mine's NDVI moves",
                of_mines.abs().max(),
                at_most=BAR,
            ),
            Figure(f"{label}: mean over mines", of_mines.mean()),
            Figure(f"{label}: most in a single year", rows["moved"].abs().max()),
        ]
    return figures


def movements(
    folder: Path,
    world: int,
    seed: int,
    *,
    mines: int,
    years: int,
) -> pd.DataFrame:
    """NDVI of each mine and year less what TM would have seen from the same overpasses.

    The same land under the same skies is taken twice: by TM throughout, and by TM until
    1998, ETM+ (striped from the summer of 2003 on) until 2012 and OLI since. Differences are
    taken in the years after each change, as far as the record holds them. What is refused has
    no rows.
    """
    wanted = sorted({y for span in CHANGES.values() for y in span if y > LAST_YEAR - years})
    open_in = {}
    for name, sensor_of in {"alone": lambda _: "LT05", "changing": sensor_flown}.items():
        take(folder / name, sensor_of, n_mines=mines, n_years=years, seed=seed,
             world=draw_world(world))  # fmt: skip
        open_in[name] = Workspace.open(filled(folder / f"{name}-workspace", folder / name))
    true = mine_ndvi(open_in["alone"], wanted)
    parts = []
    for how in choices():
        try:
            choose_harmonisation(open_in["changing"], how)
        except InvalidInput as refused:
            print(f"  world {world}, {how}: {refused}", flush=True)
            continue
        both = true.merge(mine_ndvi(open_in["changing"], wanted), on=["mine_id", "year"])
        parts.append(both.assign(moved=both["ndvi_y"] - both["ndvi_x"], harmonise=how))
    found = pd.concat(parts)
    return pd.concat(
        [found[found["year"].isin(span)].assign(change=change) for change, span in CHANGES.items()]
    )


def sensor_flown(year: int) -> str:
    """The sensor of a year in a record with both changes."""
    if year < 1999:
        return "LT05"
    return "LE07" if year < 2013 else "LC08"


def take(folder: Path, sensor_of: Callable[[int], str], **settings: object) -> None:
    """Simulate a county whose overpasses are of the sensors asked for."""
    drawn, missing = simulated.overpasses, simulated.missing_lines

    def of_sensors(*arguments: object) -> list[object]:
        return [replace(one, sensor=sensor_of(one.date.year)) for one in drawn(*arguments)]

    def while_striped(grid: Grid, scene: Overpass, rng: np.random.Generator) -> NDArray[np.bool_]:
        lines = missing(grid, scene, rng)
        return lines if scene.date >= STRIPED_SINCE else np.zeros_like(lines)

    simulated.overpasses, simulated.missing_lines = of_sensors, while_striped
    try:
        simulated.simulate(folder, **settings)
    finally:
        simulated.overpasses, simulated.missing_lines = drawn, missing


def mine_ndvi(workspace: Workspace, years: Sequence[int]) -> pd.DataFrame:
    """Mean NDVI of every mine and year, weighted by the share of each pixel inside."""
    plan = make_plan(workspace)
    for (tile, year), source in plan.composites.items():
        if year in years and not composite_path(workspace, tile, year, source).exists():
            make_composite(workspace, plan, tile, year)
    reader = TileReader(workspace, plan)
    outlines = plan.mines.to_crs(plan.lattice.crs).set_index("mine_id").geometry
    rows = []
    for mine_id in plan.selected:
        source = plan.measured[mine_id]
        covered = None if source.grid is None else coverage(outlines[mine_id], source.grid)
        if covered is None:
            continue
        window, share = covered
        for year in years:
            bands = reader.composite(year, source.grid, source.tiles)
            of_mine = {n: (("y", "x"), v[window.slices]) for n, v in bands.items()}
            ndvi = spectral_index(xr.Dataset(of_mine), "ndvi").to_numpy()
            weight = np.where(np.isfinite(ndvi), share, 0)
            if weight.sum() > 0.5 * share.sum():
                mean = float((np.nan_to_num(ndvi) * weight).sum() / weight.sum())
                rows.append({"mine_id": mine_id, "year": year, "ndvi": mean})
    return pd.DataFrame(rows)
