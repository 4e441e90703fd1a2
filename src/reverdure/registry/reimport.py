"""A list against what the registry holds: new, changed, unchanged, gone, and what changed."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from reverdure.core.errors import InvalidInput
from reverdure.intake.table import Problem
from reverdure.registry.geometry_checks import outline_key
from reverdure.registry.stated_areas import shown
from reverdure.registry.tally import Tally, listed

COMPARED = {
    "mine_id": ("name", "county", "commodity", "mining_method", "stated_area_ha"),
    "claim_id": ("mine_id", "year", "start_year", "claimed_ha", "aim", "claimant"),
}
SAME_HA = 1e-6
SHARED_SOURCE = 0.5
"""A list replaces an earlier one of another name if it holds half of its ids."""
MIN_ELSEWHERE = 3
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class Beside:
    """What the workspace holds beside the list that is read.

    Attributes
    ----------
    known : GeoDataFrame or None
        Mines or claims of the registry, EPSG:4326.
    counties : GeoDataFrame or None
    update : bool
        Whether changed rows take the place of those the registry holds.
    took_over : mapping of str to set of str
        Earlier lists that each list took the place of.
    """

    known: gpd.GeoDataFrame | None = None
    counties: gpd.GeoDataFrame | None = None
    update: bool = False
    took_over: Mapping[str, Set[str]] = field(default_factory=dict)


ALONE = Beside()


def settle_known(
    frame: gpd.GeoDataFrame, groups: Mapping[str, Sequence[int]], beside: Beside, tally: Tally
) -> gpd.GeoDataFrame:
    """Rows to keep, those whose id is known compared with the registry.

    Parameters
    ----------
    frame : GeoDataFrame
        Checked rows of the list; its first column is their id.
    groups : mapping of str to sequence of int
        Id to positions in the file.
    beside : Beside
    tally : Tally
        Takes what was seen.

    Returns
    -------
    GeoDataFrame
        New rows; with `update` the known ones too; `attrs["gone"]` names known ids that the
        list leaves out. What the list leaves empty stays as the
        registry has it: a sheet without outlines takes none away.

    Raises
    ------
    InvalidInput
        If at least 3 known ids, and half of them, have outlines elsewhere: two lists that
        use the same ids for different ground.
    """
    known = beside.known
    key = frame.columns[0]
    if known is None or known.empty:
        return frame
    before = known.set_index(key, drop=False)
    old_ids = set(before.index)
    kept, changed, same, elsewhere, outlined = [], {}, [], [], 0
    for row in frame.to_dict("records"):
        row_id = row[key]
        if row_id not in old_ids:
            kept.append(row)
            continue
        old = before.loc[row_id].to_dict()
        new = _filled(row, old, key)
        outlined += row["geometry"] is not None and old["geometry"] is not None
        problems = differences(new, old, key)
        if any(problem.code == "same_id_elsewhere" for problem in problems):
            elsewhere.append(row_id)
        if problems:
            changed[row_id] = problems
        else:
            same.append(row_id)
        _tell(row_id, problems, groups[row_id], beside.update, old["source"], tally)
        if beside.update:
            kept.append(new)
    if len(elsewhere) >= max(MIN_ELSEWHERE, SHARED_SOURCE * outlined):
        raise InvalidInput(
            f"{len(elsewhere)} of {outlined} ids that the registry already holds have outlines "
            f"elsewhere in this list: {listed(elsewhere)}. Two lists seem to use the same ids "
            "for different ground.",
            "Give one of them ids of its own, or add it to a workspace of its own.",
        )
    gone = gone_ids(set(tally.ids), known, beside.took_over)
    _count(len(frame) - len(changed) - len(same), changed, same, gone, beside.update, tally)
    result = gpd.GeoDataFrame(
        pd.DataFrame(kept, columns=list(frame.columns)), geometry="geometry", crs=frame.crs
    )
    result = result.astype({name: frame[name].dtype for name in frame if name != "geometry"})
    result.attrs["gone"] = gone
    return result


def gone_ids(
    ids: Set[str], known: gpd.GeoDataFrame, took_over: Mapping[str, Set[str]]
) -> list[str]:
    """Known ids that a list leaves out, of the lists it stands for, sorted.

    It stands for an earlier list if it holds half of its ids, and for all that one took the
    place of before: what was left out then, and not removed, is gone still.

    Examples
    --------
    >>> known = gpd.GeoDataFrame({"mine_id": ["a", "b", "c"], "source": ["x", "x", "y"]})
    >>> gone_ids({"a"}, known, {}), gone_ids({"a"}, known, {"x": {"y"}})
    (['b'], ['b', 'c'])
    """
    key = known.columns[0]
    stands_for = {
        str(source) for source, rows in known.groupby("source")
        if rows[key].isin(ids).mean() >= SHARED_SOURCE
    }  # fmt: skip
    left = list(stands_for)
    while left:
        before = set(took_over.get(left.pop(), ())) - stands_for
        stands_for |= before
        left += before
    return sorted(known[key][known["source"].isin(stands_for) & ~known[key].isin(ids)])


def differences(new: Mapping[str, Any], old: Mapping[str, Any], key: str) -> list[Problem]:
    """What differs between two rows of one id, field by field."""
    found = [
        Problem(
            "changed", f"{name} was {_cell(old[name])}, now {_cell(new[name])}",
            f"{name} 由 {_cell(old[name])} 变为 {_cell(new[name])}",
        )
        for name in COMPARED[key]
        if not _equal(new[name], old[name])
    ]  # fmt: skip
    shapes = new["geometry"], old["geometry"]
    if shapes[0] is not None and shapes[1] is None:
        found.append(Problem("changed", "now has an outline", "新增边界"))
    elif shapes[0] is not None and outline_key(shapes[0]) != outline_key(shapes[1]):
        found.append(_moved(*shapes))
    return found


def _moved(new: Any, old: Any) -> Problem:
    """How far two outlines of one id are apart."""
    common = shapely.intersection(new, old).area / max(shapely.union(new, old).area, 1e-300)
    middle = np.array([new.centroid.coords[0], old.centroid.coords[0]])
    apart = (middle[0] - middle[1]) * _METRES_PER_DEGREE
    apart[0] *= np.cos(np.radians(middle[:, 1].mean()))
    metres = float(np.hypot(*apart))
    if common == 0:
        return Problem(
            "same_id_elsewhere",
            f"the outline lies {metres:,.0f} m from the one known, clear of it",
            f"边界与已有边界相距 {metres:,.0f} 米,互不相接",
        )  # fmt: skip
    return Problem(
        "outline_differs",
        f"the outline shares {common:.0%} of the ground with the one known, "
        f"its middle lies {metres:,.0f} m away",
        f"边界与已有边界重合 {common:.0%},中心相距 {metres:,.0f} 米",
    )


def _filled(row: dict[str, Any], old: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Row of the list, with what it leaves empty as the registry has it."""
    new = dict(row)
    for name in COMPARED[key]:
        empty = new[name] in ("", None) or new[name] != new[name]
        if empty or (name == "mining_method" and new[name] == "unknown"):
            new[name] = old[name]
    if new["geometry"] is None:
        new["geometry"] = old["geometry"]
        if "measured_area_ha" in new:
            new["measured_area_ha"] = old["measured_area_ha"]
    return new


