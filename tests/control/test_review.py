"""The yearly review: what the planner is handed, what it may not do, what is recorded."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reverdure.control.review import WORKS, Answer, Seen, Steered, decide, review
from reverdure.control.states import Course
from reverdure.core.codes import Light, Trigger
from reverdure.core.errors import InvalidInput, MissingColumn

IDS = ("M1", "M2", "M3", "M4")
COURSE = Course([0.1] * 4, [0.03] * 4, np.array([[0.2] * 4, [0.2] * 4, [0.03] * 4, [0.03] * 4]),
                [0.9] * 4, [0.02] * 4)  # fmt: skip
PLAN = pd.DataFrame(
    [("M1", "assisted", 2026, 900.0), ("M2", "assisted", 2026, 800.0),
     ("M3", "assisted", 2031, 700.0), ("M4", "assisted", 2032, 600.0)], columns=list(WORKS),
)  # fmt: skip
MONEY = {2031: 1_000_000.0, 2032: 5_000.0}


def steered() -> Steered:
    works = np.array([[True] * 4, [True] * 4, [False] * 4, [False] * 4])
    return Steered(IDS, np.array([3.0, 2.0, 4.0, 5.0]), np.full(4, 0.7),
                   ("assisted", "assisted", "", ""), works, np.array([0.2, 0.2, 0, 0]),
                   np.full(4, 0.03))  # fmt: skip


def seen() -> Seen:
    """M1 does as planned, on M2 nothing grows."""
    good = 0.9 - 0.8 * 0.8 ** np.arange(1, 5)
    bare = 0.9 - 0.8 * 0.97 ** np.arange(1, 5)
    observed = np.stack([good, np.full(4, 0.1), bare, bare])[:, :, None]
    return Seen(observed, np.full(observed.shape, 0.03), COURSE)


@pytest.fixture(scope="module")
def found():
    return review(2031, 2036, steered(), seen(), PLAN, MONEY)


def keep(handover) -> Answer:
    """A planner that changes nothing."""
    return Answer(handover.previous, 10.0, 10.01)


def test_a_mine_where_nothing_grows_is_red_and_gets_offers(found) -> None:
    assert found.watch.light[:2].tolist() == [Light.GREEN, Light.RED]
    assert Trigger.PROBABILITY_LOW in found.watch.reasons(1)
    assert found.paces.p_failed[1] > 0.9 > 0.1 > found.paces.p_failed[0]
    offers = found.handover.remedies
    # mines that have not begun are for the planner, not for remedies
    assert set(offers["mine_id"]) == {"M2"}
    assert (offers["p_after"] > offers["p_now"]).all()
    assert set(offers["status"]) == {"assumption"}
    cost = offers.set_index("remedy")["cost_cny"]
    assert cost["replant"] == 2.0 * 40_000


def test_what_is_past_is_fixed_and_the_rest_is_open(found) -> None:
    assert found.handover.fixed["mine_id"].tolist() == ["M1", "M2"]
    assert found.handover.previous["mine_id"].tolist() == ["M3", "M4"]
    assert found.handover.budget_cny[2031] == 1_000_000.0
    assert set(found.handover.kappa) == {"assisted"}
    bound = review(2031, 2036, steered(), seen(), PLAN, MONEY, contracted=frozenset({"M3"}))
    assert bound.handover.fixed["mine_id"].tolist() == ["M1", "M2", "M3"]
    assert bound.handover.budget_cny[2031] == 1_000_000.0 - 700.0


def test_only_the_coming_year_is_committed_and_a_record_is_kept(found) -> None:
    same = decide(found, steered(), keep)
    assert same.committed["mine_id"].tolist() == ["M3"]
    assert same.changed.empty
    assert same.gap == pytest.approx(0.01 / 10.01)
    assert same.lights["red"] >= 1

    def replan(handover) -> Answer:
        rows = [("M2", "replant", 2031, 80_000.0), ("M3", "assisted", 2032, 700.0)]
        return Answer(pd.DataFrame(rows, columns=list(WORKS)), 9.0)

    moved = decide(found, steered(), replan)
    assert moved.committed[["mine_id", "works"]].to_numpy().tolist() == [["M2", "replant"]]
    told = moved.changed.set_index("mine_id")
    assert told["cause"].to_dict() == {"M2": "remedy", "M3": "postponed", "M4": "dropped"}
    assert told.loc["M3", ["before", "after"]].tolist() == ["assisted 2031", "assisted 2032"]
    assert "probability_low" in told.loc["M2", "reasons"]
    assert np.isnan(moved.gap)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("M3", "assisted", 2030, 1.0)], "starts works before 2031"),
        ([("M9", "assisted", 2031, 1.0)], "a mine that is not steered"),
        ([("M3", "a", 2031, 1.0), ("M3", "b", 2032, 1.0)], "starts M3 more than once"),
        ([("M1", "replant", 2031, 1.0)], "plans replant for M1, whose works are fixed"),
        ([("M3", "assisted", 2032, 5_001.0)], "spends 5001 in 2032, there are 5000"),
        ([("M3", "assisted", 2031, float("nan"))], "a cost that is missing or below 0"),
    ],
)
def test_a_planner_that_breaks_a_rule_is_stopped(found, rows, words) -> None:
    def planner(_) -> Answer:
        return Answer(pd.DataFrame(rows, columns=list(WORKS)), 1.0)

    with pytest.raises(InvalidInput, match=words):
        decide(found, steered(), planner)


def test_the_hash_knows_every_input_and_no_order(found) -> None:
    again = review(2031, 2036, steered(), seen(), PLAN.iloc[::-1], MONEY)
    assert again.inputs == found.inputs
    other = seen()
    other.observed[0, 0, 0] += 1e-9
    assert review(2031, 2036, steered(), other, PLAN, MONEY).inputs != found.inputs
    richer = review(2031, 2036, steered(), seen(), PLAN, MONEY | {2032: 5_001.0})
    assert richer.inputs != found.inputs


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"deadline": 2030}, "the deadline 2030 lies before 2031"),
        ({"budget_cny": {2031: -1.0}}, "budget of a year is missing or below 0"),
        ({"programme": PLAN.assign(cost_cny=-1.0)}, "a cost in the programme is missing"),
        ({"programme": PLAN.assign(mine_id="M7")}, "names 1 mines that are not steered, first M7"),
        ({"contracted": frozenset({"M3"}), "budget_cny": {2031: 5.0}}, "cost 695 more than there"),
        ({"mines": replace(steered(), area_ha=np.zeros(4))}, "an area above 0 ha"),
        ({"mines": replace(steered(), mine_id=("M1",) * 4)}, "4 mines have 1 different ids"),
    ],
)
def test_what_cannot_be_is_refused(change, words) -> None:
    given = {"year": 2031, "deadline": 2036, "mines": steered(), "seen": seen(),
             "programme": PLAN, "budget_cny": MONEY, **change}  # fmt: skip
    with pytest.raises(InvalidInput, match=words):
        review(**given)


def test_a_programme_without_its_columns_is_refused() -> None:
    with pytest.raises(MissingColumn, match="no column works, cost_cny"):
        review(2031, 2036, steered(), seen(), PLAN[["mine_id", "start_year"]], MONEY)
