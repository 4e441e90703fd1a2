"""The programme of a province: time to a proven gap of 0.1 %, against the solver alone.

Instances as METHODS section 8 has them: 10,253 mines (34,953 ha), 4 measures, 5 years, 100
counties, 11 prefectures. Class A: yearly budgets, capacity, an equity floor of .35, targets.
B: five sources by county and year, carry-over, eligibility, 70 % match. D: B and about 6,000
corridors.
"""

import os
import statistics
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.figures import Figure
from reverdure.plan.compiling import Compiled
from reverdure.plan.measures import catalogue
from reverdure.plan.money import Source
from reverdure.plan.problem import Problem, problem
from reverdure.plan.programme import Plan
from reverdure.plan.requirements import Corridor, at_least, capacity, fair
from reverdure.plan.search import arrays_of, solve
from reverdure.plan.solver import solve_whole

MINES, COUNTIES, PREFECTURES, AREA_HA = 10_253, 100, 11, 34_953.0
YEARS = tuple(range(2027, 2032))
MEASURES = ("natural_recovery", "assisted_recovery", "engineered_reconstruction",
            "cubic_restoration")  # fmt: skip
SEEDS = tuple(range(int(os.environ.get("PROGRAMME_SEEDS", "5"))))
GAP = 1e-3
SECONDS, ALONE_SECONDS = 300.0, 120.0
RATIOS = ("B", "D")


@dataclass(frozen=True)
class Province:
    """A synthetic province."""

    mines: pd.DataFrame
    allowed: pd.DataFrame
    place: np.ndarray
    money_mcny: float


def province(seed: int, mines: int = MINES, counties: int = COUNTIES) -> Province:
    """Mines with lognormal areas, about 63 % of the pairs of mine and measure allowed."""
    rng = np.random.default_rng(seed)
    area = rng.lognormal(0.6, 1.1, mines)
    area *= AREA_HA * mines / MINES / area.sum()
    slope = np.clip(rng.gamma(3.0, 7.0, mines), 0, 60)
    county = rng.integers(0, counties, mines)
    ids = np.array([f"M{n:05d}" for n in range(mines)])
    frame = pd.DataFrame({
        "mine_id": ids, "county": [f"county {c:03d}" for c in county],
        "prefecture": [f"prefecture {c % PREFECTURES:02d}" for c in county],
        "area_ha": area, "slope_deg": slope, "recovery": rng.uniform(0.05, 0.5, mines),
        "weight": rng.lognormal(0, 0.3, mines),
    })  # fmt: skip
    fits = np.column_stack([
        (slope <= 25) & (rng.random(mines) < 0.75), (slope <= 35) & (rng.random(mines) < 0.85),
        slope <= 45, (slope > 20) | (rng.random(mines) < 0.2),
    ])  # fmt: skip
    fits[:, 2] |= ~fits.any(axis=1)
    mine, measure = np.nonzero(fits)
    # what lies in farmland bears revenue; the rest becomes forest
    use = np.where((measure == 2) & (rng.random(mines) < 0.4)[mine], "farmland", "forest")
    allowed = pd.DataFrame({
        "mine_id": ids[mine], "measure": np.array(MEASURES)[measure], "land_use": use,
    })  # fmt: skip
    place = rng.uniform(0, 100, (mines, 2))
    return Province(frame, allowed, place, float(AREA_HA * mines / MINES * 0.09))


def instance(kind: str, seed: int, mines: int = MINES, counties: int = COUNTIES) -> Problem:
    """A problem of class A, B or D."""
    made = province(seed, mines, counties)
    yearly = made.money_mcny / len(YEARS)
    area = float(made.mines["area_ha"].sum())
    begun = problem(made.mines, catalogue().only(MEASURES), years=YEARS, allowed=made.allowed)
    works = capacity("works_ha", area / PREFECTURES / len(YEARS) * 0.8)
    asked = begun.within(capacity=works).require(
        fair(floor=0.35),
        at_least("restored_mines", 0.55 * mines, by=2030),
        at_least("restored_ha", 0.4 * area),
        at_least("restored_ha", 0.04 * area, land_use="farmland"),
    )
    if kind == "A":
        return asked.within(budget=dict.fromkeys(YEARS, yearly))
    asked = asked.within(budget=_sources(made, yearly))
    if kind == "D":
        asked = asked.require(_corridors(made))
    return asked


def _sources(made: Province, yearly: float) -> list[Source]:
    rng = np.random.default_rng(9)
    names = sorted(set(made.mines["county"]))
    part = rng.dirichlet(np.full(len(names), 4.0))
    own = {
        name: dict.fromkeys(YEARS, float(yearly * 0.25 * p))
        for name, p in zip(names, part, strict=True)
    }
    return [
        Source("central", dict.fromkeys(YEARS, yearly * 0.35), "central", most_share=0.7),
        Source("province", dict.fromkeys(YEARS, yearly * 0.15), "province", rolls=True),
        Source("county", own, "county", rolls=True),
        Source("loan", dict.fromkeys(YEARS, yearly * 0.15), "loan", rolls=True),
        Source("social", dict.fromkeys(YEARS, yearly * 0.10), "social"),
    ]


