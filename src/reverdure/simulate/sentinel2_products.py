"""Sentinel-2 scenes written as they are downloaded: one GeoTIFF a band and a STAC item."""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.simulate.passes import Overpass

TILE = "50RLS"
SHIFT = 1000
_SHIFTED_FROM = datetime.date(2022, 1, 25)
# baseline by the first day it was in use
_BASELINES = (
    (datetime.date(2015, 1, 1), "02.04"),
    (datetime.date(2017, 6, 15), "02.05"),
    (datetime.date(2018, 11, 6), "02.10"),
    (datetime.date(2019, 7, 8), "02.13"),
    (datetime.date(2020, 2, 4), "02.14"),
    (datetime.date(2021, 3, 30), "03.00"),
    (datetime.date(2021, 6, 30), "03.01"),
    (_SHIFTED_FROM, "04.00"),
    (datetime.date(2022, 12, 6), "05.09"),
    (datetime.date(2023, 12, 13), "05.10"),
    (datetime.date(2024, 7, 23), "05.11"),
)
_COLLECTION_1 = "05.00"
# three ways in which archives describe one and the same product
SERVERS = ("shifted_back", "offset_stated", "baseline_only")


@dataclass(frozen=True, eq=False)
class Sentinel2Image:
    """A scene in physical units.

    Attributes
    ----------
    fine : (band, y, x) float32
        Blue, green, red and near infrared, 10 m.
    coarse : (band, y, x) float32
        The two short-wave bands, 20 m.
    classes : (y, x) uint8
        Scene classification, 20 m.
    missing : (y, x) bool
        True where nothing was recorded, 20 m.
    """

    fine: NDArray[np.float32]
    coarse: NDArray[np.float32]
    classes: NDArray[np.uint8]
    missing: NDArray[np.bool_]


def write_item(
    folder: Path, grid: Grid, scene: Overpass, image: Sentinel2Image, rng: np.random.Generator
) -> None:
    """Write one scene into a folder of its own.

    Parameters
    ----------
    folder : Path
        Folder of all scenes.
    grid : Grid
        10 m, UTM.
    scene : Overpass
    image : Sentinel2Image
    rng : numpy.random.Generator
        Chooses the archive it was downloaded from, and whether it was processed anew.
    """
    server = SERVERS[int(rng.integers(len(SERVERS)))]
    in_use = [name for first, name in _BASELINES if first <= scene.date][-1]
    baseline = _COLLECTION_1 if rng.random() < 0.25 and in_use < "05" else in_use
    is_shifted = baseline >= "04" and server != "shifted_back"
    name = f"{scene.sensor}_{TILE}_{scene.date:%Y%m%d}_0_L2A"
    target = folder / name
    target.mkdir(parents=True)
    shift = SHIFT if is_shifted else 0
    fine_missing = image.missing.repeat(2, 0).repeat(2, 1)
    coarse = Grid(grid.crs, grid.west, grid.north, 20.0, grid.height // 2, grid.width // 2)
    for band, values in zip(("B02", "B03", "B04", "B08"), image.fine, strict=True):
        _write(target / f"{band}.tif", grid, _numbers(values, shift, fine_missing))
    for band, values in zip(("B11", "B12"), image.coarse, strict=True):
        _write(target / f"{band}.tif", coarse, _numbers(values, shift, image.missing))
    _write(target / "SCL.tif", coarse, image.classes)
    item = _item(name, grid, scene, baseline, server)
    text = json.dumps(item, indent=1)
    (target / f"{name}.json").write_text(text + "\n", "utf-8", newline="\n")


def _numbers(
    values: NDArray[np.float32], shift: int, missing: NDArray[np.bool_]
) -> NDArray[np.uint16]:
    numbers = np.clip(np.rint(values * np.float32(10_000)) + shift, 1, 65535)
    return np.where(missing, 0, numbers).astype(np.uint16)


def _write(path: Path, grid: Grid, values: NDArray[np.generic]) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=values.dtype.name,
        count=1,
        height=grid.height,
        width=grid.width,
        crs=grid.crs,
        transform=rasterio.Affine(*grid.transform),
        nodata=0,
        tiled=True,
        blockxsize=256,
        blockysize=256,
        compress="deflate",
        predictor=2,
        zlevel=1,
    ) as target:
        target.write(values, 1)


def _item(name: str, grid: Grid, scene: Overpass, baseline: str, server: str) -> dict[str, Any]:
    """The STAC item, with the fields of the archive it came from."""
    moment = f"{scene.date.isoformat()}T02:55:51.024000Z"
    west, south, east, north = pyproj.Transformer.from_crs(
        grid.crs, "EPSG:4326", always_xy=True
    ).transform_bounds(*grid.bounds)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    properties: dict[str, Any] = {
        "datetime": moment,
        "platform": f"sentinel-2{scene.sensor[-1].lower()}",
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "proj:epsg": int(grid.crs[-5:]),
        "view:sun_azimuth": round(scene.sun_azimuth_deg, 4),
        "view:sun_elevation": round(scene.sun_elevation_deg, 4),
        "s2:processing_baseline": baseline,
        "s2:product_type": "S2MSI2A",
        "s2:generation_time": moment,
        "description": "Simulated by Reverdure, not a satellite image",
    }
    if server == "baseline_only":
        properties |= {"s2:mgrs_tile": TILE, "platform": f"Sentinel-2{scene.sensor[-1]}"}
    else:
        properties |= {
            "grid:code": f"MGRS-{TILE}",
            "earthsearch:boa_offset_applied": server == "shifted_back" and baseline >= "04",
        }
    bands = ("B02", "B03", "B04", "B08", "B11", "B12")
    assets: dict[str, dict[str, Any]] = {
        band: {
            "href": f"./{band}.tif",
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data"],
        }
        for band in (*bands, "SCL")
    }
    if server != "baseline_only":
        # stated even where the numbers were shifted back: so does the archive it imitates
        offset = -0.1 if baseline >= "04" else 0
        for band in bands:
            described = {"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": offset}
            assets[band]["raster:bands"] = [described]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, south, east, north],
        "links": [],
        "assets": assets,
    }
