"""Every possible start - mine x measure x land use x year - with what it takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, MissingColumn
from reverdure.plan.measures import REMEDY, Catalogue, LandUse, Measure
from reverdure.plan.mines import QUANTITY_COLUMNS, Mines, read_allowed

MILLION = 1e6
Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Outlook:
    """What the benefits and costs are reckoned with.

    Attributes
    ----------
    years : tuple of int
        Years of the programme.
    until : int
        Last year that recovered ha-years are counted in.
    discount : float
        Yearly rate at which later ha-years count less; 0 counts them alike.
    cost, kappa, success : float
        Factors of a scenario: dearer works, a drier climate, fewer that take.
    """

    years: tuple[int, ...]
    until: int
    discount: float = 0.0
    cost: float = 1.0
    kappa: float = 1.0
    success: float = 1.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A start whose gain is known from elsewhere: a remedy for one mine in one year.

    Attributes
    ----------
    mine, measure : str
        The measure has the slot `REMEDY`.
    year : int
    gain_ha_years : float
        Recovered ha-years it brings if it works.
    success : float
        Chance that it does.
    """

    mine: str
    measure: str
    year: int
    gain_ha_years: float
    success: float


@dataclass(frozen=True)
class Options:
    """One entry an option in every array; money in million CNY, area in ha.

    Attributes
    ----------
    mine, package, start, finish : array of int
        Rows of mines and packages, index of the year; `finish` is the last year of works.
    units, cost, success, gain_ha_years : array of float
        Quantity in the unit of the measure, whole cost, chance that it takes, and the
        recovered ha-years it brings if it does.
    packages : tuple of (Measure, LandUse or None)
    profiles, works : array of packages x years after the start
        Share of the cost and of the works that falls into each year.
    """

    mine: Indices
    package: Indices
    start: Indices
    finish: Indices
    units: Numbers
    cost: Numbers
    success: Numbers
    gain_ha_years: Numbers
    packages: tuple[tuple[Measure, LandUse | None], ...]
    profiles: Numbers
    works: Numbers
    years: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.mine)

    def over_years(self, amounts: Numbers, profiles: Numbers) -> tuple[Indices, Indices, Numbers]:
        """Amounts spread over the years: option, year, amount; what falls later is left out."""
        options, years, values = [], [], []
        for offset in range(profiles.shape[1]):
            share = profiles[self.package, offset]
            keep = np.flatnonzero((share > 0) & (self.start + offset < len(self.years)))
            options.append(keep)
            years.append(self.start[keep] + offset)
            values.append(amounts[keep] * share[keep])
        return np.concatenate(options), np.concatenate(years), np.concatenate(values)

    def spending(self) -> tuple[Indices, Indices, Numbers]:
        """What each option costs in each year of the programme: option, year, million CNY."""
        return self.over_years(self.cost, self.profiles)

    def later_cost(self) -> Numbers:
        """What each option leaves to be paid after the programme, [million CNY]."""
        option, _, amount = self.spending()
        return np.maximum(self.cost - np.bincount(option, amount, len(self)), 0.0)

    def attribute(self, name: str) -> NDArray[np.str_]:
        """Measure ("measure") or land use ("land_use") of each option, by id."""
        ids = [(m.id if name == "measure" else (u.id if u else "")) for m, u in self.packages]
        return np.array(ids, dtype=str)[self.package]


