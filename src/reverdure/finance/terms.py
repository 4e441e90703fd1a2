"""Terms of payment on result, and the claims they are applied to: whole cents, whole square metres.

Sums of money are integers of cents, areas of square metres and shares of millionths, so that
lists add up exactly and no order of rows moves a cent.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reverdure.core.codes import Verdict
from reverdure.core.units import M2_PER_HA

MILLION = 1_000_000
CENTS = 100
_ROUNDING_M2 = 1e-6


@dataclass(frozen=True, slots=True)
class Step:
    """One step of payment: `share` of the amount falls due `years_after` completion."""

    step_id: str
    order: int
    years_after: int
    share_millionths: int


AT_ONCE = Step("", 1, 0, MILLION)
"""The only step of a fund that names none."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a fund pays, and how much there is.

    Attributes
    ----------
    fund_id, currency : str
    year : int
        Year the payment is made in.
    amount, per_ha : int
        The fund, and what a hectare is worth, [cents].
    own_share : int
        Share of that the payee brings, [millionths].
    ceiling : int or None
        Most that one mine gets, [cents].
    steps : tuple of Step
        By years after completion.
    """

    fund_id: str
    currency: str
    year: int
    amount: int
    per_ha: int
    own_share: int = 0
    ceiling: int | None = None
    steps: tuple[Step, ...] = (AT_ONCE,)

    def worth(self, area_m2: int, share_millionths: int = MILLION) -> int:
        """What the fund pays for an area, [cents], cut to whole ones.

        Examples
        --------
        >>> Terms("F", "CNY", 2026, 0, per_ha=30_000_00, own_share=200_000).worth(10_000)
        2400000
        """
        whole = self.per_ha * (MILLION - self.own_share) * area_m2 * share_millionths
        return whole // (round(M2_PER_HA) * MILLION * MILLION)

    def worth_by_step(self, area_m2: int) -> tuple[int, ...]:
        """What each step pays for an area, [cents]; the parts add up to what they pay together.

        Examples
        --------
        >>> steps = (Step("a", 1, 0, 333_333), Step("b", 2, 3, 666_667))
        >>> Terms("F", "CNY", 2026, 0, per_ha=100, steps=steps).worth_by_step(10_000)
        (33, 67)
        """
        parts, shares, before = [], 0, 0
        for step in self.steps:
            shares += step.share_millionths
            so_far = self.worth(area_m2, shares)
            parts.append(so_far - before)
            before = so_far
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim as its verdict has it, and what was paid for it.

    Attributes
    ----------
    claim_id, mine_id, county : str
    year : int
        Of completion.
    claimed_ha : float
    restored_ha, low_ha : float or None
        Estimate and its lower 95 % bound; None where there is no number.
    verdict : Verdict
    reason : str
        Key of Reason.
    last_clear_year : int or None
    is_disputed : bool
        Whether it is disputed, or the dispute was upheld.
    payee : str
        Party that gets the money; "" where the registry knows none.
    in_area, payee_fits : bool
        Whether the fund may be spent on this mine and on this payee.
    paid_elsewhere : bool
        Whether another fund paid for the result of this claim.
    paid : mapping of step id to int
        Paid out of this fund less what came back, [cents].
    """

    claim_id: str
    mine_id: str
    county: str
    year: int
    claimed_ha: float
    restored_ha: float | None
    low_ha: float | None
    verdict: Verdict
    reason: str = ""
    last_clear_year: int | None = None
    is_disputed: bool = False
    payee: str = ""
    in_area: bool = True
    payee_fits: bool = True
    paid_elsewhere: bool = False
    paid: Mapping[str, int] | None = None

    @property
    def is_supported(self) -> bool:
        """Whether the verdict, at least in part, supports it and has a number."""
        good = (Verdict.SUPPORTED, Verdict.PARTLY_SUPPORTED)
        return self.verdict in good and self.low_ha is not None

    @property
    def claimed_m2(self) -> int:
        """Claimed area, [m2], cut to whole ones."""
        return whole_m2(self.claimed_ha)

    @property
    def proved_m2(self) -> int:
        """Lower bound, at most what was claimed, [m2]; 0 where it is not supported."""
        return min(whole_m2(self.low_ha), self.claimed_m2) if self.is_supported else 0

    @property
    def mean_m2(self) -> int:
        """The same for the estimate in place of its lower bound."""
        return min(whole_m2(self.restored_ha), self.claimed_m2) if self.is_supported else 0

    def paid_by_step(self, steps: tuple[Step, ...]) -> tuple[int, ...]:
        """Paid in each step, [cents]; what names none of them is counted to the first."""
        paid = self.paid or {}
        named = [paid.get(step.step_id, 0) for step in steps]
        return (named[0] + self.paid_in_all - sum(named), *named[1:])

    @property
    def paid_in_all(self) -> int:
        """Paid out of this fund less what came back, [cents]."""
        return sum((self.paid or {}).values())


def whole_m2(area_ha: float | None) -> int:
    """Area in whole square metres, never more than it is.

    Examples
    --------
    >>> whole_m2(3.3), whole_m2(0.00019), whole_m2(None)
    (33000, 1, 0)
    """
    if area_ha is None or not area_ha > 0:
        return 0
    return math.floor(area_ha * M2_PER_HA + _ROUNDING_M2)


def in_order(claims: Iterable[Judged]) -> list[Judged]:
    """Claims in the order money goes to them: first completed first, then by id."""
    return sorted(claims, key=lambda claim: (claim.year, claim.claim_id))


class Purse:
    """What is left of a fund, in all and for each mine, [cents].

    Parameters
    ----------
    terms : Terms
    spent : mapping of mine to int
        What left the fund before less what came back.

    Examples
    --------
    >>> purse = Purse(Terms("F", "CNY", 2026, amount=100, per_ha=1, ceiling=60), {"M1": 10})
    >>> purse.take("M1", 70), purse.take("M2", 70), purse.left
    (50, 40, 0)
    """

    def __init__(self, terms: Terms, spent: Mapping[str, int]) -> None:
        self._ceiling = terms.ceiling
        self._of_mine = dict(spent)
        self.left = max(terms.amount - sum(spent.values()), 0)

    def take(self, mine_id: str, wanted: int) -> int:
        """Take so much for a mine, or what there is."""
        had = self._of_mine.get(mine_id, 0)
        room = self.left if self._ceiling is None else max(self._ceiling - had, 0)
        taken = min(wanted, self.left, room)
        self._of_mine[mine_id] = had + taken
        self.left -= taken
        return taken
