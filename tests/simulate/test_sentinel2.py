"""Sentinel-2 over the simulated land: the same truth, other optics, the names of real archives."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from reverdure.simulate.county import County, make_county, simulate
from reverdure.simulate.landscape import COMPONENTS, LEAFY
from reverdure.simulate.sentinel2 import (
    FIRST_YEAR,
    _views,
    draw_camera,
    sentinel2_grid,
    sentinel2_overpasses,
)
from reverdure.simulate.worlds import draw_world

N_MINES, N_YEARS, SEED = 2, 6, 5


@pytest.fixture(scope="module")
def county() -> County:
    return make_county(n_mines=N_MINES, n_years=N_YEARS, seed=SEED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sentinel2") / "county"
    simulate(target, n_mines=N_MINES, n_years=N_YEARS, seed=SEED, sentinel2=True)
    return target


def items(folder: Path) -> list[tuple[Path, dict]]:
    found = sorted((folder / "scenes").glob("S2*/*.json"))
    return [(path, json.loads(path.read_text(encoding="utf-8"))) for path in found]


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read(1)


def test_cameras_are_drawn_with_the_world_and_have_a_response_of_their_own() -> None:
    assert draw_camera(draw_world(2)).psf_10m == draw_camera(draw_world(2)).psf_10m
    cameras = [draw_camera(draw_world(number)) for number in range(1, 30)]
    gains = np.abs(np.array([camera.gain for camera in cameras]) - 1)
    assert gains.min() >= 0.01
    assert gains.max() <= 0.03
    assert np.std([camera.psf_20m for camera in cameras]) > 0.5


def test_the_grid_is_that_of_real_tiles_and_lies_inside_the_county(county: County) -> None:
    grid = sentinel2_grid(county.landscape)
    assert (grid.west % 20, grid.north % 20, grid.height % 2, grid.width % 2) == (0, 0, 0, 0)
    west, south, east, north = grid.bounds
    for mine in county.mines:
        if mine.outline is not None:
            left, bottom, right, top = mine.outline.bounds
            assert left - west > 900
            assert right + 900 < east
            assert bottom - south > 900
            assert top + 900 < north


def test_scenes_are_of_the_season_and_share_the_year_with_landsat(county: County) -> None:
    scenes = sentinel2_overpasses(county)
    years = [scene.date.year for scene in scenes]
    assert set(years) == set(range(max(FIRST_YEAR, county.record.first), 2025))
    assert max(np.bincount(years)) <= 5
    assert all(6 <= scene.date.month <= 9 for scene in scenes)
    assert [s.date for s in scenes] == sorted(s.date for s in scenes)
    assert {s.sensor for s in scenes if s.date.year > 2018} == {"S2A", "S2B"}
    anomalies = {scene.date.year: scene.weather for scene in scenes}
    for year, weather in anomalies.items():
        assert weather == county.weather[year - county.record.first]


def test_pixels_are_the_blurred_land_whatever_part_of_it_changes(county: County) -> None:
    """Land blurred once and patches added by matrices are one picture without seams."""
    from scipy import ndimage

    camera = draw_camera(county.world)
    layers = [(patch, patch.layers(2020)) for patch in county.patches]
    shift = (3.7, -6.2)
    for view in _views(county, camera):
        seen = view.shares(layers, shift)
        leaf = COMPONENTS.index(f"{LEAFY[0]}_leaf")
        landscape = county.landscape
        whole = np.where(landscape.kind == 0, landscape.cover, 0).astype(np.float64)
        for patch, shares in layers:
            whole[patch.slices][patch.label > 0] = 0
            if leaf in patch.components:
                whole[patch.slices] += shares[patch.components.index(leaf)]
        fwhm = camera.psf_10m if view.grid.pixel == 10 else camera.psf_20m
        sigma = fwhm / 2.3548 / 5
        blurred = ndimage.gaussian_filter(whole, sigma, truncate=5)
        rows = np.arange(20, view.grid.height, 37)
        columns = np.arange(15, view.grid.width, 41)
        y = view.grid.north - (rows + 0.5) * view.grid.pixel - shift[0]
        x = view.grid.west + (columns + 0.5) * view.grid.pixel + shift[1]
        at = np.meshgrid(
            (landscape.cells.north - y) / 5 - 0.5, (x - landscape.cells.west) / 5 - 0.5,
            indexing="ij",
        )  # fmt: skip
        expected = ndimage.map_coordinates(blurred, at, order=1)
        assert seen[leaf][np.ix_(rows, columns)] == pytest.approx(expected, abs=2e-3)


def test_products_are_complete_and_of_baselines_on_both_sides_of_the_shift(folder: Path) -> None:
    found = items(folder)
    baselines = {item["properties"]["s2:processing_baseline"] for _, item in found}
    assert {name[:2] for name in baselines} >= {"02", "05"}
    for path, item in found:
        files = {one.name for one in path.parent.iterdir()}
        bands = {f"B{n}.tif" for n in ("02", "03", "04", "08", "11", "12")}
        assert files == bands | {"SCL.tif", path.name}
        assert item["id"] == path.stem
        assert read(path.parent / "SCL.tif").max() <= 11


def test_vegetation_is_dark_in_red_however_its_numbers_are_shifted(folder: Path) -> None:
    shifted = 0
    for path, item in items(folder):
        classes = read(path.parent / "SCL.tif")
        red = read(path.parent / "B04.tif")[::2, ::2]
        if (classes == 4).sum() < 500:
            continue
        properties = item["properties"]
        is_shifted = properties["s2:processing_baseline"] >= "04" and not properties.get(
            "earthsearch:boa_offset_applied"
        )
        level = np.median(red[classes == 4]) / 10_000 - 0.1 * is_shifted
        assert 0.01 < level < 0.09, item["id"]
        assert (red[classes == 0] == 0).all()
        shifted += is_shifted
    assert shifted > 0


def test_landsat_is_the_same_with_and_without(folder: Path, tmp_path: Path) -> None:
    simulate(tmp_path / "alone", n_mines=N_MINES, n_years=N_YEARS, seed=SEED)
    alone = sorted((tmp_path / "alone" / "scenes").iterdir())
    assert alone
    assert not any(path.name.startswith("S2") for path in alone)
    for product in alone:
        for path in product.glob("*.TIF"):
            twin = folder / "scenes" / product.name / path.name
            assert twin.read_bytes() == path.read_bytes(), path.name


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    from reverdure.simulate.sentinel2 import write_sentinel2

    again = make_county(n_mines=N_MINES, n_years=N_YEARS, seed=SEED)
    assert write_sentinel2(tmp_path, again) == len(items(folder))
    for path in sorted(tmp_path.rglob("*.*")):
        twin = folder / "scenes" / path.relative_to(tmp_path)
        assert twin.read_bytes() == path.read_bytes(), path.name