def make_options(
    mines: Mines, allowed: pd.DataFrame | None, costs: pd.DataFrame | None,
    catalogue: Catalogue, outlook: Outlook, price_index: Mapping[int, float],
    offers: Sequence[Offer] = (),
) -> Options:  # fmt: skip
    """All options of a programme, by mine, package and start.

    Parameters
    ----------
    mines : Mines
    allowed : DataFrame or None
        See `read_allowed`.
    costs : DataFrame or None
        Known costs in place of the priors: mine_id, measure, cost_cny, price_year.
    catalogue : Catalogue
    outlook : Outlook
    price_index : mapping of year to index
        Brings costs of another price year to that of the catalogue.
    offers : sequence of Offer
        Remedies, beside what is allowed.

    Raises
    ------
    InvalidInput
        For costs that are missing, not above zero or of a price year without an index; for an
        offer outside the years, doubled, or without a gain.
    """
    pairs = read_allowed(allowed, mines, catalogue)
    offered = [(name, "") for name in sorted({one.measure for one in offers})]
    if not pairs and not offered:
        raise InvalidInput(
            "no measure is allowed on any mine.", "Allow at least one, or add measures."
        )
    packages = tuple(
        (catalogue.measure(m), catalogue.land_use(u) if u else None)
        for m, u in [*((m, u) for m, u, _ in pairs), *offered]
    )
    known = _known_costs(costs, mines, catalogue, price_index)
    parts = [_package(n, packages[n], rows, mines, catalogue, outlook, known)
             for n, (_, _, rows) in enumerate(pairs)]  # fmt: skip
    parts += [_offered(n, packages[n][0], offers, mines, catalogue, outlook)
              for n in range(len(pairs), len(packages))]  # fmt: skip
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[2], columns[1], columns[0]))
    mine, package, start, finish, units, cost, success, gain = (c[order] for c in columns)
    return Options(
        mine, package, start, finish, units, cost, success, gain, packages,
        _padded([m.profile() for m, _ in packages]),
        _padded([m.works_profile() for m, _ in packages]), outlook.years,
    )  # fmt: skip


def _package(
    number: int, package: tuple[Measure, LandUse | None], rows: Indices, mines: Mines,
    catalogue: Catalogue, outlook: Outlook, known: Mapping[str, Numbers],
) -> tuple[NDArray[np.generic], ...]:  # fmt: skip
    """The columns of `Options` for one package: its mines times its possible starts."""
    measure, use = package
    units = mines.numbers[QUANTITY_COLUMNS[measure.unit]][rows]
    cost = prior_cost_mcny(measure, use, mines, catalogue)[rows]
    if measure.id in known:
        cost = np.where(np.isnan(known[measure.id][rows]), cost, known[measure.id][rows])
    starts = np.arange(len(outlook.years) - measure.works_years + 1)
    mine, start = np.repeat(rows, len(starts)), np.tile(starts, len(rows))
    finish = start + measure.works_years - 1
    gains = _gains(measure, mines, outlook)[rows][:, finish[: len(starts)]]
    course = measure.trajectory
    chance = min(course.success * outlook.success, 1.0) if course else 1.0
    return (
        mine, np.full(len(mine), number), start, finish,
        np.repeat(units, len(starts)), np.repeat(cost * outlook.cost, len(starts)),
        np.full(len(mine), chance), gains.ravel(),
    )  # fmt: skip


def _offered(
    number: int, measure: Measure, offers: Sequence[Offer], mines: Mines, catalogue: Catalogue,
    outlook: Outlook,
) -> tuple[NDArray[np.generic], ...]:  # fmt: skip
    """The columns of `Options` for the offers of one remedy."""
    here = [one for one in offers if one.measure == measure.id]
    _check_offers(here, measure, outlook.years)
    rows = mines.index_of([one.mine for one in here])
    start = np.array([outlook.years.index(one.year) for one in here])
    cost = prior_cost_mcny(measure, None, mines, catalogue)[rows]
    gain = np.array([one.gain_ha_years for one in here]) * mines.numbers["weight"][rows]
    success = np.minimum([one.success * outlook.success for one in here], 1.0)
    return (
        rows, np.full(len(here), number), start, start + measure.works_years - 1,
        mines.area_ha[rows], cost * outlook.cost, success, gain,
    )  # fmt: skip


def _check_offers(offers: Sequence[Offer], measure: Measure, years: tuple[int, ...]) -> None:
    if measure.slot != REMEDY:
        raise InvalidInput(f"{measure.id} is offered as a remedy, but is a measure of its own.")
    if len({(one.mine, one.year) for one in offers}) < len(offers):
        raise InvalidInput(f"{measure.id} is offered twice for one mine and year.")
    for one in offers:
        if one.year not in years[: len(years) - measure.works_years + 1]:
            raise InvalidInput(
                f"{measure.id} is offered for {one.mine} in {one.year}; the programme goes from "
                f"{years[0]} to {years[-1]}."
            )
        if not (np.isfinite(one.gain_ha_years) and 0 <= one.success <= 1):
            raise InvalidInput(
                f"{measure.id} is offered for {one.mine} with a gain of {one.gain_ha_years} "
                f"ha-years and a chance of {one.success}.",
                "A gain is a number, a chance lies within 0 to 1.",
            )


