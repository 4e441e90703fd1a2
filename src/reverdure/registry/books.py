"""The account of a period, read from books that hold all years: what a series of runs came to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reverdure.core.codes import LedgerColumn, LedgerLine, LedgerStatus
from reverdure.core.errors import InvalidInput

WHOLE = ""
# a claim is never taken back by who made it, and needs no decision to be a claim; an acceptance
# stands whatever the satellite sees later
_NOT_TOLD = {
    (LedgerColumn.CLAIMED, LedgerLine.RELAPSED),
    (LedgerColumn.CLAIMED, LedgerLine.NOT_DECIDED),
    (LedgerColumn.ACCEPTED, LedgerLine.RELAPSED),
}

Pair = tuple[int, int]
"""Square metres and mines."""


@dataclass(frozen=True, slots=True)
class Books:
    """What a series of runs says of all years, summed up: any period is read from it.

    Attributes
    ----------
    runs : tuple of (run id, day, last year of its imagery)
        Oldest first.
    columns : tuple of str
        Keys of the levels of verification that there are records of.
    postings : tuple of (year, line, column, county, m2, mines)
        The journal, and the same for the whole, county "".
    stocks : tuple of (place of the run, year, column, county, m2, mines)
        By how much the stock changes in a year by what this run alone knows.
    beside : tuple of (place of the run, year, line, column, county, m2, mines)
        What is in no account from a year on; year 0 for what is of none.
    """

    runs: tuple[tuple[str, str, int], ...]
    columns: tuple[str, ...]
    postings: tuple[tuple[int, str, str, str, int, int], ...]
    stocks: tuple[tuple[int, int, str, str, int, int], ...]
    beside: tuple[tuple[int, int, str, str, str, int, int], ...]


def period(
    kept: Books, first: int, last: int, counties: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """The account of a period, the whole and counties: rows as `ledger` gives them.

    Raises
    ------
    InvalidInput
        If the period does not end within the imagery.
    """
    end = max(last_year for _, _, last_year in kept.runs)
    if not first <= last <= end:
        raise InvalidInput(
            f"the period is {first} to {last}; allowed is a first year that is not after the "
            f"last, and a last year up to {end}, the last year of the imagery."
        )
    known, before = known_at(kept.runs, last), known_at(kept.runs, first - 1)
    opening, stock = LedgerLine.OPENING.key, LedgerLine.CLOSING.key
    accounts = _summed(
        (opening if year < first else line, *rest)
        for year, line, *rest in kept.postings if year <= last
    )  # fmt: skip
    stocks = _summed((stock, *rest) for run, year, *rest in kept.stocks
                     if run == known and year <= last)  # fmt: skip
    beside = _summed(rest for run, year, *rest in kept.beside if run == known and year <= last)
    rows = []
    for county in (WHOLE, *counties):
        for column in LedgerColumn:
            place = county, column.key
            numbers: dict[str, Pair] = {}
            if column.key in kept.columns:
                alone = stocks.get(place, {}).get(stock, (0, 0))
                numbers = _closed(accounts.get(place, {}), alone, beside.get(place, {}))
            for line in LedgerLine:
                told = numbers.get(line.key) if (column, line) not in _NOT_TOLD else None
                run_id, day, _ = kept.runs[before if line is LedgerLine.OPENING else known]
                rows.append(_row(county, line, column, told, run_id, day))
    return rows


def known_at(runs: Sequence[tuple[str, str, int]], year: int) -> int:
    """Place of the last run whose knowledge is in the books of a year."""
    front, known = runs[0][2], 0
    for place, (_, _, last_year) in enumerate(runs[1:], 1):
        if year < front + (last_year > front):
            break
        known, front = place, max(front, last_year)
    return known


def _summed(rows: Iterable[Sequence[Any]]) -> dict[tuple[str, str], dict[str, Pair]]:
    """Lines of each county and column, of rows (line, column, county, m2, mines)."""
    found: dict[tuple[str, str], dict[str, Pair]] = {}
    for line, column, county, m2, mines in rows:
        lines = found.setdefault((county, column), {})
        before = lines.get(line, (0, 0))
        lines[line] = before[0] + m2, before[1] + mines
    return found


def _closed(booked: Mapping[str, Pair], stock: Pair, beside: Mapping[str, Pair]) -> dict[str, Pair]:
    """Every line of one account: what was booked, its sum, the check, and what is beside."""
    lines: dict[str, Pair] = dict.fromkeys((line.key for line in LedgerLine), (0, 0))
    lines |= booked
    closing = sum(m2 for m2, _ in booked.values()), sum(mines for _, mines in booked.values())
    lines[LedgerLine.CLOSING.key] = closing
    lines[LedgerLine.DIFFERENCE.key] = closing[0] - stock[0], closing[1] - stock[1]
    lines |= beside
    return lines


def _row(
    county: str,
    line: LedgerLine,
    column: LedgerColumn,
    numbers: Pair | None,
    run_id: str,
    day: str,
) -> dict[str, Any]:
    status = LedgerStatus.RECORDED
    if numbers is None:
        told = (column, line) not in _NOT_TOLD
        status = LedgerStatus.NO_RECORDS if told else LedgerStatus.NOT_IN_COLUMN
    m2, mines = numbers or (None, None)
    if line is LedgerLine.NO_AREA:
        m2 = None
    return {
        "county": county,
        "line": line.key,
        "column": column.key,
        "status": status.key,
        "mines": mines,
        "area_m2": m2,
        "area_ha": None if m2 is None else m2 / 10_000,
        "area_mu": None if m2 is None else m2 * 15 / 10_000,
        "day": day,
        "run_id": run_id,
    }
