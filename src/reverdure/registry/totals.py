"""Sums for a programme: by county and as a whole, ground counted once, with intervals.

**Ground counted once.** Outlines that overlap: common ground belongs to the mine first by
id, so the counties add up to the whole. Grounds of claims that overlap form clusters; each
restored area in a cluster is scaled by the area of the cluster's union over the sum of its
grounds. Claims that share one ground already (status `shared_ground`) count as one ground.

**Intervals.** Claims of one mine rest on one reference and one course of years: their errors
are taken as fully correlated, and their half-widths add. Different mines are taken as
independent: the half-widths of mines add in quadrature. Errors common to a whole county
(a wet year, one sensor) are not in it, so the interval of a large sum is rather too narrow
than too wide.
"""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from reverdure.core.codes import ClaimStatus, Verdict
from reverdure.core.fields import TOTALS
from reverdure.registry.counties import county_of
from reverdure.registry.geometry_checks import overlapping_pairs, surface_ha

JUDGED = (
    Verdict.SUPPORTED,
    Verdict.PARTLY_SUPPORTED,
    Verdict.NOT_SUPPORTED,
    Verdict.UNDECIDED,
)
"""All other verdicts (too early, cannot be seen, no reference, no data), and claims without
one, are `not_judged`."""
WHOLE = ""


def totals(
    mines: gpd.GeoDataFrame,
    claims: gpd.GeoDataFrame,
    verdicts: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame | None,
) -> pd.DataFrame:
    """Totals of a programme, one row for the whole (county "") and one per county.

    Parameters
    ----------
    mines : GeoDataFrame
        Columns of `core.fields.MINES`.
    claims : GeoDataFrame
        Columns of `core.fields.CLAIMS`.
    verdicts : GeoDataFrame
        Columns of `core.fields.VERDICTS`; geometry is the ground judged.
    counties : GeoDataFrame or None
        As `read_counties` gives them.

    Returns
    -------
    DataFrame
        Columns of `core.fields.TOTALS`, the whole first, then counties by name. Counts and
        areas of every county add up to the whole; so do the estimates of restored area,
        not their bounds.
    """
    county = county_of(mines, counties)
    by_mine = pd.DataFrame(
        {
            "county": county.to_numpy(),
            "has_outline": ~mines.geometry.isna().to_numpy(),
            "net_ha": net_areas(mines),
        }
    )
    by_claim = _claims(claims, verdicts, county)
    names = sorted(set(by_mine["county"]) | set(by_claim["county"]))
    runs = sorted(set(verdicts["run_id"])) if "run_id" in verdicts else []
    rows = [_row(WHOLE, by_mine, by_claim)]
    rows += [
        _row(name, by_mine[by_mine["county"] == name], by_claim[by_claim["county"] == name])
        for name in names
    ]
    table = pd.DataFrame(rows).assign(run_id=runs[0] if len(runs) == 1 else "")
    return table[TOTALS.columns]


def _claims(
    claims: gpd.GeoDataFrame, verdicts: gpd.GeoDataFrame, county: pd.Series
) -> pd.DataFrame:
    """Each claim with its county, verdict and restored area, common ground counted once."""
    judged = pd.DataFrame(
        verdicts[["claim_id", "verdict", "restored_ha", "restored_ha_low", "restored_ha_high"]]
    )
    weight = ground_once(verdicts)
    for name in ("restored_ha", "restored_ha_low", "restored_ha_high"):
        judged[name] = judged[name].astype(float) * weight
    table = pd.DataFrame(claims[["claim_id", "mine_id", "claimed_ha"]]).merge(
        judged, on="claim_id", how="left", validate="one_to_one"
    )
    table["county"] = table["mine_id"].map(county).fillna("unknown")
    known = {verdict.key for verdict in JUDGED}
    table["kind"] = table["verdict"].where(table["verdict"].isin(known), "not_judged")
    return table


