"""Targets, fairness, capacity, corridors and demonstration projects in the model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput
from reverdure.core.messages import message_table
from reverdure.plan.flows import Flows
from reverdure.plan.mines import Mines
from reverdure.plan.model import Builder
from reverdure.plan.options import Options
from reverdure.plan.problem import Problem
from reverdure.plan.quantities import restored_ha
from reverdure.plan.requirements import Bundle, Bundles, Capacity, Corridor, Fair, Target

Words = dict[str, tuple[str, str]]
Numbers = NDArray[np.float64]


def add_requirements(
    builder: Builder, options: Options, asked: Problem, worth: Numbers, flows: Flows, words: Words
) -> tuple[tuple[str, float], ...]:
    """Add every requirement of a problem; what was found out on the way."""
    notes: list[tuple[str, float]] = []
    _refuse_twice(asked)
    for one in asked.requirements:
        if isinstance(one, Target):
            _target(builder, options, asked, one, worth, words)
        elif isinstance(one, Fair):
            notes.append(("floor", _fair(builder, options, asked, one, worth, words)))
        elif isinstance(one, Capacity):
            _capacity(builder, options, asked, one, words)
        elif isinstance(one, Corridor):
            _corridor(builder, options, asked.mines, one)
        else:
            _bundles(builder, options, asked, one, flows)
    return tuple(notes)


def _refuse_twice(asked: Problem) -> None:
    ids = [one.id for one in asked.requirements if isinstance(one, Target | Capacity)]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise InvalidInput(
            f"the requirement {twice[0]!r} is asked for twice.", "Give one of them a name."
        )


def shortfall_price(worth: Numbers, cost: Numbers, amounts: Numbers, factor: float) -> float:
    """Price of a missing unit: so many times the median benefit a unit of the target stands for.

    What has no benefit of its own (a household relocated) stands for what its cost would have
    bought at the median of all others.
    """
    good = worth > 0
    per_cost = float(np.median(worth[good] / cost[good])) if good.any() else 1.0
    stands_for = np.maximum(worth, cost * per_cost)
    counted = amounts > 0
    if not counted.any():
        return factor
    return factor * float(np.median(stands_for[counted] / amounts[counted]))


def _target(
    builder: Builder, options: Options, asked: Problem, target: Target, worth: Numbers,
    words: Words,
) -> None:  # fmt: skip
    """Block 8; a target that may be missed has a shortfall with a price."""
    target.check(asked.mines, asked.measures, asked.years)
    amounts = target.amounts(options, asked.mines)
    said = words[target.id] = target.words(asked.measures)
    counted = np.flatnonzero(amounts)
    least = target.sense == "at_least"
    if least:
        _refuse_unreachable(target, options, amounts, said[0])
    rows = builder.rows(
        "rows.target", (("target", [said]),), group=target.id,
        **{"lower" if least else "upper": target.planned_amount},
    )  # fmt: skip
    builder.put(rows[0], counted, amounts[counted])
    if target.hard:
        return
    factor = asked.measures.rules["target_penalty"] if target.penalty is None else target.penalty
    price = shortfall_price(worth, options.cost, amounts, factor)
    short = builder.columns(
        "columns.shortfall", (("target", [said]),), objective=-price,
        upper=target.planned_amount if least else np.inf,
    )  # fmt: skip
    builder.put(rows, short, 1.0 if least else -1.0)


def _refuse_unreachable(target: Target, options: Options, amounts: Numbers, said: str) -> None:
    """A target above what exists is a mistake of units more often than a wish."""
    slots = sorted({measure.slot for measure, _ in options.packages})
    of_package = np.array([slots.index(measure.slot) for measure, _ in options.packages])
    best = np.zeros(len(slots) * (int(options.mine.max()) + 1))
    np.maximum.at(best, options.mine * len(slots) + of_package[options.package], amounts)
    most = float(best.sum())
    if target.planned_amount > most * (1 + 1e-9):
        raise InvalidInput(
            f"the target {said!r} is above what exists: {most:g} {target.quantity.unit} at most.",
            "Check its unit (1 ha = 15 mu) and its year, or lower it.",
        )


def places_of(mines: Mines, per: str) -> tuple[Sequence[str], NDArray[np.int64]]:
    """Names of the counties or prefectures, and the one of each mine."""
    names, of_mine = np.unique(getattr(mines, per), return_inverse=True)
    return names.tolist(), of_mine


def _fair(
    builder: Builder, options: Options, asked: Problem, fair: Fair, worth: Numbers, words: Words
) -> float:
    """Block 7: a share of every place's area, elastic (METHODS 8)."""
    fair.check()
    floor = fair.floor if fair.floor is not None else best_floor(asked, fair)
    names, of_mine = places_of(asked.mines, fair.per)
    text = message_table("plan")["requirement.fair"]
    words["fair"] = (text["en"], text["zh"])
    whole = np.bincount(of_mine, asked.mines.area_ha, len(names))
    lowest = np.asarray(floor * whole, dtype=np.float64)
    rows = builder.rows("rows.fair", (("place", names),), lower=lowest, group="fair")
    amounts = restored_ha.of(options, asked.mines)
    counted = np.flatnonzero(amounts)
    builder.put(rows[of_mine[options.mine[counted]]], counted, amounts[counted])
    factor = asked.measures.rules["fairness_penalty"] if fair.penalty is None else fair.penalty
    price = shortfall_price(worth, options.cost, amounts, factor)
    short = builder.columns("columns.unfair", (("place", names),), objective=-price)
    builder.put(rows, short, 1.0)
    return floor


