"""What a stream of money over years is worth: NPV, every IRR, MIRR, payback, loans, cover.

A stream is one number a year, the first of them now: below zero is paid, above it received.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reverdure.core.codes import IrrStatus
from reverdure.core.errors import InvalidInput

_REAL = 1e-7
"""A root whose imaginary part is smaller is taken as real."""


@dataclass(frozen=True, slots=True)
class Irr:
    """Rates at which a stream is worth nothing.

    Attributes
    ----------
    roots : tuple of float
        Every rate above -100 %, lowest first.
    status : IrrStatus
        `UNIQUE` only where the sign changes once; of several roots none is the return.
    """

    roots: tuple[float, ...]
    status: IrrStatus

    @property
    def rate(self) -> float | None:
        """The rate where it is the only one, None else."""
        return self.roots[0] if self.status is IrrStatus.UNIQUE else None


def npv(rate: float, flows: ArrayLike) -> float:
    """Net present value; the first of the flows is not discounted.

    Raises
    ------
    InvalidInput
        If a flow is missing or the rate is -100 % or below.

    Examples
    --------
    >>> round(npv(0.08, [-1000, -500, 200, 350, 450, 500, 500]), 3)
    -27.514
    """
    stream = _stream(flows)
    return float(stream @ _discount(rate, stream.size))


def irr(flows: ArrayLike) -> Irr:
    """Every internal rate of return above -100 %.

    Notes
    -----
    Descartes' rule: one change of sign, one root. With more there may be several, none of
    which is the return; use `mirr` then.

    Examples
    --------
    >>> found = irr([-100, 39, 59, 55, 20])
    >>> round(found.rate, 7), found.status.key
    (0.2809484, 'unique')
    >>> [round(root, 6) for root in irr([-100, 230, -132]).roots]
    [0.1, 0.2]
    """
    stream = _stream(flows)
    signs = np.sign(stream[stream != 0])
    changes = int((signs[1:] != signs[:-1]).sum())
    if changes == 0:
        return Irr((), IrrStatus.NO_ROOT)
    # as a polynomial of the discount factor; zeros at either end have no root of their own
    used = np.trim_zeros(stream)
    factors = np.roots(used[::-1])
    positive = factors[(abs(factors.imag) < _REAL * abs(factors)) & (factors.real > 0)].real
    roots = tuple(sorted(float(1 / factor - 1) for factor in positive))
    if not roots:
        return Irr((), IrrStatus.NO_ROOT)
    return Irr(roots, IrrStatus.UNIQUE if changes == 1 else IrrStatus.SEVERAL_SIGNS)


def mirr(flows: ArrayLike, finance_rate: float, reinvest_rate: float) -> float | None:
    """Modified internal rate of return; None where nothing is paid or nothing received.

    Examples
    --------
    >>> round(mirr([-4500, -800, 800, 800, 600, 600, 800, 800, 700, 3000], 0.08, 0.055), 4)
    0.0666
    """
    stream = _stream(flows)
    last = stream.size - 1
    paid = -float(np.minimum(stream, 0) @ _discount(finance_rate, stream.size))
    got = float(np.maximum(stream, 0) @ _discount(reinvest_rate, stream.size))
    if not paid or not got:
        return None
    return float((got * (1 + reinvest_rate) ** last / paid) ** (1 / last) - 1)


def benefit_cost(rate: float, flows: ArrayLike) -> float | None:
    """Present value received over present value paid; None where nothing is paid.

    Examples
    --------
    >>> round(benefit_cost(0.08, [-1000, -500, 200, 350, 450, 500, 500]), 5)
    0.98119
    """
    stream = _stream(flows)
    factors = _discount(rate, stream.size)
    paid = -float(np.minimum(stream, 0) @ factors)
    return float(np.maximum(stream, 0) @ factors) / paid if paid else None


def payback_years(flows: ArrayLike, rate: float = 0.0) -> float | None:
    """Years until what was paid is back for good; None where it never is.

    Notes
    -----
    Within the year money is taken to come evenly. A later year may make a debt again: what
    counts is the last time the sum turns positive.

    Examples
    --------
    >>> payback_years([-100, 60, 80]), payback_years([-100, 60]), payback_years([10, 5])
    (1.5, None, 0.0)
    """
    stream = _stream(flows)
    total = np.cumsum(stream * _discount(rate, stream.size))
    owing = np.flatnonzero(total < 0)
    if not owing.size:
        return 0.0
    last = int(owing[-1])
    if last == total.size - 1:
        return None
    return float(last - total[last] / (total[last + 1] - total[last]))


def levelised_cost(rate: float, costs: ArrayLike, recovered_ha: ArrayLike) -> float | None:
    """Cost of a recovered hectare for a year, both discounted; None where none recovers.

    Parameters
    ----------
    rate : float
    costs : (year,) float
        Above zero is paid.
    recovered_ha : (year,) float
        Hectares that are recovered in each year.

    Examples
    --------
    >>> levelised_cost(0.0, [300.0, 0.0, 0.0], [0.0, 1.0, 2.0])
    100.0
    """
    paid, area = _stream(costs), _stream(recovered_ha)
    if paid.size != area.size:
        raise InvalidInput(f"there are {paid.size} years of cost and {area.size} of hectares.")
    factors = _discount(rate, paid.size)
    years = float(area @ factors)
    return float(paid @ factors) / years if years > 0 else None


def annuity(rate: float, years: int, loan: float) -> float:
    """What is paid back each year, interest and principal together, the same every year.

    Examples
    --------
    >>> round(annuity(0.045, 15, 70e6) / 1e6, 5)
    6.51797
    >>> round(-annuity(0.075 / 12, 12 * 15, 200_000), 4)
    -1854.0247
    """
    if years < 1:
        raise InvalidInput(f"a loan is paid back in 1 year or more, got {years}.")
    return loan / annuity_factor(rate, years)


def annuity_factor(rate: float, years: int) -> float:
    """Present value of 1 paid at the end of each year.

    Examples
    --------
    >>> annuity_factor(0.0, 3), round(annuity_factor(0.05, 2), 6)
    (3.0, 1.85941)
    """
    _discount(rate, 1)
    return float(years) if rate == 0 else -math.expm1(-years * math.log1p(rate)) / rate


def cover_ratio(cash: float, service: float) -> float | None:
    """Cash available for debt service over the debt service; None without debt.

    Examples
    --------
    >>> round(cover_ratio(9e6, annuity(0.045, 15, 70e6)), 4), cover_ratio(9e6, 0.0)
    (1.3808, None)
    """
    return cash / service if service else None


def loan_capacity(cash: Sequence[float], rate: float, cover: float) -> float:
    """Largest loan, paid back evenly over these years, that keeps the cover in each of them.

    Examples
    --------
    >>> loan = loan_capacity([9e6] * 15, 0.045, cover=1.2)
    >>> round(9e6 / annuity(0.045, 15, loan), 6)
    1.2
    """
    if not cover > 0:
        raise InvalidInput(f"a cover ratio lies above 0, got {cover:g}.")
    least = max(min(cash, default=0.0), 0.0)
    return least / cover * annuity_factor(rate, len(cash))


def _stream(flows: ArrayLike) -> NDArray[np.float64]:
    stream = np.atleast_1d(np.asarray(flows, float))
    if stream.ndim != 1 or not stream.size or not np.isfinite(stream).all():
        raise InvalidInput(
            f"a stream of money needs a number for every year, got {stream.tolist()}."
        )
    return stream


def _discount(rate: float, years: int) -> NDArray[np.float64]:
    if not rate > -1 or math.isinf(rate):
        raise InvalidInput(f"a rate lies above -100 %, got {rate:g}.", "Write 8 % as 0.08.")
    return (1.0 + rate) ** -np.arange(years, dtype=np.float64)