def _equal(new: Any, old: Any) -> bool:
    if isinstance(new, float) or isinstance(old, float):
        both = pd.isna(new), pd.isna(old)
        return all(both) or (not any(both) and abs(float(new) - float(old)) <= SAME_HA)
    return bool(new == old)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "empty" if pd.isna(value) else f"{shown(value)} ha"
    return repr(str(value)[:40])


def _tell(
    row_id: str,
    problems: Sequence[Problem],
    positions: Sequence[int],
    update: bool,
    source: str,
    tally: Tally,
) -> None:
    """Note a known row: taken as changed, or rejected with what differs."""
    what = "; ".join(problem.en for problem in problems)
    what_zh = ";".join(problem.zh for problem in problems)
    if update:
        for problem in problems:
            tally.flag(positions[0], problem)
        return
    if problems:
        rejected = Problem(
            "id_exists",
            f"the workspace already holds the id {row_id} (from {source}), with other content: "
            f"{what}; --update takes the new",
            f"工作区已有编号 {row_id}(来自 {source}),内容不同:{what_zh};--update 可更新",
        )
    else:
        rejected = Problem(
            "id_exists", f"the workspace already holds the id {row_id}, and nothing changed",
            f"工作区已有编号 {row_id},内容无变化",
        )  # fmt: skip
    for position in positions:
        tally.reject(position, rejected)


def _count(
    n_new: int,
    changed: Mapping[str, Sequence[Problem]],
    same: Sequence[str],
    gone: Sequence[str],
    update: bool,
    tally: Tally,
) -> None:
    """One line on the list as a whole, and one on what it leaves out."""
    if not (changed or same or gone):
        return
    taken, taken_zh = (
        ("", "") if update else (" (not taken without --update)", "(未加 --update,未更新)")
    )
    tally.note(
        Problem(
            "compared",
            f"against the registry: {n_new} new, {len(changed)} changed{taken}, {len(same)} "
            f"unchanged, {len(gone)} gone",
            f"与登记库比较:新增 {n_new},变化 {len(changed)}{taken_zh},"
            f"未变 {len(same)},缺失 {len(gone)}",
        )
    )
    if gone:
        tally.note(
            Problem(
                "gone",
                f"{listed(gone)} of the earlier list are not in this one; they stay unless "
                "--remove-gone is given",
                f"原名录中的 {listed(gone)} 不在本次名录内;未加 --remove-gone 时保留",
            )
        )
