"""Scenes of an archive kept as ordinary folders that the readers of scenes take."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window as FileWindow

from reverdure.core.files import atomic
from reverdure.core.grid import Grid
from reverdure.imagery.archives.addresses import archive_table, shown
from reverdure.imagery.archives.items import ARD, SENTINEL2, FoundItem
from reverdure.imagery.archives.layers import Layer, Need, fetch_layer, file_windows, record_of
from reverdure.imagery.archives.web import Client
from reverdure.imagery.rasters import grid_of_raster, open_raster
from reverdure.imagery.sensors import families

MANIFEST = "fetched.json"
"""Beside the files of a scene: where they came from, and their hashes."""

_SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scene is put together, and where it lies once it is whole."""

    staged: Path
    final: Path

    @classmethod
    def of(cls, root: Path, folder: str) -> "Place":
        """Place of a scene in a workspace."""
        return cls(root / "fetching" / folder, root / "imagery" / folder)


def kept_need(place: Place) -> Need | None:
    """What a scene that is there was fetched for; None where a file is missing or cut."""
    try:
        manifest = json.loads((place.final / MANIFEST).read_text(encoding="utf-8"))
        files = [place.final / name for name in manifest["files"]]
        is_whole = all(path.stat().st_size == manifest["files"][path.name] for path in files)
        return Need.from_dict(manifest["need"]) if is_whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def layer_path(found: FoundItem, place: Place, layer: str) -> Path:
    """File of a layer while the scene is put together."""
    if found.kind == SENTINEL2:
        return place.staged / f"{layer}.tif"
    if found.kind == ARD:
        return place.staged / _SOURCES / f"{layer}.tif"
    return place.staged / f"{found.folder}_{layer}.TIF"


def fetch_one(client: Client, found: FoundItem, place: Place, layer: str, need: Need) -> Layer:
    """Fetch one layer of a scene; see `fetch_layer`."""
    path = layer_path(found, place, layer)
    earlier = place.final / path.name
    return fetch_layer(
        client, found.hrefs[layer], path, need, earlier if earlier.is_file() else None
    )


