"""Tables of the ecological index: each mine against its surroundings, each year's loadings."""

import shutil
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from reverdure.core.codes import RseiPixel, RseiStatus
from reverdure.core.fields import RSEI, RSEI_YEARS, Table
from reverdure.core.files import atomic
from reverdure.core.grid import Grid
from reverdure.ground.areas import polygons_of
from reverdure.ground.coverage import coverage
from reverdure.pipeline.lattice import Tile, tile_name
from reverdure.pipeline.rsei import Land, RseiResult
from reverdure.pipeline.run_plan import MineSource, Plan
from reverdure.pipeline.tiles import overlap
from reverdure.publish.sheets import as_text_cell
from reverdure.recovery.constants import constant
from reverdure.recovery.rsei_fit import rsei_constant
from reverdure.recovery.rsei_picture import COMPONENTS
from reverdure.store.cubes import read_tile
from reverdure.store.workspace import Workspace

_DTYPES = {"text": "object", "integer": "Int64", "number": "float64"}
_DECIMALS = 6
_TILES_KEPT = 256

Layers = tuple[NDArray[np.float32], NDArray[np.uint8]]


def year_table(result: RseiResult) -> pd.DataFrame:
    """Loadings and explained share, of the basis and of every year by itself."""
    fit, own = result.basis.fit, result.own
    sensors = sorted({one for of_year in result.sensors.values() for one in of_year.split("+")})
    rows = [
        {
            "status": fit.loadings.status.key,
            "reference_level": fit.level if fit.is_given else None,
            "sensors": "+".join(filter(None, sensors)),
            **dict(zip(COMPONENTS, fit.loadings.values, strict=True)),
            "share": fit.loadings.share,
            "own_status": fit.loadings.status.key,
            "n_pixels": fit.loadings.n_pixels,
        }
    ]  # fmt: skip
    for year in sorted(own):
        rows.append(
            {
                "year": year,
                "status": year_status(result, year).key,
                "sensors": result.sensors[year],
                "reference_k": result.basis.reference_k.get(year),
                "reference_level": fit.levels.get(year),
                **dict(zip(COMPONENTS, own[year].values, strict=True)),
                "share": own[year].share,
                "own_status": own[year].status.key,
                "n_pixels": own[year].n_pixels,
            }
        )
    frame = _frame([row | {"fit": fit.digest} for row in rows], RSEI_YEARS)
    nothing = frame["n_pixels"].fillna(0) == 0
    frame.loc[nothing, list(COMPONENTS)] = np.nan
    return frame


def year_status(result: RseiResult, year: int) -> RseiStatus:
    """Why a year has no index; MEASURED where it has."""
    of_year = result.basis.statuses.get(year, RseiStatus.NO_DATA)
    return result.basis.fit.loadings.status if of_year is RseiStatus.MEASURED else of_year


def mine_table(result: RseiResult, plan: Plan, land: Land) -> pd.DataFrame:
    """Mean index of every mine and year, and of the land around it."""
    years = sorted(result.own)
    shapes = dict(zip(land.outlines["mine_id"], land.outlines.geometry, strict=True))
    rows: list[dict[str, Any]] = []

    @lru_cache(maxsize=_TILES_KEPT)
    def read(path: Path) -> Layers:
        arrays, _ = read_tile(path)
        return arrays["rsei"], arrays["status"].astype(np.uint8)

    # mines of one tile follow each other, so that each tile is read about once
    for mine_id in sorted(plan.selected, key=lambda one: (plan.measured[one].tiles[:1], one)):
        source, shape = plan.measured[mine_id], shapes[mine_id]
        if source.grid is None or shape is None or shape.is_empty:
            has_outline = shape is not None and not shape.is_empty
            status = RseiStatus.NO_DATA if has_outline else RseiStatus.NO_OUTLINE
            rows.append({"mine_id": mine_id, "status": status.key})
            continue
        weights, around = _ground(shape, source.grid, land)
        for year in years:
            status = year_status(result, year)
            row = {"mine_id": mine_id, "year": year, "status": status.key}
            if status is RseiStatus.MEASURED:
                layers = _window(plan, source, year, result.paths, read)
                row |= _means(layers, weights, around)
            rows.append(row)
    digest = result.basis.fit.digest
    frame = _frame([row | {"fit": digest} for row in rows], RSEI)
    return frame.sort_values(["mine_id", "year"], ignore_index=True)


