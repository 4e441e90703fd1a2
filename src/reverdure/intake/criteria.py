"""Criteria of mines, weights of groups and comparisons by pairs, as people keep them in sheets."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, MissingColumn, UnreadableFile
from reverdure.intake.table_lines import table_lines
from reverdure.intake.values import is_missing

_DIRECTION = ("direction", "方向")
_UNIT = ("unit", "单位")
_MINE = ("mine_id", "mine id", "矿山编号")
_MORE = ("more", "benefit", "max", "越大越好", "效益")
_LESS = ("less", "cost", "min", "越小越好", "成本")


@dataclass(frozen=True)
class Criteria:
    """Mines by criteria.

    Attributes
    ----------
    mine_id, names, units : tuple of str
        Rows; criteria, and their units ("" where none is said).
    is_cost : tuple of bool
        Where less is better.
    values : (mine, criterion) float
        NaN where a cell is empty.
    """

    mine_id: tuple[str, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]
    is_cost: tuple[bool, ...]
    values: NDArray[np.float64]


def read_criteria(path: Path) -> Criteria:
    """Read criteria: a row a mine, a column a criterion, a row that says which way is better.

    The first column is `mine_id`. In one row it says `direction`, with `more` or `less` under
    each criterion; a row `unit` is optional. Both may stand in Chinese.

    Raises
    ------
    UnreadableFile
        If the file is no table.
    MissingColumn
        If there is no column of mines, no criterion or no row of directions.
    InvalidInput
        If a direction or a cell cannot be read, or a mine or criterion stands twice.
    """
    head, *rows = read_cells(path)
    if _plain(head[0]) not in _MINE or len(head) < 2:
        raise MissingColumn(
            f"{path.name} begins with column {head[0]!r}; it begins with mine_id, then criteria."
        )
    names = tuple(str(cell).strip() for cell in head[1:])
    marked = {_plain(row[0]): row[1:] for row in rows if _plain(row[0]) in _DIRECTION + _UNIT}
    directions = next((marked[one] for one in _DIRECTION if one in marked), None)
    if directions is None:
        raise MissingColumn(
            f"{path.name} does not say of its criteria whether more or less is better.",
            "Add a row: direction, then more or less under each criterion.",
        )
    units = next((marked[one] for one in _UNIT if one in marked), [""] * len(names))
    mines = [row for row in rows if _plain(row[0]) not in _DIRECTION + _UNIT]
    ids = tuple(str(row[0]).strip() for row in mines)
    for what in (ids, names):
        twice = [one for n, one in enumerate(what) if one in what[:n] or not one]
        if twice:
            raise InvalidInput(f"{path.name} names {twice[0]!r} twice, or leaves a name empty.")
    is_cost = tuple(_is_cost(path, name, one)
                    for name, one in zip(names, directions, strict=True))  # fmt: skip
    values = [[_number(path, mine[0], cell) for cell in mine[1:]] for mine in mines]
    return Criteria(
        ids, names, tuple(str(one or "").strip() for one in units), is_cost,
        np.array(values, float).reshape(len(ids), len(names)),
    )  # fmt: skip


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a table by the words of its heading, in lower case."""
    head, *rows = read_cells(path)
    names = [_plain(cell) for cell in head]
    return [dict(zip(names, map(_day, row), strict=True)) for row in rows]


@dataclass(frozen=True)
class Pairs:
    """What one group said of each pair of criteria: who was asked, when, and the matrix."""

    group: str
    asked: str
    date: str
    criteria: tuple[str, ...]
    matrix: NDArray[np.float64]


def read_pairs(path: Path) -> tuple[Pairs, ...]:
    """Read comparisons by pairs: a row for each criterion of each group, a column a criterion.

    Columns are group, asked, date, criterion and the criteria; cells are numbers or fractions
    ("1/3"): how many times the row counts more than the column.

    Raises
    ------
    MissingColumn
        If a column is missing.
    InvalidInput
        If a cell is no number, or a group does not compare every criterion.
    """
    rows = read_rows(path)
    about = ("group", "asked", "date", "criterion")
    lacking = [name for name in about if rows and name not in rows[0]]
    if lacking:
        raise MissingColumn(f"the comparisons in {path.name} have no column {lacking[0]!r}.")
    gathered: dict[tuple[str, str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        key = (str(row["group"]), str(row["asked"]), str(row["date"]))
        gathered.setdefault(key, {})[str(row["criterion"]).strip()] = row
    found = []
    for key, said in gathered.items():
        criteria = tuple(said)
        columns = {_plain(one) for one in rows[0]} - set(about)
        if columns != {_plain(one) for one in criteria}:
            raise InvalidInput(
                f"{key[0]} compares {', '.join(criteria)}; the columns of {path.name} are "
                f"{', '.join(sorted(columns))}.",
                "Give every criterion a row and a column.",
            )
        matrix = [[_number(path, a, said[a][_plain(b)]) for b in criteria] for a in criteria]
        found.append(Pairs(*key, criteria, np.array(matrix, float)))
    return tuple(found)


def read_cells(path: Path) -> list[list[Any]]:
    """Cells of a CSV or of the first sheet of a workbook; the heading first, no empty rows.

    Raises
    ------
    UnreadableFile
        If the file is not there, or holds a heading at most.
    """
    kept = [line for line in table_lines(path) if not all(is_missing(cell) for cell in line)]
    if len(kept) < 2:
        raise UnreadableFile(f"{path.name} has a heading and no rows.")
    return kept


def _plain(cell: Any) -> str:
    return str("" if cell is None else cell).strip().casefold()


def _day(cell: Any) -> Any:
    return cell.date().isoformat() if isinstance(cell, datetime.datetime) else cell


def _is_cost(path: Path, criterion: str, said: Any) -> bool:
    if _plain(said) in _MORE + _LESS:
        return _plain(said) in _LESS
    raise InvalidInput(
        f"{path.name} says {said!r} as direction of {criterion}; write more or less.",
        "For example: cost less, recovered_ha more.",
    )


def _number(path: Path, row: Any, cell: Any) -> float:
    """A number or a fraction; NaN where the cell is empty."""
    if is_missing(cell):
        return float("nan")
    try:
        return float(Fraction(str(cell).strip().replace(",", "")))
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidInput(
            f"{path.name}, row {row}: {cell!r} is no number.", "Leave empty what is not known."
        ) from error
