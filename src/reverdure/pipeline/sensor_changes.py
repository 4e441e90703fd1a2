"""Which sensors made which years of a workspace, and what each change of sensor does."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from reverdure import kernels
from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.fields import SENSOR_CHANGES
from reverdure.core.files import atomic
from reverdure.core.records import OnProgress, Progress
from reverdure.imagery.composites import composite_tile
from reverdure.pipeline.fine import land_that_is_no_mine
from reverdure.pipeline.harmonising import keep_harmonisation
from reverdure.pipeline.lattice import Tile
from reverdure.pipeline.rsei import Land
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.pipeline.workers import cores
from reverdure.recovery.harmonise import (
    REFLECTIVE,
    Harmonisation,
    harmonisation,
    harmonisations,
    harmonise,
)
from reverdure.recovery.sensor_change import (
    SensorLine,
    change_constant,
    lines_as_table,
    sensor_change,
)
from reverdure.store.workspace import Workspace

NONE, OWN = "none", "own"
_MOST_TILES = 16
_MOST_PIXELS = 30_000
_BLOCK_PIXELS = 32
_DTYPES = {"text": "object", "integer": "Int64", "number": "float64"}
_DECIMALS = 5

SensorYears = Mapping[int, Mapping[str, int]]


def choices() -> tuple[str, ...]:
    """What composites can be harmonised by: none, the tables, the workspace's own line."""
    return (NONE, *harmonisations(), OWN)


@dataclass(frozen=True, slots=True)
class SensorChange:
    """Two groups of sensors that follow each other, and the years in which they are compared.

    Attributes
    ----------
    older, newer : tuple of str
    year : int
        First year of the newer.
    older_years, newer_years : tuple of int
        The same where `overlap`.
    overlap : bool
        Whether both are compared within the same years.
    """

    older: tuple[str, ...]
    newer: tuple[str, ...]
    year: int
    older_years: tuple[int, ...]
    newer_years: tuple[int, ...]
    overlap: bool

    @property
    def name(self) -> str:
        """Both sides, as it stands in tables."""
        return f"{'+'.join(self.older)} > {'+'.join(self.newer)}"


def sensor_years(plan: Plan) -> dict[int, dict[str, int]]:
    """Scenes by year and sensor; years of declared rasters have none."""
    seen: dict[int, dict[str, str]] = {year: {} for _, year in plan.composites}
    for (_, year), source in plan.composites.items():
        seen[year] |= {scene.scene_id: scene.sensor for scene in source.scenes}
    return {
        year: {
            sensor: list(of_year.values()).count(sensor) for sensor in sorted({*of_year.values()})
        }
        for year, of_year in sorted(seen.items())
    }


def sensor_changes(years: SensorYears) -> list[SensorChange]:
    """Every change from one sensor to the next, then from one family to the other.

    Examples
    --------
    >>> years = {2011: {"LT05": 4}, 2012: {"LE07": 3}, 2013: {"LC08": 5, "LE07": 4}}
    >>> [(one.name, one.overlap) for one in sensor_changes(years)]
    [('LT05 > LE07', False), ('LE07 > LC08', True), ('LT05+LE07 > LC08', True)]
    """
    first = {name: min(y for y, found in years.items() if name in found)
             for found in years.values() for name in found}  # fmt: skip
    ordered = sorted(first, key=lambda name: (first[name], name))
    pairs: list[tuple[tuple[str, ...], tuple[str, ...]]]
    pairs = [((one,), (following,)) for one, following in pairwise(ordered)]
    for lines in harmonisations().values():
        older = tuple(name for name in ordered if name in lines.older)
        newer = tuple(name for name in ordered if name in lines.newer)
        if older and newer and (older, newer) not in pairs:
            pairs.append((older, newer))
    return [_change(older, newer, years) for older, newer in pairs]


def _change(older: tuple[str, ...], newer: tuple[str, ...], years: SensorYears) -> SensorChange:
    """The years in which two groups are compared: those nearest to the change."""
    most = int(change_constant("years_each_side"))
    with_older = [year for year, found in years.items() if set(older) & set(found)]
    with_newer = [year for year, found in years.items() if set(newer) & set(found)]
    year = min(with_newer)
    both = sorted(set(with_older) & set(with_newer))[:most]
    if both:
        return SensorChange(older, newer, year, tuple(both), tuple(both), overlap=True)
    before = tuple(y for y in with_older if y < year)[-most:]
    return SensorChange(older, newer, year, before, tuple(with_newer[:most]), overlap=False)


