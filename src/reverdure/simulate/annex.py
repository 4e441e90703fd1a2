"""Land to the east of a county for planted cases, so that the county itself stays as it is."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.simulate.landscape import (
    CELL_M,
    CELLS_PER_PIXEL,
    FOREST,
    MARGIN_PIXELS,
    PIXEL_M,
    PLANTATION,
    RING_M,
    ROCK,
    Landscape,
    draw_land,
    texture,
)
from reverdure.simulate.outlines import blob, cells_inside
from reverdure.simulate.randomness import stream
from reverdure.simulate.worlds import World

# a mine and its share of the land between mines, as in the county itself
_M2_PER_MINE = 750.0**2 * 1.15
_GAP_M = 120.0
_BETWEEN_RINGS_M = 5000.0
_BLEND_PIXELS = 50
_HA_PER_OUTCROP = 300.0
_N_TRIES = 400

Box = tuple[float, float, float, float]


@dataclass(eq=False)
class Annex:
    """Land that has not been joined to its county yet.

    Attributes
    ----------
    land : Landscape
        Its `cells` start where those of the county end.
    plain : Box
        West, south, east, north of where mines with usual surroundings lie, [m].
    centres : list of (x, y), [m]
        Middles of rings to be spoiled.
    taken : list of (x, y, radius), [m]
        Ground already given away.
    """

    land: Landscape
    plain: Box
    centres: list[tuple[float, float]]
    taken: list[tuple[float, float, float]]

    def spot(
        self, rng: np.random.Generator, box: Box, area_ha: float, *, in_forest: bool = True
    ) -> tuple[float, float]:
        """Centre for a patch in a box, apart from all others, and taken from now on.

        Notes
        -----
        On forest where the box has any; the ground there is turned into forest where it
        has none.
        """
        cells = self.land.cells
        radius = float(np.sqrt(area_ha * 1e4 / np.pi)) * 1.4
        best, best_gap = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), -np.inf
        for _ in range(_N_TRIES):
            x, y = float(rng.uniform(box[0], box[2])), float(rng.uniform(box[1], box[3]))
            row, column = int((cells.north - y) / CELL_M), int((x - cells.west) / CELL_M)
            if in_forest and self.land.kind[row, column] not in (FOREST, PLANTATION):
                continue
            gap = min(
                (np.hypot(x - a, y - b) - c - radius for a, b, c in self.taken), default=np.inf
            )
            if gap > best_gap:
                best, best_gap = (x, y), gap
            if best_gap >= _GAP_M:
                break
        if best_gap == -np.inf:
            self.turn(rng, shapely.Point(best).buffer(2 * radius), FOREST)
        self.taken.append((*best, radius))
        return best

    def turn(self, rng: np.random.Generator, shape: shapely.Geometry, kind: int) -> None:
        """Make the ground of a shape another kind of land."""
        window, inside = cells_inside(shape, self.land.cells)
        self.become(rng, window, inside, kind)

    def become(
        self,
        rng: np.random.Generator,
        window: tuple[slice, slice],
        inside: NDArray[np.bool_],
        kind: int,
    ) -> None:
        """Make some cells of a window another kind of land."""
        cover, brightness = texture(rng, np.full(inside.shape, kind, np.uint8))
        self.land.kind[window][inside] = kind
        self.land.cover[window][inside] = cover[inside]
        self.land.brightness[window][inside] = brightness[inside]


def make_annex(world: World, county: Landscape, n_plain: int, n_rings: int, seed: int) -> Annex:
    """Draw land beside a county for so many mines and so many spoiled rings."""
    _, south, east, north = county.grid.bounds
    height = north - south
    # where the county is small, rings are cut at its northern and southern edge
    margin = RING_M if height - 2 * RING_M >= 2500 else 2000.0
    width = max(1500.0, n_plain * _M2_PER_MINE / (height - 2 * margin))
    plain = (east + 400.0, south + margin, east + 400.0 + width, north - margin)
    n_rows = 1 + int((height - 2 * RING_M) // _BETWEEN_RINGS_M)
    n_columns = -(-n_rings // n_rows)
    x = plain[2] + RING_M + 800.0 + _BETWEEN_RINGS_M * np.arange(n_columns)
    middle = (south + north) / 2
    y = middle + _BETWEEN_RINGS_M * (np.arange(n_rows) - (n_rows - 1) / 2)
    centres = [(float(a), float(b)) for a in x for b in y][:n_rings]
    n_pixels = int(np.ceil((x[-1] + RING_M + 200.0 - east) / PIXEL_M))
    rng = stream(seed, "annex")
    annex = Annex(_beside(world, county, n_pixels, rng), plain, centres, [])
    _outcrops(rng, annex)
    return annex


def _beside(world: World, county: Landscape, n_pixels: int, rng: np.random.Generator) -> Landscape:
    grid = Grid(
        county.grid.crs, county.grid.bounds[2], county.grid.north, PIXEL_M,
        county.grid.height, n_pixels,
    )  # fmt: skip
    cells = replace(
        county.cells,
        west=county.cells.bounds[2],
        width=n_pixels * CELLS_PER_PIXEL,
    )
    elevation, kind, cover, brightness = draw_land(world, rng, cells.shape)
    # the cells of the county reach beyond its imagery, and terrain must not break off there
    elevation = elevation[MARGIN_PIXELS:-MARGIN_PIXELS]
    elevation = np.hstack([np.repeat(elevation[:, :1], MARGIN_PIXELS, 1), elevation])
    weight = np.clip(np.arange(n_pixels) / _BLEND_PIXELS, 0, 1).astype(np.float32)
    elevation = county.elevation[:, -1:] * (1 - weight) + elevation[:, :n_pixels] * weight
    return Landscape(grid, cells, elevation.astype(np.float32), kind, cover, brightness)


def _outcrops(rng: np.random.Generator, annex: Annex) -> None:
    """Bare rock here and there that never was a mine."""
    land = annex.land
    n = round(land.grid.width * land.grid.height * PIXEL_M**2 / 1e4 / _HA_PER_OUTCROP)
    west, south, east, north = land.grid.bounds
    box = (west + 300.0, south + 300.0, east - 300.0, north - 300.0)
    for area_ha in rng.uniform(0.3, 4.0, n):
        annex.turn(rng, blob(rng, annex.spot(rng, box, area_ha), area_ha), ROCK)


def joined(county: Landscape, annex: Landscape) -> Landscape:
    """County and annex as one land; rows, columns and values of the county stay."""
    return Landscape(
        grid=replace(county.grid, width=county.grid.width + annex.grid.width),
        cells=replace(county.cells, width=county.cells.width + annex.cells.width),
        elevation=np.hstack([county.elevation, annex.elevation]),
        kind=np.hstack([county.kind, annex.kind]),
        cover=np.hstack([county.cover, annex.cover]),
        brightness=np.hstack([county.brightness, annex.brightness]),
    )
