"""What the observations themselves say: noise of a group of mines, pace of each mine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from reverdure.control.states import Course, Floats, estimate_states
from reverdure.core.codes import FitStatus
from reverdure.core.errors import InvalidInput

FEWEST = 20
"""Observations a group, or a sensor in it, needs before its noise is fitted."""
_WIDEST = 4.0
"""Natural logarithm of how far a fit may move from where it starts, either way."""
_PACES = 41
_SPREADS = (0.05, 1.2)


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise of a group of mines.

    Attributes
    ----------
    q : float
        Standard deviation of what a year adds by chance.
    sensors : tuple of float
        Factor on the assumed standard deviation of each sensor.
    likelihood : float
        Log-likelihood of the group's observations.
    mines, observations : int
    status : FitStatus
    """

    q: float
    sensors: tuple[float, ...]
    likelihood: float
    mines: int
    observations: int
    status: FitStatus


@dataclass(frozen=True, slots=True)
class Paces:
    """Pace of each mine, drawn towards that of its group.

    Attributes
    ----------
    kappa, kappa_sd : (mine,) float, [1/year]
        If its works took.
    p_failed : (mine,) float
        Chance that they did not.
    group_kappa, group_spread : dict of group to float
        Median of the group's works that took, and the standard deviation of ln kappa.
    status : (mine,) uint8
        FitStatus: TOO_FEW where the mine was not seen under works, so has its group's.
    """

    kappa: Floats
    kappa_sd: Floats
    p_failed: Floats
    group_kappa: dict[str, float]
    group_spread: dict[str, float]
    status: NDArray[np.uint8]


def fit_noise(
    observed: ArrayLike,
    noise: ArrayLike,
    course: Course,
    group: Sequence[str],
    fewest: int = FEWEST,
) -> dict[str, Noise]:
    """Fit the chance of a year and the noise of each sensor, group by group.

    Parameters
    ----------
    observed : (mine, year, sensor) float
    noise : float, broadcast to the same
        Assumed standard deviation; one factor for each sensor is fitted to it.
    course : Course
        Its q, which must lie above zero, is where the search begins.
    group : sequence of str
        Group of each mine, for example its measure.
    fewest : int
        With fewer observations a group, or a sensor in it, keeps what was assumed.

    Returns
    -------
    dict of group to Noise

    Raises
    ------
    InvalidInput
        If groups do not fit the mines or q is not above zero.

    Notes
    -----
    Maximum likelihood by prediction errors (Harvey 1989, 3.4), Nelder-Mead in logarithms,
    within a factor of 55 either way.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> state = 0.5 + np.cumsum(rng.normal(0, 0.05, (200, 10)), axis=1)
    >>> seen = (state + rng.normal(0, 0.10, state.shape))[:, :, None]
    >>> course = Course([0.5] * 200, [0.01] * 200, [0.0] * 200, [0.0] * 200, [0.02] * 200)
    >>> found = fit_noise(seen, 0.05, course, ["all"] * 200)["all"]
    >>> round(found.q, 2), round(0.05 * found.sensors[0], 2), found.status.key
    (0.05, 0.1, 'fitted')
    """
    seen = np.asarray(observed, float)
    sd = np.broadcast_to(np.asarray(noise, float), seen.shape)
    names = _groups(group, seen.shape[0])
    whole = _whole(course, *seen.shape[:2])
    if not (np.asarray(whole.q) > 0).all():
        raise InvalidInput("q must lie above 0 for a fit to begin at.")
    fits = {}
    for name in sorted(set(group)):
        rows = names == name
        fits[name] = _fit_group(seen[rows], sd[rows], _part(whole, rows), fewest)
    return fits


