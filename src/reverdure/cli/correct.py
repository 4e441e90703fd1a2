"""`reverdure correct`: corrections by people, each with who and why; `reverdure corrections`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.add import Crs, WorkspaceOption
from reverdure.cli.screen import language, say, words
from reverdure.core.codes import CorrectionKind, DisputeStatus, Verdict
from reverdure.core.units import ha_to_mu

if TYPE_CHECKING:
    from reverdure.pipeline.correct import Author, Recorded
    from reverdure.registry.corrections import Correction
    from reverdure.store.workspace import Workspace

app = typer.Typer(
    help="Correct what the measurement cannot know: each with who and why, nothing deleted."
    " / 人工更正:记录更正人与理由,永不删除。",
    no_args_is_help=True,
)

By = Annotated[str, typer.Option("--by", help="Who corrects: name, office. / 更正人")]
Why = Annotated[str, typer.Option("--why", help="The reason, in a sentence. / 理由")]
Evidence = Annotated[
    Path | None,
    typer.Option(help="File that shows it, copied into the workspace (50 MB). / 证据文件"),
]
Mine = Annotated[str, typer.Option(help="For this mine only. / 仅此矿山")]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="For every mine. / 全部矿山")]
Number = Annotated[int, typer.Argument(help="Number of the correction. / 更正号")]
MineArgument = Annotated[str, typer.Argument(help="Mine. / 矿山编号")]
Polygon = Annotated[Path, typer.Argument(help="File with the polygon. / 面文件")]


@app.command()
def year(
    year: Annotated[int, typer.Argument(help="Year of the imagery. / 影像年份")],
    workspace: WorkspaceOption,
    by: By,
    why: Why,
    mine: Mine = "",
    county: Annotated[str, typer.Option(help="For the mines of this county. / 仅此县")] = "",
    everywhere: Everywhere = False,
    evidence: Evidence = None,
) -> None:
    """Mark a year as not clear: haze, smoke, snow that was missed. / 将某年标为不清晰"""
    from reverdure.pipeline.correct import mark_year

    done = mark_year(
        _open(workspace), year, _author(by, why, evidence),
        mine_id=mine, county=county, everywhere=everywhere,
    )  # fmt: skip
    _report(done, workspace, "correct.mines")


@app.command()
def outline(
    mine: MineArgument,
    file: Polygon,
    workspace: WorkspaceOption,
    by: By,
    why: Why,
    evidence: Evidence = None,
    crs: Crs = "",
) -> None:
    """Replace the outline of a mine, or give it its first; the old one is kept. / 更正矿山边界"""
    from reverdure.pipeline.correct import replace_outline

    done = replace_outline(_open(workspace), mine, file, _author(by, why, evidence), crs)
    say("correct.outline", before=_both_units(done.area_before_ha), now=_both_units(done.area_ha))
    if done.overlaps:
        say("correct.overlaps", mines=", ".join(done.overlaps[:10]))
    _report(done, workspace)


@app.command()
def reference(
    file: Polygon,
    workspace: WorkspaceOption,
    by: By,
    why: Why,
    mine: Mine = "",
    everywhere: Everywhere = False,
    evidence: Evidence = None,
    crs: Crs = "",
) -> None:
    """Refuse land as reference: itself mined, burnt, irrigated. / 标明不得作参照的土地"""
    from reverdure.pipeline.correct import refuse_reference

    done = refuse_reference(
        _open(workspace), file, _author(by, why, evidence), mine_id=mine, everywhere=everywhere,
        crs=crs,
    )  # fmt: skip
    _report(done, workspace, "correct.mines")


@app.command()
def dispute(
    claim: Annotated[str, typer.Argument(help="Claim. / 上报编号")],
    workspace: WorkspaceOption,
    by: By,
    why: Why,
    evidence: Evidence = None,
) -> None:
    """Dispute the verdict on a claim; it stays, and is marked until settled. / 对结论提出异议"""
    from reverdure.pipeline.correct import dispute as take

    _report(take(_open(workspace), claim, _author(by, why, evidence)), workspace)


@app.command()
def settle(
    number: Number,
    outcome: Annotated[
        str,
        typer.Option(
            "--as",
            help="upheld: do not rely on the verdict; dismissed: it stands."
            " / upheld 异议成立, dismissed 异议不成立",
        ),
    ],
    workspace: WorkspaceOption,
    by: By,
    why: Why,
    evidence: Evidence = None,
) -> None:
    """Settle a dispute; not by who disputed. / 裁定异议(须由他人裁定)"""
    from reverdure.pipeline.correct import settle as take

    _report(take(_open(workspace), number, outcome, _author(by, why, evidence)), workspace)


@app.command()
def withdraw(
    number: Number, workspace: WorkspaceOption, by: By, why: Why, evidence: Evidence = None
) -> None:
    """Withdraw a correction: a further record, both stay. / 撤回更正(原记录保留)"""
    from reverdure.pipeline.correct import withdraw as take

    _report(take(_open(workspace), number, _author(by, why, evidence)), workspace)


def corrections(workspace: WorkspaceOption) -> None:
    """List the corrections by people, withdrawn ones included. / 列出人工更正"""
    from reverdure.pipeline.corrections import standing_of

    standing = standing_of(_open(workspace).database)
    if not standing.corrections:
        say("correct.none")
    for one in standing.corrections:
        print_correction(one, in_force=standing.is_in_force(one))


def print_correction(one: "Correction", *, in_force: bool, indent: str = "") -> None:
    """One correction on two or three lines."""
    state = "" if in_force else words("correct.not_in_force")
    line = words(
        "correct.line",
        number=one.number,
        kind=one.kind.label(language()),
        about=_about(one),
        state=state,
    )
    typer.echo(indent + line)
    typer.echo(indent + words("correct.who", person=one.person, why=one.why, at=one.at[:10]))
    if one.evidence:
        typer.echo(
            indent + words("correct.evidence", name=one.evidence, sha256=one.evidence_sha256[:16])
        )


def _about(one: "Correction") -> str:
    """What a correction is about, in a few words."""
    parts = [one.claim_id or one.mine_id or one.county or words("correct.everywhere")]
    if one.year is not None:
        parts.append(str(one.year))
    if one.verdict:
        parts.append(Verdict.from_key(one.verdict).label(language()))
    if one.outcome:
        parts.append(DisputeStatus.from_key(one.outcome).label(language()))
    if one.about is not None:
        parts.append(words("correct.of", number=one.about))
    return ", ".join(parts)


def _report(done: "Recorded", workspace: Path, counted: str = "") -> None:
    one = done.correction
    print_correction(one, in_force=True)
    for repair in done.repairs:
        say("correct.repaired", what=repair.zh if language() == "zh" else repair.en)
    if counted:
        say(counted, mines=done.mines)
    marks_only = one.kind in (CorrectionKind.DISPUTE, CorrectionKind.SETTLEMENT)
    say("correct.next_mark" if marks_only else "correct.next", workspace=workspace)


def _both_units(area_ha: float) -> str:
    if math.isnan(area_ha):
        return "-"
    mu = f"{ha_to_mu(area_ha):,.1f} {words('unit.mu')}"
    return f"{area_ha:,.2f} {words('unit.ha')} ({mu})"


def _author(by: str, why: str, evidence: Path | None) -> "Author":
    from reverdure.pipeline.correct import Author

    return Author(by, why, evidence)


def _open(folder: Path) -> "Workspace":
    from reverdure.store.workspace import Workspace

    return Workspace.open(folder)
