"""Money over years: by hand, and what must hold of any project under any rules."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverdure.core.codes import CashStatus
from reverdure.core.errors import InvalidInput
from reverdure.finance.waterfall import SOURCES, USES, Rules, Year, waterfall


def paid(flow, side: str) -> dict[str, int]:
    return {name: money for name, money in getattr(flow, side).items() if money}


def test_a_reward_after_acceptance_leaves_a_gap_that_somebody_bridges() -> None:
    years = [Year(works=10_000, county=2_000), Year(accepted=10_000, county=100), Year()]
    rules = Rules(central_share=0.6, reward_share=0.2, reward_delay=1, bridge_rate=0.05)
    first, second, third = waterfall(years, rules)
    assert paid(first, "sources") == {"central": 6_000, "county": 2_000, "bridge": 2_000}
    assert (first.bridge_left, first.status) == (2_000, CashStatus.BRIDGED)
    assert paid(second, "sources") == {"county": 100}  # interest on what was advanced
    assert paid(second, "uses") == {"interest": 100}
    assert paid(third, "sources") == {"reward": 2_000}
    assert paid(third, "uses") == {"bridge_repaid": 2_000}
    # interest of the third year finds no source, and that is said
    assert (third.unpaid, third.status) == ({"interest": 100}, CashStatus.DEBT_UNPAID)
    nobody = waterfall(years, replace(rules, bridge_share=0.0))[0]
    assert (nobody.unpaid, nobody.status) == ({"works": 2_000}, CashStatus.WORKS_UNPAID)


def test_central_money_stops_at_its_share_and_at_its_ceiling() -> None:
    years = [Year(works=100, county=1000), Year(works=900, county=1000)]
    share = waterfall(years, Rules(central_share=0.6, reward_share=0.0))
    assert [one.sources["central"] for one in share] == [60, 540]
    ceiling = waterfall(years, Rules(central_share=0.6, reward_share=0.0, central_ceiling=100))
    assert [one.sources["central"] for one in ceiling] == [60, 40]
    default = Rules()
    assert (default.central_share, default.central_ceiling) == (0.6, 300_000_000_00)


def test_grants_never_pay_what_a_liable_owner_must() -> None:
    year = Year(owner_works=1_000, county=5_000, enterprise=400)
    (flow,) = waterfall([year], Rules())
    assert paid(flow, "sources") == {"enterprise": 400}
    assert flow.unpaid == {"owner_works": 600}


def test_a_loan_is_capped_by_its_cover_and_paid_back() -> None:
    """METHODS 5.5: 9 M a year over 15 years at 4.5 % with cover 1.2."""
    years = [Year(industry_works=200_000_000_00, social=150_000_000_00),
             *[Year(revenue=9_000_000_00)] * 15]  # fmt: skip
    rules = Rules(loan_most=10**12, tax_rate=0.0, loan_rate=0.045)
    flows = waterfall(years, rules)
    # 9 M / 1.2 x 10.7395 = 80.5 M
    assert flows[0].sources["loan"] == pytest.approx(80_546_592_00, abs=20_000)
    assert [round(one.cover, 4) for one in flows[1:]] == [1.2] * 15
    assert flows[-1].loan_left == 0
    assert flows[1].uses["debt_reserve"] == 0 or flows[1].debt_reserve_left > 0
    assert flows[-1].uses["distribution"] > 0
    smaller = waterfall(years, replace(rules, loan_most=70_000_000_00))
    assert smaller[0].sources["loan"] == 70_000_000_00
    # T21: 9 M over 6.51797 M
    assert smaller[5].cover == pytest.approx(1.3808, abs=5e-5)


def test_the_reserve_holds_the_next_service() -> None:
    flat = [Year(industry_works=1_000_000, social=900_000), *[Year(revenue=100_000)] * 6]
    rules = Rules(loan_most=100_000, tax_rate=0.0, loan_years=6, reserve_months=12)
    flows = waterfall(flat, rules)
    service = flows[1].uses["principal"] + flows[1].uses["interest"]
    assert flows[1].debt_reserve_left == pytest.approx(service, abs=2)


cents = st.integers(0, 50_000_00)


@st.composite
def projects(draw: st.DrawFn) -> tuple[list[Year], Rules]:
    years, built, accepted = [], 0, 0
    for _ in range(draw(st.integers(1, 9))):
        works = draw(cents)
        built += works
        now = draw(st.integers(0, built - accepted))
        accepted += now
        years.append(
            Year(works, draw(cents), draw(cents), draw(cents), now, draw(cents), draw(cents),
                 draw(cents), draw(cents))
        )  # fmt: skip
    share = st.floats(0, 1)
    central = draw(share)
    rules = Rules(
        central_share=central, central_ceiling=draw(cents),
        reward_share=draw(st.floats(0, 0.999)) * (1 - central),
        reward_delay=draw(st.integers(1, 3)),
        bridge_share=draw(share), feedback_share=draw(share), cover=draw(st.floats(1, 2)),
        loan_rate=draw(st.floats(0, 0.1)), loan_years=draw(st.integers(1, 15)),
        loan_most=draw(st.integers(0, 200_000_00)), bridge_rate=draw(st.floats(0, 0.1)),
        reserve_months=draw(st.floats(0, 12)), reserve=draw(cents), tax_rate=draw(share),
    )  # fmt: skip
    return years, rules


@settings(max_examples=150, deadline=None)
@given(projects())
def test_every_year_closes_to_the_cent_and_no_pocket_is_overdrawn(project) -> None:
    years, rules = project
    cash = 0
    for flow in waterfall(years, rules):
        assert tuple(flow.sources) == SOURCES
        assert tuple(flow.uses) == USES
        assert sum(flow.sources.values()) == sum(flow.uses.values())
        assert min((*flow.sources.values(), *flow.uses.values(), *flow.unpaid.values(), 0)) == 0
        assert flow.sources["opening_cash"] == cash
        cash = flow.uses["closing_cash"]
        assert 0 <= flow.grant_cash <= cash
        left = flow.loan_left, flow.bridge_left, flow.debt_reserve_left, flow.reserve_left
        assert min(left) >= 0


@settings(max_examples=150, deadline=None)
@given(projects())
def test_grants_stay_with_works_without_an_owner(project) -> None:
    years, rules = project
    flows = waterfall(years, rules)
    central = sum(one.sources["central"] for one in flows)
    reward = sum(one.sources["reward"] for one in flows)
    public = sum(one.uses["works"] + one.uses["aftercare"] + one.uses["bridge_repaid"]
                 for one in flows)  # fmt: skip
    assert central + reward <= public + flows[-1].grant_cash
    assert central <= rules.central_share * sum(one.works for one in years) + 1e-6
    assert central <= rules.central_ceiling
    # what owners must pay does not depend on what the state brings
    poor = waterfall(years, replace(rules, central_share=0.0, reward_share=0.0))
    social_free = [replace(one, social=0) for one in years]
    rich = waterfall(social_free, rules)
    poor = waterfall(social_free, replace(rules, central_share=0.0, reward_share=0.0,
                                          bridge_rate=0.0))  # fmt: skip
    for one, other, year in zip(rich, poor, years, strict=True):
        assert one.uses["owner_works"] <= year.owner_works
        # with no loan, no revenue and no social money only the enterprise pays
        if not any(y.revenue for y in years):
            assert one.uses["owner_works"] == other.uses["owner_works"]


@settings(max_examples=150, deadline=None)
@given(projects())
def test_nothing_is_distributed_before_reserves_are_full_and_debts_met(project) -> None:
    years, rules = project
    for t, flow in enumerate(waterfall(years, rules)):
        if flow.uses["distribution"]:
            assert not flow.unpaid
            assert flow.bridge_left == 0
            assert flow.reserve_left == rules.reserve
            later = years[t + 1 :]
            assert not any(y.works + y.owner_works + y.industry_works for y in later)


@settings(max_examples=150, deadline=None)
@given(projects())
def test_the_loan_keeps_its_cover_in_every_year_of_repayment(project) -> None:
    years, rules = project
    for flow in waterfall(years, rules):
        if flow.cover is not None and "interest" not in flow.unpaid:
            assert flow.cover >= rules.cover * (1 - 1e-2) or flow.loan_left < 500
        assert flow.sources["loan"] <= rules.loan_most


@settings(max_examples=80, deadline=None)
@given(projects(), st.integers(0, 50_000_00))
def test_more_money_of_the_county_never_leaves_more_works_unpaid(project, more) -> None:
    years, rules = project
    richer = [replace(one, county=one.county + more) for one in years]
    less = sum(one.unpaid.get("works", 0) for one in waterfall(years, rules))
    assert sum(one.unpaid.get("works", 0) for one in waterfall(richer, rules)) <= less


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: waterfall([]), "a project needs a year"),
        (lambda: waterfall([Year(works=-1)]), "year 1: works cannot be -1"),
        (lambda: waterfall([Year(works=5, accepted=6)]), "6 cents of works are accepted, 5 were"),
        (lambda: Rules(central_share=1.2), "central_share must lie in 0 to 1, got 1.2"),
        (lambda: Rules(central_share=0.6, reward_share=0.5), "pay 110% of the works together"),
        (lambda: Rules(reward_delay=0), "a reward comes 1 year after"),
    ],
)
def test_what_cannot_be_is_refused(call, words) -> None:
    with pytest.raises(InvalidInput, match=words):
        call()


def test_money_that_is_given_by_the_year_binds_that_year() -> None:
    """A plan that says what central money, a loan and a reward bring in each year."""
    years = [
        Year(works=600, aftercare=50, central=500, province=100, reward=80, county=10),
        Year(industry_works=400, loan=150, social=400, revenue=0, central=0, reward=0),
        *[Year(revenue=200, central=0, loan=0, reward=0)] * 4,
    ]
    rules = Rules(central_share=1.0, reward_share=0.0, loan_most=10**6, tax_rate=0.0,
                  loan_rate=0.0, loan_years=4)  # fmt: skip
    first, second, *_ = waterfall(years, rules)
    # the reward pays first, then central money as far as it comes
    assert paid(first, "sources") == {"reward": 80, "central": 500, "province": 70}
    assert first.unpaid == {}
    assert paid(second, "sources") == {"social": 250, "loan": 150}
