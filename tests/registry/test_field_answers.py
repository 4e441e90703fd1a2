"""Answers from the field: every row accepted or named, none lost."""

import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from reverdure.core.errors import InvalidInput, MissingColumn
from reverdure.core.fields import FIELD_ANSWERS, FIELD_PLOTS
from reverdure.registry.field_answers import Limits, answer_of, in_force, read_answers

LIMITS = Limits(
    farthest_m=30, season_start="06-01", latest_years_after=2, today=datetime.date(2026, 3, 1)
)
NOTHING = pd.DataFrame(columns=FIELD_ANSWERS.columns)
LAT = 28.0
DEG_PER_M = 1 / 110_900  # northward, at this latitude


@pytest.fixture
def plots() -> gpd.GeoDataFrame:
    n = 6
    lon = 112 + 0.001 * np.arange(n)
    frame = pd.DataFrame({"plot_id": [f"P1-{i:04d}" for i in range(1, n + 1)], "longitude": lon,
                          "latitude": LAT, "image_year": [2024] * 5 + [pd.NA]})  # fmt: skip
    for name in FIELD_PLOTS.columns:
        if name not in frame:
            frame[name] = ""
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(lon, [LAT] * n), crs=4326)


def row(number: int, answer: object = "restored", **further: object) -> dict[str, object]:
    return {
        "plot_id": f"P1-{number:04d}", "answer": answer, "visited_on": "2025-06-03",
        "visited_lon": 112 + 0.001 * (number - 1), "visited_lat": LAT, **further,
    }  # fmt: skip


def read(tmp_path: Path, plots, rows, earlier=NOTHING, **options):
    path = tmp_path / "answers.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return read_answers(path, plots=plots, earlier=earlier, limits=LIMITS, **options)


def codes(report, action="rejected") -> dict[int, str]:
    return {found.row: found.code for found in report.findings if found.action == action}


def test_a_good_row_is_taken_as_it_is(tmp_path, plots):
    rows = [row(1, "已修复", observer="甲", cover_percent="80 %", around_percent=95, remark="坡陡")]
    answers, report, rejected = read(tmp_path, plots, rows)
    assert (report.read, report.accepted, report.rejected) == (1, 1, 0)
    assert rejected.empty
    one = answers.iloc[0]
    assert list(answers.columns) == FIELD_ANSWERS.columns
    assert (one["answer"], one["answer_id"], one["visited_on"]) == (
        "restored", "P1-0001.1", "2025-06-03",
    )  # fmt: skip
    assert (one["cover_percent"], one["around_percent"]) == (80, 95)
    assert (one["observer"], one["remark"], one["corrects"]) == ("甲", "坡陡", "")
    assert one["distance_m"] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"plot_id": "P9-0001"}, "unknown_plot"),
        ({"plot_id": ""}, "missing_plot"),
        ({"answer": "", "observer": "乙"}, "missing_answer"),
        ({"answer": "", "visited_on": ""}, "not_yet_answered"),
        ({"answer": "quite green"}, "unknown_answer"),
        ({"visited_on": ""}, "missing_day"),
        ({"visited_on": "last week"}, "bad_day"),
        ({"visited_on": "2026-03-02"}, "day_in_future"),
        ({"visited_on": "2024-05-31"}, "before_image"),
        ({"visited_lat": LAT + 31 * DEG_PER_M}, "too_far"),
    ],
)
def test_a_faulty_row_is_rejected_by_name_and_the_good_one_stays(tmp_path, plots, changed, code):
    answers, report, rejected = read(tmp_path, plots, [row(1) | changed, row(2)])
    assert codes(report) == {1: code}
    assert list(answers["plot_id"]) == ["P1-0002"]
    assert list(rejected["reason_code"]) == [code]
    assert rejected["reason_zh"].iloc[0]
    assert report.read == report.accepted + report.rejected == 2


@pytest.mark.parametrize(
    "changed",
    [{"visited_lat": LAT + 29 * DEG_PER_M}, {"visited_on": "2024-06-01"},
     {"visited_on": "2026-03-01"}],
)  # fmt: skip
def test_a_row_just_inside_the_limits_is_taken(tmp_path, plots, changed):
    _, report, _ = read(tmp_path, plots, [row(1) | changed])
    assert report.accepted == 1


def test_who_could_not_get_there_may_say_so_from_afar(tmp_path, plots):
    far = {"visited_lat": LAT + 0.01}
    answers, report, _ = read(tmp_path, plots, [row(1, "not_reached") | far])
    assert report.accepted == 1
    assert answers["distance_m"].iloc[0] > 1000


def test_a_plot_answered_twice_in_one_file(tmp_path, plots):
    rows = [row(1), row(2, "restored"), row(1), row(2, "not_restored"), row(3)]
    answers, report, _ = read(tmp_path, plots, rows)
    assert codes(report) == {2: "answered_twice", 3: "repeated_answer", 4: "answered_twice"}
    assert list(answers["plot_id"]) == ["P1-0001", "P1-0003"]


