"""What undisturbed land of the same kind does, year by year, around each mine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from reverdure.core.codes import ReferenceStatus
from reverdure.core.errors import GridMismatch, MissingColumn, MissingCRS, WrongDimensions
from reverdure.core.grid import Grid, Window, grid_of
from reverdure.ground.coverage import coverage
from reverdure.recovery.brightness import USUAL
from reverdure.recovery.constants import constant
from reverdure.recovery.levels import MineLevels, mine_levels
from reverdure.recovery.local import local_metres
from reverdure.recovery.losses import Losses, fitted_range, largest_losses

_MAX_PIXELS = 2000
_FEWEST_A_YEAR = 10
LAYERS = ("elevation", "slope", "rock", "cover")


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything the search for one mine's reference looks at."""

    grid: Grid
    value: NDArray[np.float32]
    fitted: NDArray[np.float32]
    years: NDArray[np.int64]
    losses: Losses
    eligible: NDArray[np.bool_]
    terrain: dict[str, NDArray[np.float64]]
    light: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class _Found:
    """Reference of one mine."""

    status: ReferenceStatus
    levels: MineLevels | None = None
    yearly: NDArray[np.float64] | None = None
    n_pixels: int = 0
    n_directions: int = 0
    matched: str = ""
    brightness: float = np.nan


def reference(
    index: xr.DataArray,
    segments: xr.Dataset,
    mines: gpd.GeoDataFrame,
    terrain: xr.Dataset | None = None,
    *,
    only: Sequence[str] | None = None,
    allow_before_level: bool = False,
    refused: Mapping[str, shapely.Geometry] | None = None,
) -> xr.Dataset:
    """Yearly level of undisturbed land of the same kind around each mine.

    A wet or a dry year moves mine and reference together; measured against the yearly
    reference, only the mine's own course is left.

    Parameters
    ----------
    index : (year, y, x) float, [1]
        Vegetation index, NaN where not clear; CRS in `spatial_ref`.
    segments : Dataset
        `segment(index)`.
    mines : GeoDataFrame
        mine_id, geometry (None allowed) with a CRS. All of them are kept out of the
        reference land, with a buffer of 60 m.
    terrain : Dataset, optional
        Any of elevation [m], slope [degree], rock, cover (class numbers), (y, x) on the
        grid of `index`. Used to narrow the search where enough land is left.
    only : sequence of str, optional
        Mine ids to compute; default all.
    allow_before_level : bool, default False
        Where no reference is found, take the mine's own level before damage, the same
        in every year (status `BEFORE_LEVEL`).
    refused : mapping of mine id to Geometry, optional
        Land that is no reference for a mine, because somebody who knows it said so; in the
        CRS of `mines`. A pixel that it touches is left out.

    Returns
    -------
    Dataset
        level, low, high : (mine_id, year) float32, [1]
            Median, 16 % and 84 % quantile of the reference pixels; NaN without.
        n_pixels, n_directions : (mine_id) int32
            Reference pixels, and octants around the mine that hold some.
        bare_level : (mine_id) float32, [1]
            Level of the mine's bare ground; NaN where there was none.
        level_before : (mine_id) float32, [1]
            Level of the mine before damage; NaN where the record starts later.
        damage_year : (mine_id) float32
            First year after the median fall of the damaged pixels; NaN without.
        status : (mine_id) uint8
            `ReferenceStatus`. With `NEVER_DAMAGED` the levels are given all the same.
        brightness : (mine_id) float32, [1]
            Median band sum of the reference pixels, where segments hold it
            (`with_brightness`); NaN without.
        matched : (mine_id) str
            Layers used to match, joined by "+": "level" alone without terrain.
        owner : (y, x) int32
            Position in mine_id of the mine that covers most of the pixel, -1 for none.

    Raises
    ------
    WrongDimensions
        If `index` is not (year, y, x).
    MissingColumn
        If `mines` has no mine_id.
    MissingCRS
        If `mines` or `index` states no CRS.
    GridMismatch
        If segments or terrain are not on the grid of `index`.

    Notes
    -----
    Reference pixels lie 500 to 3000 m from the outline, lost nothing and gained little
    in the whole record, and were, in the years before the mine opened, within 0.08 of
    the mine's own level then; at least 30 from at least 3 of 8 directions. For a mine
    older than the record its level before is unknown: the prevailing vegetated land is
    taken. Of more than 2000 pixels every n-th is used. What lies beyond 3 km changes
    nothing.

    Examples
    --------
    >>> import geopandas, numpy as np, shapely, xarray as xr
    >>> from reverdure.core.grid import Grid
    >>> from reverdure.recovery.segmentation import segment
    >>> grid = Grid("EPSG:32650", 500000, 3000000, 30, 60, 60)
    >>> series = np.where(np.arange(16) < 5, 0.8, 0.2)
    >>> values = np.full((16, 60, 60), 0.8, np.float32)
    >>> values[:, 28:32, 28:32] = series[:, None, None]
    >>> ndvi = xr.DataArray(values, {"year": np.arange(2000, 2016), **grid.coordinates()},
    ...                     dims=("year", "y", "x"))
    >>> pit = shapely.box(500840, 2999040, 500960, 2999160)
    >>> mines = geopandas.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=32650)
    >>> found = reference(ndvi, segment(ndvi), mines)
    >>> round(float(found.level[0, -1]), 2), round(float(found.bare_level[0]), 2)
    (0.8, 0.2)
    """
    _check(index, segments, mines, terrain)
    outlines = _outlines(index, mines)
    wanted = list(outlines.index) if only is None else [str(mine) for mine in only]
    unknown = [mine for mine in wanted if mine not in outlines.index]
    if unknown:
        raise MissingColumn(f"mines {unknown[:3]} of `only` are not in the mines table.")
    grid = grid_of(index)
    covers = {mine: _coverage(outline, grid) for mine, outline in outlines.items()}
    losses = largest_losses(segments)
    scene = _Scene(
        grid,
        index.values,
        segments["fitted"].transpose("year", "y", "x").values,
        index["year"].values.astype(np.int64),
        losses,
        _eligible(grid, covers, losses, segments),
        {} if terrain is None else {
            name: terrain[name].transpose("y", "x").values.astype(float)
            for name in LAYERS
            if name in terrain
        },
        segments[USUAL].values if USUAL in segments else None,
    )  # fmt: skip
    without = {} if refused is None else _on_grid(refused, mines, grid)
    found = [
        _search(_refusing(scene, without.get(mine)), outlines[mine], covers[mine],
                allow_before_level)
        for mine in wanted
    ]  # fmt: skip
    return _dataset(index, wanted, found, _owner(grid, [covers[mine] for mine in wanted]))


