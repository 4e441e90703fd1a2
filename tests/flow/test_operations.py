"""Five hundred operations by whoever: the account closes, the log holds, no fund is overdrawn."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reverdure.core.errors import ReverdureError
from reverdure.core.kinds import kinds
from reverdure.pipeline.ledger import account
from reverdure.pipeline.packs import use_pack
from reverdure.pipeline.records import add_records, book_of
from reverdure.pipeline.verify import standings, verify
from reverdure.registry.review import Act
from reverdure.store.audit import check_audit
from reverdure.store.records import Author
from reverdure.store.workspace import Workspace

OPERATIONS = 500
ROLES = ("province", "prefecture", "county", "enterprise", "auditor", "public")


class Crowd:
    """People who type whatever they like, some of it wrong."""

    def __init__(self, workspace: Workspace, folder: Path, seed: int) -> None:
        self.workspace, self.folder = workspace, folder
        self.rng = np.random.default_rng(seed)
        self.claims = sorted(row["claim_id"] for row in workspace.database.rows("claim"))
        self.mines = sorted(row["mine_id"] for row in workspace.database.rows("mine"))
        self.done = self.refused = 0

    def one_of(self, *things):
        return things[int(self.rng.integers(len(things)))]

    def act(self) -> None:
        self.one_of(self.table, self.table, self.step, self.step, self.step)()

    def table(self) -> None:
        kind = kinds()[self.one_of("party", "duty", "fund", "payment", "target", "evidence",
                                   "permit", "programme")]  # fmt: skip
        path = self.folder / "rows.csv"
        rows = [self.row(kind.name) for _ in range(int(self.rng.integers(1, 4)))]
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, [column.name for column in kind.columns])
            writer.writeheader()
            writer.writerows(rows)
        try:
            added = add_records(self.workspace, kind, path, Author(self.one_of(*ROLES)),
                                update=bool(self.rng.integers(2)))  # fmt: skip
        except ReverdureError:
            self.refused += 1
            return
        self.done += len(added.checked.new) + len(added.checked.changed)
        self.refused += len(added.checked.refused)

    def row(self, kind: str) -> dict[str, object]:
        number = int(self.rng.integers(6))
        mine, party = self.one_of(*self.mines, "M-none"), f"P{number}"
        amount = int(self.rng.integers(1, 900))
        return {
            "party": {"party_id": party, "name": f"n{amount}",
                      "type": self.one_of("enterprise", "government", "king")},
            "duty": {"duty_id": f"D{number}", "mine_id": mine, "party_id": party, "duty": "x",
                     "liability": self.one_of("illegal", "no_liable_party"),
                     "due_date": f"{2000 + number * 8}-01-01"},
            "fund": {"fund_id": f"F{number % 2}", "name": "f", "source": "reward",
                     "amount": amount * 4, "currency": self.one_of("CNY", "CNY", "USD"),
                     "price_year": 2026, "opens_date": "2020-01-01"},
            "payment": {"payment_id": f"Y{amount}", "fund_id": f"F{number % 2}", "mine_id": mine,
                        "party_id": party, "type": self.one_of("payment", "payment", "clawback"),
                        "amount": amount, "currency": "CNY", "date": f"20{19 + number}-05-01"},
            "target": {"target_id": f"T{number}", "metric": "land", "measured_in": "ha",
                       "value": amount, "from_year": 2020, "to_year": 2025, "basis": "plan",
                       "parent_id": self.one_of("", f"T{amount % 6}")},
            "evidence": {"evidence_id": f"E{number}", "title": "t", "taken_date": "2024-01-01",
                         "sha256": self.one_of("ab" * 32, "ab")},
            "permit": {"permit_id": f"K{number}", "mine_id": mine, "party_id": party,
                       "permitted_ha": amount / 100, "from_year": 2010 + number, "to_year": 2018},
            "programme": {"programme_id": f"R{number}", "name": "r",
                          "level": self.one_of("programme", "major_project", "sub_project"),
                          "parent_id": self.one_of("", f"R{amount % 6}")},
        }[kind]  # fmt: skip

    def step(self) -> None:
        # mostly the step whose turn it is, or the crowd would never get anywhere
        at = self.one_of(*standings(self.workspace))
        step, role = ("accepted", "king") if at.next is None else (at.next.key, at.next.role)
        if self.rng.random() < 0.3:
            role = self.one_of(*ROLES)
        act = Act(step, role, "2026-01-01", returns=self.rng.random() < 0.1,
                  evidence=self.one_of((), (f"E{int(self.rng.integers(6))}",)),
                  outcome=self.one_of("", "restored", "natural_recovery"))  # fmt: skip
        try:
            done = verify(self.workspace, [at.claim_id], act, Author(role, "blurred"))
        except ReverdureError:
            self.refused += 1
            return
        self.done += len(done.taken)
        self.refused += len(done.refused)


@pytest.fixture(scope="module")
def crowd(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    folder = tmp_path_factory.mktemp("crowd")
    shutil.copytree(measured, folder / "w")
    workspace = Workspace.open(folder / "w")
    use_pack(workspace, "jiangxi", Author("Li"))
    crowd = Crowd(workspace, folder, seed=5)
    for _ in range(OPERATIONS):
        crowd.act()
    return crowd


def test_much_was_done_and_much_refused(crowd: Crowd) -> None:
    assert crowd.done > OPERATIONS / 5
    assert crowd.refused > OPERATIONS / 5
    assert check_audit(crowd.workspace.database.rows("audit")).broken is None


def test_the_account_closes_and_counts_what_was_accepted(crowd: Crowd) -> None:
    course = pd.read_parquet(crowd.workspace.products / "trajectories.parquet")["year"]
    first, last = int(course.min()), int(course.max())
    rows = account(crowd.workspace, first, last, by="county").rows
    off = [row for row in rows if row["line"] == "difference" and (row["area_m2"] or row["mines"])]
    assert not off
    accepted = [one for one in standings(crowd.workspace) if one.is_accepted]
    assert accepted, "another seed: nobody was accepted"
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