def fit_paces(
    observed: ArrayLike,
    noise: ArrayLike,
    course: Course,
    group: Sequence[str],
    under_works: ArrayLike,
    prior: tuple[float, float] = (0.0, 0.5),
    failing: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
) -> Paces:
    """Fit kappa of each mine, drawn towards its group as far as it says little itself.

    Parameters
    ----------
    observed : (mine, year, sensor) float
    noise : float, broadcast to the same
        Standard deviation.
    course : Course
        Its kappa is what is assumed so far, and holds in years without works.
    group : sequence of str
        Group of each mine: its measure.
    under_works : (mine, year) bool
        Years that tell of the pace.
    prior : (float, float)
        Mean and standard deviation of how far ln kappa of a group lies from what was assumed.

    failing : (float, float), each one or one a mine
        Chance that works fail whatever their pace would be, and the pace the ground then has.

    Returns
    -------
    Paces

    Raises
    ------
    InvalidInput
        If groups or years do not fit, or a kappa under works is not above zero.

    Notes
    -----
    Empirical Bayes: within a group ln kappa is normal around a mean that is itself normal
    around what was assumed; each mine's likelihood is taken on a grid of paces and the group's
    mean and spread are those of highest posterior (Morris 1983, doi:10.2307/2287098). Works that
    failed are a class of their own: else they would draw the pace of the others down, and who
    counts their chance beside it would count it twice. The level and the pace of a mine that
    has hardly begun cannot be told apart: level is taken as given.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> kappa = np.repeat([0.1, 0.3], 40)
    >>> state = 0.8 - 0.7 * (1 - kappa[:, None]) ** np.arange(1, 8)
    >>> seen = (state + rng.normal(0, 0.03, state.shape))[:, :, None]
    >>> course = Course([0.1] * 80, [0.01] * 80, [0.2] * 80, [0.8] * 80, [0.01] * 80)
    >>> found = fit_paces(seen, 0.03, course, ["slow"] * 40 + ["fast"] * 40,
    ...                   np.ones((80, 7), bool))
    >>> {name: round(value, 2) for name, value in found.group_kappa.items()}
    {'fast': 0.3, 'slow': 0.1}
    """
    seen = np.asarray(observed, float)
    mines, years = seen.shape[:2]
    names, works = _groups(group, mines), np.asarray(under_works, bool)
    if works.shape != (mines, years):
        raise InvalidInput(
            f"years under works have shape {works.shape}, but there are {mines} mines and "
            f"{years} years."
        )
    whole = _whole(course, mines, years)
    assumed = np.asarray(whole.kappa)
    if (assumed[works] <= 0).any():
        raise InvalidInput("a kappa of 0 under works leaves nothing to fit.")
    # a mine of which nothing is under works has the pace of its last year to be drawn from
    under = works.any(axis=1)
    typical = np.where(under, _last(assumed, works), assumed[:, -1])
    typical = np.maximum(typical, 1e-3)
    steps = np.linspace(-2.5, 1.5, _PACES)  # ln of kappa over what was assumed

    def likelihood(kappa: Floats) -> Floats:
        course = replace(whole, kappa=np.where(works, np.minimum(kappa, 0.99), assumed))
        return estimate_states(seen, noise, course).likelihood

    told = np.stack([likelihood(assumed * np.exp(step)) for step in steps], axis=1)
    share, without = (np.broadcast_to(np.asarray(one, float), (mines,)) for one in failing)
    if ((share < 0) | (share >= 1) | (without < 0) | (without >= 1)).any():
        raise InvalidInput("the chance to fail, and the pace without works, lie from 0 to under 1.")
    failed = likelihood(np.broadcast_to(without[:, None], assumed.shape))
    with np.errstate(divide="ignore"):
        odds = np.log(share) - np.log1p(-share) + failed
    kappa, sd, lost = np.empty(mines), np.empty(mines), np.empty(mines)
    middle, spread = {}, {}
    for name in sorted(set(group)):
        rows = names == name
        mean, width = _group_law(told[rows], odds[rows], steps, prior)
        away = -0.5 * ((steps - mean) / width) ** 2
        weight = told[rows] + away - logsumexp(away)
        took = logsumexp(weight, axis=1, keepdims=True)
        weight = np.exp(weight - took)
        lost[rows] = expit(odds[rows] - took[:, 0])
        paces = np.minimum(typical[rows, None] * np.exp(steps), 0.99)
        kappa[rows] = (weight * paces).sum(axis=1)
        sd[rows] = np.sqrt((weight * (paces - kappa[rows, None]) ** 2).sum(axis=1))
        # works that do not show yet still have the pace of the ground: no part of the median
        tell = rows & under if (rows & under).any() else rows
        middle[name] = float(np.median(typical[tell]) * np.exp(mean))
        spread[name] = width
    used = (np.isfinite(seen).any(axis=2) & works).any(axis=1)
    status = np.where(used, FitStatus.FITTED, FitStatus.TOO_FEW).astype(np.uint8)
    return Paces(kappa, sd, lost, middle, spread, status)


