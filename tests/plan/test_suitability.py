"""What fits a mine: every rule at and beyond its limit, missing data, the decision rule."""

import itertools
from typing import Any

import pandas as pd
import pytest

from reverdure.core.codes import Intervention, Suitability
from reverdure.core.errors import InvalidInput, MissingColumn, UnknownOption
from reverdure.plan.measures import catalogue
from reverdure.plan.mines import read_mines
from reverdure.plan.problem import problem
from reverdure.plan.requirements import at_least
from reverdure.plan.site_rules import factors, read_site_rules, site_rules
from reverdure.plan.streams import streams
from reverdure.plan.suitability import suitability

EASY: dict[str, Any] = {
    "slope_deg": 10.0, "soil_depth_cm": 90.0, "seed_source_m": 50.0, "nemerow_pn": 0.5,
    "risk_ri": 50.0, "control_exceeded": False, "precipitation_mm": 1600.0,
    "displacement_mm_a": 1.0, "is_stable": True, "drains": True, "drainage_ph": 7.0,
    "grid_km": 3.0, "wind_m_s": 7.0, "road": True, "heritage": False, "water_quota_m3_ha": 1000.0,
    "vegetation_cover": 0.2, "land_cover": "bare", "ecology_need": "low", "safety_need": "low",
    "welfare_need": "low",
}  # fmt: skip
"""A site on which nothing stands in the way but that it is not steep and not polluted."""
OK, IF, NO, ASK = "ok", "conditional", "no", "needs_survey"
N, A, E, C, T, W = (
    "natural_recovery", "assisted_recovery", "engineered_reconstruction", "cubic_restoration",
    "soil_water_treatment", "wetland",
)  # fmt: skip

