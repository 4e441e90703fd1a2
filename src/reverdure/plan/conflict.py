"""What cannot hold together: the smallest set of requirements, and the cheapest way out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array, hstack

from reverdure.plan.model import Model
from reverdure.plan.problem import Problem
from reverdure.plan.solver import Answer, Arrays, solve_linear, solve_whole

if TYPE_CHECKING:
    from reverdure.plan.compiling import Compiled

_LEAST = 1e-6
ELASTIC = ("columns.shortfall", "columns.unfair")


@dataclass(frozen=True)
class GivingWay:
    """One requirement that gives way: which row, and by how much.

    Attributes
    ----------
    requirement : str
    en, zh : str
        The row in words.
    amount : float
        In the unit of the row: million CNY, ha, mines; 1 for a lock that is dropped.
    """

    requirement: str
    en: str
    zh: str
    amount: float


@dataclass(frozen=True)
class Conflict:
    """Requirements that cannot hold together.

    Attributes
    ----------
    requirements : tuple of str
        Smallest set: without any one of them the others can hold.
    en, zh : str
        The same in a sentence.
    cheapest : tuple of GivingWay
        What has to give way at the least, as shares of what was asked; () where none was found.
    alone : mapping of requirement to what it alone would have to give
        None where giving way by this one alone is not enough.
    is_proven : bool
        False where the solver ran out of time on the way.
    """

    requirements: tuple[str, ...]
    en: str
    zh: str
    cheapest: tuple[GivingWay, ...]
    alone: dict[str, tuple[GivingWay, ...] | None]
    is_proven: bool


def conflict(asked: Problem, *, strict: bool = False, seconds: float = 30.0) -> Conflict | None:
    """The smallest set of requirements of a problem that cannot hold together.

    Parameters
    ----------
    asked : Problem
    strict : bool
        True takes targets and fairness at their word: why not all of them can be reached.
    seconds : float
        Time for each question put to the solver.

    Returns
    -------
    Conflict or None
        None where all can hold together.
    """
    compiled = asked.compile()
    model = _strict(compiled.model) if strict else compiled.model
    doubts: list[bool] = []

    def holds(groups: Sequence[str]) -> bool:
        answer = feasible(model.only(groups), seconds)
        doubts.append(answer is None)
        return answer is not False

    groups = list(model.groups)
    if holds(groups):
        return None
    core = _smallest(holds, groups)
    en = " and ".join(compiled.words[one][0] for one in core)
    zh = "、".join(compiled.words[one][1] for one in core)
    return Conflict(
        tuple(core), f"these cannot hold together: {en}.", f"以下要求互相冲突：{zh}。",
        _way_out(compiled, model, core, seconds) or (),
        {one: _way_out(compiled, model, [one], seconds) for one in core},
        not any(doubts),
    )  # fmt: skip


def _strict(model: Model) -> Model:
    """Nothing may fall short."""
    upper = model.upper.copy()
    for kind in ELASTIC:
        upper[model.columns(kind)] = 0.0
    return replace(model, upper=upper)


def feasible(model: Model, seconds: float) -> bool | None:
    """Whether a model has a solution; None where the time did not suffice to tell."""
    lower, upper = model.bounds()
    if (lower > upper).any():
        return False
    arrays = Arrays(
        model.matrix, model.row_lower, model.row_upper, lower, upper,
        np.zeros(len(lower)), model.whole,
    )  # fmt: skip
    relaxed = solve_linear(arrays, seconds)
    if relaxed.status == "infeasible":
        return False
    if relaxed.x is None:
        return None
    parts = relaxed.x[model.whole]
    if (np.abs(parts - np.round(parts)) < _LEAST).all():
        return True
    answer = solve_whole(arrays, seconds, 1.0)
    if answer.x is not None:
        return True
    return False if answer.status == "infeasible" else None


def _smallest(holds: Callable[[Sequence[str]], bool], groups: list[str]) -> list[str]:
    """A smallest conflicting subset by halving (QuickXplain, Junker 2004)."""

    def search(background: list[str], added: bool, rest: list[str]) -> list[str]:
        if added and not holds(background):
            return []
        if len(rest) == 1:
            return rest
        half = len(rest) // 2
        left, right = rest[:half], rest[half:]
        second = search(background + left, bool(left), right)
        first = search(background + second, bool(second), left)
        return first + second

    if not holds([]):
        return []
    return search([], False, groups)


def _way_out(
    compiled: "Compiled", model: Model, groups: Sequence[str], seconds: float
) -> tuple[GivingWay, ...] | None:
    """The least that the rows of these requirements give way so that all others hold."""
    rows = [b.rows for b in model.row_blocks if b.group in groups]
    if not rows:
        return None
    where = np.concatenate(rows)
    kept = replace(model, locks=tuple(one for one in model.locks if one.group not in groups))
    answer = _relaxed(kept, where, seconds)
    if answer.x is None:
        return None
    down, up = np.split(answer.x[model.shape[1] :], 2)
    found = []
    of_row = {int(row): b.group for b in model.row_blocks if b.group in groups for row in b.rows}
    for row, amount in zip(where, np.maximum(down, up), strict=True):
        if amount > _LEAST:
            words = [model.name_of_row(int(row), one) for one in ("en", "zh")]
            found.append(GivingWay(of_row[int(row)], words[0], words[1], float(amount)))
    return tuple(found)


def _relaxed(model: Model, where: np.ndarray, seconds: float) -> Answer:
    """Solve with a slack to either side of these rows, least in shares of what was asked."""
    lower, upper = model.bounds()
    n, size = len(where), model.shape[1]
    asked = np.fmax(
        np.where(np.isfinite(model.row_lower[where]), np.abs(model.row_lower[where]), 0),
        np.where(np.isfinite(model.row_upper[where]), np.abs(model.row_upper[where]), 0),
    )
    price = np.tile(-1.0 / np.maximum(asked, 1.0), 2)
    at = (where, np.arange(n))
    slack = hstack(
        [csc_array((np.full(n, sign), at), shape=(model.shape[0], n)) for sign in (1.0, -1.0)]
    )
    arrays = Arrays(
        csc_array(hstack([model.matrix, slack])), model.row_lower, model.row_upper,
        np.append(lower, np.zeros(2 * n)), np.append(upper, np.full(2 * n, np.inf)),
        np.append(np.zeros(size), price), np.append(model.whole, np.zeros(2 * n, dtype=bool)),
    )  # fmt: skip
    return solve_whole(arrays, seconds, 1e-4)
