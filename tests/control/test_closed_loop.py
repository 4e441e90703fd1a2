"""Simulated counties over ten years: steering against the plan left alone."""

import numpy as np
import pytest
from benchmarks.counties import YEARS, County, compare, first_plan, left_alone, optimal, table

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
    spent = left_alone(county, first_plan(county)).spent
    for year in range(1, YEARS + 1):
        assert spent[year] <= county.budget.get(year, 0.0)
    assert sum(spent.values()) > 0.9 * sum(county.budget.values())


def test_steering_recovers_more_than_the_best_plan_too() -> None:
    """Of 100 mines each: counties of fewer scatter too much to tell. More: `bench steering`."""
    planned = [compare(seed, MINES, optimal) for seed in (1, 2)]
    assert all(one.steered_ha > one.alone_ha for one in planned), table(planned)
    assert all(one.steered_cny <= one.alone_cny for one in planned)
    assert all(one.remedies > 0 for one in planned)
