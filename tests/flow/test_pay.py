"""Payment on result of a measured county, as a person types the commands."""

import re
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from tests.flow.commands import reverdure

LIST, WAYS = "payment_list", "payment_ways"
FUND = {
    "fund_id": "reward-2026", "name": "Reward", "source": "reward", "amount": 250_000,
    "currency": "CNY", "price_year": 2026, "opens_date": "2026-01-01",
    "closes_date": "2029-12-31", "per_ha": 30_000,
}  # fmt: skip


JUDGED = {
    "C00001": ("supported", 0.70, 0.61), "C00003": ("partly_supported", 1.60, 1.1234),
    "C00005": ("supported", 3.90, 3.80), "C00006": ("supported", 4.70, 4.20),
}  # fmt: skip
"""Claims that a short record cannot support, and what a longer one could say of them."""


def add(workspace: Path, table: str, *rows: Mapping[str, object], expect: int = 0) -> str:
    path = workspace / f"{table}.csv"
    pd.DataFrame(list(rows)).to_csv(path, index=False)
    done = reverdure("add", table, path, "-w", workspace, "--by", "Li Wei", "--update",
                     expect=expect)  # fmt: skip
    return done.stdout


def judge(workspace: Path, claim_id: str, **values: object) -> None:
    """Put another verdict in the place of the one that was measured."""
    path = workspace / "products" / "verdicts.parquet"
    verdicts = gpd.read_parquet(path)
    verdicts.loc[verdicts["claim_id"] == claim_id, list(values)] = list(values.values())
    verdicts.to_parquet(path)


