import json

import numpy as np
import pytest
from rasterio.transform import Affine

from reverdure.core.errors import (
    GridMismatch,
    InvalidInput,
    MissingCRS,
    NotKelvin,
    NotReflectance,
    ReverdureError,
    UnknownOption,
    UnreadableFile,
)
from reverdure.core.grid import Grid, grid_of
from reverdure.imagery.declared import DeclaredYear, Thermal, inspect_composites, read_declared

SIX = ("blue", "green", "red", "nir", "swir1", "swir2")


def inspect(files, *, bands=None, index=None, years=None, scale=1.0, nodata=None, thermal=None):
    return inspect_composites(
        files, bands=bands, index=index, years=years, scale=scale, nodata=nodata, thermal=thermal
    )


def codes(findings):
    return [(finding.action, finding.code) for finding in findings]


@pytest.fixture
def reflectance(grid):
    random = np.random.default_rng(0)
    return random.uniform(0.02, 0.5, (6, *grid.shape)).astype(np.float32)


@pytest.fixture
def yearly(tmp_path, write_raster, reflectance):
    return [write_raster(tmp_path / f"mosaic_{y}_v2.tif", reflectance) for y in (2003, 2001)]


def test_years_come_from_the_names_and_values_come_back(yearly, reflectance, grid):
    declared, findings = inspect(yearly, bands=SIX)
    assert [one.year for one in declared] == [2001, 2003]
    assert findings == []
    assert all((one.kind, one.bands, one.grid) == ("bands", SIX, grid) for one in declared)
    found = read_declared(declared[0], grid)
    assert list(found.data_vars) == list(SIX)
    assert np.array_equal(found.nir.values, reflectance[3])
    assert found.nir.dtype == np.float32
    assert grid_of(found) == grid


def test_a_scale_divides_and_bands_can_be_passed_over(tmp_path, write_raster, reflectance, grid):
    numbers = np.round(reflectance * 10_000).astype(np.int16)
    path = write_raster(tmp_path / "2001.tif", numbers)
    names = ("-", "green", "-", "nir", "-", "-")
    declared, _ = inspect([path], bands=names, scale=10_000)
    found = read_declared(declared[0], grid)
    assert list(found.data_vars) == ["green", "nir"]
    assert np.allclose(found.nir.values, numbers[3] / 10_000)


def test_a_year_comes_back_from_json_as_it_was(yearly):
    one = inspect(yearly, bands=SIX)[0][0]
    assert DeclaredYear.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_the_digest_changes_with_the_file_and_with_what_is_said(
    tmp_path, write_raster, reflectance
):
    path = write_raster(tmp_path / "2001.tif", reflectance)
    before = inspect([path], bands=SIX)[0][0].digest
    swapped = inspect([path], bands=SIX[::-1])[0][0].digest
    write_raster(path, reflectance + np.float32(0.01))
    after = inspect([path], bands=SIX)[0][0].digest
    assert len({before, swapped, after}) == 3
    moved = write_raster(tmp_path / "elsewhere" / "2001.tif", reflectance)
    assert inspect([moved], bands=SIX)[0][0].digest == before


def test_zeros_in_all_bands_are_missing_counted_and_flagged(
    tmp_path, write_raster, reflectance, grid
):
    reflectance[:, :2, :5] = 0
    reflectance[0, 5, 5] = 0
    path = write_raster(tmp_path / "2001.tif", reflectance, nodata=np.nan)
    declared, findings = inspect([path], bands=SIX)
    assert codes(findings) == [("flagged", "zeros_as_nodata")]
    assert "10 pixels" in findings[0].message
    assert "10" in findings[0].message_zh
    found = read_declared(declared[0], grid)
    assert np.isnan(found.red.values[:2, :5]).all()
    assert np.isfinite(found.red.values).sum() == found.red.size - 10
    assert found.blue.values[5, 5] == 0


def test_declared_stated_and_undeclared_nodata_are_missing(
    tmp_path, write_raster, reflectance, grid
):
    numbers = np.round(reflectance * 10_000).astype(np.int16)
    numbers[:, 0, 0] = -1
    numbers[:, 0, 1] = -32768
    numbers[:, 0, 2] = -77
    path = write_raster(tmp_path / "2001.tif", numbers, nodata=-1)
    declared, findings = inspect([path], bands=SIX, scale=10_000, nodata=-77)
    assert codes(findings) == [("flagged", "undeclared_nodata")]
    assert "-32768" in findings[0].message
    red = read_declared(declared[0], grid).red.values
    assert np.isnan(red[0, :3]).all()
    assert np.isfinite(red).sum() == red.size - 3


