"""What programmes hold: what the database counts is what the rules say, mine by mine."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverdure.core.record_book import Record
from reverdure.registry.rollup import MineFacts, programme_tree, summed_tree
from reverdure.store import records, tables
from reverdure.store.programme_sums import held
from reverdure.store.records import Author
from reverdure.store.team import Member, add_member
from reverdure.store.workspace import Workspace, naming

LI = Author("Li")
# quarters add up exactly in any order
HA = st.integers(0, 40).map(lambda n: n / 4)
MINES = [f"M{n}" for n in range(6)]
MINE = st.sampled_from([*MINES, "gone"])
PROGRAMME = st.integers(0, 5).map("R{}, 1".format)
REGISTRY = st.fixed_dictionaries({
    "parents": st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=6),
    "members": st.lists(st.tuples(PROGRAMME, MINE), max_size=14),
    "moved": st.lists(PROGRAMME, max_size=4),
    "works": st.lists(st.tuples(st.one_of(st.none(), PROGRAMME), MINE), max_size=6),
    "areas": st.lists(st.tuples(st.one_of(st.none(), HA), st.one_of(st.none(), HA)),
                      min_size=6, max_size=6),
    "claims": st.lists(st.tuples(MINE, HA), max_size=10),
    "supported": st.dictionaries(MINE, HA),
})  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(REGISTRY)
def test_the_database_counts_as_the_rules_do(tmp_path_factory, registry):
    counts_as_the_rules(Workspace.create(tmp_path_factory.mktemp("sums") / "w"), **registry)


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(2))
def test_postgresql_counts_as_the_rules_do(tmp_path, postgres, seed):
    rng = random.Random(seed)

    def some(draw, count):
        return [draw() for _ in range(count)]

    def programme():
        return f"R{rng.randrange(6)}, 1"

    def mine():
        return rng.choice([*MINES, "gone"])

    def ha():
        return rng.randrange(41) / 4

    workspace = Workspace.create(tmp_path / "w", None, postgres.url(postgres.new_database()))
    counts_as_the_rules(
        workspace,
        parents=some(lambda: rng.choice([None, *range(5)]), 6),
        members=some(lambda: (programme(), mine()), 14),
        moved=some(programme, 4),
        works=some(lambda: (rng.choice([None, programme()]), mine()), 6),
        areas=some(lambda: (rng.choice([None, ha()]), rng.choice([None, ha()])), 6),
        claims=some(lambda: (mine(), ha()), 10),
        supported={mine(): ha() for _ in range(5)},
    )


def counts_as_the_rules(workspace, parents, members, moved, works, areas, claims, supported):
    # every programme is part of one before it, or of nothing
    tree = {
        f"R{n}, 1": {"name": "p"} | ({"parent_id": f"R{of % n}, 1"} if of is not None and n else {})
        for n, of in enumerate(parents)
    }
    held_by = {f"S{n}": [of] for n, of in enumerate(members)}
    for n, programme in enumerate(moved[: len(members)]):
        held_by[f"S{n}"].append((programme, members[n][1]))
    of_works = {f"W{n}": of for n, of in enumerate(works)}
    fill(workspace, tree, held_by, of_works, dict(zip(MINES, areas, strict=True)), claims)

    found = held(workspace.database, supported)
    facts = {
        mine: MineFacts(measured or stated or 0.0,
                        sum(ha for of, ha in claims if of == mine), supported.get(mine, 0.0))
        for mine, (measured, stated) in zip(MINES, areas, strict=True)
    }  # fmt: skip
    wanted = programme_tree(
        {key: Record(key, 1, values | {"programme_id": key}) for key, values in tree.items()},
        [versions[-1] for versions in held_by.values()],
        [(key, *of) for key, of in of_works.items()],
        facts,
    )
    assert summed_tree(found.programmes, found.shared, found.works) == wanted


def fill(workspace, tree, held_by, works, areas, claims):
    with workspace.database.transaction("fill") as transaction:
        transaction.insert(tables.MINE, [
            {"mine_id": mine, "measured_area_ha": measured, "stated_area_ha": stated}
            for mine, (measured, stated) in areas.items()
        ])  # fmt: skip
        transaction.insert(tables.CLAIM, [
            {"claim_id": f"C{n}", "mine_id": mine, "claimed_ha": ha}
            for n, (mine, ha) in enumerate(claims)
        ])  # fmt: skip
        records.write(
            transaction,
            "programme",
            [(key, 0, of | {"programme_id": key}) for key, of in tree.items()],
            LI,
        )
        for key, versions in held_by.items():
            for number, (programme, mine) in enumerate(versions):
                values = {"membership_id": key, "programme_id": programme, "mine_id": mine}
                records.write(transaction, "membership", [(key, number, values)], LI)
        rows = [(key, 0, {"work_id": key, "mine_id": mine} | ({"programme_id": of} if of else {}))
                for key, (of, mine) in works.items()]  # fmt: skip
        records.write(transaction, "work", rows, LI)


@pytest.mark.postgres
def test_each_role_counts_the_mines_it_sees(tmp_path: Path, postgres) -> None:
    name = postgres.new_database()
    workspace = Workspace.create(tmp_path / "w", None, postgres.url(name))
    with workspace.database.transaction("counties") as transaction:
        transaction.insert(tables.COUNTY, [
            {"county": f"county {n}", "county_code": f"36010{n + 1}"} for n in range(2)
        ])  # fmt: skip
    rng = random.Random(5)
    mines = {f"M{n}": rng.randrange(2) for n in range(12)}
    with workspace.database.transaction("mines") as transaction:
        transaction.insert(tables.MINE, [
            {"mine_id": mine, "county": f"county {of}", "stated_area_ha": 1.0}
            for mine, of in mines.items()
        ])  # fmt: skip
    held_by = {f"S{mine}": [("P", mine)] for mine in mines}
    fill(workspace, {"P": {"name": "p"}}, held_by, {"W1": ("P", "M0")}, {}, [("M0", 0.5)])
    theirs = {0: 0, 1: 0}
    for of in mines.values():
        theirs[of] += 1
    asked = {"li": ("county", "360101", theirs[0]), "wu": ("county", "360102", theirs[1]),
             "xu": ("auditor", "", 12), "an": ("public", "", 12)}  # fmt: skip
    text = (workspace.root / "reverdure.toml").read_text("utf-8")
    for login, (role, area, count) in asked.items():
        add_member(workspace.database, Member(login, role, area))
        (tmp_path / login).mkdir()
        own = naming(text, postgres.url(name, login))
        (tmp_path / login / "reverdure.toml").write_text(own, encoding="utf-8")
        found = held(Workspace.open(tmp_path / login).database, {})
        tree = summed_tree(found.programmes, found.shared, found.works)
        assert [(one.mines, one.area_ha) for one in tree] == [(count, count)] * 2, login
