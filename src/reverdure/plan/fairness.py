"""The highest floor that every place can have together: the first of two passes."""

from dataclasses import replace

import numpy as np
from scipy.sparse import block_array, csc_array

from reverdure.core.errors import InvalidInput
from reverdure.plan.asked import places_of
from reverdure.plan.problem import Problem
from reverdure.plan.quantities import restored_ha
from reverdure.plan.requirements import Fair, Target
from reverdure.plan.search import arrays_of
from reverdure.plan.solver import Arrays, solve_linear

_SECONDS = 120.0


def highest_floor(asked: Problem, fair: Fair) -> float:
    """The share of its area that the worst place restores at best, in the relaxation.

    The floor is weighed so heavily beside the objective that it comes first; alone it would be
    so degenerate that the simplex method takes minutes (METHODS 8).

    Raises
    ------
    InvalidInput
        If not even the money and commitments can be kept.
    """
    others = tuple(r for r in asked.requirements if not isinstance(r, Fair | Target))
    compiled = replace(asked, requirements=others).compile()
    arrays, options = arrays_of(compiled, relaxed=True), compiled.options
    names, of_mine = places_of(asked.mines, fair.per)
    whole = np.bincount(of_mine, asked.mines.area_ha, len(names))
    amounts = restored_ha.of(options, asked.mines)
    counted = np.flatnonzero(amounts)
    share = csc_array(
        (amounts[counted] / whole[of_mine[options.mine[counted]]],
         (of_mine[options.mine[counted]], counted)),
        shape=(len(names), arrays.matrix.shape[1]),
    )  # fmt: skip
    floor = csc_array(-np.ones((len(names), 1)))
    top = float(np.abs(compiled.worth).max()) * len(asked.mines)
    answer = solve_linear(
        Arrays(
            csc_array(block_array([[arrays.matrix, None], [share, floor]])),
            np.append(arrays.row_lower, np.zeros(len(names))),
            np.append(arrays.row_upper, np.full(len(names), np.inf)),
            np.append(arrays.lower, 0.0), np.append(arrays.upper, 1.0),
            np.append(arrays.objective, top),
        ),
        _SECONDS,
    )  # fmt: skip
    if answer.x is None:
        raise InvalidInput(
            "no floor can be found: money and commitments cannot be kept together.",
            "Solve without fairness to see what stands in the way.",
        )
    return float(answer.x[-1])