def measure_changes(
    workspace: Workspace,
    plan: Plan,
    changes: Sequence[SensorChange],
    on_progress: OnProgress | None = None,
) -> dict[SensorChange, tuple[xr.Dataset, xr.Dataset]]:
    """What both sensors of each change saw of land that is no mine, as the sensors saw it.

    Returns
    -------
    mapping of SensorChange to two Datasets (year, pixel)
        Bands of the older and of the newer sensor, on the same pixels; whatever the
        workspace is harmonised by.

    Notes
    -----
    At most 16 tiles and 30,000 pixels, evenly spread; composites of one sensor group each,
    by season and method of the workspace. Land within 60 m of a mine, and land that people
    refused as reference, is left out.
    """
    kernels.warm_up()
    land = Land(plan)
    tiles = _spread(sorted({tile for tile, _ in plan.composites}), _MOST_TILES)
    refused = _refused(plan)
    pixels = {tile: _pixels(plan, land, refused, tile, len(tiles)) for tile in tiles}
    sides = [
        (sensors, year)
        for change in changes
        for sensors, years in ((change.older, change.older_years),
                               (change.newer, change.newer_years))
        for year in years
    ]  # fmt: skip
    wanted = [(*side, tile) for side in dict.fromkeys(sides) for tile in tiles]

    def seen(one: tuple[tuple[str, ...], int, Tile]) -> NDArray[np.float32]:
        sensors, year, tile = one
        source = plan.composites.get((tile, year))
        scenes = [s for s in source.scenes if s.sensor in sensors] if source else []
        settings = workspace.settings
        made = composite_tile(scenes, plan.lattice.grid_of(tile), settings.season, settings.method)
        return np.stack([made[band].to_numpy().ravel()[pixels[tile]] for band in REFLECTIVE])

    found: dict[tuple[tuple[str, ...], int, Tile], NDArray[np.float32]] = {}
    with ThreadPoolExecutor(cores()) as pool:
        for done, (one, values) in enumerate(
            zip(wanted, pool.map(seen, wanted), strict=True), start=1
        ):
            found[one] = values
            if on_progress:
                on_progress(Progress("sensors", done, len(wanted)))
    blocks = _blocks(plan, pixels)

    def side(sensors: tuple[str, ...], years: tuple[int, ...]) -> xr.Dataset:
        rows = [
            np.concatenate([found[sensors, year, tile] for tile in tiles], axis=1) for year in years
        ]
        cube = np.stack(rows) if rows else np.empty((0, len(REFLECTIVE), blocks.size), np.float32)
        layers = {band: (("year", "pixel"), cube[:, i]) for i, band in enumerate(REFLECTIVE)}
        return xr.Dataset(layers, {"year": list(years), "block": ("pixel", blocks)})

    return {
        change: (side(change.older, change.older_years), side(change.newer, change.newer_years))
        for change in changes
    }