def _corridors(made: Province) -> Corridor:
    """Each mine with its nearest neighbour: about 6,000 pairs."""
    from scipy.spatial import cKDTree

    _, near = cKDTree(made.place).query(made.place, k=2)
    pairs = {tuple(sorted((n, int(other)))) for n, other in enumerate(near[:, 1])}
    ids = made.mines["mine_id"].to_numpy()
    chosen = tuple((str(ids[a]), str(ids[b])) for a, b in sorted(pairs))
    return Corridor(chosen, bonus=1.0)


def timed(asked: Problem) -> tuple[Plan, Compiled, float]:
    """A plan, and seconds of CPU from the compiled problem to it."""
    compiled = asked.compile().presolve()
    began = time.process_time()
    plan = solve(compiled, seconds=SECONDS, gap=GAP)
    spent = time.process_time() - began
    print(f"  gap {plan.gap:.2e}, {spent:.1f} s: {plan.route}", flush=True)
    return plan, compiled, spent


def alone(compiled: Compiled) -> float:
    """Seconds of CPU the solver alone needs to the same gap, or spends without getting there."""
    arrays = arrays_of(compiled, relaxed=False)
    began = time.process_time()
    answer = solve_whole(arrays, ALONE_SECONDS, GAP)
    spent = time.process_time() - began
    print(f"  alone: {answer.status}, {spent:.1f} s", flush=True)
    return spent


def measure() -> list[Figure]:
    """Gap and seconds by class and seed, the ratio to the solver alone, re-planning."""
    figures = []
    for kind in ("A", "B", "D"):
        gaps, seconds, ratios = [], [], []
        for seed in SEEDS:
            plan, compiled, spent = timed(instance(kind, seed))
            gaps.append(plan.gap)
            seconds.append(spent)
            if kind in RATIOS:
                ratios.append(alone(compiled) / spent)
        figures.append(
            Figure(f"class {kind}: worst gap of {len(gaps)} seeds", max(gaps) * 100, "%",
                   at_most=0.1)
        )  # fmt: skip
        figures.append(
            Figure(f"class {kind}: CPU seconds to the gap, median", statistics.median(seconds),
                   "s", at_most=15.0 if kind == "B" else None)
        )  # fmt: skip
        if ratios:
            label = f"class {kind}: times sooner than the solver alone in {ALONE_SECONDS:.0f} s"
            figures.append(Figure(f"{label}, median", statistics.median(ratios), at_least=4.0))
    return figures + replanning()


def replanning() -> list[Figure]:
    """A bad year: benefits move by a factor, later budgets fall by 5 %, the first year is fixed."""
    gaps, seconds, moved, of_works, lost = [], [], [], [], []
    for seed in SEEDS:
        base = instance("B", seed).solve(SECONDS, GAP)
        after = bad_year(instance("B", seed), seed)
        free, _, _ = timed(after.following(base, price_of_change=0.0, through=2027))
        kept, _, spent = timed(after.following(base, through=2027))
        gaps.append(kept.gap)
        seconds.append(spent)
        moved.append(changed(base, kept) / len(after.mines))
        of_works.append(changed(base, kept) / len(base.works))
        lost.append(1 - kept.works["benefit"].sum() / free.works["benefit"].sum())
    return [
        Figure("re-planning: worst gap", max(gaps) * 100, "%", at_most=0.1),
        Figure("re-planning: CPU seconds, median", statistics.median(seconds), "s", at_most=15.0),
        Figure("re-planning: mines that move, of all mines, most", max(moved) * 100, "%",
               at_most=6.0),
        Figure("re-planning: the same, of mines with works", max(of_works) * 100, "%"),
        Figure("re-planning: benefit given up, most", max(lost) * 100, "%", at_most=0.05),
    ]  # fmt: skip


def bad_year(asked: Problem, seed: int) -> Problem:
    """Weights times a lognormal of .15, budgets of all years but the first 5 % lower."""
    from dataclasses import replace

    rng = np.random.default_rng(1000 + seed)
    numbers = dict(asked.mines.numbers)
    numbers["weight"] = numbers["weight"] * rng.lognormal(0, 0.15, len(asked.mines))

    def cut(budget):
        return {
            key: cut(value) if isinstance(value, dict) else value * (1 if key == YEARS[0] else 0.95)
            for key, value in budget.items()
        }

    sources = tuple(replace(one, budget=cut(one.budget)) for one in asked.sources)
    return replace(asked, mines=replace(asked.mines, numbers=numbers), sources=sources)


def changed(before: Plan, after: Plan) -> int:
    """Mines whose start is not the same in both plans."""
    columns = ["mine_id", "measure", "land_use", "start"]
    both = before.works[columns].merge(after.works[columns], on="mine_id", how="outer",
                                       suffixes=("", "_after"))  # fmt: skip
    same = both["measure"] == both["measure_after"]
    same &= (both["start"] == both["start_after"]) & (both["land_use"] == both["land_use_after"])
    return int((~same).sum())
