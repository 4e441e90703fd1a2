"""Pictures of a mine as they stand in its page: PNG in the page, outlines over it."""

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.records import Picture


@dataclass(frozen=True, slots=True)
class Plate:
    """A picture ready to be placed: its address, its size and its outlines in pixels."""

    year: int
    width: int
    height: int
    address: str
    outlines: tuple[str, ...]


def plates(pictures: Sequence[Picture], limit_bytes: int) -> list[Plate]:
    """Pictures as data addresses, coarsened together until they fit the limit.

    Parameters
    ----------
    pictures : sequence of Picture
        Pictures of one mine.
    limit_bytes : int
        Most that all addresses and outlines may take together, [byte].

    Returns
    -------
    list of Plate
        In the same order; width, height and outlines stay in pixels of the original.
    """
    factor = 1
    placed = [_plate(picture, factor) for picture in pictures]
    # each outline is drawn twice, dark under light
    while sum(len(p.address) + 2 * sum(map(len, p.outlines)) for p in placed) > limit_bytes:
        factor += 1
        placed = [_plate(picture, factor) for picture in pictures]
    return placed


def _plate(picture: Picture, factor: int) -> Plate:
    height, width, _ = picture.rgb.shape
    rgb = picture.rgb if factor == 1 else _coarser(picture.rgb, factor)
    address = "data:image/png;base64," + base64.b64encode(png(rgb)).decode("ascii")
    outlines = tuple(_outline(ring, 0.1 * factor) for ring in picture.rings)
    return Plate(picture.year, width, height, address, outlines)


def _outline(ring: NDArray[np.float64], tolerance: float) -> str:
    """Corners of a ring, without those that move it by less than `tolerance` pixels."""
    plain = shapely.get_coordinates(shapely.simplify(shapely.linestrings(ring), tolerance))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in plain)


def _coarser(rgb: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Means of factor x factor blocks; blocks at the far edges may be smaller."""
    rows, columns = (np.arange(0, size, factor) for size in rgb.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(rgb.astype(np.float64), rows, 0), columns, 1)
    heights = np.diff(np.append(rows, rgb.shape[0]))
    widths = np.diff(np.append(columns, rgb.shape[1]))
    means: NDArray[np.uint8] = np.rint(sums / np.outer(heights, widths)[..., None]).astype(np.uint8)
    return means


def png(rgb: NDArray[np.uint8]) -> bytes:
    """An RGB picture as PNG, rows filtered against their left neighbour.

    Parameters
    ----------
    rgb : (row, column, 3) uint8

    Returns
    -------
    bytes
        The file; the same picture always gives the same bytes.

    References
    ----------
    W3C (2003). Portable Network Graphics (PNG) Specification, 2nd ed., 4.1 and 6.

    Examples
    --------
    >>> png(np.zeros((2, 3, 3), np.uint8))[1:4]
    b'PNG'
    """
    height, width, _ = rgb.shape
    left = np.zeros_like(rgb)
    left[:, 1:] = rgb[:, :-1]
    lines = np.ones((height, 1 + 3 * width), np.uint8)  # each row begins with its filter: 1 = Sub
    lines[:, 1:] = (rgb - left).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""),
        )
    )  # fmt: skip
