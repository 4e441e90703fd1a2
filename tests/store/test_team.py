"""Who sees and writes what, asked of PostgreSQL itself in the name of each role."""

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import shapely
from tests.postgres_server import OWNER, Server

from reverdure.core.errors import InvalidInput, NotAllowed, NotFound, UnknownOption
from reverdure.store import records, tables
from reverdure.store.audit import check_audit
from reverdure.store.database import Database
from reverdure.store.records import Author
from reverdure.store.team import ADDS, HIDDEN, ROLES, Member, add_member, members, remove_member

pytestmark = pytest.mark.postgres
LI = Author("Li")
PAGE = Path(__file__).parents[2] / "docs" / "team.md"
AREAS = {"Zhanggong": "360702", "Xingguo": "360732", "Nanchang": "360102"}
# who has which mines in sight: two in Ganzhou (3607), one in Nanchang, one that lies nowhere
MINES = {"MZ": "Zhanggong", "MX": "Xingguo", "MN": "Nanchang", "M0": ""}
SEES = {
    "province": {"MZ", "MX", "MN", "M0"},
    "prefecture": {"MZ", "MX"},
    "county": {"MZ"},
    "enterprise": {"MX"},
    "auditor": {"MZ", "MX", "MN", "M0"},
    "public": {"MZ", "MX", "MN", "M0"},
}
RECORDS = [
    ("party", "P1", {"name": "Xingguo mining"}),
    ("party", "P2", {"name": "another"}),
    ("duty", "DX", {"mine_id": "MX", "party_id": "P1"}),
    ("duty", "DZ", {"mine_id": "MZ", "party_id": "P2"}),
    ("duty", "DN", {"mine_id": "MN", "party_id": "P2"}),
    ("fund", "F1", {"amount": 5}),
    ("payment", "Y1", {"mine_id": "MX", "party_id": "P1", "fund_id": "F1"}),
    ("payment", "Y2", {"mine_id": "MX", "party_id": "P2", "fund_id": "F1"}),
    ("damage", "AZ", {"mine_id": "MZ"}),
    ("target", "T36", {"unit_id": "360000"}),
    ("target", "TN", {"unit_id": "360100"}),
    ("target", "TP", {"party_id": "P2"}),
    ("review", "CX/1", {"claim_id": "CX", "role": "province"}),
    ("unit", "360700", {"unit_id": "360700"}),
]
SEES_RECORDS = {
    "province": {one[1] for one in RECORDS},
    "auditor": {one[1] for one in RECORDS},
    "prefecture": {one[1] for one in RECORDS} - {"DN", "TN"},
    "county": {"P1", "P2", "DZ", "F1", "AZ", "T36", "TP", "360700"},
    "enterprise": {"P1", "DX", "Y1", "CX/1", "360700"},
    "public": {"AZ", "T36", "TN", "CX/1", "360700"},
}
Ask = Callable[..., list[tuple]]


@pytest.fixture(scope="module")
def shared(postgres: Server) -> Database:
    name = postgres.new_database()
    database = Database.create(postgres.url(name))
    with database.transaction("fill") as write:
        write.insert(tables.COUNTY, [
            {"county": county, "county_code": code,
             "geometry": shapely.multipolygons([shapely.box(n, 0, n + 1, 1)])}
            for n, (county, code) in enumerate(AREAS.items())
        ])  # fmt: skip
        write.insert(tables.MINE, [
            {"mine_id": mine, "county": county, "source": "secret.xlsx"}
            for mine, county in MINES.items()
        ])  # fmt: skip
        write.insert(
            tables.CLAIM,
            [{"claim_id": f"C{mine[1]}", "mine_id": mine, "claimant": "Wu"} for mine in MINES],
        )
        for kind, key, values in RECORDS:
            body = {f"{kind}_id": key, **values} if kind == "party" else values
            records.write(write, kind, [(key, 0, body)], LI)
        write.append("correction", {
            **dict.fromkeys(("kind", "claim_id", "county", "verdict", "run_id", "outcome", "person",
                             "why", "at", "source", "evidence", "evidence_sha256"), ""),
            "mine_id": "MX"})  # fmt: skip
    for member in (
        Member("p", "province"), Member("g", "prefecture", "360700"),
        Member("c", "county", "360702"), Member("e", "enterprise", "", "P1"),
        Member("a", "auditor"), Member("o", "public"),
    ):  # fmt: skip
        add_member(database, member)
    return database


