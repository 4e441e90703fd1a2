"""What is asked of a programme beside its objective: targets, fairness, capacity, corridors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.plan.measures import Catalogue
from reverdure.plan.mines import Mines
from reverdure.plan.options import Options
from reverdure.plan.quantities import Quantity, quantity

PLACES = ("county", "prefecture")


@dataclass(frozen=True)
class Target:
    """At least or at most so much of a quantity, finished by a year, in a part of the programme.

    Attributes
    ----------
    quantity : Quantity
    amount : float
    sense : str
        at_least or at_most.
    by : int or None
        Counts what is finished by the end of this year; None for the whole programme.
    county, prefecture, measure, land_use : str or None
        Only what lies or is done there.
    mines : sequence of str or None
        Only these mines.
    hard : bool
        A hard target must hold; any other may be missed at a price, and the shortfall is told.
    penalty : float or None
        The price, in median benefits per unit; None for the default.
    margin : float
        Of a least amount: so much more is planned, as a share, since not all works take.
    name : str
        How people call it; made from the rest where it is empty.
    """

    quantity: Quantity
    amount: float
    sense: str = "at_least"
    by: int | None = None
    county: str | None = None
    prefecture: str | None = None
    measure: str | None = None
    land_use: str | None = None
    mines: Sequence[str] | None = None
    hard: bool = False
    penalty: float | None = None
    margin: float = 0.0
    name: str = ""

    @property
    def planned_amount(self) -> float:
        """What the plan holds to: the amount with its margin."""
        return self.amount * (1 + self.margin)

    @property
    def id(self) -> str:
        """Key of the requirement."""
        if self.name:
            return self.name
        parts = [self.sense, self.quantity.id, f"{self.amount:g}"]
        parts += [str(v) for v in self._where() if v is not None]
        return ":".join(parts) + (f":{len(self.mines)} mines" if self.mines else "")

    def _where(self) -> tuple[object, ...]:
        return self.by, self.county, self.prefecture, self.measure, self.land_use

    def words(self, catalogue: Catalogue) -> tuple[str, str]:
        """The target in English and Chinese."""
        if self.name:
            return self.name, self.name
        use = catalogue.land_uses.get(self.land_use or "")
        measure = catalogue.measures.get(self.measure or "")
        least = self.sense == "at_least"
        en = [f"{'at least' if least else 'at most'} {self.amount:g} {self.quantity.unit} "
              f"of {self.quantity.en}"]  # fmt: skip
        zh = [f"{self.quantity.zh}{'不少于' if least else '不超过'}"
              f"{self.amount:g}（{self.quantity.unit}）"]  # fmt: skip
        for value, said_en, said_zh in (
            (use, f"as {use.en if use else ''}", f"用于{use.zh if use else ''}"),
            (measure, f"by {measure.en if measure else ''}",
             f"采用{measure.zh if measure else ''}"),
            (self.county or self.prefecture, f"in {self.county or self.prefecture}",
             f"位于{self.county or self.prefecture}"),
            (self.mines, f"among {len(self.mines or ())} named mines",
             f"限{len(self.mines or ())}座指定矿山"),
            (self.by, f"by {self.by}", f"至{self.by}年"),
            (self.margin, f"with {self.margin:.0%} more planned", f"按多{self.margin:.0%}安排"),
        ):  # fmt: skip
            if value:
                en.append(said_en)
                zh.append(said_zh)
        return " ".join(en), "，".join(zh)

    def amounts(self, options: Options, mines: Mines) -> NDArray[np.float64]:
        """What each option counts towards it."""
        counted = np.ones(len(options), dtype=bool)
        if self.by is not None:
            counted &= np.asarray(options.years)[options.finish] <= self.by
        for name, values in (
            (self.county, mines.county[options.mine]),
            (self.prefecture, mines.prefecture[options.mine]),
            (self.measure, options.attribute("measure")),
            (self.land_use, options.attribute("land_use")),
        ):
            if name is not None:
                counted &= values == name
        if self.mines is not None:
            counted &= np.isin(mines.ids[options.mine], self.mines)
        return np.where(counted, self.quantity.of(options, mines), 0.0)

    def check(self, mines: Mines, catalogue: Catalogue, years: tuple[int, ...]) -> None:
        """Refuse a target that speaks of nothing there is.

        Raises
        ------
        InvalidInput, UnknownOption
        """
        if not (np.isfinite(self.amount) and self.amount >= 0):
            raise InvalidInput(
                f"target {self.id!r} asks for {self.amount}; amounts are zero or more."
            )
        if not 0 <= self.margin < np.inf or (self.margin and self.sense != "at_least"):
            raise InvalidInput(
                f"the margin of target {self.id!r} is {self.margin:g}; allowed is 0 or more, of a "
                "least amount."
            )
        for place, names in (("county", mines.county), ("prefecture", mines.prefecture)):
            value = getattr(self, place)
            if value is not None and value not in names:
                raise InvalidInput(f"target {self.id!r} names {place} {value!r}, without mines.")
        if self.measure is not None:
            catalogue.measure(self.measure)
        if self.land_use is not None:
            catalogue.land_use(self.land_use)
        if self.mines is not None:
            mines.index_of(self.mines)
        if self.by is not None and self.by < years[0]:
            raise InvalidInput(
                f"target {self.id!r} is for {self.by}, before the programme begins ({years[0]})."
            )


class Where(TypedDict, total=False):
    """What else a target can say: see `Target`."""

    by: int | None
    county: str | None
    prefecture: str | None
    measure: str | None
    land_use: str | None
    mines: Sequence[str] | None
    hard: bool
    penalty: float | None
    margin: float
    name: str


def at_least(what: Quantity | str, amount: float, **where: Unpack[Where]) -> Target:
    """A target to be reached: see `Target` for what else can be said.

    Examples
    --------
    >>> from reverdure.plan.measures import catalogue
    >>> at_least("restored_ha", 500, by=2029, land_use="forest").words(catalogue())[0]
    'at least 500 ha of restored area as forest by 2029'
    """
    return _target("at_least", what, amount, where)


def at_most(what: Quantity | str, amount: float, **where: Unpack[Where]) -> Target:
    """A cap that holds without exception."""
    return _target("at_most", what, amount, {"hard": True, **where})


def _target(sense: str, what: Quantity | str, amount: float, where: Where) -> Target:
    chosen = quantity(what) if isinstance(what, str) else what
    known = Where.__annotations__
    for key in where:
        if key not in known:
            raise UnknownOption(f"a target has no {key!r}; use one of {', '.join(sorted(known))}.")
    made = Target(chosen, float(amount), sense, **where)
    return made if made.mines is None else replace(made, mines=tuple(made.mines))


@dataclass(frozen=True)
class Fair:
    """Every county restores at least a share of what it has, or the shortfall is told.

    Attributes
    ----------
    floor : float or None
        The share itself, 0 to 1.
    of_best : float or None
        The share of the highest floor that all counties could reach together, found by a first
        pass over the relaxation (METHODS 8: two passes).
    per : str
        county or prefecture.
    penalty : float or None
        Of a missing hectare, in median benefits per ha; None for the default.
    """

    floor: float | None = None
    of_best: float | None = None
    per: str = "county"
    penalty: float | None = None

    def check(self) -> None:
        """Refuse what is not a share.

        Raises
        ------
        InvalidInput, UnknownOption
        """
        if self.per not in PLACES:
            raise UnknownOption(f"fairness is per county or prefecture, not {self.per!r}.")
        share = self.floor if self.floor is not None else self.of_best
        if share is None or (self.floor is not None and self.of_best is not None):
            raise InvalidInput("fairness needs either a floor or a share of the best floor.")
        if not 0 <= share <= 1:
            raise InvalidInput(f"the share asked of fairness is {share:g}; allowed is 0 to 1.")


def fair(
    floor: float | None = None, of_best: float | None = None, *, per: str = "county",
    penalty: float | None = None,
) -> Fair:  # fmt: skip
    """Fairness between counties: `fair(floor=.35)` or `fair(of_best=.75)`."""
    return Fair(floor, of_best, per, penalty)


@dataclass(frozen=True)
class Capacity:
    """Most that can be done in a year in each prefecture or county; holds without exception.

    Attributes
    ----------
    resource : Quantity
        works_ha, earthworks_m3, seedlings, water_m3, ...: spread over the years of the works.
    most : mapping of place to amount, or amount
        A place that is not named is not bound; one amount holds for each place.
    per : str
        prefecture or county.
    """

    resource: Quantity
    most: Mapping[str, float] | float
    per: str = "prefecture"

    @property
    def id(self) -> str:
        """Key of the requirement."""
        return f"capacity:{self.resource.id}"

    def by_place(self, mines: Mines) -> dict[str, float]:
        """The amount of each place that is bound.

        Raises
        ------
        InvalidInput, UnknownOption
            For an amount that is negative or not a number, or a place without mines.
        """
        if self.per not in PLACES:
            raise UnknownOption(f"capacity is per county or prefecture, not {self.per!r}.")
        places = sorted(set(getattr(mines, self.per).tolist()))
        named = self.most if isinstance(self.most, Mapping) else dict.fromkeys(places, self.most)
        for place, amount in named.items():
            if place not in places:
                raise InvalidInput(f"capacity names {self.per} {place!r}, which has no mines.")
            if not (np.isfinite(amount) and amount >= 0):
                raise InvalidInput(
                    f"the capacity of {place!r} is {amount}; amounts are zero or more."
                )
        return dict(named)


def capacity(what: Quantity | str, most: Mapping[str, float] | float, per: str = "prefecture"
             ) -> Capacity:  # fmt: skip
    """A capacity: `capacity("works_ha", {"Ganzhou": 400})`."""
    return Capacity(quantity(what) if isinstance(what, str) else what, most, per)


@dataclass(frozen=True)
class Corridor:
    """Pairs of mines that earn a bonus when both are restored.

    Attributes
    ----------
    pairs : tuple of (mine id, mine id)
    bonus : float
        Of a pair, in units of the objective.
    """

    pairs: tuple[tuple[str, str], ...]
    bonus: float


@dataclass(frozen=True)
class Bundle:
    """A national demonstration project: mines without owners that reach its size together.

    METHODS 2.4 block 10: at least 500 million CNY and 10 km2; the centre pays 60 % of it, at
    most 300 million. Defaults stand in `plan/data/measures.toml`.
    """

    id: str
    mines: tuple[str, ...]
    least_cost_mcny: float | None = None
    least_area_ha: float | None = None
    share: float | None = None
    most_mcny: float | None = None


@dataclass(frozen=True)
class Bundles:
    """Demonstration projects of which at most so many can be had."""

    bundles: tuple[Bundle, ...]
    at_most: int = 3


@dataclass(frozen=True)
class Lock:
    """A mine held: to a measure, land use and start; to any start at all; or out.

    Attributes
    ----------
    mine : str
    measure, land_use : str or None
    start : int or None
    out : bool
        True: nothing is done on its land.
    why : str
        "commitment" for works under contract.
    """

    mine: str
    measure: str | None = None
    land_use: str | None = None
    start: int | None = None
    out: bool = False
    why: str = "lock"

    @property
    def id(self) -> str:
        """Key of the requirement."""
        return f"{self.why}:{self.mine}"


@dataclass(frozen=True)
class Following:
    """A plan that was told to people before: changing it has a price.

    Attributes
    ----------
    starts : tuple of (mine id, measure, land use, start)
        What the former plan does.
    price_of_change : float
        Of each start that is dropped or added, in median benefits of a mine.
    through : int or None
        Starts up to this year are fixed, and none can be added.
    """

    starts: tuple[tuple[str, str, str, int], ...]
    price_of_change: float
    through: int | None = None


Requirement = Target | Fair | Capacity | Corridor | Bundles