def _check(
    index: xr.DataArray,
    segments: xr.Dataset,
    mines: gpd.GeoDataFrame,
    terrain: xr.Dataset | None,
) -> None:
    if index.dims != ("year", "y", "x"):
        raise WrongDimensions(f"index must have dimensions (year, y, x), got {index.dims}.")
    if "mine_id" not in mines.columns:
        raise MissingColumn(f"mines need a column mine_id, got {list(mines.columns)}.")
    if mines.crs is None:
        raise MissingCRS("mines state no CRS.", "Set it with mines.set_crs(...).")
    for name, other in (("segments", segments), ("terrain", terrain)):
        if other is not None and any(
            other.sizes.get(axis) != index.sizes[axis] for axis in ("y", "x")
        ):
            raise GridMismatch(
                f"{name} has {dict(other.sizes)}, index has {dict(index.sizes)} pixels."
            )


def _outlines(index: xr.DataArray, mines: gpd.GeoDataFrame) -> "pd.Series[shapely.Geometry]":
    """Outlines on the CRS of the grid by mine id, in the order of the table."""
    projected = mines.geometry.to_crs(grid_of(index).crs)
    return pd.Series(list(projected), index=mines["mine_id"].astype(str), dtype=object)


def _on_grid(
    shapes: Mapping[str, shapely.Geometry], mines: gpd.GeoDataFrame, grid: Grid
) -> dict[str, shapely.Geometry]:
    projected = gpd.GeoSeries(list(shapes.values()), crs=mines.crs).to_crs(grid.crs)
    return dict(zip(shapes, projected, strict=True))


def _refusing(scene: _Scene, land: shapely.Geometry | None) -> _Scene:
    """The scene with this land out of reach of the search."""
    cover = _coverage(land, scene.grid)
    if cover is None:
        return scene
    eligible = scene.eligible.copy()
    eligible[cover[0].slices] &= cover[1] == 0
    return replace(scene, eligible=eligible)


def _coverage(
    outline: shapely.Geometry | None, grid: Grid
) -> tuple[Window, NDArray[np.float64]] | None:
    return None if outline is None or outline.is_empty else coverage(outline, grid)


