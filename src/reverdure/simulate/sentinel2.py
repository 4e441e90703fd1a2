"""Sentinel-2 over the same land: its own optics, registration, spectral response and sky.

Pixels of 10 and 20 m are cut from the same cells of 5 m that Landsat sees, so that what
both show of a mine differs as the real sensors differ, and by nothing else.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.core.records import OnProgress, Progress
from reverdure.simulate.atmosphere import Sky, make_sky, through_sky
from reverdure.simulate.landscape import CELL_M, COMPONENTS, WATER_COMPONENT, Landscape
from reverdure.simulate.passes import Overpass, overpasses, sun_position
from reverdure.simulate.patches import Patch
from reverdure.simulate.randomness import smooth_field, stream
from reverdure.simulate.sensor import Optics, blurred_land, component_spectra, light_on_slopes
from reverdure.simulate.sentinel2_products import Sentinel2Image, write_item
from reverdure.simulate.worlds import BANDS, World

if TYPE_CHECKING:
    from reverdure.simulate.county import County

FIRST_YEAR = 2016
PIXEL_M, COARSE_M = 10.0, 20.0

# what is not drawn with the world: uniform ranges, a draw for each world's number
RANGES = {
    "psf_10m": (12.0, 15.0),
    "psf_20m": (20.0, 25.0),
    "registration_m": (1.5, 4.5),
    "noise_factor": (0.7, 1.5),
    "calibration_sd": (0.008, 0.020),
    "cloud_omission": (0.15, 0.35),
}
_SMALLEST_GAIN, _LARGEST_GAIN = 0.01, 0.03
_NOISE = np.array([0.0020, 0.0020, 0.0022, 0.0040, 0.0030, 0.0028])
_FWHM_PER_SD = 2.3548
_LARGEST_SHIFT_M = 12.0
# the pictures leave out this much of the land around, where no mine is
_INSET_M = 1800.0
_EPOCH = {"S2A": datetime.date(2016, 6, 3), "S2B": datetime.date(2017, 7, 8)}
_CYCLE_DAYS = 10
_SEASON = ((6, 1), (9, 30))


@dataclass(frozen=True, eq=False)
class Camera:
    """How Sentinel-2 sees in one world.

    Attributes
    ----------
    psf_10m, psf_20m : float
        Full width at half maximum of the point-spread function of the bands, [m].
    registration_m : float
        Standard deviation of a scene's place along each axis, [m].
    noise_factor : float
        Multiplies the noise.
    calibration_sd : float
        Standard deviation of a scene's gain.
    cloud_omission : float
        Cloud opacity under which the scene classification sees nothing.
    gain, offset : (band,) float64
        Other spectral response: what is reported of a reflectance r is gain * r + offset.
    """

    psf_10m: float
    psf_20m: float
    registration_m: float
    noise_factor: float
    calibration_sd: float
    cloud_omission: float
    gain: NDArray[np.float64]
    offset: NDArray[np.float64]


def draw_camera(world: World) -> Camera:
    """Camera of a world; the same number is always the same camera."""
    rng = np.random.default_rng([world.number, 20_150_623])
    drawn = {name: float(rng.uniform(*ends)) for name, ends in RANGES.items()}
    sign = rng.choice([-1.0, 1.0], len(BANDS))
    gain = 1.0 + sign * rng.uniform(_SMALLEST_GAIN, _LARGEST_GAIN, len(BANDS))
    return Camera(**drawn, gain=gain, offset=rng.normal(0, 0.002, len(BANDS)))


@dataclass(frozen=True, eq=False)
class _View:
    """Land seen at one pixel size: blurred once, sampled for every scene."""

    grid: Grid
    lens: Optics
    land: dict[int, NDArray[np.float32]]
    first: tuple[int, int]
    origin: tuple[int, int]

    @property
    def cells(self) -> int:
        return round(self.grid.pixel / CELL_M)

    def shares(
        self,
        patches: Sequence[tuple[Patch, NDArray[np.float32]]],
        shift: tuple[float, float],
    ) -> NDArray[np.float32]:
        """Share of every component in every pixel, (component, y, x)."""
        seen = np.zeros((len(COMPONENTS), *self.grid.shape), np.float32)
        places = [self._split(axis, shift[axis]) for axis in (0, 1)]
        for component, layer in self.land.items():
            lines = self._sampled(layer, places[0], 0)
            seen[component] = self._sampled(lines, places[1], 1)
        for patch, layers in patches:
            rows, down = self._weights(0, patch.row, layers.shape[1], shift[0])
            columns, across = self._weights(1, patch.column, layers.shape[2], shift[1])
            if down.size == 0 or across.size == 0:
                continue
            part = down @ layers @ across.T
            for component, values in zip(patch.components, part, strict=True):
                seen[component, rows, columns] += values
        return seen

    def _split(self, axis: int, shift: float) -> tuple[int, float]:
        """Cell at or before the centre of the first pixel, and the way to the next."""
        position = self.first[axis] + (self.cells - 1) / 2 + shift / CELL_M
        cell = int(np.floor(position))
        return cell, position - cell

    def _sampled(
        self, layer: NDArray[np.float32], place: tuple[int, float], axis: int
    ) -> NDArray[np.float32]:
        cell, share = place
        start = cell - self.origin[axis]
        stop = self.cells * (self.grid.shape[axis] - 1) + 1
        near, far = (
            layer[(slice(None),) * axis + (slice(at, at + stop, self.cells),)]
            for at in (start, start + 1)
        )
        return np.asarray(near + np.float32(share) * (far - near))

    def _weights(
        self, axis: int, start: int, length: int, shift: float
    ) -> tuple[slice, NDArray[np.float32]]:
        """Pixels that see any of `length` cells from `start`, and weights (pixel, cell)."""
        first, share = self._split(axis, shift)
        reach, n = self.lens.reach, self.cells
        low = max(0, -(-(start - reach - 1 - first) // n))
        high = min(self.grid.shape[axis], (start + length + reach - first) // n + 1)
        pixels = np.arange(low, max(low, high))
        offset = start + np.arange(length)[None, :] - (first + n * pixels[:, None])
        padded = np.concatenate([[0.0], self.lens.weights, [0.0, 0.0]]).astype(np.float32)
        near, far = (
            padded[np.clip(distance + reach + 1, 0, padded.size - 1)]
            for distance in (offset, offset - 1)
        )
        return slice(low, max(low, high)), near + np.float32(share) * (far - near)


def sentinel2_grid(landscape: Landscape) -> Grid:
    """Grid of the 10 m bands: corners at whole multiples of 20 m, as real tiles have them."""
    west, south, east, north = landscape.grid.bounds
    left, top = (np.ceil((west + _INSET_M) / 20) * 20, np.floor((north - _INSET_M) / 20) * 20)
    width, height = int((east - _INSET_M - left) // 20) * 2, int((top - south - _INSET_M) // 20) * 2
    return Grid(landscape.grid.crs, float(left), float(top), PIXEL_M, height, width)


def write_sentinel2(folder: Path, county: "County", on_progress: OnProgress | None = None) -> int:
    """Take and write all Sentinel-2 scenes of a county, from 2016 on.

    Parameters
    ----------
    folder : Path
        Folder of all scenes; each gets a folder of its own.
    county : County
    on_progress : callable, optional
        Told after every scene.

    Returns
    -------
    int
        Scenes written.
    """
    camera = draw_camera(county.world)
    scenes = sentinel2_overpasses(county)
    if not scenes:
        return 0
    views = _views(county, camera)
    year = 0
    for done, scene in enumerate(scenes, start=1):
        if scene.date.year != year:
            year = scene.date.year
            layers = [(patch, patch.layers(year)) for patch in county.patches]
        rng = stream(county.seed, "sentinel2 scene", scene.number)
        image = _take(county, camera, views, scene, layers, rng)
        write_item(folder, views[0].grid, scene, image, rng)
        if on_progress is not None:
            on_progress(Progress("simulate", done, len(scenes)))
    return len(scenes)


def sentinel2_overpasses(county: "County") -> list[Overpass]:
    """Scenes by date: 3 to 5 in the season of a year, fewer in years of bad weather.

    Weather and the shift of the season are those of the Landsat scenes of the year.
    """
    landsat = overpasses(county.world, county.record, county.weather, county.seed)
    scenes: list[Overpass] = []
    for year in range(max(FIRST_YEAR, county.record.first), county.record.last + 1):
        same_year = [scene for scene in landsat if scene.date.year == year]
        is_poor = bool(np.mean([scene.cloud_share for scene in same_year]) > 0.5)
        rng = stream(county.seed, "sentinel2 passes", year)
        days = _days(year)
        count = int(rng.integers(1, 4)) if is_poor else int(rng.integers(3, 6))
        for place in sorted(rng.permutation(len(days))[:count]):
            sensor, date = days[place]
            elevation, azimuth = sun_position(date)
            cloudy = float(rng.uniform(0.4, 0.9)) if is_poor else float(rng.beta(1.1, 2.6))
            scenes.append(
                Overpass(
                    number=len(scenes),
                    sensor=sensor,
                    date=date,
                    cloud_share=0.0 if rng.random() < 0.2 else cloudy,
                    sun_elevation_deg=elevation,
                    sun_azimuth_deg=azimuth,
                    season_shift_days=same_year[0].season_shift_days,
                    weather=same_year[0].weather,
                )
            )
    return scenes


def _days(year: int) -> list[tuple[str, datetime.date]]:
    """Passes in the season of a year, by date."""
    first, last = (datetime.date(year, *day) for day in _SEASON)
    found = []
    for sensor, epoch in _EPOCH.items():
        start = first + datetime.timedelta(days=(epoch - first).days % _CYCLE_DAYS)
        days = (start + datetime.timedelta(days=_CYCLE_DAYS * i) for i in range(13))
        found += [(sensor, day) for day in days if max(first, epoch) <= day <= last]
    return sorted(found, key=lambda item: item[1])


def _views(county: "County", camera: Camera) -> tuple[_View, _View]:
    """The land through the optics of the 10 m and of the 20 m bands."""
    landscape = county.landscape
    fine = sentinel2_grid(landscape)
    coarse = replace(fine, pixel=COARSE_M, height=fine.height // 2, width=fine.width // 2)
    changing = np.zeros(landscape.cells.shape, bool)
    for patch in county.patches:
        changing[patch.slices] |= patch.label > 0
    first = (
        round((landscape.cells.north - fine.north) / CELL_M),
        round((fine.west - landscape.cells.west) / CELL_M),
    )
    views = []
    for grid, fwhm in ((fine, camera.psf_10m), (coarse, camera.psf_20m)):
        lens = _lens(fwhm)
        pad = 2 * lens.reach + int(_LARGEST_SHIFT_M / CELL_M) + 4
        sides = [round(side * grid.pixel / CELL_M) for side in grid.shape]
        window = tuple(
            slice(start - pad, start + side + pad) for start, side in zip(first, sides, strict=True)
        )
        cut = replace(
            landscape,
            kind=landscape.kind[window],
            cover=landscape.cover[window],
            brightness=landscape.brightness[window],
        )
        land = blurred_land(cut, changing[window], lens)
        views.append(_View(grid, lens, land, first, (first[0] - pad, first[1] - pad)))
    return views[0], views[1]


def _lens(fwhm_m: float) -> Optics:
    sigma = fwhm_m / _FWHM_PER_SD / CELL_M
    reach = int(np.ceil(4 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return Optics("S2", (weights / weights.sum()).astype(np.float32))


def _take(
    county: "County",
    camera: Camera,
    views: tuple[_View, _View],
    scene: Overpass,
    layers: Sequence[tuple[Patch, NDArray[np.float32]]],
    rng: np.random.Generator,
) -> Sentinel2Image:
    """One scene, from the land through optics and sky to what is delivered."""
    shift = rng.normal(0, camera.registration_m, 2).clip(-_LARGEST_SHIFT_M, _LARGEST_SHIFT_M)
    spectra = component_spectra(county.world, scene).astype(np.float32)
    light = light_on_slopes(county.landscape.elevation, scene)
    sky = make_sky(county.world, views[1].grid, scene, rng)
    gains = camera.gain * np.exp(
        rng.normal(0, camera.calibration_sd, 1)
        + rng.normal(0, camera.calibration_sd / 3, len(BANDS))
    )
    offsets = camera.offset + rng.normal(0, [0.005, 0.004, 0.003, 0.003, 0.003, 0.002])
    pictures: list[NDArray[np.float32]] = []
    for view, bands in zip(views, (slice(0, 4), slice(0, 6)), strict=True):
        seen = view.shares(layers, (float(shift[0]), float(shift[1])))
        mixed = np.tensordot(spectra[:, bands].T, seen, 1)
        mixed *= _onto(light[bands], county.landscape.grid, view.grid)
        above = through_sky(mixed, sky if view is views[1] else _finer(sky))
        pictures.append(_measured(above, gains, offsets, camera.noise_factor, rng))
    fine, coarse = pictures
    shade = _onto(light[3:4], county.landscape.grid, views[1].grid)[0]
    classes = _classes(camera, fine, sky, seen[WATER_COMPONENT], shade)
    missing = _outside_swath(views[1].grid, rng)
    classes[missing] = 0
    return Sentinel2Image(fine, coarse[4:], classes, missing)


def _finer(sky: Sky) -> Sky:
    return Sky(*(part.repeat(2, 0).repeat(2, 1) for part in (sky.cloud, sky.shadow, sky.haze)))


def _onto(light: NDArray[np.float32], source: Grid, target: Grid) -> NDArray[np.float32]:
    """Layers of the 30 m grid at the pixel centres of another, bilinear."""
    step = target.pixel / source.pixel
    rows = (source.north - target.north) / source.pixel + (np.arange(target.height) + 0.5) * step
    columns = (target.west - source.west) / source.pixel + (np.arange(target.width) + 0.5) * step
    lines = _between(light, rows - 0.5, 1)
    return _between(lines, columns - 0.5, 2)


def _between(
    layers: NDArray[np.float32], position: NDArray[np.floating], axis: int
) -> NDArray[np.float32]:
    low = np.floor(position).astype(np.intp)
    shape = [1, 1, 1]
    shape[axis] = position.size
    share = (position - low).astype(np.float32).reshape(shape)
    near, far = layers.take(low, axis), layers.take(low + 1, axis)
    return np.asarray(near + share * (far - near), np.float32)


def _measured(
    above: NDArray[np.float32],
    gains: NDArray[np.float64],
    offsets: NDArray[np.float64],
    noise_factor: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """What is reported: gain, offset, white noise, and some that is smooth."""
    shape = (above.shape[1], above.shape[2])
    shared = smooth_field(rng, shape, 12)
    result = np.empty_like(above)
    for band in range(above.shape[0]):
        white = rng.standard_normal(shape, dtype=np.float32)
        noise = np.float32(_NOISE[band] * noise_factor)
        result[band] = above[band] * np.float32(gains[band]) + np.float32(offsets[band])
        result[band] += noise * (np.float32(0.9) * white + np.float32(0.4) * shared)
        result[band] += np.float32(0.005) * above[band] * white
    return result


def _classes(
    camera: Camera,
    fine: NDArray[np.float32],
    sky: Sky,
    water: NDArray[np.float32],
    shade: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Scene classification, (y, x) uint8 of 20 m; clouds thinner than the omission are missed."""
    height, width = water.shape
    red, nir = (
        fine[band].reshape(height, 2, width, 2).mean(axis=(1, 3), dtype=np.float64)
        for band in (2, 3)
    )
    greenness = (nir - red) / np.maximum(nir + red, 1e-3)
    classes = np.full(water.shape, 7, np.uint8)
    classes[greenness > 0.40] = 4
    classes[greenness < 0.35] = 5
    classes[shade < 0.35] = 2
    classes[water > 0.6] = 6
    classes[sky.shadow > 1.2 * camera.cloud_omission] = 3
    classes[sky.haze > 0.16] = 10
    classes[sky.cloud > camera.cloud_omission] = 8
    classes[sky.cloud > 0.6] = 9
    return classes


def _outside_swath(grid: Grid, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Pixels of 20 m beyond the edge of the swath, which runs a little off north."""
    missing = np.zeros(grid.shape, bool)
    if rng.random() < 0.2:
        rows, columns = np.indices(grid.shape)
        edge = rng.uniform(-0.1, 0.3) * grid.width + 0.2 * rows
        missing = columns < edge if rng.random() < 0.5 else grid.width - columns < edge
    return np.asarray(missing)
