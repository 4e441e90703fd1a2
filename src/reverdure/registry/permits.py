"""Which new damage was permitted: permits of a mine against its damage, year by year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reverdure.core.codes import LedgerLine


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to disturb so much land of a mine in these years, both in it."""

    first: int
    last: int
    m2: int


Permits = Mapping[str, Sequence[Permit]]
"""Permits of each mine."""


def permitted_damage(
    damage: Mapping[int, int], permits: Sequence[Permit]
) -> dict[int, dict[LedgerLine, int]]:
    """Damage of each year by whether it was permitted, [m2].

    A permit's room is its area, less what was damaged under it before; of several in force,
    the one that ends first is used first.

    Examples
    --------
    >>> split = permitted_damage({2015: 30, 2016: 30}, [Permit(2015, 2016, 40)])
    >>> [(year, line.key, m2) for year, one in split.items() for line, m2 in one.items()]
    [(2015, 'new_permitted', 30), (2016, 'new_permitted', 10), (2016, 'new_beyond_permit', 20)]
    """
    if not permits:
        return {year: {LedgerLine.NEW_DAMAGE: m2} for year, m2 in damage.items()}
    order = sorted(permits, key=lambda one: (one.last, one.first, one.m2))
    room = [one.m2 for one in order]
    split = {}
    for year, m2 in sorted(damage.items()):
        left = m2
        for place, one in enumerate(order):
            if one.first <= year <= one.last:
                taken = min(left, room[place])
                room[place], left = room[place] - taken, left - taken
        lines = {LedgerLine.NEW_PERMITTED: m2 - left, LedgerLine.NEW_BEYOND_PERMIT: left}
        split[year] = {line: part for line, part in lines.items() if part}
    return split
