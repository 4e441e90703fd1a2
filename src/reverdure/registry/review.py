"""Verification of claims step by step, as a rule pack has the steps: who may take which, and when.

Every step is a row that is never changed. The steps of a claim are counted from 1 and its rows
are called CLAIM/1, CLAIM/2, ..., so that two people cannot both take the next one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reverdure.core.record_book import Record
from reverdure.registry.packs import RulePack, Step
from reverdure.registry.record_cells import RowRefused

TAKEN, RETURNED = "taken", "returned"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the verification of a claim stands.

    Attributes
    ----------
    claim_id : str
    rows : int
        Steps taken or returned so far.
    last : Step or None
        Last step in force; None before the first, or once it was returned to the first.
    next : Step or None
        Whose turn it is; None once the last step was taken.
    returned : bool
        Whether the last thing that happened was a return.
    outcome : str
        Stated last, "" while none is.
    since : str
        Day of the last row, "" before the first.
    """

    claim_id: str
    rows: int
    last: Step | None
    next: Step | None
    returned: bool
    outcome: str
    since: str

    @property
    def is_accepted(self) -> bool:
        """Whether every step was taken."""
        return self.next is None and self.last is not None


def standing(steps: Sequence[Step], claim_id: str, rows: Iterable[Mapping[str, Any]]) -> Standing:
    """Where a claim stands after its rows, oldest first.

    Examples
    --------
    >>> from reverdure.registry.packs import pack
    >>> rows = [{"step": "issued", "action": "taken", "date": "2026-01-02"}]
    >>> one = standing(pack("jiangxi").steps, "C1", rows)
    >>> one.last.key, one.next.key, one.is_accepted
    ('issued', 'county_check', False)
    """
    count, outcome = 0, ""
    last: Mapping[str, Any] = {}
    for row in rows:
        count, last = count + 1, row
        outcome = row.get("outcome", "" if row["action"] == RETURNED else outcome)
    end = last.get("step", ""), last.get("action", "")
    return Standing(claim_id, count, *turn(steps, *end), end[1] == RETURNED, outcome,
                    last.get("date", ""))  # fmt: skip


def turn(steps: Sequence[Step], step: str, action: str) -> tuple[Step | None, Step | None]:
    """Last step in force and the next one, after what was done last; "" before anything was.

    Examples
    --------
    >>> from reverdure.registry.packs import pack
    >>> last, following = turn(pack("jiangxi").steps, "prefecture_review", "returned")
    >>> last.key, following.key
    ('issued', 'county_check')
    """
    places = {one.key: place for place, one in enumerate(steps)}
    reached = 0
    if action == RETURNED:
        reached = places[steps[places[step]].returns_to]
    elif action:
        reached = places[step] + 1
    return (
        steps[reached - 1] if reached else None,
        steps[reached] if reached < len(steps) else None,
    )


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody wants to do with a claim.

    Attributes
    ----------
    step : str
        Key of the step to take, or to return from.
    role : str
        In which role.
    day : str
        When, as YYYY-MM-DD.
    returns : bool
        Whether it is sent back instead.
    evidence : tuple of str
        Ids of evidence.
    outcome : str
        What the step states, where it states anything.
    """

    step: str
    role: str
    day: str
    returns: bool = False
    evidence: tuple[str, ...] = ()
    outcome: str = ""


def take(pack: RulePack, at: Standing, act: Act) -> Record:
    """The row that an act adds.

    Raises
    ------
    RowRefused
        If it is not the turn of this step, the role may not take it, it lies before the step
        before it, or evidence or outcome is missing.
    """
    step = {one.key: one for one in pack.steps}[act.step]
    named = {"claim": at.claim_id, "step": step.en, "step_zh": step.zh}
    if at.next is None:
        raise RowRefused("review_closed", **named)
    if at.next.key != act.step:
        raise RowRefused("not_its_turn", next=at.next.en, next_zh=at.next.zh, **named)
    if act.role != step.role:
        raise RowRefused("other_role", role=step.role, seen=act.role, **named)
    if act.day < at.since:
        raise RowRefused("before_last_step", day=act.day, since=at.since, **named)
    if act.returns and not step.returns_to:
        raise RowRefused("no_return", **named)
    if not act.returns and step.needs_evidence and not act.evidence:
        raise RowRefused("step_needs_evidence", **named)
    wanted = () if act.returns else step.outcomes
    if (act.outcome or wanted) and act.outcome not in wanted:
        raise RowRefused("no_such_outcome", seen=act.outcome, allowed=", ".join(wanted) or "-",
                         **named)  # fmt: skip
    values = {
        "claim_id": at.claim_id,
        "step": act.step,
        "action": RETURNED if act.returns else TAKEN,
        "role": act.role,
        "date": act.day,
        "pack": f"{pack.name} {pack.version}",
        **({"outcome": act.outcome} if act.outcome else {}),
        **({"evidence": "; ".join(act.evidence)} if act.evidence else {}),
    }
    return Record(f"{at.claim_id}/{at.rows + 1}", 0, values)


def by_claim(rows: Iterable[Record]) -> dict[str, list[Mapping[str, Any]]]:
    """Rows of each claim, oldest first."""
    found: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for row in rows:
        claim_id, _, number = row.id.rpartition("/")
        found.setdefault(claim_id, []).append((int(number), row.values))
    return {
        claim_id: [values for _, values in sorted(one, key=lambda pair: pair[0])]
        for claim_id, one in found.items()
    }
