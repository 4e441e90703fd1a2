"""Changes of a question in one line each: `budget[2028] * 0.8`, `cost[wetland] * 1.2`.

A small language of its own, read by one expression; nothing of it is ever executed.
"""

import copy
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reverdure.core.errors import InvalidInput
from reverdure.plan.measures import Catalogue, Measure

_FORM = re.compile(
    r"\s*(?P<what>budget|cost|success|pace|require)\s*(?:\[\s*(?P<of>[^\[\]]*?)\s*\])?\s*"
    r"(?:(?P<sign>[*=])\s*(?P<number>[0-9][0-9_]*\.?[0-9]*(?:[eE][-+]?[0-9]{1,2})?)"
    r"|(?P<gone>removed))\s*"
)
_ALLOWED = (
    "Write one of: budget * 0.8, budget[2028] * 0.8, budget[central] * 0.8, "
    "budget[central, 2028] = 30, cost[MEASURE] * 1.1, success[MEASURE] = 0.8, pace * 0.9, "
    "require[NAME] = 400, require[NAME] removed."
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes
    ----------
    what : str
        budget, cost, success, pace (of recovery: a drier climate) or require.
    of : tuple of str
        What stands in the brackets, at the commas.
    sign : str
        "*", "=" or "removed".
    number : float
        NaN for what is removed.
    said : str
        The change as it was written.
    """

    what: str
    of: tuple[str, ...]
    sign: str
    number: float
    said: str

    def of_number(self, before: float) -> float:
        """What becomes of a number."""
        return before * self.number if self.sign == "*" else self.number


def read_change(said: str) -> Change:
    """A change from its line.

    Raises
    ------
    InvalidInput
        If it is none of the forms allowed.

    Examples
    --------
    >>> change = read_change("budget[2028] * 0.8")
    >>> change.what, change.of, change.of_number(50.0)
    ('budget', ('2028',), 40.0)
    >>> read_change("__import__('os')")
    Traceback (most recent call last):
    ...
    reverdure.core.errors.InvalidInput: the change "__import__('os')" cannot be read. Write ...
    """
    found = _FORM.fullmatch(said)
    if not found or (found["gone"] and found["what"] != "require"):
        raise InvalidInput(f"the change {said!r} cannot be read.", _ALLOWED)
    number = math.nan if found["gone"] else float(found["number"])
    of = tuple(part.strip() for part in (found["of"] or "").split(",") if part.strip())
    if math.isinf(number) or (found["what"] == "require" and not of):
        raise InvalidInput(f"the change {said!r} cannot be read.", _ALLOWED)
    if found["what"] == "require":
        of = (",".join(of),)
    return Change(found["what"], of, found["gone"] or found["sign"], number, said)


def changed_budget(
    sources: Iterable[Mapping[str, Any]], changes: Iterable[Change]
) -> list[dict[str, Any]]:
    """Sources of money, as a question has them, after these changes; others are passed over.

    Raises
    ------
    InvalidInput
        If a change names no source or year there is, or an amount for several at once.
    """
    found = [copy.deepcopy(dict(source)) for source in sources]
    for change in changes:
        if change.what != "budget":
            continue
        wanted = _named_sources(found, change)
        years = {part for part in change.of if part.isdigit()}
        places = [
            (table, year)
            for source in wanted
            for table in _tables(source)
            for year in table
            if not years or year in years
        ]
        if not places:
            raise InvalidInput(f"the change {change.said!r} names no money there is.",
                               f"Sources: {', '.join(one['id'] for one in found)}")  # fmt: skip
        if change.sign == "=" and len(places) > 1:
            raise InvalidInput(
                f"the change {change.said!r} sets {len(places)} amounts at once.",
                "Name the source and the year, or multiply.",
            )
        for table, year in places:
            table[year] = change.of_number(table[year])
    return found


def _named_sources(sources: list[dict[str, Any]], change: Change) -> list[dict[str, Any]]:
    names = [part for part in change.of if not part.isdigit()]
    unknown = [name for name in names if name not in {s["id"] for s in sources}]
    if unknown:
        raise InvalidInput(f"the change {change.said!r} names no money there is.",
                           f"Sources: {', '.join(one['id'] for one in sources)}")  # fmt: skip
    return [source for source in sources if not names or source["id"] in names]


def _tables(source: Mapping[str, Any]) -> list[dict[str, float]]:
    budget = source["budget"]
    by_county = any(isinstance(value, dict) for value in budget.values())
    return list(budget.values()) if by_county else [budget]


def changed_measures(catalogue: Catalogue, changes: Iterable[Change]) -> Catalogue:
    """A catalogue with other costs and chances of success.

    Raises
    ------
    UnknownOption
        If a change names no measure.
    InvalidInput
        If a cost would not be above zero, or a chance not within 0 to 1.

    Examples
    --------
    >>> from reverdure.plan.measures import catalogue
    >>> dearer = changed_measures(catalogue(), [read_change("cost[assisted_recovery] * 2")])
    >>> dearer.measure("assisted_recovery").cny_per_unit
    300000.0
    """
    measures = dict(catalogue.measures)
    for change in changes:
        if change.what in ("cost", "success", "pace"):
            for name in change.of or tuple(measures):
                catalogue.measure(name)
                measures[name] = _changed_measure(measures[name], change)
    return replace(catalogue, measures=measures)


def _paced(measure: Measure, change: Change) -> Measure:
    """The measure with another share of the gap closed in a year."""
    course = measure.trajectory
    if course is None:
        return measure
    kappa = change.of_number(course.kappa)
    if not 0 < kappa <= 1:
        raise InvalidInput(
            f"the change {change.said!r} makes the pace of {measure.id} {kappa:g}.",
            "A pace lies above 0, up to 1.",
        )
    return replace(measure, trajectory=replace(course, kappa=kappa))


def _changed_measure(measure: Measure, change: Change) -> Measure:
    if change.what == "success":
        course = measure.trajectory
        if course is None:
            return measure
        chance = change.of_number(course.success)
        if not 0 <= chance <= 1:
            raise InvalidInput(
                f"the change {change.said!r} makes the success of {measure.id} {chance:g}.",
                "A chance lies within 0 to 1.",
            )
        return replace(measure, trajectory=replace(course, success=chance))
    if change.what == "pace":
        return _paced(measure, change)
    factor = change.of_number(measure.cny_per_unit) / measure.cny_per_unit
    if not factor > 0:
        raise InvalidInput(
            f"the change {change.said!r} makes the cost of {measure.id} {factor:g}.",
            "Costs are above zero.",
        )
    costs = tuple(replace(one, cny_per_unit=one.cny_per_unit * factor) for one in measure.costs)
    return replace(measure, costs=costs)
