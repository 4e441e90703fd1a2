"""Maps of one claim as drawings: zones, gain of each pixel, reference land around."""

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from reverdure.publish.figures import decimal
from reverdure.publish.maps import round_length

# classes of both maps, from the low end; the sign is a hatch drawn over the colour
ZONE_BOUNDS = (0.1, 0.5, 0.9)
GAIN_BOUNDS = (0.2, 0.4, 0.6, 0.8)
_MOST_NUMBERED = 16
_LITTLE_SEEN = 0.25
_LEAST_GROUND = 0.1
_RING_M = (500.0, 3000.0)


@dataclass(frozen=True, slots=True)
class Frame:
    """The square a map shows: its size in map units and where it lies.

    Attributes
    ----------
    size : float
        Side of the square, [map unit].
    west, north : float
        Its upper left corner, [CRS unit].
    unit : float
        One map unit, [CRS unit].
    scale_length, scale_m : float, int
        Scale bar, [map unit] and [m].
    """

    size: float
    west: float
    north: float
    unit: float
    scale_length: float
    scale_m: int

    def path(self, geometry: shapely.Geometry | None, tolerance: float = 0.02) -> str:
        """Outline of polygons as path data, simplified to a share of a map unit."""
        if geometry is None or geometry.is_empty:
            return ""
        plain = shapely.simplify(geometry, tolerance * self.unit)
        parts = []
        for ring in shapely.get_rings(shapely.get_parts(plain)):
            x, y = shapely.get_coordinates(ring)[:-1].T
            at = zip((x - self.west) / self.unit, (self.north - y) / self.unit, strict=True)
            parts.append("M" + "L".join(f"{a:.4g},{b:.4g}" for a, b in at) + "z")
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Number:
    """A number written in a pixel, in per cent."""

    x: float
    y: float
    text: str
    is_light: bool


@dataclass(frozen=True, slots=True)
class ClassMap:
    """A map in classes: path data of each class, from the low end.

    Attributes
    ----------
    title : str
        Index it shows; "" for zones.
    frame : Frame
    classes : tuple of str
        Path data, one a class; "" where nothing is in it.
    faint : tuple of str
        The same, of pixels that see little of the ground.
    numbers : tuple of Number
    number_size : float
        Height of the numbers, [map unit].
    outline, mines : str
        The claim's ground, and mines around it.
    """

    title: str
    frame: Frame
    classes: tuple[str, ...]
    faint: tuple[str, ...]
    numbers: tuple[Number, ...]
    number_size: float
    outline: str
    mines: str


@dataclass(frozen=True, slots=True)
class ReferenceMap:
    """Where the undisturbed land lies that the claim is compared with.

    Attributes
    ----------
    frame : Frame
    address : str
        Reference pixels as a picture with one bit a pixel; "" where not kept.
    x, y, width, height : float
        Where it lies, [map unit].
    n_shown : int
    ring : str
        Path data of the ring, to be filled by the even-odd rule.
    outline, mines : str
        The claim's mine, and other mines.
    """

    frame: Frame
    address: str
    x: float
    y: float
    width: float
    height: float
    n_shown: int
    ring: str
    outline: str
    mines: str


def zone_map(
    one: xr.Dataset, ground: shapely.Geometry, mines: Sequence[shapely.Geometry]
) -> ClassMap | None:
    """Probability of each 10 m cell to lie in a restored zone; None where unknown."""
    if "zone_restored" not in one:
        return None
    frame = _frame(one)
    share = one["zone_restored"].to_numpy()
    cell_ha = one["cell_ha"].to_numpy()
    shown = np.isfinite(share) & (cell_ha > _LEAST_GROUND * cell_ha.max())
    level = np.digitize(np.nan_to_num(share), np.array(ZONE_BOUNDS) - 1e-6)
    corner = _corner(one["cell_x"].to_numpy(), one["cell_y"].to_numpy(), frame)
    return ClassMap(
        "", frame,
        tuple(_runs(shown & (level == k), corner, 1) for k in range(len(ZONE_BOUNDS) + 1)),
        (), (), 0.0, frame.path(ground), _around(mines, frame),
    )  # fmt: skip


def gain_maps(
    one: xr.Dataset, ground: shapely.Geometry, mines: Sequence[shapely.Geometry]
) -> list[ClassMap]:
    """Gain of each pixel that was used, one map an index."""
    if "gain" not in one:
        return []
    frame = _frame(one)
    step = round(float(one.attrs["pixel"]) / frame.unit)
    seen = one["seen"].to_numpy()
    corner = _corner(one["x"].to_numpy(), one["y"].to_numpy(), frame)
    used = np.isfinite(seen)
    clearly = used & (seen >= _LITTLE_SEEN)
    is_numbered = seen.shape[1] <= _MOST_NUMBERED and seen.shape[0] <= _MOST_NUMBERED
    maps = []
    for name, gain in zip(one["index"].values, one["gain"].to_numpy(), strict=True):
        level = np.digitize(np.nan_to_num(gain), GAIN_BOUNDS)
        known = np.isfinite(gain)
        maps.append(
            ClassMap(
                str(name),
                frame,
                tuple(_runs(clearly & known & (level == k), corner, step) for k in range(5)),
                tuple(
                    _runs(used & ~clearly & known & (level == k), corner, step) for k in range(5)
                ),
                _numbers(gain, clearly & known, level, corner, step) if is_numbered else (),
                0.4 * step,
                frame.path(ground),
                _around(mines, frame),
            )
        )
    return maps


