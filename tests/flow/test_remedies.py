"""Remedies and paces in the yearly review: in the plan, in the record, in the review after."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reverdure.control.remedies import remedies
from reverdure.pipeline.remedial import FEWEST
from reverdure.pipeline.steering import steer
from reverdure.store.workspace import Workspace
from tests.flow.commands import reverdure
from tests.flow.test_forecast import mines
from tests.flow.test_steer import last_year, works

KEYS = {one.key: one for one in remedies()}


@pytest.fixture(scope="session")
def _repaired(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A plan of four years, of which three were decided; what the last of them said."""
    folder = tmp_path_factory.mktemp("repaired")
    shutil.copytree(measured, folder / "w")
    first = last_year(folder / "w") + 1
    money = folder / "money.csv"
    rows = [f"grant,{first + n},0.25\n" for n in range(4)]
    money.write_text("source,year,amount (million CNY)\n" + "".join(rows), encoding="utf-8")
    reverdure("plan", "-w", folder / "w", "--years", f"{first}-{first + 3}", "--within", money,
              "--save", "base", "--by", "Li Wei")  # fmt: skip
    for year in (first, first + 1, first + 2):
        ask = ("steer", "-w", folder / "w", "--by", "Li Wei", "--commit", "--year", year)
        said = reverdure(*ask).stdout
    return folder / "w", first + 2, said


def record(workspace: Path, year: int) -> dict[str, object]:
    return json.loads((workspace / f"products/decisions/base-{year}.json").read_text("utf-8"))


def test_a_remedy_is_paid_from_the_money_of_the_plan(_repaired) -> None:
    workspace, year, said = _repaired
    plan = works(workspace, 4)
    done = plan[plan["measure"].isin(KEYS)]
    assert len(done) and set(done["start"]) == {year}
    budget = pd.read_parquet(workspace / "products/plans/base/0004/budget.parquet")
    paid = budget.set_index("year")["paid_mcny"]
    assert (budget["paid_mcny"] <= budget["budget_mcny"] + 1e-9).all()
    assert paid[year] >= done["cost_mcny"].sum() - 1e-9
    for row in done.itertuples():
        assert row.cost_mcny == pytest.approx(row.area_ha * KEYS[row.measure].cost_cny_ha / 1e6)
        assert row.benefit == pytest.approx(row.gain_ha_years * KEYS[row.measure].success)
        assert f"{row.mine_id}: {KEYS[row.measure].en}" in said
    assert "in the plan" in said and "compete with all other works for the same money" in said
    assert "remedial package (a remedy newly on offer)" in said


def test_the_record_names_what_was_done_and_what_it_was_to_bring(_repaired) -> None:
    workspace, year, _ = _repaired
    found = record(workspace, year)
    done = works(workspace, 4).set_index("mine_id").query("measure in @KEYS")
    assert {one["mine_id"] for one in found["remedies"]} == set(done.index)
    for one in found["remedies"]:
        assert one["in_plan"] is True and one["p_after"] > one["p_now"]
        assert one["gain_ha_years"] == pytest.approx(done.loc[one["mine_id"], "benefit"])
    bound = {(one["mine_id"], one["measure"]) for one in found["committed"]}
    assert set(zip(done.index, done["measure"], strict=True)) <= bound


def test_the_next_review_goes_on_from_what_was_done(_repaired) -> None:
    workspace, year, _ = _repaired
    opened = Workspace.open(workspace)
    found = steer(opened, year + 1)
    question = json.loads((workspace / "products/plans/base/0004/question.json").read_text("utf-8"))
    done = [one for one in record(workspace, year)["committed"] if one["measure"] in KEYS]
    for one in done:
        remedy = KEYS[one["measure"]]
        i = found.states.mines.mine_id.index(one["mine_id"])
        entry = next(e for e in question["remedies"]
                     if (e["mine"], e["remedy"]) == (one["mine_id"], one["measure"]))  # fmt: skip
        shows = found.states.years.index(year) + remedy.years
        course, begun = found.states.seen.course, found.states.mines.under_works[i]
        assert begun.tolist() == [k >= shows for k in range(len(begun))]
        if remedy.years == 0:
            after = remedy.kappa_after(np.array([entry["kappa_now"]]), np.array([entry["usual"]]))
            assert course.kappa[i, -1] == pytest.approx(after[0])
        assert found.states.mines.p_fails[i] == pytest.approx(1 - remedy.success)
    # it stands, and a plan made from this one keeps it
    columns = ["mine_id", "measure", "start"]
    fixed = {tuple(row) for row in works(workspace, 4)[columns].query("start <= @year").to_numpy()}
    assert fixed <= {tuple(row) for row in found.plan.works[columns].to_numpy()}
    said = reverdure("plan", "-w", workspace, "--from", "base", "--change",
                     f"budget[{year + 1}] * 2").stdout  # fmt: skip
    assert KEYS[done[0]["measure"]].en in said


@pytest.mark.parametrize("count", [2, FEWEST + 1])
def test_the_pace_that_enough_mines_show_is_planned_with(
    measured: Path, tmp_path: Path, count: int
) -> None:
    shutil.copytree(measured, tmp_path / "w")
    workspace, year = tmp_path / "w", last_year(measured) + 1
    table = "work_id,mine_id,measure,state,from_date,to_date\n" + "".join(
        f"W{n},{mine},assisted recovery,finished,{year - 4}-03-01,{year - 4}-10-01\n"
        for n, mine in enumerate(mines(workspace)[:count])
    )
    (tmp_path / "works.csv").write_text(table, "utf-8")
    reverdure("add", "works", tmp_path / "works.csv", "-w", workspace, "--by", "Li Wei")
    money = tmp_path / "money.csv"
    rows = f"grant,{year},0.25\ngrant,{year + 1},0.25\n"
    money.write_text("source,year,amount (million CNY)\n" + rows, "utf-8")
    reverdure("plan", "-w", workspace, "--years", f"{year}-{year + 1}", "--within", money,
              "--save", "base", "--by", "Li Wei")  # fmt: skip
    found = steer(Workspace.open(workspace), year)
    pace = found.paces.set_index("measure").loc["assisted_recovery"]
    assert pace["mines"] == count and pace["instead_of"] == 0.20
    assert abs(pace["kappa"] - 0.20) > 0.005
    used = found.plan.compiled.problem.measures.measure("assisted_recovery").trajectory.kappa
    assert pace["is_used"] == (count >= FEWEST)
    assert used == (pytest.approx(pace["kappa"]) if count >= FEWEST else 0.20)
    said = reverdure("steer", "-w", workspace, "--year", year, "--commit", "--by", "Li Wei").stdout
    tells = f"instead of 0.20 (on {count} mines)"
    if count < FEWEST:
        tells = f", on {count} mines only; {FEWEST} are needed, so 0.20 stays"
    assert f"Pace of assisted recovery, as seen: {pace['kappa']:.2f}" in said and tells in said
    assert record(workspace, year)["paces"][0]["mines"] == count
    # the plan that was kept can be opened again, and the pace stands in it
    again = steer(Workspace.open(workspace), year + 1)
    kept = again.saved.question.get("paces", {})
    assert kept.keys() == ({"assisted_recovery"} if count >= FEWEST else set())
