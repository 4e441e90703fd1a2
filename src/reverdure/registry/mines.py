"""A list of mines to checked rows: every row accepted or rejected by name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from reverdure.core.codes import MiningMethod
from reverdure.core.errors import MissingColumn
from reverdure.core.fields import MINES
from reverdure.core.records import ImportReport
from reverdure.ground.areas import area_ha
from reverdure.intake.columns import Columns, recognise
from reverdure.intake.table import AS_IT_IS, Problem, RawTable, Reading
from reverdure.intake.values import text
from reverdure.intake.vector import read_table
from reverdure.registry.datums import WGS84
from reverdure.registry.geometry_checks import (
    Outlines,
    check_outlines,
    outline_key,
    overlapping_pairs,
    worth_reporting,
)
from reverdure.registry.placing import Fits, check_placing, fits_counties, fits_known
from reverdure.registry.reimport import ALONE, Beside, settle_known
from reverdure.registry.stated_areas import (
    StatedAreas,
    compare,
    infer_unit,
    read_areas,
    shown,
    take_unit,
)
from reverdure.registry.tally import Tally, id_of, listed, note_columns, note_values
from reverdure.registry.words import mining_method_of

_TEXTS = ("name", "county", "commodity", "mining_method")


def read_mines(
    path: Path,
    *,
    area_unit: str | None = None,
    column_map: Mapping[str, str] | None = None,
    how: Reading = AS_IT_IS,
    beside: Beside = ALONE,
) -> tuple[gpd.GeoDataFrame, ImportReport, pd.DataFrame]:
    """Read a list of mines, check each row, and account for all of them.

    Parameters
    ----------
    path : Path
        Any format that `intake.vector.read_table` reads.
    area_unit : str, optional
        Unit of stated areas whose unit stands nowhere in the file.
    column_map : mapping of str to str, optional
        Column of ours to heading, over what the alias table says.
    how : Reading
        What the caller says about the file: its CRS, shift, datum, sheet, encoding.
    beside : Beside
        Mines and counties of the workspace, to compare with; a known id is rejected with
        what differs, or takes the place of the one there.

    Returns
    -------
    mines : GeoDataFrame
        Columns of `core.fields.MINES`, EPSG:4326, sorted by `mine_id`; `attrs["columns"]`
        says which heading each was read from.
    report : ImportReport
        `read == accepted + rejected` in rows; `without_outline` in mines.
    rejected : DataFrame
        Rejected rows as read, with `row`, `reason_code`, `reason`, `reason_zh`.

    Raises
    ------
    MissingCRS
        If the geometries have no CRS, or cannot be in the one stated.
    MissingColumn
        If the file has no geometry, no id and no name.
    InvalidInput, UnknownOption, UnreadableFile, UnsafeArchive, WrongEncoding
        As `intake.vector.read_table`, `intake.columns.recognise` and
        `registry.stated_areas.read_areas` say.

    Notes
    -----
    Rows that share an id but not their outline are patches of one mine: they become one
    MultiPolygon, their stated areas are added, the mine is flagged `merged_patches` and its
    rows all count as accepted. Where no unit of the stated areas is known, the outlines
    decide if they do so clearly (`area_unit_inferred`); else the areas stay empty and the
    mines are flagged `area_unit_unknown`. No row is lost to either.
    """
    table = read_table(path, kind="mines", column_map=column_map, how=how)
    columns = recognise(list(table.frame), "mines", column_map)
    if table.geometry is None and not {"mine_id", "name"} & set(columns.heading):
        raise MissingColumn(
            f"{table.source} has no geometry, no mine id and no name; its columns are "
            f"{', '.join(map(repr, table.frame))}.",
            "Say which is which with --map mine_id=COLUMN.",
        )
    tally = Tally(table)
    note_columns(tally, columns)
    note_values(tally, table.frame)
    outlines = check_outlines(table, how.datum)
    _check_placing(outlines, table, columns, how, beside, tally)
    areas = read_areas(table.frame, columns, "stated_area_ha", area_unit)
    _settle_units(areas, outlines, tally)
    texts = _texts(table.frame, columns)
    keys = ["" if shape is None else outline_key(shape) for shape in outlines.geometry]
    _give_ids(table, columns, texts, keys, tally)
    groups = _group(tally, keys, texts)
    tally.take(outlines, expected=True)
    for position, problem in areas.problems.items():
        tally.flag(position, problem)
    mines = _frame(table, groups, outlines, areas, texts, tally)
    mines = settle_known(mines, groups, beside, tally)
    _compare_mines(mines, groups, tally)
    mines["flags"] = [
        _flags(tally.flags(groups[mine_id]), shape is not None)
        for mine_id, shape in zip(mines["mine_id"], mines.geometry, strict=True)
    ]
    mines.attrs["columns"] = dict(columns.heading)
    report = tally.report(int(mines.geometry.isna().sum()))
    return mines, report, tally.rejected_frame()


def _flags(codes: str, has_outline: bool) -> str:
    """Flags of a mine; where the registry's outline stays, not that the list has none."""
    lacking = ("point_only", "line_only", "missing_geometry", "empty_geometry")
    kept = [code for code in codes.split(";") if not (has_outline and code in lacking)]
    return ";".join(kept)


