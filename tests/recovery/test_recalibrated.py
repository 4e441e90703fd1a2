"""Recalibrated probabilities: few answers move little, many find a known error, none sharpen."""

import numpy as np
import pytest
from scipy.special import expit, logit

from reverdure.recovery.recalibrated import (
    ClaimDraws,
    Line,
    bounds_of_claim,
    calibration_line,
    recalibrated,
)

RIGHT = Line(np.zeros(1), np.ones(1), np.ones(1))


def claims(rng, n=80, plots=4, truth=lambda share, rng: share, spread=0.35):
    """Claims whose draws spread around a centre, with plots from what is true."""
    made = []
    for number in range(n):
        middle = rng.normal(0, 1.8)
        share = expit(middle + spread * rng.normal(size=40))
        true = float(np.clip(truth(expit(middle + spread * rng.normal()), rng), 0, 1))
        made.append(
            ClaimDraws(f"C{number:03d}", np.sort(share), 0.7, 0.2, plots, rng.binomial(plots, true))
        )
    return made


def test_the_line_at_rest_gives_the_share_of_draws_back():
    share = np.linspace(0.5, 1.0, 40)
    found = recalibrated([ClaimDraws("C1", share, 0.8, 0.6)], RIGHT).iloc[0]
    assert found["p_supported"] == pytest.approx((share >= 0.8).mean())
    assert found["p_not_supported"] == pytest.approx((share < 0.6).mean())
    assert found["restored_share"] == pytest.approx(share.mean())


def test_the_verdict_follows_the_rule_of_the_satellites_verdicts():
    shares = {
        "supported": np.full(40, 0.9),
        "not_supported": np.full(40, 0.1),
        "partly_supported": np.full(40, 0.5),
        "undecided": np.linspace(0.6, 1, 40),
    }
    found = recalibrated([ClaimDraws(name, one, 0.8, 0.2) for name, one in shares.items()], RIGHT)
    assert list(found["verdict"]) == list(found["claim_id"]) == list(shares)


def test_a_map_that_is_right_stays_right():
    found = calibration_line(claims(np.random.default_rng(1), n=150), seed=1)
    line = found.at([0.2, 0.5, 0.8])
    assert ((line["low"] <= line["share"] + 0.03) & (line["share"] - 0.03 <= line["high"])).all()
    assert abs(line["value"] - line["share"]).max() < 0.08


def test_a_shift_of_the_map_is_found():
    made = claims(np.random.default_rng(2), n=150, truth=lambda p, rng: expit(logit(p) - 1.2))
    line = calibration_line(made, seed=2).at([0.8]).iloc[0]
    truth = expit(logit(0.8) - 1.2)
    assert line["low"] - 0.03 <= truth <= line["high"] + 0.03
    assert line["high"] < 0.75
    before, after = (recalibrated(made, one)["p_supported"].mean() for one in
                     (RIGHT, calibration_line(made, seed=2)))  # fmt: skip
    assert after < before


def test_few_answers_move_little_and_leave_a_wide_interval():
    many = claims(np.random.default_rng(3), n=150, truth=lambda p, rng: expit(logit(p) - 1.2))
    few = calibration_line(many[:4], seed=3).at([0.8]).iloc[0]
    all_of_them = calibration_line(many, seed=3).at([0.8]).iloc[0]
    assert few["high"] - few["low"] > 1.5 * (all_of_them["high"] - all_of_them["low"])
    nothing = calibration_line([], seed=3).at([0.8]).iloc[0]
    assert nothing["low"] < 0.5
    assert nothing["high"] > 0.9


def test_answers_never_sharpen_the_line():
    # a truth steeper and surer than the map: 0.9 where it says 0.7
    made = claims(np.random.default_rng(4), n=200, truth=lambda p, rng: expit(3 * logit(p)))
    line = calibration_line(made, seed=4)
    assert (line.slope <= 1).all()
    assert (line.width >= 1).all()


def test_intervals_that_were_too_narrow_are_widened():
    def scattered(p, rng):
        return expit(logit(p) + rng.normal(0, 1.5))

    tight = claims(np.random.default_rng(5), n=200, plots=6, truth=scattered, spread=0.15)
    honest = claims(np.random.default_rng(5), n=200, plots=6, spread=0.15)
    wide, narrow = (calibration_line(one, seed=5).width.mean() for one in (tight, honest))
    assert wide > 1.5 * narrow
    before = recalibrated(tight, RIGHT)
    after = recalibrated([ClaimDraws(c.claim_id, c.share, c.enough, c.little) for c in tight],
                         calibration_line(tight, seed=5))  # fmt: skip
    assert (after["p_supported"] > 0.95).sum() < (before["p_supported"] > 0.95).sum()


def test_probabilities_of_claims_without_plots_hold_on_average():
    rng = np.random.default_rng(6)

    def truth(p, rng):
        return expit(logit(p) - 0.8 + rng.normal(0, 0.6))

    seen = claims(rng, n=200, truth=truth)
    line = calibration_line(seen, seed=6)
    fresh, hits = [], []
    for number in range(1500):
        middle = rng.normal(0, 1.8)
        share = np.sort(expit(middle + 0.35 * rng.normal(size=40)))
        fresh.append(ClaimDraws(str(number), share, 0.7, 0.2))
        hits.append(truth(expit(middle + 0.35 * rng.normal()), rng) >= 0.7)
    p, hit = recalibrated(fresh, line)["p_supported"].to_numpy(), np.array(hits, float)
    raw = recalibrated(fresh, RIGHT)["p_supported"].to_numpy()
    assert np.mean((p - hit) ** 2) < np.mean((raw - hit) ** 2)
    sure = p >= 0.8
    assert hit[sure].mean() >= 0.75
    assert p.mean() == pytest.approx(hit.mean(), abs=0.05)


def test_a_claims_own_plots_speak_for_it():
    share = np.linspace(0.3, 0.95, 40)
    low, high = (
        recalibrated([ClaimDraws("C", share, 0.7, 0.1, 8.0, k)], RIGHT)["p_supported"].iloc[0]
        for k in (1.0, 8.0)
    )
    middle = recalibrated([ClaimDraws("C", share, 0.7, 0.1)], RIGHT)["p_supported"].iloc[0]
    assert low < 0.2 * middle
    assert high > middle


def test_many_plots_on_one_claim_do_not_run_out_of_numbers():
    share = np.concatenate([np.full(20, 0.004), np.full(20, 0.999)])
    made = [ClaimDraws("C", share, 0.8, 0.2, 400.0, 200.0)]
    found = recalibrated(made, calibration_line(made)).iloc[0]
    assert 0 < found["p_supported"] < 1
    assert np.isfinite(found["restored_share"])


def test_no_chance_is_smaller_than_the_draws_can_tell():
    made = [ClaimDraws("C", np.full(40, 0.99), 0.8, 0.2, 50.0, 50.0)]
    found = recalibrated(made, RIGHT).iloc[0]
    assert found["p_supported"] == 1 - 1 / 80
    assert found["p_not_supported"] == 1 / 80


def test_the_same_seed_gives_the_same_line():
    made = claims(np.random.default_rng(7), n=20)
    one, same = calibration_line(made, seed=3), calibration_line(made, seed=3)
    assert np.array_equal(one.shift, same.shift)
    assert not np.array_equal(one.shift, calibration_line(made, seed=4).shift)


def test_bounds_are_shares_of_the_ground_not_of_the_claim():
    enough, little = bounds_of_claim(claimed_ha=3.0, ground_ha=6.0)
    assert (enough, little) == (pytest.approx(0.4), pytest.approx(0.1))
