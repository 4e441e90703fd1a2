"""Mines of known truth in real undisturbed series: verdicts judged on real noise.

Needs the real data that the tests know (`REVERDURE_DATA`, default ../shared/data).
"""

import os
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

import reverdure as rv
from benchmarks.figures import Figure
from benchmarks.verdicts import coverage, held, rates, table_of_verdicts, with_interval
from reverdure.core.grid import Grid
from reverdure.simulate.implants import (
    Implant,
    bare_share,
    draw_implants,
    mirrored,
    mix_index,
    mix_reflectance,
    spread,
    truth_table,
)

DATA = Path(os.environ.get("REVERDURE_DATA", Path(__file__).resolve().parents[2] / "shared/data"))
BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
SEASON = ("06-01", "09-30")
# as many mines of each size class: under 10, 10-20, 20-50, over 50 pixels
SIZES = ((5.0, 10.0), (10.0, 20.0), (20.0, 50.0), (50.0, 120.0))
SIDE = 130
CRS, WEST, NORTH = "EPSG:32610", 433650.0, 5082870.0

Land = tuple[dict[str, xr.DataArray], list[Implant]]
"""Yearly indices over a land with implants, and the implants."""


def measure() -> list[Figure]:
    """Figures of every data set; none was used to fit anything."""
    figures = []
    for name, (rounds, _) in LANDS.items():
        try:
            claims = pd.concat([judged(name, 40, seed) for seed in range(rounds)])
        except FileNotFoundError as absent:
            figures.append(Figure(f"{name}: real data absent", str(absent)))
            continue
        figures.append(Figure(f"{name}: claims", len(claims)))
        figures.append(Figure(f"{name}: verdict by kind of claim", table_of_verdicts(claims)))
        figures.append(
            Figure(f"{name}: interval holds the truth", held(with_interval(claims)), "%")
        )
        figures += [
            Figure(f"{name}: {one.name}", one.value, one.unit)
            for one in (*coverage(claims), *rates(claims))
        ]
    return figures


def judged(name: str, n: int, seed: int, side: int = SIDE) -> pd.DataFrame:
    """Verdicts on `n` implants in one data set beside their truth."""
    return judge(*LANDS[name][1](n, seed, side))


def judge(indices: dict[str, xr.DataArray], implants: list[Implant]) -> pd.DataFrame:
    """Verdicts on implants through the public functions alone."""
    truth = truth_table(implants)
    mines = gpd.GeoDataFrame(truth[["mine_id"]], geometry=list(truth["drawn"]), crs=CRS)
    claims = truth[["claim_id", "mine_id", "start_year", "year", "claimed_ha"]]
    metrics = {}
    for name, index in indices.items():
        segments = rv.segment(index)
        found = rv.reference(index, segments, mines)
        metrics[name] = rv.recovery_metrics(index, segments, reference=found)
    verdicts = rv.verdicts(mines, claims.assign(aim="forest"), metrics)
    measured = pd.DataFrame(verdicts.drop(columns="geometry")).drop(
        columns=["mine_id", "year", "claimed_ha", "n_pixels"], errors="ignore"
    )
    return truth.drop(columns="drawn").merge(measured, on="claim_id", validate="one_to_one")


# lands: what a satellite saw of real undisturbed ground


def oregon(span: tuple[int, int], n: int, seed: int, side: int) -> Land:
    """Yearly NBR of forest in Oregon; bare ground is felled forest there or desert in Nevada."""
    rng = np.random.default_rng([seed, *span])
    years, forest = _nbr("forest_or")
    _, desert = _nbr("arid_nv")
    felled = forest[(forest < 0.1) & (years[:, None, None] > 2000)]
    wanted = (years >= span[0]) & (years <= span[1])
    years, land = years[wanted], mirrored(forest[(wanted, *UNDISTURBED[span])], (side, side))
    implants = draw_implants(_grid(side), years, draw_sizes(n, rng), rng)
    for one in implants:
        share = bare_share(one, years, rng)
        at = (int(rng.integers(200)), int(rng.integers(200)))
        bare = mirrored(desert[wanted], share.shape[1:], at)
        if rng.random() < 0.5:
            bare = rng.choice(felled, share.shape)
        window = (slice(None), *one.window)
        land[window] = mix_index(land[window], bare, share, one.brightness)
    return {"nbr": _yearly(land, years, "nbr")}, implants


