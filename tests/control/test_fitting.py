"""Noise and paces: back to published estimates, and to what simulated mines were made with."""

from dataclasses import replace

import numpy as np
import pytest
from tests.control.test_states import NILE, NILE_COURSE

from reverdure.control.fitting import fit_noise, fit_paces
from reverdure.control.states import Course
from reverdure.core.codes import FitStatus
from reverdure.core.errors import InvalidInput


def test_the_nile_is_fitted_as_published() -> None:
    """Durbin & Koopman 2012: q2 1469.1, R 15098.5; the search begins elsewhere."""
    from dataclasses import replace

    started = replace(NILE_COURSE, q=[80.0])
    found = fit_noise(NILE.reshape(1, 100, 1), 60.0, started, ["Nile"])["Nile"]
    assert found.q**2 == pytest.approx(1469.1, rel=0.01)
    assert (60.0 * found.sensors[0]) ** 2 == pytest.approx(15098.5, rel=0.002)
    assert found.likelihood == pytest.approx(-641.5856, abs=1e-3)
    assert (found.status, found.observations) == (FitStatus.FITTED, 100)


def world(seed: int, kappa, noise=0.04, years=8):
    rng = np.random.default_rng(seed)
    mines = len(kappa)
    state, seen = np.full(mines, 0.15), np.empty((mines, years, 1))
    for t in range(years):
        state = state + kappa * (0.85 - state) + rng.normal(0, 0.01, mines)
        seen[:, t, 0] = state + rng.normal(0, noise, mines)
    seen[rng.random(seen.shape) < 0.2] = np.nan
    course = Course([0.15] * mines, [0.01] * mines, [0.2] * mines, [0.85] * mines, [0.01] * mines)
    return seen, course


def test_paces_are_drawn_to_the_group_and_come_nearer_than_alone() -> None:
    rng = np.random.default_rng(5)
    kappa = 0.12 * np.exp(rng.normal(0, 0.3, 120))
    seen, course = world(5, kappa, years=4)
    works = np.ones((120, 4), bool)
    drawn = fit_paces(seen, 0.04, course, ["m"] * 120, works)
    alone = [
        fit_paces(seen[i : i + 1], 0.04, Course([0.15], [0.01], [0.2], [0.85], [0.01]), ["m"],
                  works[:1], prior=(0.0, 5.0)).kappa[0]
        for i in range(120)
    ]  # fmt: skip
    error = np.mean((np.log(drawn.kappa / kappa)) ** 2)
    assert error < 0.9 * np.mean(np.log(np.array(alone) / kappa) ** 2)
    assert drawn.group_kappa["m"] == pytest.approx(0.12, rel=0.1)
    assert 0.15 < drawn.group_spread["m"] < 0.5
    inside = abs(kappa - drawn.kappa) < 2 * drawn.kappa_sd
    assert inside.mean() > 0.88


def test_a_mine_never_seen_has_the_pace_of_its_group_and_says_so() -> None:
    seen, course = world(3, np.full(40, 0.1))
    seen[7] = np.nan
    found = fit_paces(seen, 0.04, course, ["m"] * 40, np.ones((40, 8), bool))
    assert found.status[7] == FitStatus.TOO_FEW
    assert (np.delete(found.status, 7) == FitStatus.FITTED).all()
    assert found.kappa[7] == pytest.approx(found.group_kappa["m"], rel=0.1)


def test_years_without_works_say_nothing_of_the_pace() -> None:
    seen, course = world(4, np.full(30, 0.3))
    before = np.zeros((30, 8), bool)
    found = fit_paces(seen, 0.04, course, ["m"] * 30, before)
    assert (found.status == FitStatus.TOO_FEW).all()
    assert found.group_kappa["m"] == pytest.approx(0.2, rel=1e-6)  # as was assumed


def test_works_that_do_not_show_yet_draw_no_group_down() -> None:
    """12 mines were planted a year before 20 others, which still go on at the ground's own pace."""
    seen, course = world(5, np.full(32, 0.25), years=4)
    since = np.where(np.arange(32) < 12, 2, 9)
    works = np.arange(4) >= since[:, None]
    planned = replace(course, kappa=np.where(works, 0.2, 0.03))
    rng = np.random.default_rng(5)
    state = np.full(32, 0.15)
    for year in range(4):
        kappa = np.where(works[:, year], 0.25, 0.03)
        state = state + kappa * (0.85 - state)
        seen[:, year, 0] = state + rng.normal(0, 0.02, 32)
    found = fit_paces(seen, 0.02, planned, ["m"] * 32, works)
    assert found.group_kappa["m"] == pytest.approx(0.25, rel=0.15)


def test_few_observations_keep_what_was_assumed() -> None:
    seen, course = world(6, np.full(4, 0.2), years=4)
    found = fit_noise(seen, 0.05, course, ["a"] * 4)["a"]
    assert (found.status, found.q, found.sensors) == (FitStatus.TOO_FEW, 0.01, (1.0,))


def test_the_order_of_mines_moves_nothing() -> None:
    seen, course = world(8, np.linspace(0.05, 0.3, 20))
    names, works = ["a", "b"] * 10, np.ones((20, 8), bool)
    found = fit_paces(seen, 0.04, course, names, works)
    turned = fit_paces(seen[::-1], 0.04, course, names[::-1], works)
    np.testing.assert_allclose(turned.kappa[::-1], found.kappa, rtol=1e-9)


def test_groups_that_do_not_fit_are_refused() -> None:
    seen, course = world(1, np.full(3, 0.2))
    with pytest.raises(InvalidInput, match="2 groups named for 3 mines"):
        fit_noise(seen, 0.05, course, ["a", "b"])
    with pytest.raises(InvalidInput, match="years under works have shape"):
        fit_paces(seen, 0.05, course, ["a"] * 3, np.ones((3, 2), bool))
    still = Course([0.15] * 3, [0.01] * 3, [0.0] * 3, [0.85] * 3, [0.0] * 3)
    with pytest.raises(InvalidInput, match="q must lie above 0"):
        fit_noise(seen, 0.05, still, ["a"] * 3)
    with pytest.raises(InvalidInput, match="kappa of 0 under works"):
        fit_paces(seen, 0.05, still, ["a"] * 3, np.ones((3, 8), bool))
