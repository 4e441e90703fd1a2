"""The filter against published figures, a dense oracle, and properties that hold for any mine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from reverdure.control.states import Course, estimate_states, forecast, noise_sd, smooth
from reverdure.core.codes import StateStatus
from reverdure.core.errors import InvalidInput

# flow of the Nile at Aswan 1871-1970, 10^8 m3 (Durbin & Koopman 2012, table of section 2.2.5)
NILE = np.array([
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180,
    799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833,
    701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845,
    864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676,
    649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923,
    975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
], float)  # fmt: skip
NILE_COURSE = Course([0.0], [1e7**0.5], [0.0], [0.0], [1469.1**0.5])
MINE = Course([0.30], [0.05], [0.25], [0.85], [0.03])
SEEN = np.array([0.41, 0.47, np.nan, 0.50, 0.51]).reshape(1, 5, 1)


def test_the_nile_as_published() -> None:
    """Durbin & Koopman 2012, local level with q2 1469.1 and R 15098.5."""
    found = estimate_states(NILE.reshape(1, 100, 1), 15098.5**0.5, NILE_COURSE)
    variance = found.sd[0] ** 2
    assert found.mean[0, [0, 1, 99]].round(4).tolist() == [1118.3118, 1140.1086, 798.3691]
    assert variance[[0, 1, 99]].round(2).tolist() == [15075.74, 7894.31, 4032.08]
    assert found.likelihood[0] == pytest.approx(-641.5856, abs=5e-5)
    # the level of the first year taken as it was seen: the diffuse likelihood
    known = estimate_states(
        NILE[1:].reshape(1, 99, 1), 15098.5**0.5,
        Course([1120.0], [15098.5**0.5], [0.0], [0.0], [1469.1**0.5]),
    )  # fmt: skip
    assert known.likelihood[0] == pytest.approx(-632.5456, abs=5e-5)


def test_five_years_of_a_mine_and_its_forecast() -> None:
    """METHODS 4.3, T16."""
    found = estimate_states(SEEN, 0.05, MINE)
    assert found.mean[0].round(4).tolist() == [0.4243, 0.5073, 0.5929, 0.5933, 0.6028]
    ahead = forecast(found, MINE, years=5, target=0.75)
    assert (round(ahead.mean[0], 4), round(ahead.sd[0], 4)) == (0.7913, 0.0446)
    assert round(ahead.p_target[0], 4) == 0.8228
    assert ahead.low[0] == pytest.approx(ahead.mean[0] - 1.959964 * ahead.sd[0], abs=1e-6)
    planned = forecast(estimate_states(np.full((1, 1, 1), np.nan), 0.05, MINE), MINE, 9, 0.75)
    assert round(planned.mean[0], 4) == 0.8190


def test_a_year_between_is_as_a_year_unseen() -> None:
    found = estimate_states(SEEN, 0.05, MINE)
    assert found.mean[0, 2] == found.before[0, 2]
    assert np.isnan(found.surprise_of_year[0, 2])


def test_more_cloud_more_noise_and_all_cloud_none() -> None:
    assert noise_sd(0.05, [0.0, 0.75, 1.0]).tolist() == pytest.approx(
        [0.05, 0.1, np.nan], nan_ok=True
    )
    clouded = estimate_states(np.full((1, 1, 1), 0.9), noise_sd(0.05, [[[1.0]]]), MINE)
    assert clouded.status[0] == StateStatus.NOT_OBSERVED
    assert clouded.likelihood[0] == 0.0
    with pytest.raises(InvalidInput, match=r"cloud shares must lie in 0 to 1, got 0 to 1.2"):
        noise_sd(0.05, [0.0, 1.2])


def dense(seen, sd, kappa, level, q, start, start_sd, loading):
    """Means and variances of all years given all observations, by one large normal law."""
    years = seen.shape[0]
    mean, cov = np.empty(years), np.zeros((years, years))
    m, chol = start, np.zeros((years, years + 1))
    row = np.zeros(years + 1)
    row[0] = start_sd
    for t in range(years):
        m = (1 - kappa) * m + kappa * level
        row = (1 - kappa) * row
        row[t + 1] = q
        mean[t], chol[t] = m, row
    cov = chol @ chol.T
    t, j = np.nonzero(np.isfinite(seen))
    H = np.zeros((t.size, years))
    H[np.arange(t.size), t] = loading[j]
    S = H @ cov @ H.T + np.diag(np.full(t.size, sd**2))
    y = seen[t, j]
    gain = cov @ H.T @ np.linalg.inv(S)
    law = multivariate_normal(H @ mean, S)
    return mean + gain @ (y - H @ mean), np.diag(cov - gain @ H @ cov), law.logpdf(y)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 3))
def test_filter_and_smoother_agree_with_one_large_normal_law(seed, years, sensors) -> None:
    rng = np.random.default_rng(seed)
    seen = rng.normal(0.5, 0.3, (1, years, sensors))
    seen[rng.random(seen.shape) < 0.3] = np.nan
    seen[0, 0, 0] = 0.4
    kappa, level, q, start, start_sd = *rng.random(2), *rng.uniform(0.01, 0.2, 3)
    loading = rng.uniform(0.5, 1.5, sensors)
    course = Course([start], [start_sd], [kappa], [level], [q])
    found = estimate_states(seen, 0.1, course, loading)
    mean, variance, likelihood = dense(seen[0], 0.1, kappa, level, q, start, start_sd, loading)
    smoothed, sd = smooth(found, course)
    np.testing.assert_allclose(smoothed[0], mean, atol=1e-9)
    np.testing.assert_allclose(sd[0] ** 2, variance, atol=1e-9)
    assert found.likelihood[0] == pytest.approx(likelihood, abs=1e-8)
    assert found.mean[0, -1] == pytest.approx(mean[-1], abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_mines_do_not_see_each_other_and_sensors_come_in_any_order(seed) -> None:
    rng = np.random.default_rng(seed)
    seen = np.where(rng.random((4, 6, 3)) < 0.3, np.nan, rng.random((4, 6, 3)))
    noise = rng.uniform(0.02, 0.2, (4, 6, 3))
    course = Course(rng.random(4), [0.1] * 4, rng.random(4), rng.random(4), [0.05] * 4)
    found = estimate_states(seen, noise, course)
    turned = estimate_states(seen[..., ::-1], noise[..., ::-1], course)
    np.testing.assert_allclose(turned.mean, found.mean, atol=1e-12)
    np.testing.assert_allclose(turned.likelihood, found.likelihood, atol=1e-9)
    alone = Course(*(np.asarray(one)[2:3] for one in (
        course.start, course.start_sd, course.kappa, course.level, course.q)))  # fmt: skip
    one = estimate_states(seen[2:3], noise[2:3], alone)
    assert one.mean.tolist() == found.mean[2:3].tolist()


@pytest.mark.parametrize(
    ("course", "observed", "noise", "words"),
    [
        (Course([0.3], [0.05], [1.2], [0.85], [0.03]), SEEN, 0.05, "kappa must lie in 0 to 1"),
        (
            Course([np.nan], [0.05], [0.2], [0.85], [0.03]),
            SEEN,
            0.05,
            "start is missing for 1 of 1",
        ),
        (Course([0.3], [0.05], [0.2], [0.85], [-0.03]), SEEN, 0.05, "q is a standard deviation"),
        (Course([0.3], [-1.0], [0.2], [0.85], [0.03]), SEEN, 0.05, "start_sd is a standard"),
        (Course([0.3, 0.4], [0.05], [0.2], [0.85], [0.03]), SEEN, 0.05, "does not fit 1 mines"),
        (MINE, SEEN[0], 0.05, "need dimensions"),
        (MINE, SEEN * np.inf, 0.05, "an observation is infinite"),
        (MINE, SEEN, 0.0, "must lie above 0"),
        (MINE, SEEN, [0.1, 0.2], "do not fit observations"),
    ],
)
def test_what_cannot_be_is_refused(course, observed, noise, words) -> None:
    with pytest.raises(InvalidInput, match=words):
        estimate_states(observed, noise, course)


def test_a_forecast_backwards_is_refused() -> None:
    found = estimate_states(SEEN, 0.05, MINE)
    with pytest.raises(InvalidInput, match="2 years before"):
        forecast(found, MINE, -2, 0.75)
    with pytest.raises(InvalidInput, match="coverage"):
        forecast(found, MINE, 2, 0.75, coverage=95)
    with pytest.raises(InvalidInput, match="target is missing"):
        forecast(found, MINE, 2, np.nan)
