"""Pictures of a mine as they stand in its page: PNG in the page, outlines over it."""

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.core.records import Picture

# A page may hold 150 kB; text, charts and numbers take up to half of it.
PICTURES_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class Plate:
    """A picture ready to be placed: its address, its size and its outlines in pixels."""

    year: int
    width: int
    height: int
    address: str
    outlines: tuple[str, ...]


def plates(pictures: Sequence[Picture], limit_bytes: int = PICTURES_BYTES) -> list[Plate]:
    """Pictures as data addresses, coarsened together until they fit the limit.

    Parameters
    ----------
    pictures : sequence of Picture
        Pictures of one mine.
    limit_bytes : int
        Most that all addresses may take together, [byte].

    Returns
    -------
    list of Plate
        In the same order; width, height and outlines stay in pixels of the original.
    """
    factor = 1
    addresses = [_address(picture.rgb) for picture in pictures]
    while sum(map(len, addresses)) > limit_bytes:
        factor += 1
        addresses = [_address(_coarser(picture.rgb, factor)) for picture in pictures]
    return [
        Plate(
            picture.year,
            picture.rgb.shape[1],
            picture.rgb.shape[0],
            address,
            tuple(" ".join(f"{x:.1f},{y:.1f}" for x, y in ring) for ring in picture.rings),
        )
        for picture, address in zip(pictures, addresses, strict=True)
    ]


def _coarser(rgb: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Means of factor x factor blocks; blocks at the far edges may be smaller."""
    rows, columns = (np.arange(0, size, factor) for size in rgb.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(rgb.astype(np.float64), rows, 0), columns, 1)
    heights = np.diff(np.append(rows, rgb.shape[0]))
    widths = np.diff(np.append(columns, rgb.shape[1]))
    means: NDArray[np.uint8] = np.rint(sums / np.outer(heights, widths)[..., None]).astype(np.uint8)
    return means


def _address(rgb: NDArray[np.uint8]) -> str:
    return "data:image/png;base64," + base64.b64encode(png(rgb)).decode("ascii")


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
