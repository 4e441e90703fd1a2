"""Yearly rasters made elsewhere: checked against what is said about them, then read."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr
from rasterio.errors import NotGeoreferencedWarning

from reverdure.core.errors import GridMismatch, InvalidInput, NotReflectance, UnknownOption
from reverdure.core.grid import Grid
from reverdure.core.messages import message_table
from reverdure.core.provenance import digest
from reverdure.core.records import Finding
from reverdure.imagery.assignments import Assignment, assign, check_names, raster_file
from reverdure.imagery.plausibility import (
    INDEX_RANGE,
    REFLECTANCE_RANGE,
    ZERO_INDEX_SHARE,
    Counts,
    Wanted,
    count,
    is_rescaled,
    judge_index,
    judge_reflectance,
    judge_temperature,
    kelvin_range,
    missing_values,
)
from reverdure.imagery.rasters import open_raster, read_onto
from reverdure.imagery.sensors import THERMAL, families

BANDS = "bands"
"""Kind of a year that holds reflectance bands; any other kind is the name of an index."""

_RASTERS = (".tif", ".tiff", ".img", ".vrt", ".jp2", ".nc")


@dataclass(frozen=True, slots=True)
class Thermal:
    """What is said of a declared band of temperature.

    Attributes
    ----------
    sensor : str
        Sensor the rasters were made from, such as "LC08".
    scale : float
        Number in the file divided by this is kelvin.
    """

    sensor: str
    scale: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "LC08", or "LC08:10" where ten is stored for one kelvin.

        Raises
        ------
        UnknownOption
            If the sensor is not known or the scale no positive number.

        Examples
        --------
        >>> Thermal.parse("LC08:10")
        Thermal(sensor='LC08', scale=10.0)
        """
        sensor, _, number = text.partition(":")
        if sensor not in families():
            raise UnknownOption(f"sensor {sensor!r} is not known; use {', '.join(families())}.")
        try:
            scale = float(number or 1)
        except ValueError:
            scale = np.nan
        if not (np.isfinite(scale) and scale > 0):
            raise UnknownOption(f"thermal scale {number!r} is not a positive number.")
        return cls(sensor, scale)


@dataclass(frozen=True, slots=True)
class DeclaredYear:
    """One year of a raster made elsewhere.

    Attributes
    ----------
    year : int
    path : str
        Absolute.
    kind : str
        "bands" for reflectance, else the name of the index.
    band_numbers : tuple of int
        Bands of the file, from 1.
    bands : tuple of str
        What they are: canonical bands, or the index.
    grid : Grid
    scale : float
        Number in the file divided by this is the value.
    nodata : tuple of float
        Numbers that stand for nothing.
    zero_is_missing : bool
        Whether a pixel that is exactly 0 in all bands stands for nothing.
    digest : str
        Changes when the file or what is said about it changes.
    sensor : str
        Sensor it was made from, "LC08"; "" where that was not said.
    thermal_scale : float
        Number in the file divided by this is kelvin.
    """

    year: int
    path: str
    kind: str
    band_numbers: tuple[int, ...]
    bands: tuple[str, ...]
    grid: Grid
    scale: float
    nodata: tuple[float, ...]
    zero_is_missing: bool
    digest: str
    sensor: str = ""
    thermal_scale: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON; those about temperature only where there is one to tell of."""
        said = asdict(self)
        if not self.sensor:
            del said["sensor"]
        if THERMAL not in self.bands:
            del said["thermal_scale"]
        return said

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Year from what `to_dict` gave."""
        lists = {name: tuple(fields[name]) for name in ("band_numbers", "bands", "nodata")}
        return cls(**{**fields, **lists, "grid": Grid(**fields["grid"])})

    @property
    def thermal(self) -> int | None:
        """Position of the temperature among its bands."""
        return self.bands.index(THERMAL) if THERMAL in self.bands else None

    @property
    def reflective(self) -> tuple[int, ...]:
        """Band numbers of all but temperature."""
        pairs = zip(self.band_numbers, self.bands, strict=True)
        return tuple(number for number, name in pairs if name != THERMAL)

    @property
    def allowed(self) -> tuple[float, float]:
        """Lowest and highest value that is used."""
        return REFLECTANCE_RANGE if self.kind == BANDS else INDEX_RANGE


