"""The same works paid as process subsidy and on result: by hand, and what must hold of any."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverdure.core.codes import PayWay
from reverdure.core.errors import InvalidInput
from reverdure.finance.ways_over_time import PublicWorks, ways_over_time


def works(paid, settled, success, area) -> PublicWorks:
    return PublicWorks(np.array(paid, float), np.array(settled), np.array(success, float),
                       np.array(area, float))  # fmt: skip


def test_works_that_are_sure_cost_the_same_and_only_wait() -> None:
    """100 and 50 paid in two years, settled in the fourth at 10 %: worked out by hand."""
    found = ways_over_time(works([[100, 50, 0, 0]], [3], [1], [5]), 0.1, unit=1.0, draws=3)
    process, result = found.ways[PayWay.PROCESS], found.ways[PayWay.RESULT]
    assert [one[0] for one in process.paid] == [100, 50, 0, 0]
    assert [one[0] for one in result.paid] == [0, 0, 0, 150]
    # 100, then 110 + 50, then 176; settled in the fourth
    assert result.advanced == pytest.approx((100, 160, 176, 0))
    assert result.interest[0] == pytest.approx(176 * 1.1 - 150)
    assert found.even_reward == pytest.approx(176 * 1.1 / 150)
    assert process.ha_per_10000 == result.ha_per_10000 == pytest.approx((5e4 / 150,) * 3)


def test_what_fails_is_lost_by_whoever_paid_for_it() -> None:
    found = ways_over_time(works([[100, 0]], [1], [0], [5]), 0.05, unit=1e6, draws=10)
    process, result = found.ways[PayWay.PROCESS], found.ways[PayWay.RESULT]
    assert (process.in_all[0], process.lost_public[0], process.lost_builders[0]) == (100, 100, 0)
    assert (result.in_all[0], result.lost_public[0]) == (0, 0)
    assert result.lost_builders[0] == pytest.approx(105)
    assert process.restored_ha[0] == result.restored_ha[0] == 0
    assert np.isnan(result.ha_per_10000[0]) and process.ha_per_10000[0] == 0
    assert found.even_reward is None


@st.composite
def some_works(draw: st.DrawFn) -> PublicWorks:
    size, years = draw(st.integers(1, 6)), draw(st.integers(2, 6))
    paid = np.zeros((size, years))
    settled = []
    for row in paid:
        last = draw(st.integers(0, years - 1))
        row[: last + 1] = draw(st.lists(st.floats(0, 50), min_size=last + 1, max_size=last + 1))
        settled.append(draw(st.integers(last, years - 1)))
    chance = st.lists(st.floats(0, 1), min_size=size, max_size=size)
    return works(paid, settled, draw(chance), np.ones(size))


@settings(max_examples=60, deadline=None)
@given(some_works(), st.floats(0, 0.2), st.integers(0, 3))
def test_public_money_is_paid_or_saved_and_the_same_seed_says_the_same(one, rate, seed) -> None:
    found = ways_over_time(one, rate, unit=1.0, draws=50, seed=seed)
    process, result = found.ways[PayWay.PROCESS], found.ways[PayWay.RESULT]
    whole = one.paid.sum()
    assert process.in_all[0] == pytest.approx(whole)
    # what result does not pay is what process loses
    assert result.in_all[0] + process.lost_public[0] == pytest.approx(whole, abs=1e-9)
    # whoever advances is paid back his cost or loses it, and bears all interest
    assert result.lost_builders[0] >= process.lost_public[0] - 1e-9
    assert result.restored_ha == process.restored_ha
    assert min(result.advanced) >= 0
    if found.even_reward is not None:
        assert found.even_reward >= 1 - 1e-12
    again = ways_over_time(one, rate, unit=1.0, draws=50, seed=seed).ways[PayWay.RESULT]
    assert (again.paid, again.in_all) == (result.paid, result.in_all)


@pytest.mark.parametrize(
    ("paid", "settled", "success", "said"),
    [
        ([[1, -1]], [1], [1], "from zero up"),
        ([[np.nan, 1]], [1], [1], "from zero up"),
        ([[1, 1]], [0], [1], "after all that is paid"),
        ([[1, 1]], [2], [1], "within the years"),
        ([[1, 1]], [1], [1.5], "within 0 to 1"),
    ],
)
def test_works_that_cannot_be_are_refused(paid, settled, success, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        works(paid, settled, success, [1])


def test_no_draw_and_no_rate_below_zero() -> None:
    one = works([[1, 1]], [1], [1], [1])
    with pytest.raises(InvalidInput, match="0 draws"):
        ways_over_time(one, 0.05, 1.0, draws=0)
    with pytest.raises(InvalidInput, match="allowed is 0 or more"):
        ways_over_time(one, -0.05, 1.0)
