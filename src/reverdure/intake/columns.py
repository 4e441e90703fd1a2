"""Which column of a file is which: an alias table in two languages, and `--map`."""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from reverdure.core.errors import InvalidInput, MissingColumn, UnknownOption
from reverdure.core.units import HA_PER_UNIT
from reverdure.intake.values import known_unit

KINDS = ("mines", "claims")
_SHAPEFILE_BYTES, _CUT_LETTERS, _CUT_CHARACTERS = 10, 8, 3
_AREAS = frozenset({"stated_area_ha", "claimed_ha"})
_BRACKET = re.compile(r"(?P<base>.*?)\s*[(\[{](?P<unit>[^)\]}]*)[)\]}]\s*")
_TAIL = re.compile(r"(?P<base>.+?)[\s_/,:-]+(?P<unit>[^\s_/,:-]+)")
_GLUED = re.compile(r"(?P<base>.+?)(?P<unit>公顷|平方米|平方公里|平方千米|英亩|亩)")


@dataclass(frozen=True)
class Columns:
    """Which heading of a file holds what.

    Attributes
    ----------
    heading : mapping of str to str
        Column of ours to heading in the file; only those found.
    unit : mapping of str to str
        Area column of ours to the unit its heading states.
    passed_over : mapping of str to tuple of str
        Column of ours to further headings that would have fitted.
    unused : tuple of str
        Headings that mean nothing here.
    """

    heading: Mapping[str, str]
    unit: Mapping[str, str] = field(default_factory=dict)
    passed_over: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return name in self.heading


def recognise(
    headings: Sequence[str], kind: str, column_map: Mapping[str, str] | None = None
) -> Columns:
    """Recognise the columns of a file by the alias table, after what the caller mapped.

    Parameters
    ----------
    headings : sequence of str
        Headings of the file.
    kind : str
        "mines" or "claims".
    column_map : mapping of str to str, optional
        Column of ours to heading; wins over the table.

    Raises
    ------
    UnknownOption
        If `column_map` names a column that is not ours.
    MissingColumn
        If it names a heading the file does not have.
    InvalidInput
        If the heading of an area states a unit that is not known.

    Examples
    --------
    >>> found = recognise(["图斑编号", "面积（亩）", "Mine_Name"], "mines")
    >>> dict(found.heading)
    {'mine_id': '图斑编号', 'name': 'Mine_Name', 'stated_area_ha': '面积（亩）'}
    >>> dict(found.unit)
    {'stated_area_ha': 'mu'}
    """
    heading, unit = _mapped(headings, kind, column_map or {})
    unclear = {column for column in headings if _cut_of_several(column, kind)}
    passed_over: dict[str, tuple[str, ...]] = {}
    for name, table in aliases(kind).items():
        if name in heading:
            continue
        taken = set(heading.values())
        free = [column for column in headings if column not in taken]
        ranked = sorted(
            (match.rank, position, column, match.unit)
            for position, column in enumerate(free)
            if column not in unclear and (match := _match(column, name, table)) is not None
        )
        if ranked:
            _, _, heading[name], stated = ranked[0]
            if stated:
                unit[name] = stated
            if len(ranked) > 1:
                passed_over[name] = tuple(column for _, _, column, _ in ranked[1:])
    used = set(heading.values())
    return Columns(heading, unit, passed_over, tuple(c for c in headings if c not in used))


@functools.cache
def aliases(kind: str) -> Mapping[str, Mapping[str, tuple[int, str]]]:
    """Alias table of "mines" or "claims": column to {plain heading: (rank, unit)}."""
    if kind not in KINDS:
        raise UnknownOption(f"table kind {kind!r} is not known; use one of {', '.join(KINDS)}.")
    source = resources.files("reverdure.intake") / "data" / "aliases.toml"
    data: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    tables: dict[str, Mapping[str, tuple[int, str]]] = {}
    for name, entry in data.items():
        if kind not in entry:
            continue
        table = {plain(alias): (rank, "") for rank, alias in enumerate(entry[kind])}
        for unit, words in entry.get("units", {}).items():
            # a heading that is only a unit ranks behind one that says whose area it is
            table.update({plain(word): (len(table), unit) for word in words})
        tables[name] = table
    return tables


