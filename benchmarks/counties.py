"""Counties whose truth differs from the plan, which is left alone or steered for the same money.

Mines recover at their own pace, works fail, droughts strike. The planner is a plain greedy one
(chance of the target x hectares, over cost) or the mixed-integer problem over the same offers;
the same for both ways.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import norm

from reverdure.control.remedies import remedies
from reverdure.control.review import Answer, Decision, Handover, Seen, Steered, decide, review
from reverdure.control.states import Course
from reverdure.plan.measures import catalogue
from reverdure.plan.problem import problem
from reverdure.plan.quantities import Quantity
from reverdure.plan.requirements import Following

YEARS, FUNDED, TARGET, LEVEL, NATURAL = 10, 7, 0.65, 0.9, 0.03
Q, SENSORS, SHOCK, SHOCK_LEFT = 0.02, (0.05, 0.08), 0.04, 0.6
PACE_SPREAD, COUNTY_SPREAD, CLOUDY = 0.35, 0.2, 0.2
GAP = 1e-2
"""Of the mixed-integer planner: far below what nobody can know of the mines."""
# CNY/ha, kappa, success: priors of METHODS 3.3 and 3.4, assumptions
MEASURES = {"assisted": (120_000.0, 0.20, 0.80), "engineered": (350_000.0, 0.35, 0.90)}
ENDS = ["mine_id", "works", "start_year", "cost_cny"]


@dataclass
class County:
    """What is planned with, and the truth, drawn once: both ways meet the same luck."""

    seed: int
    mines: int = 40
    ids: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 71])
        n = self.mines
        self.ids = tuple(f"M{i:03d}" for i in range(n))
        self.area = rng.lognormal(0.8, 0.8, n)
        self.start = rng.uniform(0.05, 0.25, n)
        self.dear = rng.lognormal(0.0, 0.3, n)
        # what nobody knows at the outset
        factor = {name: rng.lognormal(0.0, COUNTY_SPREAD) for name in MEASURES}
        self.first_state = np.clip(self.start + rng.normal(0, 0.05, n), 0, 1)
        self.pace = {
            name: np.minimum(kappa * factor[name] * rng.lognormal(0, PACE_SPREAD, n), 0.9)
            for name, (_, kappa, _) in MEASURES.items()
        }
        self.takes = {name: rng.random(n) < MEASURES[name][2] for name in MEASURES}
        self.remedy_takes = rng.random((n, YEARS + 1))
        self.remedy_pace = rng.lognormal(0, PACE_SPREAD, (n, YEARS + 1))
        self.chance = rng.normal(0, Q, (n, YEARS + 1))
        self.shock = rng.random((n, YEARS + 1)) < SHOCK
        self.error = rng.normal(0, SENSORS, (n, YEARS + 1, len(SENSORS)))
        self.cloudy = rng.random((n, YEARS + 1, len(SENSORS))) < CLOUDY
        whole = sum(self.cost("assisted", i) for i in range(n))
        self.budget = dict.fromkeys(range(1, FUNDED + 1), 0.9 * whole / FUNDED)

    def cost(self, measure: str, mine: int) -> float:
        return MEASURES[measure][0] * float(self.area[mine] ** 0.95 * self.dear[mine])


def chance_of_target(state, sd, kappa, years: int):
    """P(r >= target), paces lognormal around kappa."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    p = np.zeros(np.shape(state))
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        keep = (1 - min(kappa * np.exp(PACE_SPREAD * node), 0.95)) ** years
        end, wide = LEVEL - (LEVEL - state) * keep, np.sqrt((sd * keep) ** 2 + Q**2 * 3)
        p += weight * norm.sf((TARGET - end) / wide)
    return p


