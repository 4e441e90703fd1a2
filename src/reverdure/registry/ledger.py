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
from types import MappingProxyType
from typing import Any, NamedTuple

from reverdure.core.codes import LedgerColumn, LedgerLine, LedgerStatus
from reverdure.core.errors import InvalidInput
from reverdure.registry.grounds import Claimed, Ground, Knowledge
from reverdure.registry.permits import Permits, permitted_damage

WHOLE = ""
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
# a claim is never taken back by who made it, and needs no decision to be a claim; an acceptance
# stands whatever the satellite sees later
_NOT_TOLD = {
    (LedgerColumn.CLAIMED, LedgerLine.RELAPSED),
    (LedgerColumn.CLAIMED, LedgerLine.NOT_DECIDED),
    (LedgerColumn.ACCEPTED, LedgerLine.RELAPSED),
}
_PER_MILLE = 1000

Pair = tuple[int, int]
"""Square metres and mines."""
Place = tuple[str, LedgerColumn]
"""County and level of verification."""


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
    """Damage and restoration of one mine by year, under one column, [m2]."""

    damage: dict[int, int]
    restored: dict[int, int]
    least_open: int

    def years(self, after: int | None, last: int) -> list[int]:
        """Years with damage or restoration after one year (None: from the first) to another."""
        found = {*self.damage, *self.restored}
        return sorted(at for at in found if at <= last and (after is None or at > after))

    def stock(self, year: int) -> Pair:
        """Square metres left at the end of a year, and 1 where the mine counts as open."""
        damaged = 0
        for at, m2 in self.damage.items():
            if at <= year:
                damaged += m2
        left = damaged
        for at, m2 in self.restored.items():
            if at <= year:
                left -= m2
        return left, int(left * _PER_MILLE > damaged * self.least_open)


_NO_MINE = _Mine({}, {}, 0)
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
    if not runs:
        raise InvalidInput("nothing has been run yet.", "Run first: reverdure run")
    end = max(run.last_year for run in runs)
    if not first <= last <= end:
        raise InvalidInput(
            f"the period is {first} to {last}; allowed is a first year that is not after the "
            f"last, and a last year up to {end}, the last year of the imagery."
        )
    least_open = _PER_MILLE - round(supported_share * _PER_MILLE)
    known, before = _known_at(runs, last), _known_at(runs, first - 1)
    columns = [one for one in LedgerColumn if has_acceptances or one is not LedgerColumn.ACCEPTED]
    booked = _accounts(journal(runs, least_open, columns, permits), first, last)
    stocks, beside = _stocks(known, least_open, last, columns), _beside(known, last, columns)
    rows = []
    for county in (WHOLE, *counties):
        for column in LedgerColumn:
            place = county, column
            numbers: dict[LedgerLine, Pair] = {}
            if column in columns:
                account = booked.get(place, {})
                numbers = _closed(account, stocks.get(place, (0, 0)), beside.get(place, {}))
            for line in LedgerLine:
                told = numbers.get(line) if (column, line) not in _NOT_TOLD else None
                run = before if line is LedgerLine.OPENING else known
                rows.append(_row(county, line, column, told, run))
    return rows


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


def _known_at(runs: Sequence[Knowledge], year: int) -> Knowledge:
    """The last run whose knowledge is in the books of a year."""
    front, known = runs[0].last_year, runs[0]
    for run in runs[1:]:
        if year < front + (run.last_year > front):
            break
        known, front = run, max(front, run.last_year)
    return known


def _by_mine(run: Knowledge) -> dict[tuple[str, str], list[Ground]]:
    """Grounds with dated damage, by id and county of their mine."""
    found: dict[tuple[str, str], list[Ground]] = {}
    for ground in run.grounds:
        if ground.damage_year is not None and ground.unseen is None:
            found.setdefault((ground.mine_id, ground.county), []).append(ground)
    return found


def _mine(grounds: Iterable[Ground], column: LedgerColumn, least_open: int) -> _Mine:
    """Damage and restoration of the grounds of a mine."""
    mine = _Mine({}, {}, least_open)
    for ground in grounds:
        _add(mine.damage, ground.damage_year, ground.area_m2)
        for claim, m2, _ in _booked(ground, column):
            _add(mine.restored, claim.year, m2)
    return mine


