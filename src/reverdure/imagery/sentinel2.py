"""Scenes of Sentinel-2 Level-2A: found, checked, read onto cells of any grid."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from reverdure.core.errors import GridMismatch, MissingCRS, UnreadableFile
from reverdure.core.grid import Grid
from reverdure.core.provenance import digest, file_fingerprint
from reverdure.core.records import OnProgress, Progress
from reverdure.imagery.bilinear import read_bilinear
from reverdure.imagery.rasters import check_complete, grid_of_raster, open_raster
from reverdure.imagery.refusals import Refusal, refuse
from reverdure.imagery.sensors import REFLECTIVE, sentinel2_bands, sentinel2_table
from reverdure.imagery.sentinel2_products import (
    Sentinel2Product,
    find_sentinel2,
    known_baselines,
)

SCL = "scl"
NIR_20M = "nir_20m"
"""Near infrared averaged to the pixels of the short-wave bands, so that both see alike."""

_KINDS = {SCL: "uint8"}


@dataclass(frozen=True, slots=True)
class Sentinel2Scene:
    """One Sentinel-2 product that can be measured.

    Attributes
    ----------
    scene_id : str
        Product id or id of the STAC item.
    sensor : str
        "S2A", "S2B", "S2C" or "S2D".
    date : datetime.date
        Day taken, UTC.
    tile : str
        Tile of the military grid; empty where not stated.
    baseline : str
        Processing baseline.
    grid : Grid
        Its 10 m pixels.
    files : dict
        Absolute path by canonical band and "scl".
    scaling : dict
        Factor and offset by canonical band: reflectance = factor * number + offset.
    clear_share : float
        Share of its pixels in a clear class, 0-1.
    fingerprint : str
        Changes when a file or its scaling changes.
    """

    scene_id: str
    sensor: str
    date: date
    tile: str
    baseline: str
    grid: Grid
    files: Mapping[str, str]
    scaling: Mapping[str, tuple[float, float]]
    clear_share: float
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self) | {
            "date": self.date.isoformat(),
            "files": dict(self.files),
            "scaling": {band: list(pair) for band, pair in self.scaling.items()},
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Scene from what `to_dict` gave."""
        scaling = {band: (pair[0], pair[1]) for band, pair in fields["scaling"].items()}
        return cls(
            **{
                **fields,
                "date": date.fromisoformat(fields["date"]),
                "grid": Grid(**fields["grid"]),
                "files": dict(fields["files"]),
                "scaling": scaling,
            }
        )

    @staticmethod
    def is_record(fields: Mapping[str, Any]) -> bool:
        """Whether a kept record is of this kind, not Landsat.

        Examples
        --------
        >>> [Sentinel2Scene.is_record({"sensor": sensor}) for sensor in ("S2A", "LC08")]
        [True, False]
        """
        return str(fields["sensor"]).startswith("S2")


def find_sentinel2_scenes(
    folder: Path, on_progress: OnProgress | None = None
) -> tuple[list[Sentinel2Scene], list[Refusal], frozenset[Path]]:
    """Sentinel-2 scenes in a folder and the folders in it.

    Read are SAFE folders as unpacked from the archive (JPEG 2000), and folders that hold
    B02, B03, B04, B08, B11, B12 and SCL beside the STAC item that describes them. Of one
    scene processed several times the newest processing that can be read is kept.

    Parameters
    ----------
    folder : Path
    on_progress : callable, optional
        Called after each product.

    Returns
    -------
    scenes : list of Sentinel2Scene
        By date, then id.
    refusals : list of Refusal
        By path: level 1, packed, no metadata, unknown baseline, missing or damaged bands,
        a shift that is not stated or that the numbers contradict, nothing clear, duplicate.
    taken : frozenset of Path
        Files that belong to a product here, whatever became of it.

    Raises
    ------
    UnreadableFile
        If there is no such folder.

    Notes
    -----
    From baseline 04.00 on numbers are shifted by 1000, so that reflectance is
    (number - 1000) / 10000 [1]_. The shift is taken from the product's own metadata; a
    STAC item that says that its numbers were shifted back is believed; and the red band
    over vegetation must agree.

    References
    ----------
    .. [1] ESA, Sentinel-2 Products Specification Document, S2-PDGS-TAS-DI-PSD,
       BOA_ADD_OFFSET.
    """
    if not folder.is_dir():
        raise UnreadableFile(f"{folder} is not a folder.")
    products, refusals, taken = find_sentinel2(folder.resolve())
    products.sort(key=lambda product: product.path)
    products.sort(key=lambda product: (product.baseline, product.processed), reverse=True)
    kept: dict[tuple[str, str, str], str] = {}
    scenes: list[Sentinel2Scene] = []
    for done, product in enumerate(products, start=1):
        winner = kept.get(product.scene_key) if product.tile else None
        outcome = refuse(product.path, "duplicate", detail=winner) if winner else _inspect(product)
        if isinstance(outcome, Sentinel2Scene):
            scenes.append(outcome)
            kept[product.scene_key] = product.path
        else:
            refusals.append(outcome)
        if on_progress is not None:
            on_progress(Progress("scenes", done, len(products)))
    scenes.sort(key=lambda scene: (scene.date, scene.scene_id))
    refusals.sort(key=lambda refusal: refusal.path)
    return scenes, refusals, taken


