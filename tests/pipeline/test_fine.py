"""From a folder of both satellites to 10 m values of small mines on the scale of Landsat."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from reverdure import kernels
from reverdure.core.codes import FineStatus
from reverdure.core.grid import Grid, grid_of
from reverdure.pipeline.add import AddedScenes, add_claims, add_mines, add_scenes
from reverdure.pipeline.fine import (
    fine_path,
    fine_series,
    fine_tasks,
    join_fine,
    land_that_is_no_mine,
    make_fine,
)
from reverdure.pipeline.fine_plan import small_mines
from reverdure.pipeline.lattice import Lattice
from reverdure.pipeline.run import run
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.pipeline.tiles import TileReader, make_composite, make_segments
from reverdure.recovery.fine import FineOffset, as_landsat_sees
from reverdure.simulate.county import County, make_county, simulate
from reverdure.store.workspace import Workspace

N_MINES, N_YEARS, SEED = 2, 7, 11


class Made(NamedTuple):
    workspace: Workspace
    plan: Plan
    added: AddedScenes
    county: County
    fine: dict[str, dict[str, xr.DataArray]]
    landsat: dict[str, dict[str, xr.DataArray]]
    joined: dict[str, tuple[dict[str, xr.DataArray], dict[str, FineOffset]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("fine")
    folder = root / "county"
    simulate(folder, n_mines=N_MINES, n_years=N_YEARS, seed=SEED, sentinel2=True)
    workspace = Workspace.create(root / "workspace")
    add_mines(workspace, folder / "mines.gpkg", None, {})
    add_claims(workspace, folder / "claims.csv", None, {})
    added = add_scenes(workspace, folder / "scenes")
    plan = make_plan(workspace)
    kernels.warm_up()
    for tile, year in plan.composites:
        make_composite(workspace, plan, tile, year)
    for tile, index in plan.segments:
        make_segments(workspace, plan, tile, index)
    for mine_id, year in fine_tasks(workspace, plan):
        make_fine(workspace, plan, mine_id, year)
    reader = TileReader(workspace, plan)
    fine = {mine_id: fine_series(workspace, plan, mine_id) for mine_id in plan.fine}
    landsat = {}
    for mine_id in plan.fine:
        source = plan.measured[mine_id]
        assert source.grid is not None
        landsat[mine_id] = {
            index: reader.segments(index, source.grid, source.tiles)[0] for index in plan.indices
        }
    outlines = plan.mines.geometry.to_crs(plan.lattice.crs)
    joined = {m: join_fine(fine[m], landsat[m], outlines) for m in plan.fine}
    county = make_county(n_mines=N_MINES, n_years=N_YEARS, seed=SEED)
    return Made(workspace, plan, added, county, fine, landsat, joined)


def test_both_kinds_are_added_at_once(made: Made) -> None:
    added = made.added
    assert added.sentinel2 > 2 * N_YEARS
    assert added.accepted > added.sentinel2
    assert {refusal.code for refusal in added.refused} <= {"nothing_clear"}
    assert added.without_saturation == added.resampled == 0
    assert made.workspace.database.count("scene") == added.accepted


def test_cells_lie_three_by_three_in_the_pixels_of_landsat(made: Made) -> None:
    assert made.plan.fine
    for mine_id, series in made.fine.items():
        assert set(series) == set(made.plan.indices)
        for index, values in series.items():
            assert values.dims == ("year", "y", "x")
            assert values.dtype == np.float32
            cells, pixels = grid_of(values), grid_of(made.landsat[mine_id][index])
            assert cells.pixel == pytest.approx(10)
            assert cells.crs == pixels.crs
            thirds = Grid(cells.crs, cells.west, cells.north, 30, *(n // 3 for n in cells.shape))
            assert thirds.is_aligned(pixels)
            assert (values["year"] >= 2018).all()


def test_sentinel2_changes_no_composite_and_every_key_of_a_small_mine(made: Made) -> None:
    alone = Workspace.create(made.workspace.root.parent / "landsat only")
    folder = made.workspace.root.parent / "county"
    add_mines(alone, folder / "mines.gpkg", None, {})
    add_claims(alone, folder / "claims.csv", None, {})
    landsat = made.workspace.root.parent / "landsat"
    landsat.mkdir()
    for product in (folder / "scenes").glob("L*"):
        (landsat / product.name).symlink_to(product, target_is_directory=True)
    for product in landsat.iterdir():
        add_scenes(alone, product)
    plan = make_plan(alone)
    assert plan.fine == {}
    assert [s.key for s in plan.composites.values()] == [
        s.key for s in made.plan.composites.values()
    ]
    for mine_id, source in plan.measured.items():
        is_fine = mine_id in made.plan.fine
        assert (source.key != made.plan.measured[mine_id].key) == is_fine


def test_the_same_bytes_in_any_order_on_any_thread(made: Made) -> None:
    paths = {
        (mine_id, year): fine_path(made.workspace, year, source)
        for mine_id, sources in made.plan.fine.items()
        for year, source in sources.items()
    }
    assert fine_tasks(made.workspace, made.plan) == []
    before = {task: path.read_bytes() for task, path in paths.items()}
    gone = sorted(paths)[::2]
    for task in gone:
        paths[task].unlink()
    assert sorted(fine_tasks(made.workspace, made.plan)) == gone
    kept = {task: path.stat().st_mtime_ns for task, path in paths.items() if path.exists()}
    with ThreadPoolExecutor(4) as pool:
        tasks = reversed(fine_tasks(made.workspace, made.plan))
        list(pool.map(lambda task: make_fine(made.workspace, made.plan, *task), tasks))
    assert {task: path.read_bytes() for task, path in paths.items()} == before
    assert {task: paths[task].stat().st_mtime_ns for task in kept} == kept


def test_joined_values_stand_on_the_scale_of_landsat(made: Made) -> None:
    for mine_id, (values, offsets) in made.joined.items():
        assert set(offsets) == set(made.plan.indices)
        for index, offset in offsets.items():
            assert offset.is_joined, (mine_id, offset)
            assert abs(offset.slope - 1) < 0.15
            assert offset.slope_error < 0.06
            assert json.loads(json.dumps(offset.to_dict()))["status"] == "joined"
            cells = grid_of(values[index])
            seen = as_landsat_sees(values[index])
            beside = made.landsat[mine_id][index].sel(x=seen.x, y=seen.y, year=seen.year)
            outlines = made.plan.mines.geometry.to_crs(made.plan.lattice.crs)
            free = land_that_is_no_mine(grid_of(seen), outlines)
            gap = (seen - beside).where(free)
            assert np.abs(gap.median(["y", "x"])).max() < 0.004
            before = (as_landsat_sees(made.fine[mine_id][index]) - beside).where(free)
            assert np.abs(gap).median() <= np.abs(before).median()
            assert cells.shape == made.fine[mine_id][index].shape[1:]


def test_fine_cells_tell_more_of_what_grows_in_a_mine_than_pixels_do(made: Made) -> None:
    """Judged by the cover of the 5 m cells that both satellites were shown."""
    shares = {}
    landscape = made.county.landscape
    for site in made.county.sites:
        for mine_id, (values, _) in made.joined.items():
            fine = values["ndvi"].sel(year=2024)
            cells, patch = grid_of(fine), site.patch
            cover = np.full(landscape.cells.shape, np.nan, np.float32)
            inside = np.where(patch.label > 0, patch.leaf_cover(2024, 0.0), np.nan)
            cover[patch.slices] = inside
            row = round((landscape.cells.north - cells.north) / 5)
            column = round((cells.west - landscape.cells.west) / 5)
            truth = cover[row : row + 2 * cells.height, column : column + 2 * cells.width]
            truth = truth.reshape(cells.height, 2, cells.width, 2).mean(axis=(1, 3))
            pixel = made.landsat[mine_id]["ndvi"].sel(year=2024)
            coarse = pixel.sel(x=fine.x, y=fine.y, method="nearest").values
            both = np.isfinite(truth) & np.isfinite(fine.values) & np.isfinite(coarse)
            if both.sum() < 60 or np.std(truth[both]) < 0.1:
                continue
            shares[mine_id] = [
                np.corrcoef(truth[both], seen[both])[0, 1] ** 2 for seen in (fine.values, coarse)
            ]
    assert shares
    for mine_id, (fine_share, coarse_share) in shares.items():
        assert fine_share > coarse_share, mine_id


def test_an_index_without_sentinel2_says_so(made: Made) -> None:
    mine_id = next(iter(made.plan.fine))
    values, offsets = join_fine({}, made.landsat[mine_id], [])
    assert values == {}
    assert {offset.status for offset in offsets.values()} == {FineStatus.NO_SCENES}
    assert fine_series(made.workspace, made.plan, "no such mine") == {}


def test_a_year_that_people_marked_is_not_handed_over(made: Made) -> None:
    mine_id, sources = next(iter(made.plan.fine.items()))
    source = made.plan.measured[mine_id]
    year = min(sources)
    marked = replace(source, effect=replace(source.effect, cloudy_years=(year,)))
    plan = replace(made.plan, measured={**made.plan.measured, mine_id: marked})
    series = fine_series(made.workspace, plan, mine_id)
    assert year in made.fine[mine_id]["ndvi"]["year"]
    assert [int(y) for y in series["ndvi"]["year"]] == sorted(set(sources) - {year})


def test_only_small_ground_is_worth_cells() -> None:
    lattice = Lattice.of(Grid("EPSG:32650", 390_015.0, 3_120_015.0, 30.0, 10, 10), 64)

    def square(side: float, east: float) -> shapely.Geometry:
        return shapely.box(400_000 + east, 3_100_000, 400_000 + east + side, 3_100_000 + side)

    # 50 pixels are 4.5 ha, a square of 212 m
    outlines = [square(200, 0), square(230, 1000), square(600, 2000), shapely.Point(4e5, 3e6), None]
    mines = gpd.GeoDataFrame(
        {"mine_id": ["small", "large", "parted", "point", "none"]}, geometry=outlines, crs=32650
    )
    claims = gpd.GeoDataFrame(
        {"claim_id": ["a", "b"], "mine_id": ["large", "parted"]},
        geometry=[None, square(100, 2100)],
        crs=32650,
    )
    found = small_mines(mines.to_crs(4326), claims.to_crs(4326), lattice)
    assert sorted(found) == ["parted", "small"]


def test_land_near_any_mine_is_left_out() -> None:
    grid = Grid("EPSG:32650", 400_000.0, 3_100_000.0, 30.0, 20, 20)
    pit = shapely.box(400_305, 3_099_705, 400_325, 3_099_725)
    free = land_that_is_no_mine(grid, [pit, None]).values
    rows, columns = np.nonzero(~free)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (7, 11, 8, 12)
    assert land_that_is_no_mine(grid, [None]).values.all()


def test_a_run_keeps_what_is_there_and_removes_what_nothing_needs(made: Made) -> None:
    stale = made.workspace.cubes / "fine" / "2020" / "0123456789abcdef.tif"
    stale.write_bytes(b"")
    result = run(made.workspace)
    assert result.made["fine"] == 0
    assert result.made["measure"] == len(made.plan.selected)
    assert not stale.exists()
    assert fine_tasks(made.workspace, made.plan) == []
    manifest = json.loads((made.workspace.runs / result.run_id / "manifest.json").read_text())
    assert "sentinel2" in manifest["inputs"]


def test_a_scene_added_later_makes_only_its_year_anew(made: Made, tmp_path: Path) -> None:
    last = max(make_plan(made.workspace).fine[next(iter(made.plan.fine))])
    item = next(
        path
        for path in sorted(
            (made.workspace.root.parent / "county" / "scenes").glob(f"S2?_*_{last}*")
        )
        if path.is_dir()
    )
    later = tmp_path / item.name
    later.mkdir()
    for path in item.iterdir():
        text = path.read_bytes()
        if path.suffix == ".json":
            stated = json.loads(text)
            day = "09-29" if stated["properties"]["datetime"][5:10] != "09-29" else "09-28"
            stated["properties"]["datetime"] = f"{last}-{day}T02:55:51.024000Z"
            stated["id"] = "another"
            text = json.dumps(stated).encode()
        (later / path.name).write_bytes(text)
    added = add_scenes(made.workspace, tmp_path)
    assert (added.accepted, added.new) == (1, 1)
    plan = make_plan(made.workspace)
    assert {year for _, year in fine_tasks(made.workspace, plan)} == {last}
