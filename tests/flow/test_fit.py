"""What fits the mines of a small county, as a person types the commands."""

import re
from pathlib import Path

import pandas as pd
import pytest

from reverdure.core.units import MU_PER_HA
from tests.flow.commands import reverdure
from tests.flow.test_plan_bad_input import MEASURES

KNOWN = {
    "survey_id": "S1", "mine_id": "M00003", "date": "2026-05-01", "slope_deg": 20,
    "soil_depth_cm": 20, "seed_source_m": 100, "nemerow_pn": 0.6, "risk_ri": 80,
    "control_exceeded": "no", "precipitation_mm": 1600, "is_stable": "yes", "drains": "no",
    "grid_km": 4, "wind_m_s": 4, "road": "yes", "heritage": "no", "water_quota_m3_ha": 0,
    "land_cover": "bare", "ecology_need": "low", "safety_need": "medium", "welfare_need": "low",
    "basis": "field team",
}  # fmt: skip


def survey(workspace: Path, *rows: dict[str, object], expect: int = 0) -> str:
    path = workspace / "surveys.csv"
    pd.DataFrame(list(rows)).to_csv(path, index=False)
    return reverdure("add", "surveys", path, "-w", workspace, "--by", "Li Wei", "--update",
                     expect=expect).stdout  # fmt: skip


def written(workspace: Path, *more: object) -> pd.DataFrame:
    path = workspace / "fit.csv"
    reverdure("fit", "-w", workspace, "--csv", path, *more)
    return pd.read_csv(path)


def test_without_surveys_nothing_fits_and_slope_comes_from_elevation(unmeasured: Path) -> None:
    said = reverdure("fit", "-w", unmeasured).stdout
    assert "Mines that need a survey for some measure: 6 of 6" in said
    assert "heritage: not known where it matters on 6 mines" in said
    rows = written(unmeasured)
    assert len(rows) == 6 * 21
    assert set(rows["Verdict"]) <= {"needs a survey", "does not fit"}
    one = reverdure("fit", "M00003", "-w", unmeasured).stdout
    steep, mean = re.search(r"slope ([\d.]+) degree - 90th .* mean ([\d.]+)", one).groups()  # type: ignore[union-attr]
    assert 0 < float(mean) < float(steep) < 90
    assert "displacement: not known" in said


def test_a_survey_overrides_terrain_and_gives_a_reasoned_answer(unmeasured: Path) -> None:
    assert "new 1" in survey(unmeasured, KNOWN)
    said = reverdure("fit", "M00003", "-w", unmeasured).stdout
    assert "slope 20 degree - survey S1 of 2026-05-01: field team" in said
    assert "needs a survey" not in said
    assert "decided, the one with less intervention: assisted recovery" in said
    assert "on condition: soil is brought where it is thin" in said
    assert "■ soil depth 20 cm: does not fit (fits with soil depth at least 30 cm)" in said
    assert "rock walls and benches by cubic restoration" in said
    chinese = reverdure("fit", "M00003", "-w", unmeasured, "--unit", "mu", language="zh").stdout
    assert "■ 土层厚度20厘米：不适宜（土层厚度不低于30厘米时适宜） [假设]" in chinese
    assert not re.search(r"[a-z]{4,} [a-z]{3,}", chinese.replace("field team", ""))
    rows = written(unmeasured)
    chosen = rows[rows["Chosen"].astype(bool)]
    assert set(chosen["Mine id"]) == {"M00003"}
    assert set(chosen["Measure"]) == {"assisted_recovery"}
    assert (rows["Area (mu)"] / rows["Area (ha)"]).tolist() == pytest.approx(
        [MU_PER_HA] * len(rows)
    )


def test_the_latest_survey_that_states_a_factor_holds(unmeasured: Path) -> None:
    later = {"survey_id": "S2", "mine_id": "M00003", "date": "2026-08-01", "soil_depth_cm": 40,
             "basis": "drilling"}  # fmt: skip
    survey(unmeasured, later, KNOWN)
    said = reverdure("fit", "M00003", "-w", unmeasured).stdout
    assert "soil depth 40 cm - survey S2 of 2026-08-01: drilling" in said
    assert "seed source 100 m - survey S1" in said
    assert "decided, the one with less intervention: natural recovery" in said


def test_a_county_alone_and_pages(unmeasured: Path) -> None:
    rows = written(unmeasured)
    county = rows["County"].iloc[-1]
    only = written(unmeasured, "--county", county)
    assert set(only["County"]) == {county}
    assert 0 < only["Mine id"].nunique() < 6
    assert "there is no page 2; the list has 1" in refusal(unmeasured, "--page", 2)


def refusal(workspace: Path, *arguments: object) -> str:
    return reverdure("fit", *arguments, "-w", workspace, expect=1).stderr


def test_what_cannot_be_judged_is_refused_with_what_to_do(unmeasured: Path, tmp_path: Path) -> None:
    assert "'M9' is not in the registry" in refusal(unmeasured, "M9")
    assert "Counties with mines" in refusal(unmeasured, "--county", "nowhere")
    assert "not both" in refusal(unmeasured, "M00003", "--county", "x")
    assert "must end in .csv" in refusal(unmeasured, "--csv", tmp_path / "a.txt")
    assert "it cannot be above 90" in survey(unmeasured, {**KNOWN, "slope_deg": 95}, expect=1)
    reverdure("init", tmp_path / "empty")
    assert "there is no mine to judge" in refusal(tmp_path / "empty")


def test_the_measures_of_the_workspace_are_judged_and_one_no_rule_names_is_told(
    unmeasured: Path,
) -> None:
    text = MEASURES.read_text("utf-8").replace("measures.assisted_recovery]",
                                               "measures.spray_seeding]")  # fmt: skip
    (unmeasured / "measures.toml").write_text(
        text.replace('en = "assisted recovery"', 'en = "spray seeding"')
        .replace('zh = "辅助再生"', 'zh = "喷播"'), "utf-8"
    )  # fmt: skip
    survey(unmeasured, KNOWN)
    said = reverdure("fit", "M00003", "-w", unmeasured).stdout
    assert "spray seeding > forest" in said
    assert "assisted recovery >" not in said
    assert "the rules do not name this measure" in said
    # nothing says how much it does to a site, so that it is no answer to "do less"
    chosen = written(unmeasured)
    chosen = chosen[chosen["Chosen"].astype(bool)]
    assert not chosen.empty
    assert "喷播" in reverdure("fit", "M00003", "-w", unmeasured, language="zh").stdout