def test_a_few_values_outside_the_range_are_flagged_and_not_used(
    tmp_path, write_raster, reflectance, grid
):
    reflectance[2, 4, 4] = 1.7
    path = write_raster(tmp_path / "2001.tif", reflectance)
    declared, findings = inspect([path], bands=SIX)
    assert codes(findings) == [("flagged", "outside_range")]
    found = read_declared(declared[0], grid)
    assert np.isnan(found.red.values[4, 4])
    assert np.isfinite(found.nir.values).all()


def test_a_year_without_values_is_left_out_and_said(yearly, tmp_path, write_raster, reflectance):
    empty = write_raster(tmp_path / "2002.tif", reflectance * 0)
    declared, findings = inspect([*yearly, empty], bands=SIX)
    assert [one.year for one in declared] == [2001, 2003]
    assert codes(findings) == [("flagged", "zeros_as_nodata"), ("rejected", "no_values")]


def test_bands_stretched_to_their_own_extremes_are_refused(tmp_path, write_raster, reflectance):
    low = reflectance.min(axis=(1, 2), keepdims=True)
    high = reflectance.max(axis=(1, 2), keepdims=True)
    stretched = (reflectance - low) / (high - low)
    path = write_raster(tmp_path / "2001.tif", stretched)
    with pytest.raises(NotReflectance, match="exactly 0 to exactly 1"):
        inspect([path], bands=SIX)
    empty = write_raster(tmp_path / "2002.tif", stretched * np.float32(np.nan))
    path = write_raster(tmp_path / "2001.tif", stretched, nodata=0)
    with pytest.raises(NotReflectance, match="exactly 0 to exactly 1"):
        inspect([path, empty], bands=SIX)


@pytest.mark.parametrize(
    ("factor", "scale", "hint"),
    [
        (10_000, 1, "--scale 10000"),
        (100, 1, "--scale 100"),
        (10_000, 100, "--scale 10000"),
        (1, 10_000, "--scale 1"),
        (65_000, 1, "--scale and --nodata"),
    ],
)
def test_a_wrong_scale_is_refused_with_the_one_to_try(
    tmp_path, write_raster, reflectance, factor, scale, hint
):
    path = write_raster(tmp_path / "2001.tif", reflectance * np.float32(factor))
    with pytest.raises(NotReflectance, match=hint):
        inspect([path], bands=SIX, scale=scale)


def test_collection_2_numbers_are_sent_to_add_scenes(tmp_path, write_raster, reflectance):
    numbers = np.round((reflectance + 0.2) / 2.75e-5).astype(np.uint16)
    path = write_raster(tmp_path / "2001.tif", numbers)
    with pytest.raises(NotReflectance, match="add scenes"):
        inspect([path], bands=SIX, scale=10_000)


def test_an_index_with_a_band_a_year(tmp_path, write_raster, grid):
    values = np.random.default_rng(1).uniform(-400, 900, (3, *grid.shape)).astype(np.float32)
    values[1, 0, 0] = -32768
    path = write_raster(tmp_path / "nbr.tif", values)
    declared, findings = inspect([path], index="nbr", years=(1984, 1985, 1987), scale=1000)
    assert [(one.year, one.band_numbers, one.kind) for one in declared] == [
        (1984, (1,), "nbr"),
        (1985, (2,), "nbr"),
        (1987, (3,), "nbr"),
    ]
    assert [finding.row for finding in findings] == [1985]
    found = read_declared(declared[1], grid).nbr.values
    assert np.isnan(found[0, 0])
    assert np.allclose(found.ravel()[1:], values[1].ravel()[1:] / 1000)
    with pytest.raises(NotReflectance, match=r"no normalised index.*--scale 1000"):
        inspect([path], index="nbr", years=(1984, 1985, 1987), scale=1)
    with pytest.raises(NotReflectance, match="next to zero"):
        inspect([path], index="nbr", years=(1984, 1985, 1987), scale=1_000_000)


def test_zeros_in_an_index_are_missing_only_where_they_are_many(tmp_path, write_raster, grid):
    values = np.random.default_rng(1).uniform(-0.4, 0.9, grid.shape).astype(np.float32)
    values[3, 3] = 0
    few = write_raster(tmp_path / "ndvi_2001.tif", values)
    values[:2] = 0
    many = write_raster(tmp_path / "ndvi_2002.tif", values)
    declared, findings = inspect([few, many], index="ndvi")
    assert [finding.row for finding in findings] == [2002]
    assert read_declared(declared[0], grid).ndvi.values[3, 3] == 0
    assert np.isnan(read_declared(declared[1], grid).ndvi.values).sum() == 21


