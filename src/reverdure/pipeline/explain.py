"""From a verdict back to the scene ids: the chain behind every figure of a mine or claim."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverdure.core.errors import NotFound
from reverdure.ground.coverage import coverage
from reverdure.pipeline.measure import part_path
from reverdure.pipeline.run_plan import Plan, Source, make_plan
from reverdure.pipeline.tiles import composite_path, overlap
from reverdure.recovery.harmonise import Harmonisation
from reverdure.registry.corrections import Correction
from reverdure.registry.counties import county_of
from reverdure.store.cubes import read_tile
from reverdure.store.record_pages import Question, page
from reverdure.store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class YearOfImagery:
    """What one year of a mine was seen with.

    Attributes
    ----------
    year : int
    pixels : dict
        Scene id (or file name of a declared raster) to pixels of the outline taken
        from it; pixels count by the share of them inside the outline.
    missing : float
        Pixels with nothing clear.
    keys : tuple of str
        Keys of the composites.
    """

    year: int
    pixels: Mapping[str, float]
    missing: float
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The chain of one mine: registry rows, what was measured, and with which imagery.

    `corrections` are those about the mine and its claims, each with whether it is in force;
    `harmonise` are the lines by which newer sensors were brought to older ones, if any;
    `events` what is on record to have happened there or everywhere, to be held against the years
    that the imagery gives; `from_record` by index the years of falls that came from there (year,
    by_images: the earliest that fits the images alone, pixels of the outline), with
    `run --events use`.
    """

    mine: Mapping[str, Any]
    claims: tuple[Mapping[str, Any], ...]
    verdicts: tuple[Mapping[str, Any], ...]
    references: Mapping[str, Mapping[str, Any]]
    imagery: tuple[YearOfImagery, ...]
    neighbours: int
    run_id: str
    is_current: bool
    corrections: tuple[tuple[Correction, bool], ...] = ()
    harmonise: Harmonisation | None = None
    events: tuple[Mapping[str, Any], ...] = ()
    from_record: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)


def explain(workspace: Workspace, wanted: str) -> Explanation:
    """Chain behind the verdicts of a mine, or of one claim.

    Raises
    ------
    NotFound
        If neither a mine nor a claim has this id.
    """
    claims = workspace.database.frame("claim")
    mine_id, only_claim = wanted, None
    if wanted in set(claims["claim_id"]):
        mine_id = str(claims.loc[claims["claim_id"] == wanted, "mine_id"].iloc[0])
        only_claim = wanted
    elif wanted not in {row["mine_id"] for row in workspace.database.rows("mine", ["mine_id"])}:
        raise NotFound(f"no mine and no claim has the id {wanted!r}.")
    plan = make_plan(workspace, mine_id)
    verdicts, run_id = _verdicts(workspace, mine_id)
    is_current = part_path(workspace, plan, mine_id).is_file()
    part = json.loads(part_path(workspace, plan, mine_id).read_text("utf-8")) if is_current else {}
    about = plan.claims[plan.claims["mine_id"] == mine_id]
    chosen = [
        row
        for row in about.drop(columns="geometry").to_dict("records")
        if only_claim in (None, row["claim_id"])
    ]
    mine = plan.mines[plan.mines["mine_id"] == mine_id]
    return Explanation(
        mine=mine.drop(columns="geometry").to_dict("records")[0],
        claims=tuple(chosen),
        verdicts=tuple(row for row in verdicts if only_claim in (None, row["claim_id"])),
        references=part.get("references", {}),
        imagery=tuple(_imagery(workspace, plan, mine_id)),
        neighbours=len(plan.measured[mine_id].neighbours),
        run_id=run_id,
        is_current=is_current,
        corrections=tuple(_corrections(plan, mine_id)),
        harmonise=plan.harmonise,
        events=_events(workspace, mine_id),
        from_record=part.get("from_record", {}),
    )


def _events(workspace: Workspace, mine_id: str) -> tuple[Mapping[str, Any], ...]:
    """What the registry knows to have happened at a mine or everywhere, oldest first."""
    asked = (Question("event", mine_id=mine_id), Question("event", of_no_mine=True))
    found = [one.values for of in asked for one in page(workspace.database, of).records]
    return tuple(sorted(found, key=lambda one: one["date"]))


def _corrections(plan: Plan, mine_id: str) -> Iterator[tuple[Correction, bool]]:
    """What people corrected about a mine and its claims, and whether it is in force."""
    standing = plan.standing
    if not standing.corrections:
        return
    claims = plan.claims["claim_id"][plan.claims["mine_id"] == mine_id].tolist()
    county = county_of(plan.mines, None if plan.counties.empty else plan.counties)[mine_id]
    for one in standing.about_mine(mine_id, claims, county):
        yield one, standing.is_in_force(one)


def _verdicts(workspace: Workspace, mine_id: str) -> tuple[list[dict[str, Any]], str]:
    path = workspace.products / "verdicts.parquet"
    if not path.is_file():
        return [], ""
    import pyarrow.parquet as pq

    rows = pq.read_table(path, filters=[("mine_id", "=", mine_id)]).to_pylist()
    for row in rows:
        row.pop("geometry", None)
    return rows, str(rows[0]["run_id"]) if rows else ""


def _imagery(workspace: Workspace, plan: Plan, mine_id: str) -> list[YearOfImagery]:
    """Scene by scene, how many pixels of the outline each year was taken from."""
    place = plan.measured[mine_id]
    if place.grid is None:
        return []
    outline = plan.mines.geometry[plan.mines["mine_id"] == mine_id].to_crs(plan.lattice.crs).iloc[0]
    inside = coverage(outline, place.grid)
    if inside is None:
        return []
    window, weights = inside
    grid = place.grid.part(window)
    found = []
    for year in plan.years:
        pixels: dict[str, float] = {}
        keys = []
        for tile in place.tiles:
            shared = overlap(plan.lattice, tile, grid)
            for source in _sources(plan, tile, year):
                path = composite_path(workspace, tile, year, source)
                if shared is None or (source.declared is None and not path.is_file()):
                    continue
                keys.append(source.key)
                into, out_of = shared
                if source.declared is not None:
                    name = str(source.declared.path).replace("\\", "/").rsplit("/", 1)[-1]
                    pixels[name] = pixels.get(name, 0.0) + float(weights[into].sum())
                    continue
                arrays, tags = read_tile(path)
                scene_ids = json.loads(tags["REVERDURE_SCENES"])
                _count(arrays["source"][out_of], weights[into], scene_ids, pixels)
        seen = sum(pixels.values())
        found.append(YearOfImagery(year, pixels, float(weights.sum()) - seen, tuple(keys)))
    return found


def _sources(plan: Plan, tile: tuple[int, int], year: int) -> list[Source]:
    """What a tile and year was made from, each thing once."""
    found = {}
    for index in plan.indices:
        segments = plan.segments.get((tile, index))
        if segments is not None and year in segments.composites:
            source = segments.composites[year]
            found[source.key] = source
    return list(found.values())


def _count(
    chosen: NDArray[np.float32],
    weights: NDArray[np.float64],
    scene_ids: list[str],
    pixels: dict[str, float],
) -> None:
    for number, scene_id in enumerate(scene_ids):
        here = float(weights[chosen == number].sum())
        if here > 0:
            pixels[scene_id] = pixels.get(scene_id, 0.0) + here
