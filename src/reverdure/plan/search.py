"""From the relaxation to a plan whose distance from the best is proven.

The relaxation of a programme is nearly whole: of 130,000 starts fewer than 40 are in parts
(METHODS 8). So it is solved once; then the mines that it leaves undecided, and those whose
choice hangs on little, are decided again in a small problem in which all others stand: by dives,
which make the parts whole step by step, then by branch and bound from the best of them. The
objective is measured against the bound of the full relaxation. Where that is not near enough,
more mines are opened, and in the end all of them.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import PlanStatus
from reverdure.plan.sifting import solve_relaxation
from reverdure.plan.solver import Answer, Arrays, dive, solve_whole

if TYPE_CHECKING:
    from reverdure.plan.compiling import Compiled
    from reverdure.plan.programme import Plan

Numbers = NDArray[np.float64]
SMALL = 3_000
"""Starts up to which the whole problem is given to the solver at once."""
DIVES = ((80, 12), (150, 12), (150, 4))
"""Mines opened, and which part of those in parts is fixed at a time: dives, one after another."""
STEPS = (150, 400, 1_500)
"""Mines opened in each step of branch and bound after them."""
REPLANNED = 0.25
"""Share of the gap that dives aim at where a former plan is kept to: what is given up to keep it
is itself less than a gap."""
_WHOLE = 1e-6
_STEP_SECONDS = 30.0
_TRIED = 0.25
"""Share of the remaining time that a step may take."""
_FIRST_SECONDS = 3.0
_SECONDS_A_START = 1e-4
"""Time without which the whole problem is not begun: what reads it in cannot be stopped."""


@dataclass(frozen=True)
class Found:
    """What the search came to.

    Attributes
    ----------
    status : PlanStatus
    x : array or None
    objective, bound : float
    seconds : float
    relaxed : Answer or None
        The relaxation with its prices.
    route : tuple of (step, seconds, objective)
    """

    status: PlanStatus
    x: Numbers | None
    objective: float
    bound: float
    seconds: float
    relaxed: Answer | None
    route: tuple[tuple[str, float, float], ...]

    @property
    def gap(self) -> float:
        """Distance of the objective from the bound, as a share; NaN without a plan."""
        return gap_of(self.objective, self.bound)


def gap_of(objective: float, bound: float) -> float:
    """Relative gap of a maximisation, against the bound.

    Examples
    --------
    >>> gap_of(999.0, 1000.0), gap_of(0.0, 0.0)
    (0.001, 0.0)
    """
    if objective == bound:
        return 0.0
    return max((bound - objective) / max(abs(bound), 1e-9), 0.0)


def arrays_of(compiled: "Compiled", *, relaxed: bool) -> Arrays:
    """The arrays of a compiled problem, its locks in the bounds."""
    model = compiled.model
    lower, upper = model.bounds()
    return Arrays(
        model.matrix, model.row_lower, model.row_upper, lower, upper, model.objective,
        None if relaxed else model.whole,
    )  # fmt: skip


def solve(compiled: "Compiled", seconds: float = 120.0, gap: float = 1e-3) -> "Plan":
    """The best plan to a proven gap.

    Parameters
    ----------
    compiled : Compiled
    seconds : float
        Time; what is best by then is given with its gap and the status `time_limit`.
    gap : float
        Share of the bound that the objective may be away from it.
    """
    from reverdure.plan.programme import read_plan

    return read_plan(compiled, search(compiled, seconds, gap))


def search(compiled: "Compiled", seconds: float, gap: float) -> Found:
    """The search itself: relaxation, small problems, the whole problem."""
    began = time.monotonic()
    whole = arrays_of(compiled, relaxed=False)
    relaxed = solve_relaxation(compiled, whole, seconds)
    route = [("relaxation", relaxed.seconds, relaxed.objective)]
    if relaxed.x is None or relaxed.reduced is None:
        status = PlanStatus.INFEASIBLE if relaxed.status == "infeasible" else PlanStatus.NO_PLAN
        return Found(status, None, np.nan, np.nan, time.monotonic() - began, None, tuple(route))
    bound, best = relaxed.bound, None
    if whole.whole is not None and whole.whole.sum() > SMALL:
        best = _hunt(compiled, whole, relaxed, began + seconds, gap, route)
    elif _is_whole(relaxed.x, whole):
        best = relaxed
    left = max(seconds - (time.monotonic() - began), 0.0)
    if _falls_short(best, bound, gap) and left >= _SECONDS_A_START * len(compiled.options):
        full = solve_whole(whole, left, gap, start=None if best is None else best.x)
        route.append(("all mines", full.seconds, full.objective))
        if full.status == "infeasible":
            status = PlanStatus.INFEASIBLE
            return Found(
                status, None, np.nan, np.nan, time.monotonic() - began, relaxed, tuple(route)
            )
        if full.x is not None and (best is None or full.objective > best.objective):
            best = full
        bound = min(bound, full.bound)
    spent = time.monotonic() - began
    if best is None:
        return Found(PlanStatus.NO_PLAN, None, np.nan, bound, spent, relaxed, tuple(route))
    bound = max(bound, best.objective)
    status = status_of(best.objective, bound, gap)
    return Found(status, best.x, best.objective, bound, spent, relaxed, tuple(route))


def status_of(objective: float, bound: float, gap: float) -> PlanStatus:
    """What a plan of this objective is, against its bound."""
    if np.isnan(objective):
        return PlanStatus.NO_PLAN
    near = gap_of(objective, bound) <= gap + 1e-9
    return PlanStatus.OPTIMAL_WITHIN_GAP if near else PlanStatus.TIME_LIMIT


def _falls_short(best: Answer | None, bound: float, gap: float) -> bool:
    return best is None or gap_of(best.objective, bound) > gap


def _is_whole(x: Numbers, arrays: Arrays) -> bool:
    parts = x if arrays.whole is None else x[arrays.whole]
    return bool((np.abs(parts - np.round(parts)) < _WHOLE).all())


def _opened(compiled: "Compiled", relaxed: Answer, mines: int) -> NDArray[np.bool_]:
    """The columns left open: all but the starts of mines whose choice is clear.

    How clear it is: the least that a change of the choice would cost at the prices of the
    relaxation (the reduced cost of the next best start, or of doing nothing), against the
    benefit of the mine. Mines in parts come first.
    """
    options = compiled.options
    x, reduced, prices = relaxed.x, relaxed.reduced, relaxed.prices
    assert x is not None and reduced is not None and prices is not None
    n = len(options)
    taken = x[:n] > _WHOLE
    parts = taken & (x[:n] < 1 - _WHOLE)
    at = options.mine
    size = int(at.max()) + 1
    margin = np.full(size, np.inf)
    np.minimum.at(margin, at[~taken], np.maximum(-reduced[:n][~taken], 0.0))
    stays = np.abs(prices[compiled.one_start[taken]])
    np.minimum.at(margin, at[taken], stays)
    margin[at[parts]] = -1.0
    order = np.argsort(margin, kind="stable")
    chosen = np.zeros(size, dtype=bool)
    chosen[order[: max(mines, int((margin < 0).sum()))]] = True
    opened = np.ones(len(x), dtype=bool)
    opened[:n] = chosen[at] & (reduced[:n] > -np.inf)
    return opened


def _hunt(
    compiled: "Compiled", whole: Arrays, relaxed: Answer, until: float, gap: float,
    route: list[tuple[str, float, float]],
) -> Answer | None:  # fmt: skip
    """The best plan near the relaxation: what is whole in it, dives, branch and bound."""
    assert relaxed.x is not None
    bound, before = relaxed.bound, compiled.problem.before
    nearer = gap * REPLANNED if before is not None and before.price_of_change > 0 else gap
    money_only = np.ones(len(relaxed.x), dtype=bool)
    money_only[compiled.starts] = False
    first = _restricted(
        whole, np.floor(relaxed.x + _WHOLE), money_only, _FIRST_SECONDS, gap, bound, 0, None
    )
    route.append(("what is whole", first.seconds, first.objective))
    best = None if first.x is None else first
    for mines, part in (*DIVES, *((step, 0) for step in STEPS)):
        may_take = min(max(until - time.monotonic(), 0.0) * _TRIED, _STEP_SECONDS)
        opened = _opened(compiled, relaxed, mines)
        if not part and may_take < _SECONDS_A_START * opened.sum():
            break
        tried = _restricted(
            whole, relaxed.x, opened, may_take, nearer if part else gap, bound, part, best
        )
        route.append(
            (f"{'dive' if part else 'branch'}, {mines} mines", tried.seconds, tried.objective)
        )
        if tried.x is not None and (best is None or tried.objective > best.objective):
            best = tried
        is_last = not part or (mines, part) == DIVES[-1]
        if not _falls_short(best, bound, gap if is_last else nearer):
            break
    return best


def _restricted(
    whole: Arrays, x: Numbers | None, opened: NDArray[np.bool_], seconds: float, gap: float,
    bound: float, part: int, known: Answer | None,
) -> Answer:  # fmt: skip
    """The problem with the columns that are not open standing as in x: a dive, or in full."""
    assert x is not None
    fixed = np.where(opened, 0.0, np.round(x))
    offset = whole.matrix @ fixed
    matrix = whole.matrix[:, np.flatnonzero(opened)]
    used = np.bincount(matrix.indices, minlength=matrix.shape[0]) > 0
    small = Arrays(
        matrix[np.flatnonzero(used), :].tocsc(),
        (whole.row_lower - offset)[used], (whole.row_upper - offset)[used],
        whole.lower[opened], whole.upper[opened], whole.objective[opened],
        None if whole.whole is None else whole.whole[opened],
    )  # fmt: skip
    rest = float(whole.objective @ fixed)
    near = gap * abs(bound)
    if part:
        answer = dive(small, seconds, near / 4, part)
    else:
        start = None if known is None or known.x is None else known.x[opened]
        answer = solve_whole(small, seconds, gap / 10, target=bound - near - rest, start=start)
    if answer.x is None:
        return Answer(answer.status, None, np.nan, np.inf, answer.seconds)
    full = fixed.copy()
    full[opened] = answer.x
    return Answer(answer.status, full, float(whole.objective @ full), np.inf, answer.seconds)
