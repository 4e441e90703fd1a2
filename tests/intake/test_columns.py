"""Headings in two languages, with their units, and what the caller maps."""

import pytest

from reverdure.core.errors import InvalidInput, MissingColumn, UnknownOption
from reverdure.core.fields import CLAIMS, MINES
from reverdure.intake.columns import aliases, plain, recognise


@pytest.mark.parametrize(
    ("heading", "unit"),
    [
        ("面积(亩)", "mu"),
        ("面积（亩）", "mu"),
        ("面积亩", "mu"),
        ("图斑面积_公顷", "ha"),
        ("area_mu", "mu"),
        ("Area (ha)", "ha"),
        ("AREA [km²]", "km2"),
        ("Acres", "acre"),
        ("mine area hm2", "ha"),
        ("stated_area_ha", "ha"),
        ("图斑面积", None),
        ("Area", None),
    ],
)
def test_the_area_of_a_mine_is_recognised_with_its_unit(heading: str, unit: str | None) -> None:
    found = recognise(["x1", heading], "mines")
    assert found.heading["stated_area_ha"] == heading
    assert found.unit.get("stated_area_ha") == unit


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("PermitID", "mine_id"),
        ("Permit_ID", "mine_id"),
        ("permit id", "mine_id"),
        ("矿山编号", "mine_id"),
        ("TBBH", "mine_id"),
        ("Mine_Name", "name"),
        ("矿山名称", "name"),
        ("县(市、区)", "county"),
        ("开采方式(露天/井工)", "mining_method"),
        ("矿种", "commodity"),
        (".geo", "geometry"),
        ("WKT", "geometry"),
        ("经度", "lon"),
    ],
)
def test_a_column_of_mines_is_recognised(heading: str, name: str) -> None:
    assert dict(recognise([heading], "mines").heading) == {name: heading}


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("上报编号", "claim_id"),
        ("矿山编号", "mine_id"),
        ("完成年度", "year"),
        ("Completion Year", "year"),
        ("开工年度", "start_year"),
        ("修复面积(亩)", "claimed_ha"),
        ("claimed_ha", "claimed_ha"),
        ("claimed area", "claimed_ha"),
        ("面积单位", "area_unit"),
        ("修复方向", "aim"),
        ("申报单位", "claimant"),
    ],
)
def test_a_column_of_claims_is_recognised(heading: str, name: str) -> None:
    assert dict(recognise([heading], "claims").heading) == {name: heading}


def test_our_own_tables_are_read_back() -> None:
    for table, kind in ((MINES, "mines"), (CLAIMS, "claims")):
        written = [name for name in aliases(kind) if name in table.columns]
        found = recognise(table.columns, kind)
        assert [name for name in written if found.heading.get(name) != name] == []


def test_the_alias_named_first_wins_and_the_other_is_told() -> None:
    found = recognise(["id", "矿山编号"], "mines")
    assert found.heading["mine_id"] == "矿山编号"
    assert found.passed_over["mine_id"] == ("id",)


def test_a_unit_that_is_not_known_is_named() -> None:
    with pytest.raises(InvalidInput, match="万亩"):
        recognise(["面积(万亩)"], "mines")


def test_a_mapped_column_wins_over_the_table() -> None:
    found = recognise(["编号", "旧编号", "大小(亩)"], "mines", {
        "mine_id": "旧编号", "stated_area_ha": "大小(亩)",
    })  # fmt: skip
    assert found.heading["mine_id"] == "旧编号"
    assert found.unit["stated_area_ha"] == "mu"


def test_a_mapping_that_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownOption, match="mine_idd"):
        recognise(["a"], "mines", {"mine_idd": "a"})
    with pytest.raises(MissingColumn, match="'b'"):
        recognise(["a"], "mines", {"mine_id": "b"})


@pytest.mark.parametrize("kind", ["mines", "claims"])
def test_no_alias_stands_for_two_columns(kind: str) -> None:
    owners: dict[str, str] = {}
    for name, table in aliases(kind).items():
        for alias in table:
            assert alias == plain(alias)
            assert owners.setdefault(alias, name) == name, alias


def test_headings_cut_by_a_shapefile_are_recognised_behind_whole_ones():
    found = recognise(["mine_id", "mining_met", "stated_are"], "mines")
    assert found.heading["mining_method"] == "mining_met"
    assert found.heading["stated_area_ha"] == "stated_are"
    assert found.unit == {}
    both = recognise(["mine_id", "mining_met", "mining_method"], "mines")
    assert both.heading["mining_method"] == "mining_method"
    # nine letters are no cut, and short beginnings mean nothing
    assert "mining_method" not in recognise(["mine_id", "mining_me"], "mines")