def _spread(tiles: Sequence[Tile], most: int) -> list[Tile]:
    """At most so many tiles, evenly spread over the list."""
    if len(tiles) <= most:
        return list(tiles)
    return [tiles[i * len(tiles) // most] for i in range(most)]


def _refused(plan: Plan) -> list[shapely.Geometry]:
    """Land that people refused as reference of any mine, in the CRS of the lattice."""
    crs = plan.lattice.crs
    found = [one.effect.refused_by(mine_id, crs) for mine_id, one in plan.measured.items()]
    return [shape for of_mine in found for shape in of_mine.values()]


def _pixels(
    plan: Plan, land: Land, refused: list[shapely.Geometry], tile: Tile, n_tiles: int
) -> NDArray[np.intp]:
    """Positions in a tile of the land that is compared."""
    free = land.of(tile)[1]
    if refused:
        free = free & land_that_is_no_mine(plan.lattice.grid_of(tile), refused).to_numpy()
    places = np.flatnonzero(free)
    step = max(1, -(-places.size * n_tiles // _MOST_PIXELS))
    return np.asarray(places[::step])


def _blocks(plan: Plan, pixels: Mapping[Tile, NDArray[np.intp]]) -> NDArray[np.int64]:
    """Number of the square of neighbours that each pixel belongs to."""
    side = plan.lattice.tile_pixels
    per_side = -(-side // _BLOCK_PIXELS)
    parts = [
        number * per_side**2
        + (places // side // _BLOCK_PIXELS) * per_side
        + places % side // _BLOCK_PIXELS
        for number, places in enumerate(pixels.values())
    ]
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, np.int64)


def change_table(
    seen: Mapping[SensorChange, tuple[xr.Dataset, xr.Dataset]],
    extra: Iterable[Harmonisation] = (),
) -> pd.DataFrame:
    """Line and shift of every change and band: as seen, and after each published table."""
    tables = {one.name: one for one in (*harmonisations().values(), *extra)}
    rows: list[dict[str, Any]] = []
    for change, (older, newer) in seen.items():
        lines = sensor_change(older, newer, overlap=change.overlap)
        rows += [_row(change, band, NONE, line) for band, line in lines.items()]
        for name, table in tables.items():
            if set(change.newer) <= set(table.newer) and set(change.older) <= set(table.older):
                moved = harmonise(newer, change.newer[0], table)
                after = sensor_change(older, moved, overlap=change.overlap)
                rows += [_row(change, band, name, line) for band, line in after.items()]
    frame = pd.DataFrame(rows, columns=SENSOR_CHANGES.columns)
    return frame.astype({column.name: _DTYPES[column.kind] for column in SENSOR_CHANGES})


def _row(change: SensorChange, band: str, name: str, line: SensorLine) -> dict[str, Any]:
    row: dict[str, Any] = {
        "change": change.name,
        "year": change.year,
        "band": band,
        "harmonise": name,
        "status": line.status.key,
        "older_years": ";".join(map(str, change.older_years)),
        "newer_years": ";".join(map(str, change.newer_years)),
        "n_pixels": line.n_pixels,
        "slope": line.slope,
        "intercept": line.intercept,
    }
    for end, at, shift, error in (
        ("low", line.low, line.shift_low, line.shift_low_error),
        ("high", line.high, line.shift_high, line.shift_high_error),
    ):
        row |= {
            end: at, f"{end}_shift": shift,
            f"{end}_shift_low": shift - error, f"{end}_shift_high": shift + error,
        }  # fmt: skip
    return {n: round(v, _DECIMALS) if isinstance(v, float) else v for n, v in row.items()}


def check_sensors(
    workspace: Workspace, on_progress: OnProgress | None = None
) -> tuple[SensorYears, pd.DataFrame, Harmonisation | None]:
    """Sensors of every year, the table of changes (kept in the products), the lines in force.

    Raises
    ------
    NoMines, NoImagery
        If there is nothing to look at.
    """
    plan = make_plan(workspace)
    years = sensor_years(plan)
    seen = measure_changes(workspace, plan, sensor_changes(years), on_progress)
    own = [plan.harmonise] if plan.harmonise and plan.harmonise.name == OWN else []
    frame = change_table(seen, own)
    with (
        workspace.writing(registry=False),
        atomic(workspace.products / "sensors.parquet") as temporary,
    ):
        frame.to_parquet(temporary, index=False)
    return years, frame, plan.harmonise


def choose_harmonisation(
    workspace: Workspace, name: str, on_progress: OnProgress | None = None
) -> bool:
    """Put a table, the workspace's own line or none in force; whether that is new.

    The own line is measured now and kept: later scenes do not move it until it is chosen
    again.

    Raises
    ------
    UnknownOption
        If the name is none of `choices`.
    InvalidInput
        If there is no change between the families of a table, or no line of its own.
    """
    if name not in choices():
        raise UnknownOption(f"harmonise {name!r} is not known; use {', '.join(choices())}.")
    lines: Harmonisation | None = None
    if name == OWN:
        lines = own_lines(workspace, on_progress)
    elif name != NONE:
        lines = harmonisation(name)
    return keep_harmonisation(workspace, lines)


def own_lines(workspace: Workspace, on_progress: OnProgress | None = None) -> Harmonisation:
    """The line of a workspace between both families of sensors, as it is measured now.

    Raises
    ------
    InvalidInput
        If the imagery is of one family, or a band has no line.
    """
    plan = make_plan(workspace)
    family = next(iter(harmonisations().values()))
    changes = [
        one for one in sensor_changes(sensor_years(plan))
        if set(one.newer) <= set(family.newer) and set(one.older) <= set(family.older)
    ]  # fmt: skip
    if not changes:
        raise InvalidInput(
            "the imagery is of one family of sensors: there is no change to measure.",
            f"Families: {', '.join(family.older)}; {', '.join(family.newer)}.",
        )
    widest = max(changes, key=lambda one: len(one.older) + len(one.newer))
    older, newer = measure_changes(workspace, plan, [widest], on_progress)[widest]
    lines = sensor_change(older, newer, overlap=widest.overlap)
    return lines_as_table(lines, family.older, family.newer, OWN)
