"""A table of money as a planner keeps it: one row a source, year and, optional, county."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverdure.core.errors import MissingColumn, UnreadableFile
from reverdure.core.records import Finding
from reverdure.intake.columns import plain
from reverdure.intake.table_lines import table_lines

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "source": ("source", "source of money", "资金来源", "来源", "资金名称"),
    "kind": ("kind", "type", "类型", "资金类型"),
    "year": ("year", "年份", "年度"),
    "county": ("county", "县", "县区", "县市区"),
    "rolls": ("rolls", "rolls over", "carry-over", "可结转", "结转"),
    "most_share": ("most share", "most_share", "最高支付比例"),
    "match_share": ("match share", "match_share", "own share", "配套比例"),
    "reward_share": ("reward share", "reward_share", "奖补比例"),
    "owner_share": ("owner share", "owner_share", "责任主体自担比例"),
    "measures": ("measures", "适用措施"),
    "land_uses": ("land uses", "land_uses", "适用用途", "适用方向"),
    "price_year": ("price year", "price_year", "价格年份"),
}
"""Columns beside the amount, and what their headings may say."""
_AMOUNT = ("amount", "budget", "money", "金额", "预算", "资金额度")
_UNITS: Mapping[str, float] = {
    "million cny": 1.0, "cny million": 1.0, "million yuan": 1.0, "mcny": 1.0, "cny": 1e-6,
    "yuan": 1e-6, "百万元": 1.0, "万元": 1e-2, "亿元": 1e2, "元": 1e-6,
}  # fmt: skip
_SHARES = ("most_share", "match_share", "reward_share", "owner_share")
_YES = {"yes", "true", "1", "y", "是", "可", "carries over", "rolls"}
_NO = {"no", "false", "0", "n", "否", "不可", "lapses", ""}
_TITLE_ROWS = 10


@dataclass(frozen=True, slots=True)
class BudgetTable:
    """Rows of a table of money.

    Attributes
    ----------
    source : str
        Name of the file.
    rows : tuple of (row number, mapping of column to value)
        `amount` in million CNY; columns of `COLUMNS` that the file has.
    refused : tuple of Finding
        Rows that cannot be read, and why.
    unknown : tuple of str
        Headings that are not understood.
    """

    source: str
    rows: tuple[tuple[int, Mapping[str, Any]], ...]
    refused: tuple[Finding, ...]
    unknown: tuple[str, ...]


class _Refused(Exception):
    def __init__(self, code: str, en: str, zh: str) -> None:
        super().__init__(en)
        self.code, self.en, self.zh = code, en, zh


def read_budget(path: Path) -> BudgetTable:
    """Read a table of money from a workbook or CSV.

    Parameters
    ----------
    path : Path
        Headings in English or Chinese; that of the amount says its unit: "amount (CNY)",
        "amount (million CNY)", "金额（万元）".

    Raises
    ------
    UnreadableFile
        If the file is no table, spans too much, or has headings and no row.
    MissingColumn
        If source, year, or an amount with its unit is not among the headings.
    """
    lines = _lines(path)
    names = {plain(word): column for column, said in COLUMNS.items() for word in said}
    start, at = max(
        (
            (n, {names[plain(str(c))]: k for k, c in enumerate(line) if plain(str(c)) in names})
            for n, line in enumerate(lines[:_TITLE_ROWS])
        ),
        key=lambda found: (len(found[1]), -found[0]),
    )
    amounts = [(k, factor) for k, cell in enumerate(lines[start])
               if (factor := _unit_of(cell)) is not None]  # fmt: skip
    for column in ("source", "year"):
        if column not in at:
            raise MissingColumn(f"{path.name} has no column {column!r}.", _how())
    if len(amounts) != 1:
        raise MissingColumn(
            f"{path.name} has {len(amounts)} columns that say an amount and its unit.", _how()
        )
    place, factor = amounts[0]
    used = {place, *at.values()}
    unknown = tuple(
        str(cell) for k, cell in enumerate(lines[start]) if k not in used and not _is_empty(cell)
    )
    rows, refused = [], []
    for number, line in enumerate(lines[start + 1 :], start=1):
        if all(_is_empty(cell) for cell in line):
            continue
        cells = {column: line[k] if k < len(line) else None for column, k in at.items()}
        cells["amount"] = line[place] if place < len(line) else None
        try:
            rows.append((number, _row(cells, factor)))
        except _Refused as why:
            name = "" if _is_empty(cells["source"]) else str(cells["source"])
            refused.append(Finding(number, name, "rejected", why.code, why.en, why.zh))
    if not rows and not refused:
        raise UnreadableFile(
            f"{path.name} is empty: it has headings and no row of money.",
            "Write a row a source and year on its first sheet; the form explains each column.",
        )
    return BudgetTable(path.name, tuple(rows), tuple(refused), unknown)


def _how() -> str:
    return "Its columns: source, year and amount (million CNY); also kind, county, rolls."


def _lines(path: Path) -> Sequence[Sequence[Any]]:
    lines = table_lines(path)
    if not lines:
        raise UnreadableFile(f"{path.name} is empty.")
    return lines


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _unit_of(heading: object) -> float | None:
    """Factor to million CNY of a heading that says an amount and its unit.

    Examples
    --------
    >>> _unit_of("Amount (million CNY)"), _unit_of("金额（万元）"), _unit_of("amount")
    (1.0, 0.01, None)
    """
    text = str(heading or "").lower().replace("（", "(").replace("）", ")").replace("_", " ")
    words, _, unit = text.partition("(")
    if not unit:
        words, _, unit = text.partition(" ")
    if words.strip() not in _AMOUNT:
        return None
    return _UNITS.get(unit.strip(") ").strip())


def _row(cells: Mapping[str, Any], factor: float) -> dict[str, Any]:
    found: dict[str, Any] = {"source": _text(cells["source"])}
    if not found["source"]:
        raise _Refused("no_source", "no source is named", "未填写资金来源")
    year = _number(cells["year"])
    if not (math.isfinite(year) and year == int(year)):
        raise _Refused(
            "no_year", f"the year is {_said(cells['year'])}", f"年份为{_said(cells['year'])}"
        )
    found["year"] = int(year)
    amount = _number(cells["amount"])
    if not (math.isfinite(amount) and amount >= 0):
        said = _said(cells["amount"])
        raise _Refused(
            "no_amount",
            f"the amount is {said}; write zero or more, 0 where there is no money",
            f"金额为{said}；请填写不小于零的数，没有资金填0",
        )
    found["amount"] = amount * factor
    for column in ("kind", "county"):
        found[column] = _text(cells.get(column))
    for column in ("measures", "land_uses"):
        parts = _text(cells.get(column)).replace("；", ";").split(";")
        found[column] = tuple(part.strip() for part in parts if part.strip())
    for column in _SHARES:
        if not _is_empty(cells.get(column)):
            found[column] = _share(column, cells[column])
    if not _is_empty(cells.get("price_year")):
        found["price_year"] = _price_year(cells["price_year"])
    said = _text(cells.get("rolls")).lower()
    if said not in _YES | _NO:
        raise _Refused(
            "no_rolls", f"{said!r} is neither yes nor no", f"“{said}”既不是“是”也不是“否”"
        )
    found["rolls"] = said in _YES
    return found


def _price_year(cell: object) -> int:
    year = _number(cell)
    if not (math.isfinite(year) and year == int(year)):
        said = _said(cell)
        raise _Refused("no_price_year", f"the price year is {said}", f"价格年份为{said}")
    return int(year)


def _share(column: str, cell: object) -> float:
    text = str(cell).strip()
    value = _number(text.rstrip("%")) / 100 if text.endswith("%") else _number(cell)
    if not 0 <= value <= 1:
        raise _Refused(
            "no_share", f"{column} is {text}; allowed is 0 to 1", f"{column}为{text}；应在0到1之间"
        )
    return value


def _text(cell: object) -> str:
    return "" if _is_empty(cell) else str(cell).strip()


def _said(cell: object) -> str:
    return "-" if _is_empty(cell) else repr(cell)


def _number(cell: object) -> float:
    try:
        return float(str(cell).replace(",", "").replace("，", "").strip())
    except ValueError:
        return math.nan