def test_rasters_on_other_grids_are_named(yearly, tmp_path, write_raster, reflectance, grid):
    shifted = Grid(grid.crs, grid.west + 30, grid.north, 30.0, *grid.shape)
    odd = write_raster(tmp_path / "2005.tif", reflectance, shifted)
    with pytest.raises(GridMismatch, match=r"1 rasters.*2005\.tif"):
        inspect([*yearly, odd], bands=SIX)


def test_places_that_cannot_be_used_are_refused(tmp_path, write_raster, reflectance, grid, cut_off):
    cases = {
        MissingCRS: {"crs": None},
        GridMismatch: {"transform": Affine(30, 0, grid.west, 0, -40, grid.north)},
    }
    for error, kind in cases.items():
        path = write_raster(tmp_path / "2001.tif", reflectance, **kind)
        with pytest.raises(error, match=r"2001\.tif"):
            inspect([path], bands=SIX)
    path = write_raster(tmp_path / "2001.tif", reflectance, transform=Affine(30, 0, 0, 0, 30, 0))
    with pytest.raises(GridMismatch, match="north-up"):
        inspect([path], bands=SIX)
    path = write_raster(tmp_path / "2001.tif", reflectance)
    cut_off(path)
    with pytest.raises(UnreadableFile, match=r"2001\.tif"):
        inspect([path], bands=SIX)
    path.write_bytes(b"")
    with pytest.raises(UnreadableFile, match=r"2001\.tif"):
        inspect([path], bands=SIX)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, InvalidInput, "either bands or an index"),
        ({"bands": SIX, "index": "nbr"}, InvalidInput, "either bands or an index"),
        ({"bands": SIX[:5]}, InvalidInput, "has 6 bands, but 5"),
        ({"bands": (*SIX[:5], "NIR2")}, UnknownOption, "NIR2"),
        ({"bands": (*SIX[:5], "red")}, InvalidInput, "each band once"),
        ({"bands": ("-",) * 6}, InvalidInput, "each band once"),
        ({"bands": SIX, "years": (2001,)}, InvalidInput, "1 years for 2 files"),
        ({"bands": SIX, "years": (2001, 2001)}, InvalidInput, "year 2001 comes 2 times"),
        ({"bands": SIX, "scale": 0.0}, UnknownOption, "scale 0"),
        ({"bands": SIX, "scale": float("nan")}, UnknownOption, "scale nan"),
        ({"index": "my index"}, UnknownOption, "not the name of an index"),
        ({"index": "nbr"}, InvalidInput, "has 6 bands, but 1"),
    ],
)
def test_what_is_said_must_fit_the_files(yearly, arguments, error, message):
    with pytest.raises(error, match=message):
        inspect(yearly, **arguments)


def test_a_file_needs_one_year_and_a_stack_one_for_each_band(tmp_path, write_raster, reflectance):
    for name in ("mosaic.tif", "2001_2002.tif", "20010101.tif"):
        path = write_raster(tmp_path / name, reflectance)
        with pytest.raises(InvalidInput, match="one year of four digits"):
            inspect([path], bands=SIX)
    assert inspect([path], bands=SIX, years=[1999])[0][0].year == 1999
    with pytest.raises(InvalidInput, match="6 bands for 2 years"):
        inspect([path], index="nbr", years=[1999, 2000])
    with pytest.raises(InvalidInput, match="no raster among 1"):
        inspect([tmp_path / "list.csv"], bands=SIX)


@pytest.mark.real_data("annual-composites-bc")
def test_real_composites_with_zeros_for_nothing(data_folder):
    files = sorted((data_folder / "composites").iterdir())
    declared, findings = inspect(files, bands=SIX)
    assert [one.year for one in declared] == list(range(2002, 2012))
    rejected = [finding.id for finding in findings if finding.action == "rejected"]
    assert sorted(name.rsplit(".", 1)[1] for name in rejected) == ["gpkg"] * 3 + ["xml"] * 2
    zeros = {finding.row: finding.message for finding in findings if finding.action == "flagged"}
    assert sorted(zeros) == list(range(2002, 2012))
    assert "7187 pixels (62.79%)" in zeros[2011]
    last = read_declared(declared[-1], declared[-1].grid)
    assert np.isnan(last.nir.values).mean() == pytest.approx(0.628, abs=0.001)
    ndvi = (last.nir - last.red) / (last.nir + last.red)
    assert 0.3 < float(ndvi.median()) < 0.95


