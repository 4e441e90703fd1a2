"""What undisturbed land of the same kind does, year by year, around each mine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.attributes import described
from reverdure.core.codes import ReferenceStatus
from reverdure.core.errors import GridMismatch, MissingColumn, MissingCRS, WrongDimensions
from reverdure.core.grid import Grid, grid_of
from reverdure.recovery.brightness import USUAL
from reverdure.recovery.candidates import (
    COUNTS,
    MAX_PIXELS,
    Land,
    Scene,
    View,
    find_land,
    most_common,
)
from reverdure.recovery.constants import aim_cover, constant
from reverdure.recovery.levels import MineLevels, mine_levels
from reverdure.recovery.losses import Losses, fixed, largest_losses
from reverdure.recovery.surroundings import Place, Surroundings, cover_of
from reverdure.recovery.yearly import yearly_quantiles

_FEWEST_A_YEAR = 10
LAYERS = ("elevation", "slope", "rock", "cover")
FORMER = "former"


@dataclass(frozen=True, slots=True)
class _Found:
    """Reference of one mine in one index, by land like the former or of an aim."""

    mine_id: str
    status: ReferenceStatus
    levels: MineLevels | None = None
    yearly: NDArray[np.float64] | None = None
    land: Land | None = None
    matched: str = ""
    brightness: float = np.nan
    of: str = FORMER


@dataclass(frozen=True, slots=True)
class _Search:
    """What every mine's search shares."""

    around: Surroundings
    scenes: Mapping[str, Scene]
    terrain: Mapping[str, NDArray[np.float64]]
    refused: Mapping[str, shapely.Geometry]
    allow_before_level: bool


