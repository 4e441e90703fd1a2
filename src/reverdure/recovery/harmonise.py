"""Bringing the reflectance of newer sensors to the bands of older ones, by a line a band."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.provenance import digest
from reverdure.recovery.constants import table

REFLECTIVE = ("blue", "green", "red", "nir", "swir1", "swir2")
"""Bands that have a line, in the order of the coefficients."""

HARMONISED = "harmonised"
"""Attribute that says by which table; pictures that have it are not changed again."""


@dataclass(frozen=True, slots=True)
class Harmonisation:
    """Lines newer = intercept + slope * older of the six bands, and where they come from.

    Attributes
    ----------
    name : str
    newer, older : tuple of str
        Sensor codes: `newer` are changed, `older` stay as they are.
    slope, intercept : tuple of float
        Of `REFLECTIVE`, [1].
    source, status : str
    """

    name: str
    newer: tuple[str, ...]
    older: tuple[str, ...]
    slope: tuple[float, ...]
    intercept: tuple[float, ...]
    source: str
    status: str

    @property
    def key(self) -> str:
        """Changes when a number or a sensor of the table does."""
        return digest([self.newer, self.slope, self.intercept])

    def change(self, sensor: str) -> NDArray[np.float64] | None:
        """Factor and offset of each band of a sensor, (6, 2); None where it stays.

        Raises
        ------
        UnknownOption
            If the table does not know the sensor.

        Examples
        --------
        >>> harmonisation("roy2016").change("LC08").round(4)[3].tolist()
        [0.9928, 0.0021]
        >>> harmonisation("roy2016").change("LT05") is None
        True
        """
        if sensor in self.older:
            return None
        if sensor not in self.newer:
            raise UnknownOption(
                f"{self.name} has no line for sensor {sensor!r}; it brings"
                f" {', '.join(self.newer)} to {', '.join(self.older)}.",
            )
        slope, intercept = np.array(self.slope), np.array(self.intercept)
        return np.column_stack([1 / slope, -intercept / slope])

    def seen_as(self, sensor: str) -> str:
        """The sensor that pictures of `sensor` are like once they are changed."""
        return self.older[-1] if sensor in self.newer else sensor

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Harmonisation from what `to_dict` gave."""
        lists = {name: tuple(row[name]) for name in ("newer", "older", "slope", "intercept")}
        return cls(**{one.name: row[one.name] for one in fields(cls)} | lists)


@cache
def harmonisations() -> Mapping[str, Harmonisation]:
    """All tables of `data/harmonise.toml` by name.

    Examples
    --------
    >>> harmonisations()["roy2016"].status
    'to confirm'
    """
    rows = table("harmonise")
    return MappingProxyType(
        {name: Harmonisation.from_dict({"name": name, **row}) for name, row in rows.items()}
    )


def harmonisation(name: str) -> Harmonisation:
    """The table of a name.

    Raises
    ------
    UnknownOption
        If there is none.

    Examples
    --------
    >>> harmonisation("roy2016").older
    ('LT04', 'LT05', 'LE07')
    """
    known = harmonisations()
    if name not in known:
        raise UnknownOption(f"harmonisation {name!r} is not known; use {', '.join(known)}.")
    return known[name]


