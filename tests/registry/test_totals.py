"""Counties and totals: ground counted once, whole the sum of its parts."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from reverdure.core.errors import InvalidInput, MissingColumn
from reverdure.core.fields import TOTALS
from reverdure.ground.areas import area_ha
from reverdure.registry.counties import county_of, read_counties
from reverdure.registry.totals import totals
from tests.registry.lists import inventory, square

SIDE = 0.002
HA = area_ha(square(112.0, 27.0))


def counties() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"county": ["East", "West"], "county_code": ["2", "1"]},
        geometry=[shapely.box(112.5, 26, 113, 28), shapely.box(112, 26, 112.5, 28)],
        crs=4326,
    )


def claims(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["claim_id", "mine_id", "claimed_ha"])


def verdicts(*rows: tuple[Any, ...]) -> gpd.GeoDataFrame:
    """Rows of claim, mine, verdict, restored with bounds, ground, and status if not measured."""
    table = [row if len(row) == 8 else (*row, "measured") for row in rows]
    frame = pd.DataFrame(
        table,
        columns=[
            "claim_id", "mine_id", "verdict", "restored_ha", "restored_ha_low",
            "restored_ha_high", "geometry", "status",
        ],
    ).assign(run_id="r1")  # fmt: skip
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=4326)


def only(table: pd.DataFrame, county: str = "") -> pd.Series:
    (row,) = [row for _, row in table.iterrows() if row["county"] == county]
    return row


def test_a_county_is_the_column_else_the_polygon_else_unknown() -> None:
    mines = inventory(a=square(112.1, 27), b=square(112.6, 27), c=None, d=square(120, 27))
    mines["county"] = ["", "Stated", "", "2"]
    assert county_of(mines, counties()).to_dict() == {
        "a": "West", "b": "Stated", "c": "unknown", "d": "East",
    }  # fmt: skip
    assert county_of(mines, None).to_dict() == {
        "a": "unknown", "b": "Stated", "c": "unknown", "d": "2",
    }  # fmt: skip


def test_a_mine_on_a_border_has_one_county_whatever_the_order() -> None:
    mines = inventory(a=shapely.box(112.4, 27, 112.6, 27.1))
    table = counties()
    found = county_of(mines, table)["a"]
    assert found in ("East", "West")
    assert county_of(mines, table.iloc[::-1].reset_index(drop=True))["a"] == found


@pytest.mark.real_data("china-admin")
@pytest.mark.parametrize(("province", "n_counties"), [("hunan", 122), ("jiangxi", 100)])
def test_real_counties_are_read(data_folder: Path, province: str, n_counties: int) -> None:
    table = read_counties(data_folder / f"{province}_counties_tianditu.geojson")
    assert len(table) == n_counties
    assert table["county"].is_unique
    assert table["county_code"].str.fullmatch(r"\d{6}").all()
    assert set(table.geometry.geom_type) == {"MultiPolygon"}
    if province == "hunan":
        found = county_of(inventory(xikuangshan=square(111.48, 27.77)), table)
        assert found["xikuangshan"] == "冷水江市"


def test_parts_of_a_county_are_one_and_namesakes_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "counties.gpkg"
    gpd.GeoDataFrame(
        {"name": ["鼓楼区", "鼓楼区", "鼓楼区"], "adcode": ["320106", "350102", "320106"]},
        geometry=[square(112, 27), square(113, 27), square(114, 27)],
        crs=4326,
    ).to_file(path, engine="pyogrio")
    table = read_counties(path)
    assert table["county"].tolist() == ["鼓楼区 (320106)", "鼓楼区 (350102)"]
    assert [len(shape.geoms) for shape in table.geometry] == [2, 1]


def test_counties_without_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "counties.geojson"
    shapes = [square(112, 27)]
    gpd.GeoDataFrame({"foo": ["a"]}, geometry=shapes, crs=4326).to_file(path, engine="pyogrio")
    with pytest.raises(MissingColumn, match="foo"):
        read_counties(path)
    gpd.GeoDataFrame({"name": [None]}, geometry=shapes, crs=4326).to_file(path, engine="pyogrio")
    with pytest.raises(InvalidInput, match="no name"):
        read_counties(path)


def test_counts_and_areas_of_counties_add_up_to_the_whole() -> None:
    mines = inventory(
        a=square(112.1, 27), b=square(112.101, 27), c=square(112.6, 27), d=None, e=square(112.6, 27)
    )
    stated = claims(
        ("1", "a", 4.0), ("2", "b", 3.0), ("3", "c", 2.0), ("4", "d", 1.0), ("5", "a", 9.0)
    )
    judged = verdicts(
        ("1", "a", "supported", 4.0, 3.0, 4.2, square(112.1, 27)),
        ("2", "b", "not_supported", 0.2, 0.0, 0.5, square(112.101, 27)),
        ("3", "c", "undecided", 1.0, 0.1, 2.0, square(112.6, 27)),
        ("4", "d", "no_data", None, None, None, None),
    )
    table = totals(mines, stated, judged, counties())
    assert list(table) == TOTALS.columns
    assert table["county"].tolist() == ["", "East", "West", "unknown"]
    whole, parts = only(table), table[table["county"] != ""]
    bounds = {"county", "restored_ha_low", "restored_ha_high", "run_id"}
    for name in set(TOTALS.columns) - bounds:
        assert whole[name] == pytest.approx(parts[name].sum()), name
    assert (whole["mines"], whole["mines_without_outline"]) == (5, 1)
    # a and b overlap by half, c and e are one outline
    assert whole["mine_area_ha"] == pytest.approx(2.5 * HA, rel=1e-3)
    assert (whole["claims"], whole["claimed_ha"]) == (5, 19.0)
    assert (whole["supported_claims"], whole["supported_claimed_ha"]) == (1, 4.0)
    # no_data, and claim 5 without a verdict
    assert (whole["not_judged_claims"], whole["not_judged_claimed_ha"]) == (2, 10.0)
    assert set(table["run_id"]) == {"r1"}


def test_overlapping_ground_is_counted_once() -> None:
    mines = inventory(a=square(112.1, 27), b=square(112.3, 27))
    ground = square(112.1, 27)
    rows = [
        ("1", "a", "supported", 4.0, 3.0, 5.0, ground),
        ("2", "a", "supported", 4.0, 3.0, 5.0, ground),
        ("3", "b", "supported", 4.0, 3.0, 5.0, square(112.3, 27)),
    ]
    stated = claims(("1", "a", 4.0), ("2", "a", 4.0), ("3", "b", 4.0))
    assert only(totals(mines, stated, verdicts(*rows), None))["restored_ha"] == pytest.approx(8.0)
    half = [rows[0], ("2", "a", "supported", 4.0, 3.0, 5.0, square(112.101, 27)), rows[2]]
    assert only(totals(mines, stated, verdicts(*half), None))["restored_ha"] == pytest.approx(
        4.0 + 8.0 * 0.75, rel=1e-3
    )


def test_ground_already_shared_is_not_halved_again() -> None:
    mines = inventory(a=square(112.1, 27))
    rows = [
        (name, "a", "supported", 2.0, 1.5, 2.5, square(112.1, 27), "shared_ground")
        for name in ("1", "2")
    ]
    stated = claims(("1", "a", 2.0), ("2", "a", 2.0))
    assert only(totals(mines, stated, verdicts(*rows), None))["restored_ha"] == pytest.approx(4.0)


def test_errors_add_within_a_mine_and_in_quadrature_between_mines() -> None:
    mines = inventory(a=square(112.1, 27), b=square(112.3, 27))
    judged = verdicts(
        ("1", "a", "supported", 10.0, 9.0, 10.5, square(112.1, 27, 0.001)),
        ("2", "a", "supported", 10.0, 8.0, 10.5, square(112.101, 27.001, 0.0009)),
        ("3", "b", "supported", 10.0, 6.0, 10.0, square(112.3, 27)),
    )
    stated = claims(("1", "a", 4.0), ("2", "a", 4.0), ("3", "b", 4.0))
    row = only(totals(mines, stated, judged, None))
    # below: mine a 1 + 2, mine b 4; above: mine a 0.5 + 0.5, mine b 0
    assert row["restored_ha_low"] == pytest.approx(30.0 - 5.0)
    assert row["restored_ha_high"] == pytest.approx(30.0 + 1.0)


def test_a_registry_without_claims_has_totals() -> None:
    table = totals(inventory(a=None), claims(), verdicts(), None)
    row = only(table)
    assert (row["mines"], row["claims"], row["restored_ha"]) == (1, 0, 0.0)
