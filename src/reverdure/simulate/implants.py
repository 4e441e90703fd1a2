"""Mines of known truth mixed into real undisturbed series, which keep their real noise.

Arrays in, arrays out: what a satellite saw over undisturbed land, and what it saw over bare
ground, are mixed pixel by pixel in the shares that a mine drawn on 5 m cells and a
point-spread function give. Nothing here is known to what measures it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
import shapely.affinity
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.simulate.outlines import blob, cells_inside
from reverdure.simulate.randomness import smooth_field
from reverdure.simulate.zones import zone_labels

RESTORED_FROM = 0.8
CELLS_PER_PIXEL = 6
# two further than a point-spread function of 1.5 pixels, shifted, can see
_MARGIN_PIXELS = 4
_PSF_PIXELS = (1.05, 1.5)
_SHIFT_PIXELS = 0.2
_OUTLINE_SHIFT_PIXELS, _OUTLINE_DILATION_PIXELS = 0.17, 0.08
_PATCHINESS = 0.10
_GAP_PIXELS = 4.0
_DARKEST = 0.001
_N_TRIES = 400
_KINDS = {"true": 0.32, "false": 0.30, "partial": 0.24, "near": 0.14}


@dataclass(frozen=True, slots=True)
class Course:
    """Cover of a zone over the years; 1 is what grew there before.

    Attributes
    ----------
    damage : int
        First bare year.
    begins : int
        First year of regrowth; beyond the record where nobody worked.
    bare, level : float
        Cover while bare, and the one regrowth ends at.
    years : float, [year]
        Time in which 95 % of the way is gone.
    """

    damage: int
    begins: int
    bare: float
    level: float
    years: float

    def cover(self, years: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cover in each year.

        Examples
        --------
        >>> import numpy as np
        >>> course = Course(2003, 2006, 0.0, 1.0, 3.0)
        >>> course.cover(np.arange(2001, 2009)).round(2)
        array([1.  , 1.  , 0.  , 0.  , 0.  , 0.63, 0.86, 0.95])
        """
        age = np.maximum(years - self.begins + 1.0, 0.0)
        grown = self.bare + (self.level - self.bare) * (1 - np.exp(-3 * age / self.years))
        return np.where(years < self.damage, 1.0, grown)


