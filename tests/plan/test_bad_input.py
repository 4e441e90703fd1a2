"""What a planner can get wrong, and a plan that the time does not suffice for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.plan.draws import programme

from reverdure.core.codes import PlanStatus
from reverdure.core.errors import InvalidInput, MissingColumn, NoMines, NotFound, UnknownOption
from reverdure.plan.answers import one_more, shadow_prices, why
from reverdure.plan.measures import catalogue
from reverdure.plan.mines import read_mines
from reverdure.plan.money import Source
from reverdure.plan.problem import problem
from reverdure.plan.requirements import Lock, at_least, at_most, capacity, fair
from reverdure.plan.risk import chances
from reverdure.plan.search import status_of

MONEY = {2027: 1.0, 2028: 1.0}


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan"), "much", float("inf")])
def test_a_cost_that_is_no_cost_is_refused(tiny, cost):
    costs = tiny.costs.astype({"cost_cny": object})
    costs.loc[1, "cost_cny"] = cost
    with pytest.raises(InvalidInput, match="assisted_recovery on mine B"):
        replace(tiny, costs=costs).within(budget=MONEY).compile()


def test_money_of_another_price_year_needs_an_index(tiny):
    asked = tiny.within(budget=MONEY, price_year=2020)
    with pytest.raises(InvalidInput, match="prices of 2020, the measures in prices of 2024"):
        asked.compile()
    indexed = replace(asked, price_index={2020: 100.0, 2024: 110.0})
    assert indexed.compile().flows.amounts[0][""].tolist() == pytest.approx([1.1, 1.1])
    old = replace(tiny, costs=tiny.costs.assign(price_year=2019)).within(budget=MONEY)
    with pytest.raises(InvalidInput, match="prices of 2019"):
        old.compile()


@pytest.mark.parametrize("amount", [float("nan"), -1.0, None, float("inf")])
def test_a_budget_that_is_no_amount_is_refused(tiny, amount):
    with pytest.raises(InvalidInput, match="budget of source 'budget' for 2028"):
        tiny.within(budget={2027: 1.0, 2028: amount}).compile()


def test_a_year_without_budget_is_refused(tiny):
    with pytest.raises(InvalidInput, match="for 2028 is nan"):
        tiny.within(budget={2027: 1.0}).compile()


def test_a_target_above_what_exists_is_refused_with_what_there_is(tiny):
    asked = tiny.within(budget=MONEY).require(at_least("restored_ha", 315))
    with pytest.raises(InvalidInput, match=r"above what exists: 21 ha at most.*15 mu"):
        asked.compile()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda t: t.lock(Lock("A", measure="magic")), "measure 'magic' is not known"),
        (lambda t: t.require(at_least("beauty", 1)), "quantity 'beauty' is not known"),
        (lambda t: t.require(at_least("restored_ha", 1, where="X")), "has no 'where'"),
        (lambda t: t.within(budget=Source("S", MONEY, "gift")).compile(), "money 'gift'"),
        (lambda t: t.scenario(weather=2), "no factor 'weather'"),
        (
            lambda t: t.within(budget=MONEY).require(fair(floor=0.1, per="village")).compile(),
            "not 'village'",
        ),
    ],
)
def test_unknown_names_are_refused(tiny, wrong, said):
    with pytest.raises(UnknownOption, match=said):
        wrong(tiny)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda t: t.compile(), "a programme needs money"),
        (lambda t: t.lock(Lock("Z")), "mines Z are not in the table"),
        (lambda t: t.lock(Lock("A", start=2035)).compile(), "not possible on it"),
        (lambda t: t.require(at_least("restored_ha", 1, county="Q")).compile(), "'Q', without"),
        (lambda t: t.within(budget=Source("c", {"Q": MONEY}, "county")).compile(), "county 'Q'"),
        (lambda t: t.within(capacity=capacity("works_ha", {"Q": 1})).compile(), "'Q', which has"),
        (lambda t: t.within(capacity=capacity("works_ha", -1.0)).compile(), "zero or more"),
        (lambda t: t.require(at_least("restored_ha", float("nan"))).compile(), "asks for nan"),
        (lambda t: t.require(at_least("restored_ha", 1, by=2020)).compile(), "before the"),
        (lambda t: t.require(at_least("restored_ha", 1, margin=-0.1)).compile(), "0 or more"),
        (lambda t: t.require(at_most("restored_ha", 1, margin=0.1)).compile(), "0 or more"),
        (
            lambda t: t.within(budget=Source("S", {2027: 1.0, "X": MONEY})).compile(),
            "without a county",
        ),
        (lambda t: t.require(fair(floor=1.5)).compile(), "allowed is 0 to 1"),
        (lambda t: t.require(fair()).compile(), "either a floor"),
        (lambda t: t.within(budget=Source("s", MONEY, most_share=2)).compile(), "is 0 to 1"),
        (lambda t: t.within(budget=MONEY).within(budget=MONEY), "one name"),
        (lambda t: t.scenario(cost=0), "above zero"),
        (lambda t: t.without("x"), "no target 'x'"),
        (lambda t: t.require(*[at_least("restored_ha", 1)] * 2).compile(), "asked for twice"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tiny, wrong, said):
    base = tiny if said in ("a programme needs money", "one name") else tiny.within(budget=MONEY)
    with pytest.raises(InvalidInput, match=said):
        wrong(base)


@pytest.mark.parametrize(
    ("column", "value"),
    [("area_ha", float("nan")), ("area_ha", 0), ("area_ha", -1), ("slope_deg", 95),
     ("recovery", 1.2), ("weight", float("inf")), ("households", -3), ("area_ha", "big")],
)  # fmt: skip
def test_numbers_of_mines_that_cannot_be_are_refused(column, value):
    table = {"mine_id": ["A", "B"], "county": ["X", "X"], "area_ha": [1.0, 1.0], column: [1, value]}
    with pytest.raises(InvalidInput, match=f"{column} of mines B is {value}"):
        read_mines(table)


def test_tables_of_mines_that_cannot_be_are_refused():
    with pytest.raises(MissingColumn, match="no column area_ha"):
        read_mines({"mine_id": ["A"], "county": ["X"]})
    with pytest.raises(NoMines):
        read_mines({"mine_id": [], "county": [], "area_ha": []})
    with pytest.raises(InvalidInput, match="A stand in the table more than once"):
        read_mines({"mine_id": ["A", "A"], "county": ["X", "X"], "area_ha": [1, 1]})
    with pytest.raises(InvalidInput, match="mines A have no county"):
        read_mines({"mine_id": ["A"], "county": [None], "area_ha": [1]})


@pytest.mark.parametrize("years", [[], [2027, 2029], [2028, 2027]])
def test_years_that_do_not_follow_are_refused(years):
    with pytest.raises(InvalidInput, match="follow each other"):
        problem({"mine_id": ["A"], "county": ["X"], "area_ha": [1]}, years=years)


def test_a_land_use_that_a_measure_does_not_lead_to_is_refused(tiny):
    wrong = pd.DataFrame({"mine_id": ["A"], "measure": ["assisted_recovery"], "land_use": ["wind"]})
    with pytest.raises(UnknownOption, match="does not lead to land use 'wind'"):
        replace(tiny, allowed=wrong).within(budget=MONEY).compile()


def test_without_time_there_is_no_plan_and_it_says_so():
    asked = programme(4, mines=12, years=4)
    plan = asked.solve(seconds=0.0)
    assert plan.status is PlanStatus.NO_PLAN and not plan.has_works and plan.works.empty
    assert np.isnan(plan.gap) and np.isnan(plan.total("restored_ha"))
    for question in (shadow_prices, chances):
        with pytest.raises(InvalidInput):
            question(plan)


@pytest.mark.parametrize(
    ("objective", "bound", "gap", "status"),
    [
        (999.0, 1000.0, 1e-3, PlanStatus.OPTIMAL_WITHIN_GAP),
        (998.9, 1000.0, 1e-3, PlanStatus.TIME_LIMIT),
        (-1001.1, -1000.0, 1e-3, PlanStatus.TIME_LIMIT),
        (0.0, 0.0, 0.0, PlanStatus.OPTIMAL_WITHIN_GAP),
        (float("nan"), 1000.0, 1e-3, PlanStatus.NO_PLAN),
    ],
)
def test_a_gap_that_is_not_reached_is_marked(objective, bound, gap, status):
    assert status_of(objective, bound, gap) is status


def test_a_plan_of_other_data_is_told(tiny):
    asked = tiny.within(budget=MONEY)
    plan = asked.solve()
    assert plan.is_of(asked.fingerprint())
    numbers = {**tiny.mines.numbers, "area_ha": tiny.mines.numbers["area_ha"] + [0, 0, 0.001]}
    changed = replace(asked, mines=replace(tiny.mines, numbers=numbers))
    assert not plan.is_of(changed.fingerprint())
    for other in (
        asked.require(at_least("restored_ha", 1)), asked.lock(Lock("A")), asked.scenario(cost=1.1),
        replace(asked, measures=catalogue()), replace(asked, costs=None), asked.maximise("jobs"),
    ):  # fmt: skip
        assert not plan.is_of(other.fingerprint())


def test_questions_about_what_is_not_there_are_refused(tiny):
    plan = tiny.within(budget=MONEY).solve()
    with pytest.raises(NotFound, match="no source 'moon'"):
        one_more(plan, "moon", 2027)
    with pytest.raises(NotFound, match="mine 'Z'"):
        why(plan, "Z")
