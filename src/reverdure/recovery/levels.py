"""Level of a mine before damage and while bare, from the fits of its pixels."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reverdure.core.grid import Window
from reverdure.recovery.constants import constant
from reverdure.recovery.losses import Losses

_FEWEST_PURE = 5
_DAMAGED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class MineLevels:
    """Levels of one mine, [index].

    Attributes
    ----------
    before : float
        Median level before the fall; NaN where no fall stands in the record.
    bare : float
        Bare level; NaN where the ground never was bare.
    lowest : float
        Lowest fitted level (10 % quantile over the mine).
    typical : float
        Median of all fitted values of the mine.
    damage_year : float
        Median year of the falls; NaN without.
    error : float
        Standard error of `lowest`, from the residuals.
    width : float
        Reference pixels lie within this of the level looked for.
    never_damaged : bool
        Whether the record holds no bare level; settled with the reference.
    """

    before: float
    bare: float
    lowest: float
    typical: float
    damage_year: float
    error: float
    width: float
    never_damaged: bool = False

    def wanted(self, early: NDArray[np.float64]) -> float:
        """Level that land of the same kind had, given the early levels of the land around."""
        return self.before if np.isfinite(self.before) else self._prevailing(early)

    def _prevailing(self, early: NDArray[np.float64]) -> float:
        """Level looked for where none before damage is known: the prevailing vegetation."""
        known = early[np.isfinite(early)]
        if known.size == 0:
            return np.nan
        green = known[known >= (known.min() + np.quantile(known, 0.95)) / 2]
        prevailing = float(np.median(green))
        is_bare = prevailing - self.lowest >= self._least_depth()
        return prevailing if is_bare else self.typical

    def settled(self, reference: float) -> "MineLevels":
        """The same with bare level and `never_damaged` decided against the reference."""
        if np.isfinite(self.before):
            return self
        if reference - self.lowest >= self._least_depth():
            return replace(self, bare=self.lowest)
        return replace(self, never_damaged=True)

    def separable(self, reference: float) -> bool:
        """Whether bare and reference can be told apart."""
        return reference - self.bare >= constant("separable_min")

    def _least_depth(self) -> float:
        return max(constant("separable_min"), constant("separable_errors") * self.error)


def mine_levels(
    losses: Losses,
    fitted: NDArray[np.float32],
    value: NDArray[np.float32],
    years: NDArray[np.int64],
    cover: tuple[Window, NDArray[np.float64]],
) -> MineLevels | None:
    """Levels of a mine from the pixels it covers; None where nothing is fitted.

    Pixels at least half covered speak; of a mine without any, all it touches, and the
    fall is divided by the coverage, since the rest of the pixel is not mine. Where few
    years lie before the fall, a fitted line may start above all that was seen: then the
    clear values before the fall tell.
    """
    part, share = cover[0].slices, cover[1]
    usable = losses.fitted[part] & (share > 0)
    if not usable.any():
        return None
    inside = usable & (share >= 0.5)
    if not inside.any():
        inside = usable & (share >= share[usable].max() - 1e-12)
    damaged = inside & losses.disturbed[part] & (losses.end_year[part] > losses.first_year[part])
    courses = fitted[(slice(None), *part)]
    lowest = np.where(np.isfinite(courses), courses, np.inf).min(axis=0)
    at_lowest = float(np.quantile(lowest[inside], constant("bare_quantile")))
    typical = float(np.nanmedian(courses[:, inside]))
    # a vertex rests on about two years
    error = float(np.median(losses.rmse[part][inside])) / 2**0.5
    if share[damaged].sum() < _DAMAGED_SHARE * share[inside].sum():
        return MineLevels(
            np.nan, np.nan, at_lowest, typical, np.nan, error, constant("reference_level_width")
        )
    before = losses.before[part][damaged]
    middle = float(np.median(before))
    spread = 1.4826 * float(np.median(np.abs(before - middle)))
    base = constant("reference_level_width")
    span = losses.start_year[part][damaged], losses.year[part][damaged]
    clear = value[(slice(None), *part)][:, damaged].astype(float)
    unseen = _unseen(middle, clear, years, span)
    lowest[damaged] -= _deeper(lowest[damaged], clear, years, span[1])
    return MineLevels(
        middle - unseen,
        _bare(losses.before[part] - unseen, part, share, damaged, lowest, middle - unseen),
        at_lowest,
        typical,
        float(np.median(losses.year[part][damaged])),
        error,
        float(np.clip(spread, base, 2 * base)),
    )


def _unseen(
    fitted: float,
    value: NDArray[np.float64],
    years: NDArray[np.int64],
    span: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> float:
    """How far a fitted level before the fall lies above the clear values, [index].

    `span` is the fitted last year before the fall, and the year of the fall. 0 unless the
    level is above the highest value of most pixels (`before_unseen`): a mean is not.
    """
    since, fell = span
    early = np.where(years[:, None] < fell, value, np.nan)
    last = np.where(years[:, None] >= since, early, np.nan)
    known = np.isfinite(last).any(axis=0)
    if not known.any():
        return 0.0
    highest = float(np.median(np.nanmax(early[:, known], axis=0)))
    if fitted - highest < constant("before_unseen"):
        return 0.0
    return fitted - float(np.median(np.nanmean(last[:, known], axis=0)))


def _deeper(
    lowest: NDArray[np.float64],
    value: NDArray[np.float64],
    years: NDArray[np.int64],
    fell: NDArray[np.float64],
) -> float:
    """How far below the fits' lowest level the pixels stood for two years, [index].

    A fit may not rise faster than `recovery_threshold` allows; where the ground greened
    within two or three years it stays above the bare years instead. 0 unless the
    difference is one that noise does not make (`bare_unseen`).
    """
    since = np.where(years[:, None] >= fell, value, np.nan)
    pairs = (since[1:] + since[:-1]) / 2
    known = np.isfinite(pairs).any(axis=0)
    if not known.any():
        return 0.0
    difference = float(np.median(lowest[known] - np.nanmin(pairs[:, known], axis=0)))
    return difference if difference >= constant("bare_unseen") else 0.0


def _bare(
    before_fall: NDArray[np.float64],
    part: tuple[slice, slice],
    share: NDArray[np.float64],
    damaged: NDArray[np.bool_],
    lowest: NDArray[np.float64],
    before: float,
) -> float:
    """Bare level: of pure pixels where there are some, else unmixed by coverage."""
    pure = damaged & (share >= constant("pure_coverage"))
    if pure.sum() >= _FEWEST_PURE:
        return float(np.quantile(lowest[pure], constant("bare_quantile")))
    weight = share[damaged]
    loss = (before_fall - lowest)[damaged]
    return before - float((weight * loss).sum() / (weight**2).sum())
