"""What a sensor sees of the land: blur, shift, mixed spectra, light on slopes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from reverdure.core.grid import Grid
from reverdure.simulate.landscape import (
    BARE_GREY,
    BARE_RED,
    CELL_M,
    CELLS_PER_PIXEL,
    COMPONENTS,
    FLOOR,
    GRASS,
    LEAFY,
    MARGIN_PIXELS,
    PANEL,
    PIXEL_M,
    ROCK,
    ROCK_COMPONENT,
    TOWN,
    TOWN_COMPONENT,
    WATER,
    WATER_COMPONENT,
    Landscape,
)
from reverdure.simulate.passes import Overpass
from reverdure.simulate.patches import Patch, weather_factor
from reverdure.simulate.worlds import (
    World,
    floor_spectrum,
    leaf_spectrum,
    spectrum,
    tables,
)

_FWHM_PER_SD = 2.3548
# a centre of a pixel lies between its third and fourth cell
_CENTRE = (CELLS_PER_PIXEL - 1) / 2
# shifts beyond this would not have passed as a tier 1 scene
_LARGEST_SHIFT_M = 12.0
# share of the light that comes from the sun itself rather than the sky, by band
_DIRECT = np.array([0.45, 0.50, 0.55, 0.65, 0.72, 0.75])


@dataclass(frozen=True, eq=False)
class Optics:
    """Point-spread function of a sensor on cells of 5 m.

    Attributes
    ----------
    sensor : str
    weights : (2 * reach + 1,) float32
        Gaussian along one axis, sum 1.
    """

    sensor: str
    weights: NDArray[np.float32]

    @property
    def reach(self) -> int:
        """Cells it reaches to either side."""
        return self.weights.size // 2


def optics(world: World, sensor: str) -> Optics:
    """Point-spread function of a sensor in a world."""
    fwhm_px = world.psf_newer_px if sensor == "LC08" else world.psf_older_px
    sigma = fwhm_px * PIXEL_M / _FWHM_PER_SD / CELL_M
    offsets = np.arange(-int(np.ceil(4 * sigma)), int(np.ceil(4 * sigma)) + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return Optics(sensor, (weights / weights.sum()).astype(np.float32))


def shift_m(world: World, sensor: str, rng: np.random.Generator) -> tuple[float, float]:
    """Registration error of a scene, north-south and east-west, [m]."""
    sd = world.registration_newer_m if sensor == "LC08" else world.registration_older_m
    down, right = np.clip(rng.normal(0, sd, 2), -_LARGEST_SHIFT_M, _LARGEST_SHIFT_M)
    return float(down), float(right)


def blurred_land(
    landscape: Landscape, changing: NDArray[np.bool_], lens: Optics
) -> dict[int, NDArray[np.float32]]:
    """Components of the land that never changes, through the optics, on cells.

    Parameters
    ----------
    landscape : Landscape
    changing : (y, x) bool
        Cells of patches; they are left out here and added year by year.
    lens : Optics

    Returns
    -------
    dict of int to (y, x) float32
        By position in `COMPONENTS`.
    """
    layers = {}
    rock = (landscape.kind == ROCK) & ~changing
    for kind in range(len(LEAFY)):
        here = (landscape.kind == kind) & ~changing
        leaves = here | rock if kind == GRASS else here
        layers[kind] = _blur(np.where(leaves, landscape.cover, 0), lens)
        floor = (1 - landscape.cover) * landscape.brightness
        layers[FLOOR + kind] = _blur(np.where(here, floor, 0), lens)
    town = (landscape.kind == TOWN) & ~changing
    layers[TOWN_COMPONENT] = _blur(np.where(town, landscape.brightness, 0), lens)
    water = (landscape.kind == WATER) & ~changing
    layers[WATER_COMPONENT] = _blur(water, lens)
    if rock.any():
        outcrop = (1 - landscape.cover) * landscape.brightness
        layers[ROCK_COMPONENT] = _blur(np.where(rock, outcrop, 0), lens)
    return layers


def _blur(layer: NDArray[np.generic], lens: Optics) -> NDArray[np.float32]:
    narrow = ndimage.correlate1d(layer.astype(np.float32), lens.weights, 0, mode="nearest")
    return np.asarray(ndimage.correlate1d(narrow, lens.weights, 1, mode="nearest"))


def shares_seen(
    grid: Grid,
    land: dict[int, NDArray[np.float32]],
    patches: Sequence[tuple[Patch, NDArray[np.float32]]],
    lens: Optics,
    shift: tuple[float, float],
) -> NDArray[np.float32]:
    """Share of every component in every pixel of a scene, (component, y, x).

    Parameters
    ----------
    grid : Grid
        Grid of the imagery.
    land : dict of int to (y, x) float32
        From `blurred_land`.
    patches : sequence of (Patch, (component, y, x) float32)
        Patches with their layers of the year.
    lens : Optics
    shift : (float, float)
        Registration error, [m].

    Notes
    -----
    Land is blurred once and read between cells by linear interpolation; patches get the
    same two steps as one small matrix per axis, so the seams are exact.
    """
    seen = np.zeros((len(COMPONENTS), *grid.shape), np.float32)
    first_row, row_share = _split(shift[0])
    first_column, column_share = _split(shift[1])
    for component, layer in land.items():
        above = _every_pixel(layer, first_row, grid.height, 0)
        below = _every_pixel(layer, first_row + 1, grid.height, 0)
        lines = above + np.float32(row_share) * (below - above)
        left = _every_pixel(lines, first_column, grid.width, 1)
        right = _every_pixel(lines, first_column + 1, grid.width, 1)
        seen[component] = left + np.float32(column_share) * (right - left)
    for patch, layers in patches:
        rows, row_weights = _sampling(patch.row, layers.shape[1], shift[0], lens, grid.height)
        columns, column_weights = _sampling(
            patch.column, layers.shape[2], shift[1], lens, grid.width
        )
        for component, layer in zip(patch.components, layers, strict=True):
            if layer.any():
                seen[component, rows, columns] += row_weights @ layer @ column_weights.T
    return seen


def _split(shift: float) -> tuple[int, float]:
    """Cell at or before the centre of the first pixel, and the way to the next."""
    position = MARGIN_PIXELS * CELLS_PER_PIXEL + _CENTRE + shift / CELL_M
    cell = int(np.floor(position))
    return cell, position - cell


def _every_pixel(
    layer: NDArray[np.float32], first: int, count: int, axis: int
) -> NDArray[np.float32]:
    picked = slice(first, first + CELLS_PER_PIXEL * (count - 1) + 1, CELLS_PER_PIXEL)
    return layer[picked] if axis == 0 else layer[:, picked]


def _sampling(
    start: int, length: int, shift: float, lens: Optics, n_pixels: int
) -> tuple[slice, NDArray[np.float32]]:
    """Pixels that see any of `length` cells from `start`, and their weights (pixel, cell)."""
    first, share = _split(shift)
    low = max(0, -(-(start - lens.reach - 1 - first) // CELLS_PER_PIXEL))
    high = min(n_pixels, (start + length + lens.reach - first) // CELLS_PER_PIXEL + 1)
    pixels = np.arange(low, max(low, high))
    offset = start + np.arange(length)[None, :] - (first + CELLS_PER_PIXEL * pixels[:, None])
    padded = np.concatenate([[0.0], lens.weights, [0.0, 0.0]]).astype(np.float32)

    def weight(distance: NDArray[np.intp]) -> NDArray[np.float32]:
        place = np.clip(distance + lens.reach + 1, 0, padded.size - 1)
        return padded[place]

    near, far = weight(offset), weight(offset - 1)
    return slice(low, max(low, high)), near + np.float32(share) * (far - near)


def component_spectra(world: World, scene: Overpass) -> NDArray[np.float64]:
    """Reflectance of each component on the day of a scene, (component, band)."""
    spectra = np.zeros((len(COMPONENTS), 6))
    shadow = spectrum("shadow")
    for kind, name in enumerate(LEAFY):
        # crops and grass hardly shade themselves
        shaded = world.canopy_shadow * (1.0 if kind < 2 else 0.3)
        floor = floor_spectrum(world, name)
        leaf = (1 - shaded) * leaf_spectrum(world, name) + shaded * shadow
        vigour = season_factor(world, name, scene) * weather_factor(kind, scene.weather)
        spectra[kind] = vigour * leaf + (1 - vigour) * floor
        spectra[FLOOR + kind] = floor
    spectra[TOWN_COMPONENT], spectra[WATER_COMPONENT] = spectrum("town"), spectrum("water")
    spectra[BARE_RED] = floor_spectrum(world, "bare_red")
    spectra[BARE_GREY] = floor_spectrum(world, "bare_grey")
    spectra[PANEL], spectra[ROCK_COMPONENT] = spectrum("panel"), spectrum("rock")
    return spectra


def season_factor(world: World, kind: str, scene: Overpass) -> float:
    """Share of full leaf of a kind of land on the day of a scene."""
    season = tables()["season"]
    day = scene.date.timetuple().tm_yday - scene.season_shift_days
    full = float(np.interp(day, season["day"], season[kind]))
    return 1.0 - world.season_depth * (1.0 - full)


def light_on_slopes(elevation: NDArray[np.float32], scene: Overpass) -> NDArray[np.float32]:
    """Light on each pixel relative to flat ground, (band, y, x)."""
    down, right = np.gradient(elevation, PIXEL_M)
    zenith, azimuth = np.radians(90 - scene.sun_elevation_deg), np.radians(scene.sun_azimuth_deg)
    # the normal of the ground points along (-dz/dx, -dz/dy, 1), and y runs north
    along = (-right * np.sin(azimuth) + down * np.cos(azimuth)) * np.sin(zenith)
    cosine = (along + np.cos(zenith)) / np.sqrt(1 + right**2 + down**2)
    ratio = np.clip(cosine / np.cos(zenith), 0.1, 1.8) - 1
    return np.asarray(1 + _DIRECT[:, None, None] * ratio, dtype=np.float32)


def reflectance(
    seen: NDArray[np.float32], spectra: NDArray[np.float64], light: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Linear mixture of the components under the light of the scene, (band, y, x)."""
    mixed = np.zeros_like(light)
    for band in range(spectra.shape[1]):
        for component in range(len(COMPONENTS)):
            mixed[band] += np.float32(spectra[component, band]) * seen[component]
    mixed *= light
    return mixed


def surface_temperature(
    seen: NDArray[np.float32],
    light: NDArray[np.float32],
    elevation: NDArray[np.float32],
    scene: Overpass,
    air_k: float,
) -> NDArray[np.float32]:
    """Temperature of the ground before clouds, (y, x), [K].

    Notes
    -----
    Bare ground in the sun is up to 18 K above the air, closed forest 2 K; 6.5 K are lost
    per kilometre of height; the thermal pixel is several times larger than 30 m.
    """
    leaves = seen[: len(LEAFY)].sum(axis=0)
    wet = seen[WATER_COMPONENT]
    warming = (18.0 - 16.0 * leaves) * (1 - wet)
    strength = np.sin(np.radians(scene.sun_elevation_deg))
    height_km = (elevation - np.float32(elevation.mean())) / 1000.0
    kelvin = air_k + warming * np.float32(strength) * light[-1] - 6.5 * height_km
    spread_px = tables()["sensor"][scene.sensor]["thermal_sd_m"] / PIXEL_M
    return np.asarray(ndimage.gaussian_filter(kelvin.astype(np.float32), spread_px))