def _eligible(
    grid: Grid,
    covers: dict[str, tuple[Window, NDArray[np.float64]] | None],
    losses: Losses,
    segments: xr.Dataset,
) -> NDArray[np.bool_]:
    """Pixels that may be reference land: never disturbed and away from all mines."""
    mined = np.zeros(grid.shape, bool)
    for cover in covers.values():
        if cover is not None:
            mined[cover[0].slices] |= cover[1] > 0
    x, y = (grid.west + grid.bounds[2]) / 2, (grid.north + grid.bounds[1]) / 2
    scale = local_metres(grid, x, y)
    if mined.any():
        distance = ndimage.distance_transform_edt(
            ~mined, sampling=(scale.per_y * grid.pixel, scale.per_x * grid.pixel)
        )
        mined = distance <= constant("mine_buffer_m")
    steady = fitted_range(segments) < np.maximum(
        2 * constant("disturbed_loss_min"),
        constant("disturbed_loss_rmse") * np.nan_to_num(segments["rmse"].values),
    )
    eligible: NDArray[np.bool_] = losses.fitted & ~losses.disturbed & steady & ~mined
    return eligible


def _search(
    scene: _Scene,
    outline: shapely.Geometry | None,
    cover: tuple[Window, NDArray[np.float64]] | None,
    allow_before_level: bool,
) -> _Found:
    if outline is None or outline.is_empty:
        return _Found(ReferenceStatus.NO_OUTLINE)
    if cover is None:
        return _Found(ReferenceStatus.OUTSIDE_IMAGERY)
    centre = outline.representative_point()
    scale = local_metres(scene.grid, centre.x, centre.y)
    margin = constant("ring_outer_m") / min(scale.per_x, scale.per_y)
    window = scene.grid.window(outline.bounds, margin)
    levels = mine_levels(scene.losses, scene.fitted, scene.years, cover)
    if window is None or levels is None:
        return _Found(ReferenceStatus.OUTSIDE_IMAGERY)
    inside = np.zeros(scene.grid.shape, bool)
    inside[cover[0].slices] = cover[1] > 0
    sampling = (scale.per_y * scene.grid.pixel, scale.per_x * scene.grid.pixel)
    distance = ndimage.distance_transform_edt(~inside[window.slices], sampling=sampling)
    in_ring = (
        (distance >= constant("ring_inner_m"))
        & (distance <= constant("ring_outer_m"))
        & scene.eligible[window.slices]
    )
    rows, columns = np.nonzero(in_ring)
    rows, columns = rows + window.row, columns + window.column
    early = _early_level(scene, rows, columns, levels.damage_year)
    alike = levels.alike(early)
    rows, columns = rows[alike], columns[alike]
    near = distance <= 2 * constant("mine_buffer_m")
    keep, matched = _match_terrain(scene, rows, columns, window, near)
    rows, columns = rows[keep], columns[keep]
    n_directions = _directions(scene.grid, centre, rows, columns)
    status = _status(levels, rows.size, n_directions)
    if status is ReferenceStatus.FOUND or status is ReferenceStatus.NEVER_DAMAGED:
        step = -(-rows.size // _MAX_PIXELS)
        yearly = _yearly(scene.value[:, rows[::step], columns[::step]])
        levels = levels.settled(float(np.nanmedian(yearly[0])))
        if levels.never_damaged:
            status = ReferenceStatus.NEVER_DAMAGED
        elif not levels.separable(float(np.nanmedian(yearly[0]))):
            status = ReferenceStatus.NOT_SEPARABLE
        light = np.nan if scene.light is None else _median(scene.light[rows, columns])
        return _Found(status, levels, yearly, rows.size, n_directions, matched, light)
    if allow_before_level and np.isfinite(levels.before):
        flat = np.full((3, scene.years.size), levels.before)
        return _Found(ReferenceStatus.BEFORE_LEVEL, levels, flat, rows.size, n_directions)
    return _Found(status, levels, None, rows.size, n_directions, matched)


def _median(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _early_level(
    scene: _Scene, rows: NDArray[np.int64], columns: NDArray[np.int64], damage_year: float
) -> NDArray[np.float64]:
    """Mean fitted level in the years before the mine opened (all years if unknown)."""
    early = scene.years < damage_year if np.isfinite(damage_year) else scene.years > -1
    if not early.any():
        early = scene.years > -1
    part = scene.fitted[:, rows, columns][early]
    n = np.isfinite(part).sum(axis=0)
    total = np.where(np.isfinite(part), part, 0).sum(axis=0, dtype=float)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _match_terrain(
    scene: _Scene,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    window: Window,
    near: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], str]:
    """Narrow by each layer in turn, as long as enough pixels are left."""
    keep = np.ones(rows.size, bool)
    matched = ["level"]
    for name, layer in scene.terrain.items():
        at_mine = layer[window.slices][near]
        at_mine = at_mine[np.isfinite(at_mine)]
        if at_mine.size == 0:
            continue
        value = layer[rows, columns]
        if name in ("elevation", "slope"):
            tolerance = constant(
                "elevation_tolerance_m" if name == "elevation" else "slope_tolerance_deg"
            )
            fits = (value >= at_mine.min() - tolerance) & (value <= at_mine.max() + tolerance)
        elif name == "rock":
            classes, counts = np.unique(at_mine, return_counts=True)
            fits = np.isin(value, classes[counts >= 0.1 * counts.sum()])
        else:
            # the mine's own cover is bare today: its kind is that of its reference land
            known = value[keep & np.isfinite(value)]
            if known.size == 0:
                continue
            classes, counts = np.unique(known, return_counts=True)
            fits = value == classes[counts.argmax()]
        if (keep & fits).sum() >= constant("reference_min_pixels"):
            keep &= fits
            matched.append(name)
    return keep, "+".join(matched)


def _directions(
    grid: Grid, centre: shapely.Point, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> int:
    """Octants around the mine that hold reference pixels."""
    east = grid.west + (columns + 0.5) * grid.pixel - centre.x
    north = grid.north - (rows + 0.5) * grid.pixel - centre.y
    octant = np.floor(np.arctan2(north, east) / (np.pi / 4)).astype(int) % 8
    return int(np.unique(octant).size)


def _status(levels: MineLevels, n_pixels: int, n_directions: int) -> ReferenceStatus:
    if n_pixels < constant("reference_min_pixels"):
        return ReferenceStatus.TOO_FEW_PIXELS
    if n_directions < constant("reference_min_directions"):
        return ReferenceStatus.ONE_SIDED
    return ReferenceStatus.FOUND


def _yearly(value: NDArray[np.float32]) -> NDArray[np.float64]:
    """Median, 16 % and 84 % quantile of each year, (3, year); NaN with under 10 pixels."""
    out = np.full((3, value.shape[0]), np.nan)
    for k, row in enumerate(value):
        clear = row[np.isfinite(row)]
        if clear.size >= _FEWEST_A_YEAR:
            out[:, k] = np.quantile(clear.astype(float), (0.5, 0.16, 0.84))
    return out


def _owner(
    grid: Grid, covers: list[tuple[Window, NDArray[np.float64]] | None]
) -> NDArray[np.int32]:
    owner = np.full(grid.shape, -1, np.int32)
    share = np.zeros(grid.shape)
    for position, cover in enumerate(covers):
        if cover is not None:
            part = cover[0].slices
            more = cover[1] > share[part]
            owner[part][more] = position
            share[part][more] = cover[1][more]
    return owner


def _dataset(
    index: xr.DataArray, wanted: list[str], found: list[_Found], owner: NDArray[np.int32]
) -> xr.Dataset:
    n_years = index.sizes["year"]
    nothing = np.full((3, n_years), np.nan)
    yearly = np.array(
        [nothing if one.yearly is None else one.yearly for one in found], np.float32
    ).reshape(len(found), 3, n_years)

    def level(name: str) -> NDArray[np.float32]:
        values = [np.nan if one.levels is None else getattr(one.levels, name) for one in found]
        return np.array(values, np.float32)

    mine, year = ("mine_id",), ("mine_id", "year")
    return xr.Dataset(
        {
            "level": (year, yearly[:, 0]),
            "low": (year, yearly[:, 1]),
            "high": (year, yearly[:, 2]),
            "n_pixels": (mine, np.array([one.n_pixels for one in found], np.int32)),
            "n_directions": (mine, np.array([one.n_directions for one in found], np.int32)),
            "bare_level": (mine, level("bare")),
            "level_before": (mine, level("before")),
            "damage_year": (mine, level("damage_year")),
            "status": (mine, np.array([one.status for one in found], np.uint8)),
            "brightness": (mine, np.array([one.brightness for one in found], np.float32)),
            "matched": (mine, np.array([one.matched for one in found], dtype=object)),
            "owner": (("y", "x"), owner),
        },
        {"mine_id": np.array(wanted, dtype=object), "year": index["year"].values}
        | {name: index.coords[name] for name in ("y", "x", "spatial_ref")},
    )
