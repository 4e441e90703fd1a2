"""Where the money comes from and what it may pay: budgets by year, in million CNY."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.plan.mines import Mines
from reverdure.plan.options import Options, price_factor

KINDS: Mapping[str, tuple[str, str]] = {
    "central": ("central grant", "中央财政资金"),
    "province": ("provincial fund", "省级资金"),
    "county": ("county money", "县级配套资金"),
    "loan": ("loan", "贷款"),
    "social": ("social capital", "社会资本投入"),
    "enterprise": ("liable enterprise", "责任企业资金"),
}
GRANTS = ("central", "province", "county")
"""Public money: it never pays on a mine that somebody is liable for."""
REPAID = ("loan", "social")
"""Money that wants revenue: it pays only where the land use earns."""


@dataclass(frozen=True)
class Source:
    """A source of money.

    Attributes
    ----------
    id : str
    budget : mapping of year to million CNY
        Or of county to such a mapping: then each county has its own.
    kind : str
        central, province, county, loan, social or enterprise.
    rolls : bool
        Whether what is left of a year can be spent in the next; it lapses otherwise.
    most_share : float
        Most of what is spent in a county and year that this source may pay: the rest is match.
    reward_share : float or None
        Pays only this share of the cost of works completed in the years before.
    owner_share : float
        Of an enterprise: share of the cost on its mines that it pays itself.
    measures, land_uses, counties, mines : tuple of str or None
        What it may be spent on; None for all.
    price_year : int or None
        Of the amounts; None for that of the measures.
    """

    id: str
    budget: Mapping[int, float] | Mapping[str, Mapping[int, float]]
    kind: str = "central"
    rolls: bool = False
    most_share: float = 1.0
    reward_share: float | None = None
    owner_share: float = 1.0
    measures: tuple[str, ...] | None = None
    land_uses: tuple[str, ...] | None = None
    counties: tuple[str, ...] | None = None
    mines: tuple[str, ...] | None = None
    price_year: int | None = None

    @property
    def by_county(self) -> bool:
        """Whether each county has a budget of its own."""
        return any(isinstance(value, Mapping) for value in self.budget.values())

    @property
    def tables(self) -> Mapping[str, Mapping[int, float]]:
        """Its budget by county; "" stands for all of them, where they share one.

        Raises
        ------
        InvalidInput
            If some amounts are of a county and others of nobody's.
        """
        own: dict[str, Mapping[int, float]] = {}
        shared: dict[int, float] = {}
        for key, value in self.budget.items():
            if isinstance(value, Mapping):
                own[str(key)] = value
            else:
                shared[int(key)] = value
        if own and shared:
            raise InvalidInput(
                f"source {self.id!r} has amounts of counties and others without a county.",
                "Give each county its own amounts, or all of them one.",
            )
        return own or {"": shared}

    @property
    def words(self) -> tuple[str, str]:
        """Name in English and Chinese."""
        en, zh = KINDS[self.kind]
        said = self.id.strip()
        # a name that says its kind already is not told twice
        if said.lower() in (self.kind, en, zh):
            return en, zh
        return (said if en in said.lower() else f"{said} ({en})",
                said if zh in said else f"{said}（{zh}）")  # fmt: skip

    def may_pay(self, options: Options, mines: Mines) -> NDArray[np.bool_]:
        """Which options it may pay for."""
        owned = mines.has_owner[options.mine]
        may = np.ones(len(options), dtype=bool)
        if self.kind in GRANTS:
            may &= ~owned
        elif self.kind == "enterprise":
            may &= owned
        if self.kind in REPAID:
            earns = [bool(use and use.revenue_cny_per_ha_year > 0) for _, use in options.packages]
            may &= np.array(earns)[options.package]
        for names, values in (
            (self.measures, options.attribute("measure")),
            (self.land_uses, options.attribute("land_use")),
            (self.counties, mines.county[options.mine]),
            (self.mines, mines.ids[options.mine]),
        ):
            if names is not None:
                may &= np.isin(values, names)
        return may


def checked(source: Source, mines: Mines, years: tuple[int, ...], price_year: int,
            index: Mapping[int, float]) -> Mapping[str, NDArray[np.float64]]:  # fmt: skip
    """Budget of a source by county ("" for all of them), one amount a year of the programme.

    Raises
    ------
    UnknownOption
        For a kind that is not known.
    InvalidInput
        For amounts that are missing, negative or not finite, shares outside 0 to 1, a county
        without mines, or prices of another year without an index.
    """
    if source.kind not in KINDS:
        raise UnknownOption(
            f"kind of money {source.kind!r} is not known; use one of {', '.join(KINDS)}."
        )
    for share in (source.most_share, source.owner_share, source.reward_share or 0.0):
        if not 0 <= share <= 1:
            raise InvalidInput(f"a share of source {source.id!r} is {share:g}; allowed is 0 to 1.")
    factor = price_factor(source.price_year or price_year, price_year, index)
    tables = source.tables
    known = set(mines.county.tolist())
    places = [*(source.counties or ()), *filter(None, tables)]
    for place in places:
        if place not in known:
            raise InvalidInput(f"source {source.id!r} names county {place!r}, which has no mines.")
    amounts = {}
    for county, table in tables.items():
        row = []
        for year in years:
            amount = table.get(year, float("nan"))
            if not (isinstance(amount, int | float) and 0 <= amount < np.inf):
                raise InvalidInput(
                    f"the budget of source {source.id!r} for {year} is {amount} million CNY.",
                    "Give every year of the programme an amount of zero or more.",
                )
            row.append(float(amount) * factor)
        amounts[county] = np.array(row)
    return amounts
