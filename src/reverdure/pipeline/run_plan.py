"""What a run has to make: tiles, sources, and a key for every product.

A key is a hash of everything a product is made from. A product whose key is on disk
is right and is not made again.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from reverdure.core.errors import InvalidInput, NoImagery, NoMines, NotFound
from reverdure.core.grid import Grid
from reverdure.core.provenance import digest
from reverdure.imagery.composites import season_year
from reverdure.imagery.declared import DeclaredYear
from reverdure.imagery.landsat import Scene
from reverdure.imagery.sentinel2 import Sentinel2Scene
from reverdure.pipeline.corrections import (
    NO_EFFECT,
    Effect,
    Effects,
    corrections_digest,
    standing_of,
)
from reverdure.pipeline.fine_plan import FineSource, FineSources, fine_sources
from reverdure.pipeline.footprints import Footprints
from reverdure.pipeline.harmonising import harmonisation_of
from reverdure.pipeline.known_dates import known_years
from reverdure.pipeline.lattice import (
    RING_MARGIN_M,
    Bounds,
    Lattice,
    Tile,
    lattice_grid,
    touches,
)
from reverdure.pipeline.steps import STEP_VERSIONS
from reverdure.recovery.constants import aim_indices
from reverdure.recovery.harmonise import Harmonisation
from reverdure.registry.corrections import Standing, corrected_mines
from reverdure.store.workspace import Workspace

BANDS = "bands"
# shown for every mine, whatever the aims of its claims
_ALWAYS = ("ndvi", "nbr")


@dataclass(frozen=True, slots=True)
class Source:
    """What one tile of one year is made from: scenes, or one declared raster."""

    key: str
    scenes: tuple[Scene, ...] = ()
    declared: DeclaredYear | None = None


@dataclass(frozen=True, slots=True)
class SegmentSource:
    """What the segments of one tile and index are made from, year by year."""

    key: str
    composites: Mapping[int, Source]


@dataclass(frozen=True, slots=True)
class MineSource:
    """What a mine's verdicts are made from.

    Attributes
    ----------
    key : str
    tiles : tuple of Tile
        Tiles its window touches; empty without outline or outside the imagery.
    grid : Grid or None
        Its window: outline and reference ring.
    neighbours : tuple of str
        Other mines of which outline or claims may lie in that window.
    touching : tuple of str
        Those of them that may share ground, or pixels, with it or its claims.
    effect : Effect
        What corrections by people change, the outline apart.
    beside : mapping of str to str
        Hash of what it sees of each neighbour.
    """

    key: str
    tiles: tuple[Tile, ...]
    grid: Grid | None
    neighbours: tuple[str, ...]
    touching: tuple[str, ...]
    effect: Effect
    beside: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run before it is done."""

    run_id: str
    lattice: Lattice
    years: tuple[int, ...]
    indices: tuple[str, ...]
    composites: Mapping[tuple[Tile, int], Source]
    segments: Mapping[tuple[Tile, str], SegmentSource]
    measured: Mapping[str, MineSource]
    mines: gpd.GeoDataFrame
    claims: gpd.GeoDataFrame
    counties: gpd.GeoDataFrame
    layers: Mapping[str, str]
    selected: tuple[str, ...]
    inputs: Mapping[str, Any]
    #: by mine: hash of its row as imported, and of the rows of its claims
    rows: Mapping[str, tuple[str, str]]
    standing: Standing
    #: by mine and year: what 10 m composites of small mines are made from
    fine: FineSources
    #: lines that bring newer sensors to older ones, where the workspace asks for it
    harmonise: Harmonisation | None
    #: by mine: years of recorded damage, where the workspace lets them date it
    known_years: Mapping[str, tuple[int, ...]]