@pytest.fixture(scope="module")
def ask(postgres: Server, shared: Database) -> Ask:
    """A statement in the name of a role, rolled back after it."""
    logins = {"province": "p", "prefecture": "g", "county": "c", "enterprise": "e",
              "auditor": "a", "public": "o", "owner": OWNER}  # fmt: skip

    def ask(role: str, *statements: str) -> list[tuple]:
        with postgres.connect(shared.name, logins[role]) as connection:
            connection.execute("begin")
            for statement in statements[:-1]:
                connection.execute(statement)
            cursor = connection.execute(statements[-1])
            found = cursor.fetchall() if cursor.description else []
            # what is checked at the end of a transaction is checked now
            connection.execute("set constraints all immediate")
            connection.execute("rollback")
        return found

    return ask


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_rows(ask: Ask, role: str) -> None:
    assert {one for (one,) in ask(role, "select mine_id from mine")} == SEES[role]
    assert {f"M{one[1]}" for (one,) in ask(role, "select claim_id from claim")} == SEES[role]
    assert {one for (one,) in ask(role, "select id from record")} == SEES_RECORDS[role]
    corrections = ask(role, "select mine_id from correction")
    assert len(corrections) == (role in {"province", "prefecture", "enterprise", "auditor"})
    lines = ask(role, "select count(*) from audit")[0][0]
    assert (lines > 0) == (role in {"province", "auditor"})


