"""From the sentence to rows and columns (METHODS.md 2.4, blocks 1 to 10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput
from reverdure.core.messages import message_table
from reverdure.plan.asked import add_requirements
from reverdure.plan.flows import Flows, add_money
from reverdure.plan.measures import REMEDY, LandUse, Measure
from reverdure.plan.mines import Mines
from reverdure.plan.model import Builder, Model
from reverdure.plan.money import Source, checked
from reverdure.plan.options import Options, make_options
from reverdure.plan.problem import Problem
from reverdure.plan.requirements import Bundles, Following, Lock

Words = tuple[str, str]


@dataclass(frozen=True)
class Compiled:
    """A problem as a model, with what is needed to read its solution.

    Attributes
    ----------
    problem : Problem
    options : Options
        Column n of the model is option n.
    model : Model
    flows : Flows
    worth : array of float
        What each option adds to the objective, price of change left out.
    words : mapping of group to (English, Chinese)
        The requirements by name.
    one_start : array of int
        Of each option: the row that lets only one start on its mine.
    notes : tuple of (key, value)
        What happened on the way: options dropped, floors found.
    """

    problem: Problem
    options: Options
    model: Model
    flows: Flows
    worth: NDArray[np.float64]
    words: Mapping[str, Words]
    one_start: NDArray[np.int64]
    notes: tuple[tuple[str, float], ...] = ()

    @property
    def starts(self) -> slice:
        """The columns that are starts."""
        return slice(0, len(self.options))

    def presolve(self) -> "Compiled":
        """Leave out options that nobody may pay for, or that no budget could carry.

        A necessary condition only: what is dropped can be in no plan that keeps to the money.
        """
        upper = self.model.upper.copy()
        dropped = self.flows.beyond_reach(self.options) & (upper[self.starts] > 0)
        upper[self.starts][dropped] = 0.0
        return replace(
            self, model=replace(self.model, upper=upper),
            notes=(*self.notes, ("options_beyond_reach", float(dropped.sum()))),
        )  # fmt: skip


class OptionWords(Sequence[Words]):
    """Options in words, made when they are asked for."""

    def __init__(self, options: Options, mines: Mines) -> None:
        self._options, self._mines = options, mines

    def __len__(self) -> int:
        return len(self._options)

    @overload
    def __getitem__(self, at: int) -> Words: ...

    @overload
    def __getitem__(self, at: slice) -> list[Words]: ...

    def __getitem__(self, at: int | slice) -> Words | list[Words]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        options = self._options
        measure, use = options.packages[options.package[at]]
        mine = str(self._mines.ids[options.mine[at]])
        return option_words(mine, measure, use, options.years[options.start[at]])


def option_words(mine: str, measure: Measure, use: LandUse | None, year: int) -> Words:
    """A start in English and Chinese."""
    text = message_table("plan")["option.land" if use else "option.social"]
    return (
        text["en"].format(mine=mine, measure=measure.en, land_use=use.en if use else "", year=year),
        text["zh"].format(mine=mine, measure=measure.zh, land_use=use.zh if use else "", year=year),
    )


def compile_problem(asked: Problem) -> Compiled:
    """Rows and columns of a problem.

    Raises
    ------
    InvalidInput, UnknownOption, MissingColumn
        Where what was given does not fit together, with what to do about it.
    """
    if not asked.sources:
        raise InvalidInput("a programme needs money.", "Say .within(budget={2027: 100, ...}).")
    options = make_options(
        asked.mines,
        asked.allowed,
        asked.costs,
        asked.measures,
        asked.outlook,
        asked.price_index,
        asked.offers,
    )
    worth = asked.objective.of(options, asked.mines)
    builder, words = Builder(), dict[str, Words]()
    objective = worth + _change(asked.before, options, asked.mines, worth)
    starts = builder.columns(
        "columns.start", (("option", OptionWords(options, asked.mines)),), upper=1.0,
        objective=objective, whole=True,
    )  # fmt: skip
    one_start = _one_start(builder, options, asked, starts)
    flows = add_money(builder, options, asked.mines, _sources(asked), asked.years, words)
    notes = add_requirements(builder, options, asked, worth, flows, words)
    for lock in asked.locks:
        _hold(builder, options, asked.mines, lock, words)
    _keep_past(builder, options, asked, words)
    return Compiled(asked, options, builder.build(), flows, worth, words, one_start, notes)


def _one_start(
    builder: Builder, options: Options, asked: Problem, starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Block 1: at most one start of each kind on a mine, and one remedy a year.

    A remedy repairs works that were begun; on a mine without any it stands in place of works.
    """
    slots = sorted({measure.slot for measure, _ in options.packages} | {"land"})
    of_package = np.array([slots.index(measure.slot) for measure, _ in options.packages])
    slot, wide = of_package[options.package], len(slots) + len(options.years)
    if REMEDY in slots:
        is_remedy = slot == slots.index(REMEDY)
        repairs = is_remedy & (options.start > _first_past(options, asked)[options.mine])
        slot[is_remedy] = slots.index("land")
        slot[repairs] = len(slots) + options.start[repairs]
    used, row = np.unique(options.mine * wide + slot, return_inverse=True)
    ids = asked.mines.ids[used // wide].tolist()
    rows = builder.rows("rows.one_start", (("mine", ids),), upper=1.0)
    builder.put(rows[row], starts, 1.0)
    return rows[row]


def _first_past(options: Options, asked: Problem) -> NDArray[np.int64]:
    """Index of the year of the first start that stands on each mine; past the last one: none."""
    first = np.full(len(asked.mines), len(options.years))
    before = asked.before
    if before is not None and before.through is not None:
        former = _former(before, options, asked.mines)
        on_ground = np.array([m.slot in ("land", REMEDY) for m, _ in options.packages])
        past = np.asarray(options.years)[options.start[former]] <= before.through
        stands = former[past & on_ground[options.package[former]]]
        np.minimum.at(first, options.mine[stands], options.start[stands])
    return first


def _sources(asked: Problem) -> list[tuple[Source, Mapping[str, NDArray[np.float64]]]]:
    """Every source with its amounts; demonstration projects bring one of their own each."""
    scale = asked.factors.get("budget", 1.0)
    found: list[tuple[Source, Mapping[str, NDArray[np.float64]]]] = []
    for source in asked.sources:
        for measure in source.measures or ():
            asked.measures.measure(measure)
        for use in source.land_uses or ():
            asked.measures.land_use(use)
        amounts = checked(
            source, asked.mines, asked.years, asked.measures.price_year, asked.price_index
        )
        found.append((source, {place: scale * row for place, row in amounts.items()}))
    for group in asked.requirements:
        for bundle in group.bundles if isinstance(group, Bundles) else ():
            asked.mines.index_of(bundle.mines)
            if bundle.id in {one.id for one, _ in found}:
                raise InvalidInput(
                    f"demonstration project {bundle.id!r} has the name of another source of money.",
                    "Give each a name of its own.",
                )
            source = Source(bundle.id, {}, kind="central", mines=bundle.mines)
            found.append((source, {"": np.full(len(asked.years), np.inf)}))
    return found


def _hold(
    builder: Builder, options: Options, mines: Mines, lock: Lock, words: dict[str, Words]
) -> None:
    """Block 1: locked to a start, to any start, or out."""
    mine = int(mines.index_of([lock.mine])[0])
    here = np.flatnonzero(options.mine == mine)
    years = np.asarray(options.years)[options.start[here]]
    wanted = np.ones(len(here), dtype=bool)
    for asked, given in (
        (lock.measure, options.attribute("measure")[here]),
        (lock.land_use, options.attribute("land_use")[here]),
        (lock.start, years),
    ):
        if asked is not None:
            wanted &= given == asked
    if lock.measure is None:
        wanted &= np.array([options.packages[p][0].slot == "land" for p in options.package[here]])
    text = message_table("plan")[f"requirement.{lock.why}"]
    words[lock.id] = (text["en"].format(mine=lock.mine), text["zh"].format(mine=lock.mine))
    if lock.out:
        builder.lock(lock.id, here[wanted], 0.0, 0.0)
        return
    if not wanted.any():
        raise InvalidInput(
            f"mine {lock.mine} is locked to what is not possible on it: measure {lock.measure}, "
            f"land use {lock.land_use}, start {lock.start}.",
            "See what is allowed on the mine, and which starts can finish in time.",
        )
    rows = builder.rows("rows.one_start", (("mine", [lock.mine]),), lower=1.0, group=lock.id)
    builder.put(np.full(int(wanted.sum()), rows[0]), here[wanted], 1.0)


def _former(before: Following, options: Options, mines: Mines) -> NDArray[np.int64]:
    """The options that the former plan started; those no longer possible are left out."""
    names = [f"{m.id}|{u.id if u else ''}" for m, u in options.packages]
    ids = {name: n for n, name in enumerate(names)}
    wide, long = len(names), len(options.years)
    key = (options.mine * wide + options.package) * long + options.start
    wanted = []
    for mine, measure, use, start in before.starts:
        at = int(np.searchsorted(mines.ids, mine))
        package = ids.get(f"{measure}|{use}")
        known = at < len(mines.ids) and mines.ids[at] == mine and start in options.years
        if package is not None and known:
            wanted.append((at * wide + package) * long + options.years.index(start))
    return np.flatnonzero(np.isin(key, np.array(wanted, dtype=np.int64)))


def _change(
    before: Following | None, options: Options, mines: Mines, worth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """METHODS 4.5: the price of each start dropped or added."""
    price = np.zeros(len(options))
    if before is None or before.price_of_change == 0:
        return price
    each = before.price_of_change * float(np.median(worth[worth > 0])) if (worth > 0).any() else 0
    price -= each
    price[_former(before, options, mines)] = each
    return price


def _keep_past(builder: Builder, options: Options, asked: Problem, words: dict[str, Words]) -> None:
    """Works under contract stand, and nothing is begun in years that are over."""
    before = asked.before
    if before is None or before.through is None:
        return
    past = np.asarray(options.years)[options.start] <= before.through
    former = _former(before, options, asked.mines)
    begun = former[past[former]]
    expected = [mine for mine, _, _, start in before.starts if start <= before.through]
    if len(begun) < len(expected):
        lost = sorted(set(expected) - set(asked.mines.ids[options.mine[begun]].tolist()))
        raise InvalidInput(
            f"works begun on mines {', '.join(lost[:5])} are no longer among what is possible.",
            "Allow the measures that are under contract.",
        )
    text = message_table("plan")["requirement.past"]
    year = before.through
    words["past"] = (text["en"].format(year=year), text["zh"].format(year=year))
    builder.lock("past", begun, 1.0, 1.0)
    builder.lock("past", np.setdiff1d(np.flatnonzero(past), begun), 0.0, 0.0)