LIMITS: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("slope_natural", N, "grass", {"slope_deg": 25}, OK),
    ("slope_natural", N, "grass", {"slope_deg": 25.1}, NO),
    ("slope_natural", N, "grass", {"slope_deg": 35, "vegetation_cover": 0.41}, IF),
    ("slope_natural", N, "grass", {"slope_deg": 35, "vegetation_cover": 0.4}, NO),
    ("slope_natural", N, "grass", {"slope_deg": 35.1, "vegetation_cover": 0.9}, NO),
    ("slope_assisted", A, "grass", {"slope_deg": 35}, OK),
    ("slope_assisted", A, "grass", {"slope_deg": 35.1}, NO),
    ("slope_engineered", E, "grass", {"slope_deg": 25}, OK),
    ("slope_engineered", E, "grass", {"slope_deg": 45}, IF),
    ("slope_engineered", E, "grass", {"slope_deg": 45.1}, NO),
    ("slope_cubic", C, "grass", {"slope_deg": 35}, NO),
    ("slope_cubic", C, "grass", {"slope_deg": 35.1}, OK),
    ("slope_wetland", W, "wetland", {"slope_deg": 5}, OK),
    ("slope_wetland", W, "wetland", {"slope_deg": 15}, IF),
    ("slope_wetland", W, "wetland", {"slope_deg": 15.1}, NO),
    ("slope_farmland", E, "farmland", {"slope_deg": 15}, OK),
    ("slope_farmland", E, "farmland", {"slope_deg": 25}, IF),
    ("slope_farmland", E, "farmland", {"slope_deg": 25.1}, NO),
    ("slope_photovoltaic", E, "photovoltaic", {"slope_deg": 25}, OK),
    ("slope_photovoltaic", E, "photovoltaic", {"slope_deg": 25.1}, NO),
    ("soil_natural_forest", N, "forest", {"soil_depth_cm": 30}, OK),
    ("soil_natural_forest", N, "forest", {"soil_depth_cm": 29.9}, NO),
    ("soil_natural_grass", N, "grass", {"soil_depth_cm": 10}, OK),
    ("soil_natural_grass", N, "grass", {"soil_depth_cm": 9.9}, NO),
    ("soil_assisted", A, "grass", {"soil_depth_cm": 30}, OK),
    ("soil_assisted", A, "grass", {"soil_depth_cm": 10}, IF),
    ("soil_assisted", A, "grass", {"soil_depth_cm": 9.9}, NO),
    ("soil_engineered_forest", E, "forest", {"soil_depth_cm": 30}, OK),
    ("soil_engineered_forest", E, "forest", {"soil_depth_cm": 0}, IF),
    ("soil_engineered_grass", E, "grass", {"soil_depth_cm": 10}, OK),
    ("soil_engineered_grass", E, "grass", {"soil_depth_cm": 9.9}, IF),
    ("soil_farmland", E, "farmland", {"soil_depth_cm": 80}, OK),
    ("soil_farmland", E, "farmland", {"soil_depth_cm": 79.9}, IF),
    ("soil_cubic", C, "grass", {"soil_depth_cm": 12}, OK),
    ("soil_cubic", C, "grass", {"soil_depth_cm": 11.9}, IF),
    ("seed_natural", N, "grass", {"seed_source_m": 200}, OK),
    ("seed_natural", N, "grass", {"seed_source_m": 200.1}, NO),
    ("seed_assisted", A, "grass", {"seed_source_m": 500}, OK),
    ("seed_assisted", A, "grass", {"seed_source_m": 500.1}, NO),
    ("nemerow_natural", N, "grass", {"nemerow_pn": 1}, OK),
    ("nemerow_natural", N, "grass", {"nemerow_pn": 1.01}, NO),
    ("nemerow_assisted", A, "grass", {"nemerow_pn": 1}, OK),
    ("nemerow_assisted", A, "grass", {"nemerow_pn": 2}, IF),
    ("nemerow_assisted", A, "grass", {"nemerow_pn": 2.01}, NO),
    ("nemerow_engineered", E, "grass", {"nemerow_pn": 1}, OK),
    ("nemerow_engineered", E, "grass", {"nemerow_pn": 3}, IF),
    ("nemerow_engineered", E, "grass", {"nemerow_pn": 3.01}, NO),
    ("nemerow_cubic", C, "grass", {"nemerow_pn": 1}, OK),
    ("nemerow_cubic", C, "grass", {"nemerow_pn": 9}, IF),
    ("nemerow_treatment", T, "grass", {"nemerow_pn": 1.01}, OK),
    ("nemerow_treatment", T, "grass", {"nemerow_pn": 1}, NO),
    ("nemerow_treatment", T, "grass", {"nemerow_pn": 1, "control_exceeded": True}, OK),
    ("nemerow_treatment", T, "grass", {"nemerow_pn": 1, "drainage_ph": 4.4}, OK),
    ("risk_natural", N, "grass", {"risk_ri": 149.9}, OK),
    ("risk_natural", N, "grass", {"risk_ri": 150}, NO),
    ("risk_assisted", A, "grass", {"risk_ri": 149.9}, OK),
    ("risk_assisted", A, "grass", {"risk_ri": 299.9}, IF),
    ("risk_assisted", A, "grass", {"risk_ri": 300}, NO),
    ("risk_engineered", E, "grass", {"risk_ri": 149.9}, OK),
    ("risk_engineered", E, "grass", {"risk_ri": 599.9}, IF),
    ("risk_engineered", E, "grass", {"risk_ri": 600}, NO),
    ("control_farmland", E, "farmland", {"control_exceeded": False, "nemerow_pn": 1}, OK),
    ("control_farmland", E, "farmland", {"control_exceeded": False, "nemerow_pn": 1.5}, IF),
    ("control_farmland", E, "farmland", {"control_exceeded": True}, NO),
    ("control_farmland", T, "farmland", {"control_exceeded": True, "nemerow_pn": 2}, NO),
    ("rain_natural_forest", N, "forest", {"precipitation_mm": 400}, OK),
    ("rain_natural_forest", N, "forest", {"precipitation_mm": 399}, NO),
    ("rain_natural_grass", N, "grass", {"precipitation_mm": 200}, OK),
    ("rain_natural_grass", N, "grass", {"precipitation_mm": 199}, IF),
    ("rain_trees", A, "forest", {"precipitation_mm": 400}, OK),
    ("rain_trees", A, "forest", {"precipitation_mm": 200, "water_quota_m3_ha": 9e3}, IF),
    ("rain_trees", E, "forest", {"precipitation_mm": 199, "water_quota_m3_ha": 9e3}, NO),
    ("water_quota", E, "grass", {"precipitation_mm": 200, "water_quota_m3_ha": 0}, OK),
    ("water_quota", E, "grass", {"precipitation_mm": 150, "water_quota_m3_ha": 500}, IF),
    ("water_quota", E, "grass", {"precipitation_mm": 150, "water_quota_m3_ha": 499}, NO),
    ("water_quota", W, "wetland", {"precipitation_mm": 700, "water_quota_m3_ha": 999}, NO),
    ("stable_natural", N, "grass", {"is_stable": True}, OK),
    ("stable_natural", N, "grass", {"is_stable": False}, NO),
    ("stable_assisted", A, "grass", {"is_stable": False, "displacement_mm_a": 9.9}, IF),
    ("stable_assisted", A, "grass", {"is_stable": False, "displacement_mm_a": 10}, NO),
    ("stable_works", E, "grass", {"is_stable": True}, OK),
    ("stable_works", E, "grass", {"is_stable": False}, IF),
    ("displacement", N, "grass", {"displacement_mm_a": 9.9}, OK),
    ("displacement", N, "grass", {"displacement_mm_a": 10}, NO),
    ("drainage_natural", N, "grass", {"drainage_ph": 4.5}, OK),
    ("drainage_natural", N, "grass", {"drainage_ph": 4.4}, NO),
    ("drainage_natural", N, "grass", {"drainage_ph": None, "drains": False}, OK),
    ("drainage_assisted", A, "grass", {"drainage_ph": 4.5}, OK),
    ("drainage_assisted", A, "grass", {"drainage_ph": 4.4}, IF),
    ("drainage_engineered", E, "grass", {"drainage_ph": 4.5}, OK),
    ("drainage_engineered", E, "grass", {"drainage_ph": 4.4}, IF),
    ("drainage_cubic", C, "grass", {"drainage_ph": 4.5}, OK),
    ("drainage_cubic", C, "grass", {"drainage_ph": 4.4}, IF),
    ("cover_energy", E, "photovoltaic", {"land_cover": "grass"}, OK),
    ("cover_energy", E, "photovoltaic", {"land_cover": "cropland"}, NO),
    ("cover_energy", E, "wind", {"land_cover": "forest"}, NO),
    ("grid_energy", E, "photovoltaic", {"grid_km": 10}, OK),
    ("grid_energy", E, "wind", {"grid_km": 10.1}, NO),
    ("wind_speed", E, "wind", {"wind_m_s": 5.5}, OK),
    ("wind_speed", E, "wind", {"wind_m_s": 5.4}, NO),
    ("road_access", E, "tourism", {"road": True}, OK),
    ("road_access", E, "tourism", {"road": False}, IF),
    ("heritage_kept", E, "grass", {"heritage": False}, OK),
    ("heritage_kept", E, "grass", {"heritage": True}, IF),
    ("heritage_built_over", E, "industry", {"heritage": False}, OK),
    ("heritage_built_over", E, "industry", {"heritage": True}, NO),
    ("heritage_park", E, "mine_park", {"heritage": True}, OK),
    ("heritage_park", E, "mine_park", {"heritage": False}, NO),
]  # fmt: skip


