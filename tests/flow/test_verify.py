"""Verification by command: each role in its turn, many claims at once, and the account of it."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.flow.commands import reverdure

EVIDENCE = "evidence_id,title,taken_date,sha256\nE1,photographs,2026-01-05," + "ab" * 32 + "\n"


@pytest.fixture(scope="module")
def ruled(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The measured county with rules and one piece of evidence."""
    workspace = tmp_path_factory.mktemp("verify") / "w"
    shutil.copytree(measured, workspace)
    early = reverdure("verifications", "-w", workspace, expect=1)
    assert "no rule pack is in force" in early.stderr
    reverdure("rules", "--use", "jiangxi", "-w", workspace, "--by", "Li")
    (workspace.parent / "e.csv").write_text(EVIDENCE, encoding="utf-8")
    reverdure("add", "evidence", workspace.parent / "e.csv", "-w", workspace, "--by", "Li")
    return workspace


def claims(workspace: Path) -> pd.DataFrame:
    return pd.read_parquet(workspace / "products" / "verdicts.parquet")


def take(workspace: Path, step: str, role: str, *more: object, expect: int = 0) -> str:
    done = reverdure(
        "verify", step, "--as", role, "-w", workspace, "--by", "Wu", *more, expect=expect
    )
    return done.stdout + done.stderr


def test_claims_walk_through_their_roles_and_into_the_account(ruled: Path) -> None:
    ids = sorted(claims(ruled)["claim_id"])
    listed = ruled.parent / "ids.txt"
    listed.write_text("\n".join([*ids, "C-none"]), encoding="utf-8")
    shown = take(ruled, "issued", "province", "--from", listed, "--on", "2026-01-10")
    assert f"taken for {len(ids)} claims, refused for 1" in shown
    assert "there is no claim C-none" in shown
    one = ids[0]
    bare = take(ruled, "county_check", "county", "--claims", one, "--outcome", "restored",
                expect=1)  # fmt: skip
    assert "needs evidence" in bare
    turn = take(ruled, "accepted", "province", "--claims", one, "--outcome", "restored", expect=1)
    assert "waits for" in turn
    other = take(ruled, "county_check", "province", "--claims", one, "--evidence", "E1",
                 "--outcome", "restored", expect=1)  # fmt: skip
    assert "is taken by role county" in other
    proved = ("--evidence", "E1", "--outcome", "natural_recovery", "--on", "2026-02-01")
    take(ruled, "county_check", "county", "--claims", ",".join(ids[:2]), *proved)
    mute = take(ruled, "prefecture_review", "prefecture", "--return", "--claims", ids[1], expect=1)
    assert "without a reason" in mute
    take(ruled, "prefecture_review", "prefecture", "--return", "--claims", ids[1],
         "--why", "blurred", "--on", "2026-03-01")  # fmt: skip
    take(ruled, "prefecture_review", "prefecture", "--claims", one, "--on", "2026-03-01")
    take(ruled, "province_review", "province", "--claims", one, "--on", "2026-04-01")
    take(ruled, "accepted", "province", "--claims", one, "--outcome", "natural_recovery",
         "--on", "2026-05-01")  # fmt: skip
    waiting = reverdure("verifications", "-w", ruled, "--waiting", "county").stdout
    assert ids[1] in waiting
    assert "6 wait for county_check: checked in the field by the county" in waiting
    assert "规则包 jiangxi 中没有" in reverdure("verifications", "-w", ruled, "--waiting", "king",
                             language="zh", expect=1).stderr  # fmt: skip
    assert (
        "no claim is called 'C?'"
        in reverdure("verifications", "-w", ruled, "--claims", f"{one},C?", expect=1).stderr
    )
    assert (
        "there is no page 2"
        in reverdure("verifications", "-w", ruled, "--page", 2, expect=1).stderr
    )
    assert "sent back" in waiting
    assert f"claims: {len(ids)}, accepted: 1" in reverdure("verifications", "-w", ruled).stdout
    assert "已验收" in reverdure("verifications", "-w", ruled, language="zh").stdout
    assert "holds" in reverdure("audit", "verify", "-w", ruled).stdout

    course = pd.read_parquet(ruled / "products" / "trajectories.parquet")["year"]
    out = ruled.parent / "ledger.csv"
    reverdure("ledger", "-w", ruled, "--from", int(course.min()), "--to", int(course.max()),
              "--csv", out)  # fmt: skip
    rows = pd.read_csv(out, encoding="utf-8-sig", keep_default_na=False)
    accepted = rows[rows["column"] == "accepted"].set_index("line")
    assert accepted.loc["difference", "area_m2"] == "0"
    row = claims(ruled).set_index("claim_id").loc[one]
    assert pd.notna(row["damage_year"]), "another claim must be taken for this test"
    booked = sum(abs(int(accepted.loc[line, "area_m2"]))
                 for line in ("restored", "beyond_ground", "restored_not_booked"))  # fmt: skip
    assert booked == round(row["claimed_ha"] * 10_000)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("blessed", "--as", "province", "--claims", "C"), "'blessed' is not in rule pack"),
        (("issued", "--as", "king", "--claims", "C"), "'king' is not in rule pack"),
        (("issued", "--as", "province"), "say which claims"),
        (("issued", "--as", "province", "--county", "Nowhere"), "no claim is about a mine"),
        (("issued", "--as", "province", "--claims", "C", "--on", "2999-01-01"), "in the future"),
        (("issued", "--as", "province", "--claims", "C,C"), "named twice"),
        (("issued", "--as", "province", "--claims", "C", "--evidence", "E9"), "no evidence 'E9'"),
    ],
)
def test_what_cannot_be_done_is_said(ruled: Path, arguments: tuple[str, ...], says: str) -> None:
    done = reverdure("verify", *arguments, "-w", ruled, "--by", "Wu", expect=1)
    assert says in done.stderr
