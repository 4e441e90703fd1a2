"""Small rasters and Landsat products written to disk, to be read back."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from reverdure.core.grid import Grid

OLI_BANDS = ("SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7")
TM_BANDS = ("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7")
CLEAR_LAND = 21824  # QA_PIXEL of clear land in real products


@pytest.fixture
def grid() -> Grid:
    return Grid("EPSG:32650", 500_000.0, 3_000_000.0, 30.0, 12, 10)


@pytest.fixture
def write_raster(grid: Grid) -> Callable[..., Path]:
    def write(
        path: Path,
        values: np.ndarray,
        on: Grid = grid,
        *,
        crs: str | None = "as the grid",
        nodata: float | None = None,
        transform: Affine | None = None,
    ) -> Path:
        layers = values if values.ndim == 3 else values[None]
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=layers.shape[0],
            height=layers.shape[1],
            width=layers.shape[2],
            dtype=layers.dtype,
            crs=on.crs if crs == "as the grid" else crs,
            transform=transform or Affine(*on.transform),
            nodata=nodata,
        ) as dataset:
            dataset.write(layers)
        return path

    return write


@pytest.fixture
def write_product(grid: Grid, write_raster: Callable[..., Path]) -> Callable[..., Path]:
    """A product of constant or given numbers; clear land where nothing else is said."""

    def write(
        folder: Path,
        product_id: str = "LC08_L2SP_121041_20200715_20200912_02_T1",
        *,
        on: Grid = grid,
        numbers: Mapping[str, int | np.ndarray] | None = None,
        without: Collection[str] = (),
        metadata: str | None = None,
    ) -> Path:
        is_oli = product_id.startswith(("LC", "LO"))
        found: dict[str, int | np.ndarray] = {
            **{s: 10_000 + 1_000 * i for i, s in enumerate(OLI_BANDS if is_oli else TM_BANDS)},
            "ST_B10" if is_oli else "ST_B6": 44_000,
            "QA_PIXEL": CLEAR_LAND,
            "QA_RADSAT": 0,
            **(numbers or {}),
        }
        for suffix, value in found.items():
            if suffix not in without:
                array = np.broadcast_to(np.asarray(value, np.uint16), on.shape)
                write_raster(folder / f"{product_id}_{suffix}.TIF", array, on)
        if metadata is not None:
            (folder / f"{product_id}_MTL.txt").write_text(metadata, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def cut_off() -> Callable[[Path], None]:
    """Takes the last tenth off a file."""

    def cut(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 9 // 10])

    return cut
