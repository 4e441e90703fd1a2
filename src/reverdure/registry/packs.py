"""Rule packs: what a jurisdiction demands, as versioned data with clause and status.

No rule stands in the code; `data/packs/*.toml` are read and checked here.
"""

import datetime
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from reverdure.core.codes import Aim
from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.kinds import choices
from reverdure.registry.packaged import packaged_names, packaged_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

STATUSES = ("verified", "to confirm", "assumption")
"""Read in the text itself, with its clause; known of the text only at second hand; our choice."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document rules are known from; `published` is an ISO date, "" where it states none."""

    key: str
    en: str
    zh: str
    published: str


@dataclass(frozen=True, slots=True)
class Named:
    """A role that takes steps, or an outcome a step can have."""

    key: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What every rule states.

    Attributes
    ----------
    key, en, zh : str
    source : str
        Key of a `Source`; "" where it is our assumption.
    status : str
        One of `STATUSES`.
    clause : str
        Article and paragraph of the text; "" where it is not at hand.
    """

    key: str
    en: str
    zh: str
    source: str
    status: str
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Duty(Rule):
    """Something that has to be done.

    Attributes
    ----------
    who : tuple of str
        Types of party that owe it (`choices("party_type")`).
    liability : tuple of str
        On whose mines (`choices("liability")`); empty: on all.
    days, months : int
        Deadline, so long after `after`; 0 for none.
    after : str
        Type of event (`choices("event_type")`) or key of a step; "" for none.
    date : str
        Deadline that is one day for all, ISO; "" for none.
    """

    who: tuple[str, ...] = ()
    liability: tuple[str, ...] = ()
    days: int = 0
    months: int = 0
    after: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Threshold(Rule):
    """A number that must be reached, or not exceeded, as its words say."""

    value: float = float("nan")
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Step(Rule):
    """One step of the verification of a patch.

    Attributes
    ----------
    order : int
        Place in the row, from 1.
    role : str
        Key of the role that takes it.
    needs_evidence : bool
        Whether it is refused without evidence.
    returns_to : str
        Key of the earlier step it may send a patch back to; "" where it may not.
    outcomes : tuple of str
        Keys of the outcomes one of which it states; empty where it states none.
    """

    order: int = 0
    role: str = ""
    needs_evidence: bool = False
    returns_to: str = ""
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit(Rule):
    """What the land must fulfil before it may be put to a use (key of `Aim`)."""

    land_use: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """What is not known of the text, and so stands in no rule."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class RulePack:
    """All rules of a jurisdiction; `RulePack.from_dict(name, pack.to_dict()) == pack`.

    Attributes
    ----------
    name, en, zh : str
    version : int
        Raised by whoever edits it, from 1.
    valid_from : str
        ISO date the rules are in force from; "" while there are none.
    sources, roles, outcomes : tuple
    duties, thresholds, steps, limits : tuple
        Rules; steps in their order.
    gaps : tuple of Gap
    """

    name: str
    en: str
    zh: str
    version: int
    valid_from: str
    sources: tuple[Source, ...] = ()
    roles: tuple[Named, ...] = ()
    outcomes: tuple[Named, ...] = ()
    duties: tuple[Duty, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    steps: tuple[Step, ...] = ()
    limits: tuple[Limit, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of every kind."""
        return (*self.duties, *self.thresholds, *self.steps, *self.limits)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the registry, under the names the file has; without the name."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _HEAD}
        for key, (attribute, _) in _LISTS.items():
            plain[key] = [_plain(one) for one in getattr(self, attribute)]
        return plain

    @classmethod
    def from_dict(cls, name: str, plain: Mapping[str, Any]) -> "RulePack":
        """Build and check a pack.

        Raises
        ------
        InvalidInput
            If a key is unknown, missing, of another kind or stands twice, a status is none
            of `STATUSES`, a rule is "verified" without a clause, steps leave a gap, or one
            refers to what the pack does not hold.
        """
        _only(name, plain, {*_HEAD, *_LISTS})
        head = _values(name, {key: plain[key] for key in _HEAD if key in plain}, _HEAD)
        lists: dict[str, Any] = {}
        for key, (attribute, of) in _LISTS.items():
            entries = plain.get(key, [])
            _of_kind(name, key, entries, list, '[["text"]]')
            lists[attribute] = tuple(
                _entry(of, f"{name}, {key} {place}", one) for place, one in enumerate(entries, 1)
            )
        lists["steps"] = tuple(sorted(lists["steps"], key=lambda step: step.order))
        pack = cls(name, **head, **lists)
        _check(pack)
        return pack


_HEAD = {"en": str, "zh": str, "version": int, "valid_from": str}
_LISTS: Mapping[str, tuple[str, type[Any]]] = {
    "source": ("sources", Source),
    "role": ("roles", Named),
    "outcome": ("outcomes", Named),
    "duty": ("duties", Duty),
    "threshold": ("thresholds", Threshold),
    "step": ("steps", Step),
    "limit": ("limits", Limit),
    "gap": ("gaps", Gap),
}
_SAMPLES: Mapping[Any, str] = {
    str: '"text"', int: "3", float: "0.5", bool: "true", tuple[str, ...]: '["one", "two"]',
}  # fmt: skip
_Entry = TypeVar("_Entry", bound="DataclassInstance")


def pack_names() -> list[str]:
    """Packs that come with the program.

    Examples
    --------
    >>> pack_names()
    ['empty', 'jiangxi']
    """
    return packaged_names("packs")


def pack_text(name: str) -> str:
    """A pack that comes with the program, as its file has it.

    Raises
    ------
    UnknownOption
        If there is none of this name.
    """
    if name not in pack_names():
        raise UnknownOption(
            f"rule pack {name!r} is not known; use one of {', '.join(pack_names())}."
        )
    return packaged_text("packs", name)


@cache
def pack(name: str) -> RulePack:
    """A pack that comes with the program.

    Raises
    ------
    UnknownOption
        If there is none of this name.

    Examples
    --------
    >>> [(step.key, step.role, step.returns_to) for step in pack("jiangxi").steps][1:3]
    [('county_check', 'county', ''), ('prefecture_review', 'prefecture', 'county_check')]
    >>> pack("empty").rules
    ()
    """
    return RulePack.from_dict(name, tomllib.loads(pack_text(name)))


def _plain(one: Any) -> dict[str, Any]:
    """An entry as the file has it: lists where the class has tuples."""
    plain = asdict(one)
    return {key: list(seen) if isinstance(seen, tuple) else seen for key, seen in plain.items()}


def _entry(of: type[_Entry], where: str, plain: Any) -> _Entry:
    """One line of a list, as the class it belongs to."""
    if not isinstance(plain, Mapping):
        raise InvalidInput(f"{where}: {plain!r} is no table; write key = value lines under it.")
    kinds = {one.name: one.type for one in fields(of)}
    needed = [one.name for one in fields(of) if one.default is MISSING]
    _only(where, plain, kinds)
    return of(**_values(where, plain, kinds, needed))


def _values(
    where: str, plain: Mapping[str, Any], kinds: Mapping[str, Any], needed: Sequence[str] = ()
) -> dict[str, Any]:
    """Values of the kinds asked for."""
    missing = [key for key in needed or kinds if key not in plain]
    if missing:
        raise InvalidInput(f"{where}: {missing[0]!r} is missing.")
    found = {}
    for key, value in plain.items():
        kind = kinds[key]
        seen = value.isoformat() if isinstance(value, datetime.date) else value
        if kind is float and type(seen) is int:
            seen = float(seen)
        if kind == tuple[str, ...] and isinstance(seen, list):
            seen = tuple(seen)
            for one in seen:
                _of_kind(where, key, one, str, _SAMPLES[kind])
        else:
            _of_kind(where, key, seen, kind, _SAMPLES[kind])
        found[key] = seen
    return found


def _of_kind(where: str, key: str, value: Any, kind: Any, sample: str) -> None:
    if type(value) is not kind:
        raise InvalidInput(f"{where}: {key} is {value!r}; write it like {sample}.")


def _only(where: str, plain: Mapping[str, Any], allowed: Mapping[str, Any] | set[str]) -> None:
    for key in plain:
        _known(where, key, allowed)


def _known(where: str, seen: str, allowed: Mapping[str, Any] | Sequence[str] | set[str]) -> None:
    if seen not in allowed:
        raise InvalidInput(
            f"{where}: {seen!r} is not known there; use {', '.join(sorted(allowed)) or '-'}."
        )


def _check(found: RulePack) -> None:
    if found.version < 1:
        raise InvalidInput(f"{found.name}: version {found.version} is below 1.")
    if found.valid_from or found.rules:
        _day(f"{found.name}, valid_from", found.valid_from)
    _check_keys(found)
    for source in found.sources:
        if source.published:
            _day(f"{found.name}, source {source.key}", source.published)
    for duty in found.duties:
        _check_duty(f"{found.name}, duty {duty.key}", duty, found)
    for threshold in found.thresholds:
        if not math.isfinite(threshold.value):
            raise InvalidInput(
                f"{found.name}, threshold {threshold.key} has no value; write value = NUMBER."
            )
    for limit in found.limits:
        uses = {code.key for code in Aim}
        _known(f"{found.name}, limit {limit.key}, land_use", limit.land_use, uses)
    _check_steps(found)


def _check_keys(found: RulePack) -> None:
    for key, (attribute, of) in _LISTS.items():
        seen: set[str] = set()
        for one in () if of is Gap else getattr(found, attribute):
            if one.key in seen:
                raise InvalidInput(f"{found.name}, {key}: {one.key!r} stands twice.")
            seen.add(one.key)
            if isinstance(one, Rule):
                _check_rule(f"{found.name}, {key} {one.key}", one, found)


def _check_rule(where: str, one: Rule, found: RulePack) -> None:
    _known(f"{where}, status", one.status, STATUSES)
    if one.source or one.status != "assumption":
        _known(f"{where}, source", one.source, {source.key for source in found.sources})
    if one.status == "verified" and not one.clause:
        raise InvalidInput(
            f"{where} is verified, but names no clause.",
            'Name the clause, or write status = "to confirm".',
        )


def _check_duty(where: str, duty: Duty, found: RulePack) -> None:
    for who in duty.who or ("",):
        _known(f"{where}, who", who, choices("party_type"))
    for liability in duty.liability:
        _known(f"{where}, liability", liability, choices("liability"))
    span = bool(duty.days) + bool(duty.months)
    if min(duty.days, duty.months) < 0 or span + bool(duty.date) > 1 or bool(duty.after) != span:
        raise InvalidInput(
            f"{where}: its deadline is not clear.",
            "Write date, or after with days or with months, or none of them.",
        )
    if duty.after:
        steps = {step.key for step in found.steps}
        _known(f"{where}, after", duty.after, {*choices("event_type"), *steps})
    if duty.date:
        _day(f"{where}, date", duty.date)


def _check_steps(found: RulePack) -> None:
    orders = [step.order for step in found.steps]
    if orders != list(range(1, len(orders) + 1)):
        raise InvalidInput(
            f"{found.name}: the steps are numbered {', '.join(map(str, orders))};"
            f" expected 1 to {len(orders)}, each once."
        )
    for place, step in enumerate(found.steps):
        where = f"{found.name}, step {step.key}"
        _known(f"{where}, role", step.role, {role.key for role in found.roles})
        if step.returns_to:
            earlier = {one.key for one in found.steps[:place]}
            _known(f"{where}, returns_to", step.returns_to, earlier)
        for outcome in step.outcomes:
            _known(f"{where}, outcomes", outcome, {one.key for one in found.outcomes})


def _day(where: str, text: str) -> None:
    try:
        datetime.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{where}: {text!r} is no day; write it as 2026-05-31.") from error
