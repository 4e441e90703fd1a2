"""The rules of what fits a site, as data: `plan/data/suitability.toml`, read and checked."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from reverdure.core.codes import Intervention, Suitability
from reverdure.core.errors import InvalidInput
from reverdure.core.kinds import Column, kinds

BOUNDS = ("at_most", "at_least", "above", "below", "is", "none_of")
"""What a case may ask of a factor."""
DERIVED: Mapping[str, tuple[str, ...]] = {
    "irrigation_m3_ha": ("precipitation_mm",),
    "beyond_quota_m3_ha": ("precipitation_mm", "water_quota_m3_ha"),
}
"""Factors worked out for a land use, and those they are worked out from."""
_NO_FACTORS = ("survey_id", "mine_id", "date", "basis")
_STATUSES = ("verified", "to confirm", "assumption")
_VERDICTS = (Suitability.OK, Suitability.CONDITIONAL)


@dataclass(frozen=True, slots=True)
class Case:
    """A verdict, the bounds on factors under which it is given, and its condition in words."""

    verdict: Suitability
    bounds: Mapping[str, Mapping[str, Any]]
    en: str = ""
    zh: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What one factor says of some measures and land uses; empty means all.

    Attributes
    ----------
    id, factor : str
    measures, land_uses : tuple of str
    cases : tuple of Case
        The first that holds decides; where none does, the answer is no.
    source, status : str
    degrades : bool
        Whether it counts for the severity of a site.
    if_known : bool
        Whether it is left out where its factor is not known.
    """

    id: str
    factor: str
    measures: tuple[str, ...]
    land_uses: tuple[str, ...]
    cases: tuple[Case, ...]
    source: str
    status: str
    degrades: bool = False
    if_known: bool = False

    @property
    def is_of_water(self) -> bool:
        """Whether it looks at what is worked out for each land use."""
        return any(name in DERIVED for case in self.cases for name in case.bounds)

    def is_for(self, measure: str, land_use: str) -> bool:
        """Whether it speaks of this measure to this land use."""
        return (not self.measures or measure in self.measures) and (
            not self.land_uses or land_use in self.land_uses
        )


@dataclass(frozen=True, slots=True)
class Note:
    """What a commodity brings with it; it changes no verdict."""

    id: str
    words: tuple[str, ...]
    measures: tuple[str, ...]
    en: str
    zh: str
    source: str
    status: str

    def is_of(self, commodity: str) -> bool:
        """Whether a commodity is meant.

        Examples
        --------
        >>> [note.id for note in site_rules().notes if note.is_of("离子型稀土")]
        ['rare_earth']
        """
        folded = commodity.casefold()
        return any(word in folded for word in self.words)


@dataclass(frozen=True, slots=True)
class SiteRules:
    """All rules, notes, the water of land uses and how much each measure does."""

    rules: tuple[Rule, ...]
    notes: tuple[Note, ...]
    water_need_mm: Mapping[str, float]
    interventions: Mapping[str, Intervention]


@cache
def factors() -> Mapping[str, Column]:
    """Factors of a site by name: the columns of the record kind `survey`.

    Examples
    --------
    >>> factors()["slope_deg"].zh
    '坡度'
    """
    columns = kinds()["survey"].columns
    return {one.name: one for one in columns if one.name not in _NO_FACTORS}


@cache
def site_rules() -> SiteRules:
    """The rules of `plan/data/suitability.toml`.

    Examples
    --------
    >>> sum(rule.status == "verified" for rule in site_rules().rules), len(site_rules().notes)
    (0, 4)
    """
    text = resources.files("reverdure.plan").joinpath("data/suitability.toml").read_text("utf-8")
    return read_site_rules(text)


def read_site_rules(text: str) -> SiteRules:
    """Rules from TOML text of the same form as `plan/data/suitability.toml`.

    Raises
    ------
    InvalidInput
        If a rule names an unknown factor, bound, verdict or status, or has a condition
        without words.
    """
    tree = tomllib.loads(text)
    rules = tuple(_rule(one) for one in tree["rules"])
    notes = tuple(
        Note(**{**one, "words": tuple(one["words"]), "measures": tuple(one["measures"])})
        for one in tree["notes"]
    )
    need = {k: float(v) for k, v in tree["water_need_mm"].items() if not isinstance(v, str)}
    ways = {
        measure: Intervention.from_key(way)
        for way, measures in tree["interventions"].items()
        for measure in measures
    }
    return SiteRules(rules, notes, MappingProxyType(need), MappingProxyType(ways))


def _rule(raw: Mapping[str, Any]) -> Rule:
    lists = {k: tuple(raw.get(k, ())) for k in ("measures", "land_uses")}
    cases = tuple(
        Case(
            Suitability.from_key(one["verdict"]),
            one.get("if", {}),
            one.get("en", ""),
            one.get("zh", ""),
        )
        for one in raw["cases"]
    )
    rule = Rule(**{**raw, **lists, "cases": cases})
    known = {*factors(), *DERIVED}
    for name in (rule.factor, *(factor for case in cases for factor in case.bounds)):
        if name not in known:
            raise InvalidInput(
                f"rule {rule.id!r} names the unknown factor {name!r}.",
                f"Use one of {', '.join(sorted(known))}.",
            )
    if rule.status not in _STATUSES:
        raise InvalidInput(
            f"rule {rule.id!r} has the status {rule.status!r}.", f"Use one of {_STATUSES}."
        )
    for case in cases:
        asked = [bound for bounds in case.bounds.values() for bound in bounds]
        if not set(asked) <= set(BOUNDS):
            raise InvalidInput(
                f"rule {rule.id!r} has the bounds {asked}.", f"Use {', '.join(BOUNDS)}."
            )
        if case.verdict not in _VERDICTS:
            raise InvalidInput(
                f"rule {rule.id!r} has a case with the verdict {case.verdict.key!r}.",
                "Use ok or conditional; what no case allows is no.",
            )
        if (case.verdict is Suitability.CONDITIONAL) != bool(case.en and case.zh):
            raise InvalidInput(
                f"rule {rule.id!r} has a condition without words, or words without a condition.",
                "Say it in `en` and `zh`.",
            )
    return rule