def _ground(
    shape: shapely.Geometry, grid: Grid, land: Land
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Share of each pixel in the mine; pixels of the ring around it that are no mine."""
    weights = np.zeros(grid.shape)
    covered = coverage(shape, grid)
    if covered is not None:
        weights[covered[0].slices] = covered[1]
    outline = polygons_of(shape)
    ring = outline.buffer(constant("ring_outer_m")) - outline.buffer(constant("ring_inner_m"))
    around = np.zeros(grid.shape, np.bool_)
    covered = coverage(ring, grid)
    if covered is not None:
        around[covered[0].slices] = covered[1] >= 0.5
    return weights, around & land.no_mine(grid)


def _window(
    plan: Plan,
    source: MineSource,
    year: int,
    paths: Mapping[tuple[Tile, int], Path],
    read: Any,
) -> Layers:
    """Index and status on the window of a mine."""
    grid = source.grid
    if grid is None:
        raise ValueError("a mine without window")
    index = np.full(grid.shape, np.nan, np.float32)
    status = np.full(grid.shape, RseiPixel.NO_DATA, np.uint8)
    for tile in source.tiles:
        shared = overlap(plan.lattice, tile, grid)
        if shared is None or (tile, year) not in paths:
            continue
        of_tile = read(paths[tile, year])
        index[shared[0]], status[shared[0]] = of_tile[0][shared[1]], of_tile[1][shared[1]]
    return index, status


def _means(
    layers: Layers, weights: NDArray[np.float64], around: NDArray[np.bool_]
) -> dict[str, Any]:
    """Means with their status; none where too little of the mine is clear land."""
    index, status = layers
    measured = status == RseiPixel.MEASURED
    seen, whole = float(weights[measured].sum()), float(weights.sum())
    near = around & measured
    n_around = int(near.sum())
    share = seen / whole if whole > 0 else 0.0
    row = {"clear_share": round(share, 4), "n_pixels": round(seen, 2), "n_around": n_around}
    # the mean of a part of the ring is not that of the ring
    least = max(rsei_constant("least_reference_pixels"), rsei_constant("least_seen") * around.sum())
    enough = n_around >= least
    if enough:
        row["rsei_around"] = round(float(index[near].mean(dtype=np.float64)), _DECIMALS)
    if seen == 0 or share < rsei_constant("least_seen"):
        lack = RseiStatus.TOO_FEW_PIXELS if seen else RseiStatus.NO_DATA
        return row | {"status": lack.key}
    mean = float((index[measured] * weights[measured]).sum()) / seen
    row["rsei"] = round(mean, _DECIMALS)
    if not enough:
        return row | {"status": RseiStatus.NO_SURROUNDINGS.key}
    return row | {"rsei_difference": round(mean - row["rsei_around"], _DECIMALS)}


def _frame(rows: list[dict[str, Any]], table: Table) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=table.columns)
    return frame.astype({column.name: _DTYPES[column.kind] for column in table})


def write_rsei(
    workspace: Workspace, result: RseiResult, plan: Plan, land: Land, out: Path | None
) -> dict[str, pd.DataFrame]:
    """Write both tables into the workspace, and with the rasters into a folder where asked.

    Returns
    -------
    dict of str to DataFrame
        "rsei" and "rsei_years".
    """
    tables = {"rsei": mine_table(result, plan, land), "rsei_years": year_table(result)}
    for name, frame in tables.items():
        with atomic(workspace.products / f"{name}.parquet") as temporary:
            frame.to_parquet(temporary, index=False)
    if out is not None:
        for path, source in _exports(tables, result, out):
            with atomic(path) as temporary:
                if isinstance(source, Path):
                    shutil.copyfile(source, temporary)
                else:
                    # the byte-order mark tells spreadsheets that the text is UTF-8
                    source.to_csv(
                        temporary, index=False, encoding="utf-8-sig", lineterminator="\r\n"
                    )
    return tables


def _exports(
    tables: Mapping[str, pd.DataFrame], result: RseiResult, out: Path
) -> Iterator[tuple[Path, Path | pd.DataFrame]]:
    for (name, frame), table in zip(tables.items(), (RSEI, RSEI_YEARS), strict=True):
        text = {
            column.name: frame[column.name].fillna("").map(as_text_cell)
            for column in table
            if column.kind == "text"
        }
        yield out / f"{name}.csv", frame.assign(**text)
    for (tile, year), path in result.paths.items():
        yield out / str(year) / f"{tile_name(tile)}.tif", path
