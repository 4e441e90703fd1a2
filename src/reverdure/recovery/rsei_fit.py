"""Limits and loadings of the ecological index: found once over all years, then kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import RseiPixel, RseiStatus
from reverdure.core.errors import InvalidInput
from reverdure.core.provenance import digest
from reverdure.recovery.constants import table
from reverdure.recovery.rsei_picture import COMPONENTS, SPAN, Picture
from reverdure.recovery.rsei_wetness import WetnessSet, wetness_sets

POOLED = "pooled"
XU2013 = "xu2013"
FORMS = (POOLED, XU2013)
"""One basis for all years; or each picture stretched to its own extremes, as first published."""

_DECIMALS = 6
_BY_YEAR = ("years", "reference_k", "levels")
_LEAST_WIDTH = 1e-6
# greenness and wetness are good, dryness and heat are not
_GOOD = np.array([1.0, 1.0, -1.0, -1.0])

Pictures = Callable[[], Iterable[tuple[int, Picture]]]
"""Gives pairs of year and picture, as often as it is called."""


def rsei_constant(name: str) -> float:
    """Value of an entry of `data/rsei.toml`.

    Examples
    --------
    >>> rsei_constant("least_share")
    0.6
    """
    return float(table("rsei")[name]["value"])


@dataclass(frozen=True, slots=True)
class Loadings:
    """First principal component of the four components between their limits.

    Attributes
    ----------
    status : RseiStatus
    values : tuple of float
        Of greenness, wetness, dryness, heat; unit length, the good end up.
    share : float
        Of the variance, 0-1; NaN without pixels.
    n_pixels : int
    """

    status: RseiStatus
    values: tuple[float, ...]
    share: float
    n_pixels: int


@dataclass(frozen=True)
class RseiFit:
    """Everything that turns components into the index; frozen in a workspace.

    Attributes
    ----------
    form : {"pooled", "xu2013"}
    wetness : str
        Name of the wetness set; other sensors are brought to its bands.
    limits : tuple of (float, float)
        Value of each component that counts as 0 and as 1.
    loadings : Loadings
    ends : (float, float)
        Weighted sum that is index 0, and index 1.
    years : tuple of int
        Years it was made from.
    reference_k : mapping of int to float
        Reference temperature of each year, [K]; other years get theirs when they come.
    levels : mapping of int to float
        Mean index of the reference land in each year; empty where years are not held level.
    level : float
        The same over all years it was made from.
    """

    form: str
    wetness: str
    limits: tuple[tuple[float, float], ...]
    loadings: Loadings
    ends: tuple[float, float]
    years: tuple[int, ...]
    reference_k: Mapping[int, float] = field(default_factory=dict)
    levels: Mapping[int, float] = field(default_factory=dict)
    level: float = 0.0

    def shift(self, year: int) -> float:
        """What brings the reference land of a year to its level over all years."""
        return self.level - self.levels[year] if year in self.levels else 0.0

    @property
    def is_given(self) -> bool:
        """Whether there is an index at all."""
        return self.loadings.status is RseiStatus.MEASURED

    @property
    def wetness_set(self) -> WetnessSet:
        """Its wetness coefficients."""
        return wetness_sets()[self.wetness]

    @property
    def digest(self) -> str:
        """Hash of limits, loadings and wetness; the reference of each year stands apart."""
        plain = self.to_dict()
        return digest({k: v for k, v in plain.items() if k not in _BY_YEAR})

    def for_kernel(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Limits (4, 2), and weights with their constant (5,)."""
        low, high = self.ends
        weights = np.array([*self.loadings.values, -low]) / max(high - low, _LEAST_WIDTH)
        return np.array(self.limits, np.float32), weights.astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON; no value for what is not finite."""
        share = self.loadings.share
        return {
            "form": self.form,
            "wetness": self.wetness,
            "coefficients": list(self.wetness_set.coefficients),
            "limits": [list(pair) for pair in self.limits],
            "loadings": list(self.loadings.values),
            "share": share if np.isfinite(share) else None,
            "status": self.loadings.status.key,
            "n_pixels": self.loadings.n_pixels,
            "ends": list(self.ends),
            "years": list(self.years),
            "reference_k": {str(year): kelvin for year, kelvin in self.reference_k.items()},
            "levels": {str(year): level for year, level in self.levels.items()},
            "level": self.level,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Fit from what `to_dict` gave."""
        share = fields["share"]
        return cls(
            form=fields["form"],
            wetness=fields["wetness"],
            limits=tuple((pair[0], pair[1]) for pair in fields["limits"]),
            loadings=Loadings(
                RseiStatus.from_key(fields["status"]),
                tuple(fields["loadings"]),
                float("nan") if share is None else share,
                fields["n_pixels"],
            ),
            ends=(fields["ends"][0], fields["ends"][1]),
            years=tuple(fields["years"]),
            reference_k={int(year): kelvin for year, kelvin in fields["reference_k"].items()},
            levels={int(year): level for year, level in fields["levels"].items()},
            level=fields["level"],
        )