def inspect_composites(
    files: Sequence[Path],
    *,
    bands: Sequence[str] | None,
    index: str | None,
    years: Sequence[int] | None,
    scale: float,
    nodata: float | None = None,
    thermal: Thermal | None = None,
) -> tuple[list[DeclaredYear], list[Finding]]:
    """Check yearly rasters against what is said about them.

    Parameters
    ----------
    files : sequence of Path
        One file a year, or one file with a band for each of `years`.
    bands : sequence of str, optional
        What the bands of each file are: canonical names; "-" for one to be passed over.
    index : str, optional
        Name of the index that the file holds, in place of `bands`.
    years : sequence of int, optional
        Year of each file, or of each band of the one file. Else the year is the number of
        four digits in the file's name.
    scale : float
        Number in the file divided by this is reflectance (or the index).
    nodata : float, optional
        Number that stands for nothing, besides what the file declares.
    thermal : Thermal, optional
        What is said of the band `thermal`; asked for where there is one.

    Returns
    -------
    declared : list of DeclaredYear
        By year. All on one grid.
    findings : list of Finding
        Files that are no rasters, years without a value, zeros and undeclared sentinels
        taken as nothing, values outside the range: each with the number of pixels.

    Raises
    ------
    InvalidInput
        If bands, years and files do not fit together, or a year comes twice.
    UnknownOption
        If a band or the scale is not known.
    UnreadableFile
        If a raster is missing or cut off.
    MissingCRS
        If a raster states no CRS.
    GridMismatch
        If the grids differ, by file.
    NotReflectance
        If the values cannot be what they are said to be: stretched to 0..1, or of another
        scale.
    NotKelvin
        If those of thermal cannot be kelvin.
    """
    check_names(bands, index)
    if not (np.isfinite(scale) and scale > 0):
        raise UnknownOption(f"scale {scale} is not a positive number.")
    if (thermal is not None) != (THERMAL in (bands or ())):
        raise InvalidInput(
            "a band thermal and what is said of it belong together: the ecological index needs"
            " to know the sensor.",
            "Use --bands blue,green,red,nir,swir1,swir2,thermal with --thermal LC08.",
        )
    paths, findings = _rasters_only(files)
    with warnings.catch_warnings():
        # a raster without a place is refused by name further down
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        rasters = [raster_file(path) for path in paths]
    said = [
        _describe(one, index or BANDS, scale, nodata, thermal)
        for one in assign(rasters, bands, index, years)
    ]
    _check_years(said)
    _check_grids(said)
    counted = _count(said)
    if thermal is not None:
        counted = _with_thermal(said, counted)
    declared = [_after_counting(one, seen) for one, seen in zip(said, counted, strict=True)]
    if index is None and is_rescaled(counted):
        raise NotReflectance(
            f"every band of every year ({len(declared)}) runs from exactly 0 to exactly 1.",
            "Each band was stretched to its own extremes; add the rasters as they were before.",
        )
    kept = []
    for one, seen in sorted(zip(declared, counted, strict=True), key=lambda pair: pair[0].year):
        judge = judge_reflectance if one.kind == BANDS else judge_index
        judge(f"{Path(one.path).name} ({one.year})", seen, scale)
        findings += _findings(one, seen)
        if not _is_empty(one, seen):
            kept.append(one)
    return kept, findings


def _rasters_only(files: Sequence[Path]) -> tuple[list[Path], list[Finding]]:
    rasters: list[Path] = []
    findings: list[Finding] = []
    for number, path in enumerate(files, start=1):
        if path.suffix.lower() in _RASTERS:
            rasters.append(path.resolve())
            continue
        findings.append(_finding(number, "rejected", "not_a_raster", {"name": path.name}))
    if not rasters:
        raise InvalidInput(f"no raster among {len(files)} files.", "Rasters end in .tif.")
    return rasters, findings


def _describe(
    one: Assignment,
    kind: str,
    scale: float,
    nodata: float | None,
    thermal: Thermal | None,
) -> DeclaredYear:
    stated = [one.file.nodata[number - 1] for number in one.band_numbers]
    missing = {float(n) for n in (*stated, nodata) if n is not None and np.isfinite(n)}
    return DeclaredYear(
        year=one.year,
        path=str(one.file.path),
        kind=kind,
        band_numbers=one.band_numbers,
        bands=one.names,
        grid=one.file.grid,
        scale=scale,
        nodata=tuple(sorted(missing)),
        zero_is_missing=kind == BANDS,
        digest=one.file.digest,
        sensor=thermal.sensor if thermal else "",
        thermal_scale=thermal.scale if thermal else 1.0,
    )


def _count(said: Sequence[DeclaredYear]) -> list[Counts]:
    """What each year holds; a file with many years is read once."""
    counted: dict[int, Counts] = {}
    for path in dict.fromkeys(one.path for one in said):
        here = [i for i, one in enumerate(said) if one.path == path]
        wanted = [Wanted(said[i].reflective, said[i].nodata) for i in here]
        first = said[here[0]]
        with open_raster(path) as dataset:
            counts = count(dataset, wanted, first.scale, first.allowed)
        counted.update(zip(here, counts, strict=True))
    return [counted[i] for i in range(len(said))]


def _with_thermal(said: Sequence[DeclaredYear], counted: Sequence[Counts]) -> list[Counts]:
    """What was counted, once temperatures were judged; with the sentinels found in them."""
    found: list[Counts] = []
    for one, seen in zip(said, counted, strict=True):
        if one.thermal is None:
            raise ValueError("no temperature to judge")
        wanted = Wanted((one.band_numbers[one.thermal],), one.nodata)
        with open_raster(one.path) as dataset:
            kelvin = count(dataset, [wanted], one.thermal_scale, kelvin_range())[0]
        judge_temperature(f"{Path(one.path).name} ({one.year})", kelvin, one.thermal_scale)
        found.append(replace(seen, sentinels=seen.sentinels | kelvin.sentinels))
    return found


