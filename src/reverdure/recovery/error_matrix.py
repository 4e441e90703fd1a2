"""What answers from the field say of a map: error matrix, accuracies, adjusted areas.

All estimators are those of a stratified random sample. Where strata are the map classes
they are equations 4 to 11 of Olofsson et al. (2014, Remote Sens. Environ. 148:42-57,
doi:10.1016/j.rse.2014.02.015); where a map class is split into several strata, those of
Stehman (2014, Int. J. Remote Sens. 35:4923-4939, doi:10.1080/01431161.2014.930207), of
which the former are the special case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from reverdure.core.errors import InvalidInput

_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its standard error and interval, all in the unit of `value`."""

    value: float
    se: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ErrorMatrix:
    """Map against field.

    Attributes
    ----------
    classes : tuple of str
        Order of rows (map) and columns (field).
    counts : (map, field) int64
        Plots.
    proportions : (map, field) float64
        Estimated shares of the area (eq. 4 and 8), sum 1; NaN rows do not occur.
    overall : Estimate
        Overall accuracy (eq. 1 and 5).
    users, producers : tuple of Estimate
        By class (eq. 2, 6 and 3, 7); NaN where no plot bears on it.
    area_ha : tuple of Estimate
        Error-adjusted area of each class (eq. 9 to 11), [ha].
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    proportions: NDArray[np.float64]
    overall: Estimate
    users: tuple[Estimate, ...]
    producers: tuple[Estimate, ...]
    area_ha: tuple[Estimate, ...]


def error_matrix(
    mapped: Sequence[str],
    found: Sequence[str],
    stratum: Sequence[str],
    area_ha: Mapping[str, float],
    confidence: float = 0.95,
) -> ErrorMatrix:
    """Error matrix of a stratified random sample, with everything that follows from it.

    Parameters
    ----------
    mapped, found : sequence of str
        Class of each plot on the map and in the field.
    stratum : sequence of str
        Stratum each plot was drawn from; a stratum holds one map class.
    area_ha : mapping
        Area of each stratum, [ha]. All strata need at least two plots.
    confidence : float, default 0.95
        Of the intervals: estimate plus and minus a normal quantile of standard errors.

    Raises
    ------
    InvalidInput
        If a plot's stratum has no area, or a stratum has fewer than two plots.

    Examples
    --------
    >>> found = error_matrix(["a"] * 4 + ["b"] * 4, list("aaabbbbb"), list("11112222"),
    ...                      {"1": 30.0, "2": 10.0})
    >>> found.counts.tolist(), float(found.area_ha[0].value)
    ([[3, 1], [0, 4]], 22.5)
    """
    classes = tuple(sorted({*mapped, *found}))
    on_map, in_field = np.asarray(mapped, object), np.asarray(found, object)
    sample = StratifiedSample.of(stratum, area_ha)
    z = float(ndtri(0.5 + confidence / 2))
    counts = np.array(
        [[int(((on_map == i) & (in_field == j)).sum()) for j in classes] for i in classes],
        np.int64,
    )

    def share(of: NDArray[np.bool_], among: NDArray[np.bool_] | None = None) -> Estimate:
        whole = np.ones(of.size) if among is None else among.astype(float)
        return _bounded(*sample.ratio(of.astype(float), whole), z, 1.0)

    proportions = np.array(
        [[share((on_map == i) & (in_field == j)).value for j in classes] for i in classes]
    )
    right = on_map == in_field
    total = sample.area.sum()
    areas = [sample.ratio((in_field == j).astype(float), np.ones(right.size)) for j in classes]
    return ErrorMatrix(
        classes,
        counts,
        proportions,
        share(right),
        tuple(share(right & (on_map == i), on_map == i) for i in classes),
        tuple(share(right & (in_field == j), in_field == j) for j in classes),
        tuple(_bounded(value * total, se * total, z, total) for value, se in areas),
    )


def _bounded(value: float, se: float, z: float, most: float) -> Estimate:
    return Estimate(value, se, max(value - z * se, 0.0), min(value + z * se, most))


@dataclass(frozen=True, slots=True)
class StratifiedSample:
    """Plots and the strata they were drawn from.

    Attributes
    ----------
    stratum : (plot,) int64
        Position of the plot's stratum.
    area : (stratum,) float64
        [ha].
    n : (stratum,) int64
        Plots of each.
    """

    stratum: NDArray[np.int64]
    area: NDArray[np.float64]
    n: NDArray[np.int64]

    @classmethod
    def of(cls, stratum: Sequence[str], area_ha: Mapping[str, float]) -> "StratifiedSample":
        """Plots by the name of their stratum.

        Raises
        ------
        InvalidInput
            If a plot's stratum has no area, or a stratum has fewer than two plots.
        """
        names = list(area_ha)
        unknown = sorted(set(stratum) - set(names))
        if unknown:
            raise InvalidInput(f"stratum {unknown[0]!r} has plots but no area.")
        position = np.array([names.index(name) for name in stratum], np.int64)
        n = np.bincount(position, minlength=len(names))
        if (n < 2).any():
            name = names[int(np.argmax(n < 2))]
            raise InvalidInput(
                f"stratum {name!r} has {int(n.min())} plots; two is the least for an error.",
                "Answer more of its plots, or leave the stratum out and say so.",
            )
        return cls(position, np.array([area_ha[name] for name in names], float), n)

    def _means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(self.stratum, weights=values, minlength=self.n.size) / self.n

    def ratio(self, y: NDArray[np.float64], x: NDArray[np.float64]) -> tuple[float, float]:
        """Ratio of two totals over the ground, and its standard error.

        Parameters
        ----------
        y, x : (plot,) float64
            With x = 1 throughout: the share of the ground that y is (eq. 9 and 10).

        Returns
        -------
        (float, float)
            Stehman (2014) eq. 27 and 28, without finite population correction; NaN where
            no plot has x.

        Examples
        --------
        >>> sample = StratifiedSample.of(list("1122"), {"1": 3.0, "2": 1.0})
        >>> sample.ratio(np.array([1.0, 0, 0, 0]), np.ones(4))[0]
        0.375
        """
        below = float(self.area @ self._means(x))
        if below == 0:
            return np.nan, np.nan
        value = float(self.area @ self._means(y)) / below
        rest = y - value * x
        squares = np.bincount(
            self.stratum, weights=(rest - self._means(rest)[self.stratum]) ** 2,
            minlength=self.n.size,
        )  # fmt: skip
        variance = squares / (self.n - 1) / self.n
        return value, float(np.sqrt(self.area**2 @ variance)) / below


def adjusted_area(
    restored: NDArray[np.float64],
    inside: NDArray[np.bool_],
    sample: StratifiedSample,
    inside_ha: NDArray[np.float64],
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Restored area of a programme or of a part of it, corrected by the field.

    Parameters
    ----------
    restored : (plot,) float64
        1 where the field found restored ground, else 0.
    inside : (plot,) bool
        Plots that lie in the part; all of them for the whole.
    sample : StratifiedSample
    inside_ha : (stratum,) float64
        Known area of the part in each stratum, [ha].
    confidence : float, default 0.95
    seed : int, default 0
        Of the draws of the interval.

    Returns
    -------
    Estimate
        In hectares. Value and error: equations 9 to 11 for the whole, the combined ratio
        estimator times the known area for a part (Cochran 1977, Sampling Techniques,
        6.11). Interval: what covers both the normal interval and the equal-tailed one
        with Jeffreys' prior in every stratum (Brown, Cai & DasGupta 2001, Stat. Sci.
        16:101-133, doi:10.1214/ss/1009213286): ten plots that all agree leave doubt,
        of which the normal interval knows nothing.

    Examples
    --------
    >>> sample = StratifiedSample.of(["1"] * 10, {"1": 100.0})
    >>> found = adjusted_area(np.ones(10), np.ones(10, bool), sample, np.array([100.0]))
    >>> found.value, found.se, 70 < found.low < 80
    (100.0, 0.0, True)
    """
    z = float(ndtri(0.5 + confidence / 2))
    whole = float(inside_ha.sum())
    ratio, se = sample.ratio(restored * inside, inside.astype(float))
    n = np.bincount(sample.stratum, weights=inside, minlength=sample.n.size)
    k = np.bincount(sample.stratum, weights=restored * inside, minlength=sample.n.size)
    rng = np.random.default_rng(seed)
    draws = rng.beta(k + 0.5, n - k + 0.5, size=(_DRAWS, n.size)) @ inside_ha
    low, high = np.quantile(draws, (0.5 - confidence / 2, 0.5 + confidence / 2))
    value, error = ratio * whole, se * whole
    return Estimate(
        value,
        error,
        max(min(value - z * error, float(low)), 0.0),
        min(max(value + z * error, float(high)), whole),
    )