def _inspect(product: Sentinel2Product) -> Sentinel2Scene | Refusal:
    scaling = _scaling(product)
    if isinstance(scaling, Refusal):
        return scaling
    missing = [band for band, _ in sentinel2_bands().values() if band not in product.rasters]
    if missing:
        return refuse(product.path, "missing_bands", detail=", ".join(missing))
    files = {name: product.rasters[band] for name, (band, _) in sentinel2_bands().items()}
    try:
        day = datetime.strptime(product.start[:8], "%Y%m%d").date()
    except ValueError:
        return refuse(product.path, "impossible_date", detail=product.start)
    grid = _common_grid(product, files)
    if isinstance(grid, Refusal):
        return grid
    try:
        classes = _whole(files[SCL])
        contradicts = _contradicts(files["red"], classes, is_shifted=scaling["red"][1] < 0)
    except UnreadableFile as error:
        return refuse(product.path, "unreadable", detail=error.message)
    clear_share = float(_is_clear(classes).mean())
    if clear_share == 0:
        return refuse(product.path, "nothing_clear")
    if contradicts:
        return refuse(product.path, "shift_contradicted", detail=product.baseline)
    prints = {name: file_fingerprint(path) for name, path in files.items()}
    return Sentinel2Scene(
        scene_id=product.product_id,
        sensor=product.satellite,
        date=day,
        tile=product.tile,
        baseline=product.baseline,
        grid=grid,
        files={name: str(path) for name, path in files.items()},
        scaling=scaling,
        clear_share=clear_share,
        fingerprint=digest({"files": prints, "scaling": scaling}),
    )


def _scaling(product: Sentinel2Product) -> dict[str, tuple[float, float]] | Refusal:
    """Factor and offset of every band; refused where the baseline leaves them open."""
    table = sentinel2_table()["baselines"]
    major, _, minor = product.baseline.partition(".")
    is_number = len(major) == len(minor) == 2 and (major + minor).isdigit()
    if not is_number or not table["first"] <= int(major) <= table["last"]:
        return refuse(
            product.path, "unknown_baseline", detail=product.baseline, known=known_baselines()
        )
    names = {name: band for name, (band, _) in sentinel2_bands().items() if name != SCL}
    is_shifted = int(major) >= table["shifted_from"]
    shifts = dict(product.shifts)
    if not shifts and (not is_shifted or not product.must_state_shifts):
        shifts = dict.fromkeys(names.values(), float(table["shift"] if is_shifted else 0))
    unstated = ", ".join(band for band in names.values() if band not in shifts)
    if unstated:
        return refuse(product.path, "shift_not_stated", detail=unstated)
    odd = [band for band in names.values() if shifts[band] not in (0.0, float(table["shift"]))]
    if odd or (not is_shifted and any(shifts[band] for band in names.values())):
        return refuse(product.path, "shift_contradicted", detail=product.baseline)
    factor = 1.0 / product.quantification
    return {name: (factor, shifts[band] * factor) for name, band in names.items()}


