"""What can be done for a mine that falls behind, what it costs and what it changes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.control.states import Course, Estimate, Floats, forecast_over_paces
from reverdure.control.tables import table
from reverdure.core.errors import UnknownOption

COLUMNS = ("mine_id", "remedy", "cost_cny", "p_now", "p_after", "gain_ha", "status")


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
    years: int

    def p_target(self, remedy: Remedy | None = None) -> Floats:
        """P(r >= target) at the deadline: left as they are, or once a remedy has worked."""
        kappa, level = np.asarray(self.course.kappa), np.asarray(self.course.level)
        sd = self.kappa_sd
        if remedy is not None:
            after = remedy.kappa_after(kappa, self.group_kappa)
            sd = sd * after / np.maximum(kappa, 1e-9)
            # a pace that comes from the group is as uncertain as paces are in general
            sd = np.where(after > kappa * remedy.kappa_factor, 0.35 * after, sd)
            waits = np.arange(max(self.years, 1)) < remedy.years
            kappa = np.where(waits, kappa[:, None], after[:, None])
            level = np.where(
                waits, level[:, None], np.minimum(level + remedy.level_add, 1)[:, None]
            )
            sd = np.where(waits, self.kappa_sd[:, None], sd[:, None])
        ahead = replace(self.course, kappa=kappa, level=level)
        return forecast_over_paces(self.estimate, ahead, sd, self.years, self.target).p_target


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
    now = prospect.p_target()
    rows = []
    for remedy in remedies(chosen):
        if not wanted.any():
            break
        after = now + remedy.success * (prospect.p_target(remedy) - now)
        for i in np.flatnonzero(wanted & (after > now + 1e-6)):
            area = float(prospect.area_ha[i])
            rows.append((
                prospect.mine_id[i], remedy.key, area * remedy.cost_cny_ha, float(now[i]),
                float(after[i]), area * float(after[i] - now[i]), remedy.status,
            ))  # fmt: skip
    order = {remedy.key: n for n, remedy in enumerate(remedies())}
    rows.sort(key=lambda row: (row[0], order[row[1]]))
    return pd.DataFrame(rows, columns=list(COLUMNS))
