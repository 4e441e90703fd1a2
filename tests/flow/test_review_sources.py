"""What forecasts and reviews read: measures of the workspace, works on record, surveys."""

import datetime
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reverdure.core.errors import InvalidInput
from reverdure.pipeline.forecast import forecast
from reverdure.pipeline.mine_states import mine_states
from reverdure.pipeline.site_limits import surveyed
from reverdure.pipeline.steering import steer
from reverdure.store.workspace import Workspace
from tests.flow.commands import reverdure
from tests.flow.test_forecast import mines
from tests.flow.test_plan_bad_input import MEASURES
from tests.flow.test_steer import last_year

OWN = MEASURES.read_text("utf-8").replace(
    "kappa = 0.20, ceiling = 0.85", "kappa = 0.44, ceiling = 0.85"
)


@pytest.fixture
def workspace(measured: Path, tmp_path: Path) -> Path:
    shutil.copytree(measured, tmp_path / "w")
    return tmp_path / "w"


def add(workspace: Path, kind: str, text: str) -> None:
    path = workspace / f"{kind}.csv"
    path.write_text(text, "utf-8")
    reverdure("add", kind, path, "-w", workspace, "--by", "Li Wei", "--update")


def kappa(found) -> dict[str, float]:
    """Pace assumed of each mine in the last year."""
    course = np.asarray(found.seen.course.kappa)
    return dict(zip(found.mines.mine_id, course[:, -1].tolist(), strict=True))


def planned(workspace: Path) -> int:
    year = last_year(workspace) + 1
    money = workspace / "money.csv"
    money.write_text("source,year,amount (million CNY)\n"
                     + "".join(f"grant,{year + n},0.25\n" for n in range(2)), "utf-8")  # fmt: skip
    reverdure("plan", "-w", workspace, "--years", f"{year}-{year + 1}", "--within", money,
              "--save", "base", "--by", "Li Wei")  # fmt: skip
    return year


def test_a_forecast_begins_from_the_measures_of_the_workspace(workspace: Path) -> None:
    opened = Workspace.open(workspace)
    before, first = mine_states(opened, 0.75), forecast(opened).rows.set_index("mine_id")
    claimed = [m for m, of in zip(before.mines.mine_id, before.mines.measure, strict=True)
               if of == "assisted_recovery"]  # fmt: skip
    assert claimed and {kappa(before)[one] for one in claimed} == {0.20}
    assert "(plan/data/measures.toml)" in reverdure("forecast", "-w", workspace).stdout
    (workspace / "measures.toml").write_text(OWN, "utf-8")
    after, then = mine_states(opened, 0.75), forecast(opened).rows.set_index("mine_id")
    assert {kappa(after)[one] for one in claimed} == {0.44}
    seen = [one for one in claimed if then.loc[one, "status"] == "forecast"]
    assert seen and (then.loc[seen, "expected"] != first.loc[seen, "expected"]).all()
    assert "(measures.toml)" in reverdure("forecast", "-w", workspace, language="zh").stdout


def test_measures_without_a_course_for_ground_left_alone_are_refused(workspace: Path) -> None:
    text = OWN.replace("[measures.natural_recovery]", "[measures.ours]").replace(
        "[measures.natural_recovery.", "[measures.ours.")  # fmt: skip
    (workspace / "measures.toml").write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match="no course for 'natural_recovery'"):
        mine_states(Workspace.open(workspace), 0.75)
    said = reverdure("forecast", "-w", workspace, expect=1, language="zh").stderr
    assert "没有 'natural_recovery' 的恢复过程" in said


def test_a_review_goes_by_the_measures_of_its_plan(workspace: Path) -> None:
    (workspace / "measures.toml").write_text(OWN, "utf-8")
    year = planned(workspace)
    (workspace / "measures.toml").unlink()
    found = steer(Workspace.open(workspace), year)
    assert "measures" in found.changed
    assert 0.44 in kappa(found.states).values() and 0.20 not in kappa(found.states).values()


