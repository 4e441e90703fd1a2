"""Ground of a claim: own polygon, rest of the mine, shared, none."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from reverdure.ground.claims import claim_ground

PIT = shapely.box(112.0, 28.0, 112.1, 28.1)
WEST = shapely.box(112.0, 28.0, 112.04, 28.1)
EAST = shapely.box(112.06, 28.0, 112.1, 28.1)


def mines(**outlines):
    return gpd.GeoDataFrame({"mine_id": list(outlines)}, geometry=list(outlines.values()), crs=4326)


def claims(*rows):
    ids, mine_ids, geometries = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {"claim_id": ids, "mine_id": mine_ids}, geometry=list(geometries), crs=4326
    )


def test_a_polygon_is_its_own_ground():
    ground = claim_ground(mines(M=PIT), claims(("a", "M", WEST))).iloc[0]
    assert (ground["kind"], bool(ground["overlaps"])) == ("own", False)
    assert ground.geometry.equals(WEST)


def test_without_polygon_it_is_what_others_leave_of_the_mine():
    table = claims(("a", "M", WEST), ("b", "M", EAST), ("c", "M", None))
    ground = claim_ground(mines(M=PIT), table).set_index("claim_id")
    assert ground.loc["c", "kind"] == "mine"
    assert ground.loc["c"].geometry.bounds == pytest.approx((112.04, 28.0, 112.06, 28.1))
    assert not ground["overlaps"].any()
    assert shapely.area(ground.geometry.values).sum() == pytest.approx(PIT.area)


def test_a_claim_of_another_mine_takes_nothing_away_and_is_told():
    table = claims(("a", "N", WEST), ("b", "M", None))
    ground = claim_ground(mines(M=PIT, N=None), table).set_index("claim_id")
    assert ground.loc["b"].geometry.area == pytest.approx(PIT.area)
    assert ground["overlaps"].all()


def test_several_without_polygon_share_and_do_not_overlap():
    table = claims(("a", "M", None), ("b", "M", None), ("c", "M", WEST))
    ground = claim_ground(mines(M=PIT), table).set_index("claim_id")
    assert ground["kind"].tolist() == ["shared", "shared", "own"]
    assert ground.loc["a"].geometry.equals(ground.loc["b"].geometry)
    assert not ground["overlaps"].any()


def test_polygons_over_each_other_are_named():
    middle = shapely.box(112.03, 28.0, 112.07, 28.1)
    table = claims(("a", "M", WEST), ("b", "M", middle), ("c", "M", EAST.buffer(-0.015)))
    ground = claim_ground(mines(M=PIT), table)
    assert ground["overlaps"].tolist() == [True, True, False]


def test_a_common_border_or_a_sliver_is_no_overlap():
    beside = shapely.box(112.0399, 28.0, 112.08, 28.1)
    ground = claim_ground(mines(M=PIT), claims(("a", "M", WEST), ("b", "M", beside)))
    assert not ground["overlaps"].any()


def test_mines_over_each_other_make_their_claims_overlap():
    table = claims(("a", "M", None), ("b", "N", None))
    ground = claim_ground(mines(M=PIT, N=PIT.buffer(0.01)), table)
    assert ground["overlaps"].all()


@pytest.mark.parametrize("outline", [None, shapely.Point(112, 28), shapely.Polygon()])
def test_a_mine_without_outline_has_no_ground(outline):
    ground = claim_ground(mines(M=outline), claims(("a", "M", None))).iloc[0]
    assert ground["kind"] == "none"
    assert ground.geometry is None


def test_an_unknown_mine_and_a_point_claim_have_no_ground():
    table = claims(("a", "X", None), ("b", "X", shapely.Point(112, 28)), ("c", "X", WEST))
    ground = claim_ground(mines(M=PIT), table)
    assert ground["kind"].tolist() == ["none", "none", "own"]


def test_nothing_left_is_no_ground():
    table = claims(("a", "M", PIT.buffer(0.001)), ("b", "M", None))
    assert claim_ground(mines(M=PIT), table)["kind"].tolist() == ["own", "none"]


def test_claims_may_be_a_plain_table_in_any_order_and_system():
    plain = pd.DataFrame({"claim_id": ["b", "a"], "mine_id": ["M", "N"]}, index=[7, 3])
    both = mines(M=PIT, N=shapely.box(113, 28, 113.1, 28.1)).to_crs(32649)
    ground = claim_ground(both, plain)
    assert ground.index.tolist() == [7, 3]
    assert ground["claim_id"].tolist() == ["b", "a"]
    assert ground.crs == "EPSG:4326"
    assert ground.geometry[7].bounds == pytest.approx(PIT.bounds, abs=1e-9)


def test_tables_stay_as_they_were():
    pits, table = mines(M=PIT), claims(("a", "M", WEST), ("b", "M", None))
    before = pits.copy(), table.copy()
    claim_ground(pits, table)
    assert pits.equals(before[0])
    assert table.equals(before[1])


def test_no_claims():
    ground = claim_ground(mines(M=PIT), claims(("a", "M", WEST)).iloc[:0])
    assert len(ground) == 0