def _check_placing(
    outlines: Outlines,
    table: RawTable,
    columns: Columns,
    how: Reading,
    beside: Beside,
    tally: Tally,
) -> None:
    """Refuse a list that sits systematically off what the workspace holds."""
    there = ~shapely.is_missing(outlines.geometry)
    if how.datum or not there.any():
        return
    tests: dict[str, Fits] = {}
    if beside.known is not None and beside.known.geometry.notna().any():
        tests["outlines"] = fits_known(np.array(beside.known.geometry, dtype=object))
    if beside.counties is not None and len(beside.counties) and "county" in columns:
        stated = _texts(table.frame, columns)["county"]
        tests["counties"] = fits_counties(
            [stated[position] for position in np.flatnonzero(there)], beside.counties
        )
    for note in check_placing(outlines.geometry, table.source, tests):
        tally.note(note)


def _settle_units(areas: StatedAreas, outlines: Outlines, tally: Tally) -> None:
    """Let the outlines say the unit where the file does not, or leave the areas empty."""
    if not areas.without_unit:
        return
    unit = infer_unit(areas, outlines.area_ha)
    if unit is None:
        problem = Problem(
            "area_unit_unknown",
            "the unit of the stated area is not known; it was left empty (--area-unit states it)",
            "上报面积单位不明,未采用(可用 --area-unit 指定)",
        )
    else:
        take_unit(areas, unit)
        problem = Problem(
            "area_unit_inferred",
            f"the unit of the stated area is not stated; the outlines say {unit}",
            f"上报面积未注明单位,据图形判断为 {unit}",
        )
    tally.note(problem)
    for position in areas.without_unit:
        tally.flag(position, problem)


def _texts(frame: pd.DataFrame, columns: Columns) -> dict[str, list[str]]:
    """The plain text columns, "" throughout where the file lacks one."""
    return {
        name: frame[columns.heading[name]].map(text).tolist()
        if name in columns
        else [""] * len(frame)
        for name in _TEXTS
    }


def _give_ids(
    table: RawTable,
    columns: Columns,
    texts: Mapping[str, Sequence[str]],
    keys: Sequence[str],
    tally: Tally,
) -> None:
    """Read ids, refuse unsafe ones, and make stable ones where there are none."""
    cells: Sequence[Any] = [""] * len(keys)
    if "mine_id" in columns:
        cells = table.frame[columns.heading["mine_id"]].tolist()
    for position in tally.kept():
        mine_id, problem = id_of(cells[position])
        if problem:
            tally.ids[position] = mine_id
            tally.reject(position, problem)
            continue
        if not mine_id and not keys[position] and not texts["name"][position]:
            tally.reject(position, _NOTHING_TO_TELL_BY)
            continue
        tally.ids[position] = mine_id or _made_id(position, keys, texts)
        if not mine_id:
            tally.flag(position, _ID_MADE)


def _made_id(position: int, keys: Sequence[str], texts: Mapping[str, Sequence[str]]) -> str:
    """Id from the outline, or from the texts of a mine that has none."""
    if keys[position]:
        return f"G-{keys[position][:10]}"
    row = "\x1f".join(texts[name][position] for name in _TEXTS)
    return f"N-{sha256(row.encode()).hexdigest()[:10]}"


def _group(
    tally: Tally, keys: Sequence[str], texts: Mapping[str, Sequence[str]]
) -> dict[str, list[int]]:
    """Rows of each mine: one, or its patches; what repeats a row is rejected."""
    rows = defaultdict(list)
    for position in tally.kept():
        rows[tally.ids[position]].append(position)
    groups = {}
    for mine_id in sorted(rows):
        outlined = [position for position in rows[mine_id] if keys[position]]
        group = [(outlined or rows[mine_id])[0]]
        for position in rows[mine_id]:
            if position in group:
                continue
            twin = next((member for member in group if keys[member] == keys[position]), None)
            if twin is None and keys[position]:
                group.append(position)
                tally.flag(position, _merged(mine_id, group[0]))
                continue
            same = twin is not None and all(
                texts[name][twin] == texts[name][position] for name in _TEXTS
            )
            tally.reject(position, _repeated(mine_id, group[0], same or bool(keys[position])))
        groups[mine_id] = group
    return groups


def _frame(
    table: RawTable,
    groups: Mapping[str, Sequence[int]],
    outlines: Outlines,
    areas: StatedAreas,
    texts: Mapping[str, Sequence[str]],
    tally: Tally,
) -> gpd.GeoDataFrame:
    """One row per mine, flags left empty."""
    rows = []
    for mine_id, group in groups.items():
        outline, measured_ha = _outline(group, outlines)
        row = {name: _first(texts[name], group) for name in _TEXTS}
        method = mining_method_of(row["mining_method"])
        if row["mining_method"] and method is MiningMethod.UNKNOWN:
            tally.flag(group[0], _method_unknown(row["mining_method"]))
        rows.append(
            row
            | {
                "mine_id": mine_id,
                "mining_method": method.key,
                "stated_area_ha": _stated(group, areas, measured_ha),
                "measured_area_ha": measured_ha,
                "flags": "",
                "source": table.source,
                "source_row": group[0] + 1,
                "geometry": outline,
            }
        )
    return gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=MINES.columns).astype(
            {"stated_area_ha": float, "measured_area_ha": float, "source_row": "int64"}
        ),
        geometry="geometry",
        crs=WGS84,
    )


