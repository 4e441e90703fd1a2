"""Scenes written as Landsat Collection 2 Level-2 products, layout and names as the real ones."""

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray

from reverdure.core.grid import Grid
from reverdure.simulate.passes import Overpass

WRS_PATH, WRS_ROW = 121, 41
SR_SCALE, SR_OFFSET = 2.75e-05, -0.2
ST_SCALE, ST_OFFSET = 0.00341802, 149.0
_ORIGIN = "Simulated by Reverdure, not a satellite image"

# band numbers of blue, green, red, nir, swir1, swir2, and of temperature
BAND_NUMBERS = {
    "LT05": ((1, 2, 3, 4, 5, 7), "ST_B6"),
    "LE07": ((1, 2, 3, 4, 5, 7), "ST_B6"),
    "LC08": ((2, 3, 4, 5, 6, 7), "ST_B10"),
}
_CRAFT = {
    "LT05": ("LANDSAT_5", "TM", "LEDAPS_3.4.0"),
    "LE07": ("LANDSAT_7", "ETM", "LEDAPS_3.4.0"),
    "LC08": ("LANDSAT_8", "OLI_TIRS", "LaSRC_1.5.0"),
}

Metadata = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class Image:
    """A scene in physical units.

    Attributes
    ----------
    reflectance : (band, y, x) float32
        Six bands, blue to swir2.
    temperature_k : (y, x) float32
    quality : (y, x) uint16
        QA_PIXEL.
    missing : (y, x) bool
        True where nothing was recorded.
    """

    reflectance: NDArray[np.float32]
    temperature_k: NDArray[np.float32]
    quality: NDArray[np.uint16]
    missing: NDArray[np.bool_]


def product_id(scene: Overpass) -> str:
    """Name of a product.

    Examples
    --------
    >>> import datetime
    >>> product_id(Overpass(0, "LT05", datetime.date(1995, 7, 12), 0, 60, 100, 0, 0))
    'LT05_L2SP_121041_19950712_20200912_02_T1'
    """
    return (
        f"{scene.sensor}_L2SP_{WRS_PATH:03d}{WRS_ROW:03d}_{scene.date:%Y%m%d}_"
        f"{_processed(scene):%Y%m%d}_02_T1"
    )


def _processed(scene: Overpass) -> datetime.date:
    """The archive was made anew in 2020; later scenes take about ten days."""
    remade = datetime.date(2020, 9, 12)
    return max(remade, scene.date + datetime.timedelta(days=10))


def write_product(folder: Path, grid: Grid, scene: Overpass, image: Image) -> int:
    """Write one product into a folder of its own.

    Parameters
    ----------
    folder : Path
        Folder of all scenes.
    grid : Grid
        30 m, UTM.
    scene : Overpass
    image : Image

    Returns
    -------
    int
        Bytes written.
    """
    name = product_id(scene)
    target = folder / name
    target.mkdir(parents=True)
    numbers, thermal = BAND_NUMBERS[scene.sensor]
    layers: dict[str, NDArray[np.uint16]] = {}
    if scene.sensor == "LC08":
        layers["SR_B1"] = _reflectance_dn(_coastal(image.reflectance), image.missing)
    for number, band in zip(numbers, image.reflectance, strict=True):
        layers[f"SR_B{number}"] = _reflectance_dn(band, image.missing)
    layers[thermal] = _dn(image.temperature_k, ST_SCALE, ST_OFFSET, image.missing)
    layers["QA_PIXEL"] = np.where(image.missing, np.uint16(1), image.quality)
    layers["QA_RADSAT"] = _saturation(scene.sensor, image)
    for layer, values in layers.items():
        nodata = None if layer == "QA_RADSAT" else int(layer == "QA_PIXEL")
        _write_band(target / f"{name}_{layer}.TIF", grid, values, nodata)
    groups = metadata(grid, scene, image, list(layers))
    text = json.dumps({"LANDSAT_METADATA_FILE": groups}, indent=2)
    (target / f"{name}_MTL.json").write_text(text + "\n", "utf-8", newline="\n")
    (target / f"{name}_MTL.txt").write_text(_odl(groups), "utf-8", newline="\n")
    return sum(path.stat().st_size for path in target.iterdir())


