"""`reverdure template`: empty forms for lists, with drop-downs and units."""

from pathlib import Path
from typing import Annotated

import typer

from reverdure.cli.screen import language, say


def template(
    kind: Annotated[str, typer.Argument(help="mines or claims. / mines 矿山, claims 上报")],
    file: Annotated[Path, typer.Argument(help="Workbook to write (.xlsx). / 要写出的表单")],
) -> None:
    """Write an empty form for a list, which `reverdure add` reads back. / 写出空白填报表单"""
    from reverdure.intake.templates import write_template

    write_template(file, kind, language())
    say("template.written", path=file, kind=kind)
