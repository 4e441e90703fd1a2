"""Tables of the registry: `add duties`, `duties --overdue`, `records works --history W1`."""

import datetime
import getpass
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from reverdure.cli.add import FileArgument, WorkspaceOption, app
from reverdure.cli.screen import area_shown, language, say, say_page, table, words
from reverdure.core.errors import InvalidInput
from reverdure.core.kinds import Kind, choices, kind_of, kinds
from reverdure.core.record_book import Record
from reverdure.core.records import Finding

_MOST_FINDINGS = 20
_WIDEST = 40

By = Annotated[str, typer.Option(help="Who answers for it. / 责任人")]
Why = Annotated[str, typer.Option(help="Why. / 理由")]
Unit = Annotated[str, typer.Option(help="ha or mu. / 公顷或亩")]
On = Annotated[
    str, typer.Option("--on", help="Day it is looked at, YYYY-MM-DD; today. / 截至日期,默认今天")
]
MineOption = Annotated[str, typer.Option("--mine", help="Only of this mine. / 仅限该矿山")]
PartyOption = Annotated[str, typer.Option("--party", help="Only of this party. / 仅限该主体")]
PageOption = Annotated[int, typer.Option("--page", help="Which page of a long list. / 第几页")]


def say_refused(refused: Sequence[Finding]) -> None:
    """Print why rows or claims were refused, the first of them."""
    for finding in refused[:_MOST_FINDINGS]:
        message = finding.message_zh if language() == "zh" else finding.message
        say("add.row", action=words("action.rejected"), row=finding.row,
            id=finding.id or "-", message=message)  # fmt: skip
    if len(refused) > _MOST_FINDINGS:
        say("add.more", count=len(refused) - _MOST_FINDINGS)


def _adder(kind: Kind) -> Callable[..., None]:
    def add(
        file: FileArgument,
        workspace: WorkspaceOption,
        by: By = "",
        why: Why = "",
        update: Annotated[
            bool, typer.Option("--update", help="Let rows change what is known. / 允许更新")
        ] = False,
        encoding: Annotated[str, typer.Option(help="Encoding of the text. / 文字编码")] = "",
    ) -> None:
        from reverdure.pipeline.records import add_records
        from reverdure.store.records import Author
        from reverdure.store.workspace import Workspace

        added = add_records(
            Workspace.open(workspace), kind, file,
            Author(by or getpass.getuser(), why, file.name), update=update, encoding=encoding,
        )  # fmt: skip
        found = added.checked
        say("records.added", source=added.source, read=found.read, new=len(found.new),
            changed=len(found.changed), unchanged=found.unchanged,
            refused=len(found.refused))  # fmt: skip
        if added.unknown:
            say("records.unknown", columns=", ".join(added.unknown))
        say_refused(found.refused)
        if added.rejected_file:
            say("add.rejected_file", path=added.rejected_file)
        if found.read and len(found.refused) == found.read:
            raise typer.Exit(1)

    add.__doc__ = f"Read a table of {kind.en}: CSV or workbook. / 导入{kind.zh}"
    return add


for _kind in kinds().values():
    app.command(_kind.plural)(_adder(_kind))


def duties(
    workspace: WorkspaceOption,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only those past their day. / 仅列逾期")
    ] = False,
    next_days: Annotated[
        int | None,
        typer.Option("--next", help="Only those due within so many days. / 仅列若干天内到期"),
    ] = None,
    mine: MineOption = "",
    party: PartyOption = "",
    on: On = "",
    page: PageOption = 1,
) -> None:
    """List open duties: who owes what, by when. / 列出未履行的责任"""
    of = kinds()["duty"]
    _print_page(workspace, of, page, mine_id=mine, party_id=party, open_on=day_of(on),
                overdue=overdue, next_days=next_days)  # fmt: skip


def rectifications(
    workspace: WorkspaceOption,
    only_open: Annotated[
        bool, typer.Option("--open", help="Only those not closed. / 仅列未销号")
    ] = False,
    mine: MineOption = "",
    party: PartyOption = "",
    on: On = "",
    page: PageOption = 1,
) -> None:
    """List rectifications: what was found, ordered, and closed. / 列出整改台账"""
    day = day_of(on) if only_open else None
    of = kinds()["rectification"]
    _print_page(workspace, of, page, mine_id=mine, party_id=party, open_on=day)


