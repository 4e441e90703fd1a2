"""Real Landsat series of single pixels: two sensors in the same summer, as seen and harmonised."""

import datetime
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from benchmarks.figures import Figure
from reverdure.imagery.sensors import families, quality, reflectance_scaling
from reverdure.recovery.harmonise import REFLECTIVE, harmonise
from reverdure.recovery.indices import spectral_index

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("REVERDURE_DATA", ROOT.parent / "shared" / "data"))
PAIRS = (("LT05", "LE07"), ("LE07", "LC08"))
INDICES = ("ndvi", "nbr")
# series: folder, first and last month of its summer
SITES, PIXELS = ("landsat-series-6-sites", 7, 8), ("ard-pixels", 6, 9)
_LANDSAT_5_ALONE = (1994, 1998)
_LANDSAT_8_SINCE = 2013
_CYCLE_DAYS, _BETWEEN_DAYS = 16, 8
_CLEAR_BIT = 2
_NAMES = ("dates", "blues", "greens", "reds", "nirs", "swir1s", "swir2s", "thermals", "qas")


def series_figures() -> list[Figure]:
    """Newer less older sensor within the same summers, a table for each data set."""
    figures = []
    for (folder, first, last), read in ((SITES, site_series), (PIXELS, pixel_series)):
        if not (DATA / folder).is_dir():
            figures.append(Figure(f"{folder}: data absent", "not measured"))
            continue
        pairs = paired_summers(read(DATA / folder), first, last)
        figures.append(Figure(folder, difference_table(pairs)))
    return figures


def site_series(folder: Path) -> pd.DataFrame:
    """Clear reflectance of the six sites: site, sensor, date, bands."""
    rows = pd.read_csv(folder / "lsat.example.dt.csv").dropna(subset=["QA_PIXEL"])
    sensor, bits = rows["LANDSAT_PRODUCT_ID"].str[:4], rows["QA_PIXEL"].astype(int)
    scaling = reflectance_scaling()
    found = {"site": rows["sample_id"], "sensor": sensor}
    found["date"] = pd.to_datetime(rows["DATE_ACQUIRED"])
    for band in REFLECTIVE:
        numbers = pd.Series(np.nan, rows.index)
        for name in sensor.unique():
            column = families()[name].bands[band].suffix
            numbers = numbers.where(sensor != name, rows[column])
        values = scaling.multiply * numbers + scaling.add
        found[band] = values.where((values >= scaling.lowest) & (values <= scaling.highest))
    hidden = quality().hidden | quality().water
    clear = ((bits & hidden) == 0) & (rows["QA_RADSAT"] == 0)
    return pd.DataFrame(found)[clear].dropna()


def pixel_series(folder: Path) -> pd.DataFrame:
    """Clear reflectance of the pixels of analysis-ready data, with the sensor of each date.

    The files state no sensor. Landsat 5 flew alone from 1994 to 1998, Landsat 7 passes
    eight days of sixteen after it, and Landsat 8 took the place of Landsat 5: the phase of
    a date in the cycle of sixteen days tells them apart.
    """
    return pd.concat(list(_pixels(folder)), ignore_index=True)


def _pixels(folder: Path) -> Iterator[pd.DataFrame]:
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            has_names = file.readline().startswith(("thermals", "reds"))
        if not has_names and path.name != "sample_2.csv":
            continue  # snow, failed masks, coefficients, or a copy of sample_2
        rows = pd.read_csv(path) if has_names else pd.read_csv(path, header=None, names=_NAMES)
        days = [datetime.date.fromordinal(int(day)) for day in rows["dates"]]
        years = np.array([day.year for day in days])
        phase = rows["dates"].to_numpy() % _CYCLE_DAYS
        first, last = _LANDSAT_5_ALONE
        ours = set(phase[(years >= first) & (years <= last)])
        is_seven = ~np.isin(phase, list(ours)) & (years > last)
        is_seven &= np.isin((phase + _BETWEEN_DAYS) % _CYCLE_DAYS, list(ours))
        other = np.where(years < _LANDSAT_8_SINCE, "LT05", "LC08")
        clear = (rows["qas"] & _CLEAR_BIT) > 0 if has_names else rows["qas"] == 0
        found = {"site": path.stem, "sensor": np.where(is_seven, "LE07", other)}
        found["date"] = pd.to_datetime(days)
        values = {band: rows[f"{band}s"] / 1e4 for band in REFLECTIVE}
        usable = clear & np.all([(v > 0) & (v <= 1) for v in values.values()], axis=0)
        yield pd.DataFrame(found | values)[usable]


def paired_summers(series: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """Median of every site, summer and sensor, both sensors of a pair in one row."""
    summer = series[series["date"].dt.month.between(first, last)]
    keys = summer[["site", "sensor"]].assign(year=summer["date"].dt.year)
    tables = []
    for how, rows in (("none", summer), ("roy2016", _harmonised(summer))):
        bands = xr.Dataset({band: ("row", rows[band].to_numpy()) for band in REFLECTIVE})
        values = pd.concat(
            [keys.assign(index=name, value=spectral_index(bands, name)) for name in INDICES]
        )
        wide = values.pivot_table(
            "value", ["site", "year", "index"], "sensor", aggfunc="median", sort=False
        ).reset_index()
        for older, newer in PAIRS:
            both = wide.dropna(subset=[older, newer])
            tables.append(
                both[["site", "year", "index"]].assign(
                    change=f"{older} > {newer}", harmonise=how,
                    older=both[older], difference=both[newer] - both[older],
                )
            )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def _harmonised(rows: pd.DataFrame) -> pd.DataFrame:
    """The bands of rows brought to TM and ETM+."""
    bands = xr.Dataset({band: ("time", rows[band].to_numpy()) for band in REFLECTIVE})
    moved = harmonise(bands, rows["sensor"].tolist())
    return rows.assign(**{band: moved[band].to_numpy() for band in REFLECTIVE})


def difference_table(pairs: pd.DataFrame) -> str:
    """Mean difference and its 95 % interval over sites and summers, as a table."""
    lines = ["| change | index | harmonised | summers | older | newer less older | 95 % |"]
    lines.append("|---|---|---|---|---|---|---|")
    grouped = pairs.groupby(["change", "index", "harmonise"], sort=False)
    for (change, index, how), rows in grouped:
        if "LC08" not in change and how != "none":
            continue  # nothing is changed
        off, count = rows["difference"], len(rows)
        half = stats.t.ppf(0.975, count - 1) * off.std() / np.sqrt(count) if count > 1 else np.nan
        mean = off.mean()
        lines.append(
            f"| {change} | {index} | {how} | {count} | {rows['older'].mean():.2f} | {mean:+.3f} |"
            f" {mean - half:+.3f} to {mean + half:+.3f} |"
        )
    return "\n".join(lines)
