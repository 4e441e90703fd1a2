"""The ecological index of a workspace: a basis found once and kept, a raster a tile and year."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure import kernels
from reverdure.core.codes import RseiPixel, RseiStatus
from reverdure.core.errors import UnreadableFile
from reverdure.core.grid import Grid
from reverdure.core.provenance import digest
from reverdure.core.records import OnProgress, Progress
from reverdure.imagery.landsat import Scene
from reverdure.pipeline.fine import land_that_is_no_mine
from reverdure.pipeline.lattice import Tile, tile_name
from reverdure.pipeline.run_plan import Plan, Source, make_plan
from reverdure.pipeline.tiles import composite_path, make_composite, overlap
from reverdure.pipeline.workers import cores, do_all
from reverdure.recovery.constants import constant
from reverdure.recovery.rsei_fit import (
    Loadings,
    RseiFit,
    YearTally,
    fit_pooled,
    held_level,
    loadings_of,
    references,
)
from reverdure.recovery.rsei_picture import (
    REFLECTIVE,
    THERMAL,
    Picture,
    index_of,
    picture_of_values,
)
from reverdure.recovery.rsei_wetness import WetnessSet, wetness_set
from reverdure.store.cubes import Band, read_tags, read_tile, write_tile
from reverdure.store.workspace import Workspace

RSEI_VERSION = 1
"""Raised when the numbers of the index move; no part of a run's id, as no verdict rests on it."""

SETTING = "rsei"
"""Name under which the registry keeps the basis."""

_SUMS = "REVERDURE_SUMS"


@dataclass(frozen=True)
class Basis:
    """The basis of the index in a workspace, and how this call came by it.

    Attributes
    ----------
    fit : RseiFit
        Refused where its loadings' status says so.
    action : str
        "fitted", "kept", "refitted" or "refused".
    reference_k : mapping of int to float
        Every year of imagery; NaN where it has no reference.
    statuses : mapping of int to RseiStatus
        Why a year has no index.
    """

    fit: RseiFit
    action: str
    reference_k: Mapping[int, float]
    statuses: Mapping[int, RseiStatus]


@dataclass(frozen=True)
class RseiResult:
    """What was made.

    Attributes
    ----------
    basis : Basis
    own : mapping of int to Loadings
        What each year by itself would give: a quality layer.
    sensors : mapping of int to str
    made : int
        Rasters made now; those on disk already were right.
    paths : mapping of (Tile, int) to Path
    """

    basis: Basis
    own: Mapping[int, Loadings]
    sensors: Mapping[int, str]
    made: int
    paths: Mapping[tuple[Tile, int], Path]