def reference(
    index: xr.DataArray,
    segments: xr.Dataset,
    mines: gpd.GeoDataFrame,
    terrain: xr.Dataset | None = None,
    *,
    only: Sequence[str] | None = None,
    allow_before_level: bool = False,
    refused: Mapping[str, shapely.Geometry] | None = None,
    aims: Mapping[str, Sequence[str]] | None = None,
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
    aims : mapping of mine id to aims, optional
        Keys of `Aim` that ground of a mine was restored to. Where `terrain` has a layer
        cover, a row is added for each that has land of its own (`recovery/data/aims.toml`).

    Returns
    -------
    Dataset
        Along mine_id first one row a mine with `land` "former", then those by aim, for
        which a mine_id stands again.

        level, low, high : (mine_id, year) float32, [1]
            Median, 16 % and 84 % quantile of the reference pixels; NaN without.
        n_pixels, n_directions : (mine_id) int32
            Reference pixels, and octants around the mine that hold some.
        bare_level : (mine_id) float32, [1]
            Level of the mine's bare ground; NaN where there was none.
        level_before : (mine_id) float32, [1]
            Level of the mine before damage; NaN where the record starts later.
        damage_year : (mine_id) float32
            Median year in which the damaged pixels fell; NaN without.
        land : (mine_id) str
            "former": land like the mine before damage; or the aim whose land it is.
        n_ring, n_mined, n_refused, n_disturbed, n_unlike, n_terrain, n_apart : (mine_id) int32
            Pixels of the ring that can be judged, and how many of them were left out, each
            by the first reason that applies: mines and their edges, refused by people,
            changed in the record, another kind of land, other terrain, not in step with the
            rest.
        pixels : (mine_id, reference_pixel) int32
            The reference pixels used, as row * width + column; -1 where there are fewer.
        status : (mine_id) uint8
            `ReferenceStatus`. With `NEVER_DAMAGED` the levels are given all the same.
        brightness : (mine_id) float32, [1]
            Median band sum of the reference pixels, where segments hold it
            (`with_brightness`); NaN without.
        matched : (mine_id) str
            What was used to match, joined by "+": "level" alone without terrain.
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
    taken. Pixels whose course leaves that of the rest by 0.15 are dropped. Where most of
    the land like the mine changed, as in worked forest, what stayed still is its reference;
    the counts say how little it was. With a layer cover, towns, water, bare land and snow
    are left out. Of more than 2000 pixels every n-th is used. What lies beyond 3 km changes
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
    name = str(index.name or "index")
    _check_mines(mines)
    grid = grid_of(index)
    return references(
        {name: (index, segments)},
        Surroundings.of(mines, grid),
        terrain,
        only=only,
        allow_before_level=allow_before_level,
        refused=_on_grid(refused or {}, mines, grid),
        aims=aims,
    )[name]


def references(
    indices: Mapping[str, tuple[xr.DataArray, xr.Dataset]],
    around: Surroundings,
    terrain: xr.Dataset | None = None,
    *,
    only: Sequence[str] | None = None,
    allow_before_level: bool = False,
    refused: Mapping[str, shapely.Geometry] | None = None,
    aims: Mapping[str, Sequence[str]] | None = None,
    losses: Mapping[str, Losses] | None = None,
) -> dict[str, xr.Dataset]:
    """Reference of several indices at once, on the same pixels where enough fit in all.

    Parameters
    ----------
    indices : mapping of index id to (index, segments)
        On one grid, with the same years.
    around : Surroundings
        All mines on that grid.
    terrain, only, allow_before_level, aims
        As for `reference`.
    refused : mapping of mine id to Geometry, optional
        As for `reference`, in the CRS of the grid.
    losses : mapping of index id to Losses, optional
        `largest_losses(segments, index)` of each, where it is there already.

    Returns
    -------
    dict of index id to Dataset
        As `reference` gives it. Land is like the mine only where it is in each of the
        indices: water may have the NBR of forest, but not its NDVI too. Where too little
        is left, each index is matched on its own.

    Raises
    ------
    WrongDimensions, MissingColumn, GridMismatch
        As `reference`.
    """
    for index, segments in indices.values():
        _check(index, segments, terrain)
    wanted = list(around.outlines) if only is None else [str(mine) for mine in only]
    unknown = [mine for mine in wanted if mine not in around.outlines]
    if unknown:
        raise MissingColumn(f"mines {unknown[:3]} of `only` are not in the mines table.")
    search = _Search(
        around,
        {
            name: _scene(index, segments, (losses or {}).get(name))
            for name, (index, segments) in indices.items()
        },
        {} if terrain is None else {
            name: terrain[name].transpose("y", "x").values.astype(float)
            for name in LAYERS
            if name in terrain
        },
        refused or {},
        allow_before_level,
    )  # fmt: skip
    found = [_of_mine(search, mine, tuple((aims or {}).get(mine, ()))) for mine in wanted]
    owner = around.owner(wanted)
    return {
        name: _dataset(
            index,
            [one[name][0] for one in found] + [row for one in found for row in one[name][1:]],
            owner,
        )
        for name, (index, _) in indices.items()
    }


def _check_mines(mines: gpd.GeoDataFrame) -> None:
    if "mine_id" not in mines.columns:
        raise MissingColumn(f"mines need a column mine_id, got {list(mines.columns)}.")
    if mines.crs is None:
        raise MissingCRS("mines state no CRS.", "Set it with mines.set_crs(...).")


def _check(index: xr.DataArray, segments: xr.Dataset, terrain: xr.Dataset | None) -> None:
    if index.dims != ("year", "y", "x"):
        raise WrongDimensions(f"index must have dimensions (year, y, x), got {index.dims}.")
    for name, other in (("segments", segments), ("terrain", terrain)):
        if other is not None and any(
            other.sizes.get(axis) != index.sizes[axis] for axis in ("y", "x")
        ):
            raise GridMismatch(
                f"{name} has {dict(other.sizes)}, index has {dict(index.sizes)} pixels."
            )


def _on_grid(
    shapes: Mapping[str, shapely.Geometry], mines: gpd.GeoDataFrame, grid: Grid
) -> dict[str, shapely.Geometry]:
    if not shapes:
        return {}
    projected = gpd.GeoSeries(list(shapes.values()), crs=mines.crs).to_crs(grid.crs)
    return dict(zip(shapes, projected, strict=True))


def _scene(index: xr.DataArray, segments: xr.Dataset, losses: Losses | None) -> Scene:
    if losses is None:
        losses = largest_losses(segments, index)
    bound = np.maximum(
        2 * constant("disturbed_loss_min"), constant("disturbed_loss_rmse") * losses.rmse
    )
    return Scene(
        index.values,
        fixed(segments["fitted"].transpose("year", "y", "x").values),
        index["year"].values.astype(np.int64),
        losses,
        losses.fitted & ~losses.disturbed & (losses.range < bound),
        segments[USUAL].values if USUAL in segments else None,
    )


def _of_mine(search: _Search, mine_id: str, aims: tuple[str, ...]) -> dict[str, list[_Found]]:
    """Rows of one mine by index: land like the former, then that of each aim."""
    outline = search.around.outlines[mine_id]
    if outline is None or outline.is_empty:
        return _without(search, mine_id, ReferenceStatus.NO_OUTLINE)
    rows = _without(search, mine_id, ReferenceStatus.OUTSIDE_IMAGERY)
    place = search.around.place(mine_id)
    views = {} if place is None else _views(search, place)
    if place is None or not views:
        return rows
    refused = _mask(search.refused.get(mine_id), search.around.grid)
    former = _lands(search, views, place, refused, None)
    for name, land in former.items():
        rows[name] = [_row(search, mine_id, name, views[name], land)]
    with_land = [aim for aim in aims if aim_cover(aim) and "cover" in search.terrain]
    for aim in with_land:
        of_aim = former
        if not _is_of(former, search, aim_cover(aim)):
            of_aim = _lands(search, views, place, refused, aim_cover(aim))
        for name, land in of_aim.items():
            rows[name].append(_row(search, mine_id, name, views[name], land, aim))
    return rows


def _views(search: _Search, place: Place) -> dict[str, View]:
    """What each index shows of a mine; without those that show nothing."""
    views = {}
    for name, scene in search.scenes.items():
        levels = mine_levels(scene.losses, scene.fitted, scene.value, scene.years, place.cover)
        if levels is not None:
            views[name] = View(scene, levels)
    return views


def _without(search: _Search, mine_id: str, status: ReferenceStatus) -> dict[str, list[_Found]]:
    return {name: [_Found(mine_id, status)] for name in search.scenes}


def _mask(shape: shapely.Geometry | None, grid: Grid) -> NDArray[np.bool_] | None:
    """Pixels that a shape touches; None for no shape."""
    cover = cover_of(shape, grid)
    if cover is None:
        return None
    mask = np.zeros(grid.shape, bool)
    mask[cover[0].slices] = cover[1] > 0
    return mask


def _lands(
    search: _Search,
    views: Mapping[str, View],
    place: Place,
    refused: NDArray[np.bool_] | None,
    classes: tuple[int, ...] | None,
) -> dict[str, Land]:
    """Land for each index: one for all where enough is left, else each its own."""

    def find(some: Mapping[str, View]) -> Land:
        around = search.around
        return find_land(some, place, around.grid, search.terrain, around.mined, refused, classes)

    shared = find(views)
    if len(views) == 1 or shared.is_enough:
        return dict.fromkeys(views, shared)
    return {name: find({name: view}) for name, view in views.items()}


def _is_of(former: Mapping[str, Land], search: _Search, classes: tuple[int, ...]) -> bool:
    """Whether the land the mine was is the land of the aim already."""
    land = next(iter(former.values()))
    cover = search.terrain["cover"][land.rows, land.columns]
    known = cover[np.isfinite(cover)]
    return bool(known.size) and most_common(known) in classes


def _row(
    search: _Search, mine_id: str, name: str, view: View, land: Land, of: str = FORMER
) -> _Found:
    """The reference on this land, and whether it serves."""
    scene, levels = view.scene, view.levels
    others = [other for other in land.indices if other != name]
    matched = "+".join(["level" if land.like_former else "cover", *others, *land.layers])
    status = _status(land)
    if status is ReferenceStatus.FOUND:
        rows, columns = land.used
        yearly = _yearly(scene.value[:, rows, columns])
        middle = float(np.nanmedian(yearly[0]))
        levels = levels.settled(middle)
        if levels.never_damaged:
            status = ReferenceStatus.NEVER_DAMAGED
        elif not levels.separable(middle):
            status = ReferenceStatus.NOT_SEPARABLE
        light = np.nan if scene.light is None else _median(scene.light[land.rows, land.columns])
        return _Found(mine_id, status, levels, yearly, land, matched, light, of)
    if search.allow_before_level and np.isfinite(levels.before):
        flat = np.full((3, scene.years.size), levels.before)
        return _Found(mine_id, ReferenceStatus.BEFORE_LEVEL, levels, flat, land, of=of)
    return _Found(mine_id, status, levels, None, land, matched, of=of)


def _status(land: Land) -> ReferenceStatus:
    if land.rows.size < constant("reference_min_pixels"):
        return ReferenceStatus.TOO_FEW_PIXELS
    if land.n_directions < constant("reference_min_directions"):
        return ReferenceStatus.ONE_SIDED
    return ReferenceStatus.FOUND


def _median(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _yearly(value: NDArray[np.float32]) -> NDArray[np.float64]:
    """Median, 16 % and 84 % quantile of each year, (3, year); NaN with under 10 pixels."""
    return yearly_quantiles(value, (0.5, 0.16, 0.84), _FEWEST_A_YEAR)


def _dataset(index: xr.DataArray, found: list[_Found], owner: NDArray[np.int32]) -> xr.Dataset:
    n_years = index.sizes["year"]
    nothing = np.full((3, n_years), np.nan)
    yearly = np.array(
        [nothing if one.yearly is None else one.yearly for one in found], np.float32
    ).reshape(len(found), 3, n_years)

    def level(name: str) -> NDArray[np.float32]:
        values = [np.nan if one.levels is None else getattr(one.levels, name) for one in found]
        return np.array(values, np.float32)

    def number(name: str) -> NDArray[np.int32]:
        values = [0 if one.land is None else one.land.counts[name] for one in found]
        return np.array(values, np.int32)

    def text(name: str) -> NDArray[np.object_]:
        return np.array([getattr(one, name) for one in found], dtype=object)

    mine, year = ("mine_id",), ("mine_id", "year")
    counted = {name: (mine, number(name)) for name in COUNTS}
    made = xr.Dataset(
        {
            "level": (year, yearly[:, 0]),
            "low": (year, yearly[:, 1]),
            "high": (year, yearly[:, 2]),
            **counted,
            "bare_level": (mine, level("bare")),
            "level_before": (mine, level("before")),
            "damage_year": (mine, level("damage_year")),
            "status": (mine, np.array([one.status for one in found], np.uint8)),
            "brightness": (mine, np.array([one.brightness for one in found], np.float32)),
            "matched": (mine, text("matched")),
            "pixels": (("mine_id", "reference_pixel"), _pixels(found, index.sizes["x"])),
            "owner": (("y", "x"), owner),
        },
        {
            "mine_id": text("mine_id"),
            "land": (mine, text("of")),
            "year": index["year"].values,
            **{name: index.coords[name] for name in ("y", "x", "spatial_ref")},
        },
    )
    return described(made, index, references="Reverdure, docs/method.md, reference")


def _pixels(found: list[_Found], width: int) -> NDArray[np.int32]:
    """Flat positions of the pixels behind each row; -1 fills up."""
    used = [
        np.empty(0, np.int64) if one.land is None or one.yearly is None or one.matched == ""
        else one.land.used[0] * width + one.land.used[1]
        for one in found
    ]  # fmt: skip
    flat = np.full((len(found), MAX_PIXELS), -1, np.int32)
    for row, one in enumerate(used):
        flat[row, : one.size] = one
    return flat
