"""Longitudes and latitudes as people write them: degrees, minutes, seconds, hemispheres."""

import math
import re
import unicodedata
from typing import Any

from reverdure.intake.values import Number, is_missing, is_sentinel, number

_DEGREE, _MINUTE, _SECOND = "[°º˚度d]", "['′‘’分m]", "(?:[\"″“”秒s]|''|′′|'|′)"
_HEMISPHERES = {
    "n": 1, "north": 1, "北纬": 1, "北": 1, "e": 1, "east": 1, "东经": 1, "东": 1,
    "s": -1, "south": -1, "南纬": -1, "南": -1, "w": -1, "west": -1, "西经": -1, "西": -1,
}  # fmt: skip
_SIDES = "|".join(sorted(_HEMISPHERES, key=len, reverse=True))
_AXIS = {"n": "lat", "s": "lat", "北": "lat", "南": "lat", "e": "lon", "w": "lon",
         "东": "lon", "西": "lon"}  # fmt: skip
_NUM = r"\d+(?:\.\d*)?"
_SIGNED = re.compile(
    rf"(?P<before>{_SIDES})?\s*:?\s*(?P<sign>[+-])?\s*(?P<d>{_NUM})"
    rf"(?:\s*{_DEGREE}\s*(?:(?P<m>{_NUM})\s*{_MINUTE}?\s*(?:(?P<s>{_NUM})\s*{_SECOND}?)?)?"
    rf"|\s*[-:\s]\s*(?P<m2>\d{{1,2}}(?:\.\d*)?)(?:\s*[-:\s]\s*(?P<s2>{_NUM}))?)?"
    rf"\s*(?P<after>{_SIDES})?"
)


def angle(value: Any, axis: str) -> Number:
    """Longitude or latitude in a cell, in decimal degrees.

    Understood are decimal degrees, 115°12′30″, 115度12分30秒, 115-12-30, 115:12:30,
    115 12 30.5E, E115.2083, 东经115°12.5′, full-width signs, and metres as they stand (a
    column of eastings). Degrees run together (1151230) are a number like any other.

    Parameters
    ----------
    value : object
        The cell.
    axis : str
        "lon" or "lat"; a hemisphere of the other axis is refused.

    Returns
    -------
    Number
        `code` is "not_a_number" for what cannot be read safely: minutes or seconds of 60
        and more, a fraction of a degree before minutes, a hemisphere against the sign.

    Examples
    --------
    >>> [round(angle(v, "lon").value, 6) for v in ("115°12′30″", "１１５-１２-３０", "E115.2083")]
    [115.208333, 115.208333, 115.2083]
    >>> angle("115 12 30.5E", "lon").value == 115 + 12 / 60 + 30.5 / 3600
    True
    >>> angle("115-61-00", "lon").code, angle("27°N", "lon").code, angle("27.5S", "lat").value
    ('not_a_number', 'not_a_number', -27.5)
    """
    if is_missing(value) or is_sentinel(value) or not isinstance(value, str):
        return number(value)
    written = unicodedata.normalize("NFKC", value).strip().casefold()
    plain = number(value)
    if not plain.code and not plain.unit:
        return plain
    wrong = Number(math.nan, code="not_a_number")
    match = _SIGNED.fullmatch(written)
    if match is None:
        return wrong
    degrees = float(match["d"])
    minutes, seconds = match["m"] or match["m2"], match["s"] or match["s2"]
    sides = [side for side in (match["before"], match["after"]) if side]
    is_wrong = (
        len(sides) > 1
        or any(_AXIS[side[0]] != axis for side in sides)
        or (sides and match["sign"])
        or (minutes and not degrees.is_integer())
        or (seconds and not float(minutes).is_integer())
        or max(float(minutes or 0), float(seconds or 0)) >= 60
    )
    if is_wrong:
        return wrong
    whole = degrees + float(minutes or 0) / 60 + float(seconds or 0) / 3600
    side = _HEMISPHERES[sides[0]] if sides else 1
    return Number(-whole if match["sign"] == "-" else side * whole)
