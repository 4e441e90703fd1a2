"""The trajectory of a mine as a drawing: lines, points and events in drawing units."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LANE = 17.0
_LEFT, _RIGHT, _BOTTOM = 40.0, 18.0, 24.0


@dataclass(frozen=True, slots=True)
class Year:
    """One year of one index of a mine or a claim's ground; None where there is no value.

    `needed` is the level from which ground counts as restored; only claims are drawn with it.
    """

    year: int
    value: float | None
    fitted: float | None
    clear_share: float | None
    reference: float | None
    low: float | None
    high: float | None
    needed: float | None = None


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that happened: in one year, or from `first` to `last`.

    `kind` is "damage", "work" or "recovered".
    """

    first: int
    last: int
    kind: str


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event in its lane above the plot."""

    event: Event
    x: float
    x_last: float
    y: float
    text_x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything one drawing shows.

    `points` and `hollow` are observed values as strokes without length; hollow ones stand
    for years in which less than half of the mine was clear.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    year_ticks: tuple[tuple[float, int], ...]
    value_ticks: tuple[tuple[float, str], ...]
    band: tuple[str, ...]
    reference: tuple[str, ...]
    fitted: tuple[str, ...]
    points: str
    hollow: str
    events: tuple[PlacedEvent, ...]
    needed: tuple[str, ...] = ()


def yearly_series(rows: Iterable[Mapping[str, Any]]) -> list[Year]:
    """Rows of TRAJECTORIES of one mine and index, None where a value is missing, by year."""
    return [
        Year(
            int(row["year"]), row["value"], row["fitted"], row["clear_share"],
            row["reference"], row["reference_low"], row["reference_high"],
        )
        for row in sorted(rows, key=lambda row: int(row["year"]))
    ]  # fmt: skip


def chart(series: Sequence[Year], events: Iterable[Event], width: float, height: float) -> Chart:
    """Place one index of one mine on a drawing of the given size.

    Parameters
    ----------
    series : sequence of Year
        One entry a year, in order, at least one.
    events : iterable of Event
        Each gets a lane of its own above the plot, so that no two texts meet.
    width, height : float
        Size of the plot with its axes, [drawing unit]; lanes are added to the height.

    Returns
    -------
    Chart
        A line is broken where a value is missing.
    """
    lanes = sorted(set(events))
    top = 10.0 + _LANE * len(lanes)
    right, bottom = width - _RIGHT, top + height - _BOTTOM
    first, last = series[0].year, max(series[-1].year, series[0].year + 1)
    ticks = _value_ticks(series)

    def x_of(year: float) -> float:
        share = (min(max(year, first), last) - first) / (last - first)
        return round(_LEFT + share * (right - _LEFT), 1)

    def y_of(value: float) -> float:
        share = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return round(bottom - share * (bottom - top), 1)

    digits = 1 if ticks[1] - ticks[0] >= 0.0999 else 2
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100) if (last - first) / s * 38 <= right - _LEFT)
    return Chart(
        width, bottom + _BOTTOM, _LEFT, right, top, bottom,
        tuple((x_of(y), y) for y in range(first, last + 1) if y % step == 0),
        tuple((y_of(t), f"{t + 0.0:.{digits}f}".replace("-", "−")) for t in ticks),
        tuple(_band(run, x_of, y_of) for run in _runs(series, "low")),
        tuple(_line(run, "reference", x_of, y_of) for run in _runs(series, "reference")),
        tuple(_line(run, "fitted", x_of, y_of) for run in _runs(series, "fitted")),
        _dots((s for s in series if not _is_hazy(s)), x_of, y_of),
        _dots(filter(_is_hazy, series), x_of, y_of),
        tuple(
            _placed(event, x_of, 10.0 + _LANE * (lane + 0.5), (_LEFT + right) / 2)
            for lane, event in enumerate(lanes)
        ),
        tuple(_line(run, "needed", x_of, y_of) for run in _runs(series, "needed")),
    )  # fmt: skip


def _is_hazy(entry: Year) -> bool:
    return entry.clear_share is not None and entry.clear_share < 0.5


def _dots(
    entries: Iterable[Year], x_of: Callable[[float], float], y_of: Callable[[float], float]
) -> str:
    return "".join(f"M{x_of(s.year):g},{y_of(s.value):g}h0" for s in entries if s.value is not None)


def _placed(event: Event, x_of: Callable[[float], float], y: float, middle: float) -> PlacedEvent:
    """Text to the right of the sign, or to its left in the right half."""
    x, x_last = x_of(event.first), x_of(event.last)
    is_left = (x + x_last) / 2 > middle
    return PlacedEvent(
        event, x, x_last, y, x - 8 if is_left else x_last + 8, "end" if is_left else "start"
    )


def _value_ticks(series: Sequence[Year]) -> list[float]:
    """Round values that span everything drawn, five to eight of them."""
    seen = [
        value
        for s in series
        for value in (s.value, s.fitted, s.reference, s.low, s.high, s.needed)
        if value is not None
    ]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    spread = max(high - low, 0.1)
    power = 10.0 ** math.floor(math.log10(spread / 4))
    step = next(s * power for s in (1, 2, 5, 10) if spread / (s * power) <= 6)
    lowest, highest = math.floor(low / step), math.ceil(high / step)
    return [k * step for k in range(lowest, max(highest, lowest + 1) + 1)]


def _runs(series: Sequence[Year], name: str) -> list[list[Year]]:
    """Unbroken stretches of years in which `name` has a value."""
    runs: list[list[Year]] = [[]]
    for entry in series:
        if getattr(entry, name) is None:
            runs.append([])
        else:
            runs[-1].append(entry)
    return [run for run in runs if run]


def _line(
    run: Sequence[Year], name: str, x_of: Callable[[float], float], y_of: Callable[[float], float]
) -> str:
    return " ".join(f"{x_of(s.year):g},{y_of(getattr(s, name)):g}" for s in run)


def _band(
    run: Sequence[Year], x_of: Callable[[float], float], y_of: Callable[[float], float]
) -> str:
    over = [s for s in run if s.high is not None]
    return f"{_line(over, 'high', x_of, y_of)} {_line(over[::-1], 'low', x_of, y_of)}"
