"""Spectral indices: one catalogue, one way to compute them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import xarray as xr

from reverdure.core.errors import InvalidInput, UnknownOption


class IndexKind(StrEnum):
    """What an index speaks of."""

    GREENNESS = "greenness"
    STRUCTURE = "structure"
    WETNESS = "wetness"


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """A normalised difference of two bands, (first - second) / (first + second).

    Attributes
    ----------
    name : str
        Id used in tables and options.
    bands : (str, str)
        First and second band.
    kind : IndexKind
        What it speaks of.
    en, zh : str
        Label in English and Chinese.
    source : str
        Paper that defines it.
    """

    name: str
    bands: tuple[str, str]
    kind: IndexKind
    en: str
    zh: str
    source: str

    @property
    def formula(self) -> str:
        """The formula in terms of its bands."""
        first, second = self.bands
        return f"({first} - {second}) / ({first} + {second})"

    def label(self, language: str) -> str:
        """Label in "en" or "zh"."""
        return self.zh if language == "zh" else self.en


INDICES: Mapping[str, IndexSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            IndexSpec(
                "ndvi", ("nir", "red"), IndexKind.GREENNESS,
                "vegetation index (NDVI)", "归一化植被指数(NDVI)",
                "Tucker 1979, doi:10.1016/0034-4257(79)90013-0",
            ),
            IndexSpec(
                "nbr", ("nir", "swir2"), IndexKind.STRUCTURE,
                "normalised burn ratio (NBR)", "归一化燃烧比(NBR)",
                "Key & Benson 2006, USDA RMRS-GTR-164-CD, LA-1",
            ),
            IndexSpec(
                "ndmi", ("nir", "swir1"), IndexKind.WETNESS,
                "moisture index (NDMI)", "归一化水分指数(NDMI)",
                "Wilson & Sader 2002, doi:10.1016/S0034-4257(01)00318-2",
            ),
        )
    }
)  # fmt: skip


def index_spec(name: str) -> IndexSpec:
    """Entry of the catalogue.

    Raises
    ------
    UnknownOption
        If there is none of this name.

    Examples
    --------
    >>> index_spec("nbr").formula
    '(nir - swir2) / (nir + swir2)'
    """
    if name not in INDICES:
        raise UnknownOption(f"index {name!r} is not known; use one of {', '.join(INDICES)}.")
    return INDICES[name]


def spectral_index(bands: xr.Dataset, index: str) -> xr.DataArray:
    """Spectral index of reflectance bands.

    Parameters
    ----------
    bands : Dataset of float, [1]
        Surface reflectance, variables named as bands (nir, red, ...), any dimensions.
        NaN where not clear. Not changed.
    index : str
        Name in the catalogue `INDICES`: ndvi, nbr or ndmi.

    Returns
    -------
    xarray.DataArray of float32, [1]
        Same dimensions and coordinates. NaN where a band is NaN or where the bands add up
        to nothing or less, as dark water after atmospheric correction can.

    Raises
    ------
    UnknownOption
        If the index is not in the catalogue.
    InvalidInput
        If a band is missing.

    Notes
    -----
    Computed in float32, a relative error of about 2e-7.

    References
    ----------
    Each entry of `INDICES` names its own.

    Examples
    --------
    >>> import xarray as xr
    >>> bands = xr.Dataset({"nir": ("x", [0.4, 0.0]), "red": ("x", [0.1, 0.0])})
    >>> spectral_index(bands, "ndvi").values
    array([0.6, nan], dtype=float32)
    """
    spec = index_spec(index)
    first, second = _two_bands(bands, spec)
    total = first + second
    result = (first - second) / total.where(total > 0)
    attributes = {"units": "1", "long_name": spec.en, "index": spec.name}
    attributes["references"] = spec.source
    if "source" in bands.attrs:
        attributes["source"] = str(bands.attrs["source"])
    return result.rename(index).assign_attrs(attributes)


def band_sum(bands: xr.Dataset, index: str) -> xr.DataArray:
    """Sum of the two bands of an index: the weight of ground in a mixed pixel.

    Parameters
    ----------
    bands : Dataset of float, [1]
        As for `spectral_index`.
    index : str
        Name in the catalogue `INDICES`.

    Returns
    -------
    xarray.DataArray of float32, [1]
        NaN where the index is.

    Raises
    ------
    UnknownOption
        If the index is not in the catalogue.
    InvalidInput
        If a band is missing.

    Examples
    --------
    >>> import xarray as xr
    >>> bands = xr.Dataset({"nir": ("x", [0.4, 0.0]), "red": ("x", [0.1, 0.0])})
    >>> band_sum(bands, "ndvi").values
    array([0.5, nan], dtype=float32)
    """
    first, second = _two_bands(bands, index_spec(index))
    total = first + second
    return total.where(total > 0).rename(f"{index}_band_sum").assign_attrs(units="1")


def _two_bands(bands: xr.Dataset, spec: IndexSpec) -> tuple[xr.DataArray, xr.DataArray]:
    missing = [band for band in spec.bands if band not in bands]
    if missing:
        raise InvalidInput(
            f"{spec.name} needs the bands {', '.join(spec.bands)}; missing: {', '.join(missing)}."
        )
    first, second = (bands[band].astype(np.float32, copy=False) for band in spec.bands)
    return first, second
