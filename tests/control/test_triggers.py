"""Lights and reasons, at their limits and on both sides of them."""

from dataclasses import replace

import numpy as np
import pytest

from reverdure.control.states import Course, Forecast, estimate_states, forecast
from reverdure.control.triggers import RED, EarnedValue, watch
from reverdure.core.codes import Light, Trigger
from reverdure.core.errors import InvalidInput, UnknownOption

MINE = Course([0.30], [0.05], [0.25], [0.85], [0.03])
SEEN = np.array([0.41, 0.47, np.nan, 0.50, 0.51]).reshape(1, 5, 1)


def test_the_forecast_believes_the_plan_and_surprises_do_not() -> None:
    """METHODS 4.4, T16: red in year 5 although P is .82."""
    found = estimate_states(SEEN, 0.05, MINE)
    seen = watch(found, forecast(found, MINE, 5, 0.75))
    assert seen.shortfall[0].round(4).tolist() == [0, 0.4513, 0.4513, 2.3737, 4.2139]
    assert round(seen.p_target[0], 2) == 0.82
    assert (seen.light[0], seen.reasons(0)) == (Light.RED, (Trigger.SHORTFALL_HIGH,))
    year4 = estimate_states(SEEN[:, :4], 0.05, MINE)
    before = watch(year4, forecast(year4, MINE, 6, 0.75))
    assert (before.light[0], before.reasons(0)) == (Light.AMBER, (Trigger.SHORTFALL_MIDDLE,))
    assert before.told(0, "zh") == "▲ 关注：开始低于预期"


def on_course(mines: int = 1):
    """An estimate without surprises."""
    planned = estimate_states(np.full((mines, 3, 1), np.nan), 0.05, MINE).before
    return estimate_states(planned[:, :, None], 0.05, MINE)


def ahead(p) -> Forecast:
    p = np.atleast_1d(np.asarray(p, float))
    return Forecast(p, p, p, p, p, 5)


@pytest.mark.parametrize(
    ("p", "light", "reasons"),
    [
        (0.8, Light.GREEN, ()),
        (0.7999, Light.AMBER, (Trigger.PROBABILITY_MIDDLE,)),
        (0.5, Light.AMBER, (Trigger.PROBABILITY_MIDDLE,)),
        (0.4999, Light.RED, (Trigger.PROBABILITY_LOW,)),
    ],
)
def test_probability(p, light, reasons) -> None:
    seen = watch(on_course(), ahead(p))
    assert (seen.light[0], seen.reasons(0)) == (light, reasons)


@pytest.mark.parametrize(("years", "light"), [(1, Light.GREEN), (2, Light.RED)])
def test_two_years_that_surprise_even_upwards(years, light) -> None:
    found = on_course()
    surprise = np.zeros((1, 3, 1))
    surprise[0, :years, 0] = 2.5765  # square 6.638, just above 6.63
    seen = watch(replace(found, surprise=surprise), ahead(0.9))
    assert seen.surprises[0] == years
    assert seen.light[0] == light
    below = watch(replace(found, surprise=surprise * 2.57 / 2.5765), ahead(0.9))
    assert (below.surprises[0], below.light[0]) == (0, Light.GREEN)


def test_two_sensors_that_say_the_same_make_one_surprise_of_a_year() -> None:
    surprise = np.zeros((1, 3, 2))
    surprise[0, 0] = [2.0, 2.0]  # 4 / sqrt(2) = 2.83, square 8
    seen = watch(replace(on_course(), surprise=surprise), ahead(0.9))
    assert seen.surprises[0] == 1


@pytest.mark.parametrize(
    ("name", "within", "beyond", "trigger"),
    [
        ("displacement_mm_a", 50.0, 50.1, Trigger.DISPLACEMENT),
        ("antimony_mg_l", 0.05, 0.051, Trigger.ANTIMONY),
        ("slope_failure", 0.0, 1.0, Trigger.SLOPE_FAILURE),
    ],
)
def test_hard_limits_and_what_was_not_measured(name, within, beyond, trigger) -> None:
    seen = watch(on_course(3), ahead([0.9] * 3), {name: [within, beyond, np.nan]})
    assert seen.light.tolist() == [Light.GREEN, Light.RED, Light.GREEN]
    assert [seen.reasons(i) for i in range(3)] == [(), (trigger,), ()]
    assert trigger in RED


def test_earned_value() -> None:
    value = EarnedValue(planned=[100.0, 100.0, 0.0], earned=[89.0, 95.0, 0.0],
                        spent=[80.0, 120.0, np.nan])  # fmt: skip
    assert value.schedule_variance.tolist() == [-11.0, -5.0, 0.0]
    assert value.schedule_index[:2].tolist() == [0.89, 0.95]
    assert value.cost_index[:2].round(4).tolist() == [1.1125, 0.7917]
    seen = watch(on_course(3), ahead([0.9] * 3), works=value)
    assert [seen.reasons(i) for i in range(3)] == [
        (Trigger.BEHIND_SCHEDULE,), (Trigger.OVER_COST,), (),
    ]  # fmt: skip
    assert seen.light.tolist() == [Light.AMBER, Light.AMBER, Light.GREEN]


def test_never_observed_is_not_green() -> None:
    unseen = estimate_states(np.full((1, 3, 1), np.nan), 0.05, MINE)
    assert watch(unseen, ahead(0.9)).light[0] == Light.NOT_OBSERVED
    assert watch(unseen, ahead(0.3)).light[0] == Light.RED


def test_a_name_without_limit_and_a_wrong_count_are_refused() -> None:
    with pytest.raises(UnknownOption, match="no limit for rain; there is one for displacement"):
        watch(on_course(), ahead(0.9), {"rain": [1.0]})
    with pytest.raises(InvalidInput, match="antimony_mg_l has shape"):
        watch(on_course(), ahead(0.9), {"antimony_mg_l": [1.0, 2.0]})


def test_each_light_has_its_own_sign() -> None:
    assert len({light.sign for light in Light}) == len(Light)
