"""Taking corrections from people: each is checked, then added for good."""

import datetime
import hashlib
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from reverdure.core.codes import CorrectionKind, DisputeStatus
from reverdure.core.errors import InvalidInput, NotFound, UnknownOption, UnreadableFile
from reverdure.core.files import atomic
from reverdure.core.units import M2_PER_HA
from reverdure.ground.areas import area_ha
from reverdure.intake.table import Problem
from reverdure.pipeline.corrections import standing_of
from reverdure.pipeline.lattice import RING_MARGIN_M
from reverdure.pipeline.run_plan import make_plan
from reverdure.registry.corrections import (
    MOST_PERSON,
    MOST_WHY,
    Correction,
    Standing,
    corrected_mines,
    read_area,
    said,
)
from reverdure.registry.counties import county_of
from reverdure.registry.geometry_checks import outline_key, surface_ha
from reverdure.store.workspace import Workspace

MOST_EVIDENCE_BYTES = 50_000_000
"""Largest file that is kept as evidence."""
FURTHEST_MOVE_M = 10_000.0
"""An outline this far from the one before is taken for another mine's."""
_GEOD = pyproj.Geod(ellps="WGS84")
_M_PER_DEGREE = 111_195.0
_WORTH_NAMING_HA = 100 / M2_PER_HA
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
OUTCOMES = {"upheld": DisputeStatus.DISPUTE_UPHELD, "dismissed": DisputeStatus.DISPUTE_DISMISSED}


@dataclass(frozen=True, slots=True)
class Author:
    """Who corrects and why, with a file that shows it where there is one.

    Raises
    ------
    InvalidInput
        If either is empty, endless or unprintable.
    """

    person: str
    why: str
    evidence: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "person", said("--by", self.person, MOST_PERSON))
        object.__setattr__(self, "why", said("--why", self.why, MOST_WHY))


@dataclass(frozen=True, slots=True)
class Recorded:
    """A correction that was added.

    Attributes
    ----------
    correction : Correction
    mines : int
        Mines it touches.
    repairs : tuple of Problem
        What had to be repaired in a polygon.
    area_before_ha, area_ha : float
        Of an outline; NaN otherwise.
    overlaps : tuple of str
        Mines whose outlines a new outline overlaps.
    """

    correction: Correction
    mines: int = 1
    repairs: tuple[Problem, ...] = ()
    area_before_ha: float = float("nan")
    area_ha: float = float("nan")
    overlaps: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Registry:
    """Mines as corrected so far, counties and corrections."""

    mines: gpd.GeoDataFrame
    counties: gpd.GeoDataFrame
    standing: Standing

    def outline(self, mine_id: str) -> Any:
        """Outline in force of a mine, or None."""
        return self.mines.geometry[(self.mines["mine_id"] == mine_id).to_numpy()].iloc[0]

    def county(self) -> "pd.Series[str]":
        """County of each mine."""
        return county_of(self.mines, None if self.counties.empty else self.counties)


def mark_year(
    workspace: Workspace,
    year: int,
    author: Author,
    *,
    mine_id: str = "",
    county: str = "",
    everywhere: bool = False,
) -> Recorded:
    """Mark a year as not clear over a mine, over the mines of a county, or everywhere.

    Raises
    ------
    UnknownOption
        If not exactly one place is named.
    NotFound
        If there is no such mine, or no mine in such a county.
    InvalidInput
        If there is no imagery of that year there, or the year is marked already.
    """
    _one_place(mine=mine_id, county=county, everywhere=everywhere)
    with workspace.writing():
        registry = _registry(workspace)
        if mine_id:
            _known_mine(registry, mine_id, needs_outline=True)
            touched = [mine_id]
        else:
            counties = registry.county()
            touched = list(counties.index[counties == county] if county else counties.index)
        if not touched:
            raise NotFound(f"no mine lies in the county {county!r}.", _counties_there(registry))
        plan = make_plan(workspace, mine_id or None)
        tiles = {tile for mine in touched for tile in plan.measured[mine].tiles}
        years = {
            seen
            for (tile, _), source in plan.segments.items()
            if tile in tiles
            for seen in source.composites
        }
        if year not in years:
            there = f"{min(years)}..{max(years)}" if years else "none"
            raise InvalidInput(f"there is no imagery of {year} there; years seen: {there}.")
        for one in registry.standing.standing(CorrectionKind.YEAR):
            if (one.year, one.mine_id, one.county) == (year, mine_id, county):
                raise InvalidInput(f"{year} is marked there already, by correction {one.number}.")
        one = Correction(0, CorrectionKind.YEAR, "", "", "", mine_id, county=county, year=year)
        return Recorded(_record(workspace, one, author), len(touched))


