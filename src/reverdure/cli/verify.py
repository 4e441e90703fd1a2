"""`reverdure verify`: patch verification, step by step, and where it stands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.records import By, On, PageOption, Why, day_of, say_refused
from reverdure.cli.screen import language, say, say_page, table, words
from reverdure.core.errors import InvalidInput
from reverdure.core.files import read_text

if TYPE_CHECKING:
    from reverdure.registry.packs import Step


def verify(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    step: Annotated[str, typer.Argument(help="Key of the step in the rule pack. / 步骤代号")],
    workspace: WorkspaceOption,
    role: Annotated[str, typer.Option("--as", help="Role that takes it. / 办理层级")],
    claims: Annotated[
        str, typer.Option(help="Ids of claims, joined by commas. / 上报编号,以逗号分隔")
    ] = "",
    county: Annotated[str, typer.Option(help="All claims of a county. / 该县全部上报")] = "",
    claims_file: Annotated[
        Path | None, typer.Option("--from", help="File with one claim id a line. / 上报编号文件")
    ] = None,
    returns: Annotated[bool, typer.Option("--return", help="Send back instead. / 退回")] = False,
    evidence: Annotated[
        str, typer.Option(help="Ids of evidence, joined by commas. / 证据编号,以逗号分隔")
    ] = "",
    outcome: Annotated[str, typer.Option(help="What the step states. / 认定结论")] = "",
    by: By = "",
    why: Why = "",
    on: On = "",
) -> None:
    """Take a step of verification for claims, or send them back. / 办理图斑核查步骤"""
    from reverdure.pipeline.verify import claims_of, verify
    from reverdure.registry.review import Act
    from reverdure.store.records import Author
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    if sum(map(bool, (claims, county, claims_file))) != 1:
        raise InvalidInput("say which claims: one of --claims, --county and --from.")
    if claims_file is not None:
        lines = read_text(claims_file).splitlines()
        chosen = [line.strip() for line in lines if line.strip()]
    else:
        chosen = claims_of(opened, county) if county else _listed(claims)
    act = Act(step, role, day_of(on).isoformat(), returns, tuple(_listed(evidence)), outcome)
    done = verify(opened, chosen, act, Author(by, why, claims_file.name if claims_file else ""))
    say("verify.done", taken=len(done.taken), refused=len(done.refused))
    say_refused(done.refused)
    if not done.taken:
        raise typer.Exit(1)


def verifications(
    workspace: WorkspaceOption,
    waiting: Annotated[
        str, typer.Option(help="Only those that wait for this role. / 仅列等待该层级的")
    ] = "",
    claims: Annotated[
        str, typer.Option(help="Only these claims, joined by commas. / 仅限这些上报")
    ] = "",
    page: PageOption = 1,
) -> None:
    """List where the verification of each claim stands. / 列出图斑核查进度"""
    from reverdure.pipeline import verify as steps
    from reverdure.pipeline.records import PAGE
    from reverdure.store.workspace import Workspace

    found = steps.verifications(
        Workspace.open(workspace), waiting=waiting, claim_ids=_listed(claims), number=page
    )
    rows = [
        [one.claim_id, _named(one.last, "-"), words("verify.returned") if one.returned else "",
         _named(one.next, words("verify.accepted")), one.outcome, one.since]
        for one in found.shown
    ]  # fmt: skip
    headings = ("claim", "last", "back", "turn", "outcome", "since")
    table([words(f"verify.{name}") for name in headings], rows, numbers_from=len(headings))
    say_page(page, found.count, PAGE)
    for step, count in found.turns.items():
        if count and step is not None:
            say("verify.waiting", count=count, code=step.key, step=_named(step, ""), role=step.role)
    say("verify.count", count=found.count, accepted=found.turns[None])


def _named(step: "Step | None", nothing: str) -> str:
    if step is None:
        return nothing
    return step.zh if language() == "zh" else step.en


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
