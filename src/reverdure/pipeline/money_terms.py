"""Terms of loans, revenue, results and bundles: those of the program, and a file's in their place.

The file is TOML: `loan_rate = 0.04`; `[revenue]` by land use; `[after]` money by year once the
programme is over; `[[bundle]]` for an industry that carries a restoration.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.finance.appraisal import annuity
from reverdure.finance.tables import rules
from reverdure.pipeline.plan_sources import check_keys
from reverdure.pipeline.programme import read_requirements
from reverdure.plan.measures import Catalogue, LandUse
from reverdure.plan.money import KINDS

GIVEN, ASSUMPTION = "given", "assumption"
NUMBERS = (
    "loan_rate", "loan_years", "cover", "loan_to_value", "reserve_months", "tax_rate",
    "operator_years", "bridge_rate", "result_years", "reward_delay", "discount_rate",
    "central_share", "central_ceiling", "demonstration_years",
)  # fmt: skip
"""Entries of `finance/data/financing.toml` that a file of terms may replace."""
_WHOLE = ("loan_years", "operator_years", "result_years", "reward_delay", "demonstration_years")
_SHARES = ("loan_to_value", "tax_rate", "central_share")
_TOP = (*NUMBERS, "revenue", "after", "bundle")


@dataclass(frozen=True, slots=True)
class Term:
    """One number that money was worked out with.

    Attributes
    ----------
    name : str
    value : float
    unit, about, about_zh : str
    status : str
        verified, to confirm, assumption, or given by the file of terms.
    """

    name: str
    value: float
    unit: str
    about: str
    about_zh: str
    status: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms that hold for one question.

    Attributes
    ----------
    numbers : mapping of name to Term
    revenue : mapping of land use to float
        Net of what it costs to earn, as the file gives it, [CNY per ha and year].
    after : mapping of kind to mapping of year to float
        Money for the years after the programme, [million CNY].
    bundles : tuple of mapping
        As the file has them; see `pipeline.money_bundles`.
    """

    numbers: Mapping[str, Term]
    revenue: Mapping[str, float]
    after: Mapping[str, Mapping[int, float]]
    bundles: tuple[Mapping[str, Any], ...]

    def __getitem__(self, name: str) -> float:
        """Value of a number."""
        return self.numbers[name].value

    def net_revenue(self, use: LandUse) -> float:
        """What a land use earns beyond what its operator needs, [CNY per ha and year].

        The operator's own investment comes back first, as an annuity at the rate of the loan.

        Examples
        --------
        >>> from reverdure.plan.measures import catalogue
        >>> uses = catalogue().land_uses
        >>> [round(read_terms(None).net_revenue(uses[name])) for name in ("farmland", "forest")]
        [12000, 0]
        """
        if use.id in self.revenue:
            return self.revenue[use.id]
        own = annuity(self["loan_rate"], int(self["operator_years"]), use.operator_cny_per_ha)
        return max(use.revenue_cny_per_ha_year - own, 0.0)


def read_terms(path: Path | None, measures: Catalogue | None = None) -> Terms:
    """Terms of a file in place of those of the program; all of the program's without one.

    Raises
    ------
    UnreadableFile
        If the file is not there, or no TOML.
    UnknownOption
        For a key, kind of money or land use that is not known.
    InvalidInput
        For a number that is missing, not finite or outside its range.
    """
    said = {} if path is None else read_requirements(path)
    check_keys("the file of terms", said, _TOP)
    numbers = {name: _term(name, said) for name in NUMBERS}
    revenue = {}
    for use, amount in _table(said, "revenue").items():
        if measures is not None:
            measures.land_use(use)
        revenue[use] = number(f"the revenue of {use}", amount)
    after: dict[str, dict[int, float]] = {}
    for kind, years in _table(said, "after").items():
        if kind not in KINDS:
            raise UnknownOption(
                f"kind of money {kind!r} is not known; use one of {', '.join(KINDS)}."
            )
        if not isinstance(years, dict):
            raise InvalidInput(f"after.{kind} = {years!r} is no table.", "Write { 2030 = 0.5 }.")
        for year, amount in years.items():
            if not str(year).isdigit():
                raise InvalidInput(f"after.{kind} names {year!r}; a year has four digits.")
            after.setdefault(kind, {})[int(year)] = number(f"money after {year}", amount)
    bundles = said.get("bundle", [])
    if not isinstance(bundles, list):
        raise InvalidInput(f"bundle = {bundles!r} is no table.", "Write [[bundle]].")
    return Terms(numbers, revenue, after, tuple(bundles))


def number(what: str, value: Any, most: float = math.inf) -> float:
    """A number of zero or more.

    Raises
    ------
    InvalidInput
        If it is none, missing, below zero or above `most`.
    """
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not (good and math.isfinite(value) and 0 <= value <= most):
        allowed = "a number of zero or more" if math.isinf(most) else f"0 to {most:g}"
        raise InvalidInput(f"{what} is {value!r}; allowed is {allowed}.")
    return float(value)


def _table(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = said.get(key, {})
    if not isinstance(value, dict):
        raise InvalidInput(f"{key} = {value!r} is no table.", f"Write [{key}] or [[{key}]].")
    return value


def _term(name: str, said: Mapping[str, Any]) -> Term:
    entry = rules()[name]
    about = entry["unit"], entry["about"], entry["about_zh"]
    if name not in said:
        return Term(name, float(entry["value"]), *about, entry["status"])
    value = number(name, said[name], 1.0 if name in _SHARES else math.inf)
    if name in _WHOLE and (value != int(value) or value < 1):
        raise InvalidInput(f"{name} is {said[name]!r}; allowed are whole years from 1.")
    if name == "cover" and value <= 0:
        raise InvalidInput(f"a cover ratio lies above 0, got {value:g}.")
    return Term(name, value, *about, GIVEN)
