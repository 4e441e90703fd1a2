"""Which new damage was permitted: permits of a mine against its damage, year by year."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reverdure.core.codes import LedgerLine
from reverdure.registry.grounds import Ground


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


@dataclass(frozen=True, slots=True)
class Rehabilitation:
    """How far an active mine restores what it disturbs while it works.

    Attributes
    ----------
    mine_id : str
    permitted_m2 : int
        Of the permits in force in the year.
    disturbed_m2 : int
        Land whose damage is dated up to the year.
    beyond_m2 : int
        Of that, what no permit covered when it was disturbed.
    restored_m2 : int
        Of the disturbed land, what the satellite supports as restored.
    not_dated_m2 : int
        Damaged land that is in neither, because its damage cannot be dated.
    """

    mine_id: str
    permitted_m2: int
    disturbed_m2: int
    beyond_m2: int
    restored_m2: int
    not_dated_m2: int

    @property
    def ratio(self) -> float | None:
        """Restored over disturbed land; None where nothing was disturbed."""
        return self.restored_m2 / self.disturbed_m2 if self.disturbed_m2 else None


def rehabilitation(grounds: Iterable[Ground], permits: Permits, year: int) -> list[Rehabilitation]:
    """Progressive rehabilitation of every mine with a permit, by id, at the end of a year.

    The ratio of land rehabilitated to land disturbed, both since mining began, is what annual
    rehabilitation reports of active mines state.

    Examples
    --------
    >>> from reverdure.registry.grounds import Claimed
    >>> ground = Ground("M1", "X", 40, 2015, claims=(Claimed("C1", 2020, 20, 10),))
    >>> (one,) = rehabilitation([ground], {"M1": [Permit(2010, 2030, 30)]}, 2024)
    >>> one.permitted_m2, one.beyond_m2, one.ratio
    (30, 10, 0.25)
    """
    damage: dict[str, dict[int, int]] = {mine_id: {} for mine_id in permits}
    restored = dict.fromkeys(permits, 0)
    not_dated = dict.fromkeys(permits, 0)
    for ground in grounds:
        if ground.mine_id not in permits or ground.unseen is not None:
            continue
        if ground.damage_year is None:
            not_dated[ground.mine_id] += ground.area_m2
        elif ground.damage_year <= year:
            of_mine = damage[ground.mine_id]
            of_mine[ground.damage_year] = of_mine.get(ground.damage_year, 0) + ground.area_m2
            proved = sum(one.supported_m2 or 0 for one in ground.claims if one.year <= year)
            restored[ground.mine_id] += min(proved, ground.area_m2)
    found = []
    for mine_id in sorted(permits):
        split = permitted_damage(damage[mine_id], permits[mine_id]).values()
        found.append(
            Rehabilitation(
                mine_id,
                sum(one.m2 for one in permits[mine_id] if one.first <= year <= one.last),
                sum(damage[mine_id].values()),
                sum(lines.get(LedgerLine.NEW_BEYOND_PERMIT, 0) for lines in split),
                restored[mine_id],
                not_dated[mine_id],
            )
        )
    return found
