"""What sensors did to a county whose land both have seen, and harmonising it."""

import hashlib
import json
import re
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from benchmarks.county import filled
from benchmarks.sensors import BAR, mine_ndvi, take
from benchmarks.sensors import simulated_figures as figures_of
from tests.flow.commands import reverdure

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.fields import SENSOR_CHANGES
from reverdure.core.provenance import digest
from reverdure.pipeline.harmonising import harmonisation_of
from reverdure.pipeline.rsei import make_rsei
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.pipeline.sensor_changes import (
    check_sensors,
    choose_harmonisation,
    sensor_changes,
    sensor_years,
)
from reverdure.pipeline.steps import STEP_VERSIONS
from reverdure.pipeline.tiles import composite_path
from reverdure.simulate.worlds import draw_world
from reverdure.store.workspace import Workspace

CHANGE, LAST = 2020, 2024
AFTER = range(CHANGE, LAST + 1)


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workspace]:
    """The same land and skies seen by TM alone, and by TM and then OLI."""
    folder = tmp_path_factory.mktemp("sensors")
    flown = {"alone": lambda _: "LT05", "changing": lambda y: "LT05" if y < CHANGE else "LC08"}
    found = {}
    for name, sensor_of in flown.items():
        take(folder / name, sensor_of, n_mines=5, n_years=10, seed=31, world=draw_world(2))
        found[name] = Workspace.open(filled(folder / f"{name}-w", folder / name))
    return found


@pytest.fixture
def changing(counties: dict[str, Workspace]):
    """The county with a change of sensor; left as it was, without harmonisation."""
    yield counties["changing"]
    choose_harmonisation(counties["changing"], "none")


@pytest.fixture(scope="module")
def checked(counties: dict[str, Workspace]):
    """The check of the county with a change, as the sensors saw it."""
    return check_sensors(counties["changing"])


def keys(plan: Plan) -> dict[tuple[object, int], str]:
    return {task: source.key for task, source in plan.composites.items()}


def rasters(workspace: Workspace, plan: Plan) -> dict[str, str]:
    paths = [composite_path(workspace, *task, source) for task, source in plan.composites.items()]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in paths if p.exists()}


def test_without_harmonising_keys_are_what_scenes_and_settings_make_them(changing):
    plan = make_plan(changing)
    settings = changing.settings
    for (tile, year), source in plan.composites.items():
        place = digest(asdict(plan.lattice.grid_of(tile)))
        prints = [[scene.scene_id, scene.fingerprint] for scene in source.scenes]
        how = [settings.season, settings.method]
        assert source.key == digest([STEP_VERSIONS["composites"], place, year, how, prints])
    assert "harmonise" not in plan.inputs


def test_products_with_and_without_never_mix_and_come_back_to_the_byte(changing):
    before = make_plan(changing)
    mine_ndvi(changing, [CHANGE - 1, CHANGE])
    bytes_before = rasters(changing, before)
    assert choose_harmonisation(changing, "roy2016")
    assert not choose_harmonisation(changing, "roy2016")
    plan = make_plan(changing)
    assert plan.run_id != before.run_id
    for (tile, year), key in keys(plan).items():
        assert (key == keys(before)[tile, year]) == (year < CHANGE)
    mine_ndvi(changing, [CHANGE - 1, CHANGE])
    assert rasters(changing, before) == bytes_before
    assert choose_harmonisation(changing, "none")
    assert make_plan(changing).run_id == before.run_id
    assert keys(make_plan(changing)) == keys(before)
    for path in changing.cubes.rglob("*.tif"):
        path.unlink()
    mine_ndvi(changing, [CHANGE - 1, CHANGE])
    assert rasters(changing, make_plan(changing)) == bytes_before


