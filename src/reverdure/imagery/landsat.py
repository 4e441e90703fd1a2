"""Scenes of Landsat 4-9 Collection 2 Level-2: found, checked, read with their masks."""

import warnings
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from reverdure.core.errors import GridMismatch, MissingCRS, UnreadableFile
from reverdure.core.grid import Grid
from reverdure.core.provenance import digest, file_fingerprint
from reverdure.core.records import OnProgress, Progress
from reverdure.imagery.metadata import read_metadata, stated_reflectance, stated_temperature
from reverdure.imagery.products import Product, find_products
from reverdure.imagery.rasters import check_complete, grid_of_raster, open_raster, read_onto
from reverdure.imagery.refusals import Refusal, refuse
from reverdure.imagery.sensors import (
    REFLECTIVE,
    THERMAL,
    Family,
    families,
    quality,
    reflectance_scaling,
    temperature_scaling,
)

__all__ = ["Refusal", "Scene", "find_scenes", "read_band", "read_masks", "read_scene"]

QA_PIXEL = "qa_pixel"
QA_RADSAT = "qa_radsat"

_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Scene:
    """One product that can be measured.

    Attributes
    ----------
    scene_id : str
        Product id.
    sensor : str
        "LT04", "LT05", "LE07", "LC08", "LC09", "LO08" or "LO09".
    date : datetime.date
        Day taken.
    grid : Grid
        Its pixels; the square grid of the smaller side where they are not square.
    files : dict
        Absolute path by canonical band, "qa_pixel", and "qa_radsat" if there.
    scaling : dict
        Factor and offset by canonical band, as stated in the metadata, else as documented.
    clear_share : float
        Share of pixels under an open sky, 0-1: no fill, cloud or dilated cloud. Shadow,
        snow and saturation still come off when the scene is read.
    fingerprint : str
        Changes when a file changes.
    """

    scene_id: str
    sensor: str
    date: date
    grid: Grid
    files: Mapping[str, str]
    scaling: Mapping[str, tuple[float, float]]
    clear_share: float
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {
            "scene_id": self.scene_id,
            "sensor": self.sensor,
            "date": self.date.isoformat(),
            "grid": asdict(self.grid),
            "files": dict(self.files),
            "scaling": {band: list(pair) for band, pair in self.scaling.items()},
            "clear_share": self.clear_share,
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Scene from what `to_dict` gave."""
        return cls(
            scene_id=fields["scene_id"],
            sensor=fields["sensor"],
            date=date.fromisoformat(fields["date"]),
            grid=Grid(**fields["grid"]),
            files=dict(fields["files"]),
            scaling={band: (pair[0], pair[1]) for band, pair in fields["scaling"].items()},
            clear_share=fields["clear_share"],
            fingerprint=fields["fingerprint"],
        )

    @property
    def tells_saturation(self) -> bool:
        """Whether the product has its QA_RADSAT; partial downloads often lack it."""
        return QA_RADSAT in self.files

    def touches(self, grid: Grid) -> bool:
        """Whether any of its pixels may lie on `grid`."""
        return self.grid.touches(grid)


def find_scenes(
    folder: Path,
    on_progress: OnProgress | None = None,
    passed_over: Container[Path] = frozenset(),
) -> tuple[list[Scene], list[Refusal]]:
    """Scenes in a folder and the folders in it; every product ends in one of the two lists.

    A product lies in a folder of its own or flat beside others; its files share the
    product id. Of one scene processed several times, or lying in two folders, the newest
    processing that can be read is kept.

    Parameters
    ----------
    folder : Path
    on_progress : callable, optional
        Called after each product.
    passed_over : container of Path, optional
        Files that are known to be of another kind.

    Returns
    -------
    scenes : list of Scene
        By date, then id.
    refusals : list of Refusal
        By path.

    Raises
    ------
    UnreadableFile
        If there is no such folder.
    """
    if not folder.is_dir():
        raise UnreadableFile(f"{folder} is not a folder.")
    products, refusals = find_products(folder.resolve(), passed_over)
    products.sort(key=lambda product: product.path)
    products.sort(key=lambda product: product.processed, reverse=True)
    kept: dict[tuple[str, str, str], str] = {}
    scenes: list[Scene] = []
    with warnings.catch_warnings():
        # a raster without a place is refused by name further down
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for done, product in enumerate(products, start=1):
            winner = kept.get(product.scene_key)
            outcome = (
                refuse(product.path, "duplicate", detail=winner) if winner else _inspect(product)
            )
            if isinstance(outcome, Scene):
                scenes.append(outcome)
                kept[product.scene_key] = product.path
            else:
                refusals.append(outcome)
            if on_progress is not None:
                on_progress(Progress("scenes", done, len(products)))
    scenes.sort(key=lambda scene: (scene.date, scene.scene_id))
    refusals.sort(key=lambda refusal: refusal.path)
    return scenes, refusals


def _inspect(product: Product) -> Scene | Refusal:
    family = families().get(product.sensor)
    if family is None:
        known = ", ".join(families())
        return refuse(product.path, "unknown_sensor", detail=product.sensor, known=known)
    files = _files(product, family)
    if isinstance(files, Refusal):
        return files
    try:
        day = datetime.strptime(product.day, "%Y%m%d").date()
    except ValueError:
        return refuse(product.path, "impossible_date", detail=product.day)
    grid = _common_grid(product, files)
    if isinstance(grid, Refusal):
        return grid
    try:
        scaling = _scaling(product, family, THERMAL in files)
        clear_share = _open_sky_share(files[QA_PIXEL])
    except UnreadableFile as error:
        return refuse(product.path, "unreadable", detail=error.message)
    if clear_share == 0:
        return refuse(product.path, "nothing_clear")
    prints = {name: file_fingerprint(path) for name, path in files.items()}
    return Scene(
        scene_id=product.product_id,
        sensor=product.sensor,
        date=day,
        grid=grid,
        files={name: str(path) for name, path in files.items()},
        scaling=scaling,
        clear_share=clear_share,
        fingerprint=digest({"files": prints, "scaling": scaling}),
    )


def _files(product: Product, family: Family) -> dict[str, Path] | Refusal:
    """File of each band and quality layer; refused where one that is needed is missing."""
    if "QA_PIXEL" not in product.rasters:
        return refuse(product.path, "no_qa_pixel")
    missing = [b.suffix for b in family.bands.values() if b.suffix not in product.rasters]
    if missing:
        return refuse(product.path, "missing_bands", detail=", ".join(missing))
    files = {name: product.rasters[band.suffix] for name, band in family.bands.items()}
    # L2SR products and OLI alone have no surface temperature
    if family.thermal.suffix in product.rasters:
        files[THERMAL] = product.rasters[family.thermal.suffix]
    if "QA_RADSAT" in product.rasters:
        files[QA_RADSAT] = product.rasters["QA_RADSAT"]
    return files | {QA_PIXEL: product.rasters["QA_PIXEL"]}


def _common_grid(product: Product, files: Mapping[str, Path]) -> Grid | Refusal:
    """Grid of all files; refused where one is cut off, misplaced or converted."""
    common: Grid | None = None
    for path in files.values():
        try:
            with open_raster(path) as dataset:
                check_complete(dataset)
                grid = grid_of_raster(dataset, cover=True)
                kind = dataset.dtypes[0]
        except UnreadableFile:
            return refuse(product.path, "unreadable", detail=path.name)
        except MissingCRS:
            return refuse(product.path, "no_crs", detail=path.name)
        except GridMismatch:
            return refuse(product.path, "grid_mismatch", detail=path.name)
        if kind != "uint16":
            return refuse(product.path, "wrong_type", detail=path.name)
        if common is not None and grid != common:
            return refuse(product.path, "grid_mismatch", detail=path.name)
        common = grid
    return common if common is not None else refuse(product.path, "missing_bands")


def _scaling(product: Product, family: Family, has_thermal: bool) -> dict[str, tuple[float, float]]:
    groups = {} if product.metadata is None else read_metadata(product.metadata)
    reflectance, temperature = reflectance_scaling(), temperature_scaling()
    documented = reflectance.multiply, reflectance.add
    scaling = {
        name: stated_reflectance(groups, band.number) or documented
        for name, band in family.bands.items()
    }
    if has_thermal:
        scaling[THERMAL] = stated_temperature(groups, family.thermal.number) or (
            temperature.multiply,
            temperature.add,
        )
    return scaling


def _open_sky_share(path: Path) -> float:
    bits = np.uint16(quality().sky)
    seen = size = 0
    with open_raster(path) as dataset:
        for row in range(0, dataset.height, _ROWS_AT_ONCE):
            rows = (row, min(row + _ROWS_AT_ONCE, dataset.height))
            values = dataset.read(1, window=(rows, (0, dataset.width)))
            seen += int(np.count_nonzero((values & bits) == 0))
            size += values.size
    return seen / size


def read_masks(scene: Scene, grid: Grid) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the scene shows the ground, and where it shows water, by its quality layers.

    Returns
    -------
    clear, water : (y, x) bool

    Raises
    ------
    UnreadableFile
        If a file cannot be read.
    """
    bits = quality()
    pixel = read_onto(scene.files[QA_PIXEL], grid, bands=[1], fill=1)[0]
    clear = (pixel & np.uint16(bits.hidden)) == 0
    water = ((pixel & np.uint16(bits.water)) != 0) & ((pixel & np.uint16(1)) == 0)
    # without it, band saturation shows only where it drives a band out of its valid range
    if clear.any() and scene.tells_saturation:
        saturation = read_onto(scene.files[QA_RADSAT], grid, bands=[1], fill=0)[0]
        clear &= (saturation & np.uint16(families()[scene.sensor].spoiled)) == 0
    return clear, water


def read_band(scene: Scene, band: str, grid: Grid) -> NDArray[np.float32]:
    """One band in physical units.

    Returns
    -------
    (y, x) float32, reflectance or [K]
        NaN for fill and for values outside the documented valid range.

    Raises
    ------
    UnreadableFile
        If the file cannot be read.
    """
    documented = temperature_scaling() if band == THERMAL else reflectance_scaling()
    factor, offset = scene.scaling[band]
    numbers = read_onto(scene.files[band], grid, bands=[1], fill=documented.fill)[0]
    values: NDArray[np.float32] = numbers.astype(np.float32)
    values *= np.float32(factor)
    values += np.float32(offset)
    unfit = (values < documented.lowest) | (values > documented.highest)
    values[unfit | (numbers == documented.fill)] = np.nan
    return values


def read_scene(scene: Scene, grid: Grid) -> xr.Dataset:
    """A scene on exactly `grid`.

    Where pixels fall on one lattice they are copied; else the nearest pixel is taken.

    Parameters
    ----------
    scene : Scene
    grid : Grid

    Returns
    -------
    xarray.Dataset
        blue, green, red, nir, swir1, swir2 : (y, x) float32, reflectance
            NaN where there is no valid value; clouds are left in.
        thermal : (y, x) float32, [K]
            Only where the product has it.
        clear : (y, x) bool
            No fill, cloud, dilated cloud, cirrus, shadow, snow or saturation, and all
            six bands valid.
        water : (y, x) bool
            Water by QA_PIXEL; not part of `clear`.

    Raises
    ------
    UnreadableFile
        If a file turns out cut off, by name.
    """
    clear, water = read_masks(scene, grid)
    layers: dict[str, Any] = {}
    for band in (*REFLECTIVE, THERMAL):
        if band not in scene.files:
            continue
        values = read_band(scene, band, grid)
        layers[band] = (("y", "x"), values, {"units": "K" if band == THERMAL else "1"})
        if band != THERMAL:
            clear &= ~np.isnan(values)
    layers["clear"] = (("y", "x"), clear)
    layers["water"] = (("y", "x"), water)
    attributes = {"scene_id": scene.scene_id, "date": scene.date.isoformat()}
    return xr.Dataset(layers, grid.coordinates(), attributes)
