"""Every year of a mine as a picture, all with one stretch; years without one say why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.codes import PictureStatus
from reverdure.core.errors import InvalidInput, NoImagery, UnknownOption
from reverdure.core.grid import Grid
from reverdure.core.records import PictureSeries, YearPicture
from reverdure.pipeline.lattice import Tile
from reverdure.pipeline.pictures import (
    MARGIN_M,
    TRUE_COLOUR,
    outline_rings,
    stretch,
    stretch_limits,
)
from reverdure.pipeline.run_plan import Plan
from reverdure.pipeline.tiles import Arrays, TileReader, composite_path
from reverdure.store.workspace import Workspace

Bands = tuple[str, str, str]

# Shown as red, green and blue; the first of which a year has all. With swir2 bare rock and
# soil are red to white, plants green and water black (Landsat 7-4-3 of TM, 7-5-4 of OLI).
COLOURS: Mapping[str, tuple[Bands, ...]] = MappingProxyType(
    {"true": (TRUE_COLOUR,), "false": (("swir2", "nir", "red"), ("nir", "red", "green"))}
)
_MOST_PIXELS = 480


@dataclass(frozen=True, slots=True)
class MineWindow:
    """A mine and the pixels shown of it.

    Attributes
    ----------
    mine_id, name : str
    grid : Grid
        Outline and 240 m around it.
    tiles : tuple of Tile
    outline : shapely geometry
        In the CRS of the grid.
    """

    mine_id: str
    name: str
    grid: Grid
    tiles: tuple[Tile, ...]
    outline: shapely.Geometry


def mine_windows(plan: Plan) -> list[MineWindow]:
    """Mines of a plan that lie in the imagery, sorted by their tiles, then by id."""
    mines = plan.mines.to_crs(plan.lattice.crs).sort_values("mine_id")
    found = []
    for mine_id, name, outline in zip(mines["mine_id"], mines["name"], mines.geometry, strict=True):
        source = plan.measured.get(mine_id)
        if source is not None and source.grid is not None:
            grid = plan.lattice.around(outline.bounds, MARGIN_M)
            found.append(MineWindow(mine_id, name or "", grid, source.tiles, outline))
    return sorted(found, key=lambda one: (one.tiles, one.mine_id))


def require_composites(workspace: Workspace, plan: Plan, tiles: Iterable[Tile]) -> None:
    """See that the yearly composites of these tiles have been made.

    Raises
    ------
    InvalidInput
        If one is missing: nothing was run, or the inputs changed since.
    """
    wanted = set(tiles)
    missing = [
        (tile, year)
        for (tile, year), source in plan.composites.items()
        if tile in wanted and not composite_path(workspace, tile, year, source).is_file()
    ]
    if missing:
        raise InvalidInput(
            f"{len(missing)} yearly composites have not been made, or not of what is there now.",
            "First: reverdure run -w ...",
        )


def picture_series(
    plan: Plan, reader: TileReader, mine_id: str, colours: str, *, run_id: str
) -> PictureSeries:
    """Every year of a mine as a picture.

    Parameters
    ----------
    plan : Plan
        With this mine among the measured.
    reader : TileReader
    mine_id : str
    colours : str
        Key of `COLOURS`.
    run_id : str
        Run to be named beside the pictures.

    Returns
    -------
    PictureSeries
        One entry for each year of the workspace. Pictures of over 480 pixels a side are
        coarsened by a whole factor: means of the pixels that are clear.

    Raises
    ------
    UnknownOption
        If there are no such colours.
    NoImagery
        If the mine has no outline, lies outside the imagery, or no year can be shown.
    """
    if colours not in COLOURS:
        raise UnknownOption(f"colours {colours!r} are not known; use {', '.join(COLOURS)}.")
    windows = [one for one in mine_windows(plan) if one.mine_id == mine_id]
    if not windows:
        raise NoImagery(
            f"there is no picture of {mine_id}: it has no outline or lies outside the imagery.",
            "Give it an outline: reverdure correct outline, or add scenes that show it.",
        )
    window = windows[0]
    factor = ceil(max(window.grid.shape) / _MOST_PIXELS)
    ((_, stacks, bands),) = colour_stacks(plan, reader, [window], COLOURS[colours])
    stacks = {year: _coarser(stack, factor) for year, stack in stacks.items()}
    shown = {year: stack for year, stack in stacks.items() if np.isfinite(stack).any()}
    if not shown:
        raise NoImagery(
            f"there is no picture of {mine_id}: no year has anything clear in"
            f" {', '.join(COLOURS[colours][0])}.",
            "Add scenes, or composites that hold these bands.",
        )
    limits = stretch_limits(list(shown.values()))
    rings = outline_rings(window.outline, window.grid)
    return PictureSeries(
        mine_id,
        window.name,
        run_id,
        bands,
        next(iter(shown.values())).shape[:2],
        window.grid.pixel * factor,
        tuple(ring / factor for ring in rings),
        tuple(
            _year_picture(year, stacks.get(year), limits, has_any=_has_any(plan, window, year))
            for year in plan.years
        ),
    )


def colour_stacks(
    plan: Plan, reader: TileReader, windows: Sequence[MineWindow], choice: Sequence[Bands]
) -> Iterator[tuple[MineWindow, dict[int, NDArray[np.float32]], Bands]]:
    """Of each mine the bands of every year that has them, (row, column, 3), and which bands.

    All years of a mine show the same bands: those that most years have, the first of
    equals. Windows are read year by year, so that those of one tile share its reading.
    """
    wanted = {name for bands in choice for name in bands}
    yearly: list[dict[int, Arrays]] = [{} for _ in windows]
    for year in plan.years:
        for window, of_window in zip(windows, yearly, strict=True):
            arrays = reader.composite(year, window.grid, window.tiles)
            of_window[year] = {name: arrays[name] for name in wanted & set(arrays)}
    for window, of_window in zip(windows, yearly, strict=True):
        bands = max(choice, key=lambda one: sum(set(one) <= set(of) for of in of_window.values()))
        stacks = {
            year: np.stack([arrays[band] for band in bands], -1)
            for year, arrays in of_window.items()
            if set(bands) <= set(arrays)
        }
        yield window, stacks, bands


def _has_any(plan: Plan, window: MineWindow, year: int) -> bool:
    """Whether there is imagery of a year at all, be it of other bands."""
    return any(
        (tile, year) in plan.composites
        or any(
            year in plan.segments[tile, index].composites
            for index in plan.indices
            if (tile, index) in plan.segments
        )
        for tile in window.tiles
    )


def _year_picture(
    year: int,
    stack: NDArray[np.float32] | None,
    limits: Sequence[tuple[float, float]],
    *,
    has_any: bool,
) -> YearPicture:
    if stack is None:
        lack = PictureStatus.NO_SUCH_BANDS if has_any else PictureStatus.NO_IMAGERY
        return YearPicture(year, lack)
    seen = np.asarray(np.isfinite(stack).all(-1))
    if not seen.any():
        return YearPicture(year, PictureStatus.NOTHING_CLEAR)
    return YearPicture(year, PictureStatus.SHOWN, stretch(stack, limits), seen)


def _coarser(stack: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means of factor x factor blocks over what is there; NaN where nothing is."""
    if factor == 1:
        return stack
    starts = [np.arange(0, size, factor) for size in stack.shape[:2]]

    def sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.add.reduceat(np.add.reduceat(values, starts[0], 0), starts[1], 1))

    total = sums(np.nan_to_num(stack).astype(np.float64))
    count = sums(np.isfinite(stack).astype(np.float64))
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return means.astype(np.float32)
