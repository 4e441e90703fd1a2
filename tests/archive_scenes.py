"""Small scenes for the archive on loopback, in three kinds, and the items that tell of them."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.transform import Affine
from rasterio.warp import transform_bounds

from reverdure.core.grid import Grid
from reverdure.store.workspace import Settings, Workspace

LANDSAT_GRID = Grid("EPSG:32650", 500_010.0, 3_000_030.0, 30.0, 640, 640)
FINE_GRID = Grid("EPSG:32650", 499_980.0, 3_000_000.0, 10.0, 1920, 1920)
MINE_AT = (509_600.0, 2_990_400.0)
LANDSAT = "LC08_L2SP_121041_20190715_20200827_02_T1"
SENTINEL2 = "S2B_MSIL2A_20190716T025549_R032_T50RNR_20201006T080531"
OLI = ("SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7")
FINE = {"B02": 10, "B03": 10, "B04": 10, "B08": 10, "B11": 20, "B12": 20, "SCL": 20}


def small_workspace(folder: Path) -> Workspace:
    """One mine of 2 ha in the middle of the scenes, tiles of 64 pixels."""
    from reverdure.pipeline.add import add_mines

    workspace = Workspace.create(folder / "w", Settings(tile_pixels=64))
    x, y = MINE_AT
    outline = shapely.box(x - 70, y - 70, x + 70, y + 70)
    frame = gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[outline], crs="EPSG:32650")
    frame.to_file(folder / "mines.gpkg")
    assert add_mines(workspace, folder / "mines.gpkg", None, {}).report.accepted == 1
    return Workspace.open(folder / "w")


def write_tif(
    path: Path, values: np.ndarray, grid: Grid, nodata: float | None = 0, *, tiled: bool = True
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = {"tiled": True, "blockxsize": 64, "blockysize": 64} if tiled else {}
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=values.shape[0], width=values.shape[1],
        dtype=values.dtype, crs=grid.crs, transform=Affine(*grid.transform), nodata=nodata,
        compress="deflate", **blocks,
    ) as dataset:  # fmt: skip
        dataset.write(values, 1)


def write_landsat(folder: Path, name: str = LANDSAT, *, tiled: bool = True) -> Path:
    """A scene of noise: bytes that compress badly, numbers that differ everywhere."""
    draw = np.random.default_rng(5)
    for suffix in (*OLI, "ST_B10"):
        values = draw.integers(8000, 40000, LANDSAT_GRID.shape).astype(np.uint16)
        write_tif(folder / name / f"{name}_{suffix}.TIF", values, LANDSAT_GRID, tiled=tiled)
    quality = np.where(draw.random(LANDSAT_GRID.shape) < 0.2, 22280, 21824).astype(np.uint16)
    write_tif(folder / name / f"{name}_QA_PIXEL.TIF", quality, LANDSAT_GRID, 1)
    write_tif(folder / name / f"{name}_QA_RADSAT.TIF", 0 * quality, LANDSAT_GRID, None)
    return folder / name


def write_sentinel2(folder: Path, name: str = SENTINEL2, shift: int = 0) -> Path:
    """Leaves everywhere; numbers moved by `shift`, as the archive has them."""
    draw = np.random.default_rng(6)
    for band, pixel in FINE.items():
        n = FINE_GRID.height * 10 // pixel
        grid = Grid("EPSG:32650", FINE_GRID.west, FINE_GRID.north, pixel, n, n)
        kind = np.uint8 if band == "SCL" else np.uint16
        values = np.full((n, n), 4) if band == "SCL" else draw.integers(200, 600, (n, n)) + shift
        write_tif(folder / name / f"{band}.tif", values.astype(kind), grid)
    return folder / name


def sentinel2_item(product: Path, url: str, collection: str = "sentinel-2-l2a") -> dict[str, Any]:
    """As Planetary Computer: keys B02..., nothing said of a shift."""
    box = list(transform_bounds(FINE_GRID.crs, "EPSG:4326", *FINE_GRID.bounds))
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": product.name,
        "collection": collection,
        "bbox": box,
        "geometry": None,
        "links": [],
        "properties": {
            "datetime": "2019-07-16T02:55:49.024000Z",
            "platform": "Sentinel-2B",
            "proj:epsg": 32650,
            "s2:mgrs_tile": "50RNR",
            "s2:processing_baseline": "02.12",
            "s2:generation_time": "2020-10-06T08:05:31.830Z",
        },
        "assets": {band: {"href": f"{url}/files/{product.name}/{band}.tif"} for band in FINE},
    }


def write_ard(folder: Path) -> Path:
    """Digital Earth Australia: int16 of 1e-4, -999 for nothing, Fmask."""
    draw = np.random.default_rng(7)
    product = folder / "ga_ls8c_ard_3-1-0_121041_2019-07-15_final"
    for colour in ("blue", "green", "red", "nir", "swir_1", "swir_2"):
        values = draw.integers(100, 6000, LANDSAT_GRID.shape).astype(np.int16)
        values[300:310, 300:310] = -999
        write_tif(product / f"nbart_{colour}.tif", values, LANDSAT_GRID, -999)
    classes = draw.integers(0, 6, LANDSAT_GRID.shape).astype(np.uint8)
    write_tif(product / "oa_fmask.tif", classes, LANDSAT_GRID, 0)
    whole = (draw.random(LANDSAT_GRID.shape) < 0.9).astype(np.uint8)
    write_tif(product / "oa_nbart_contiguity.tif", whole, LANDSAT_GRID, 255)
    return product


def ard_item(product: Path, url: str) -> list[dict[str, Any]]:
    """As the real item of Digital Earth Australia states it."""
    box = list(transform_bounds(LANDSAT_GRID.crs, "EPSG:4326", *LANDSAT_GRID.bounds))
    properties = {
        "datetime": "2019-07-15T02:41:12Z", "platform": "landsat-8", "proj:epsg": 32650,
        "proj:shape": list(LANDSAT_GRID.shape),
        "proj:transform": [*LANDSAT_GRID.transform, 0.0, 0.0, 1.0],
        "odc:product": "ga_ls8c_ard_3", "odc:region_code": "121041",
        "odc:processing_datetime": "2020-06-18T07:07:06.303867Z",
        "landsat:collection_category": "T1", "landsat:collection_number": 1,
        "landsat:landsat_product_id": "LC08_L1TP_121041_20190715_20200608_01_T1",
    }  # fmt: skip
    assets = {path.stem: {"href": f"{url}/files/{product.name}/{path.name}"}
              for path in product.glob("*.tif")}  # fmt: skip
    return [
        {"type": "Feature", "stac_version": "1.0.0-beta.2", "collection": "ga_ls8c_ard_3",
         "id": "2aa69fcf-aa55-4747-9d95-3652f9fe79b0", "bbox": box, "geometry": None,
         "links": [], "properties": properties, "assets": assets}
    ]  # fmt: skip


def registered(workspace: Workspace) -> list[dict[str, Any]]:
    """Records of the scenes a workspace knows."""
    return [json.loads(json.dumps(record)) for record in workspace.database.records("scene")]