def harmonise(
    pictures: xr.Dataset,
    sensor: str | Sequence[str] | Mapping[int, str] | None = None,
    table: str | Harmonisation = "roy2016",
) -> xr.Dataset:
    """Surface reflectance of newer sensors brought to the bands of older ones.

    Parameters
    ----------
    pictures : Dataset
        Scenes (time, y, x) or composites (year, y, x), or one date; any of blue, green,
        red, nir, swir1, swir2 as float reflectance [1]. Other variables (thermal, clear)
        stay as they are. Not changed in place.
    sensor : str, sequence or mapping, optional
        Sensor codes as in product ids ("LT05", "LC08"): one for all, one for each scene, or
        by year. Default `pictures.attrs["sensor"]`, else the coordinate `sensor`.
    table : str or Harmonisation, default "roy2016"
        Table of `data/harmonise.toml`, or lines of your own.

    Returns
    -------
    Dataset
        As given, with float32 bands; pictures of older sensors to the last digit.
        `attrs["harmonised"]` names the table and its source.

    Raises
    ------
    UnknownOption
        If the table or a sensor is not known.
    InvalidInput
        If no sensor is stated, their number is not that of the pictures, no band is there,
        or the pictures are harmonised already.

    Notes
    -----
    A season with both sensors is harmonised before its composite is made: scenes, then
    `annual_composites`. The lines hold for Collection surface reflectance over the whole
    of a large region [1]_; on other products, or on one kind of land, measure first
    (`reverdure sensors`).

    References
    ----------
    .. [1] Roy, D. P. et al. (2016). Characterization of Landsat-7 to Landsat-8 reflective
       wavelength and normalized difference vegetation index continuity. Remote Sensing of
       Environment 185, 57-70. doi:10.1016/j.rse.2015.12.024

    Examples
    --------
    >>> import xarray as xr
    >>> red = xr.DataArray([[0.10], [0.10]], dims=("year", "x"), coords={"year": [2012, 2014]})
    >>> found = harmonise(red.to_dataset(name="red"), sensor={2012: "LE07", 2014: "LC08"})
    >>> print(found.red.values.ravel().round(3), found.attrs["harmonised"][:7])
    [0.1   0.104] roy2016
    """
    lines = harmonisation(table) if isinstance(table, str) else table
    if HARMONISED in pictures.attrs:
        raise InvalidInput(
            f"the pictures are harmonised already by {pictures.attrs[HARMONISED]}.",
            "Harmonise what was measured, once.",
        )
    bands = [name for name in REFLECTIVE if name in pictures]
    if not bands:
        raise InvalidInput(f"no reflectance band; known are {', '.join(REFLECTIVE)}.")
    axis = next((name for name in ("time", "year") if name in pictures.dims), None)
    found = [lines.change(one) for one in _sensors(pictures, sensor, axis)]
    same = np.column_stack([np.ones(6), np.zeros(6)])
    change = np.stack([same if one is None else one for one in found])
    changed = {name: _moved(pictures[name], change[:, REFLECTIVE.index(name)], axis)
               for name in bands}  # fmt: skip
    said = f"{lines.name}: {lines.source} ({lines.status})"
    return pictures.assign(changed).assign_attrs({HARMONISED: said})


def _sensors(
    pictures: xr.Dataset, sensor: str | Sequence[str] | Mapping[int, str] | None, axis: str | None
) -> list[str]:
    """Sensor of each picture along `axis`."""
    count = pictures.sizes[axis] if axis else 1
    if sensor is None:
        sensor = pictures.attrs.get("sensor")
    if sensor is None and "sensor" in pictures.coords:
        sensor = [str(one) for one in np.atleast_1d(pictures["sensor"].values)]
    if sensor is None:
        raise InvalidInput("the sensor is not stated.", "Say sensor='LC08', or one for each year.")
    if isinstance(sensor, str):
        return [sensor] * count
    if isinstance(sensor, Mapping):
        if axis is None:
            raise InvalidInput("sensors by year need pictures with time or year.")
        years = pictures[axis].values if axis == "year" else pictures["time"].dt.year.values
        missing = sorted({int(year) for year in years} - set(sensor))
        if missing:
            raise InvalidInput(f"no sensor is stated for {', '.join(map(str, missing))}.")
        return [sensor[int(year)] for year in years]
    if len(sensor) != count:
        raise InvalidInput(f"{len(sensor)} sensors for {count} pictures.")
    return [str(one) for one in sensor]


def _moved(band: xr.DataArray, change: NDArray[np.float64], axis: str | None) -> xr.DataArray:
    """A band with factor and offset of each picture; float32."""
    if not np.issubdtype(band.dtype, np.floating):
        raise InvalidInput(
            f"{band.name} is {band.dtype}; reflectance as float is needed.",
            "Multiply by its scale and add its offset first.",
        )
    along = (axis,) if axis is not None and axis in band.dims else ()
    factor, offset = (xr.DataArray(part if along else part[0], dims=along) for part in change.T)
    moved = (band * factor + offset).transpose(*band.dims).astype(np.float32)
    return moved.assign_attrs(band.attrs)
