"""Which scenes of an archive a workspace needs, and which ground of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import cos, radians

import geopandas as gpd
import numpy as np
import pyproj

from reverdure.core.errors import NoImagery, NoMines
from reverdure.core.grid import Grid
from reverdure.imagery.archives.items import (
    SENTINEL2,
    FoundItem,
    layers_missing,
    merged,
    parse_item,
)
from reverdure.imagery.archives.layers import Need
from reverdure.imagery.archives.scenes import Place, kept_need, promote
from reverdure.imagery.archives.search import Question, find_items
from reverdure.imagery.archives.web import Client
from reverdure.imagery.composites import season_year
from reverdure.imagery.declared import DeclaredYear
from reverdure.imagery.landsat import Scene
from reverdure.imagery.refusals import Refusal, refuse
from reverdure.imagery.sentinel2 import Sentinel2Scene
from reverdure.pipeline.corrections import standing_of
from reverdure.pipeline.fine_plan import small_mines
from reverdure.pipeline.lattice import RING_MARGIN_M, Bounds, Lattice, lattice_grid, touches
from reverdure.recovery.constants import constant
from reverdure.registry.corrections import corrected_mines
from reverdure.store.workspace import Workspace

_LANDSAT_M = 30.0
_METRES_A_DEGREE = 111_000.0
# clouds are kept off by two pixels of 20 m, and pixels are read between their centres
_FINE_RIM_M = 120.0
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What there is to fetch.

    Attributes
    ----------
    todo : tuple of FoundItem
        Scenes to fetch, by date.
    kept : int
        Scenes that are there with all that is needed.
    needs : mapping of str to Need
        By folder of a scene to fetch.
    refused : tuple of Refusal
        Entries of the catalogue that cannot be used.
    sent, beside : int
        Entries the archive sent, and those of them that lie outside what was asked for.
    """

    todo: tuple[FoundItem, ...]
    kept: int
    needs: Mapping[str, Need]
    refused: tuple[Refusal, ...]
    sent: int
    beside: int


def plan_fetch(
    workspace: Workspace,
    client: Client,
    url: str,
    collections: tuple[str, ...],
    years: tuple[int, ...],
) -> FetchPlan:
    """Ask an archive what it has, and keep what is near mines, in season, and not there yet.

    Raises
    ------
    NoMines
        If no mine has an outline.
    NoImagery
        If only Sentinel-2 was found and the workspace has no Landsat pixels yet.
    ArchiveUnavailable, ArchiveAnswer, UnsafeAddress, NotFound
        As for `find_items`.
    """
    mines = _mines(workspace)
    if mines.empty:
        raise NoMines(
            "no mine has an outline, so it is not known where to look.",
            "Add some first with: reverdure add mines FILE",
        )
    season = workspace.settings.season
    asked = Question(collections, _search_bounds(workspace, mines), season_spans(season, years))
    sent = 0
    wanted: list[FoundItem] = []
    refused: dict[str, Refusal] = {}
    beside = 0
    for item, base in find_items(client, url, asked):
        sent += 1
        found = parse_item(item, base)
        if isinstance(found, Refusal):
            refused.setdefault(found.path, found)
        elif _is_asked_for(found, asked, season, years):
            wanted.append(found)
        else:
            beside += 1
    scenes = newest(merged(wanted))
    lattice = _lattice(workspace, scenes)
    landsat, fine = _needs(workspace, mines, lattice)
    todo: list[FoundItem] = []
    needs: dict[str, Need] = {}
    kept = 0
    for scene in scenes:
        need = _touched(scene, fine if scene.kind == SENTINEL2 else landsat)
        if not need.boxes:
            beside += 1
            continue
        missing = layers_missing(scene)
        if missing:
            refused[scene.folder] = refuse(scene.folder, "missing_bands", detail=", ".join(missing))
            continue
        place = Place.of(workspace.root, scene.folder)
        promote(place)
        there = kept_need(place)
        if there is not None and there.covers(need):
            kept += 1
            continue
        todo.append(scene)
        # what was fetched for other mines stays
        boxes = set(need.boxes)
        if there is not None and there.crs == need.crs:
            boxes |= set(there.boxes)
        needs[scene.folder] = Need(need.crs, tuple(sorted(boxes)))
    ordered = tuple(refused[name] for name in sorted(refused))
    return FetchPlan(tuple(todo), kept, needs, ordered, sent, beside)


def mines_not_fetched(workspace: Workspace) -> list[str]:
    """Mines around which a fetched scene shows ground that was never fetched.

    They were added, or moved, after the fetch; a run would read that ground as not seen.

    Returns
    -------
    list of str
        Ids, sorted; empty where nothing was fetched.
    """
    root = workspace.root / "imagery"
    folders = sorted(root.iterdir()) if root.is_dir() else []
    records = [r for r in workspace.database.records("scene") if not Sentinel2Scene.is_record(r)]
    grids = {one.scene_id: one.grid for one in map(Scene.from_dict, records)}
    fetched = [folder for folder in folders if folder.name in grids]
    if not fetched:
        return []
    lattice = _lattice(workspace, [])
    needed = _tiles_by_mine(_mines(workspace), lattice)
    everything = Need(lattice.crs, tuple({box for boxes in needed.values() for box in boxes}))
    lacking: set[Bounds] = set()
    for folder in fetched:
        there = kept_need(Place(folder, folder))
        held = set() if there is None or there.crs != lattice.crs else set(there.boxes)
        lacking |= set(everything.within(grids[folder.name]).boxes) - held
    return sorted(mine_id for mine_id, boxes in needed.items() if boxes & lacking)


