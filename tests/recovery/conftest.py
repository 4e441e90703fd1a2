"""A made-up landscape for the verdict: cover on 5 m cells, seen blurred and with noise.

Written apart from `reverdure.recovery`: it shares no code, constants or shapes with it.
"""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from scipy.ndimage import gaussian_filter

from reverdure.core.grid import Grid

FINE_M = 5
PIXEL_M = 30
SPOIL_LIGHT = 1.8
WEST, NORTH, CRS = 500_000.0, 3_000_000.0, "EPSG:32650"


@dataclass
class Zone:
    """One part of the land and its course: cover before, damage, bare, work, end."""

    shape: shapely.Geometry
    before: float = 0.85
    damage: int | None = 2003
    bare: float = 0.05
    work: int | None = 2012
    end: float = 0.85
    years: float = 3.0
    lost: int | None = None

    def cover(self, years: np.ndarray) -> np.ndarray:
        cover = np.full(years.size, self.before)
        if self.damage is not None:
            cover[years >= self.damage] = self.bare
            if self.work is not None:
                done = 1 - np.exp(-np.maximum(years - self.work, 0) / self.years * 1.5)
                rising = years >= self.work
                cover[rising] = (self.bare + (self.end - self.bare) * done)[rising]
        if self.lost is not None:
            cover[years >= self.lost] = self.bare
        return cover


