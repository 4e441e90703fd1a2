"""`reverdure team` and `reverdure move`: a registry that several people share, in PostgreSQL."""

from typing import Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import say, table, words
from reverdure.core.errors import InvalidInput


def team(
    workspace: WorkspaceOption,
    add: Annotated[str, typer.Option(help="Login to take in or change. / 加入或变更的登录名")] = "",
    remove: Annotated[str, typer.Option(help="Login to take out. / 移出的登录名")] = "",
    role: Annotated[
        str,
        typer.Option(
            help="province, prefecture, county, enterprise, auditor or public."
            " / 角色:省级、市级、县级、企业、审计、公众(用英文代号)"
        ),
    ] = "",
    area: Annotated[str, typer.Option(help="Code of its area. / 行政区代码")] = "",
    party: Annotated[str, typer.Option(help="Party of an enterprise. / 企业的主体编号")] = "",
) -> None:
    """List who shares the registry, in which role; add or remove a login. / 管理共用人员"""
    from reverdure.store.team import Member, add_member, members, remove_member
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace).database
    if (add and remove) or (bool(add) != bool(role)) or ((area or party) and not add):
        raise InvalidInput(
            "a login comes in with --add LOGIN and --role ROLE, and leaves with --remove LOGIN.",
            "--area and --party go with --add.",
        )
    if add:
        kept = add_member(opened, Member(add, role, area, party))
        say("team.added", login=kept.login, role=words(f"team.role.{kept.role}"),
            area=kept.area or words("team.everywhere"), party=kept.party_id or "-")  # fmt: skip
    if remove:
        remove_member(opened, remove)
        say("team.removed", login=remove)
    found = members(opened)
    rows = [
        [one.login, words(f"team.role.{one.role}"), one.area or words("team.everywhere"),
         one.party_id or "-"]
        for one in found
    ]  # fmt: skip
    if rows:
        heads = [words(f"team.{name}") for name in ("login", "of_role", "area", "party")]
        table(heads, rows, numbers_from=len(heads))
    say("team.count", count=len(found), name=opened.name, role=words(f"team.role.{opened.role}"))


def move(
    workspace: WorkspaceOption,
    to: Annotated[
        str, typer.Option(help="postgresql://HOST/DATABASE, or: file. / 目标地址,或 file")
    ],
) -> None:
    """Keep the registry elsewhere, every row compared. / 迁移登记库并逐行核对"""
    from reverdure.store.move import move
    from reverdure.store.workspace import Workspace

    moved = move(Workspace.open(workspace), to)
    say("move.done", rows=sum(moved.rows.values()), tables=len(moved.rows),
        name=moved.workspace.database.name, source=moved.source)  # fmt: skip
    if not moved.workspace.database.is_shared:
        say("move.team")
