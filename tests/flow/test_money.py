"""Money of a plan over the years, and of bundles, as a planner types the commands."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.flow.commands import reverdure

BUNDLE = """
[[bundle]]
name = "solar"
works_mcny = [10, 5]
industry_mcny = [0, 20, 0, 5]
revenue_mcny = [0, 0, 5]
years = 15
county_mcny = [10, 5]
social_mcny = [0, 25, 0, 5]
demonstration = true
"""


def money(workspace: Path, *more: object, terms: str = "", **how: object) -> str:
    if terms:
        (workspace / "terms.toml").write_text(terms, "utf-8")
        more = (*more, "--terms", workspace / "terms.toml")
    done = reverdure("money", "base", "-w", workspace, *more, **how)
    return done.stdout + done.stderr


def table(workspace: Path, *more: object, terms: str = "") -> pd.DataFrame:
    money(workspace, "--out", workspace / "m.xlsx", *more, terms=terms)
    frame = pd.read_excel(workspace / "m.xlsx", "money")
    return frame.rename(columns=lambda name: name.split("\n")[0]).set_index("Year")


def test_every_year_closes_and_pays_what_the_plan_has_it_pay(listed: Path) -> None:
    found = table(listed)
    assert (found["Balance"] == 0).all()
    assert (found["In"] - found["Out"]).abs().max() < 1e-9
    assert (found["Closing cash"].shift(fill_value=0) - found["Opening cash"]).abs().max() < 1e-9
    kept = listed / "products" / "plans" / "base" / "0001"
    paid = pd.read_parquet(kept / "money.parquet")
    by_kind = paid.pivot_table(index="year", columns="source", values="paid_mcny", aggfunc="sum")
    for source, column in (("grant", "Central grant"), ("prize", "Reward"), ("owner", "Enterprise"),
                           ("investor", "Social capital")):  # fmt: skip
        expected = by_kind[source].reindex(found.index, fill_value=0).fillna(0)
        assert (found[column] - expected).abs().max() < 1e-6, source
    # all that the plan costs is paid, or said to be without a source
    works = pd.read_parquet(kept / "works.parquet")
    spent = found[["Works", "Owner's works", "Earning works", "Aftercare"]].sum().sum()
    service = found[["Interest", "Principal", "Taxes"]].sum().sum()
    unpaid, whole = found["No source"].sum(), works["cost_mcny"].sum()
    assert spent <= whole + 1e-6
    assert spent + unpaid >= whole - 1e-6
    assert service > 0 and found["Loan left"].iloc[-1] == 0
    assert found["Cover ratio"].dropna().min() >= 1.2


def test_money_after_the_programme_is_asked_for_and_then_pays(listed: Path) -> None:
    assert "WITHOUT A SOURCE after 2029" in money(listed)
    assert "规划期内无资金来源" in money(listed, language="zh") or "无资金来源" in money(
        listed, language="zh"
    )
    later = "[after]\n" + "".join(
        f"{kind} = {{ 2030 = 9, 2031 = 9, 2032 = 9, 2033 = 9 }}\n"
        for kind in ("county", "enterprise")
    )
    assert "WITHOUT A SOURCE after 2029" not in money(listed, terms=later)
    found = table(listed, terms=later)
    assert found.loc[2030:2033, ["County", "Enterprise"]].sum().min() > 0


def test_terms_that_are_given_stand_in_place_of_assumptions(listed: Path) -> None:
    said = money(listed)
    assert "loan_rate = 0.045 (ASSUMPTION)" in said and "tax_rate = 0.25 (to confirm)" in said
    given = money(listed, terms="loan_rate = 0.03\n[revenue]\ntourism = 90000\n")
    assert "loan_rate = 0.03 (given)" in given
    uses = ("farmland", "photovoltaic", "wind", "mine_park", "tourism", "industry")
    nothing = "".join(f"{use} = 0\n" for use in uses)
    poor = money(listed, terms=f"[revenue]\n{nothing}")
    assert "revenue carries 0.00" in poor
    assert "（" not in said and "loan_rate = 0.045(假定)" in money(listed, language="zh")


def test_one_county_is_a_part_of_the_whole(listed: Path) -> None:
    columns = ["Central grant", "County", "Works"]
    parts = [table(listed, "--county", name)[columns].loc[2027:2029]
             for name in ("Jinping", "Longhui")]  # fmt: skip
    whole = table(listed)[columns].loc[2027:2029]
    assert (sum(parts) - whole).abs().max().max() < 2e-6
    assert "it has in Jinping, Longhui" in money(listed, "--county", "Nowhere", expect=1)


def test_both_ways_of_paying_side_by_side(listed: Path) -> None:
    said = money(listed, "--ways", "--seed", 3, "--out", listed / "m.xlsx")
    assert "1000 draws, seed 3" in said and "advanced at year's end" in said
    assert said == money(listed, "--ways", "--seed", 3, "--out", listed / "m.xlsx")
    assert "result_years = 3 (ASSUMPTION)" in said
    ways = pd.read_excel(listed / "m.xlsx", "ways").rename(columns=lambda c: c.split("\n")[0])
    by_way = ways.groupby("Way of paying")["Paid"].sum()
    paid = pd.read_parquet(listed / "products/plans/base/0001/money.parquet")
    public = paid[paid["kind"].isin(["central", "province", "county"])]["paid_mcny"].sum()
    assert by_way["process subsidy"] == pytest.approx(public, abs=1e-6)
    assert 0 < by_way["on result"] < public
    late = ways[(ways["Way of paying"] == "on result") & (ways["Paid"] > 0)]["Year"]
    assert late.min() > 2030
    assert "亩" in money(listed, "--ways", "--unit", "mu", language="zh")


def test_a_bundle_is_judged_by_its_own_books(listed: Path) -> None:
    said = money(listed, "--out", listed / "m.xlsx", terms=BUNDLE)
    flows = [-10, -25, 5, 0, *[5] * 11]
    npv = sum(flow / 1.08**t for t, flow in enumerate(flows))
    assert f"{npv:,.3f} (8.0%)" in said
    assert "its works take 4 years; a demonstration project may take 3" in said
    assert "bundles" in openpyxl.load_workbook(listed / "m.xlsx").sheetnames
    assert "可以自我平衡" not in said
    carried = BUNDLE.replace("[0, 20, 0, 5]", "[0, 20]").replace("demonstration = true\n", "")
    fine = money(listed, terms=carried)
    assert "may take 3" not in fine and "carries itself" in fine
    mines = pd.read_parquet(listed / "products/plans/base/0001/works.parquet")["mine_id"]
    of_plan = BUNDLE.replace("works_mcny = [10, 5]", f'mines = ["{mines[0]}"]')
    assert "Bundle solar" in money(listed, terms=of_plan)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ("loan_rat = 1\n", "unknown key 'loan_rat'"),
        ("loan_rate = nan\n", "loan_rate is nan"),
        ("loan_rate = -0.1\n", "loan_rate is -0.1"),
        ("tax_rate = 25\n", "allowed is 0 to 1"),
        ("loan_years = 2.5\n", "whole years"),
        ("cover = 0\n", "above 0"),
        ("[revenue]\nmagic = 1\n", "'magic' is not known"),
        ("[after]\ngift = { 2030 = 1 }\n", "'gift' is not known"),
        ("[after]\ncounty = 3\n", "is no table"),
        ("[after]\ncounty = { soon = 3 }\n", "a year has four digits"),
        ("[[bundle]]\nindustry_mcny = [1]\n", "a name of its own"),
        ('[[bundle]]\nname = "a"\nworks_mcny = [1]\n', "has no industry"),
        ('[[bundle]]\nname = "a"\nindustry_mcny = 3\n', "is no list"),
        ('[[bundle]]\nname = "a"\nindustry_mcny = [-3]\n', "is -3"),
        ('[[bundle]]\nname = "a"\nindustry_mcny = [3]\nyears = 0\n', "its tables have 1"),
        ('[[bundle]]\nname = "a"\nindustry_mcny = [3]\nmines = ["M99"]\n', "no works on M99"),
        (BUNDLE + 'mines = ["M01"]\n', "say one of them"),
    ],
)
def test_terms_that_cannot_be_are_refused(listed: Path, terms: str, said: str) -> None:
    assert said in money(listed, terms=terms, expect=1)


def test_what_is_not_there_is_said(listed: Path) -> None:
    assert "no plan is called 'x'" in reverdure("money", "x", "-w", listed, expect=1).stderr
    assert "must end in .xlsx or .csv" in money(listed, "--out", "m.txt", expect=1)
    assert "is not there" in money(listed, "--terms", listed / "none.toml", expect=1)
    money(listed, "--out", listed / "m.csv")
    assert "2027" in (listed / "m.csv").read_text("utf-8-sig")
