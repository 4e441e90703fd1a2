"""What a planner can get wrong, typed: each ends in what was seen, what is allowed, what to do."""

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from reverdure.plan import search
from tests.flow.commands import reverdure
from tests.flow.conftest import ASKED, MONEY

MEASURES = Path(__file__).parents[2] / "src/reverdure/plan/data/measures.toml"


def planned(workspace: Path, asked: str = "", money: str = "", *more: object, expect: int = 1
            ) -> str:  # fmt: skip
    (workspace / "b.csv").write_text(money or MONEY, "utf-8")
    (workspace / "t.toml").write_text(asked, "utf-8")
    done = reverdure(
        "plan", "-w", workspace, "--years", "2027-2029", "--within", workspace / "b.csv",
        "--require", workspace / "t.toml", *more, expect=expect,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ('discount = "x"', "discount = 'x' cannot be used"),
        ("discount = { y = 1 }", "discount = {'y': 1} cannot be used"),
        ("until = [2040]", "until = [2040] cannot be used"),
        ("until = nan", "Write a year"),
        ('registry = "x"', "Write true or false"),
        ("[price_index]\n2020 = nan\n2024 = 106", "price_index: 2020 = nan"),
        ("[price_index]\nx = 1", "price_index: x = 1"),
        ('[[capacity]]\nwhat = "works_ha"\nmost = "x"', "most = 'x'"),
        ('[[capacity]]\nwhat = "works_ha"\nmost = nan', "is nan; amounts are zero or more"),
        ('[[capacity]]\nwhat = "works_ha"\nmost = { Nowhere = 3 }', "which has no mines"),
        ('[fair]\nfloor = "x"', "floor = 'x'"),
        ("[fair]\nfloor = 0.2\npenalty = nan", "penalty = nan"),
        ('[[corridor]]\npairs = [["M01", "M02"]]\nbonus = nan', "bonus = nan"),
        ('[[corridor]]\npairs = [["M01"]]\nbonus = 1', "Write pairs of ids"),
        ("[[corridor]]\nbonus = 1", "a corridor has no pairs"),
        ('[[demonstration]]\nid = "grant"\nmines = ["M01"]', "the name of another source"),
        ('[[demonstration]]\nid = "d"', "a demonstration has no mines"),
        ('[[demonstration]]\nid = "d"\nmines = ["M01"]\nleast_cost_mcny = nan', "= nan"),
        ('[[target]]\nwhat = "restored_ha"\nleast = 5\npenalty = nan', "penalty = nan"),
        ('[[target]]\nwhat = "restored_ha"\nleast = 5\nby = "x"', "by = 'x'"),
        ('[[target]]\nwhat = "restored_ha"\nleast = 5\nmines = "M01"', "Write a list of ids"),
        ('[[target]]\nwhat = "restored_ha"\nleast = 5\nhard = "x"', "Write true or false"),
        ("[[target]]\nwhat = 3\nleast = 5", "Write a text in quotes"),
        ('[[lock]]\nmine = "M01"\nmeasure = "magic"', "'magic' is not known"),
        ('[[lock]]\nmine = "M01"\nout = "x"', "Write true or false"),
        ("restored_ha = 9000", "above what exists"),
        ('[[cost]]\nmine = "M01"\nmeasure = "wetland"\ncny = 5e5\nprice_year = nan',
         "price_year = nan"),
        ('[[cost]]\nmine = "M01"\nmeasure = "wetland"\ncny = 5e5\nprice_year = 2024\n' * 2,
         "is given twice"),
    ],
)  # fmt: skip
def test_requirements_that_cannot_be_meant(listed: Path, asked: str, said: str) -> None:
    assert said in planned(listed, asked + "\n")


@pytest.mark.parametrize(
    ("heading", "value", "said"),
    [
        ("price year", "x", "the price year is 'x'"),
        ("price year", "nan", "the price year is 'nan'"),
        ("price year", "2020", "prices of 2020"),
        ("measures", "wetland;magic", "'magic' is not known"),
        ("land uses", "sea", "'sea' is not known"),
        ("most share", "nan", "allowed is 0 to 1"),
        ("county", "Nowhere", "has no mines"),
    ],
)
def test_money_that_cannot_be_meant(listed: Path, heading: str, value: str, said: str) -> None:
    first, *rows = MONEY.splitlines()
    grants = [f"{row},{value}" for row in rows if row.startswith("grant")]
    assert said in planned(listed, "", "\n".join([f"{first},{heading}", *grants]) + "\n")


