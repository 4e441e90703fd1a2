"""What a source reports as a total, kept as reported, and what can be worked out of it."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

from reverdure.core.codes import Bound
from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.units import HA_PER_UNIT, MU_PER_HA, to_ha
from reverdure.registry.packaged import packaged_names, packaged_text

_CURRENCIES = ("CNY", "USD", "EUR")
_UNITS: Mapping[str, tuple[str, ...]] = {
    "count": ("count",),
    "area": tuple(HA_PER_UNIT),
    "money": _CURRENCIES,
    "share": ("%",),
}
KINDS = ("share", "remainder", "total", "ratio")


@dataclass(frozen=True, slots=True)
class Unit:
    """An administrative unit; level and type are two things.

    Attributes
    ----------
    code : str
        Its code, six digits in China (GB/T 2260).
    en, zh : str
    level : str
        province, prefecture or county.
    type : str
        What it is called by law: a county-level city has level county.
    within : str
        Code of the unit above, "" for none.
    """

    code: str
    en: str
    zh: str
    level: str
    type: str
    within: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where statements come from.

    Attributes
    ----------
    source_id, en, zh : str
    published : str
        ISO date, "" where it states none.
    """

    source_id: str
    en: str
    zh: str
    published: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One figure as a source gives it; never spread over invented mines.

    Attributes
    ----------
    statement_id : str
    metric : str
        Key in `data/metrics.toml`.
    unit_code : str
        Administrative unit it is about.
    value : float
    unit : str
        As reported: "count", an area unit, a currency, or "%".
    bound : str
        Key of `Bound`: how exact the source puts it.
    source_id, en, zh : str
        Where from, and what is counted.
    as_of : str
        ISO date it holds for, "" where the source states none.
    from_year, to_year : int or None
        Period it is of.
    """

    statement_id: str
    metric: str
    unit_code: str
    value: float
    unit: str
    bound: str
    source_id: str
    en: str
    zh: str
    as_of: str = ""
    from_year: int | None = None
    to_year: int | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """What is to be worked out of statements, or of sums before it.

    Attributes
    ----------
    sum_id : str
    kind : {"share", "remainder", "total", "ratio"}
        First over second in per cent; first less the others; all together; first by second.
    of : tuple of str
        Statements or sums.
    en, zh : str
    bound : str
        Key of `Bound`, where more is known of the answer than of its parts.
    """

    sum_id: str
    kind: str
    of: tuple[str, ...]
    en: str
    zh: str
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What a source leaves open, and the figures it touches."""

    about: tuple[str, ...]
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Case:
    """All that is reported of a place; `Case.from_dict(case.to_dict()) == case`."""

    name: str
    en: str
    zh: str
    units: tuple[Unit, ...]
    sources: tuple[Source, ...]
    statements: tuple[Statement, ...]
    sums: tuple[Sum, ...]
    questions: tuple[Question, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the registry."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Case":
        """Build and check a case.

        Raises
        ------
        InvalidInput
            If a name is missing, unknown or stands twice, a unit does not fit its metric,
            or a sum does not add up in kind.
        """
        try:
            case = cls(
                plain["name"],
                plain["en"],
                plain["zh"],
                tuple(Unit(**one) for one in plain["units"]),
                tuple(Source(**one) for one in plain["sources"]),
                tuple(Statement(**one) for one in plain["statements"]),
                tuple(Sum(**{**one, "of": tuple(one["of"])}) for one in plain["sums"]),
                tuple(Question(tuple(q["about"]), q["en"], q["zh"]) for q in plain["questions"]),
            )
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"the case cannot be read: {error}.") from error
        _check(case)
        amounts(case)
        return case


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with what it measures.

    Attributes
    ----------
    value : float
        Areas in hectares, money in its currency, shares in per cent.
    dimension : str
        "count", "area", "money", "share" or "ratio".
    unit : str
        "count", "ha", a currency, "%"; of a ratio both, joined by "/".
    bound : str
        Key of `Bound`.
    """

    value: float
    dimension: str
    unit: str
    bound: str

    @property
    def per_mu(self) -> float | None:
        """The same by the mu, where it is by the hectare."""
        return self.value / MU_PER_HA if self.unit.endswith("/ha") else None


@cache
def metrics() -> Mapping[str, Mapping[str, Any]]:
    """The table of metrics."""
    source = resources.files("reverdure.registry").joinpath("data/metrics.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def case_names() -> list[str]:
    """Cases that come with the program.

    Examples
    --------
    >>> case_names()
    ['hunan', 'jiangxi', 'xikuangshan']
    """
    return packaged_names("cases")


def read_case(name: str) -> Case:
    """A case that comes with the program.

    Raises
    ------
    UnknownOption
        If there is none of this name.

    Examples
    --------
    >>> found = amounts(read_case("jiangxi"))
    >>> round(found["share-by-count"].value, 2), round(found["share-by-land"].value, 2)
    (68.5, 67.86)
    """
    if name not in case_names():
        raise UnknownOption(f"case {name!r} is not known; use one of {', '.join(case_names())}.")
    return Case.from_dict({"name": name} | tomllib.loads(packaged_text("cases", name)))


def amounts(case: Case) -> dict[str, Amount]:
    """Every statement and sum of a case as an amount, by id.

    Raises
    ------
    InvalidInput
        If a sum mixes what cannot be added or compared: counts with areas, two currencies.
    """
    found = {one.statement_id: _stated(one) for one in case.statements}
    for one in case.sums:
        missing = [name for name in one.of if name not in found]
        if missing:
            raise InvalidInput(
                f"sum {one.sum_id!r} needs {missing[0]!r}, which is not stated before it."
            )
        found[one.sum_id] = _worked_out(one, [found[name] for name in one.of])
    return found


def _stated(one: Statement) -> Amount:
    dimension = metrics()[one.metric]["dimension"]
    if dimension == "area":
        return Amount(to_ha(one.value, one.unit), dimension, "ha", one.bound)
    return Amount(one.value, dimension, one.unit, one.bound)


def _worked_out(wanted: Sum, parts: Sequence[Amount]) -> Amount:
    first, *others = parts
    bound = wanted.bound or _loosest(parts)
    if wanted.kind == "ratio":
        if first.unit == others[0].unit:
            raise InvalidInput(f"sum {wanted.sum_id!r} is a share, both are in {first.unit}.")
        unit = f"{first.unit}/{others[0].unit}"
        return Amount(first.value / _not_zero(wanted, others[0]), "ratio", unit, bound)
    differing = [one.unit for one in others if one.unit != first.unit]
    if differing:
        raise InvalidInput(
            f"sum {wanted.sum_id!r} mixes {first.unit} and {differing[0]}.",
            "Only figures of one kind and one currency are added or compared.",
        )
    if wanted.kind == "share":
        return Amount(100 * first.value / _not_zero(wanted, others[0]), "share", "%", bound)
    rest = sum(one.value for one in others)
    value = first.value - rest if wanted.kind == "remainder" else first.value + rest
    return Amount(value, first.dimension, first.unit, bound)


def _not_zero(wanted: Sum, divisor: Amount) -> float:
    if divisor.value == 0:
        raise InvalidInput(f"sum {wanted.sum_id!r} divides by {wanted.of[1]!r}, which is 0.")
    return divisor.value


def _loosest(parts: Sequence[Amount]) -> str:
    """About, unless every part is exact: bounds of both sides do not tell a direction."""
    exact = all(one.bound == Bound.EXACT.key for one in parts)
    return (Bound.EXACT if exact else Bound.ABOUT).key


def _check(case: Case) -> None:
    ids = [one.statement_id for one in case.statements] + [one.sum_id for one in case.sums]
    twice = [name for name in ids if ids.count(name) > 1]
    if twice:
        raise InvalidInput(f"figure {twice[0]!r} stands twice.")
    units = {one.code for one in case.units}
    sources = {one.source_id for one in case.sources}
    bounds = {code.key for code in Bound}
    for unit in case.units:
        _known(f"units {unit.code}, within", unit.within, units | {""})
    for one in case.statements:
        name = f"statements {one.statement_id}"
        _known(f"{name}, unit_code", one.unit_code, units)
        _known(f"{name}, source_id", one.source_id, sources)
        _known(f"{name}, metric", one.metric, set(metrics()))
        _known(f"{name}, unit", one.unit, set(_UNITS[metrics()[one.metric]["dimension"]]))
        _known(f"{name}, bound", one.bound, bounds)
        if not math.isfinite(one.value):
            raise InvalidInput(
                f"statement {one.statement_id!r} has value {one.value}; expected a number."
            )
    for each in case.sums:
        _known(f"sums {each.sum_id}, kind", each.kind, set(KINDS))
        _known(f"sums {each.sum_id}, bound", each.bound, {"", *bounds})
        if len(each.of) < 2 or (each.kind in ("share", "ratio") and len(each.of) != 2):
            raise InvalidInput(
                f"sum {each.sum_id!r} is worked out of {len(each.of)} figures; expected 2."
            )
    for question in case.questions:
        for about in question.about:
            _known("questions, about", about, set(ids))


def _known(where: str, seen: str, allowed: set[str]) -> None:
    if seen not in allowed:
        raise InvalidInput(
            f"{where}: {seen!r} is not known there; use {', '.join(sorted(allowed))}."
        )
