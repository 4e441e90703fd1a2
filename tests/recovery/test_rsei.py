"""The ecological index: right by hand, flat without change, refused where it means nothing."""

import doctest
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

import reverdure as rv
from reverdure.core.codes import RseiPixel, RseiStatus
from reverdure.core.errors import GridMismatch, InvalidInput, UnknownOption, WrongDimensions
from reverdure.imagery.landsat import find_scenes, read_scene
from reverdure.recovery.rsei_wetness import band_change, wetness_set, wetness_sets

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2", "thermal")
BARE = np.array([0.10, 0.13, 0.16, 0.22, 0.30, 0.26, 308.0])
LEAF = np.array([0.02, 0.05, 0.03, 0.38, 0.17, 0.07, 296.0])
YEARS = np.arange(2001, 2013)


def land(cover: np.ndarray, seed: int = 0, noise: float = 0.004, kelvin: float = 0.5) -> xr.Dataset:
    """Pictures of land with this cover, (year, y, x)."""
    rng = np.random.default_rng(seed)
    sd = np.array([noise] * 6 + [kelvin])
    layers = {}
    for band, name in enumerate(BANDS):
        values = BARE[band] + cover * (LEAF[band] - BARE[band])
        layers[name] = (("year", "y", "x"), values + sd[band] * rng.standard_normal(cover.shape))
    return xr.Dataset(layers, {"year": 2001 + np.arange(cover.shape[0])})


