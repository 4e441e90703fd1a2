"""Sources of money and requirements out of what a planner writes: a budget table and TOML."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.records import Finding
from reverdure.pipeline.plan_changes import Change
from reverdure.plan.measures import catalogue
from reverdure.plan.money import KINDS, Source
from reverdure.plan.quantities import QUANTITIES
from reverdure.plan.requirements import (
    Bundle,
    Bundles,
    Capacity,
    Corridor,
    Fair,
    Lock,
    Requirement,
    Target,
    at_least,
    at_most,
    capacity,
)

if TYPE_CHECKING:
    from reverdure.intake.budgets import BudgetTable

_RULES = ("kind", "rolls", "most_share", "match_share", "reward_share", "owner_share", "measures",
          "land_uses", "price_year")  # fmt: skip
TOP = ("objective", "until", "discount", "price_index", "registry", "target", "fair", "capacity",
       "corridor", "demonstration", "lock", "cost", "stream")  # fmt: skip
"""Keys of a file of requirements, beside the quantities themselves (`restored_ha = 500`)."""
_TARGET = ("what", "least", "most", "by", "county", "prefecture", "measure", "land_use", "mines",
           "hard", "penalty", "margin", "name")  # fmt: skip
_LOCK = ("mine", "measure", "land_use", "start", "out")
_COST = ("mine", "measure", "cny", "price_year")


@dataclass(frozen=True, slots=True)
class BudgetRead:
    """Sources of a table of money, and what became of each row.

    Attributes
    ----------
    sources : tuple of mapping
        As a question keeps them; see `source_of`.
    read, used : int
    left_out : tuple of Finding
        Rows of years outside the programme.
    refused : tuple of Finding
    unknown : tuple of str
        Headings that are not understood.
    """

    sources: tuple[Mapping[str, Any], ...]
    read: int
    used: int
    left_out: tuple[Finding, ...]
    refused: tuple[Finding, ...]
    unknown: tuple[str, ...]


def budget_of(table: "BudgetTable", years: Sequence[int]) -> BudgetRead:
    """Sources of money from the rows of a table.

    Parameters
    ----------
    table : BudgetTable
    years : sequence of int
        Of the programme.

    Returns
    -------
    BudgetRead
        A row is used, left out (of another year) or refused (given twice, or with rules other
        than those of the first row of its source).
    """
    sources: dict[str, dict[str, Any]] = {}
    refused, left_out, used = list(table.refused), [], 0
    for number, row in table.rows:
        name, year, county = row["source"], row["year"], row["county"]
        wrong = _wrong(row, sources.get(name))
        if wrong:
            refused.append(Finding(number, name, "rejected", *wrong))
        elif year not in years:
            said = (f"{year} is outside the programme; left out", f"{year}年不在规划期内，未采用")
            left_out.append(Finding(number, name, "flagged", "other_year", *said))
        else:
            kept = sources.setdefault(name, {"id": name, "budget": {}, **_rules(row)})
            places = kept["budget"].setdefault(county, {}) if county else kept["budget"]
            places[str(year)] = row["amount"]
            used += 1
    for source in sources.values():
        _fill_counties(source["budget"], years)
    read = len(table.rows) + len(table.refused)
    return BudgetRead(tuple(sources.values()), read, used, tuple(left_out),
                      tuple(sorted(refused, key=lambda one: one.row)), table.unknown)  # fmt: skip


def _rules(row: Mapping[str, Any]) -> dict[str, Any]:
    rules = {key: row[key] for key in _RULES if key in row and row[key] not in ("", ())}
    if "match_share" in rules:
        rules["most_share"] = 1.0 - rules.pop("match_share")
    rules["kind"] = _kind(rules.get("kind", "central"))
    return {key: list(value) if isinstance(value, tuple) else value for key, value in rules.items()}


def _kind(said: str) -> str:
    """Key of a kind of money from its key or name in either language."""
    for key, names in KINDS.items():
        if said.strip().lower() in (key, *names):
            return key
    return said


def _wrong(row: Mapping[str, Any], known: Mapping[str, Any] | None) -> tuple[str, str, str] | None:
    """Why a row cannot be used: code, English, Chinese."""
    rules = _rules(row)
    if rules["kind"] not in KINDS:
        allowed = ", ".join(KINDS)
        return ("kind", f"kind {rules['kind']!r} is not known; use one of {allowed}",
                f"资金类型“{rules['kind']}”无法识别；可用：{allowed}")  # fmt: skip
    if "most_share" in row and "match_share" in row:
        return (
            "shares",
            "it has both a most share and a match share",
            "最高支付比例与配套比例重复",
        )
    if known is None:
        return None
    if rules != {key: value for key, value in known.items() if key not in ("id", "budget")}:
        return ("rules", "its rules are others than in the first row of this source",
                "与该资金首行的规则不一致")  # fmt: skip
    budget, year = known["budget"], str(row["year"])
    by_county = any(isinstance(value, dict) for value in budget.values())
    if by_county != bool(row["county"]):
        return ("county", "some rows of this source name a county, others do not",
                "同一资金有的行填县、有的行不填")  # fmt: skip
    if year in (budget.get(row["county"], {}) if row["county"] else budget):
        return ("twice", f"this source has an amount for {year} already", f"该资金{year}年已有金额")
    return None


def _fill_counties(budget: dict[str, Any], years: Sequence[int]) -> None:
    """A county without a row in a year its source is given for has nothing of it then."""
    tables = [value for value in budget.values() if isinstance(value, dict)]
    given = {year for table in tables for year in table}
    for table in tables:
        for year in map(str, years):
            if year in given:
                table.setdefault(year, 0.0)


def budget_choices(language: str) -> dict[str, dict[str, str]]:
    """Kinds of money, measures and land uses by key, in "en" or "zh", for an empty form.

    Examples
    --------
    >>> budget_choices("en")["kind"]["loan"], budget_choices("zh")["land_uses"]["forest"]
    ('loan', '林地')
    """
    known, n = catalogue(), int(language == "zh")
    return {
        "kind": {key: names[n] for key, names in KINDS.items()},
        "measures": {one.id: (one.en, one.zh)[n] for one in known.measures.values()},
        "land_uses": {one.id: (one.en, one.zh)[n] for one in known.land_uses.values()},
    }


def source_of(said: Mapping[str, Any]) -> Source:
    """A source of money from its entry in a question.

    Examples
    --------
    >>> source_of({"id": "grant", "budget": {"2027": 40}, "kind": "central"}).budget
    {2027: 40.0}
    """
    known = {field.name for field in fields(Source)}
    for key in said:
        if key not in known:
            raise UnknownOption(f"a source of money has no {key!r}; use one of {', '.join(known)}.")
    budget: dict[Any, Any] = {}
    for place, value in said["budget"].items():
        if isinstance(value, Mapping):
            budget[place] = {int(year): float(amount) for year, amount in value.items()}
        else:
            budget[int(place)] = float(value)
    rest: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in said.items()
        if key != "budget"
    }
    return Source(budget=budget, **rest)


def check_keys(where: str, said: Mapping[str, Any], allowed: Iterable[str]) -> None:
    """Refuse keys that are not among those allowed.

    Raises
    ------
    UnknownOption
    """
    for key in said:
        if key not in allowed:
            raise UnknownOption(
                f"{where} has the unknown key {key!r}; use one of {', '.join(allowed)}."
            )


def requirements_of(
    said: Mapping[str, Any], changes: Iterable[Change] = ()
) -> tuple[list[Requirement], list[Lock]]:
    """Requirements and locks from a tree of TOML, with changes to them.

    Parameters
    ----------
    said : mapping
        Quantities by name (`restored_ha = 500`, or a table with least, most, by ...), `target`
        for several of one quantity, `fair`, `capacity`, `corridor`, `demonstration`, `lock`. What
        changes no plan is read elsewhere: `cost` and `stream`.
    changes : iterable of Change
        Those of requirements; others are passed over.

    Raises
    ------
    UnknownOption
        For a key or quantity that is not known, with those that are.
    InvalidInput
        If something that is needed is missing, or a change names no target.
    """
    check_keys("the file of requirements", said, [*TOP, *QUANTITIES])
    found: list[Requirement] = []
    for name in QUANTITIES:
        if name in said:
            one = said[name]
            found += _targets({"what": name, **(one if isinstance(one, dict) else {"least": one})})
    for one in listed(said, "target"):
        found += _targets(one)
    found = _changed(found, changes)
    for one in listed(said, "fair"):
        check_keys("fair", one, [field.name for field in fields(Fair)])
        found.append(Fair(**one))
    for one in listed(said, "capacity"):
        check_keys("capacity", one, ("what", "most", "per"))
        found.append(_capacity(one))
    for one in listed(said, "corridor"):
        check_keys("corridor", one, ("pairs", "bonus"))
        found.append(Corridor(tuple((a, b) for a, b in one["pairs"]), float(one["bonus"])))
    if bundles := listed(said, "demonstration"):
        for one in bundles:
            check_keys("demonstration", one, [field.name for field in fields(Bundle)])
        named = tuple(Bundle(**{**one, "mines": tuple(one["mines"])}) for one in bundles)
        found.append(Bundles(named))
    locks = []
    for one in listed(said, "lock"):
        check_keys("lock", one, _LOCK)
        locks.append(Lock(**_needed("lock", one, "mine")))
    return found, locks


def costs_of(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Known costs from a tree of TOML, as rows of mine_id, measure, cost_cny and price_year."""
    rows = []
    for one in listed(said, "cost"):
        check_keys("cost", one, _COST)
        for key in ("mine", "measure", "price_year"):
            _needed("cost", one, key)
        cost = one.get("cny", math.nan)
        rows.append({"mine_id": one["mine"], "measure": one["measure"], "cost_cny": cost,
                     "price_year": one["price_year"]})  # fmt: skip
    return rows


