"""Between the land and the sensor: haze, clouds and their shadows, noise, and QA."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from reverdure.core.grid import Grid
from reverdure.simulate.landscape import WATER_COMPONENT
from reverdure.simulate.passes import Overpass
from reverdure.simulate.randomness import smooth_field
from reverdure.simulate.worlds import World, spectrum, tables

# room around a scene from which clouds throw shadows into it, [pixels]
_ROOM = 48
_HAZE_BRIGHTNESS = 0.38
_SHADOW_DEPTH = np.array([0.50, 0.55, 0.60, 0.66, 0.72, 0.75], np.float32)


@dataclass(frozen=True, eq=False)
class Sky:
    """State of the sky over a scene, all (y, x) float32 in 0..1.

    Attributes
    ----------
    cloud, shadow : (y, x) float32
        Opacity of clouds, and of their shadows on the ground.
    haze : (y, x) float32
        Depth of haze in the blue.
    """

    cloud: NDArray[np.float32]
    shadow: NDArray[np.float32]
    haze: NDArray[np.float32]


def make_sky(world: World, grid: Grid, scene: Overpass, rng: np.random.Generator) -> Sky:
    """Draw clouds, their shadows and haze."""
    haze = np.zeros(grid.shape, np.float32)
    if rng.random() < world.haze_share:
        depth = rng.exponential(world.haze_depth)
        patchy = 1 + 0.5 * smooth_field(rng, grid.shape, 60)
        haze = np.clip(depth * patchy, 0, 0.3).astype(np.float32)
    if scene.cloud_share == 0:
        clear = np.zeros(grid.shape, np.float32)
        return Sky(clear, clear, haze)
    shape = (grid.height + 2 * _ROOM, grid.width + 2 * _ROOM)
    field = (
        smooth_field(rng, shape, 60)
        + 0.7 * smooth_field(rng, shape, 20)
        + 0.35 * smooth_field(rng, shape, 6)
    )
    edge = np.quantile(field, 1 - scene.cloud_share)
    opacity = np.clip((field - edge) / 0.5, 0, 1).astype(np.float32)
    # height over the tangent of the sun's elevation, away from the sun
    length_px = rng.uniform(700, 1800) / np.tan(np.radians(scene.sun_elevation_deg)) / grid.pixel
    azimuth = np.radians(scene.sun_azimuth_deg)
    down = int(np.clip(round(length_px * np.cos(azimuth)), -_ROOM, _ROOM))
    right = int(np.clip(round(-length_px * np.sin(azimuth)), -_ROOM, _ROOM))
    rows = slice(_ROOM - down, _ROOM - down + grid.height)
    columns = slice(_ROOM - right, _ROOM - right + grid.width)
    return Sky(opacity[_ROOM:-_ROOM, _ROOM:-_ROOM], opacity[rows, columns], haze)


def through_sky(ground: NDArray[np.float32], sky: Sky) -> NDArray[np.float32]:
    """Reflectance above the sky, as a correction that knows neither haze nor cloud leaves it."""
    haze, cloud = spectrum("haze").astype(np.float32), spectrum("cloud").astype(np.float32)
    seen = np.empty_like(ground)
    for band in range(ground.shape[0]):
        lit = ground[band] * (1 - _SHADOW_DEPTH[band] * sky.shadow)
        veil = haze[band] * sky.haze
        lit = lit * (1 - veil) + np.float32(_HAZE_BRIGHTNESS) * veil
        seen[band] = lit + sky.cloud * (cloud[band] - lit)
    return seen


def measured(
    world: World, sensor: str, seen: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Reflectance with the scene's calibration error and the sensor's noise, (band, y, x).

    Notes
    -----
    Part of the noise is smooth over a few pixels, as what a resampled image and a
    patchwise atmospheric correction leave.
    """
    settings = tables()["sensor"][sensor]
    shape = (seen.shape[1], seen.shape[2])
    gains = np.array(settings["band_gain"]) * np.exp(
        rng.normal(0, world.calibration_sd, 1) + rng.normal(0, world.calibration_sd / 3, 6)
    )
    offsets = rng.normal(0, [0.005, 0.004, 0.003, 0.003, 0.003, 0.002])
    shared = smooth_field(rng, shape, 12)
    result = np.empty_like(seen)
    for band in range(seen.shape[0]):
        noise_sd = np.float32(settings["noise"][band] * world.noise_factor)
        white = rng.standard_normal(shape, dtype=np.float32)
        result[band] = seen[band] * np.float32(gains[band]) + np.float32(offsets[band])
        result[band] += noise_sd * (np.float32(0.9) * white + np.float32(0.4) * shared)
        # what grows with the signal: detector differences and view angle
        result[band] += np.float32(0.006) * seen[band] * white
    return result


def quality(
    world: World, scene: Overpass, sky: Sky, seen: NDArray[np.float32]
) -> NDArray[np.uint16]:
    """QA_PIXEL of a scene, with the bits of Collection 2, (y, x) uint16.

    Notes
    -----
    Bits: 1 dilated cloud, 2 cirrus, 3 cloud, 4 shadow, 6 clear, 7 water, then pairs of
    confidence for cloud, shadow, snow and cirrus (Landsat 8 only), where 1 is low and 3
    is high. Clouds thinner than the world's omission are not seen.
    """
    is_newer = scene.sensor == "LC08"
    square = np.ones((3, 3), bool)
    cloud = sky.cloud > world.cloud_omission
    wide = ndimage.binary_dilation(cloud, square, iterations=3)
    dilated = wide & ~cloud
    shadow = ndimage.binary_dilation(sky.shadow > world.cloud_omission, square, iterations=2)
    shadow &= ~wide
    water = (seen[WATER_COMPONENT] > 0.6) & ~cloud
    cirrus = (sky.haze > 0.16) & is_newer
    bits = [(1, dilated), (2, cirrus), (3, cloud), (4, shadow), (6, ~wide), (7, water)]
    result = np.zeros(cloud.shape, np.uint16)
    for position, here in bits:
        result |= here.astype(np.uint16) << np.uint16(position)
    pairs = [(8, cloud), (10, shadow), (12, np.zeros_like(cloud))]
    if is_newer:
        pairs.append((14, cirrus))
    for position, is_high in pairs:
        level = np.where(is_high, 3, 1).astype(np.uint16)
        result |= level << np.uint16(position)
    return result


def missing_lines(grid: Grid, scene: Overpass, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Pixels without data: the stripes of Landsat 7 after 2003, else none."""
    if scene.sensor != "LE07":
        return np.zeros(grid.shape, bool)
    rows = np.arange(grid.height)[:, None]
    columns = np.arange(grid.width)[None, :]
    # stripes lie across the path, a third of a scene from its middle
    phase = (rows + 0.14 * columns + rng.uniform(0, 33)) % 33
    return np.asarray(phase < 8 + 3 * columns / grid.width)
