"""Which pixels around a mine are land like it that nothing happened to, and why not the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.kernels.rings import mean_of_years, wander
from reverdure.recovery.constants import constant, never_reference
from reverdure.recovery.levels import MineLevels
from reverdure.recovery.losses import Losses
from reverdure.recovery.surroundings import Place
from reverdure.recovery.yearly import yearly_quantiles

MAX_PIXELS = 2000
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scene:
    """One index on a grid.

    Attributes
    ----------
    value : (year, y, x) float32
    fitted : (year, y, x) float32
        Contiguous and read only, as kernels take it.
    years : (year,) int64
    losses : Losses
    steady : (y, x) bool
        Whether a pixel lost nothing and gained little in the whole record.
    light : (y, x) float32 or None
        Usual brightness in the bands of the index.
    """

    value: NDArray[np.float32]
    fitted: NDArray[np.float32]
    years: NDArray[np.int64]
    losses: Losses
    steady: Mask
    light: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class View:
    """What one index shows of one mine."""

    scene: Scene
    levels: MineLevels


@dataclass(frozen=True, slots=True)
class Land:
    """Reference land of one mine.

    Attributes
    ----------
    rows, columns : (pixel,) int64
        Its pixels, north to south.
    n_directions : int
        Octants around the mine that hold some.
    indices : tuple of str
        Indices in which it was looked for.
    layers : tuple of str
        Layers it was matched by.
    like_former : bool
        Whether it is like the mine before damage, and not of classes wanted.
    counts : mapping of str to int
        Ring pixels, and how many of them were refused by each reason, the first that
        applies (`COUNTS`); n_pixels and n_directions too.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    n_directions: int
    indices: tuple[str, ...]
    layers: tuple[str, ...]
    like_former: bool
    counts: Mapping[str, int]

    @property
    def is_enough(self) -> bool:
        """Whether its pixels are many enough, on enough sides."""
        enough = self.rows.size >= constant("reference_min_pixels")
        return enough and self.n_directions >= constant("reference_min_directions")

    @property
    def used(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the pixels that are looked at: every n-th of very many."""
        step = max(-(-self.rows.size // MAX_PIXELS), 1)
        return self.rows[::step], self.columns[::step]


COUNTS = (
    "n_pixels", "n_directions",
    "n_ring", "n_mined", "n_refused", "n_disturbed", "n_unlike", "n_terrain", "n_apart",
)  # fmt: skip


def find_land(
    views: Mapping[str, View],
    place: Place,
    grid: Grid,
    terrain: Mapping[str, NDArray[np.float64]],
    mined: Mask,
    refused: Mask | None,
    classes: Sequence[int] | None = None,
) -> Land:
    """Reference land of a mine.

    Parameters
    ----------
    views : mapping of index id to View
        A pixel must be steady, and like the mine before damage, in each of them.
    place : Place
        Where the mine lies.
    grid : Grid
    terrain : mapping of layer to (y, x) float64
        Used to narrow the search where enough land is left.
    mined, refused : (y, x) bool
        Mines with their edges; land that people refused.
    classes : sequence of int, optional
        Classes of the layer `cover` that are wanted instead of land like the mine before.
    """
    part = place.window.slices
    ring = place.ring
    seen, steady = ring.copy(), ring.copy()
    for view in views.values():
        seen &= view.scene.losses.fitted[part]
        steady &= view.scene.steady[part]
    free = seen & ~mined[part]
    allowed = free if refused is None else free & ~refused[part]
    whole = allowed & steady
    like = whole.copy()
    if classes is None:
        for view in views.values():
            like &= _alike(view, place, whole)
    like &= _of_cover(terrain, part, classes, whole)
    n_like = int(like.sum())
    rows, columns = np.nonzero(like)
    rows, columns = rows + place.window.row, columns + place.window.column
    keep, layers = _match_terrain(terrain, rows, columns, place, classes is not None)
    rows, columns = rows[keep], columns[keep]
    n_alike = rows.size
    together = _together(views, rows, columns)
    rows, columns = rows[together], columns[together]
    n_directions = _directions(grid, place.centre, rows, columns)
    counts = {
        "n_pixels": rows.size,
        "n_directions": n_directions,
        "n_ring": int(seen.sum()),
        "n_mined": int(seen.sum() - free.sum()),
        "n_refused": int(free.sum() - allowed.sum()),
        "n_disturbed": int(allowed.sum() - whole.sum()),
        "n_unlike": int(whole.sum()) - n_like,
        "n_terrain": n_like - n_alike,
        "n_apart": n_alike - rows.size,
    }
    return Land(
        rows,
        columns,
        n_directions,
        tuple(views),
        tuple(layers),
        classes is None,
        counts,
    )


def _alike(view: View, place: Place, whole: Mask) -> Mask:
    """Which of these pixels were like the mine before it opened."""
    scene, levels = view.scene, view.levels
    used = (scene.years < levels.damage_year) | ~np.isfinite(levels.damage_year)
    if not used.any():
        used = np.ones(scene.years.size, bool)
    early = np.full(whole.shape, np.nan)
    window = place.window
    mean_of_years(scene.fitted, used, window.row, window.column, whole, early)
    wanted = levels.wanted(early[whole])
    with np.errstate(invalid="ignore"):
        is_like = np.abs(early - wanted) <= levels.width
    return np.asarray(whole & is_like, bool)


def _of_cover(
    terrain: Mapping[str, NDArray[np.float64]],
    part: tuple[slice, slice],
    classes: Sequence[int] | None,
    whole: Mask,
) -> Mask:
    """Without towns, water and bare land where a layer tells, or of the classes wanted."""
    if "cover" not in terrain:
        return whole
    cover = terrain["cover"][part]
    fits = ~np.isin(cover, never_reference()) if classes is None else np.isin(cover, classes)
    return np.asarray(whole & fits, bool)


def _match_terrain(
    terrain: Mapping[str, NDArray[np.float64]],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    place: Place,
    of_classes: bool,
) -> tuple[Mask, list[str]]:
    """Narrow by each layer in turn, as long as enough pixels are left."""
    keep = np.ones(rows.size, bool)
    matched = []
    near = place.near
    for name, layer in terrain.items():
        at_mine = layer[place.window.slices][near]
        at_mine = at_mine[np.isfinite(at_mine)]
        if at_mine.size == 0 or (of_classes and name == "cover"):
            continue
        value = layer[rows, columns]
        if name in ("elevation", "slope"):
            tolerance = constant(
                "elevation_tolerance_m" if name == "elevation" else "slope_tolerance_deg"
            )
            fits = (value >= at_mine.min() - tolerance) & (value <= at_mine.max() + tolerance)
        elif name == "rock":
            classes, counts = np.unique(at_mine, return_counts=True)
            fits = np.isin(value, classes[counts >= 0.1 * counts.sum()])
        else:
            # the mine's own cover is bare today: its kind is that of its reference land
            known = value[keep & np.isfinite(value)]
            if known.size == 0:
                continue
            fits = value == most_common(known)
        if (keep & fits).sum() >= constant("reference_min_pixels"):
            keep &= fits
            matched.append(name)
    return keep, matched


def most_common(values: NDArray[np.float64]) -> float:
    """The class most pixels have, the lowest among equals."""
    classes, counts = np.unique(values, return_counts=True)
    return float(classes[counts.argmax()])


def _together(
    views: Mapping[str, View], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Mask:
    """Pixels whose course stays with that of the rest, whatever all of them do together."""
    together = np.ones(rows.size, bool)
    if rows.size == 0:
        return together
    step = -(-rows.size // MAX_PIXELS)
    for view in views.values():
        fitted = view.scene.fitted
        course = yearly_quantiles(fitted[:, rows[::step], columns[::step]], (0.5,))[0]
        width = np.empty(rows.size)
        wander(fitted, course, rows, columns, width)
        bound = np.maximum(
            constant("reference_wander"),
            constant("disturbed_loss_rmse") * view.scene.losses.rmse[rows, columns],
        )
        together &= width < bound
    return together


def _directions(
    grid: Grid, centre: shapely.Point, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> int:
    """Octants around the mine that hold reference pixels."""
    east = grid.west + (columns + 0.5) * grid.pixel - centre.x
    north = grid.north - (rows + 0.5) * grid.pixel - centre.y
    octant = np.floor(np.arctan2(north, east) / (np.pi / 4)).astype(int) % 8
    return int(np.unique(octant).size)
