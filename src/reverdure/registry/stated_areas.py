"""Areas as a list states them, in hectares, and whether the outline agrees.

The unit of a number is the one written in its cell ("51亩"), else in the row's unit column,
else in the heading, else the caller's `area_unit`. Two of the first three that disagree
leave the area undecided; a heading that contradicts `area_unit` is an error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput
from reverdure.core.units import HA_PER_UNIT, MU_PER_HA, area_unit, to_ha
from reverdure.intake.columns import Columns
from reverdure.intake.table import Problem
from reverdure.intake.values import known_unit, number, text

MAX_DIFFERENCE = 0.2
"""Stated and measured areas further apart than this share of the measured one are flagged."""
MIN_DIFFERENCE_HA = 0.05
FACTOR_TOLERANCE = 0.15
"""A ratio this near to 15 or 1/15 says that mu and hectares were exchanged."""
_MIN_ROWS_TO_INFER = 5
_MIN_AGREEING_SHARE = 0.8
_AGREEING_RATIO = 1.25
"""Units are at least a factor 2.47 apart (acre and ha), so only one can agree this closely."""


@dataclass
class StatedAreas:
    """Areas of the rows of one file.

    Attributes
    ----------
    area_ha : (row,) float64, [ha]
        NaN where there is none that can be used.
    problems : mapping of position to Problem
        Why it cannot be used, where the cell holds something.
    without_unit : mapping of position to float
        Numbers whose unit is stated nowhere.
    """

    area_ha: NDArray[np.float64]
    problems: dict[int, Problem] = field(default_factory=dict)
    without_unit: dict[int, float] = field(default_factory=dict)


def read_areas(frame: pd.DataFrame, columns: Columns, name: str, unit: str | None) -> StatedAreas:
    """Read the areas of a list.

    Parameters
    ----------
    frame : pandas.DataFrame
        The list as read.
    columns : Columns
        What its columns are.
    name : str
        "stated_area_ha" or "claimed_ha".
    unit : str or None
        Unit the caller states for numbers without one.

    Raises
    ------
    InvalidInput
        If the heading states another unit than the caller.
    UnknownOption
        If the caller's unit is not known.
    """
    areas = StatedAreas(np.full(len(frame), math.nan))
    default = area_unit(unit) if unit else None
    if name not in columns:
        return areas
    heading, of_heading = columns.heading[name], columns.unit.get(name)
    if default and of_heading and default != of_heading:
        raise InvalidInput(
            f"the heading {heading!r} states {of_heading}, but the area unit given is {default}.",
            "Leave out --area-unit, or correct the heading.",
        )
    of_row: Sequence[Any] = [""] * len(frame)
    if "area_unit" in columns:
        of_row = frame[columns.heading["area_unit"]].map(text).tolist()
    for position, (cell, row_unit) in enumerate(zip(frame[heading], of_row, strict=True)):
        read = number(cell)
        problem = _problem(cell, read.value, read.code)
        if problem or read.code:
            if problem:
                areas.problems[position] = problem
            continue
        words = [word for word in (read.unit, row_unit) if word]
        units = {known_unit(word) for word in words} | ({of_heading} if of_heading else set())
        if None in units or len(units) > 1:
            areas.problems[position] = _unclear_unit(cell, [*words, of_heading or ""])
        elif stated := units.pop() if units else default:
            areas.area_ha[position] = to_ha(read.value, stated)
        else:
            areas.without_unit[position] = read.value
    return areas


def take_unit(areas: StatedAreas, unit: str) -> None:
    """Read the numbers without a unit in this one."""
    for position, value in areas.without_unit.items():
        areas.area_ha[position] = to_ha(value, unit)


def infer_unit(areas: StatedAreas, measured_ha: NDArray[np.float64]) -> str | None:
    """Unit that makes the numbers agree with the outlines, None where none clearly does.

    At least 5 rows with outline are needed, and 4 in 5 of them within a factor 1.25.

    Examples
    --------
    >>> areas = StatedAreas(np.full(6, np.nan), {}, {i: 15.0 * (i + 1) for i in range(6)})
    >>> infer_unit(areas, np.arange(1.0, 7.0))
    'mu'
    """
    known = [position for position in areas.without_unit if measured_ha[position] > 0]
    if len(known) < _MIN_ROWS_TO_INFER:
        return None
    numbers = np.array([areas.without_unit[position] for position in known])
    for unit, ha in HA_PER_UNIT.items():
        apart = np.abs(np.log(numbers * ha / measured_ha[known]))
        if np.mean(apart <= math.log(_AGREEING_RATIO)) >= _MIN_AGREEING_SHARE:
            return unit
    return None


def compare(stated_ha: float, measured_ha: float) -> Problem | None:
    """What to say where stated and measured area disagree.

    Examples
    --------
    >>> compare(51.0, 3.4).code, compare(4.2, 3.4).code, compare(3.5, 3.4)
    ('area_factor_15', 'area_differs', None)
    """
    if not (stated_ha > 0 and measured_ha > 0):
        return None
    if abs(stated_ha - measured_ha) <= max(MAX_DIFFERENCE * measured_ha, MIN_DIFFERENCE_HA):
        return None
    ratio = stated_ha / measured_ha
    both = f"{shown(stated_ha)} ha stated, {shown(measured_ha)} ha measured"
    both_zh = f"上报 {shown(stated_ha)} 公顷,图形 {shown(measured_ha)} 公顷"
    for factor, en, zh in (
        (MU_PER_HA, "mu were taken for hectares", "疑将亩当作公顷"),
        (1 / MU_PER_HA, "hectares were taken for mu", "疑将公顷当作亩"),
    ):
        if abs(ratio / factor - 1) <= FACTOR_TOLERANCE:
            return Problem(
                "area_factor_15",
                f"{both}, a factor {max(ratio, 1 / ratio):.3g}: it looks as if {en}",
                f"{both_zh},相差约 15 倍:{zh}",
            )
    return Problem("area_differs", f"{both}", f"{both_zh},二者不符")


def _problem(cell: Any, value: float, code: str) -> Problem | None:
    """Why a number cannot be an area."""
    if code == "sentinel":
        return Problem(
            "area_sentinel",
            f"the area {text_of(cell)} stands for a missing value",
            f"面积 {text_of(cell)} 为缺值标记",
        )
    if code == "not_a_number":
        return Problem(
            "area_not_a_number",
            f"the area {text_of(cell)} is not a number that can be read safely",
            f"面积 {text_of(cell)} 无法可靠读作数字",
        )
    if value == 0:
        return Problem("area_zero", "the area is 0 and was taken as missing", "面积为 0,按缺失处理")
    if value < 0:
        return Problem("area_negative", f"the area {value:g} is negative", f"面积 {value:g} 为负")
    return None


def _unclear_unit(cell: Any, words: Sequence[str]) -> Problem:
    named = ", ".join(word for word in words if word)
    return Problem(
        "area_unit_conflict",
        f"the unit of the area {text_of(cell)} is not clear: {named}",
        f"面积 {text_of(cell)} 的单位不明:{named}",
    )


def shown(ha: float) -> str:
    """Hectares for a message: four figures, never an exponent for what is large.

    Examples
    --------
    >>> shown(80000.0), shown(3.41666)
    ('80,000', '3.417')
    """
    return f"{ha:,.0f}" if ha >= 1000 else f"{ha:.4g}"


def text_of(cell: Any) -> str:
    """Cell as shown in a message."""
    return repr(str(cell)[:40])
