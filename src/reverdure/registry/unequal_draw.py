"""A sample with unequal, known chances: systematic, probability proportional to size.

Madow (1949, Ann. Math. Statist. 20:333-354, doi:10.1214/aoms/1177729988); in random order,
as Hartley & Rao (1962, Ann. Math. Statist. 33:350-374, doi:10.1214/aoms/1177704564) have
it. Procedures 1 and 2 in Brewer & Hanif (1983, Sampling with Unequal Probabilities,
doi:10.1007/978-1-4684-9407-5).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reverdure.core.errors import InvalidInput

_SURE = 1.0 - 1e-9
_HEX_DIGITS = 13  # 52 bits: every one of them fits a double


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample and its chances.

    Attributes
    ----------
    probability : mapping of str to float
        Inclusion probability of every unit.
    chosen : frozenset of str
    """

    probability: Mapping[str, float]
    chosen: frozenset[str]


def inclusion_probabilities(sizes: ArrayLike, n: int) -> NDArray[np.float64]:
    """Chances in proportion to size that sum to the size of the sample, none above 1.

    Parameters
    ----------
    sizes : array_like
        Of each unit, positive.
    n : int
        Units to be drawn, at most as many as there are.

    Returns
    -------
    ndarray
        min(1, c * size), with c such that they sum to `n` (Brewer & Hanif 1983, sec. 1.6):
        what would exceed 1 is certain, and the rest is shared by the others.

    Raises
    ------
    InvalidInput
        If a size is not positive or `n` is not between 0 and the number of units.

    Examples
    --------
    >>> inclusion_probabilities([8, 1, 1, 2], 2).tolist()
    [1.0, 0.25, 0.25, 0.5]
    """
    size = np.asarray(sizes, float)
    if not 0 <= n <= size.size:
        raise InvalidInput(f"{n} of {size.size} units cannot be drawn.")
    if not (np.isfinite(size).all() and (size > 0).all()):
        raise InvalidInput("a unit without a positive size has no chance to be drawn.")
    order = np.argsort(-size, kind="stable")
    rest = np.cumsum(size[order][::-1])[::-1]
    # the k largest are certain as long as the next one would exceed 1 beside them
    places = n - np.arange(size.size)
    over = places * size[order] >= rest
    certain = int(np.argmin(over)) if not over.all() else size.size
    certain = min(certain, n)
    chance = np.ones(size.size)
    if certain < size.size:
        others = order[certain:]
        chance[others] = (n - certain) * size[others] / size[others].sum()
    return np.minimum(chance, 1.0)


def draw(sizes: Mapping[str, float], n: int, seed: str, certain: Sequence[str] = ()) -> Drawn:
    """Draw units, some for certain and the rest in proportion to size.

    Parameters
    ----------
    sizes : mapping of str to float
        Positive size by unit.
    n : int
        Units to draw; all of them where there are no more.
    seed : str
        Equal seeds give equal samples, in whatever order the units come.
    certain : sequence of str
        Units that are taken first. Where they are more than `n`, all is drawn among
        them and the others have no chance.

    Returns
    -------
    Drawn
        Every unit that may be drawn has a known chance, so that a total is estimated by
        the sum of values over chances (Horvitz & Thompson 1952, J. Am. Stat. Assoc.
        47:663-685, doi:10.1080/01621459.1952.10483446).

    Examples
    --------
    >>> found = draw({"a": 8, "b": 1, "c": 1, "d": 2}, 2, "2026-05")
    >>> "a" in found.chosen, len(found.chosen), found.probability["b"]
    (True, 2, 0.25)
    """
    units = sorted(sizes)
    first = sorted(set(certain))
    among = first if len(first) >= n else units
    n = min(n, len(among))
    weight = np.array([sizes[unit] for unit in among])
    chance = np.ones(len(among))
    open_to = np.array([len(first) >= n or unit not in set(first) for unit in among], bool)
    taken = int((~open_to).sum())
    chance[open_to] = inclusion_probabilities(weight[open_to], n - taken)
    by_unit = dict.fromkeys(units, 0.0) | dict(zip(among, chance.tolist(), strict=True))
    return Drawn(by_unit, _systematic(by_unit, n, seed))


def _systematic(chances: Mapping[str, float], n: int, seed: str) -> frozenset[str]:
    """Lay the chances end to end in random order; take what holds u, u + 1, u + 2 ..."""
    sure = {unit for unit, chance in chances.items() if chance >= _SURE}
    rest = sorted(
        (unit for unit, chance in chances.items() if 0 < chance < _SURE),
        key=lambda unit: (_uniform(seed, "order", unit), unit),
    )
    if n == len(sure) or not rest:
        return frozenset(sure)
    ends = np.cumsum([chances[unit] for unit in rest])
    # the sum is a whole number but for rounding: the last end must not miss the last step
    ends *= (n - len(sure)) / ends[-1]
    steps = _uniform(seed, "start") + np.arange(n - len(sure))
    hit = np.minimum(np.searchsorted(ends, steps, side="right"), len(rest) - 1)
    return frozenset(sure | {rest[place] for place in hit})


def _uniform(*parts: str) -> float:
    """A number in [0, 1) that hangs on these words alone."""
    text = "\x1f".join(parts)
    return int(hashlib.sha256(text.encode()).hexdigest()[:_HEX_DIGITS], 16) / 16.0**_HEX_DIGITS
