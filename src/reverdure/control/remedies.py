"""What can be done for a mine that falls behind, what it costs and what it changes."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.control.states import (
    Course,
    Estimate,
    Floats,
    Forecast,
    forecast_over_paces,
    mixed,
)
from reverdure.control.tables import table
from reverdure.core.errors import UnknownOption

COLUMNS = ("mine_id", "remedy", "cost_cny", "p_now", "p_after", "gain_ha", "status")
_GROUP_SPREAD = 0.35
"""Spread of ln kappa among mines of one measure (METHODS 3.3, an assumption)."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One remedial package.

    Attributes
    ----------
    key, en, zh : str
    cost_cny_ha : float
    price_year : int
    kappa_factor : float
        Pace after it over pace before.
    regains_group : bool
        Whether the pace becomes at least the usual one of its measure.
    kappa_at_least, level_add : float
    years : int
        Until it shows.
    success : float
    works_ha, earthworks_m3, seedlings, water_m3, jobs : float
        What a hectare of it takes.
    source, status : str
    """

    key: str
    en: str
    zh: str
    cost_cny_ha: float
    price_year: int
    kappa_factor: float
    regains_group: bool
    kappa_at_least: float
    level_add: float
    years: int
    success: float
    works_ha: float
    earthworks_m3: float
    seedlings: float
    water_m3: float
    jobs: float
    source: str
    status: str

    def kappa_after(self, kappa: Floats, group_kappa: Floats) -> Floats:
        """Pace once it shows.

        Examples
        --------
        >>> remedies(["replant"])[0].kappa_after(np.array([0.02, 0.3]), np.array([0.2, 0.2]))
        array([0.2, 0.3])
        """
        usual = group_kappa if self.regains_group else 0.0
        faster = np.maximum(kappa * self.kappa_factor, usual)
        return np.asarray(np.clip(faster, self.kappa_at_least, 0.99))


@cache
def _all() -> dict[str, Remedy]:
    return {key: Remedy(key=key, **entry) for key, entry in table("remedies").items()}


def remedies(keys: Iterable[str] | None = None) -> tuple[Remedy, ...]:
    """Remedial packages of `data/remedies.toml`, all or those named.

    Raises
    ------
    UnknownOption
        If there is none of a name.

    Examples
    --------
    >>> [one.key for one in remedies()], {one.status for one in remedies()}
    (['replant', 'amend', 'irrigate', 'upgrade'], {'assumption'})
    """
    known = _all()
    wanted = list(known) if keys is None else list(keys)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise UnknownOption(
            f"there is no remedy {', '.join(unknown)}; there are {', '.join(known)}."
        )
    return tuple(known[key] for key in wanted)


@dataclass(frozen=True, slots=True)
class Prospect:
    """Mines as they stand, for the question what would help.

    Attributes
    ----------
    mine_id : tuple of str
    area_ha, target : (mine,) float
    estimate : Estimate
    course : Course
        Of the years ahead, one value a mine; its kappa is that of each mine now.
    kappa_sd, group_kappa : (mine,) float
    p_failed, kappa_without : (mine,) float
        Chance that the works did not take, and the pace the ground then has.
    years : int
        To the deadline.
    """

    mine_id: tuple[str, ...]
    area_ha: Floats
    target: Floats
    estimate: Estimate
    course: Course
    kappa_sd: Floats
    group_kappa: Floats
    p_failed: Floats
    kappa_without: Floats
    years: int

    def ahead(self, remedy: Remedy | None = None, coverage: float = 0.95) -> Forecast:
        """Mines at the deadline: left as they are, or once a remedy has worked."""
        took, took_sd = np.asarray(self.course.kappa), self.kappa_sd
        parts = [self._one(took, took_sd, remedy, coverage)]
        parts.append(self._one(self.kappa_without, np.zeros(took.shape), remedy, coverage))
        return mixed(parts, [1 - self.p_failed, self.p_failed], coverage)

    def of(self, wanted: NDArray[np.bool_]) -> "Prospect":
        """The same of some mines only."""
        at = np.flatnonzero(wanted)
        course, estimate = self.course, self.estimate
        parts = (course.start, course.start_sd, course.kappa, course.level, course.q)
        return replace(
            self, mine_id=tuple(self.mine_id[n] for n in at), area_ha=self.area_ha[at],
            target=self.target[at], kappa_sd=self.kappa_sd[at], group_kappa=self.group_kappa[at],
            p_failed=self.p_failed[at], kappa_without=self.kappa_without[at],
            course=Course(*(np.asarray(one)[at] for one in parts)),
            estimate=Estimate(*(getattr(estimate, one.name)[at] for one in fields(estimate))),
        )  # fmt: skip

    def _one(self, kappa: Floats, sd: Floats, remedy: Remedy | None, coverage: float) -> Forecast:
        level = np.asarray(self.course.level)
        if remedy is not None:
            after = remedy.kappa_after(kappa, self.group_kappa)
            # a pace that comes from the group is as uncertain as paces are in general
            anew = after > kappa * remedy.kappa_factor
            wide = np.where(anew, _GROUP_SPREAD * after, sd * remedy.kappa_factor)
            waits = np.arange(max(self.years, 1)) < remedy.years
            kappa = np.where(waits, kappa[:, None], after[:, None])
            higher = np.minimum(level + remedy.level_add, 1.0)
            level = np.where(waits, level[:, None], higher[:, None])
            sd = np.where(waits, sd[:, None], wide[:, None])
        course = replace(self.course, kappa=kappa, level=level)
        return forecast_over_paces(self.estimate, course, sd, self.years, self.target, coverage)


def gains_ha_years(
    prospect: Prospect, wanted: NDArray[np.bool_], weights: Floats,
    chosen: Iterable[str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Recovered ha-years that each remedy would bring if it worked, against going on without.

    Parameters
    ----------
    prospect : Prospect
    wanted : (mine,) bool
        Mines that ask for it.
    weights : (year,) float
        What a recovered hectare counts in each of the years ahead, the coming one first.
    chosen : iterable of str, optional
        Remedies considered; all by default.

    Returns
    -------
    DataFrame
        `mine_id`, `remedy`, `gain_ha_years`: a row for each mine and remedy with a gain, by mine,
        in the order of remedies.
    """
    at = np.flatnonzero(wanted)
    part, rows = prospect.of(wanted), []
    for order, remedy in enumerate(remedies(chosen)):
        if not at.size:
            break
        gain = np.zeros(at.size)
        for year, weight in enumerate(weights, 1):
            then = replace(part, years=year)
            gain += weight * part.area_ha * (then.ahead(remedy).mean - then.ahead().mean)
        rows += [(prospect.mine_id[i], order, remedy.key, float(one))
                 for i, one in zip(at, gain, strict=True) if one > 0]  # fmt: skip
    rows.sort()
    columns = ["mine_id", "order", "remedy", "gain_ha_years"]
    return pd.DataFrame(rows, columns=columns).drop(columns="order")


