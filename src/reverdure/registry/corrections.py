"""What people corrected, and what of it is in force.

A correction is added and never changed: a withdrawal is a further record, and so is the
settlement of a dispute. What was imported stays as it was; corrections are laid over it.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from reverdure.core.codes import CorrectionKind, DisputeStatus
from reverdure.core.errors import InvalidInput
from reverdure.core.fields import CORRECTIONS
from reverdure.ground.areas import area_ha
from reverdure.intake.columns import recognise
from reverdure.intake.table import Problem, RawTable, Reading
from reverdure.intake.values import text
from reverdure.intake.vector import read_table
from reverdure.registry.geometry_checks import Outlines, check_outlines

OUTLINE_CORRECTED = "outline_corrected"
"""Flag of a mine whose outline a person replaced."""
MOST_PERSON, MOST_WHY = 200, 2000
"""Longest name and longest reason, in characters."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One record of the table of corrections.

    Attributes
    ----------
    number : int
        Counted from 1.
    kind : CorrectionKind
    person, why, at : str
        Who, the reason given, and when (UTC).
    mine_id, claim_id, county : str
        What is corrected; "" where it is not that. A year and refused land with neither
        mine nor county hold everywhere.
    year : int or None
        Year marked not clear.
    about : int or None
        Number of the correction that is settled or withdrawn.
    verdict, run_id : str
        Key of the verdict that is disputed, and the run that gave it.
    outcome : str
        Key of `DisputeStatus` of a settlement.
    source : str
        Name of the file the polygon came from.
    evidence, evidence_sha256 : str
        Name of the file handed in, which stays inside the workspace, and its hash.
    geometry : MultiPolygon or None
        New outline or refused land, EPSG:4326.
    """

    number: int
    kind: CorrectionKind
    person: str
    why: str
    at: str
    mine_id: str = ""
    claim_id: str = ""
    county: str = ""
    year: int | None = None
    about: int | None = None
    verdict: str = ""
    run_id: str = ""
    outcome: str = ""
    source: str = ""
    evidence: str = ""
    evidence_sha256: str = ""
    geometry: Any = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Correction":
        """A row of the table of corrections."""
        return cls(**{**row, "kind": CorrectionKind.from_key(row["kind"])})

    def holds_for(self, mine_id: str, county: str) -> bool:
        """Whether a marked year or refused land counts for this mine."""
        if self.mine_id or self.county:
            return self.mine_id == mine_id or (self.county != "" and self.county == county)
        return True

    def content(self) -> list[Any]:
        """All that it says, without the time: for hashes."""
        shape = None if self.geometry is None else shapely.to_wkb(self.geometry, hex=True)
        return [
            self.number, self.kind.key, self.person, self.why, self.mine_id, self.claim_id,
            self.county, self.year, self.about, self.verdict, self.run_id, self.outcome,
            self.evidence_sha256, shape,
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dispute:
    """Where the disputes of one claim stand.

    Attributes
    ----------
    status : DisputeStatus
    dispute : Correction
        The dispute that decides the status.
    settlement : Correction or None
        What settled it.
    """

    status: DisputeStatus
    dispute: Correction
    settlement: Correction | None = None


@dataclass(frozen=True)
class Standing:
    """All corrections of a workspace, and which of them are in force.

    Parameters
    ----------
    corrections : sequence of Correction
        In order of their numbers.

    Examples
    --------
    >>> haze = Correction(1, CorrectionKind.YEAR, "Li Wei", "haze", "", mine_id="M1", year=2013)
    >>> back = Correction(2, CorrectionKind.WITHDRAWAL, "Li Wei", "wrong mine", "", about=1)
    >>> Standing((haze,)).cloudy_years("M1", ""), Standing((haze, back)).cloudy_years("M1", "")
    ((2013,), ())
    """

    corrections: Sequence[Correction] = ()

    @cached_property
    def withdrawn(self) -> frozenset[int]:
        """Numbers of corrections that were withdrawn."""
        return frozenset(
            one.about
            for one in self.corrections
            if one.kind is CorrectionKind.WITHDRAWAL and one.about is not None
        )

    def standing(self, kind: CorrectionKind) -> list[Correction]:
        """Corrections of a kind that were not withdrawn."""
        return [
            one for one in self.corrections if one.kind is kind and one.number not in self.withdrawn
        ]

    @cached_property
    def outlines(self) -> Mapping[str, Correction]:
        """The outline in force of each corrected mine: the last one not withdrawn."""
        return {one.mine_id: one for one in self.standing(CorrectionKind.OUTLINE)}

    @cached_property
    def _years(self) -> list[Correction]:
        return self.standing(CorrectionKind.YEAR)

    @cached_property
    def refused(self) -> list[Correction]:
        """Land refused as reference, in force."""
        return self.standing(CorrectionKind.REFERENCE)

    @property
    def needs_counties(self) -> bool:
        """Whether the county of a mine decides anything."""
        return any(one.county for one in self._years)

    def years_of(self, mine_id: str, county: str) -> list[Correction]:
        """Marked years in force that count for a mine."""
        return [one for one in self._years if one.holds_for(mine_id, county)]

    def cloudy_years(self, mine_id: str, county: str) -> tuple[int, ...]:
        """Years that are not clear over a mine, as people marked them, in order."""
        return tuple(sorted({int(one.year or 0) for one in self.years_of(mine_id, county)}))

    def refused_for(self, mine_id: str, window: Any) -> list[Correction]:
        """Refused land that counts for a mine and touches its window (EPSG:4326)."""
        return [
            one
            for one in self.refused
            if one.holds_for(mine_id, "") and shapely.intersects(one.geometry, window)
        ]

    @cached_property
    def disputes(self) -> Mapping[str, Dispute]:
        """Disputed claims: an open dispute counts most, then one that was upheld."""
        settled = {one.about: one for one in self.standing(CorrectionKind.SETTLEMENT)}
        rank = (
            DisputeStatus.DISPUTE_DISMISSED, DisputeStatus.DISPUTE_UPHELD, DisputeStatus.DISPUTED,
        )  # fmt: skip
        found: dict[str, Dispute] = {}
        for one in self.standing(CorrectionKind.DISPUTE):
            end = settled.get(one.number)
            status = DisputeStatus.from_key(end.outcome) if end else DisputeStatus.DISPUTED
            known = found.get(one.claim_id)
            if known is None or rank.index(status) >= rank.index(known.status):
                found[one.claim_id] = Dispute(status, one, end)
        return found

    def is_in_force(self, one: Correction) -> bool:
        """Not withdrawn, not replaced by a later outline, not about something withdrawn."""
        if one.kind is CorrectionKind.WITHDRAWAL:
            return True
        if one.number in self.withdrawn or one.about in self.withdrawn:
            return False
        if one.kind is CorrectionKind.OUTLINE:
            return self.outlines[one.mine_id].number == one.number
        if one.kind is CorrectionKind.SETTLEMENT:
            later = [s.number for s in self.standing(one.kind) if s.about == one.about]
            return one.number == max(later)
        return True

    def about_mine(self, mine_id: str, claim_ids: Sequence[str], county: str) -> list[Correction]:
        """Everything people said about a mine and its claims, withdrawals included."""
        named = {
            one.number
            for one in self.corrections
            if (one.claim_id in claim_ids and one.claim_id)
            or (one.mine_id == mine_id and mine_id)
            or (
                one.kind in (CorrectionKind.YEAR, CorrectionKind.REFERENCE)
                and one.holds_for(mine_id, county)
            )
        }
        return [one for one in self.corrections if {one.number, one.about} & named]

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `core.fields.CORRECTIONS`; names of files stay inside the workspace."""
        names = [name for name in CORRECTIONS.columns if name not in ("kind", "in_force")]
        return [
            {
                **{name: getattr(one, name) for name in names},
                "kind": one.kind.key,
                "in_force": self.is_in_force(one),
            }
            for one in self.corrections
        ]


