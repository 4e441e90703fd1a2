"""Answers from the field to checked rows: every row accepted or rejected by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from reverdure.core.codes import FieldAnswer
from reverdure.core.errors import InvalidInput, MissingColumn
from reverdure.core.fields import FIELD_ANSWERS
from reverdure.core.records import ImportReport
from reverdure.intake.columns import plain
from reverdure.intake.table import Problem, RawTable
from reverdure.intake.values import day, is_missing, number, text
from reverdure.intake.vector import read_table
from reverdure.registry.tally import Tally

_ELLIPSOID = pyproj.Geod(ellps="WGS84")
_WGS84 = "EPSG:4326"
_UNMOVED_M = 1.0
_VISIT = ("visited_lon", "visited_lat")
_WRITTEN = ("plot_id", "answer", "visited_on", "observer", "cover_percent", "around_percent",
            "remark", *_VISIT)  # fmt: skip
_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "visited_lon": ("visited_lon", "visited longitude", "调查点经度"),
    "visited_lat": ("visited_lat", "visited latitude", "调查点纬度"),
    **{
        field.name: (field.name, field.en, field.zh)
        for field in FIELD_ANSWERS
        if field.name in _WRITTEN
    },
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a visit is held against.

    Attributes
    ----------
    farthest_m : float
        Farthest from the plot that a visit may have been recorded, [m].
    season_start : str
        "MM-DD" on which the imagery of a year begins.
    latest_years_after : int
        Years after the last image from which on a visit is flagged.
    today : date
    """

    farthest_m: float
    season_start: str
    latest_years_after: int
    today: date


def read_answers(
    path: Path,
    *,
    plots: gpd.GeoDataFrame,
    earlier: pd.DataFrame,
    limits: Limits,
    correct: bool = False,
) -> tuple[gpd.GeoDataFrame, ImportReport, pd.DataFrame]:
    """Read what came back from the field, check each row, and account for all of them.

    Parameters
    ----------
    path : Path
        The GeoPackage of the form, or a CSV with its columns (names, or headings in
        English or Chinese).
    plots : GeoDataFrame
        Columns of `core.fields.FIELD_PLOTS`: all plots of the workspace.
    earlier : DataFrame
        Columns of `core.fields.FIELD_ANSWERS`: answers already there.
    limits : Limits
    correct : bool, default False
        Whether a plot already answered gets a new answer beside the earlier one.

    Returns
    -------
    answers : GeoDataFrame
        Columns of `core.fields.FIELD_ANSWERS`, EPSG:4326, in the order of the file.
    report : ImportReport
        `read == accepted + rejected`; `without_outline` counts visits without a position.
    rejected : DataFrame
        Rejected rows as read, with `row`, `reason_code`, `reason`, `reason_zh`.

    Raises
    ------
    MissingColumn
        If plot or answer has no column.
    InvalidInput
        If no sample has been planned.
    UnreadableFile, WrongEncoding, UnsafeArchive
        As `intake.vector.read_table`.

    Notes
    -----
    Rejected: unknown plot, no answer, an answer that is none of the list, two rows of one
    plot that disagree (both) or agree (the second), a plot answered before, a visit
    without a day, before the imagery or in the future, a visit recorded too far off.
    Flagged: no position, a visit long after the imagery, a cover outside 0-100 (left out).
    """
    if plots.empty:
        raise InvalidInput("no plots have been planned.", "First: reverdure field plan -w ...")
    table = read_table(path)
    columns = _columns(table)
    tally = Tally(table)
    cells = {name: list(table.frame[heading]) for name, heading in columns.items()}
    plot_of = plots.set_index("plot_id")
    last = _last_answers(earlier)
    rows = []
    for position in range(len(table.frame)):
        row = {name: values[position] for name, values in cells.items()}
        rows.append(_read_row(position, row, plot_of, _position(row, table, position), limits,
                              tally))  # fmt: skip
    _reject_repeated(rows, tally)
    _reject_answered(rows, last, correct, tally)
    kept = tally.kept()
    answers = _frame([rows[position] for position in kept], kept, last, table.source, tally)
    return answers, tally.report(int(answers.geometry.isna().sum())), tally.rejected_frame()


