"""HiGHS: a model in, a solution with its prices out. The only place that opens the solver."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Arrays:
    """Maximise `objective` x: what the solver is handed.

    Attributes
    ----------
    matrix : csc_array
    row_lower, row_upper, lower, upper, objective : array of float
    whole : array of bool or None
        Columns that are whole numbers; None for a linear problem.
    """

    matrix: csc_array
    row_lower: Numbers
    row_upper: Numbers
    lower: Numbers
    upper: Numbers
    objective: Numbers
    whole: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Answer:
    """What the solver came to.

    Attributes
    ----------
    status : str
        optimal, infeasible, unbounded, stopped (time or target) or failed.
    x : array or None
        The best solution; None without one.
    objective, bound : float
        Of the maximisation; NaN where there is none.
    prices, reduced : array or None
        Of a linear problem: what one more unit of a row brings; what one more of a column would.
    seconds : float
    """

    status: str
    x: Numbers | None
    objective: float
    bound: float
    seconds: float
    prices: Numbers | None = None
    reduced: Numbers | None = None


@dataclass(frozen=True)
class Basis:
    """Where a simplex solution stands: one status a column and row."""

    columns: list[Any]
    rows: list[Any]


_STOPPED = threading.Event()
_WHOLE = 1e-6
_ROUNDS = 60
_STATUS = {
    "kOptimal": "optimal", "kInfeasible": "infeasible", "kUnbounded": "unbounded",
    "kUnboundedOrInfeasible": "infeasible", "kInterrupt": "stopped", "kTimeLimit": "stopped",
    "kObjectiveTarget": "stopped", "kSolutionLimit": "stopped",
    "kModelEmpty": "optimal",
}  # fmt: skip


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that, once set, ends whatever is being solved as if its time were over."""
    _STOPPED.clear()
    try:
        yield _STOPPED
    finally:
        _STOPPED.clear()


def solve_linear(arrays: Arrays, seconds: float) -> Answer:
    """The relaxation by the simplex method, with its prices.

    The simplex is forced: interior point and first order were slower on these problems
    (METHODS 8), and only a basis gives prices that hold.
    """
    began = time.monotonic()
    solver = _handed(arrays, relaxed=True)
    solver.setOptionValue("solver", "simplex")
    # presolve calls nobody back, and minds this
    solver.setOptionValue("time_limit", max(seconds, 0.0))
    _run(solver, began + seconds)
    return _linear_answer(solver, arrays, began)


def solve_from(
    arrays: Arrays, seconds: float, columns: NDArray[np.int64], basis: Basis | None, width: int
) -> tuple[Answer, Basis | None]:
    """A relaxation that has some of the columns, from the basis of one that had fewer.

    Parameters
    ----------
    arrays : Arrays
        With these columns only.
    seconds : float
    columns : array of int
        Where they stand among all `width` columns.
    basis : Basis or None
    width : int
    """
    began = time.monotonic()
    solver = _handed(arrays, relaxed=True)
    solver.setOptionValue("solver", "simplex")
    if basis is not None:
        known = highspy.HighsBasis()
        known.valid = True
        known.col_status = [basis.columns[n] for n in columns]
        known.row_status = basis.rows
        solver.setBasis(known)
    solver.setOptionValue("time_limit", max(seconds, 0.0))
    _run(solver, began + seconds)
    answer = _linear_answer(solver, arrays, began)
    if answer.x is None:
        return answer, None
    found = solver.getBasis()
    statuses = [highspy.HighsBasisStatus.kLower] * width
    for at, status in zip(columns, found.col_status, strict=True):
        statuses[at] = status
    return answer, Basis(statuses, list(found.row_status))


def _linear_answer(solver: Any, arrays: Arrays, began: float) -> Answer:
    status = _STATUS.get(solver.getModelStatus().name, "failed")
    spent = time.monotonic() - began
    if status != "optimal":
        return Answer(status, None, np.nan, np.nan, spent)
    solution = solver.getSolution()
    x = np.array(solution.col_value)
    value = float(arrays.objective @ x)
    return Answer(
        status, x, value, value, spent, -np.array(solution.row_dual), -np.array(solution.col_dual)
    )