def corrected_mines(mines: gpd.GeoDataFrame, standing: Standing) -> gpd.GeoDataFrame:
    """Mines with the outlines that people gave; the very same table where they gave none.

    Parameters
    ----------
    mines : GeoDataFrame
        Columns of `core.fields.MINES`, EPSG:4326. Not changed.
    standing : Standing

    Returns
    -------
    GeoDataFrame
        Geometry, measured area [ha] and the flag `outline_corrected` of corrected mines.
    """
    rows = np.flatnonzero(mines["mine_id"].isin(list(standing.outlines)))
    if not rows.size:
        return mines
    corrected = mines.copy()
    shapes = [standing.outlines[mines["mine_id"].iloc[row]].geometry for row in rows]
    geometry = np.array(mines.geometry, dtype=object)
    geometry[rows] = shapes
    corrected.geometry = gpd.GeoSeries(list(geometry), index=mines.index, crs=mines.crs)
    measured = mines["measured_area_ha"].to_numpy(dtype=float, copy=True)
    measured[rows] = [area_ha(shape) for shape in shapes]
    corrected["measured_area_ha"] = measured
    flags = [text(flag) for flag in mines["flags"]]
    for row in rows:
        flags[row] = ";".join(filter(None, [flags[row], OUTLINE_CORRECTED]))
    corrected["flags"] = flags
    return corrected