def reflectance(
    series: Callable[[], xr.Dataset],
    span: tuple[int, int],
    soils: Sequence[Callable[[], xr.Dataset]],
    texture: float,
    drawn: tuple[int, int, int],
) -> Land:
    """Scenes of six bands, mixed date by date and then composited as any scenes are."""
    n, seed, side = drawn
    rng = np.random.default_rng([seed, *span])
    scenes = series()
    seen = scenes.time.dt.year.values
    scenes = scenes.isel(time=(seen >= span[0]) & (seen <= span[1]) & _in_season(scenes))
    when = scenes.time.dt.year.values
    values, neighbours = _stacked(scenes), _neighbours()
    land = spread(values, neighbours, (side, side), rng, texture)
    implants = draw_implants(_grid(side), np.arange(span[0], span[1] + 1), draw_sizes(n, rng), rng)
    soils = [soil() for soil in soils]
    for one in implants:
        share = bare_share(one, when, rng)
        soil = soils[int(rng.integers(len(soils)))]
        bare = spread(_same_years(soil, when, rng), neighbours, share.shape[1:], rng, 0.0)
        window = (slice(None), slice(None), *one.window)
        land[window] = mix_reflectance(land[window], bare, share[:, None])
    cube = xr.Dataset(
        {band: (("time", "y", "x"), land[:, k]) for k, band in enumerate(BANDS)}
        | {"clear": (("time", "y", "x"), np.isfinite(land[:, 0]))},
        {"time": scenes.time.values, **_grid(side).coordinates()},
    )
    composites = rv.annual_composites(cube, SEASON)
    return {name: rv.spectral_index(composites, name) for name in ("ndvi", "nbr")}, implants


# rows and columns in which no pixel of the Oregon scene stays under 0.65 for two years:
# until the fellings of 2001 most of it, over all years its eastern edge
UNDISTURBED = {
    (1984, 2000): (slice(35, 54), slice(16, 53)),
    (1984, 2016): (slice(33, 54), slice(45, 53)),
}
# data set -> how many lands of 40 mines are drawn, and how
LANDS: dict[str, tuple[int, Callable[[int, int, int], Land]]] = {
    "gee-landtrendr-scenes, 17 years": (3, lambda *drawn: oregon((1984, 2000), *drawn)),
    "gee-landtrendr-scenes, 33 years": (3, lambda *drawn: oregon((1984, 2016), *drawn)),
    "dense-series-p035r032": (
        3,
        lambda *drawn: reflectance(_colorado, (1984, 2012), (_semidesert, _felled), 1.0, drawn),
    ),
    # chaparral, until it burnt in 2002
    "ard-pixels, h03v09": (
        3,
        lambda *drawn: reflectance(_chaparral, (1984, 2001), (_semidesert, _burnt), 0.3, drawn),
    ),
    "ard-pixels, sample_2": (
        3,
        lambda *drawn: reflectance(_seasonal, (1985, 2016), (_semidesert, _felled), 0.3, drawn),
    ),
}


def draw_sizes(n: int, rng: np.random.Generator) -> list[float]:
    """Areas of `n` mines, [pixel], the classes in turn."""
    return [float(np.exp(rng.uniform(*np.log(SIZES[k % len(SIZES)])))) for k in range(n)]


def _grid(side: int) -> Grid:
    return Grid(CRS, WEST, NORTH, 30.0, side, side)


def _yearly(values: NDArray[np.floating], years: NDArray[np.int64], name: str) -> xr.DataArray:
    grid = _grid(values.shape[-1])
    return xr.DataArray(
        values.astype(np.float32), {"year": years, **grid.coordinates()}, ("year", "y", "x"), name
    )


# readers