@pytest.mark.real_data("rescaled-not-reflectance")
def test_real_rasters_stretched_to_0_1_are_refused(data_folder):
    with pytest.raises(NotReflectance, match=r"every year \(6\)"):
        inspect(sorted(data_folder.glob("*.tif")), bands=SIX)


@pytest.mark.real_data("gee-landtrendr-scenes")
@pytest.mark.parametrize(("name", "missing"), [("forest_or", {1997}), ("arid_nv", set())])
def test_real_index_series_of_33_years(data_folder, name, missing):
    path = data_folder / f"{name}_source.tif"
    years = range(1984, 2017)
    declared, findings = inspect([path], index="nbr", years=years, scale=1000)
    assert [one.year for one in declared] == list(years)
    assert {f.row for f in findings if f.code == "undeclared_nodata"} == missing
    for one in (one for one in declared if one.year in (1984, 1997, 2016)):
        values = read_declared(one, one.grid).nbr.values
        assert np.isnan(values).any() == (one.year in missing)
    with pytest.raises(ReverdureError, match="33 bands for 32 years"):
        inspect([path], index="nbr", years=range(1984, 2016), scale=1000)


SEVEN = (*SIX, "thermal")


def with_thermal(reflectance, kelvin):
    return np.concatenate([reflectance, np.broadcast_to(np.float32(kelvin), (1, 12, 10))])


def test_a_temperature_comes_back_in_kelvin_and_what_cannot_be_one_is_missing(
    tmp_path, write_raster, reflectance, grid
):
    numbers = np.round(with_thermal(reflectance, 0) * 10_000).astype(np.int16)
    numbers[6] = 2_985
    numbers[6, 0, :3] = 0, -9999, 1_000
    numbers[:6, 5, 5] = 0
    path = write_raster(tmp_path / "2001.tif", numbers)
    (one,), _ = inspect([path], bands=SEVEN, scale=10_000, thermal=Thermal("LE07", 10))
    assert (one.sensor, one.thermal_scale, one.thermal) == ("LE07", 10, 6)
    found = read_declared(one, grid)
    assert found.thermal.attrs["units"] == "K"
    assert np.isnan(found.thermal.values[0, :3]).all()
    assert np.nanmax(np.abs(found.thermal.values - 298.5)) < 1e-4
    assert np.isfinite(found.red.values[0, :3]).all()
    assert np.isnan(found.to_array().values[:, 5, 5]).all()
    assert DeclaredYear.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_what_is_said_of_rasters_without_temperature_stays_as_it_was(yearly):
    one = inspect(yearly, bands=SIX)[0][0]
    assert list(one.to_dict()) == [
        "year", "path", "kind", "band_numbers", "bands", "grid", "scale", "nodata",
        "zero_is_missing", "digest",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kelvin", "scale", "hint"),
    [(24.5, 1, "Celsius"), (2_985, 1, "scale of 10"), (29_850, 1, "scale of 100"),
     (44_000, 1, "kelvin"), (180, 1, "kelvin"), (298.5, 10, "kelvin")],
)  # fmt: skip
def test_numbers_that_are_no_kelvin_are_refused(
    tmp_path, write_raster, reflectance, kelvin, scale, hint
):
    path = write_raster(tmp_path / "2001.tif", with_thermal(reflectance, kelvin))
    with pytest.raises(NotKelvin, match=hint):
        inspect([path], bands=SEVEN, thermal=Thermal("LC08", scale))


def test_a_temperature_without_its_sensor_and_the_other_way_round_are_refused(
    tmp_path, write_raster, reflectance
):
    path = write_raster(tmp_path / "2001.tif", with_thermal(reflectance, 300))
    with pytest.raises(InvalidInput, match="--thermal LC08"):
        inspect([path], bands=SEVEN)
    with pytest.raises(InvalidInput, match="belong together"):
        inspect([path], bands=(*SIX, "-"), thermal=Thermal("LC08"))
    with pytest.raises(InvalidInput, match="at least one of reflectance"):
        inspect([path], bands=("-",) * 6 + ("thermal",), thermal=Thermal("LC08"))
    for text in ("LC99", "LC08:x", "LC08:-1", "LC08:0", ""):
        with pytest.raises(UnknownOption):
            Thermal.parse(text)