def make_plan(workspace: Workspace, only: str | None = None) -> Plan:
    """Plan of a run over all mines, or over the one mine `only`.

    Raises
    ------
    NoMines, NoImagery
        If there is nothing to measure, or nothing to measure with.
    NotFound
        If `only` is not in the inventory.
    """
    database = workspace.database
    listed, claims = database.frame("mine"), database.frame("claim")
    standing = standing_of(database)
    mines = corrected_mines(listed, standing)
    if mines.empty:
        raise NoMines("the workspace holds no mines.", "Add some with: reverdure add mines FILE")
    if only is not None and only not in set(mines["mine_id"]):
        raise NotFound(f"mine {only!r} is not in the inventory of {len(mines)} mines.")
    records = database.records("scene")
    scenes = [Scene.from_dict(one) for one in records if not Sentinel2Scene.is_record(one)]
    sentinel2 = [Sentinel2Scene.from_dict(one) for one in records if Sentinel2Scene.is_record(one)]
    declared = [DeclaredYear.from_dict(record) for record in database.records("composite")]
    if not scenes and not declared:
        raise NoImagery(
            "the workspace holds no usable imagery.",
            "Add some with: reverdure add scenes FOLDER, or reverdure add composites FILES",
        )
    grids = [scene.grid for scene in scenes] + [item.grid for item in declared]
    lattice = _lattice(workspace, grids)
    outlines = mines.geometry.to_crs(lattice.crs)
    imagery = _imagery_bounds(scenes, declared, lattice.crs)
    lines = harmonisation_of(workspace)
    sources = _Sources(workspace, lattice, scenes, declared, imagery, lines)
    layers = {row["kind"]: row["digest"] for row in database.rows("layer")}
    indices = sources.indices(claims)

    windows = _windows(mines["mine_id"], outlines, lattice, imagery)
    selected = (only,) if only else tuple(mines["mine_id"])
    tiles = sorted({tile for mine in selected if mine in windows for tile in windows[mine][1]})
    composites = {
        (tile, year): source for tile in tiles for year, source in sources.bands(tile).items()
    }
    segments = {
        (tile, index): segment_source
        for tile in tiles
        for index in indices
        if (segment_source := sources.segments(tile, index)) is not None
    }
    context = digest(
        {
            "step": STEP_VERSIONS["measure"],
            "layers": layers,
            "allow_before_level": workspace.settings.allow_before_level,
            "seed": workspace.settings.seed,
        }
    )
    counties = database.frame("county")
    effects = Effects(standing, listed, mines, counties, lattice.crs)
    rows = _RowDigests(listed, mines, claims)
    footprints = Footprints(mines["mine_id"], outlines, claims, lattice.pixel)
    measured = _measured(selected, rows, windows, footprints, segments, indices, context, effects)
    small = mines[mines["mine_id"].isin(set(selected) & set(windows))]
    fine = fine_sources(
        sentinel2, small, claims[claims["mine_id"].isin(small["mine_id"])], lattice,
        (workspace.settings.season, workspace.settings.method), sources.years,
    )  # fmt: skip
    fine = _clear_years(fine, measured)
    measured = {
        mine_id: _with_fine(source, fine.get(mine_id)) for mine_id, source in measured.items()
    }
    dates = known_years(workspace)
    measured = {
        mine_id: _with_years(source, dates.get(mine_id)) for mine_id, source in measured.items()
    }
    inputs = {
        "mines": _frame_digest(mines),
        "claims": _frame_digest(claims),
        "counties": _frame_digest(counties),
        "scenes": digest(sorted([scene.scene_id, scene.fingerprint] for scene in scenes)),
        "composites": digest(sorted([d.year, d.kind, d.digest] for d in declared)),
        "layers": layers,
    }
    if sentinel2:
        inputs["sentinel2"] = digest(sorted([one.scene_id, one.fingerprint] for one in sentinel2))
    if lines is not None:
        inputs["harmonise"] = [lines.name, lines.key]
    if dates:
        inputs["events"] = digest(dates)
    if standing.corrections:
        inputs["corrections"] = corrections_digest(standing)
    run_id = digest(
        {
            "inputs": inputs,
            "settings": _settings_that_matter(workspace),
            "steps": STEP_VERSIONS,
            "lattice": [lattice.crs, lattice.pixel, lattice.west, lattice.north],
            "only": only,
        }
    )
    return Plan(
        run_id, lattice, sources.years, indices, composites, segments, measured,
        mines, claims, counties, layers, selected, inputs, rows.as_listed(), standing, fine, lines,
        dates,
    )  # fmt: skip