def replace_outline(
    workspace: Workspace, mine_id: str, path: Path, author: Author, crs: str = ""
) -> Recorded:
    """Give a mine another outline, or its first; the one before is kept.

    Raises
    ------
    NotFound
        If there is no such mine.
    InvalidInput
        If the file holds no polygon of it, the outline it has already, or one that lies
        so far off that it must be another mine's.
    MissingCRS, UnreadableFile, UnsafeArchive, WrongEncoding
        As for a list of mines.
    """
    with workspace.writing():
        registry = _registry(workspace)
        _known_mine(registry, mine_id)
        shape, repairs = read_area(path, mine_id, crs)
        before = registry.outline(mine_id)
        _check_place(registry, mine_id, shape, before)
        one = Correction(
            0, CorrectionKind.OUTLINE, "", "", "", mine_id, source=path.name, geometry=shape
        )
        kept = _record(workspace, one, author)
        others = registry.mines[(registry.mines["mine_id"] != mine_id).to_numpy()]
        near = others.iloc[np.sort(others.sindex.query(shape, predicate="intersects"))]
        shared_ha = surface_ha(shapely.intersection(np.array(near.geometry, dtype=object), shape))
        overlaps = near["mine_id"].to_numpy()[shared_ha >= _WORTH_NAMING_HA]
        return Recorded(
            kept, 1, tuple(repairs), area_ha(before), area_ha(shape), tuple(map(str, overlaps))
        )


def refuse_reference(
    workspace: Workspace,
    path: Path,
    author: Author,
    *,
    mine_id: str = "",
    everywhere: bool = False,
    crs: str = "",
) -> Recorded:
    """Refuse land as reference, for one mine or for all.

    Raises
    ------
    UnknownOption
        If not exactly one of mine and everywhere is named.
    NotFound
        If there is no such mine.
    InvalidInput
        If the file holds no polygon, or the land touches the reference ring of no mine.
    """
    _one_place(mine=mine_id, everywhere=everywhere)
    with workspace.writing():
        registry = _registry(workspace)
        mines = registry.mines
        if mine_id:
            _known_mine(registry, mine_id, needs_outline=True)
            mines = mines[(mines["mine_id"] == mine_id).to_numpy()]
        # a file of refused land is nobody's list of mines: all its polygons count
        shape, repairs = read_area(path, "", crs)
        touched = mines.sindex.query(_around(shape, RING_MARGIN_M), predicate="intersects")
        if not touched.size:
            raise InvalidInput(
                f"{path.name} touches the reference ring (3 km) of no mine"
                + (f" {mine_id}." if mine_id else "."),
                "Check the file and its coordinate system.",
            )
        one = Correction(
            0, CorrectionKind.REFERENCE, "", "", "", mine_id, source=path.name, geometry=shape
        )
        return Recorded(_record(workspace, one, author), touched.size, tuple(repairs))


def dispute(workspace: Workspace, claim_id: str, author: Author) -> Recorded:
    """Dispute the verdict on a claim; it stays, and is marked until somebody settles it.

    Raises
    ------
    NotFound
        If there is no such claim.
    InvalidInput
        If it has no verdict yet, or the same person disputes it already.
    """
    with workspace.writing():
        claims = workspace.database.rows("claim", ["claim_id", "mine_id"])
        mine_id = next((row["mine_id"] for row in claims if row["claim_id"] == claim_id), None)
        if mine_id is None:
            raise NotFound(f"claim {claim_id!r} is not among {len(claims)} claims.")
        verdict, run_id = _verdict_on(workspace, claim_id)
        standing = standing_of(workspace.database)
        for one in standing.standing(CorrectionKind.DISPUTE):
            same = one.claim_id == claim_id and _same_person(one.person, author.person)
            if same and not _settled(standing, one.number):
                raise InvalidInput(
                    f"{claim_id} is disputed by {one.person} already (correction {one.number})."
                )
        one = Correction(
            0, CorrectionKind.DISPUTE, "", "", "", mine_id, claim_id, verdict=verdict, run_id=run_id
        )
        return Recorded(_record(workspace, one, author))