def _fit_group(seen: Floats, sd: Floats, course: Course, fewest: int) -> Noise:
    counts = np.isfinite(seen).sum(axis=(0, 1))
    free = np.flatnonzero(counts >= fewest)
    start_q = np.asarray(course.q)
    typical = float(np.median(start_q))

    def at(logs: Floats) -> tuple[float, Floats, float]:
        factors = np.ones(seen.shape[2])
        factors[free] = np.exp(logs[1:])
        scaled = replace(course, q=start_q * np.exp(logs[0]))
        return float(np.exp(logs[0])), factors, float(
            estimate_states(seen, sd * factors, scaled).likelihood.sum()
        )  # fmt: skip

    logs, status = np.zeros(1 + free.size), FitStatus.TOO_FEW
    if free.size:
        bounds = [(-_WIDEST, _WIDEST)] * logs.size
        found = minimize(
            lambda x: -at(x)[2], logs, method="Nelder-Mead", bounds=bounds,
            options={"xatol": 1e-3, "fatol": 1e-4, "maxiter": 2000},
        )  # fmt: skip
        logs = np.asarray(found.x)
        ends = (abs(logs) > _WIDEST - 1e-3).any()
        status = FitStatus.AT_BOUND if ends else FitStatus.FITTED
    scale, factors, likelihood = at(logs)
    return Noise(
        typical * scale, tuple(map(float, factors)), likelihood, seen.shape[0], int(counts.sum()),
        status,
    )  # fmt: skip


def _group_law(
    told: Floats, odds: Floats, steps: Floats, prior: tuple[float, float]
) -> tuple[float, float]:
    """Mean and spread of ln kappa over what was assumed, of highest posterior in a group."""
    best, law = -np.inf, (prior[0], prior[1])
    for width in np.geomspace(*_SPREADS, 12):
        away = -0.5 * ((steps[None, :] - steps[:, None]) / width) ** 2
        away -= logsumexp(away, axis=1, keepdims=True)
        took = logsumexp(told[:, None, :] + away[None, :, :], axis=2)
        value = np.logaddexp(took, odds[:, None]).sum(axis=0)
        value -= 0.5 * ((steps - prior[0]) / prior[1]) ** 2
        # a spread of a third is usual: lognormal sigma of trajectories
        value -= 0.5 * (np.log(width / 0.35) / 0.7) ** 2
        at = int(np.argmax(value))
        if value[at] > best:
            best, law = float(value[at]), (_peak(steps, value, at), float(width))
    return law


def _peak(x: Floats, y: Floats, at: int) -> float:
    """Top of the parabola through a maximum and its neighbours."""
    if not 0 < at < x.size - 1:
        return float(x[at])
    left, top, right = y[at - 1 : at + 2]
    return float(x[at] + 0.5 * (x[1] - x[0]) * (left - right) / (left - 2 * top + right))


def _last(values: Floats, used: NDArray[np.bool_]) -> Floats:
    """Value of the last year used, by row; that of the last year where none is."""
    last = used.shape[1] - 1 - np.argmax(used[:, ::-1], axis=1)
    return np.asarray(values[np.arange(values.shape[0]), last])


def _groups(group: Sequence[str], mines: int) -> NDArray[np.str_]:
    names = np.asarray(group, dtype=str)
    if names.shape != (mines,):
        raise InvalidInput(f"there are {names.size} groups named for {mines} mines.")
    return names


def _whole(course: Course, mines: int, years: int) -> Course:
    """The same course with a value for every mine and year, checked."""
    keep, push, variance = course.by_year(mines, years)
    start = course.first(mines)
    kappa = 1 - keep
    given = np.asarray(course.push, float)
    extra = np.broadcast_to(given[:, None] if given.ndim == 1 else given, (mines, years))
    level = np.where(kappa > 0, (push - extra) / np.where(kappa > 0, kappa, 1.0), 0.0)
    return Course(start[0], np.sqrt(start[1]), kappa, level, np.sqrt(variance), extra)


def _part(course: Course, rows: NDArray[np.bool_]) -> Course:
    parts = (course.start, course.start_sd, course.kappa, course.level, course.q, course.push)
    return Course(*(np.asarray(one)[rows] for one in parts))
