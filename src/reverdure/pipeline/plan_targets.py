"""Targets that the registry holds, as requirements of a programme."""

from collections.abc import Mapping, Sequence
from typing import Any

from reverdure.core.record_book import Record
from reverdure.core.records import Finding
from reverdure.plan.quantities import QUANTITIES
from reverdure.registry.counties import county_of
from reverdure.store.records import current
from reverdure.store.workspace import Workspace

_UNITS = {"ha": ("ha", "公顷"), "mines": ("mines", "mine", "座", "处", "个")}


def with_registry(
    workspace: Workspace, requirements: Mapping[str, Any], years: Sequence[int]
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Requirements with the targets of the registry among them, where `registry = true` asks so.

    Parameters
    ----------
    workspace : Workspace
    requirements : mapping
        A tree of TOML.
    years : sequence of int
        Of the programme; targets of other years are left out.

    Returns
    -------
    tree, left out
        The tree without `registry`, and targets that could not be taken, each with the reason.
    """
    said = {key: value for key, value in requirements.items() if key != "registry"}
    if not requirements.get("registry"):
        return said, ()
    records = current(workspace.database, ["target", "unit"])
    places = _places(workspace)
    taken, left_out = [], []
    for number, record in enumerate(records["target"].values(), start=1):
        one = _target(record, records["unit"], places, years)
        if isinstance(one, tuple):
            left_out.append(Finding(number, record.id, "flagged", *one))
        else:
            taken.append(one)
    listed = said.get("target", [])
    said["target"] = [*(listed if isinstance(listed, list) else [listed]), *taken]
    return said, tuple(left_out)


def _places(workspace: Workspace) -> set[str]:
    mines, counties = workspace.database.frame("mine"), workspace.database.frame("county")
    return set(county_of(mines, None if counties.empty else counties))


def _target(
    record: Record, units: Mapping[str, Record], counties: set[str], years: Sequence[int]
) -> dict[str, Any] | tuple[str, str, str]:
    values = record.values
    what = next((q for q in QUANTITIES.values()
                 if values["metric"].strip().lower() in (q.id, q.en, q.zh)), None)  # fmt: skip
    if what is None:
        return ("metric", f"metric {values['metric']!r} is not among the quantities of a programme",
                f"指标“{values['metric']}”不在规划可计算的数量之中")  # fmt: skip
    if values["measured_in"] not in _UNITS.get(what.unit, (what.unit,)):
        return ("unit", f"it is in {values['measured_in']}, not {what.unit}",
                f"单位为{values['measured_in']}，应为{what.unit}")  # fmt: skip
    if not years[0] <= values["to_year"]:
        return ("year", f"its year {values['to_year']} is before the programme",
                f"目标年{values['to_year']}早于规划期")  # fmt: skip
    found: dict[str, Any] = {"what": what.id, "least": values["value"], "name": record.id}
    if values["to_year"] < years[-1]:
        found["by"] = values["to_year"]
    unit = units.get(values.get("unit_id", ""))
    if unit is not None and unit.values["level"] in ("county", "prefecture"):
        place = unit.values["level"]
        if place == "county" and unit.values["name"] not in counties:
            return ("place", f"no mine lies in {unit.values['name']}",
                    f"{unit.values['name']}没有矿山")  # fmt: skip
        found[place] = unit.values["name"]
    return found