def site(**factor: Any) -> dict[str, list[Any]]:
    return {"mine_id": ["M"], "commodity": ["limestone"]} | {
        name: [value] for name, value in (EASY | factor).items()
    }


def verdicts(sites: Any) -> dict[tuple[str, str], str]:
    table = suitability(sites).table()
    return {(row.measure, row.land_use): row.verdict for row in table.itertuples()}


@pytest.mark.parametrize(("rule", "measure", "use", "values", "expected"), LIMITS)
def test_a_rule_at_its_limit_and_beyond(
    rule: str, measure: str, use: str, values: dict[str, Any], expected: str
) -> None:
    found = suitability(site(**values)).why("M")
    here = found[(found["measure"] == measure) & (found["land_use"] == use)]
    (one,) = here[here["rule"] == rule].to_dict("records")
    assert one["verdict"] == expected, one["en"]
    for language in ("en", "zh"):
        assert Suitability.from_key(expected).label(language) in one[language]
    # the package is as bad as its worst rule
    order = [OK, IF, ASK, NO]
    worst = max(here["verdict"], key=order.index)
    assert verdicts(site(**values))[measure, use] == worst
    # a limit that nobody knows is asked for
    if expected == NO:
        assert worst == NO


def test_every_rule_has_both_sides_of_its_limit() -> None:
    said: dict[str, set[str]] = {}
    for rule, _, _, _, expected in LIMITS:
        said.setdefault(rule, set()).add(expected)
    assert set(said) == {rule.id for rule in site_rules().rules}
    assert [rule for rule, verdicts in said.items() if len(verdicts) < 2] == []