def prior_cost_mcny(
    measure: Measure, use: LandUse | None, mines: Mines, catalogue: Catalogue
) -> Numbers:
    """Cost of a package on every mine from the priors, [million CNY] (METHODS 3.3).

    Unit cost x area^.95 x slope factor for measures on land; on true surface area
    A / cos(slope) for those on walls; units x unit cost for the others.
    """
    rules = catalogue.rules
    if measure.surface == "none":
        units = mines.numbers[QUANTITY_COLUMNS[measure.unit]]
        return units * measure.cny_per_unit / MILLION
    slope = mines.numbers["slope_deg"]
    area = mines.area_ha / np.cos(np.radians(slope)) if measure.surface == "true" \
        else mines.area_ha  # fmt: skip
    steep = 1 + np.maximum(0, slope - rules["slope_from_deg"]) / rules["slope_scale_deg"]
    works = measure.cny_per_unit * area ** rules["scale_exponent"] * steep
    return (works + (use.cny_per_ha if use else 0.0) * mines.area_ha) / MILLION


def _gains(measure: Measure, mines: Mines, outlook: Outlook) -> Numbers:
    """Recovered ha-years against leaving the mine as it is, mines x year of finishing."""
    years = np.array(outlook.years)
    gains = np.zeros((len(mines), len(years)))
    if measure.trajectory is None:
        return gains
    course = measure.trajectory
    kappa = min(course.kappa * outlook.kappa, 1.0)
    today = mines.numbers["recovery"]
    room = np.maximum(course.ceiling - today, 0)
    for n, finished in enumerate(years):
        after = np.arange(1, outlook.until - finished + 1)
        grown = 1 - (1 - kappa) ** np.maximum(after - course.lag, 0)
        factor = (1 + outlook.discount) ** -(finished + after - years[0]).astype(float)
        gains[:, n] = mines.area_ha * mines.numbers["weight"] * room * (grown * factor).sum()
    return gains


def _known_costs(
    costs: pd.DataFrame | None, mines: Mines, catalogue: Catalogue, index: Mapping[int, float]
) -> dict[str, Numbers]:
    """Costs that were given, by measure: one value a mine, NaN where the prior stands."""
    if costs is None:
        return {}
    for column in ("mine_id", "measure", "cost_cny", "price_year"):
        if column not in costs:
            raise MissingColumn(f"the table of costs has no column {column}.")
    at = mines.index_of(costs["mine_id"].astype(str).tolist())
    amount = pd.to_numeric(costs["cost_cny"], errors="coerce").to_numpy(dtype=np.float64)
    if not (good := np.isfinite(amount) & (amount > 0)).all():
        bad = int(np.flatnonzero(~good)[0])
        raise InvalidInput(
            f"the cost of {costs['measure'].iloc[bad]} on mine {mines.ids[at[bad]]} is "
            f"{costs['cost_cny'].iloc[bad]} CNY.",
            "Costs are above zero; leave the row out to use the assumed cost.",
        )
    twice = costs.duplicated(["mine_id", "measure"])
    if twice.any():
        row = costs[twice].iloc[0]
        raise InvalidInput(
            f"the cost of {row['measure']} on mine {row['mine_id']} is given twice.", "Keep one."
        )
    prices = np.array([price_factor(int(y), catalogue.price_year, index)
                       for y in costs["price_year"]])  # fmt: skip
    found: dict[str, Numbers] = {}
    measures = costs["measure"].astype(str).to_numpy(dtype=str)
    for name in np.unique(measures):
        rows = measures == name
        values = np.full(len(mines), np.nan)
        values[at[rows]] = amount[rows] * prices[rows] / MILLION
        found[catalogue.measure(str(name)).id] = values
    return found


def price_factor(year: int, to: int, index: Mapping[int, float]) -> float:
    """What money of one price year is worth in prices of another.

    Raises
    ------
    InvalidInput
        If the years differ and the index does not hold both.

    Examples
    --------
    >>> price_factor(2024, 2024, {}), price_factor(2020, 2024, {2020: 100, 2024: 106})
    (1.0, 1.06)
    """
    if year == to:
        return 1.0
    if year not in index or to not in index:
        raise InvalidInput(
            f"money is given in prices of {year}, the measures in prices of {to}.",
            "Give a price index that holds both years, or convert the money.",
        )
    return index[to] / index[year]


def _padded(profiles: list[Numbers]) -> Numbers:
    length = max(map(len, profiles))
    return np.array([np.pad(one, (0, length - len(one))) for one in profiles])
