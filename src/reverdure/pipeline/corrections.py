"""What corrections by people do to a run: which mines they touch, and how they are seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from reverdure.core.fields import CORRECTIONS
from reverdure.core.files import atomic
from reverdure.core.grid import grid_of
from reverdure.core.provenance import digest
from reverdure.ground.areas import to_crs
from reverdure.ground.coverage import coverage
from reverdure.publish.sheets import as_text_cell
from reverdure.recovery.brightness import BARE, with_brightness
from reverdure.recovery.segmentation import segment
from reverdure.registry.corrections import Correction, Standing
from reverdure.registry.counties import UNKNOWN, county_of
from reverdure.store.database import Database

CLOUD_REACH_PIXELS = 4
"""A year marked not clear is hidden this far around the ground as well: what the sensor's
point-spread function and its registration error mix into the ground's own pixels."""

Brightness = Callable[[int], NDArray[np.float32] | None]


def standing_of(database: Database) -> Standing:
    """All corrections of a workspace."""
    return Standing(tuple(Correction.from_row(row) for row in database.rows("correction")))


@dataclass(frozen=True, slots=True)
class Effect:
    """What corrections change for one mine, its outline apart.

    Attributes
    ----------
    cloudy_years : tuple of int
        Years that are not clear over it.
    refused : MultiPolygon or None
        Land that is no reference for it, EPSG:4326.
    numbers : tuple of int
        The corrections behind both.
    """

    cloudy_years: tuple[int, ...] = ()
    refused: Any = None
    numbers: tuple[int, ...] = ()

    @property
    def key(self) -> list[Any]:
        """Part of the mine's key; empty where nothing is corrected."""
        if not self.numbers:
            return []
        land = None if self.refused is None else shapely.to_wkb(self.refused, hex=True)
        return [{"cloudy_years": list(self.cloudy_years), "refused": land}]

    def refused_by(self, mine_id: str, crs: str) -> dict[str, Any]:
        """Refused land as `references` takes it, in the CRS of the imagery."""
        if self.refused is None:
            return {}
        return {mine_id: to_crs(self.refused, "EPSG:4326", crs)}


NO_EFFECT = Effect()


class Effects:
    """Answers, mine by mine, what corrections change.

    Parameters
    ----------
    standing : Standing
    listed, mines : GeoDataFrame
        Mines as imported, and with the outlines in force, in the same order.
    counties : GeoDataFrame
    crs : str
        CRS of the imagery.
    """

    def __init__(
        self,
        standing: Standing,
        listed: gpd.GeoDataFrame,
        mines: gpd.GeoDataFrame,
        counties: gpd.GeoDataFrame,
        crs: str,
    ) -> None:
        self._standing = standing
        self._crs = crs
        self._county: Mapping[str, str] = {}
        if standing.needs_counties:
            self._county = county_of(mines, None if counties.empty else counties).to_dict()
        moved = listed["mine_id"].isin(list(standing.outlines)).to_numpy()
        both = zip(
            listed["mine_id"][moved],
            listed.geometry[moved].to_crs(crs),
            mines.geometry[moved].to_crs(crs),
            strict=True,
        )
        self._outlines = {mine_id: (before, now) for mine_id, before, now in both}

    def of(self, mine_id: str, window: Any) -> Effect:
        """Effect on one mine whose window, in the CRS of the imagery, is this box."""
        years = self._standing.years_of(mine_id, self._county.get(mine_id, UNKNOWN))
        refused: list[Correction] = []
        if self._standing.refused:
            box = gpd.GeoSeries([window], crs=self._crs).to_crs(4326).iloc[0]
            refused = self._standing.refused_for(mine_id, box)
        if not years and not refused:
            return NO_EFFECT
        shapes = [one.geometry for one in refused]
        land = shapely.normalize(shapely.union_all(shapes)) if refused else None
        return Effect(
            tuple(sorted({int(one.year or 0) for one in years})),
            land,
            tuple(sorted(one.number for one in [*years, *refused])),
        )

    def is_out_of_sight(self, neighbour: str, window: Any) -> bool:
        """Whether a neighbour's outline was replaced where this window sees neither version."""
        versions = self._outlines.get(neighbour)
        return versions is not None and not any(
            shape is not None and shapely.intersects(shape, window) for shape in versions
        )


def corrections_digest(standing: Standing) -> str:
    """Hash of all corrections, for the id of a run."""
    return digest([one.content() for one in standing.corrections])


