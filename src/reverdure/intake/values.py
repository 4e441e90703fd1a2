"""Single cells: text, numbers, areas with their unit, years and dates."""

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from reverdure.core.errors import UnknownOption
from reverdure.core.units import area_unit

SENTINELS = frozenset({-999.0, -9999.0, -99999.0, -32768.0})
"""Numbers that stand for "no value" in the files of this field."""
_LARGEST = 1e30
"""Beyond it stands what drivers write for nothing: -3.4e38, -1.8e308."""
_MISSING_WORDS = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "<na>", "nil", "-", "--", "—", "/", "\\",
     "无", "空", "不详", "未知", "暂无"}
)  # fmt: skip
_NUMBER = re.compile(
    r"(?P<number>[+-]?(?:(?:\d{1,3}(?:[, ']\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)"
    r"\s*(?P<myriad>万)?\s*(?P<unit>[^\d\s.,+-].*)?"
)
_YEAR_MONTH = re.compile(r"(\d{4})\s*(?:年|[-/.])\s*(\d{1,2})\s*月?(?:[-/.]?\s*(\d{1,2})\s*日?)?")
_EPOCH_MS_FROM = 1e10
"""Smallest number taken for epoch milliseconds (April 1970); no year or yyyymmdd reaches it."""
YEARS = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class Number:
    """A number read from a cell.

    Attributes
    ----------
    value : float
        NaN where missing or unreadable.
    unit : str
        Unit written in the cell itself, "" for none.
    code : str
        "" for a number, else "missing", "sentinel" or "not_a_number".
    """

    value: float
    unit: str = ""
    code: str = ""


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, NaT, blank or a word for nothing."""
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT differ from themselves
        return True
    return isinstance(value, str) and value.strip().casefold() in _MISSING_WORDS


def is_sentinel(value: Any) -> bool:
    """Whether a cell holds a number that stands for "no value", such as -999.

    Examples
    --------
    >>> is_sentinel("-9999.0"), is_sentinel("-99.9")
    (True, False)
    """
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped.startswith("-"):
            return False
        try:
            value = float(stripped)
        except ValueError:
            return False
    return isinstance(value, int | float) and (value in SENTINELS or value < -_LARGEST)


def text(value: Any) -> str:
    """Cell as text: trimmed, whole floats without ".0", "" where missing or a sentinel.

    Examples
    --------
    >>> text(1101914.0), text("  72-059 "), text(float("nan")), text("-999")
    ('1101914', '72-059', '', '')
    """
    if is_missing(value) or is_sentinel(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return unicodedata.normalize("NFC", str(value).strip())


def number(value: Any) -> Number:
    """Number in a cell, with the unit written behind it if there is one.

    Full-width digits, thousands separators in groups of three and 万 (ten thousand) are
    understood. A decimal comma is not: "3,4" is refused rather than read as 34.

    Examples
    --------
    >>> number("１,２３４.5").value, number("51亩"), number("3,4").code
    (1234.5, Number(value=51.0, unit='亩', code=''), 'not_a_number')
    """
    if is_missing(value):
        return Number(math.nan, code="missing")
    if is_sentinel(value):
        return Number(math.nan, code="sentinel")
    if isinstance(value, bool):
        return Number(math.nan, code="not_a_number")
    if not isinstance(value, str):
        try:
            plain = float(value)
        except (TypeError, ValueError):
            return Number(math.nan, code="not_a_number")
        return _within_reason(plain)
    match = _NUMBER.fullmatch(unicodedata.normalize("NFKC", value).strip().lower())
    if match is None:
        return Number(math.nan, code="not_a_number")
    digits = re.sub(r"[, ']", "", match["number"])
    plain = float(digits) * (10_000.0 if match["myriad"] else 1.0)
    return _within_reason(plain, (match["unit"] or "").strip())


def _within_reason(value: float, unit: str = "") -> Number:
    if math.isfinite(value) and abs(value) < _LARGEST:
        return Number(value, unit)
    return Number(math.nan, code="sentinel")


def known_unit(name: str) -> str | None:
    """Canonical area unit, or None where the name is not one.

    Examples
    --------
    >>> known_unit("亩"), known_unit("吨")
    ('mu', None)
    """
    try:
        return area_unit(unicodedata.normalize("NFKC", name))
    except UnknownOption:
        return None


def day(value: Any) -> date | None:
    """Day in a cell: a date, text such as 2019-06-30 or 2019年6月, or epoch milliseconds.

    Epoch milliseconds are taken to the nearest midnight of UTC: a day written at local
    midnight in China is 16:00 of the day before in UTC.

    Examples
    --------
    >>> day(1546272000000), day("2003/06/19"), day("20191231"), day("soon")
    (datetime.date(2019, 1, 1), datetime.date(2003, 6, 19), datetime.date(2019, 12, 31), None)
    """
    if is_missing(value) or is_sentinel(value):
        return None
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    read = number(value)
    if not read.code and not read.unit and abs(read.value) >= _EPOCH_MS_FROM:
        return _from_epoch_ms(read.value)
    written = unicodedata.normalize("NFKC", text(value))
    if re.fullmatch(r"\d{8}", written):
        return _date(int(written[:4]), int(written[4:6]), int(written[6:]))
    match = _YEAR_MONTH.match(written)
    return _date(int(match[1]), int(match[2]), int(match[3] or 1)) if match else None


def year(value: Any) -> int | None:
    """Year in a cell: 2019, "2019年", any date `day` understands; None where there is none.

    Examples
    --------
    >>> year("2019年"), year(2019.0), year(1546272000000), year("19"), year("2019-12-31")
    (2019, 2019, 2019, None, 2019)
    """
    read = number(value)
    if not read.code and read.unit in ("", "年", "年度") and read.value.is_integer():
        plain = int(read.value)
        if plain in YEARS:
            return plain
    when = day(value)
    return when.year if when and when.year in YEARS else None


def _from_epoch_ms(value: float) -> date | None:
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=value, hours=12)
    except OverflowError:
        return None
    return moment.date()


def _date(year_: int, month: int, day_: int) -> date | None:
    try:
        return date(year_, month, day_)
    except ValueError:
        return None
