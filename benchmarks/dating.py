"""Year of damage of each pixel against the truth, on simulated counties of several worlds."""

import tempfile
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from benchmarks.county import filled
from benchmarks.figures import Figure
from reverdure.core.grid import Grid, crs_name
from reverdure.pipeline.run_plan import make_plan
from reverdure.pipeline.tiles import TileReader, make_composite, make_segments
from reverdure.recovery.losses import largest_losses
from reverdure.simulate.county import simulate
from reverdure.simulate.worlds import draw_world
from reverdure.store.workspace import Workspace

# world -> seed; new everywhere: the reach of the dating was chosen on others
SEEDS = {1: 301, 2: 302, 4: 304, 5: 305}
MINES, YEARS = 12, 30
INDICES = ("ndvi", "nbr")
SIGMAS = 5
BAR = 97


def measure() -> list[Figure]:
    """Share of pixels dated within a year, by world and index, and with the fit alone.

    Counted are pixels of which at least half was mined within the record, and whose fitted
    loss exceeds five times the residual of the fit; one in which no disturbance was seen
    counts as missed. The truth of a pixel is the year in which most of its mined part went
    bare.
    """
    figures = []
    for world, seed in SEEDS.items():
        found = errors(world, seed)
        for index in INDICES:
            dated, fitted = found[index]
            where = f"world {world}, {index}"
            figures += [
                Figure(f"{where}: pixels", dated.size),
                Figure(f"{where}: within a year", within(dated, 1), "%", at_least=BAR),
                Figure(f"{where}: the very year", within(dated, 0), "%"),
                Figure(f"{where}: within a year by the fit alone", within(fitted, 1), "%"),
            ]
    return figures


def within(error: NDArray[np.float64], years: int) -> float:
    """Share of errors of at most so many years, [%]; missed ones are NaN."""
    return float(100 * (np.abs(error) <= years).mean())


def errors(world: int, seed: int) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Years off the truth by index: as dated, and as the fit alone has it."""
    with tempfile.TemporaryDirectory() as name:
        county = Path(name) / "county"
        simulate(county, n_mines=MINES, n_years=YEARS, seed=seed, world=draw_world(world))
        workspace = Workspace.open(filled(Path(name) / "workspace", county))
        plan = make_plan(workspace)
        for tile, year in plan.composites:
            make_composite(workspace, plan, tile, year)
        tiles = sorted({tile for tile, _ in plan.segments})
        reader = TileReader(workspace, plan)
        with rasterio.open(county / "truth" / "damage_year.tif") as file:
            truth = file.read(1)
            at = file.transform
            grid = Grid(crs_name(file.crs), at.c, at.f, at.a, file.height, file.width)
        found = {}
        for index in INDICES:
            for tile in tiles:
                make_segments(workspace, plan, tile, index)
            value, segments = reader.segments(index, grid, tiles)
            losses = largest_losses(segments, value)
            counted = (truth > plan.years[0]) & losses.fitted & (losses.loss > SIGMAS * losses.rmse)
            seen = losses.disturbed[counted]
            dated = np.where(seen, losses.year[counted] - truth[counted], np.nan)
            fitted = np.where(seen, losses.start_year[counted] + 1 - truth[counted], np.nan)
            found[index] = (dated, fitted)
    return found
