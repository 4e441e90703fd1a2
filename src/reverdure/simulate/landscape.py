"""The land before any mine: terrain, kinds of land, cover and soil, on cells of 5 m."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.simulate.randomness import smooth_field, stream
from reverdure.simulate.worlds import World

CRS = "EPSG:32650"
CELL_M = 5.0
PIXEL_M = 30.0
CELLS_PER_PIXEL = 6
# the land reaches beyond the imagery by more than the point-spread function does
MARGIN_PIXELS = 4
RING_M = 3000.0

# corners of Landsat pixels lie at 15 m from whole multiples of 30 m
_WEST, _NORTH = 390_015.0, 3_120_015.0

LEAFY = ("forest", "plantation", "grass", "single_crop", "double_crop")
KINDS = (*LEAFY, "town", "water", "rock")
FOREST, PLANTATION, GRASS, SINGLE_CROP, DOUBLE_CROP, TOWN, WATER, ROCK = range(8)

# every pixel is a sum of these: per kind leaf and floor, then what has neither
COMPONENTS = (
    *(f"{kind}_leaf" for kind in LEAFY),
    *(f"{kind}_floor" for kind in LEAFY),
    "town",
    "water",
    "bare_red",
    "bare_grey",
    "panel",
    "rock",
)
FLOOR = len(LEAFY)
TOWN_COMPONENT, WATER_COMPONENT, BARE_RED, BARE_GREY, PANEL, ROCK_COMPONENT = range(
    2 * FLOOR, 2 * FLOOR + 6
)

_COVER = np.array([0.92, 0.93, 0.84, 0.86, 0.86, 0.0, 0.0, 0.12], np.float32)
_COVER_SD = np.array([0.035, 0.03, 0.07, 0.04, 0.04, 0.0, 0.0, 0.04], np.float32)
# how far a wet or dry year moves the cover of each kind
WEATHER_RESPONSE = np.array([0.5, 0.5, 1.0, 0.7, 0.7])


@dataclass(frozen=True)
class Landscape:
    """A county without mines.

    Attributes
    ----------
    grid : Grid
        Grid of the imagery, 30 m.
    cells : Grid
        Grid of the land, 5 m, larger than `grid` by `MARGIN_PIXELS` on each side.
    elevation : (y, x) float32
        On `grid`, [m].
    kind : (y, x) uint8
        Kind of land on `cells`, position in `KINDS`.
    cover : (y, x) float32
        Share of a cell under leaves in a mean year at the height of the season; the leaves
        on rock are those of grass.
    brightness : (y, x) float32
        Factor on whatever shows between the leaves, mean 1.
    """

    grid: Grid
    cells: Grid
    elevation: NDArray[np.float32]
    kind: NDArray[np.uint8]
    cover: NDArray[np.float32]
    brightness: NDArray[np.float32]

    def mean_cover(self, kind: int, free: NDArray[np.bool_]) -> float:
        """Mean cover of a kind of land where `free` is True."""
        return float(self.cover[(self.kind == kind) & free].mean(dtype=np.float64))


def county_grid(n_mines: int) -> Grid:
    """Grid of the imagery: room for the mines, and a ring of 3 km around that."""
    side_m = 2 * RING_M + 750.0 * np.sqrt(n_mines)
    pixels = int(np.ceil(side_m / PIXEL_M))
    return Grid(CRS, _WEST, _NORTH, PIXEL_M, pixels, pixels)


def make_landscape(world: World, n_mines: int, seed: int) -> Landscape:
    """Draw the land of a county that can hold `n_mines`."""
    grid = county_grid(n_mines)
    margin_m = MARGIN_PIXELS * PIXEL_M
    side = (grid.height + 2 * MARGIN_PIXELS) * CELLS_PER_PIXEL
    cells = Grid(CRS, grid.west - margin_m, grid.north + margin_m, CELL_M, side, side)
    elevation, kind, cover, brightness = draw_land(world, stream(seed, "landscape"), cells.shape)
    inner = slice(MARGIN_PIXELS, -MARGIN_PIXELS)
    return Landscape(
        grid=grid,
        cells=cells,
        elevation=elevation[inner, inner],
        kind=kind,
        cover=cover,
        brightness=brightness,
    )


def draw_land(
    world: World, rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Elevation on pixels; kind, cover and brightness on `shape` cells."""
    broad, hills = smooth_field(rng, shape, 180), smooth_field(rng, shape, 60)
    ridges = smooth_field(rng, shape, 24)
    height = 0.78 * broad + 0.42 * hills + 0.10 * ridges
    kind = _kinds(rng, height)
    cover, brightness = texture(rng, kind)
    elevation = 260.0 + world.terrain_m * height
    elevation += max(0.0, 30.0 - float(elevation.min()))
    return _pixel_means(elevation), kind, cover, brightness


def _kinds(rng: np.random.Generator, height: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Farms and towns in the valleys, water at their bottom, forest on the hills."""
    shape = (height.shape[0], height.shape[1])
    rough = height + 0.06 * smooth_field(rng, shape, 8)
    wood, meadow = smooth_field(rng, shape, 90), smooth_field(rng, shape, 60)
    field, settled = smooth_field(rng, shape, 22), smooth_field(rng, shape, 40)
    lake, valley = np.quantile(rough[::8, ::8], [0.015, 0.20])
    kind = np.full(shape, FOREST, np.uint8)
    kind[wood > 0.75] = PLANTATION
    kind[meadow > 1.25] = GRASS
    low = rough < valley
    kind[low] = np.where(field[low] > 0, SINGLE_CROP, DOUBLE_CROP)
    kind[low & (settled > 1.3)] = TOWN
    kind[rough < lake] = WATER
    return kind


def texture(
    rng: np.random.Generator, kind: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cover and brightness of cells of these kinds."""
    shape = (kind.shape[0], kind.shape[1])
    patchy = 0.8 * smooth_field(rng, shape, 1.5)
    patchy += 0.6 * smooth_field(rng, shape, 16)
    cover = np.clip(_COVER[kind] + _COVER_SD[kind] * patchy, 0.0, 0.985)
    cover[(kind == TOWN) | (kind == WATER)] = 0.0
    brightness = 1.0 + 0.10 * smooth_field(rng, shape, 10)
    return cover, np.clip(brightness, 0.6, 1.4)


def _pixel_means(field: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = (side // CELLS_PER_PIXEL for side in field.shape)
    blocks = field.reshape(rows, CELLS_PER_PIXEL, columns, CELLS_PER_PIXEL)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)
