"""`reverdure rank`: mines in order of several criteria, and how far the order holds."""

import math
from pathlib import Path
from typing import Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.records import PageOption
from reverdure.cli.screen import language, say, table, words
from reverdure.core.codes import RankStatus
from reverdure.core.errors import InvalidInput
from reverdure.core.steer_fields import RANKS

PAGE = 50
"""Rows of a list that are shown at once."""


def rank(
    workspace: WorkspaceOption,
    criteria: Annotated[Path, typer.Option(help="Mines by criteria, .csv or .xlsx. / 指标表")],
    weights: Annotated[
        Path | None, typer.Option(help="Weights of groups, or their comparisons. / 权重表")
    ] = None,
    method: Annotated[
        str, typer.Option(help="topsis, ahp, entropy or benefit-cost. / 方法")
    ] = "topsis",
    normalise: Annotated[str, typer.Option(help="vector or min-max. / 归一化")] = "vector",
    best: Annotated[
        int, typer.Option(help="How many count as the first; 0: a tenth. / 前列名额")
    ] = 0,
    page: PageOption = 1,
    csv: Annotated[
        Path | None, typer.Option(help="Write all rows here, .csv or .xlsx. / 另存为")
    ] = None,
) -> None:
    """Rank mines by criteria, with the chance that a rank survives. / 多指标排序与稳健性"""
    from reverdure.pipeline.forecast import write_table
    from reverdure.pipeline.rank import DRAWS
    from reverdure.pipeline.rank import rank as ranked
    from reverdure.store.workspace import Workspace

    found = ranked(Workspace.open(workspace), criteria, weights, method, normalise, best)
    rows = found.rows
    pages = max(1, -(-len(rows) // PAGE))
    if not 1 <= page <= pages:
        raise InvalidInput(f"there is no page {page}; the list has {pages}.")
    say("rank.title", method=method, count=len(rows),
        normalise=normalise if found.weights else "-")  # fmt: skip
    for name, unit, is_cost in zip(
        found.criteria.names, found.criteria.units, found.criteria.is_cost, strict=True
    ):
        way = words("rank.less" if is_cost else "rank.more")
        weight = f"{found.weights[name]:.3f}" if found.weights else "-"
        say("rank.criterion", name=name, unit=unit or "-", way=way, weight=weight)
    for one in found.log:
        said = ", ".join(f"{name} {value:.3f}" for name, value in one.weights.items())
        say("rank.asked", group=one.group, asked=one.asked, date=one.date.isoformat(), said=said)
    for group, pairs in found.consistency.items():
        say("rank.consistency", group=group, ratio=f"{pairs.ratio:.3f}")
    table(
        [words(f"rank.{name}") for name in ("rank", "mine", "status", "score")]
        + [words("rank.chance", best=found.best)],
        [
            ("-" if row.status != RankStatus.RANKED.key else row.rank, row.mine_id,
             RankStatus.from_key(row.status).label(language()), _shown(row.score, 4),
             _shown(row.p_best, 2))
            for row in rows.iloc[(page - 1) * PAGE : page * PAGE].itertuples()
        ],
        numbers_from=3,
    )  # fmt: skip
    if pages > 1:
        say("records.page", page=page, pages=pages, next=page % pages + 1)
    if found.weights:
        say("rank.drawn", draws=DRAWS, best=found.best)
    if csv is not None:
        say("forecast.written", path=write_table(csv, RANKS, rows, language()), count=len(rows))


def _shown(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
