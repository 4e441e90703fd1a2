"""Mines as they stand after the last year that was looked at: state, pace, and what lies ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reverdure.control.fitting import Paces, fit_noise, fit_paces
from reverdure.control.remedies import Prospect
from reverdure.control.states import Course, Estimate, Floats, estimate_states
from reverdure.control.triggers import EarnedValue

LEFT_ALONE = "left_alone"
"""Measure of mines that come back by themselves: their pace is fitted, no remedy is offered."""


@dataclass(frozen=True, slots=True)
class Steered:
    """Mines under steering.

    Attributes
    ----------
    mine_id : tuple of str
    area_ha, target : (mine,) float
    measure : tuple of str
        Measure of each; "" where none has begun.
    under_works : (mine, year) bool
        Years whose recovery is that of the present works: after a remedy they begin anew.
    p_fails : (mine,) float
        Chance, before anything is seen, that the present works do not take; 0 without works.
    kappa_without : (mine,) float
        Pace of the ground without works, or with works that did not take.
    """

    mine_id: tuple[str, ...]
    area_ha: Floats
    target: Floats
    measure: tuple[str, ...]
    under_works: NDArray[np.bool_]
    p_fails: Floats
    kappa_without: Floats


@dataclass(frozen=True, slots=True)
class Seen:
    """What the review goes by.

    Attributes
    ----------
    observed, noise : (mine, year, sensor) float
        The last year is the one under review.
    course : Course
        As assumed so far.
    surveyed : mapping of name to (mine,) float
    works : EarnedValue or None
    """

    observed: Floats
    noise: Floats
    course: Course
    surveyed: Mapping[str, Floats] = field(default_factory=dict)
    works: EarnedValue | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Mines as they stand.

    Attributes
    ----------
    mines : Steered
    group : tuple of str
        Measure of each, "none" where none has begun.
    planned, estimate : Estimate
        By the course as assumed, against which surprises are held, and by the paces fitted.
    course : Course
        With the paces and the chance of a year as fitted.
    paces : Paces
    """

    mines: Steered
    group: tuple[str, ...]
    planned: Estimate
    estimate: Estimate
    course: Course
    paces: Paces

    def prospect(self, years: int) -> Prospect:
        """Mines as they go on from the last year for so many years."""
        mines, estimate, course, paces = self.mines, self.estimate, self.course, self.paces
        shape = estimate.mean.shape
        keep, push, variance = course.by_year(*shape)
        last = 1 - keep[:, -1]
        level = np.where(last > 0, push[:, -1] / np.where(last > 0, last, 1.0), 0.0)
        begun = mines.under_works[:, -1]
        kappa = np.where(begun, paces.kappa, last)
        ahead = Course(
            estimate.mean[:, -1], estimate.sd[:, -1], kappa, level, np.sqrt(variance[:, -1])
        )
        usual = np.array([paces.group_kappa[name] for name in self.group])
        return Prospect(
            mine_id=mines.mine_id,
            area_ha=np.asarray(mines.area_ha, float),
            target=np.asarray(mines.target, float),
            estimate=estimate,
            course=ahead,
            kappa_sd=np.where(begun, paces.kappa_sd, 0.0),
            group_kappa=usual,
            p_failed=np.where(begun, paces.p_failed, 0.0),
            kappa_without=np.asarray(mines.kappa_without, float),
            years=years,
        )


def stand(mines: Steered, seen: Seen) -> Standing:
    """Filter what was seen of every mine and fit the paces again.

    Raises
    ------
    InvalidInput
        If observations, groups or years do not fit each other.

    Examples
    --------
    >>> grown = 0.85 - 0.7 * 0.8 ** np.arange(1, 7)
    >>> mines = Steered(("M1",), np.array([4.0]), np.array([0.75]), ("assisted",),
    ...                 np.ones((1, 6), bool), np.array([0.15]), np.array([0.05]))
    >>> course = Course([0.15], [0.05], [0.2], [0.85], [0.02])
    >>> found = stand(mines, Seen(grown.reshape(1, 6, 1), np.full((1, 6, 1), 0.04), course))
    >>> bool(found.prospect(8).ahead().p_target[0] > found.prospect(0).ahead().p_target[0])
    True
    """
    group = tuple(name or "none" for name in mines.measure)
    seen = replace(seen, course=_with_fitted_chance(seen, group))
    paces = fit_paces(
        seen.observed, seen.noise, seen.course, group, mines.under_works,
        failing=(mines.p_fails, mines.kappa_without),
    )  # fmt: skip
    mean_pace = paces.kappa + paces.p_failed * (mines.kappa_without - paces.kappa)
    assumed = 1 - seen.course.by_year(*seen.observed.shape[:2])[0]
    course = replace(seen.course, kappa=np.where(mines.under_works, mean_pace[:, None], assumed))
    # surprises are held against the plan, the forecast is made with what was learnt
    planned = estimate_states(seen.observed, seen.noise, seen.course)
    estimate = estimate_states(seen.observed, seen.noise, course)
    return Standing(mines, group, planned, estimate, course, paces)


def _with_fitted_chance(seen: Seen, group: Sequence[str]) -> Course:
    """The course with the chance of a year as each group's own observations have it."""
    fits = fit_noise(seen.observed, seen.noise, seen.course, group)
    assumed = np.sqrt(seen.course.by_year(*seen.observed.shape[:2])[2])
    scale = {
        name: fits[name].q / float(np.median(assumed[[one == name for one in group]]))
        for name in fits
    }
    # a year that struck many must not be read as a slow pace; a calm one is no promise
    return replace(
        seen.course,
        q=assumed * np.array([max(scale[name], 1.0) for name in group])[:, None],
    )