def season_spans(season: tuple[str, str], years: Iterable[int]) -> tuple[tuple[date, date], ...]:
    """First and last day of the season of each year.

    Examples
    --------
    >>> [str(day) for day in season_spans(("11-15", "02-29"), [2021])[0]]
    ['2020-11-15', '2021-02-28']
    """
    crosses = season[0] > season[1]
    return tuple(
        (_day(year - crosses, season[0]), _day(year, season[1])) for year in sorted(set(years))
    )


def _day(year: int, text: str) -> date:
    month, day = (int(part) for part in text.split("-"))
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, 28)


def _mines(workspace: Workspace) -> gpd.GeoDataFrame:
    """Mines with an outline, as corrected."""
    database = workspace.database
    mines = corrected_mines(database.frame("mine"), standing_of(database))
    return mines[~(mines.geometry.isna() | mines.geometry.is_empty)]


def _tiles_by_mine(mines: gpd.GeoDataFrame, lattice: Lattice) -> dict[str, set[Bounds]]:
    """Bounds of the tiles that touch each mine or its reference ring."""
    outlines = mines.geometry.to_crs(lattice.crs)
    return {
        mine_id: {
            _rounded(lattice.grid_of(tile).bounds)
            for tile in lattice.tiles_of(lattice.around(outline.bounds, RING_MARGIN_M).bounds)
        }
        for mine_id, outline in zip(mines["mine_id"], outlines, strict=True)
    }


def _search_bounds(workspace: Workspace, mines: gpd.GeoDataFrame) -> Bounds:
    """Degrees that hold every tile near a mine, whatever the lattice will be."""
    west, south, east, north = (float(edge) for edge in mines.total_bounds)
    margin = (RING_MARGIN_M + workspace.settings.tile_pixels * _LANDSAT_M) / _METRES_A_DEGREE
    along = margin / max(cos(radians(max(abs(south), abs(north)))), 0.1)
    return (
        max(west - along, -180.0),
        max(south - margin, -90.0),
        min(east + along, 180.0),
        min(north + margin, 90.0),
    )


def _is_asked_for(
    found: FoundItem, asked: Question, season: tuple[str, str], years: tuple[int, ...]
) -> bool:
    if found.collection and found.collection not in asked.collections:
        return False
    if season_year(found.day, season) not in years:
        return False
    return found.bbox is None or touches(found.bbox, asked.bounds) or found.bbox[0] > found.bbox[2]


def newest(scenes: Iterable[FoundItem]) -> list[FoundItem]:
    """Of a Landsat scene that was processed several times, the newest, as for local folders."""
    by_scene: dict[tuple[str, ...], FoundItem] = {}
    for scene in scenes:
        parts = scene.folder.split("_")
        is_landsat = scene.kind != SENTINEL2
        key = (parts[0], parts[2], parts[3]) if is_landsat else (scene.folder,)
        known = by_scene.get(key)
        if known is None or parts[4:] > known.folder.split("_")[4:]:
            by_scene[key] = scene
    return sorted(by_scene.values(), key=lambda scene: (scene.day, scene.folder))


def _lattice(workspace: Workspace, scenes: list[FoundItem]) -> Lattice:
    """The workspace's lattice, or the one a run over these scenes will choose."""
    frozen = workspace.database.setting("lattice")
    if frozen:
        return Lattice.of(Grid(**frozen), workspace.settings.tile_pixels)
    records = workspace.database.records("scene")
    grids = [Scene.from_dict(r).grid for r in records if not Sentinel2Scene.is_record(r)]
    grids += [DeclaredYear.from_dict(r).grid for r in workspace.database.records("composite")]
    # the archive's own word for it; every file is looked at before anything of it is fetched
    grids += [scene.grid for scene in scenes if scene.grid is not None and scene.kind != SENTINEL2]
    if not grids:
        raise NoImagery(
            "it is not known yet on which pixels the mines are measured.",
            "Sentinel-2 is used beside Landsat: add Landsat scenes first.",
        )
    return Lattice.of(lattice_grid(grids), workspace.settings.tile_pixels)


def _needs(workspace: Workspace, mines: gpd.GeoDataFrame, lattice: Lattice) -> tuple[Need, Need]:
    """Tiles that touch a mine or its reference ring; windows of small mines."""
    boxes = {box for found in _tiles_by_mine(mines, lattice).values() for box in found}
    claims = workspace.database.frame("claim")
    small = small_mines(mines, claims[claims["mine_id"].isin(mines["mine_id"])], lattice)
    margin = constant("fine_margin_m") + _FINE_RIM_M
    windows = {
        _rounded(lattice.around(outline.bounds, margin).bounds) for outline in small.values()
    }
    return Need(lattice.crs, tuple(sorted(boxes))), Need(lattice.crs, tuple(sorted(windows)))


def _rounded(bounds: Bounds) -> Bounds:
    west, south, east, north = (round(edge, _DIGITS) for edge in bounds)
    return west, south, east, north


def _touched(scene: FoundItem, need: Need) -> Need:
    """Boxes that a scene may show, by its stated pixels or its stated bounds."""
    if scene.grid is None and scene.bbox is None:
        return need
    boxes = set(need.within(scene.grid).boxes) if scene.grid is not None else set()
    if scene.bbox is not None and scene.bbox[0] <= scene.bbox[2]:
        change = pyproj.Transformer.from_crs("EPSG:4326", need.crs, always_xy=True)
        around = change.transform_bounds(*scene.bbox, densify_pts=21)
        if np.isfinite(around).all():
            boxes |= {box for box in need.boxes if touches(box, around)}
    elif scene.bbox is not None:
        boxes = set(need.boxes)
    return Need(need.crs, tuple(sorted(boxes)))
