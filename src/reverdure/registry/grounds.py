"""What a run knows of mined land, ground by ground: the rows that an account is made of."""

from dataclasses import dataclass
from typing import NamedTuple

from reverdure.core.codes import LedgerColumn, LedgerLine


class Claimed(NamedTuple):
    """One claim on a ground.

    Attributes
    ----------
    claim_id : str
    year : int
        Year of completion.
    claimed_m2 : int
    supported_m2 : int or None
        What the satellite supports of it; None where that is not decided.
    lost_again : bool
        Whether the ground had recovered and is bare again.
    accepted : bool
        Whether the last step of its verification accepted it.
    """

    claim_id: str
    year: int
    claimed_m2: int
    supported_m2: int | None
    lost_again: bool = False
    accepted: bool = False

    def m2(self, column: LedgerColumn) -> int | None:
        """What a level of verification counts of it; None where that is not decided."""
        if column is LedgerColumn.ACCEPTED:
            return self.claimed_m2 if self.accepted else None
        return self.claimed_m2 if column is LedgerColumn.CLAIMED else self.supported_m2


class Ground(NamedTuple):
    """A piece of mined land that counts once, with the claims on it.

    Attributes
    ----------
    mine_id, county : str
    area_m2 : int
    damage_year : int or None
        Year the satellite dates the damage to; None where it cannot.
    unseen : LedgerLine or None
        Why it is in no account: no damage, no outline, no area.
    claims : tuple of Claimed
    """

    mine_id: str
    county: str
    area_m2: int
    damage_year: int | None
    unseen: LedgerLine | None = None
    claims: tuple[Claimed, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one run knew.

    Attributes
    ----------
    run_id, day : str
        Day the run ended.
    last_year : int
        Last year of its imagery.
    grounds : tuple of Ground
    """

    run_id: str
    day: str
    last_year: int
    grounds: tuple[Ground, ...]