def settle(workspace: Workspace, number: int, outcome: str, author: Author) -> Recorded:
    """Settle a dispute: "upheld" or "dismissed", by somebody else than who disputed.

    Raises
    ------
    UnknownOption
        If the outcome is neither.
    NotFound
        If there is no such correction.
    InvalidInput
        If it is no open dispute, or the same person would settle it.
    """
    if outcome not in OUTCOMES:
        raise UnknownOption(f"outcome {outcome!r} is not known; use {' or '.join(OUTCOMES)}.")
    with workspace.writing():
        standing = standing_of(workspace.database)
        one = _known(standing, number)
        if one.kind is not CorrectionKind.DISPUTE:
            raise InvalidInput(f"correction {number} is no dispute: {one.kind.en}.")
        if number in standing.withdrawn or _settled(standing, number):
            raise InvalidInput(f"dispute {number} is withdrawn or settled already.")
        if _same_person(one.person, author.person):
            raise InvalidInput(
                f"{one.person} disputed the verdict and cannot settle it.",
                "Somebody else decides, or the dispute is withdrawn.",
            )
        settlement = Correction(
            0, CorrectionKind.SETTLEMENT, "", "", "", one.mine_id, one.claim_id,
            about=number, outcome=OUTCOMES[outcome].key,
        )  # fmt: skip
        return Recorded(_record(workspace, settlement, author))


def withdraw(workspace: Workspace, number: int, author: Author) -> Recorded:
    """Withdraw a correction; both stay in the list.

    Raises
    ------
    NotFound
        If there is no such correction.
    InvalidInput
        If it is a withdrawal, withdrawn already, or a dispute that was settled.
    """
    with workspace.writing():
        standing = standing_of(workspace.database)
        one = _known(standing, number)
        if one.kind is CorrectionKind.WITHDRAWAL:
            raise InvalidInput(
                f"correction {number} is itself a withdrawal.", "Give the correction again."
            )
        if number in standing.withdrawn:
            raise InvalidInput(f"correction {number} is withdrawn already.")
        if one.kind is CorrectionKind.DISPUTE and _settled(standing, number):
            raise InvalidInput(f"dispute {number} is settled.", "Withdraw its settlement first.")
        back = Correction(
            0, CorrectionKind.WITHDRAWAL, "", "", "", one.mine_id, one.claim_id,
            one.county, one.year, number,
        )  # fmt: skip
        return Recorded(_record(workspace, back, author))


def _record(workspace: Workspace, one: Correction, author: Author) -> Correction:
    """Add a correction in one transaction, its evidence copied before."""
    person, why = author.person, author.why
    name, sha256 = ("", "") if author.evidence is None else _keep(workspace, author.evidence)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    full = replace(one, person=person, why=why, at=now, evidence=name, evidence_sha256=sha256)
    about = {"kind": full.kind.key, "mine_id": full.mine_id, "claim_id": full.claim_id}
    with workspace.database.transaction("correct", person=person, **about) as write:
        row = {key: value for key, value in asdict(full).items() if key != "number"}
        number = write.append("correction", row | {"kind": full.kind.key})
    return replace(full, number=number)


def _keep(workspace: Workspace, path: Path) -> tuple[str, str]:
    """Copy a file into the workspace under its hash; returns its name and the hash."""
    if not path.is_file():
        raise UnreadableFile(f"{path} is no file.", "Name the file that shows it.")
    if path.stat().st_size == 0:
        raise UnreadableFile(f"{path.name} is empty.")
    with path.open("rb") as stream:
        content = stream.read(MOST_EVIDENCE_BYTES + 1)
    if len(content) > MOST_EVIDENCE_BYTES:
        raise InvalidInput(
            f"{path.name} has {path.stat().st_size / 1e6:.0f} MB; evidence may have "
            f"{MOST_EVIDENCE_BYTES / 1e6:.0f}.",
            "Hand in the pages or pictures that matter.",
        )
    sha256 = hashlib.sha256(content).hexdigest()
    suffix = path.suffix if _SUFFIX.fullmatch(path.suffix) else ""
    with atomic(workspace.root / "evidence" / f"{sha256[:16]}{suffix.lower()}") as temporary:
        temporary.write_bytes(content)
    return said("--evidence", path.name, MOST_PERSON), sha256


