"""A mixed-integer problem as arrays: blocks of columns and rows that can be named in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from reverdure.core.messages import message_table

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
Axes = tuple[tuple[str, Sequence[object]], ...]


@dataclass(frozen=True)
class Block:
    """Rows or columns that stand side by side: the grid of its axes, last axis fastest.

    Attributes
    ----------
    kind : str
        Key of its words in `plan/data/messages.toml`.
    first, size : int
    axes : tuple of (name, labels)
        What is filled into the words.
    group : str
        The requirement it belongs to; "" for what always holds.
    """

    kind: str
    first: int
    size: int
    axes: Axes
    group: str = ""

    @property
    def rows(self) -> Indices:
        """Positions of its members in the model."""
        return np.arange(self.first, self.first + self.size)

    def labels(self, position: int) -> Mapping[str, object]:
        """What the axes are at a position of the model."""
        shape = [len(labels) for _, labels in self.axes]
        where = np.unravel_index(position - self.first, shape) if shape else ()
        return {name: labels[int(at)] for (name, labels), at in zip(self.axes, where, strict=True)}

    def words(self, position: int, language: str) -> str:
        """A member in the reader's words."""
        text = message_table("plan")[f"{self.kind}"][language]
        return text.format(
            **{k: in_language(v, language) for k, v in self.labels(position).items()}
        )


def in_language(value: object, language: str) -> object:
    """The label of what has one in two languages; all else as it is."""
    if isinstance(value, tuple):
        return value[language == "zh"]
    return getattr(value, language, value)


@dataclass(frozen=True)
class Lock:
    """Columns held within bounds by a requirement that can be named."""

    group: str
    columns: Indices
    lower: Numbers
    upper: Numbers


@dataclass(frozen=True)
class Model:
    """Maximise `objective` x within row and column bounds; some columns whole numbers."""

    matrix: csc_array
    row_lower: Numbers
    row_upper: Numbers
    lower: Numbers
    upper: Numbers
    objective: Numbers
    whole: NDArray[np.bool_]
    column_blocks: tuple[Block, ...]
    row_blocks: tuple[Block, ...]
    locks: tuple[Lock, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.matrix.shape[0]), int(self.matrix.shape[1])

    @property
    def groups(self) -> tuple[str, ...]:
        """The requirements by name, in the order they stand in the model."""
        named = [block.group for block in self.row_blocks] + [lock.group for lock in self.locks]
        return tuple(dict.fromkeys(name for name in named if name))

    def name_of_row(self, row: int, language: str = "en") -> str:
        """A row in the reader's words."""
        return _block_at(self.row_blocks, row).words(row, language)

    def name_of_column(self, column: int, language: str = "en") -> str:
        """A column in the reader's words."""
        return _block_at(self.column_blocks, column).words(column, language)

    def columns(self, kind: str) -> Indices:
        """Positions of all columns of a kind."""
        found = [block.rows for block in self.column_blocks if block.kind == kind]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def rows(self, kind: str) -> Indices:
        """Positions of all rows of a kind."""
        found = [block.rows for block in self.row_blocks if block.kind == kind]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def bounds(self, groups: Sequence[str] | None = None) -> tuple[Numbers, Numbers]:
        """Column bounds with the locks of these groups (all of them by default)."""
        lower, upper = self.lower.copy(), self.upper.copy()
        for lock in self.locks:
            if groups is None or lock.group in groups:
                lower[lock.columns] = np.maximum(lower[lock.columns], lock.lower)
                upper[lock.columns] = np.minimum(upper[lock.columns], lock.upper)
        return lower, upper

    def only(self, groups: Sequence[str]) -> "Model":
        """The same with the requirements of these groups alone."""
        row_lower, row_upper = self.row_lower.copy(), self.row_upper.copy()
        for block in self.row_blocks:
            if block.group and block.group not in groups:
                row_lower[block.rows], row_upper[block.rows] = -np.inf, np.inf
        locks = tuple(lock for lock in self.locks if lock.group in groups)
        return replace(self, row_lower=row_lower, row_upper=row_upper, locks=locks)


@dataclass
class Builder:
    """Collects blocks and entries, then makes a model of them."""

    _columns: list[tuple[Block, Numbers, Numbers, Numbers, bool]] = field(default_factory=list)
    _rows: list[tuple[Block, Numbers, Numbers]] = field(default_factory=list)
    _entries: list[tuple[Indices, Indices, Numbers]] = field(default_factory=list)
    _locks: list[Lock] = field(default_factory=list)
    _width: int = 0
    _height: int = 0

    def columns(
        self, kind: str, axes: Axes, *, lower: Numbers | float = 0.0,
        upper: Numbers | float = np.inf, objective: Numbers | float = 0.0, whole: bool = False,
    ) -> Indices:  # fmt: skip
        """Add a block of columns; its positions."""
        block = Block(kind, self._width, _size(axes), axes)
        bounds = [_full(v, block.size) for v in (lower, upper, objective)]
        self._columns.append((block, bounds[0], bounds[1], bounds[2], whole))
        self._width += block.size
        return block.rows

    def rows(
        self, kind: str, axes: Axes, *, lower: Numbers | float = -np.inf,
        upper: Numbers | float = np.inf, group: str = "",
    ) -> Indices:  # fmt: skip
        """Add a block of rows; its positions."""
        block = Block(kind, self._height, _size(axes), axes, group)
        self._rows.append((block, _full(lower, block.size), _full(upper, block.size)))
        self._height += block.size
        return block.rows

    def put(self, rows: Indices, columns: Indices, values: Numbers | float) -> None:
        """Add entries; those at the same place add up."""
        rows, columns = np.broadcast_arrays(rows, columns)
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), rows.shape)
        self._entries.append((rows.ravel(), columns.ravel(), values.ravel()))

    def lock(self, group: str, columns: Indices, lower: float, upper: float) -> None:
        """Hold columns within bounds."""
        n = len(columns)
        self._locks.append(Lock(group, columns, np.full(n, lower), np.full(n, upper)))

    def build(self) -> Model:
        """The model."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        shape = (self._height, self._width)
        matrix = csc_array((values, (rows, columns)), shape=shape)
        matrix.sum_duplicates()
        whole = np.concatenate([np.full(b.size, is_whole) for b, *_, is_whole in self._columns])
        return Model(
            matrix,
            np.concatenate([lower for _, lower, _ in self._rows]),
            np.concatenate([upper for _, _, upper in self._rows]),
            np.concatenate([lower for _, lower, *_ in self._columns]),
            np.concatenate([upper for _, _, upper, *_ in self._columns]),
            np.concatenate([worth for *_, worth, _ in self._columns]),
            whole,
            tuple(one[0] for one in self._columns),
            tuple(one[0] for one in self._rows),
            tuple(self._locks),
        )


def _block_at(blocks: tuple[Block, ...], position: int) -> Block:
    at = int(np.searchsorted([block.first for block in blocks], position, side="right")) - 1
    while blocks[at].size == 0:
        at -= 1
    return blocks[at]


def _size(axes: Axes) -> int:
    return int(np.prod([len(labels) for _, labels in axes], dtype=np.int64))


def _full(value: Numbers | float, size: int) -> Numbers:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (size,))