def _columns(table: RawTable) -> dict[str, str]:
    """Column of ours to heading of the file."""
    known = {plain(str(heading)): str(heading) for heading in table.frame}
    found = {}
    for name, headings in _HEADINGS.items():
        for heading in headings:
            if plain(heading) in known:
                found[name] = known[plain(heading)]
                break
    missing = [name for name in ("plot_id", "answer") if name not in found]
    if missing:
        raise MissingColumn(
            f"{table.source} has no column {missing[0]}; its columns are "
            f"{', '.join(map(repr, table.frame))}.",
            "Send the file of the form back as it came, with the answers filled in.",
        )
    return found


def _position(row: Mapping[str, Any], table: RawTable, position: int) -> shapely.Geometry | None:
    """Where a visit was recorded, EPSG:4326: the columns, else the point of the row."""
    lon, lat = (number(row.get(name)).value for name in _VISIT)
    if np.isfinite(lon) and np.isfinite(lat):
        return shapely.Point(lon, lat)
    point = None if table.geometry is None else table.geometry[position]
    if point is None or point.is_empty or point.geom_type != "Point":
        return None
    if table.crs is not None and not table.crs.equals(_WGS84):
        to = pyproj.Transformer.from_crs(table.crs, _WGS84, always_xy=True)
        return shapely.Point(*to.transform(point.x, point.y))
    return point


def _read_row(
    position: int,
    row: Mapping[str, Any],
    plots: pd.DataFrame,
    where: shapely.Geometry | None,
    limits: Limits,
    tally: Tally,
) -> dict[str, Any]:
    """One answer; its first fault rejects it in the tally."""
    plot_id = text(row["plot_id"])
    tally.ids[position] = plot_id
    answer = answer_of(text(row["answer"]))
    read = {
        "plot_id": plot_id,
        "answer": "" if answer is None else answer.key,
        "visited_on": "",
        "observer": text(row.get("observer")),
        "remark": text(row.get("remark")),
        "distance_m": np.nan,
        "geometry": None,
        **{name: _percent(row.get(name), name, position, tally)
           for name in ("cover_percent", "around_percent")},
    }  # fmt: skip
    if plot_id not in plots.index:
        tally.reject(position, _unknown_plot(plot_id))
        return read
    if is_missing(row["answer"]):
        tally.reject(position, _unanswered(row, plot_id))
        return read
    if answer is None:
        tally.reject(position, _unknown_answer(text(row["answer"])))
        return read
    plot = plots.loc[plot_id]
    _check_day(position, row, plot, limits, tally, read)
    distance_m = _distance_m(where, plot)
    stated = all(not is_missing(row.get(name)) for name in _VISIT)
    if where is None or (not stated and distance_m < _UNMOVED_M):
        # the point of a form nobody moved is the plan, not the visit
        if answer is not FieldAnswer.NOT_REACHED:
            tally.flag(position, _NO_POSITION)
        return read
    if distance_m > limits.farthest_m and answer is not FieldAnswer.NOT_REACHED:
        tally.reject(position, _too_far(distance_m, limits.farthest_m))
    return read | {"distance_m": round(distance_m, 1), "geometry": where}


def answer_of(words: str) -> FieldAnswer | None:
    """Answer that a cell names by key, label or number; None where it names none.

    Examples
    --------
    >>> answer_of("未修复"), answer_of("Not restored"), answer_of("1"), answer_of("perhaps")
    (<FieldAnswer.NOT_RESTORED: 2>, <FieldAnswer.NOT_RESTORED: 2>, <FieldAnswer.RESTORED: 1>, None)
    """
    known = {
        plain(name): answer
        for answer in FieldAnswer
        for name in (answer.key, answer.en, answer.zh, str(answer.value))
    }
    return known.get(plain(words))


def _distance_m(where: shapely.Geometry | None, plot: "pd.Series[Any]") -> float:
    if where is None:
        return float("nan")
    return float(
        _ELLIPSOID.inv(where.x, where.y, float(plot["longitude"]), float(plot["latitude"]))[2]
    )


