"""State of every mine over the years: estimated from sensors with gaps, and forecast.

The state r is the share of the way to the reference (0 to 1). Left to its measure it goes
`r[t] = (1 - kappa) r[t-1] + kappa level + push + w`, and sensors see `y = loading r + v`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from reverdure.core.codes import StateStatus
from reverdure.core.errors import InvalidInput

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Course:
    """How mines are expected to come along.

    Attributes
    ----------
    start, start_sd : (mine,) float
        State in the year before the first, and its standard deviation.
    kappa : (mine,) or (mine, year) float, [1/year]
        Share of what is left to `level` that is made good in a year, 0 to 1.
    level : (mine,) or (mine, year) float
        Where it ends if nothing happens.
    q : (mine,) or (mine, year) float
        Standard deviation of what a year adds by chance.
    push : (mine, year) float, or 0
        What works of a year add at once.
    """

    start: ArrayLike
    start_sd: ArrayLike
    kappa: ArrayLike
    level: ArrayLike
    q: ArrayLike
    push: ArrayLike = 0.0

    def by_year(self, mines: int, years: int) -> tuple[Floats, Floats, Floats]:
        """What is kept, what is added and the variance of chance, each (mine, year).

        Raises
        ------
        InvalidInput
            If a value is missing, negative, or a pace lies outside 0 to 1.
        """
        kappa, level, q, push = (
            _spread(name, values, mines, years)
            for name, values in (("kappa", self.kappa), ("level", self.level), ("q", self.q),
                                 ("push", self.push))
        )  # fmt: skip
        if (kappa < 0).any() or (kappa > 1).any():
            raise InvalidInput(
                f"kappa must lie in 0 to 1, got {kappa.min():g} to {kappa.max():g}.",
                "Give the share of what is left that is made good in a year.",
            )
        if (q < 0).any():
            raise InvalidInput(f"q is a standard deviation and cannot be {q.min():g}.")
        return 1 - kappa, kappa * level + push, q**2

    def first(self, mines: int) -> Floats:
        """Mean and variance before the first year, (2, mine)."""
        mean, sd = (
            _spread(name, values, mines, 1)[:, 0]
            for name, values in (("start", self.start), ("start_sd", self.start_sd))
        )
        if (sd < 0).any():
            raise InvalidInput(f"start_sd is a standard deviation and cannot be {sd.min():g}.")
        return np.stack([mean, sd**2])


@dataclass(frozen=True, slots=True)
class Estimate:
    """State of every mine in every year.

    Attributes
    ----------
    mean, sd : (mine, year) float
        Given all that was seen up to the year.
    before, before_sd : (mine, year) float
        The same before the year's own observations.
    surprise : (mine, year, sensor) float
        Innovations over their standard deviation; NaN where not observed.
    likelihood : (mine,) float
        Log-likelihood of a mine's observations; 0 without any.
    status : (mine,) uint8
        StateStatus.
    """

    mean: Floats
    sd: Floats
    before: Floats
    before_sd: Floats
    surprise: Floats
    likelihood: Floats
    status: NDArray[np.uint8]

    @property
    def surprise_of_year(self) -> Floats:
        """One surprise a year, (mine, year), of unit variance whatever the number of sensors."""
        seen = np.isfinite(self.surprise)
        count = seen.sum(axis=2)
        total = np.where(seen, self.surprise, 0.0).sum(axis=2)
        return np.where(count > 0, total / np.sqrt(np.maximum(count, 1)), np.nan)


@dataclass(frozen=True, slots=True)
class Forecast:
    """State of every mine at the deadline.

    Attributes
    ----------
    mean, sd, low, high : (mine,) float
        Mean, standard deviation and bounds of the interval asked for.
    p_target : (mine,) float
        P(r >= target).
    years : int
        Years from the last estimate to the deadline.
    """

    mean: Floats
    sd: Floats
    low: Floats
    high: Floats
    p_target: Floats
    years: int


def noise_sd(sd: ArrayLike, cloud_share: ArrayLike) -> Floats:
    """Standard deviation of what a sensor says, by the share of the mine under cloud.

    Parameters
    ----------
    sd : float
        On a clear picture.
    cloud_share : float
        0 to 1.

    Returns
    -------
    float
        `sd / sqrt(1 - cloud_share)`: as a mean over fewer pixels; NaN where all is cloud, which
        is then skipped.

    Raises
    ------
    InvalidInput
        If a share lies outside 0 to 1.

    Examples
    --------
    >>> noise_sd(0.05, [0.0, 0.75, 1.0]).tolist()
    [0.05, 0.1, nan]
    """
    clear = 1 - np.asarray(cloud_share, float)
    if (clear < 0).any() or (clear > 1).any():
        raise InvalidInput(
            f"cloud shares must lie in 0 to 1, got {1 - clear.max():g} to {1 - clear.min():g}."
        )
    return np.where(clear > 0, np.asarray(sd, float) / np.sqrt(np.where(clear > 0, clear, 1)),
                    np.nan)  # fmt: skip


def estimate_states(
    observed: ArrayLike, noise: ArrayLike, course: Course, loading: ArrayLike = 1.0
) -> Estimate:
    """Filter what sensors saw of every mine.

    Parameters
    ----------
    observed : (mine, year, sensor) float
        Recovery as each sensor has it; NaN where it saw nothing. Years are even.
    noise : float, broadcast to the same
        Standard deviation of each; what has none is not used.
    course : Course
    loading : (sensor,) float
        What a sensor shows of the state.

    Returns
    -------
    Estimate

    Raises
    ------
    InvalidInput
        If dimensions do not fit, an observation is infinite, or noise is not above zero.

    Notes
    -----
    Scalar Kalman filter, sensors of a year one after the other (Durbin & Koopman 2012, Time
    series analysis by state space methods, 2nd ed., 6.4). A mine that was never seen has its
    planned course and says so.

    Examples
    --------
    Five years of one mine, the third under cloud:

    >>> seen = np.array([0.41, 0.47, np.nan, 0.50, 0.51]).reshape(1, 5, 1)
    >>> course = Course(start=[0.30], start_sd=[0.05], kappa=[0.25], level=[0.85], q=[0.03])
    >>> estimate_states(seen, 0.05, course).mean[0].round(4).tolist()
    [0.4243, 0.5073, 0.5929, 0.5933, 0.6028]
    """
    from reverdure.kernels.states import filter_states

    seen, variance, weights = _observations(observed, noise, loading)
    mines, years, _ = seen.shape
    steps, first = course.by_year(mines, years), course.first(mines)
    filtered, predicted = np.empty((2, mines, years)), np.empty((2, mines, years))
    surprise, likelihood = np.empty(seen.shape), np.empty(mines)
    filter_states(first, steps, seen, weights, variance, filtered, predicted, surprise, likelihood)
    nothing = ~np.isfinite(seen).any(axis=(1, 2))
    status = np.where(nothing, StateStatus.NOT_OBSERVED, StateStatus.ESTIMATED).astype(np.uint8)
    return Estimate(
        filtered[0], np.sqrt(filtered[1]), predicted[0], np.sqrt(predicted[1]),
        surprise, likelihood, status,
    )  # fmt: skip


def smooth(estimate: Estimate, course: Course) -> tuple[Floats, Floats]:
    """Mean and standard deviation of every year given all years, each (mine, year).

    Notes
    -----
    Rauch, Tung & Striebel (1965), doi:10.2514/3.3166. For reports, which look back; steering
    goes by the last year, in which both agree.

    Examples
    --------
    >>> seen = np.array([0.41, 0.47, np.nan, 0.50, 0.51]).reshape(1, 5, 1)
    >>> course = Course(start=[0.30], start_sd=[0.05], kappa=[0.25], level=[0.85], q=[0.03])
    >>> estimate = estimate_states(seen, 0.05, course)
    >>> mean, sd = smooth(estimate, course)
    >>> bool(mean[0, -1] == estimate.mean[0, -1]), bool((sd <= estimate.sd).all())
    (True, True)
    """
    from reverdure.kernels.states import smooth_states

    keep = course.by_year(*estimate.mean.shape)[0]
    smoothed = np.empty((2, *estimate.mean.shape))
    filtered = np.stack([estimate.mean, estimate.sd**2])
    predicted = np.stack([estimate.before, estimate.before_sd**2])
    smooth_states(keep, filtered, predicted, smoothed)
    return smoothed[0], np.sqrt(np.maximum(smoothed[1], 0.0))


def forecast(
    estimate: Estimate, course: Course, years: int, target: ArrayLike, coverage: float = 0.95
) -> Forecast:
    """Every mine at the deadline, if it goes on as the course has it.

    Parameters
    ----------
    estimate : Estimate
        Its last year is the one forecast from.
    course : Course
        Of the years ahead; its start is not used.
    years : int
        To the deadline; 0 for the last year itself.
    target : (mine,) float
    coverage : float
        Of the interval.

    Returns
    -------
    Forecast

    Raises
    ------
    InvalidInput
        If years are negative, the target is missing or the coverage is no share.

    Examples
    --------
    >>> seen = np.array([0.41, 0.47, np.nan, 0.50, 0.51]).reshape(1, 5, 1)
    >>> course = Course(start=[0.30], start_sd=[0.05], kappa=[0.25], level=[0.85], q=[0.03])
    >>> ahead = forecast(estimate_states(seen, 0.05, course), course, years=5, target=0.75)
    >>> [float(one[0].round(4)) for one in (ahead.mean, ahead.sd, ahead.p_target)]
    [0.7913, 0.0446, 0.8228]
    """
    if years < 0:
        raise InvalidInput(f"the deadline lies {-years} years before the last estimate.")
    if not 0 < coverage < 1:
        raise InvalidInput(f"coverage must lie between 0 and 1, got {coverage:g}.")
    mean, variance = estimate.mean[:, -1].copy(), estimate.sd[:, -1] ** 2
    wanted = _spread("target", target, mean.size, 1)[:, 0]
    keep, push, chance = course.by_year(mean.size, max(years, 1))
    for t in range(years):
        mean = keep[:, t] * mean + push[:, t]
        variance = keep[:, t] ** 2 * variance + chance[:, t]
    sd = np.sqrt(variance)
    wide = norm.ppf(0.5 + coverage / 2) * sd
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(sd > 0, norm.sf((wanted - mean) / sd), (mean >= wanted).astype(float))
    return Forecast(mean, sd, mean - wide, mean + wide, p, years)


def forecast_over_paces(
    estimate: Estimate, course: Course, kappa_sd: ArrayLike, years: int, target: ArrayLike,
    coverage: float = 0.95,
) -> Forecast:  # fmt: skip
    """The same where the pace of each mine is itself uncertain.

    Parameters
    ----------
    estimate, course, years, target, coverage
        As for `forecast`.
    kappa_sd : (mine,) or (mine, year) float
        Standard deviation of kappa; taken as lognormal.

    Returns
    -------
    Forecast
        Mean and standard deviation over paces; the interval is that of a normal law with both.

    Notes
    -----
    Five nodes of Gauss and Hermite over ln kappa.

    Examples
    --------
    >>> seen = np.array([0.41, 0.47, np.nan, 0.50, 0.51]).reshape(1, 5, 1)
    >>> course = Course(start=[0.30], start_sd=[0.05], kappa=[0.25], level=[0.85], q=[0.03])
    >>> estimate = estimate_states(seen, 0.05, course)
    >>> sure = forecast(estimate, course, 5, 0.75)
    >>> wide = forecast_over_paces(estimate, course, [0.08], 5, 0.75)
    >>> bool(wide.sd[0] > sure.sd[0]), bool(wide.p_target[0] < sure.p_target[0])
    (True, True)
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    weights = weights / weights.sum()
    kappa = np.asarray(course.kappa, float)
    spread = np.asarray(kappa_sd, float)
    relative = np.log1p((spread / np.where(kappa > 0, kappa, 1.0)) ** 2)
    parts = [
        forecast(
            estimate,
            replace(course, kappa=np.minimum(kappa * np.exp(node * np.sqrt(relative)
                                                            - relative / 2), 1.0)),
            years, target, coverage,
        )
        for node in nodes
    ]  # fmt: skip
    return mixed(parts, list(weights), coverage)


