"""People who type whatever they like, for tests of what the registry keeps up."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reverdure.core.errors import ReverdureError
from reverdure.core.kinds import kinds
from reverdure.pipeline.records import add_records
from reverdure.pipeline.verify import standings, verify
from reverdure.registry.review import Act
from reverdure.store.records import Author
from reverdure.store.workspace import Workspace

ROLES = ("province", "prefecture", "county", "enterprise", "auditor", "public")


class Crowd:
    """People who type whatever they like, some of it wrong."""

    def __init__(
        self,
        workspace: Workspace,
        folder: Path,
        seed: int,
        eyes: Mapping[str, Workspace] | None = None,
    ) -> None:
        self.workspace, self.folder = workspace, folder
        # the same registry as each role sees it, where a team shares it
        self.eyes = eyes or {}
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
        who = self.one_of(*ROLES)
        try:
            added = add_records(self.eyes.get(who, self.workspace), kind, path, Author(who),
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
            done = verify(
                self.eyes.get(role, self.workspace), [at.claim_id], act, Author(role, "blurred")
            )
        except ReverdureError:
            self.refused += 1
            return
        self.done += len(done.taken)
        self.refused += len(done.refused)