def records(
    kind: Annotated[str, typer.Argument(help="Table: duties, works, funds ... / 表名")],
    workspace: WorkspaceOption,
    mine: MineOption = "",
    party: PartyOption = "",
    history: Annotated[
        str, typer.Option(help="Every version of this record. / 该记录的全部版本")
    ] = "",
    page: PageOption = 1,
) -> None:
    """List a table of the registry, or the versions of one record. / 列出登记表或单条历史"""
    from reverdure.pipeline.records import history_of, lineage
    from reverdure.store.workspace import Workspace

    if not history:
        _print_page(workspace, kind_of(kind), page, mine_id=mine, party_id=party)
        return
    of = kind_of(kind)
    for version in history_of(Workspace.open(workspace), of, history):
        say("records.version", version=version["version"], at=version["at"],
            person=version["person"], why=version["why"] or "-")  # fmt: skip
        for column in of.columns:
            if column.name in version["body"]:
                shown = _cell(of, column.name, version["body"])
                typer.echo(f"  {_word(column)}: {shown}")
    if of.name == "patch":
        before, after = lineage(Workspace.open(workspace), history)
        say("records.lineage", before=", ".join(before) or "-", after=", ".join(after) or "-")


def programmes(workspace: WorkspaceOption, unit: Unit = "ha") -> None:
    """Print programmes as a tree with mines, works and hectares. / 规划与项目汇总"""
    from reverdure.core.units import HA_PER_UNIT
    from reverdure.pipeline.rollup import programmes
    from reverdure.store.workspace import Workspace

    shown = area_shown(unit)
    rows = []
    for one in programmes(Workspace.open(workspace)):
        name = words("rollup.whole")
        if one.record is not None:
            name = f"{'  ' * one.depth}{one.record.id}  {one.record.values['name']}"
        areas = (one.area_ha, one.claimed_ha, one.supported_ha)
        rows.append([name, one.mines, one.works,
                     *(f"{area / HA_PER_UNIT[shown]:,.1f}" for area in areas)])  # fmt: skip
    heads = [words(f"rollup.{key}") for key in ("programme", "mines", "works")]
    columns = [f"{words(f'rollup.{key}')} ({words(f'unit.{shown}')})"
             for key in ("area", "claimed", "supported")]  # fmt: skip
    table([*heads, *columns], rows)
    say("rollup.once")


def targets(workspace: WorkspaceOption) -> None:
    """Print targets as a tree, each beside the sum of its parts. / 目标分解与核对"""
    from reverdure.pipeline.rollup import targets
    from reverdure.store.workspace import Workspace

    rows = []
    for one in targets(Workspace.open(workspace)):
        values = one.record.values
        divided = [f"{one.divided:,.10g}", f"{one.left:,.10g}"] if one.parts else ["-", "-"]
        rows.append([f"{'  ' * one.depth}{one.record.id}  {values['metric']}",
                     values["measured_in"], f"{values['from_year']}-{values['to_year']}",
                     f"{values['value']:,.10g}", *divided])  # fmt: skip
    names = ("target", "measured_in", "years", "value", "divided", "left")
    table([words(f"rollup.{name}") for name in names], rows, numbers_from=3)


def _print_page(workspace: Path, kind: Kind, number: int, **asked: Any) -> None:
    from reverdure.pipeline.records import PAGE, question, records_page
    from reverdure.store.workspace import Workspace

    found = records_page(Workspace.open(workspace), question(kind, **asked), number)
    _print(kind, found.records)
    say_page(number, found.count, PAGE)
    if asked.get("open_on"):
        day = asked["open_on"].isoformat()
        say("records.open", count=found.count, overdue=found.past, day=day)
    else:
        say("records.count", count=found.count)


def _print(kind: Kind, found: Sequence[Record]) -> None:
    """Columns that hold anything to read."""
    shown = [one for one in kind.columns
             if one.kind != "outline" and any(one.name in row.values for row in found)]  # fmt: skip
    if shown:
        table(
            [_word(column) for column in shown],
            [[_cell(kind, column.name, row.values) for column in shown] for row in found],
            numbers_from=len(shown),
        )


def _word(column: Any) -> str:
    return str(column.zh if language() == "zh" else column.en)


def _cell(kind: Kind, name: str, values: Any) -> str:
    value, column = values.get(name), kind.column(name)
    if value is None:
        return ""
    if column.choices:
        return choices(column.choices)[value][language()]
    if isinstance(value, bool):
        return words("records.yes" if value else "records.no")
    if isinstance(value, float):
        return f"{value:,.10g}"
    text = str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def day_of(on: str) -> datetime.date:
    """The day an option names, today where it names none."""
    if not on:
        return datetime.datetime.now(datetime.UTC).date()
    try:
        return datetime.date.fromisoformat(on)
    except ValueError as error:
        raise InvalidInput(f"--on {on!r} is no day; write it as 2026-05-31.") from error
