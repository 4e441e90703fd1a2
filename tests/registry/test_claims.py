"""Lists of claims: each accepted or rejected by name, nothing read into a blank."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from reverdure.core.codes import Aim
from reverdure.core.errors import InvalidInput, MissingColumn
from reverdure.core.fields import CLAIMS
from reverdure.registry.claims import read_claims
from reverdure.registry.reimport import Beside
from reverdure.registry.words import aim_of, mining_method_of
from tests.registry.lists import WriteList, codes, inventory, square

MINES = inventory(M1=square(112.0, 27.0), M2=square(112.1, 27.0), M3=None)


def test_a_chinese_list_in_mu_is_read(write_list: WriteList) -> None:
    path = write_list(
        "上报编号,矿山编号,完成年度,开工年度,上报修复面积(亩),修复方向,申报单位",
        ("S1", "M1", "2019年", "2017", "15", "乔木林地", "甲公司"),
        ("S2", "M2", "1546272000000", "", "３０亩", "自然恢复", "乡政府"),
        encoding="gb18030",
    )
    claims, report, rejected = read_claims(path, mines=MINES)
    assert list(claims) == CLAIMS.columns
    assert claims.crs.to_epsg() == 4326
    assert (report.read, report.accepted, len(rejected)) == (2, 2, 0)
    assert claims["claimed_ha"].tolist() == [1.0, 2.0]
    assert claims["aim"].tolist() == ["forest", "natural_recovery"]
    assert claims["year"].tolist() == [2019, 2019]
    assert claims["start_year"].tolist() == [2017, 2016]
    assert claims["claimant"].tolist() == ["甲公司", "乡政府"]
    assert claims["flags"].tolist() == ["", ""]
    assert claims.geometry.isna().all()
    assert report.without_outline == 2


def test_every_bad_claim_is_named_and_good_ones_stay(write_list: WriteList) -> None:
    known, *_ = read_claims(
        write_list("claim_id,mine_id,year,claimed_ha,aim", ("old", "M1", "2018", "1", "forest")),
        mines=MINES,
    )
    path = write_list(
        "claim_id,mine_id,year,claimed_ha,aim",
        ("c1", "M1", "2019", "1", "forest"),
        ("c2", "M9", "2019", "1", "forest"),
        ("c3", "", "2019", "1", "forest"),
        ("c4", "M1", "", "1", "forest"),
        ("c5", "M1", "soon", "1", "forest"),
        ("c6", "M1", "2019", "", "forest"),
        ("c7", "M1", "2019", "-999", "forest"),
        ("c8", "M1", "2019", "0", "forest"),
        ("c9", "M1", "2019", "1", "林草"),
        ("c1", "M1", "2019", "1", "forest"),
        ("c1", "M1", "2020", "2", "forest"),
        ("../c", "M1", "2019", "1", "forest"),
        ("old", "M1", "2019", "1", "forest"),
        ("", "", "", "", ""),
    )
    claims, report, rejected = read_claims(path, mines=MINES, beside=Beside(known))
    assert claims["claim_id"].tolist() == ["c1"]
    assert claims["year"].tolist() == [2019]
    assert dict(zip(rejected["row"], rejected["reason_code"], strict=True)) == {
        2: "unknown_mine", 3: "missing_mine", 4: "missing_year", 5: "bad_year",
        6: "missing_area", 7: "area_sentinel", 8: "area_zero", 9: "unknown_aim",
        10: "duplicate", 11: "duplicate_id", 12: "unsafe_id", 13: "id_exists", 14: "empty_row",
    }  # fmt: skip
    assert report.read == report.accepted + report.rejected == 14
    unknown = rejected[rejected["reason_code"] == "unknown_aim"].iloc[0]
    assert "林草" in unknown["reason"]
    assert "natural_recovery" in unknown["reason"]
    assert "自然恢复" in unknown["reason_zh"]


def test_ids_are_made_of_mine_year_and_number_and_miss_those_taken(write_list: WriteList) -> None:
    path = write_list(
        "claim_id,mine_id,year,claimed_ha,aim,claimant",
        ("", "M1", "2019", "1", "forest", ""),
        ("M1-2019-2", "M1", "2019", "1", "grass", ""),
        ("", "M1", "2019", "2", "forest", ""),
        ("", "M1", "2020", "1", "forest", ""),
        ("", "M1", "2019", "1", "forest", ""),
    )
    claims, _, rejected = read_claims(path, mines=MINES)
    assert claims.set_index("source_row")["claim_id"].to_dict() == {
        1: "M1-2019-1", 2: "M1-2019-2", 3: "M1-2019-3", 4: "M1-2020-1",
    }  # fmt: skip
    assert rejected["reason_code"].tolist() == ["duplicate"]
    again, _, known = read_claims(path, mines=MINES, beside=Beside(claims))
    assert len(again) == 0
    assert set(known["reason_code"]) == {"id_exists", "duplicate"}
    assert list(again) == CLAIMS.columns


def test_a_doubtful_claim_is_kept_and_flagged(write_list: WriteList) -> None:
    path = write_list(
        "claim_id,mine_id,year,start_year,claimed_ha,aim",
        ("c1", "M1", "2031", "", "1", "forest"),
        ("c2", "M1", "2019", "2021", "1", "forest"),
        ("c3", "M1", "2019", "later", "1", "forest"),
        ("c4", "M1", "2019", "", "1", ""),
        ("c5", "M1", "2019", "", "6", "forest"),
        ("c6", "M1", "2019", "", "66", "forest"),
        ("c7", "M3", "2019", "", "66", "forest"),
    )
    claims, report, _ = read_claims(path, mines=MINES, last_year=2024)
    assert report.rejected == 0
    assert claims.set_index("claim_id")["flags"].to_dict() == {
        "c1": "future_year",
        "c2": "start_after_end",
        "c3": "start_year_unreadable",
        "c4": "aim_missing",
        "c5": "claim_exceeds_ground",
        "c6": "claim_exceeds_ground;area_factor_15",
        "c7": "",
    }
    assert claims["start_year"].tolist() == [2028, *[2016] * 6]
    assert claims["aim"].tolist()[3] == "grass"
    assert codes(report, 6) == {"claim_exceeds_ground", "area_factor_15"}


def test_a_claim_with_its_own_ground_is_compared_with_it(tmp_path: Path) -> None:
    small = square(112.0, 27.0, 0.001)
    path = tmp_path / "claims.gpkg"
    gpd.GeoDataFrame(
        {
            "claim_id": ["in", "out", "big", "bare"],
            "mine_id": ["M1", "M2", "M1", "M1"],
            "year": [2019, 2019, 2019, 2019],
            "claimed_ha": [1.0, 1.0, 3.0, 1.0],
            "aim": ["forest"] * 4,
        },
        geometry=[small, square(112.2, 27.0), square(112.0005, 27.0005, 0.001), None],
        crs=4326,
    ).to_crs(4547).to_file(path, engine="pyogrio")
    claims, report, _ = read_claims(path, mines=MINES)
    assert report.rejected == 0
    assert report.without_outline == 1
    assert claims.set_index("claim_id")["flags"].to_dict() == {
        "in": "overlaps_other_claim",
        "out": "outside_mine",
        "big": "claim_exceeds_ground;overlaps_other_claim",
        "bare": "",
    }
    assert claims.set_index("claim_id").geometry["in"].geom_type == "MultiPolygon"
    assert shapely.hausdorff_distance(claims.set_index("claim_id").geometry["in"], small) < 1e-6


def test_a_claimed_area_without_a_unit_is_an_error_that_says_what_to_do(
    write_list: WriteList,
) -> None:
    path = write_list("mine_id,year,面积,aim", ("M1", "2019", "30", "forest"))
    with pytest.raises(InvalidInput, match=r"have no unit.*--area-unit"):
        read_claims(path, mines=MINES)
    claims, _, _ = read_claims(path, mines=MINES, area_unit="mu")
    assert claims["claimed_ha"].tolist() == [2.0]


def test_a_list_without_years_is_refused_by_name(write_list: WriteList) -> None:
    path = write_list("mine_id,claimed_ha", ("M1", "2"))
    with pytest.raises(MissingColumn, match="no column for year"):
        read_claims(path, mines=MINES)


def test_other_headings_are_mapped(write_list: WriteList) -> None:
    path = write_list("mine_id,when,claimed_ha", ("M1", "2019", "2"))
    claims, _, _ = read_claims(path, mines=MINES, column_map={"year": "when"})
    assert claims["year"].tolist() == [2019]


@pytest.mark.parametrize("aim", list(Aim))
def test_every_aim_is_known_by_its_names(aim: Aim) -> None:
    assert aim_of(aim.key) is aim
    assert aim_of(aim.en.upper()) is aim
    assert aim_of(aim.zh) is aim


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("露天开采", "open_pit"), ("井工(地下)开采", "underground"), ("露天转地下", "mixed"),
        ("混合开采", "mixed"), ("Open-Pit", "open_pit"), ("Underground", "underground"),
        ("Surface - Auger/Undergrd. - R P", "mixed"), ("别的", "unknown"), ("", "unknown"),
    ],
)  # fmt: skip
def test_a_mining_method_is_read_from_its_words(words: str, key: str) -> None:
    assert mining_method_of(words).key == key
