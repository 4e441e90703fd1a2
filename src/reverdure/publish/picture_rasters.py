"""Colour pictures of a whole programme as GeoTIFF: only blocks near mines take space."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile
from rasterio.windows import Window as Part

from reverdure.core.files import atomic
from reverdure.core.grid import Grid, Window

BLOCK_PIXELS = 256
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)


def write_picture(
    path: Path,
    grid: Grid,
    blocks: Iterable[tuple[Window, NDArray[np.uint8]]],
    tags: Mapping[str, str],
) -> bool:
    """Write red, green, blue and alpha as GeoTIFF, whole or not at all.

    Parameters
    ----------
    path : Path
    grid : Grid
        Pixels of the whole file.
    blocks : iterable of (Window, (4, row, column) uint8)
        In row-major order, each once: squares of `grid.tiles(BLOCK_PIXELS)`. Others are
        transparent and take no space.
    tags : mapping
        Text kept in the file.

    Returns
    -------
    bool
        False where there was no block: then there is no file.

    References
    ----------
    GDAL, GTiff driver, creation option SPARSE_OK.
    """
    n_blocks = 0
    # a cache of fixed size, so that blocks come to lie in the same order on every machine
    with rasterio.Env(GDAL_CACHEMAX=64), MemoryFile() as memory:
        with memory.open(
            driver="GTiff", dtype="uint8", count=4, height=grid.height, width=grid.width,
            crs=grid.crs, transform=rasterio.Affine(*grid.transform), tiled=True,
            blockxsize=BLOCK_PIXELS, blockysize=BLOCK_PIXELS, compress="DEFLATE", predictor=2,
            interleave="pixel", photometric="RGB", sparse_ok=True, num_threads=1,
        ) as sink:  # fmt: skip
            sink.colorinterp = _COLOURS
            sink.update_tags(**tags)
            for window, pixels in blocks:
                part = Part(window.column, window.row, window.width, window.height)
                sink.write(pixels, window=part)
                n_blocks += 1
        if n_blocks:
            # by way of memory: GDAL says of a full disk no more than that something failed
            with atomic(path) as temporary:
                temporary.write_bytes(memory.getbuffer())
    return n_blocks > 0