def test_works_on_record_win_over_a_later_claim(workspace: Path) -> None:
    opened, last = Workspace.open(workspace), last_year(workspace)
    before = mine_states(opened, 0.75)
    claims = opened.database.frame("claim").dropna(subset=["mine_id"])
    latest = claims["start_year"].fillna(claims["year"]).groupby(claims["mine_id"]).max()
    mine, year = next((m, int(y)) for m, y in latest.items() if m in mines(workspace))
    n = before.mines.mine_id.index(mine)
    assert before.mines.measure[n] in ("assisted_recovery", "left_alone") and not before.known[n]
    add(workspace, "works", "work_id,mine_id,measure,state,from_date\n"
        f"W1,{mine},wetland,finished,{min(year, last) - 3}-03-01\n"
        f"W2,{mine},engineered reconstruction,finished,{min(year, last) - 2}-03-01\n"
        f"W3,{mine},wetland,planned,{min(year, last)}-03-01\n")  # fmt: skip
    after = mine_states(opened, 0.75)
    assert after.mines.measure[n] == "engineered_reconstruction" and after.known[n]
    others = [k for k in range(len(after.known)) if k != n]
    assert [after.mines.measure[k] for k in others] == [before.mines.measure[k] for k in others]
    # what a plan began stands beside what is on record: the later of them
    begun = {mine: (last - 1, "assisted_recovery")}
    assert mine_states(opened, 0.75, begun=begun).mines.measure[n] == "assisted_recovery"


SURVEY = "survey_id,mine_id,date,displacement_mm_a,antimony_mg_l,is_stable,basis\n"


def test_the_latest_survey_since_the_works_began_is_held_against_the_limits(
    workspace: Path,
) -> None:
    opened, last = Workspace.open(workspace), last_year(workspace)
    one, two, three, four = mines(workspace)[:4]
    add(workspace, "works", "work_id,mine_id,measure,state,from_date\n" + "".join(
        f"W{n},{mine},assisted recovery,finished,{last - 3}-03-01\n"
        for n, mine in enumerate((one, two, three, four))))  # fmt: skip
    add(workspace, "surveys", SURVEY
        + f"S1,{one},{last - 3}-02-01,80,0.06,no,radar\n"
        + f"S2,{one},{last}-02-01,20,,yes,radar\n"
        + f"S3,{two},{last - 4}-02-01,80,0.06,no,radar\n"
        + f"S4,{three},{last + 2}-02-01,80,0.06,no,radar\n"
        + f"S5,{four},{last + 1}-02-01,,0.07,no,laboratory\n")  # fmt: skip
    states = mine_states(opened, 0.75)
    found = pd.DataFrame(surveyed(opened, states, last + 1), index=states.mines.mine_id)
    assert found.loc[one].to_dict() == {
        "displacement_mm_a": 20, "antimony_mg_l": 0.06, "slope_failure": 0}  # fmt: skip
    assert found.loc[[two, three]].isna().all(axis=None)
    assert np.isnan(found.loc[four, "displacement_mm_a"])
    assert found.loc[four, ["antimony_mg_l", "slope_failure"]].tolist() == [0.07, 1]


def test_a_survey_turns_a_mine_red_whose_pictures_are_good(workspace: Path) -> None:
    year = planned(workspace)
    before = steer(Workspace.open(workspace), year).mines.set_index("mine_id")
    treated = before[before["light"].notna() & (before["light"] != "red")]
    assert len(treated) >= 2
    moved, poisoned = treated.index[:2]
    day = datetime.date(year, 3, 1)
    add(workspace, "surveys", SURVEY + f"S1,{moved},{day},51,,,radar\n"
        f"S2,{poisoned},{day},50,0.051,,laboratory\n")  # fmt: skip
    found = steer(Workspace.open(workspace), year)
    after = found.mines.set_index("mine_id")
    assert after.loc[[moved, poisoned], "light"].tolist() == ["red", "red"]
    assert "ground moves faster than the limit" in after.loc[moved, "reasons"]
    assert "径流中锑浓度超限" in after.loc[poisoned, "reasons_zh"]
    assert "moves" not in after.loc[poisoned, "reasons"]
    assert found.lights["red"] == (before["light"] == "red").sum() + 2
    # nothing that greens the ground mends it, so nothing is offered for it
    assert not set(found.remedies["mine_id"]) & {moved, poisoned}
    said = reverdure("steer", "-w", workspace, "--year", year, "--dry-run").stdout
    assert "2 of them by a survey, beyond a hard limit" in said
    assert "其中2座由调查触发" in reverdure(
        "steer", "-w", workspace, "--year", year, "--dry-run", language="zh").stdout  # fmt: skip
    # what was never seen from above is seen on the ground
    unseen = treated.index[treated["light"] == "not_observed"]
    assert set(after.loc[unseen.difference([moved, poisoned]), "light"]) <= {"not_observed"}