@dataclass(eq=False)
class YearTally:
    """What the clear land of one year is like, as whole numbers; pictures are added one by one.

    Attributes
    ----------
    counts : (3, bin) int64
        Greenness, wetness, dryness.
    heat, reference : (number,) int64
        Stored numbers of thermal, of all clear land and of the reference land.
    statuses : (256,) int64
        Pixels by `RseiPixel`.
    scaling : (float, float)
        Number counted from 0 -> [K].
    """

    counts: NDArray[np.int64]
    heat: NDArray[np.int64]
    reference: NDArray[np.int64]
    statuses: NDArray[np.int64]
    scaling: tuple[float, float]

    @classmethod
    def empty(cls, picture: Picture) -> Self:
        """Nothing counted yet, for pictures stored like this one."""
        from reverdure.kernels.rsei import N_BINS, N_NUMBERS

        factor, offset = (float(value) for value in picture.scaling[6])
        return cls(
            np.zeros((3, N_BINS), np.int64),
            np.zeros(N_NUMBERS, np.int64),
            np.zeros(N_NUMBERS, np.int64),
            np.zeros(256, np.int64),
            (factor, offset + factor * picture.lowest),
        )

    def add(self, picture: Picture, wetness: WetnessSet) -> None:
        """Count one picture more."""
        from reverdure.kernels.rsei import heat_of, tally

        arguments = picture.arguments(wetness, 0.0)
        span = np.array(SPAN[:3], np.float32)
        heat = np.zeros_like(self.heat)
        tally(*arguments, span, picture.lowest, self.counts, heat, self.statuses)
        self.heat += heat
        if picture.reference is None:
            self.reference += heat
        else:
            heat_of(*arguments, picture.reference, picture.lowest, self.reference)

    def merged(self, other: Self) -> Self:
        """The two together; of pictures stored alike."""
        if other.scaling != self.scaling:
            raise InvalidInput(f"temperatures are stored as {self.scaling} and {other.scaling}.")
        return replace(
            self,
            counts=self.counts + other.counts,
            heat=self.heat + other.heat,
            reference=self.reference + other.reference,
            statuses=self.statuses + other.statuses,
        )

    def reference_k(self) -> tuple[float, RseiStatus]:
        """Median temperature of the reference land, [K]; NaN and the reason where there is none."""
        n_measured, total = int(self.heat.sum()), int(self.reference.sum())
        if total < rsei_constant("least_reference_pixels"):
            why = RseiStatus.TOO_FEW_PIXELS if n_measured else _why_few(self.statuses)
            return float("nan"), why
        reached = np.cumsum(self.reference)
        lower, upper = np.searchsorted(reached, [(total - 1) // 2 + 1, total // 2 + 1])
        factor, offset = self.scaling
        return round((float(lower) + float(upper)) / 2 * factor + offset, 4), RseiStatus.MEASURED

    def heat_counts(self, reference_k: float) -> NDArray[np.int64]:
        """Histogram of heat from a reference, in the bins of the other components."""
        start, end = SPAN[3]
        there = np.flatnonzero(self.heat)
        kelvin = there * self.scaling[0] + self.scaling[1] - reference_k
        n_bins = self.counts.shape[1]
        place = np.clip((kelvin - start) / (end - start) * n_bins, 0, n_bins - 1).astype(np.int64)
        counts = np.zeros(n_bins, np.int64)
        np.add.at(counts, place, self.heat[there])
        return counts


def tally_years(pictures: Pictures, wetness: WetnessSet) -> dict[int, YearTally]:
    """What the land of each year is like."""
    found: dict[int, YearTally] = {}
    for year, picture in pictures():
        if year not in found:
            found[year] = YearTally.empty(picture)
        found[year].add(picture, wetness)
    return found


def references(
    tallies: Mapping[int, YearTally], known: Mapping[int, float] | None = None
) -> tuple[dict[int, float], dict[int, RseiStatus]]:
    """Reference temperature of each year, [K], and why a year has none.

    Years in `known` keep theirs.
    """
    found = {
        year: (float(known[year]), RseiStatus.MEASURED)
        if known is not None and year in known
        else tally.reference_k()
        for year, tally in tallies.items()
    }
    return {y: k for y, (k, _) in found.items()}, {y: status for y, (_, status) in found.items()}


def fit_pooled(
    pictures: Pictures,
    wetness: WetnessSet,
    tallies: Mapping[int, YearTally],
    reference_k: Mapping[int, float],
) -> tuple[RseiFit, dict[int, Loadings]]:
    """One basis for all years, and what each year's own loadings would be on its limits.

    Parameters
    ----------
    pictures : callable
        Read once; years without a finite reference are passed over.
    wetness : WetnessSet
    tallies : mapping of int to YearTally
        Of the same pictures.
    reference_k : mapping of int to float
        Reference temperature of each year, [K].

    Notes
    -----
    Limits are the quantiles `limit_low` and `limit_high` of each component over all clear
    land pixels of all years. The index is 0 and 1 where all components lie at their limits,
    whatever the pictures hold, so no picture stretches it.
    """
    years = sorted(year for year, kelvin in reference_k.items() if np.isfinite(kelvin))
    limits = _limits([tallies[year] for year in years], [reference_k[year] for year in years])
    sums = year_moments(pictures, wetness, limits, reference_k)
    pooled = loadings_of(sum(sums.values(), np.zeros(15, np.int64)))
    if pooled.status in (RseiStatus.TOO_FEW_PIXELS, RseiStatus.NO_DATA):
        statuses = sum((one.statuses for one in tallies.values()), np.zeros(256, np.int64))
        pooled = Loadings(_why_few(statuses), pooled.values, pooled.share, pooled.n_pixels)
    kept = {year: reference_k[year] for year in years}
    fit = RseiFit(POOLED, wetness.name, limits, pooled, _ends(pooled), tuple(years), kept)
    return fit, {year: loadings_of(of_year) for year, of_year in sums.items()}


def year_moments(
    pictures: Pictures,
    wetness: WetnessSet,
    limits: tuple[tuple[float, float], ...],
    reference_k: Mapping[int, float],
    *,
    only_reference: bool = False,
) -> dict[int, NDArray[np.int64]]:
    """Sums of the kernel `moments` for each year that has a reference temperature."""
    from reverdure.kernels.rsei import moments

    edges = np.array(limits, np.float32)
    sums = {y: np.zeros(15, np.int64) for y, kelvin in reference_k.items() if np.isfinite(kelvin)}
    for year, picture in pictures():
        if year in sums:
            part = picture.reference_land() if only_reference else picture
            moments(*part.arguments(wetness, reference_k[year]), edges, sums[year])
    return sums


def held_level(
    fit: RseiFit, pictures: Pictures, reference_k: Mapping[int, float], *, frozen: bool
) -> RseiFit:
    """The fit with the mean index of the reference land in each year of `reference_k`.

    Parameters
    ----------
    fit : RseiFit
    pictures : callable
        Pictures of these years at least.
    reference_k : mapping of int to float
        Reference temperature of each year, [K].
    frozen : bool
        Whether the level over all years stays as it is, and years are added to it.
    """
    if not fit.is_given:
        return fit
    sums = year_moments(pictures, fit.wetness_set, fit.limits, reference_k, only_reference=True)
    least = rsei_constant("least_reference_pixels")
    levels = {year: _mean_index(fit, one) for year, one in sums.items() if one[0] >= least}
    if frozen:
        return replace(fit, levels={**fit.levels, **levels})
    total = sum(sums.values(), np.zeros(15, np.int64))
    return replace(fit, levels=levels, level=_mean_index(fit, total))


def _mean_index(fit: RseiFit, sums: NDArray[np.int64]) -> float:
    """Mean index of what `moments` summed: it is linear in the components."""
    from reverdure.kernels.rsei import LEVELS

    _, weights = fit.for_kernel()
    means = sums[1:5] / (max(int(sums[0]), 1) * LEVELS)
    return round(float(weights[:4] @ means + weights[4]), _DECIMALS)


def fit_single(picture: Picture, wetness: WetnessSet, year: int) -> RseiFit:
    """The form of Xu 2013: components and index stretched to the extremes of one picture."""
    from reverdure.kernels.rsei import extremes, moments

    arguments = picture.arguments(wetness, 0.0)
    tally = YearTally.empty(picture)
    tally.add(picture, wetness)
    statuses = tally.statuses
    ends = np.array([[np.inf, -np.inf]] * 5, np.float32)
    flat = np.array([[0.0, 1.0]] * 4, np.float32)
    extremes(*arguments, flat, np.zeros(5, np.float32), ends)
    if statuses[RseiPixel.MEASURED] == 0:
        ends[:] = (0.0, 1.0)
    limits = tuple((float(low), max(float(high), float(low) + 1e-4)) for low, high in ends[:4])
    sums = np.zeros(15, np.int64)
    moments(*arguments, np.array(limits, np.float32), sums)
    found = loadings_of(sums)
    if found.status in (RseiStatus.TOO_FEW_PIXELS, RseiStatus.NO_DATA):
        found = Loadings(_why_few(statuses), found.values, found.share, found.n_pixels)
    reached = _ends(found)
    if found.status is RseiStatus.MEASURED:
        ends[:] = (np.inf, -np.inf)
        weights = np.array([*found.values, 0.0], np.float32)
        extremes(*arguments, np.array(limits, np.float32), weights, ends)
        reached = (float(ends[4, 0]), float(ends[4, 1]))
    return RseiFit(XU2013, wetness.name, limits, found, reached, (year,), {year: 0.0})


def _limits(
    tallies: Sequence[YearTally], reference_k: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    """Quantiles of binned values, straight lines within a bin."""
    found = []
    for part, (start, end) in enumerate(SPAN):
        of_years = [
            one.counts[part] if part < 3 else one.heat_counts(kelvin)
            for one, kelvin in zip(tallies, reference_k, strict=True)
        ]
        counts = np.sum(of_years, axis=0) if of_years else np.zeros(1, np.int64)
        width = (end - start) / counts.size
        reached = np.cumsum(counts)
        ends = []
        for share in (rsei_constant("limit_low"), rsei_constant("limit_high")):
            wanted = share * float(reached[-1])
            place = min(int(np.searchsorted(reached, wanted)), counts.size - 1)
            before = float(reached[place] - counts[place])
            within = (wanted - before) / max(float(counts[place]), 1.0)
            ends.append(round(start + (place + within) * width, _DECIMALS))
        found.append((ends[0], max(ends[1], ends[0] + 1e-4)))
    return tuple(found)


def loadings_of(sums: NDArray[np.int64]) -> Loadings:
    """First principal component of what the kernel `moments` summed.

    Examples
    --------
    >>> import numpy as np
    >>> loadings_of(np.zeros(15, np.int64)).status.key
    'no_data'
    """
    from reverdure.kernels.rsei import LEVELS

    n = int(sums[0])
    nothing = (0.0,) * len(COMPONENTS)
    if n < rsei_constant("least_pixels"):
        status = RseiStatus.TOO_FEW_PIXELS if n else RseiStatus.NO_DATA
        return Loadings(status, nothing, float("nan"), n)
    # whole numbers as long as they are whole: nothing is lost to rounding
    first = [int(value) for value in sums[1:5]]
    second = iter(int(value) for value in sums[5:])
    covariance = np.empty((4, 4))
    for one in range(4):
        for other in range(one, 4):
            scatter = next(second) * n - first[one] * first[other]
            covariance[one, other] = covariance[other, one] = scatter / (n * LEVELS) ** 2
    variances, vectors = np.linalg.eigh(covariance)
    total = float(variances.sum())
    if total <= 0:
        return Loadings(RseiStatus.LITTLE_EXPLAINED, nothing, float("nan"), n)
    main = vectors[:, -1]
    main = main * (1.0 if main @ _GOOD >= 0 else -1.0)
    values = tuple(round(float(value), _DECIMALS) + 0.0 for value in main)
    share = round(float(variances[-1]) / total, _DECIMALS)
    status = RseiStatus.MEASURED
    if share < rsei_constant("least_share"):
        status = RseiStatus.LITTLE_EXPLAINED
    if min(values[0], values[1]) <= 0:
        status = RseiStatus.SIGNS_DISAGREE
    return Loadings(status, values, share, n)


def _ends(loadings: Loadings) -> tuple[float, float]:
    """Weighted sum where every component lies at its worse limit, and at its better one."""
    values = np.array(loadings.values)
    return float(np.minimum(values, 0).sum()), float(np.maximum(values, 0).sum())


def _why_few(statuses: NDArray[np.int64]) -> RseiStatus:
    """Why there are too few pixels: mostly for want of temperature, or of clear land."""
    measured, cold = statuses[RseiPixel.MEASURED], statuses[RseiPixel.NO_THERMAL]
    if cold > measured:
        return RseiStatus.NO_THERMAL
    return RseiStatus.TOO_FEW_PIXELS if measured else RseiStatus.NO_DATA
