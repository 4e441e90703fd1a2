"""The mines a programme is made for: what the registry and the last run say of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reverdure.core.codes import Verdict
from reverdure.core.errors import NoMines
from reverdure.core.record_book import Record, is_open
from reverdure.core.records import Finding
from reverdure.plan.measures import Catalogue
from reverdure.plan.requirements import Lock
from reverdure.recovery.constants import constant
from reverdure.registry.counties import county_of
from reverdure.store.records import current
from reverdure.store.workspace import Workspace

if TYPE_CHECKING:
    import datetime

    import pandas as pd

COMMITTED = ("contracted", "under_way")
"""States of works that a programme has to keep."""
_LIABLE = ("liable_enterprise", "illegal")
_GOOD = (Verdict.SUPPORTED.key,)
_LEAST_HA = 0.01
_LEFT_OUT: Mapping[str, tuple[str, str]] = {
    "restored": ("its restoration is supported by the last run", "末次运行已支持其修复"),
    "no_area": ("it has neither an outline nor a stated area", "无边界且无上报面积"),
    "under_works": ("works on it began before the programme", "规划期前已开工"),
    "unknown_works": (
        "works under contract on it are by a measure the catalogue does not hold: {measure}",
        "其已签约工程的措施不在措施表中：{measure}",
    ),
}


@dataclass(frozen=True, slots=True)
class PlannedMines:
    """Mines of a programme.

    Attributes
    ----------
    table : DataFrame
        As `plan.mines.read_mines` takes it: mine_id, county, prefecture, area_ha, recovery,
        has_owner.
    commitments : tuple of Lock
        Works under contract that begin within the programme.
    left_out : tuple of Finding
        Mines that are not part of it, and why.
    run_id : str
        Run that recovery was taken from; "" where nothing was run.
    unknown_recovery : int
        Mines whose recovery nothing was measured of; they are planned as bare ground.
    """

    table: "pd.DataFrame"
    commitments: tuple[Lock, ...]
    left_out: tuple[Finding, ...]
    run_id: str
    unknown_recovery: int


def planned_mines(
    workspace: Workspace, catalogue: Catalogue, years: tuple[int, ...], day: "datetime.date"
) -> PlannedMines:
    """Mines that a programme of these years can be made for.

    A mine whose supported claims cover what counts as supported of its area has left; of any
    other the restored part is taken off. Recovery is the mean of its other claims, weighted by
    their ground, else the naturally recovered share of the mine.

    Raises
    ------
    NoMines
        If none is left.
    """
    import pandas as pd

    frame = workspace.database.frame("mine")
    if frame.empty:
        raise NoMines("the workspace holds no mines.", "Add a list: reverdure add mines FILE")
    counties = workspace.database.frame("county")
    county = county_of(frame, None if counties.empty else counties)
    records = current(workspace.database, ["work", "duty", "unit"])
    area = frame["measured_area_ha"].fillna(frame["stated_area_ha"])
    table = (
        pd.DataFrame(
            {"mine_id": frame["mine_id"].astype(str), "county": county.to_numpy(), "area_ha": area}
        )
        .set_index("mine_id", drop=False)
        .rename_axis(None)
    )
    within = _prefectures(records["unit"], counties)
    table["prefecture"] = [within.get(name, name) for name in table["county"]]
    table["has_owner"] = table["mine_id"].isin(_liable(records["duty"], day))
    done, recovery, run_id = _recovered(workspace)
    restored = table["mine_id"].map(done).fillna(0.0)
    found = table["mine_id"].map(recovery)
    share = constant("supported_share")
    gone = dict.fromkeys(table.index[restored >= share * table["area_ha"]], ("restored", ""))
    gone |= dict.fromkeys(table.index[~(table["area_ha"] > 0)], ("no_area", ""))
    table["area_ha"] = np.maximum(table["area_ha"] - restored, _LEAST_HA)
    table["recovery"] = found.fillna(0.0).clip(0.0, 1.0)
    commitments, begun = _commitments(records["work"], set(table.index), catalogue, years)
    gone = begun | gone
    kept = table[~table.index.isin(list(gone))].sort_values("mine_id", ignore_index=True)
    if kept.empty:
        raise NoMines("no mine is left to plan for: all are restored, under works or have no area.")
    return PlannedMines(
        kept,
        tuple(lock for lock in commitments if lock.mine not in gone),
        tuple(_finding(mine, *why) for mine, why in sorted(gone.items())),
        run_id,
        int(found[kept["mine_id"]].isna().sum()),
    )


def _finding(mine: str, code: str, measure: str) -> Finding:
    en, zh = (text.format(measure=measure) for text in _LEFT_OUT[code])
    return Finding(0, mine, "flagged", code, en, zh)


def _prefectures(units: Mapping[str, Record], counties: "pd.DataFrame") -> dict[str, str]:
    """Prefecture of each county that the table of units places in one, by its name."""
    names = {code: unit.values["name"] for code, unit in units.items()}
    named = dict(names)
    if not counties.empty:
        named |= {row.county_code: row.county for row in counties.itertuples() if row.county_code}
    found = {}
    for code, county in named.items():
        parent = str(units[code].values.get("parent_id", "")) if code in units else ""
        if parent in units and units[parent].values["level"] == "prefecture":
            found[county] = names[parent]
    return found


def _liable(duties: Mapping[str, Record], day: "datetime.date") -> set[str]:
    """Mines that somebody has an open duty for."""
    return {
        duty.values["mine_id"]
        for duty in duties.values()
        if duty.values["liability"] in _LIABLE and is_open(duty.values, day)
    }


def _recovered(workspace: Workspace) -> tuple[dict[str, float], dict[str, float], str]:
    """Restored hectares of supported claims and recovered share of the rest, by mine."""
    import pandas as pd

    path = workspace.products / "verdicts.parquet"
    if not path.is_file():
        return {}, {}, ""
    claims = pd.read_parquet(path, columns=[
        "mine_id", "verdict", "restored_ha", "recovered_share", "ground_ha", "run_id"])  # fmt: skip
    good = claims["verdict"].isin(_GOOD)
    done = claims[good].groupby("mine_id")["restored_ha"].sum().to_dict()
    rest = claims[~good & claims["recovered_share"].notna() & (claims["ground_ha"] > 0)]
    parts = rest.assign(part=rest["recovered_share"] * rest["ground_ha"]).groupby("mine_id")
    recovery = (parts["part"].sum() / parts["ground_ha"].sum()).to_dict()
    natural = workspace.products / "natural_recovery.parquet"
    if natural.is_file():
        ground = pd.read_parquet(natural, columns=["mine_id", "recovered_share", "ground_ha"])
        ground = ground.dropna().query("ground_ha > 0").sort_values("ground_ha")
        recovery = ground.set_index("mine_id")["recovered_share"].to_dict() | recovery
    runs = ";".join(sorted(claims["run_id"].dropna().astype(str).unique()))
    return done, recovery, runs


def _commitments(
    works: Mapping[str, Record], mines: set[str], catalogue: Catalogue, years: tuple[int, ...]
) -> tuple[list[Lock], dict[str, tuple[str, str]]]:
    """Works under contract as locks, and mines whose works are none of this programme."""
    named = {
        word.strip().lower(): measure.id
        for measure in catalogue.measures.values()
        for word in (measure.id, measure.en, measure.zh)
    }
    locks: dict[tuple[str, str], Lock] = {}
    begun: dict[str, tuple[str, str]] = {}
    for work in works.values():
        values: Mapping[str, Any] = work.values
        if values["state"] not in COMMITTED or values["mine_id"] not in mines:
            continue
        mine, measure = values["mine_id"], named.get(values["measure"].strip().lower())
        year = int(values["from_date"][:4]) if values.get("from_date") else None
        if measure is None:
            begun[mine] = "unknown_works", values["measure"]
        elif year is not None and year < years[0]:
            begun[mine] = "under_works", ""
        else:
            start = year if year in years else None
            slot = catalogue.measures[measure].slot
            locks[mine, slot] = Lock(mine, measure, start=start, why="commitment")
    return list(locks.values()), begun
