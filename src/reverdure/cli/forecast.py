"""`reverdure forecast`: every mine to its deadline, and which duties are likely to be missed."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.records import MineOption, On, PageOption, day_of
from reverdure.cli.screen import language, say, table, words
from reverdure.core.codes import ForecastStatus
from reverdure.core.errors import InvalidInput
from reverdure.core.steer_fields import DUTY_FORECASTS, FORECASTS

if TYPE_CHECKING:
    import pandas as pd

PAGE = 50
"""Rows of a list that are shown at once."""
Target = Annotated[
    float, typer.Option(help="Recovered share that is asked for, 0 to 1. / 要求的恢复程度,0至1")
]
County = Annotated[str, typer.Option(help="Only of this county. / 仅限该县")]


def forecast(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    workspace: WorkspaceOption,
    by: Annotated[
        int, typer.Option(help="Deadline, a year; 0: five years on. / 截止年份,0 为五年后")
    ] = 0,
    target: Target = 0.75,
    county: County = "",
    mine: MineOption = "",
    duties: Annotated[
        bool, typer.Option("--duties", help="Open duties, likeliest to be missed first. / 责任预警")
    ] = False,
    on: On = "",
    page: PageOption = 1,
    csv: Annotated[
        Path | None, typer.Option(help="Write all rows here, .csv or .xlsx. / 另存为")
    ] = None,
) -> None:
    """Forecast recovery to a deadline, with its chance of the target. / 预测到期恢复情况"""
    from reverdure.pipeline.forecast import duty_forecast, write_table
    from reverdure.pipeline.forecast import forecast as ahead
    from reverdure.pipeline.own_measures import MEASURES, own_measures
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    if duties:
        if by:
            raise InvalidInput(
                f"--by {by} and --duties were both given: each duty has its own deadline.",
                "Leave one of them out.",
            )
        found, of = duty_forecast(opened, target, day_of(on), county, mine), DUTY_FORECASTS
    else:
        if on:
            raise InvalidInput(f"--on {on} goes with --duties.", "Add --duties.")
        found, of = ahead(opened, by, target, county, mine), FORECASTS
    last = found.states.years[-1]
    say("forecast.duties" if duties else "forecast.title", count=len(found.rows), last=last,
        target=f"{target:g}")  # fmt: skip
    (_print_duties if duties else _print_mines)(_page(found.rows, page))
    _print_pages(len(found.rows), page)
    untold = int((found.rows["status"] != ForecastStatus.FORECAST.key).sum())
    if untold:
        say("forecast.untold", count=untold)
    is_own = bool(own_measures(opened))
    say("forecast.assumed", measures=MEASURES if is_own else f"plan/data/{MEASURES}")
    if duties:
        say("forecast.duty_assumed", target=f"{target:g}")
    if csv is not None:
        path = write_table(csv, of, found.rows, language())
        say("forecast.written", path=path, count=len(found.rows))


def _print_mines(rows: "pd.DataFrame") -> None:
    heads = ("mine", "county", "status", "deadline", "now", "expected", "interval", "chance")
    table(
        [words(f"forecast.{name}") for name in heads],
        [
            (row.mine_id, "-" if row.county == "unknown" else row.county, status_word(row.status),
             row.deadline, share(row.now), share(row.expected),
             interval(row.low, row.high), share(row.p_target))
            for row in rows.itertuples()
        ],
        numbers_from=3,
    )  # fmt: skip


def _print_duties(rows: "pd.DataFrame") -> None:
    heads = ("place", "duty", "mine", "party", "due", "status", "deadline", "expected", "interval",
             "missed")  # fmt: skip
    table(
        [words(f"forecast.{name}") for name in heads],
        [
            (row.place, row.duty_id, row.mine_id, row.party, row.due_date, status_word(row.status),
             row.deadline, share(row.expected), interval(row.low, row.high), share(row.p_missed))
            for row in rows.itertuples()
        ],
        numbers_from=6,
    )  # fmt: skip


def _page(rows: "pd.DataFrame", number: int) -> "pd.DataFrame":
    pages = max(1, -(-len(rows) // PAGE))
    if not 1 <= number <= pages:
        raise InvalidInput(f"there is no page {number}; the list has {pages}.")
    return rows.iloc[(number - 1) * PAGE : number * PAGE]


def _print_pages(count: int, number: int) -> None:
    pages = -(-count // PAGE)
    if pages > 1:
        say("records.page", page=number, pages=pages, next=number % pages + 1)


def status_word(key: str) -> str:
    """Label of a status in the language of this command."""
    return ForecastStatus.from_key(key).label(language())


def share(value: float) -> str:
    """To a hundredth; "-" where there is none."""
    return "-" if math.isnan(value) else f"{value:.2f}"


def interval(low: float, high: float) -> str:
    """Both bounds to a hundredth; "-" where there is none."""
    return "-" if math.isnan(low) else f"{low:.2f}-{high:.2f}"
