"""Payment on verified results: who gets how much now, who later, who not, and who gives back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reverdure.core.codes import PayStatus, Verdict
from reverdure.finance.terms import Judged, Purse, Step, Terms, in_order


@dataclass(frozen=True, slots=True)
class Line:
    """One claim in one step of payment; all sums in cents.

    Attributes
    ----------
    claim : Judged
    step : Step or None
        None where the claim earns nothing, whatever the step.
    status : PayStatus
    earned : int
        What the step pays for the hectares proved now.
    paid_before : int
        Paid in it less what came back.
    due : int
        Earned and not paid, before the limits of the fund.
    amount : int
        Of it, what the fund pays now.
    clawback : int
        Paid and not earned.
    due_by_mean : int
        What would be due if the estimate were paid in place of its lower bound.
    """

    claim: Judged
    step: Step | None
    status: PayStatus
    earned: int = 0
    paid_before: int = 0
    due: int = 0
    amount: int = 0
    clawback: int = 0
    due_by_mean: int = 0


def pay(terms: Terms, claims: Sequence[Judged], spent: Mapping[str, int]) -> tuple[Line, ...]:
    """What a fund pays for each claim, in whole cents.

    Parameters
    ----------
    terms : Terms
    claims : sequence of Judged
        In any order.
    spent : mapping of mine to int
        All that left the fund before less what came back, [cents]: for these claims and
        for anything else.

    Returns
    -------
    tuple of Line
        By year of completion, claim and step: a line for each step of a claim that is
        supported or partly supported, and one line for every other.

    Notes
    -----
    Paid is the lower 95 % bound of the restored hectares, never more than was claimed. Money
    goes to claims in this order until the fund, or what a mine may get of it, is used up; the
    last one gets what is left. What comes back is listed and is not spent before the registry
    has it back. What has no payee is set aside for it.

    Only a decided verdict asks money back: all of it where the claim is not supported now,
    and what the lower bound no longer covers where it is. A verdict that is open, or disputed,
    moves no money either way.

    Examples
    --------
    >>> terms = Terms("F", "CNY", 2026, amount=500_000_00, per_ha=30_000_00)
    >>> claim = Judged("C1", "M1", "", 2022, 10.0, 9.1, 8.0, Verdict.SUPPORTED, payee="P1",
    ...                last_clear_year=2025)
    >>> [(line.status.key, line.amount) for line in pay(terms, [claim], {})]
    [('paid', 24000000)]
    """
    purse = Purse(terms, spent)
    return tuple(line for claim in in_order(list(claims)) for line in _lines(terms, claim, purse))


def _lines(terms: Terms, claim: Judged, purse: Purse) -> Iterator[Line]:
    barred = _barred(terms, claim)
    if barred is PayStatus.NOT_SUPPORTED and claim.paid_in_all > 0:
        yield from _all_back(terms, claim)
        return
    if barred is not None:
        yield Line(claim, None, barred, paid_before=claim.paid_in_all)
        return
    for step, paid, earned, by_mean in zip(
        terms.steps,
        claim.paid_by_step(terms.steps),
        terms.worth_by_step(claim.proved_m2),
        terms.worth_by_step(claim.mean_m2),
        strict=True,
    ):
        if paid > earned:
            yield Line(claim, step, PayStatus.CLAWBACK, earned, paid, clawback=paid - earned)
            continue
        waits = _waits(terms, claim, step)
        if waits is not None:
            yield Line(claim, step, waits, earned, paid)
            continue
        due = earned - paid
        amount = purse.take(claim.mine_id, due)
        status = _status(claim, due, amount, purse)
        yield Line(claim, step, status, earned, paid, due, amount, 0, max(by_mean - paid, 0))


def _barred(terms: Terms, claim: Judged) -> PayStatus | None:
    """Why a claim gets nothing, whatever the step; None where it does."""
    checks = (
        (PayStatus.NOT_ELIGIBLE_AREA, not claim.in_area),
        (PayStatus.PAID_ELSEWHERE, claim.paid_elsewhere),
        (PayStatus.DUE_LATER, claim.year > terms.year),
        (PayStatus.DISPUTED, claim.is_disputed),
        (PayStatus.NOT_SUPPORTED, claim.verdict is Verdict.NOT_SUPPORTED),
        (PayStatus.UNDECIDED, claim.verdict is Verdict.UNDECIDED),
        (PayStatus.NOT_JUDGED, not claim.is_supported),
        (PayStatus.NOT_ELIGIBLE_PARTY, not claim.payee_fits),
    )
    return next((status for status, applies in checks if applies), None)


def _all_back(terms: Terms, claim: Judged) -> Iterator[Line]:
    for step, paid in zip(terms.steps, claim.paid_by_step(terms.steps), strict=True):
        if paid > 0:
            yield Line(claim, step, PayStatus.CLAWBACK, paid_before=paid, clawback=paid)


def _waits(terms: Terms, claim: Judged, step: Step) -> PayStatus | None:
    """Why a step is not paid yet; None where it is due and was seen."""
    due_year = claim.year + step.years_after
    if due_year > terms.year:
        return PayStatus.DUE_LATER
    if claim.last_clear_year is None or claim.last_clear_year < due_year:
        return PayStatus.NOT_SEEN
    return None


def _status(claim: Judged, due: int, amount: int, purse: Purse) -> PayStatus:
    if not due:
        return PayStatus.NOTHING_MORE
    if amount and not claim.payee:
        return PayStatus.NO_PARTY
    if amount < due:
        return PayStatus.CEILING if purse.left else PayStatus.NO_MONEY
    return PayStatus.PAID