def test_an_easy_site_takes_the_least_intervention() -> None:
    fits = suitability(site())
    found = verdicts(site())
    assert found[N, "forest"] == found[N, "grass"] == OK
    assert found[T, "forest"] == found[C, "forest"] == NO
    chosen = fits.allowed(decided=True)
    assert set(chosen["measure"]) == {N}
    assert set(fits.allowed()["measure"]) == {N, A, E, W}
    assert fits.to_survey().empty


@pytest.mark.parametrize("factor", sorted(set(EASY) - {"vegetation_cover", "displacement_mm_a"}))
def test_what_nobody_knows_is_asked_for_and_never_allowed(factor: str) -> None:
    """One factor taken away turns its packages into surveys that name it, and no other way."""
    before, fits = verdicts(site()), suitability(site(**{factor: None}))
    table = fits.table().set_index(["measure", "land_use"])
    for package, row in table.iterrows():
        if row["verdict"] != before[package]:
            assert row["verdict"] == ASK
            assert factor in row["survey"].split(";")
            assert factors()[factor].zh in row["reasons_zh"]
    allowed = set(fits.allowed().set_index(["measure", "land_use"]).index)
    assert allowed == {p for p in table.index if table.loc[p, "verdict"] in (OK, IF)}


def test_nothing_known_means_nothing_allowed() -> None:
    fits = suitability({"mine_id": ["A", "B"]})
    assert set(fits.table()["verdict"]) == {ASK}
    assert fits.allowed().empty
    assert fits.to_survey()["sites_to_survey"].tolist() == [1, 1]
    assert set(fits.decision.table()["way"]) == {"needs_survey"}


def test_what_rules_a_measure_out_does_so_whatever_else_is_unknown() -> None:
    found = suitability({"mine_id": ["A"], "control_exceeded": [True]}).table()
    farmland = found[found["land_use"] == "farmland"]
    assert set(farmland["verdict"]) == {NO}
    assert set(farmland["survey"]) == {""}


def test_farmland_is_never_allowed_where_the_control_value_is_exceeded() -> None:
    for values in ({}, {"nemerow_pn": 2.0}, {"slope_deg": 3.0, "soil_depth_cm": 200.0}):
        allowed = suitability(site(**values, control_exceeded=True)).allowed()
        assert "farmland" not in set(allowed["land_use"])


