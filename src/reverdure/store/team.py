"""Who shares a registry in PostgreSQL, in which role; what each role may, as the database has it.

Rows are guarded by the policies in `data/team.sql`; here stand the rights to tables and columns.
A right is given to a group of the role, and a login is a member of the group; groups are named
after the database, since a server knows a login in all of its databases.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from reverdure.core.errors import InvalidInput, NotAllowed, NotFound, UnknownOption
from reverdure.store.database import Database
from reverdure.store.tables import RECORD, RECORD_VALUES, metadata

ROLES = ("province", "prefecture", "county", "enterprise", "auditor", "public")
GOVERNMENT = ROLES[:3]
NEEDS_AREA = ("prefecture", "county")

ADDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        GOVERNMENT,
        ("mine", "claim", "record", "correction", "import_report", "field_sample", "field_plot",
         "field_answer"),
    ),
    "enterprise": ("record", "import_report"),
}  # fmt: skip
REMOVES: Mapping[str, tuple[str, ...]] = dict.fromkeys(GOVERNMENT, ("mine", "claim"))
WRITES: Mapping[str, tuple[str, ...]] = {
    "province": ("county", "scene", "refusal", "composite", "layer", "setting", "reported"),
}
HIDDEN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "public": {
        "mine": ("flags", "source", "source_row"),
        "claim": ("claimant", "flags", "source", "source_row"),
        "record": ("person", "why", "source"),
    }
}
_LONGEST_NAME = 63
_OWN_TABLES = ("alembic_version", "team")


@dataclass(frozen=True, slots=True)
class Member:
    """A login of the team.

    Attributes
    ----------
    login, role : str
    area : str
        First digits of the codes of the counties it reaches; "" for all.
    party_id : str
        Party it speaks for, of an enterprise.
    """

    login: str
    role: str
    area: str = ""
    party_id: str = ""


def members(database: Database) -> list[Member]:
    """Everybody in the team, by login; a login without the whole in sight sees itself.

    Raises
    ------
    NotAllowed
        If the registry is a file.
    """
    _require_shared(database)
    table = sa.table("team", *map(sa.column, ("login", "role", "area", "party_id")))
    return [Member(*row) for row in database.read(sa.select(table).order_by(table.c.login))]


def add_member(database: Database, member: Member) -> Member:
    """Take a login into the team, or give it another role; the login is made where missing.

    Returns
    -------
    Member
        As it is kept: 360700 as 3607.

    Raises
    ------
    NotAllowed
        If the registry is a file, this login may not make roles, or the other one passes over
        the guard of rows.
    UnknownOption
        If there is no such role.
    InvalidInput
        If the role needs an area or a party, or the registry has none of that code or id.
    """
    _require_shared(database)
    _check(member)
    with database.transaction("team add", login=member.login, role=member.role) as transaction:
        connection = transaction.connection
        area = connection.execute(sa.text("select team_code(:area)"), {"area": member.area})
        kept = Member(member.login, member.role, str(area.scalar_one()), member.party_id)
        _check_known(connection, kept)
        _make_groups(connection)
        _make_login(connection, kept.login)
        _leave_groups(connection, kept.login)
        group = _quoted(connection, _group(connection, kept.role))
        connection.exec_driver_sql(f"grant {group} to {_quoted(connection, kept.login)}")
        connection.execute(
            sa.text(
                "insert into team (login, role, area, party_id)"
                " values (:login, :role, :area, :party) on conflict (login) do update"
                " set role = excluded.role, area = excluded.area, party_id = excluded.party_id"
            ),
            {"login": kept.login, "role": kept.role, "area": kept.area, "party": kept.party_id},
        )
        transaction.detail = {"area": kept.area, "party_id": kept.party_id}
    return kept


def remove_member(database: Database, login: str) -> None:
    """Take a login out of the team; the login itself stays, it may serve other databases.

    Raises
    ------
    NotAllowed
        If the registry is a file, or this login may not.
    NotFound
        If it is not in the team.
    """
    if login not in {one.login for one in members(database)}:
        raise NotFound(f"no login {login!r} is in the team.", "See: reverdure team -w WORKSPACE")
    with database.transaction("team remove", login=login) as transaction:
        _leave_groups(transaction.connection, login)
        transaction.connection.execute(
            sa.text("delete from team where login = :login"), {"login": login}
        )


def _require_shared(database: Database) -> None:
    if not database.is_shared:
        raise NotAllowed(
            "this registry is a file, for people who trust each other: whoever can read it"
            " reads all of it, and no role can be kept.",
            "Move it first: reverdure move -w WORKSPACE --to postgresql://HOST/DATABASE",
        )


def _check(member: Member) -> None:
    if member.role not in ROLES:
        raise UnknownOption(f"role {member.role!r} is not known; use one of {', '.join(ROLES)}.")
    if not member.login.strip() or len(member.login) > _LONGEST_NAME:
        raise InvalidInput(f"{member.login!r} is no name of a login.")
    if member.role in NEEDS_AREA and not member.area:
        raise InvalidInput(f"a {member.role} has an area.", "Add --area CODE, for example 360702.")
    if (member.role == "enterprise") != bool(member.party_id):
        raise InvalidInput(
            f"a party belongs to an enterprise and to no other role, not to {member.role!r}.",
            "Give --party ID together with --role enterprise, and only then.",
        )
    if member.role == "enterprise" and member.area:
        raise InvalidInput(
            "an enterprise sees what its party answers for, wherever it lies.",
            "Leave --area out.",
        )


def _check_known(connection: sa.Connection, member: Member) -> None:
    known = connection.execute(
        sa.text(
            "select :area = '' or exists"
            " (select from county where starts_with(county_code, :area)),"
            " :party = '' or exists (select from record where kind = 'party' and id = :party),"
            " coalesce((select rolsuper or rolbypassrls or rolcreaterole from pg_roles"
            " where rolname = :login), false)"
        ),
        {"area": member.area, "party": member.party_id, "login": member.login},
    ).one()
    if not known[0]:
        raise InvalidInput(
            f"no county of this registry has a code that begins with {member.area}.",
            "Add the counties first: reverdure add counties FILE",
        )
    if not known[1]:
        raise InvalidInput(
            f"the registry holds no party {member.party_id!r}.",
            "Add it first: reverdure add parties FILE",
        )
    if known[2]:
        raise NotAllowed(
            f"login {member.login!r} governs the server: rows cannot be kept from it.",
            "Use a login without superuser, bypassrls and createrole.",
        )


def _make_groups(connection: sa.Connection) -> None:
    """Groups of all roles with their rights to tables and columns; again changes nothing."""
    every = [*metadata.tables, *_OWN_TABLES]
    for role in ROLES:
        name = _group(connection, role)
        if len(name) > _LONGEST_NAME:
            raise InvalidInput(f"{name!r} is too long for a group.", "Use a shorter database name.")
        found = connection.execute(
            sa.text("select 1 from pg_roles where rolname = :name"), {"name": name}
        ).one_or_none()
        group = _quoted(connection, name)
        if found is None:
            connection.exec_driver_sql(f"create role {group} nologin")
        connection.exec_driver_sql(f"grant usage on schema public to {group}")
        connection.exec_driver_sql(f"revoke all on all tables in schema public from {group}")
        hidden = HIDDEN.get(role, {})
        for table in every:
            columns = ""
            if table in hidden:
                computed = RECORD_VALUES if table == RECORD.name else ()
                shown = [*(one.name for one in metadata.tables[table].columns), *computed]
                names = ", ".join(f'"{one}"' for one in shown if one not in hidden[table])
                columns = f" ({names})"
            connection.exec_driver_sql(f'grant select{columns} on "{table}" to {group}')
        for rights, tables in (
            ("insert", ADDS.get(role, ())),
            ("delete", REMOVES.get(role, ())),
            ("insert, update, delete", WRITES.get(role, ())),
        ):
            for table in tables:
                connection.exec_driver_sql(f'grant {rights} on "{table}" to {group}')
        connection.exec_driver_sql(f"grant usage on all sequences in schema public to {group}")


def _make_login(connection: sa.Connection, login: str) -> None:
    found = connection.execute(
        sa.text("select 1 from pg_roles where rolname = :name"), {"name": login}
    ).one_or_none()
    if found is None:
        connection.exec_driver_sql(f"create role {_quoted(connection, login)} login")


def _leave_groups(connection: sa.Connection, login: str) -> None:
    for role in ROLES:
        name = _group(connection, role)
        is_in = connection.execute(
            sa.text(
                "select 1 from pg_auth_members m join pg_roles g on g.oid = m.roleid"
                " join pg_roles l on l.oid = m.member where g.rolname = :group and l.rolname = :l"
            ),
            {"group": name, "l": login},
        ).one_or_none()
        if is_in is not None:
            connection.exec_driver_sql(
                f"revoke {_quoted(connection, name)} from {_quoted(connection, login)}"
            )


def _group(connection: sa.Connection, role: str) -> str:
    return f"{connection.execute(sa.text('select current_database()')).scalar_one()}_{role}"


def _quoted(connection: sa.Connection, name: str) -> str:
    quoted: str = connection.dialect.identifier_preparer.quote_identifier(name)
    return quoted
