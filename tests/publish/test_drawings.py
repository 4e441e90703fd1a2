"""Maps, charts and pictures: places are right, gaps stay gaps, signs differ."""

import base64
import math

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
from rasterio.io import MemoryFile

from reverdure.core.codes import Verdict
from reverdure.core.records import Picture
from reverdure.publish.charts import Event, Year, chart
from reverdure.publish.maps import WIDTH, mine_map
from reverdure.publish.pictures import plates, png
from reverdure.publish.signs import SIGNS


def _mines(*places: tuple[float, float]) -> geopandas.GeoDataFrame:
    boxes = [shapely.box(x - 1e-3, y - 1e-3, x + 1e-3, y + 1e-3) for x, y in places]
    ids = [f"M{i}" for i in range(len(boxes))]
    return geopandas.GeoDataFrame({"mine_id": ids}, geometry=boxes, crs="EPSG:4326")


def test_the_scale_bar_is_true_and_north_is_up() -> None:
    drawn = mine_map(_mines((111.0, 27.0), (111.4, 27.0), (111.0, 27.5)), {}, None)
    assert drawn
    west, east, north = drawn.marks[""]
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(111.0, 27.0, 111.4, 27.0)
    per_metre = math.hypot(east.x - west.x, east.y - west.y) / metres
    assert drawn.scale_length / drawn.scale_m == pytest.approx(per_metre, rel=0.003)
    assert north.y < west.y
    assert abs(north.x - west.x) < 3
    assert str(drawn.scale_m).strip("0") in ("1", "2", "5")
    assert drawn.scale_length <= 0.25 * WIDTH
    assert (west.x + east.x) / 2 == pytest.approx(drawn.width / 2, abs=2)
    assert (west.y + north.y) / 2 == pytest.approx(drawn.height / 2, abs=2)


def test_every_mine_is_inside_the_frame_and_under_its_verdict() -> None:
    mines = _mines((80.0, 30.0), (80.1, 41.0), (80.2, 35.0))
    drawn = mine_map(mines, {"M1": "supported"}, None)
    assert drawn
    assert {mark.mine_id for mark in drawn.marks["supported"]} == {"M1"}
    for marks in drawn.marks.values():
        for mark in marks:
            assert 0 < mark.x < drawn.width
            assert 0 < mark.y < drawn.height


def test_only_counties_with_a_mine_are_drawn() -> None:
    counties = geopandas.GeoDataFrame(
        {"county": ["here", "far"]},
        geometry=[shapely.box(110, 26, 112, 28), shapely.box(0, 0, 1, 1)],
        crs="EPSG:4326",
    )
    drawn = mine_map(_mines((111.0, 27.0)), {}, counties)
    assert drawn
    assert [county.name for county in drawn.counties] == ["here"]
    assert drawn.counties[0].path.startswith("M")


def test_without_outlines_there_is_no_map() -> None:
    mines = _mines((111.0, 27.0)).assign(geometry=[None])
    assert mine_map(mines, {}, None) is None


def test_a_single_mine_has_a_map() -> None:
    drawn = mine_map(_mines((111.0, 27.0)), {}, None)
    assert drawn
    assert drawn.scale_m >= 100


def _series(*values: float | None) -> list[Year]:
    return [Year(2000 + i, v, v, 0.9, 0.8, 0.7, 0.9) for i, v in enumerate(values)]


def test_a_missing_year_breaks_the_line_and_draws_no_point() -> None:
    drawn = chart(_series(0.2, 0.3, None, 0.5, 0.6, 0.7), (), 400, 200)
    assert [len(run.split()) for run in drawn.fitted] == [2, 3]
    assert drawn.points.count("M") == 5
    assert [len(run.split()) for run in drawn.reference] == [6]
    assert len(drawn.band[0].split()) == 12


def test_higher_values_stand_higher_and_later_years_further_right() -> None:
    (line,) = chart(_series(0.2, 0.4, 0.8), (), 400, 200).fitted
    places = np.array([point.split(",") for point in line.split()], dtype=float)
    assert (np.diff(places[:, 0]) > 0).all()
    assert (np.diff(places[:, 1]) < 0).all()


def test_a_year_seen_by_less_than_half_is_hollow() -> None:
    hazy = [*_series(0.2, 0.4), Year(2002, 0.5, 0.5, 0.49, None, None, None)]
    drawn = chart(hazy, (), 400, 200)
    assert (drawn.points.count("M"), drawn.hollow.count("M")) == (2, 1)


def test_events_have_lanes_of_their_own_and_stay_inside() -> None:
    events = [
        Event(1990, 1990, "damage"),
        Event(2001, 2004, "work"),
        Event(2020, 2020, "recovered"),
    ]
    drawn = chart(_series(0.2, 0.4, 0.8, 0.8, 0.9), events, 400, 200)
    assert len({placed.y for placed in drawn.events}) == 3
    for placed in drawn.events:
        assert drawn.left <= placed.x <= placed.x_last <= drawn.right
        assert placed.y < drawn.top


@pytest.mark.parametrize("values", [(0.5,), (None, None), (0.3, 0.3, 0.3), (-0.4, -0.2)])
def test_short_empty_and_flat_series_are_drawn(values: tuple[float | None, ...]) -> None:
    series = [Year(2000 + i, v, v, None, None, None, None) for i, v in enumerate(values)]
    drawn = chart(series, (), 400, 200)
    assert drawn.points.count("M") == sum(value is not None for value in values)
    assert len({label for _, label in drawn.value_ticks}) == len(drawn.value_ticks)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 13, 3), (64, 50, 3)])
def test_a_picture_comes_back_as_it_went(shape: tuple[int, int, int]) -> None:
    rgb = np.random.default_rng(5).integers(0, 256, shape).astype(np.uint8)
    with MemoryFile(png(rgb)) as file, pytest.warns(match="geotransform"), file.open() as source:
        back = np.moveaxis(source.read(), 0, -1)
    np.testing.assert_array_equal(back, rgb)


def test_pictures_are_coarsened_until_they_fit() -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    ring = np.array([[0.0, 0.0], [299.5, 0.0], [299.5, 199.5]])
    (plate,) = plates([Picture(2001, rgb, (ring,))], 20_000)
    assert len(plate.address) <= 20_000
    assert (plate.width, plate.height) == (300, 200), "outlines stay in the original's pixels"
    assert plate.outlines == ("0.0,0.0 299.5,0.0 299.5,199.5",)
    content = base64.b64decode(plate.address.partition(",")[2])
    with MemoryFile(content) as file, pytest.warns(match="geotransform"), file.open() as source:
        assert source.width < 300
        assert abs(source.read().mean() - rgb.mean()) < 1


def test_every_verdict_has_a_shape_and_a_colour_of_its_own() -> None:
    assert [sign.key for sign in SIGNS] == [verdict.key for verdict in Verdict]
    assert len({sign.shape for sign in SIGNS}) == len(SIGNS)
    assert len({sign.colour for sign in SIGNS}) == len(SIGNS)