def _percent(cell: Any, name: str, position: int, tally: Tally) -> float:
    value = number(cell.rstrip("%") if isinstance(cell, str) else cell).value
    if np.isnan(value) and is_missing(cell):
        return float("nan")
    if not 0 <= value <= 100:
        tally.flag(position, _bad_percent(name, cell))
        return float("nan")
    return float(value)


def _check_day(
    position: int,
    row: Mapping[str, Any],
    plot: "pd.Series[Any]",
    limits: Limits,
    tally: Tally,
    read: dict[str, Any],
) -> None:
    when = day(row.get("visited_on"))
    if when is None:
        tally.reject(position, _no_day(row.get("visited_on")))
        return
    read["visited_on"] = when.isoformat()
    if when > limits.today:
        tally.reject(position, _in_future(when))
        return
    if pd.isna(plot["image_year"]):
        return
    image_year = int(plot["image_year"])
    month, first = (int(part) for part in limits.season_start.split("-"))
    if when < date(image_year, month, first):
        tally.reject(position, _before_image(when, image_year))
    elif when.year > image_year + limits.latest_years_after:
        tally.flag(position, _long_after(when, image_year))


def _last_answers(earlier: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
    """The answer in force of each plot already answered."""
    rows: dict[str, Mapping[str, Any]] = {}
    for row in earlier.to_dict("records"):
        before = rows.get(str(row["plot_id"]))
        if before is None or _turn(row["answer_id"]) > _turn(before["answer_id"]):
            rows[str(row["plot_id"])] = row
    return rows


def _turn(answer_id: str) -> int:
    return int(str(answer_id).rpartition(".")[2])


def in_force(answers: pd.DataFrame) -> pd.DataFrame:
    """The last answer of each plot, sorted by plot.

    Examples
    --------
    >>> both = pd.DataFrame({"answer_id": ["P-1.1", "P-1.2"], "plot_id": ["P-1", "P-1"]})
    >>> list(in_force(both)["answer_id"])
    ['P-1.2']
    """
    if answers.empty:
        return answers
    turn = answers["answer_id"].map(_turn)
    ordered = answers.assign(turn=turn).sort_values(["plot_id", "turn"], kind="stable")
    return ordered.drop_duplicates("plot_id", keep="last").drop(columns="turn")


def _reject_repeated(rows: Sequence[Mapping[str, Any]], tally: Tally) -> None:
    """Two rows of one plot: the second where they agree, both where they do not."""
    by_plot: dict[str, list[int]] = {}
    for position in tally.kept():
        by_plot.setdefault(rows[position]["plot_id"], []).append(position)
    for plot_id, positions in by_plot.items():
        given = {rows[position]["answer"] for position in positions}
        numbers = [position + 1 for position in positions]
        if len(given) > 1:
            for position in positions:
                tally.reject(position, _disagreeing(plot_id, numbers))
        else:
            for position in positions[1:]:
                tally.reject(position, _repeated(plot_id, numbers[0]))


def _reject_answered(
    rows: Sequence[Mapping[str, Any]],
    last: Mapping[str, Mapping[str, Any]],
    correct: bool,
    tally: Tally,
) -> None:
    compared = ("answer", "visited_on", "observer", "remark")
    for position in tally.kept():
        before = last.get(rows[position]["plot_id"])
        if before is None:
            continue
        same = all(str(before[name] or "") == rows[position][name] for name in compared)
        if same or not correct:
            tally.reject(position, _answered(before, same=same))


def _frame(
    rows: Sequence[Mapping[str, Any]],
    kept: Sequence[int],
    last: Mapping[str, Mapping[str, Any]],
    source: str,
    tally: Tally,
) -> gpd.GeoDataFrame:
    records = []
    for position, row in zip(kept, rows, strict=True):
        before = last.get(row["plot_id"])
        corrects = "" if before is None else str(before["answer_id"])
        turn = 1 if before is None else _turn(corrects) + 1
        records.append(
            {
                **row,
                "answer_id": f"{row['plot_id']}.{turn}",
                "corrects": corrects,
                "flags": tally.flags([position]),
                "source": source,
                "source_row": position + 1,
            }
        )
    frame = pd.DataFrame(records, columns=FIELD_ANSWERS.columns)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=_WGS84)


