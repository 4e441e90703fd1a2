"""The account and the audit log of a measured county, as a person types the commands."""

import re
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from tests.flow.commands import reverdure

TOLD = ("claimed", "supported")


@pytest.fixture(scope="session")
def twice(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The county measured, a year taken out of the record, and measured again."""
    workspace = tmp_path_factory.mktemp("ledger") / "w"
    shutil.copytree(measured, workspace)
    year = years(workspace)[1] - 3
    by = ("--by", "Li Wei", "--why", "haze")
    reverdure("correct", "year", year, "--everywhere", *by, "-w", workspace)
    reverdure("run", "-w", workspace)
    return workspace


def years(workspace: Path) -> tuple[int, int]:
    course = pd.read_parquet(workspace / "products" / "trajectories.parquet")
    return int(course["year"].min()), int(course["year"].max())


def account(workspace: Path, first: int, last: int, *more: object) -> pd.DataFrame:
    path = workspace / f"ledger-{first}-{last}.csv"
    reverdure("ledger", "-w", workspace, "--from", first, "--to", last, "--csv", path, *more)
    table = pd.read_csv(path, keep_default_na=False, encoding="utf-8-sig", dtype={"county": str})
    table["area_m2"] = pd.to_numeric(table["area_m2"]).astype("Int64")
    table["mines"] = pd.to_numeric(table["mines"]).astype("Int64")
    return table.set_index(["county", "column", "line"]).sort_index()


def test_the_account_of_two_runs_closes_joins_and_adds_up(twice: Path) -> None:
    first, last = years(twice)
    middle = (first + last) // 2
    early = account(twice, first, middle, "--by", "county")
    late = account(twice, middle + 1, last, "--by", "county")
    counties = [name for name in early.index.unique("county") if name]
    assert len(counties) > 1
    for what in ("mines", "area_m2"):
        for column in TOLD:
            for county in ("", *counties):
                assert early.loc[(county, column, "difference"), what] == 0
                assert late.loc[(county, column, "difference"), what] == 0
                closed = early.loc[(county, column, "closing"), what]
                assert late.loc[(county, column, "opening"), what] == closed
    for line in ("opening", "new_damage", "restored", "closing"):
        parts = [late.loc[(county, "supported", line), "area_m2"] for county in counties]
        assert late.loc[("", "supported", line), "area_m2"] == sum(parts)
    accepted = late.loc[("", "accepted")]["status"].drop("relapsed")
    assert (accepted == "no_records").all()
    said = reverdure("ledger", "-w", twice, "--from", last, "--to", last).stdout
    assert "runs in the books: 2" in said
    # closed years stand on the run that closed them, the last one on the newest
    stands_on = late.loc[("", "supported"), "run_id"]
    newest = pd.read_parquet(twice / "products" / "totals.parquet")["run_id"][0]
    assert stands_on["closing"] == newest != stands_on["opening"]


def test_a_run_leaves_the_books_of_every_period(twice: Path, tmp_path: Path) -> None:
    (kept,) = (twice / "products" / "accounts").iterdir()
    written = kept.stat().st_mtime_ns
    first, last = years(twice)
    periods = [(first, last), (first + 2, last - 1), (last, last)]
    found = [account(twice, *period, "--by", "county") for period in periods]
    assert [*kept.parent.iterdir()] == [kept]
    assert kept.stat().st_mtime_ns == written
    # worked out anew they are the same
    shutil.copytree(twice, tmp_path / "w")
    shutil.rmtree(tmp_path / "w" / "products" / "accounts")
    for period, before in zip(periods, found, strict=True):
        pd.testing.assert_frame_equal(account(tmp_path / "w", *period, "--by", "county"), before)


def test_every_claimed_square_metre_of_the_list_stands_in_it(measured: Path) -> None:
    first, last = years(measured)
    found = account(measured, first, last).loc[("", "claimed")]["area_m2"]
    verdicts = pd.read_parquet(measured / "products" / "verdicts.parquet")
    claimed_ha = verdicts["claimed_ha"][verdicts["year"] <= last].sum()
    booked = found["restored_not_booked"] + found["beyond_ground"] - found["restored"]
    assert booked == round(claimed_ha * 10_000)
    assert found["new_damage"] > 0


def test_the_ground_of_all_mines_stands_in_it_once(measured: Path) -> None:
    first, last = years(measured)
    found = account(measured, first, last).loc[("", "supported")]["area_m2"]
    lines = ("new_damage", "damage_not_dated", "never_damaged")
    totals = pd.read_parquet(measured / "products" / "totals.parquet")
    # drawing accuracy along claims is in neither
    assert sum(found[line] for line in lines) == pytest.approx(
        totals["mine_area_ha"][0] * 10_000, rel=0.05
    )


def test_what_is_printed_adds_up_in_both_units_and_languages(measured: Path) -> None:
    first, last = years(measured)
    period = ("--from", first, "--to", last)
    for unit, per_ha in (("ha", 1.0), ("mu", 15.0)):
        said = reverdure("ledger", "-w", measured, *period, "--unit", unit).stdout
        lines = [line for line in said.splitlines() if re.search(rf"^ +{unit} ", line)]
        areas = [float(line.split()[-1].replace(",", "")) for line in lines[:11]]
        assert sum(areas[:9]) == pytest.approx(areas[9], abs=1e-9)
        assert areas[10] == 0
        table = account(measured, first, last)["area_m2"]
        assert areas[1] / per_ha * 10_000 == pytest.approx(table["", "supported", "new_damage"])
    chinese = reverdure("ledger", "-w", measured, *period, language="zh").stdout
    assert "期末存量" in chinese
    assert "无记录" in chinese


def test_a_county_is_known_by_name_and_by_code(measured: Path) -> None:
    first, last = years(measured)
    with sqlite3.connect(measured / "registry.gpkg") as database:
        rows = database.execute("select county, county_code from county").fetchall()
    held = set(pd.read_parquet(measured / "products" / "verdicts.parquet")["county"])
    name, code = next(row for row in rows if row[0] in held)
    by_name = account(measured, first, last, "--area", name)
    assert set(by_name.index.unique("county")) == {name}
    pd.testing.assert_frame_equal(by_name, account(measured, first, last, "--area", code))


def test_a_prefecture_is_the_sum_of_its_counties(measured: Path) -> None:
    first, last = years(measured)
    whole = account(measured, first, last)
    counties = account(measured, first, last, "--by", "county").index.unique("county")
    with sqlite3.connect(measured / "registry.gpkg") as database:
        codes = [row[0] for row in database.execute("select county_code from county")]
    prefecture = codes[0][:4] + "00"
    assert all(code.startswith(prefecture[:4]) for code in codes)
    above = account(measured, first, last, "--area", prefecture, "--by", "county")
    assert set(above.index.unique("county")) == {prefecture, *counties} - {""}
    alone = account(measured, first, last, "--area", prefecture)
    for column in TOLD:
        for line in ("opening", "new_damage", "restored", "closing", "difference"):
            for what in ("mines", "area_m2"):
                told = above.loc[(prefecture, column, line), what]
                assert told == whole.loc[("", column, line), what]
                assert told == alone.loc[(prefecture, column, line), what]
    shown = reverdure("ledger", "-w", measured, "--from", first, "--to", last,
                      "--area", prefecture).stdout  # fmt: skip
    assert prefecture in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", 2020, "--to", 2019), "the period is 2020 to 2019"),
        (("--from", 1900, "--to", 2019), "the imagery begins in"),
        (("--from", 2020, "--to", 2999), "the last year of the imagery"),
        (("--from", 2020, "--to", 2021, "--area", "Nowhere"), "no mine of the account lies in"),
        (("--from", 2020, "--to", 2021, "--unit", "acre"), "ha or mu"),
        (("--from", 2020, "--to", 2021, "--by", "mine"), "by county, not by 'mine'"),
        (("--from", 2020, "--to", 2021, "--area", "990000"), "no mine of the account lies in"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    measured: Path, arguments: tuple[object, ...], words: str
) -> None:
    assert words in reverdure("ledger", "-w", measured, *arguments, expect=1).stderr


def test_nothing_measured_has_no_account(tmp_path: Path) -> None:
    reverdure("init", tmp_path / "w")
    done = reverdure("ledger", "-w", tmp_path / "w", "--from", 2020, "--to", 2021, expect=1)
    assert "nothing has been run" in done.stderr


def test_the_audit_log_is_checked_and_an_edited_line_named(twice: Path, tmp_path: Path) -> None:
    said = reverdure("audit", "verify", "-w", twice).stdout
    kept = re.search(r"Last hash: (\w+)", said)
    assert kept
    reverdure("audit", "verify", "-w", twice, "--expect", kept[1])
    shutil.copytree(twice, tmp_path / "w")
    with sqlite3.connect(tmp_path / "w" / "registry.gpkg") as database:
        for (name,) in database.execute(
            "select name from sqlite_master where type = 'trigger' and tbl_name = 'audit'"
        ).fetchall():
            database.execute(f"drop trigger {name}")
        database.execute("delete from audit where number = (select max(number) from audit)")
    reverdure("audit", "verify", "-w", tmp_path / "w")
    told = reverdure("audit", "verify", "-w", tmp_path / "w", "--expect", kept[1], expect=1)
    assert f"{kept[1]} is not in the log" in told.stdout
    with sqlite3.connect(tmp_path / "w" / "registry.gpkg") as database:
        database.execute("update audit set actor = 'nobody' where number = 2")
    told = reverdure("audit", "verify", "-w", tmp_path / "w", expect=1)
    assert "1 of " in told.stdout
    assert "line 2 " in told.stdout
    chinese = reverdure("audit", "verify", "-w", tmp_path / "w", expect=1, language="zh")
    assert "审计日志已被破坏" in chinese.stdout