def patchy(n_years: int = 12, size: int = 120, shares: tuple = (1.2, 1.0)) -> np.ndarray:
    """The same patchy cover every year."""
    rng = np.random.default_rng(3)
    coarse = rng.beta(*shares, (size // 6, size // 6))
    return np.broadcast_to(np.kron(coarse, np.ones((6, 6))), (n_years, size, size))


def weather(pictures: xr.Dataset, seed: int = 0) -> xr.Dataset:
    """Warm and cool years, strong and weak sun; in a third of them, cloud no mask saw."""
    rng = np.random.default_rng(seed)
    seen = pictures.copy(deep=True)
    for k in range(seen.sizes["year"]):
        warm = seen.thermal.values[k]
        warm[:] = warm.mean() + rng.normal(0, 4) + rng.normal(1, 0.08) * (warm - warm.mean())
        if rng.random() > 0.35:
            continue
        cloud, shadow = (rng.choice(warm.size, 40, replace=False) for _ in range(2))
        depth, dark = rng.uniform(0.2, 1.0, 40), rng.uniform(0.8, 1.0, 40)
        for band in BANDS[:6]:
            values = seen[band].values[k].reshape(-1)
            values[cloud] += depth * (0.7 - values[cloud])
            # what the correction of the air leaves where hardly any light comes from
            values[shadow] = (1 - dark) * values[shadow] + abs(rng.normal(0, 0.004, 40))
        warm.reshape(-1)[cloud] -= 35 * depth
    return seen


def moved(index: xr.DataArray) -> float:
    """How far the yearly mean moves from its lowest to its highest."""
    mean = index.mean(("y", "x"))
    return float(mean.max() - mean.min())


def test_unchanged_land_stays_flat_and_in_the_classical_form_does_not():
    seen = weather(land(patchy(shares=(5.0, 1.0))), seed=1)
    pooled, classical = rv.rsei(seen, "LT05"), rv.rsei(seen, "LT05", form="xu2013")
    # missed cloud stretches the scale of its own year, and moves all land on it
    assert moved(pooled.rsei) < 0.01
    assert moved(classical.rsei) > 0.1
    assert moved(classical.rsei) > 20 * moved(pooled.rsei)
    assert (pooled.fit_status == RseiStatus.MEASURED) & (pooled.year_status == 0).all()


def test_a_mine_that_comes_back_rises_while_the_rest_stays():
    cover = np.array(patchy())
    course = [0.9, 0.9, 0.05, 0.05, 0.05, 0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9]
    cover[:, 48:72, 48:72] = np.array(course)[:, None, None]
    found = rv.rsei(weather(land(cover)), "LT05")
    mine = found.rsei[:, 50:70, 50:70].mean(("y", "x")).values
    assert mine[0] > 0.8
    assert mine[2:5].max() < 0.2
    assert (np.diff(mine[4:]) > 0).all()
    assert moved(found.rsei.where(cover[0] == cover[2])) < 0.01


def test_held_level_a_dry_summer_is_no_change_of_land():
    """Half of the land holds the level of the other half, which it has never seen."""
    cover = np.array(patchy())
    rng = np.random.default_rng(2)
    seen = weather(land(cover * (1 - 0.12 * rng.random(12))[:, None, None]))
    half = xr.DataArray(np.arange(120) < 60, dims="x").expand_dims(y=120)
    loose = rv.rsei(seen, "LT05", reference=half)
    held = rv.rsei(seen, "LT05", reference=half, hold="level")
    other = xr.DataArray(np.arange(120), dims="x")
    assert moved(loose.rsei.where(other >= 60)) > 0.04
    assert moved(held.rsei.where(other >= 60)) < 0.01
    assert moved(held.rsei.where(other < 60)) < 0.001
    assert np.ptp(held.reference_level.values) > 0.04
    # the level goes with the fit, and asks for the land again only for years it has not met
    again = rv.rsei(seen, "LT05", fit=held)
    assert again.rsei.identical(held.rsei)
    assert again.attrs["hold"] == "level"
    early = rv.rsei(seen.isel(year=slice(0, 9)), "LT05", reference=half, hold="level")
    with pytest.raises(InvalidInput, match="2010"):
        rv.rsei(seen, "LT05", fit=early)
    later = rv.rsei(seen, "LT05", fit=early, reference=half)
    assert later.rsei.isel(year=slice(0, 9)).identical(early.rsei)
    assert moved(later.rsei.where(other >= 60)) < 0.01


def test_one_pixel_by_hand():
    """Xu 2013 step by step on one pixel, with limits and loadings as given back."""
    seen = land(patchy(1), noise=0.0, kelvin=0.0)
    seen = seen.assign({name: seen[name].round(4 if name != "thermal" else 2) for name in BANDS})
    found = rv.rsei(seen, "LC08")
    b, g, r, n, s1, s2, kelvin = (float(seen[name][0, 40, 50]) for name in BANDS)
    wet = 0.2254 * g + 0.3681 * r + 0.2250 * n - 0.6053 * s1 - 0.6298 * s2
    si = ((s1 + r) - (n + b)) / ((s1 + r) + (n + b))
    ibi_a, ibi_b = 2 * s1 / (s1 + n), n / (n + r) + g / (g + s1)
    ndbsi = (si + (ibi_a - ibi_b) / (ibi_a + ibi_b)) / 2
    parts = np.array([(n - r) / (n + r), wet, ndbsi, kelvin - float(found.reference_k[0])])
    low, high = found.limit.values[:, 0], found.limit.values[:, 1]
    level = np.clip((parts - low) / (high - low), 0, 1)
    weights = found.loading.values
    worst, best = np.minimum(weights, 0).sum(), np.maximum(weights, 0).sum()
    expected = (weights @ level - worst) / (best - worst)
    assert float(found.rsei[0, 40, 50]) == pytest.approx(expected, abs=2e-4)
    assert float(found.reference_k[0]) == pytest.approx(float(seen.thermal.median()), abs=0.011)


def test_the_sign_is_that_of_the_loadings_and_water_has_no_index():
    seen = land(patchy(2))
    for name, value in zip(BANDS, (0.06, 0.05, 0.03, 0.02, 0.01, 0.01, 290.0), strict=True):
        seen[name][:, :10] = value
    found = rv.rsei(seen, "LC08")
    assert (found.loading.sel(component=["greenness", "wetness"]) > 0).all()
    assert (found.loading.sel(component=["dryness", "heat"]) < 0).all()
    assert (found.status[:, :10] == RseiPixel.WATER).all()
    assert found.rsei[:, :10].isnull().all()
    assert found.rsei[:, 10:].notnull().all()


def test_a_frozen_fit_moves_no_year_and_takes_new_ones():
    seen = weather(land(patchy()))
    first = rv.rsei(seen.isel(year=slice(0, 8)), "LT05")
    later = rv.rsei(seen, "LT05", fit=first)
    assert later.rsei.isel(year=slice(0, 8)).identical(first.rsei)
    assert np.array_equal(later.loading, first.loading)
    assert moved(later.rsei) < 0.012
    again = rv.rsei(seen.isel(year=slice(0, 8)), "LT05", fit=json.loads(later.attrs["fit"]))
    assert again.rsei.identical(first.rsei)
    # on a part of the land the reference of a year stays what it was on the whole
    part = rv.rsei(seen.isel(y=slice(0, 20)), "LT05", fit=later)
    assert np.array_equal(part.rsei, later.rsei[:, :20])
    assert (part.yearly_status == RseiStatus.MEASURED).all()


def test_without_temperature_it_is_refused_and_says_so():
    seen = land(patchy(3)).drop_vars("thermal")
    found = rv.rsei(seen, "LC08")
    assert found.fit_status == RseiStatus.NO_THERMAL
    assert (found.year_status == RseiStatus.NO_THERMAL).all()
    assert (found.status == RseiPixel.NO_THERMAL).all()
    assert found.rsei.isnull().all()
    whole = land(patchy(3))
    whole.thermal[1] = np.nan
    found = rv.rsei(whole, "LC08")
    assert found.year_status.values.tolist() == [0, RseiStatus.NO_THERMAL, 0]
    assert found.rsei[1].isnull().all()
    assert found.rsei[0].notnull().all()


def test_too_few_clear_pixels_are_refused():
    seen = land(patchy(2)).where(np.arange(120) < 4)
    found = rv.rsei(seen, "LC08")
    assert found.fit_status == RseiStatus.TOO_FEW_PIXELS
    assert (found.status[:, :, :4] == RseiPixel.REFUSED).all()
    assert found.rsei.isnull().all()
    cloudy = land(patchy(2))
    cloudy = cloudy.where((cloudy.year == 2001) | (cloudy.red.y < 0))
    assert rv.rsei(cloudy, "LC08").year_status.values.tolist() == [0, RseiStatus.NO_DATA]


def test_it_is_refused_where_greenness_and_wetness_disagree():
    seen = land(patchy(2))
    # green land that is the drier one: bright short-wave infrared under the leaves
    seen["swir1"] = 0.10 + 0.30 * (seen.nir - 0.22) / 0.16
    seen["swir2"] = 0.05 + 0.30 * (seen.nir - 0.22) / 0.16
    found = rv.rsei(seen, "LC08")
    assert found.fit_status == RseiStatus.SIGNS_DISAGREE
    assert found.loading[0] * found.loading[1] < 0
    assert found.rsei.isnull().all()
    assert (found.status == RseiPixel.REFUSED).any()


def test_it_is_refused_where_the_first_component_explains_too_little():
    rng = np.random.default_rng(1)
    seen = land(np.full((2, 60, 60), 0.5), noise=0.0, kelvin=3.0)
    for name in BANDS[:6]:
        seen[name] = seen[name] * (1 + 0.02 * rng.standard_normal((2, 60, 60)))
    found = rv.rsei(seen, "LC08")
    assert found.fit_status in (RseiStatus.LITTLE_EXPLAINED, RseiStatus.SIGNS_DISAGREE)
    assert found.share < 0.6
    assert found.rsei.isnull().all()


def test_integers_of_a_file_are_taken_as_they_are():
    seen = land(patchy(2))
    stored = xr.Dataset(
        {
            name: seen[name]
            .copy(data=np.rint((seen[name].values - offset) / factor).astype(np.uint16))
            .assign_attrs(scale_factor=factor, add_offset=offset, _FillValue=0)
            for name in BANDS
            for factor, offset in [(0.00341802, 149.0) if name == "thermal" else (2.75e-5, -0.2)]
        },
        seen.coords,
    )
    stored["nir"][0, 0, 0] = 0
    found, decoded = rv.rsei(stored, "LC08"), rv.rsei(seen, "LC08")
    assert found.status[0, 0, 0] == RseiPixel.NO_DATA
    assert float(np.abs(found.rsei - decoded.rsei).max()) < 5e-3
    with pytest.raises(InvalidInput, match="scale_factor"):
        rv.rsei(stored.assign(red=stored.red.drop_attrs()), "LC08")
    with pytest.raises(InvalidInput, match="all uint16"):
        rv.rsei(stored.assign(red=seen.red), "LC08")


def test_two_families_of_sensors_share_one_wetness():
    seen = land(patchy(4), noise=0.002, kelvin=0.2)
    tm, oli = seen.isel(year=[0, 1]), seen.isel(year=[2, 3])
    change = band_change("LC08", wetness_sets()["tm_sr"])
    for band, name in enumerate(BANDS[:6]):
        oli[name] = (oli[name] - change[band, 1]) / change[band, 0]
    both = xr.concat([tm, oli], "year")
    sensors = {2001: "LT05", 2002: "LE07", 2003: "LC08", 2004: "LC09"}
    found = rv.rsei(both, sensors)
    assert found.attrs["wetness_source"].startswith("Crist 1985")
    # taken for one sensor, the same pictures jump
    assert 2 * moved(found.rsei) < moved(rv.rsei(both, "LT05").rsei)


def test_the_wetness_table_holds_no_set_without_its_source():
    for name, one in wetness_sets().items():
        assert len(one.coefficients) == 6, name
        assert one.source, name
        # brightness-like bands add, short-wave infrared takes away
        assert min(one.coefficients[:4]) >= 0 > max(one.coefficients[4:]), name
        assert 0.9 < np.linalg.norm(one.coefficients) < 1.05, name
    dn_set = (0.1509, 0.1973, 0.3279, 0.3406, -0.7112, -0.4572)
    assert dn_set not in [one.coefficients for one in wetness_sets().values()]
    with pytest.raises(UnknownOption, match="S2A"):
        wetness_set(["S2A"], "surface_reflectance")


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"sensor": None}, InvalidInput, "sensor"),
        ({"sensor": "LT03"}, UnknownOption, "known are"),
        ({"sensor": {2001: "LT05"}}, InvalidInput, "2002"),
        ({"form": "mrsei"}, UnknownOption, "pooled or xu2013"),
        ({"hold": "level"}, InvalidInput, "reference"),
        ({"hold": "all"}, UnknownOption, "heat or level"),
        ({"product": "dn"}, UnknownOption, "surface_reflectance"),
        ({"form": "xu2013", "reference": xr.DataArray(np.ones((120, 120), bool))},
         UnknownOption, "by itself"),
        ({"reference": xr.DataArray(np.ones((3, 3), bool), dims=("y", "x"))}, GridMismatch, "120"),
        ({"reference": xr.DataArray(np.ones((120, 120)), dims=("y", "x"))}, InvalidInput, "bool"),
        ({"fit": xr.Dataset()}, InvalidInput, "no fit"),
        ({"fit": {"limits": []}}, InvalidInput, "lacks"),
    ],
)  # fmt: skip
def test_what_it_cannot_take_it_names(change, error, says):
    with pytest.raises(error, match=says):
        rv.rsei(land(patchy(2)), **({"sensor": "LT05"} | change))