def _after_counting(one: DeclaredYear, seen: Counts) -> DeclaredYear:
    """The year with the sentinels that were found, and a digest of file and statements."""
    known = replace(
        one,
        nodata=tuple(sorted({*one.nodata, *seen.sentinels})),
        zero_is_missing=one.kind == BANDS or seen.zeros >= ZERO_INDEX_SHARE * seen.pixels,
    )
    said = {name: value for name, value in known.to_dict().items() if name != "path"}
    return replace(known, digest=digest(said))


def _check_years(declared: Sequence[DeclaredYear]) -> None:
    twice = [year for year, n in Counter(one.year for one in declared).items() if n > 1]
    if twice:
        names = [Path(one.path).name for one in declared if one.year == min(twice)]
        raise InvalidInput(f"year {min(twice)} comes {len(names)} times: {', '.join(names)}.")


def _check_grids(declared: Sequence[DeclaredYear]) -> None:
    common = Counter(one.grid for one in declared).most_common(1)[0][0]
    odd = [one for one in declared if not _same_grid(one.grid, common)]
    if odd:
        names = sorted({Path(one.path).name for one in odd})
        raise GridMismatch(
            f"{len(names)} rasters are not on the grid of the others: {', '.join(names)}; "
            f"{odd[0].grid} instead of {common}.",
            "Bring them to one grid.",
        )


def _same_grid(one: Grid, other: Grid) -> bool:
    if one.shape != other.shape or one.crs != other.crs:
        return False
    slack = 1e-3 * other.pixel
    corners = zip(one.bounds, other.bounds, strict=True)
    return all(abs(a - b) <= slack for a, b in corners)


def _is_empty(one: DeclaredYear, seen: Counts) -> bool:
    return seen.pixels == seen.unused + (seen.zeros if one.zero_is_missing else 0)


def _findings(one: DeclaredYear, seen: Counts) -> list[Finding]:
    place = {"name": Path(one.path).name, "year": str(one.year)}
    found: list[Finding] = []
    if seen.zeros and one.zero_is_missing:
        share = {"number": str(seen.zeros), "share": f"{seen.zeros / seen.pixels:.2%}"}
        found.append(_finding(one.year, "flagged", "zeros_as_nodata", place | share))
    if seen.sentinels:
        values = {"values": ", ".join(f"{number:g}" for number in sorted(seen.sentinels))}
        found.append(_finding(one.year, "flagged", "undeclared_nodata", place | values))
    if seen.outside:
        low, high = one.allowed
        span = {"number": str(seen.outside), "low": f"{low:g}", "high": f"{high:g}"}
        found.append(_finding(one.year, "flagged", "outside_range", place | span))
    if _is_empty(one, seen):
        found.append(_finding(one.year, "rejected", "no_values", place))
    return found


def _finding(row: int, action: str, code: str, values: Mapping[str, str]) -> Finding:
    text = message_table("imagery")[f"finding.{code}"]
    sentences = text["en"].format(**values), text["zh"].format(**values)
    return Finding(row, values["name"], action, code, *sentences)


def read_declared(declared: DeclaredYear, grid: Grid) -> xr.Dataset:
    """One year on exactly `grid`.

    Pixels on one lattice are copied; else the nearest pixel is taken.

    Parameters
    ----------
    declared : DeclaredYear
    grid : Grid

    Returns
    -------
    xarray.Dataset with dims (y, x)
        Bands, or one variable named like the index: float32, NaN where missing, outside
        the file, or outside the range of reflectance, temperature or index.

    Raises
    ------
    UnreadableFile
        If the file turns out cut off, by name.
    """
    stored = read_onto(declared.path, grid, bands=list(declared.band_numbers), fill=np.nan)
    missing = missing_values(stored, declared.nodata)
    if declared.zero_is_missing:
        reflective = [name != THERMAL for name in declared.bands]
        missing |= (stored[reflective] == 0).all(axis=0)
    scales = np.full((len(stored), 1, 1), declared.scale)
    limits = np.tile(np.reshape(declared.allowed, (2, 1, 1, 1)), (1, len(stored), 1, 1))
    if declared.thermal is not None:
        scales[declared.thermal] = declared.thermal_scale
        limits[:, declared.thermal, 0, 0] = kelvin_range()
    values, (low, high) = stored / scales, limits
    with np.errstate(invalid="ignore"):
        missing |= (values < low) | (values > high)
    values[missing] = np.nan
    layers = {
        name: (("y", "x"), values[i].astype(np.float32), {"units": "K" if name == THERMAL else "1"})
        for i, name in enumerate(declared.bands)
    }
    return xr.Dataset(layers, grid.coordinates(), {"year": declared.year})
