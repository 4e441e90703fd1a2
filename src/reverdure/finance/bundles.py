"""Bundles in which an industry carries a restoration (ecology-oriented development)."""

from collections.abc import Sequence
from dataclasses import dataclass

from reverdure.finance.appraisal import Irr, benefit_cost, irr, mirr, npv, payback_years
from reverdure.finance.tables import rule
from reverdure.finance.waterfall import Flow, Rules, Year, waterfall


@dataclass(frozen=True, slots=True)
class Bundle:
    """What comes of a restoration and an industry that are paid for together.

    Attributes
    ----------
    flows : tuple of Flow
    npv : float
        Of works, aftercare and revenue together, before any source and tax, [cents].
    irr : Irr
    mirr : float or None
        Paid at the rate of the loan, earned again at the discount rate; for where `irr` has
        several roots.
    benefit_cost, payback_years : float or None
    least_cover : float or None
        Of the years of repayment; None without a loan.
    feedback : int
        What revenue gave to the public part, at most, [cents].
    carries_itself : bool
        Whether revenue met the loan with its cover, and nothing that was due stayed unpaid.
    """

    flows: tuple[Flow, ...]
    npv: float
    irr: Irr
    mirr: float | None
    benefit_cost: float | None
    payback_years: float | None
    least_cover: float | None
    feedback: int
    carries_itself: bool


def bundle(years: Sequence[Year], rules: Rules, discount_rate: float | None = None) -> Bundle:
    """Whether the industry of a bundle covers its own loan and its share of the restoration.

    Parameters
    ----------
    years : sequence of Year
    rules : Rules
        `feedback_share` of the revenue goes to the public part.
    discount_rate : float or None
        That of `data/financing.toml` by default.

    Returns
    -------
    Bundle

    Raises
    ------
    InvalidInput
        As for `waterfall`.

    Notes
    -----
    The rule that a bundle balances within itself: notice 环办科财〔2023〕22号. Indirect benefits
    are not in these sums.

    Examples
    --------
    >>> years = [Year(works=1_000, industry_works=10_000, county=400, social=2_000),
    ...          *[Year(revenue=2_500)] * 8]
    >>> rules = Rules(reward_share=0.0, loan_most=8_000, loan_years=8, feedback_share=0.02)
    >>> found = bundle(years, rules)
    >>> found.carries_itself, found.flows[0].sources["loan"], round(found.irr.rate, 3)
    (True, 8000, 0.156)
    """
    flows = waterfall(years, rules)
    stream = [
        one.revenue - one.works - one.owner_works - one.industry_works - one.aftercare
        for one in years
    ]
    rate = rule("discount_rate") if discount_rate is None else discount_rate
    covers = [one.cover for one in flows if one.cover is not None]
    met = not covers or min(covers) >= rules.cover * (1 - 1e-3)
    return Bundle(
        flows, npv(rate, stream), irr(stream), mirr(stream, rules.loan_rate, rate),
        benefit_cost(rate, stream), payback_years(stream, rate), min(covers, default=None),
        sum(int(rules.feedback_share * one.revenue) for one in years),
        met and not any(one.unpaid for one in flows),
    )  # fmt: skip
