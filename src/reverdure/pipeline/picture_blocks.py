"""Pictures of all mines on one raster a year, each mine with one stretch for all years."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import UnknownOption
from reverdure.core.grid import Grid, Window
from reverdure.pipeline.picture_series import COLOURS, Bands, MineWindow, colour_stacks
from reverdure.pipeline.pictures import stretch, stretch_limits
from reverdure.pipeline.run_plan import Plan
from reverdure.pipeline.tiles import TileReader
from reverdure.publish.picture_rasters import BLOCK_PIXELS

Limits = Sequence[tuple[float, float]]
Found = dict[str, tuple[Bands, Limits]]


@dataclass(frozen=True, slots=True)
class Stretches:
    """Which bands are shown, and of each mine that has them the limits of its stretch."""

    bands: Bands
    limits: Mapping[str, Limits]


def find_stretches(
    plan: Plan,
    reader: TileReader,
    windows: Sequence[MineWindow],
    colours: str,
    tell: Callable[[int], None],
) -> Stretches:
    """Stretch of every mine over all its years, all with the bands that most mines have.

    Raises
    ------
    UnknownOption
        If there are no such colours.
    """
    if colours not in COLOURS:
        raise UnknownOption(f"colours {colours!r} are not known; use {', '.join(COLOURS)}.")
    found: Found = {}
    for _, of_tiles in groupby(windows, key=lambda one: one.tiles):
        _find(plan, reader, list(of_tiles), COLOURS[colours], found)
        tell(len(found))
    counts = Counter(bands for bands, _ in found.values())
    usual = max(COLOURS[colours], key=lambda bands: counts[bands])
    others = [one for one in windows if found.get(one.mine_id, (usual, ()))[0] != usual]
    for window in others:
        del found[window.mine_id]
        _find(plan, reader, [window], (usual,), found)
    return Stretches(usual, {mine_id: limits for mine_id, (_, limits) in found.items()})


def _find(
    plan: Plan,
    reader: TileReader,
    windows: Sequence[MineWindow],
    choice: Sequence[Bands],
    found: Found,
) -> None:
    for window, stacks, bands in colour_stacks(plan, reader, windows, choice):
        shown = [stack for stack in stacks.values() if np.isfinite(stack).any()]
        if shown:
            found[window.mine_id] = (bands, stretch_limits(shown))


def whole_grid(plan: Plan, windows: Sequence[MineWindow]) -> Grid:
    """Smallest grid that holds all windows."""
    bounds = np.array([window.grid.bounds for window in windows])
    (west, south), (east, north) = bounds[:, :2].min(0), bounds[:, 2:].max(0)
    return plan.lattice.around((float(west), float(south), float(east), float(north)), 0.0)


def year_blocks(
    reader: TileReader,
    windows: Sequence[MineWindow],
    stretches: Stretches,
    whole: Grid,
    year: int,
) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
    """Blocks of one year with something to see, row by row: red, green, blue, alpha.

    Where windows meet, the smaller one lies over the larger.
    """
    for block, members in _members(windows, whole):
        canvas = np.zeros((4, block.height, block.width), np.uint8)
        for window, place in members:
            limits = stretches.limits.get(window.mine_id)
            shared = block.intersection(place)
            if limits is None or shared is None:
                continue
            arrays = reader.composite(year, whole.part(shared), window.tiles)
            if not set(stretches.bands) <= set(arrays):
                continue
            stack = np.stack([arrays[band] for band in stretches.bands], -1)
            seen = np.isfinite(stack).all(-1)
            top, left = shared.row - block.row, shared.column - block.column
            part = canvas[:, top : top + shared.height, left : left + shared.width]
            part[:3, seen] = stretch(stack, limits)[seen].T
            part[3, seen] = 255
        if canvas[3].any():
            yield block, canvas


def _members(
    windows: Sequence[MineWindow], whole: Grid
) -> list[tuple[Window, list[tuple[MineWindow, Window]]]]:
    """Blocks that windows touch in row-major order, with these windows, larger ones first."""
    ordered = sorted(windows, key=lambda one: (-one.grid.height * one.grid.width, one.mine_id))
    found: dict[tuple[int, int], list[tuple[MineWindow, Window]]] = {}
    for window in ordered:
        place = whole.window(window.grid.bounds)
        if place is None:
            continue
        for row in range(
            place.row // BLOCK_PIXELS, (place.row + place.height - 1) // BLOCK_PIXELS + 1
        ):
            first, last = (
                edge // BLOCK_PIXELS for edge in (place.column, place.column + place.width - 1)
            )
            for column in range(first, last + 1):
                found.setdefault((row, column), []).append((window, place))
    return [
        (
            Window(
                row * BLOCK_PIXELS,
                column * BLOCK_PIXELS,
                min(BLOCK_PIXELS, whole.height - row * BLOCK_PIXELS),
                min(BLOCK_PIXELS, whole.width - column * BLOCK_PIXELS),
            ),
            found[row, column],
        )
        for row, column in sorted(found)
    ]