def _coastal(reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Band 1 of OLI, a little bluer than blue."""
    blue, green = reflectance[0], reflectance[1]
    return np.asarray(blue - 0.35 * (green - blue))


def _reflectance_dn(values: NDArray[np.float32], missing: NDArray[np.bool_]) -> NDArray[np.uint16]:
    return _dn(values, SR_SCALE, SR_OFFSET, missing)


def _dn(
    values: NDArray[np.float32], scale: float, offset: float, missing: NDArray[np.bool_]
) -> NDArray[np.uint16]:
    numbers = np.clip(np.rint((values - np.float32(offset)) / np.float32(scale)), 1, 65455)
    return np.where(missing, 0, numbers).astype(np.uint16)


def _saturation(sensor: str, image: Image) -> NDArray[np.uint16]:
    """QA_RADSAT: bit n - 1 for band n; older detectors saturate over bright cloud."""
    limit = 1.2 if sensor == "LC08" else 0.68
    bits = np.zeros(image.quality.shape, np.uint16)
    for number, band in zip(BAND_NUMBERS[sensor][0], image.reflectance, strict=True):
        bits |= (band > limit).astype(np.uint16) << np.uint16(number - 1)
    return np.where(image.missing, np.uint16(0), bits)


def _write_band(path: Path, grid: Grid, values: NDArray[np.uint16], nodata: int | None) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="uint16",
        count=1,
        height=grid.height,
        width=grid.width,
        crs=grid.crs,
        transform=rasterio.Affine(*grid.transform),
        nodata=nodata,
        tiled=True,
        blockxsize=256,
        blockysize=256,
        compress="deflate",
        predictor=2,
        zlevel=4,
    ) as target:
        target.update_tags(AREA_OR_POINT="Point")
        target.write(values, 1)


def metadata(grid: Grid, scene: Overpass, image: Image, layers: list[str]) -> Metadata:
    """The groups of the metadata file that describe a simulated scene."""
    numbers = [layer[4:] for layer in layers if layer.startswith("SR_B")]
    thermal = BAND_NUMBERS[scene.sensor][1]
    return {
        "PRODUCT_CONTENTS": _contents(scene, layers),
        "IMAGE_ATTRIBUTES": _attributes(scene, image),
        "PROJECTION_ATTRIBUTES": _projection(grid),
        "LEVEL2_PROCESSING_RECORD": {
            "ORIGIN": _ORIGIN,
            "REQUEST_ID": "L2",
            "LANDSAT_PRODUCT_ID": product_id(scene),
            "PROCESSING_LEVEL": "L2SP",
            "OUTPUT_FORMAT": "GEOTIFF",
            "DATE_PRODUCT_GENERATED": f"{_processed(scene)}T00:00:00Z",
            "PROCESSING_SOFTWARE_VERSION": "LPGS_15.3.1c",
            "ALGORITHM_SOURCE_SURFACE_REFLECTANCE": _CRAFT[scene.sensor][2],
            "ALGORITHM_SOURCE_SURFACE_TEMPERATURE": "st_1.3.0",
        },
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": _reflectance_group(numbers),
        "LEVEL2_SURFACE_TEMPERATURE_PARAMETERS": {
            f"TEMPERATURE_MAXIMUM_BAND_{thermal}": "372.999941",
            f"TEMPERATURE_MINIMUM_BAND_{thermal}": "149.003418",
            f"QUANTIZE_CAL_MAXIMUM_BAND_{thermal}": "65535",
            f"QUANTIZE_CAL_MINIMUM_BAND_{thermal}": "1",
            f"TEMPERATURE_MULT_BAND_{thermal}": str(ST_SCALE),
            f"TEMPERATURE_ADD_BAND_{thermal}": str(ST_OFFSET),
        },
    }


def _contents(scene: Overpass, layers: list[str]) -> dict[str, str]:
    name = product_id(scene)
    group = {
        "ORIGIN": _ORIGIN,
        "LANDSAT_PRODUCT_ID": name,
        "PROCESSING_LEVEL": "L2SP",
        "COLLECTION_NUMBER": "02",
        "COLLECTION_CATEGORY": "T1",
        "OUTPUT_FORMAT": "GEOTIFF",
    }
    keys = {"QA_PIXEL": "QUALITY_L1_PIXEL", "QA_RADSAT": "QUALITY_L1_RADIOMETRIC_SATURATION"}
    keys |= {layer: f"BAND_{layer[4:]}" for layer in layers if layer.startswith("SR_B")}
    keys |= {layer: f"BAND_{layer}" for layer in layers if layer.startswith("ST_B")}
    group |= {f"FILE_NAME_{keys[layer]}": f"{name}_{layer}.TIF" for layer in layers}
    group["FILE_NAME_METADATA_ODL"] = f"{name}_MTL.txt"
    return group | {f"DATA_TYPE_{keys[layer]}": "UINT16" for layer in layers}


def _attributes(scene: Overpass, image: Image) -> dict[str, str]:
    cloudy = (image.quality & 0b1000) > 0
    share = f"{100 * float(cloudy.mean()):.2f}"
    craft, sensor, _ = _CRAFT[scene.sensor]
    return {
        "SPACECRAFT_ID": craft,
        "SENSOR_ID": sensor,
        "WRS_TYPE": "2",
        "WRS_PATH": str(WRS_PATH),
        "WRS_ROW": str(WRS_ROW),
        "DATE_ACQUIRED": scene.date.isoformat(),
        "SCENE_CENTER_TIME": "02:41:12.0000000Z",
        "CLOUD_COVER": share,
        "CLOUD_COVER_LAND": share,
        "SUN_AZIMUTH": f"{scene.sun_azimuth_deg:.8f}",
        "SUN_ELEVATION": f"{scene.sun_elevation_deg:.8f}",
    }


def _projection(grid: Grid) -> dict[str, str]:
    west, south, east, north = grid.bounds
    half = grid.pixel / 2
    corners = {
        "UL": (west + half, north - half),
        "UR": (east - half, north - half),
        "LL": (west + half, south + half),
        "LR": (east - half, south + half),
    }
    to_degrees = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    group = {
        "MAP_PROJECTION": "UTM",
        "DATUM": "WGS84",
        "ELLIPSOID": "WGS84",
        "UTM_ZONE": grid.crs[-2:],
        "GRID_CELL_SIZE_REFLECTIVE": f"{grid.pixel:.2f}",
        "GRID_CELL_SIZE_THERMAL": f"{grid.pixel:.2f}",
        "REFLECTIVE_LINES": str(grid.height),
        "REFLECTIVE_SAMPLES": str(grid.width),
        "THERMAL_LINES": str(grid.height),
        "THERMAL_SAMPLES": str(grid.width),
        "ORIENTATION": "NORTH_UP",
    }
    for corner, place in corners.items():
        longitude, latitude = to_degrees.transform(*place)
        group[f"CORNER_{corner}_LAT_PRODUCT"] = f"{latitude:.5f}"
        group[f"CORNER_{corner}_LON_PRODUCT"] = f"{longitude:.5f}"
    for corner, (x, y) in corners.items():
        group[f"CORNER_{corner}_PROJECTION_X_PRODUCT"] = f"{x:.3f}"
        group[f"CORNER_{corner}_PROJECTION_Y_PRODUCT"] = f"{y:.3f}"
    return group


def _reflectance_group(numbers: list[str]) -> dict[str, str]:
    values = {
        "REFLECTANCE_MAXIMUM": "1.602213",
        "REFLECTANCE_MINIMUM": "-0.199972",
        "QUANTIZE_CAL_MAX": "65535",
        "QUANTIZE_CAL_MIN": "1",
        "REFLECTANCE_MULT": str(SR_SCALE),
        "REFLECTANCE_ADD": str(SR_OFFSET),
    }
    return {f"{key}_BAND_{number}": value for key, value in values.items() for number in numbers}


# numbers and dates stand bare in the text form, everything else in quotes
_BARE = re.compile(r"-?[0-9.]+(e-?[0-9]+)?|\d{4}-\d\d-\d\d(T[0-9:]+Z)?")


def _odl(groups: Metadata) -> str:
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, entries in groups.items():
        lines.append(f"  GROUP = {group}")
        for key, value in entries.items():
            text = value if _BARE.fullmatch(value) else f'"{value}"'
            lines.append(f"    {key} = {text}")
        lines.append(f"  END_GROUP = {group}")
    lines += ["END_GROUP = LANDSAT_METADATA_FILE", "END", ""]
    return "\n".join(lines)
