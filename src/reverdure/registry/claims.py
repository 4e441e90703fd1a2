"""A list of claims of restoration to checked rows: every row accepted or rejected by name."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from reverdure.core.codes import Aim
from reverdure.core.errors import InvalidInput, MissingColumn
from reverdure.core.fields import CLAIMS
from reverdure.core.records import ImportReport
from reverdure.intake.columns import Columns, recognise
from reverdure.intake.table import AS_IT_IS, Problem, RawTable, Reading
from reverdure.intake.values import is_missing, text, year
from reverdure.intake.vector import read_table
from reverdure.registry.claim_problems import (
    AIM_MISSING,
    ID_MADE,
    exceeds_ground,
    future_year,
    no_year,
    outside_mine,
    overlaps_claims,
    repeated_id,
    repeated_row,
    start_after_end,
    start_unreadable,
    unknown_aim,
    unknown_mine,
)
from reverdure.registry.datums import WGS84
from reverdure.registry.geometry_checks import (
    Outlines,
    check_outlines,
    outline_key,
    overlapping_pairs,
    surface_ha,
    worth_reporting,
)
from reverdure.registry.placing import check_placing, fits_own
from reverdure.registry.reimport import ALONE, Beside, settle_known
from reverdure.registry.stated_areas import compare, read_areas
from reverdure.registry.tally import Tally, id_of, note_columns, note_values
from reverdure.registry.words import aim_of

DEFAULT_YEARS_OF_WORK = 3
AIM_WHEN_MISSING = Aim.GRASS
"""Judged by greenness alone: the mildest test there is for vegetation, and it says so."""
EXCEEDS_SHARE = 1.05
"""A claim is larger than its ground from 5 % on; below stands rounding (0.1 mu, 0.01 ha)."""
MAX_OUTSIDE_SHARE = 0.1
"""Share of a claim's polygon that may lie outside its mine before it is flagged."""


def read_claims(
    path: Path,
    *,
    mines: gpd.GeoDataFrame,
    area_unit: str | None = None,
    column_map: Mapping[str, str] | None = None,
    last_year: int | None = None,
    how: Reading = AS_IT_IS,
    beside: Beside = ALONE,
) -> tuple[gpd.GeoDataFrame, ImportReport, pd.DataFrame]:
    """Read a list of claims, check each row, and account for all of them.

    Parameters
    ----------
    path : Path
        Any format that `intake.vector.read_table` reads.
    mines : GeoDataFrame
        The inventory, at least `mine_id` and geometry (EPSG:4326, None allowed).
    area_unit : str, optional
        Unit of claimed areas whose unit stands nowhere in the file.
    column_map : mapping of str to str, optional
        Column of ours to heading, over what the alias table says.
    last_year : int, optional
        Last year with imagery; a later year of completion is flagged `future_year`.
    how : Reading
        What the caller says about the file: its CRS, shift, datum, sheet, encoding.
    beside : Beside
        Claims of the workspace, to compare with, as for `registry.mines.read_mines`.

    Returns
    -------
    claims : GeoDataFrame
        Columns of `core.fields.CLAIMS`, EPSG:4326, sorted by `claim_id`.
    report : ImportReport
        `read == accepted + rejected`; `without_outline` counts claims without a polygon.
    rejected : DataFrame
        Rejected rows as read, with `row`, `reason_code`, `reason`, `reason_zh`.

    Raises
    ------
    MissingColumn
        If the mine id, the year of completion or the claimed area has no column.
    InvalidInput
        If a claimed area has a unit nowhere: a claim cannot be judged without it.
    MissingCRS, UnknownOption, UnreadableFile, UnsafeArchive, WrongEncoding
        As `registry.mines.read_mines`.

    Notes
    -----
    Rejected are claims on an unknown mine, without year or area, with an aim that is not in
    the list, and repeated ids. An empty aim is judged as grass, by greenness alone, and
    flagged `aim_missing`. A start year that is missing is three years before completion; one
    that cannot be read or lies after completion is replaced likewise and flagged.
    """
    table = read_table(path, kind="claims", column_map=column_map, how=how)
    columns = recognise(list(table.frame), "claims", column_map)
    _require(columns, table)
    tally = Tally(table)
    note_columns(tally, columns)
    note_values(tally, table.frame)
    cells = _Cells(table, columns)
    areas = read_areas(table.frame, columns, "claimed_ha", area_unit)
    if areas.without_unit:
        raise InvalidInput(
            f"{len(areas.without_unit)} claimed areas in "
            f"{columns.heading['claimed_ha']!r} of {table.source} have no unit.",
            "State it with --area-unit (mu, ha, m2, km2 or acre).",
        )
    outlines = check_outlines(table, how.datum)
    _check_placing(cells, outlines, mines, how, tally)
    _read_rows(cells, mines, areas.area_ha, areas.problems, tally)
    years = _years(cells, last_year, tally)
    aims = _aims(cells, tally)
    _reject_repeated(table, outlines, tally)
    _make_ids(cells, years, tally)
    tally.take(outlines, expected=False)
    claims = _frame(cells, years, aims, areas.area_ha, outlines)
    kept = claims.loc[tally.kept()].assign(claim_id=[tally.ids[row] for row in tally.kept()])
    kept = _settle_known(kept, beside, tally)
    _compare_ground(kept, mines, outlines, tally)
    kept["flags"] = [tally.flags([position]) for position in kept.index]
    kept = kept.sort_values("claim_id").reset_index(drop=True)
    kept.attrs["columns"] = dict(columns.heading)
    report = tally.report(int(kept.geometry.isna().sum()))
    return kept, report, tally.rejected_frame()