def _registry(workspace: Workspace) -> _Registry:
    database = workspace.database
    standing = standing_of(database)
    return _Registry(
        corrected_mines(database.frame("mine"), standing), database.frame("county"), standing
    )


def _one_place(**places: object) -> None:
    options = [f"--{name}" for name in places]
    if sum(bool(place) for place in places.values()) != 1:
        raise UnknownOption(f"say where: exactly one of {', '.join(options)}.")


def _known_mine(registry: _Registry, mine_id: str, *, needs_outline: bool = False) -> None:
    if mine_id not in set(registry.mines["mine_id"]):
        raise NotFound(f"mine {mine_id!r} is not in the inventory of {len(registry.mines)} mines.")
    if needs_outline and registry.outline(mine_id) is None:
        raise InvalidInput(
            f"mine {mine_id} has no outline; nothing is measured there.",
            "Give it one with: reverdure correct outline",
        )


def _known(standing: Standing, number: int) -> Correction:
    for one in standing.corrections:
        if one.number == number:
            return one
    raise NotFound(
        f"there is no correction {number} among {len(standing.corrections)}.",
        "List them with: reverdure corrections",
    )


def _counties_there(registry: _Registry) -> str:
    names = sorted(set(registry.county()))
    shown = ", ".join([*names[:20], "..."] if len(names) > 20 else names)
    return f"Counties with mines: {shown}"


def _settled(standing: Standing, number: int) -> bool:
    return any(one.about == number for one in standing.standing(CorrectionKind.SETTLEMENT))


def _same_person(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _verdict_on(workspace: Workspace, claim_id: str) -> tuple[str, str]:
    """Verdict in force on a claim, and its run."""
    path = workspace.products / "verdicts.parquet"
    if path.is_file():
        import pyarrow.parquet as pq

        columns = ["verdict", "run_id"]
        found = pq.read_table(path, columns=columns, filters=[("claim_id", "=", claim_id)])
        for row in found.to_pylist():
            return str(row["verdict"]), str(row["run_id"])
    raise InvalidInput(
        f"{claim_id} has no verdict yet that could be disputed.", "Run first: reverdure run"
    )


def _check_place(registry: _Registry, mine_id: str, shape: Any, before: Any) -> None:
    """Refuse an outline that changes nothing, or that lies where this mine cannot be."""
    if before is not None:
        if outline_key(shape) == outline_key(before):
            raise InvalidInput(f"mine {mine_id} has exactly this outline already.")
        distance_m = _distance_m(shape, before)
        if distance_m > FURTHEST_MOVE_M:
            raise InvalidInput(
                f"the polygon lies {distance_m / 1000:.1f} km from the outline of {mine_id}; "
                f"allowed are {FURTHEST_MOVE_M / 1000:.0f} km.",
                "Check file and coordinate system. A mine elsewhere is another mine.",
            )
        return
    county = registry.county()[mine_id]
    home = registry.counties.geometry[(registry.counties["county"] == county).to_numpy()]
    if len(home) and not shapely.intersects(home.iloc[0], shape):
        raise InvalidInput(
            f"the polygon lies outside of {county}, the county of {mine_id}.",
            "Check file and coordinate system.",
        )


def _distance_m(one: Any, other: Any) -> float:
    """Distance of two outlines on the ellipsoid, between their nearest points in degrees."""
    (x, y), (to_x, to_y) = shapely.get_coordinates(shapely.shortest_line(one, other))
    return float(_GEOD.inv(x, y, to_x, to_y)[2])


def _around(shape: Any, margin_m: float) -> Any:
    """Box around a shape and a margin, in degrees."""
    west, south, east, north = shape.bounds
    up = margin_m / _M_PER_DEGREE
    across = up / max(np.cos(np.radians(max(abs(south), abs(north)))), 0.01)
    return shapely.box(west - across, south - up, east + across, north + up)