def _nbr(scene: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    path = DATA / "gee-landtrendr-scenes" / f"{scene}_source.tif"
    if not path.is_file():
        raise FileNotFoundError(f"gee-landtrendr-scenes/{path.name}")
    with rasterio.open(path) as source:
        values = source.read().astype(float)
    return np.arange(1984, 2017), np.where(values == -32768, np.nan, values / 1000)


@cache
def _dense() -> xr.Dataset:
    """All scenes of 5 x 5 pixels: reflectance and `clear`."""
    path = DATA / "dense-series-p035r032" / "p035r032_5x5.nc"
    if not path.is_file():
        raise FileNotFoundError(f"dense-series-p035r032/{path.name}")
    layers = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for name in (*BANDS, "fmask"):
            with rasterio.open(f"netcdf:{path}:{name}") as source:
                layers[name] = source.read().astype(float)
                days = source.tags()["NETCDF_DIM_time_VALUES"].strip("{}").split(",")
    time = np.datetime64("1984-04-17", "ns") + np.array(days, "timedelta64[D]")
    values = {band: (("time", "y", "x"), layers[band] / 1e4) for band in BANDS}
    seen = (layers["fmask"] == 0) & np.all([layers[band] > 0 for band in BANDS], axis=0)
    return xr.Dataset({**values, "clear": (("time", "y", "x"), seen)}, {"time": time})


# rows and columns of the pixels that were never felled
_STANDING = {"y": slice(3, 5), "x": slice(1, 5)}


def _colorado() -> xr.Dataset:
    """Median of the standing pixels, where all of them are clear."""
    block = _dense().isel(_STANDING)
    block = block.isel(time=block.clear.all(("y", "x")).values)
    return block.drop_vars("clear").median(("y", "x"))


def _neighbours() -> NDArray[np.float64]:
    """Summer scenes of the standing pixels without cloud among them, (scene, band, y, x)."""
    block = _dense().isel(_STANDING)
    block = block.isel(time=block.clear.all(("y", "x")).values & _in_season(block))
    scenes = np.stack([block[band].values for band in BANDS], axis=1)
    apart = scenes - np.median(scenes, axis=(-2, -1), keepdims=True)
    # a haze or cloud that the mask missed stands out by more than pixels ever do
    passing = np.abs(apart - np.median(apart, axis=0)).max(axis=(1, 2, 3))
    return scenes[passing < 0.06]


@cache
def _ard(name: str) -> xr.Dataset:
    """Clear observations of one real pixel by date."""
    folder = DATA / "ard-pixels"
    path = next(iter(sorted(folder.glob(f"{name}*.csv"))), None)
    if path is None:
        raise FileNotFoundError(f"ard-pixels/{name}")
    if name.startswith("h"):
        table = pd.read_csv(path).rename(columns={f"{band}s": band for band in BANDS})
        # bits 1 and 2: clear land and water
        clear = (table["qas"] & 0b110) > 0
        days = pd.to_datetime(table["date"])
    else:
        table = pd.read_csv(path, header=None, names=["day", *BANDS, "thermal", "fmask"])
        clear = table["fmask"] == 0
        days = pd.to_datetime([date.fromordinal(int(day)) for day in table["day"]])
    values = table[list(BANDS)].to_numpy(float) / 1e4
    usable = clear.to_numpy() & (values > 0).all(axis=1) & (values < 1).all(axis=1)
    time = np.asarray(days, "datetime64[ns]")[usable]
    order = np.argsort(time, kind="stable")
    return xr.Dataset(
        {band: ("time", values[usable, k][order]) for k, band in enumerate(BANDS)},
        {"time": time[order]},
    )


def _semidesert() -> xr.Dataset:
    """Ground with hardly a plant on it, NDVI 0.2-0.3, every summer from 1995 to 2009."""
    scenes = _ard("h04v03_-1945155")
    return scenes.isel(time=_in_season(scenes) & _between(scenes, 1995, 2009))


def _felled() -> xr.Dataset:
    """The barest of the pixels felled in 1999, in the summers after."""
    block = _dense().isel(y=1, x=4)
    return block.isel(time=block.clear.values & _in_season(block) & _between(block, 2000, 2005))


def _chaparral() -> xr.Dataset:
    return _ard("h03v09")


def _burnt() -> xr.Dataset:
    """The pixel of chaparral in the summers after it burnt."""
    scenes = _chaparral()
    return scenes.isel(time=_in_season(scenes) & _between(scenes, 2003, 2005))


def _seasonal() -> xr.Dataset:
    """Vegetation whose greenness halves within the season and differs by year."""
    return _ard("sample_2")


def _between(scenes: xr.Dataset, first: int, last: int) -> NDArray[np.bool_]:
    years = scenes.time.dt.year.values
    return (years >= first) & (years <= last)


def _in_season(scenes: xr.Dataset) -> NDArray[np.bool_]:
    months = scenes.time.dt.month.values
    return (months >= 6) & (months <= 9)


def _stacked(scenes: xr.Dataset) -> NDArray[np.float64]:
    return np.stack([scenes[band].values for band in BANDS], axis=1)


def _same_years(
    scenes: xr.Dataset, years: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """One real observation for each time: of that year where there is one, else of any."""
    seen = scenes.time.dt.year.values
    chosen = [
        rng.choice(np.nonzero(seen == year)[0] if (seen == year).any() else seen.size)
        for year in years
    ]
    return _stacked(scenes)[chosen]
