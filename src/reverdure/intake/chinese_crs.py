"""The Gauss-Kruger systems of China: datums, zones, their codes and their words.

Zones are 6 degrees wide (13 to 23, central meridian 6 n - 3) or 3 degrees wide (25 to 45,
central meridian 3 n); GB/T 22022-2008 and CH/T 2014-2016. With prefix, the zone stands
before the six digits of the easting (37 456 789 m); the two ranges of zones share no
number, so a prefix tells width and zone. Codes are those of the EPSG register 11.
"""

import re
import unicodedata
from dataclasses import dataclass

import pyproj

SIX_DEGREE_ZONES, THREE_DEGREE_ZONES = range(13, 24), range(25, 46)


@dataclass(frozen=True, slots=True)
class ChineseDatum:
    """A geodetic datum of China and where its codes begin.

    Attributes
    ----------
    key : str
        Word of `--crs`.
    name, name_zh : str
        Shown to people.
    geographic : int
        EPSG code of longitude and latitude.
    three_zone, three_plain, six_zone, six_plain : int
        First code of each row: 3-degree zone 25, 3-degree 75 E, 6-degree zone 13, 6-degree 75 E.
    """

    key: str
    name: str
    name_zh: str
    geographic: int
    three_zone: int
    three_plain: int
    six_zone: int
    six_plain: int

    def zone_code(self, zone: int) -> int:
        """EPSG code of a zone whose number stands before the easting.

        Examples
        --------
        >>> DATUMS["cgcs2000"].zone_code(38), DATUMS["cgcs2000"].zone_code(19)
        (4526, 4497)
        """
        if zone in SIX_DEGREE_ZONES:
            return self.six_zone + zone - SIX_DEGREE_ZONES.start
        return self.three_zone + zone - THREE_DEGREE_ZONES.start

    def plain_code(self, meridian: int) -> int:
        """EPSG code of a central meridian without prefix; the 3-degree one where both fit.

        Examples
        --------
        >>> DATUMS["xian1980"].plain_code(111)
        2382
        """
        return self.three_plain + (meridian - 75) // 3


DATUMS = {
    datum.key: datum
    for datum in (
        ChineseDatum("cgcs2000", "CGCS2000", "2000国家大地坐标系",
                     4490, 4513, 4534, 4491, 4502),
        ChineseDatum("xian1980", "Xian 1980", "1980西安坐标系",
                     4610, 2349, 2370, 2327, 2338),
        ChineseDatum("beijing1954", "Beijing 1954", "1954年北京坐标系",
                     4214, 2401, 2422, 21413, 21453),
    )
}  # fmt: skip
MERIDIANS = range(75, 136, 3)
_WORDS = {
    "cgcs2000": r"CGCS\W?2000|CGCS_2000|国家2000|2000国家|2000坐标|大地2000"
    r"|China Geodetic Coordinate System 2000|China_2000",
    "xian1980": r"XI\W?AN[\W_]?(?:19)?80|西安(?:19)?80|(?:19)?80年?西安",
    "beijing1954": r"BEIJING[\W_]?(?:19)?54|北京(?:19)?54|(?:19)?54年?北京",
}
_ALIASES = {"c2000": "cgcs2000", "2000": "cgcs2000", "xian80": "xian1980", "xian": "xian1980",
            "beijing54": "beijing1954", "beijing": "beijing1954"}  # fmt: skip
_OPTION = re.compile(r"(?P<datum>[^:/]+?)(?:\s*[:/]\s*(?P<number>\d{2,3})\s*(?P<east>e)?)?")


def meridian_of(zone: int) -> int:
    """Central meridian of a zone, [deg].

    Examples
    --------
    >>> meridian_of(38), meridian_of(19)
    (114, 111)
    """
    return 6 * zone - 3 if zone in SIX_DEGREE_ZONES else 3 * zone


def datum_named(text: str) -> ChineseDatum | None:
    """The one datum that a text names; None for none or several.

    Examples
    --------
    >>> datum_named("坐标系:2000国家大地坐标系").key, datum_named("西安80转CGCS2000")
    ('cgcs2000', None)
    """
    folded = unicodedata.normalize("NFKC", text)
    found = [key for key, words in _WORDS.items() if re.search(words, folded, re.IGNORECASE)]
    return DATUMS[found[0]] if len(found) == 1 else None


def datum_of(crs: pyproj.CRS) -> ChineseDatum | None:
    """Chinese datum of a CRS, None for any other."""
    geodetic = crs.geodetic_crs
    words = " ".join(
        part.name for part in (geodetic, geodetic.datum if geodetic else None) if part is not None
    )
    return datum_named(words.replace("_", " "))


def datum_option(written: str) -> tuple[ChineseDatum, int | None] | None:
    """Datum and central meridian that `--crs` names in words; None where it names neither.

    Examples
    --------
    >>> [(d.key, m) for d, m in map(datum_option, ["cgcs2000", "Xian80:38", "北京54/111E"])]
    [('cgcs2000', None), ('xian1980', 114), ('beijing1954', 111)]
    """
    match = _OPTION.fullmatch(unicodedata.normalize("NFKC", written).strip().lower())
    if match is None:
        return None
    word = match["datum"].replace(" ", "")
    key = _ALIASES.get(word, word)
    datum = DATUMS.get(key) or datum_named(word)
    if datum is None or match["number"] is None:
        return (datum, None) if datum else None
    number = int(match["number"])
    is_zone = not match["east"] and (number in SIX_DEGREE_ZONES or number in THREE_DEGREE_ZONES)
    meridian = meridian_of(number) if is_zone else number
    return (datum, meridian) if meridian in MERIDIANS else None
