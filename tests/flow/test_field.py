"""Field verification by real commands: plots drawn, answered from the simulated truth, judged."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest

from reverdure.core.fields import FIELD_AREAS, FIELD_VERDICTS
from reverdure.simulate.county import make_county
from reverdure.simulate.truth import restored_zones
from reverdure.store.database import Database
from tests.flow.commands import reverdure

N_MINES, N_YEARS, SEED = 6, 10, 11  # of the county in conftest.py
CELL_HA = 25 / 1e4


class Truth:
    """What stands on every cell of 5 m of the simulated county."""

    def __init__(self) -> None:
        county = make_county(n_mines=N_MINES, n_years=N_YEARS, seed=SEED)
        self.cells = county.landscape.cells
        self.mined = np.zeros(self.cells.shape, bool)
        self.restored = np.zeros(self.cells.shape, bool)
        for patch in county.patches:
            done = np.concatenate([[False], restored_zones(patch, county.record, county.weather)])
            self.mined[patch.slices] |= patch.label > 0
            self.restored[patch.slices] |= done[patch.label]
        self.to_metres = pyproj.Transformer.from_crs("EPSG:4326", self.cells.crs, always_xy=True)

    def answer(self, longitude: float, latitude: float) -> str:
        x, y = self.to_metres.transform(longitude, latitude)
        at = (
            int((self.cells.north - y) // self.cells.pixel),
            int((x - self.cells.west) // self.cells.pixel),
        )
        if self.restored[at]:
            return "restored"
        return "not_restored" if self.mined[at] else "never_mined"

    def restored_ha(self, grounds: gpd.GeoSeries) -> float:
        import shapely

        whole = shapely.union_all(grounds.to_crs(self.cells.crs).to_numpy())
        shapely.prepare(whole)
        rows, columns = np.nonzero(self.restored)
        x = self.cells.west + (columns + 0.5) * self.cells.pixel
        y = self.cells.north - (rows + 0.5) * self.cells.pixel
        return float(shapely.contains_xy(whole, x, y).sum()) * CELL_HA


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth()


@pytest.fixture(scope="module")
def planned(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a sample to +-12 %, its form beside it."""
    workspace = tmp_path_factory.mktemp("field") / "w"
    shutil.copytree(measured, workspace)
    done = reverdure(
        "field", "plan", "-w", workspace, "--within", 12, "--out", workspace.parent / "plots.gpkg"
    )
    assert "12.0 %" in done.stdout or "11." in done.stdout, done.stdout
    return workspace


def filled(workspace: Path, answer: Callable[[float, float], str]) -> pd.DataFrame:
    """The form with every plot answered."""
    form = gpd.read_file(workspace.parent / "plots.gpkg", layer="plots")
    form["answer"] = [answer(*at) for at in zip(form["longitude"], form["latitude"], strict=True)]
    return form.assign(visited_on="2025-05-20", observer="甲", visited_lon=form["longitude"],
                       visited_lat=form["latitude"])  # fmt: skip


