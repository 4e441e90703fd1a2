"""`reverdure field`: plots to visit, the answers that come back, what they say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverdure.cli.add import WorkspaceOption, say_findings
from reverdure.cli.changes import Area
from reverdure.cli.screen import language, say, table, words
from reverdure.core.codes import FieldAnswer, FieldStatus, Verdict
from reverdure.core.errors import InvalidInput

if TYPE_CHECKING:
    from reverdure.pipeline.field_result import FieldResult

app = typer.Typer(
    help="Verify in the field: plots, answers, corrected area. / 外业核查:样地、结果与校正面积",
    no_args_is_help=True,
)

Unit = Annotated[str, typer.Option(help="ha or mu. / 公顷或亩")]
_DEFAULT_WITHIN = 10.0
_MOST_CHANGES = 20


@app.command()
def plan(
    workspace: WorkspaceOption,
    out: Annotated[Path, typer.Option(help="GeoPackage to write. / 输出文件")],
    within: Annotated[
        float | None,
        typer.Option(
            help="Half of the interval, % of the restored area; 10 unless plots are given."
            " / 区间半宽(占修复面积的百分比);未给样地数时为 10"
        ),
    ] = None,
    plots: Annotated[
        int | None, typer.Option(help="Or how many plots there can be. / 或:样地数")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of the interval. / 置信水平")] = 0.95,
    county: Annotated[str | None, typer.Option(help="This county only. / 仅此县")] = None,
    unit: Unit = "ha",
) -> None:
    """Draw a stratified sample of plots and write the form for QGIS and QField. / 抽取样地"""
    from reverdure.pipeline.field import plan_field
    from reverdure.store.workspace import Workspace

    if within is not None and plots is not None:
        raise InvalidInput(
            f"--within {within:g} and --plots {plots} were both given.",
            "Say how close, or how many, not both.",
        )
    area = Area(unit)
    share = None if plots is not None else (_DEFAULT_WITHIN if within is None else within) / 100
    planned = plan_field(
        Workspace.open(workspace), out, within=share, plots=plots, confidence=confidence,
        county=county,
    )  # fmt: skip
    record = planned.record
    say("field.sample" if planned.is_new else "field.again", sample=planned.sample_id)
    table(
        [words(f"field.{name}") for name in
         ("stratum", "map_class", "verdicts", "p", "ground", "plots")],
        [
            [
                row["stratum"],
                _class_label(row["map_class"]),
                ", ".join(Verdict.from_key(key).label(language())
                          for key in row["verdicts"].split("+")),
                f"{row['p_low']:g}-{row['p_high']:g}",
                area(row["area_ha"]),
                row["plots"],
            ]
            for row in record["strata"]
        ],
        numbers_from=3,
    )  # fmt: skip
    say("field.visit", plots=planned.plots, mines=planned.mines, claims=planned.claims)
    mapped = record["mapped_ha"]
    say(
        "field.expect",
        mapped=area(mapped),
        half=area(record["half_width_ha"]),
        percent=f"{100 * record['half_width_ha'] / mapped:.1f}" if mapped > 0 else "-",
        confidence=f"{100 * record['confidence']:g}",
    )
    if record["left_out_claims"]:
        say("field.left_out", claims=record["left_out_claims"], ground=area(record["left_out_ha"]))
    for path in planned.files:
        say("field.file", path=path)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="File of the form, filled in. / 填好的表单文件")],
    workspace: WorkspaceOption,
    correct: Annotated[
        bool,
        typer.Option("--correct", help="Answer anew what was answered. / 更正已有结果"),
    ] = False,
) -> None:
    """Read what came back from the field. / 导入外业结果"""
    from reverdure.pipeline.field import add_answers
    from reverdure.store.workspace import Workspace

    added = add_answers(Workspace.open(workspace), file, correct=correct)
    report = added.report
    say("field.counts", source=report.source, read=report.read, accepted=report.accepted,
        unplaced=report.without_outline, rejected=report.rejected)  # fmt: skip
    say_findings(added)


@app.command()
def result(
    workspace: WorkspaceOption,
    sample: Annotated[
        str | None, typer.Option(help="Sample; default the last with answers. / 抽样编号")
    ] = None,
    unit: Unit = "ha",
) -> None:
    """Say what the answers say: error matrix, corrected area, verdicts. / 外业结果与校正"""
    from reverdure.pipeline.field_result import field_result
    from reverdure.store.workspace import Workspace

    area = Area(unit)
    found = field_result(Workspace.open(workspace), sample)
    whole = found.areas.iloc[0]
    say("field.answers", sample=found.sample.sample_id, plots=found.n_plots, seen=found.n_seen,
        usable=found.n_answers)  # fmt: skip
    _say_matrix(found)
    confidence = f"{100 * found.sample.record['confidence']:g}"
    table(
        [words(f"field.{name}") for name in
         ("part", "n_answers", "ground", "mapped", "found", "low", "high", "status")],
        [
            [
                _part(row["part"], row["name"]),
                row["answers"],
                area(row["ground_ha"]),
                area(row["mapped_ha"]),
                area(row["restored_ha"]),
                area(row["restored_ha_low"]),
                area(row["restored_ha_high"]),
                _status(row["status"]),
            ]
            for row in found.areas.to_dict("records")
        ],
    )  # fmt: skip
    if found.matrix is not None:
        say("field.interval", confidence=confidence)
        if found.n_answers < found.n_plots:
            say("field.if_missing", missing=found.n_plots - found.n_answers,
                least=area(whole["restored_ha_if_none"]),
                most=area(whole["restored_ha_if_all"]))  # fmt: skip
    _say_verdicts(found)
    say("field.page", page=found.page)


def _say_matrix(found: "FieldResult") -> None:
    matrix = found.matrix
    if matrix is None:
        say("field.no_matrix")
        return
    table(
        [words("field.on_map"), *(words("field.in_field", name=_class_label(name))
                                  for name in matrix.classes), words("field.users")],
        [
            [_class_label(name), *matrix.counts[i].tolist(), _accuracy(matrix.users[i])]
            for i, name in enumerate(matrix.classes)
        ]
        + [[words("field.producers"), *map(_accuracy, matrix.producers), ""]],
    )  # fmt: skip
    say("field.overall", accuracy=_accuracy(matrix.overall))


def _say_verdicts(found: "FieldResult") -> None:
    if found.line is None:
        say("field.too_few", count=found.n_answers)
        return
    say("field.line")
    for row in found.line.to_dict("records"):
        say("field.line_row", **{name: f"{100 * row[name]:.0f}" for name in row})
    changed = found.changed
    judged = int((found.verdicts["status"] == FieldStatus.ESTIMATED.key).sum())
    say("field.changes", count=len(changed), judged=judged)
    for row in changed.head(_MOST_CHANGES).to_dict("records"):
        before, after = (
            Verdict.from_key(row[name]).label(language()) for name in ("verdict", "verdict_after")
        )
        say("field.change", claim=row["claim_id"], before=before, after=after,
            p=f"{row['p_supported']:.2f}", p_after=f"{row['p_supported_after']:.2f}")  # fmt: skip
    if len(changed) > _MOST_CHANGES:
        say("field.more", count=len(changed) - _MOST_CHANGES)


def _class_label(name: str) -> str:
    return FieldAnswer.from_key(name).label(language())


def _part(part: str, name: str) -> str:
    if part == "all":
        return words("field.whole")
    return Verdict.from_key(name).label(language()) if part == "verdict" else name


def _status(key: str) -> str:
    """What a reader must know of a row; nothing where the estimate is of all of it."""
    status = FieldStatus.from_key(key)
    return "" if status is FieldStatus.ESTIMATED else status.label(language())


def _accuracy(one: Any) -> str:
    if one.value != one.value:
        return "-"
    return f"{100 * one.value:.0f} % ({100 * one.low:.0f}-{100 * one.high:.0f})"
