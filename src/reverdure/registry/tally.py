"""What became of every row of an import: the one place where rows are counted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import shapely

from reverdure.core.records import Finding, ImportReport
from reverdure.intake.columns import Columns
from reverdure.intake.table import Problem, RawTable
from reverdure.intake.values import day, is_missing, is_sentinel, number, text
from reverdure.registry.geometry_checks import Outlines

_NAMED = 3
"""Ids named in one message before the rest is only counted."""


class Tally:
    """Rejections, repairs and flags of one import, by position in the table.

    Parameters
    ----------
    table : RawTable
        The file as read; its refused and wholly empty rows are rejected at once.
    """

    def __init__(self, table: RawTable) -> None:
        self._table = table
        self.ids = [""] * len(table.frame)
        self._rejected: dict[int, Problem] = dict(table.refused)
        self._changed: dict[str, dict[int, list[Problem]]] = {
            "repaired": defaultdict(list),
            "flagged": defaultdict(list),
        }
        self._notes = [
            Problem("driver_warning", f"the driver says: {said}", f"读取时驱动提示:{said}")
            for said in table.warnings
        ]
        self._notes += table.notes
        cells_missing = table.frame.map(is_missing).to_numpy(dtype=bool).all(axis=1)
        for position in np.flatnonzero(cells_missing & shapely.is_missing(table.geometries())):
            if position not in table.unreadable:
                self.reject(int(position), Problem("empty_row", "the row is empty", "空行"))

    def reject(self, position: int, problem: Problem) -> None:
        """Reject a row; the first reason stays."""
        self._rejected.setdefault(int(position), problem)

    def repair(self, position: int, problem: Problem) -> None:
        """Note a change made to a row."""
        self._changed["repaired"][int(position)].append(problem)

    def flag(self, position: int, problem: Problem) -> None:
        """Note something seen in a row that is kept as it is."""
        self._changed["flagged"][int(position)].append(problem)

    def take(self, outlines: Outlines, *, expected: bool) -> None:
        """Note what the checks of the outlines saw; a missing one only where one is expected."""
        for position, problems in outlines.repaired.items():
            for problem in problems:
                self.repair(position, problem)
        for position, problems in outlines.flagged.items():
            for problem in problems:
                if expected or problem.code != "missing_geometry":
                    self.flag(position, problem)

    def note(self, problem: Problem) -> None:
        """Note something about the file as a whole (row 0 in the findings)."""
        self._notes.append(problem)

    def is_kept(self, position: int) -> bool:
        """Whether a row has not been rejected."""
        return position not in self._rejected

    def kept(self) -> list[int]:
        """Positions not rejected, in order."""
        return [position for position in range(len(self.ids)) if self.is_kept(position)]

    def flags(self, positions: Iterable[int]) -> str:
        """Codes seen in these rows, joined by ';', each once."""
        codes = [
            problem.code
            for position in positions
            for changes in self._changed.values()
            for problem in changes.get(position, ())
        ]
        return ";".join(dict.fromkeys(codes))

    def report(self, without_outline: int) -> ImportReport:
        """Counts and findings, ordered by row."""
        findings = [
            self._finding(position, "rejected", problem)
            for position, problem in self._rejected.items()
        ]
        for action, changes in self._changed.items():
            findings += [
                self._finding(position, action, problem)
                for position, problems in changes.items()
                if self.is_kept(position)
                for problem in problems
            ]
        findings.sort(key=lambda finding: finding.row)
        notes = [
            Finding(0, "", "flagged", note.code, _sentence(note.en), _sentence(note.zh, "。"))
            for note in self._notes
        ]
        repaired = [position for position in self._changed["repaired"] if self.is_kept(position)]
        return ImportReport(
            source=self._table.source,
            read=len(self.ids),
            accepted=len(self.ids) - len(self._rejected),
            repaired=len(repaired),
            without_outline=without_outline,
            rejected=len(self._rejected),
            findings=(*notes, *findings),
        )

    def rejected_frame(self) -> pd.DataFrame:
        """Rejected rows: their columns as read, then row, reason_code, reason, reason_zh.

        A geometry that stood beside the columns follows them as WKT in `geometry_wkt`.
        """
        positions = sorted(self._rejected)
        problems = [self._rejected[position] for position in positions]
        frame = self._table.frame.iloc[positions].reset_index(drop=True)
        ours = ("geometry_wkt", "row", "reason_code", "reason", "reason_zh")
        frame = frame.rename(columns={name: f"{name} (source)" for name in ours})
        if self._table.geometry is not None and len(self._table.geometry):
            frame["geometry_wkt"] = shapely.to_wkt(
                self._table.geometry[positions], rounding_precision=-1
            )
        frame["row"] = [position + 1 for position in positions]
        frame["reason_code"] = [problem.code for problem in problems]
        frame["reason"] = [_sentence(problem.en) for problem in problems]
        frame["reason_zh"] = [_sentence(problem.zh, "。") for problem in problems]
        return frame

    def _finding(self, position: int, action: str, problem: Problem) -> Finding:
        return Finding(
            row=position + 1,
            id=self.ids[position],
            action=action,
            code=problem.code,
            message=_sentence(problem.en),
            message_zh=_sentence(problem.zh, "。"),
        )


def note_columns(tally: Tally, columns: Columns) -> None:
    """Say which columns were chosen among several, and which are not used."""
    for name, others in columns.passed_over.items():
        chosen, rest = columns.heading[name], ", ".join(map(repr, others))
        tally.note(
            Problem(
                "column_chosen",
                f"{chosen!r} was read as {name}; {rest} would have fitted as well (--map decides)",
                f"{name} 取自 {chosen!r};{rest} 亦可(可用 --map 指定)",
            )
        )
    if columns.unused:
        listed = ", ".join(map(repr, columns.unused))
        tally.note(Problem("columns_unused", f"columns not used: {listed}", f"未使用的列:{listed}"))


def note_values(tally: Tally, frame: pd.DataFrame) -> None:
    """Count sentinels, and name columns of epoch milliseconds with the days they stand for."""
    for heading in frame:
        cells = frame[heading]
        n_sentinels = int(cells.map(is_sentinel).sum())
        if n_sentinels:
            tally.note(
                Problem(
                    "sentinel_values",
                    f"{n_sentinels} cells of {heading!r} hold -999 or the like "
                    "and were taken as missing",
                    f"{heading!r} 中有 {n_sentinels} 个 -999 类缺值标记,按缺失处理",
                )
            )
        days = epoch_days(cells)
        if days is not None:
            tally.note(
                Problem(
                    "epoch_dates",
                    f"{heading!r} holds dates as epoch milliseconds, {days[0]} to {days[1]}",
                    f"{heading!r} 为毫秒时间戳日期,{days[0]} 至 {days[1]}",
                )
            )


def epoch_days(cells: pd.Series) -> tuple[str, str] | None:
    """First and last day of a column of epoch milliseconds; None for any other column.

    Examples
    --------
    >>> epoch_days(pd.Series(["1056006000000", "", "459154800000"]))
    ('1984-07-20', '2003-06-19')
    """
    days = []
    for cell in cells:
        if is_missing(cell) or is_sentinel(cell):
            continue
        read = number(cell)
        when = day(cell)
        if read.code or read.unit or abs(read.value) < 1e10 or read.value % 1000 or when is None:
            return None
        days.append(when)
    return (str(min(days)), str(max(days))) if days else None


def listed(ids: Sequence[str]) -> str:
    """Ids for a message: a few by name, the rest by number.

    Examples
    --------
    >>> listed(["M1", "M2", "M3", "M4", "M5"])
    'M1, M2, M3 and 2 more'
    """
    named = ", ".join(ids[:_NAMED])
    return named if len(ids) <= _NAMED else f"{named} and {len(ids) - _NAMED} more"


def id_of(cell: object) -> tuple[str, Problem | None]:
    """Id in a cell, and why it cannot be one.

    Ids name files and folders, so one that could leave a folder is refused, not mended:
    two mended ids might fall together.

    Examples
    --------
    >>> id_of(" M-7 "), id_of("../x")[1].code
    (('M-7', None), 'unsafe_id')
    """
    written = text(cell)
    unsafe = (
        written in (".", "..")
        or any(sign in written for sign in "/\\")
        or not written.isprintable()
        or len(written.encode()) > _MAX_ID_BYTES
    )
    if not unsafe:
        return written, None
    shown = ascii(written[:60])
    return written, Problem(
        "unsafe_id",
        f"the id {shown} has a path separator or control character, is '.' or '..', "
        f"or is longer than {_MAX_ID_BYTES} bytes",
        f"编号 {shown} 含路径分隔符或控制字符,或为 '.'、'..',或超过 {_MAX_ID_BYTES} 字节",
    )


_MAX_ID_BYTES = 120
"""File systems allow 255 bytes a name; the rest is for what is put around the id."""


def _sentence(words: str, stop: str = ".") -> str:
    return f"{words[:1].upper()}{words[1:]}{stop}"