def test_the_public_reads_no_names(ask: Ask) -> None:
    for table, columns in HIDDEN["public"].items():
        for column in columns:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ask("public", f"select {column} from {table}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask("public", f"select * from {table}")


@pytest.mark.parametrize("role", ["prefecture", "county", "enterprise", "public"])
def test_no_way_round_shows_more(ask: Ask, role: str) -> None:
    seen = {one for (one,) in ask(role, "select mine_id from mine")}
    for way in (
        ["create temp view v as select mine_id from mine", "select mine_id from v"],
        ["set row_security = off", "select mine_id from mine"],
        ["select team_mines()"],
        ["create function pg_temp.f(text) returns boolean language plpgsql cost 0.0001 as"
         " $$ begin if $1 not in ('MZ', 'MX') then raise exception 'leak %', $1; end if;"
         " return true; end $$", "select mine_id from mine where pg_temp.f(mine_id)"],
    ):  # fmt: skip
        try:
            found = {one for (one,) in ask(role, *way)}
        except psycopg.errors.InsufficientPrivilege:
            continue
        except psycopg.errors.RaiseException as error:
            assert role == "public", error
            continue
        assert found <= seen
    assert {one for (one,) in ask(role, "select (r).id from team_records() r")} <= (
        SEES_RECORDS[role]
    )
    for other in (OWNER, "boss", "p", "a"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(role, f"set role {other}", "select 1")
    for table in ("record_scope", "pg_authid"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(role, f"select * from {table}")


def test_a_view_of_the_owner_shows_nobody_more(
    ask: Ask, postgres: Server, shared: Database
) -> None:
    postgres.ask(shared.name, "create view careless as select mine_id from mine", OWNER)
    postgres.ask(shared.name, "grant select on careless to public", OWNER)
    assert {one for (one,) in ask("county", "select mine_id from careless")} == SEES["county"]
    postgres.ask(shared.name, "drop view careless", OWNER)


ROW = "insert into record (kind, id, version, mine_id, body, at, person, why, source) values "
LOGGED = "select team_audit('by hand', '{}')"
FORGED = {
    "another area": f"{ROW} ('damage', 'x', 1, 'MN', '{{}}', '', '', '', '')",
    "a mine nowhere": f"{ROW} ('damage', 'x', 1, 'M0', '{{}}', '', '', '', '')",
    "no mine at all": f"{ROW} ('fund', 'x', 1, null, '{{}}', '', '', '', '')",
    "a claim elsewhere": f"{ROW} ('review', 'CN/1', 1, null,"
    " '{\"claim_id\": \"CN\", \"role\": \"county\"}', '', '', '', '')",
    "the role of another": f"{ROW} ('review', 'CZ/1', 1, null,"
    " '{\"claim_id\": \"CZ\", \"role\": \"province\"}', '', '', '', '')",
    "a record of others, drawn here": f"{ROW} ('duty', 'DN', 2, 'MZ', '{{}}', '', '', '', '')",
    "an upper target": f"{ROW} ('target', 'T36', 2, null, '{{\"unit_id\": \"360700\"}}',"
    " '', '', '', '')",
    "money": f"{ROW} ('payment', 'x', 1, 'MZ', '{{}}', '', '', '', '')",
    "the log itself": "insert into audit (number, at, actor, action, detail, chain)"
    " values (99, '', 'x', 'y', '{}', 'z')",
    "a mine elsewhere": "insert into mine (mine_id, county) values ('M9', 'Nanchang')",
    "its own area": "insert into mine (mine_id, county, area) values ('M9', '', '360702')",
    "a setting": "insert into setting (name, value) values ('x', '1')",
    "the team": "insert into team (login, role) values ('c2', 'province')",
    "a role of its own": "update team set role = 'province', area = ''",
}


@pytest.mark.parametrize("role", ["county", "enterprise", "public", "auditor"])
@pytest.mark.parametrize("forged", FORGED)
def test_what_is_not_theirs_cannot_be_written(ask: Ask, role: str, forged: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(role, FORGED[forged], LOGGED if role in ADDS else "select 1")


@pytest.mark.parametrize("role", [*ROLES, "owner"])
@pytest.mark.parametrize("table", ["record", "audit", "correction"])
def test_nobody_changes_or_deletes_what_was_written(ask: Ask, role: str, table: str) -> None:
    for statement in (f"update {table} set number = 1", f"delete from {table}",
                      f"truncate {table}"):  # fmt: skip
        with pytest.raises((psycopg.errors.InsufficientPrivilege,
                            psycopg.errors.RestrictViolation)):  # fmt: skip
            ask(role, statement)


def test_what_is_theirs_can_be_written_and_is_logged(ask: Ask) -> None:
    own = f"{ROW} ('damage', 'x', 1, 'MZ', '{{}}', '', '', '', '')"
    assert ask("county", own, LOGGED, "select count(*) from record where id = 'x'") == [(1,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="audit log"):
        ask("county", own, "select 1")
    evidence = f"{ROW} ('evidence', 'x', 1, 'MX', '{{}}', '', '', '', '')"
    assert ask("enterprise", evidence, LOGGED, "select 1") == [(1,)]
    for gap in ("'DZ', 3", "'DZ', 2"):
        second = f"{ROW} ('duty', {gap}, 'MZ', '{{}}', '', '', '', '')"
        if gap.endswith("2"):
            ask("county", second, LOGGED, "select 1")
        else:
            with pytest.raises(psycopg.errors.UniqueViolation, match="does not follow"):
                ask("county", second, LOGGED, "select 1")
    # all it can reach, and no more
    gone = "with gone as (delete from mine returning mine_id) select * from gone"
    assert ask("county", LOGGED, gone) == [("MZ",)]


def test_the_database_writes_the_same_chain_as_the_program(shared: Database) -> None:
    with shared.transaction('入库 \x7f "q" \\ \n 😀 é', why="理由 😀\t"):
        pass
    assert check_audit(shared.rows("audit")).broken is None
    assert shared.rows("audit")[-1]["actor"] == OWNER


def test_the_program_reads_with_the_eyes_of_the_login(postgres: Server, shared: Database) -> None:
    public = Database.open(postgres.url(shared.name, "o"))
    assert public.role == "public"
    assert {row["claimant"] for row in public.rows("claim")} == {""}
    frame = public.frame("mine")
    assert set(frame["mine_id"]) == SEES["public"]
    assert frame["source_row"].isna().all()
    assert set(frame["source"]) == {""}
    shown = records.current(public, ["damage", "duty"])
    assert [one.person for one in shown["damage"].values()] == [""]
    assert shown["duty"] == {}
    county = Database.open(postgres.url(shared.name, "c"))
    assert list(county.frame("mine")["mine_id"]) == ["MZ"]
    assert members(county) == [Member("c", "county", "360702")]
    with pytest.raises(NotAllowed, match="every row"):
        county.rows("audit")
    with pytest.raises(NotAllowed, match="may not"), county.transaction("x") as write:
        records.write(write, "damage", [("n", 0, {"mine_id": "MN"})], LI)
    with pytest.raises(NotAllowed), public.transaction("x"):
        pass


def test_members_come_and_go(postgres: Server) -> None:
    database = Database.create(postgres.url(postgres.new_database()))
    for wrong, error in (
        (Member("x", "king"), UnknownOption), (Member("x", "county"), InvalidInput),
        (Member("x", "county", "36"), InvalidInput), (Member("x", "enterprise"), InvalidInput),
        (Member("x", "public", "", "P1"), InvalidInput),
        (Member("x", "enterprise", "", "P1"), InvalidInput), (Member("boss", "public"), NotAllowed),
    ):  # fmt: skip
        with pytest.raises(error):
            add_member(database, wrong)
    add_member(database, Member('odd "name" %s', "public"))
    add_member(database, Member('odd "name" %s', "auditor"))
    assert members(database) == [Member('odd "name" %s', "auditor")]
    eyes = postgres.connect(database.name, "odd%20%22name%22%20%25s")
    assert eyes.execute("select count(*) from audit").fetchone() == (2,)
    remove_member(database, 'odd "name" %s')
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        eyes.execute("select count(*) from audit")
    eyes.close()
    with pytest.raises(NotFound):
        remove_member(database, "x")
    with pytest.raises(NotAllowed):
        Database.open(postgres.url(database.name, "odd%20%22name%22%20%25s"))


def test_every_table_is_guarded(postgres: Server, shared: Database) -> None:
    guarded = {
        one
        for (one,) in postgres.ask(
            shared.name,
            "select c.relname from pg_class c join"
            " pg_policy p on p.polrelid = c.oid where c.relrowsecurity and p.polcmd = 'r'",
        )
    }
    assert set(tables.metadata.tables) <= guarded


def listed(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def test_the_page_says_what_the_database_grants(postgres: Server, shared: Database) -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("| `")
    ]
    granted = postgres.ask(shared.name, "select grantee, privilege_type, table_name from"
        " information_schema.table_privileges where table_schema = 'public'")  # fmt: skip
    shown = postgres.ask(shared.name, "select grantee, table_name, column_name from"
        " information_schema.column_privileges where privilege_type = 'SELECT'")  # fmt: skip
    for role in ROLES:
        (row,) = [row for row in rows if row[0] == f"`{role}`" and len(row) == 6]
        group = f"{shared.name}_{role}"
        for verb, place in (("INSERT", 3), ("DELETE", 4)):
            has = {table for who, what, table in granted if (who, what) == (group, verb)}
            assert has == listed(row[place]), (role, verb)
        hidden = {
            (table.name, column.name)
            for table in tables.metadata.sorted_tables
            for column in table.columns
            if (group, table.name, column.name) not in shown
        }
        said = {(*listed(row[1]), column) for row in rows if len(row) == 3
                if row[0] == f"`{role}`" for column in listed(row[2])}  # fmt: skip
        assert hidden == said, role
        sees_log = row[5].startswith("all")
        assert sees_log == (role in {"province", "auditor"})


def test_a_file_says_why_it_has_no_team(tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match="trust each other"):
        members(Database.create(tmp_path / "r.gpkg"))
