"""The whole county on disk: list, claims, scenes, terrain, and apart from them the truth.

The only use of this room is to judge the others: it shares no code with them.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyproj
import rasterio
import shapely
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, WorkspaceExists
from reverdure.core.grid import Grid
from reverdure.core.records import OnProgress, Progress
from reverdure.simulate.atmosphere import make_sky, measured, missing_lines, quality, through_sky
from reverdure.simulate.claims import (
    COUNTIES,
    Claim,
    Listing,
    county_shapes,
    file_claims,
    list_mines,
)
from reverdure.simulate.cover import cover_map
from reverdure.simulate.landscape import CRS, Landscape, make_landscape
from reverdure.simulate.passes import Overpass, overpasses, yearly_weather
from reverdure.simulate.patches import Patch
from reverdure.simulate.planted import FEWEST_YEARS as FEWEST_YEARS_PLANTED
from reverdure.simulate.planted import plant
from reverdure.simulate.products import Image, write_product
from reverdure.simulate.programme import Site, distinct_patches, make_programme
from reverdure.simulate.randomness import stream
from reverdure.simulate.sensor import (
    Optics,
    blurred_land,
    component_spectra,
    light_on_slopes,
    optics,
    reflectance,
    shares_seen,
    shift_m,
    surface_temperature,
)
from reverdure.simulate.sentinel2 import write_sentinel2
from reverdure.simulate.truth import damage_year_map
from reverdure.simulate.worlds import World, draw_world
from reverdure.simulate.zones import Record

LAST_YEAR = 2024
FEWEST_YEARS, MOST_YEARS = 6, 41


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What was written.

    Attributes
    ----------
    n_mines, n_claims, n_scenes : int
    first_year, last_year : int
        Of the imagery.
    size_mb : float
        Of all files, [MB].
    world, seed : int
        What it was drawn from.
    """

    n_mines: int
    n_claims: int
    n_scenes: int
    first_year: int
    last_year: int
    size_mb: float
    world: int
    seed: int


@dataclass(frozen=True, eq=False)
class County:
    """A county in memory: everything but its images.

    `others` is ground that changes and is no listed mine, `shapes` are the outlines of
    the administrative counties.
    """

    world: World
    seed: int
    record: Record
    landscape: Landscape
    sites: list[Site]
    others: list[Patch]
    weather: NDArray[np.float64]
    mines: list[Listing]
    claims: list[Claim]
    shapes: list[shapely.Polygon]

    @property
    def patches(self) -> list[Patch]:
        """All ground that changes."""
        return [*distinct_patches(self.sites), *self.others]


