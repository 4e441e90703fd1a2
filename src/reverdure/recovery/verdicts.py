"""The verdict on each claim, with its interval and the reason."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from reverdure.core.codes import Aim, ClaimStatus, MiningMethod, Reason, Verdict
from reverdure.core.errors import GridMismatch, InvalidInput, MissingColumn, MissingCRS
from reverdure.core.fields import VERDICTS
from reverdure.core.grid import Grid, grid_of
from reverdure.ground.areas import area_ha, polygons_of
from reverdure.ground.claims import claim_ground
from reverdure.recovery.constants import aim_indices, constant
from reverdure.recovery.evidence import claim_evidence
from reverdure.recovery.judge import Judgement, judge
from reverdure.recovery.lands import of_land
from reverdure.recovery.measure import GroundTask, Measurement, measure_ground

_NEEDED = {"mines": ("mine_id",), "claims": ("claim_id", "mine_id", "year", "claimed_ha")}
_DEFAULT_WORK_YEARS = 3
_NO_GROUND = (Verdict.NO_DATA, Reason.NO_OUTLINE)
_NO_IMAGERY = (Verdict.NO_DATA, Reason.OUTSIDE_IMAGERY)


def verdicts(
    mines: gpd.GeoDataFrame,
    claims: gpd.GeoDataFrame,
    metrics: Mapping[str, xr.Dataset],
    seed: int = 0,
    *,
    fine: Mapping[str, xr.DataArray] | None = None,
    evidence: dict[str, xr.Dataset] | None = None,
    only: Collection[str] | None = None,
) -> gpd.GeoDataFrame:
    """Judge each claim: restored hectares with an interval, verdict and reason.

    Parameters
    ----------
    mines : GeoDataFrame
        mine_id, geometry (None allowed), any CRS; mining_method where known.
    claims : GeoDataFrame or DataFrame
        claim_id, mine_id, year, claimed_ha [ha]; optional start_year (default three
        years before), aim (key of `Aim`, default forest), geometry.
    metrics : mapping of index id to Dataset
        Results of `recovery_metrics` on one grid, for example {"ndvi": ..., "nbr": ...};
        empty where there is no imagery at all (every claim: no data).
    seed : int, default 0
        Draws depend on (seed, claim_id) alone, never on order or thread.
    fine : mapping of index id to DataArray (year, y, x), optional
        10 m values on Landsat's scale (`reverdure.recovery.fine.joined`): small grounds
        inside of their window are seen cell by cell.
    evidence : dict, optional
        Takes what each verdict stands on, by claim_id: see `recovery.evidence.claim_evidence`.
        Claims that were not looked at in the imagery get none.

    only : collection of str, optional
        Mine ids whose claims are judged; the others are looked at for overlaps alone.
        Default all.

    Returns
    -------
    GeoDataFrame
        One row per claim, sorted by claim_id, columns of `core.fields.VERDICTS`
        (county and run_id ""); geometry is the ground, EPSG:4326. Claims that share the
        outline of one mine are measured once and get its restored hectares by claimed
        area (status `shared_ground`).

    Raises
    ------
    MissingColumn
        If a needed column is missing.
    MissingCRS
        If a table with geometry states no CRS.
    GridMismatch
        If the metrics differ in grid or years.
    InvalidInput
        If a claim id stands twice.

    Notes
    -----
    Supported: P(restored >= 0.8 claimed) >= 0.9. Not supported: P(restored < 0.2
    claimed) >= 0.9. Partly supported: both bounds passed with that certainty. Else
    undecided. Ground that had recovered two years before the claimed start is not paid:
    its hectares are left out of restored_ha and flagged `green_before_claim`. Of claims
    that overlap by more than a tenth, the first completed keeps its verdict.

    Examples
    --------
    >>> import geopandas, numpy as np, shapely, xarray as xr
    >>> import reverdure as rv
    >>> from reverdure.core.grid import Grid
    >>> grid = Grid("EPSG:32650", 500000, 3000000, 30, 60, 60)
    >>> series = [0.8] * 5 + [0.2] * 4 + [0.4, 0.5, 0.6, 0.7] + [0.8] * 5
    >>> values = np.full((18, 60, 60), 0.8, np.float32)
    >>> values[:, 28:34, 28:34] = np.array(series)[:, None, None]
    >>> ndvi = xr.DataArray(values, {"year": np.arange(2000, 2018), **grid.coordinates()},
    ...                     dims=("year", "y", "x"))
    >>> pit = shapely.box(500840, 2998980, 501020, 2999160)
    >>> mines = geopandas.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=32650)
    >>> claims = geopandas.GeoDataFrame(
    ...     {"claim_id": ["C1"], "mine_id": ["M1"], "year": [2012], "claimed_ha": [3.2],
    ...      "aim": ["grass"]}, geometry=[None], crs=4326)
    >>> segments = rv.segment(ndvi)
    >>> found = rv.reference(ndvi, segments, mines)
    >>> metrics = rv.recovery_metrics(ndvi, segments, reference=found)
    >>> rv.verdicts(mines, claims, {"ndvi": metrics}).verdict[0]
    'supported'
    """
    _check(mines, claims, metrics)
    grid, last_year = _extent(metrics)
    wanted = _completed(claims)
    outlines = mines.geometry.to_crs(4326 if grid is None else grid.crs)
    world = _World(
        metrics,
        grid,
        shapely.STRtree([shapely.Polygon() if one is None else one for one in outlines]),
        {str(mine): row for mine, row in zip(mines["mine_id"], mines.to_dict("records"),
                                              strict=True)},
        _polygons(mines),
        last_year,
        seed,
        evidence,
        fine or {},
    )  # fmt: skip
    grounds = claim_ground(mines, wanted).set_index("claim_id")
    wanted = wanted.sort_values("claim_id", ignore_index=True)
    held = _overlapped(wanted, grounds)
    if only is not None:
        wanted = wanted[wanted["mine_id"].isin(only)]
    rows = [
        _row(claim, grounds.loc[claim["claim_id"]], _group(claim, wanted, grounds), world,
             claim["claim_id"] in held)
        for claim in wanted.to_dict("records")
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=VERDICTS.columns)
    geometry = [grounds.loc[claim, "geometry"] for claim in wanted["claim_id"]]
    return gpd.GeoDataFrame(_typed(table), geometry=geometry, crs=4326)


@dataclass(frozen=True, slots=True)
class _World:
    """What every claim is judged against."""

    metrics: Mapping[str, xr.Dataset]
    grid: Grid | None
    tree: shapely.STRtree
    mines: Mapping[str, Mapping[str, object]]
    outlines: Mapping[str, shapely.Geometry]
    last_year: int | None
    seed: int
    evidence: dict[str, xr.Dataset] | None
    fine: Mapping[str, xr.DataArray]
    done: dict[str, tuple[GroundTask, Measurement]] = field(default_factory=dict)


def _check(
    mines: gpd.GeoDataFrame, claims: gpd.GeoDataFrame, metrics: Mapping[str, xr.Dataset]
) -> None:
    for name, table in (("mines", mines), ("claims", claims)):
        missing = [column for column in _NEEDED[name] if column not in table.columns]
        if missing:
            raise MissingColumn(f"{name} need a column {missing[0]}, got {list(table.columns)}.")
    if mines.crs is None:
        raise MissingCRS("mines state no CRS.", "Set it with mines.set_crs(...).")
    twice = claims["claim_id"][claims["claim_id"].duplicated()]
    if len(twice):
        raise InvalidInput(f"claim id {twice.iloc[0]!r} stands twice.")
    grids = {name: (grid_of(one), tuple(one["year"].values)) for name, one in metrics.items()}
    if len(set(grids.values())) > 1:
        raise GridMismatch(f"metrics {list(grids)} differ in grid or years.")


def _extent(metrics: Mapping[str, xr.Dataset]) -> tuple[Grid | None, int | None]:
    """Grid and last year; nothing where there is no imagery."""
    for one in metrics.values():
        return grid_of(one), int(one["year"].values[-1])
    return None, None


def _polygons(mines: gpd.GeoDataFrame) -> dict[str, shapely.Geometry]:
    """Outlines of the mines that have one, EPSG:4326."""
    shapes = [polygons_of(one) for one in mines.geometry.to_crs(4326)]
    named = zip(mines["mine_id"].astype(str), shapes, strict=True)
    return {mine: shape for mine, shape in named if not shape.is_empty}


def _completed(claims: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A copy with the optional columns filled in, EPSG:4326."""
    has_geometry = isinstance(claims, gpd.GeoDataFrame) and "geometry" in claims.columns
    geometry = claims.geometry if has_geometry else [None] * len(claims)
    crs = getattr(claims, "crs", None) if has_geometry else None
    if has_geometry and crs is None and claims.geometry.notna().any():
        raise MissingCRS("claims state no CRS.", "Set it with claims.set_crs(...).")
    table = pd.DataFrame(claims).drop(columns="geometry", errors="ignore")
    table = table.assign(claim_id=table["claim_id"].astype(str),
                         mine_id=table["mine_id"].astype(str))  # fmt: skip
    if "start_year" not in table:
        table["start_year"] = table["year"] - _DEFAULT_WORK_YEARS
    table["start_year"] = table["start_year"].fillna(table["year"] - _DEFAULT_WORK_YEARS)
    if "aim" not in table:
        table["aim"] = Aim.FOREST.key
    done = gpd.GeoDataFrame(table, geometry=list(geometry), crs=crs or 4326)
    return done if crs is None else done.to_crs(4326)


