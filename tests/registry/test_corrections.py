"""Corrections by people: what is in force, what is laid over the list, what is refused."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from reverdure.core.codes import CorrectionKind, DisputeStatus
from reverdure.core.errors import InvalidInput, MissingCRS, UnsafeArchive
from reverdure.core.fields import CORRECTIONS
from reverdure.ground.areas import area_ha
from reverdure.registry.corrections import (
    Correction,
    Standing,
    corrected_mines,
    read_area,
    said,
    with_disputes,
)
from reverdure.registry.counties import read_counties
from tests.registry.lists import inventory, square

HERE, THERE = square(112.0, 27.0), square(112.001, 27.0)


def one(number: int, kind: CorrectionKind, **values: object) -> Correction:
    values = {"person": f"P{number}", "why": "because", "at": "2026-01-01T00:00:00+00:00"} | values
    return Correction(number, kind, **values)


def outline(number: int, shape: shapely.Geometry, mine_id: str = "M1") -> Correction:
    return one(number, CorrectionKind.OUTLINE, mine_id=mine_id, geometry=shape)


def listed_mines(**outlines: shapely.Geometry | None) -> gpd.GeoDataFrame:
    mines = inventory(**outlines)
    flags = ["seen", *[""] * (len(mines) - 1)]
    return mines.assign(measured_area_ha=[area_ha(shape) for shape in mines.geometry], flags=flags)


def test_a_year_counts_for_its_mine_its_county_or_everywhere() -> None:
    standing = Standing(
        (
            one(1, CorrectionKind.YEAR, mine_id="M1", year=2013),
            one(2, CorrectionKind.YEAR, county="X", year=2010),
            one(3, CorrectionKind.YEAR, year=1999),
        )
    )
    assert standing.cloudy_years("M1", "Y") == (1999, 2013)
    assert standing.cloudy_years("M2", "X") == (1999, 2010)
    assert standing.cloudy_years("M2", "") == (1999,)


def test_the_last_outline_counts_and_withdrawing_it_brings_the_one_before() -> None:
    first, second = outline(1, HERE), outline(2, THERE)
    back = one(3, CorrectionKind.WITHDRAWAL, mine_id="M1", about=2)
    assert Standing((first, second)).outlines["M1"] is second
    assert not Standing((first, second)).is_in_force(first)
    assert Standing((first, second, back)).outlines["M1"] is first
    assert Standing((first, second, back)).is_in_force(first)
    assert not Standing((first, second, back)).is_in_force(second)


def test_a_corrected_mine_has_the_new_outline_and_its_area_the_list_stays() -> None:
    mines = listed_mines(M1=HERE, M2=THERE, M3=None)
    half = shapely.box(*HERE.bounds[:2], (HERE.bounds[0] + HERE.bounds[2]) / 2, HERE.bounds[3])
    standing = Standing((outline(1, half), outline(2, THERE, "M3")))
    corrected = corrected_mines(mines, standing).set_index("mine_id")
    listed = mines.set_index("mine_id")
    area = corrected["measured_area_ha"]
    assert area["M1"] == pytest.approx(listed["measured_area_ha"]["M1"] / 2, rel=1e-3)
    assert area["M2"] == listed["measured_area_ha"]["M2"]
    assert corrected.geometry["M3"].equals(THERE)
    assert mines.geometry[mines["mine_id"] == "M3"].isna().all()
    assert list(corrected["flags"]) == ["seen;outline_corrected", "", "outline_corrected"]


def test_without_corrections_the_very_same_table_is_given() -> None:
    mines = inventory(M1=HERE)
    assert corrected_mines(mines, Standing()) is mines


def test_refused_land_counts_for_the_mines_that_see_it() -> None:
    standing = Standing(
        (
            one(1, CorrectionKind.REFERENCE, geometry=HERE),
            one(2, CorrectionKind.REFERENCE, mine_id="M1", geometry=HERE),
        )
    )
    far = shapely.box(0, 0, 1, 1)
    assert [c.number for c in standing.refused_for("M1", HERE)] == [1, 2]
    assert [c.number for c in standing.refused_for("M2", HERE)] == [1]
    assert standing.refused_for("M1", far) == []


def test_a_dispute_is_open_then_settled_and_open_again() -> None:
    dispute = one(1, CorrectionKind.DISPUTE, claim_id="C1")
    no = one(2, CorrectionKind.SETTLEMENT, claim_id="C1", about=1, outcome="dispute_dismissed")
    back = one(3, CorrectionKind.WITHDRAWAL, claim_id="C1", about=2)
    states = [Standing(tuple([dispute, no, back][:n])).disputes["C1"].status for n in (1, 2, 3)]
    assert states == [
        DisputeStatus.DISPUTED, DisputeStatus.DISPUTE_DISMISSED, DisputeStatus.DISPUTED,
    ]  # fmt: skip
    gone = one(4, CorrectionKind.WITHDRAWAL, claim_id="C1", about=1)
    assert Standing((dispute, no, back, gone)).disputes == {}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_two_disputes_the_open_one_is_shown(order: tuple[int, int]) -> None:
    settled, open_ = order
    disputes = [one(n, CorrectionKind.DISPUTE, claim_id="C1") for n in (1, 2)]
    end = one(3, CorrectionKind.SETTLEMENT, about=settled, outcome="dispute_upheld")
    found = Standing((*disputes, end)).disputes["C1"]
    assert (found.status, found.dispute.number) == (DisputeStatus.DISPUTED, open_)


def test_flags_lose_an_old_state_and_keep_everything_else() -> None:
    dispute = one(1, CorrectionKind.DISPUTE, claim_id="C1")
    end = one(2, CorrectionKind.SETTLEMENT, about=1, outcome="dispute_upheld")
    flags = ["lost_again;disputed", "disputed", ""]
    ids = ["C1", "C2", "C3"]
    assert with_disputes(flags, ids, Standing((dispute, end))) == [
        "lost_again;dispute_upheld", "", "",
    ]  # fmt: skip


def test_rows_say_who_and_why_but_never_name_a_file() -> None:
    dispute = one(
        1, CorrectionKind.DISPUTE, claim_id="C1", evidence="secret.jpg", evidence_sha256="ab",
        source="private.gpkg",
    )  # fmt: skip
    (row,) = Standing((dispute,)).rows()
    assert list(row) and set(row) == set(CORRECTIONS.columns)
    assert (row["person"], row["evidence_sha256"], row["in_force"]) == ("P1", "ab", True)
    assert not {"secret.jpg", "private.gpkg"} & {str(value) for value in row.values()}


def test_everything_about_a_mine_is_found_withdrawals_included() -> None:
    standing = Standing(
        (
            one(1, CorrectionKind.YEAR, year=1999),
            one(2, CorrectionKind.DISPUTE, claim_id="C1", mine_id="M1"),
            one(3, CorrectionKind.YEAR, year=2000, mine_id="M2"),
            one(4, CorrectionKind.WITHDRAWAL, about=1),
        )
    )
    assert [c.number for c in standing.about_mine("M1", ["C1"], "")] == [1, 2, 4]
    assert [c.number for c in standing.about_mine("M2", [], "")] == [1, 3, 4]


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 201, "red \x1b[31m", "\ud800"])
def test_empty_endless_and_unprintable_words_are_refused(words: str) -> None:
    with pytest.raises(InvalidInput, match="--by"):
        said("--by", words, 200)


def area_file(path: Path, shapes: list[object], crs: int | None = 4326, **columns: object) -> Path:
    gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=crs)).to_file(path)
    return path


def test_all_polygons_of_a_file_are_one_area_whatever_its_reference_system(tmp_path: Path) -> None:
    shapes = gpd.GeoSeries([HERE, THERE], crs=4326).to_crs(32649)
    area, repairs = read_area(area_file(tmp_path / "a.gpkg", list(shapes), 32649), "M1")
    assert area.geom_type == "MultiPolygon"
    assert repairs == []
    both = shapely.union(HERE, THERE)
    assert shapely.area(shapely.symmetric_difference(area, both)) < 1e-6 * both.area


def test_of_a_list_of_mines_the_rows_of_this_mine_are_taken(tmp_path: Path) -> None:
    path = area_file(tmp_path / "list.gpkg", [HERE, THERE], mine_id=["M1", "M2"])
    area, _ = read_area(path, "M2")
    assert shapely.equals_exact(shapely.normalize(area), shapely.multipolygons([THERE]).normalize(),
                                1e-9)  # fmt: skip
    with pytest.raises(InvalidInput, match="M7 is none of them"):
        read_area(path, "M7")


def test_a_bow_tie_is_repaired_and_said(tmp_path: Path) -> None:
    tie = shapely.Polygon([(112, 27), (112.01, 27.01), (112.01, 27), (112, 27.01), (112, 27)])
    area, repairs = read_area(area_file(tmp_path / "tie.gpkg", [tie]), "M1")
    assert area.is_valid
    assert [problem.code for problem in repairs] == ["invalid_ring"]


@pytest.mark.parametrize(
    ("shape", "words"), [(shapely.Point(112, 27), "only a point"), (None, "no geometry")]
)
def test_what_is_no_polygon_is_refused_by_row(tmp_path: Path, shape: object, words: str) -> None:
    path = area_file(tmp_path / "odd.geojson", [HERE, shape])
    with pytest.raises(InvalidInput, match=f"row 2: .*{words}"):
        read_area(path, "M1")


def test_a_polygon_without_reference_system_is_refused(tmp_path: Path) -> None:
    path = area_file(tmp_path / "a.shp", [HERE])
    path.with_suffix(".prj").unlink()
    with pytest.raises(MissingCRS):
        read_area(path, "M1")
    area, _ = read_area(path, "M1", "EPSG:4490")
    assert shapely.hausdorff_distance(area, HERE) < 1e-6


def test_counties_take_the_reference_system_that_is_said(tmp_path: Path) -> None:
    path = area_file(tmp_path / "counties.shp", [HERE], county=["A"])
    path.with_suffix(".prj").unlink()
    with pytest.raises(MissingCRS):
        read_counties(path)
    found = read_counties(path, "EPSG:4490")
    assert list(found["county"]) == ["A"]
    assert shapely.hausdorff_distance(found.geometry[0], HERE) < 1e-6


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../a.geojson", "{}")
    with pytest.raises(UnsafeArchive):
        read_area(path, "M1")


def test_hashes_of_corrections_do_not_hold_the_time() -> None:
    early = one(1, CorrectionKind.YEAR, mine_id="M1", year=2013)
    late = one(1, CorrectionKind.YEAR, mine_id="M1", year=2013, at="2027-01-01T00:00:00+00:00")
    assert early.content() == late.content()
    assert early.content() != one(1, CorrectionKind.YEAR, mine_id="M1", year=2014).content()
    assert np.unique([str(outline(1, s).content()) for s in (HERE, THERE)]).size == 2
