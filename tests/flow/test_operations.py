"""Five hundred operations by whoever: the account closes, the log holds, no fund is overdrawn."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from reverdure.core.kinds import kinds
from reverdure.pipeline.ledger import account
from reverdure.pipeline.packs import use_pack
from reverdure.pipeline.records import add_records, book_of
from reverdure.pipeline.verify import standings
from reverdure.registry.counties import county_of
from reverdure.registry.packs import pack
from reverdure.registry.review import by_claim, standing
from reverdure.store.audit import check_audit
from reverdure.store.move import move
from reverdure.store.record_pages import Question, page
from reverdure.store.records import Author, current
from reverdure.store.team import Member, add_member
from reverdure.store.workspace import Workspace, naming
from tests.flow.crowd import ROLES, Crowd
from tests.postgres_server import Server

OPERATIONS = 500
PARTY = "P1"


@pytest.fixture(scope="module", params=["file", pytest.param("db", marks=pytest.mark.postgres)])
def crowd(
    request: pytest.FixtureRequest, measured: Path, tmp_path_factory: pytest.TempPathFactory
) -> Crowd:
    folder = tmp_path_factory.mktemp("crowd")
    shutil.copytree(measured, folder / "w")
    workspace = Workspace.open(folder / "w")
    use_pack(workspace, "jiangxi", Author("Li"))
    if request.param == "db":
        crowd = shared(workspace, folder, request.getfixturevalue("postgres"))
    else:
        crowd = Crowd(workspace, folder, seed=5)
    for _ in range(OPERATIONS):
        crowd.act()
    return crowd


def shared(workspace: Workspace, folder: Path, server: Server) -> Crowd:
    """A crowd of whom each is a login of the database."""
    name = server.new_database()
    workspace = move(workspace, server.url(name)).workspace
    (folder / "p.csv").write_text(f"party_id,name,type\n{PARTY},x,enterprise\n", encoding="utf-8")
    add_records(workspace, kinds()["party"], folder / "p.csv", Author("Li"))
    eyes = {}
    text = (workspace.root / "reverdure.toml").read_text(encoding="utf-8")
    for role in ROLES:
        add_member(workspace.database, Member(
            f"crowd {role}", role, areas(workspace).get(role, ""),
            PARTY if role == "enterprise" else ""))  # fmt: skip
        (folder / role).mkdir()
        url = server.url(name, f"crowd%20{role}")
        (folder / role / "reverdure.toml").write_text(naming(text, url), encoding="utf-8")
        eyes[role] = Workspace.open(folder / role)
    return Crowd(workspace, folder, seed=5, eyes=eyes)


def areas(workspace: Workspace) -> dict[str, str]:
    """Area of a county and a prefecture that lie in the simulated ones."""
    code = max(row["county_code"] for row in workspace.database.rows("county", ["county_code"]))
    return {"county": code, "prefecture": code[:4]}


def test_much_was_done_and_much_refused(crowd: Crowd) -> None:
    # most of a team may not write what this crowd tries
    assert crowd.done > OPERATIONS / (20 if crowd.eyes else 5)
    assert crowd.refused > OPERATIONS / 5
    assert check_audit(crowd.workspace.database.rows("audit")).broken is None


def test_the_account_closes_and_counts_what_was_accepted(crowd: Crowd) -> None:
    course = pd.read_parquet(crowd.workspace.products / "trajectories.parquet")["year"]
    first, last = int(course.min()), int(course.max())
    rows = account(crowd.workspace, first, last, by="county").rows
    off = [row for row in rows if row["line"] == "difference" and (row["area_m2"] or row["mines"])]
    assert not off
    accepted = [one for one in standings(crowd.workspace) if one.is_accepted]
    # a county of a team checks the claims of its own area only
    assert accepted or crowd.eyes, "another seed: nobody was accepted"
    column = {row["line"]: row["area_m2"] for row in rows
              if row["column"] == "accepted" and not row["county"]}  # fmt: skip
    booked = sum(abs(column[line]) for line in ("restored", "restored_not_booked", "beyond_ground"))
    claimed = {row["claim_id"]: row["claimed_ha"] for row in crowd.workspace.database.rows("claim")}
    assert booked == sum(round(claimed[one.claim_id] * 10_000) for one in accepted)


def test_the_registry_still_keeps_its_rules(crowd: Crowd) -> None:
    book = book_of(crowd.workspace)
    for fund in book.of("fund").values():
        rows = [one.values for one in book.of("payment").values()
                if one.values["fund_id"] == fund.id]  # fmt: skip
        sign = {"payment": 1, "clawback": -1}
        assert 0 <= sum(sign[one["type"]] * one["amount"] for one in rows) <= fund.values["amount"]
        assert {one["currency"] for one in rows} <= {fund.values["currency"]}
    for target in book.of("target").values():
        parts = [one.values["value"] for one in book.of("target").values()
                 if one.values.get("parent_id") == target.id]  # fmt: skip
        assert sum(parts) <= target.values["value"]
    for row in book.of("duty").values():
        assert book.holds("mine", row.values["mine_id"])
        assert book.holds("party", row.values["party_id"])


def test_no_role_sees_a_row_it_may_not(crowd: Crowd) -> None:
    """Asked through the database itself, against the rules written down here once more."""
    whole = crowd.workspace.database
    counties = {row["county"]: row["county_code"] for row in whole.rows("county")}
    of_mine = county_of(whole.frame("mine"), whole.frame("county"))
    code = {mine: counties.get(county, "") for mine, county in of_mine.to_dict().items()}
    claims = {row["claim_id"]: row["mine_id"] for row in whole.rows("claim")}
    book = book_of(crowd.workspace)
    about = {
        (kind, one.id): (
            one.values.get("mine_id") or claims.get(one.values.get("claim_id", ""), ""),
            one.values.get("party_id", ""),
        )
        for kind in (*kinds(), "review", "pack")
        for one in (book if kind in kinds() else book_of(crowd.workspace, [kind])).of(kind).values()
    }
    own = {mine for (kind, _), (mine, party) in about.items()
           if kind in {"duty", "permit"} and party == PARTY and mine}  # fmt: skip
    assert len(own) > 0 or not crowd.eyes
    for role, eyes in crowd.eyes.items():
        area = areas(crowd.workspace).get(role, "")
        reach = own if role == "enterprise" else {m for m, c in code.items() if c.startswith(area)}
        assert {row["mine_id"] for row in eyes.database.rows("mine")} == reach
        assert {row["claim_id"] for row in eyes.database.rows("claim")} == {
            claim for claim, mine in claims.items() if mine in reach
        }
        seen = {(row["kind"], row["id"]) for row in eyes.database.rows("record")}
        allowed = set()
        for (kind, key), (mine, party) in about.items():
            near = mine in reach
            if role in {"province", "auditor"} or kind in {"pack", "unit"}:
                fits = True
            elif role == "enterprise":
                fits = party == PARTY or (not party and near and kind in {"review", "evidence"})
            elif role == "public":
                fits = not party and kind in {"target", "programme", "review"}
            else:
                fits = near or not mine
            if fits:
                allowed.add((kind, key))
        assert seen == allowed, role


def test_what_the_database_finds_is_what_the_rules_say_for_every_login(crowd: Crowd) -> None:
    steps = pack("jiangxi").steps
    for eyes in (crowd.workspace, *crowd.eyes.values()):
        held = current(eyes.database, [*kinds(), "review"])
        for kind in kinds():
            found = page(eyes.database, Question(kind))
            assert [one.id for one in found.records] == sorted(
                held[kind], key=lambda one, of=held[kind]: (of[one].values.get("due_date", ""), one)
            )
            assert found.count == len(held[kind])
            versions = {one.id: one.version for one in found.records}
            assert versions == {one.id: one.version for one in held[kind].values()}
        done = by_claim(held["review"].values())
        known = sorted(row["claim_id"] for row in eyes.database.rows("claim"))
        assert standings(eyes) == [standing(steps, one, done.get(one, ())) for one in known]
