"""Mined ground that came back without recorded work, and since when."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.codes import (
    Aim,
    ClaimStatus,
    MiningMethod,
    NaturalGround,
    NaturalState,
    Reason,
)
from reverdure.core.fields import NATURAL_RECOVERY
from reverdure.core.grid import Grid, grid_of
from reverdure.ground.areas import area_ha, to_crs
from reverdure.recovery.calibration import interval
from reverdure.recovery.constants import aim_indices, constant
from reverdure.recovery.grounds import DEGREES, ClaimedGround, Grounds
from reverdure.recovery.measure import GroundTask, Measurement, measure_ground
from reverdure.recovery.verdicts import NEAR_PIXELS, claim_seed

_SLIVER_M = 15.0
_SLIVER_HA = 0.05
_QUANTILES = np.linspace(0.0, 1.0, 401)


def natural_recovery(
    grounds: Grounds,
    mine_id: str,
    metrics: Mapping[str, xr.Dataset],
    seed: int = 0,
    *,
    evidence: Mapping[str, xr.Dataset],
) -> list[dict[str, object]]:
    """Measure what came back by itself: ground without claim, and claims on such ground.

    Parameters
    ----------
    grounds : Grounds
        Of all mines and claims near, in the CRS of the metrics.
    mine_id : str
        Mine to look at.
    metrics : mapping of index id to Dataset
        Results of `recovery_metrics` on one grid; empty without imagery.
    seed : int, default 0
        Draws depend on (seed, mine_id) alone.
    evidence : mapping of claim id to Dataset
        As `verdicts(..., evidence=...)` fills it: ground of claims is not measured twice.

    Returns
    -------
    list of dict
        Rows of `core.fields.NATURAL_RECOVERY` (county and run_id ""), by ground_id: the
        ground nobody claims (none where all is claimed); each measured claim whose aim is
        natural recovery; and of other claims the zones that had recovered two years before
        the claimed start, where they are more than a twentieth of the claim.

    Notes
    -----
    Recovered is measured as restored is: the same zones, bounds and interval, judged by
    greenness. The state is recovered where P(recovered >= 0.8 ground) >= 0.9, not
    recovered where P(recovered < 0.2 ground) >= 0.9, partly recovered between both with
    that certainty. `since` is the first year in which the recovered zones stood at 0.8;
    of ground green before a claim it is left empty where that year is not before it.

    Examples
    --------
    >>> import geopandas, numpy as np, shapely, xarray as xr
    >>> import reverdure as rv
    >>> grid = Grid("EPSG:32650", 500000, 3000000, 30, 60, 60)
    >>> series = [0.8] * 5 + [0.2] * 4 + [0.4, 0.5, 0.6, 0.7] + [0.8] * 5
    >>> values = np.full((18, 60, 60), 0.8, np.float32)
    >>> values[:, 28:34, 28:34] = np.array(series)[:, None, None]
    >>> ndvi = xr.DataArray(values, {"year": np.arange(2000, 2018), **grid.coordinates()},
    ...                     dims=("year", "y", "x"))
    >>> pit = shapely.box(500840, 2998980, 501020, 2999160)
    >>> mines = geopandas.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=32650)
    >>> none = geopandas.GeoDataFrame({"claim_id": [], "mine_id": [], "year": [],
    ...                                "claimed_ha": []}, geometry=[], crs=4326)
    >>> segments = rv.segment(ndvi)
    >>> found = rv.reference(ndvi, segments, mines)
    >>> metrics = rv.recovery_metrics(ndvi, segments, reference=found)
    >>> grounds = Grounds.of(mines, none, grid.crs)
    >>> row = natural_recovery(grounds, "M1", {"ndvi": metrics}, evidence={})[0]
    >>> row["state"], 2009 < row["since"] < 2014
    ('recovered', True)
    """
    found = _on_claims(grounds.claims.get(mine_id, ()), evidence)
    rest, is_claimed = grounds.unclaimed(mine_id)
    if not (is_claimed and _is_sliver(rest)):
        found.append(_of_mine(grounds, mine_id, rest, metrics, seed))
    return sorted((one.row() for one in found), key=lambda row: str(row["ground_id"]))


@dataclass(frozen=True, slots=True)
class _Ground:
    """One ground with what was found on it; `draws_ha` None where nothing was measured."""

    mine_id: str
    claim_id: str
    kind: NaturalGround
    ground_ha: float
    reason: Reason
    draws_ha: NDArray[np.float64] | None = None
    since: float = np.nan
    damage_year: float = np.nan
    last_clear_year: float = np.nan
    n_pixels: float = np.nan

    def row(self) -> dict[str, object]:
        """As a row of NATURAL_RECOVERY."""
        recovered, low, high, state = self._area()
        reason = self.reason
        if reason is Reason.MEASURED and state is NaturalState.UNDECIDED:
            reason = Reason.INTERVAL_TOO_WIDE
        status = ClaimStatus.MEASURED
        if self.draws_ha is None:
            is_never = self.reason is Reason.NEVER_DAMAGED
            status = ClaimStatus.SET_BY_RULE if is_never else ClaimStatus.NOT_MEASURED
        return NATURAL_RECOVERY.row({
            "ground_id": f"{self.claim_id or self.mine_id}:{self.kind.key}",
            "mine_id": self.mine_id,
            "claim_id": self.claim_id,
            "county": "",
            "ground": self.kind.key,
            "ground_ha": self.ground_ha,
            "recovered_ha": recovered,
            "recovered_ha_low": low,
            "recovered_ha_high": high,
            "recovered_share": recovered / self.ground_ha if self.ground_ha > 0 else np.nan,
            "since": self.since if recovered > 0 else np.nan,
            "damage_year": self.damage_year,
            "state": state.key,
            "status": status.key,
            "reason": reason.key,
            "last_clear_year": self.last_clear_year,
            "n_pixels": self.n_pixels,
            "run_id": "",
        })  # fmt: skip

    def _area(self) -> tuple[float, float, float, NaturalState]:
        """Recovered hectares, their interval, and what they come to."""
        if self.draws_ha is None:
            if self.reason is Reason.NEVER_DAMAGED:
                return 0.0, 0.0, 0.0, NaturalState.NEVER_DAMAGED
            return np.nan, np.nan, np.nan, NaturalState.NOT_MEASURED
        low, high = interval(self.draws_ha, self.n_pixels, self.ground_ha, self.ground_ha)
        return float(self.draws_ha.mean()), low, high, self._state(self.draws_ha)

    def _state(self, draws_ha: NDArray[np.float64]) -> NaturalState:
        certainty = constant("certainty")
        # an area that equals the bound must not miss it by rounding
        enough = draws_ha >= (constant("supported_share") - 1e-9) * self.ground_ha
        little = draws_ha < constant("not_supported_share") * self.ground_ha
        if enough.mean() >= certainty:
            return NaturalState.RECOVERED
        if little.mean() >= certainty:
            return NaturalState.NOT_RECOVERED
        if (~enough).mean() >= certainty and (~little).mean() >= certainty:
            return NaturalState.PARTLY_RECOVERED
        return NaturalState.UNDECIDED


def _on_claims(
    claims: tuple[ClaimedGround, ...], evidence: Mapping[str, xr.Dataset]
) -> list[_Ground]:
    """Claims on ground that came back by itself, out of what was measured for them."""
    found = []
    for claim in claims:
        seen = evidence.get(claim.claim_id)
        if seen is None or "all_ha" not in seen:
            continue
        is_aim = claim.aim == Aim.NATURAL_RECOVERY.key
        known = seen["all_ha" if is_aim else "green_ha"]
        drawn = np.interp(_QUANTILES, known["quantile"].values, known.values)
        if is_aim or drawn.mean() > 0.05 * claim.claimed_ha:
            found.append(_of_claim(claim, seen, drawn, is_aim=is_aim))
    return found


def _of_claim(
    claim: ClaimedGround, seen: xr.Dataset, drawn: NDArray[np.float64], *, is_aim: bool
) -> _Ground:
    known = seen.attrs
    since = _number(known["recovered_year"])
    if not is_aim and since > claim.start_year - 2:
        since = np.nan  # what was restored since moved the year
    return _Ground(
        claim.mine_id,
        claim.claim_id,
        NaturalGround.NATURAL_AIM if is_aim else NaturalGround.BEFORE_CLAIM,
        _number(known["ground_ha"]),
        _told(known["lost_again"], known["before_record"]),
        drawn,
        since,
        _number(known["damage_year"]),
        _number(known["last_clear_year"]),
        _number(known["n_pixels"]),
    )


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _told(lost_again: bool, before_record: bool) -> Reason:
    """The first reason that applies to a ground with a number."""
    if lost_again:
        return Reason.LOST_AGAIN
    return Reason.DAMAGE_BEFORE_RECORD if before_record else Reason.MEASURED


def _is_sliver(rest: shapely.Geometry) -> bool:
    """Whether what claims leave of a mine is drawing accuracy."""
    if rest.is_empty or area_ha(rest) < _SLIVER_HA:
        return True
    # in degrees of latitude, of which one of longitude is never longer
    return bool(shapely.buffer(rest, -_SLIVER_M / 2 / 111_320, quad_segs=2).is_empty)


def _of_mine(
    grounds: Grounds,
    mine_id: str,
    rest: shapely.Geometry,
    metrics: Mapping[str, xr.Dataset],
    seed: int,
) -> _Ground:
    """Ground of a mine that nobody claims."""
    ground_ha = np.nan if rest.is_empty else area_ha(rest)
    reason = _barred(grounds.methods[mine_id], rest, ground_ha)
    if reason is not None or not metrics:
        why = reason or Reason.OUTSIDE_IMAGERY
        return _Ground(mine_id, "", NaturalGround.UNCLAIMED, ground_ha, why)
    grid = grid_of(next(iter(metrics.values())))
    found = _measured(grounds, mine_id, rest, ground_ha, metrics, grid, seed)
    draws = found.draws
    told = _told(found.lost_again, found.before_record) if draws is not None else found.reason
    return _Ground(
        mine_id,
        "",
        NaturalGround.UNCLAIMED,
        ground_ha,
        told,
        None if draws is None else draws.restored_ha,
        found.recovered_year,
        found.damage_year,
        found.last_clear_year,
        found.n_pixels,
    )


def _barred(method: object, rest: shapely.Geometry, ground_ha: float) -> Reason | None:
    if rest.is_empty:
        return Reason.NO_OUTLINE
    if method == MiningMethod.UNDERGROUND.key:
        return Reason.UNDERGROUND
    return Reason.TOO_SMALL if ground_ha < constant("min_ground_ha") else None


def _measured(
    grounds: Grounds,
    mine_id: str,
    rest: shapely.Geometry,
    ground_ha: float,
    metrics: Mapping[str, xr.Dataset],
    grid: Grid,
    seed: int,
) -> Measurement:
    indices = tuple(n for n in aim_indices(Aim.NATURAL_RECOVERY.key) if n in metrics)
    years = next(iter(metrics.values()))["year"].values
    ground = to_crs(rest, DEGREES, grid.crs)
    task = GroundTask(
        ground,
        grounds.mined_near(ground, NEAR_PIXELS * grid.pixel),
        ground_ha,
        mine_id,
        # no work is claimed: nothing was green before it, and every year counts
        int(years[0]),
        int(years[-1]) + 1,
        indices or tuple(metrics)[:1],
        claim_seed(seed, f"natural\N{NULL}{mine_id}"),
    )
    return measure_ground(task, metrics, grid)