def best_floor(asked: Problem, fair: Fair) -> float:
    """First pass: `fair.of_best` of the highest floor that the relaxation can give all places."""
    from reverdure.plan.fairness import highest_floor

    return float(fair.of_best or 0.0) * highest_floor(asked, fair)


def _capacity(
    builder: Builder, options: Options, asked: Problem, capacity: Capacity, words: Words
) -> None:
    """Block 6: what the works of a year take in each place."""
    most = capacity.by_place(asked.mines)
    names, of_mine = places_of(asked.mines, capacity.per)
    text, what = message_table("plan")["requirement.capacity"], capacity.resource
    words[capacity.id] = (text["en"].format(resource=what.en), text["zh"].format(resource=what.zh))
    upper = np.repeat([most.get(str(name), np.inf) for name in names], len(asked.years))
    rows = builder.rows(
        "rows.capacity",
        (("resource", [(what.en, what.zh)]), ("place", names), ("year", asked.years)),
        upper=upper, group=capacity.id,
    ).reshape(len(names), len(asked.years))  # fmt: skip
    option, year, amount = options.over_years(what.of(options, asked.mines), options.works)
    builder.put(rows[of_mine[options.mine[option]], year], option, amount)


def _corridor(builder: Builder, options: Options, mines: Mines, corridor: Corridor) -> None:
    """Block 9: a bonus for a pair of which both ends are restored."""
    ends = np.array([mines.index_of(pair) for pair in corridor.pairs]).reshape(-1, 2)
    labels = [" - ".join(pair) for pair in corridor.pairs]
    both = builder.columns(
        "columns.corridor", (("pair", labels),), upper=1.0, objective=corridor.bonus
    )
    rows = builder.rows("rows.corridor", (("pair", labels), ("end", (1, 2))), upper=0.0)
    rows = rows.reshape(-1, 2)
    builder.put(rows, both[:, None], 1.0)
    on_land = np.flatnonzero(restored_ha.of(options, mines) > 0)
    first = np.searchsorted(options.mine[on_land], np.arange(len(mines) + 1))
    for end in (0, 1):
        begin, stop = first[ends[:, end]], first[ends[:, end] + 1]
        pair = np.repeat(np.arange(len(ends)), stop - begin)
        offset = np.arange(len(pair)) - np.repeat(
            np.cumsum(stop - begin) - (stop - begin), stop - begin
        )
        builder.put(rows[pair, end], on_land[begin[pair] + offset], -1.0)


def _bundles(
    builder: Builder, options: Options, asked: Problem, group: Bundles, flows: Flows
) -> None:
    """Block 10: demonstration projects with their size, central share and ceiling."""
    names = [bundle.id for bundle in group.bundles]
    chosen = builder.columns("columns.bundle", (("bundle", names),), upper=1.0, whole=True)
    count = builder.rows("rows.bundles", (), upper=float(group.at_most))
    builder.put(count[0], chosen, 1.0)
    for column, bundle in zip(chosen, group.bundles, strict=True):
        _bundle(builder, options, asked, bundle, int(column), flows)


def _bundle(
    builder: Builder, options: Options, asked: Problem, bundle: Bundle, column: int, flows: Flows
) -> None:
    rules = asked.measures.rules
    least_cost, least_area, share, most = (
        rules[rule] if given is None else given
        for given, rule in (
            (bundle.least_cost_mcny, "bundle_cost_mcny"), (bundle.least_area_ha, "bundle_area_ha"),
            (bundle.share, "central_share"), (bundle.most_mcny, "central_most_mcny"),
        )
    )  # fmt: skip
    number = next(n for n, source in enumerate(flows.sources) if source.id == bundle.id)
    members = np.flatnonzero(flows.may_pay[number])
    paid = flows.columns[flows.source == number].ravel()
    axis = (("bundle", [bundle.id]),)
    cost = builder.rows("rows.bundle_cost", axis, lower=0.0)[0]
    builder.put(cost, members, options.cost[members])
    builder.put(cost, np.array([column]), -least_cost)
    area = builder.rows("rows.bundle_area", axis, lower=0.0)[0]
    builder.put(area, members, restored_ha.of(options, asked.mines)[members])
    builder.put(area, np.array([column]), -least_area)
    part = builder.rows("rows.bundle_share", axis, upper=0.0)[0]
    builder.put(part, paid, 1.0)
    builder.put(part, members, -share * options.cost[members])
    ceiling = builder.rows("rows.bundle_most", axis, upper=0.0)[0]
    builder.put(ceiling, paid, 1.0)
    builder.put(ceiling, np.array([column]), -most)
