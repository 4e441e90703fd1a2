"""Five simulated counties over ten years: steering against the plan left alone."""

import numpy as np
import pytest
from benchmarks.counties import YEARS, County, compare, left_alone, optimal, table

COUNTIES, MINES = 5, 100


@pytest.fixture(scope="module")
def found():
    return [compare(seed, MINES) for seed in range(COUNTIES)]


def test_steering_recovers_more_for_no_more_money(found) -> None:
    """`compare` refuses any year in which steering spends more than the plan left alone."""
    alone = np.array([one.alone_ha for one in found])
    steered = np.array([one.steered_ha for one in found])
    assert steered.mean() > alone.mean()
    assert (steered > alone).mean() >= 0.8
    assert all(one.steered_cny <= one.alone_cny for one in found)
    assert sum(one.remedies for one in found) > 0
    assert len(table(found).splitlines()) == COUNTIES + 1


def test_the_plan_left_alone_spends_what_there_is() -> None:
    county = County(0, MINES)
    spent = left_alone(county).spent
    for year in range(1, YEARS + 1):
        assert spent[year] <= county.budget.get(year, 0.0)
    assert sum(spent.values()) > 0.9 * sum(county.budget.values())


@pytest.fixture(scope="module")
def planned():
    return [compare(seed, 50, optimal) for seed in range(4)]


def test_with_the_mixed_integer_planner_money_holds_and_little_is_lost(planned) -> None:
    alone = np.mean([one.alone_ha for one in planned])
    assert np.mean([one.steered_ha for one in planned]) >= 0.9 * alone, table(planned)
    assert all(one.steered_cny <= one.alone_cny for one in planned)


@pytest.mark.xfail(strict=False, reason="70.9 ha steered, 72.0 left alone: see docs/steering.md")
def test_with_the_mixed_integer_planner_steering_is_not_worse_in_the_mean(planned) -> None:
    alone = np.mean([one.alone_ha for one in planned])
    assert np.mean([one.steered_ha for one in planned]) >= alone, table(planned)