def finish(found: FoundItem, place: Place, need: Need, archive: str) -> None:
    """Make a folder of a scene whose layers are all there, and put it in its place.

    Parameters
    ----------
    found : FoundItem
    place : Place
    need : Need
        What all its layers were fetched for.
    archive : str
        Address of the archive.
    """
    layers = {layer: record_of(layer_path(found, place, layer)) for layer in sorted(found.hrefs)}
    if found.kind == ARD:
        _convert(found, place, need)
    elif found.kind == SENTINEL2:
        _write_item(found, place)
    files = {path.name: path.stat().st_size for path in sorted(place.staged.iterdir())}
    manifest = {
        "item": found.item_id,
        "collection": found.collection,
        "archive": shown(archive),
        "layers": {name: None if one is None else one.to_dict() for name, one in layers.items()},
        "need": need.to_dict(),
        "files": files,
    }
    with atomic(place.staged / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, sort_keys=True, indent=1), encoding="utf-8")
    if place.final.exists():
        # a fetch that ends between these lines finds the staged scene whole and moves it
        old = place.staged.with_name(f"{place.staged.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        place.final.rename(old)
        place.staged.rename(place.final)
        shutil.rmtree(old)
    else:
        place.final.parent.mkdir(parents=True, exist_ok=True)
        place.staged.rename(place.final)


def promote(place: Place) -> None:
    """Put a scene in its place that was whole when a fetch ended."""
    shutil.rmtree(place.staged.with_name(f"{place.staged.name}.old"), ignore_errors=True)
    if (place.staged / MANIFEST).is_file() and not place.final.exists():
        place.final.parent.mkdir(parents=True, exist_ok=True)
        place.staged.rename(place.final)


def _write_item(found: FoundItem, place: Place) -> None:
    """The item beside its bands: the reader takes date, baseline and shifts from it."""
    keys = {key: band for band, names in archive_table()["sentinel2"].items() for key in names}
    assets: dict[str, Any] = {}
    for key, asset in found.item["assets"].items():
        band = keys.get(key, "")
        if band in found.hrefs and band not in assets:
            told = {k: v for k, v in asset.items() if k not in ("href", "alternate")}
            assets[band] = {**told, "href": f"{band}.tif"}
    item = {
        "type": "Feature",
        "stac_version": found.item.get("stac_version", "1.0.0"),
        "id": found.item_id,
        "collection": found.collection,
        "properties": found.item["properties"],
        "geometry": None,
        "assets": assets,
        "links": [],
    }
    with atomic(place.staged / "item.json") as temporary:
        temporary.write_text(json.dumps(item, sort_keys=True, indent=1), encoding="utf-8")


def _convert(found: FoundItem, place: Place, need: Need) -> None:
    """Digital Earth numbers and Fmask as those of a Collection 2 Level-2 folder."""
    table = archive_table()["ard"]
    family = families()[found.folder[:4]]
    sources = place.staged / _SOURCES
    for name, band in family.bands.items():
        target = place.staged / f"{found.folder}_{band.suffix}.TIF"
        _rewrite([sources / f"{name}.tif"], target, need, fill=0)
    quality = place.staged / f"{found.folder}_QA_PIXEL.TIF"
    _rewrite([sources / "fmask.tif", sources / "contiguity.tif"], quality, need, fill=1)
    lines = ["GROUP = LANDSAT_METADATA_FILE", "  GROUP = PRODUCT_CONTENTS"]
    lines += [f'    ORIGIN = "{table["source"]}"', "  END_GROUP = PRODUCT_CONTENTS"]
    lines += ["  GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"]
    for band in family.bands.values():
        lines += [f"    REFLECTANCE_MULT_BAND_{band.number} = {table['multiply']}"]
        lines += [f"    REFLECTANCE_ADD_BAND_{band.number} = 0.0"]
    lines += ["  END_GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"]
    lines += ["END_GROUP = LANDSAT_METADATA_FILE", "END", ""]
    with atomic(place.staged / f"{found.folder}_MTL.txt") as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")
    shutil.rmtree(sources)


def _rewrite(sources: list[Path], target: Path, need: Need, *, fill: int) -> None:
    with open_raster(sources[0]) as first:
        grid = grid_of_raster(first)
    with atomic(target) as temporary, _sparse(temporary, grid, fill) as output:
        for window in file_windows(grid, need):
            place = FileWindow(window.column, window.row, window.width, window.height)
            arrays = []
            for source in sources:
                with open_raster(source) as dataset:
                    arrays.append(dataset.read(1, window=place))
            output.write(_numbers(arrays) if fill == 0 else _quality(arrays), 1, window=place)


def _sparse(path: Path, grid: Grid, fill: int) -> Any:
    return rasterio.open(
        path, "w", driver="GTiff", dtype="uint16", count=1, height=grid.height, width=grid.width,
        crs=grid.crs, transform=rasterio.Affine(*grid.transform), nodata=fill, tiled=True,
        blockxsize=256, blockysize=256, compress="deflate", predictor=2, sparse_ok=True,
    )  # fmt: skip


def _numbers(arrays: list[NDArray[Any]]) -> NDArray[np.uint16]:
    """Numbers that are no reflectance, such as -999, become 0: nothing."""
    return np.asarray(np.maximum(arrays[0], 0), np.uint16)


def _quality(arrays: list[NDArray[Any]]) -> NDArray[np.uint16]:
    """Bits of QA_PIXEL; nothing where the classes or one of the bands are missing."""
    classes, is_whole = arrays
    known: Mapping[str, int] = archive_table()["ard"]["fmask"]
    bits = np.ones(classes.shape, np.uint16)
    for value, number in known.items():
        bits[classes == int(value)] = number
    bits[is_whole != 1] = 1
    return bits