def _settle_known(claims: gpd.GeoDataFrame, beside: Beside, tally: Tally) -> gpd.GeoDataFrame:
    """Claims to keep, those the registry holds compared with it; index is the position."""
    positions = dict(zip(claims["claim_id"], claims.index, strict=True))
    groups = {claim_id: [int(position)] for claim_id, position in positions.items()}
    settled = settle_known(claims, groups, beside, tally)
    index = settled["claim_id"].map(positions).astype("int64").rename(None)
    indexed = settled.set_index(index)
    indexed.attrs.update(settled.attrs)
    return indexed


def _check_placing(
    cells: "_Cells", outlines: Outlines, mines: gpd.GeoDataFrame, how: Reading, tally: Tally
) -> None:
    """Refuse claims whose polygons sit systematically off their mines."""
    outline_of = dict(zip(mines["mine_id"], mines.geometry, strict=True))
    own = [outline_of.get(text(cell)) for cell in cells["mine_id"]]
    both = np.flatnonzero(
        ~shapely.is_missing(outlines.geometry) & ~shapely.is_missing(np.array([*own, None])[:-1])
    )
    if how.datum or not len(both):
        return
    fits = fits_own(np.array([*(own[row] for row in both), None], dtype=object)[:-1])
    for note in check_placing(outlines.geometry[both], cells.table.source, {"outlines": fits}):
        tally.note(note)


@dataclass(frozen=True)
class _Cells:
    """Cells of a column of ours, None throughout where the file lacks it."""

    table: RawTable
    columns: Columns

    def __getitem__(self, name: str) -> list[Any]:
        if name in self.columns:
            return list(self.table.frame[self.columns.heading[name]])
        return [None] * len(self.table.frame)


def _require(columns: Columns, table: RawTable) -> None:
    missing = [name for name in ("mine_id", "year", "claimed_ha") if name not in columns]
    if missing:
        raise MissingColumn(
            f"{table.source} has no column for {', '.join(missing)}; its columns are "
            f"{', '.join(map(repr, table.frame))}.",
            f"Say which it is with --map {missing[0]}=COLUMN.",
        )


def _read_rows(
    cells: _Cells,
    mines: gpd.GeoDataFrame,
    claimed_ha: np.ndarray[Any, np.dtype[np.float64]],
    area_problems: Mapping[int, Problem],
    tally: Tally,
) -> None:
    """Ids and what a claim cannot be without: its mine and its area."""
    known = set(mines["mine_id"])
    pairs = zip(cells["claim_id"], cells["mine_id"], strict=True)
    for position, (claim_cell, mine_cell) in enumerate(pairs):
        tally.ids[position], problem = id_of(claim_cell)
        if problem:
            tally.reject(position, problem)
        mine_id = text(mine_cell)
        if not mine_id:
            tally.reject(position, Problem("missing_mine", "names no mine", "未注明矿山"))
        elif mine_id not in known:
            tally.reject(position, unknown_mine(mine_id))
        if position in area_problems:
            tally.reject(position, area_problems[position])
        elif np.isnan(claimed_ha[position]):
            tally.reject(position, Problem("missing_area", "states no area", "未注明面积"))


def _years(cells: _Cells, last_year: int | None, tally: Tally) -> dict[int, tuple[int, int]]:
    """Year of completion and start year of each row that has them."""
    years = {}
    pairs = zip(cells["year"], cells["start_year"], strict=True)
    for position, (end_cell, start_cell) in enumerate(pairs):
        end = year(end_cell)
        if end is None:
            tally.reject(position, no_year(end_cell))
            continue
        start = year(start_cell)
        if start is None and not is_missing(start_cell):
            tally.flag(position, start_unreadable(start_cell))
        if start is not None and start > end:
            tally.flag(position, start_after_end(start, end))
            start = None
        if last_year is not None and end > last_year:
            tally.flag(position, future_year(end, last_year))
        years[position] = (end, end - DEFAULT_YEARS_OF_WORK if start is None else start)
    return years


def _aims(cells: _Cells, tally: Tally) -> dict[int, str]:
    """Key of the aim of each row; an unknown one is rejected, an empty one flagged."""
    aims = {}
    for position, cell in enumerate(cells["aim"]):
        written = text(cell)
        aim = aim_of(written) if written else AIM_WHEN_MISSING
        if aim is None:
            tally.reject(position, unknown_aim(written))
            continue
        if not written:
            tally.flag(position, AIM_MISSING)
        aims[position] = aim.key
    return aims


