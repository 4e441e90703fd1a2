"""One row of a table of records: cells to values, or the first reason why not."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from reverdure.core.kinds import Column, Kind, choices
from reverdure.core.records import Finding
from reverdure.intake.record_layers import VERSION
from reverdure.intake.values import day, number, text

_YES, _NO = {"yes", "true", "1", "y", "是"}, {"no", "false", "0", "n", "否"}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_AREAS = ("Polygon", "MultiPolygon")
_SHOWN = 40
# values that may lie below 0: a balance can, an amount cannot
_SIGNED = {"value", "baseline"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that a row breaks: its name in `data/record_rules.toml`, and what fills it."""

    rule: str
    fill: Mapping[str, Any]

    def finding(self, row: int, record_id: str) -> Finding:
        """The refusal of a row in both languages."""
        words = _rules()[self.rule]
        filled = {
            language: words[language].format_map(
                {name: _said(value, language) for name, value in self.fill.items()}
            )
            for language in ("en", "zh")
        }
        return Finding(row, record_id, "rejected", self.rule, filled["en"], filled["zh"])


def read_row(kind: Kind, cells: Mapping[str, Any], factors: Mapping[str, float]) -> dict[str, Any]:
    """Values of the cells that are not empty; areas in hectares, dates as YYYY-MM-DD.

    Raises
    ------
    RowRefused
        At the first cell that cannot be read.
    """
    values: dict[str, Any] = {}
    for column in kind.columns:
        written = text(cells.get(column.name))
        if written:
            values[column.name] = _read(column, cells[column.name], written, factors)
        elif column.same_as in values:
            values[column.name] = values[column.same_as]
    return values


class RowRefused(Exception):
    """A row that is not taken; never leaves this room."""

    def __init__(self, rule: str, **fill: Any) -> None:
        super().__init__(rule)
        self.refusal = Refusal(rule, fill)


def version_of(cells: Mapping[str, Any]) -> int | None:
    """Version a row was edited from; None where it does not say."""
    read = number(cells.get(VERSION))
    return None if read.code or not read.value.is_integer() else int(read.value)


def refuse_empty(kind: Kind, values: Mapping[str, Any]) -> None:
    """Refuse a row without a value that is needed.

    Raises
    ------
    RowRefused
    """
    for column in kind.columns:
        if column.needed and column.name not in values:
            raise RowRefused("no_id" if column.name == kind.key else "missing", column=column)


def _read(column: Column, cell: Any, written: str, factors: Mapping[str, float]) -> Any:
    if column.kind in {"number", "integer"}:
        return _number(column, cell, written, factors.get(column.name, 1.0))
    if column.kind == "date":
        when = day(cell)
        if when is None:
            raise RowRefused("not_a_day", column=column, seen=written)
        return when.isoformat()
    if column.kind == "boolean":
        folded = written.casefold()
        if folded not in _YES | _NO:
            raise RowRefused("not_yes_or_no", column=column, seen=written)
        return folded in _YES
    if column.choices:
        return _choice(column, written)
    if column.kind == "outline":
        return _outline(column, written)
    if column.name == "sha256" and not _SHA256.fullmatch(written.lower()):
        raise RowRefused("not_a_hash", column=column, seen=written)
    if column.name == "currency" and not _CURRENCY.fullmatch(written):
        raise RowRefused("not_a_currency", column=column, seen=written)
    return written.lower() if column.name == "sha256" else written


def _number(column: Column, cell: Any, written: str, factor: float) -> float | int:
    read = number(cell)
    if read.code or read.unit:
        raise RowRefused("not_a_number", column=column, seen=written)
    value = read.value * factor
    if value < 0 and column.name not in _SIGNED:
        raise RowRefused("negative", column=column, seen=written)
    if column.kind == "integer":
        if not value.is_integer():
            raise RowRefused("not_whole", column=column, seen=written)
        return int(value)
    return value


def _outline(column: Column, written: str) -> str:
    """Valid polygons in degrees, written in one way, so that equal ones are equal text."""
    import shapely

    shape = shapely.from_wkt(written, on_invalid="ignore")
    is_area = shape is not None and shape.geom_type in _AREAS and not shape.is_empty
    inside = is_area and shapely.box(-180, -90, 180, 90).covers(shape)
    if not inside or not shape.is_valid:
        raise RowRefused("not_an_outline", column=column, seen=f"{written[:_SHOWN]}")
    whole = shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
    # 9 decimals of a degree are a tenth of a millimetre
    return str(shapely.to_wkt(whole, rounding_precision=9))


def _choice(column: Column, written: str) -> str:
    allowed = choices(column.choices)
    for key, words in allowed.items():
        if written.casefold() in (key, words["en"].casefold(), words["zh"]):
            return key
    raise RowRefused("not_in_list", column=column, seen=written, allowed=_Listed(column.choices))


@dataclass(frozen=True, slots=True)
class _Listed:
    """A list of choices, shown in the language of the message."""

    name: str


def _said(value: Any, language: str) -> Any:
    if isinstance(value, Column):
        return value.zh if language == "zh" else value.en
    if isinstance(value, _Listed):
        return ", ".join(words[language] for words in choices(value.name).values())
    return value


@cache
def _rules() -> Mapping[str, Mapping[str, str]]:
    source = resources.files("reverdure.registry").joinpath("data/record_rules.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))