def _group(
    claim: Mapping[str, object], claims: gpd.GeoDataFrame, grounds: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Claims that share this one's ground, itself included."""
    if grounds.loc[claim["claim_id"], "kind"] != "shared":
        return claims[claims["claim_id"] == claim["claim_id"]]
    same = claims[claims["mine_id"] == claim["mine_id"]]
    return same[[grounds.loc[other, "kind"] == "shared" for other in same["claim_id"]]]


def _overlapped(claims: gpd.GeoDataFrame, grounds: gpd.GeoDataFrame) -> set[str]:
    """Claims of which a tenth or more lies on ground claimed by an earlier one."""
    order = claims.sort_values(["year", "claim_id"])["claim_id"].tolist()
    rank = {claim: k for k, claim in enumerate(order)}
    own = [claim for claim in order if grounds.loc[claim, "kind"] != "none"]
    sharing = claims.set_index("claim_id")["mine_id"].where(grounds["kind"] == "shared").to_dict()
    shapes = [grounds.loc[claim, "geometry"] for claim in own]
    if not shapes:
        return set()
    held = set()
    tree = shapely.STRtree(shapes)
    for later, earlier in zip(*tree.query(shapes, predicate="intersects"), strict=True):
        together = sharing[own[earlier]] == sharing[own[later]]
        if rank[own[earlier]] < rank[own[later]] and not together:
            common = shapely.area(shapely.intersection(shapes[earlier], shapes[later]))
            if common >= constant("overlap_share") * shapely.area(shapes[later]):
                held.add(own[later])
    return held


def claim_seed(seed: int, name: str) -> int:
    """Seed of the draws of one claim, below 2**31.

    Examples
    --------
    >>> claim_seed(0, "C1") == claim_seed(0, "C1") != claim_seed(1, "C1")
    True
    """
    text = hashlib.sha256(f"{seed}\N{NULL}{name}".encode()).digest()
    return int.from_bytes(text[:4], "big") >> 1


def _row(
    claim: Mapping[str, object],
    ground: "pd.Series[object]",
    group: gpd.GeoDataFrame,
    world: _World,
    overlapped: bool,
) -> dict[str, object]:
    aim = str(claim["aim"])
    indices, flags = _indices(aim, world.metrics)
    metrics, of_aim = of_land(world.metrics, str(claim["mine_id"]), aim)
    if not of_aim:
        flags.append(Reason.REFERENCE_OF_FORMER_LAND.key)
    world = replace(world, metrics=metrics)
    geometry = ground["geometry"]
    has_ground = geometry is not None and not geometry.is_empty
    ground_ha = area_ha(geometry) if has_ground else np.nan
    claimed_ha = float(claim["claimed_ha"])  # type: ignore[arg-type]
    share = claimed_ha / float(group["claimed_ha"].sum()) if len(group) > 1 else 1.0
    if has_ground and claimed_ha > 1.05 * ground_ha * share:
        flags.append(Reason.CLAIM_EXCEEDS_GROUND.key)
    barred = _barred(claim, has_ground, ground_ha, world)
    taken = barred == _NO_GROUND and _outline(claim, world) is not None
    if taken:
        barred = Verdict.NO_DATA, Reason.OVERLAPS_OTHER_CLAIM
    if overlapped or taken or bool(ground["overlaps"]):
        flags.append(Reason.OVERLAPS_OTHER_CLAIM.key)
    is_outside = has_ground and _lies_outside(geometry, _outline(claim, world))
    if is_outside:
        flags.append(Reason.OUTSIDE_MINE.key)
    if barred is None and world.grid is not None:
        task, found = _measured(claim, geometry, ground_ha, indices, group, world, world.grid)
        if is_outside and found.reason is Reason.OUTSIDE_IMAGERY:
            # looked for around its mine, where it is not
            where = Reason.OVERLAPS_OTHER_CLAIM if overlapped else Reason.OUTSIDE_MINE
            result = Judgement.without_number(Verdict.NO_DATA, where)
        else:
            result = judge(found, claimed_ha, share, overlapped)
        if world.evidence is not None and found.reason is not Reason.OUTSIDE_IMAGERY:
            world.evidence[str(claim["claim_id"])] = claim_evidence(
                found, task, world.metrics, world.grid,
                claimed_ha=claimed_ha, share=share, overlapped=overlapped,
            )  # fmt: skip
    else:
        found = Measurement(Reason.MEASURED)
        result = Judgement.without_number(*(barred or _NO_IMAGERY))
    status = result.status
    if status is ClaimStatus.MEASURED and len(group) > 1:
        status = ClaimStatus.SHARED_GROUND
    return {
        "claim_id": claim["claim_id"],
        "mine_id": claim["mine_id"],
        "county": "",
        "aim": claim["aim"],
        "year": claim["year"],
        "claimed_ha": claimed_ha,
        "ground_ha": ground_ha,
        "restored_ha": result.restored_ha,
        "restored_ha_low": result.low_ha,
        "restored_ha_high": result.high_ha,
        "verdict": result.verdict.key,
        "reason": result.reason.key,
        "status": status.key,
        "p_supported": result.p_supported,
        "p_not_supported": result.p_not_supported,
        "damage_year": found.damage_year,
        "recovered_year": found.recovered_year,
        "recovered_share": np.nan if found.draws is None else float(found.draws.share.mean()),
        "last_clear_year": found.last_clear_year,
        "n_pixels": found.n_pixels,
        "indices": "+".join(indices) if found.draws is not None else "",
        "flags": ";".join(dict.fromkeys([*flags, *result.flags])),
        "run_id": "",
    }


def _indices(aim: str, metrics: Mapping[str, xr.Dataset]) -> tuple[tuple[str, ...], list[str]]:
    """Indices that judge an aim here, and the flag where one is missing."""
    wanted = aim_indices(aim)
    if not wanted or not metrics:
        return (), []
    there = tuple(name for name in wanted if name in metrics)
    if there == wanted:
        return there, []
    return there or tuple(metrics)[:1], ["index_missing"]


def _barred(
    claim: Mapping[str, object], has_ground: bool, ground_ha: float, world: _World
) -> tuple[Verdict, Reason] | None:
    """Verdict of a claim that is not measured at all, or None."""
    mine = world.mines.get(str(claim["mine_id"]))
    if mine is None:
        return Verdict.NO_DATA, Reason.UNKNOWN_MINE
    if not aim_indices(str(claim["aim"])):
        return Verdict.CANNOT_BE_SEEN, Reason.AIM_NOT_VEGETATION
    if mine.get("mining_method") == MiningMethod.UNDERGROUND.key:
        return Verdict.CANNOT_BE_SEEN, Reason.UNDERGROUND
    if not has_ground:
        return _NO_GROUND
    if ground_ha < constant("min_ground_ha"):
        return Verdict.CANNOT_BE_SEEN, Reason.TOO_SMALL
    if world.grid is None or world.last_year is None:
        return _NO_IMAGERY
    if int(claim["year"]) > world.last_year:  # type: ignore[call-overload]
        return Verdict.TOO_EARLY, Reason.FUTURE_YEAR
    return None


def _outline(claim: Mapping[str, object], world: _World) -> shapely.Geometry | None:
    """Polygons of the claim's mine, EPSG:4326; None where it has none."""
    return world.outlines.get(str(claim["mine_id"]))


def _lies_outside(ground: shapely.Geometry, outline: shapely.Geometry | None) -> bool:
    """Whether most of a ground lies outside of the outline of its mine."""
    if outline is None:
        return False
    inside = shapely.area(shapely.intersection(ground, outline))
    return bool(inside < (1 - constant("outside_mine_share")) * shapely.area(ground))


def _measured(
    claim: Mapping[str, object],
    geometry: shapely.Geometry,
    ground_ha: float,
    indices: tuple[str, ...],
    group: gpd.GeoDataFrame,
    world: _World,
    grid: Grid,
) -> tuple[GroundTask, Measurement]:
    """Measurement of the claim's ground; one for all claims that share it."""
    name = "\N{NULL}".join(sorted(group["claim_id"]))
    start_year, year = int(group["start_year"].min()), int(claim["year"])  # type: ignore[call-overload]
    key = f"{name}|{year}|{indices}|{claim['aim']}"
    if key not in world.done:
        ground = gpd.GeoSeries([geometry], crs=4326).to_crs(grid.crs).iloc[0]
        near = world.tree.query(ground, predicate="dwithin", distance=_near(grid))
        task = GroundTask(
            ground,
            shapely.union_all(world.tree.geometries[np.sort(near)]),
            ground_ha,
            str(claim["mine_id"]),
            start_year,
            year,
            indices,
            claim_seed(world.seed, name),
        )
        world.done[key] = task, measure_ground(task, world.metrics, grid, world.fine)
    return world.done[key]


def _near(grid: Grid) -> float:
    """Distance within which other mines matter: five pixels, [CRS units]."""
    return 5 * grid.pixel


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Columns in the types of their fields; integers that may be missing are Int64."""
    kinds = {"text": "object", "integer": "Int64", "number": "float64"}
    for column in VERDICTS:
        values = table[column.name]
        if column.kind == "integer":
            values = pd.to_numeric(values).round()
        table[column.name] = values.astype(kinds[column.kind])
    return table