def greedy(county: County):
    """A planner: in each year what brings most hectares for its money, until that is spent."""

    def plan(task: Handover) -> Answer:
        state, sd = task.estimate.mean[:, -1], task.estimate.sd[:, -1]
        place = {mine_id: i for i, mine_id in enumerate(county.ids)}
        begun, chosen, gained = set(task.fixed["mine_id"]), [], 0.0
        told = {(row.mine_id, row.works, row.start_year) for row in task.previous.itertuples()}
        for year in range(task.year, task.deadline + 1):
            offers = []
            if year == task.year:
                offers += [
                    (row.gain_ha, row.cost_cny, row.mine_id, row.remedy)
                    for row in task.remedies.itertuples()
                ]
            for name, (_, prior, success) in MEASURES.items():
                p = success * chance_of_target(
                    state, sd, task.kappa.get(name, prior), task.deadline - year
                )
                offers += [
                    (county.area[i] * p[i], county.cost(name, i), county.ids[i], name)
                    for i in range(county.mines) if county.ids[i] not in begun
                ]  # fmt: skip
            usual = float(np.median([gain for gain, *_ in offers])) if offers else 0.0
            kept = {offer: task.churn * usual * ((*offer[2:], year) in told) for offer in offers}
            offers.sort(key=lambda one: (-(one[0] + kept[one]) / one[1], one[2:]))
            left = task.budget_cny[year]
            for gain, cost, mine_id, works in offers:
                if cost <= left and gain > 0.01 * county.area[place[mine_id]] and not any(
                    one[0] == mine_id for one in chosen
                ):  # fmt: skip
                    chosen.append((mine_id, works, year, cost))
                    left, gained = left - cost, gained + gain
                    begun.add(mine_id)
        return Answer(pd.DataFrame(chosen, columns=ENDS), gained)

    return plan


def optimal(county: County):
    """A planner: the same offers, chosen together over all years by the mixed-integer problem."""

    def plan(task: Handover) -> Answer:
        state, sd = task.estimate.mean[:, -1], task.estimate.sd[:, -1]
        begun, years = set(task.fixed["mine_id"]), range(task.year, task.deadline + 1)
        rows = []
        for i, name in product(range(county.mines), MEASURES):
            if county.ids[i] not in begun:
                prior, success = MEASURES[name][1:]
                kappa = task.kappa.get(name, prior)
                gain = [
                    success * chance_of_target(state[i], sd[i], kappa, task.deadline - year)
                    for year in years
                ]
                rows.append(
                    (county.ids[i], name, county.cost(name, i), county.area[i] * np.array(gain))
                )
        for row in task.remedies.itertuples():
            now = np.array([row.gain_ha, *[0.0] * (len(years) - 1)])
            rows.append((row.mine_id, row.remedy, row.cost_cny, now))
        names = {name for _, name, _, _ in rows}
        if not rows:
            return Answer(pd.DataFrame(columns=ENDS), 0.0, 0.0)
        # worth of a start stands in the table: the model chooses, the forecast judges
        gains = {(mine_id, name): gain for mine_id, name, _, gain in rows}
        chosen = _one_year_measures(names)
        offers = pd.DataFrame(
            [(mine_id, name, cost, chosen.price_year) for mine_id, name, cost, _ in rows],
            columns=["mine_id", "measure", "cost_cny", "price_year"],
        )  # fmt: skip
        ids = sorted(set(offers["mine_id"]))
        area = dict(zip(county.ids, county.area, strict=True))
        mines = {"mine_id": ids, "county": ["X"] * len(ids), "area_ha": [area[one] for one in ids]}
        asked = problem(
            mines, chosen, years=years, costs=offers,
            allowed=offers[["mine_id", "measure"]].assign(land_use="grass"),
        )  # fmt: skip
        worth = Quantity("target_ha", "hectares", "公顷", "ha", partial(_worth, gains))
        money = {year: task.budget_cny[year] / 1e6 for year in years}
        told = tuple((row.mine_id, row.works, "grass", int(row.start_year))
                     for row in task.previous.itertuples() if row.works in names)  # fmt: skip
        asked = asked.maximise(worth).within(budget=money)
        asked = replace(asked, before=Following(told, task.churn))
        found = asked.solve(seconds=120, gap=GAP)
        works = found.works.rename(columns={"measure": "works", "start": "start_year"})
        works["cost_cny"] = works["cost_mcny"] * 1e6
        return Answer(works[ENDS], found.objective, found.bound)

    return plan


def _one_year_measures(names):
    """Measures that are paid for in the year they begin, one for each name."""
    known = catalogue()
    model = known.measure("assisted_recovery")
    stage, cost = model.stages[0], model.costs[0]
    made = {
        name: replace(model, id=name, stages=(replace(stage, first=0, years=1),),
                      costs=(replace(cost, stage=stage.id),), land_uses=("grass",))
        for name in sorted(names)
    }  # fmt: skip
    return replace(known, measures=made)


