"""Who paid for whose damage, and how far active mines restore while they mine."""

import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from tests.flow.commands import reverdure

FUND = {"amount": 1e9, "currency": "CNY", "price_year": 2026, "opens_date": "2020-01-01"}


@pytest.fixture(scope="module")
def workspace(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copied = tmp_path_factory.mktemp("accounts") / "w"
    shutil.copytree(measured, copied)
    return copied


def add(workspace: Path, table: str, *rows: dict[str, object]) -> None:
    path = workspace / f"{table}.csv"
    pd.DataFrame(list(rows)).to_csv(path, index=False)
    told = reverdure("add", table, path, "-w", workspace, "--by", "Li Wei", "--update").stdout
    assert "refused 0" in told


def test_who_paid_for_the_mines_of_a_liable_enterprise(workspace: Path) -> None:
    assert "No payment" in reverdure("paid", "-w", workspace).stdout
    add(workspace, "parties", {"party_id": "E", "name": "mine", "type": "enterprise"},
        {"party_id": "G", "name": "county", "type": "government"})  # fmt: skip
    duty = {"duty": "restore", "due_date": "2030-01-01"}
    add(workspace, "duties",
        {"duty_id": "D1", "mine_id": "M00001", "party_id": "E", "liability": "liable_enterprise",
         **duty},
        {"duty_id": "D2", "mine_id": "M00002", "party_id": "G", "liability": "no_liable_party",
         **duty})  # fmt: skip
    add(workspace, "funds", {"fund_id": "C", "name": "c", "source": "central", **FUND},
        {"fund_id": "O", "name": "o", "source": "enterprise", **FUND})  # fmt: skip
    paid = [("C", "M00001", 100.1, "payment"), ("C", "M00001", 40, "clawback"),
            ("O", "M00001", 39.9, "payment"), ("C", "M00002", 500, "payment"),
            ("C", "M00003", 7, "payment")]  # fmt: skip
    add(workspace, "payments",
        *({"payment_id": f"B{n}", "fund_id": fund, "mine_id": mine, "party_id": "G", "type": kind,
           "amount": amount, "currency": "CNY", "date": "2026-02-01"}
          for n, (fund, mine, amount, kind) in enumerate(paid)))  # fmt: skip
    told = " ".join(reverdure("paid", "-w", workspace).stdout.split())
    assert "liable enterprise central grant 1 CNY 60.10 60.1" in told
    assert "liable enterprise enterprise 1 CNY 39.90 39.9" in told
    assert "no liable party central grant 1 CNY 500.00 100.0" in told
    assert "no duty recorded central grant 1 CNY 7.00 100.0" in told
    assert "others than the enterprise paid 60.10 CNY for 1 mines: M00001" in told
    assert "有责任主体" in reverdure("paid", "-w", workspace, language="zh").stdout


def test_what_active_mines_restore_while_they_mine(workspace: Path) -> None:
    verdicts = gpd.read_parquet(workspace / "products" / "verdicts.parquet")
    seen = verdicts.dropna(subset=["damage_year", "ground_ha"]).sort_values("claim_id").iloc[0]
    add(workspace, "parties", {"party_id": "E", "name": "mine", "type": "enterprise"})
    add(
        workspace,
        "permits",
        {
            "permit_id": "L1",
            "mine_id": seen["mine_id"],
            "party_id": "E",
            "permitted_ha": 0.5,
            "from_year": 1980,
            "to_year": 2030,
        },
    )
    told = reverdure("permitted", "-w", workspace).stdout
    (line,) = [one.split() for one in told.splitlines() if one.startswith(seen["mine_id"])]
    permitted, disturbed, beyond, restored, not_dated = map(float, line[1:6])
    assert permitted == 0.5
    assert disturbed >= round(float(seen["ground_ha"]), 2) - 0.01
    assert beyond == pytest.approx(disturbed - 0.5, abs=0.011)
    assert 0 <= restored <= disturbed
    assert not_dated >= 0
    assert float(line[6]) == pytest.approx(100 * restored / disturbed, abs=0.6)
    mu = reverdure("permitted", "-w", workspace, "--unit", "mu", language="zh").stdout
    assert "7.50" in mu


def test_nothing_measured_is_said(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "w")
    done = reverdure("permitted", "-w", tmp_path / "w", expect=1)
    assert "nothing has been run yet" in done.stderr


def test_known_dates_stand_beside_those_of_the_imagery(workspace: Path) -> None:
    add(workspace, "events",
        {"event_id": "V1", "mine_id": "M00001", "type": "mining_ends", "date": "2011-06-30",
         "note": "closed"},
        {"event_id": "V2", "mine_id": "", "type": "campaign", "date": "2007-03-01", "note": "all"},
        {"event_id": "V3", "mine_id": "M00002", "type": "accident", "date": "2009-03-01",
         "note": "elsewhere"})  # fmt: skip
    told = reverdure("explain", "M00001", "-w", workspace).stdout
    assert told.index("On record: 2007-03-01, campaign: all") < told.index(
        "On record: 2011-06-30, mining ends: closed"
    )
    assert "elsewhere" not in told
