"""Large programmes: the relaxation by parts, twins, and plans when time is short."""

import numpy as np
import pandas as pd
import pytest

from reverdure.core.codes import PlanStatus
from reverdure.plan import search, sifting
from reverdure.plan.problem import problem
from reverdure.plan.requirements import Lock, at_least
from reverdure.plan.solver import solve_linear

YEARS = range(2027, 2032)


def province(mines=150, seed=3):
    """Every package of the catalogue on every mine: many are the same but for their aim."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "mine_id": [f"M{n:04d}" for n in range(mines)],
        "county": rng.choice(["X", "Y", "Z"], mines),
        "area_ha": rng.lognormal(0.7, 1.0, mines).round(2),
        "recovery": rng.uniform(0, 0.3, mines),
    })  # fmt: skip
    asked = problem(table, years=YEARS).within(budget=dict.fromkeys(YEARS, 12.0))
    return asked.require(at_least("restored_ha", 250.0, by=2029))


@pytest.fixture(scope="module")
def compiled():
    return province().compile().presolve()


@pytest.fixture(scope="module")
def arrays(compiled):
    assert len(compiled.options) > sifting.LARGE
    return search.arrays_of(compiled, relaxed=False)


@pytest.fixture(scope="module")
def true(arrays):
    return solve_linear(arrays, 60.0).objective


def test_the_relaxation_by_parts_is_that_of_the_whole(compiled, arrays, true):
    found = sifting.solve_relaxation(compiled, arrays, 60.0)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(true, rel=1e-9)
    assert found.bound == pytest.approx(true, rel=1e-9)
    assert np.isinf(found.reduced).sum() > 0.2 * len(compiled.options)  # twins were left out


def test_a_relaxation_that_was_stopped_has_a_bound_that_holds(compiled, arrays, true, monkeypatch):
    monkeypatch.setattr(sifting, "_ROUNDS", 1)
    monkeypatch.setattr(sifting, "_NEAR", 0.0)
    found = sifting.solve_relaxation(compiled, arrays, 60.0)
    assert found.status == "stopped"
    assert found.objective < true < found.bound


def test_without_time_the_whole_relaxation_is_not_begun(compiled, arrays, monkeypatch):
    def begun(*_):
        raise AssertionError("reading it in cannot be stopped")

    monkeypatch.setattr(sifting, "solve_linear", begun)
    found = sifting.solve_relaxation(compiled, arrays, 0.0)
    assert (found.status, found.x) == ("stopped", None)
    assert search.solve(compiled, 0.0).status is PlanStatus.NO_PLAN


def test_time_that_is_short_gives_a_plan_with_its_gap(compiled, true, monkeypatch):
    monkeypatch.setattr(sifting, "_ROUNDS", 1)
    monkeypatch.setattr(sifting, "_NEAR", 0.0)
    monkeypatch.setattr(search, "DIVES", ())
    monkeypatch.setattr(search, "STEPS", ())
    monkeypatch.setattr(search, "_SECONDS_A_START", 1e6)
    plan = search.solve(compiled, 60.0, 1e-6)
    assert plan.status is PlanStatus.TIME_LIMIT
    assert plan.objective < true < plan.bound
    assert plan.gap == pytest.approx((plan.bound - plan.objective) / plan.bound)
    spent = plan.money.groupby("year")["paid_mcny"].sum()
    assert (spent <= 12.0 + 1e-6).all()
    assert len(plan.works) > 20


def test_an_aim_that_is_asked_for_is_planned_though_another_is_its_twin():
    """Grass and forest cost the same: a lock or a target on either one must find it."""
    asked = province()
    for use in ("grass", "forest"):
        locked = asked.lock(Lock("M0007", measure="assisted_recovery", land_use=use, start=2028))
        plan = locked.require(at_least("restored_ha", 60.0, land_use=use)).solve(gap=1e-3)
        row = plan.works.set_index("mine_id").loc["M0007"]
        assert (row["land_use"], row["start"]) == (use, 2028)
        assert plan.works.loc[plan.works["land_use"] == use, "units"].sum() >= 60.0 - 1e-6
