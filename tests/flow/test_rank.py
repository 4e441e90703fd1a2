"""Ranking of mines by criteria, as a person types the command."""

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from tests.flow.commands import reverdure

CRITERIA = """mine_id,cost,gain,risk
direction,less,more,less
unit,CNY,ha,1
A,100,9,0.2
B,120,7,0.1
C,80,,0.3
D,90,4,0.5
Z,1,1,1
"""
WEIGHTS = "group,criterion,weight,asked,date\n" + "".join(
    f"{group},{name},{weight},{asked},{day}\n"
    for group, asked, day, given in (
        ("villagers", "12 of Shuangxi", "2026-03-01", (1, 1, 8)),
        ("villagers", "14 of Shuangxi", "2026-04-01", (1, 2, 1)),
        ("engineers", "3", "2026-03-02", (2, 1, 1)),
    )
    for name, weight in zip(("cost", "gain", "risk"), given, strict=True)
)
PAIRS = """group,asked,date,criterion,cost,gain,risk
engineers,3,2026-03-02,cost,1,1/3,5
engineers,3,2026-03-02,gain,3,1,7
engineers,3,2026-03-02,risk,1/5,1/7,1
"""


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with four mines, and the files."""
    folder = tmp_path_factory.mktemp("rank")
    files = {
        "mines.csv": "mine_id,county\n" + "".join(f"{one},X\n" for one in "ABCD"),
        "criteria.csv": CRITERIA, "weights.csv": WEIGHTS, "pairs.csv": PAIRS,
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    reverdure("init", folder / "w")
    reverdure("add", "mines", folder / "mines.csv", "-w", folder / "w")
    return folder


def rank(folder: Path, *more: object, expect: int = 0, language: str = "en") -> str:
    done = reverdure("rank", "-w", folder / "w", "--criteria", folder / "criteria.csv", *more,
                     expect=expect, language=language)  # fmt: skip
    return done.stdout if expect == 0 else done.stderr


def test_the_log_says_who_was_asked_and_each_group_has_one_voice(
    listed: Path, tmp_path: Path
) -> None:
    said = rank(listed, "--weights", listed / "weights.csv", "--csv", tmp_path / "r.csv")
    assert "Asked: villagers (12 of Shuangxi, 2026-03-01): cost 0.100" in said
    assert "Asked: engineers (3, 2026-03-02)" in said
    # the mean of what each group said last: (.25 + .5) / 2 and so on
    assert "cost [CNY]: less is better, weight 0.375" in said
    assert "gain [ha]: more is better, weight 0.375" in said
    found = pd.read_csv(tmp_path / "r.csv", encoding="utf-8-sig").set_index("Mine id")
    weights, values = np.array([0.375, 0.375, 0.25]), {"A": (100, 9, 0.2), "B": (120, 7, 0.1),
                                                      "D": (90, 4, 0.5)}  # fmt: skip
    table = np.array(list(values.values()))
    normal = table / np.sqrt((table**2).sum(axis=0)) * weights
    sign = np.array([-1, 1, -1])
    best, worst = (sign * normal).max(axis=0), (sign * normal).min(axis=0)
    near, far = (np.sqrt(((sign * normal - one) ** 2).sum(axis=1)) for one in (best, worst))
    assert found.loc[list(values), "Score"].tolist() == pytest.approx(far / (near + far))
    assert found.loc["C", "Status"] == "a criterion is missing: not ranked"
    assert found.loc["Z", "Status"] == "not in the list of mines"
    assert found.loc[["C", "Z"], ["Rank", "Score"]].isna().all(axis=None)
    assert found["Chance of staying"].sum() == pytest.approx(1, abs=1e-9)  # one first
    assert found.loc["A", "Chance of staying"] > found.loc["D", "Chance of staying"]
    assert found["Method"].iloc[0] == "topsis, vector"


def test_comparisons_by_pairs_are_checked_and_contradictions_refused(
    listed: Path, tmp_path: Path
) -> None:
    ask = ("--method", "ahp", "--weights")
    said = rank(listed, *ask, listed / "pairs.csv", "--normalise", "min-max", "--best", 2)
    assert "Consistency ratio of engineers: 0.056" in said
    assert "weight 0.649" in said
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(
        PAIRS.replace("1,1/3,5", "1,9,1/9").replace("3,1,7", "1/9,1,9").replace("1/5,1/7", "9,1/9"),
        "utf-8",
    )
    assert "contradict each other" in rank(listed, *ask, wrong, expect=1)


def test_entropy_asks_nobody_and_benefit_over_cost_has_no_weights(listed: Path) -> None:
    assert "Asked" not in rank(listed, "--method", "entropy")
    two = "\n".join(line.rsplit(",", 1)[0] for line in CRITERIA.splitlines())
    (listed / "two.csv").write_text(two, "utf-8")
    said = reverdure("rank", "-w", listed / "w", "--criteria", listed / "two.csv",
                     "--method", "benefit-cost").stdout  # fmt: skip
    order = [line.split()[1] for line in said.splitlines() if line[:1].isdigit()]
    assert order == ["A", "B", "D"]  # .090, .058, .044


def test_a_workbook_in_chinese(listed: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in CRITERIA.replace("mine_id", "矿山编号").replace("direction", "方向").splitlines():
        book.active.append(
            [{"less": "越小越好", "more": "越大越好", "unit": "单位"}.get(one, one or None)
             for one in line.split(",")]
        )  # fmt: skip
    book.save(tmp_path / "c.xlsx")
    ask = ("rank", "-w", listed / "w", "--criteria", tmp_path / "c.xlsx", "--weights",
           listed / "weights.csv")  # fmt: skip
    said = reverdure(*ask, language="zh").stdout
    assert "越小越好,权重0.375" in said
    plain = rank(listed, "--weights", listed / "weights.csv", language="zh")
    assert said.splitlines()[-5:] == plain.splitlines()[-5:]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ((), "method topsis needs weights of people"),
        (("--method", "entropy", "--weights", "weights.csv"), "takes no weights of people"),
        (("--method", "electre"), "there is no method 'electre'"),
        (("--weights", "weights.csv", "--normalise", "sum"), "normalisation 'sum' is not known"),
        (("--weights", "weights.csv", "--best", 9), "rank 9 of 3 alternatives"),
        (("--weights", "criteria.csv"), "the table of weights has no column"),
        (("--method", "benefit-cost"), "got 2"),
    ],
)
def test_what_cannot_be_ranked_is_refused(listed: Path, how: tuple[object, ...], said: str) -> None:
    named = [listed / one if str(one).endswith(".csv") else one for one in how]
    assert said in rank(listed, *named, expect=1)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("direction,less,more,less\n", "", "whether more or less is better"),
        ("less,more,less", "less,more,up", "says 'up' as direction of risk"),
        ("A,100", "A,dear", "'dear' is no number"),
        ("B,120", "A,120", "names 'A' twice"),
        ("mine_id", "place", "begins with column 'place'"),
    ],
)
def test_a_table_of_criteria_that_cannot_be_read_is_refused(
    listed: Path, tmp_path: Path, was: str, now: str, said: str
) -> None:
    (tmp_path / "c.csv").write_text(CRITERIA.replace(was, now), "utf-8")
    done = reverdure("rank", "-w", listed / "w", "--criteria", tmp_path / "c.csv", "--weights",
                     listed / "weights.csv", expect=1)  # fmt: skip
    assert said in done.stderr
