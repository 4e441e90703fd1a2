"""What can be counted of a programme: the objective and the targets speak of these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import UnknownOption
from reverdure.plan.mines import Mines
from reverdure.plan.options import MILLION, Options

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something each option has an amount of.

    Attributes
    ----------
    id, en, zh, unit : str
    of : callable
        (options, mines) to one amount an option.
    """

    id: str
    en: str
    zh: str
    unit: str
    of: Callable[[Options, Mines], Numbers]


def _expected(options: Options, mines: Mines) -> Numbers:
    return options.gain_ha_years * options.success


def _on_land(options: Options, mines: Mines) -> Numbers:
    land = np.array([measure.slot == "land" for measure, _ in options.packages])
    return land[options.package].astype(float)


def _area(options: Options, mines: Mines) -> Numbers:
    return mines.area_ha[options.mine] * _on_land(options, mines)


def _per_unit(name: str) -> Callable[[Options, Mines], Numbers]:
    def amount(options: Options, mines: Mines) -> Numbers:
        rates = np.array([getattr(measure.per_unit, name) for measure, _ in options.packages])
        return rates[options.package] * options.units

    return amount


def _units_of(measure_id: str) -> Callable[[Options, Mines], Numbers]:
    def amount(options: Options, mines: Mines) -> Numbers:
        is_it = np.array([measure.id == measure_id for measure, _ in options.packages])
        return is_it[options.package] * options.units

    return amount


def _nature_based(options: Options, mines: Mines) -> Numbers:
    flags = np.array([measure.nature_based for measure, _ in options.packages])
    return flags[options.package] * _area(options, mines)


def _revenue(options: Options, mines: Mines) -> Numbers:
    rates = np.array([use.revenue_cny_per_ha_year if use else 0 for _, use in options.packages])
    return rates[options.package] * _area(options, mines) / MILLION


def _grid(options: Options, mines: Mines) -> Numbers:
    flags = np.array([bool(use and use.grid) for _, use in options.packages])
    return flags[options.package] * _area(options, mines)


def _jobs(options: Options, mines: Mines) -> Numbers:
    rates = np.array([use.jobs_per_ha if use else 0 for _, use in options.packages])
    return _per_unit("jobs")(options, mines) + rates[options.package] * _area(options, mines)


recovered_ha_years = Quantity(
    "recovered_ha_years", "expected recovered ha-years", "预期恢复公顷年", "ha a", _expected
)
restored_ha = Quantity("restored_ha", "restored area", "修复面积", "ha", _area)
expected_ha = Quantity(
    "expected_ha", "restored area that is expected to last", "预期有效修复面积", "ha",
    lambda options, mines: _area(options, mines) * options.success,
)  # fmt: skip
restored_mines = Quantity("restored_mines", "restored mines", "修复矿山数", "mines", _on_land)
nature_based_ha = Quantity(
    "nature_based_ha", "area restored by nature-based solutions", "基于自然的修复面积", "ha",
    _nature_based,
)  # fmt: skip
grid_ha = Quantity("grid_ha", "area of solar and wind power", "光伏与风电面积", "ha", _grid)
jobs = Quantity("jobs", "jobs (person-years)", "就业（人年）", "a", _jobs)
trained = Quantity("trained", "people trained", "培训人数", "people", _per_unit("trained"))
households = Quantity(
    "households", "households served", "受益户数", "households", _per_unit("households")
)
relocated = Quantity(
    "relocated", "households relocated", "搬迁户数", "households", _units_of("relocation")
)
supplied = Quantity(
    "supplied", "people supplied with water", "供水人口", "people", _units_of("water_supply")
)
dredged_m3 = Quantity("dredged_m3", "dredged volume", "清淤量", "m3", _units_of("river_dredging"))
surveyed = Quantity("surveyed", "sites surveyed", "调查立地数", "sites", _units_of("survey"))
carbon_t = Quantity(
    "carbon_t", "carbon taken up in a year", "年固碳量", "t/a", _per_unit("carbon_t_per_year")
)
infrastructure_km = Quantity(
    "infrastructure_km", "infrastructure", "基础设施", "km", _per_unit("infrastructure_km")
)
revenue_mcny = Quantity(
    "revenue_mcny", "yearly revenue of the land uses", "后续利用年收入", "million CNY/a", _revenue
)
works_ha = Quantity("works_ha", "area under works", "施工面积", "ha", _per_unit("works_ha"))
earthworks_m3 = Quantity(
    "earthworks_m3", "earthworks", "土石方量", "m3", _per_unit("earthworks_m3")
)
seedlings = Quantity("seedlings", "seedlings", "苗木", "seedlings", _per_unit("seedlings"))
water_m3 = Quantity("water_m3", "water", "用水量", "m3", _per_unit("water_m3"))

QUANTITIES: Mapping[str, Quantity] = {
    one.id: one
    for one in (
        recovered_ha_years, restored_ha, expected_ha, restored_mines, nature_based_ha, grid_ha,
        jobs, trained, households, relocated, supplied, dredged_m3, surveyed, carbon_t,
        infrastructure_km, revenue_mcny, works_ha, earthworks_m3, seedlings, water_m3,
    )
}  # fmt: skip


def quantity(name: str) -> Quantity:
    """A quantity by its id.

    Raises
    ------
    UnknownOption
        If there is none of this name.

    Examples
    --------
    >>> quantity("restored_ha").zh
    '修复面积'
    """
    if name not in QUANTITIES:
        allowed = ", ".join(QUANTITIES)
        raise UnknownOption(f"quantity {name!r} is not known; use one of {allowed}.")
    return QUANTITIES[name]