@dataclass
class Land:
    """The ground that is looked at: windows of mines, and in them land that is no mine."""

    plan: Plan
    # a bit a pixel: a province has thousands of tiles
    _kept: dict[Tile, NDArray[np.uint8]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index windows and outlines."""
        self._windows = [one.grid for one in self.plan.measured.values() if one.grid is not None]
        self._window_tree = shapely.STRtree([shapely.box(*grid.bounds) for grid in self._windows])
        self.outlines = self.plan.mines.to_crs(self.plan.lattice.crs)
        shapes = [
            shape if shape is not None else shapely.Point() for shape in self.outlines.geometry
        ]
        self._mine_tree = shapely.STRtree(shapes)

    def near(self, grid: Grid) -> gpd.GeoDataFrame:
        """Mines whose surroundings reach into a grid."""
        box = shapely.box(*grid.bounds).buffer(2 * constant("mine_buffer_m"))
        return self.outlines.iloc[sorted(self._mine_tree.query(box))]

    def no_mine(self, grid: Grid) -> NDArray[np.bool_]:
        """Pixels of a grid that keep clear of every mine."""
        return np.asarray(land_that_is_no_mine(grid, self.near(grid).geometry).to_numpy())

    def of(self, tile: Tile) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Pixels of a tile in any window, and those of them that are no mine."""
        grid = self.plan.lattice.grid_of(tile)
        if tile not in self._kept:
            inside = np.zeros(grid.shape, np.bool_)
            for hit in self._window_tree.query(shapely.box(*grid.bounds)):
                shared = overlap(self.plan.lattice, tile, self._windows[hit])
                if shared is not None:
                    inside[shared[1]] = True
            self._kept[tile] = np.packbits(np.stack([inside, inside & self.no_mine(grid)]))
        bits = np.unpackbits(self._kept[tile], count=2 * grid.height * grid.width)
        inside, no_mine = bits.reshape(2, *grid.shape).astype(np.bool_)
        return inside, no_mine


def make_rsei(
    workspace: Workspace, *, refit: bool = False, on_progress: OnProgress | None = None
) -> tuple[RseiResult, Land]:
    """Make every raster of the index that is missing; the basis is kept once it is found.

    Stopped at any moment, it continues where it was when called again.

    Parameters
    ----------
    workspace : Workspace
    refit : bool
        Find limits, loadings and references anew from all years there are, and record it.
    on_progress : callable, optional
    """
    plan = make_plan(workspace)
    kernels.warm_up()
    tasks = sorted(plan.composites)
    missing = [
        one for one in tasks if not composite_path(workspace, *one, plan.composites[one]).exists()
    ]
    do_all(
        "composites", [partial(make_composite, workspace, plan, *one) for one in missing],
        on_progress,
    )  # fmt: skip
    land = Land(plan)
    for tile in dict.fromkeys(tile for tile, _ in tasks):
        land.of(tile)
    basis = _basis(workspace, plan, land, refit, on_progress)
    paths = {one: _path(workspace, plan, land, basis, one) for one in tasks}
    todo = [one for one in tasks if not paths[one].exists()]
    make = partial(_make_raster, workspace, plan, land, basis, paths)
    do_all("rsei", [partial(make, one) for one in todo], on_progress)
    kept = set(paths.values())
    for path in (workspace.products / "rsei").rglob("*.tif"):
        if path not in kept:
            path.unlink()
    years = sorted({year for _, year in tasks})
    own = {year: loadings_of(_sums_of(paths, year)) for year in years}
    sensors = {year: "+".join(found) for year, found in _sensors_by_year(plan).items()}
    return RseiResult(basis, own, sensors, len(todo), paths), land


def _scenes(plan: Plan) -> dict[int, dict[str, Scene]]:
    """Scenes behind each year, by id; none behind declared years."""
    found: dict[int, dict[str, Scene]] = {}
    for (_, year), source in plan.composites.items():
        of_year = found.setdefault(year, {})
        for scene in source.scenes:
            of_year[scene.scene_id] = scene
    return found


def _declared_sensor(source: Source) -> str:
    """Sensor behind a declared raster that brings all the index needs; "" for no such."""
    declared = source.declared
    if declared is None or not {*REFLECTIVE, THERMAL} <= set(declared.bands):
        return ""
    return declared.sensor


def _sensors_by_year(plan: Plan) -> dict[int, list[str]]:
    """Sensors behind each year, of scenes and of declared rasters with a temperature."""
    found: dict[int, set[str]] = {}
    for (_, year), source in plan.composites.items():
        of_year = found.setdefault(year, set())
        of_year |= {scene.sensor for scene in source.scenes} | {_declared_sensor(source)} - {""}
    return {year: sorted(sensors) for year, sensors in found.items()}


def _basis(
    workspace: Workspace, plan: Plan, land: Land, refit: bool, on_progress: OnProgress | None
) -> Basis:
    """The kept basis with the references of new years, or a new one."""
    scenes, seen_by = _scenes(plan), _sensors_by_year(plan)
    years = sorted(scenes)
    made_from = {year: _year_digest(workspace, plan, year, scenes[year]) for year in years}
    had = workspace.database.setting(SETTING)
    before = None if had is None else RseiFit.from_dict(had["fit"])
    kept = None if refit else before
    known: dict[int, float] = {}
    if kept is not None:
        same = [year for year in years if had["made_from"].get(str(year)) == made_from[year]]
        known = {year: kept.reference_k[year] for year in same if year in kept.reference_k}
    sensors = sorted({_seen_as(plan, one) for of_year in seen_by.values() for one in of_year})
    if not sensors:
        return _without_thermal(years)
    wetness = wetness_set(sensors) if kept is None else kept.wetness_set
    unknown = [year for year in years if year not in known]
    tallies = _tallies(workspace, plan, land, wetness, unknown, on_progress)
    found, why = references(tallies)
    for year in set(unknown) - set(found):
        found[year] = float("nan")
        why[year] = RseiStatus.NO_DATA if seen_by[year] else RseiStatus.NO_THERMAL
    fresh = {year: kelvin for year, kelvin in found.items() if np.isfinite(kelvin)}

    def pictures() -> Iterator[tuple[int, Picture]]:
        for tile, year in sorted(plan.composites):
            if year in fresh:
                for picture in _pictures(workspace, plan, land, (tile, year)):
                    yield year, picture

    reference_k = known | found
    statuses = dict.fromkeys(known, RseiStatus.MEASURED) | why
    if kept is not None:
        if unknown:
            kept = replace(kept, reference_k={**kept.reference_k, **fresh})
            kept = held_level(kept, pictures, fresh, frozen=True)
            _keep(workspace, kept, made_from, "RSEI references", {"years": unknown})
        return Basis(kept, "kept", reference_k, statuses)
    fit, _ = fit_pooled(pictures, wetness, tallies, fresh)
    fit = held_level(fit, pictures, fresh, frozen=False)
    return Basis(fit, _keep_new(workspace, fit, before, made_from), reference_k, statuses)


def _keep_new(
    workspace: Workspace, fit: RseiFit, before: RseiFit | None, made_from: Mapping[int, str]
) -> str:
    """Keep a new basis if it is one; says what was done."""
    if not fit.is_given:
        return "refused"
    detail = {
        "fit": fit.digest,
        "before": None if before is None else before.digest,
        "years": list(fit.years),
    }
    _keep(workspace, fit, made_from, "fit RSEI" if before is None else "refit RSEI", detail)
    return "fitted" if before is None else "refitted"


def _without_thermal(years: Sequence[int]) -> Basis:
    """Nothing there holds a temperature: no year has an index."""
    nothing = Loadings(RseiStatus.NO_THERMAL, (0.0,) * 4, float("nan"), 0)
    fit = RseiFit("pooled", "tm_sr", ((0.0, 1.0),) * 4, nothing, (0.0, 0.0), ())
    refused = dict.fromkeys(years, RseiStatus.NO_THERMAL)
    return Basis(fit, "refused", dict.fromkeys(years, float("nan")), refused)


def _keep(
    workspace: Workspace,
    fit: RseiFit,
    made_from: Mapping[int, str],
    action: str,
    detail: Mapping[str, Any],
) -> None:
    value = {
        "fit": fit.to_dict(),
        "version": RSEI_VERSION,
        "made_from": {str(year): made_from[year] for year in sorted(made_from)},
    }
    text = json.dumps(value, sort_keys=True)
    with workspace.database.transaction(action, **detail) as write:
        write.replace("setting", [{"name": SETTING, "value": text}])


def _seen_as(plan: Plan, sensor: str) -> str:
    """The sensor that the composites look like: harmonised ones are of the older family."""
    return sensor if plan.harmonise is None else plan.harmonise.seen_as(sensor)


def _year_digest(workspace: Workspace, plan: Plan, year: int, scenes: Mapping[str, Scene]) -> str:
    """Hash of the scenes of a year and of how they become its composite."""
    prints = {scene_id: scene.fingerprint for scene_id, scene in scenes.items()}
    settings = workspace.settings
    how: list[Any] = [RSEI_VERSION, list(settings.season), settings.method, prints]
    lines = plan.harmonise
    if lines is not None and {scene.sensor for scene in scenes.values()} & set(lines.newer):
        how.append(lines.key)
    how += sorted(
        {
            source.declared.digest
            for (_, when), source in plan.composites.items()
            if when == year and source.declared is not None and _declared_sensor(source)
        }
    )
    return digest(how)


def _tallies(
    workspace: Workspace,
    plan: Plan,
    land: Land,
    wetness: WetnessSet,
    years: Sequence[int],
    on_progress: OnProgress | None,
) -> dict[int, YearTally]:
    """What the land of each year is like, over all its tiles."""

    def of(one: tuple[Tile, int]) -> list[YearTally]:
        found = []
        for picture in _pictures(workspace, plan, land, one):
            tally = YearTally.empty(picture)
            tally.add(picture, wetness)
            found.append(tally)
        return found

    tallies: dict[int, YearTally] = {}
    for done, year in enumerate(years, start=1):
        tiles = [one for one in sorted(plan.composites) if one[1] == year]
        with ThreadPoolExecutor(cores()) as pool:
            for parts in pool.map(of, tiles):
                for part in parts:
                    tallies[year] = tallies[year].merged(part) if year in tallies else part
        if on_progress:
            on_progress(Progress("rsei_fit", done, len(years)))
    return tallies


def _pictures(workspace: Workspace, plan: Plan, land: Land, one: tuple[Tile, int]) -> list[Picture]:
    """The composite of a tile and year, a picture for each family of sensors in it."""
    tile, year = one
    path = composite_path(workspace, tile, year, plan.composites[one])
    arrays, tags = read_tile(path)
    inside, no_mine = land.of(tile)
    ids = json.loads(tags["REVERDURE_SCENES"])
    source = plan.composites[one]
    sensor_of = {scene.scene_id: _seen_as(plan, scene.sensor) for scene in source.scenes}
    sensors = [sensor_of.get(scene_id, _declared_sensor(source)) for scene_id in ids]
    if not any(sensors):
        return []
    families = {name: wetness_set([name]).family for name in set(sensors)}
    if len(set(families.values())) == 1:
        groups = [(sensors[0], inside)]
    else:
        groups = _by_family(arrays["source"], sensors, families, inside)
    return [
        picture_of_values(
            {name: np.where(here, values, np.nan) for name, values in arrays.items()
             if name not in ("n_clear", "source")},
            sensor,
            no_mine & here,
        )
        for sensor, here in groups
    ]  # fmt: skip


def _by_family(
    source: NDArray[np.float32],
    sensors: Sequence[str],
    families: Mapping[str, str],
    inside: NDArray[np.bool_],
) -> list[tuple[str, NDArray[np.bool_]]]:
    """Pixels of each family; where the observation is not told, those of the most scenes."""
    most = max(sorted(families), key=sensors.count)
    numbers = np.nan_to_num(source, nan=-1).astype(int)
    codes = sorted(set(families.values()))
    place = np.array(
        [codes.index(families[name]) for name in sensors] + [codes.index(families[most])]
    )
    family = place[np.where(numbers < 0, len(sensors), numbers)]
    first = {families[name]: name for name in sorted(families, reverse=True)}
    return [(first[code], inside & (family == k)) for k, code in enumerate(codes)]


def _path(
    workspace: Workspace, plan: Plan, land: Land, basis: Basis, one: tuple[Tile, int]
) -> Path:
    """Where the index of a tile and year lies; its name says all it is made from."""
    tile, year = one
    kelvin = basis.reference_k.get(year, float("nan"))
    inside = np.packbits(land.of(tile)[0]).tobytes().hex()
    made_from = [
        RSEI_VERSION, plan.composites[one].key, basis.fit.digest,
        kelvin if np.isfinite(kelvin) else None, round(basis.fit.shift(year), 6), inside,
    ]  # fmt: skip
    folder = workspace.products / "rsei" / str(year)
    return folder / f"{tile_name(tile)}.{digest(made_from)}.tif"


def _make_raster(
    workspace: Workspace,
    plan: Plan,
    land: Land,
    basis: Basis,
    paths: Mapping[tuple[Tile, int], Path],
    one: tuple[Tile, int],
) -> None:
    """Index and status of one tile and year, with the sums its loadings come from."""
    from reverdure.kernels.rsei import SCALE, moments

    tile, year = one
    grid = plan.lattice.grid_of(tile)
    index = np.full(grid.shape, np.nan, np.float32)
    source = plan.composites[one]
    has_sensor = source.scenes or _declared_sensor(source)
    refused = RseiPixel.NO_DATA if has_sensor else RseiPixel.NO_THERMAL
    status = np.where(land.of(tile)[0], refused, RseiPixel.NO_DATA).astype(np.uint8)
    sums = np.zeros(15, np.int64)
    kelvin, shift = basis.reference_k.get(year, float("nan")), basis.fit.shift(year)
    for picture in _pictures(workspace, plan, land, one):
        found = index_of(picture, basis.fit, kelvin, shift)
        stored, state = (part.reshape(grid.shape) for part in found)
        there = state != RseiPixel.NO_DATA
        status[there] = state[there]
        measured = state == RseiPixel.MEASURED
        index[measured] = stored[measured] * SCALE
        if measured.any():
            limits = np.array(basis.fit.limits, np.float32)
            moments(*picture.arguments(basis.fit.wetness_set, kelvin), limits, sums)
    tags = {
        "REVERDURE_KEY": paths[one].stem.rpartition(".")[2],
        "REVERDURE_FIT": basis.fit.digest,
        _SUMS: json.dumps([int(value) for value in sums]),
    }
    write_tile(paths[one], [Band("rsei", SCALE), Band("status")], [index, status], grid, tags)


def _sums_of(paths: Mapping[tuple[Tile, int], Path], year: int) -> NDArray[np.int64]:
    total = np.zeros(15, np.int64)
    for (_, when), path in paths.items():
        if when == year:
            tags = read_tags(path)
            if _SUMS not in tags:
                raise UnreadableFile(f"{path.name} is damaged.", "Delete it and run again.")
            total += np.array(json.loads(tags[_SUMS]), np.int64)
    return total
