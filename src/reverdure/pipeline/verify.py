"""Steps of verification: taken for one claim or for many, and where each claim stands."""

import datetime
import functools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reverdure.core.errors import InvalidInput, NotAllowed, NotFound, UnknownOption
from reverdure.core.record_book import Record
from reverdure.core.records import Finding
from reverdure.pipeline.packs import pack_of
from reverdure.pipeline.records import PAGE, page_start
from reverdure.registry.packs import RulePack, Step
from reverdure.registry.record_cells import RowRefused
from reverdure.registry.review import RETURNED, Act, Standing, by_claim, standing, take, turn
from reverdure.store.records import Author, current, write
from reverdure.store.review_states import review_states
from reverdure.store.workspace import Workspace

REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of an act on several claims.

    Attributes
    ----------
    taken : tuple of str
        Ids of claims it was done for.
    refused : tuple of Finding
        The others, with the rule.
    """

    taken: tuple[str, ...]
    refused: tuple[Finding, ...]


def verify(workspace: Workspace, claim_ids: Sequence[str], act: Act, author: Author) -> Verified:
    """Take a step for claims, or send them back; those it is not their turn for are refused.

    Raises
    ------
    UnknownOption
        If the rule pack in force has no such step or role.
    InvalidInput
        If no rule pack is in force, nobody answers for it, a return has no reason, the day is
        in the future, or a claim is named twice.
    NotFound
        If evidence is named that the registry does not hold.
    NotAllowed
        If a team shares the registry and this login has another role in it.
    """
    with workspace.writing():
        pack = pack_in_force(workspace)
        _check_act(workspace, pack, claim_ids, act, author)
        reviews = by_claim(current(workspace.database, [REVIEW])[REVIEW].values())
        known = {row["claim_id"] for row in workspace.database.rows("claim", ["claim_id"])}
        rows: list[Record] = []
        refused: list[Finding] = []
        for number, claim_id in enumerate(claim_ids, start=1):
            try:
                if claim_id not in known:
                    raise RowRefused("no_such_claim", claim=claim_id)
                at = standing(pack.steps, claim_id, reviews.get(claim_id, ()))
                rows.append(take(pack, at, act))
            except RowRefused as seen:
                refused.append(seen.refusal.finding(number, claim_id))
        action = f"{'return' if act.returns else 'take'} {act.step}"
        if rows:
            with workspace.database.transaction(action, claims=len(rows)) as transaction:
                write(transaction, REVIEW, [(row.id, 0, row.values) for row in rows], author)
    return Verified(tuple(str(row.values["claim_id"]) for row in rows), tuple(refused))


@dataclass(frozen=True, slots=True)
class Verifications:
    """How far verification has come.

    Attributes
    ----------
    shown : sequence of Standing
        One page of the claims asked for, in the order of their ids.
    turns : mapping of Step or None to int
        How many of the claims asked for wait for each step; None where all steps are taken.
    """

    shown: Sequence[Standing]
    turns: Mapping[Step | None, int]

    @property
    def count(self) -> int:
        """Claims asked for."""
        return sum(self.turns.values())


def verifications(
    workspace: Workspace, *, waiting: str = "", claim_ids: Collection[str] = (), number: int = 1
) -> Verifications:
    """How far the verification of claims has come, and one page of them, counted from 1.

    Parameters
    ----------
    workspace : Workspace
    waiting : str
        Only claims that wait for this role; "" for all.
    claim_ids : collection of str
        Only these; none for all.
    number : int
        Which page.

    Raises
    ------
    UnknownOption
        If the rule pack in force has no such role.
    NotFound
        If a claim is named that the registry does not hold.
    InvalidInput
        If no rule pack is in force, or there is no such page.
    """
    pack = pack_in_force(workspace)
    if waiting:
        _check_key(pack, waiting, [role.key for role in pack.roles])
    found = standings(workspace)
    if claim_ids:
        unknown = sorted(set(claim_ids) - {one.claim_id for one in found})
        if unknown:
            raise NotFound(f"no claim is called {unknown[0]!r}.", "See: reverdure verifications")
        found = [one for one in found if one.claim_id in claim_ids]
    if waiting:
        found = [one for one in found if one.next is not None and one.next.role == waiting]
    turns = Counter("" if one.next is None else one.next.key for one in found)
    first = page_start(number, len(found))
    counted = {step: turns["" if step is None else step.key] for step in (*pack.steps, None)}
    return Verifications(found[first : first + PAGE], counted)


def standings(workspace: Workspace) -> list[Standing]:
    """Where the verification of every claim stands, in the order of their ids."""
    return _standings(pack_in_force(workspace), review_states(workspace.database))


def _standings(pack: RulePack, states: Iterable[Any]) -> list[Standing]:
    # many claims, few states
    after = functools.cache(functools.partial(turn, pack.steps))
    return [
        Standing(claim_id, rows, *after(step or "", action or ""), action == RETURNED, outcome,
                 date or "")
        for claim_id, rows, step, action, outcome, date in states
    ]  # fmt: skip


def accepted_days(workspace: Workspace) -> dict[str, str] | None:
    """Day each accepted claim was accepted; None where no claim has begun its verification."""
    states = review_states(workspace.database)
    if not any(state.rows for state in states):
        return None
    found = _standings(pack_in_force(workspace), states)
    return {one.claim_id: one.since for one in found if one.is_accepted}


def pack_in_force(workspace: Workspace) -> RulePack:
    """The rules chosen last.

    Raises
    ------
    InvalidInput
        If none was chosen.
    """
    found = pack_of(workspace)
    if found is None:
        raise InvalidInput(
            "no rule pack is in force in this workspace.",
            "Choose one: reverdure rules --use NAME -w WORKSPACE --by WHO",
        )
    return found


def claims_of(workspace: Workspace, county: str) -> list[str]:
    """Ids of claims whose mine lies in a county.

    Raises
    ------
    NotFound
        If there is none.
    """
    mines = {
        row["mine_id"] for row in workspace.database.rows("mine", ["mine_id", "county"])
        if row["county"] == county
    }  # fmt: skip
    rows = workspace.database.rows("claim", ["claim_id", "mine_id"])
    found = sorted(row["claim_id"] for row in rows if row["mine_id"] in mines)
    if not found:
        raise NotFound(f"no claim is about a mine of {county!r}.", "See: reverdure show")
    return found


def _check_act(
    workspace: Workspace, pack: RulePack, claim_ids: Sequence[str], act: Act, author: Author
) -> None:
    _check_key(pack, act.step, [step.key for step in pack.steps])
    _check_key(pack, act.role, [role.key for role in pack.roles])
    own = workspace.database.role
    if own and act.role != own:
        raise NotAllowed(
            f"this login is {own} in the team, and cannot act as {act.role}.",
            f"Use --as {own}, or log in as somebody who is {act.role}.",
        )
    if not author.person.strip():
        raise InvalidInput("who answers for this step is not said.", "Add --by NAME.")
    if act.returns and not author.why.strip():
        raise InvalidInput("a claim is not sent back without a reason.", "Add --why REASON.")
    if act.day > datetime.datetime.now(datetime.UTC).date().isoformat():
        raise InvalidInput(f"{act.day} is in the future.", "Give the day the step was taken.")
    twice = sorted({one for one in claim_ids if claim_ids.count(one) > 1})
    if twice:
        raise InvalidInput(f"claim {twice[0]} is named twice.", "Name each claim once.")
    evidence = current(workspace.database, ["evidence"])["evidence"]
    for one in act.evidence:
        if one not in evidence:
            raise NotFound(
                f"there is no evidence {one!r}.", "Add it first: reverdure add evidence FILE"
            )


def _check_key(pack: RulePack, seen: str, allowed: Sequence[str]) -> None:
    if seen not in allowed:
        raise UnknownOption(f"{seen!r} is not in rule pack {pack.name}; use one of "
                            f"{', '.join(allowed) or '-'}.")  # fmt: skip
