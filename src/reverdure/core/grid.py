"""One object for "these pixels": CRS, origin, pixel size and shape.

Rows run north to south; x and y coordinates of arrays are pixel centres.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import xarray as xr

from reverdure.core.errors import GridMismatch, MissingCRS, WrongDimensions


@dataclass(frozen=True, slots=True)
class Window:
    """A block of pixels inside a grid, half-open: rows [row, row + height)."""

    row: int
    column: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices, for indexing the last two axes."""
        return (
            slice(self.row, self.row + self.height),
            slice(self.column, self.column + self.width),
        )

    def intersection(self, other: "Window") -> "Window | None":
        """Common block, or None."""
        top, left = max(self.row, other.row), max(self.column, other.column)
        bottom = min(self.row + self.height, other.row + other.height)
        right = min(self.column + self.width, other.column + other.width)
        if bottom <= top or right <= left:
            return None
        return Window(top, left, bottom - top, right - left)


@dataclass(frozen=True, slots=True)
class Grid:
    """North-up square pixels in a projected or geographic CRS.

    Attributes
    ----------
    crs : str
        "EPSG:n" where the CRS has a code, else WKT 2.
    west, north : float
        Outer corner of the first pixel, [CRS units].
    pixel : float
        Side of a pixel, [CRS units].
    height, width : int
        Rows and columns.
    """

    crs: str
    west: float
    north: float
    pixel: float
    height: int
    width: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north, [CRS units]."""
        return (
            self.west,
            self.north - self.height * self.pixel,
            self.west + self.width * self.pixel,
            self.north,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.height, self.width

    @property
    def whole(self) -> Window:
        """The window that is the grid itself."""
        return Window(0, 0, self.height, self.width)

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine coefficients a, b, c, d, e, f (column, row -> x, y)."""
        return (self.pixel, 0.0, self.west, 0.0, -self.pixel, self.north)

    def part(self, window: Window) -> "Grid":
        """Grid of a window."""
        return Grid(
            self.crs,
            self.west + window.column * self.pixel,
            self.north - window.row * self.pixel,
            self.pixel,
            window.height,
            window.width,
        )

    def window(
        self, bounds: tuple[float, float, float, float], margin: float = 0.0
    ) -> Window | None:
        """Smallest window that covers `bounds` (+ `margin`, CRS units), or None if outside."""
        west, south, east, north = bounds
        # a border that lies on a pixel edge must not draw in the next pixel by rounding
        tiny = 1e-9 * max(abs(west), abs(north), 1.0) / self.pixel
        left = int(np.floor((west - margin - self.west) / self.pixel + tiny))
        right = int(np.ceil((east + margin - self.west) / self.pixel - tiny))
        top = int(np.floor((self.north - north - margin) / self.pixel + tiny))
        bottom = int(np.ceil((self.north - south + margin) / self.pixel - tiny))
        wanted = Window(top, left, max(bottom - top, 1), max(right - left, 1))
        return self.whole.intersection(wanted)

    def tiles(self, size: int) -> Iterator[Window]:
        """Windows of `size` x `size` pixels that cover the grid, row by row."""
        for row in range(0, self.height, size):
            for column in range(0, self.width, size):
                yield Window(
                    row,
                    column,
                    min(size, self.height - row),
                    min(size, self.width - column),
                )

    def is_aligned(self, other: "Grid") -> bool:
        """Whether the pixel edges of both fall on one lattice (to 1 % of a pixel)."""
        if self.crs != other.crs or abs(self.pixel - other.pixel) > 1e-6 * self.pixel:
            return False
        shifts = ((other.west - self.west) / self.pixel, (other.north - self.north) / self.pixel)
        return all(abs(shift - round(shift)) < 0.01 for shift in shifts)

    def touches(self, other: "Grid") -> bool:
        """Whether any pixel of this grid may lie on the other."""
        bounds = self.bounds
        if self.crs != other.crs:
            to_other = pyproj.Transformer.from_crs(self.crs, other.crs, always_xy=True)
            bounds = to_other.transform_bounds(*bounds, densify_pts=21)
            if not np.isfinite(bounds).all():
                return True
        west, south, east, north = bounds
        left, bottom, right, top = other.bounds
        return bool(west < right and east > left and south < top and north > bottom)

    def coordinates(self) -> dict[str, Any]:
        """Coordinates y, x and `spatial_ref` for a labelled array on this grid."""
        x = self.west + (np.arange(self.width) + 0.5) * self.pixel
        y = self.north - (np.arange(self.height) + 0.5) * self.pixel
        attributes = {
            "crs_wkt": _wkt(self.crs),
            "spatial_ref": _wkt(self.crs),
            "GeoTransform": f"{self.west} {self.pixel} 0 {self.north} 0 {-self.pixel}",
        }
        return {"y": ("y", y), "x": ("x", x), "spatial_ref": ((), 0, attributes)}


def crs_name(crs: Any) -> str:
    """One spelling for a CRS: "EPSG:n" where it has a code, else WKT 2.

    Examples
    --------
    >>> crs_name(32650)
    'EPSG:32650'
    """
    # texts come again with every array; parsing one takes a millisecond
    return _name_of_text(crs) if isinstance(crs, str) else _name(crs)


def _name(crs: Any) -> str:
    parsed = pyproj.CRS.from_user_input(crs)
    epsg = parsed.to_epsg()
    return f"EPSG:{epsg}" if epsg else str(parsed.to_wkt())


@lru_cache(maxsize=64)
def _name_of_text(crs: str) -> str:
    return _name(crs)


@lru_cache(maxsize=64)
def _wkt(crs: str) -> str:
    return str(pyproj.CRS.from_user_input(crs).to_wkt())


def grid_of(array: xr.DataArray | xr.Dataset) -> Grid:
    """Grid of a labelled array with y, x and a CRS in `spatial_ref`.

    Raises
    ------
    WrongDimensions
        If y or x is missing.
    MissingCRS
        If no CRS is stated.
    GridMismatch
        If pixels are not square, evenly spaced and north-up.
    """
    if "y" not in array.coords or "x" not in array.coords:
        raise WrongDimensions(f"expected coordinates y and x, got {tuple(array.coords)}.")
    x, y = array["x"].values.astype(float), array["y"].values.astype(float)
    steps = np.concatenate([np.diff(x), -np.diff(y)])
    if steps.size == 0:
        geo = array.coords.get("spatial_ref")
        text = "" if geo is None else str(geo.attrs.get("GeoTransform", ""))
        if not text:
            raise GridMismatch("a single pixel has no size.", "Give spatial_ref a GeoTransform.")
        steps = np.array([float(text.split()[1])])
    pixel = float(steps[0])
    if pixel <= 0 or np.abs(steps - pixel).max() > 1e-3 * pixel:
        raise GridMismatch(
            f"pixels must be square, even and north-up; steps run {steps.min()} to {steps.max()}."
        )
    return Grid(
        array_crs(array),
        float(x[0] - pixel / 2),
        float(y[0] + pixel / 2),
        pixel,
        y.size,
        x.size,
    )


def array_crs(array: xr.DataArray | xr.Dataset) -> str:
    """CRS written in the `spatial_ref` coordinate.

    Raises
    ------
    MissingCRS
        If there is none.
    """
    reference = array.coords.get("spatial_ref")
    attributes = {} if reference is None else reference.attrs
    stated = attributes.get("crs_wkt") or attributes.get("spatial_ref")
    if not stated:
        raise MissingCRS(
            "the array states no CRS.", "Write it as WKT into spatial_ref.attrs['crs_wkt']."
        )
    return crs_name(stated)