def _common_grid(product: Sentinel2Product, files: Mapping[str, Path]) -> Grid | Refusal:
    """The 10 m grid that all files cut alike; refused where one is damaged or elsewhere."""
    grids: dict[str, Grid] = {}
    for name, path in files.items():
        try:
            with open_raster(path) as dataset:
                check_complete(dataset)
                grids[name] = grid_of_raster(dataset)
                kind = dataset.dtypes[0]
        except UnreadableFile:
            return refuse(product.path, "unreadable", detail=path.name)
        except MissingCRS:
            return refuse(product.path, "no_crs", detail=path.name)
        except GridMismatch:
            return refuse(product.path, "grid_mismatch", detail=path.name)
        if kind != _KINDS.get(name, "uint16"):
            return refuse(product.path, "wrong_type", detail=path.name)
    common = grids["blue"]
    for name, (_, pixel) in sentinel2_bands().items():
        times = pixel / common.pixel
        grid = grids[name]
        expected = (common.crs, common.west, common.north, float(pixel))
        covers = (grid.height * times, grid.width * times) == common.shape
        if (grid.crs, grid.west, grid.north, grid.pixel) != expected or not covers:
            return refuse(product.path, "grid_mismatch", detail=files[name].name)
    return common


def _whole(path: Path) -> NDArray[Any]:
    with open_raster(path) as dataset:
        values: NDArray[Any] = dataset.read(1)
    return values


def _contradicts(red: Path, classes: NDArray[np.uint8], *, is_shifted: bool) -> bool:
    """Whether the numbers of vegetation in the red band cannot be shifted as stated."""
    table = sentinel2_table()["shift_check"]
    numbers = _whole(red)[::2, ::2][: classes.shape[0], : classes.shape[1]]
    leaves = numbers[(classes == table["class"]) & (numbers > 0)]
    if leaves.size < table["least_pixels"]:
        return False
    below = float((leaves < -sentinel2_table()["baselines"]["shift"]).mean())
    return below > float(table["most_below"]) if is_shifted else below < float(table["least_below"])


def _is_clear(classes: NDArray[np.generic]) -> NDArray[np.bool_]:
    clear = [row["value"] for row in sentinel2_table()["classes"] if row["is_clear"]]
    return np.isin(classes, clear)


def read_clear(scene: Sentinel2Scene, grid: Grid) -> NDArray[np.bool_]:
    """Cells of `grid` that the scene shows clear, away from the rims of clouds, (y, x).

    A cell is clear where all pixels of the classification are that touch it by bilinear
    interpolation, and none next to them is cloud or shadow.
    """
    margin = sentinel2_table()["margin"]
    # weights other than 0 or 1 of the neighbours show as a value below 1
    square = np.ones((2 * margin["pixels"] + 1,) * 2, bool)

    def usable(numbers: NDArray[Any]) -> NDArray[np.float32]:
        near = ndimage.binary_dilation(np.isin(numbers, margin["classes"]), square)
        return np.asarray(_is_clear(numbers) & ~near, np.float32)

    share = read_bilinear(scene.files[SCL], grid, usable, margin=margin["pixels"])
    return np.asarray(share > 1 - 1e-4)


def read_reflectance(scene: Sentinel2Scene, band: str, grid: Grid) -> NDArray[np.float32]:
    """One band on cells of `grid` by bilinear interpolation, (y, x) float32, reflectance.

    Parameters
    ----------
    scene : Sentinel2Scene
    band : str
        One of blue, green, red, nir, swir1, swir2; or "nir_20m", the near infrared as
        pixels of 20 m would see it.
    grid : Grid
        Any; cells outside the scene are NaN.

    Returns
    -------
    (y, x) float32
        NaN where one of the four pixels around holds nothing or no valid number.
    """
    table = sentinel2_table()["scaling"]
    factor, offset = scene.scaling["nir" if band == NIR_20M else band]

    def physical(numbers: NDArray[Any]) -> NDArray[np.float32]:
        values = numbers.astype(np.float32) * np.float32(factor) + np.float32(offset)
        unfit = (values < table["lowest"] - 1e-6) | (values > table["highest"])
        return np.where(unfit | (numbers == table["fill"]), np.float32(np.nan), values)

    if band == NIR_20M:
        return read_bilinear(scene.files["nir"], grid, physical, block=2)
    return read_bilinear(scene.files[band], grid, physical)


def fine_bands() -> tuple[str, ...]:
    """Bands of a fine composite: six that are compared, then the near infrared at 20 m."""
    return (*REFLECTIVE, NIR_20M)
