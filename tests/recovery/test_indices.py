"""Spectral indices: values by hand, and where there is no value."""

import numpy as np
import pytest
import xarray as xr

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.recovery.indices import INDICES, spectral_index


def bands(**values):
    return xr.Dataset(
        {name: (("year", "x"), np.array([value], np.float32)) for name, value in values.items()},
        {"year": [2020]},
    )


@pytest.mark.parametrize(
    ("index", "partner"), [("ndvi", "red"), ("nbr", "swir2"), ("ndmi", "swir1")]
)
def test_values_by_hand(index, partner):
    found = spectral_index(bands(nir=[0.4, 0.1], **{partner: [0.1, 0.3]}), index)
    assert found.dtype == np.float32
    assert found.name == index
    assert found.attrs["units"] == "1"
    np.testing.assert_allclose(found.values, [[0.6, -0.5]], rtol=1e-6)
    assert found["year"].values.tolist() == [2020]


def test_a_missing_band_value_is_no_value():
    found = spectral_index(bands(nir=[np.nan, 0.4, 0.4], red=[0.1, np.nan, 0.2]), "ndvi")
    assert np.isnan(found.values).tolist() == [[True, True, False]]


def test_bands_that_add_up_to_nothing_or_less_have_no_value():
    found = spectral_index(bands(nir=[0.0, -0.02, 0.05], red=[0.0, 0.01, -0.05]), "ndvi")
    assert np.isnan(found.values).all()


def test_the_bands_stay_as_they_were():
    reflectance = bands(nir=[0.4, 0.0], swir2=[0.1, 0.0])
    before = reflectance.copy(deep=True)
    spectral_index(reflectance, "nbr")
    assert reflectance.identical(before)


def test_an_unknown_index_is_refused_with_the_list():
    with pytest.raises(UnknownOption, match="ndvi, nbr, ndmi"):
        spectral_index(bands(nir=[0.4], red=[0.1]), "evi")


def test_a_missing_band_is_named():
    with pytest.raises(InvalidInput, match="missing: swir2"):
        spectral_index(bands(nir=[0.4], red=[0.1]), "nbr")


@pytest.mark.parametrize("name", INDICES)
def test_the_catalogue_is_complete(name):
    spec = INDICES[name]
    assert spec.name == name
    assert spec.source
    assert spec.label("en") != spec.label("zh")
