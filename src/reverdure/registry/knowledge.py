"""What one run knew of every piece of mined land, out of the tables it kept."""

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from reverdure.core.codes import ClaimStatus, LedgerLine, NaturalGround, Reason, Verdict
from reverdure.core.units import M2_PER_HA
from reverdure.registry.grounds import Claimed, Ground, Knowledge
from reverdure.registry.totals import ground_once, net_of_overlapping

_SUPPORTED = (Verdict.SUPPORTED.key, Verdict.PARTLY_SUPPORTED.key)
_DECIDED = (*_SUPPORTED, Verdict.NOT_SUPPORTED.key)
_UNCLAIMED = ("mine_id", "county", "ground_ha", "damage_year", "reason")
_JUDGED = (
    *_UNCLAIMED,
    "claim_id",
    "year",
    "claimed_ha",
    "restored_ha",
    "verdict",
    "flags",
    "weight",
)
_NUMBERS = frozenset({"ground_ha", "damage_year", "claimed_ha", "restored_ha", "weight"})


def knowledge(
    run_id: str,
    day: str,
    last_year: int,
    verdicts: gpd.GeoDataFrame,
    natural: pd.DataFrame,
    mines: gpd.GeoDataFrame,
    accepted: Collection[str] = (),
) -> Knowledge:
    """Grounds with their claims, every piece of land once.

    Parameters
    ----------
    run_id, day : str
    last_year : int
        Last year of the imagery of the run.
    verdicts : GeoDataFrame
        Columns of `core.fields.VERDICTS` that the run kept; geometry is the ground.
    natural : DataFrame
        Columns of `core.fields.NATURAL_RECOVERY` that the run kept: ground nobody claims.
    mines : GeoDataFrame
        Columns of `core.fields.MINES` as the registry has them now: areas stated for mines
        without outline, and which part of an outline is another mine's.
    accepted : collection of str
        Ids of claims that stood accepted while this run was the last one.

    Returns
    -------
    Knowledge
        Supported of a claim is `restored_ha` where the verdict is supported or partly
        supported, 0 where it is not supported, and None for every other verdict. Grounds of
        claims that overlap are scaled to their union, and what of them is supported with
        them; unclaimed ground is scaled to the part of its mine that is no other mine's.

    Examples
    --------
    >>> import shapely
    >>> verdicts = gpd.GeoDataFrame(
    ...     {"claim_id": ["C1"], "mine_id": ["M1"], "county": ["X"], "year": [2021],
    ...      "claimed_ha": [3.0], "ground_ha": [4.0], "restored_ha": [2.5],
    ...      "verdict": ["supported"], "reason": ["measured"], "status": ["measured"],
    ...      "damage_year": [2015], "flags": [""]}, geometry=[None], crs=4326)
    >>> natural = pd.DataFrame(columns=["mine_id", "county", "ground", "ground_ha",
    ...                                 "damage_year", "reason"])
    >>> mines = gpd.GeoDataFrame({"mine_id": ["M1"], "stated_area_ha": [4.0]},
    ...                          geometry=[None], crs=4326)
    >>> known = knowledge("r", "2024-01-01", 2023, verdicts, natural, mines)
    >>> known.grounds[0].area_m2, known.grounds[0].claims[0].supported_m2
    (40000, 25000)
    """
    stated = dict(zip(mines["mine_id"], mines["stated_area_ha"], strict=True))
    free = natural[natural["ground"] == NaturalGround.UNCLAIMED.key]
    own_share = _own_shares(mines) if len(free) else {}
    grounds = _claimed_grounds(verdicts, stated, accepted)
    named = {ground.mine_id for ground in grounds}
    for row in _rows(free, _UNCLAIMED):
        if row["reason"] == Reason.NO_OUTLINE.key and row["mine_id"] in named:
            continue  # its claims say so already
        area_m2 = _m2(row["ground_ha"], own_share.get(row["mine_id"], 1.0))
        grounds.append(_ground(row, area_m2, stated, ()))
    return Knowledge(run_id, day, last_year, tuple(grounds))


