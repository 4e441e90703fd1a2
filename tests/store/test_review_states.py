"""Where verification stands: what the database finds is what the rules say of all its rows."""

import random
from pathlib import Path

import pytest

from reverdure.pipeline.packs import use_pack
from reverdure.pipeline.verify import standings
from reverdure.registry.packs import pack
from reverdure.registry.record_cells import RowRefused
from reverdure.registry.review import Act, by_claim, standing, take
from reverdure.store import records, tables
from reverdure.store.move import move
from reverdure.store.records import Author, current
from reverdure.store.workspace import Workspace

LI = Author("Li")
PACK = pack("jiangxi")


@pytest.mark.parametrize("seed", range(2))
def test_the_database_finds_where_each_claim_stands(tmp_path, place, seed):
    rng = random.Random(seed)
    workspace = Workspace.create(tmp_path / "w")
    use_pack(workspace, "jiangxi", LI)
    # a number behind a slash is no part of the id of a claim
    claim_ids = [f"C/{n}" for n in range(25)]
    rows = {claim_id: [] for claim_id in claim_ids}
    order = [claim_id for claim_id in claim_ids[1:] for _ in range(rng.randrange(14))]
    rng.shuffle(order)
    with workspace.database.transaction("fill") as transaction:
        transaction.insert(tables.CLAIM, [claim(claim_id) for claim_id in claim_ids])
        for claim_id in [*order, "of no list"]:
            done = something(rng, claim_id, rows.setdefault(claim_id, []))
            if done is not None:
                rows[claim_id].append(dict(done.values))
                records.write(transaction, "review", [(done.id, 0, done.values)], LI)

    # a team's database lets no login take the steps of all roles
    if not isinstance(place, Path):
        workspace = move(workspace, place).workspace
    found = standings(workspace)
    del rows["of no list"]
    assert found == [standing(PACK.steps, claim_id, rows[claim_id]) for claim_id in sorted(rows)]
    assert by_claim(current(workspace.database, ["review"])["review"].values()).keys() >= {
        one.claim_id for one in found if one.rows
    }
    stood = {(one.next and one.next.key, one.returned, one.outcome) for one in found}
    assert len(stood) > 5, "another seed: the claims hardly moved"


def something(rng, claim_id, rows):
    """What is done next with a claim: mostly its turn, sometimes sent back."""
    at = standing(PACK.steps, claim_id, rows)
    if at.next is None:
        return None
    outcome = rng.choice(at.next.outcomes) if at.next.outcomes else ""
    back = bool(at.next.returns_to) and rng.random() < 0.4
    act = Act(at.next.key, at.next.role, "2026-01-01", back, ("E1",), "" if back else outcome)
    try:
        return take(PACK, at, act)
    except RowRefused:
        return None


def claim(claim_id):
    return {"claim_id": claim_id, "mine_id": "M1", "year": 2020, "start_year": 2017,
            "claimed_ha": 3.0, "aim": "forest", "claimant": "", "flags": "", "source": "",
            "source_row": 1, "geometry": None}  # fmt: skip