_NO_POSITION = Problem(
    "no_position",
    "the visit has no position of its own: that the plot was found rests on the form",
    "未记录调查位置,是否到达样地以表格为准",
)


def _unknown_plot(plot_id: str) -> Problem:
    if not plot_id:
        return Problem("missing_plot", "names no plot", "未注明样地编号")
    return Problem(
        "unknown_plot", f"the plot {plot_id} is in no sample of this workspace",
        f"样地 {plot_id} 不属于本工作区的任何抽样",
    )  # fmt: skip


def _unanswered(row: Mapping[str, Any], plot_id: str) -> Problem:
    written = ("visited_on", "observer", "cover_percent", "around_percent", "remark")
    if all(is_missing(row.get(name)) for name in written):
        return Problem(
            "not_yet_answered", f"the plot {plot_id} has not been answered yet",
            f"样地 {plot_id} 尚未填写",
        )  # fmt: skip
    return Problem(
        "missing_answer", f"the plot {plot_id} has notes but no answer",
        f"样地 {plot_id} 有记录但无结论",
    )  # fmt: skip


def _unknown_answer(written: str) -> Problem:
    return Problem(
        "unknown_answer",
        f"the answer {written!r} is none of {', '.join(code.key for code in FieldAnswer)}",
        f"结论 {written!r} 不在选项内:{'、'.join(code.zh for code in FieldAnswer)}",
    )


def _bad_percent(name: str, cell: Any) -> Problem:
    return Problem(
        "bad_percent", f"{name} {text(cell)!r} is no number from 0 to 100 and was left out",
        f"{name} {text(cell)!r} 不是 0 至 100 的数,已略去",
    )  # fmt: skip


def _no_day(cell: Any) -> Problem:
    if is_missing(cell):
        return Problem("missing_day", "states no day of the visit", "未注明调查日期")
    return Problem(
        "bad_day", f"the day {text(cell)!r} cannot be read; write 2025-06-30",
        f"日期 {text(cell)!r} 无法识别,请写作 2025-06-30",
    )  # fmt: skip


def _in_future(when: date) -> Problem:
    return Problem(
        "day_in_future", f"the visit of {when} lies in the future", f"调查日期 {when} 在今天之后"
    )


def _before_image(when: date, image_year: int) -> Problem:
    return Problem(
        "before_image",
        f"the visit of {when} is older than the image of {image_year} it is compared with",
        f"调查日期 {when} 早于所比对的 {image_year} 年影像",
    )


def _long_after(when: date, image_year: int) -> Problem:
    return Problem(
        "long_after_image",
        f"the visit of {when} is long after the image of {image_year}: the ground may have changed",
        f"调查日期 {when} 距 {image_year} 年影像较久,地面可能已变化",
    )


def _too_far(distance_m: float, farthest_m: float) -> Problem:
    return Problem(
        "too_far",
        f"the visit was recorded {distance_m:.0f} m from the plot; {farthest_m:.0f} m is the most",
        f"调查位置距样地 {distance_m:.0f} 米,超过上限 {farthest_m:.0f} 米",
    )


def _disagreeing(plot_id: str, rows: Sequence[int]) -> Problem:
    listed = ", ".join(map(str, rows))
    return Problem(
        "answered_twice",
        f"rows {listed} give different answers for the plot {plot_id}; none was taken",
        f"第 {listed} 行对样地 {plot_id} 的结论不一致,均未采用",
    )


def _repeated(plot_id: str, first: int) -> Problem:
    return Problem(
        "repeated_answer", f"repeats the answer of row {first} for the plot {plot_id}",
        f"与第 {first} 行对样地 {plot_id} 的结论重复",
    )  # fmt: skip


def _answered(before: Mapping[str, Any], *, same: bool) -> Problem:
    answer_id, answer = before["answer_id"], FieldAnswer.from_key(str(before["answer"]))
    if same:
        return Problem(
            "already_there", f"the same answer is there already as {answer_id}",
            f"相同结果已登记为 {answer_id}",
        )  # fmt: skip
    return Problem(
        "answered_before",
        f"the plot was answered before ({answer_id}: {answer.en}); --correct adds a new answer",
        f"该样地已有结果({answer_id}:{answer.zh});如需更正请加 --correct",
    )
