"""Rasters of the workspace: one cloud-optimised GeoTIFF of int16 a tile and layer.

The name of a file carries the hash of everything it was made from, so that a file
that is there is right, and nothing right is computed again.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from reverdure.core.errors import UnreadableFile
from reverdure.core.files import atomic
from reverdure.core.grid import Grid

NODATA = -32768
_LIMIT = 32767


@dataclass(frozen=True, slots=True)
class Band:
    """How one band is stored: value = scale * number + offset.

    Attributes
    ----------
    name : str
    scale, offset : float
    """

    name: str
    scale: float = 1.0
    offset: float = 0.0

    def encode(self, values: NDArray[np.generic]) -> NDArray[np.int16]:
        """Numbers as stored; NaN becomes nodata, values out of range the nearest storable."""
        numbers = (np.asarray(values, dtype=np.float64) - self.offset) / self.scale
        stored = np.clip(np.rint(numbers), -_LIMIT, _LIMIT)
        return np.where(np.isnan(numbers), NODATA, stored).astype(np.int16)

    def decode(self, stored: NDArray[np.int16]) -> NDArray[np.float32]:
        """Values as float32; nodata becomes NaN."""
        values = (stored * np.float64(self.scale) + self.offset).astype(np.float32)
        values[stored == NODATA] = np.nan
        return values


def write_tile(
    path: Path,
    bands: Sequence[Band],
    arrays: Sequence[NDArray[np.generic]],
    grid: Grid,
    tags: Mapping[str, str],
) -> None:
    """Write bands of one tile as a COG, whole or not at all.

    Parameters
    ----------
    path : Path
    bands : sequence of Band
    arrays : sequence of (y, x) arrays
        One a band, in physical values; NaN where there is none.
    grid : Grid
        Grid of the tile.
    tags : mapping
        Text kept in the file.
    """
    with MemoryFile() as memory:
        with memory.open(
            driver="COG",
            dtype="int16",
            count=len(bands),
            height=grid.height,
            width=grid.width,
            crs=grid.crs,
            transform=rasterio.Affine(*grid.transform),
            nodata=NODATA,
            compress="ZSTD",
            predictor=2,
            blocksize=256,
            overviews="NONE",
            num_threads=1,
        ) as sink:
            for number, (band, array) in enumerate(zip(bands, arrays, strict=True), start=1):
                sink.write(band.encode(array), number)
                sink.set_band_description(number, band.name)
            sink.scales = [band.scale for band in bands]
            sink.offsets = [band.offset for band in bands]
            sink.update_tags(**tags)
        # by way of memory: GDAL says of a full disk no more than that something failed
        with atomic(path) as temporary:
            temporary.write_bytes(memory.getbuffer())


def read_tile(path: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Bands of a tile by name, in physical values, and its tags.

    Raises
    ------
    UnreadableFile
        If the file is damaged.
    """
    with _opened(path) as source:
        stored = source.read()
        bands = [
            Band(name, scale, offset)
            for name, scale, offset in zip(
                source.descriptions, source.scales, source.offsets, strict=True
            )
        ]
        tags = _tags(source)
    return {band.name: band.decode(stored[i]) for i, band in enumerate(bands)}, tags


def read_tags(path: Path) -> dict[str, str]:
    """Tags of a tile, without its bands.

    Raises
    ------
    UnreadableFile
        If the file is damaged.
    """
    with _opened(path) as source:
        return _tags(source)


@contextmanager
def _opened(path: Path) -> Iterator[rasterio.DatasetReader]:
    try:
        with rasterio.open(path) as source:
            yield source
    except RasterioError as error:
        raise UnreadableFile(
            f"{path.name} is damaged.", "Delete it and run again; it is made anew."
        ) from error


def _tags(source: rasterio.DatasetReader) -> dict[str, str]:
    return {str(key): str(value) for key, value in source.tags().items()}
