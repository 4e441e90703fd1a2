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
class Reading:
    """What the caller says about a file that does not say it itself.

    Attributes
    ----------
    crs : str
        As `intake.gauss_kruger.settle_crs` takes it; "" for what the file says.
    shift : str
        From its datum to WGS 84: "dx,dy,dz" or "dx,dy,dz,rx,ry,rz,ppm"; "" for none.
    datum : str
        "gcj02" or "bd09" where its outlines are to be shifted back, "wgs84" where they are
        right as they are; "" for not said.
    sheet : str
        Sheet of a workbook; "" for the only one that fits.
    encoding : str
        Encoding of its text; "" for what is found.
    near : (west, south, east, north) or None, [deg]
        Where the workspace's counties and mines lie; names candidates, decides nothing.
    """

    crs: str = ""
    shift: str = ""
    datum: str = ""
    sheet: str = ""
    encoding: str = ""
    near: tuple[float, float, float, float] | None = None


AS_IT_IS = Reading()
"""Nothing said: the file alone decides."""


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
    notes : tuple of Problem
        What the reader saw in the file as a whole, and what it took it for.
    crs_stated : bool
        Whether the file itself says its CRS; False where the format alone implies one.
    texts : tuple of str
        What the file says outside its rows: titles of a sheet, names of layers.
    """

    frame: pd.DataFrame
    geometry: NDArray[Any] | None
    crs: pyproj.CRS | None
    source: str
    unreadable: Mapping[int, Problem] = field(default_factory=dict)
    refused: Mapping[int, Problem] = field(default_factory=dict)
    repaired: Mapping[int, Problem] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[Problem, ...] = ()
    crs_stated: bool = True
    texts: tuple[str, ...] = ()

    def geometries(self) -> NDArray[Any]:
        """Geometries, all None where the file has none."""
        if self.geometry is not None:
            return self.geometry
        return np.full(len(self.frame), None, dtype=object)