@dataclass
class Landscape:
    """Land of `size` pixels with zones on it; `look()` is what a satellite sees."""

    zones: list[Zone] = field(default_factory=list)
    size: int = 90
    years: np.ndarray = field(default_factory=lambda: np.arange(1996, 2024))
    noise: float = 0.025
    weather: float = 0.02
    patchiness: float = 0.12
    cloud: float = 0.12
    psf_pixels: float = 1.2
    registration_m: float = 5.0
    texture: float = 0.03
    seed: int = 0

    @property
    def grid(self) -> Grid:
        return Grid(CRS, WEST, NORTH, PIXEL_M, self.size, self.size)

    def look(self, name: str = "ndvi", bare: float = 0.14, green: float = 0.86) -> xr.DataArray:
        """Yearly index: blur, weather, a common error of each year, noise and gaps."""
        random = np.random.default_rng([self.seed, len(name), ord(name[1])])
        ground = np.random.default_rng([self.seed, 99])
        fine = self.size * PIXEL_M // FINE_M
        rough = gaussian_filter(ground.normal(size=(fine, fine)), 25)
        base = 0.85 + self.texture * rough / rough.std()
        speckle = gaussian_filter(ground.normal(size=(fine, fine)), 1.5)
        speckle *= self.patchiness / speckle.std()
        covers = [(zone, self._inside(zone.shape), zone.cover(self.years)) for zone in self.zones]
        out = np.empty((self.years.size, self.size, self.size), np.float32)
        step = PIXEL_M // FINE_M
        for k in range(self.years.size):
            cover = base.copy()
            for zone, (rows, columns, share), course in covers:
                local = base[rows, columns] * course[k] / zone.before
                patch = course[k] * (1 - course[k]) * 4 * speckle[rows, columns]
                cover[rows, columns] += share * (local + patch - cover[rows, columns])
            season = 1 + random.normal(0, self.weather)
            # bright spoil outweighs dark canopy in a mixed pixel
            leaf = np.clip(cover * season, 0, 1)
            light = SPOIL_LIGHT * (1 - leaf) + leaf
            value = (bare * SPOIL_LIGHT * (1 - leaf) + green * leaf) / light
            sigma = self.psf_pixels * PIXEL_M / 2.355 / FINE_M
            seen = gaussian_filter(value, sigma)
            shift = random.normal(0, self.registration_m / FINE_M, 2).round().astype(int)
            seen = np.roll(seen, tuple(shift), (0, 1))[step // 2 :: step, step // 2 :: step]
            haze = gaussian_filter(random.normal(size=seen.shape), 12)
            seen = seen + 0.01 * haze / haze.std()
            seen = seen + random.normal(0, self.noise, seen.shape)
            gap = gaussian_filter(random.normal(size=seen.shape), 3)
            seen[gap > np.quantile(gap, 1 - self.cloud)] = np.nan
            out[k] = seen
        return xr.DataArray(
            out,
            {"year": self.years.astype(np.int64), **self.grid.coordinates()},
            dims=("year", "y", "x"),
            name=name,
        )

    def _inside(self, shape: shapely.Geometry) -> tuple[slice, slice, np.ndarray]:
        west, south, east, north = shape.bounds
        left, right = int((west - WEST) // FINE_M), int((east - WEST) // FINE_M) + 1
        top, bottom = int((NORTH - north) // FINE_M), int((NORTH - south) // FINE_M) + 1
        x = WEST + (np.arange(left, right) + 0.5) * FINE_M
        y = NORTH - (np.arange(top, bottom) + 0.5) * FINE_M
        xx, yy = np.meshgrid(x, y)
        inside = shapely.contains_xy(shape, xx.ravel(), yy.ravel()).reshape(xx.shape)
        return slice(top, bottom), slice(left, right), inside.astype(float)


def centre(size: int = 90) -> tuple[float, float]:
    """Middle of a landscape, a little off the pixel lattice."""
    half = size * PIXEL_M / 2
    return WEST + half + 7, NORTH - half + 11


def blob(area_ha: float, seed: int, at: tuple[float, float] | None = None) -> shapely.Polygon:
    """An irregular outline of this area."""
    random = np.random.default_rng([seed, 5])
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = np.ones(40)
    for k in range(2, 5):
        radius += random.normal(0, 0.25 / k) * np.cos(k * angle + random.uniform(0, 6.28))
    radius = np.maximum(radius, 0.35)
    stretch = random.uniform(0.75, 1.3)
    x, y = centre() if at is None else at
    shape = shapely.Polygon(
        np.column_stack([radius * np.cos(angle) * stretch, radius * np.sin(angle) / stretch])
    )
    shape = shapely.affinity.scale(
        shape, (area_ha * 1e4 / shape.area) ** 0.5, (area_ha * 1e4 / shape.area) ** 0.5,
        origin=(0, 0),
    )  # fmt: skip
    return shapely.affinity.translate(shape, x, y)


def half(shape: shapely.Polygon, share: float, seed: int = 0) -> shapely.Geometry:
    """A part of this share, cut off by a straight line."""
    angle = float(np.random.default_rng([seed, 6]).uniform(0, 360))
    turned = shapely.affinity.rotate(shape, angle, origin=shape.centroid)
    west, south, east, north = turned.bounds
    low, high = west, east
    for _ in range(40):
        cut = (low + high) / 2
        part = turned.intersection(shapely.box(west, south, cut, north))
        low, high = (cut, high) if part.area < share * shape.area else (low, cut)
    return shapely.affinity.rotate(part, -angle, origin=shape.centroid)


def mines_of(**outlines: shapely.Geometry | None) -> gpd.GeoDataFrame:
    """Mines by id."""
    return gpd.GeoDataFrame({"mine_id": list(outlines)}, geometry=list(outlines.values()), crs=CRS)


def claims_of(*rows: dict[str, object]) -> gpd.GeoDataFrame:
    """Claims; a missing geometry is None."""
    return gpd.GeoDataFrame(
        [{"aim": "grass", "year": 2014, **row} for row in rows],
        geometry=[row.get("geometry") for row in rows],
        crs=CRS,
    )


@pytest.fixture(scope="session")
def world():
    """The builders above, as one bag: importlib mode has no importable conftest."""
    import sys

    return sys.modules[__name__]


@pytest.fixture(scope="session")
def told_county(world):
    """Seven mines, each with its own story, and their metrics in two indices."""
    import reverdure as rv

    x, y = world.centre(120)
    stories = {
        "RESTORED": {"work": 2010, "end": 0.9},
        "FAILED": {"work": 2010, "end": 0.15},
        "GREEN": {"work": 2005, "end": 0.9, "years": 2.0},
        "OLD": {"damage": 1990, "work": 2010, "end": 0.9},
        "LOST": {"work": 2008, "end": 0.9, "years": 2.0, "lost": 2019},
        "PARTED": {"work": 2008, "end": 0.9, "years": 2.0},
    }
    zones, outlines = [], {}
    for k, (name, story) in enumerate(stories.items()):
        at = (x - 900 + 900 * (k % 3), y + 900 - 900 * (k // 3))
        outlines[name] = world.blob(4.0, k, at)
        part = world.half(outlines[name], 0.5, 3) if name == "PARTED" else outlines[name]
        if name == "PARTED":
            zones.append(world.Zone(outlines[name].difference(part), work=None))
        zones.append(world.Zone(part, **story))
    outlines["NEVER"] = world.blob(4.0, 50, (x, y - 900))
    mines = world.mines_of(**outlines, BLANK=None, FAR=shapely.box(0, 0, 200, 200))
    mines["mining_method"] = "open_pit"
    land = world.Landscape(zones, size=120, seed=4)
    metrics = {}
    for name in ("ndvi", "nbr"):
        index = land.look(name)
        segments = rv.segment(index)
        found = rv.reference(index, segments, mines)
        metrics[name] = rv.recovery_metrics(index, segments, reference=found)
    return mines, metrics