def _claimed_grounds(
    verdicts: gpd.GeoDataFrame, stated: dict[str, Any], accepted: Collection[str]
) -> list[Ground]:
    """Grounds of claims; claims that share one, or have none, stand together under their mine."""
    # every ground that has a shape is weighted, not only the measured ones
    weight = ground_once(verdicts.assign(restored_ha=0.0))
    table = pd.DataFrame(verdicts.drop(columns="geometry")).assign(weight=weight)
    shared = table["status"].eq(ClaimStatus.SHARED_GROUND.key) | table["ground_ha"].isna()
    name = ("claim " + table["claim_id"]).where(~shared, "mine " + table["mine_id"])
    together: dict[str, list[dict[str, Any]]] = {}
    # whole rows at once: a group of a table at a time takes a hundred times as long
    for place, row in zip(name, _rows(table, _JUDGED), strict=True):
        together.setdefault(place, []).append(row)
    found = []
    for _, rows in sorted(together.items()):
        dated = [row["damage_year"] for row in rows if not math.isnan(row["damage_year"])]
        one = rows[0] | {"damage_year": dated[0] if dated else math.nan}
        claims = tuple(_claim(row, accepted) for row in rows)
        found.append(_ground(one, _m2(one["ground_ha"], one["weight"]), stated, claims))
    return found


def _claim(row: dict[str, Any], accepted: Collection[str]) -> Claimed:
    decided = row["verdict"] in _DECIDED
    restored_ha = row["restored_ha"] if row["verdict"] in _SUPPORTED else 0.0
    lost = Reason.LOST_AGAIN.key in (row["reason"], *str(row["flags"]).split(";"))
    return Claimed(
        str(row["claim_id"]),
        int(row["year"]),
        _m2(row["claimed_ha"]),
        _m2(restored_ha, row["weight"]) if decided else None,
        lost,
        row["claim_id"] in accepted,
    )


def _ground(
    row: dict[str, Any], area_m2: int, stated: dict[str, Any], claims: tuple[Claimed, ...]
) -> Ground:
    """A ground with the reason why it is in no account, where it is in none."""
    unseen = None
    if row["reason"] == Reason.NO_OUTLINE.key:
        unseen, area_m2 = LedgerLine.NO_OUTLINE, _m2(stated.get(row["mine_id"]))
    if not area_m2:
        unseen = LedgerLine.NO_AREA
    elif row["reason"] == Reason.NEVER_DAMAGED.key:
        unseen = LedgerLine.NEVER_DAMAGED
    year = row["damage_year"]
    return Ground(
        str(row["mine_id"]),
        str(row["county"]),
        area_m2,
        None if math.isnan(year) else int(year),
        unseen,
        claims,
    )


def _own_shares(mines: gpd.GeoDataFrame) -> dict[str, float]:
    """Part of an outline that is not another mine's before it by id, where some of it is."""
    found = {}
    for row, net_ha in net_of_overlapping(mines).items():
        whole_ha = float(mines["measured_area_ha"].iloc[row])
        found[mines["mine_id"].iloc[row]] = min(1.0, net_ha / whole_ha) if whole_ha > 0 else 1.0
    return found


def _m2(area_ha: float | None, weight: float = 1.0) -> int:
    """Whole square metres; 0 where there is no area."""
    missing = area_ha is None or math.isnan(area_ha)
    return 0 if missing else round((area_ha or 0.0) * weight * M2_PER_HA)


def _rows(table: pd.DataFrame, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Some columns row by row; numbers as floats, NaN where missing.

    Column by column: `to_dict("records")` takes five times as long.
    """
    lists = [
        table[name].astype(float).tolist() if name in _NUMBERS else table[name].tolist()
        for name in columns
    ]
    return (dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True))