def solve_whole(
    arrays: Arrays, seconds: float, gap: float, target: float | None = None,
    start: Numbers | None = None,
) -> Answer:  # fmt: skip
    """The mixed-integer problem by branch and bound.

    Parameters
    ----------
    arrays : Arrays
    seconds : float
        Stopped by a callback: the solver's own limit is overrun (METHODS 8).
    gap : float
        Relative gap at which to stop.
    target : float or None
        Objective that is good enough.
    start : array or None
        A solution to begin with.
    """
    began = time.monotonic()
    solver = _handed(arrays, relaxed=False)
    solver.setOptionValue("mip_rel_gap", max(gap, 0.0))
    if gap == 0:
        solver.setOptionValue("mip_abs_gap", 0.0)
    if target is not None:
        solver.setOptionValue("objective_target", -target)
    if start is not None:
        guess = highspy.HighsSolution()
        guess.col_value = start.tolist()
        solver.setSolution(guess)
    _run(solver, began + seconds)
    status = _STATUS.get(solver.getModelStatus().name, "failed")
    info = solver.getInfo()
    spent = time.monotonic() - began
    bound = -float(info.mip_dual_bound)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Answer(status, None, np.nan, bound, spent)
    x = np.array(solver.getSolution().col_value)
    if arrays.whole is not None:
        x[arrays.whole] = np.round(x[arrays.whole])
    value = float(arrays.objective @ x)
    return Answer(status, x, value, max(bound, value), spent)


def dive(arrays: Arrays, seconds: float, enough: float, part: int) -> Answer:
    """A whole solution from the relaxation: the largest parts are made whole, step by step.

    Each step fixes one in `part` of the columns in parts, those nearest to one, and solves on
    from the last basis; where that leaves no solution, the smallest is closed instead. Once
    the parts are worth no more than `enough`, or after many steps, the smaller half of them is
    left out, again and again.
    """
    began = time.monotonic()
    solver = _handed(arrays, relaxed=True)
    solver.setOptionValue("solver", "simplex")
    open_columns = np.zeros(0, dtype=bool) if arrays.whole is None else arrays.whole
    upper = arrays.upper.copy()
    raised: list[int] = []
    rounds, is_closing = 0, False
    _stop_at(solver, began + seconds)
    while time.monotonic() < began + seconds:
        solver.run()
        status = _STATUS.get(solver.getModelStatus().name, "failed")
        if is_closing and status != "optimal":
            break
        if status == "infeasible" and raised:
            for column in raised:
                solver.changeColBounds(column, float(arrays.lower[column]), float(upper[column]))
            upper[raised[-1]] = arrays.lower[raised[-1]]
            solver.changeColBounds(raised[-1], float(upper[raised[-1]]), float(upper[raised[-1]]))
            raised = []
            continue
        if status != "optimal":
            break
        x = np.array(solver.getSolution().col_value)
        in_parts = np.flatnonzero(open_columns & (np.abs(x - np.round(x)) > _WHOLE))
        if not len(in_parts):
            x[open_columns] = np.round(x[open_columns])
            value = float(arrays.objective @ x)
            return Answer("stopped", x, value, np.inf, time.monotonic() - began)
        rounds += 1
        worth = float(np.abs(arrays.objective[in_parts]) @ x[in_parts])
        nearest = in_parts[np.argsort(-x[in_parts], kind="stable")]
        if is_closing or worth <= enough or rounds > _ROUNDS:
            is_closing = True
            kept = np.setdiff1d(np.flatnonzero(open_columns), nearest[: len(nearest) // 2])
            down = np.floor(x[kept] + _WHOLE)
            solver.changeColsBounds(len(kept), kept.astype(np.int32), down, down)
            continue
        raised = nearest[: max(len(nearest) // part, 1)].tolist()
        for column in raised:
            solver.changeColBounds(column, 1.0, float(upper[column]))
    return Answer("stopped", None, np.nan, np.inf, time.monotonic() - began)


def _handed(arrays: Arrays, *, relaxed: bool) -> Any:
    """A silent solver that holds the model, as a minimisation."""
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    lp = highspy.HighsLp()
    rows, columns = arrays.matrix.shape
    lp.num_row_, lp.num_col_ = rows, columns
    lp.col_cost_ = -arrays.objective
    lp.col_lower_, lp.col_upper_ = arrays.lower, arrays.upper
    lp.row_lower_, lp.row_upper_ = arrays.row_lower, arrays.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = arrays.matrix.indptr
    lp.a_matrix_.index_ = arrays.matrix.indices
    lp.a_matrix_.value_ = arrays.matrix.data
    if not relaxed and arrays.whole is not None:
        whole, real = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        lp.integrality_ = [whole if is_whole else real for is_whole in arrays.whole]
    if solver.passModel(lp) == highspy.HighsStatus.kError:
        raise RuntimeError("the solver refused the model")
    return solver


def _run(solver: Any, until: float) -> None:
    """Run, and stop when the time is over."""
    _stop_at(solver, until)
    solver.run()


def _stop_at(solver: Any, until: float) -> None:
    stop = _stopper(until)
    solver.cbSimplexInterrupt.subscribe(stop)
    solver.cbMipInterrupt.subscribe(stop)


def _stopper(until: float) -> Callable[[Any], None]:
    def stop(event: Any) -> None:
        if time.monotonic() > until or _STOPPED.is_set():
            event.interrupt()

    return stop