def test_one_name_for_two_kinds_of_money(listed: Path) -> None:
    two = MONEY.replace("own,county,2028", "grant,county,2028")
    assert "its rules are others" in planned(listed, "", two)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("cny_per_unit = 18000", "cny_per_unit = 0", "is 0 CNY"),
        ("cny_per_unit = 18000", "cny_per_unit = -5", "is -5 CNY"),
        ("cny_per_unit = 18000", "cny_per_unit = nan", "is nan; write a number"),
        ("cny_per_unit = 18000, ", "", "cannot be read"),
        ("kappa = 0.09", "kappa = nan", "kappa is nan"),
        ("kappa = 0.09", "kappa = 1.5", "allowed is 0 to 1"),
        ("success = 0.75", "success = 2", "allowed is 0 to 1"),
        ("cny_per_ha = 90000", "cny_per_ha = nan", "cny_per_ha is nan"),
        ("value = 15.0", "value = nan", "is nan; write a number"),
    ],
)
def test_measures_that_cannot_be(listed: Path, before: str, after: str, said: str) -> None:
    text = MEASURES.read_text("utf-8")
    assert before in text
    (listed / "measures.toml").write_text(text.replace(before, after, 1), "utf-8")
    assert said in planned(listed, ASKED)


def test_no_money_is_a_plan_without_works(listed: Path) -> None:
    first, *rows = MONEY.splitlines()
    nothing = [f"{','.join(row.split(',')[:3])},0,no," for row in rows if row.startswith("grant")]
    said = planned(listed, "", "\n".join([first, *nothing]) + "\n", expect=0)
    assert "Objective" in said


def test_no_time_is_told_and_little_time_gives_a_plan_with_its_gap(listed: Path) -> None:
    assert "no plan found in the time given" in planned(listed, ASKED, "", "--time-limit", 0)