def test_arid_land_gets_what_its_water_allows() -> None:
    dry = {"precipitation_mm": 150.0, "water_quota_m3_ha": 400.0}
    allowed = suitability(site(**dry)).allowed()
    assert "forest" not in set(allowed["land_use"])
    # grass needs 500 m3/ha: above the quota but for recovery by itself
    assert set(allowed[allowed["land_use"] == "grass"]["measure"]) == {N}
    wetter = suitability(site(**{**dry, "water_quota_m3_ha": 500.0})).allowed()
    assert {A, E} <= set(wetter[wetter["land_use"] == "grass"]["measure"])


DEGRADED = {
    "natural": {}, "assisted": {"soil_depth_cm": 20.0}, "reconstruction": {"seed_source_m": 900.0},
}  # fmt: skip
NEED = {"natural": "low", "assisted": "medium", "reconstruction": "high"}


@pytest.mark.parametrize(("degradation", "need"), list(itertools.product(DEGRADED, NEED)))
def test_both_agree_or_the_one_with_less_intervention(degradation: str, need: str) -> None:
    values: dict[str, Any] = {**DEGRADED[degradation], "safety_need": NEED[need]}
    row = suitability(site(**values)).decision.table().iloc[0]
    assert (row["degradation"], row["need"]) == (degradation, need)
    less = min((degradation, need), key=Intervention.from_key)
    assert row["way"] == less


def test_the_worst_factor_counts_and_not_the_mean() -> None:
    row = suitability(site(seed_source_m=501.0)).decision.table().iloc[0]
    assert (row["degradation"], row["factor"]) == ("reconstruction", "seed_source_m")


def test_a_decision_hangs_only_on_what_could_change_it() -> None:
    def way(**values: Any) -> str:
        return str(suitability(site(**values)).decision.table().iloc[0]["way"])

    assert way(soil_depth_cm=None, safety_need="low") == "natural"
    assert way(soil_depth_cm=None, safety_need="high") == "needs_survey"
    assert way(safety_need=None) == "natural"
    assert way(soil_depth_cm=20.0, safety_need=None) == "needs_survey"
    assert way(soil_depth_cm=None, seed_source_m=900.0, safety_need="high") == "reconstruction"


def test_where_the_decided_way_does_not_fit_the_next_that_does_is_taken() -> None:
    fits = suitability(site(slope_deg=60.0))
    assert fits.decision.table().iloc[0]["way"] == "natural"
    assert set(fits.allowed(decided=True)["measure"]) == {C}


@pytest.mark.parametrize(
    ("commodity", "word"),
    [("Ion-adsorption rare earth", "ammonium"), ("煤炭", "gangue"), ("锑矿", "lime no more"),
     ("arsenic", "lime no more"), ("", "not stated")],
)  # fmt: skip
def test_what_a_commodity_brings_with_it_is_said(commodity: str, word: str) -> None:
    table = suitability(site() | {"commodity": [commodity]}).table()
    assert all(word in note for note in table["notes_en"])
    assert verdicts(site() | {"commodity": [commodity]}) == verdicts(site())


def test_walls_of_a_quarry_point_to_cubic_restoration() -> None:
    table = suitability(site(slope_deg=60.0)).table()
    said = table[table["notes_en"].str.contains("rock walls")]
    assert set(said["measure"]) == {C}


def test_conditions_are_said_in_both_languages() -> None:
    table = suitability(site(soil_depth_cm=15.0)).table()
    on = table[table["verdict"] == IF]
    assert len(on) > 0
    for row in on.itertuples():
        assert row.conditions_en
        assert row.conditions_zh
    assert not table[table["verdict"] == OK]["conditions_en"].any()


def test_the_order_of_rows_says_nothing() -> None:
    frame = pd.DataFrame({"mine_id": ["b", "a"], "slope_deg": [50.0, 10.0]})
    assert suitability(frame).table().equals(suitability(frame[::-1]).table())