def with_disputes(flags: Sequence[str], claim_ids: Sequence[str], standing: Standing) -> list[str]:
    """Flags of verdicts with the state of each claim's dispute, and without an older state.

    Examples
    --------
    >>> doubt = Correction(1, CorrectionKind.DISPUTE, "Wu", "they are apple trees", "",
    ...                    claim_id="C1")
    >>> with_disputes(["lost_again", ""], ["C1", "C2"], Standing((doubt,)))
    ['lost_again;disputed', '']
    """
    ours = {status.key for status in DisputeStatus}
    marked = []
    for flag, claim_id in zip(flags, claim_ids, strict=True):
        kept = [key for key in text(flag).split(";") if key and key not in ours]
        dispute = standing.disputes.get(claim_id)
        marked.append(";".join([*kept, dispute.status.key] if dispute else kept))
    return marked


def read_area(path: Path, mine_id: str, crs: str = "") -> tuple[Any, list[Problem]]:
    """Polygons of a file as one MultiPolygon, for one mine.

    Parameters
    ----------
    path : Path
        Any file that a list of mines may come in. Where it has a column of mine ids, the
        rows of this mine are taken; otherwise all rows.
    mine_id : str
        "" where the area is nobody's in particular.
    crs : str
        CRS where the file states none, as for a list of mines.

    Returns
    -------
    area : MultiPolygon
        EPSG:4326, valid.
    repairs : list of Problem
        What had to be repaired.

    Raises
    ------
    InvalidInput
        If no row is this mine's, or a row is not a polygon.
    MissingCRS, UnreadableFile, UnsafeArchive, WrongEncoding
        As for a list of mines.
    """
    table = read_table(path, how=Reading(crs=crs))
    outlines = check_outlines(table)
    rows = _rows_of(table, mine_id)
    for row in rows:
        if outlines.geometry[row] is None:
            said = [problem.en for problem in outlines.flagged.get(row, ())] or ["has no polygon"]
            raise InvalidInput(
                f"{table.source}, row {row + 1}: {'; '.join(said)}.",
                "Every row taken must be a polygon.",
            )
    whole = shapely.union_all(outlines.geometry[rows])
    polygons = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]
    return shapely.multipolygons(polygons), _repairs(outlines, rows)


def _rows_of(table: RawTable, mine_id: str) -> list[int]:
    """Rows of one mine where the file names mines, else all."""
    heading = recognise(list(table.frame), "mines").heading.get("mine_id")
    everything = list(range(len(table.frame)))
    if heading is None or not mine_id:
        return everything
    ids = table.frame[heading].map(text).tolist()
    if not any(ids):
        return everything
    rows = [row for row, found in enumerate(ids) if found == mine_id]
    if not rows:
        raise InvalidInput(
            f"{table.source} names {len(set(ids))} mines, {mine_id} is none of them.",
            "Take out the column of mine ids, or hand in the file of this mine.",
        )
    return rows


def _repairs(outlines: Outlines, rows: Sequence[int]) -> list[Problem]:
    return [problem for row in rows for problem in outlines.repaired.get(row, ())]


def said(label: str, words: str, most: int) -> str:
    """What a person typed, on one line; refused where it is empty, endless or unprintable.

    Examples
    --------
    >>> said("--why", " haze  over the pit ", 200)
    'haze over the pit'
    """
    line = " ".join(words.split())
    if not line:
        raise InvalidInput(f"{label} is empty.", "Say who corrects and why: --by NAME --why TEXT.")
    if len(line) > most:
        raise InvalidInput(f"{label} has {len(line)} characters; allowed are {most}.")
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Co") for sign in line):
        raise InvalidInput(f"{label} holds signs that cannot be printed.", "Use plain text.")
    return line
