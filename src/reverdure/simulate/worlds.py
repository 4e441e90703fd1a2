"""Worlds: the settings a simulated county is made with, drawn within stated ranges.

A constant fitted on one world is judged on the others, so a world is drawn from its
number and never chosen; the ranges below are the only place where its width is decided.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import UnknownOption

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "leaf_mix": (0.0, 1.0),
        "floor_mix": (0.0, 1.0),
        "canopy_shadow": (0.15, 0.30),
        "psf_older_px": (1.15, 1.50),
        "psf_newer_px": (1.05, 1.35),
        "registration_older_m": (3.5, 7.0),
        "registration_newer_m": (2.0, 5.0),
        "noise_factor": (0.7, 1.6),
        "calibration_sd": (0.010, 0.030),
        "haze_share": (0.15, 0.45),
        "haze_depth": (0.03, 0.10),
        "cloud_omission": (0.10, 0.30),
        "poor_year_share": (0.05, 0.15),
        "weather_sd": (0.02, 0.06),
        "season_depth": (0.7, 1.2),
        "season_shift_days": (3.0, 10.0),
        "patchiness": (0.10, 0.30),
        "terrain_m": (60.0, 140.0),
        "bare_cover": (0.02, 0.05),
        "regrowth_years": (1.5, 3.5),
        "canopy_lag_years": (2.0, 5.0),
        "outline_shift_m": (3.0, 7.0),
        "outline_wobble_m": (1.5, 4.0),
        "outline_dilation_m": (1.5, 4.0),
        "cover_error_share": (0.05, 0.25),
    }
)


@dataclass(frozen=True, slots=True)
class World:
    """Settings of a world; each lies in the range of the same name in `RANGES`.

    Attributes
    ----------
    number : int
        Number it was drawn from.
    leaf_mix, floor_mix : float
        Place between the first and the second set of leaf and of soil spectra.
    canopy_shadow : float
        Share of a closed canopy that lies in its own shadow.
    psf_older_px, psf_newer_px : float
        Full width at half maximum of the point-spread function of TM and ETM+, and of
        OLI, [pixels of 30 m].
    registration_older_m, registration_newer_m : float
        Standard deviation of a scene's shift along each axis, [m].
    noise_factor : float
        Multiplies the noise of each sensor.
    calibration_sd : float
        Standard deviation of a scene's gain in each band.
    haze_share, haze_depth : float
        Share of scenes with haze that QA does not see, and its mean depth.
    cloud_omission : float
        Cloud opacity under which QA sees nothing.
    poor_year_share : float
        Share of years with one or two mostly cloudy scenes.
    weather_sd : float
        Standard deviation of a year's factor on cover of grass.
    season_depth, season_shift_days : float
        Strength of the seasonal course, and standard deviation of its yearly shift.
    patchiness : float
        Standard deviation of cover between 5 m cells, relative to its mean.
    terrain_m : float
        Standard deviation of elevation, [m].
    bare_cover : float
        Mean cover of bare mine land.
    regrowth_years, canopy_lag_years : float
        Mean time constants of cover, and of trees taking over from herbs.
    outline_shift_m, outline_wobble_m, outline_dilation_m : float
        Standard deviations of the errors of stated outlines, [m].
    cover_error_share : float
        Share of the map of land cover that is wrong.
    """

    number: int
    leaf_mix: float
    floor_mix: float
    canopy_shadow: float
    psf_older_px: float
    psf_newer_px: float
    registration_older_m: float
    registration_newer_m: float
    noise_factor: float
    calibration_sd: float
    haze_share: float
    haze_depth: float
    cloud_omission: float
    poor_year_share: float
    weather_sd: float
    season_depth: float
    season_shift_days: float
    patchiness: float
    terrain_m: float
    bare_cover: float
    regrowth_years: float
    canopy_lag_years: float
    outline_shift_m: float
    outline_wobble_m: float
    outline_dilation_m: float
    cover_error_share: float


def draw_world(number: int) -> World:
    """World of a number, each setting uniform in its range.

    Parameters
    ----------
    number : int
        From 1; the same number is always the same world.

    Returns
    -------
    World

    Raises
    ------
    UnknownOption
        If `number` is below 1.

    Examples
    --------
    >>> draw_world(2) == draw_world(2), draw_world(2) == draw_world(3)
    (True, False)
    """
    if number < 1:
        raise UnknownOption(f"worlds are numbered from 1, got {number}.")
    rng = np.random.default_rng([number, 20_241_101])
    drawn = {name: round(float(rng.uniform(*ends)), 4) for name, ends in RANGES.items()}
    return World(number=number, **drawn)


@cache
def tables() -> Mapping[str, Any]:
    """The constants of `data/spectra.toml`."""
    text = files("reverdure.simulate").joinpath("data/spectra.toml").read_text("utf-8")
    return MappingProxyType(tomllib.loads(text))


def spectrum(name: str) -> NDArray[np.float64]:
    """Reflectance of an end member of the table `other`, (band,)."""
    return np.array(tables()["other"][name])


def leaf_spectrum(world: World, kind: str) -> NDArray[np.float64]:
    """Closed vegetation of a kind of land in this world, (band,)."""
    return _between(tables()["leaf"], kind, world.leaf_mix)


def floor_spectrum(world: World, kind: str) -> NDArray[np.float64]:
    """What shows between the leaves, or bare mine land, in this world, (band,)."""
    return _between(tables()["floor"], kind, world.floor_mix)


def _between(sets: Mapping[str, Any], kind: str, share: float) -> NDArray[np.float64]:
    first, second = np.array(sets["first"][kind]), np.array(sets["second"][kind])
    return np.asarray((1.0 - share) * first + share * second)