def listed(said: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """One table or several of a tree of requirements.

    Raises
    ------
    InvalidInput
        If it is something else.
    """
    value = said.get(key, [])
    tables = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in tables):
        raise InvalidInput(f"{key} = {value!r} is no table.", f"Write [{key}] or [[{key}]].")
    return [dict(one) for one in tables]


def _needed(where: str, said: dict[str, Any], key: str) -> dict[str, Any]:
    if key not in said:
        raise InvalidInput(f"a {where} has no {key}: {said}.")
    return said


def _targets(said: dict[str, Any]) -> list[Requirement]:
    check_keys("target", said, _TARGET)
    what = _needed("target", said, "what")["what"]
    where = {key: v for key, v in said.items() if key not in ("what", "least", "most")}
    found: list[Requirement] = []
    for key, make in (("least", at_least), ("most", at_most)):
        if key in said:
            if isinstance(said[key], bool) or not isinstance(said[key], int | float):
                raise InvalidInput(f"target {what!r}: {key} = {said[key]!r} is no number.")
            found.append(make(what, said[key], **where))
    if not found:
        raise InvalidInput(f"target {what!r} says neither least nor most.")
    return found


def _capacity(said: dict[str, Any]) -> Capacity:
    _needed("capacity", said, "what")
    _needed("capacity", said, "most")
    most = said["most"]
    amount = {k: float(v) for k, v in most.items()} if isinstance(most, dict) else float(most)
    return capacity(said["what"], amount, said.get("per", "prefecture"))


def _changed(found: list[Requirement], changes: Iterable[Change]) -> list[Requirement]:
    """Targets after changes; a target is named by its name or its quantity."""
    from dataclasses import replace

    for change in changes:
        if change.what != "require":
            continue
        (name,) = change.of
        hit = [
            one for one in found
            if isinstance(one, Target) and name in (one.name, one.id, one.quantity.id)
        ]  # fmt: skip
        if not hit:
            known = ", ".join(one.id for one in found if isinstance(one, Target)) or "none"
            raise InvalidInput(f"the change {change.said!r} names no target.", f"Targets: {known}")
        if change.sign == "removed":
            found = [one for one in found if one not in hit]
            continue
        found = [
            replace(one, amount=change.of_number(one.amount))
            if isinstance(one, Target) and one in hit else one
            for one in found
        ]  # fmt: skip
    return found
