"""Whether a file of requirements says what it can mean: numbers, years, names, yes or no."""

import math
from collections.abc import Mapping
from typing import Any

from reverdure.core.errors import InvalidInput

_NUMBERS = ("least", "most", "penalty", "margin", "floor", "of_best", "bonus", "discount", "share",
            "least_cost_mcny", "least_area_ha", "most_mcny", "cny")  # fmt: skip
_YEARS = ("until", "by", "start", "price_year")
_TEXTS = ("objective", "what", "county", "prefecture", "measure", "land_use", "name", "per",
          "mine", "id")  # fmt: skip
_FLAGS = ("registry", "hard", "out")
_OWN = {"cost": ("cny",), "target": ("least", "most"), "stream": ("m3", "limit", "cny_per_m3")}
"""Numbers that are judged with words of their own where they are used."""
_NEEDED = {"corridor": ("pairs", "bonus"), "demonstration": ("id", "mines"),
           "stream": ("what", "m3")}  # fmt: skip


def check_requirements(said: Mapping[str, Any]) -> None:
    """Refuse a tree of requirements whose values are of another kind than their keys say.

    Raises
    ------
    InvalidInput
        With the key, the value seen and what is allowed.

    Examples
    --------
    >>> check_requirements({"discount": 0.02, "target": [{"what": "restored_ha", "by": 2029}]})
    >>> check_requirements({"fair": {"floor": "half"}})
    Traceback (most recent call last):
    ...
    reverdure.core.errors.InvalidInput: fair: floor = 'half' cannot be used. Write a number.
    """
    for key, value in said.items():
        if key == "price_index":
            _check_index(value)
        elif key in (*_NUMBERS, *_YEARS, *_TEXTS, *_FLAGS):
            _check("the file of requirements", key, value)
        else:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Mapping):
                    _check_table(key, one)


def _check_table(where: str, table: Mapping[str, Any]) -> None:
    for key in _NEEDED.get(where, ()):
        if key not in table:
            raise InvalidInput(f"a {where} has no {key}: {dict(table)}.")
    for key, value in table.items():
        if where == "capacity" and key == "most" and isinstance(value, Mapping):
            for place, amount in value.items():
                _number(f"capacity of {place}", key, amount)
        elif key not in _OWN.get(where, ()):
            _check(where, key, value)


def _check(where: str, key: str, value: Any) -> None:
    if key in _NUMBERS:
        _number(where, key, value)
    elif key in _YEARS and (isinstance(value, bool) or not isinstance(value, int)):
        raise InvalidInput(_wrong(where, key, value), "Write a year: 2028.")
    elif key in _TEXTS and not isinstance(value, str):
        raise InvalidInput(_wrong(where, key, value), "Write a text in quotes.")
    elif key in _FLAGS and not isinstance(value, bool):
        raise InvalidInput(_wrong(where, key, value), "Write true or false.")
    elif key == "mines" and not (isinstance(value, list) and all(map(_is_text, value))):
        raise InvalidInput(_wrong(where, key, value), 'Write a list of ids: ["M00001", "M00002"].')
    elif key == "pairs" and not (isinstance(value, list) and all(map(_is_pair, value))):
        raise InvalidInput(_wrong(where, key, value), 'Write pairs of ids: [["M00001", "M00002"]].')


def _number(where: str, key: str, value: Any) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    # what is no number at all is refused here; its range is judged where it is used
    if not good:
        raise InvalidInput(_wrong(where, key, value), "Write a number.")
    if key in (
        "penalty",
        "margin",
        "bonus",
        "least_cost_mcny",
        "least_area_ha",
        "most_mcny",
        "share",
    ) and (not (math.isfinite(value) and value >= 0)):
        raise InvalidInput(_wrong(where, key, value), "Write a number of zero or more.")


def _check_index(value: Any) -> None:
    pairs = value.items() if isinstance(value, Mapping) else [("-", value)]
    for year, index in pairs:
        good = isinstance(index, int | float) and not isinstance(index, bool)
        if not (str(year).isdigit() and good and math.isfinite(index) and index > 0):
            raise InvalidInput(
                _wrong("price_index", str(year), index), "Write 2020 = 100, above zero."
            )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_text, value))


def _wrong(where: str, key: str, value: Any) -> str:
    return f"{where}: {key} = {value!r} cannot be used."
