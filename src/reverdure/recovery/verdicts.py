"""The verdict on each claim, with its interval and the reason."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr

from reverdure.core.codes import ClaimStatus, MiningMethod, Reason, Verdict
from reverdure.core.errors import GridMismatch
from reverdure.core.fields import VERDICTS
from reverdure.core.grid import Grid, grid_of
from reverdure.ground.areas import area_ha
from reverdure.recovery.constants import aim_indices, constant
from reverdure.recovery.evidence import claim_evidence
from reverdure.recovery.grounds import DEGREES, ClaimedGround, Grounds
from reverdure.recovery.judge import Judgement, judge
from reverdure.recovery.lands import of_land
from reverdure.recovery.measure import GroundTask, Measurement, measure_ground

# other mines matter within this many pixels of a ground
NEAR_PIXELS = 5
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
        If a claim id stands twice, or a claim has no year or no claimed_ha.

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
    grid = _grid(metrics)
    grounds = Grounds.of(mines, claims, DEGREES if grid is None else grid.crs)
    stated = sorted(grounds.all_claims(), key=lambda claim: claim.claim_id)
    rows = {
        row["claim_id"]: row
        for mine_id in grounds.claims
        for row in judge_mine(grounds, mine_id, metrics, seed, fine=fine, evidence=evidence)
    }
    table = VERDICTS.frame([rows[claim.claim_id] for claim in stated])
    return gpd.GeoDataFrame(table, geometry=[claim.shape for claim in stated], crs=DEGREES)


def judge_mine(
    grounds: Grounds,
    mine_id: str,
    metrics: Mapping[str, xr.Dataset],
    seed: int = 0,
    *,
    fine: Mapping[str, xr.DataArray] | None = None,
    evidence: dict[str, xr.Dataset] | None = None,
) -> list[dict[str, object]]:
    """Judge the claims of one mine: rows of `core.fields.VERDICTS`, by claim id.

    Parameters
    ----------
    grounds : Grounds
        Of all mines and claims near, in the CRS of the metrics.
    mine_id : str
    metrics, seed, fine, evidence
        As for `verdicts`.

    Raises
    ------
    GridMismatch
        If the metrics differ in grid or years.
    """
    claims = grounds.claims.get(mine_id, ())
    if not claims:
        return []
    grid = _grid(metrics)
    last_year = None if grid is None else int(next(iter(metrics.values()))["year"].values[-1])
    world = _World(metrics, grid, grounds, last_year, seed, evidence, fine or {})
    return [_row(claim, world) for claim in claims]


@dataclass(frozen=True, slots=True)
class _World:
    """What the claims of a mine are judged against."""

    metrics: Mapping[str, xr.Dataset]
    grid: Grid | None
    grounds: Grounds
    last_year: int | None
    seed: int
    evidence: dict[str, xr.Dataset] | None
    fine: Mapping[str, xr.DataArray]
    done: dict[object, tuple[GroundTask, Measurement]] = field(default_factory=dict)


def _grid(metrics: Mapping[str, xr.Dataset]) -> Grid | None:
    """The one grid of all metrics; None where there is no imagery."""
    grids = {name: (grid_of(one), tuple(one["year"].values)) for name, one in metrics.items()}
    if len(set(grids.values())) > 1:
        raise GridMismatch(f"metrics {list(grids)} differ in grid or years.")
    return next(iter(grids.values()))[0] if grids else None


def claim_seed(seed: int, name: str) -> int:
    """Seed of the draws of one claim, below 2**31.

    Examples
    --------
    >>> claim_seed(0, "C1") == claim_seed(0, "C1") != claim_seed(1, "C1")
    True
    """
    text = hashlib.sha256(f"{seed}\N{NULL}{name}".encode()).digest()
    return int.from_bytes(text[:4], "big") >> 1


def _row(claim: ClaimedGround, world: _World) -> dict[str, object]:
    indices, flags = _indices(claim.aim, world.metrics)
    metrics, of_aim = of_land(world.metrics, claim.mine_id, claim.aim)
    if not of_aim:
        flags.append(Reason.REFERENCE_OF_FORMER_LAND.key)
    world = replace(world, metrics=metrics)
    ground_ha = np.nan if claim.shape is None else area_ha(claim.shape)
    if claim.shape is not None and claim.claimed_ha > 1.05 * ground_ha * claim.share:
        flags.append(Reason.CLAIM_EXCEEDS_GROUND.key)
    outline = world.grounds.outlines.get(claim.mine_id)
    barred = _barred(claim, ground_ha, world)
    taken = barred == _NO_GROUND and outline is not None
    if taken:
        barred = Verdict.NO_DATA, Reason.OVERLAPS_OTHER_CLAIM
    if claim.overlapped or taken or claim.overlaps:
        flags.append(Reason.OVERLAPS_OTHER_CLAIM.key)
    is_outside = _lies_outside(claim.shape, outline)
    if is_outside:
        flags.append(Reason.OUTSIDE_MINE.key)
    if barred is None and world.grid is not None:
        task, found = _measured(claim, ground_ha, indices, world, world.grid)
        if is_outside and found.reason is Reason.OUTSIDE_IMAGERY:
            # looked for around its mine, where it is not
            where = Reason.OVERLAPS_OTHER_CLAIM if claim.overlapped else Reason.OUTSIDE_MINE
            result = Judgement.without_number(Verdict.NO_DATA, where)
        else:
            result = judge(found, claim.claimed_ha, claim.share, claim.overlapped)
        if world.evidence is not None and found.reason is not Reason.OUTSIDE_IMAGERY:
            world.evidence[claim.claim_id] = claim_evidence(
                found, task, world.metrics, world.grid,
                claimed_ha=claim.claimed_ha, share=claim.share, overlapped=claim.overlapped,
            )  # fmt: skip
    else:
        found = Measurement(Reason.MEASURED)
        result = Judgement.without_number(*(barred or _NO_IMAGERY))
    status = result.status
    if status is ClaimStatus.MEASURED and claim.n_sharing > 1:
        status = ClaimStatus.SHARED_GROUND
    return VERDICTS.row(
        {
            "claim_id": claim.claim_id,
            "mine_id": claim.mine_id,
            "county": "",
            "aim": claim.aim,
            "year": claim.year,
            "claimed_ha": claim.claimed_ha,
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
            "recovered_share": np.nan if found.draws is None else found.draws.share.mean(),
            "last_clear_year": found.last_clear_year,
            "n_pixels": found.n_pixels,
            "indices": "+".join(indices) if found.draws is not None else "",
            "flags": ";".join(dict.fromkeys([*flags, *result.flags])),
            "run_id": "",
        }
    )


def _indices(aim: str, metrics: Mapping[str, xr.Dataset]) -> tuple[tuple[str, ...], list[str]]:
    """Indices that judge an aim here, and the flag where one is missing."""
    wanted = aim_indices(aim)
    if not wanted or not metrics:
        return (), []
    there = tuple(name for name in wanted if name in metrics)
    if there == wanted:
        return there, []
    return there or tuple(metrics)[:1], ["index_missing"]


def _barred(claim: ClaimedGround, ground_ha: float, world: _World) -> tuple[Verdict, Reason] | None:
    """Verdict of a claim that is not measured at all, or None."""
    if claim.mine_id not in world.grounds.methods:
        return Verdict.NO_DATA, Reason.UNKNOWN_MINE
    if not aim_indices(claim.aim):
        return Verdict.CANNOT_BE_SEEN, Reason.AIM_NOT_VEGETATION
    if world.grounds.methods[claim.mine_id] == MiningMethod.UNDERGROUND.key:
        return Verdict.CANNOT_BE_SEEN, Reason.UNDERGROUND
    if claim.shape is None:
        return _NO_GROUND
    if ground_ha < constant("min_ground_ha"):
        return Verdict.CANNOT_BE_SEEN, Reason.TOO_SMALL
    if world.last_year is None:
        return _NO_IMAGERY
    if claim.year > world.last_year:
        return Verdict.TOO_EARLY, Reason.FUTURE_YEAR
    return None


def _lies_outside(ground: shapely.Geometry | None, outline: shapely.Geometry | None) -> bool:
    """Whether most of a ground lies outside of the outline of its mine."""
    if ground is None or outline is None:
        return False
    inside = shapely.area(shapely.intersection(ground, outline))
    return bool(inside < (1 - constant("outside_mine_share")) * shapely.area(ground))


def _measured(
    claim: ClaimedGround, ground_ha: float, indices: tuple[str, ...], world: _World, grid: Grid
) -> tuple[GroundTask, Measurement]:
    """Measurement of the claim's ground; one for all claims that share it."""
    key = claim.name, claim.year, indices, claim.aim
    if key not in world.done:
        task = GroundTask(
            claim.placed,
            world.grounds.mined_near(claim.placed, NEAR_PIXELS * grid.pixel),
            ground_ha,
            claim.mine_id,
            claim.first_start_year,
            claim.year,
            indices,
            claim_seed(world.seed, claim.name),
        )
        world.done[key] = task, measure_ground(task, world.metrics, grid, world.fine)
    return world.done[key]