class _Sources:
    """Answers "what is this tile and year made from?"."""

    def __init__(
        self,
        workspace: Workspace,
        lattice: Lattice,
        scenes: list[Scene],
        declared: list[DeclaredYear],
        imagery: list[Bounds],
        lines: Harmonisation | None,
    ) -> None:
        self._lattice, self._lines = lattice, lines
        self._season, self._method = workspace.settings.season, workspace.settings.method
        self._declared = {(item.kind, item.year): item for item in declared}
        years = [season_year(scene.date, self._season) for scene in scenes]
        in_season = [place for place, year in enumerate(years) if year is not None]
        self._scenes = [(years[place], scenes[place]) for place in in_season]
        self._bounds = [imagery[place] for place in in_season]
        self._tree = shapely.STRtree([shapely.box(*bounds) for bounds in self._bounds])
        self._kept: dict[Tile, dict[int, Source]] = {}
        with_scenes = {year for year, _ in self._scenes if year is not None}
        both = sorted(with_scenes & {year for kind, year in self._declared if kind == BANDS})
        if both:
            raise InvalidInput(
                f"years {both[0]}..{both[-1]} have scenes and declared composites.",
                "Use two workspaces, or set first_year and last_year in reverdure.toml.",
            )
        found = with_scenes | {year for _, year in self._declared}
        if not found:
            raise NoImagery(
                f"none of {len(scenes)} scenes lies in the season {self._season[0]}"
                f"..{self._season[1]}.",
                "Change season in reverdure.toml.",
            )
        first = workspace.settings.first_year or min(found)
        last = workspace.settings.last_year or max(found)
        self.years = tuple(range(first, last + 1))
        if not self.years:
            raise InvalidInput(f"first_year {first} is after last_year {last}.")

    def indices(self, claims: gpd.GeoDataFrame) -> tuple[str, ...]:
        """Indices to compute: those the aims need, of those there is imagery for."""
        declared = {kind for kind, _ in self._declared if kind != BANDS}
        has_bands = bool(self._scenes) or any(kind == BANDS for kind, _ in self._declared)
        aims = sorted({str(aim) for aim in claims["aim"].dropna()})
        needed = dict.fromkeys([*_ALWAYS, *(index for aim in aims for index in aim_indices(aim))])
        return tuple(index for index in needed if has_bands or index in declared) or tuple(
            sorted(declared)
        )

    def bands(self, tile: Tile) -> Mapping[int, Source]:
        """By year, what the composites of a tile are made from."""
        if tile not in self._kept:
            grid = self._lattice.grid_of(tile)
            place = digest(asdict(grid))
            found = {
                year: Source(self._key(place, year, [declared.digest]), declared=declared)
                for (kind, year), declared in self._declared.items()
                if kind == BANDS and year in self.years
            }
            here: dict[int, list[Scene]] = {}
            bounds = grid.bounds
            for hit in self._tree.query(shapely.box(*bounds)):
                year, scene = self._scenes[hit]
                if year in self.years and touches(self._bounds[hit], bounds):
                    here.setdefault(year, []).append(scene)
            for year, scenes in here.items():
                scenes.sort(key=lambda scene: (scene.date, scene.scene_id))
                prints: list[Any] = [[scene.scene_id, scene.fingerprint] for scene in scenes]
                if self._lines and {scene.sensor for scene in scenes} & set(self._lines.newer):
                    prints.append(["harmonised", self._lines.key])
                found[year] = Source(self._key(place, year, prints), scenes=tuple(scenes))
            self._kept[tile] = dict(sorted(found.items()))
        return self._kept[tile]

    def segments(self, tile: Tile, index: str) -> SegmentSource | None:
        """What the segments of a tile are made from; None where there is no imagery."""
        declared = {year: one for (kind, year), one in self._declared.items() if kind == index}
        by_year = dict(self.bands(tile))
        place = digest(asdict(self._lattice.grid_of(tile)))
        for year in sorted(set(declared) & set(self.years)):
            key = self._key(place, year, [declared[year].digest])
            by_year[year] = Source(key, declared=declared[year])
        if not by_year:
            return None
        made_from = [[year, by_year[year].key] for year in sorted(by_year)]
        span = [self.years[0], self.years[-1]]
        key = digest([STEP_VERSIONS["segments"], index, span, made_from])
        return SegmentSource(key, by_year)

    def _key(self, place: str, year: int, made_from: list[Any]) -> str:
        how = [self._season, self._method]
        return digest([STEP_VERSIONS["composites"], place, year, how, made_from])