def _reject_repeated(table: RawTable, outlines: Outlines, tally: Tally) -> None:
    """Reject rows that repeat a claim id, or that repeat a whole row without one."""
    first_of_id: dict[str, int] = {}
    first_of_row: dict[tuple[str, ...], int] = {}
    for position in tally.kept():
        shape = outlines.geometry[position]
        cells = tuple(map(text, table.frame.iloc[position]))
        row = (*cells, "" if shape is None else outline_key(shape))
        claim_id = tally.ids[position]
        if row in first_of_row:
            tally.reject(position, repeated_row(first_of_row[row]))
        elif claim_id in first_of_id:
            tally.reject(position, repeated_id(claim_id, first_of_id[claim_id]))
        first_of_row.setdefault(row, position)
        if claim_id:
            first_of_id.setdefault(claim_id, position)


def _make_ids(cells: _Cells, years: Mapping[int, tuple[int, int]], tally: Tally) -> None:
    """Give claims without an id one of their mine, year and a running number in the file.

    A file imported twice makes the same ids twice, and its rows are rejected as known.
    """
    taken = {tally.ids[position] for position in tally.kept()}
    mine_ids = cells["mine_id"]
    for position in tally.kept():
        if tally.ids[position]:
            continue
        stem, count = f"{text(mine_ids[position])}-{years[position][0]}", 1
        while f"{stem}-{count}" in taken:
            count += 1
        tally.ids[position] = f"{stem}-{count}"
        taken.add(tally.ids[position])
        tally.flag(position, ID_MADE)


def _frame(
    cells: _Cells,
    years: Mapping[int, tuple[int, int]],
    aims: Mapping[int, str],
    claimed_ha: np.ndarray[Any, np.dtype[np.float64]],
    outlines: Outlines,
) -> gpd.GeoDataFrame:
    """One row per row of the file, rejected ones included; index is the position."""
    n_rows = len(claimed_ha)
    ends, starts = zip(*(years.get(row, (0, 0)) for row in range(n_rows)), strict=True)
    return gpd.GeoDataFrame(
        {
            "claim_id": "",
            "mine_id": [text(cell) for cell in cells["mine_id"]],
            "year": np.array(ends, dtype=np.int64),
            "start_year": np.array(starts, dtype=np.int64),
            "claimed_ha": claimed_ha,
            "aim": [aims.get(row, "") for row in range(n_rows)],
            "claimant": [text(cell) for cell in cells["claimant"]],
            "flags": "",
            "source": cells.table.source,
            "source_row": np.arange(1, n_rows + 1, dtype=np.int64),
            "geometry": outlines.geometry,
        },
        geometry="geometry",
        crs=WGS84,
    )[CLAIMS.columns]


def _compare_ground(
    claims: gpd.GeoDataFrame, mines: gpd.GeoDataFrame, outlines: Outlines, tally: Tally
) -> None:
    """Flag claims larger than their ground, outside their mine, or over each other."""
    outline_of = dict(zip(mines["mine_id"], mines.geometry, strict=True))
    wanted = claims["mine_id"].unique()
    outlines_wanted = np.array([outline_of[mine_id] for mine_id in wanted], dtype=object)
    area_of = dict(zip(wanted, surface_ha(outlines_wanted), strict=True))
    for position, mine_id, claimed, polygon in zip(
        claims.index, claims["mine_id"], claims["claimed_ha"], claims.geometry, strict=True
    ):
        ground_ha = outlines.area_ha[position] if polygon is not None else area_of[mine_id]
        if ground_ha > 0 and claimed > EXCEEDS_SHARE * ground_ha:
            tally.flag(position, exceeds_ground(claimed, ground_ha))
            problem = compare(claimed, ground_ha)
            if problem and problem.code == "area_factor_15":
                tally.flag(position, problem)
        if polygon is not None and outline_of[mine_id] is not None:
            outside = 1 - polygon.intersection(outline_of[mine_id]).area / polygon.area
            if outside > MAX_OUTSIDE_SHARE:
                tally.flag(position, outside_mine(mine_id, outside))
    _flag_overlaps(claims, outlines, tally)


def _flag_overlaps(claims: gpd.GeoDataFrame, outlines: Outlines, tally: Tally) -> None:
    """Flag polygons of claims that lie over each other."""
    pairs, shared_ha = overlapping_pairs(np.array(claims.geometry, dtype=object))
    area_ha = outlines.area_ha[claims.index.to_numpy()]
    others: dict[int, list[str]] = defaultdict(list)
    for left, right in pairs[worth_reporting(pairs, shared_ha, area_ha)]:
        others[claims.index[left]].append(claims["claim_id"].iloc[right])
        others[claims.index[right]].append(claims["claim_id"].iloc[left])
    for position, ids in others.items():
        tally.flag(position, overlaps_claims(ids))
