"""Money in the model: who pays for which works in which county and year (blocks 3 to 5)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.core.messages import message_table
from reverdure.plan.mines import Mines
from reverdure.plan.model import Builder
from reverdure.plan.money import Source
from reverdure.plan.options import Options

Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]
Funds = list[tuple[Source, Mapping[str, Numbers]]]


@dataclass(frozen=True)
class Flows:
    """The columns of money, one entry a flow and year.

    Works that the same sources may pay for form a class; money flows from a source to a class
    in a county, so that two sources together never pay for what neither may.

    Attributes
    ----------
    columns : array of int, flows x years
    source, county : array of int
        Of each flow: index of `sources`, index of `counties`.
    place_class : array of int
        Of each flow: the class of works it pays for.
    carried : mapping of source index to columns by year
    sources, counties : tuple
    amounts : tuple
        Budget of each source by county ("" for all), million CNY a year.
    may_pay : array of bool, sources x options
    """

    columns: Indices
    source: Indices
    county: Indices
    place_class: Indices
    carried: Mapping[int, Indices]
    sources: tuple[Source, ...]
    counties: tuple[str, ...]
    amounts: tuple[Mapping[str, Numbers], ...]
    may_pay: NDArray[np.bool_]

    def beyond_reach(self, options: Options) -> NDArray[np.bool_]:
        """Options that cost more in a year than all that may pay for them could have by then."""
        reach = np.zeros((len(self.sources), len(options.years)))
        for n, source in enumerate(self.sources):
            per_year = np.max(list(self.amounts[n].values()), axis=0)
            reach[n] = np.cumsum(per_year) if source.rolls else per_year
        most = np.zeros((len(options), len(options.years)))
        for n in range(len(self.sources)):
            most += self.may_pay[n][:, None] * np.where(np.isinf(reach[n]), 1e12, reach[n])
        option, year, amount = options.spending()
        beyond = np.zeros(len(options), dtype=bool)
        beyond[option[amount > most[option, year] * (1 + 1e-9)]] = True
        return beyond

    def without_money(
        self, options: Options, mines: Mines
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Mines nobody may pay for, and others of which every package costs more than there is."""
        payable = np.bincount(options.mine, self.may_pay.any(axis=0), len(mines)) > 0
        in_reach = np.bincount(options.mine, ~self.beyond_reach(options), len(mines)) > 0
        return ~payable, payable & ~in_reach


def add_money(
    builder: Builder, options: Options, mines: Mines, funds: Funds, years: tuple[int, ...],
    words: dict[str, tuple[str, str]],
) -> Flows:  # fmt: skip
    """Columns and rows of the money; options that nobody may pay for cannot be paid."""
    sources = tuple(source for source, _ in funds)
    may = np.array([source.may_pay(options, mines) for source in sources])
    counties, county = np.unique(mines.county, return_inverse=True)
    signature, of_option = np.unique(may.T, axis=0, return_inverse=True)
    cell_key = of_option * len(counties) + county[options.mine]
    cells, cell = np.unique(cell_key, return_inverse=True)
    cell_class, cell_county = cells // len(counties), cells % len(counties)
    source, at = np.nonzero(signature[cell_class].T)
    labels = [
        _pair(sources[k], str(counties[cell_county[c]])) for k, c in zip(source, at, strict=True)
    ]
    columns = builder.columns("columns.flow", (("flow", labels), ("year", years)))
    columns = columns.reshape(len(labels), len(years))
    names = [str(counties[c]) for c in cell_county]
    rows = builder.rows("rows.spending", (("place", names), ("year", years)), lower=0, upper=0)
    rows = rows.reshape(len(cells), len(years))
    option, year, amount = options.spending()
    builder.put(rows[cell[option], year], option, amount)
    builder.put(rows[at], columns, -1.0)
    flows = Flows(
        columns, source, cell_county[at], cell_class[at], _carried(builder, funds, years),
        sources, tuple(map(str, counties)), tuple(amounts for _, amounts in funds), may,
    )  # fmt: skip
    for n, (one, amounts) in enumerate(funds):
        if one.budget:
            _budget(builder, flows, n, amounts, years, words)
        if one.most_share < 1:
            _match(builder, flows, n, years, words)
        if one.reward_share is not None:
            _reward(builder, flows, n, options, county, years, words)
        if one.kind == "enterprise" and one.owner_share > 0:
            _owner(builder, flows, n, years, words)
    return flows


def _pair(source: Source, county: str) -> tuple[str, str]:
    en, zh = source.words
    return f"{en} for {county}", f"{county}的{zh}"