def simulate(
    folder: Path,
    *,
    n_mines: int = 60,
    n_years: int = 30,
    seed: int = 7,
    world: World | None = None,
    sentinel2: bool = False,
    planted: bool = False,
    on_progress: OnProgress | None = None,
) -> SimulationSummary:
    """Write a county whose truth is known, with scenes as the satellites deliver them.

    Parameters
    ----------
    folder : Path
        Made where it is missing; must hold nothing.
    n_mines : int, default 60
        Mines, 0.3 to 60 ha; the county grows with them.
    n_years : int, default 30
        Years of imagery, the last is 2024.
    seed : int, default 7
        The same seed gives the same county, to the byte of its rasters.
    world : World, optional
        Settings of sensor, sky, plants and people; world 1 unless given.
    sentinel2 : bool, default False
        Whether to write Sentinel-2 Level-2A scenes of the same land too, from 2016 on.
    planted : bool, default False
        Add planted cases for every reason an auditor meets (`simulate.planted`), on land
        of their own to the east. The other mines and claims stay what they are without.
    on_progress : callable, optional
        Told after every scene.

    Returns
    -------
    SimulationSummary

    Raises
    ------
    WorkspaceExists
        If `folder` holds anything.
    InvalidInput
        If there are no mines, or the years are not 6 to 41 (12 to 41 with planted cases),
        or the seed is negative.

    Notes
    -----
    Writes `mines.gpkg` (areas in mu, column 面积(亩)), `claims.csv`, `counties.gpkg`,
    `dem.tif`, `cover.tif` (class numbers of ESA WorldCover, with the errors such a map
    has), `scenes/`, and for judging only `truth.parquet` and `truth/damage_year.tif`
    (30 m, 0 where no listed mine).

    `truth.parquet` has a row a claim: `restored_ha`, and of it `restored_before_start_ha`,
    back two years before the claimed start, and `claimed_before_ha`, claimed under another
    mine before; `payable_ha` is the rest. `is_true` is about `restored_ha`.

    Examples
    --------
    >>> simulate(Path("county"), n_mines=24, n_years=4)
    Traceback (most recent call last):
    reverdure.core.errors.InvalidInput: expected 6 to 41 years, got 4.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise WorkspaceExists(f"{folder} is not empty.", "Name a new folder.")
    county = make_county(n_mines=n_mines, n_years=n_years, seed=seed, world=world, planted=planted)
    (folder / "truth").mkdir(parents=True)
    _write_tables(folder, county)
    _write_maps(folder, county)
    n_scenes = _write_scenes(folder / "scenes", county, on_progress)
    if sentinel2:
        n_scenes += write_sentinel2(folder / "scenes", county, on_progress)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return SimulationSummary(
        n_mines=len(county.mines),
        n_claims=len(county.claims),
        n_scenes=n_scenes,
        first_year=county.record.first,
        last_year=county.record.last,
        size_mb=round(size / 1e6, 1),
        world=county.world.number,
        seed=seed,
    )


def make_county(
    *, n_mines: int, n_years: int, seed: int, world: World | None = None, planted: bool = False
) -> County:
    """Draw a county without taking any picture of it.

    Parameters
    ----------
    n_mines, n_years, seed : int
    world : World, optional
        World 1 unless given.
    planted : bool, default False
        Add planted cases.

    Returns
    -------
    County

    Raises
    ------
    InvalidInput
        If there are no mines, or the years are not 6 to 41 (12 to 41 with planted cases),
        or the seed is negative.

    Examples
    --------
    >>> county = make_county(n_mines=2, n_years=6, seed=7)
    >>> county.record.first, [mine.mine_id for mine in county.mines]
    (2019, ['M00001', 'M00002'])
    """
    if n_mines < 1 or seed < 0:
        raise InvalidInput(f"expected at least 1 mine and a seed from 0, got {n_mines} and {seed}.")
    fewest = FEWEST_YEARS_PLANTED if planted else FEWEST_YEARS
    if not fewest <= n_years <= MOST_YEARS:
        raise InvalidInput(f"expected {fewest} to {MOST_YEARS} years, got {n_years}.")
    world = world or draw_world(1)
    record = Record(LAST_YEAR - n_years + 1, LAST_YEAR)
    landscape = make_landscape(world, n_mines, seed)
    sites, others = make_programme(world, landscape, n_mines, record, seed)
    weather = yearly_weather(world, record, seed)
    shapes = county_shapes(landscape)
    if planted:
        added = plant(world, landscape, record, n_mines, seed)
        beyond_m = added.landscape.grid.bounds[2] - landscape.grid.bounds[2]
        shapes = county_shapes(landscape, beyond_m)
        landscape = added.landscape
        sites, others = [*sites, *added.sites], [*others, *added.patches]
    return County(
        world=world,
        seed=seed,
        record=record,
        landscape=landscape,
        sites=sites,
        others=others,
        weather=weather,
        mines=list_mines(sites, shapes, seed),
        claims=file_claims(sites, landscape, shapes, record, weather, seed),
        shapes=shapes,
    )


def _write_scenes(folder: Path, county: County, on_progress: OnProgress | None) -> int:
    """Take and write every scene, year by year; land is blurred once per optics."""
    scenes = overpasses(county.world, county.record, county.weather, county.seed)
    changing = np.zeros(county.landscape.cells.shape, bool)
    for patch in county.patches:
        changing[patch.slices] |= patch.label > 0
    lens: Optics | None = None
    land: dict[int, NDArray[np.float32]] = {}
    layers: list[tuple[Patch, NDArray[np.float32]]] = []
    year = 0
    for done, scene in enumerate(scenes, start=1):
        needed = optics(county.world, scene.sensor)
        if lens is None or not np.array_equal(lens.weights, needed.weights):
            land.clear()
            land = blurred_land(county.landscape, changing, needed)
        lens = needed
        if scene.date.year != year:
            year = scene.date.year
            layers = [(patch, patch.layers(year)) for patch in county.patches]
        image = _take(county, scene, lens, land, layers)
        write_product(folder, county.landscape.grid, scene, image)
        if on_progress is not None:
            on_progress(Progress("simulate", done, len(scenes)))
    return len(scenes)


def _take(
    county: County,
    scene: Overpass,
    lens: Optics,
    land: dict[int, NDArray[np.float32]],
    layers: Sequence[tuple[Patch, NDArray[np.float32]]],
) -> Image:
    """One scene, from the land through optics and sky to what is delivered."""
    world, landscape = county.world, county.landscape
    rng = stream(county.seed, "scene", scene.number)
    shift = shift_m(world, scene.sensor, rng)
    seen = shares_seen(landscape.grid, land, layers, lens, shift)
    light = light_on_slopes(landscape.elevation, scene)
    ground = reflectance(seen, component_spectra(world, scene), light)
    sky = make_sky(world, landscape.grid, scene, rng)
    season = np.sin(2 * np.pi * (scene.date.timetuple().tm_yday - 110) / 365)
    air_k = 291.0 + 11.0 * float(season) + float(rng.normal(0, 1.5))
    kelvin = surface_temperature(seen, light, landscape.elevation, scene, air_k)
    kelvin -= np.float32(28.0) * sky.cloud + np.float32(3.0) * sky.shadow
    kelvin += np.float32(0.4) * rng.standard_normal(kelvin.shape, dtype=np.float32)
    return Image(
        reflectance=measured(world, scene.sensor, through_sky(ground, sky), rng),
        temperature_k=kelvin,
        quality=quality(world, scene, sky, seen),
        missing=missing_lines(landscape.grid, scene, rng),
    )


def _write_tables(folder: Path, county: County) -> None:
    to_degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)

    def degrees(shape: shapely.Geometry | None) -> shapely.Geometry | None:
        if shape is None:
            return None
        return shapely.transform(shape, to_degrees.transform, interleaved=False)

    _write_mines(folder / "mines.gpkg", county.mines, [degrees(m.outline) for m in county.mines])
    shapes = [degrees(shape) for shape in county.shapes]
    names, codes = zip(*COUNTIES, strict=True)
    counties = geopandas.GeoDataFrame(
        {"county": names, "county_code": codes}, geometry=shapes, crs="EPSG:4326"
    )
    counties.to_file(folder / "counties.gpkg", layer="counties", driver="GPKG")
    _write_claims(folder / "claims.csv", county.claims, [degrees(c.ground) for c in county.claims])
    truth = pd.DataFrame(
        {
            "claim_id": [claim.claim_id for claim in county.claims],
            "kind": [claim.kind for claim in county.claims],
            "restored_ha": [claim.restored_ha for claim in county.claims],
            "damage_year": [claim.damage_year for claim in county.claims],
            "is_true": [claim.is_true for claim in county.claims],
            "restored_before_start_ha": [c.restored_before_start_ha for c in county.claims],
            "claimed_before_ha": [c.claimed_before_ha for c in county.claims],
            "payable_ha": [claim.payable_ha for claim in county.claims],
        }
    )
    truth.to_parquet(folder / "truth.parquet", index=False)


def _write_mines(
    path: Path, mines: Sequence[Listing], outlines: Sequence[shapely.Geometry | None]
) -> None:
    frame = geopandas.GeoDataFrame(
        {
            "mine_id": [mine.mine_id for mine in mines],
            "name": [mine.name for mine in mines],
            "county": [mine.county or None for mine in mines],
            "mining_method": [mine.mining_method for mine in mines],
            "commodity": [mine.commodity for mine in mines],
            "面积(亩)": [mine.area_mu for mine in mines],
        },
        geometry=list(outlines),
        crs="EPSG:4326",
    )
    frame.to_file(path, layer="mines", driver="GPKG")


def _write_claims(
    path: Path, claims: Sequence[Claim], grounds: Sequence[shapely.Geometry | None]
) -> None:
    columns = ("claim_id", "mine_id", "year", "start_year", "claimed_ha", "aim", "claimant")
    with path.open("w", encoding="utf-8", newline="") as stream_out:
        writer = csv.writer(stream_out)
        writer.writerow([*columns, "wkt"])
        for claim, ground in zip(claims, grounds, strict=True):
            row = [getattr(claim, column) for column in columns]
            text = "" if ground is None else shapely.to_wkt(ground, rounding_precision=7)
            writer.writerow([*row, text])


def _write_maps(folder: Path, county: County) -> None:
    grid = county.landscape.grid
    _write_map(folder / "dem.tif", grid, county.landscape.elevation, -9999.0)
    cover = cover_map(county.landscape, county.patches, county.world, county.record, county.seed)
    _write_map(folder / "cover.tif", grid, cover, 0)
    damage = damage_year_map(county.sites, county.landscape)
    _write_map(folder / "truth" / "damage_year.tif", grid, damage, None)


def _write_map(path: Path, grid: Grid, values: NDArray[np.generic], nodata: float | None) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=values.dtype.name,
        count=1,
        height=grid.height,
        width=grid.width,
        crs=grid.crs,
        transform=rasterio.Affine(*grid.transform),
        nodata=nodata,
        compress="deflate",
    ) as target:
        target.write(values, 1)