@dataclass(frozen=True, slots=True)
class Implant:
    """A mine of known truth and the pixels that see it.

    Attributes
    ----------
    kind : str
        true, false, partial or near (every zone ends near 80 %).
    row, column : int
        First pixel of its window on the land.
    label : (cell row, cell column) uint8
        Zone of each 5 m cell (of 30 m pixels) of the window, from 1; 0 outside.
    patch : (cell row, cell column) float64
        Patchiness of the regrowth, mean 0 in each zone.
    courses : tuple of Course
        One for each zone.
    drawn : Polygon
        The outline as somebody drew it, in the CRS of the land.
    psf_pixels : float, [pixel]
        Full width of the point-spread function at half maximum.
    brightness : float
        How much brighter bare ground is than what grew there, for mixing an index.
    start_year, year : int
        Claimed start and completion of the works.
    claimed_ha, restored_ha : float, [ha]
        What is claimed, and what is true inside the drawn outline.
    """

    kind: str
    row: int
    column: int
    label: NDArray[np.uint8]
    patch: NDArray[np.float64]
    courses: tuple[Course, ...]
    drawn: shapely.Polygon
    psf_pixels: float
    brightness: float
    start_year: int
    year: int
    claimed_ha: float
    restored_ha: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the land that it may change."""
        height, width = (side // CELLS_PER_PIXEL for side in self.label.shape)
        return slice(self.row, self.row + height), slice(self.column, self.column + width)


def mirrored(
    block: NDArray[np.floating], shape: tuple[int, int], at: tuple[int, int] = (0, 0)
) -> NDArray[np.floating]:
    """Real pixels laid over a larger land by reflection at their edges.

    Parameters
    ----------
    block : (..., y, x)
    shape : (y, x)
    at : (row, column)
        Place of the block's pattern that comes first.

    Examples
    --------
    >>> import numpy as np
    >>> mirrored(np.array([[1, 2, 3]]), (1, 8), (0, 1))
    array([[2, 3, 3, 2, 1, 1, 2, 3]])
    """
    rows, columns = (
        _reflected(size, block.shape[axis], first)
        for size, axis, first in zip(shape, (-2, -1), at, strict=True)
    )
    return block[..., rows[:, None], columns]


def _reflected(size: int, length: int, first: int) -> NDArray[np.int64]:
    place = (np.arange(size) + first) % (2 * length)
    return np.where(place < length, place, 2 * length - 1 - place)


def spread(
    series: NDArray[np.floating],
    neighbours: NDArray[np.floating],
    shape: tuple[int, int],
    rng: np.random.Generator,
    texture: float = 1.0,
) -> NDArray[np.float32]:
    """The series of one real pixel over a whole land, with the jitter of real neighbours.

    Parameters
    ----------
    series : (time, band)
        Reflectance; NaN where it was not clear: the whole land then is not.
    neighbours : (scene, band, y, x)
        Real scenes of adjacent undisturbed pixels, without gaps. On each date the
        differences between the pixels of a scene drawn at random are laid over the land.
    shape : (y, x)
    rng : numpy.random.Generator
    texture : float, default 1
        How much of those differences that last in time the land gets, always in the same
        places: 1 where the neighbours are the same kind of land as the series.

    Returns
    -------
    (time, band, y, x) float32
    """
    apart = neighbours - np.median(neighbours, axis=(-2, -1), keepdims=True)
    lasting = np.median(apart, axis=0)
    passing = apart - lasting
    ground = texture * mirrored(lasting, shape)
    out = np.empty((*series.shape, *shape), np.float32)
    for k, value in enumerate(series):
        at = (int(rng.integers(2 * shape[0])), int(rng.integers(2 * shape[1])))
        scene = passing[rng.integers(len(passing))]
        out[k] = value[:, None, None] + ground + mirrored(scene, shape, at)
    return np.maximum(out, np.float32(_DARKEST))


def draw_implants(
    grid: Grid,
    years: NDArray[np.int64],
    sizes: Sequence[float],
    rng: np.random.Generator,
) -> list[Implant]:
    """Mines on a land, at least four pixels apart.

    Parameters
    ----------
    grid : Grid
        The land; its CRS is in metres.
    years : (year,) int
        At least 12, without gaps.
    sizes : sequence of float, [pixel]
        Area of each mine. One that finds no place is left out.
    rng : numpy.random.Generator
    """
    taken: list[tuple[float, float, float]] = []
    implants = []
    for n_pixels in sorted(sizes, reverse=True):
        at = _free_place(rng, grid, n_pixels, taken)
        if at is not None:
            implants.append(_draw_implant(rng, grid, years, n_pixels, at))
    return implants


def _free_place(
    rng: np.random.Generator,
    grid: Grid,
    n_pixels: float,
    taken: list[tuple[float, float, float]],
) -> tuple[float, float] | None:
    """A place in pixels from the north-west corner; appended to `taken` with its radius."""
    radius = 1.7 * float(np.sqrt(n_pixels / np.pi))
    edge = radius + 2 * _MARGIN_PIXELS
    for _ in range(_N_TRIES):
        y, x = rng.uniform(edge, grid.height - edge), rng.uniform(edge, grid.width - edge)
        if all(np.hypot(y - b, x - a) > radius + c + _GAP_PIXELS for a, b, c in taken):
            taken.append((float(x), float(y), radius))
            return float(x), float(y)
    return None


def _draw_implant(
    rng: np.random.Generator,
    grid: Grid,
    years: NDArray[np.int64],
    n_pixels: float,
    at: tuple[float, float],
) -> Implant:
    centre = grid.west + at[0] * grid.pixel, grid.north - at[1] * grid.pixel
    outline = blob(rng, centre, n_pixels * grid.pixel**2 / 1e4)
    window = grid.window(outline.bounds, margin=_MARGIN_PIXELS * grid.pixel)
    if window is None:
        raise ValueError(f"no land at {at}")
    cells = Grid(
        grid.crs,
        grid.west + window.column * grid.pixel,
        grid.north - window.row * grid.pixel,
        grid.pixel / CELLS_PER_PIXEL,
        window.height * CELLS_PER_PIXEL,
        window.width * CELLS_PER_PIXEL,
    )
    label = np.zeros(cells.shape, np.uint8)
    part, inside = cells_inside(outline, cells)
    n_zones = int(rng.integers(1, 3 if n_pixels < 10 else 5))
    label[part] = zone_labels(rng, inside, n_zones)
    sizes = np.bincount(label.ravel(), minlength=n_zones + 1)[1:]
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    works = _draw_works(rng, years)
    courses = tuple(_draw_courses(rng, kind, sizes, works, int(years[-1])))
    patch = _patch(rng, label)
    drawn = _as_drawn(rng, outline, grid.pixel)
    restored = np.concatenate([[False], _restored(label, patch, courses, years)])
    rows, claimed = cells_inside(drawn, cells)
    cell_ha = cells.pixel**2 / 1e4
    return Implant(
        kind,
        window.row,
        window.column,
        label,
        patch,
        courses,
        drawn,
        float(rng.uniform(*_PSF_PIXELS)),
        float(rng.uniform(1.0, 2.0)),
        works[1],
        works[2],
        float(shapely.area(drawn) / 1e4 * rng.uniform(0.92, 1.0)),
        float((restored[label][rows] & claimed).sum() * cell_ha),
    )


def _draw_works(rng: np.random.Generator, years: NDArray[np.int64]) -> tuple[int, int, int]:
    """Year of damage, claimed start and claimed completion."""
    first, last, n = int(years[0]), int(years[-1]), years.size
    damage = first + int(rng.integers(3, max(n // 3, 4) + 1))
    latest = last - 6
    start = int(rng.integers(damage + 2, max(min(damage + 2 + n // 4, latest), damage + 2) + 1))
    return damage, start, min(start + int(rng.integers(1, 4)), last - 3)


def _draw_courses(
    rng: np.random.Generator,
    kind: str,
    sizes: NDArray[np.int64],
    works: tuple[int, int, int],
    last: int,
) -> list[Course]:
    damage, start, year = works
    courses = []
    for fate in _fates(rng, kind, sizes):
        begins = int(rng.integers(start, year + 1))
        bare = float(rng.uniform(0.0, 0.08))
        if fate == "unworked":
            begins, level = last + 1, bare
        else:
            level = float(rng.uniform(*_LEVELS[fate]))
        courses.append(Course(damage, begins, bare, level, float(rng.uniform(2.0, 6.0))))
    return courses


_LEVELS = {"restored": (0.9, 1.05), "near": (0.7, 0.95), "failed": (0.1, 0.6)}


def _fates(rng: np.random.Generator, kind: str, sizes: NDArray[np.int64]) -> list[str]:
    """What becomes of each zone: restored, near, failed or unworked."""
    n = sizes.size
    if kind == "true":
        return ["restored"] * n
    if kind == "near":
        return ["near"] * n
    fates = [str(fate) for fate in rng.choice(["failed", "unworked"], n, p=[0.6, 0.4])]
    if kind == "partial" and n > 1:
        fates[int(rng.integers(n))] = "restored"
    return fates


def _patch(rng: np.random.Generator, label: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Fine patchiness of standard deviation 1, mean 0 in each zone, 0 outside."""
    field = np.asarray(smooth_field(rng, (label.shape[0], label.shape[1]), 2), float)
    for zone in range(1, int(label.max()) + 1):
        part = label == zone
        if part.any():
            values = field[part] - field[part].mean()
            field[part] = values / max(float(values.std()), 1e-9)
    field[label == 0] = 0.0
    return field