def test_the_best_plan_when_time_is_up_is_marked_wherever_it_is_shown(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The route of large lists, with no time for the whole problem and a gap nobody can reach."""
    monkeypatch.setattr(search, "SMALL", 0)
    monkeypatch.setattr(search, "DIVES", ())
    monkeypatch.setattr(search, "STEPS", ())
    monkeypatch.setattr(search, "_SECONDS_A_START", 1e6)
    book = tmp_path / "short.xlsx"
    said = planned(listed, "", "", "--time-limit", 20, "--gap", 0, "--save", "short", "--out",
                   book, "--by", "Li Wei", expect=0)  # fmt: skip
    record = json.loads((listed / "products/plans/short/0001/record.json").read_text("utf-8"))
    assert record["status"] == "time_limit"
    assert 0 < record["objective"] < record["bound"] and record["gap"] > 1e-6
    gap = f"{record['gap']:.3%}"
    first = said.index("Status: best in the time given; gap not reached")
    assert first < said.index(f"TIME IS UP: this is the best plan found, up to {gap} below") < \
        said.index("Objective (")  # fmt: skip
    works = pd.read_parquet(listed / "products/plans/short/0001/works.parquet")
    money = pd.read_parquet(listed / "products/plans/short/0001/budget.parquet")
    assert len(works) and (money["paid_mcny"] <= money["budget_mcny"] + 1e-6).all()
    sheet = openpyxl.load_workbook(book)["plan"]
    cells = [str(cell) for line in sheet.iter_rows(values_only=True) for cell in line]
    assert any("best in the time given" in cell for cell in cells)
    line = next(one for one in reverdure("plans", "-w", listed).stdout.splitlines()
                if one.startswith("short"))  # fmt: skip
    assert "best in the time given" in line and gap in line
    assert "限时内最优" in reverdure("compare", "base", "short", "-w", listed, language="zh").stdout


def test_a_demonstration_project_whose_works_take_more_than_three_years_is_named(
    listed: Path,
) -> None:
    asked = """
[[demonstration]]
id = "pilot"
mines = ["M01", "M02"]
least_cost_mcny = 0.01
least_area_ha = 1

[[lock]]
mine = "M01"
measure = "engineered_reconstruction"
start = 2027

[[lock]]
mine = "M02"
measure = "engineered_reconstruction"
start = %d
"""
    rows = [row.replace("2029", "2030") for row in MONEY.splitlines() if "2029" in row]
    money = MONEY + "\n".join(rows) + "\n"
    more = ("--years", "2027-2030", "--time-limit", 30)
    short = planned(listed, asked % 2028, money, *more, expect=0)
    assert "DEMONSTRATION PROJECT" not in short
    assert "pilot" in short
    long = planned(listed, asked % 2029, money, *more, "--save", "pilot", expect=0)
    assert "DEMONSTRATION PROJECT pilot: its works run 2027-2030, 4 years; 3 are allowed." in long
    works = pd.read_parquet(listed / "products/plans/pilot/0001/works.parquet")
    of = works[works["mine_id"].isin(["M01", "M02"])]
    assert (of["start"].min(), of["finish"].max()) == (2027, 2030)
    again = reverdure("plan", "-w", listed, "--from", "pilot", "--time-limit", 30, language="zh")
    assert "示范工程pilot:工程期2027-2030年,共4年;最长3年。" in again.stdout


def test_data_that_changed_since_the_base_are_named_on_screen(listed: Path) -> None:
    again = ("plan", "-w", listed, "--from", "base", "--time-limit", 30)
    assert "THE DATA HAVE CHANGED" not in reverdure(*again).stdout
    (listed / "measures.toml").write_text(MEASURES.read_text("utf-8") + "\n# ours\n", "utf-8")
    said = reverdure(*again).stdout
    assert "THE DATA HAVE CHANGED since plan base" in said and "measures" in said


def test_a_source_is_not_called_by_its_kind_twice(listed: Path) -> None:
    said = planned(listed, "", MONEY.replace("grant,central", "central,central"), expect=0)
    assert "central grant central" not in said and "central grant" in said


def test_why_never_says_a_negative_number_behind(listed: Path) -> None:
    for mine in ("M01", "M05", "M08", "M10"):
        said = reverdure("why", mine, "-w", listed, "--plan", "base").stdout
        starts = [line.split() for line in said.splitlines() if "begun in" in line]
        assert not [words for words in starts if words[-1].startswith("-")]
        assert ", -" not in said


def test_scenarios_side_by_side_and_what_stays_in_all(listed: Path) -> None:
    for name, change in (("dear", "cost * 1.2"), ("dry", "pace * 0.8")):
        reverdure("plan", "-w", listed, "--from", "base", "--change", change, "--save", name,
                  "--by", "Li Wei", "--time-limit", 30)  # fmt: skip
    said = reverdure("compare", "base", "dear", "dry", "-w", listed).stdout
    assert "pace * 0.8" in said and "cost * 1.2" in said
    works = [
        pd.read_parquet(listed / f"products/plans/{name}/0001/works.parquet")
        for name in ("base", "dear", "dry")
    ]
    keys = [set(map(tuple, one[["mine_id", "measure", "land_use", "start"]].to_numpy().tolist()))
            for one in works]  # fmt: skip
    assert f"the same in all 3 plans: {len(set.intersection(*keys))}" in said
    gains = [one["gain_ha_years"].sum() for one in works]
    assert gains[2] < gains[0]
    refused = reverdure("plan", "-w", listed, "--from", "base", "--change", "pace * 9", expect=1)
    assert "up to 1" in refused.stderr


def test_what_each_requirement_costs(listed: Path) -> None:
    asked = ASKED.replace("least = 20", "least = 70\nhard = true")
    said = planned(listed, asked, "", "--costs", "--time-limit", 30, expect=0)
    costs = said.partition("What each requirement costs")[2]
    (line,) = [one for one in costs.splitlines() if one.startswith("visitors")]
    cost, share = line.split()[1:]
    assert float(cost) > 0 and share.endswith("%")
    assert "各项要求的代价" in reverdure(
        "plan", "-w", listed, "--from", "base", "--costs", language="zh").stdout  # fmt: skip
