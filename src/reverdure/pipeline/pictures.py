"""Before-and-after pictures of a mine out of its yearly composites."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.core.records import Picture
from reverdure.pipeline.run_plan import Plan
from reverdure.pipeline.tiles import Arrays, TileReader

MARGIN_M = 240.0
TRUE_COLOUR = ("red", "green", "blue")
_NOTHING_CLEAR = 128
_GAMMA = 0.7
_MOST_LOOKED_AT, _ENOUGH_SEEN = 6, 0.5


def mine_pictures(
    plan: Plan, reader: TileReader, mine_id: str, verdict_rows: Sequence[Mapping[str, object]]
) -> list[Picture]:
    """Pictures of the years that tell the story, all with one stretch.

    The years are the first and the last that can be seen well, the one before the
    damage, the one after it, and the one before the claimed completion.
    """
    source = plan.measured.get(mine_id)
    if source is None or source.grid is None:
        return []
    outlines = plan.mines.geometry[plan.mines["mine_id"] == mine_id].to_crs(plan.lattice.crs)
    outline = outlines.iloc[0]
    grid = plan.lattice.around(outline.bounds, MARGIN_M)
    wanted = _telling_years(plan.years, verdict_rows)

    def colours(year: int) -> Arrays | None:
        arrays = reader.composite(year, grid, source.tiles)
        return arrays if set(TRUE_COLOUR) <= set(arrays) else None

    found: dict[int, Arrays] = {}
    for year in [*_first_clear(plan.years, colours), *_first_clear(plan.years[::-1], colours)]:
        wanted.add(year)
    for year in sorted(wanted):
        arrays = colours(year)
        if arrays is not None and np.isfinite(arrays["red"]).any():
            found[year] = arrays
    if not found:
        ends = {plan.years[0], plan.years[-1]}
        return _index_pictures(plan, reader, grid, outline, sorted(wanted | ends), mine_id)
    stacks = {
        year: np.stack([arrays[b] for b in TRUE_COLOUR], -1) for year, arrays in found.items()
    }
    limits = stretch_limits(list(stacks.values()))
    rings = outline_rings(outline, grid)
    return [Picture(year, stretch(stack, limits), rings) for year, stack in stacks.items()]


def _telling_years(years: Sequence[int], verdict_rows: Sequence[Mapping[str, object]]) -> set[int]:
    """Years before and after the damage, and the one before the claimed completion."""
    wanted = set()
    for row in verdict_rows:
        damage, done = row.get("damage_year"), row.get("year")
        if isinstance(damage, int):
            wanted |= {damage - 1, damage + 1}
        if isinstance(done, int):
            wanted.add(done - 1)
    return wanted & set(years)


def _first_clear(years: Sequence[int], colours: Callable[[int], Arrays | None]) -> list[int]:
    """The first of these years of which half can be seen, looking at a few."""
    for year in years[:_MOST_LOOKED_AT]:
        arrays = colours(year)
        if arrays is not None and np.isfinite(arrays["red"]).mean() >= _ENOUGH_SEEN:
            return [year]
    return []


def _index_pictures(
    plan: Plan,
    reader: TileReader,
    grid: Grid,
    outline: shapely.Geometry,
    wanted: Sequence[int],
    mine_id: str,
) -> list[Picture]:
    """Where only an index is there: brown to green from its lowest to its highest values."""
    value, _ = reader.segments(plan.indices[0], grid, plan.measured[mine_id].tiles)
    brown, green = np.array([166.0, 97.0, 26.0]), np.array([1.0, 133.0, 113.0])
    low, high = stretch_limits([value.to_numpy()[..., None]])[0]
    pictures = []
    for year in wanted:
        values = value.sel(year=year).to_numpy()
        if not np.isfinite(values).any():
            continue
        share = np.clip((values - low) / (high - low), 0.0, 1.0)[..., None]
        colour = brown + share * (green - brown)
        rgb = np.where(np.isnan(colour), _NOTHING_CLEAR, np.rint(colour)).astype(np.uint8)
        pictures.append(Picture(year, rgb, outline_rings(outline, grid)))
    return pictures


def stretch_limits(stacks: Sequence[NDArray[np.float32]]) -> list[tuple[float, float]]:
    """1 % and 99 % of each band over all years, so that years can be compared by eye."""
    pooled = np.concatenate([stack.reshape(-1, stack.shape[-1]) for stack in stacks])
    limits = []
    for band in range(pooled.shape[1]):
        low, high = np.nanpercentile(pooled[:, band], [1, 99])
        limits.append((float(low), float(high)))
    # one span for all bands: stretched each on its own, dark forest turns to coloured noise
    span = max(1e-3, *(high - low for low, high in limits))
    return [(low, low + span) for low, _ in limits]


def stretch(stack: NDArray[np.float32], limits: Sequence[tuple[float, float]]) -> NDArray[np.uint8]:
    """Reflectance as bytes between the limits of each band; grey where there is none."""
    low = np.array([pair[0] for pair in limits])
    high = np.array([pair[1] for pair in limits])
    # forest is dark beside bare rock: the exponent shows both
    scaled = np.clip((stack - low) / (high - low), 0.0, 1.0) ** _GAMMA * 255
    return np.where(np.isnan(scaled), _NOTHING_CLEAR, np.rint(scaled)).astype(np.uint8)


def outline_rings(outline: shapely.Geometry, grid: Grid) -> tuple[NDArray[np.float64], ...]:
    """Rings of polygons in pixels of a grid, x then y, from its upper left corner."""
    rings = []
    for polygon in shapely.get_parts(outline):
        for ring in [polygon.exterior, *polygon.interiors]:
            x, y = np.asarray(ring.coords)[:, :2].T
            rings.append(np.column_stack([(x - grid.west), (grid.north - y)]) / grid.pixel)
    return tuple(rings)
