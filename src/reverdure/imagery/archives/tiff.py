"""GeoTIFF read by ranges: only the blocks that are needed, copied bit by bit.

A file with a few blocks of a large one is again a valid GeoTIFF of the same size, place
and compression; blocks left out read as nodata. Nothing is decoded on the way, so numbers
cannot change.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reverdure.core.errors import UnreadableFile
from reverdure.core.grid import Window

Read = Callable[[int, int], bytes]
"""Bytes of a file: from where, how many."""

_TYPES = {1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 7: "c", 8: "h", 9: "i", 10: "ii",
          11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}  # fmt: skip
_WIDTH, _HEIGHT, _SAMPLES = 256, 257, 277
_STRIPS = (273, 278, 279)  # offsets, rows in a strip, byte counts
_TILES = (324, 322, 323, 325)  # offsets, width, height, byte counts
_KIND, _ELSEWHERE = 254, (330, 34665, 34853)  # reduced copies; tags that point to other tables
_MOST_ENTRIES = 200
_MOST_HEADER = 32 * 2**20
_MOST_SIDE = 100_000
_MOST_BLOCK = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Header:
    """What the first table of a TIFF states.

    Attributes
    ----------
    order : str
        "<" or ">".
    is_big : bool
        BigTIFF.
    entries : mapping of int to (type, bytes)
        Every tag as it stands in the file.
    width, height, block_width, block_height : int
    offsets, sizes : tuple of int
        Of each block, row by row; size 0 for a block that holds nothing.
    """

    order: str
    is_big: bool
    entries: Mapping[int, tuple[int, bytes]]
    width: int
    height: int
    block_width: int
    block_height: int
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def across(self) -> int:
        """Blocks in a row."""
        return -(-self.width // self.block_width)

    def blocks_of(self, windows: Iterable[Window]) -> tuple[int, ...]:
        """Blocks that hold something and share pixels with one of the windows."""
        found: set[int] = set()
        for window in windows:
            inside = window.intersection(Window(0, 0, self.height, self.width))
            if inside is None:
                continue
            last_row = (inside.row + inside.height - 1) // self.block_height
            last_column = (inside.column + inside.width - 1) // self.block_width
            for row in range(inside.row // self.block_height, last_row + 1):
                start = row * self.across
                first = inside.column // self.block_width
                found.update(range(start + first, start + last_column + 1))
        return tuple(sorted(block for block in found if self.sizes[block]))

    def window_of(self, block: int) -> Window:
        """Pixels of a block."""
        row, column = divmod(block, self.across)
        top, left = row * self.block_height, column * self.block_width
        return Window(
            top,
            left,
            min(self.block_height, self.height - top),
            min(self.block_width, self.width - left),
        )


def read_header(read: Read, size: int) -> Header:
    """The first table of a TIFF.

    Parameters
    ----------
    read : callable
    size : int
        Bytes of the whole file.

    Raises
    ------
    UnreadableFile
        If it is no TIFF, several bands lie in it, or what it states cannot be.
    """
    start = read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    version = struct.unpack(f"{order}H", start[2:4])[0] if order and len(start) == 16 else 0
    if order is None or version not in (42, 43):
        raise UnreadableFile(f"the file begins with {start[:8]!r}; it is not a TIFF.")
    is_big = version == 43
    place = struct.unpack(f"{order}{'Q' if is_big else 'I'}", start[8:] if is_big else start[4:8])
    entries = _entries(read, order, is_big, place[0], size)
    return _checked(order, is_big, entries, size)


def _entries(
    read: Read, order: str, is_big: bool, place: int, size: int
) -> dict[int, tuple[int, bytes]]:
    letter, width, inline = ("Q", 20, 8) if is_big else ("H", 12, 4)
    count_bytes = struct.calcsize(letter)
    number = struct.unpack(f"{order}{letter}", _exact(read, place, count_bytes, size))[0]
    if not 0 < number <= _MOST_ENTRIES:
        raise UnreadableFile(f"its first table states {number} entries.")
    table = _exact(read, place + count_bytes, number * width, size)
    entries: dict[int, tuple[int, bytes]] = {}
    total = 0
    for position in range(number):
        entry = table[position * width : (position + 1) * width]
        tag, kind = struct.unpack(f"{order}HH", entry[:4])
        count = struct.unpack(f"{order}{'Q' if is_big else 'I'}", entry[4 : width - inline])[0]
        if kind not in _TYPES or tag in _ELSEWHERE:
            continue
        length = count * struct.calcsize(f"={_TYPES[kind]}")
        total += length
        if total > _MOST_HEADER:
            raise UnreadableFile(f"its first table takes more than {_MOST_HEADER} bytes.")
        value = entry[width - inline :][:length]
        if length > inline:
            where = struct.unpack(f"{order}{'Q' if is_big else 'I'}", entry[width - inline :])[0]
            value = _exact(read, where, length, size)
        entries[tag] = (kind, value)
    return entries


def _exact(read: Read, start: int, length: int, size: int) -> bytes:
    if start + length > size:
        raise UnreadableFile(f"it points to byte {start + length} of a file of {size} bytes.")
    found = read(start, length)
    if len(found) != length:
        raise UnreadableFile(f"it ends at byte {start + len(found)}, not at {size}.")
    return found


def _numbers(order: str, entry: tuple[int, bytes]) -> tuple[int, ...]:
    kind, value = entry
    letter = _TYPES[kind]
    if letter not in "BHIQ":
        raise UnreadableFile(f"a count is stored as type {kind}.")
    return struct.unpack(f"{order}{len(value) // struct.calcsize(f'={letter}')}{letter}", value)


def _checked(order: str, is_big: bool, entries: dict[int, tuple[int, bytes]], size: int) -> Header:
    def numbers(tag: int, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        if tag in entries:
            return _numbers(order, entries[tag])
        if default is None:
            raise UnreadableFile(f"it lacks tag {tag}.")
        return default

    width, height = numbers(_WIDTH)[0], numbers(_HEIGHT)[0]
    if numbers(_SAMPLES, (1,))[0] != 1:
        raise UnreadableFile("it holds several bands in one file; expected one band a file.")
    if numbers(_KIND, (0,))[0] & 1 or not 0 < width <= _MOST_SIDE or not 0 < height <= _MOST_SIDE:
        raise UnreadableFile(f"its first picture is {width} x {height} pixels, or a reduced copy.")
    if _TILES[0] in entries:
        block_width, block_height = numbers(_TILES[1])[0], numbers(_TILES[2])[0]
        offsets, sizes = numbers(_TILES[0]), numbers(_TILES[3])
    else:
        block_width, block_height = width, min(numbers(_STRIPS[1], (height,))[0], height)
        offsets, sizes = numbers(_STRIPS[0]), numbers(_STRIPS[2])
    if not block_width or not block_height or block_width * block_height * 8 > _MOST_BLOCK:
        raise UnreadableFile(f"its blocks are {block_width} x {block_height} pixels.")
    expected = math.ceil(width / block_width) * math.ceil(height / block_height)
    if not len(offsets) == len(sizes) == expected:
        raise UnreadableFile(f"it lists {len(offsets)} blocks; {expected} make up its pixels.")
    beyond = [at + long for at, long in zip(offsets, sizes, strict=True) if at + long > size]
    if beyond:
        raise UnreadableFile(f"a block ends at byte {max(beyond)}, the file at {size}.")
    return Header(
        order, is_big, entries, width, height, block_width, block_height, offsets, sizes
    )  # fmt: skip


def spans(
    header: Header, blocks: Iterable[int], gap: int = 1 << 16, most: int = 8 << 20
) -> list[tuple[int, int]]:
    """Ranges (start, length) that hold all blocks; near ones are asked for together."""
    ends: list[tuple[int, int]] = []
    for start, length in sorted((header.offsets[b], header.sizes[b]) for b in blocks):
        if ends and start <= ends[-1][1] + gap and start + length - ends[-1][0] <= most:
            ends[-1] = (ends[-1][0], max(ends[-1][1], start + length))
        else:
            ends.append((start, start + length))
    return [(start, end - start) for start, end in ends]


def write_blocks(path: Path, header: Header, blocks: Mapping[int, bytes]) -> None:
    """Write a TIFF that holds only `blocks`; all others read as nodata.

    The same blocks give the same bytes.
    """
    entries = dict(header.entries)
    tags = (_TILES[0], _TILES[3]) if _TILES[0] in entries else (_STRIPS[0], _STRIPS[2])
    whole = "Q" if header.is_big else "I"
    kind = 16 if header.is_big else 4
    empty = b"\0" * (struct.calcsize(whole) * len(header.offsets))
    entries[tags[0]] = entries[tags[1]] = (kind, empty)
    table, after = _layout(header, entries)
    place = table
    offsets, sizes = [0] * len(header.offsets), [0] * len(header.offsets)
    for block in sorted(blocks):
        offsets[block], sizes[block] = place, len(blocks[block])
        place += len(blocks[block]) + len(blocks[block]) % 2
    pattern = f"{header.order}{len(offsets)}{whole}"
    if place >= 2**32 and not header.is_big:
        raise UnreadableFile("the blocks needed take over 4 GB.")
    entries[tags[0]] = (kind, struct.pack(pattern, *offsets))
    entries[tags[1]] = (kind, struct.pack(pattern, *sizes))
    with path.open("wb") as stream:
        stream.write(_table(header, entries, after))
        for block in sorted(blocks):
            stream.write(blocks[block] + b"\0" * (len(blocks[block]) % 2))


def _layout(header: Header, entries: Mapping[int, tuple[int, bytes]]) -> tuple[int, int]:
    """Byte at which blocks begin, and at which values too long for the table do."""
    width, inline, start = (20, 8, 16) if header.is_big else (12, 4, 8)
    extra = 8 + 8 if header.is_big else 2 + 4
    after = start + extra + width * len(entries)
    after += after % 2
    long = sum(len(v) + len(v) % 2 for _, v in entries.values() if len(v) > inline)
    return after + long, after


def _table(header: Header, entries: Mapping[int, tuple[int, bytes]], after: int) -> bytes:
    order, is_big = header.order, header.is_big
    mark = b"II" if order == "<" else b"MM"
    whole, inline = ("Q", 8) if is_big else ("I", 4)
    start = (
        struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if is_big else struct.pack(f"{order}HI", 42, 8)
    )
    rows, values = [], b""
    for tag in sorted(entries):
        kind, value = entries[tag]
        count = len(value) // struct.calcsize(f"={_TYPES[kind]}")
        if len(value) > inline:
            field = struct.pack(f"{order}{whole}", after + len(values))
            values += value + b"\0" * (len(value) % 2)
        else:
            field = value.ljust(inline, b"\0")
        rows.append(struct.pack(f"{order}HH{whole}", tag, kind, count) + field)
    number = struct.pack(f"{order}{'Q' if is_big else 'H'}", len(entries))
    following = struct.pack(f"{order}{whole}", 0)
    text = mark + start + number + b"".join(rows) + following
    return text.ljust(after, b"\0") + values
