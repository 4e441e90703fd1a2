"""The stock-flow account of damaged land: what there was, what came, what went, what is left.

opening stock + new damage - restored + relapsed +- revisions = closing stock, in mines and in
whole square metres, for each level of verification by itself: what is claimed and what the
satellite supports are two accounts of the same land and are never added.

The form is that of an asset account (United Nations et al. 2014, System of
Environmental-Economic Accounting 2012 - Central Framework, section 5.3): opening stock,
additions, reductions, reappraisals and reclassifications, closing stock.

**The books of a year stay open until a run has seen a later year.** What a run dates in years
that no run saw before are flows of those years. What it knows otherwise about years that are
closed is a revision of the first year it opens; a run that sees no new year revises the last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from reverdure.core.codes import LedgerColumn, LedgerLine
from reverdure.core.errors import InvalidInput
from reverdure.registry.books import WHOLE, Books, Pair, known_at, period
from reverdure.registry.grounds import Claimed, Ground, Knowledge
from reverdure.registry.permits import Permits, permitted_damage

FLOWS = (
    LedgerLine.NEW_DAMAGE,
    LedgerLine.NEW_PERMITTED,
    LedgerLine.NEW_BEYOND_PERMIT,
    LedgerLine.RESTORED,
    LedgerLine.RELAPSED,
    LedgerLine.REVISION_ADDED,
    LedgerLine.REVISION_GONE,
    LedgerLine.REVISION_CHANGED,
)
_PER_MILLE = 1000
_DONE = attrgetter("year", "claim_id")


class Posting(NamedTuple):
    """One entry of the journal; `m2` and `mines` are signed as they move the stock."""

    year: int
    line: LedgerLine
    column: LedgerColumn
    county: str
    m2: int
    mines: int


@dataclass(slots=True)
class _Mine:
    """Damage and restoration of one mine by year, under one column, [m2].

    `path` is what is left after each year in which something moved, and 1 where the mine counts
    as open then.
    """

    damage: dict[int, int]
    restored: dict[int, int]
    path: list[tuple[int, int, int]]

    def years(self, after: int | None, last: int) -> list[int]:
        """Years with damage or restoration after one year (None: from the first) to another."""
        return [at for at, _, _ in self.path if at <= last and (after is None or at > after)]

    def stock(self, year: int) -> Pair:
        """Square metres left at the end of a year, and 1 where the mine counts as open."""
        for at, left, is_open in reversed(self.path):
            if at <= year:
                return left, is_open
        return 0, 0


_NO_MINE = _Mine({}, {}, [])
_Mines = Mapping[tuple[str, str], _Mine]


def ledger(
    runs: Sequence[Knowledge],
    first: int,
    last: int,
    *,
    supported_share: float,
    counties: Iterable[str] = (),
    has_acceptances: bool = False,
    permits: Permits = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """The account of a period: rows of `core.fields.LEDGER`, the whole and then counties.

    Parameters
    ----------
    runs : sequence of Knowledge
        Oldest first.
    first, last : int
        First and last year of the period, both in it.
    supported_share : float
        A mine counts as restored once this share of its damaged area is.
    counties : iterable of str
        Counties to give beside the whole.
    has_acceptances : bool
        Whether the registry holds any step of verification; without, that column has no
        records.
    permits : mapping of mine id to sequence of Permit
        What tells new damage that was permitted from damage beyond a permit.

    Returns
    -------
    list of dict
        Without definitions, numbers signed as they move the stock. `status` says whether a
        number is recorded; where it is not, the numbers are None. Line `difference` is the
        closing stock by the journal less the one worked out from the last run alone: always 0.

    Raises
    ------
    InvalidInput
        If there is no run, or the period does not end within the imagery.

    Notes
    -----
    United Nations et al. 2014, SEEA Central Framework, section 5.3. A revision there is a
    reappraisal (better knowledge) or a reclassification (a mine that came into or left the
    list). `year` of a restoration is the completed year as claimed, in both columns, so that
    they tell of the same works.

    Examples
    --------
    >>> claim = Claimed("C1", 2021, 30_000, 20_000)
    >>> ground = Ground("M1", "X", 40_000, 2015, claims=(claim,))
    >>> rows = ledger([Knowledge("r", "2024-01-01", 2023, (ground,))], 2020, 2022,
    ...               supported_share=0.8)
    >>> {row["line"]: row["area_m2"] for row in rows if row["column"] == "supported"}["closing"]
    20000
    """
    kept = books(
        runs, supported_share=supported_share, has_acceptances=has_acceptances, permits=permits
    )
    return period(kept, first, last, counties)


def books(
    runs: Sequence[Knowledge],
    *,
    supported_share: float,
    has_acceptances: bool = False,
    permits: Permits = MappingProxyType({}),
) -> Books:
    """The journal of a series of runs, summed up; parameters as those of `ledger`.

    Raises
    ------
    InvalidInput
        If there is no run.
    """
    if not runs:
        raise InvalidInput("nothing has been run yet.", "Run first: reverdure run")
    least_open = _PER_MILLE - round(supported_share * _PER_MILLE)
    columns = [one for one in LedgerColumn if has_acceptances or one is not LedgerColumn.ACCEPTED]
    told = [(run.run_id, run.day, run.last_year) for run in runs]
    booked: dict[tuple[int, str, str, str], Pair] = {}
    for year, line, column, county, m2, mines in journal(runs, least_open, columns, permits):
        if m2 or mines:
            _add_pair(booked, (year, line.key, column.key, county), (m2, mines))
    end = max(run.last_year for run in runs)
    # what a run knows is asked for only in the years it has the last word on
    known = sorted({known_at(told, year) for year in range(runs[0].last_year - 1, end + 1)})
    return Books(
        tuple(told),
        tuple(one.key for one in columns),
        _rows(_with_whole(booked)),
        tuple(
            (run, *row) for run in known for row in _rows(_stocks(runs[run], least_open, columns))
        ),
        tuple((run, *row) for run in known for row in _rows(_beside(runs[run], columns))),
    )


def journal(
    runs: Sequence[Knowledge],
    least_open: int,
    columns: Iterable[LedgerColumn] = LedgerColumn,
    permits: Permits = MappingProxyType({}),
) -> list[Posting]:
    """Every movement of every mine that a series of runs tells, oldest run first.

    Parameters
    ----------
    runs : sequence of Knowledge
    least_open : int
        A mine is open while more than this share of its damage is left, [per mille].
    columns : iterable of LedgerColumn
        Levels of verification to follow.
    permits : mapping of mine id to sequence of Permit

    Examples
    --------
    >>> runs = [Knowledge("r", "2024-01-01", 2023, (Ground("M1", "X", 40_000, 2015),))]
    >>> [(one.year, one.line.key, one.m2) for one in journal(runs, 200)][:1]
    [(2015, 'new_damage', 40000)]
    """
    found: list[Posting] = []
    grounds = [_by_mine(run) for run in runs]
    for column in columns:
        old: _Mines = {}
        front: int | None = None
        for place, run in enumerate(runs):
            before = grounds[place - 1] if place else {}
            new = {
                # most mines are in each run what they were in the last
                key: old[key] if before.get(key) == of_mine else _mine(of_mine, column, least_open)
                for key, of_mine in grounds[place].items()
            }
            opens = front is None or run.last_year > front
            if front is not None:
                lost = _lost(runs[place - 1], run) if column is LedgerColumn.SUPPORTED else {}
                booked = front + 1 if opens else front
                found += _revisions(old, new, lost if opens else {}, column, front, booked)
            if opens:
                for key, mine in new.items():
                    years = mine.years(front, run.last_year)
                    if years:
                        damage = permitted_damage(mine.damage, permits.get(key[0], ()))
                        found += _flows(key[1], mine, damage, column, years)
                front = run.last_year
            old = new
    return found


def _by_mine(run: Knowledge) -> dict[tuple[str, str], list[Ground]]:
    """Grounds with dated damage, by id and county of their mine."""
    found: dict[tuple[str, str], list[Ground]] = {}
    for ground in run.grounds:
        if ground.damage_year is not None and ground.unseen is None:
            found.setdefault((ground.mine_id, ground.county), []).append(ground)
    return found


def _mine(grounds: Iterable[Ground], column: LedgerColumn, least_open: int) -> _Mine:
    """Damage and restoration of the grounds of a mine."""
    damage: dict[int, int] = {}
    restored: dict[int, int] = {}
    for ground in grounds:
        _add(damage, ground.damage_year, ground.area_m2)
        for claim, m2, _ in _booked(ground, column):
            _add(restored, claim.year, m2)
    path, damaged, left = [], 0, 0
    for year in sorted({*damage, *restored}):
        damaged += damage.get(year, 0)
        left += damage.get(year, 0) - restored.get(year, 0)
        path.append((year, left, int(left * _PER_MILLE > damaged * least_open)))
    return _Mine(damage, restored, path)


def _booked(ground: Ground, column: LedgerColumn) -> list[tuple[Claimed, int, int]]:
    """Claims that can be dated, what is booked of each, and what goes beyond the ground."""
    room, found = ground.area_m2, []
    if not ground.claims:
        return []
    several = len(ground.claims) > 1
    for claim in sorted(ground.claims, key=_DONE) if several else ground.claims:
        m2 = claim.m2(column)
        if m2 is None or ground.damage_year is None or claim.year < ground.damage_year:
            continue
        taken = min(m2, room)
        room -= taken
        found.append((claim, taken, m2 - taken))
    return found


def _lost(before: Knowledge, now: Knowledge) -> dict[str, int]:
    """By mine, what was supported before and is lost again now, [m2]."""
    once = {claim.claim_id: claim.supported_m2 or 0 for g in before.grounds for claim in g.claims}
    lost: dict[str, int] = {}
    for ground in now.grounds:
        for claim in ground.claims:
            if claim.lost_again and claim.supported_m2 is not None:
                fallen = once.get(claim.claim_id, 0) - claim.supported_m2
                _add(lost, ground.mine_id, max(0, fallen))
    return lost


def _revisions(
    old: _Mines,
    new: _Mines,
    lost: Mapping[str, int],
    column: LedgerColumn,
    front: int,
    booked: int,
) -> Iterable[Posting]:
    """What a run knows otherwise about closed years; what was lost again stands apart."""
    moved = {key for key in {*old, *new} if old.get(key) is not new.get(key)}
    for key in sorted(moved):
        if old.get(key) == new.get(key):
            continue
        was, now = old.get(key, _NO_MINE).stock(front), new.get(key, _NO_MINE).stock(front)
        m2, mines = now[0] - was[0], now[1] - was[1]
        back = min(max(m2, 0), lost.get(key[0], 0))
        reopened = mines if back and mines > 0 else 0
        yield Posting(booked, LedgerLine.RELAPSED, column, key[1], back, reopened)
        line = LedgerLine.REVISION_CHANGED
        if key not in old or key not in new:
            line = LedgerLine.REVISION_GONE if key in old else LedgerLine.REVISION_ADDED
        yield Posting(booked, line, column, key[1], m2 - back, mines - reopened)


def _flows(
    county: str,
    mine: _Mine,
    damage: Mapping[int, Mapping[LedgerLine, int]],
    column: LedgerColumn,
    years: Iterable[int],
) -> Iterable[Posting]:
    """Damage and restoration of one mine in the years that a run opens."""
    for year in years:
        opened = mine.stock(year)[1] - mine.stock(year - 1)[1]
        lines = damage.get(year) or {LedgerLine.NEW_DAMAGE: 0}
        # a mine is one mine: it counts where more of its new damage stands
        main = max(lines, key=lambda line: lines[line])
        for line, m2 in lines.items():
            yield Posting(year, line, column, county, m2, max(opened, 0) if line is main else 0)
        restored = mine.restored.get(year, 0)
        yield Posting(year, LedgerLine.RESTORED, column, county, -restored, min(opened, 0))


def _stocks(
    run: Knowledge, least_open: int, columns: Iterable[LedgerColumn]
) -> dict[tuple[int, str, str], Pair]:
    """How the stock changes year by year from what one run knows, without the journal."""
    changes: dict[tuple[int, str, str], Pair] = {}
    grounds = _by_mine(run)
    for column in columns:
        name = column.key
        for (_, county), of_mine in grounds.items():
            was_left, was_open = 0, 0
            for year, left, is_open in _mine(of_mine, column, least_open).path:
                change = left - was_left, is_open - was_open
                _add_pair(changes, (year, name, county), change)
                was_left, was_open = left, is_open
    return _with_whole(changes)


def _beside(
    run: Knowledge, columns: Iterable[LedgerColumn]
) -> dict[tuple[int, str, str, str], Pair]:
    """What is in no account, by the year it is from; a mine counts from its first on."""
    since: dict[tuple[str, str, str], dict[str, int]] = {}
    found: dict[tuple[int, str, str, str], Pair] = {}
    for ground in run.grounds:
        for column in columns:
            for line, year, m2 in _left_out(ground, column):
                names = line.key, column.key
                for county in (WHOLE, ground.county):
                    place = *names, county
                    _add_pair(found, (year, *place), (m2, 0))
                    mines = since.setdefault(place, {})
                    mines[ground.mine_id] = min(year, mines.get(ground.mine_id, year))
    for place, mines in since.items():
        for year in mines.values():
            _add_pair(found, (year, *place), (0, 1))
    return found


def _left_out(ground: Ground, column: LedgerColumn) -> Iterable[tuple[LedgerLine, int, int]]:
    """Lines beside the account, each with the year it is from (0: of none) and its area."""
    if ground.unseen is not None:
        yield ground.unseen, 0, ground.area_m2
    elif ground.damage_year is None:
        yield LedgerLine.DAMAGE_NOT_DATED, 0, ground.area_m2
    booked = {one.claim_id: beyond for one, _, beyond in _booked(ground, column)}
    for claim in ground.claims:
        m2 = claim.m2(column)
        if m2 is None:
            yield LedgerLine.NOT_DECIDED, claim.year, claim.claimed_m2
        elif ground.unseen is not None or claim.claim_id not in booked:
            if m2:
                yield LedgerLine.RESTORED_NOT_BOOKED, claim.year, m2
        elif booked[claim.claim_id]:
            yield LedgerLine.BEYOND_GROUND, claim.year, booked[claim.claim_id]


def _rows(sums: Mapping[tuple[Any, ...], Pair]) -> tuple[tuple[Any, ...], ...]:
    """Sums as rows: the key, then square metres and mines."""
    return tuple((*key, *pair) for key, pair in sorted(sums.items()))


def _with_whole(sums: dict[Any, Pair]) -> dict[Any, Pair]:
    """Sums of counties, the last of each key, with those of all counties together."""
    whole: dict[Any, Pair] = {}
    for key, pair in sums.items():
        _add_pair(whole, (*key[:-1], WHOLE), pair)
    return sums | whole


def _add(sums: dict[Any, int], key: Any, m2: int) -> None:
    sums[key] = sums.get(key, 0) + m2


def _add_pair(sums: dict[Any, Pair], key: Any, pair: Pair) -> None:
    m2, mines = sums.get(key, (0, 0))
    sums[key] = m2 + pair[0], mines + pair[1]
