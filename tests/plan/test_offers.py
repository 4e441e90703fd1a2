"""Remedies in a programme: they compete for the money of all other works, mine by mine."""

from dataclasses import replace

import pytest

from reverdure.core.codes import PlanStatus
from reverdure.core.errors import InvalidInput
from reverdure.plan.comparing import compare
from reverdure.plan.measures import REMEDY, Cost, Measure, PerUnit, Stage
from reverdure.plan.options import Offer
from reverdure.plan.requirements import capacity
from reverdure.plan.risk import chances

MEND = Measure(
    "mend", "mend", "修补", REMEDY, "ha", "none", False, (), (Stage("works", 0, 1),),
    (Cost("mend", "works", 50_000.0, "test", "assumption"),),
    PerUnit(0.5, 0, 0, 0, 0.1, 0, 0, 0, 0),
)  # fmt: skip
GAIN_B = 0.85 * 0.85 * 6 * sum(1 - 0.8**n for n in range(1, 11))
"""Expected ha-years of assisted recovery on B, 6 ha, begun in 2028 and counted until 2038."""


@pytest.fixture
def offered(tiny):
    """The tiny programme with a remedy on offer; nothing else is changed."""
    known = replace(tiny.measures, measures={**tiny.measures.measures, "mend": MEND})

    def make(*offers):
        return replace(tiny, measures=known, offers=offers)

    return make


def begun(plan):
    return {(row.mine_id, row.measure, row.start) for row in plan.works.itertuples()}


@pytest.fixture
def again(offered):
    """A was begun in 2027; 2028 is planned again, with a remedy for A on offer."""

    def plan(money, gain, *more):
        first = offered().within(budget={2027: 0.76, 2028: 0.84}).solve(gap=0)
        assert begun(first) == {("A", "assisted_recovery", 2027), ("B", "assisted_recovery", 2028)}
        asked = offered(Offer("A", "mend", 2028, gain, 0.8)).within(
            budget={2027: 0.76, 2028: money}, capacity=more
        )
        return asked.following(first, price_of_change=0.0, through=2027)

    return plan


@pytest.mark.parametrize(
    ("money", "gain", "mended", "planted"),
    [
        (0.84, GAIN_B / 0.8 - 1, False, True),  # the money does more on B
        (0.84, GAIN_B / 0.8 + 1, True, False),  # it does more on A
        (1.34, 5.0, True, True),  # there is enough for both
        (0.57, 50.0, False, False),  # 0.08 of aftercare and 0.50 of the remedy
        (0.59, 50.0, True, False),
        (1.34, -1.0, False, True),  # what harms is never done
    ],
)
def test_a_remedy_is_done_where_the_money_does_most(again, money, gain, mended, planted) -> None:
    plan = again(money, gain).solve(gap=0)
    assert plan.status is PlanStatus.OPTIMAL_WITHIN_GAP
    assert (("A", "mend", 2028) in begun(plan)) == mended
    assert (("B", "assisted_recovery", 2028) in begun(plan)) == planted
    assert ("A", "assisted_recovery", 2027) in begun(plan)
    paid = plan.budget.set_index("year")["paid_mcny"]
    assert paid[2028] == pytest.approx(0.08 + 0.5 * mended + 0.76 * planted)


def test_a_remedy_takes_capacity_and_restores_no_new_ground(again) -> None:
    free = again(1.34, 50.0).solve(gap=0)
    assert free.total("restored_ha") == 16  # A and B
    # 5 ha of crews for the remedy on A, 3 for planting B
    bound = again(1.34, 50.0, capacity("works_ha", 5.0)).solve(gap=0)
    assert begun(bound) == {("A", "assisted_recovery", 2027), ("A", "mend", 2028)}


def test_on_a_mine_without_works_a_remedy_stands_in_place_of_them(offered) -> None:
    asked = offered(Offer("B", "mend", 2027, 500.0, 1.0)).within(budget={2027: 9.0, 2028: 9.0})
    plan = asked.solve(gap=0)
    assert ("B", "mend", 2027) in begun(plan)
    assert ("B", "assisted_recovery") not in {one[:2] for one in begun(plan)}
    # what was mended is no ground for new works the year after either, but can be mended again
    later = replace(asked, offers=(*asked.offers, Offer("B", "mend", 2028, 1.0, 1.0)))
    plan = later.following(plan, price_of_change=0.0, through=2027).solve(gap=0)
    assert {one for one in begun(plan) if one[0] == "B"} == {
        ("B", "mend", 2027),
        ("B", "mend", 2028),
    }


def test_two_remedies_of_one_mine_are_told_apart(offered) -> None:
    asked = offered(Offer("B", "mend", 2027, 500.0, 1.0)).within(budget={2027: 9.0, 2028: 9.0})
    once = asked.solve(gap=0)
    more = replace(asked, offers=(*asked.offers, Offer("B", "mend", 2028, 1.0, 1.0)))
    twice = more.following(once, price_of_change=0.0, through=2027).solve(gap=0)
    moved = compare(once, twice).moved
    assert moved[["mine_id", "measure_after", "start_after", "change"]].values.tolist() == [
        ["B", "mend", 2028, "added"]
    ]
    assert compare(twice, twice).moved.empty


def test_what_a_remedy_gains_is_part_of_what_may_come(again) -> None:
    plans = [again(1.34, gain).solve(gap=0) for gain in (5.0, 105.0)]
    middle = [chances(plan, seed=3).recovered_ha_years[1] for plan in plans]
    assert middle[1] - middle[0] == pytest.approx(100.0, abs=30.0)


def test_without_offers_a_programme_is_what_it_was(tiny, offered) -> None:
    assert replace(tiny, offers=()).fingerprint() == tiny.fingerprint()
    made = offered(Offer("A", "mend", 2028, 5.0, 0.8))
    assert made.fingerprint() != replace(made, offers=()).fingerprint()
    # a measure of that kind that nobody offers cannot be done
    plan = offered().within(budget={2027: 9.0, 2028: 9.0}).solve(gap=0)
    assert set(plan.works["measure"]) == {"assisted_recovery"}


@pytest.mark.parametrize(
    ("offers", "words"),
    [
        ([Offer("A", "mend", 2029, 5.0, 0.8)], "in 2029; the programme goes from 2027 to 2028"),
        ([Offer("A", "mend", 2028, 5.0, 0.8)] * 2, "offered twice for one mine and year"),
        ([Offer("A", "mend", 2028, float("nan"), 0.8)], "with a gain of nan ha-years"),
        ([Offer("A", "mend", 2028, 5.0, 1.8)], "a chance of 1.8"),
        ([Offer("A", "assisted_recovery", 2028, 5.0, 0.8)], "but is a measure of its own"),
        ([Offer("Z", "mend", 2028, 5.0, 0.8)], "Z"),
    ],
)
def test_offers_that_cannot_be_are_refused(offered, offers, words) -> None:
    with pytest.raises(InvalidInput, match=words):
        offered(*offers).within(budget={2027: 1.0, 2028: 1.0}).compile()
