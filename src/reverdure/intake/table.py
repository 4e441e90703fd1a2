"""A table as it was read, before anything is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray


@dataclass(frozen=True)
class Problem:
    """Why a row or its geometry could not be read, in both languages."""

    code: str
    en: str
    zh: str


@dataclass(frozen=True)
class RawTable:
    """Columns as they stand in the file, geometries beside them.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per row of the file, columns as headed; index 0, 1, ... A row's number
        in messages is its position + 1.
    geometry : (row,) array of shapely geometries or None, or None
        None where the file has no geometry at all.
    crs : pyproj.CRS or None
        CRS of `geometry`; None where the file states none.
    source : str
        Name of the file.
    unreadable : mapping of position to Problem
        Geometries that are there but cannot be read; None in `geometry`.
    refused : mapping of position to Problem
        Rows that cannot be read as rows.
    repaired : mapping of position to Problem
        Geometries that could be read only after closing their rings.
    warnings : tuple of str
        What the driver complained of while reading.
    """

    frame: pd.DataFrame
    geometry: NDArray[Any] | None
    crs: pyproj.CRS | None
    source: str
    unreadable: Mapping[int, Problem] = field(default_factory=dict)
    refused: Mapping[int, Problem] = field(default_factory=dict)
    repaired: Mapping[int, Problem] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def geometries(self) -> NDArray[Any]:
        """Geometries, all None where the file has none."""
        if self.geometry is not None:
            return self.geometry
        return np.full(len(self.frame), None, dtype=object)