def _as_drawn(rng: np.random.Generator, outline: shapely.Polygon, pixel: float) -> shapely.Polygon:
    """The outline shifted, and widened or narrowed."""
    shift = rng.normal(0, _OUTLINE_SHIFT_PIXELS * pixel, 2)
    moved = shapely.affinity.translate(outline, *shift)
    widened = shapely.buffer(moved, rng.normal(0, _OUTLINE_DILATION_PIXELS * pixel))
    parts = [one for one in shapely.get_parts(widened) if not one.is_empty]
    return max(parts, key=shapely.area) if parts else moved


def _cover(
    label: NDArray[np.uint8],
    patch: NDArray[np.float64],
    courses: tuple[Course, ...],
    years: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Cover of each cell, (year, cell row, cell column); 1 outside of the mine."""
    mean = np.ones((years.size, len(courses) + 1))
    for zone, course in enumerate(courses, start=1):
        mean[:, zone] = course.cover(years)
    mixed = 4 * np.clip(mean * (1 - mean), 0, None) * _PATCHINESS
    return np.clip(mean[:, label] + mixed[:, label] * patch, 0.0, 1.2)


def _restored(
    label: NDArray[np.uint8],
    patch: NDArray[np.float64],
    courses: tuple[Course, ...],
    years: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Zones whose mean cover went 80 % of the way back, over the last two years."""
    now = _cover(label, patch, courses, years[-2:]).mean(axis=0)
    found = np.zeros(len(courses), bool)
    for zone, course in enumerate(courses, start=1):
        part = label == zone
        way = (float(now[part].mean()) - course.bare) / (1 - course.bare) if part.any() else 0.0
        found[zone - 1] = way >= RESTORED_FROM
    return found


def bare_share(
    implant: Implant, years: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Share of each pixel's signal that comes from bare ground; shifted at every time.

    Parameters
    ----------
    implant : Implant
    years : (time,) int
        Year of each scene or composite.
    rng : numpy.random.Generator
        Of the registration errors.

    Returns
    -------
    (time, y, x) float64
        Over `implant.window`; below 0 where more grows than before.
    """
    seasons, place = np.unique(years, return_inverse=True)
    bare = 1.0 - _cover(implant.label, implant.patch, implant.courses, seasons)
    height, width = (side // CELLS_PER_PIXEL for side in implant.label.shape)
    out = np.empty((years.size, height, width))
    for k, season in enumerate(place):
        down, right = rng.normal(0, _SHIFT_PIXELS, 2)
        rows = _response(height, implant.psf_pixels, float(down))
        columns = _response(width, implant.psf_pixels, float(right))
        out[k] = rows @ bare[season] @ columns.T
    return out


def _response(n_pixels: int, psf_pixels: float, shift: float) -> NDArray[np.float64]:
    """Weight of each cell along one axis for each pixel, (pixel, cell)."""
    cell = (np.arange(n_pixels * CELLS_PER_PIXEL) + 0.5) / CELLS_PER_PIXEL
    pixel = np.arange(n_pixels) + 0.5 + shift
    sigma = psf_pixels / 2.3548
    weight = np.exp(-0.5 * ((cell - pixel[:, None]) / sigma) ** 2)
    # not divided by its own sum: at the edge of the window the rest is undisturbed land
    return np.asarray(weight / (CELLS_PER_PIXEL * sigma * np.sqrt(2 * np.pi)))


def mix_reflectance(
    land: NDArray[np.floating], bare: NDArray[np.floating], share: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Reflectance of a pixel that is in part bare: linear in each band.

    Examples
    --------
    >>> import numpy as np
    >>> mix_reflectance(np.array([0.05]), np.array([0.25]), np.array([0.5]))
    array([0.15])
    """
    return np.asarray((1 - share) * land + share * bare)


def mix_index(
    land: NDArray[np.floating],
    bare: NDArray[np.floating],
    share: NDArray[np.floating],
    brightness: float,
) -> NDArray[np.floating]:
    """Normalised difference of a pixel that is in part bare.

    Notes
    -----
    An index does not mix linearly: each part counts by the sum of its two bands. Where
    only the index of a scene is kept, `brightness` states that sum over bare ground
    against the land's; it is drawn, not known, and 1 would be linear mixing.

    Examples
    --------
    >>> import numpy as np
    >>> mix_index(np.array([0.8]), np.array([0.0]), np.array([0.5]), 1.0)
    array([0.4])
    """
    weight = brightness * share
    return np.asarray(((1 - share) * land + weight * bare) / (1 - share + weight))


def truth_table(implants: Sequence[Implant]) -> pd.DataFrame:
    """Mines, claims and truth of implants in one table, by claim_id.

    Returns
    -------
    DataFrame
        mine_id, claim_id, kind, n_pixels, start_year, year, claimed_ha, true_ha,
        drawn (Polygon), psf_pixels, brightness.
    """
    rows = [
        {
            "mine_id": f"M{number:04d}",
            "claim_id": f"C{number:04d}",
            "kind": one.kind,
            "n_pixels": float((one.label > 0).sum() / CELLS_PER_PIXEL**2),
            "start_year": one.start_year,
            "year": one.year,
            "claimed_ha": one.claimed_ha,
            "true_ha": one.restored_ha,
            "drawn": one.drawn,
            "psf_pixels": one.psf_pixels,
            "brightness": one.brightness,
        }
        for number, one in enumerate(implants)
    ]
    return pd.DataFrame(rows)