def test_a_missing_band_a_strange_dimension_and_a_year_twice_are_named():
    seen = land(patchy(2))
    with pytest.raises(InvalidInput, match="swir2"):
        rv.rsei(seen.drop_vars("swir2"), "LT05")
    with pytest.raises(WrongDimensions, match="time"):
        rv.rsei(seen.assign(red=seen.red.rename(year="time")), "LT05")
    with pytest.raises(InvalidInput, match="twice"):
        rv.rsei(seen.assign_coords(year=[2001, 2001]), "LT05")


def sane(found: xr.Dataset) -> None:
    """The ranges that published tables of mines span: four loadings and the explained share."""
    green, wet, dry, heat = found.loading.values
    assert found.fit_status == RseiStatus.MEASURED
    assert 0.3 <= green <= 0.75
    assert 0.25 <= wet <= 0.75
    assert -0.81 <= dry <= -0.4
    # -0.15 to -0.26 over the rare-earth mines, down to -0.75 in dry land
    assert -0.75 <= heat <= -0.15
    assert 0.6 <= found.share <= 0.9


@pytest.mark.real_data("landsat-c2l2-scenes")
@pytest.mark.parametrize("form", ["pooled", "xu2013"])
def test_a_real_scene_of_bolivia_has_sane_loadings(data_folder, form):
    scenes, _ = find_scenes(data_folder)
    [scene] = [one for one in scenes if "_001070_" in one.scene_id]
    seen = read_scene(scene, scene.grid)
    clear = seen.drop_vars(["clear", "water"]).where(seen.clear)
    found = rv.rsei(clear, scene.sensor, form=form)
    sane(found)
    assert (found.status == RseiPixel.MEASURED).sum() > 20_000
    assert found.rsei.median() > 0.5


