"""The ground that a field sample is drawn from: measured claims, each spot once, in cells."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from reverdure.core.codes import ClaimStatus
from reverdure.ground.areas import area_ha, polygons_of, to_crs

_LEAST_HA = 1e-6
_SIDES = ("west", "south", "east", "north")


@dataclass(frozen=True, slots=True)
class Frame:
    """Ground in pieces.

    Attributes
    ----------
    pieces : DataFrame
        claim_id, verdict, county, p_restored, area_ha [ha], and the box of each piece
        (west, south, east, north) in the CRS of its ground.
    grounds : mapping
        Ground of each claim, without what an earlier claim holds.
    crs : mapping
        CRS of each ground.
    holder : mapping
        Each measured claim to the claim that holds its ground: another one only where
        claims share the outline of their mine.
    left_out : DataFrame
        claim_id, ground_ha: claims without a measured number.
    """

    pieces: pd.DataFrame
    grounds: Mapping[str, shapely.Geometry]
    crs: Mapping[str, str]
    holder: Mapping[str, str]
    left_out: pd.DataFrame


def sampling_frame(
    verdicts: gpd.GeoDataFrame, cells_of: Callable[[str, str], xr.Dataset | None]
) -> Frame:
    """Ground of all claims with a measured number, each spot counted once.

    Parameters
    ----------
    verdicts : GeoDataFrame
        Columns of `core.fields.VERDICTS`; geometry is the ground, EPSG:4326.
    cells_of : callable
        Mine and claim id to its evidence (`recovery.evidence.claim_evidence`), None where
        none was kept: then the ground is one piece with the claim's restored share.

    Notes
    -----
    Ground under several claims belongs to the one completed first, then first by id.
    Claims that share the outline of their mine are one ground, under the first of them.
    """
    measured = verdicts[verdicts["restored_ha"].notna() & verdicts.geometry.notna()]
    left_out = verdicts[~verdicts.index.isin(measured.index)]
    ordered = measured.sort_values(["year", "claim_id"], kind="stable")
    is_shared = ordered["status"] == ClaimStatus.SHARED_GROUND.key
    name = ("mine " + ordered["mine_id"]).where(is_shared, "claim " + ordered["claim_id"])
    whole_ha = ordered.groupby(name)["restored_ha"].transform("sum")
    holders = ordered.groupby(name)["claim_id"].transform("first")
    first = ordered.assign(all_restored_ha=whole_ha)[~name.duplicated()]
    grounds, crs, pieces = {}, {}, []
    for row, net in zip(first.to_dict("records"), _once(first.geometry), strict=True):
        if net.is_empty:
            continue
        claim_id = str(row["claim_id"])
        cells = cells_of(str(row["mine_id"]), claim_id)
        known = cells is not None and "zone_restored" in cells
        crs[claim_id] = str(cells.attrs["crs"]) if known and cells is not None else "EPSG:4326"
        grounds[claim_id] = to_crs(net, "EPSG:4326", crs[claim_id])
        if known and cells is not None:
            full = to_crs(row["geometry"], "EPSG:4326", crs[claim_id])
            part = _cell_pieces(cells, grounds[claim_id], full)
        else:
            part = _one_piece(row, net)
        pieces.append(part.assign(claim_id=claim_id, verdict=row["verdict"], county=row["county"]))
    columns = ["claim_id", "verdict", "county", "p_restored", "area_ha", *_SIDES]
    table = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)
    table = table[table["area_ha"] > _LEAST_HA] if len(table) else table
    return Frame(
        table[columns].reset_index(drop=True),
        grounds,
        crs,
        dict(zip(ordered["claim_id"], holders, strict=True)),
        pd.DataFrame(left_out[["claim_id", "ground_ha"]]).reset_index(drop=True),
    )


def _once(grounds: Iterable[shapely.Geometry]) -> list[shapely.Geometry]:
    """Each ground without those before it."""
    shapes = np.array(list(grounds), dtype=object)
    net = shapes.copy()
    if not shapes.size:
        return []
    for later, earlier in zip(*shapely.STRtree(shapes).query(shapes, "intersects"), strict=True):
        if earlier < later:
            net[later] = polygons_of(shapely.difference(net[later], shapes[earlier]))
    return list(net)


def _cell_pieces(cells: xr.Dataset, net: shapely.Geometry, full: shapely.Geometry) -> pd.DataFrame:
    hectares = cells["cell_ha"].values.astype(float)
    row, column = np.nonzero(hectares > _LEAST_HA)
    half = _side(cells) / 2
    x, y = cells["cell_x"].values[column], cells["cell_y"].values[row]
    area = hectares[row, column]
    if shapely.area(net) < shapely.area(full) * (1 - 1e-9):
        boxes = shapely.box(x - half, y - half, x + half, y + half)
        before = shapely.area(shapely.intersection(boxes, full))
        after = shapely.area(shapely.intersection(boxes, net))
        area = area * np.divide(after, before, out=np.zeros_like(area), where=before > 0)
    p = np.nan_to_num(cells["zone_restored"].values.astype(float)[row, column], nan=0.0)
    sides = dict(zip(_SIDES, (x - half, y - half, x + half, y + half), strict=True))
    return pd.DataFrame({"p_restored": np.clip(p, 0, 1), "area_ha": area, **sides})


def _side(cells: xr.Dataset) -> float:
    """Side of a cell in CRS units; of a single one, that of its pixel."""
    for name in ("cell_x", "cell_y"):
        if cells.sizes[name] > 1:
            values = cells[name].values
            return float(abs(values[-1] - values[0]) / (values.size - 1))
    return float(cells.attrs["pixel"])


def _one_piece(row: Mapping[str, Any], net: shapely.Geometry) -> pd.DataFrame:
    share = float(row["all_restored_ha"]) / max(float(row["ground_ha"]), 1e-12)
    sides = dict(zip(_SIDES, ([side] for side in net.bounds), strict=True))
    return pd.DataFrame(
        {"p_restored": [min(max(share, 0.0), 1.0)], "area_ha": [area_ha(net)], **sides}
    )