def _named(words: dict[str, tuple[str, str]], kind: str, source: Source) -> str:
    """The group of a requirement of money, with its words."""
    group = f"{kind}:{source.id}"
    text = message_table("plan")[f"requirement.{kind}"]
    en, zh = source.words
    words[group] = (text["en"].format(source=en), text["zh"].format(source=zh))
    return group


def _carried(builder: Builder, funds: Funds, years: tuple[int, ...]) -> dict[int, Indices]:
    """Money that rolls on: one column a year, in each county where budgets are by county."""
    carried = {}
    for n, (source, amounts) in enumerate(funds):
        if source.rolls and source.budget:
            columns = builder.columns(
                "columns.carried",
                (("source", [source.words]), ("county", list(amounts)), ("year", years)),
            )
            carried[n] = columns.reshape(len(amounts), len(years))
    return carried


def _budget(
    builder: Builder, flows: Flows, n: int, amounts: Mapping[str, Numbers],
    years: tuple[int, ...], words: dict[str, tuple[str, str]],
) -> None:  # fmt: skip
    """Block 4: what is spent and carried on is not more than the year brings and what was left."""
    source = flows.sources[n]
    group = _named(words, "source", source)
    for place, (county, amount) in enumerate(amounts.items()):
        label = source.words if not county else _pair(source, county)
        rows = builder.rows(
            "rows.budget", (("source", [label]), ("year", years)), upper=amount, group=group
        )
        mine = flows.source == n
        if county:
            mine &= flows.county == flows.counties.index(county)
        builder.put(np.broadcast_to(rows, flows.columns[mine].shape), flows.columns[mine], 1.0)
        if n in flows.carried:
            left = flows.carried[n][place]
            builder.put(rows, left, 1.0)
            builder.put(rows[1:], left[:-1], -1.0)
    if source.by_county:  # counties without a budget get nothing
        known = [flows.counties.index(county) for county in amounts]
        barred = (flows.source == n) & ~np.isin(flows.county, known)
        builder.lock(group, flows.columns[barred].ravel(), 0.0, 0.0)


def _rows_by_county(
    builder: Builder, flows: Flows, n: int, kind: str, years: tuple[int, ...], group: str
) -> Indices:
    axes = (("source", [flows.sources[n].words]), ("county", flows.counties), ("year", years))
    rows = builder.rows(f"rows.{kind}", axes, upper=0.0, group=group)
    return rows.reshape(len(flows.counties), len(years))


def _match(
    builder: Builder, flows: Flows, n: int, years: tuple[int, ...],
    words: dict[str, tuple[str, str]],
) -> None:  # fmt: skip
    """Block 5: at most a share of what is spent in a county and year."""
    source = flows.sources[n]
    group = _named(words, "share", source)
    rows = _rows_by_county(builder, flows, n, "share", years, group)
    for k in range(len(flows.sources)):
        here = flows.source == k
        weight = (1.0 if k == n else 0.0) - source.most_share
        builder.put(rows[flows.county[here]], flows.columns[here], weight)


def _reward(
    builder: Builder, flows: Flows, n: int, options: Options, county: Indices,
    years: tuple[int, ...], words: dict[str, tuple[str, str]],
) -> None:  # fmt: skip
    """Block 5: all that was rewarded so far is a share of the works completed before."""
    source = flows.sources[n]
    share = source.reward_share or 0.0
    rows = _rows_by_county(builder, flows, n, "reward", years, _named(words, "reward", source))
    here = flows.source == n
    done = np.flatnonzero(flows.may_pay[n])
    for t in range(len(years)):
        paid = flows.columns[here][:, : t + 1]
        builder.put(np.broadcast_to(rows[flows.county[here], t][:, None], paid.shape), paid, 1.0)
        before = done[options.finish[done] < t]
        builder.put(rows[county[options.mine[before]], t], before, -share * options.cost[before])


def _owner(
    builder: Builder, flows: Flows, n: int, years: tuple[int, ...],
    words: dict[str, tuple[str, str]],
) -> None:  # fmt: skip
    """A liable owner pays at least its share of what is spent on the mines of owners."""
    source = flows.sources[n]
    rows = _rows_by_county(builder, flows, n, "owner", years, _named(words, "owner", source))
    owned = np.unique(flows.place_class[flows.source == n])
    for k in range(len(flows.sources)):
        here = (flows.source == k) & np.isin(flows.place_class, owned)
        weight = source.owner_share - (1.0 if k == n else 0.0)
        builder.put(rows[flows.county[here]], flows.columns[here], weight)