def mixed(parts: Sequence[Forecast], weights: Sequence[Floats], coverage: float) -> Forecast:
    """Forecasts of which one is true, each with its chance, as one.

    Returns
    -------
    Forecast
        The interval is that of a normal law with the mean and spread of all.
    """
    pairs = list(zip(weights, parts, strict=True))
    mean = np.sum([w * one.mean for w, one in pairs], axis=0)
    square = np.sum([w * (one.sd**2 + one.mean**2) for w, one in pairs], axis=0)
    p = np.sum([w * one.p_target for w, one in pairs], axis=0)
    sd = np.sqrt(np.maximum(square - mean**2, 0.0))
    wide = norm.ppf(0.5 + coverage / 2) * sd
    return Forecast(mean, sd, mean - wide, mean + wide, p, parts[0].years)


def _observations(
    observed: ArrayLike, noise: ArrayLike, loading: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Observations, their variances and the loadings as the kernel wants them."""
    seen = np.array(observed, float)
    if seen.ndim != 3 or not seen.size:
        raise InvalidInput(
            f"observations need dimensions (mine, year, sensor), got shape {seen.shape}."
        )
    if np.isinf(seen).any():
        raise InvalidInput("an observation is infinite.", "Leave what was not seen as NaN.")
    try:
        sd = np.broadcast_to(np.asarray(noise, float), seen.shape)
        weights = np.array(np.broadcast_to(np.asarray(loading, float), seen.shape[2:]))
    except ValueError as error:
        raise InvalidInput(
            f"noise of shape {np.shape(noise)} or loadings of shape {np.shape(loading)} do not fit "
            f"observations of shape {seen.shape}."
        ) from error
    seen[np.isnan(sd)] = np.nan
    if (sd[np.isfinite(seen)] <= 0).any():
        raise InvalidInput("noise is a standard deviation and must lie above 0.")
    if not np.isfinite(weights).all():
        raise InvalidInput("a loading is missing.")
    return seen, np.where(np.isnan(sd), 1.0, sd**2), weights


def _spread(name: str, values: ArrayLike, mines: int, years: int) -> Floats:
    """Values of every mine in every year; one value, or one a mine, stands for all years."""
    given = np.asarray(values, float)
    if given.ndim == 1:
        given = given[:, None]
    try:
        full = np.array(np.broadcast_to(given, (mines, years)))
    except ValueError as error:
        raise InvalidInput(
            f"{name} of shape {np.shape(values)} does not fit {mines} mines and {years} years."
        ) from error
    missing = int((~np.isfinite(full)).any(axis=1).sum())
    if missing:
        raise InvalidInput(
            f"{name} is missing for {missing} of {mines} mines.",
            "Give a number for every mine, or leave the mine out.",
        )
    return full