def _outline(group: Sequence[int], outlines: Outlines) -> tuple[Any, float]:
    """Outline of a mine, its patches as one, and its area."""
    if len(group) == 1:
        return outlines.geometry[group[0]], float(outlines.area_ha[group[0]])
    union = shapely.union_all(outlines.geometry[list(group)])
    whole = shapely.multipolygons(shapely.get_parts(union))
    return whole, area_ha(whole)


def _first(cells: Sequence[str], group: Sequence[int]) -> str:
    """First text of a group that is not empty."""
    return next((cells[position] for position in group if cells[position]), "")


def _stated(group: Sequence[int], areas: StatedAreas, measured_ha: float) -> float:
    """Stated area of a mine; of patches the sum.

    Where every patch repeats one number it may be the whole mine's: then the reading nearer
    to the outline is taken.
    """
    stated = areas.area_ha[list(group)]
    stated = stated[~np.isnan(stated)]
    if not len(stated):
        return float("nan")
    total = float(stated.sum())
    once = float(stated[0])
    repeated = len(stated) == len(group) and bool(np.all(stated == once))
    return once if repeated and abs(once - measured_ha) < abs(total - measured_ha) else total


def _compare_mines(
    mines: gpd.GeoDataFrame, groups: Mapping[str, Sequence[int]], tally: Tally
) -> None:
    """Flag mines whose areas disagree, that share an outline, or that overlap."""
    first = [groups[mine_id][0] for mine_id in mines["mine_id"]]
    for position, stated, measured in zip(
        first, mines["stated_area_ha"], mines["measured_area_ha"], strict=True
    ):
        if problem := compare(stated, measured):
            tally.flag(position, problem)
    outlines = np.array(mines.geometry, dtype=object)
    pairs, shared_ha = overlapping_pairs(outlines)
    area_ha_ = mines["measured_area_ha"].to_numpy()
    reported = worth_reporting(pairs, shared_ha, area_ha_)
    same: dict[int, list[str]] = defaultdict(list)
    partly: dict[int, list[tuple[str, float]]] = defaultdict(list)
    ids = mines["mine_id"].tolist()
    for (left, right), common in zip(pairs[reported], shared_ha[reported], strict=True):
        twins = outline_key(outlines[left]) == outline_key(outlines[right])
        for one, other in ((left, right), (right, left)):
            if twins:
                same[one].append(ids[other])
            else:
                partly[one].append((ids[other], common))
    for row, others in same.items():
        tally.flag(first[row], _same_outline(others))
    for row, overlaps in partly.items():
        tally.flag(first[row], _overlaps(overlaps))


_NOTHING_TO_TELL_BY = Problem(
    "no_id_no_outline", "the row has no outline, no id and no name", "该行无边界、无编号、无名称"
)
_ID_MADE = Problem(
    "id_made", "has no id; one was made that stays the same", "无编号,已生成固定编号"
)


def _merged(mine_id: str, first: int) -> Problem:
    return Problem(
        "merged_patches",
        f"is a further patch of {mine_id}, merged with row {first + 1}",
        f"为 {mine_id} 的另一图斑,已与第 {first + 1} 行合并",
    )


def _repeated(mine_id: str, first: int, is_same: bool) -> Problem:
    if is_same:
        return Problem(
            "duplicate",
            f"repeats row {first + 1}: the same id and outline ({mine_id})",
            f"与第 {first + 1} 行重复:编号与边界相同({mine_id})",
        )
    return Problem(
        "duplicate_id",
        f"has the id of row {first + 1} ({mine_id}), and no outline of its own to tell it by",
        f"编号与第 {first + 1} 行相同({mine_id}),且无自身边界可区分",
    )


def _method_unknown(words: str) -> Problem:
    return Problem(
        "method_unknown",
        f"the mining method {words[:60]!r} is not known",
        f"开采方式 {words[:60]!r} 无法识别",
    )


def _same_outline(others: Sequence[str]) -> Problem:
    return Problem(
        "same_outline",
        f"has exactly the outline of {listed(others)}",
        f"与 {listed(others)} 边界完全相同",
    )


def _overlaps(overlaps: Sequence[tuple[str, float]]) -> Problem:
    others = listed([mine_id for mine_id, _ in overlaps])
    largest = max(shared for _, shared in overlaps)
    return Problem(
        "overlaps_mine",
        f"overlaps {others}, by up to {shown(largest)} ha",
        f"与 {others} 重叠,最大 {shown(largest)} 公顷",
    )
