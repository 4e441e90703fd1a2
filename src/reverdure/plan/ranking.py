"""Ranking of mines by several criteria, for those who must show one, and how far it holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reverdure.core.errors import InvalidInput, UnknownOption

Floats = NDArray[np.float64]

RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
"""Mean consistency index of random comparisons of 1 to 10 criteria (Saaty 1980)."""
LARGEST_RATIO = 0.10
"""Comparisons of this consistency ratio or more are refused (Saaty 1980)."""
NORMALISATIONS = ("vector", "min_max")
_SHIFT = 1e-3


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Weights from comparisons by pairs.

    Attributes
    ----------
    weights : tuple of float
        Add up to 1.
    eigenvalue, index, ratio : float
        Largest eigenvalue, consistency index and consistency ratio.
    """

    weights: tuple[float, ...]
    eigenvalue: float
    index: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Alternatives in order.

    Attributes
    ----------
    ids : tuple of str
        As given.
    score : tuple of float
        Higher is better.
    rank : tuple of int
        1 is best; equal scores share the better rank.
    method : str
        What it was made with, the normalisation included.
    weights : tuple of float
    """

    ids: tuple[str, ...]
    score: tuple[float, ...]
    rank: tuple[int, ...]
    method: str
    weights: tuple[float, ...] = ()


def ahp_weights(matrix: ArrayLike, largest_ratio: float = LARGEST_RATIO) -> Comparisons:
    """Weights of criteria from comparisons by pairs: the analytic hierarchy process.

    Parameters
    ----------
    matrix : (n, n) float
        How many times the row counts more than the column; 1 / 9 to 9, reciprocal.
    largest_ratio : float
        Comparisons as inconsistent as this, or more, are refused.

    Returns
    -------
    Comparisons

    Raises
    ------
    InvalidInput
        If the matrix is not square, positive and reciprocal, has more than 10 criteria, or is
        too inconsistent.

    References
    ----------
    Saaty (2008), Decision making with the analytic hierarchy process, Int. J. Services
    Sciences 1, 83-98, doi:10.1504/IJSSCI.2008.017590.

    Examples
    --------
    >>> found = ahp_weights([[1, 1 / 3, 5], [3, 1, 7], [1 / 5, 1 / 7, 1]])
    >>> [round(weight, 4) for weight in found.weights], round(found.ratio, 4)
    ([0.279, 0.6491, 0.0719], 0.0559)
    """
    table = np.asarray(matrix, float)
    n = table.shape[0] if table.ndim == 2 else 0
    if table.shape != (n, n) or not 1 <= n <= len(RANDOM_INDEX):
        raise InvalidInput(
            f"comparisons need a square matrix of 1 to {len(RANDOM_INDEX)} criteria, got shape "
            f"{table.shape}."
        )
    if not (np.isfinite(table) & (table > 0)).all():
        raise InvalidInput("every comparison is a number above 0.", "Write 1 where both are equal.")
    if not np.allclose(table * table.T, 1.0, rtol=0.02, atol=0.0):
        row, column = (int(at[0]) for at in np.nonzero(abs(table * table.T - 1) > 0.02))
        raise InvalidInput(
            f"comparison {row + 1}, {column + 1} is {table[row, column]:g}, its counterpart "
            f"{table[column, row]:g}; each must be one over the other."
        )
    values, vectors = np.linalg.eig(table)
    first = int(np.argmax(values.real))
    weights = abs(vectors[:, first].real)
    largest = float(values[first].real)
    index = (largest - n) / (n - 1) if n > 1 else 0.0
    ratio = index / RANDOM_INDEX[n - 1] if n > 2 else 0.0
    if ratio >= largest_ratio:
        raise InvalidInput(
            f"the comparisons contradict each other: consistency ratio {ratio:.3f}, allowed is "
            f"under {largest_ratio:g}.",
            "Ask again about the pairs that differ most from the product of the others.",
        )
    return Comparisons(tuple(map(float, weights / weights.sum())), largest, index, ratio)


def entropy_weights(criteria: ArrayLike) -> tuple[float, ...]:
    """Weights of criteria by how much they tell alternatives apart.

    Parameters
    ----------
    criteria : (alternative, criterion) float

    Returns
    -------
    tuple of float
        0 for a criterion that is the same everywhere.

    Raises
    ------
    InvalidInput
        If a number is missing, there are fewer than 2 alternatives, or nothing differs.

    Notes
    -----
    `p = x / sum(x)`, `e = -sum(p ln p) / ln m`, `w = (1 - e) / sum(1 - e)` (Shannon 1948;
    Zeleny 1982). A column with negative numbers is first brought to 0..1 plus 0.001.

    Examples
    --------
    >>> table = [[250, 16, 12, 5], [200, 16, 8, 3], [300, 32, 16, 4], [275, 32, 8, 4],
    ...          [225, 16, 16, 2]]
    >>> [round(weight, 4) for weight in entropy_weights(table)]
    [0.0639, 0.3788, 0.2879, 0.2693]
    """
    table = _table(criteria)
    if table.shape[0] < 2:
        raise InvalidInput(f"entropy needs 2 alternatives or more, got {table.shape[0]}.")
    constant = np.ptp(table, axis=0) == 0
    for column in np.flatnonzero((table < 0).any(axis=0) & ~constant):
        table[:, column] = _min_max(table[:, column]) + _SHIFT
    share = table / np.where(constant, 1.0, table.sum(axis=0))
    terms = np.where(share > 0, share * np.log(np.where(share > 0, share, 1.0)), 0.0)
    told = np.where(constant, 0.0, 1 + terms.sum(axis=0) / np.log(table.shape[0]))
    if not told.sum() > 0:
        raise InvalidInput("no criterion differs between the alternatives.")
    return tuple(map(float, told / told.sum()))


def combined_weights(
    asked: Sequence[float], measured: Sequence[float], alpha: float = 0.5
) -> dict[str, tuple[float, ...]]:
    """Weights that people gave and weights the numbers give as one, both ways.

    Returns
    -------
    dict
        "product": proportional to the product; "mean": `alpha * asked + (1 - alpha) * measured`.

    Raises
    ------
    InvalidInput
        If they are not equally many, alpha is no share, or no criterion has weight in both.

    Examples
    --------
    >>> both = combined_weights([0.5, 0.3, 0.2], [0.2, 0.3, 0.5])
    >>> [round(weight, 4) for weight in both["product"]], both["mean"]
    ([0.3448, 0.3103, 0.3448], (0.35, 0.3, 0.35))
    """
    one, other = _weights(asked, len(asked)), _weights(measured, len(asked))
    if not 0 <= alpha <= 1:
        raise InvalidInput(f"alpha must lie in 0 to 1, got {alpha:g}.")
    product = one * other
    if not product.sum() > 0:
        raise InvalidInput("no criterion has weight in both lists.")
    return {
        "product": tuple(map(float, product / product.sum())),
        "mean": tuple(map(float, alpha * one + (1 - alpha) * other)),
    }


def topsis(
    ids: Sequence[str],
    criteria: ArrayLike,
    weights: Sequence[float],
    is_cost: Sequence[bool],
    normalisation: str = "vector",
) -> Ranking:
    """Rank by closeness to the best and distance from the worst of every criterion.

    Parameters
    ----------
    ids : sequence of str
    criteria : (alternative, criterion) float
    weights : sequence of float
        Brought to a sum of 1.
    is_cost : sequence of bool
        Where less is better.
    normalisation : str
        "vector" (over the root of the sum of squares) or "min_max". The order can hang on it,
        so it stands in the result.

    Returns
    -------
    Ranking

    Raises
    ------
    UnknownOption
        If the normalisation is another.
    InvalidInput
        If a number is missing or the lists do not fit.

    References
    ----------
    Hwang & Yoon (1981), Multiple attribute decision making, doi:10.1007/978-3-642-48318-9.

    Examples
    --------
    >>> table = [[250, 16, 12, 5], [200, 16, 8, 3], [300, 32, 16, 4], [275, 32, 8, 4],
    ...          [225, 16, 16, 2]]
    >>> cost = [True, False, False, False]
    >>> found = topsis("ABCDE", table, [0.25] * 4, cost)
    >>> [round(score, 4) for score in found.score], found.rank
    ([0.5343, 0.3084, 0.6916, 0.5347, 0.401], (3, 5, 1, 2, 4))
    """
    table = _table(criteria)
    score = _closeness(*_normalised(table, is_cost, normalisation), weights)
    return _ranking(
        ids, score, f"topsis, {normalisation}", tuple(_weights(weights, table.shape[1]))
    )


def benefit_cost_ranking(ids: Sequence[str], benefit: ArrayLike, cost: ArrayLike) -> Ranking:
    """Rank by benefit over cost, both as present values in one currency and price year.

    Raises
    ------
    InvalidInput
        If a number is missing or a cost is not above zero: nothing is free.

    Notes
    -----
    Benefit is what the services of the land gain: direct and indirect ones. Leaving out the
    indirect ones can turn a sum (Ecological Indicators, Sept. 2024, Longshan mining area: 0.34
    direct, indirect 3.13 times as much, 1.40 together).

    Examples
    --------
    >>> benefit_cost_ranking(["a", "b"], [140.0, 90.0], [100.0, 60.0]).rank
    (2, 1)
    """
    gain, price = np.asarray(benefit, float), np.asarray(cost, float)
    if gain.shape != (len(ids),) or price.shape != gain.shape:
        raise InvalidInput(
            f"there are {len(ids)} ids, {gain.size} benefits and {price.size} costs."
        )
    if not np.isfinite(gain).all() or not (np.isfinite(price) & (price > 0)).all():
        raise InvalidInput(
            "benefits must be numbers and costs numbers above 0.",
            "Leave out what has no cost yet, or survey it.",
        )
    return _ranking(ids, gain / price, "benefit over cost")


def with_indirect(direct_ratio: float, indirect_per_direct: float) -> float:
    """Benefit over cost with indirect benefits, given as a multiple of the direct ones.

    Examples
    --------
    >>> round(with_indirect(0.34, 3.13), 3)
    1.404
    """
    return direct_ratio * (1 + indirect_per_direct)


def rank_robustness(
    criteria: ArrayLike,
    is_cost: Sequence[bool],
    best: int,
    weights: Sequence[float] | None = None,
    *,
    normalisation: str = "vector",
    draws: int = 1000,
    concentration: float = 1.0,
    seed: int = 0,
) -> Floats:
    """Chance that each alternative stays among the best under other weights.

    Parameters
    ----------
    criteria, is_cost, normalisation
        As for `topsis`.
    best : int
        Ranks 1 to this count.
    weights : sequence of float, optional
        Weights the draws lie around; none: all weights are equally likely.
    draws : int
    concentration : float
        With weights, draws are Dirichlet(concentration x criteria x weight): higher is closer.
    seed : int

    Returns
    -------
    (alternative,) float
        P(rank <= best).

    Raises
    ------
    InvalidInput
        If `best` lies outside the ranks, there are no draws, or a weight is not above zero.

    Examples
    --------
    >>> table = [[1, 9, 9], [2, 5, 8], [3, 1, 1]]
    >>> rank_robustness(table, [True, False, False], best=1).tolist()
    [1.0, 0.0, 0.0]
    """
    table = _table(criteria)
    alternatives, count = table.shape
    if not 1 <= best <= alternatives or draws < 1 or not concentration > 0:
        raise InvalidInput(
            f"{draws} draws for rank {best} of {alternatives} alternatives cannot be made."
        )
    around = np.full(count, 1.0) if weights is None else count * _weights(weights, count)
    if not (around > 0).all():
        raise InvalidInput("a weight of 0 leaves nothing to draw.", "Leave the criterion out.")
    normal, cost = _normalised(table, is_cost, normalisation)
    drawn = np.random.default_rng(seed).dirichlet(concentration * around, draws)
    within = np.zeros(alternatives)
    for one in drawn:
        within += _ranks(_closeness(normal, cost, one)) <= best
    return within / draws


def _closeness(normal: Floats, is_cost: NDArray[np.bool_], weights: ArrayLike) -> Floats:
    weighted = normal * _weights(weights, normal.shape[1])
    high, low = weighted.max(axis=0), weighted.min(axis=0)
    ideal, worst = np.where(is_cost, low, high), np.where(is_cost, high, low)
    near = np.sqrt(((weighted - ideal) ** 2).sum(axis=1))
    far = np.sqrt(((weighted - worst) ** 2).sum(axis=1))
    both = near + far
    # where nothing differs all are as good as each other
    return np.where(both > 0, far / np.where(both > 0, both, 1.0), 0.5)


def _normalised(
    table: Floats, is_cost: Sequence[bool], normalisation: str
) -> tuple[Floats, NDArray[np.bool_]]:
    cost = np.asarray(is_cost, bool)
    if cost.shape != table.shape[1:]:
        raise InvalidInput(f"{cost.size} directions do not fit {table.shape[1]} criteria.")
    if normalisation == "vector":
        size = np.sqrt((table**2).sum(axis=0))
        return np.divide(table, np.where(size > 0, size, 1.0)), cost
    if normalisation == "min_max":
        return np.column_stack([_min_max(column) for column in table.T]), cost
    raise UnknownOption(
        f"normalisation {normalisation!r} is not known; use one of {', '.join(NORMALISATIONS)}."
    )


def _min_max(column: Floats) -> Floats:
    low, width = column.min(), np.ptp(column)
    return (column - low) / width if width else np.zeros(column.shape)


def _ranking(
    ids: Sequence[str], score: Floats, method: str, weights: tuple[float, ...] = ()
) -> Ranking:
    if len(ids) != score.size or len(set(ids)) != len(ids):
        raise InvalidInput(f"{score.size} alternatives need as many different ids, got {len(ids)}.")
    return Ranking(
        tuple(ids), tuple(map(float, score)), tuple(map(int, _ranks(score))), method,
        tuple(map(float, weights)),
    )  # fmt: skip


def _ranks(score: Floats) -> NDArray[np.int64]:
    """1 for the best; equal scores, up to rounding, share the better rank."""
    ordered = np.sort(-score.round(12))
    return np.asarray(np.searchsorted(ordered, -score.round(12), side="left") + 1, np.int64)


def _table(criteria: ArrayLike) -> Floats:
    table = np.array(criteria, float)
    if table.ndim != 2 or not table.size:
        raise InvalidInput(f"criteria need a table of alternatives by criteria, got {table.shape}.")
    if not np.isfinite(table).all():
        raise InvalidInput(
            f"{int((~np.isfinite(table)).any(axis=1).sum())} alternatives lack a criterion.",
            "Leave them out and rank them when they were surveyed: missing is not worst.",
        )
    return table


def _weights(weights: ArrayLike, count: int) -> Floats:
    given = np.asarray(weights, float)
    if given.shape != (count,) or not (np.isfinite(given) & (given >= 0)).all() or not given.sum():
        raise InvalidInput(
            f"{count} criteria need {count} weights, none below 0 and not all 0, got "
            f"{given.tolist()}."
        )
    return np.asarray(given / given.sum(), np.float64)