def candidates(
    prospect: Prospect, wanted: NDArray[np.bool_], chosen: Iterable[str] | None = None
) -> pd.DataFrame:
    """What could be done for each mine that asks for it, where it would help.

    Parameters
    ----------
    prospect : Prospect
    wanted : (mine,) bool
        Mines that ask for it: those under a red light.
    chosen : iterable of str, optional
        Remedies considered; all by default.

    Returns
    -------
    DataFrame
        A row for each mine and remedy that raises the chance: `mine_id`, `remedy`, `cost_cny`
        (price year of the remedy), `p_now`, `p_after` (its own success counted in), `gain_ha`
        (area times what the chance gains) and `status` of its cost and effect. By mine, in the
        order of remedies.
    """
    now = prospect.ahead().p_target
    rows = []
    for remedy in remedies(chosen):
        if not wanted.any():
            break
        after = now + remedy.success * (prospect.ahead(remedy).p_target - now)
        for i in np.flatnonzero(wanted & (after > now + 1e-6)):
            area = float(prospect.area_ha[i])
            rows.append((
                prospect.mine_id[i], remedy.key, area * remedy.cost_cny_ha, float(now[i]),
                float(after[i]), area * float(after[i] - now[i]), remedy.status,
            ))  # fmt: skip
    order = {remedy.key: n for n, remedy in enumerate(remedies())}
    rows.sort(key=lambda row: (row[0], order[row[1]]))
    return pd.DataFrame(rows, columns=list(COLUMNS))
