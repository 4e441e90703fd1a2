"""Does a drawn outline lie on the damage, and does damage go on where no mine is drawn."""

from dataclasses import dataclass

import numpy as np
import shapely
import xarray as xr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from reverdure.core.grid import Grid, Window
from reverdure.ground.coverage import coverage
from reverdure.recovery.constants import constant
from reverdure.recovery.local import local_metres

# the outline is tried in steps of half a pixel, up to this many pixels each way
_STEPS = 3
_PARTS = ((0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.5, 0.5))
_VIEW_PIXELS = 6
# blur that a point-spread function adds to the mean over a pixel, [pixel]
_BLUR_PIXELS = 0.52
_GREEN, _BARE = 0.6, 0.35


@dataclass(frozen=True, slots=True)
class OutlineCheck:
    """What the damage says about an outline.

    Attributes
    ----------
    shift_m : float
        How far the outline would have to be moved to lie best on the damage; 0 where it
        lies well, or where nothing better is found.
    outside_ha : float
        Land near the ground, in no mine, that went bare with it and still is.
    """

    shift_m: float
    outside_ha: float


def check_outline(
    metrics: xr.Dataset,
    share: NDArray[np.float64],
    grid: Grid,
    ground: shapely.Geometry,
    mined: shapely.Geometry,
    bare_years: tuple[float, float],
) -> OutlineCheck:
    """Compare the outline with the map of loss.

    Parameters
    ----------
    metrics : Dataset
        Of one index on `grid`; its years are used.
    share : (year, y, x) float64
        Way from bare to reference on the window of `view`.
    grid : Grid
    ground, mined : Geometry
        In the CRS of the grid: the ground, and all mined land near it.
    bare_years : (float, float)
        First and last year the ground was bare.

    Notes
    -----
    The loss is the mean before the first bare year less that of the bare years. The mask
    of the mined land, blurred as a sensor does, is moved over it in steps of half a
    pixel up to three; it counts as off where another place correlates better by
    `outline_gain` and lies at least `outline_off_m` away.
    """
    window = view(grid, ground)
    years = metrics["year"].values.astype(float)
    first, last = bare_years
    before, bare = _mean(share[years < first]), _mean(share[(years >= first) & (years <= last)])
    now = _mean(share[-3:])
    loss = before - bare
    mask = np.zeros((window.height, window.width))
    found = coverage(mined, grid)
    if found is None or not np.isfinite(loss).any():
        return OutlineCheck(0.0, 0.0)
    whole = np.zeros(grid.shape)
    whole[found[0].slices] = found[1]
    mask = whole[window.slices]
    centre = ground.representative_point()
    scale = local_metres(grid, centre.x, centre.y)
    pixel_m = grid.pixel * (scale.per_x * scale.per_y) ** 0.5
    rows, columns = np.mgrid[window.row : window.row + window.height,
                             window.column : window.column + window.width]  # fmt: skip
    x = grid.west + (columns + 0.5) * grid.pixel
    y = grid.north - (rows + 0.5) * grid.pixel
    away = shapely.distance(shapely.points(x, y), mined)
    outside = (away >= grid.pixel) & (before >= _GREEN) & (bare <= _BARE) & (now <= _BARE)
    # where damage lies all around, no place is the right one
    spread = ((loss >= 0.5) & (away > 0)).sum() > 0.6 * mask.sum()
    shift_m = 0.0 if spread else _best_shift(loss, mask) * pixel_m
    return OutlineCheck(shift_m, float(outside.sum() * pixel_m**2 / 1e4))


def view(grid: Grid, ground: shapely.Geometry) -> Window:
    """Window around a ground that is looked at."""
    window = grid.window(ground.bounds, _VIEW_PIXELS * grid.pixel)
    return grid.whole if window is None else window


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    n = np.isfinite(values).sum(axis=0)
    return np.where(n > 0, np.nansum(values, axis=0) / np.maximum(n, 1), np.nan)


def _best_shift(loss: NDArray[np.float64], mask: NDArray[np.float64]) -> float:
    """Distance in pixels to a clearly better place; 0 where there is none."""
    known = np.isfinite(loss)
    blurred = np.pad(ndimage.gaussian_filter(mask, _BLUR_PIXELS), _STEPS + 1)
    stated = _correlation(loss[known], _moved(blurred, (0.0, 0.0), known)[_STEPS, _STEPS])
    best, distance = stated, 0.0
    for part in _PARTS:
        # half a pixel more than the last whole step is too far
        n_down, n_right = (2 * _STEPS + (share == 0) for share in part)
        found = _correlation(loss[known], _moved(blurred, part, known)[:n_down, :n_right])
        down, right = np.unravel_index(found.argmax(), found.shape)
        if found[down, right] > best:
            best = found[down, right]
            distance = float(np.hypot(down - _STEPS + part[0], right - _STEPS + part[1]))
    return distance if best - stated >= constant("outline_gain") else 0.0


def _moved(
    image: NDArray[np.float64], part: tuple[float, float], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """A padded image moved by whole pixels each way and a part of one: (down, right, pixel)."""
    down, right = part
    image = (1 - down) * image + down * np.roll(image, 1, axis=0)
    image = (1 - right) * image + right * np.roll(image, 1, axis=1)
    # moved down is seen further up
    views = sliding_window_view(image[1:-1, 1:-1], known.shape)[::-1, ::-1]
    return np.asarray(views[:, :, known], float)


def _correlation(loss: NDArray[np.float64], images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of the loss with each image over the last axis; 0 where one is even."""
    loss = loss - loss.mean()
    images = images - images.mean(axis=-1, keepdims=True)
    norm = np.sqrt((loss @ loss) * (images**2).sum(axis=-1))
    return np.asarray(np.where(norm > 1e-12, images @ loss / np.maximum(norm, 1e-12), 0.0), float)
