"""How likely a plan keeps its word: works that do not take, slower recovery, dearer works."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from reverdure.core.errors import InvalidInput
from reverdure.plan.programme import Plan
from reverdure.plan.requirements import Target


@dataclass(frozen=True)
class Chances:
    """What a thousand futures of a plan come to.

    Attributes
    ----------
    targets : DataFrame
        requirement, en, zh, amount, planned, low, median, high, chance: 90 % range of what is
        reached, and the share of futures that reach the target.
    recovered_ha_years : tuple of float
        5 %, 50 %, 95 %.
    cost_mcny : tuple of float
        The same of the whole cost; unit costs are lognormal about the plan's.
    draws, seed : int
    """

    targets: pd.DataFrame
    recovered_ha_years: tuple[float, float, float]
    cost_mcny: tuple[float, float, float]
    draws: int
    seed: int


def chances(plan: Plan, draws: int = 1000, seed: int = 0) -> Chances:
    """The chance of meeting each target, by simulation (METHODS 2.4 block 11).

    A measure takes or not with its success probability, mine by mine and independently; kappa
    is lognormal with the measure's spread, costs with the spread of unit costs; both are
    assumptions of `plan/data/measures.toml`. A hectare counts where the measure takes.

    Raises
    ------
    InvalidInput
        Without a plan, or without a draw.
    """
    if plan.found.x is None:
        raise InvalidInput("there is no plan whose chances could be told.")
    if draws < 1:
        raise InvalidInput(f"{draws} draws tell nothing; ask for one at least.")
    compiled = plan.compiled
    options, mines = compiled.options, compiled.problem.mines
    chosen = np.flatnonzero(plan.found.x[compiled.starts] > 0.5)
    rng = np.random.default_rng([seed, int(plan.fingerprint[:8], 16)])
    takes = rng.random((draws, len(chosen))) < options.success[chosen]
    rows = []
    for target in compiled.problem.requirements:
        if isinstance(target, Target) and target.sense == "at_least":
            amounts = target.amounts(options, mines)[chosen]
            reached = takes @ amounts
            low, median, high = np.quantile(reached, [0.05, 0.5, 0.95])
            chance = float((reached >= target.amount * (1 - 1e-9)).mean())
            rows.append((target.id, *target.words(compiled.problem.measures), target.amount,
                         amounts.sum(), low, median, high, chance))  # fmt: skip
    spreads = np.array([m.trajectory.spread if m.trajectory else 0.0 for m, _ in options.packages])
    pace = np.exp(rng.normal(size=(draws, len(chosen))) * spreads[options.package[chosen]])
    gained = (takes * _paced(plan, chosen, pace)).sum(axis=1)
    sigma = compiled.problem.measures.rules["cost_spread"]
    dear = np.exp(rng.normal(size=(draws, len(chosen))) * sigma - sigma**2 / 2)
    cost = dear @ options.cost[chosen]
    columns = ["requirement", "en", "zh", "amount", "planned", "low", "median", "high", "chance"]
    return Chances(pd.DataFrame(rows, columns=columns), _range(gained), _range(cost), draws, seed)


def _paced(plan: Plan, chosen: np.ndarray, pace: np.ndarray) -> np.ndarray:
    """Recovered ha-years where kappa is so many times the expected one; weights left in."""
    options, outlook = plan.compiled.options, plan.compiled.problem.outlook
    scaled = np.zeros_like(pace)
    for number, (measure, _) in enumerate(options.packages):
        course = measure.trajectory
        here = np.flatnonzero(options.package[chosen] == number)
        if course is None or not len(here):
            scaled[:, here] = options.gain_ha_years[chosen[here]]
            continue
        base = min(course.kappa * outlook.kappa, 1.0)
        after = outlook.until - np.asarray(options.years)[options.finish[chosen[here]]]
        for years in np.unique(after):
            since = np.maximum(np.arange(1, years + 1) - course.lag, 0)
            usual = (1 - (1 - base) ** since).sum()
            these = here[after == years]
            kappa = np.minimum(base * pace[:, these], 1.0)
            grown = sum(1 - (1 - kappa) ** n for n in since)
            scaled[:, these] = options.gain_ha_years[chosen[these]] * grown / max(usual, 1e-12)
    return scaled


def _range(values: np.ndarray) -> tuple[float, float, float]:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(low), float(median), float(high)