@pytest.fixture(scope="module")
def answered(planned: Path, truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all answers in, as they come back in the form's own file."""
    workspace = tmp_path_factory.mktemp("answered") / "w"
    shutil.copytree(planned, workspace)
    back = workspace.parent / "back.gpkg"
    shutil.copyfile(planned.parent / "plots.gpkg", back)
    pyogrio.write_dataframe(filled(planned, truth.answer), back, layer="plots", driver="GPKG")
    done = reverdure("field", "add", back, "-w", workspace)
    assert "rejected 0" in done.stdout
    reverdure("field", "result", "-w", workspace)
    return workspace


def test_the_same_options_give_the_same_plots_and_nothing_is_drawn_twice(planned: Path) -> None:
    first = gpd.read_file(planned.parent / "plots.gpkg", layer="plots")
    again = planned.parent / "again.gpkg"
    done = reverdure("field", "plan", "-w", planned, "--within", 12, "--out", again)
    assert "same" in done.stdout
    assert gpd.read_file(again, layer="plots").equals(first)
    assert Database.open(planned / "registry.gpkg").count("field_plot") == len(first)
    assert (planned.parent / "plots.gpkg").read_bytes() == again.read_bytes()


def test_plots_lie_on_the_ground_of_their_claim_with_a_known_density(planned: Path) -> None:
    plots = gpd.read_file(planned / "registry.gpkg", layer="field_plot")
    verdicts = gpd.read_parquet(planned / "products" / "verdicts.parquet").set_index("claim_id")
    grounds = verdicts.loc[plots["claim_id"]].geometry
    # a metre for edges that are straight in one system and not in the other
    assert all(
        ground.buffer(1e-5).contains(point)
        for ground, point in zip(grounds, plots.geometry, strict=True)
    )
    measured = verdicts[verdicts["restored_ha"].notna()]
    assert set(plots["claim_id"]) <= set(measured.index)
    # each plot stands for 1 / density hectares: together for all the ground there is
    assert (1 / plots["density_per_ha"]).sum() == pytest.approx(
        measured.to_crs("EPSG:6933").union_all().area / 1e4, rel=0.01
    )
    assert sorted(plots["priority"]) == list(range(1, len(plots) + 1))


def test_the_form_says_nothing_of_what_the_satellite_saw(planned: Path) -> None:
    form = gpd.read_file(planned.parent / "plots.gpkg", layer="plots")
    assert not {"stratum", "p_restored", "density_per_ha", "verdict"} & set(form.columns)
    page = (planned.parent / "plots.html").read_text("utf-8")
    listed = pd.read_csv(planned.parent / "plots.csv")
    assert list(listed["plot_id"]) == list(form["plot_id"])
    assert all(plot_id in page for plot_id in form["plot_id"])
    assert "partly supported" not in page
    assert "<script src" not in page


def test_the_form_comes_with_a_style_that_qgis_takes_as_default(planned: Path) -> None:
    connection = sqlite3.connect(planned.parent / "plots.gpkg")
    try:
        name, geometry, style, default = connection.execute(
            "select f_table_name, f_geometry_column, styleQML, useAsDefault from layer_styles"
        ).fetchone()
        (column,) = connection.execute(
            "select column_name from gpkg_geometry_columns where table_name = 'plots'"
        ).fetchone()
        columns = [row[1] for row in connection.execute("pragma table_info(plots)")]
    finally:
        connection.close()
    assert (name, geometry, default) == ("plots", column, 1)
    top = ElementTree.fromstring(style.partition("\n")[2])
    values = [option.get("value") for option in
              top.findall(".//field[@name='answer']//Option[@type='QString']")]  # fmt: skip
    assert values == ["restored", "not_restored", "never_mined", "cannot_tell", "not_reached"]
    attributes = [c for c in columns if c not in ("fid", column)]
    shown = {field.get("name"): int(field.get("index")) for field in
             top.findall(".//attributeEditorField")}  # fmt: skip
    assert set(shown) == set(attributes)
    # positions count fid, and the geometry stands apart
    assert shown == {name: 1 + attributes.index(name) for name in attributes}
    assert all(alias.get("name") for alias in top.findall(".//alias"))


def test_the_corrected_area_holds_the_true_one(answered: Path, truth: Truth) -> None:
    areas = pd.read_parquet(answered / "products" / "field_areas.parquet")
    assert list(areas.columns) == FIELD_AREAS.columns
    verdicts = gpd.read_parquet(answered / "products" / "verdicts.parquet")
    true_ha = truth.restored_ha(verdicts.loc[verdicts["restored_ha"].notna()].geometry)
    whole = areas.iloc[0]
    assert whole["status"] == "estimated"
    assert whole["restored_ha_low"] <= true_ha <= whole["restored_ha_high"]
    # what was asked for: +-12 % of the restored area, a little more where the map was wrong
    half = (whole["restored_ha_high"] - whole["restored_ha_low"]) / 2
    assert half <= 0.20 * whole["mapped_ha"]
    assert whole["restored_ha_if_none"] == whole["restored_ha"] == whole["restored_ha_if_all"]


def test_parts_and_strata_add_up(answered: Path) -> None:
    areas = pd.read_parquet(answered / "products" / "field_areas.parquet")
    strata = pd.read_parquet(answered / "products" / "field_strata.parquet")
    whole = areas.iloc[0]
    by_hand = (strata["area_ha"] * strata["restored_answers"] / strata["answers"]).sum()
    assert whole["restored_ha"] == pytest.approx(by_hand)
    for part in ("verdict", "county"):
        rows = areas[areas["part"] == part]
        assert rows["ground_ha"].sum() == pytest.approx(whole["ground_ha"])
        assert rows["answers"].sum() == whole["answers"]
        few = rows["status"] == "too_few_answers"
        assert rows.loc[few, "restored_ha"].isna().all()
        assert rows.loc[~few, "restored_ha"].notna().all()


def test_the_matrix_counts_every_answer(answered: Path) -> None:
    matrix = pd.read_parquet(answered / "products" / "field_matrix.parquet")
    plots = gpd.read_file(answered / "registry.gpkg", layer="field_plot")
    counts = matrix[["plots_not_restored", "plots_restored"]].to_numpy()
    assert counts.sum() == len(plots)
    assert counts.trace() > 0.6 * counts.sum(), "the satellite is better than that"
    shares = matrix[["share_not_restored", "share_restored"]].to_numpy()
    assert shares.sum() == pytest.approx(1)


def test_verdicts_are_compared_and_none_is_changed(answered: Path, planned: Path) -> None:
    for name in ("verdicts.parquet", "totals.parquet"):
        assert (answered / "products" / name).read_bytes() == (
            planned / "products" / name
        ).read_bytes()
    table = pd.read_parquet(answered / "products" / "field_verdicts.parquet")
    assert list(table.columns) == FIELD_VERDICTS.columns
    assert set(table["status"]) <= {"estimated", "set_by_rule"}
    free = table[table["status"] == "estimated"]
    assert len(free) >= 1
    assert free["p_supported_after"].between(0, 1).all()
    assert (free["p_supported_after_low"] <= free["p_supported_after"] + 1e-9).all()
    assert (free["p_supported_after"] <= free["p_supported_after_high"] + 1e-9).all()
    fixed = table[table["status"] == "set_by_rule"]
    assert (fixed["verdict"] == fixed["verdict_after"]).all()


def test_the_result_reads_in_both_languages_on_screen_and_page(answered: Path) -> None:
    english = reverdure("field", "result", "-w", answered).stdout
    assert "Overall accuracy" in english
    assert "none was changed" in english
    chinese = reverdure("field", "result", "-w", answered, "--unit", "mu", language="zh").stdout
    assert "总体精度" in chinese
    assert "亩" in chinese
    page = (answered / "report" / "field.html").read_text("utf-8")
    assert "What the field found" in page
    assert "外业核查结果" in page
    assert "fetch(" not in page


def test_the_index_links_to_what_the_field_found(planned: Path, answered: Path) -> None:
    link = '<a href="field.html">'
    assert link not in (planned / "report" / "index.html").read_text("utf-8")
    reverdure("field", "result", "-w", answered)
    index = answered / "report" / "index.html"
    linked = index.read_text("utf-8")
    assert linked.count(link) == 1
    assert "外业核查结果" in linked
    reverdure("run", "-w", answered)
    assert index.read_text("utf-8").count(link) == 1


def test_wrong_answers_are_named_and_good_ones_kept(
    planned: Path, truth: Truth, tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(planned, workspace)
    rows = pd.DataFrame(filled(planned, truth.answer).drop(columns="geometry")).head(12)
    rows = rows.astype({"answer": object})
    rows.loc[1, "plot_id"] = "P-nowhere"
    rows.loc[2, "answer"] = None
    rows.loc[3, "visited_lat"] += 0.001
    rows.loc[4, "visited_on"] = "2020-05-20"
    rows.loc[5, "visited_on"] = "2999-01-01"
    rows.loc[6, "answer"] = "green"
    rows = pd.concat([rows, rows.iloc[[7]]])
    rows.to_csv(tmp_path / "answers.csv", index=False)
    done = reverdure("field", "add", tmp_path / "answers.csv", "-w", workspace)
    assert "read 13, accepted 6" in done.stdout
    assert "rejected 7" in done.stdout
    rejected = pd.read_csv(next((workspace / "imports").glob("*-field-rejected.csv")))
    assert set(rejected["reason_code"]) == {
        "unknown_plot", "missing_answer", "too_far", "before_image", "day_in_future",
        "unknown_answer", "repeated_answer",
    }  # fmt: skip
    again = reverdure("field", "add", tmp_path / "answers.csv", "-w", workspace, expect=1)
    assert "accepted 0" in again.stdout
    assert "already" in again.stdout


def test_an_answer_is_corrected_by_a_further_one_and_both_stay(
    planned: Path, truth: Truth, tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(planned, workspace)
    rows = pd.DataFrame(filled(planned, truth.answer).drop(columns="geometry"))
    rows.to_csv(tmp_path / "all.csv", index=False)
    reverdure("field", "add", tmp_path / "all.csv", "-w", workspace)
    one = rows.head(1).assign(answer="cannot_tell", remark="walked there twice")
    one.to_csv(tmp_path / "one.csv", index=False)
    refused = reverdure("field", "add", tmp_path / "one.csv", "-w", workspace, expect=1)
    assert "--correct" in refused.stdout
    reverdure("field", "add", tmp_path / "one.csv", "-w", workspace, "--correct")
    kept = Database.open(workspace / "registry.gpkg").frame("field_answer")
    both = kept[kept["plot_id"] == one["plot_id"].iloc[0]]
    assert list(both["answer"]) == [rows["answer"].iloc[0], "cannot_tell"]
    assert list(both["corrects"]) == ["", both["answer_id"].iloc[0]]
    said = reverdure("field", "result", "-w", workspace).stdout
    assert f"{len(rows)} answered, {len(rows) - 1} of them usable" in said
    areas = pd.read_parquet(workspace / "products" / "field_areas.parquet").iloc[0]
    assert areas["restored_ha_if_none"] < areas["restored_ha_if_all"]


def test_too_few_answers_give_no_area_and_say_so(
    planned: Path, truth: Truth, tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(planned, workspace)
    plots = gpd.read_file(planned / "registry.gpkg", layer="field_plot")
    stratum = plots["stratum"].value_counts().index[0]
    some = plots.loc[plots["stratum"] == stratum, "plot_id"]
    rows = pd.DataFrame(filled(planned, truth.answer).drop(columns="geometry"))
    rows[rows["plot_id"] == some.iloc[0]].to_csv(tmp_path / "one.csv", index=False)
    reverdure("field", "add", tmp_path / "one.csv", "-w", workspace)
    assert "No estimate yet" in reverdure("field", "result", "-w", workspace).stdout
    areas = pd.read_parquet(workspace / "products" / "field_areas.parquet")
    assert areas["restored_ha"].isna().all()
    rows[rows["plot_id"].isin(some.iloc[1:])].to_csv(tmp_path / "some.csv", index=False)
    reverdure("field", "add", tmp_path / "some.csv", "-w", workspace)
    reverdure("field", "result", "-w", workspace)
    whole = pd.read_parquet(workspace / "products" / "field_areas.parquet").iloc[0]
    assert len(set(plots["stratum"])) > 1
    assert whole["status"] == "part_of_ground"
    density = plots.loc[plots["stratum"] == stratum, "density_per_ha"].iloc[0]
    assert whole["ground_ha"] == pytest.approx(len(some) / density)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--within", 10, "--plots", 50), "not both"),
        (("--plots", 3), "too few"),
        (("--within", 200), "out of range"),
        (("--confidence", 1.5), "out of range"),
        (("--county", "无此县"), "no claim lies"),
    ],
)
def test_options_that_cannot_be_are_refused(
    planned: Path, tmp_path: Path, options: tuple[object, ...], words: str
) -> None:
    done = reverdure("field", "plan", "-w", planned, *options, "--out", tmp_path / "p.gpkg",
                     expect=1)  # fmt: skip
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_county_can_be_sampled_alone(planned: Path, tmp_path: Path) -> None:
    verdicts = gpd.read_parquet(planned / "products" / "verdicts.parquet")
    county = verdicts.loc[verdicts["restored_ha"] > 0.2, "county"].iloc[0]
    workspace = tmp_path / "w"
    shutil.copytree(planned, workspace)
    out = tmp_path / "county.gpkg"
    reverdure("field", "plan", "-w", workspace, "--plots", 40, "--county", county, "--out", out)
    form = gpd.read_file(out, layer="plots")
    assert set(form["county"]) == {county}
    assert len(form) == 40


def test_nothing_is_planned_before_a_run_or_after_a_change(
    planned: Path, county: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    reverdure("init", empty)
    reverdure("add", "mines", county / "mines.gpkg", "-w", empty)
    reverdure("add", "claims", county / "claims.csv", "-w", empty)
    reverdure("add", "scenes", county / "scenes", "-w", empty)
    done = reverdure("field", "plan", "-w", empty, "--out", tmp_path / "p.gpkg", expect=1)
    assert "nothing has been measured" in done.stderr
    assert "no plots" in reverdure("field", "result", "-w", empty, expect=1).stderr
    changed = tmp_path / "w"
    shutil.copytree(planned, changed)
    settings = changed / "reverdure.toml"
    settings.write_text(settings.read_text("utf-8").replace("seed = 0", "seed = 5"), "utf-8")
    done = reverdure("field", "plan", "-w", changed, "--out", tmp_path / "p.gpkg", expect=1)
    assert "changed" in done.stderr