@pytest.mark.real_data("landsat8-mendoza")
@pytest.mark.parametrize("form", ["pooled", "xu2013"])
def test_real_bands_of_mendoza_have_sane_loadings(data_folder, form):
    """Surface reflectance as delivered; temperature from the thermal band at the sensor."""
    folder = data_folder / "inst" / "extdata"
    scene = "LC82320832016040LGN00"
    layers = {}
    for number, name in enumerate(BANDS[:6], start=2):
        with rasterio.open(folder / f"{scene}_sr_band{number}.tif") as source:
            layers[name] = (("y", "x"), source.read(1).astype(np.float32) / 1e4)
    text = (folder / f"{scene}_MTL.txt").read_text()
    stated = dict(line.strip().split(" = ") for line in text.splitlines() if " = " in line)
    with rasterio.open(folder / f"{scene}_band10.tif") as source:
        counts = source.read(1).astype(np.float64)
    radiance = counts * float(stated["RADIANCE_MULT_BAND_10"])
    radiance += float(stated["RADIANCE_ADD_BAND_10"])
    k1, k2 = float(stated["K1_CONSTANT_BAND_10"]), float(stated["K2_CONSTANT_BAND_10"])
    layers["thermal"] = (("y", "x"), k2 / np.log(k1 / radiance + 1))
    sane(rv.rsei(xr.Dataset(layers), "LC08", form=form))


def test_the_snippets_of_the_page_run():
    page = Path(__file__).resolve().parents[2] / "docs" / "rsei.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 8
    assert result.failed == 0