def reference_map(
    one: xr.Dataset,
    mine: shapely.Geometry,
    ground: shapely.Geometry,
    mines: Sequence[shapely.Geometry],
) -> ReferenceMap:
    """The ring around a mine, the reference pixels in it, and other mines."""
    pixel = float(one.attrs["pixel"])
    ring = [shapely.buffer(mine, distance, quad_segs=16) for distance in _RING_M]
    west, south, east, north = shapely.buffer(mine, _RING_M[1] + 2 * pixel).bounds
    side = max(east - west, north - south)
    frame = _scaled((west + east - side) / 2, (south + north + side) / 2, side / pixel, pixel, side)
    band = shapely.difference(ring[1], ring[0])
    place = ("", 0.0, 0.0, 0.0, 0.0, 0)
    if "reference_row" in one and one.sizes.get("reference_pixel", 0):
        place = _reference_picture(one, frame)
    return ReferenceMap(
        frame, *place, frame.path(band, 0.3), frame.path(shapely.union(mine, ground), 0.1),
        _around(mines, frame),
    )  # fmt: skip


def _reference_picture(
    one: xr.Dataset, frame: Frame
) -> tuple[str, float, float, float, float, int]:
    row, column = (one[f"reference_{axis}"].to_numpy().astype(int) for axis in ("row", "column"))
    top, left = int(row.min()), int(column.min())
    mask = np.zeros((int(row.max()) - top + 1, int(column.max()) - left + 1), bool)
    mask[row - top, column - left] = True
    pixel, west, north = (float(one.attrs[name]) for name in ("pixel", "west", "north"))
    x = (west + left * pixel - frame.west) / frame.unit
    y = (frame.north - (north - top * pixel)) / frame.unit
    address = "data:image/png;base64," + base64.b64encode(mask_png(mask)).decode("ascii")
    height, width = mask.shape
    return address, round(x, 2), round(y, 2), float(width), float(height), int(row.size)


def mask_png(mask: NDArray[np.bool_], rgb: tuple[int, int, int] = (0, 121, 90)) -> bytes:
    r"""A mask as PNG of one bit a pixel: `rgb` where true, transparent elsewhere.

    References
    ----------
    W3C (2003). Portable Network Graphics (PNG) Specification, 2nd ed., 4.1, 11.2.3, 11.3.2.

    Examples
    --------
    >>> mask_png(np.eye(8, dtype=bool))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    height, width = mask.shape
    lines = np.packbits(mask, axis=1)
    rows = np.hstack([np.zeros((height, 1), np.uint8), lines]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", header), (b"PLTE", bytes([255, 255, 255, *rgb])), (b"tRNS", b"\x00"),
            (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""),
        )
    )  # fmt: skip


def _frame(one: xr.Dataset) -> Frame:
    """A square around all pixels that were used, in cells."""
    pixel = float(one.attrs["pixel"])
    x, y, cells = (one[name].to_numpy() for name in ("x", "y", "cell_x"))
    cell = float(cells[1] - cells[0]) if cells.size > 1 else pixel
    west, east = float(x.min()) - pixel / 2, float(x.max()) + pixel / 2
    south, north = float(y.min()) - pixel / 2, float(y.max()) + pixel / 2
    side = max(east - west, north - south)
    # whole cells on both sides keep every corner a whole number
    beside = round((side - (east - west)) / 2 / cell) * cell
    above = round((side - (north - south)) / 2 / cell) * cell
    return _scaled(west - beside, north + above, side / cell, cell, side)


def _scaled(west: float, north: float, size: float, unit: float, side: float) -> Frame:
    """A frame with its scale bar; `unit` and `side` in the units of the CRS, metres."""
    scale_m = round_length(0.3 * side)
    return Frame(round(size, 3), west, north, unit, round(scale_m / unit, 3), scale_m)


def _corner(x: NDArray[np.float64], y: NDArray[np.float64], frame: Frame) -> tuple[int, int]:
    """Upper left corner of a raster in map units."""
    half = abs(float(x[1] - x[0])) / 2 if x.size > 1 else frame.unit / 2
    high = abs(float(y[1] - y[0])) / 2 if y.size > 1 else half
    return (
        round((float(x[0]) - half - frame.west) / frame.unit),
        round((frame.north - float(y[0]) - high) / frame.unit),
    )


def _runs(mask: NDArray[np.bool_], corner: tuple[int, int], step: int) -> str:
    """Path data of a mask: one rectangle for each run of pixels in a row."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    left, top = corner
    return "".join(
        f"M{left + step * a},{top + step * row}h{step * (b - a)}v{step}h{-step * (b - a)}z"
        for row, a, b in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
    )


def _numbers(
    gain: NDArray[np.float64],
    shown: NDArray[np.bool_],
    level: NDArray[np.int64],
    corner: tuple[int, int],
    step: int,
) -> tuple[Number, ...]:
    left, top = corner
    return tuple(
        Number(
            left + step * (column + 0.5), top + step * (row + 0.64),
            decimal(100 * gain[row, column], 0),
            level[row, column] in (0, len(GAIN_BOUNDS)),
        )
        for row, column in np.argwhere(shown).tolist()
    )  # fmt: skip


def _around(mines: Sequence[shapely.Geometry], frame: Frame) -> str:
    """Mines inside the frame as path data."""
    side = frame.size * frame.unit
    window = shapely.box(frame.west, frame.north - side, frame.west + side, frame.north)
    inside = [shapely.intersection(mine, window) for mine in mines]
    return "".join(
        frame.path(shapely.MultiPolygon(polygons), 0.2)
        for geometry in inside
        if (polygons := [p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"])
    )