def _lattice(workspace: Workspace, grids: list[Grid]) -> Lattice:
    """The workspace's lattice: kept once chosen, since moving it would move every number."""
    frozen = workspace.database.setting("lattice")
    grid = Grid(**frozen) if frozen else lattice_grid(grids)
    lattice = Lattice.of(grid, workspace.settings.tile_pixels)
    if not frozen:
        with workspace.database.transaction("choose grid", crs=grid.crs, pixel=grid.pixel) as write:
            write.freeze("lattice", asdict(grid))
    return lattice


def _imagery_bounds(scenes: list[Scene], declared: list[DeclaredYear], crs: str) -> list[Bounds]:
    """Bounds of every scene, then of every declared raster, in the lattice's CRS."""
    found: dict[Grid, Bounds] = {}
    grids = [scene.grid for scene in scenes] + [item.grid for item in declared]
    for grid in grids:
        if grid not in found:
            if grid.crs == crs:
                found[grid] = grid.bounds
            else:
                change = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True)
                found[grid] = change.transform_bounds(*grid.bounds)
    return [found[grid] for grid in grids]


def _windows(
    mine_ids: Iterable[str], outlines: gpd.GeoSeries, lattice: Lattice, imagery: list[Bounds]
) -> dict[str, tuple[Grid, tuple[Tile, ...]]]:
    """Window and tiles of every mine that imagery covers."""
    seen = shapely.union_all([shapely.box(*bounds) for bounds in sorted(set(imagery))])
    shapely.prepare(seen)
    covered = shapely.intersects(np.array(outlines, dtype=object), seen)

    @cache
    def has_imagery(tile: Tile) -> bool:
        return bool(shapely.intersects(shapely.box(*lattice.grid_of(tile).bounds), seen))

    windows: dict[str, tuple[Grid, tuple[Tile, ...]]] = {}
    for mine_id, outline, is_covered in zip(mine_ids, outlines, covered, strict=True):
        if is_covered:
            grid = lattice.around(outline.bounds, RING_MARGIN_M)
            tiles = tuple(tile for tile in lattice.tiles_of(grid.bounds) if has_imagery(tile))
            windows[mine_id] = (grid, tiles)
    return windows


class _RowDigests:
    """Hashes of the rows of mines, as imported and as corrected, and of their claims."""

    def __init__(
        self, listed: gpd.GeoDataFrame, mines: gpd.GeoDataFrame, claims: gpd.GeoDataFrame
    ) -> None:
        self.mine_ids = list(mines["mine_id"])
        self.listed = dict(zip(self.mine_ids, _row_digests(listed), strict=True))
        self.corrected = self.listed
        if mines is not listed:
            self.corrected = dict(zip(self.mine_ids, _row_digests(mines), strict=True))
        self._claims: dict[str, list[str]] = {}
        for mine_id, row in zip(claims["mine_id"], _row_digests(claims), strict=True):
            self._claims.setdefault(mine_id, []).append(row)

    def of(self, mine_id: str, *, as_listed: bool = False) -> list[Any]:
        """Row of a mine and rows of its claims."""
        mine = (self.listed if as_listed else self.corrected)[mine_id]
        return [mine, sorted(self._claims.get(mine_id, []))]

    def as_listed(self) -> dict[str, tuple[str, str]]:
        """By mine: its row as imported, and all its claims as one."""
        return {m: (row, digest(self.of(m)[1])) for m, row in self.listed.items()}