def write_corrections(path: Path, standing: Standing) -> None:
    """Write who corrected what and why as a table, where anybody did.

    Names of evidence stay in the registry; the table holds their hashes.
    """
    if not standing.corrections:
        return
    frame = pd.DataFrame(standing.rows(), columns=CORRECTIONS.columns)
    for field in CORRECTIONS:
        if field.kind == "text":
            frame[field.name] = frame[field.name].map(as_text_cell)
        elif field.kind == "integer":
            frame[field.name] = frame[field.name].astype("Int64")
    with atomic(path) as temporary:
        # the byte-order mark tells spreadsheets that the Chinese is UTF-8
        frame.to_csv(temporary, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def corrections_by_mine(
    standing: Standing, claims: pd.DataFrame, county: Mapping[str, str]
) -> Callable[[str], list[dict[str, Any]]]:
    """Mine to the rows of `core.fields.CORRECTIONS` about it and its claims."""
    rows = {row["number"]: row for row in standing.rows()}
    claim_ids: dict[str, list[str]] = {}
    for mine_id, claim_id in zip(claims["mine_id"], claims["claim_id"], strict=True):
        claim_ids.setdefault(mine_id, []).append(claim_id)

    def of(mine_id: str) -> list[dict[str, Any]]:
        about = standing.about_mine(
            mine_id, claim_ids.get(mine_id, []), county.get(mine_id, UNKNOWN)
        )
        return [rows[one.number] for one in about]

    return of


def without_years(
    value: xr.DataArray,
    segments: xr.Dataset,
    ground: Any,
    years: Sequence[int],
    brightness: Brightness,
) -> tuple[xr.DataArray, xr.Dataset]:
    """The same series as if nothing had been clear over a ground in some years.

    Only pixels of the ground and `CLOUD_REACH_PIXELS` around it are touched; their
    segments are fitted anew, since a hazy year pulls the whole line. The reference, which
    starts 500 m away, keeps the year: haze over a pit says nothing about land further off.

    Parameters
    ----------
    value : (year, y, x) float
        Index, as `TileReader.segments` gives it. Not changed.
    segments : Dataset
        Segments of `value`. Not changed.
    ground : shapely geometry
        In the CRS of `value`.
    years : sequence of int
    brightness : callable
        Year to the sum of the bands of the index on the grid of `value`, or None.

    Returns
    -------
    value, segments
        As given, where no pixel was clear in those years.
    """
    hidden = _reach(value, ground)
    at_years = np.isin(value["year"].values, list(years))
    seen = np.isfinite(value.values[at_years]).any(axis=0)
    rows, columns = np.nonzero(hidden & seen)
    if not rows.size:
        return value, segments
    values = value.values.copy()
    for position in np.flatnonzero(at_years):
        values[position, rows, columns] = np.nan
    pixels = (slice(None), rows, columns)
    series = xr.DataArray(
        values[pixels][:, None, :], dims=("year", "y", "x"), coords={"year": value["year"].values}
    )
    fitted = segment(series)
    if BARE in segments:
        fitted = _lit(fitted, series, value["year"].values, (rows, columns), brightness)
    changed = {}
    for name, kept in segments.data_vars.items():
        if name in fitted:
            whole = kept.values.copy()
            whole[..., rows, columns] = fitted[name].values[..., 0, :]
            changed[name] = (kept.dims, whole, kept.attrs)
    return value.copy(data=values), segments.assign(changed)


def _reach(value: xr.DataArray, ground: Any) -> NDArray[np.bool_]:
    """Pixels of the ground and around it."""
    grid = grid_of(value)
    hidden = np.zeros(grid.shape, bool)
    cover = coverage(ground, grid)
    if cover is None:
        return hidden
    hidden[cover[0].slices] = cover[1] > 0
    reach = 2 * CLOUD_REACH_PIXELS + 1
    grown: NDArray[np.bool_] = ndimage.binary_dilation(hidden, np.ones((reach, reach), bool))
    return grown


def _lit(
    fitted: xr.Dataset,
    series: xr.DataArray,
    years: NDArray[np.int64],
    at: tuple[NDArray[np.int64], NDArray[np.int64]],
    brightness: Brightness,
) -> xr.Dataset:
    """Segments of some pixels with their brightness over the years that are left."""
    light = np.full(series.shape, np.nan, np.float32)
    for position, year in enumerate(years):
        there = brightness(int(year))
        if there is not None:
            light[position, 0] = there[at]
    light[~np.isfinite(series.values)] = np.nan
    return with_brightness(fitted, series.copy(data=light))