def test_the_table_of_roy_keeps_every_mine_within_the_bar(counties, changing):
    """What TM would have seen is known, so what OLI makes of it is the sensor's alone."""
    true = mine_ndvi(counties["alone"], AFTER)
    parts = []
    for how in ("none", "roy2016"):
        choose_harmonisation(changing, how)
        both = true.merge(mine_ndvi(changing, AFTER), on=["mine_id", "year"])
        moved = both["ndvi_y"] - both["ndvi_x"]
        parts.append(both.assign(moved=moved, harmonise=how, change="TM > OLI"))
    of_mines = pd.concat(parts).pivot_table("moved", "mine_id", "harmonise")
    assert len(of_mines) == 5
    assert of_mines["none"].min() > 0.003
    assert of_mines["roy2016"].abs().max() <= BAR
    assert of_mines["roy2016"].abs().max() < of_mines["none"].abs().max()
    kept = {f.name: f for f in figures_of("here", pd.concat(parts))}
    assert kept["here, TM > OLI, roy2016: most that a mine's NDVI moves"].is_met


def test_the_check_says_which_sensor_made_which_year_and_what_the_change_does(checked, changing):
    years, frame, lines = checked
    assert lines is None
    assert {year: list(found) for year, found in years.items()} == {
        year: ["LT05" if year < CHANGE else "LC08"] for year in range(2015, 2025)
    }
    assert list(frame.columns) == SENSOR_CHANGES.columns
    assert set(frame["change"]) == {"LT05 > LC08"}
    assert (frame["status"] == "no_overlap").all()
    assert frame["n_pixels"].min() > 300
    pd.testing.assert_frame_equal(
        pd.read_parquet(changing.products / "sensors.parquet"), frame, check_dtype=False
    )
    ndvi = frame[(frame["band"] == "ndvi") & (frame["harmonise"] == "none")].iloc[0]
    # gains of the simulated sensor: red 0.97, near infrared 1.02
    at = np.array([ndvi["low"], ndvi["high"]])
    true = (1 - at**2) / 2 * np.log(1.02 / 0.97)
    shift = np.array([ndvi["low_shift"], ndvi["high_shift"]])
    half = (np.array([ndvi["low_shift_high"], ndvi["high_shift_high"]]) - shift) + 0.004
    assert (np.abs(shift - true) < half).all()


def test_the_check_is_of_what_sensors_saw_whatever_is_in_force(checked, changing):
    _, before, _ = checked
    choose_harmonisation(changing, "roy2016")
    _, after, lines = check_sensors(changing)
    assert lines is not None
    assert lines.name == "roy2016"
    pd.testing.assert_frame_equal(after, before)


def test_the_own_line_is_measured_once_kept_and_shown(changing):
    assert choose_harmonisation(changing, "own")
    lines = harmonisation_of(changing)
    assert (lines.name, lines.status) == ("own", "measured")
    assert lines.slope[2] < 1 < lines.slope[3] + 0.03
    _, frame, _ = check_sensors(changing)
    assert set(frame["harmonise"]) == {"none", "roy2016", "own"}
    own = frame[(frame["harmonise"] == "own") & (frame["band"].isin(["red", "nir", "swir2"]))]
    assert own[["low_shift", "high_shift"]].abs().max(axis=None) < 0.003
    audit = changing.database.rows("audit", ["number", "action", "detail"])
    last = [json.loads(row["detail"]) for row in audit if row["action"] == "harmonise"][-1]
    assert last == {"before": "none", "now": "own"}


def test_what_cannot_be_chosen_is_refused(counties, changing):
    with pytest.raises(UnknownOption, match="none, roy2016, own"):
        choose_harmonisation(changing, "roy2015")
    with pytest.raises(InvalidInput, match="one family"):
        choose_harmonisation(counties["alone"], "own")


