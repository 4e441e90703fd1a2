"""Shapes of mines: how large, where, and how the list draws them."""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from reverdure.core.grid import Grid
from reverdure.simulate.landscape import RING_M, TOWN, Landscape
from reverdure.simulate.worlds import World

MEAN_HA, SMALLEST_HA, LARGEST_HA = 3.4, 0.3, 60.0
_LOG_SD = 1.15
_GAP_M = 120.0
_N_VERTICES = 72
_N_TRIES = 400
# mines lie in the hills; one in the fields is the exception
_ACCEPT_FIELD = 0.3


def mine_areas_ha(rng: np.random.Generator, n_mines: int) -> NDArray[np.float64]:
    """Areas of mines, lognormal with mean `MEAN_HA` cut to the smallest and largest.

    Notes
    -----
    One draw from each of `n_mines` slices of equal probability, shuffled: a small county
    still holds small and large mines.
    """
    # 0.02 makes up for what the cut at both ends takes from the mean
    log_mean = np.log(MEAN_HA) - 0.5 * _LOG_SD**2 - 0.02
    ends = ndtr((np.log([SMALLEST_HA, LARGEST_HA]) - log_mean) / _LOG_SD)
    slices = (np.arange(n_mines) + rng.random(n_mines)) / n_mines
    areas = np.exp(log_mean + _LOG_SD * ndtri(ends[0] + slices * (ends[1] - ends[0])))
    return rng.permutation(areas)


def place(
    rng: np.random.Generator,
    landscape: Landscape,
    areas_ha: NDArray[np.float64],
    taken: list[tuple[float, float, float]],
    margin_m: float = RING_M,
) -> list[tuple[float, float]]:
    """Centres for patches of these areas, apart from each other and from `taken`.

    Parameters
    ----------
    rng : numpy.random.Generator
    landscape : Landscape
    areas_ha : (n,) float64, [ha]
    taken : list of (x, y, radius), [m]
        Ground already given away; the new circles are appended.
    margin_m : float, [m]
        Distance kept from the edge of the imagery.

    Returns
    -------
    list of (x, y), [m]
        In the order of `areas_ha`.
    """
    west, south, east, north = landscape.grid.bounds
    centres: list[tuple[float, float]] = [(0.0, 0.0)] * len(areas_ha)
    # the largest first, while there is room
    for number in np.argsort(-areas_ha, kind="stable"):
        radius = float(np.sqrt(areas_ha[number] * 1e4 / np.pi)) * 1.4
        best, best_gap = (0.0, 0.0), -np.inf
        for _ in range(_N_TRIES):
            x = float(rng.uniform(west + margin_m, east - margin_m))
            y = float(rng.uniform(south + margin_m, north - margin_m))
            if not _suits(rng, landscape, x, y):
                continue
            gap = min((np.hypot(x - a, y - b) - c - radius for a, b, c in taken), default=np.inf)
            if gap > best_gap:
                best, best_gap = (x, y), gap
            if best_gap >= _GAP_M:
                break
        centres[int(number)] = best
        taken.append((*best, radius))
    return centres


def _suits(rng: np.random.Generator, landscape: Landscape, x: float, y: float) -> bool:
    cells = landscape.cells
    kind = landscape.kind[int((cells.north - y) / cells.pixel), int((x - cells.west) / cells.pixel)]
    if kind >= TOWN:
        return False
    return bool(kind <= 2 or rng.random() < _ACCEPT_FIELD)


def blob(rng: np.random.Generator, centre: tuple[float, float], area_ha: float) -> shapely.Polygon:
    """An irregular, mostly elongated outline of exactly this area around a centre."""
    angle = np.linspace(0, 2 * np.pi, _N_VERTICES, endpoint=False)
    log_radius = np.zeros(_N_VERTICES)
    for wave in range(2, 8):
        phase = rng.uniform(0, 2 * np.pi)
        log_radius += rng.normal(0, 0.20 / wave**0.7) * np.cos(wave * angle + phase)
    stretch = np.sqrt(rng.uniform(1.0, 1.9))
    x = np.exp(log_radius) * np.cos(angle) * stretch
    y = np.exp(log_radius) * np.sin(angle) / stretch
    turn = rng.uniform(0, np.pi)
    ring = np.column_stack(
        [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)]
    )
    unit = shapely.Polygon(ring)
    factor = np.sqrt(area_ha * 1e4 / unit.area)
    middle = np.array(unit.centroid.coords[0])
    return shapely.Polygon((ring - middle) * factor + np.array(centre))


def cells_inside(
    shape: shapely.Geometry, cells: Grid
) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Window of cells around a shape, and which of them have their centre in it."""
    window = cells.window(shape.bounds, margin=cells.pixel)
    if window is None:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    rows, columns = window.slices
    y = cells.north - (np.arange(rows.start, rows.stop) + 0.5) * cells.pixel
    x = cells.west + (np.arange(columns.start, columns.stop) + 0.5) * cells.pixel
    shapely.prepare(shape)
    inside = shapely.contains_xy(shape, x[None, :], y[:, None])
    return (rows, columns), np.asarray(inside)


def as_listed(rng: np.random.Generator, outline: shapely.Polygon, world: World) -> shapely.Polygon:
    """The outline as somebody drew it: shifted, widened or narrowed, and wobbling."""
    ring = np.array(outline.exterior.coords)[:-1]
    middle = ring.mean(axis=0)
    outward = ring - middle
    outward /= np.hypot(outward[:, 0], outward[:, 1])[:, None]
    angle = np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
    wobble = np.zeros(len(ring))
    for wave in range(2, 10):
        a, b = rng.normal(0, 1, 2)
        wobble += (a * np.cos(wave * angle) + b * np.sin(wave * angle)) / np.sqrt(8)
    outwards_m = rng.normal(0, world.outline_dilation_m) + world.outline_wobble_m * wobble
    drawn = ring + outward * outwards_m[:, None] + rng.normal(0, world.outline_shift_m, 2)
    # hand-drawn outlines have a vertex every 10-20 m, not one every degree
    return shapely.make_valid(shapely.Polygon(drawn).simplify(1.0))


def split_in_two(outline: shapely.Polygon) -> tuple[shapely.Geometry, shapely.Geometry]:
    """Two halves, cut across the longer side through the middle."""
    box = np.array(shapely.minimum_rotated_rectangle(outline).exterior.coords)
    sides = box[1:3] - box[:2]
    along = sides[int(np.argmax(np.hypot(sides[:, 0], sides[:, 1])))]
    along = along / np.hypot(*along)
    across = np.array([-along[1], along[0]])
    middle, far = np.array(outline.centroid.coords[0]), 1e4
    half = shapely.Polygon(
        [
            middle + far * across,
            middle + far * (across + along),
            middle + far * (along - across),
            middle - far * across,
        ]
    )
    return outline.intersection(half), outline.difference(half)
