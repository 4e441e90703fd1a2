"""The same programme paid on result and as process subsidy: what each buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reverdure.core.codes import Verdict
from reverdure.core.units import M2_PER_HA
from reverdure.finance.results import Line
from reverdure.finance.terms import CENTS, Judged, Purse, Terms, in_order

UNIT_OF_MONEY = 10_000


@dataclass(frozen=True, slots=True)
class Way:
    """What one way of paying comes to.

    Attributes
    ----------
    money : int
        Paid up to the end of the year, [cents].
    claims : int
        Claims that got any of it.
    supported_ha : float
        Proved hectares of these claims, each by the part of it that is paid.
    not_supported : int
        Money at claims whose verdict is now not supported, [cents].
    """

    money: int
    claims: int
    supported_ha: float
    not_supported: int

    @property
    def ha_per_10000(self) -> float | None:
        """Supported hectares for 10,000 of the currency; None where nothing was paid."""
        if not self.money:
            return None
        return self.supported_ha / (self.money / CENTS / UNIT_OF_MONEY)


def on_process(
    terms: Terms, claims: Sequence[Judged], spent_otherwise: Mapping[str, int]
) -> dict[str, int]:
    """What each claim would have got on completion for the hectares claimed, [cents].

    Parameters
    ----------
    terms : Terms
    claims : sequence of Judged
    spent_otherwise : mapping of mine to int
        What left the fund for anything but these claims.

    Returns
    -------
    dict of claim to int
        In the same order and within the same limits as on result, from the first claim on;
        whatever the verdict, and all of it at once.

    Examples
    --------
    >>> terms = Terms("F", "CNY", 2026, amount=400_000_00, per_ha=30_000_00)
    >>> claim = Judged("C1", "M1", "", 2022, 10.0, 0.5, 0.1, Verdict.NOT_SUPPORTED)
    >>> on_process(terms, [claim], {})
    {'C1': 30000000}
    """
    purse = Purse(terms, spent_otherwise)
    may = [one for one in in_order(claims) if _may_get(terms, one)]
    got = {one.claim_id: purse.take(one.mine_id, terms.worth(one.claimed_m2)) for one in may}
    return {one.claim_id: got.get(one.claim_id, 0) for one in claims}


def _may_get(terms: Terms, claim: Judged) -> bool:
    fits = claim.in_area and claim.payee_fits and not claim.paid_elsewhere
    return fits and claim.year <= terms.year


def of_process(terms: Terms, claims: Sequence[Judged], got: Mapping[str, int]) -> Way:
    """What process subsidy comes to, given what each claim gets."""
    parts = [(one, got[one.claim_id], terms.worth(one.claimed_m2)) for one in in_order(claims)]
    return _way(parts)


def of_results(terms: Terms, lines: Sequence[Line]) -> Way:
    """What payment on result comes to: paid before, paid now and set aside."""
    claims = {line.claim.claim_id: line.claim for line in lines}
    got = {claim_id: claim.paid_in_all for claim_id, claim in claims.items()}
    for line in lines:
        got[line.claim.claim_id] += line.amount
    parts = [
        (claim, got[claim_id], terms.worth(claim.proved_m2)) for claim_id, claim in claims.items()
    ]
    return _way(parts)


def _way(parts: Sequence[tuple[Judged, int, int]]) -> Way:
    """Sums over claims: money, and proved hectares by the part of the whole that is paid."""
    paid = [(claim, money, whole) for claim, money, whole in parts if money > 0]
    proved_m2 = sum(
        claim.proved_m2 * min(money / whole, 1.0) for claim, money, whole in paid if whole
    )
    lost = sum(money for claim, money, _ in paid if claim.verdict is Verdict.NOT_SUPPORTED)
    money = sum(money for _, money, _ in paid)
    return Way(money, len(paid), proved_m2 / M2_PER_HA, lost)
