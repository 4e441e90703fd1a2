"""`reverdure rules`: what a jurisdiction demands, with clause and status."""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverdure.cli.records import By, Why
from reverdure.cli.screen import language, say, words
from reverdure.core.codes import Aim
from reverdure.core.errors import InvalidInput
from reverdure.core.kinds import choices

if TYPE_CHECKING:
    from reverdure.registry.packs import Duty, Rule, RulePack, Step


def rules(
    name: Annotated[
        str, typer.Argument(help="Pack to print: a name, or a .toml file. / 规则包名或文件")
    ] = "",
    workspace: Annotated[
        Path | None, typer.Option("-w", "--workspace", help="Workspace folder. / 工作区目录")
    ] = None,
    use: Annotated[
        str, typer.Option("--use", help="Put this pack in force: name or file. / 启用规则包")
    ] = "",
    copy: Annotated[
        Path | None, typer.Option("--copy", help="Write NAME here, to edit. / 复制以供编辑")
    ] = None,
    by: By = "",
    why: Why = "",
) -> None:
    """List rule packs, print, copy or put one in force. / 列出、查看、复制或启用规则包"""
    from reverdure.pipeline.packs import copy_pack, read_pack

    if use:
        if workspace is None or name or copy:
            raise InvalidInput(
                "--use puts a pack in force in a workspace, and does nothing beside.",
                "Write: reverdure rules --use FILE -w W --by NAME",
            )
        _use(workspace, use, by, why)
    elif copy is not None:
        copy_pack(name or "empty", copy)
        say("rules.copied", path=copy)
    elif name:
        _print(read_pack(name))
    elif workspace is not None:
        _print_in_force(workspace)
    else:
        _print_packs()


def _use(workspace: Path, name: str, by: str, why: str) -> None:
    from reverdure.pipeline.packs import use_pack
    from reverdure.store.records import Author
    from reverdure.store.workspace import Workspace

    author = Author(by or getpass.getuser(), why, Path(name).name)
    found, is_new = use_pack(Workspace.open(workspace), name, author)
    say("rules.used" if is_new else "rules.same", name=found.pack.name,
        version=found.pack.version, at=found.at, person=found.person)  # fmt: skip


def _print_in_force(workspace: Path) -> None:
    from reverdure.pipeline.packs import packs_in_force
    from reverdure.store.workspace import Workspace

    found = packs_in_force(Workspace.open(workspace))
    if not found:
        say("rules.none", workspace=workspace)
        return
    for one in found:
        until = words("rules.before" if one is not found[-1] else "rules.now")
        say("rules.since", name=one.pack.name, version=one.pack.version, at=one.at,
            person=one.person, why=one.why or "-", until=until)  # fmt: skip
    _print(found[-1].pack)


def _print_packs() -> None:
    from reverdure.registry.packs import pack, pack_names

    for name in pack_names():
        found = pack(name)
        say("rules.pack", name=name, title=_said(found), version=found.version,
            count=len(found.rules))  # fmt: skip
    say("rules.hint")


def _print(found: "RulePack") -> None:
    """Every rule with its clause and its status."""
    say("rules.title", name=found.name, title=_said(found), version=found.version,
        valid_from=found.valid_from or "-")  # fmt: skip
    for key in ("duties", "thresholds", "steps", "limits"):
        of_kind: Sequence[Rule] = getattr(found, key)
        say(f"rules.{key}", count=len(of_kind))
        for one in of_kind:
            typer.echo(f"  {_said(one)}{_more(key, one, found)}")
            say("rules.rests", status=words(f"rules.status.{one.status.replace(' ', '_')}"),
                clause=one.clause or words("rules.no_clause"),
                source=one.source or words("rules.no_source"))  # fmt: skip
    if found.sources:
        say("rules.sources")
    for source in found.sources:
        typer.echo(f"  {source.key}: {_said(source)} {source.published}".rstrip())
    if found.gaps:
        say("rules.gaps")
    for gap in found.gaps:
        typer.echo(f"  {_said(gap)}")


def _more(kind: str, one: Any, found: "RulePack") -> str:
    """What a rule says beside its words."""
    if kind == "duties":
        return _of_duty(one, found)
    if kind == "steps":
        return _of_step(one, found)
    if kind == "limits":
        return f" [{Aim.from_key(one.land_use).label(language())}]"
    return f" [{one.value:g} {one.unit}]"


def _of_duty(one: "Duty", found: "RulePack") -> str:
    who = [choices("party_type")[key][language()] for key in one.who]
    whose = [choices("liability")[key][language()] for key in one.liability]
    text = f" [{', '.join(who)}{': ' if whose else ''}{', '.join(whose)}]"
    if one.date:
        return text + " " + words("rules.by_day", day=one.date)
    if one.after:
        steps = {step.key: _said(step) for step in found.steps}
        after = steps.get(one.after) or choices("event_type")[one.after][language()]
        key = "rules.days_after" if one.days else "rules.months_after"
        return text + " " + words(key, count=one.days or one.months, after=after)
    return text


def _of_step(one: "Step", found: "RulePack") -> str:
    roles = {role.key: _said(role) for role in found.roles}
    parts = [f"{one.order}", roles[one.role]]
    if one.needs_evidence:
        parts.append(words("rules.evidence"))
    if one.returns_to:
        named = {step.key: _said(step) for step in found.steps}
        parts.append(words("rules.returns", step=named[one.returns_to]))
    outcomes = {outcome.key: _said(outcome) for outcome in found.outcomes}
    if one.outcomes:
        said = " | ".join(outcomes[key] for key in one.outcomes)
        parts.append(words("rules.outcomes", outcomes=said))
    return f" [{'; '.join(parts)}]"


def _said(one: Any) -> str:
    """Words of a pack, rule, role, outcome, source or gap."""
    return str(one.zh if language() == "zh" else one.en)
