"""An industry that carries a restoration, and one that does not."""

from dataclasses import replace

import pytest

from reverdure.finance.bundles import bundle
from reverdure.finance.waterfall import Rules, Year

YEARS = [Year(works=1_000_00, industry_works=10_000_00, county=400_00, social=2_000_00),
         *[Year(revenue=2_500_00)] * 8]  # fmt: skip
RULES = Rules(reward_share=0.0, loan_most=8_000_00, loan_years=8, feedback_share=0.02)


def test_a_bundle_that_carries_itself() -> None:
    found = bundle(YEARS, RULES)
    assert found.carries_itself
    assert found.least_cover >= 1.2
    assert found.feedback == 8 * 50_00
    # -11,000 and eight times 2,500
    assert found.npv / 100 == pytest.approx(-11_000 + 2_500 * (1 - 1.08**-8) / 0.08, abs=1e-6)
    rate = found.irr.rate
    assert (1 - (1 + rate) ** -8) / rate == pytest.approx(11_000 / 2_500)


def test_too_much_feedback_leaves_no_room_for_the_loan() -> None:
    found = bundle(YEARS, replace(RULES, feedback_share=0.6))
    assert found.flows[0].sources["loan"] < 8_000_00
    assert found.flows[0].unpaid["industry_works"] > 0
    assert not found.carries_itself
