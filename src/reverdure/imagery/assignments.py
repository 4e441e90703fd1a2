"""Which band of which file is which year of what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.grid import Grid
from reverdure.core.provenance import file_digest
from reverdure.imagery.rasters import check_complete, grid_of_raster, open_raster
from reverdure.imagery.sensors import REFLECTIVE, THERMAL

SKIPPED = "-"
"""Stands in the list of bands for one that is not read."""

_YEAR = re.compile(r"(?<!\d)(19[7-9]\d|20\d\d)(?!\d)")
_INDEX = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class RasterFile:
    """What a file says about itself.

    Attributes
    ----------
    path : Path
    grid : Grid
    nodata : tuple of float or None
        Declared number for nothing, band by band.
    digest : str
        Hash of the whole file.
    """

    path: Path
    grid: Grid
    nodata: tuple[float | None, ...]
    digest: str


def raster_file(path: Path) -> RasterFile:
    """Look at a file: whole, with a place, north-up, square pixels.

    Raises
    ------
    UnreadableFile
        If it is missing or cut off.
    MissingCRS
        If it states no CRS.
    GridMismatch
        If it is not north-up or its pixels are not square.
    """
    with open_raster(path) as dataset:
        check_complete(dataset)
        grid = grid_of_raster(dataset)
        nodata = tuple(dataset.nodatavals)
    return RasterFile(path, grid, nodata, file_digest(path))


@dataclass(frozen=True, slots=True)
class Assignment:
    """One year: its file, the bands to read and what they are."""

    file: RasterFile
    year: int
    band_numbers: tuple[int, ...]
    names: tuple[str, ...]


def check_names(bands: Sequence[str] | None, index: str | None) -> None:
    """Make sure that the files are said to hold either known bands or one index.

    Raises
    ------
    InvalidInput
        If both or neither are given, or a band is named twice.
    UnknownOption
        If a name is not known.
    """
    if (bands is None) == (index is None):
        raise InvalidInput(
            "say what the rasters hold: either bands or an index.",
            "Use --bands blue,green,red,nir,swir1,swir2 or --index nbr.",
        )
    if index is not None and not _INDEX.fullmatch(index):
        raise UnknownOption(f"{index!r} is not the name of an index.", "Use --index nbr.")
    if bands is None:
        return
    unknown = [name for name in bands if name not in (*REFLECTIVE, THERMAL, SKIPPED)]
    if unknown:
        raise UnknownOption(
            f"bands not known: {', '.join(unknown)}; use {', '.join((*REFLECTIVE, THERMAL))}.",
            f"Write {SKIPPED} for a band that is to be passed over.",
        )
    named = [name for name in bands if name != SKIPPED]
    if len(set(named)) != len(named) or not set(named) & set(REFLECTIVE):
        raise InvalidInput(
            f"each band once, and at least one of reflectance: got {', '.join(bands)}."
        )


def assign(
    files: Sequence[RasterFile],
    bands: Sequence[str] | None,
    index: str | None,
    years: Sequence[int] | None,
) -> list[Assignment]:
    """Years of the files: from `years`, else from the files' names.

    Raises
    ------
    InvalidInput
        If bands, years and files do not fit together.
    """
    if index is not None and years is not None and len(files) == 1:
        return _band_a_year(files[0], index, years)
    if years is not None and len(years) != len(files):
        raise InvalidInput(f"{len(years)} years for {len(files)} files.")
    names = [index] if index is not None else list(bands or ())
    for file in files:
        if len(file.nodata) != len(names):
            raise InvalidInput(
                f"{file.path.name} has {len(file.nodata)} bands, but {len(names)} are named: "
                f"{', '.join(names)}."
            )
    labels = list(years) if years is not None else [_year_in_name(file.path) for file in files]
    numbers = tuple(i for i, name in enumerate(names, start=1) if name != SKIPPED)
    kept = tuple(name for name in names if name != SKIPPED)
    return [Assignment(file, year, numbers, kept) for file, year in zip(files, labels, strict=True)]


def _band_a_year(file: RasterFile, index: str, years: Sequence[int]) -> list[Assignment]:
    if len(file.nodata) != len(years):
        raise InvalidInput(f"{file.path.name} has {len(file.nodata)} bands for {len(years)} years.")
    return [Assignment(file, year, (i,), (index,)) for i, year in enumerate(years, start=1)]


def _year_in_name(path: Path) -> int:
    found = sorted({int(year) for year in _YEAR.findall(path.stem)})
    if len(found) != 1:
        seen = ", ".join(map(str, found)) or "none"
        raise InvalidInput(
            f"{path.name}: expected one year of four digits in the name, got {seen}.",
            "Name the files like 2002.tif, or use --years.",
        )
    return found[0]
