"""Bundles of a file of terms: an industry that carries a restoration, judged year by year."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reverdure.core.errors import InvalidInput
from reverdure.finance.bundles import Bundle, bundle
from reverdure.finance.terms import CENTS, MILLION
from reverdure.finance.waterfall import Rules, Year
from reverdure.pipeline.money_terms import Terms, number
from reverdure.pipeline.plan_sources import check_keys

if TYPE_CHECKING:
    from reverdure.plan.programme import Plan

_BY_YEAR = {
    "works_mcny": "works", "aftercare_mcny": "aftercare", "industry_mcny": "industry_works",
    "revenue_mcny": "revenue", "central_mcny": "central", "province_mcny": "province",
    "county_mcny": "county", "social_mcny": "social", "enterprise_mcny": "enterprise",
}  # fmt: skip
KEYS = ("name", "mines", "years", "demonstration", "loan_most_mcny", "feedback_share", *_BY_YEAR)
_MOST_YEARS = 60


@dataclass(frozen=True, slots=True)
class NamedBundle:
    """A bundle with what came of it.

    Attributes
    ----------
    name : str
    first, last : int
        Its years.
    built : int
        Years from its first works to its last, aftercare left out.
    most_years : int or None
        Years it may take; None where it is no demonstration project.
    found : Bundle
    """

    name: str
    first: int
    last: int
    built: int
    most_years: int | None
    found: Bundle

    @property
    def is_late(self) -> bool:
        """Whether its works take more years than a demonstration project may."""
        return self.most_years is not None and self.built > self.most_years


def bundles_of(terms: Terms, plan: "Plan | None", first: int) -> tuple[NamedBundle, ...]:
    """Judge the bundles of a file of terms.

    Parameters
    ----------
    terms : Terms
        Each bundle names what is paid and earned by year, in million CNY from its first year;
        the last revenue goes on to the end of its `years`. `mines` takes the restoration part
        from the works of the plan.
    plan : Plan or None
        The plan that `mines` speak of.
    first : int
        First year of each bundle.

    Raises
    ------
    UnknownOption, InvalidInput
        For a key that is not known, a number that is missing or below zero, or mines without
        works in the plan.
    """
    names = [str(one.get("name", "")) for one in terms.bundles]
    for n, name in enumerate(names):
        if not name or name in names[:n]:
            raise InvalidInput(f"a bundle needs a name of its own, got {name!r}.")
    return tuple(_judged(one, terms, plan, first) for one in terms.bundles)


def _judged(said: Mapping[str, Any], terms: Terms, plan: "Plan | None", first: int) -> NamedBundle:
    name = said["name"]
    where = f"bundle {name!r}"
    check_keys(where, said, KEYS)
    amounts = {to: _row(where, key, said.get(key, [])) for key, to in _BY_YEAR.items()}
    if "mines" in said:
        amounts = _with_mines(where, said["mines"], amounts, plan)
    if not any(amounts["industry_works"]) and not any(amounts["revenue"]):
        raise InvalidInput(
            f"{where} has no industry: neither industry_mcny nor revenue_mcny.",
            "Without one it is a restoration, which the plan pays for.",
        )
    longest = max(map(len, amounts.values()))
    span = number(f"{where}: years", said.get("years", longest), _MOST_YEARS)
    if span != int(span) or span < longest:
        raise InvalidInput(f"{where}: years is {span:g}; its tables have {longest}.")
    if amounts["revenue"]:
        amounts["revenue"] += amounts["revenue"][-1:] * (int(span) - len(amounts["revenue"]))
    years = [
        Year(**{to: row[t] if t < len(row) else 0 for to, row in amounts.items()}, reward=0)
        for t in range(int(span))
    ]
    rules = Rules(
        central_share=1.0, central_ceiling=round(terms["central_ceiling"]) * CENTS,
        reward_share=0.0, bridge_share=0.0, cover=terms["cover"], loan_rate=terms["loan_rate"],
        loan_years=int(terms["loan_years"]), loan_to_value=terms["loan_to_value"],
        reserve_months=terms["reserve_months"], tax_rate=terms["tax_rate"],
        loan_most=_cents(number(f"{where}: loan_most_mcny", said.get("loan_most_mcny", 0))),
        feedback_share=number(f"{where}: feedback_share", said.get("feedback_share", 0), 1.0),
    )  # fmt: skip
    building = [
        t for t, one in enumerate(years) if one.works + one.owner_works + one.industry_works
    ]
    most = int(terms["demonstration_years"]) if said.get("demonstration") else None
    return NamedBundle(
        name, first, first + len(years) - 1, building[-1] - building[0] + 1 if building else 0,
        most, bundle(years, rules, terms["discount_rate"]),
    )  # fmt: skip


def _row(where: str, key: str, said: Any) -> list[int]:
    """Amounts by year in cents."""
    if not isinstance(said, list):
        raise InvalidInput(f"{where}: {key} = {said!r} is no list.", "Write [2.0, 3.5], by year.")
    return [_cents(number(f"{where}: {key}", value)) for value in said]


def _cents(mcny: float) -> int:
    return round(mcny * MILLION * CENTS)


def _with_mines(
    where: str, mines: Any, amounts: dict[str, list[int]], plan: "Plan | None"
) -> dict[str, list[int]]:
    """Works and aftercare of these mines as the plan has them."""
    if amounts["works"] or amounts["aftercare"]:
        raise InvalidInput(f"{where} names mines and works_mcny; say one of them.")
    from reverdure.pipeline.plan_money import costs_by_year

    if plan is None:
        raise InvalidInput(f"{where} names mines, which need a plan.")
    if not isinstance(mines, list) or not mines:
        raise InvalidInput(f"{where}: mines = {mines!r} is no list of ids.")
    here, cost, care, owned = costs_by_year(plan, [str(one) for one in mines])
    idle = sorted(set(map(str, mines)) - set(here))
    if idle:
        raise InvalidInput(f"{where}: the plan has no works on {', '.join(idle[:5])}.")
    free = ~owned[:, None]
    return amounts | {
        "works": _total((cost - care) * free), "aftercare": _total(care * free),
        "owner_works": _total(cost * owned[:, None]),
    }  # fmt: skip


def _total(rows: "np.ndarray[Any, Any]") -> list[int]:
    return [_cents(float(one)) for one in rows.sum(axis=0)]
