"""447 real Landsat scenes over 5 x 5 pixels, through composites."""

import warnings

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.errors import NotGeoreferencedWarning

from reverdure.imagery.composites import annual_composites

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")


def dense_series(folder):
    """Scenes as the composites want them: reflectance 0..1, clear where Fmask is 0."""
    layers = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for name in (*BANDS, "fmask"):
            with rasterio.open(f"netcdf:{folder / 'p035r032_5x5.nc'}:{name}") as dataset:
                layers[name] = dataset.read().astype(np.float32)
                days = dataset.tags()["NETCDF_DIM_time_VALUES"].strip("{}").split(",")
    time = np.datetime64("1984-04-17", "ns") + np.array(days, "timedelta64[D]")
    dims = ("time", "y", "x")
    scenes = {
        band: (dims, np.where(layers[band] > 0, layers[band] / 10_000, np.nan)) for band in BANDS
    }
    return xr.Dataset({**scenes, "clear": (dims, layers["fmask"] == 0)}, {"time": time})


@pytest.mark.real_data("dense-series-p035r032")
def test_every_year_of_a_dense_series_has_a_composite_of_its_own_scenes(data_folder):
    scenes = dense_series(data_folder)
    assert scenes.sizes["time"] == 447
    found = annual_composites(scenes, ("05-01", "10-31"))
    assert found.year.values.tolist() == list(range(1984, 2014))
    years, months = scenes.time.dt.year.values, scenes.time.dt.month.values
    complete = scenes.clear.values & np.all([np.isfinite(scenes[b].values) for b in BANDS], axis=0)
    for year in found.year.values:
        one = found.sel(year=year)
        inside = (years == year) & (months >= 5) & (months <= 10)
        assert np.array_equal(one.n_clear.values, complete[inside].sum(axis=0))
        chosen = one.source.values
        assert inside[chosen[chosen >= 0]].all()
        assert (chosen >= 0).tolist() == (one.n_clear.values > 0).tolist()
        for y, x in zip(*np.nonzero(chosen >= 0), strict=True):
            assert complete[chosen[y, x], y, x]
            assert one.nir.values[y, x] == np.float32(scenes.nir.values[chosen[y, x], y, x])
    assert (found.n_clear.values[1:-1].max(axis=(1, 2)) > 0).all()


@pytest.mark.real_data("dense-series-p035r032")
def test_composites_of_a_stable_forest_stay_green(data_folder):
    found = annual_composites(dense_series(data_folder), ("06-01", "09-15"))
    ndvi = (found.nir - found.red) / (found.nir + found.red)
    yearly = ndvi.median(("y", "x"))
    assert float(yearly.median()) > 0.4
    assert float(abs(yearly - yearly.median()).median()) < 0.1
