"""What the 10 m composites of small mines are made from, and a key for each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from reverdure.core.grid import Grid
from reverdure.core.provenance import digest
from reverdure.ground.claims import claim_ground
from reverdure.imagery.composites import season_year
from reverdure.imagery.sentinel2 import Sentinel2Scene
from reverdure.pipeline.lattice import Lattice, touches
from reverdure.pipeline.steps import STEP_VERSIONS
from reverdure.recovery.constants import constant

_LANDSAT_M = 30.0


@dataclass(frozen=True, slots=True)
class FineSource:
    """What one 10 m composite is made from: its Landsat window and the scenes of one season."""

    key: str
    window: Grid
    scenes: tuple[Sentinel2Scene, ...]


FineSources = Mapping[str, Mapping[int, FineSource]]
"""By mine, then year; mines that are large, or that no scene touches, are not there."""


def fine_sources(
    scenes: Iterable[Sentinel2Scene],
    mines: gpd.GeoDataFrame,
    claims: gpd.GeoDataFrame,
    lattice: Lattice,
    how: tuple[tuple[str, str], str],
    years: tuple[int, ...],
) -> FineSources:
    """Sources of all fine composites of a workspace.

    Parameters
    ----------
    scenes : iterable of Sentinel2Scene
    mines, claims : GeoDataFrame
        Rows of the registry, EPSG:4326.
    lattice : Lattice
        The workspace's Landsat pixels; nothing is made where they are not 30 m.
    how : (season, method)
        As set in the workspace.
    years : tuple of int
        Years measured.

    Returns
    -------
    mapping of mine id to mapping of year to FineSource
    """
    season, method = how
    by_year: dict[int, list[Sentinel2Scene]] = {}
    for scene in scenes:
        year = season_year(scene.date, season)
        if year is not None and year in years:
            by_year.setdefault(year, []).append(scene)
    if not by_year or abs(lattice.pixel - _LANDSAT_M) > 0.01 * _LANDSAT_M:
        return {}
    place = _bounds_on(lattice.crs)
    found: dict[str, dict[int, FineSource]] = {}
    for mine_id, outline in small_mines(mines, claims, lattice).items():
        window = lattice.around(outline.bounds, constant("fine_margin_m"))
        here: dict[int, FineSource] = {}
        for year in sorted(by_year):
            near = [scene for scene in by_year[year] if touches(place(scene.grid), window.bounds)]
            if near:
                here[year] = _source(near, window, season, method)
        if here:
            found[mine_id] = here
    return found


def small_mines(
    mines: gpd.GeoDataFrame, claims: gpd.GeoDataFrame, lattice: Lattice
) -> dict[str, shapely.Geometry]:
    """Outlines, in the lattice's CRS, of mines that a claim makes worth 10 m cells.

    A mine is small where the ground of one of its claims, or without claims its outline,
    is under `fine_max_pixels` Landsat pixels.
    """
    most = constant("fine_max_pixels") * lattice.pixel**2
    outlines = dict(zip(mines["mine_id"], mines.geometry.to_crs(lattice.crs), strict=True))
    smallest = {m: shape.area for m, shape in outlines.items() if shape is not None and shape.area}
    if len(claims):
        grounds = claim_ground(mines, claims)
        projected = grounds.geometry.to_crs(lattice.crs)
        for mine_id, ground in zip(claims["mine_id"], projected, strict=True):
            if mine_id in smallest and ground is not None and not ground.is_empty:
                smallest[mine_id] = min(smallest[mine_id], ground.area)
    return {mine_id: outlines[mine_id] for mine_id, area in sorted(smallest.items()) if area < most}


def _source(
    scenes: list[Sentinel2Scene], window: Grid, season: tuple[str, str], method: str
) -> FineSource:
    ordered = sorted(scenes, key=lambda scene: (scene.date, scene.scene_id))
    prints = [[scene.scene_id, scene.fingerprint] for scene in ordered]
    key = digest([STEP_VERSIONS["fine"], asdict(window), season, method, prints])
    return FineSource(key, window, tuple(ordered))


def _bounds_on(crs: str) -> Callable[[Grid], tuple[float, float, float, float]]:
    """Bounds of a grid in another CRS, each grid once."""
    known: dict[Grid, tuple[float, float, float, float]] = {}

    def bounds(grid: Grid) -> tuple[float, float, float, float]:
        if grid not in known:
            known[grid] = grid.bounds
            if grid.crs != crs:
                change = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True)
                moved = change.transform_bounds(*grid.bounds, densify_pts=21)
                endless = (-np.inf, -np.inf, np.inf, np.inf)
                known[grid] = moved if np.isfinite(moved).all() else endless
        return known[grid]

    return bounds
