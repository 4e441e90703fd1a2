"""Lists that sit systematically off: recognised, named, corrected only when told."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from reverdure.core.errors import DoubtfulPosition
from reverdure.registry import shifted_maps
from reverdure.registry.counties import read_counties
from reverdure.registry.placing import check_placing, fits_counties
from tests.lists import truth
from tests.lists.importing import add, metres_off

TRUE = dict(zip(truth.IDS, truth.OUTLINES, strict=True))
# points of eviltransform's own tests: WGS 84, GCJ-02
PUBLISHED = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
]


@pytest.mark.parametrize(("wgs", "gcj"), PUBLISHED)
def test_the_published_points_are_reproduced(wgs, gcj):
    assert np.allclose(shifted_maps.to_gcj02(*wgs), gcj, rtol=0, atol=1e-9)
    assert np.allclose(shifted_maps.from_gcj02(*map(np.array, gcj)), wgs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["gcj02", "bd09"])
def test_there_and_back_holds_to_a_tenth_of_a_millimetre(name):
    there = {"gcj02": shifted_maps.to_gcj02, "bd09": shifted_maps.to_bd09}[name]
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(74, 134, 20_000), rng.uniform(18.5, 53, 20_000)
    moved = there(lon, lat)
    metres = np.hypot((moved[0] - lon) * np.cos(np.radians(lat)), moved[1] - lat) * 111_195
    assert metres.min() > 10
    assert 300 < np.median(metres) < 1500
    back = shifted_maps.BACK[name](*moved)
    assert np.abs(back[0] - lon).max() < 1e-9
    assert np.abs(back[1] - lat).max() < 1e-9


def test_outside_china_nothing_moves():
    assert shifted_maps.to_gcj02(np.array([2.35]), np.array([48.85])) == (2.35, 48.85)


@pytest.mark.parametrize("name", ["gcj02", "bd09"])
def test_a_list_on_a_shifted_map_is_named_and_corrected_only_when_told(
    name: str, workspace: Path, files: Path
) -> None:
    add(workspace, truth.csv(files / "known.csv", truth.mines()))
    table = truth.shifted(truth.mines(), name)
    table["图斑编号"] = ["N1", "N2", "N3"]
    path = truth.csv(files / "traced.csv", table)
    refused = add(workspace, path)
    assert refused.error is not None
    assert refused.error.code == "doubtful_position"
    assert f"--datum {name}" in str(refused.error)
    assert "0 of 3 outlines" in str(refused.error)
    assert len(refused.table) == 3
    told = add(workspace, path, "--datum", name)
    assert told.error is None
    new = told.table[told.table["mine_id"].str.startswith("N")]
    assert metres_off(new.assign(mine_id=truth.IDS), TRUE) < 0.01
    assert "datum_corrected" in told.codes
    maps = sorted((workspace / "imports").glob("*-map.toml"))
    assert name not in maps[-1].read_text("utf-8")  # the next list may sit right


def test_they_are_taken_as_they_are_when_that_is_told(workspace: Path, files: Path) -> None:
    add(workspace, truth.csv(files / "known.csv", truth.mines()))
    table = truth.shifted(truth.mines(), "gcj02")
    table["图斑编号"] = ["N1", "N2", "N3"]
    taken = add(workspace, truth.csv(files / "traced.csv", table), "--datum", "wgs84")
    assert taken.error is None
    new = taken.table[taken.table["mine_id"].str.startswith("N")]
    assert metres_off(new.assign(mine_id=truth.IDS), TRUE) > 300


def test_where_the_known_ones_are_off_that_is_what_is_said(workspace: Path, files: Path) -> None:
    add(workspace, truth.csv(files / "known.csv", truth.shifted(truth.mines(), "gcj02")))
    table = truth.mines()
    table["图斑编号"] = ["N1", "N2", "N3"]
    refused = add(workspace, truth.csv(files / "right.csv", table))
    assert "and not this list" in str(refused.error)


def test_claims_traced_on_a_web_map_are_held_against_their_mines(
    workspace: Path, files: Path
) -> None:
    add(workspace, truth.csv(files / "known.csv", truth.mines()))
    table = truth.shifted(truth.mines(), "gcj02").drop(columns=["名称", "面积亩"])
    table = table.assign(claimed_ha=2.0, year=2019, aim="forest")
    path = truth.csv(files / "claims.csv", table)
    refused = add(workspace, path, kind="claims")
    assert refused.error is not None
    assert "GCJ-02" in str(refused.error)
    told = add(workspace, path, "--datum", "gcj02", kind="claims")
    assert told.error is None
    assert len(told.table) == 3
    assert "outside_mine" not in told.codes


def test_new_mines_beside_known_ones_say_nothing(workspace: Path, files: Path) -> None:
    add(workspace, truth.csv(files / "known.csv", truth.mines()))
    table = truth.mines()
    table.geometry = table.geometry.translate(0.02, 0.015)
    table["图斑编号"] = ["N1", "N2", "N3"]
    assert add(workspace, truth.csv(files / "new.csv", table)).error is None


def small_mines(counties: gpd.GeoDataFrame, n: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Mines of 200 m strewn over counties, each with the county it lies in."""
    rng = np.random.default_rng(seed)
    west, south, east, north = counties.total_bounds
    points = shapely.points(rng.uniform(west, east, 3 * n), rng.uniform(south, north, 3 * n))
    tree = shapely.STRtree(np.array(counties.geometry))
    point, county = tree.query(points, predicate="within")
    chosen = point[:n]
    boxes = shapely.buffer(points[chosen], 0.001, quad_segs=2)
    return boxes, counties["county"].iloc[county[:n]].tolist()


def named(boxes: np.ndarray, stated: list[str], counties: gpd.GeoDataFrame) -> str:
    try:
        check_placing(boxes, "list", {"counties": fits_counties(stated, counties)})
    except DoubtfulPosition as error:
        return str(error)
    return ""


@pytest.mark.real_data("china-admin")
def test_the_county_test_has_the_power_it_states(data_folder: Path) -> None:
    counties = read_counties(data_folder / "hunan_counties_tianditu.geojson")
    found = {}
    for n in (100, 2000):
        trials = [small_mines(counties, n, seed) for seed in range(2)]
        assert not any(named(boxes, stated, counties) for boxes, stated in trials)
        moved = [(on_map(boxes), stated) for boxes, stated in trials]
        found[n] = sum("GCJ-02" in named(boxes, stated, counties) for boxes, stated in moved)
    assert found == {100: 0, 2000: 2}


def on_map(boxes: np.ndarray) -> np.ndarray:
    """The same outlines in GCJ-02."""
    return shapely.transform(
        boxes, lambda xy: np.column_stack(shifted_maps.to_gcj02(xy[:, 0], xy[:, 1]))
    )


@pytest.mark.real_data("china-admin")
@pytest.mark.parametrize(
    ("move", "said"),
    [
        (lambda xy: xy[:, ::-1], "exchanged"),
        (lambda xy: np.add(xy, (3, 0)), "another Gauss-Kruger zone"),
    ],
)
def test_swapped_axes_and_a_wrong_zone_show_against_counties(
    move, said: str, data_folder: Path
) -> None:
    counties = read_counties(data_folder / "hunan_counties_tianditu.geojson")
    boxes, stated = small_mines(counties, 40, 1)
    assert said in named(shapely.transform(boxes, move), stated, counties)
