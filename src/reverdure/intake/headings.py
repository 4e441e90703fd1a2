"""The heading of a foreign sheet: several rows, merged cells, titles and units above it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reverdure.core.errors import InvalidInput
from reverdure.intake.columns import recognise
from reverdure.intake.values import is_missing, known_unit

_ROWS_SEARCHED, _DEEPEST = 25, 4
_KEYS = {"mines": {"mine_id", "name"}, "claims": {"mine_id", "claim_id"}}
_AREAS = ("stated_area_ha", "claimed_ha")
_UNIT_LINE = re.compile(r"(?:单位|units?)\s*:\s*(?P<units>[^\n]{1,40})")


@dataclass(frozen=True)
class Headings:
    """A block of heading rows.

    Attributes
    ----------
    names : list of str
        One heading a column, all distinct.
    places : list of int
        Column of the sheet each stands in.
    first_row, last_row : int
        Rows of the block, from 0.
    """

    names: list[str]
    places: list[int]
    first_row: int
    last_row: int


def find_headings(
    rows: Sequence[Sequence[Any]], merged: Sequence[tuple[int, int, int, int]], kind: str
) -> Headings | None:
    """The block of rows whose headings are recognised best; None where none names a row.

    A heading is the lowest cell of its column in the block; where that is a unit (亩) or
    stands more than once, the cell above it goes before. A line such as 单位:亩 above the
    block gives the unit of an area whose heading has none.

    Examples
    --------
    >>> rows = [["2023年台账", None, None], ["编号", "面积", None], [None, "亩", "公顷"]]
    >>> merged = [(0, 0, 0, 2), (1, 0, 2, 0), (1, 1, 1, 2)]
    >>> find_headings(rows + [["M1", 51, 3.4]], merged, "mines").names
    ['编号', '面积(亩)', '面积(公顷)']
    """
    cells = [list(row) for row in rows[: _ROWS_SEARCHED + _DEEPEST]]
    for top, left, bottom, right in merged:
        for row in range(top, min(bottom + 1, len(cells))):
            for column in range(left, right + 1):
                cells[row][column] = cells[top][left]
    best: tuple[tuple[int, int, int], Headings] | None = None
    for top in range(min(_ROWS_SEARCHED, len(cells))):
        for depth in range(1, _DEEPEST + 1):
            block = cells[top : top + depth]
            if len(block) < depth or top + depth >= len(rows) or not _is_heading(block):
                break
            if _cuts_merged(merged, top, top + depth - 1):
                continue
            names, places = _names(block)
            score = _score(names, kind)
            rank = (score, -depth, top)
            if score and (best is None or rank > best[0]):
                best = rank, Headings(names, places, top, top + depth - 1)
    if best is None:
        return None
    return _with_unit_line(best[1], cells, kind)


def _is_heading(block: Sequence[Sequence[Any]]) -> bool:
    """Whether all cells are words; a number among them makes a row of values."""
    return all(is_missing(cell) or isinstance(cell, str) for row in block for cell in row)


def _cuts_merged(merged: Sequence[tuple[int, int, int, int]], top: int, bottom: int) -> bool:
    """Whether a merged cell lies across the border of the block."""
    return any(first <= bottom < last or first < top <= last for first, _, last, _ in merged)


def _names(block: Sequence[Sequence[Any]]) -> tuple[list[str], list[int]]:
    """Headings and their columns."""
    width = max(len(row) for row in block)
    stacks: dict[int, list[str]] = {}
    for column in range(width):
        stack: list[str] = []
        for row in block:
            cell = row[column] if column < len(row) else None
            text = "" if is_missing(cell) else re.sub(r"\s+", "", str(cell)) if _han(cell) else (
                " ".join(str(cell).split()))  # fmt: skip
            if text and text not in stack:
                stack.append(text)
        if stack:
            stacks[column] = stack
    lowest = [stack[-1] for stack in stacks.values()]
    names = [
        _joined(stack) if lowest.count(stack[-1]) > 1 or _bare_unit(stack[-1]) else stack[-1]
        for stack in stacks.values()
    ]
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return distinct, list(stacks)


def _han(cell: Any) -> bool:
    """Whether spaces in a cell only spread its characters (面  积)."""
    return bool(re.search(r"[\u4e00-\u9fff]", str(cell)))


def _bare_unit(name: str) -> str:
    """The unit that a heading is, "" where it is more: 亩, (亩), ha."""
    inner = unicodedata.normalize("NFKC", name).strip("()[] ")
    return inner if known_unit(inner) else ""


def _joined(stack: Sequence[str]) -> str:
    """Heading of a column from the cells above each other."""
    if len(stack) == 1:
        return stack[0]
    unit = _bare_unit(stack[-1])
    return f"{stack[-2]}({unit})" if unit else f"{stack[-2]} {stack[-1]}"


def _score(names: Sequence[str], kind: str) -> int:
    """Columns of ours recognised; 0 where none says which mine or claim a row is about."""
    try:
        found = recognise(names, kind).heading
    except InvalidInput:
        return 0
    by_place = {"geometry"} <= set(found) or {"lon", "lat"} <= set(found)
    if not (_KEYS[kind] & set(found) or by_place) or len(found) < 2:
        return 0
    return len(found)


def _with_unit_line(headings: Headings, cells: Sequence[Sequence[Any]], kind: str) -> Headings:
    """Headings whose areas carry the unit that a line above the block states."""
    columns = recognise(headings.names, kind)
    said = {
        unit
        for row in cells[: headings.first_row]
        for cell in row
        if isinstance(cell, str)
        for match in _UNIT_LINE.finditer(unicodedata.normalize("NFKC", cell).casefold())
        for word in re.split(r"[、,;/\s]+", match["units"])
        if word and (unit := known_unit(word))
    }
    if len(said) != 1:
        return headings
    unit = said.pop()
    names = list(headings.names)
    for key in _AREAS:
        if key in columns and key not in columns.unit:
            place = names.index(columns.heading[key])
            names[place] = f"{names[place]}({unit})"
    return Headings(names, headings.places, headings.first_row, headings.last_row)