def _booked(ground: Ground, column: LedgerColumn) -> list[tuple[Claimed, int, int]]:
    """Claims that can be dated, what is booked of each, and what goes beyond the ground."""
    room, found = ground.area_m2, []
    if not ground.claims:
        return []
    for claim in sorted(ground.claims, key=lambda one: (one.year, one.claim_id)):
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


def _accounts(
    postings: Iterable[Posting], first: int, last: int
) -> dict[Place, dict[LedgerLine, Pair]]:
    """Opening stock and flows of a period as the journal has them, the whole and by county."""
    sums: dict[Place, dict[LedgerLine, Pair]] = {}
    for one in postings:
        if one.year <= last and (one.m2 or one.mines):
            line = LedgerLine.OPENING if one.year < first else one.line
            for county in (WHOLE, one.county):
                _add_pair(sums.setdefault((county, one.column), {}), line, (one.m2, one.mines))
    return sums


def _stocks(
    run: Knowledge, least_open: int, year: int, columns: Iterable[LedgerColumn]
) -> dict[Place, Pair]:
    """The stock at the end of a year from what one run knows, without the journal."""
    stocks: dict[Place, Pair] = {}
    grounds = _by_mine(run)
    for column in columns:
        for (_, county), of_mine in grounds.items():
            stock = _mine(of_mine, column, least_open).stock(year)
            for place in (WHOLE, county):
                _add_pair(stocks, (place, column), stock)
    return stocks


def _beside(
    run: Knowledge, last: int, columns: Iterable[LedgerColumn]
) -> dict[Place, dict[LedgerLine, Pair]]:
    """What is in no account, each line with its square metres and mines."""
    mines: dict[Place, dict[LedgerLine, set[str]]] = {}
    m2s: dict[Place, dict[LedgerLine, int]] = {}
    for ground in run.grounds:
        for column in columns:
            for line, m2 in _left_out(ground, column, last):
                for county in (WHOLE, ground.county):
                    place = county, column
                    mines.setdefault(place, {}).setdefault(line, set()).add(ground.mine_id)
                    _add(m2s.setdefault(place, {}), line, m2)
    return {
        place: {line: (m2s[place][line], len(ids)) for line, ids in lines.items()}
        for place, lines in mines.items()
    }


def _closed(
    booked: Mapping[LedgerLine, Pair], stock: Pair, beside: Mapping[LedgerLine, Pair]
) -> dict[LedgerLine, Pair]:
    """Every line of one account: what was booked, its sum, the check, and what is beside."""
    lines: dict[LedgerLine, Pair] = dict.fromkeys(LedgerLine, (0, 0))
    lines |= booked
    closing = sum(m2 for m2, _ in booked.values()), sum(mines for _, mines in booked.values())
    lines[LedgerLine.CLOSING] = closing
    lines[LedgerLine.DIFFERENCE] = closing[0] - stock[0], closing[1] - stock[1]
    lines |= beside
    return lines


def _left_out(ground: Ground, column: LedgerColumn, last: int) -> Iterable[tuple[LedgerLine, int]]:
    if ground.unseen is not None:
        yield ground.unseen, ground.area_m2
    elif ground.damage_year is None:
        yield LedgerLine.DAMAGE_NOT_DATED, ground.area_m2
    claims = [claim for claim in ground.claims if claim.year <= last]
    booked = {one.claim_id: beyond for one, _, beyond in _booked(ground, column)}
    for claim in claims:
        m2 = claim.m2(column)
        if m2 is None:
            yield LedgerLine.NOT_DECIDED, claim.claimed_m2
        elif ground.unseen is not None or claim.claim_id not in booked:
            if m2:
                yield LedgerLine.RESTORED_NOT_BOOKED, m2
        elif booked[claim.claim_id]:
            yield LedgerLine.BEYOND_GROUND, booked[claim.claim_id]


def _row(
    county: str,
    line: LedgerLine,
    column: LedgerColumn,
    numbers: Pair | None,
    run: Knowledge,
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
        "day": run.day,
        "run_id": run.run_id,
    }


def _add(sums: dict[Any, int], key: Any, m2: int) -> None:
    sums[key] = sums.get(key, 0) + m2


def _add_pair(sums: dict[Any, Pair], key: Any, pair: Pair) -> None:
    m2, mines = sums.get(key, (0, 0))
    sums[key] = m2 + pair[0], mines + pair[1]
