"""A programme under process subsidy and under reward on result: who pays when, what is lost.

The same works, costs and chances of success under both; effort is not taken to differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import PayWay
from reverdure.core.errors import InvalidInput

Numbers = NDArray[np.float64]
Spread = tuple[float, float, float]
"""Mean, 5 % and 95 % of the draws."""


@dataclass(frozen=True, slots=True)
class PublicWorks:
    """Works that public money pays for.

    Attributes
    ----------
    paid : (work, year) float
        What public money pays for each as it goes on, at most until its result is known.
    settled : (work,) int
        Year, by position, in which a reward on its result is paid.
    success : (work,) float
        Chance that it takes.
    area_ha : (work,) float
        Ground that is restored if it does.
    """

    paid: Numbers
    settled: NDArray[np.int64]
    success: Numbers
    area_ha: Numbers

    def __post_init__(self) -> None:
        size, years = self.paid.shape
        same = all(len(one) == size for one in (self.settled, self.success, self.area_ha))
        if not same or not np.isfinite(self.paid).all() or (self.paid < 0).any():
            raise InvalidInput("each work needs what is paid a year, from zero up, and a chance.")
        if ((self.success < 0) | (self.success > 1)).any():
            raise InvalidInput("a chance of success lies within 0 to 1.")
        last = np.where(self.paid > 0, np.arange(years), -1).max(axis=1, initial=-1)
        if ((self.settled >= years) | (self.settled < last)).any():
            raise InvalidInput("a result is settled within the years, after all that is paid.")


@dataclass(frozen=True, slots=True)
class Result:
    """What one way of paying comes to.

    Attributes
    ----------
    paid : tuple of Spread
        By public money, year by year.
    in_all : Spread
        The same together.
    advanced : tuple of float
        At the end of each year: what those who do the works have advanced, with interest.
    lost_public, lost_builders : Spread
        At works that do not take: public money, and what was advanced, with its interest.
    interest : Spread
        Of what was advanced at works that take: paid by those who do them.
    restored_ha : Spread
    ha_per_10000 : Spread
        Restored hectares for 10,000 yuan of public money; NaN where nothing was paid.
    """

    paid: tuple[Spread, ...]
    in_all: Spread
    advanced: tuple[float, ...]
    lost_public: Spread
    lost_builders: Spread
    interest: Spread
    restored_ha: Spread
    ha_per_10000: Spread


@dataclass(frozen=True, slots=True)
class WaysOverTime:
    """Both ways, and the reward at which those who do the works come out even.

    Attributes
    ----------
    ways : mapping of PayWay to Result
    even_reward : float or None
        As a multiple of the cost; None where nothing can succeed.
    draws, seed : int
    """

    ways: Mapping[PayWay, Result]
    even_reward: float | None
    draws: int
    seed: int


def ways_over_time(
    works: PublicWorks, rate: float, unit: float, draws: int = 1000, seed: int = 0
) -> WaysOverTime:
    """Simulate both ways of paying for the same works.

    Under process subsidy public money pays as the works go on, whether they take or not. Under
    reward on result those who do the works advance all of it at this interest; the cost of a
    work that took comes back in the year it is settled, that of any other is theirs to lose.

    Parameters
    ----------
    works : PublicWorks
    rate : float
        Yearly interest of what is advanced; a payment bears none in its own year.
    unit : float
        Yuan in one unit of `paid`.
    draws : int
    seed : int

    Raises
    ------
    InvalidInput
        Without a draw, or for a rate below zero.

    Examples
    --------
    Two works of 100 that take with one chance in two, settled two years later at 10 %:

    >>> works = PublicWorks(np.array([[100.0, 0, 0], [100.0, 0, 0]]), np.array([2, 2]),
    ...                     np.array([0.5, 0.5]), np.array([4.0, 4.0]))
    >>> found = ways_over_time(works, 0.1, unit=1.0, draws=4000)
    >>> result = found.ways[PayWay.RESULT]
    >>> [round(one, 2) for one in result.advanced], round(found.even_reward, 2)
    ([200.0, 220.0, 0.0], 2.42)
    >>> [round(one) for one in found.ways[PayWay.PROCESS].in_all], result.in_all[1:]
    ([200, 200, 200], (0.0, 200.0))
    """
    if draws < 1:
        raise InvalidInput(f"{draws} draws tell nothing; ask for one at least.")
    if not 0 <= rate < np.inf:
        raise InvalidInput(f"the interest of what is advanced is {rate:g}; allowed is 0 or more.")
    years = np.arange(works.paid.shape[1])
    whole = works.paid.sum(axis=1)
    grown = works.paid @ _growth(rate, len(years))
    owed = grown[np.arange(len(whole)), works.settled] if len(whole) else whole
    advanced = np.where(years < works.settled[:, None], grown, 0.0).sum(axis=0)
    takes = np.random.default_rng(seed).random((draws, len(whole))) < works.success
    settled_in = (works.settled[:, None] == years) * whole[:, None]
    area, took = takes @ works.area_ha, takes @ whole
    process = Result(
        tuple(_same(one) for one in works.paid.sum(axis=0)), _same(whole.sum()),
        (0.0,) * len(years), _spread(~takes @ whole), _same(0.0), _same(0.0), _spread(area),
        _spread(_per_10000(area, np.full(draws, whole.sum()), unit)),
    )  # fmt: skip
    result = Result(
        tuple(_spread(one) for one in (takes @ settled_in).T), _spread(took),
        tuple(map(float, advanced)), _same(0.0), _spread(~takes @ owed),
        _spread(takes @ (owed - whole)), _spread(area), _spread(_per_10000(area, took, unit)),
    )  # fmt: skip
    expected = float(works.success @ whole)
    even = float(owed.sum()) / expected if expected else None
    return WaysOverTime({PayWay.PROCESS: process, PayWay.RESULT: result}, even, draws, seed)


def _growth(rate: float, years: int) -> Numbers:
    """What 1 of each year (row) has grown to at the end of each (column)."""
    since = np.arange(years)[None, :] - np.arange(years)[:, None]
    return np.where(since >= 0, (1.0 + rate) ** np.maximum(since, 0), 0.0)


def _per_10000(area: Numbers, money: Numbers, unit: float) -> Numbers:
    yuan = money * unit
    share: Numbers = np.full(len(area), np.nan)
    np.divide(area * 10_000, yuan, out=share, where=yuan > 0)
    return share


def _spread(values: Numbers) -> Spread:
    known = values[np.isfinite(values)]
    if not known.size:
        return (np.nan, np.nan, np.nan)
    low, high = np.quantile(known, [0.05, 0.95])
    return float(known.mean()), float(low), float(high)


def _same(value: float) -> Spread:
    return (float(value),) * 3