def _worth(gains, options, mines):
    """Hectares that each start is expected to bring to the target."""
    names = options.attribute("measure")
    return np.array([
        gains[str(mines.ids[mine]), str(name)][start]
        for mine, name, start in zip(options.mine, names, options.start, strict=True)
    ])  # fmt: skip


@dataclass
class World:
    """One way through the ten years."""

    county: County

    def __post_init__(self) -> None:
        n = self.county.mines
        self.state = self.county.first_state.copy()
        self.kappa = np.full(n, NATURAL)
        self.level = np.full(n, LEVEL)
        self.waits = np.zeros(n, int)
        self.then = self.kappa.copy()
        self.seen = np.empty((n, 0, len(SENSORS)))
        self.spent = dict.fromkeys(range(1, YEARS + 1), 0.0)

    def do(self, works: pd.DataFrame, year: int) -> None:
        """What the works of a year really change."""
        c, known = self.county, {one.key: one for one in remedies()}
        for row in works.itertuples():
            i = c.ids.index(row.mine_id)
            self.spent[year] += row.cost_cny
            if row.works in MEASURES:
                self.then[i] = c.pace[row.works][i] if c.takes[row.works][i] else NATURAL
                self.waits[i] = 1
                self.measure_of[i] = row.works
                continue
            remedy = known[row.works]
            if c.remedy_takes[i, year] > remedy.success:
                continue
            usual = MEASURES[self.measure_of[i]][1] if remedy.regains_group else 0.0
            anew = max(usual, remedy.kappa_at_least) * c.remedy_pace[i, year]
            self.then[i] = min(max(self.then[i] * remedy.kappa_factor, anew), 0.9)
            self.level[i] = min(self.level[i] + remedy.level_add, 1.0)
            self.waits[i] = max(remedy.years, self.waits[i])

    def pass_year(self, year: int) -> None:
        """A year goes by, and the satellites look."""
        c = self.county
        self.kappa = np.where(self.waits > 0, self.kappa, self.then)
        self.waits = np.maximum(self.waits - 1, 0)
        grown = self.state + self.kappa * (self.level - self.state) + c.chance[:, year]
        self.state = np.clip(np.where(c.shock[:, year], grown * SHOCK_LEFT, grown), 0, 1)
        look = np.where(c.cloudy[:, year], np.nan, self.state[:, None] + c.error[:, year])
        self.seen = np.concatenate([self.seen, look[:, None]], axis=1)

    @property
    def recovered_ha(self) -> float:
        return float(self.county.area[self.state >= TARGET].sum())


def first_plan(county: County, planner=greedy) -> pd.DataFrame:
    """The programme of the outset."""
    from reverdure.control.states import estimate_states

    nothing = np.full((county.mines, 1, 1), np.nan)
    level = Course(county.start, [0.05] * county.mines, [0.0] * county.mines,
                   [LEVEL] * county.mines, [0.0] * county.mines)  # fmt: skip
    empty = pd.DataFrame(columns=ENDS)
    offered = pd.DataFrame(columns=["mine_id", "remedy", "cost_cny", "gain_ha"])
    budget = {year: county.budget.get(year, 0.0) for year in range(1, YEARS + 1)}
    task = Handover(
        1, YEARS, empty, empty, offered, {}, budget, 0.0, estimate_states(nothing, 1.0, level)
    )
    return planner(county)(task).programme


def left_alone(county: County, plan: pd.DataFrame) -> World:
    """The plan of the outset, carried out whatever happens."""
    world = World(county)
    world.measure_of = {}
    for year in range(1, YEARS + 1):
        world.do(plan[plan["start_year"] == year], year)
        world.pass_year(year)
    return world


