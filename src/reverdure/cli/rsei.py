"""`reverdure rsei`: the ecological index of every mine and year against its surroundings."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import language, progress, say, table, words
from reverdure.core.codes import RseiStatus

if TYPE_CHECKING:
    import pandas as pd

_COMPONENTS = ("greenness", "wetness", "dryness", "heat")


def rsei(
    workspace: WorkspaceOption,
    refit_rsei: Annotated[
        bool,
        typer.Option(
            "--refit-rsei", help="Find the basis anew from all years; recorded. / 重新拟合基准"
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for tables and rasters. / 表格与栅格输出目录")
    ] = None,
) -> None:
    """Ecological index (RSEI) of each mine and year, on one kept basis. / 遥感生态指数"""
    from reverdure.pipeline.rsei import make_rsei
    from reverdure.pipeline.rsei_tables import write_rsei
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    try:
        with opened.writing(registry=False):
            with progress() as on_progress:
                result, land = make_rsei(opened, refit=refit_rsei, on_progress=on_progress)
            tables = write_rsei(opened, result, land.plan, land, out)
    except KeyboardInterrupt:
        typer.echo(words("run.stopped"), err=True)
        raise typer.Exit(130) from None
    fit = result.basis.fit
    status = fit.loadings.status.label(language())
    say(f"rsei.{result.basis.action}", fit=fit.digest, status=status)
    _print_years(tables["rsei_years"])
    _print_mines(tables["rsei"])
    say("rsei.made", made=result.made, all=len(result.paths))
    say("rsei.written", folder=out if out is not None else opened.products)


def _print_years(years: "pd.DataFrame") -> None:
    """The basis in the first row, then what each year by itself would give."""
    names = [words(f"rsei.{name}") for name in ("year", *_COMPONENTS, "share", "reference_k")]
    rows = [
        [
            words("rsei.all_years") if math.isnan(row["year"]) else int(row["year"]),
            *(_number(row[name]) for name in _COMPONENTS),
            _number(row["share"]),
            _number(row["reference_k"], 1),
            _label(row["status"]),
        ]
        for row in years.astype({"year": "float64"}).to_dict("records")
    ]
    table([*names, words("rsei.status")], rows)


def _print_mines(mines: "pd.DataFrame") -> None:
    """How many mines have an index in the last year, and how they stand beside their land."""
    shown = mines[mines["rsei_difference"].notna()]
    if shown.empty:
        say("rsei.no_mines", mines=mines["mine_id"].nunique())
        return
    last = int(shown["year"].max())
    of_year = shown[shown["year"] == last]
    say(
        "rsei.mines",
        year=last,
        count=len(of_year),
        mines=mines["mine_id"].nunique(),
        mean=_number(of_year["rsei"].mean()),
        around=_number(of_year["rsei_around"].mean()),
    )


def _number(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _label(key: str) -> str:
    return RseiStatus.from_key(key).label(language())
