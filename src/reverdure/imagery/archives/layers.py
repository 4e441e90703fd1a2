"""One file of an archive: which of its blocks lie near mines, fetched, checked and kept."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from rasterio.errors import RasterioError
from rasterio.windows import Window as FileWindow

from reverdure.core.errors import UnreadableFile
from reverdure.core.files import atomic
from reverdure.core.grid import Grid, Window
from reverdure.core.provenance import file_digest, file_fingerprint
from reverdure.imagery.archives.addresses import shown
from reverdure.imagery.archives.tiff import Header, read_header, spans, write_blocks
from reverdure.imagery.archives.web import Client
from reverdure.imagery.rasters import grid_of_raster, open_raster

_FIRST_BYTES = 1 << 16
_OFF_LATTICE_PIXELS = 2
_EDGE_PIXELS = 0.001
# blocks never take more room than their pixels, but for headers and hard noise
_MOST_PER_PIXEL_BYTES = 10.0

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Need:
    """Ground that must be seen.

    Attributes
    ----------
    crs : str
    boxes : tuple of (west, south, east, north)
        [CRS units]; tiles near mines, or windows of small mines.
    """

    crs: str
    boxes: tuple[Box, ...]

    def within(self, grid: Grid) -> "Need":
        """The boxes that touch a grid."""
        west, south, east, north = _bounds_in(grid, self.crs)
        kept = [
            b for b in self.boxes if b[0] < east and b[2] > west and b[1] < north and b[3] > south
        ]
        return Need(self.crs, tuple(kept))

    def covers(self, other: "Need") -> bool:
        """Whether all that `other` needs is needed here, too."""
        return self.crs == other.crs and set(other.boxes) <= set(self.boxes)

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {"crs": self.crs, "boxes": [list(box) for box in self.boxes]}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Need":
        """Need from what `to_dict` gave."""
        boxes = [(float(b[0]), float(b[1]), float(b[2]), float(b[3])) for b in fields["boxes"]]
        return cls(str(fields["crs"]), tuple(boxes))


@dataclass(frozen=True, slots=True)
class Layer:
    """A file as it is kept.

    Attributes
    ----------
    source : str
        Address without query.
    size, etag : int, str
        Of the whole file in the archive.
    sha256 : str
        Of the file kept, first 16 digits.
    fingerprint : str
        Of its size, head and tail; looked at when the fetch is given again.
    need : Need
        What it was fetched for.
    """

    source: str
    size: int
    etag: str
    sha256: str
    fingerprint: str
    need: Need

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self) | {"need": self.need.to_dict()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Layer":
        """Layer from what `to_dict` gave."""
        return cls(**{**fields, "need": Need.from_dict(fields["need"])})


def record_of(path: Path) -> Layer | None:
    """What is known of a file that was fetched before; None where it is not whole."""
    try:
        stated = Layer.from_dict(json.loads(_record_path(path).read_text(encoding="utf-8")))
        return stated if file_fingerprint(path) == stated.fingerprint else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.fetched")


class RemoteFile:
    """A GeoTIFF on the web: its header, and its grid.

    Parameters
    ----------
    client : Client
    url : str
    scratch : Path
        A file that may be written to find out the grid.

    Raises
    ------
    UnreadableFile, MissingCRS, GridMismatch
        If it is not the kind of file that is read here.
    ArchiveAnswer, ArchiveUnavailable, UnsafeAddress
        If it cannot be had.
    """

    def __init__(self, client: Client, url: str, scratch: Path) -> None:
        self._client, self._url = client, url
        first = client.part(url, 0, _FIRST_BYTES)
        self._first, self.size, self.etag = first.data, first.size, first.etag
        try:
            self.header: Header = read_header(self._read, self.size)
        except UnreadableFile as error:
            raise UnreadableFile(f"{shown(url)}: {error.message}", error.hint) from error
        scratch.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_blocks(scratch, self.header, {})
            with open_raster(scratch) as dataset:
                self.grid: Grid = grid_of_raster(dataset)
                self._pixel_bytes = np.dtype(dataset.dtypes[0]).itemsize
        finally:
            scratch.unlink(missing_ok=True)

    def _read(self, start: int, length: int) -> bytes:
        if start + length <= len(self._first):
            return self._first[start : start + length]
        return self._client.part(self._url, start, length).data

    def blocks(self, need: Need) -> tuple[int, ...]:
        """Blocks that show what is needed.

        Raises
        ------
        UnreadableFile
            If they take more room than their pixels could.
        """
        blocks = self.header.blocks_of(file_windows(self.grid, need))
        pixels = self.header.block_width * self.header.block_height * len(blocks)
        if self.bytes_of(blocks) > _MOST_PER_PIXEL_BYTES * pixels + (1 << 20):
            raise UnreadableFile(
                f"{shown(self._url)} states {self.bytes_of(blocks)} bytes for {pixels} pixels."
            )
        return blocks

    def bytes_of(self, blocks: Iterable[int]) -> int:
        """Bytes the blocks take."""
        return sum(self.header.sizes[block] for block in blocks)

    def bytes_to_move(self, blocks: Iterable[int]) -> int:
        """Bytes that are sent for the blocks: with the header, and what lies between near ones."""
        there = len(self._first)
        parts = spans(self.header, sorted(blocks, key=lambda block: self.header.offsets[block]))
        return there + sum(length for start, length in parts if start + length > there)

    def fetch(self, blocks: Iterable[int]) -> dict[int, bytes]:
        """Bytes of blocks, near ones together."""
        header = self.header
        wanted = sorted(blocks, key=lambda block: header.offsets[block])
        found: dict[int, bytes] = {}
        for start, length in spans(header, wanted):
            data = self._read(start, length)
            for block in wanted:
                at = header.offsets[block] - start
                if at >= 0 and at + header.sizes[block] <= len(data):
                    found[block] = data[at : at + header.sizes[block]]
        return found


def file_windows(grid: Grid, need: Need) -> list[Window]:
    """Windows of a file that show what is needed."""
    inside = need.within(grid)
    if grid.crs == need.crs:
        bounds: Sequence[Box] = inside.boxes
    else:
        change = pyproj.Transformer.from_crs(need.crs, grid.crs, always_xy=True)
        bounds = [change.transform_bounds(*box, densify_pts=21) for box in inside.boxes]
    is_aligned = grid.crs == need.crs and all(_on_edges(grid, box) for box in inside.boxes)
    # nearest pixels of another lattice lie up to one pixel off
    margin = 0.0 if is_aligned else _OFF_LATTICE_PIXELS * grid.pixel
    windows = [grid.window(box, margin) for box in bounds]
    return [window for window in windows if window is not None]


def _on_edges(grid: Grid, box: Box) -> bool:
    """Whether a box lies on edges of pixels, so that its pixels are copied."""
    at = ((box[0] - grid.west) / grid.pixel, (grid.north - box[3]) / grid.pixel)
    return all(abs(place - round(place)) < _EDGE_PIXELS for place in at)


def _bounds_in(grid: Grid, crs: str) -> Box:
    if grid.crs == crs:
        return grid.bounds
    change = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True)
    west, south, east, north = change.transform_bounds(*grid.bounds, densify_pts=21)
    return west, south, east, north


def fetch_layer(
    client: Client, url: str, path: Path, need: Need, earlier: Path | None = None
) -> Layer:
    """Fetch what is needed of one file; nothing where it is there already.

    Parameters
    ----------
    client : Client
    url : str
    path : Path
        File to write, whole or not at all; its record lies beside it.
    need : Need
    earlier : Path, optional
        The same file as fetched for less; its blocks are not fetched again.

    Returns
    -------
    Layer

    Raises
    ------
    UnreadableFile, MissingCRS, GridMismatch, ArchiveAnswer, ArchiveUnavailable, UnsafeAddress
    """
    known = record_of(path)
    if known is not None and known.source == shown(url) and known.need.covers(need):
        return known
    remote = RemoteFile(client, url, path.with_name(f"{path.name}.head"))
    blocks = remote.blocks(need)
    found = _kept_blocks(earlier, remote) if earlier is not None else {}
    found |= remote.fetch(block for block in blocks if block not in found)
    with atomic(path) as temporary:
        write_blocks(temporary, remote.header, found)
        _check_blocks(temporary, remote.header, blocks, url)
    layer = Layer(
        source=shown(url),
        size=remote.size,
        etag=remote.etag,
        sha256=file_digest(path),
        fingerprint=file_fingerprint(path),
        need=need,
    )
    with atomic(_record_path(path)) as temporary:
        temporary.write_text(json.dumps(layer.to_dict()), encoding="utf-8")
    return layer


def _kept_blocks(path: Path, remote: RemoteFile) -> dict[int, bytes]:
    """Blocks of an earlier fetch, if the file in the archive is still the same."""
    known = record_of(path)
    if known is None or (known.size, known.etag) != (remote.size, remote.etag):
        return {}
    with path.open("rb") as stream:

        def read(start: int, length: int) -> bytes:
            stream.seek(start)
            return stream.read(length)

        header = read_header(read, path.stat().st_size)
        if len(header.sizes) != len(remote.header.sizes):
            return {}
        held = [block for block, size in enumerate(header.sizes) if size]
        return {block: read(header.offsets[block], header.sizes[block]) for block in held}


def _check_blocks(path: Path, header: Header, blocks: Iterable[int], url: str) -> None:
    """Decode what was fetched: what is kept counts as right."""
    try:
        with open_raster(path) as dataset:
            for block in blocks:
                window = header.window_of(block)
                dataset.read(
                    1, window=FileWindow(window.column, window.row, window.width, window.height)
                )
    except (UnreadableFile, RasterioError) as error:
        raise UnreadableFile(
            f"{shown(url)}: what was sent cannot be decoded.", "It may be damaged in the archive."
        ) from error
