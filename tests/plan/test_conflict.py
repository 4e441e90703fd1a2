"""Requirements that cannot hold together, and the way out."""

import pytest

from reverdure.core.codes import PlanStatus
from reverdure.plan.conflict import conflict
from reverdure.plan.requirements import Lock, at_least, at_most

MONEY = {2027: 0.76, 2028: 0.08}
"""Enough for one of the two cheap mines."""


def test_what_can_hold_together_has_no_conflict(tiny):
    assert conflict(tiny.within(budget=MONEY).lock(Lock("A"))) is None


def test_the_smallest_set_is_named_and_nothing_beside_it(tiny):
    asked = (
        tiny.within(budget=MONEY)
        .lock(Lock("A"), Lock("B"))
        .require(at_most("jobs", 1e6), at_least("restored_ha", 3))
    )
    assert asked.solve().status is PlanStatus.INFEASIBLE
    told = conflict(asked)
    assert set(told.requirements) == {"lock:A", "lock:B", "source:budget"} and told.is_proven
    assert "A as it was locked" in told.en and "互相冲突" in told.zh
    # the cheapest: B begins in 2028, when the aftercare of A takes what there is
    money = {one.en[-4:]: one.amount for one in told.alone["source:budget"]}
    assert sum(money.values()) == pytest.approx(0.76, abs=1e-6)
    assert [one.amount for one in told.alone["lock:A"]] == [1.0]


def test_the_way_out_makes_the_others_hold(tiny):
    asked = tiny.within(budget=MONEY).require(at_least("restored_mines", 2, hard=True))
    told = conflict(asked)
    assert set(told.requirements) == {"source:budget", "at_least:restored_mines:2"}
    assert [one.amount for one in told.alone["at_least:restored_mines:2"]] == [1.0]
    more = {year: MONEY[year] for year in MONEY}
    for one in told.alone["source:budget"]:
        more[int(one.en[-4:])] += one.amount + 1e-6
    enough = tiny.within(budget=more).require(at_least("restored_mines", 2, hard=True))
    assert enough.solve().status is PlanStatus.OPTIMAL_WITHIN_GAP


def test_targets_taken_at_their_word(tiny):
    asked = tiny.within(budget=MONEY).require(
        at_least("restored_mines", 2), at_least("restored_ha", 5, name="five hectares")
    )
    assert conflict(asked) is None
    told = conflict(asked, strict=True)
    assert set(told.requirements) == {"source:budget", "at_least:restored_mines:2"}


def test_two_hard_targets_against_each_other(tiny):
    asked = tiny.within(budget={2027: 9.0, 2028: 9.0}).require(
        at_least("restored_ha", 15, hard=True), at_most("restored_ha", 12)
    )
    told = conflict(asked)
    assert set(told.requirements) == {"at_least:restored_ha:15", "at_most:restored_ha:12"}
    assert len(told.cheapest) == 1
