"""Which system bare coordinates are in: told, stated, certain from the eastings, or refused.

The zone is certain where it stands before the easting; the datum never follows from numbers
(CGCS2000, Xian 1980 and Beijing 1954 lie some 100 m apart, a mine's width), so it must be
said by the file or by the caller. Nothing is taken because it is usual.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from reverdure.core.errors import DoubtfulPosition, InvalidInput, MissingCRS, UnknownOption
from reverdure.intake.chinese_crs import (
    DATUMS,
    MERIDIANS,
    SIX_DEGREE_ZONES,
    THREE_DEGREE_ZONES,
    ChineseDatum,
    datum_named,
    datum_of,
    datum_option,
    meridian_of,
)
from reverdure.intake.table import Problem, RawTable, Reading

_NORTHINGS_M = (1.5e6, 6.3e6)
"""Latitudes 13.5 to 57: China with a margin."""
_EASTINGS_M = (0.1e6, 0.9e6)
"""500 km false easting, 400 km to both sides: more than a zone of 6 degrees is wide."""
_MILLION = 1_000_000
_SAME_LOOK = 0.9
"""Share of geometries that must look alike for a file to be taken as one kind."""


@dataclass(frozen=True, slots=True)
class Look:
    """What coordinates look like.

    Attributes
    ----------
    kind : str
        "degrees", "zone" (easting with prefix), "plain" (without), "other" or "none".
    swapped : bool
        Northing or latitude stands first.
    zone : int
        Prefix of the eastings; 0 without.
    example : (float, float)
        Middle of one geometry, as it stands in the file.
    """

    kind: str
    swapped: bool = False
    zone: int = 0
    example: tuple[float, float] = (0.0, 0.0)


def settle_crs(table: RawTable, how: Reading) -> RawTable:
    """Table with the CRS its coordinates are in.

    Parameters
    ----------
    table : RawTable
        As read; its CRS may be missing, bare, or wrong.
    how : Reading
        `crs`: an EPSG code, WKT or PROJ text; or a datum (cgcs2000, xian1980, beijing1954),
        alone where the zone stands in the eastings, else with zone or meridian
        ("cgcs2000:38", "xian1980:111E"). `shift`: parameters to WGS 84.

    Returns
    -------
    RawTable
        `crs` settled, axes in the order x, y, and notes of what was decided. A file in
        degrees without a CRS keeps None: which degrees they are cannot be seen.

    Raises
    ------
    MissingCRS
        If the zone or the datum is not certain; names the candidates.
    DoubtfulPosition
        If the coordinates contradict the CRS stated or told.
    UnknownOption
        If the CRS told cannot be understood.
    """
    look = look_of(table.geometries(), table.source)
    if look.kind == "none":
        return table
    if how.crs:
        settled = _told(table, look, how.crs)
    elif table.crs is not None and table.crs.is_projected:
        _fits(table.crs, look, table.source)
        settled = table
    elif look.kind in ("zone", "plain"):
        settled = _bare(table, look, how)
    elif look.kind == "degrees" and table.crs is None:
        raise MissingCRS(
            f"{table.source} states no coordinate reference system; degrees such as "
            f"{_shown(look)} may be CGCS2000 (EPSG:4490, as WGS 84), Xian 1980 (EPSG:4610) or "
            "Beijing 1954 (EPSG:4214), some 100 m apart.",
            "Add the .prj file, export it again with its CRS, or say it: --crs EPSG:4490.",
        )
    elif table.crs is None:
        raise MissingCRS(
            f"{table.source} states no coordinate reference system, and coordinates such as "
            f"{_shown(look)} are in none that could be recognised{_packed(look)}.",
            "Say it with --crs, for example --crs EPSG:32649.",
        )
    else:
        settled = table
    if look.swapped and look.kind in ("zone", "plain"):
        settled = _turned(settled)
    return _with_shift(settled, how.shift) if how.shift else settled


def look_of(geometry: NDArray[Any], source: str) -> Look:
    """What the coordinates of a file look like.

    Raises
    ------
    InvalidInput
        If its eastings begin with several zones.

    Examples
    --------
    >>> look_of(shapely.points([[38456789.0, 3067890.0]]), "mines.shp")
    Look(kind='zone', swapped=False, zone=38, example=(38456789.0, 3067890.0))
    """
    with np.errstate(invalid="ignore", over="ignore"):
        bounds = shapely.bounds(geometry)
        middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    middle = middle[np.isfinite(middle).all(axis=1)]
    if not len(middle):
        return Look("none")
    looks = Counter(_look(x, y) for x, y in middle.tolist())
    zones = sorted({zone for _, _, zone in looks if zone})
    if len(zones) > 1:
        counts = ", ".join(
            f"{zone} ({sum(n for key, n in looks.items() if key[2] == zone)})" for zone in zones
        )
        raise InvalidInput(
            f"{source} mixes Gauss-Kruger zones; its eastings begin with {counts}.",
            "Split it by zone, and add the parts one by one.",
        )
    (kind, swapped, zone), count = looks.most_common(1)[0]
    chosen = next((x, y) for x, y in middle.tolist() if _look(x, y) == (kind, swapped, zone))
    if count < _SAME_LOOK * len(middle) and {"zone", "plain"} & {key[0] for key in looks}:
        seen = ", ".join(f"{n} {_KINDS[key[0]]}" for key, n in looks.most_common())
        raise InvalidInput(
            f"{source} mixes coordinates of several kinds: {seen}.",
            "Split it, and add the parts one by one.",
        )
    return Look(kind, swapped, zone, chosen)


_KINDS = {
    "degrees": "in degrees",
    "zone": "with the zone before the easting",
    "plain": "with eastings of six digits",
    "other": "of another kind",
}


def _look(x: float, y: float) -> tuple[str, bool, int]:
    """Kind, whether axes are swapped, and zone of one pair."""
    if abs(x) <= 360 and abs(y) <= 360:
        return "degrees", abs(y) > 90 >= abs(x), 0
    for first, second, swapped in ((x, y, False), (y, x, True)):
        if not _NORTHINGS_M[0] <= second <= _NORTHINGS_M[1]:
            continue
        if _EASTINGS_M[0] <= first <= _EASTINGS_M[1]:
            return "plain", swapped, 0
        zone = int(first // _MILLION)
        known = zone in SIX_DEGREE_ZONES or zone in THREE_DEGREE_ZONES
        if known and _EASTINGS_M[0] <= first % _MILLION <= _EASTINGS_M[1]:
            return "zone", swapped, zone
    return "other", False, 0


def _told(table: RawTable, look: Look, option: str) -> RawTable:
    """Table in the CRS the caller states, if the coordinates can be in it."""
    named = datum_option(option)
    if named:
        crs = _of_datum(table, look, *named)
    else:
        try:
            crs = pyproj.CRS.from_user_input(int(option) if option.strip().isdigit() else option)
        except (pyproj.exceptions.CRSError, ValueError, OverflowError) as error:
            raise UnknownOption(
                f"the CRS {option[:80]!r} is not known; write EPSG:4526, a WKT or PROJ text, or "
                f"one of {', '.join(DATUMS)} with a zone or meridian (cgcs2000:38, xian1980:111E)."
            ) from error
    _fits(crs, look, table.source)
    stated = table.crs if table.crs_stated else None
    if stated is None or stated == crs:
        en, zh = f"the coordinates were read as {crs.name}, as told", f"按指定坐标系读取:{crs.name}"
    else:
        en = f"the file states {stated.name}; it was read as {crs.name}, as told"
        zh = f"文件注明 {stated.name};按指定读作 {crs.name}"
    return replace(table, crs=crs, notes=(*table.notes, Problem("crs_told", en, zh)))


def _of_datum(table: RawTable, look: Look, datum: ChineseDatum, meridian: int | None) -> pyproj.CRS:
    """CRS of a datum told, its zone from the eastings or the meridian told."""
    if look.kind == "degrees":
        return pyproj.CRS.from_epsg(datum.geographic)
    if look.kind == "zone":
        if meridian is not None and meridian != meridian_of(look.zone):
            raise DoubtfulPosition(
                f"{table.source}: eastings begin with {look.zone} (central meridian "
                f"{meridian_of(look.zone)} E), the CRS told has {meridian} E.",
                f"Leave the zone to the file: --crs {datum.key}.",
            )
        return pyproj.CRS.from_epsg(datum.zone_code(look.zone))
    if meridian is None:
        raise MissingCRS(*_candidates(table, look, (datum,), None))
    return pyproj.CRS.from_epsg(datum.plain_code(meridian))


def _bare(table: RawTable, look: Look, how: Reading) -> RawTable:
    """Table whose metres have no projected CRS: the datum from the file, the zone from them."""
    datum = datum_of(table.crs) if table.crs is not None and table.crs_stated else None
    where = table.crs.name if datum and table.crs is not None else ""
    if datum is None:
        said = [text for text in (*table.texts, *map(str, table.frame)) if datum_named(text)]
        named = {datum_named(text) for text in said}
        datum, where = (named.pop(), said[0]) if len(named) == 1 else (None, "")
    if datum is None or look.kind != "zone":
        raise MissingCRS(*_candidates(table, look, (datum,) if datum else (), how.near))
    crs = pyproj.CRS.from_epsg(datum.zone_code(look.zone))
    note = Problem(
        "crs_recognised",
        f"the eastings begin with zone {look.zone} and the file says {where[:60]!r}: "
        f"read as {crs.name} (EPSG:{crs.to_epsg()})",
        f"东坐标带号 {look.zone},文件注明“{where[:60]}”:按 {crs.name}(EPSG:{crs.to_epsg()})读取",
    )
    return replace(table, crs=crs, notes=(*table.notes, note))


def _candidates(
    table: RawTable,
    look: Look,
    datums: tuple[ChineseDatum, ...],
    near: tuple[float, float, float, float] | None,
) -> tuple[str, str]:
    """Message and hint that name the systems the coordinates may be in."""
    possible = datums or tuple(DATUMS.values())
    if look.kind == "zone":
        width = 6 if look.zone in SIX_DEGREE_ZONES else 3
        named = ", ".join(f"{d.name} EPSG:{d.zone_code(look.zone)}" for d in possible)
        return (
            f"{table.source} states no coordinate reference system. Its eastings begin with "
            f"{look.zone} (Gauss-Kruger, {width}-degree zone {look.zone}, central meridian "
            f"{meridian_of(look.zone)} E), but the datum cannot be seen; candidates: {named}.",
            "Say which: --crs " + " or --crs ".join(datum.key for datum in possible) + ".",
        )
    fitting = [m for m in MERIDIANS if near is None or _reaches(look, m, near)]
    listed = fitting or list(MERIDIANS)
    named = "; ".join(
        f"{d.name} " + ", ".join(f"EPSG:{d.plain_code(m)} ({m} E)" for m in listed)
        if len(listed) <= 4
        else f"{d.name} EPSG:{d.plain_code(listed[0])} ({listed[0]} E) to "
        f"EPSG:{d.plain_code(listed[-1])} ({listed[-1]} E)"
        for d in possible
    )
    where = " near the workspace's counties and mines" if near and fitting else ""
    return (
        f"{table.source} states no central meridian; eastings such as {_shown(look)} carry no "
        f"zone. Gauss-Kruger candidates{where}: {named}.",
        f"Say datum and meridian, for example --crs {possible[0].key}:{listed[0]}E.",
    )


def _reaches(look: Look, meridian: int, near: tuple[float, float, float, float]) -> bool:
    """Whether coordinates of this meridian would lie in or beside a box."""
    x, y = look.example[::-1] if look.swapped else look.example
    crs = pyproj.CRS.from_epsg(DATUMS["cgcs2000"].plain_code(meridian))
    lon, lat = pyproj.Transformer.from_crs(crs, 4490, always_xy=True).transform(x, y)
    margin = 0.2
    west, south, east, north = near
    return bool(west - margin <= lon <= east + margin and south - margin <= lat <= north + margin)


def _fits(crs: pyproj.CRS, look: Look, source: str) -> None:
    """Refuse a CRS that the coordinates cannot be in."""
    if crs.is_geographic:
        if look.kind in ("zone", "plain", "other"):
            raise DoubtfulPosition(
                f"{source}: {crs.name} has degrees, the coordinates are metres: {_shown(look)}.",
                "Say the projected CRS with --crs, for example --crs cgcs2000.",
            )
        return
    if look.kind == "degrees":
        raise DoubtfulPosition(
            f"{source}: {crs.name} has metres, the coordinates look like degrees: {_shown(look)}.",
            "Say the CRS with --crs, for example --crs EPSG:4490.",
        )
    east = _false_easting(crs)
    if east is None:
        return
    datum, zone = datum_of(crs), int(east // _MILLION)
    if look.kind == "zone" and zone != look.zone:
        right = f" --crs EPSG:{datum.zone_code(look.zone)}" if datum else " --crs cgcs2000"
        raise DoubtfulPosition(
            f"{source}: the eastings begin with zone {look.zone} ({_shown(look)}), "
            f"{crs.name} has {f'zone {zone}' if zone else 'no zone before them'}.",
            f"If the coordinates are right:{right}.",
        )
    if look.kind == "plain" and zone:
        plain = datum.plain_code(meridian_of(zone)) if datum else 0
        raise DoubtfulPosition(
            f"{source}: {crs.name} has zone {zone} before the eastings, the coordinates have "
            f"none: {_shown(look)}.",
            f"If only the prefix was left out: --crs EPSG:{plain}." if plain else "Check the CRS.",
        )


def _false_easting(crs: pyproj.CRS) -> float | None:
    """False easting of a Transverse Mercator, None for other projections."""
    operation = crs.coordinate_operation
    if operation is None or operation.method_name not in ("Transverse Mercator", "Gauss Kruger"):
        return None
    return next((float(p.value) for p in operation.params if p.name == "False easting"), None)


def _turned(table: RawTable) -> RawTable:
    """Table with northing and easting exchanged, as surveyors in China write X and Y."""
    geometry = table.geometries().copy()
    there = ~shapely.is_missing(geometry)
    geometry[there] = shapely.transform(geometry[there], lambda xy: xy[:, ::-1])
    note = Problem(
        "axes_swapped",
        "the northing stood before the easting; they were exchanged",
        "北坐标在前、东坐标在后,已对调",
    )
    return replace(table, geometry=geometry, notes=(*table.notes, note))


def _with_shift(table: RawTable, written: str) -> RawTable:
    """Table whose CRS carries the shift to WGS 84 that the caller states."""
    try:
        numbers = [float(part) for part in written.split(",")]
    except ValueError:
        numbers = []
    limits = (2000.0,) * 3 + (60.0,) * 3 + (200.0,)
    sane = all(abs(n) <= limit for n, limit in zip(numbers, limits, strict=False))
    if len(numbers) not in (3, 7) or not sane:
        raise UnknownOption(
            f"the shift {written[:60]!r} cannot be read; write dx,dy,dz in metres, or "
            "dx,dy,dz,rx,ry,rz,ppm with rotations in seconds of arc (position vector).",
        )
    if table.crs is None or table.crs.geodetic_crs is None:
        raise MissingCRS(f"{table.source} has no CRS to shift from.", "Say it with --crs.")
    step = pyproj.crs.coordinate_operation.ToWGS84Transformation(table.crs.geodetic_crs, *numbers)
    bound = pyproj.crs.BoundCRS(table.crs, pyproj.CRS.from_epsg(4326), step)
    note = Problem(
        "datum_shifted",
        f"shifted from {table.crs.name} to WGS 84 by {written}, as told",
        f"按指定参数 {written} 由 {table.crs.name} 转换至 WGS 84",
    )
    return replace(table, crs=bound, notes=(*table.notes, note))


def _packed(look: Look) -> str:
    """A word on degrees, minutes and seconds written as one number (1151230)."""
    x, y = look.example
    looks_so = all(
        whole.is_integer() and (whole // 100) % 100 < 60 and whole % 100 < 60
        for whole in (float(int(x)), float(int(y)))
    )
    fits = 730_000 <= x <= 1_360_000 and 150_000 <= y <= 550_000
    return "; they may be degrees, minutes and seconds run together" if looks_so and fits else ""


def _shown(look: Look) -> str:
    return f"{look.example[0]:.10g}, {look.example[1]:.10g}"