@pytest.mark.parametrize(
    ("table", "error"),
    [({"slope_deg": [1.0]}, MissingColumn), ({"mine_id": ["a", "a"]}, InvalidInput),
     ({"mine_id": ["a"], "slope_deg": [91.0]}, InvalidInput),
     ({"mine_id": ["a"], "soil_depth_cm": [-1.0]}, InvalidInput),
     ({"mine_id": ["a"], "risk_ri": [float("inf")]}, InvalidInput),
     ({"mine_id": ["a"], "risk_ri": ["much"]}, InvalidInput),
     ({"mine_id": ["a"], "land_cover": ["lava"]}, UnknownOption)],
)  # fmt: skip
def test_impossible_factors_are_refused(table: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        suitability(table)


RULE = """
[water_need_mm]
forest = 400
[interventions]
natural = ["natural_recovery"]
[[rules]]
id = "x"
factor = "{factor}"
source = "s"
status = "{status}"
cases = [{{ {case} }}]
"""


@pytest.mark.parametrize(
    ("factor", "status", "case"),
    [("slope", "assumption", 'verdict = "ok"'),
     ("slope_deg", "sure", 'verdict = "ok"'),
     ("slope_deg", "assumption", 'verdict = "ok", if = { slope_deg = { most = 3 } }'),
     ("slope_deg", "assumption", 'verdict = "no"'),
     ("slope_deg", "assumption", 'verdict = "conditional"'),
     ("slope_deg", "assumption", 'verdict = "ok", if = { depth = { above = 3 } }')],
)  # fmt: skip
def test_a_rule_that_says_nothing_clear_is_refused(factor: str, status: str, case: str) -> None:
    with pytest.raises(InvalidInput):
        read_site_rules("notes = []\n" + RULE.format(factor=factor, status=status, case=case))


def test_a_plan_works_where_it_may_and_schedules_the_survey() -> None:
    sites = pd.DataFrame(site() | {"mine_id": ["A"]})
    fits = suitability(pd.concat([sites, pd.DataFrame({"mine_id": ["B"]})]))
    mines = pd.DataFrame({"mine_id": ["A", "B"], "county": ["X", "X"], "area_ha": [5.0, 4.0]})
    asked = fits.to_survey()[["mine_id", "sites_to_survey"]]
    mines = mines.merge(asked, on="mine_id", how="left").fillna({"sites_to_survey": 0})
    plan = (
        problem(mines, years=[2027, 2028, 2029], allowed=fits.allowed())
        .within(budget={2027: 9.0, 2028: 9.0, 2029: 9.0})
        .require(at_least("surveyed", 1, by=2027))
        .solve()
    )
    works = set(zip(plan.works["mine_id"], plan.works["measure"], strict=True))
    assert ("B", "survey") in works
    assert {measure for mine, measure in works if mine == "B"} == {"survey"}
    assert any(mine == "A" for mine, _ in works)


def test_streams_count_each_mine_once_and_only_what_is_known() -> None:
    mines = read_mines(
        {"mine_id": ["A", "B", "C"], "county": ["X"] * 3, "area_ha": [1.0] * 3,
         "waste_rock_m3": [1000.0, 500.0, 70.0], "tailings_m3": [0.0, 200.0, 9.0]}
    )  # fmt: skip
    works = pd.DataFrame({"mine_id": ["A", "A", "B", "C"], "measure": [C, E, T, N]})
    found = streams(works, mines).set_index("stream")
    rates = catalogue().streams
    rock = rates["waste_rock"]
    assert found.loc["waste_rock", "mines"] == 1
    assert found.loc["waste_rock", "used_m3"] == pytest.approx(1000 * rock.limit)
    assert found.loc["waste_rock", "revenue_mcny"] == pytest.approx(
        1000 * rock.limit * rock.revenue_cny_per_m3 / 1e6
    )
    assert found.loc["tailings", "volume_m3"] == 200
    assert (found["used_m3"] + found["left_m3"]).dropna().equals(found["volume_m3"].dropna())
    assert pd.isna(found.loc["aggregate", "volume_m3"])
    assert found.loc["aggregate", "mines_not_known"] == 1
    assert set(found["status"]) == {"assumption"}
