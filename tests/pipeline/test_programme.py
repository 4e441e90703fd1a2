"""From a workspace to a problem: mines, budgets, requirements, changes, plans that are kept."""

import datetime
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from tests.plan.draws import programme

from reverdure.core.codes import PlanStatus
from reverdure.core.errors import InvalidInput, NoMines, NotFound, UnknownOption
from reverdure.core.fields import MINES
from reverdure.core.kinds import kinds
from reverdure.intake.budgets import read_budget
from reverdure.pipeline.plan_changes import changed_budget, changed_measures, read_change
from reverdure.pipeline.plan_sources import budget_of, requirements_of, source_of
from reverdure.pipeline.plan_targets import with_registry
from reverdure.pipeline.planned_mines import planned_mines
from reverdure.pipeline.programme import ask, changed_since, reopen, solve, years_of
from reverdure.pipeline.records import add_records
from reverdure.pipeline.saved_plans import load_plan, plans_of, save_plan
from reverdure.plan.answers import why
from reverdure.plan.measures import catalogue
from reverdure.plan.requirements import Fair, Target
from reverdure.store.records import Author
from reverdure.store.tables import MINE
from reverdure.store.workspace import Workspace

DAY = datetime.date(2026, 11, 20)
LI = Author("Li Wei")
YEARS = (2027, 2028)
QUESTION: Mapping[str, Any] = {
    "years": list(YEARS),
    "budget": [{"id": "grant", "kind": "central", "budget": {"2027": 1.0, "2028": 1.0}}],
    "requirements": {"restored_ha": 2},
    "changes": [],
}
AREAS = {"A": 10.0, "B": 4.0, "C": 3.0, "D": None}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Four mines, one without area, that nothing was measured of."""
    made = Workspace.create(tmp_path / "w")
    rows = [
        dict.fromkeys(MINES.columns) | {
            "mine_id": mine, "county": "X" if mine < "C" else "Y", "stated_area_ha": area,
            "flags": "", "source": "t", "source_row": 1,
        }
        for mine, area in AREAS.items()
    ]  # fmt: skip
    with made.database.transaction("add mines") as transaction:
        transaction.insert(MINE, rows)
    return made


def add(workspace: Workspace, kind: str, *rows: Mapping[str, object]) -> None:
    path = workspace.root / f"{kind}.csv"
    pd.DataFrame(list(rows)).to_csv(path, index=False)
    added = add_records(workspace, kinds()[kind], path, LI)
    assert not added.checked.refused


def verdicts(workspace: Workspace, *rows: tuple[str, str, float, float, float]) -> None:
    columns = ["mine_id", "verdict", "restored_ha", "recovered_share", "ground_ha"]
    frame = pd.DataFrame(list(rows), columns=columns).assign(run_id="r1")
    workspace.products.mkdir(exist_ok=True)
    frame.to_parquet(workspace.products / "verdicts.parquet")


def work(mine: str, measure: str, day: str, state: str = "contracted") -> dict[str, object]:
    return {"work_id": f"W{mine}", "mine_id": mine, "measure": measure, "state": state,
            "from_date": day}  # fmt: skip


def mines_of(workspace: Workspace):
    return planned_mines(workspace, catalogue(), YEARS, DAY)


def test_restored_mines_leave_and_restored_ground_is_taken_off(workspace):
    verdicts(workspace, ("A", "supported", 4.0, 1.0, 4.0), ("A", "not_supported", 0.0, 0.2, 3.0),
             ("A", "undecided", 0.5, 0.5, 1.0), ("B", "supported", 3.9, 0.9, 4.0))  # fmt: skip
    found = mines_of(workspace)
    table = found.table.set_index("mine_id")
    assert list(table.index) == ["A", "C"]
    assert table.loc["A", "area_ha"] == 6.0
    assert table.loc["A", "recovery"] == pytest.approx((0.2 * 3 + 0.5) / 4)
    assert {one.id: one.code for one in found.left_out} == {"B": "restored", "D": "no_area"}
    assert (found.unknown_recovery, found.run_id) == (1, "r1")


def test_works_under_contract_are_kept_and_those_begun_leave(workspace):
    add(workspace, "work", work("A", "辅助再生", "2028-03-01"),
        work("B", "wetland", "2025-05-01", "under_way"),
        work("C", "planting", "2027-01-01"))  # fmt: skip
    found = mines_of(workspace)
    assert [(one.mine, one.measure, one.start) for one in found.commitments] == [
        ("A", "assisted_recovery", 2028)
    ]
    assert {one.id: one.code for one in found.left_out} == {
        "B": "under_works", "C": "unknown_works", "D": "no_area"}  # fmt: skip
    plan = solve(ask(workspace, {**QUESTION, "budget": [
        {"id": "grant", "budget": {"2027": 5.0, "2028": 5.0}}]}, day=DAY).problem)  # fmt: skip
    assert plan.works[["mine_id", "measure", "start"]].values.tolist() == [
        ["A", "assisted_recovery", 2028]
    ]


def test_owners_and_prefectures_come_from_the_registry(workspace):
    add(workspace, "party", {"party_id": "P", "name": "Firm", "type": "enterprise"},
        {"party_id": "G", "name": "County", "type": "government"})  # fmt: skip
    duty = {"mine_id": "A", "party_id": "P", "duty": "restore", "due_date": "2030-01-01"}
    add(workspace, "duty", {"duty_id": "1", "liability": "liable_enterprise", **duty},
        {"duty_id": "2", **duty, "mine_id": "B", "party_id": "G",
         "liability": "no_liable_party"})  # fmt: skip
    add(workspace, "unit", {"unit_id": "36", "name": "Ganzhou", "level": "prefecture"},
        {"unit_id": "3601", "name": "X", "level": "county", "parent_id": "36"})  # fmt: skip
    table = mines_of(workspace).table.set_index("mine_id")
    assert table["has_owner"].to_dict() == {"A": True, "B": False, "C": False}
    assert table["prefecture"].to_dict() == {"A": "Ganzhou", "B": "Ganzhou", "C": "Y"}


def test_without_mines_there_is_nothing_to_plan(tmp_path):
    with pytest.raises(NoMines, match="holds no mines"):
        mines_of(Workspace.create(tmp_path / "empty"))


def test_what_fits_a_mine_may_be_told(workspace):
    only = pd.DataFrame({"mine_id": ["A"], "measure": ["natural_recovery"]})
    for allowed in (only, lambda mines, measures: only):
        plan = solve(ask(workspace, QUESTION, allowed=allowed, day=DAY).problem)
        assert set(plan.works["measure"]) == {"natural_recovery"}


@pytest.mark.parametrize(
    ("heading", "amount"),
    [("amount (million CNY)", 1.5), ("Amount (CNY)", 1_500_000), ("金额（万元）", 150),
     ("budget_cny", 1_500_000), ("资金额度(亿元)", 0.015)],
)  # fmt: skip
def test_money_is_read_in_the_unit_its_heading_says(tmp_path, heading, amount):
    book = openpyxl.Workbook()
    for row in (["Budget of the county"], ["来源", "年份", heading, "结转"],
                ["own", 2027, amount, "是"], ["own", 2028, 0, "是"]):  # fmt: skip
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    read = budget_of(read_budget(tmp_path / "b.xlsx"), YEARS)
    assert (read.read, read.used, read.refused) == (2, 2, ())
    source = source_of(read.sources[0])
    assert source.budget == pytest.approx({2027: 1.5, 2028: 0.0}) and source.rolls


def test_rules_of_money_and_counties_are_read(tmp_path):
    (tmp_path / "b.csv").write_text(
        "source,kind,county,year,amount (million CNY),match share,measures\n"
        "g,中央财政资金,X,2027,3,30%,wetland;natural_recovery\n"
        "g,central,Y,2028,2,0.3,wetland;natural_recovery\n", "utf-8",
    )  # fmt: skip
    (said,) = budget_of(read_budget(tmp_path / "b.csv"), YEARS).sources
    source = source_of(said)
    assert source.kind == "central" and source.most_share == pytest.approx(0.7)
    assert source.budget == {"X": {2027: 3.0, 2028: 0.0}, "Y": {2027: 0.0, 2028: 2.0}}
    assert source.measures == ("wetland", "natural_recovery")


def test_requirements_in_readable_keys():
    asked, locks = requirements_of({
        "restored_ha": {"least": 5, "most": 9}, "fair": {"of_best": 0.75},
        "target": [{"what": "restored_mines", "least": 2, "by": 2028, "name": "two"}],
        "capacity": {"what": "works_ha", "most": {"X": 4}, "per": "county"},
        "lock": {"mine": "A", "out": True},
    })  # fmt: skip
    targets = [one for one in asked if isinstance(one, Target)]
    assert [(one.sense, one.amount, one.hard) for one in targets] == [
        ("at_least", 5, False), ("at_most", 9, True), ("at_least", 2, False)]  # fmt: skip
    assert any(isinstance(one, Fair) for one in asked) and locks[0].out
    fewer, _ = requirements_of(
        {"target": [{"what": "restored_mines", "least": 2, "name": "two"}], "restored_ha": 5},
        [read_change("require[two] removed"), read_change("require[restored_ha] * 0.5")],
    )
    assert [one.amount for one in fewer] == [2.5]
    for wrong in ({"beauty": 1}, {"target": {"what": "beauty", "least": 1}},
                  {"lock": {"mine": "A", "when": 1}}):  # fmt: skip
        with pytest.raises(UnknownOption):
            requirements_of(wrong)


def test_targets_of_the_registry_join_and_others_are_told(workspace):
    add(workspace, "unit", {"unit_id": "1", "name": "Y", "level": "county"})
    common = {"from_year": 2026, "to_year": 2027, "basis": "plan"}
    add(workspace, "target",
        {"target_id": "T1", "metric": "修复面积", "measured_in": "ha", "value": 3, "unit_id": "1",
         **common},
        {"target_id": "T2", "metric": "reed", "measured_in": "ha", "value": 3, **common},
        {"target_id": "T3", "metric": "restored_ha", "measured_in": "mu", "value": 3, **common},
    )  # fmt: skip
    said, left_out = with_registry(workspace, {"registry": True}, YEARS)
    assert said["target"] == [
        {"what": "restored_ha", "least": 3, "name": "T1", "by": 2027, "county": "Y"}
    ]
    assert {one.id: one.code for one in left_out} == {"T2": "metric", "T3": "unit"}
    requirements_of(said)


def test_changes_are_arithmetic_and_nothing_else():
    sources = [{"id": "a", "budget": {"2027": 10.0, "2028": 20.0}},
               {"id": "b", "budget": {"X": {"2028": 4.0}}}]  # fmt: skip
    said = [read_change(one) for one in ("budget[2028] * 0.5", "budget[a, 2027] = 7")]
    assert [one["budget"] for one in changed_budget(sources, said)] == [
        {"2027": 7.0, "2028": 10.0}, {"X": {"2028": 2.0}}]  # fmt: skip
    assert sources[0]["budget"]["2027"] == 10.0
    surer = changed_measures(catalogue(), [read_change("success[wetland] = 0.5")])
    assert surer.measures["wetland"].trajectory.success == 0.5
    for wrong in ("budget[2028]", "budget * -1", "eval(1)", "cost * nan", "require removed",
                  "budget * 1; x", "budget removed", "budget * 1e999"):  # fmt: skip
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_change(wrong)


def test_a_plan_comes_back_as_it_was_kept(workspace):
    asked = ask(workspace, QUESTION, day=DAY)
    plan = solve(asked.problem)
    kept = save_plan(workspace, "基准", plan, asked.question, LI, inputs=asked.inputs)
    pd.testing.assert_frame_equal(kept.works, plan.works)
    assert (kept.objective, kept.fingerprint) == (plan.objective, asked.problem.fingerprint())
    again = reopen(workspace, load_plan(workspace, "基准"))
    assert again.changed == ()
    pd.testing.assert_frame_equal(again.plan.works, plan.works)
    assert why(again.plan, "A").parts == pytest.approx(why(plan, "A").parts)
    assert ask(workspace, kept.question, day=DAY).problem.fingerprint() == kept.fingerprint
    assert [one.name for one in plans_of(workspace)] == ["基准"]
    with pytest.raises(NotFound, match="no version 2"):
        load_plan(workspace, "基准", 2)


def test_measures_of_the_workspace_are_checked_and_noticed(workspace):
    from importlib import resources

    asked = ask(workspace, QUESTION, day=DAY)
    kept = save_plan(workspace, "base", solve(asked.problem), asked.question, LI,
                     inputs=asked.inputs)  # fmt: skip
    text = resources.files("reverdure.plan").joinpath("data/measures.toml").read_text("utf-8")
    own = workspace.root / "measures.toml"
    own.write_text(text.replace("cny_per_unit = 18000,", "cny_per_unit = 19000,"), "utf-8")
    assert changed_since(workspace, kept) == ("measures",)
    verdicts(workspace, ("A", "supported", 4.0, 1.0, 4.0))
    assert changed_since(workspace, kept) == ("measures", "mines")
    for wrong in ("0", "-3", "nan"):
        own.write_text(text.replace("cny_per_unit = 18000,", f"cny_per_unit = {wrong},"), "utf-8")
        with pytest.raises(InvalidInput, match=r"cost 'fencing'|cny_per_unit is nan"):
            ask(workspace, QUESTION, day=DAY)
    own.write_text("price_year = 2024\n", "utf-8")
    with pytest.raises(InvalidInput, match=r"measures.toml cannot be read"):
        ask(workspace, QUESTION, day=DAY)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", ".x", "x" * 65, "a b", "a\n"])
def test_names_stay_in_the_workspace(workspace, name):
    plan = solve(ask(workspace, QUESTION, day=DAY).problem)
    with pytest.raises(InvalidInput, match="cannot be the name"):
        save_plan(workspace, name, plan, QUESTION, LI)
    assert not (workspace.products / "plans").exists()


@pytest.mark.parametrize("said", ["2027-2026", "27-29", "2027-x", "1000-2000", ""])
def test_years_that_cannot_be_are_refused(said):
    with pytest.raises(InvalidInput, match="years"):
        years_of(said)


def test_ctrl_c_gives_the_best_plan_so_far():
    asked = programme(4, mines=600, years=5)
    told = []

    def stop(step):
        told.append(step)
        if len(told) == 8:
            raise KeyboardInterrupt

    began = time.monotonic()
    plan = solve(asked, seconds=100, gap=0.0, on_progress=stop)
    assert time.monotonic() - began < 50
    assert plan.status in {PlanStatus.TIME_LIMIT, PlanStatus.NO_PLAN}
    assert told[0].total == 100