def test_a_faulty_row_does_not_take_a_good_one_of_its_plot_along(tmp_path, plots):
    rows = [row(1, "not_restored", visited_lat=LAT + 0.01), row(1, "restored")]
    answers, report, _ = read(tmp_path, plots, rows)
    assert codes(report) == {1: "too_far"}
    assert list(answers["answer"]) == ["restored"]


def test_a_plot_answered_before_needs_the_word_correct(tmp_path, plots):
    earlier, _, _ = read(tmp_path, plots, [row(1), row(2)])
    later = [row(1), row(2, "not_restored")]
    answers, report, _ = read(tmp_path, plots, later, earlier)
    assert codes(report) == {1: "already_there", 2: "answered_before"}
    assert answers.empty
    answers, report, _ = read(tmp_path, plots, later, earlier, correct=True)
    assert codes(report) == {1: "already_there"}
    assert list(answers["answer_id"]) == ["P1-0002.2"]
    assert list(answers["corrects"]) == ["P1-0002.1"]
    both = pd.concat([pd.DataFrame(earlier), pd.DataFrame(answers)])
    assert dict(in_force(both)[["plot_id", "answer"]].itertuples(index=False)) == {
        "P1-0001": "restored", "P1-0002": "not_restored",
    }  # fmt: skip


def test_the_tenth_answer_of_a_plot_stands_over_the_ninth():
    turns = [f"P1-0001.{turn}" for turn in range(1, 11)]
    table = pd.DataFrame({"answer_id": turns[::-1], "plot_id": "P1-0001"})
    assert list(in_force(table)["answer_id"]) == ["P1-0001.10"]


def test_flags_name_what_was_seen_in_rows_that_are_kept(tmp_path, plots):
    paper = row(1, visited_lon="", visited_lat="")
    late, odd = row(2, image_year=2020), row(3, cover_percent=140)
    plots.loc[1, "image_year"] = 2022
    answers, report, _ = read(tmp_path, plots, [paper, late, odd])
    assert codes(report, "flagged") == {1: "no_position", 2: "long_after_image", 3: "bad_percent"}
    assert list(answers["flags"]) == ["no_position", "long_after_image", "bad_percent"]
    assert np.isnan(answers["cover_percent"].iloc[2])
    assert np.isnan(answers["distance_m"].iloc[0])
    assert report.without_outline == 1


def test_a_plot_without_image_year_takes_any_day_up_to_today(tmp_path, plots):
    _, report, _ = read(tmp_path, plots, [row(6, visited_on="2001-01-01")])
    assert report.accepted == 1


def test_a_point_that_was_moved_tells_where_the_visit_was(tmp_path, plots):
    form = plots[["plot_id", "geometry"]].assign(answer="restored", visited_on="2025-06-03")
    moved = form.head(3).to_crs(32649)
    moved["geometry"] = list(moved.geometry.translate(0, 12).iloc[:1]) + list(
        moved.geometry.translate(0, 45).iloc[1:2]
    ) + list(moved.geometry.iloc[2:])  # fmt: skip
    path = tmp_path / "answers.gpkg"
    moved.to_file(path, driver="GPKG")
    answers, report, _ = read_answers(path, plots=plots, earlier=NOTHING, limits=LIMITS)
    assert codes(report) == {2: "too_far"}
    assert answers["distance_m"].iloc[0] == pytest.approx(12, abs=0.3)
    # one that nobody moved is the plan, not the visit
    assert answers["flags"].iloc[1] == "no_position"


def test_headings_in_chinese_are_understood(tmp_path, plots):
    path = tmp_path / "answers.csv"
    path.write_text("样地编号,外业结论,调查日期\nP1-0001,未修复,2025年6月3日\n", encoding="gb18030")
    answers, report, _ = read_answers(path, plots=plots, earlier=NOTHING, limits=LIMITS)
    assert report.accepted == 1
    assert (answers["answer"].iloc[0], answers["visited_on"].iloc[0]) == (
        "not_restored", "2025-06-03",
    )  # fmt: skip


def test_a_file_that_is_no_form_and_a_workspace_without_plots_are_refused(tmp_path, plots):
    with pytest.raises(MissingColumn, match="answer"):
        read(tmp_path, plots, [{"plot_id": "P1-0001", "colour": "green"}])
    with pytest.raises(InvalidInput, match="no plots"):
        read(tmp_path, plots.head(0), [row(1)])


def test_every_answer_is_known_by_key_and_by_both_labels():
    for words, key in (("restored", "restored"), ("NO TRACE OF MINING", "never_mined"),
                       ("无法到达", "not_reached"), ("cannot_tell", "cannot_tell")):  # fmt: skip
        assert answer_of(words).key == key
    assert answer_of("restored?") is None
