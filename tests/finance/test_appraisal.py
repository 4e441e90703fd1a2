"""Worth of streams of money: published figures and properties that hold for any stream."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reverdure.core.codes import IrrStatus
from reverdure.core.errors import InvalidInput
from reverdure.finance.appraisal import (
    annuity,
    annuity_factor,
    benefit_cost,
    cover_ratio,
    irr,
    levelised_cost,
    loan_capacity,
    mirr,
    npv,
    payback_years,
)

STREAM = [-1000, -500, 200, 350, 450, 500, 500]


def test_the_documented_figures_of_numpy_financial() -> None:
    """numpy-financial documentation: irr, npv, pmt."""
    assert irr([-100, 39, 59, 55, 20]).rate == pytest.approx(0.2809484, abs=5e-8)
    assert npv(0.281, [-100, 39, 59, 55, 20]) == pytest.approx(-0.008479, abs=5e-7)
    assert irr([-100, 0, 0, 74]).rate == pytest.approx(-0.0954958, abs=5e-8)
    assert -annuity(0.075 / 12, 12 * 15, 200_000) == pytest.approx(-1854.0247, abs=5e-5)


def test_a_stream_and_a_loan_by_the_worked_example() -> None:
    """METHODS 5.5, T21."""
    assert npv(0.08, STREAM) == pytest.approx(-27.514, abs=5e-4)
    assert irr(STREAM).rate == pytest.approx(0.074796, abs=5e-7)
    assert benefit_cost(0.08, STREAM) == pytest.approx(0.98119, abs=5e-6)
    yearly = annuity(0.045, 15, 70e6)
    assert yearly / 1e6 == pytest.approx(6.51797, abs=5e-6)
    assert cover_ratio(9e6, yearly) == pytest.approx(1.3808, abs=5e-5)


def test_all_roots_and_none_of_them_a_return() -> None:
    found = irr([-100, 230, -132])  # (1 - 1.1 v)(1 - 1.2 v) x -100
    assert found.roots == pytest.approx((0.1, 0.2))
    assert (found.status, found.rate) == (IrrStatus.SEVERAL_SIGNS, None)
    assert irr([100, -200, 150]) == irr([-100, 200, -150])  # complex roots only
    assert irr([100, -200, 150]).status is IrrStatus.NO_ROOT
    assert irr([-100, -10]).status is IrrStatus.NO_ROOT
    assert irr([0, 0]).status is IrrStatus.NO_ROOT
    assert irr([0, -100, 110, 0]).rate == pytest.approx(0.1)


def test_money_that_never_comes_back_and_money_that_comes_at_once() -> None:
    assert payback_years([-100, 60, 80]) == 1.5
    assert payback_years([-100, 120, -60, 50]) == pytest.approx(2.8)
    assert payback_years([-100, 110], rate=0.2) is None
    assert mirr([100, 5], 0.1, 0.1) is None
    assert benefit_cost(0.1, [5, 5]) is None
    assert cover_ratio(9e6, 0.0) is None
    assert levelised_cost(0.05, [100, 0], [0, 0]) is None


flows = st.lists(st.floats(-1e6, 1e6).map(lambda one: round(one, 2)), min_size=2, max_size=12)


@given(flows)
def test_every_root_makes_the_stream_worthless(stream) -> None:
    for root in irr(stream).roots:
        assume(-0.9 < root < 10)
        size = sum(abs(flow) / (1 + root) ** t for t, flow in enumerate(stream))
        assert abs(npv(root, stream)) <= 1e-4 * size


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=8), st.floats(1, 1e6))
def test_paid_first_and_received_later_there_is_one_rate(back, paid) -> None:
    found = irr([-paid, *back])
    assert found.status is IrrStatus.UNIQUE
    assume(-0.9 < found.rate < 10)
    assert npv(found.rate + 0.01, [-paid, *back]) < 0 < npv(found.rate - 0.01, [-paid, *back])
    ratio = benefit_cost(0.07, [-paid, *back])
    assert (ratio > 1) == (npv(0.07, [-paid, *back]) > 0)


@given(st.floats(0, 0.3), st.integers(1, 40), st.floats(1, 1e9))
def test_a_loan_is_worth_what_is_paid_back(rate, years, loan) -> None:
    stream = [loan, *[-annuity(rate, years, loan)] * years]
    assert npv(rate, stream) == pytest.approx(0, abs=1e-7 * loan)


# nothing, or a cent and more: what lies between is no money
CASH = st.one_of(st.just(0.0), st.floats(0.01, 1e7))


@given(st.lists(CASH, min_size=1, max_size=20), st.floats(0, 0.2), st.floats(1, 3))
def test_the_largest_loan_keeps_its_cover_in_the_worst_year(cash, rate, cover) -> None:
    loan = loan_capacity(cash, rate, cover)
    assert annuity_factor(rate, len(cash)) * min(cash) / cover == pytest.approx(loan)
    if loan:
        assert min(cash) / annuity(rate, len(cash), loan) == pytest.approx(cover)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: npv(-1.0, [1.0]), "a rate lies above -100 %, got -1"),
        (lambda: npv(np.nan, [1.0]), "a rate lies above"),
        (lambda: npv(0.1, [1.0, np.nan]), "needs a number for every year"),
        (lambda: irr([]), "needs a number for every year"),
        (lambda: annuity(0.1, 0, 5.0), "1 year or more, got 0"),
        (lambda: levelised_cost(0.1, [1.0, 2.0], [1.0]), "2 years of cost and 1 of hectares"),
        (lambda: loan_capacity([1.0], 0.1, 0.0), "a cover ratio lies above 0"),
    ],
)
def test_what_cannot_be_is_refused(call, words) -> None:
    with pytest.raises(InvalidInput, match=words):
        call()
