"""What sets off a second look at a mine, or a change of its plan, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reverdure.control.states import Estimate, Floats, Forecast
from reverdure.control.tables import limit
from reverdure.core.codes import Light, StateStatus, Trigger
from reverdure.core.errors import InvalidInput, UnknownOption

HARD = (Trigger.DISPLACEMENT, Trigger.ANTIMONY, Trigger.SLOPE_FAILURE)
"""Hard limits of what is measured on the ground."""
RED = (Trigger.PROBABILITY_LOW, Trigger.SHORTFALL_HIGH, Trigger.SURPRISES, *HARD)
"""Triggers that ask for a change of plan; the others for a second look."""

SURVEYED = ("displacement_mm_a", "antimony_mg_l", "slope_failure")
"""What may be measured on the ground and has a hard limit."""


@dataclass(frozen=True, slots=True)
class EarnedValue:
    """Works of each mine against their plan.

    Attributes
    ----------
    planned, earned, spent : (mine,) float
        Planned cost of what should be done by now and of what is done, and what was paid;
        one currency and price year; NaN where nothing is recorded.
    """

    planned: ArrayLike
    earned: ArrayLike
    spent: ArrayLike

    @property
    def schedule_variance(self) -> Floats:
        """Value earned less value planned."""
        return np.subtract(self.earned, self.planned, dtype=np.float64)

    @property
    def schedule_index(self) -> Floats:
        """Value earned over value planned; NaN where nothing was planned yet."""
        return _ratio(self.earned, self.planned)

    @property
    def cost_index(self) -> Floats:
        """Value earned over what was paid; NaN where nothing was paid yet.

        Examples
        --------
        >>> value = EarnedValue(planned=[100.0, 0.0], earned=[80.0, 0.0], spent=[100.0, 0.0])
        >>> value.schedule_index.tolist(), value.cost_index.tolist()
        ([0.8, nan], [0.8, nan])
        >>> value.schedule_variance.tolist()
        [-20.0, 0.0]
        """
        return _ratio(self.earned, self.spent)


@dataclass(frozen=True, slots=True)
class Watch:
    """How every mine stands, and why.

    Attributes
    ----------
    light : (mine,) uint8
        Light.
    fired : (mine, trigger) bool
        In the order of Trigger.
    shortfall : (mine, year) float
        Cumulative shortfall, in standard deviations.
    surprises : (mine,) int
        Years whose square of surprise lies above the limit.
    p_target : (mine,) float
    """

    light: NDArray[np.uint8]
    fired: NDArray[np.bool_]
    shortfall: Floats
    surprises: NDArray[np.int64]
    p_target: Floats = field(repr=False)

    def reasons(self, mine: int) -> tuple[Trigger, ...]:
        """Triggers of one mine, by position."""
        return tuple(code for code, is_set in zip(Trigger, self.fired[mine], strict=True) if is_set)

    def told(self, mine: int, language: str = "en") -> str:
        """Sign, light and reasons of one mine as one line, in "en" or "zh"."""
        light = Light.from_number(int(self.light[mine]))
        words = [code.label(language) for code in self.reasons(mine)]
        colon, mark = ("：", "；") if language == "zh" else (": ", "; ")
        return f"{light.sign} {light.label(language)}" + (colon + mark.join(words) if words else "")


def watch(
    estimate: Estimate,
    ahead: Forecast,
    surveyed: Mapping[str, ArrayLike] | None = None,
    works: EarnedValue | None = None,
    since: NDArray[np.int64] | None = None,
) -> Watch:
    """Hold every mine against its plan.

    Parameters
    ----------
    estimate : Estimate
        By the plan: shortfalls are held against it.
    ahead : Forecast
    surveyed : mapping of name to (mine,) float
        Of "displacement_mm_a", "antimony_mg_l" and "slope_failure" (0 or 1); NaN where not
        measured, which sets off nothing.
    works : EarnedValue, optional
    since : (mine,) int, optional
        Position of the first year of the present works: what surprised before was of others.

    Returns
    -------
    Watch
        Red where one trigger of `RED` fired, amber where another did, green else. A mine that
        was never observed is "not observed" unless something fired.

    Raises
    ------
    UnknownOption
        If a name has no limit.
    InvalidInput
        If the numbers are not one for each mine.

    Notes
    -----
    The forecast goes on believing the plan when a mine falls behind it; surprises do not. Both
    are therefore looked at. Limits with their sources: `data/triggers.toml`.

    Examples
    --------
    A mine that still makes its target by the forecast and falls short year after year:

    >>> from reverdure.control.states import Course, estimate_states, forecast
    >>> seen = np.array([0.41, 0.47, np.nan, 0.50, 0.51]).reshape(1, 5, 1)
    >>> course = Course(start=[0.30], start_sd=[0.05], kappa=[0.25], level=[0.85], q=[0.03])
    >>> estimate = estimate_states(seen, 0.05, course)
    >>> found = watch(estimate, forecast(estimate, course, 5, 0.75))
    >>> found.shortfall[0].round(4).tolist()
    [0.0, 0.4513, 0.4513, 2.3737, 4.2139]
    >>> found.told(0)
    '■ to be acted on: falls short year after year'
    """
    from reverdure.kernels.states import running_shortfall

    mines = estimate.mean.shape[0]
    surprise = estimate.surprise_of_year
    if since is not None:
        before = np.arange(surprise.shape[1]) < _of_mines("since", since, mines)[:, None]
        surprise = np.where(before, np.nan, surprise)
    shortfall = np.empty(surprise.shape)
    running_shortfall(surprise, limit("shortfall_slack"), shortfall)
    surprises = (np.nan_to_num(surprise) ** 2 > limit("surprise")).sum(axis=1)
    p, now = ahead.p_target, shortfall[:, -1]
    fired = {
        Trigger.PROBABILITY_LOW: p < limit("probability_red"),
        Trigger.PROBABILITY_MIDDLE: (p >= limit("probability_red"))
        & (p < limit("probability_green")),
        Trigger.SHORTFALL_HIGH: now >= limit("shortfall_red"),
        Trigger.SHORTFALL_MIDDLE: (now >= limit("shortfall_amber"))
        & (now < limit("shortfall_red")),
        Trigger.SURPRISES: surprises >= limit("surprise_years"),
        **_beyond_limits(surveyed or {}, mines),
        **_works_behind(works, mines),
    }
    table = np.stack([fired[code] for code in Trigger], axis=1)
    red = np.any([fired[code] for code in RED], axis=0)
    light = np.where(red, Light.RED, np.where(table.any(axis=1), Light.AMBER, Light.GREEN))
    never = (estimate.status == StateStatus.NOT_OBSERVED) & ~table.any(axis=1)
    light = np.where(never, Light.NOT_OBSERVED, light).astype(np.uint8)
    return Watch(light, table, shortfall, surprises, p)


def _beyond_limits(
    surveyed: Mapping[str, ArrayLike], mines: int
) -> dict[Trigger, NDArray[np.bool_]]:
    unknown = sorted(set(surveyed) - set(SURVEYED))
    if unknown:
        raise UnknownOption(
            f"there is no limit for {', '.join(unknown)}; there is one for {', '.join(SURVEYED)}."
        )
    given = {name: _of_mines(name, surveyed.get(name, np.nan), mines) for name in SURVEYED}
    return {
        Trigger.DISPLACEMENT: given["displacement_mm_a"] > limit("displacement_mm_a"),
        Trigger.ANTIMONY: given["antimony_mg_l"] > limit("antimony_mg_l"),
        Trigger.SLOPE_FAILURE: given["slope_failure"] > 0,
    }


def _works_behind(works: EarnedValue | None, mines: int) -> dict[Trigger, NDArray[np.bool_]]:
    behind = works.schedule_index if works else np.nan
    costly = works.cost_index if works else np.nan
    return {
        Trigger.BEHIND_SCHEDULE: _of_mines("schedule index", behind, mines) < limit("schedule"),
        Trigger.OVER_COST: _of_mines("cost index", costly, mines) < limit("cost"),
    }


def _of_mines(name: str, values: ArrayLike, mines: int) -> Floats:
    given = np.asarray(values, float)
    if given.shape not in ((), (mines,)):
        raise InvalidInput(f"{name} has shape {given.shape}, but there are {mines} mines.")
    return np.broadcast_to(given, (mines,))


def _ratio(over: ArrayLike, under: ArrayLike) -> Floats:
    one, other = np.asarray(over, float), np.asarray(under, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(other > 0, one / other, np.nan)