def plain(heading: str) -> str:
    """Heading without case, spaces and signs, for comparing.

    Examples
    --------
    >>> plain("Mine_Name"), plain("ＭＩＮＥ name"), plain(".geo")
    ('minename', 'minename', 'geo')
    """
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return re.sub(r"[\s_.\-/、·:]+", "", folded)


def split_unit(heading: str) -> tuple[str, str | None, str]:
    """Heading without its unit, the unit, and what stood in its place if it is no unit.

    Examples
    --------
    >>> split_unit("面积（亩）"), split_unit("claimed_ha"), split_unit("面积(万亩)")
    (('面积', 'mu', ''), ('claimed', 'ha', ''), ('面积', None, '万亩'))
    """
    written = unicodedata.normalize("NFKC", heading).strip()
    if match := _BRACKET.fullmatch(written):
        unit = known_unit(match["unit"])
        return match["base"], unit, "" if unit else match["unit"]
    for pattern in (_TAIL, _GLUED):
        match = pattern.fullmatch(written)
        if match and (unit := known_unit(match["unit"])):
            return match["base"], unit, ""
    return written, None, ""


@dataclass(frozen=True, slots=True)
class _Match:
    rank: int
    unit: str


def _match(heading: str, name: str, table: Mapping[str, tuple[int, str]]) -> _Match | None:
    """How well a heading fits a column of ours, None where it does not."""
    whole = table.get(plain(heading))
    if whole:
        return _Match(*whole)
    base, unit, strange = split_unit(heading)
    found = table.get(plain(base))
    if found is None:
        return _cut_match(heading, table)
    if name not in _AREAS:
        # 县(市、区), 开采方式(露天/井工): a bracket that explains
        return _Match(found[0], "") if strange else None
    if unit is None:
        raise InvalidInput(
            f"the heading {heading!r} states a unit that is not known: {strange!r}; "
            f"known are {', '.join(HA_PER_UNIT)}.",
            f"Rename it, or map it with --map {name}={heading!r} and state --area-unit.",
        )
    return _Match(found[0], unit)


def _cut_of_several(heading: str, kind: str) -> bool:
    """Whether a cut heading could be that of several columns of ours: 上报修(复面积, 复编号)."""
    if heading.isascii() or len(heading) != _CUT_CHARACTERS:
        return False
    tables = aliases(kind).values()
    if any(plain(heading) in table for table in tables):
        return False
    return sum(_cut_match(heading, table) is not None for table in tables) > 1


def _cut_match(heading: str, table: Mapping[str, tuple[int, str]]) -> _Match | None:
    """A heading that a Shapefile cut to its ten bytes: mining_met, 图斑编(号)."""
    start = plain(heading)
    if not heading.isascii():
        # in UTF-8 three Chinese characters and a third of the fourth
        if len(heading) != _CUT_CHARACTERS or len(heading.encode()) != 3 * _CUT_CHARACTERS:
            return None
        ranks = [rank for alias, (rank, _) in table.items() if alias.startswith(start)]
        return _Match(len(table) + min(ranks), "") if ranks else None
    if len(heading) != _SHAPEFILE_BYTES:
        return None
    ranks = [rank for alias, (rank, _) in table.items() if alias.startswith(start)]
    # behind every whole heading; a unit at the end is lost with the cut
    return _Match(len(table) + min(ranks), "") if ranks and len(start) >= _CUT_LETTERS else None


def _mapped(
    headings: Sequence[str], kind: str, column_map: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Headings and units the caller stated."""
    known = aliases(kind)
    by_plain = {plain(column): column for column in reversed(headings)}
    heading, unit = {}, {}
    for name, wanted in column_map.items():
        if name not in known:
            raise UnknownOption(f"column {name!r} is not known; map one of {', '.join(known)}.")
        column = wanted if wanted in headings else by_plain.get(plain(wanted))
        if column is None:
            raise MissingColumn(
                f"no column {wanted!r} for {name}; the file has {', '.join(map(repr, headings))}."
            )
        heading[name] = column
        if name in _AREAS:
            whole = known[name].get(plain(column), (0, ""))[1]
            stated = whole or split_unit(column)[1]
            if stated:
                unit[name] = stated
    return heading, unit
