"""The what-if about incentives (own derivation, METHODS 4.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverdure.control.incentives import Game, apart, subsidised, together
from reverdure.core.errors import InvalidInput

GAME = Game(1, 1, 0.1, 0.05, mu=(2, 2), theta=(0.6, 0.4), start=0.2)


def test_the_worked_example() -> None:
    """METHODS 4.2, T14."""
    nash, paid, both = apart(GAME), subsidised(GAME), together(GAME)
    assert nash.effort == pytest.approx((2, 1.3333), abs=5e-5)
    assert (round(nash.quality, 2), round(nash.total, 3)) == (33.33, 330.222)
    assert nash.payoff == pytest.approx((187.467, 142.756), abs=5e-4)
    assert paid.effort == pytest.approx((2, 2.6667), abs=5e-5)
    assert (paid.subsidy, round(paid.quality, 2), round(paid.total, 3)) == (0.5, 46.67, 401.333)
    assert paid.payoff == pytest.approx((223.022, 178.311), abs=5e-4)
    assert both.effort == pytest.approx((3.3333, 3.3333), abs=5e-5)
    assert (round(both.quality, 2), round(both.total, 3)) == (66.67, 445.778)
    # the enterprise alone is worse off than apart: it needs a side payment
    assert round(both.payoff[1], 2) == 133.87 < nash.payoff[1]


some = st.floats(0.05, 5)


@given(some, some, some, some, st.tuples(some, some), st.tuples(some, some), st.floats(0, 5))
def test_cooperation_beats_subsidy_beats_each_for_itself(a, b, d, r, mu, theta, start) -> None:
    game = Game(a, b, d, r, mu, theta, start)
    nash, paid, both = apart(game), subsidised(game), together(game)
    slack = 1e-9 * abs(both.total)
    assert nash.total <= paid.total + slack
    assert paid.total <= both.total + slack
    # a subsidy is offered only where it pays the government, and never hurts the enterprise
    assert paid.payoff[0] >= nash.payoff[0] - slack
    assert paid.payoff[1] >= nash.payoff[1] - slack
    assert 0 <= paid.subsidy < 1


def test_the_subsidy_is_the_best_for_the_government() -> None:
    from reverdure.control.incentives import _outcome

    def government(share: float) -> float:
        effort = (2.0, GAME.beta * (0.4 / 0.15) / (GAME.mu[1] * (1 - share)))
        return _outcome(GAME, effort, share).payoff[0]

    best = government(0.5)
    assert all(government(share / 100) <= best + 1e-9 for share in range(99))


def test_a_game_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must all lie above 0"):
        Game(1, 1, 0.0, 0.05, (2, 2), (0.6, 0.4))
    with pytest.raises(InvalidInput, match="cannot lie below 0"):
        Game(1, 1, 0.1, 0.05, (2, 2), (-0.6, 0.4))