def test_years_compared_are_those_of_both_sensors_or_the_nearest_on_each_side():
    years = {year: {"LT05": 3} for year in range(1985, 1999)}
    years |= {year: {"LT05": 3, "LE07": 3} for year in range(1999, 2012)}
    years |= {2012: {"LE07": 3}}
    years |= {year: {"LC08": 3} for year in range(2013, 2022)}
    years |= {2022: {"LC08": 3, "LC09": 4}}
    found = {one.name: one for one in sensor_changes(years)}
    assert list(found) == [
        "LT05 > LE07", "LE07 > LC08", "LC08 > LC09", "LT05+LE07 > LC08+LC09",
    ]  # fmt: skip
    assert found["LT05 > LE07"].older_years == (1999, 2000, 2001, 2002, 2003)
    assert found["LT05 > LE07"].overlap
    assert not found["LE07 > LC08"].overlap
    assert found["LE07 > LC08"].older_years == (2008, 2009, 2010, 2011, 2012)
    assert found["LE07 > LC08"].newer_years == (2013, 2014, 2015, 2016, 2017)
    assert found["LC08 > LC09"].newer_years == (2022,)


def test_one_sensor_has_no_change(counties):
    plan = make_plan(counties["alone"])
    assert sensor_changes(sensor_years(plan)) == []
    _, frame, _ = check_sensors(counties["alone"])
    assert frame.empty
    assert list(frame.columns) == SENSOR_CHANGES.columns


def test_the_ecological_index_brings_sensors_together_once(changing):
    """It does so itself by the same table, so harmonised composites change next to nothing."""
    with changing.writing():
        seen, _ = make_rsei(changing, refit=True)
        choose_harmonisation(changing, "roy2016")
        harmonised, _ = make_rsei(changing, refit=True)
    assert seen.basis.fit.wetness == harmonised.basis.fit.wetness == "tm_sr"
    np.testing.assert_allclose(
        harmonised.basis.fit.loadings.values, seen.basis.fit.loadings.values, atol=2e-3
    )
    for year in (CHANGE - 1, CHANGE, LAST):
        assert harmonised.basis.fit.levels[year] == pytest.approx(
            seen.basis.fit.levels[year], abs=2e-3
        )
    assert seen.sensors == harmonised.sensors
    assert seen.sensors[LAST] == "LC08"


def test_the_command_shows_years_changes_and_what_is_in_force(changing):
    seen = reverdure("sensors", "-w", changing.root).stdout
    assert re.search(r"2015-2019 +LT05 \(\d+\)", seen)
    assert re.search(r"LT05 > LC08: no year with both.*2015-2019 and 2020-2024, \d+ pixels", seen)
    assert re.search(r"NDVI +none +0\.\d\d +[+-]0\.\d{3} +[+-]0\.\d{3}\.\.[+-]0\.\d{3}", seen)
    assert "may also be weather" in seen
    assert "are as the sensors saw" in seen
    choose_harmonisation(changing, "roy2016")
    chinese = reverdure("sensors", "-w", changing.root, language="zh").stdout
    assert "无重叠年份" in chinese
    assert "作了一致性校正:Roy et al. 2016" in chinese
    assert max(len(line) for line in seen.splitlines() if "NDVI" in line) <= 80


def test_a_run_records_what_it_was_harmonised_by(changing):
    done = reverdure("run", "-w", changing.root, "--dry-run", "--harmonise", "own", expect=1)
    assert "Leave one of them out" in done.stderr
    done = reverdure("run", "-w", changing.root, "--harmonise", "roy2017", expect=1)
    assert "none, roy2016, own" in done.stderr
    first = make_plan(changing).selected[0]
    done = reverdure("run", "-w", changing.root, "--only", first, "--harmonise", "roy2016")
    assert "From now on composites are harmonised by roy2016" in done.stdout
    manifests = [json.loads(p.read_text("utf-8")) for p in changing.runs.glob("*/manifest.json")]
    lines = harmonisation_of(changing)
    assert [m["settings"]["harmonise"] for m in manifests] == [f"roy2016 {lines.key}"]
    assert [m["inputs"]["harmonise"] for m in manifests] == [["roy2016", lines.key]]
    assert "harmonised by roy2016" in reverdure("explain", first, "-w", changing.root).stdout
    done = reverdure("run", "-w", changing.root, "--only", first)
    assert "From now on" not in done.stdout
    assert len(list(changing.runs.glob("*/manifest.json"))) == 1