def _row(name: str, mines: pd.DataFrame, claims: pd.DataFrame) -> dict[str, object]:
    """One row of totals."""
    restored, low, high = _restored(claims)
    row: dict[str, object] = {
        "county": name,
        "mines": len(mines),
        "mines_without_outline": int((~mines["has_outline"]).sum()),
        "mine_area_ha": math.fsum(mines["net_ha"]),
        "claims": len(claims),
        "claimed_ha": math.fsum(claims["claimed_ha"]),
        "restored_ha": restored,
        "restored_ha_low": low,
        "restored_ha_high": high,
    }
    for kind in (*(verdict.key for verdict in JUDGED), "not_judged"):
        chosen = claims[claims["kind"] == kind]
        row[f"{kind}_claims"] = len(chosen)
        row[f"{kind}_claimed_ha"] = math.fsum(chosen["claimed_ha"])
    return row


def _restored(claims: pd.DataFrame) -> tuple[float, float, float]:
    """Restored area of measured claims and its bounds; 0 where nothing was measured."""
    measured = claims[claims["restored_ha"].notna()]
    total = math.fsum(measured["restored_ha"])
    below = (measured["restored_ha"] - measured["restored_ha_low"]).groupby(measured["mine_id"])
    above = (measured["restored_ha_high"] - measured["restored_ha"]).groupby(measured["mine_id"])
    # hypot of the mines' half-widths, each the sum over its claims
    return (
        total,
        max(0.0, total - math.hypot(*below.sum())),
        total + math.hypot(*above.sum()),
    )


def net_areas(mines: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Area of each mine without the ground of mines before it by id, [ha]."""
    net = surface_ha(np.array(mines.geometry, dtype=object))
    for row, area_ha in net_of_overlapping(mines).items():
        net[row] = area_ha
    return net


def net_of_overlapping(mines: gpd.GeoDataFrame) -> dict[int, float]:
    """Of mines that lie partly on mines before them by id, position and area without, [ha]."""
    outlines = np.array(mines.geometry, dtype=object)
    rank = np.empty(len(mines), dtype=int)
    rank[np.argsort(mines["mine_id"].to_numpy(dtype=str), kind="stable")] = np.arange(len(mines))
    pairs, _ = overlapping_pairs(outlines)
    later = np.where(rank[pairs[:, 0]] > rank[pairs[:, 1]], pairs[:, 0], pairs[:, 1])
    earlier = pairs.sum(axis=1) - later
    net = {}
    for row in np.unique(later):
        taken = shapely.union_all(outlines[earlier[later == row]])
        rest = np.array([outlines[row].difference(taken)], dtype=object)
        net[int(row)] = float(surface_ha(rest)[0])
    return net


def ground_once(verdicts: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Factor of each claim: union of its cluster of overlapping grounds over their sum."""
    weight = np.ones(len(verdicts))
    measured = np.flatnonzero(
        verdicts["restored_ha"].notna().to_numpy() & ~verdicts.geometry.isna().to_numpy()
    )
    ground = _ground_ids(verdicts).iloc[measured].to_numpy()
    _, first, member = np.unique(ground, return_index=True, return_inverse=True)
    shapes = np.array(verdicts.geometry, dtype=object)[measured[first]]
    pairs, _ = overlapping_pairs(shapes)
    ones = np.ones(len(pairs))
    links = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(shapes), len(shapes)))
    _, cluster = connected_components(links, directed=False)
    for number in np.unique(cluster[pairs[:, 0]]):
        inside = cluster == number
        union = np.array([shapely.union_all(shapes[inside])], dtype=object)
        weight[measured[inside[member]]] = surface_ha(union)[0] / surface_ha(shapes[inside]).sum()
    return weight


def _ground_ids(verdicts: gpd.GeoDataFrame) -> pd.Series:
    """One name per ground: the mine for claims that share its ground, else the claim."""
    shared = verdicts["status"] == ClaimStatus.SHARED_GROUND.key
    return ("claim " + verdicts["claim_id"]).where(~shared, "mine " + verdicts["mine_id"])
