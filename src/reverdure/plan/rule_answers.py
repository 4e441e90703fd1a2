"""What one rule says of every site; what hangs on an unknown factor needs a survey."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import Suitability
from reverdure.plan.site_rules import DERIVED, Rule
from reverdure.plan.sites import Sites

Flags = NDArray[np.bool_]
Codes = NDArray[np.int8]
_BITS = {code: 1 << code for code in Suitability}


@dataclass(frozen=True, eq=False)
class Answer:
    """What a rule says of every mine.

    Attributes
    ----------
    rule : Rule
    sites : Sites
        With the water of the land use, where the rule looks at it.
    verdict : array of int8
        Numbers of Suitability; 0 where the rule is left out.
    case : array of int8
        Which case gave it; -1 where none did.
    missing : mapping of factor to array of bool
        Where its answer hangs on a factor nobody knows.
    """

    rule: Rule
    sites: Sites
    verdict: Codes
    case: Codes
    missing: Mapping[str, Flags]


def answer(rule: Rule, sites: Sites) -> Answer:
    """Try the cases of a rule in order on every mine; see `Answer`.

    An unknown factor leaves open whether a case holds. Only where all cases that are open, and
    the one that holds after them, give one verdict is that the verdict.

    Examples
    --------
    >>> from reverdure.plan.site_rules import site_rules
    >>> from reverdure.plan.sites import read_sites
    >>> slope = next(one for one in site_rules().rules if one.id == "slope_assisted")
    >>> said = answer(slope, read_sites({"mine_id": ["a", "b", "c"], "slope_deg": [35, 36, None]}))
    >>> [Suitability(one).key for one in said.verdict], list(said.missing)
    (['ok', 'no', 'needs_survey'], ['slope_deg'])
    """
    size = len(sites)
    possible = np.zeros(size, dtype=np.int64)
    case_of = np.full(size, -1, dtype=np.int8)
    undecided = np.ones(size, dtype=bool)
    asked: dict[str, Flags] = {}
    for number, case in enumerate(rule.cases):
        known = {name: sites.known(name) for name in case.bounds}
        holds = {name: _holds(sites.values[name], bounds) for name, bounds in case.bounds.items()}
        false, true = np.zeros(size, dtype=bool), np.ones(size, dtype=bool)
        for name, kept in holds.items():
            false |= known[name] & ~kept
            true &= known[name] & kept
        is_open = undecided & ~true & ~false
        for name in holds:
            for source in DERIVED.get(name, (name,)):
                asked[source] = asked.get(source, np.zeros(size, bool)) | (
                    is_open & ~sites.known(source)
                )
        possible[undecided & ~false] |= _BITS[case.verdict]
        case_of[undecided & true] = number
        undecided &= ~true
    possible[undecided] |= _BITS[Suitability.NO]
    verdict = np.full(size, Suitability.NEEDS_SURVEY, dtype=np.int8)
    for code, bit in _BITS.items():
        verdict[possible == bit] = code
    if rule.if_known:
        verdict[verdict == Suitability.NEEDS_SURVEY] = 0
    hangs = verdict == Suitability.NEEDS_SURVEY
    missing = {name: where & hangs for name, where in asked.items() if (where & hangs).any()}
    return Answer(rule, sites, verdict, case_of, missing)


def _holds(values: NDArray[Any], bounds: Mapping[str, Any]) -> Flags:
    """Whether bounds hold; anything where the value is not known."""
    kept = np.ones(len(values), dtype=bool)
    for bound, limit in bounds.items():
        if bound == "none_of":
            kept &= np.array([one not in limit for one in values], dtype=bool)
        elif bound == "is":
            kept &= values == float(limit)
        elif bound == "at_most":
            kept &= values <= limit
        elif bound == "at_least":
            kept &= values >= limit
        else:
            kept &= values > limit if bound == "above" else values < limit
    return kept


def worst(answers: Iterable[Answer], size: int) -> Codes:
    """The worst verdict of several rules: no, then needs survey, then conditional, then ok."""
    found, answers = np.full(size, Suitability.OK, dtype=np.int8), tuple(answers)
    for code in (Suitability.CONDITIONAL, Suitability.NEEDS_SURVEY, Suitability.NO):
        for one in answers:
            found[one.verdict == code] = code
    return found
