"""The programme as a sentence: each step of it is a new problem, nothing is changed in place."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.provenance import digest
from reverdure.plan.measures import Catalogue, catalogue
from reverdure.plan.mines import Mines, read_mines
from reverdure.plan.money import Source
from reverdure.plan.options import Offer, Outlook
from reverdure.plan.quantities import Quantity, quantity, recovered_ha_years
from reverdure.plan.requirements import Capacity, Following, Lock, Requirement, Target

if TYPE_CHECKING:
    from reverdure.plan.compiling import Compiled
    from reverdure.plan.programme import Plan

FACTORS = ("cost", "kappa", "success", "budget")
"""What a scenario may multiply."""


@dataclass(frozen=True)
class Problem:
    """A programme to be made; see `problem`."""

    mines: Mines
    measures: Catalogue
    years: tuple[int, ...]
    allowed: pd.DataFrame | None = None
    costs: pd.DataFrame | None = None
    objective: Quantity = recovered_ha_years
    sources: tuple[Source, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    locks: tuple[Lock, ...] = ()
    before: Following | None = None
    until: int = 0
    discount: float = 0.0
    price_index: Mapping[int, float] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    offers: tuple[Offer, ...] = ()

    def maximise(self, what: Quantity | str) -> "Problem":
        """What there shall be most of; recovered ha-years by default."""
        return replace(self, objective=quantity(what) if isinstance(what, str) else what)

    def within(
        self, budget: Mapping[int, float] | Source | Iterable[Source] | None = None,
        capacity: Capacity | Iterable[Capacity] | None = None, price_year: int | None = None,
    ) -> "Problem":  # fmt: skip
        """What there is: money and capacity, which hold without exception.

        Parameters
        ----------
        budget : mapping of year to million CNY, or sources
            A mapping is one central source that lapses each year.
        capacity : Capacity or several
        price_year : int or None
            Of a mapping; sources say their own.
        """
        sources = self.sources
        if isinstance(budget, Mapping):
            sources += (Source("budget", dict(budget), price_year=price_year),)
        elif budget is not None:
            sources += (budget,) if isinstance(budget, Source) else tuple(budget)
        names = [source.id for source in sources]
        if len(set(names)) < len(names):
            raise InvalidInput(f"two sources of money have one name: {', '.join(names)}.")
        if isinstance(capacity, Capacity):
            capacity = (capacity,)
        return replace(self, sources=sources, requirements=(*self.requirements, *(capacity or ())))

    def require(self, *asked: Requirement) -> "Problem":
        """What is asked for: targets, fairness, corridors, demonstration projects."""
        return replace(self, requirements=(*self.requirements, *asked))

    def lock(self, *locks: Lock) -> "Problem":
        """Mines held to a measure, a start or out."""
        for one in locks:
            if one.measure is not None:
                self.measures.measure(one.measure)
            if one.land_use:
                self.measures.land_use(one.land_use)
        self.mines.index_of([one.mine for one in locks])
        return replace(self, locks=(*self.locks, *locks))

    def following(
        self, plan: "Plan", price_of_change: float | None = None, through: int | None = None
    ) -> "Problem":
        """Keep to a former plan where that costs little; what is begun up to `through` is fixed.

        Parameters
        ----------
        plan : Plan
        price_of_change : float or None
            Of each start dropped or added, in median benefits of a mine; .0165 by default.
        through : int or None
            Last year whose starts stand as they are.
        """
        price = self.measures.rules["price_of_change"] if price_of_change is None \
            else price_of_change  # fmt: skip
        if not (np.isfinite(price) and price >= 0):
            raise InvalidInput(f"the price of change is {price}; allowed is zero or more.")
        columns = ("mine_id", "measure", "land_use", "start")
        starts = tuple(
            (str(m), str(k), str(u), int(t))
            for m, k, u, t in plan.works[list(columns)].itertuples(index=False)
        )
        return replace(self, before=Following(starts, float(price), through))

    def scenario(self, **factors: float) -> "Problem":
        """The same under other circumstances: factors of cost, kappa, success or budget."""
        for name, value in factors.items():
            if name not in FACTORS:
                raise UnknownOption(
                    f"a scenario has no factor {name!r}; use one of {', '.join(FACTORS)}."
                )
            if not (np.isfinite(value) and value > 0):
                raise InvalidInput(f"the factor of {name} is {value}; factors are above zero.")
        merged = {**self.factors, **factors}
        return replace(self, factors=merged)

    def without(self, requirement_id: str) -> "Problem":
        """The same without one target, to see what it costs."""
        kept = tuple(r for r in self.requirements
                     if not (isinstance(r, Target) and r.id == requirement_id))  # fmt: skip
        if len(kept) == len(self.requirements):
            raise InvalidInput(f"there is no target {requirement_id!r} to leave out.")
        return replace(self, requirements=kept)

    @property
    def outlook(self) -> Outlook:
        """What benefits and costs are reckoned with."""
        scale = {k: self.factors.get(k, 1.0) for k in ("cost", "kappa", "success")}
        return Outlook(self.years, self.until, self.discount, **scale)

    def fingerprint(self) -> str:
        """Hash of all that the plan is made of, to name a plan whose data have changed since."""
        numbers = {k: _hash(v) for k, v in sorted(self.mines.numbers.items())}
        mines = [
            _hash(getattr(self.mines, k)) for k in ("ids", "county", "prefecture", "has_owner")
        ]
        said = [
            numbers, mines, self.years, repr(self.measures), _rows(self.allowed), _rows(self.costs),
            self.objective.id, [repr(one) for one in self.sources],
            [_said(one) for one in self.requirements],
            [repr(one) for one in self.locks], repr(self.before), self.until, self.discount,
            sorted(self.price_index.items()), sorted(self.factors.items()),
        ]  # fmt: skip
        if self.offers:
            said.append(sorted(repr(one) for one in self.offers))
        return digest(said)

    def compile(self) -> "Compiled":
        """The problem as rows and columns; see `plan.compiling`."""
        from reverdure.plan.compiling import compile_problem

        return compile_problem(self)

    def solve(self, seconds: float = 120.0, gap: float = 1e-3) -> "Plan":
        """Compile, presolve and solve; see `plan.search.solve`."""
        from reverdure.plan.search import solve

        return solve(self.compile().presolve(), seconds, gap)


def problem(
    mines: pd.DataFrame | Mapping[str, Any] | Mines, measures: Catalogue | None = None, *,
    years: Iterable[int], allowed: pd.DataFrame | None = None, costs: pd.DataFrame | None = None,
    until: int | None = None, discount: float = 0.0, price_index: Mapping[int, float] | None = None,
) -> Problem:  # fmt: skip
    """Begin a programme.

    Parameters
    ----------
    mines : table or Mines
        See `read_mines`.
    measures : Catalogue or None
        Those of `plan/data/measures.toml` by default.
    years : iterable of int
        Years of the programme, one after the other.
    allowed : DataFrame or None
        mine_id, measure and, optional, land_use: what fits a mine.
    costs : DataFrame or None
        mine_id, measure, cost_cny, price_year: in place of the assumed costs.
    until : int or None
        Last year recovered ha-years are counted in.
    discount : float
        Yearly rate at which later ha-years count less.
    price_index : mapping of year to index, or None

    Raises
    ------
    InvalidInput
        If the years do not follow each other, or the outlook ends before they do.

    Examples
    --------
    >>> mines = {"mine_id": ["A", "B"], "county": ["X", "X"], "area_ha": [10, 4]}
    >>> plan = (
    ...     problem(mines, catalogue().only(["assisted_recovery"]), years=[2027, 2028])
    ...     .maximise("restored_ha")
    ...     .within(budget={2027: 1.2, 2028: 0.3})
    ...     .solve()
    ... )
    >>> plan.works[["mine_id", "start"]].drop_duplicates().values.tolist(), plan.gap
    ([['A', 2027]], 0.0)
    """
    span = tuple(int(year) for year in years)
    if not span or span != tuple(range(span[0], span[0] + len(span))):
        raise InvalidInput(f"the years of a programme follow each other; got {list(span)}.")
    chosen = measures or catalogue()
    last = span[-1] + int(chosen.rules["evaluation_years"]) if until is None else until
    if last < span[-1]:
        raise InvalidInput(f"recovery is counted until {last}, before the programme ends.")
    if not (np.isfinite(discount) and 0 <= discount < 1):
        raise InvalidInput(f"the discount is {discount}; allowed is 0 to 1.")
    return Problem(
        mines if isinstance(mines, Mines) else read_mines(mines), chosen, span, allowed, costs,
        until=last, discount=float(discount), price_index=dict(price_index or {}),
    )  # fmt: skip


def _hash(values: np.ndarray[Any, Any]) -> str:
    text = values.tobytes() if values.dtype.kind in "fbi" else "\n".join(values).encode()
    return hashlib.sha256(text).hexdigest()[:16]


def _rows(table: pd.DataFrame | None) -> list[str]:
    if table is None:
        return []
    ordered = table[sorted(table.columns)].astype(str)
    return sorted("|".join(row) for row in ordered.itertuples(index=False))


def _said(requirement: Requirement) -> str:
    """A requirement in full; a quantity by its name, since functions have addresses."""
    words = [f"{k}={v.id if isinstance(v, Quantity) else v!r}"
             for k, v in sorted(vars(requirement).items())]  # fmt: skip
    return f"{type(requirement).__name__}({', '.join(words)})"
