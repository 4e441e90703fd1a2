"""What every public function returns says its units, its references and its source."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

import reverdure as rv
from reverdure.core.grid import Grid

GRID = Grid("EPSG:32650", 500_000.0, 3_000_000.0, 30.0, 60, 60)
YEARS = np.arange(2000, 2016)
FUNCTIONS = (
    "annual_composites", "spectral_index", "segment", "reference", "recovery_metrics", "rsei",
)  # fmt: skip


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[object, object]]:
    """What each function returns, and what it was given."""
    rng = np.random.default_rng(3)
    course = np.array([1.0] * 5 + [0.0] * 4 + [0.3, 0.5, 0.7, 0.8, 1, 1, 1])
    cover = np.ones((16, 60, 60))
    cover[:, 28:32, 28:32] = course[:, None, None]
    cover *= rng.uniform(0.7, 1, (1, 60, 60))
    soil = {"blue": 0.1, "green": 0.14, "red": 0.2, "nir": 0.28, "swir1": 0.33, "swir2": 0.3}
    leaf = {"blue": 0.02, "green": 0.05, "red": 0.03, "nir": 0.35, "swir1": 0.15, "swir2": 0.06}
    dims = ("time", "y", "x")
    layers = {
        band: (soil[band] + (leaf[band] - soil[band]) * cover + rng.normal(0, 0.003, cover.shape))
        for band in soil
    } | {"thermal": 310 - 8 * cover + rng.normal(0, 0.2, cover.shape)}
    scenes = xr.Dataset(
        {
            **{name: (dims, layer.astype(np.float32)) for name, layer in layers.items()},
            "clear": (dims, np.ones(cover.shape, bool)),
        },
        {"time": [np.datetime64(f"{year}-07-15", "ns") for year in YEARS], **GRID.coordinates()},
        {"source": "made for a test"},
    )
    pit = shapely.box(500_840, 2_999_040, 500_960, 2_999_160)
    mines = gpd.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=32650)
    composites = rv.annual_composites(scenes)
    ndvi = rv.spectral_index(composites, "ndvi")
    segments = rv.segment(ndvi)
    reference = rv.reference(ndvi, segments, mines)
    return {
        "annual_composites": (composites, scenes),
        "spectral_index": (ndvi, composites),
        "segment": (segments, ndvi),
        "reference": (reference, ndvi),
        "recovery_metrics": (rv.recovery_metrics(ndvi, segments, reference=reference), ndvi),
        "rsei": (rv.rsei(composites, sensor="LC08", form="xu2013"), composites),
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_source_and_references_are_said(results, name):
    result, _ = results[name]
    assert result.attrs["source"] == "made for a test"
    assert len(result.attrs["references"]) > 10


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_number_has_its_unit(results, name):
    result, _ = results[name]
    layers = result.data_vars.values() if isinstance(result, xr.Dataset) else [result]
    bare = [one.name for one in layers if one.dtype.kind == "f" and "units" not in one.attrs]
    assert bare == []


def test_years_are_years(results):
    metrics, _ = results["recovery_metrics"]
    assert metrics.damage_year.attrs["units"] == metrics.y2r.attrs["units"] == "year"
    assert metrics.recovered_share.attrs["units"] == "1"
    segments, _ = results["segment"]
    assert segments.vertex_year.attrs["units"] == "year"


def test_nothing_that_was_given_is_changed(results):
    _, scenes = results["annual_composites"]
    assert scenes.attrs == {"source": "made for a test"}
    assert scenes.red.attrs == {}
    ndvi, _ = results["spectral_index"]
    assert set(ndvi.attrs) == {"units", "long_name", "index", "references", "source"}