@pytest.fixture(scope="session")
def _funded(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("pay") / "w"
    shutil.copytree(measured, workspace)
    for claim_id, (verdict, mean, low) in JUDGED.items():
        judge(workspace, claim_id, verdict=verdict, reason="measured", restored_ha=mean,
              restored_ha_low=low)  # fmt: skip
    with sqlite3.connect(workspace / "registry.gpkg") as database:
        claimants = {row[0] for row in database.execute("select claimant from claim") if row[0]}
    parties = [
        {"party_id": f"P{number}", "name": name, "type": "enterprise"}
        for number, name in enumerate(sorted(claimants), start=1)
    ]
    add(workspace, "parties", *parties)
    add(workspace, "funds", FUND)
    return workspace


@pytest.fixture
def funded(_funded: Path, tmp_path: Path) -> Path:
    shutil.copytree(_funded, tmp_path / "w")
    return tmp_path / "w"


def listed(workspace: Path, year: int = 2026, *more: object) -> tuple[str, pd.DataFrame]:
    """What is said, and the list as written."""
    path = workspace / "pay.xlsx"
    said = reverdure("pay", "-w", workspace, "--fund", "reward-2026", "--year", year,
                     "--out", path, *more).stdout  # fmt: skip
    return said, sheet(path, LIST)


def sheet(path: Path, name: str) -> pd.DataFrame:
    columns = {
        row[1]: row[0]
        for row in openpyxl.load_workbook(path)["columns"].iter_rows(values_only=True)
    }
    frame = pd.read_excel(path, sheet_name=name)
    frame.columns = [columns[heading.split("\n")[0]] for heading in frame.columns]
    return frame


def money(words: str, said: str) -> float:
    found = re.search(rf"{words} ([\d,.]+\d)", said)
    assert found, said
    return float(found[1].replace(",", ""))


def cents(amounts: "pd.Series[float]") -> int:
    return int((amounts * 100).round().sum())


def test_the_list_justifies_each_yuan_of_the_total(funded: Path) -> None:
    said, rows = listed(funded)
    verdicts = pd.read_parquet(funded / "products" / "verdicts.parquet").set_index("claim_id")
    assert set(rows["claim_id"]) == set(verdicts.index)
    assert cents(rows["amount"]) > 0
    now, aside = money("To pay now", said), money("want of a payee", said)
    assert cents(rows["amount"]) == round((now + aside) * 100)
    good = verdicts[verdicts["verdict"].isin(["supported", "partly_supported"])]
    proved = good[["restored_ha_low", "claimed_ha"]].min(axis=1)
    paid = rows.set_index("claim_id")
    for claim_id, row in paid.iterrows():
        assert row["paid_ha"] == pytest.approx(proved.get(claim_id, 0.0), abs=1.1e-4)
        assert row["amount"] <= 30_000 * row["paid_ha"] + 0.005
        assert row["process_amount"] <= 30_000 * row["claimed_ha"] + 0.005
    assert cents(rows["amount"]) == 25_000_000
    ways = sheet(funded / "pay.xlsx", WAYS)
    assert cents(ways["money"][:1]) == cents(rows["amount"])
    assert cents(ways["money"][1:]) == cents(rows["process_amount"])
    chinese = reverdure("pay", "-w", funded, "--fund", "reward-2026", "--year", 2026,
                        language="zh").stdout  # fmt: skip
    assert "按核验结果支付" in chinese
    assert f"{now:,.2f}" in chinese


def test_recorded_once_nothing_more_is_paid(funded: Path) -> None:
    _, rows = listed(funded)
    due = rows[(rows["amount"] > 0) & rows["party_id"].notna()]
    said, _ = listed(funded, 2026, "--record", "--on", "2026-11-20", "--by", "Li Wei")
    assert f"Payments recorded: {len(due)}" in said
    again, left = listed(funded, 2026, "--record", "--on", "2026-11-21", "--by", "Li Wei")
    assert money("To pay now", again) == 0
    assert "Payments recorded: 0" in again
    assert cents(left["paid_before"]) == cents(due["amount"])
    kept = reverdure("records", "payments", "-w", funded).stdout
    assert f"rows: {len(due)}" in kept
    reverdure("audit", "verify", "-w", funded)


def test_steps_wait_for_their_year_and_what_was_lost_is_asked_back(funded: Path) -> None:
    steps = [
        {"step_id": "S1", "fund_id": "reward-2026", "order": 1, "years_after": 0, "share": 0.6},
        {"step_id": "S2", "fund_id": "reward-2026", "order": 2, "years_after": 40, "share": 0.4},
    ]
    add(funded, "steps", *steps)
    more = {"step_id": "S3", "fund_id": "reward-2026", "order": 3, "years_after": 5, "share": 0.1}
    assert "pay 1.1 of the amount" in add(funded, "steps", more, expect=1)
    _, rows = listed(funded, 2026, "--record", "--on", "2026-11-20", "--by", "Li Wei")
    first, second = rows[rows["step"] == 1], rows[rows["step"] == 2]
    assert len(first) == len(second) > 0
    assert set(second["status"]) == {"due in a later year"}
    assert cents(second["amount"]) == 0
    # the ground of the largest payment is lost again
    lost = first.sort_values("amount")["claim_id"].iloc[-1]
    judge(funded, lost, verdict="not_supported", reason="lost_again", restored_ha_low=0.0)
    said, rows = listed(funded)
    back = rows[rows["status"] == "to be given back"]
    assert list(back["claim_id"]) == [lost]
    assert cents(back["clawback"]) == cents(first[first["claim_id"] == lost]["amount"])
    assert cents(back["amount"]) == 0
    assert money("to be given back", said.split("To pay now")[1]) == back["clawback"].sum()
    # come back and recorded, it is asked for no more
    row = back.iloc[0]
    add(funded, "payments", {
        "payment_id": "back-1", "fund_id": "reward-2026", "mine_id": row["mine_id"],
        "claim_id": lost, "step_id": "S1", "party_id": row["party_id"], "type": "clawback",
        "amount": row["clawback"], "currency": "CNY", "date": "2026-12-01",
    })  # fmt: skip
    _, rows = listed(funded)
    assert cents(rows["clawback"]) == 0


def test_areas_and_payees_are_those_of_the_fund(funded: Path) -> None:
    held = pd.read_parquet(funded / "products" / "verdicts.parquet")["county"]
    with sqlite3.connect(funded / "registry.gpkg") as database:
        codes = dict(database.execute("select county, county_code from county").fetchall())
    name = held[held.isin(list(codes))].iloc[0]
    units = [{"unit_id": code, "name": county, "level": "county"} for county, code in codes.items()]
    add(funded, "units", *units)
    add(funded, "funds", FUND | {"areas": codes[name]})
    _, rows = listed(funded)
    outside = rows["status"] == "mine outside the areas of the fund"
    assert set(rows["county"][~outside]) == {name}
    assert outside.sum() == (held != name).sum()
    assert cents(rows["amount"][outside]) == cents(rows["process_amount"][outside]) == 0


def refusal(workspace: Path, *arguments: object) -> str:
    return reverdure("pay", "-w", workspace, *arguments, expect=1).stderr


def test_what_cannot_be_paid_is_refused_with_what_to_do(funded: Path, county: Path) -> None:
    fund = ("--fund", "reward-2026")
    assert "Known: reward-2026" in refusal(funded, "--fund", "reward", "--year", 2026)
    assert "from 2026-01-01 to 2029-12-31, not in 2030" in refusal(funded, *fund, "--year", 2030)
    assert "must end in .xlsx" in refusal(funded, *fund, "--year", 2026, "--out", "a.csv")
    assert "needs --record" in refusal(funded, *fund, "--year", 2026, "--on", "2026-05-31")
    dated = ("--year", 2026, "--record", "--on", "2027-05-31")
    assert "cannot be dated 2027-05-31" in refusal(funded, *fund, *dated)
    add(funded, "funds", {**FUND, "fund_id": "plain", "per_ha": ""})
    assert "no amount per hectare" in refusal(funded, "--fund", "plain", "--year", 2026)
    known = county / "claims.csv"
    reverdure("add", "claims", known, "-w", funded, expect=1)  # nothing new in it
    listed(funded)
    changed = known.read_text("utf-8-sig").replace("2.82", "2.92")
    (funded / "claims.csv").write_text(changed, "utf-8")
    reverdure("add", "claims", funded / "claims.csv", "-w", funded, "--update", expect=None)
    assert "'add claims'" in refusal(funded, *fund, "--year", 2026)
    reverdure("run", "-w", funded)
    listed(funded)


def test_nothing_measured_pays_nothing(unmeasured: Path) -> None:
    add(unmeasured, "funds", FUND)
    assert "nothing has been run" in refusal(unmeasured, "--fund", "reward-2026", "--year", 2026)


def test_a_disputed_verdict_moves_no_money(funded: Path) -> None:
    _, rows = listed(funded)
    claim_id = rows.sort_values("amount")["claim_id"].iloc[-1]
    reverdure("correct", "dispute", claim_id, "--by", "Wu", "--why", "apple trees", "-w", funded)
    _, rows = listed(funded)
    (row,) = rows[rows["claim_id"] == claim_id].to_dict("records")
    assert (row["status"], row["amount"]) == ("verdict disputed", 0)
