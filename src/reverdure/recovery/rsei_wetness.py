"""Tasselled-cap wetness by sensor and product, and one set for a series of several sensors."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import UnknownOption
from reverdure.recovery.constants import table
from reverdure.recovery.harmonise import harmonisation

PRODUCTS = ("surface_reflectance", "toa")
"""What the reflectance is: at the ground, or at the top of the atmosphere."""


@dataclass(frozen=True, slots=True)
class WetnessSet:
    """One row of `data/rsei_wetness.toml`.

    Attributes
    ----------
    name : str
    sensors : tuple of str
    product : str
        One of `PRODUCTS`.
    family : str
        Sensors whose bands lie alike: "tm", "oli" or "msi".
    coefficients : tuple of float
        Of blue, green, red, nir, swir1, swir2.
    source, status : str
    """

    name: str
    sensors: tuple[str, ...]
    product: str
    family: str
    coefficients: tuple[float, ...]
    source: str
    status: str


@cache
def wetness_sets() -> dict[str, WetnessSet]:
    """All sets by name.

    Examples
    --------
    >>> wetness_sets()["oli_sr"].sensors
    ('LC08', 'LC09')
    """
    return {
        name: WetnessSet(
            name, tuple(row["sensors"]), row["product"], row["family"],
            tuple(row["coefficients"]), row["source"], row["status"],
        )
        for name, row in table("rsei_wetness")["set"].items()
    }  # fmt: skip


def wetness_set(sensors: Iterable[str], product: str = "surface_reflectance") -> WetnessSet:
    """The set for one sensor, or one for all of several.

    Parameters
    ----------
    sensors : iterable of str
        Landsat sensor codes as in product ids ("LT05", "LC08"), or "S2A".
    product : {"surface_reflectance", "toa"}

    Raises
    ------
    UnknownOption
        If a sensor has no set for the product, or several sensors have no set in common.

    Notes
    -----
    TM or ETM+ with OLI take the set of TM on surface reflectance; `band_change` brings OLI
    to TM, so that the change of sensor is no change of land.

    Examples
    --------
    >>> wetness_set(["LC08"]).name, wetness_set(["LT05", "LC08"]).name
    ('oli_sr', 'tm_sr')
    """
    if product not in PRODUCTS:
        raise UnknownOption(f"product {product!r} is not known; use {' or '.join(PRODUCTS)}.")
    sets = [one for one in wetness_sets().values() if one.product == product]
    found = {}
    for sensor in sorted(set(sensors)):
        fitting = [one for one in sets if sensor in one.sensors]
        if not fitting:
            known = ", ".join(sorted({name for one in sets for name in one.sensors}))
            raise UnknownOption(
                f"sensor {sensor!r} has no wetness coefficients for {product}; known are {known}.",
                "Add a row with its source to recovery/data/rsei_wetness.toml.",
            )
        found[fitting[0].name] = fitting[0]
    if not found:
        raise UnknownOption("no sensor given.", "Say sensor='LC08', or one for each year.")
    if len(found) == 1:
        return next(iter(found.values()))
    if set(found) == {"tm_sr", "oli_sr"}:
        return found["tm_sr"]
    raise UnknownOption(
        f"no wetness set serves {', '.join(sorted(found))} together.",
        "Compute the sensors apart.",
    )


def band_change(sensor: str, to: WetnessSet) -> NDArray[np.float64]:
    """Factor and offset that bring the reflectance of a sensor to the bands of a set.

    Returns
    -------
    (6, 2) float64
        1 and 0 where the sensor is of the set's family.

    Raises
    ------
    UnknownOption
        If there is no relation between the two.

    References
    ----------
    Roy, D. P. et al. (2016). Characterization of Landsat-7 to Landsat-8 reflective
    wavelength and normalized difference vegetation index continuity. Remote Sensing of
    Environment 185, 57-70. doi:10.1016/j.rse.2015.12.024

    Examples
    --------
    >>> band_change("LC08", wetness_sets()["tm_sr"]).round(3)[3].tolist()
    [0.993, 0.002]
    """
    family = wetness_set([sensor], to.product).family
    same = np.column_stack([np.ones(6), np.zeros(6)])
    if family == to.family:
        return same
    if to.product != "surface_reflectance" or {family, to.family} != {"tm", "oli"}:
        raise UnknownOption(f"{sensor} cannot be brought to the wetness set {to.name}.")
    lines = harmonisation("roy2016")
    if to.family == "oli":
        return np.column_stack([lines.slope, lines.intercept])
    change = lines.change(sensor)
    return same if change is None else change
