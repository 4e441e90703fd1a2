"""Questions of a screen: what the database answers is what the rules say, page by page."""

import datetime
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.postgres_server import OWNER, Server

from reverdure.core.errors import InvalidInput
from reverdure.core.kinds import kinds
from reverdure.core.record_book import is_open, is_overdue
from reverdure.pipeline.records import question, records_page
from reverdure.store import records, tables
from reverdure.store.database import Database
from reverdure.store.record_pages import Question, page
from reverdure.store.records import Author
from reverdure.store.workspace import Workspace

FIRST = datetime.date(2026, 1, 1)
LI = Author("Li")
DAYS = st.integers(0, 6).map(lambda n: (FIRST + datetime.timedelta(n)).isoformat())
DUTIES = st.fixed_dictionaries(
    {"due_date": DAYS, "party_id": st.sampled_from(["P1", "P2"]),
     "mine_id": st.sampled_from(["M1", "M2"])},
    optional={"done_date": DAYS, "closed_date": DAYS, "reopened_date": DAYS},
)  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path, place: Path | str) -> Workspace:
    return Workspace.create(tmp_path / "w", None, "" if isinstance(place, Path) else place)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(DUTIES, min_size=1, max_size=3), max_size=12), st.integers(0, 6))
def test_the_database_answers_as_the_rules_do(tmp_path_factory, versions, days):
    answers_as_the_rules(Workspace.create(tmp_path_factory.mktemp("pages") / "w"), versions, days)


def test_either_database_answers_as_the_rules_do(workspace):
    rng = random.Random(3)

    def duty() -> dict[str, str]:
        found = {"party_id": rng.choice(["P1", "P2"]), "mine_id": rng.choice(["M1", "M2"])}
        for name in ("due_date", "done_date", "closed_date", "reopened_date"):
            if name == "due_date" or rng.random() < 0.4:
                found[name] = (FIRST + datetime.timedelta(rng.randrange(7))).isoformat()
        return found

    versions = [[duty() for _ in range(rng.randint(1, 3))] for _ in range(80)]
    answers_as_the_rules(workspace, versions, 3)


def answers_as_the_rules(workspace, versions, days):
    day = FIRST + datetime.timedelta(days)
    with workspace.database.transaction("fill") as transaction:
        for number, of_one in enumerate(versions):
            for version, values in enumerate(of_one):
                records.write(transaction, "duty", [(f"D{number:02d}", version, values)], LI)
    last = {f"D{number:02d}": of_one[-1] for number, of_one in enumerate(versions)}
    duty = kinds()["duty"]

    def ids(**asked):
        found = page(workspace.database, question(duty, **asked))
        keys = [(one.values["due_date"], one.id) for one in found.records]
        assert keys == sorted(keys)
        assert found.count == len(found.records)
        return {one.id for one in found.records}, found

    assert ids()[0] == set(last)
    still = {name for name, values in last.items() if is_open(values, day)}
    late = {name for name, values in last.items() if is_overdue(values, day)}
    names, found = ids(open_on=day)
    assert (names, found.past) == (still, len(late))
    assert ids(open_on=day, overdue=True)[0] == late
    soon = (day + datetime.timedelta(2)).isoformat()
    assert ids(open_on=day, next_days=2)[0] == {
        name for name in still if day.isoformat() <= last[name]["due_date"] <= soon
    }
    assert ids(party_id="P1", mine_id="M2")[0] == {
        name for name, values in last.items()
        if (values["party_id"], values["mine_id"]) == ("P1", "M2")
    }  # fmt: skip


def test_pages_together_are_the_whole(workspace):
    with workspace.database.transaction("fill") as transaction:
        rows = [(f"P{n:02d}", 0, {"name": f"party {n}"}) for n in range(25)]
        records.write(transaction, "party", rows, LI)
    asked = question(kinds()["party"])
    pages = [records_page(workspace, asked, number, 10) for number in (1, 2, 3)]
    assert [len(one.records) for one in pages] == [10, 10, 5]
    assert [one.id for part in pages for one in part.records] == [row[0] for row in rows]
    assert {one.count for one in pages} == {25}
    beyond = page(workspace.database, asked, first=30, rows=10)
    assert (beyond.records, beyond.count) == ((), 25)
    for number in (0, 4, -1):
        with pytest.raises(InvalidInput, match=f"no page {number}; the list has 3"):
            records_page(workspace, asked, number, 10)


def test_a_kind_without_records_has_one_empty_page(workspace):
    assert records_page(workspace, question(kinds()["fund"])).count == 0


def test_the_name_of_a_value_is_never_sql(workspace):
    assert page(workspace.database, Question("duty' or 1=1 --")).count == 0


@pytest.mark.postgres
def test_an_older_registry_of_a_team_answers_after_its_upgrade(postgres: Server) -> None:
    name = postgres.new_database()
    old = Database(postgres.url(name))
    old.migrate("0005")
    with old.writer() as connection:
        old.settle(connection)
    with old.transaction("fill") as write:
        write.insert(tables.MINE, [{"mine_id": "M1"}])
        for version, due in enumerate(("2025-01-01", "2027-01-01")):
            values = {"mine_id": "M1", "party_id": "P1", "due_date": due}
            records.write(write, "duty", [("D1", version, values)], LI)
        records.write(write, "damage", [("A1", 0, {"mine_id": "M1", "closed_date": "x"})], LI)
    reader = f"{name}_reader"
    for statement in (
        f'create role "{name}_public" nologin',
        f'create role "{reader}" login in role "{name}_public"',
        f'grant select (number, kind, id, version, mine_id, body, at) on record to "{name}_public"',
        f'grant select on alembic_version to "{name}_public"',
        f"insert into team (login, role) values ('{reader}', 'public')",
    ):
        postgres.ask(name, statement, OWNER)

    opened = Database.open(old.where)
    found = page(opened, Question("duty", party_id="P1", open_on=FIRST))
    assert [(one.id, one.version) for one in found.records] == [("D1", 2)]
    assert (found.count, found.past) == (1, 0)
    public = Database.open(postgres.url(name, reader))
    assert page(public, Question("duty", open_on=FIRST)).count == 0
    assert [one.id for one in page(public, Question("damage")).records] == ["A1"]
    seen = postgres.ask(name, "select id, due_date, closed_date from record", reader)
    assert seen == [("A1", None, "x")]