def _measured(
    selected: Iterable[str],
    rows: _RowDigests,
    windows: Mapping[str, tuple[Grid, tuple[Tile, ...]]],
    footprints: Footprints,
    segments: Mapping[tuple[Tile, str], SegmentSource],
    indices: tuple[str, ...],
    context: str,
    effects: Effects,
) -> dict[str, MineSource]:
    """What each selected mine is measured from; neighbours count, they are no reference."""
    found: dict[str, MineSource] = {}
    for mine_id in selected:
        grid, tiles = windows.get(mine_id, (None, ()))
        near: tuple[str, ...] = ()
        touching: tuple[str, ...] = ()
        effect, window = NO_EFFECT, None
        if grid is not None:
            window = shapely.box(*grid.bounds)
            # its claims may lie outside of its window
            touching = tuple(sorted(footprints.touching(mine_id)))
            near = tuple(sorted(footprints.within(window, mine_id) | set(touching)))
            effect = effects.of(mine_id, window)
        made_from = [
            [index, tile, segments[tile, index].key]
            for index in indices
            for tile in tiles
            if (tile, index) in segments
        ]
        beside = [rows.of(m, as_listed=effects.is_out_of_sight(m, window)) for m in near]
        key = digest([context, [rows.of(mine_id), *beside], made_from, *effect.key])
        prints = {m: digest(row)[:10] for m, row in zip(near, beside, strict=True)}
        found[mine_id] = MineSource(key, tiles, grid, near, touching, effect, prints)
    return found


def _clear_years(fine: FineSources, measured: Mapping[str, MineSource]) -> FineSources:
    """Fine composites without the years that people marked as not clear over a mine."""
    clear = {
        mine_id: {y: one for y, one in years.items() if y not in hidden}
        for mine_id, years in fine.items()
        for hidden in [measured[mine_id].effect.cloudy_years]
    }
    return {mine_id: years for mine_id, years in clear.items() if years}


def _with_fine(source: MineSource, fine: Mapping[int, FineSource] | None) -> MineSource:
    """A mine's source whose key stands for its 10 m composites too, where it has any."""
    if not fine:
        return source
    return replace(source, key=digest([source.key, [[y, one.key] for y, one in fine.items()]]))


def _with_years(source: MineSource, years: tuple[int, ...] | None) -> MineSource:
    """A mine's source whose key stands for the years its damage is known from, if any."""
    return source if not years else replace(source, key=digest([source.key, "events", years]))


def _settings_that_matter(workspace: Workspace) -> dict[str, Any]:
    """Settings that can move a number: all but the size of tiles."""
    return {k: v for k, v in asdict(workspace.settings).items() if k != "tile_pixels"}


def _row_digests(frame: gpd.GeoDataFrame) -> list[str]:
    """Hash of each row of mines or claims, without where it was imported from."""
    names = [c for c in frame.columns if c not in ("geometry", "source", "source_row")]
    shapes = [None if g is None else shapely.to_wkb(g, hex=True) for g in frame.geometry]
    plain = json.loads(pd.DataFrame(frame[names]).to_json(orient="values", double_precision=15))
    return [digest([row, shape]) for row, shape in zip(plain, shapes, strict=True)]


def _frame_digest(frame: gpd.GeoDataFrame) -> str:
    return digest(sorted(_row_digests(frame)))
