"""The trajectory fit of a mine as a figure for a paper: vectors, axes, legend, source."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from reverdure.publish.charts import Event, chart, yearly_series
from reverdure.publish.messages import messages, text
from reverdure.publish.pages import draw
from reverdure.publish.sheets import printable

Row = Mapping[str, Any]

_WIDTH, _PANEL, _HEAD, _AXIS = 720.0, 250.0, 34.0, 24.0
_LEGEND = (("observed", "hollow", "fitted"), ("reference", "band"))
_LEGEND_STEP, _LINE = 230.0, 20.0


def trajectory_figure(
    title: str, yearly: Sequence[Row], events: Sequence[Event], language: str
) -> str:
    """Every index of a mine over the years as SVG, one panel below the other.

    Parameters
    ----------
    title : str
        Name of the mine.
    yearly : sequence of mapping
        Rows of TRAJECTORIES of one mine, None where a value is missing; at least one.
    events : sequence of Event
        Damage, claimed work and recovery.
    language : str
        "en" or "zh".

    Returns
    -------
    str
        Text is left as text in fonts that every system has; a line is broken where a value
        is missing.
    """
    panels, y = [], _HEAD
    for index in dict.fromkeys(row["index"] for row in yearly):
        series = yearly_series(row for row in yearly if row["index"] == index)
        drawn = chart(series, events, _WIDTH - 36, _PANEL)
        key = f"index.{index}"
        name = text(key, language) if key in messages() else index.upper()
        label = text("drawn.value", language, {"index": name})
        panels.append({"chart": drawn, "y": y, "label": label})
        y = round(y + drawn.height + _AXIS, 1)
    years = sorted({int(row["year"]) for row in yearly})
    run = {"version": version("reverdure"), "run_id": yearly[0]["run_id"],
           "first": years[0], "last": years[-1]}  # fmt: skip
    legend = [
        {"kind": kind, "x": 64 + _LEGEND_STEP * column, "y": y + _LINE * (line + 1)}
        for line, kinds in enumerate(_LEGEND)
        for column, kind in enumerate(kinds)
    ]

    def said(key: str, values: Mapping[str, object] | None = None) -> object:
        return text(key, language, values)

    facts: dict[str, Any] = {
        "language": language,
        "title": text("drawn.trajectory_title", language, {"mine": printable(title)}),
        "panels": panels,
        "legend": legend,
        "said": said,
        "source": text("drawn.source", language, run),
        "width": _WIDTH,
        "height": y + _LINE * (len(_LEGEND) + 2),
    }
    return draw("trajectory.svg.j2", facts)