def steered(
    county: County, plan: pd.DataFrame, money: dict[int, float], planner=greedy
) -> tuple[World, list[Decision]]:
    """The same plan reviewed every year, with what the plan left alone spent in each."""
    world, programme, decisions = World(county), plan, []
    world.measure_of = {}
    n = county.mines
    kappa, works = np.full((n, YEARS + 1), NATURAL), np.zeros((n, YEARS + 1), bool)
    level = np.full((n, YEARS + 1), LEVEL)
    fails, without = np.zeros(n), np.full(n, NATURAL)
    for year in range(1, YEARS + 1):
        if year > 1:
            mines = Steered(
                county.ids, county.area, np.full(n, TARGET),
                tuple(world.measure_of.get(i, "") for i in range(n)), works[:, 1:year],
                fails.copy(), without.copy(),
            )  # fmt: skip
            course = Course(county.start, np.full(n, 0.05), kappa[:, 1:year], level[:, 1:year],
                            np.full(n, Q))  # fmt: skip
            seen = Seen(world.seen, np.broadcast_to(SENSORS, world.seen.shape), course)
            found = review(year, YEARS, mines, seen, programme, money)
            decision = decide(found, mines, planner(county))
            decisions.append(decision)
            programme = decision.programme
            _expect(decision, found.paces, found.paces.group_kappa, county, world,
                    (kappa, level, works, fails, without), year)  # fmt: skip
            now = decision.committed
        else:
            now = programme[programme["start_year"] == 1]
            _expect_first(now, county, (kappa, works, fails))
        world.do(now, year)
        world.pass_year(year)
    return world, decisions


def _expect_first(now, county, arrays) -> None:
    kappa, works, fails = arrays
    for row in now.itertuples():
        i = county.ids.index(row.mine_id)
        kappa[i, 2:], works[i, 2:] = MEASURES[row.works][1], True
        fails[i] = 1 - MEASURES[row.works][2]


def _expect(decision, paces, groups, county, world, arrays, year) -> None:
    """What the works of the year are expected to change from when they show."""
    kappa, level, works, fails, without = arrays
    known = {one.key: one for one in remedies()}
    for row in decision.committed.itertuples():
        i = county.ids.index(row.mine_id)
        if row.works in MEASURES:
            kappa[i, year + 1 :], works[i, year + 1 :] = MEASURES[row.works][1], True
            fails[i] = 1 - MEASURES[row.works][2]
            continue
        remedy = known[row.works]
        usual = np.array([groups[world.measure_of[i]]])
        shows = year + remedy.years
        failed = paces.p_failed[i]
        now = paces.kappa[i : i + 1] * (1 - failed) + without[i] * failed
        kappa[i, :shows][works[i, :shows]] = now[0]
        works[i, :shows] = False
        kappa[i, shows:] = remedy.kappa_after(now, usual)[0]
        fails[i], without[i] = 1 - remedy.success, now[0]
        level[i, shows:] = np.minimum(level[i, shows:] + remedy.level_add, 1.0)
        works[i, shows:] = True


@dataclass
class Compared:
    """Both ways through one county."""

    seed: int
    alone_ha: float
    steered_ha: float
    alone_cny: float
    steered_cny: float
    remedies: int
    changed: int


def compare(seed: int, mines: int = 40, planner=greedy) -> Compared:
    """Both ways through one county, with the same luck and the same money each year."""
    county = County(seed, mines)
    plan = first_plan(county, planner)
    alone = left_alone(county, plan)
    world, decisions = steered(county, plan, alone.spent, planner)
    for year in alone.spent:
        assert world.spent[year] <= alone.spent[year] + 1e-3
    repaired = sum((one.committed["works"].isin([r.key for r in remedies()])).sum()
                   for one in decisions)  # fmt: skip
    return Compared(
        seed, alone.recovered_ha, world.recovered_ha, sum(alone.spent.values()),
        sum(world.spent.values()), int(repaired), sum(len(one.changed) for one in decisions),
    )  # fmt: skip


def table(found: list[Compared]) -> str:
    """A line for each county, and their mean."""
    lines = ["county  left alone ha  steered ha  gain %  left alone M CNY  steered M CNY  remedies"]
    for one in found:
        gain = 100 * (one.steered_ha / one.alone_ha - 1) if one.alone_ha else np.nan
        lines.append(
            f"{one.seed:6d}  {one.alone_ha:13.1f}  {one.steered_ha:10.1f}  {gain:6.1f}  "
            f"{one.alone_cny / 1e6:16.2f}  {one.steered_cny / 1e6:13.2f}  {one.remedies:8d}"
        )
    return "\n".join(lines)
