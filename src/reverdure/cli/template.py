"""`reverdure template`: empty forms for lists and for money, with drop-downs and units."""

from pathlib import Path
from typing import Annotated

import typer

from reverdure.cli.screen import language, say


def template(
    kind: Annotated[
        str,
        typer.Argument(
            help="mines, claims, budget (plan --within). / mines 矿山, claims 上报, budget 资金"
        ),
    ],
    file: Annotated[Path, typer.Argument(help="Workbook to write (.xlsx). / 要写出的表单")],
) -> None:
    """Write an empty form for a list or a budget, to be read back. / 写出空白填报表单"""
    from reverdure.intake.templates import write_template

    choices = None
    if kind == "budget":
        from reverdure.pipeline.plan_sources import budget_choices

        choices = budget_choices(language())
    write_template(file, kind, language(), choices)
    say("template.written_budget" if choices else "template.written", path=file, kind=kind)
