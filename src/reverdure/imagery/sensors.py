"""What Landsat Collection 2 Level-2 files mean: bands, quality bits, scaling.

The numbers and their sources stand in `data/landsat.toml`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

REFLECTIVE = ("blue", "green", "red", "nir", "swir1", "swir2")
"""Canonical names of the reflectance bands, in order."""

THERMAL = "thermal"
"""Canonical name of the surface temperature band."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Number in the file -> physical value, `multiply * number + add`.

    Attributes
    ----------
    multiply, add : float
    fill : int
        Number that stands for nothing.
    lowest, highest : float
        Valid physical values, both included.
    """

    multiply: float
    add: float
    fill: int
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Band:
    """Where one band of a product is found.

    Attributes
    ----------
    suffix : str
        Ending of the file name, for example "SR_B4".
    number : str
        How the metadata names it: REFLECTANCE_MULT_BAND_<number>.
    """

    suffix: str
    number: str


@dataclass(frozen=True, slots=True)
class Family:
    """Sensors that share bands and bits.

    Attributes
    ----------
    bands : mapping of str to Band
        The six reflectance bands by canonical name.
    thermal : Band
        Surface temperature; a product may lack it.
    spoiled : int
        QA_RADSAT bits that make a pixel unusable: one of the six bands saturated,
        pixel dropped or hidden by terrain.
    """

    bands: Mapping[str, Band]
    thermal: Band
    spoiled: int


@dataclass(frozen=True, slots=True)
class Quality:
    """QA_PIXEL bits.

    Attributes
    ----------
    hidden : int
        Any of these set: the ground is not seen as it is.
    sky : int
        None of these set: the sky was open (cloud, dilated cloud and fill).
    water : int
        Water.
    """

    hidden: int
    sky: int
    water: int


@cache
def landsat_table() -> Mapping[str, Any]:
    """The constants of `data/landsat.toml`."""
    text = files("reverdure.imagery").joinpath("data/landsat.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


def _scaling(name: str) -> Scaling:
    row = landsat_table()["scaling"][name]
    return Scaling(row["multiply"], row["add"], row["fill"], row["lowest"], row["highest"])


@cache
def reflectance_scaling() -> Scaling:
    """Documented scaling of surface reflectance."""
    return _scaling("reflectance")


@cache
def temperature_scaling() -> Scaling:
    """Documented scaling of surface temperature, [K]."""
    return _scaling("temperature")


@cache
def quality() -> Quality:
    """Bits of QA_PIXEL; the same for all sensors.

    Examples
    --------
    >>> bin(quality().hidden), bin(quality().water)
    ('0b111111', '0b10000000')
    """
    rows = landsat_table()["quality"]
    return Quality(
        hidden=sum(1 << row["bit"] for row in rows),
        sky=sum(1 << row["bit"] for row in rows if row["sky"]),
        water=1 << landsat_table()["water"]["bit"],
    )


@cache
def families() -> Mapping[str, Family]:
    """Family of each sensor that is read here, by sensor code such as "LC08".

    Examples
    --------
    >>> families()["LT05"].bands["nir"].suffix
    'SR_B4'
    """
    known: dict[str, Family] = {}
    for row in landsat_table()["family"].values():
        saturated = sum(1 << bit for _, _, bit in row["bands"].values())
        unseen = sum(1 << bit for bit in row["unseen"])
        family = Family(
            bands=MappingProxyType(
                {name: Band(suffix, number) for name, (suffix, number, _) in row["bands"].items()}
            ),
            thermal=Band(**row["thermal"]),
            spoiled=saturated | unseen,
        )
        known |= dict.fromkeys(row["sensors"], family)
    return MappingProxyType(known)


@cache
def sentinel2_table() -> Mapping[str, Any]:
    """The constants of `data/sentinel2.toml`."""
    text = files("reverdure.imagery").joinpath("data/sentinel2.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@cache
def sentinel2_bands() -> Mapping[str, tuple[str, int]]:
    """Name and pixel size [m] of each Sentinel-2 band read here, by canonical name.

    Examples
    --------
    >>> sentinel2_bands()["swir1"]
    ('B11', 20)
    """
    rows = sentinel2_table()["bands"]
    return MappingProxyType({name: (band, pixel) for name, (band, pixel) in rows.items()})
