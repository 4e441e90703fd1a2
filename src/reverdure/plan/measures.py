"""What can be done on a mine and what the ground can become, as data with their sources."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, UnknownOption

AFTERCARE = ("aftercare", "operation")
"""Stages that may go on after the works are finished and after the programme ends."""
REMEDY = "remedy"
"""Slot of measures that repair works: only what is offered of them can be done."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the works: `years` long from the year `first` after the start."""

    id: str
    first: int
    years: int


@dataclass(frozen=True, slots=True)
class Cost:
    """A component of the cost of a measure, [CNY per unit], in the stage it falls due."""

    name: str
    stage: str
    cny_per_unit: float
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Expected recovery r(t) = K - (K - r0)(1 - kappa)^(t - lag) after the works.

    Attributes
    ----------
    kappa : float
        Share of the gap closed in a year.
    ceiling : float
        K, what recovery tends to, 0 to 1.
    lag : int
        Years between the end of the works and the first recovery.
    spread : float
        Standard deviation of ln kappa.
    success : float
        Probability that the measure takes at all.
    source, status : str
    """

    kappa: float
    ceiling: float
    lag: int
    spread: float
    success: float
    source: str
    status: str

    def after(
        self, years: NDArray[np.int64] | int, start: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        """Recovery so many years after the end of the works (METHODS 3.4).

        Examples
        --------
        Taojiang, Hunan: .423 in 2011, .718 in 2023, county .847 (METHODS 3.4).

        >>> course = Trajectory(.0944, .847, 0, 0, 1, "", "")
        >>> round(float(course.after(12, .423)), 3)
        0.718
        """
        since = np.maximum(np.asarray(years) - self.lag, 0)
        course = self.ceiling - (self.ceiling - start) * (1 - self.kappa) ** since
        return np.maximum(np.asarray(course, dtype=np.float64), start)


@dataclass(frozen=True, slots=True)
class PerUnit:
    """What a unit of a measure takes and gives."""

    works_ha: float
    earthworks_m3: float
    seedlings: float
    water_m3: float
    jobs: float
    trained: float
    infrastructure_km: float
    households: float
    carbon_t_per_year: float


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure with its stages, cost components and expected course."""

    id: str
    en: str
    zh: str
    slot: str
    unit: str
    surface: str
    nature_based: bool
    land_uses: tuple[str, ...]
    stages: tuple[Stage, ...]
    costs: tuple[Cost, ...]
    per_unit: PerUnit
    trajectory: Trajectory | None = None

    @property
    def cny_per_unit(self) -> float:
        """All components together."""
        return sum(cost.cny_per_unit for cost in self.costs)

    @property
    def works_years(self) -> int:
        """Years from the start until the works are finished, aftercare left out."""
        return max(s.first + s.years for s in self.stages if s.id not in AFTERCARE)

    def profile(self) -> NDArray[np.float64]:
        """Share of the cost that falls into each year after the start; adds up to 1.

        Examples
        --------
        >>> catalogue().measures["assisted_recovery"].profile().round(2).tolist()
        [0.76, 0.08, 0.08, 0.08]
        """
        return self._spread({cost.stage: 0.0 for cost in self.costs} | self._by_stage())

    def works_profile(self) -> NDArray[np.float64]:
        """Share of the works that falls into each year; aftercare has none."""
        weights = {k: v for k, v in self._by_stage().items() if k not in AFTERCARE}
        return self._spread(weights)

    def aftercare_profile(self) -> NDArray[np.float64]:
        """Share of the whole cost that is aftercare, in each year after the start.

        Examples
        --------
        >>> catalogue().measures["assisted_recovery"].aftercare_profile().round(2).tolist()
        [0.0, 0.08, 0.08, 0.08]
        """
        care = {stage: money for stage, money in self._by_stage().items() if stage in AFTERCARE}
        return self._years(care) / self.cny_per_unit

    def _by_stage(self) -> dict[str, float]:
        stages: dict[str, float] = {}
        for cost in self.costs:
            stages[cost.stage] = stages.get(cost.stage, 0.0) + cost.cny_per_unit
        return stages

    def _spread(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        years = self._years(weights)
        shares: NDArray[np.float64] = years / years.sum()
        return shares

    def _years(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        years = np.zeros(max(stage.first + stage.years for stage in self.stages))
        for stage in self.stages:
            share = weights.get(stage.id, 0.0) / stage.years
            years[stage.first : stage.first + stage.years] += share
        return years


@dataclass(frozen=True, slots=True)
class LandUse:
    """What the ground becomes; the operator's cost is reported, not paid by the programme."""

    id: str
    en: str
    zh: str
    cny_per_ha: float
    operator_cny_per_ha: float
    revenue_cny_per_ha_year: float
    jobs_per_ha: float
    grid: bool
    status: str


@dataclass(frozen=True, slots=True)
class Stream:
    """Material that lies at a mine and can be used: the circular economy."""

    id: str
    en: str
    zh: str
    use_en: str
    use_zh: str
    revenue_cny_per_m3: float
    limit: float
    measures: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Measures, land uses, streams and the rules of costs, with the year of their prices."""

    price_year: int
    measures: Mapping[str, Measure]
    land_uses: Mapping[str, LandUse]
    streams: Mapping[str, Stream]
    rules: Mapping[str, float]
    assumptions: tuple[str, ...]

    def measure(self, name: str) -> Measure:
        """A measure by its id.

        Raises
        ------
        UnknownOption
            If there is none of this name.
        """
        if name not in self.measures:
            allowed = ", ".join(self.measures)
            raise UnknownOption(f"measure {name!r} is not known; use one of {allowed}.")
        return self.measures[name]

    def land_use(self, name: str) -> LandUse:
        """A land use by its id.

        Raises
        ------
        UnknownOption
            If there is none of this name.
        """
        if name not in self.land_uses:
            allowed = ", ".join(self.land_uses)
            raise UnknownOption(f"land use {name!r} is not known; use one of {allowed}.")
        return self.land_uses[name]

    def only(self, measures: Iterable[str]) -> "Catalogue":
        """The same with these measures alone."""
        kept = {name: self.measure(name) for name in measures}
        return Catalogue(
            self.price_year, kept, self.land_uses, self.streams, self.rules, self.assumptions
        )


@cache
def catalogue() -> Catalogue:
    """The measures of `plan/data/measures.toml`.

    Examples
    --------
    >>> catalogue().measure("natural_recovery").cny_per_unit
    30000.0
    >>> catalogue().measure("magic")
    Traceback (most recent call last):
    ...
    reverdure.core.errors.UnknownOption: measure 'magic' is not known; use one of ...
    """
    text = resources.files("reverdure.plan").joinpath("data/measures.toml").read_text("utf-8")
    return read_catalogue(text)


def read_catalogue(text: str) -> Catalogue:
    """A catalogue from TOML text of the same form as `plan/data/measures.toml`.

    Raises
    ------
    InvalidInput
        If a cost is not above zero, or a stage, land use or number does not fit.
    """
    tree = tomllib.loads(text)
    _refuse_nan("measures", tree)
    land_uses = {k: LandUse(id=k, **v) for k, v in tree["land_uses"].items()}
    measures = {k: _measure(k, v, land_uses) for k, v in tree["measures"].items()}
    streams = {
        k: Stream(id=k, **{**v, "measures": tuple(v["measures"])})
        for k, v in tree.get("streams", {}).items()
    }
    return Catalogue(
        int(tree["price_year"]),
        MappingProxyType(measures),
        MappingProxyType(land_uses),
        MappingProxyType(streams),
        MappingProxyType({k: float(v["value"]) for k, v in tree["rules"].items()}),
        tuple(_assumptions(measures, tree)),
    )


def _refuse_nan(where: str, said: Any) -> None:
    """Refuse a number that is none, with the place it stands in."""
    parts = said.items() if isinstance(said, Mapping) else enumerate(said, start=1)
    for key, value in parts:
        place = f"{where}.{key}"
        if isinstance(value, Mapping | list):
            _refuse_nan(place, value)
        elif isinstance(value, float) and not np.isfinite(value):
            raise InvalidInput(f"{place} is {value}; write a number.")


def _course(name: str, raw: Mapping[str, Any]) -> Trajectory:
    course = Trajectory(**raw)
    for key in ("kappa", "ceiling", "success"):
        value = getattr(course, key)
        if not 0 <= value <= 1:
            raise InvalidInput(f"{key} of measure {name!r} is {value:g}; allowed is 0 to 1.")
    return course


def _measure(name: str, raw: Mapping[str, Any], land_uses: Mapping[str, LandUse]) -> Measure:
    costs = tuple(Cost(**{**one, "cny_per_unit": float(one["cny_per_unit"])})
                  for one in raw["costs"])  # fmt: skip
    stages = tuple(Stage(**one) for one in raw["stages"])
    known = {stage.id for stage in stages}
    for cost in costs:
        if not 0 < cost.cny_per_unit < np.inf:
            raise InvalidInput(
                f"cost {cost.name!r} of measure {name!r} is {cost.cny_per_unit:g} CNY.",
                "Costs are above zero; leave a component out that costs nothing.",
            )
        if cost.stage not in known:
            raise InvalidInput(
                f"cost {cost.name!r} of measure {name!r} names the unknown stage {cost.stage!r}."
            )
    for use in raw["land_uses"]:
        if use not in land_uses:
            raise InvalidInput(f"measure {name!r} leads to the unknown land use {use!r}.")
    numbers = {f.name: float(raw["per_unit"][f.name]) for f in fields(PerUnit)}
    course = _course(name, raw["trajectory"]) if "trajectory" in raw else None
    plain = {k: raw[k] for k in ("en", "zh", "slot", "unit", "surface", "nature_based")}
    return Measure(
        id=name, land_uses=tuple(raw["land_uses"]), stages=stages, costs=costs,
        per_unit=PerUnit(**numbers), trajectory=course, **plain,
    )  # fmt: skip


def _assumptions(measures: Mapping[str, Measure], tree: Mapping[str, Any]) -> Iterable[str]:
    """Names of what is assumed: "engineered_reconstruction.earthworks", "rules.slope_from_deg"."""
    for name, measure in measures.items():
        yield from (f"{name}.{c.name}" for c in measure.costs if c.status == "assumption")
        if measure.trajectory and measure.trajectory.status == "assumption":
            yield f"{name}.trajectory"
    for room in ("rules", "land_uses", "streams"):
        for key, one in tree.get(room, {}).items():
            if one["status"] == "assumption":
                yield f"{room}.{key}"
