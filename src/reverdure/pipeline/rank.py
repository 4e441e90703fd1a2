"""Mines of a workspace ranked by criteria that people gave, and how far the ranks hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reverdure.core.codes import RankStatus
from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.steer_fields import RANKS
from reverdure.intake.criteria import Criteria, read_criteria, read_pairs, read_rows
from reverdure.plan.ranking import (
    Comparisons,
    Ranking,
    ahp_weights,
    benefit_cost_ranking,
    entropy_weights,
    rank_robustness,
    topsis,
)
from reverdure.plan.weights import GroupWeights, mean_weights, read_weights
from reverdure.store.workspace import Workspace

METHODS = ("topsis", "ahp", "entropy", "benefit-cost")
NORMALISE = {"vector": "vector", "min-max": "min_max"}
DRAWS = 1000


@dataclass(frozen=True)
class Ranked:
    """Mines in order.

    Attributes
    ----------
    rows : DataFrame
        `RANKS`; what is not ranked stands last.
    criteria : Criteria
    weights : mapping of criterion to float
        Those it was ranked with; empty for benefit over cost.
    log : tuple of GroupWeights
        Who was asked, when, and what they said.
    consistency : mapping of group to Comparisons
        Of comparisons by pairs.
    best : int
    """

    rows: pd.DataFrame
    criteria: Criteria
    weights: dict[str, float]
    log: tuple[GroupWeights, ...] = ()
    consistency: dict[str, Comparisons] = field(default_factory=dict)
    best: int = 0


def rank(
    workspace: Workspace, criteria: Path, weights: Path | None, method: str = "topsis",
    normalise: str = "vector", best: int = 0,
) -> Ranked:  # fmt: skip
    """Rank mines by criteria, with the chance that each stays among the first.

    Parameters
    ----------
    workspace : Workspace
    criteria : Path
        As `read_criteria` takes it.
    weights : Path or None
        A log of weights (`read_weights`), for "ahp" of comparisons (`read_pairs`); "entropy" and
        "benefit-cost" take none.
    method : str
        Of `METHODS`. "ahp" and "entropy" give weights, by which TOPSIS ranks.
    normalise : str
        "vector" or "min-max".
    best : int
        How many count as the first; 0 for a tenth of those ranked.

    Raises
    ------
    UnknownOption, InvalidInput, MissingColumn, UnreadableFile
    """
    if method not in METHODS:
        raise UnknownOption(f"there is no method {method!r}; use one of {', '.join(METHODS)}.")
    if normalise not in NORMALISE:
        raise UnknownOption(
            f"normalisation {normalise!r} is not known; use one of {', '.join(NORMALISE)}."
        )
    asks = method in ("topsis", "ahp")
    if asks != (weights is not None):
        raise InvalidInput(
            f"method {method} {'needs' if asks else 'takes no'} weights of people.",
            "Give --weights FILE with topsis and ahp, leave it out with entropy and benefit-cost.",
        )
    read = read_criteria(criteria)
    names = {
        row["mine_id"]: row["name"] or ""
        for row in workspace.database.rows("mine", ["mine_id", "name"])
    }
    status = [
        RankStatus.NOT_LISTED if one not in names
        else RankStatus.RANKED if np.isfinite(values).all() else RankStatus.LACKS_CRITERION
        for one, values in zip(read.mine_id, read.values, strict=True)
    ]  # fmt: skip
    used = np.flatnonzero([one is RankStatus.RANKED for one in status])
    if not used.size:
        raise InvalidInput(
            f"none of the {len(status)} mines of {criteria.name} can be ranked: {status[0].en}.",
            "Complete the criteria, or correct the ids.",
        )
    log, consistency = _log(method, weights)
    values, ids = read.values[used], [read.mine_id[n] for n in used]
    weight = _weights(method, read, log, values)
    found = _ranking(method, ids, read, values, weight, NORMALISE[normalise])
    count = best or -(-len(ids) // 10)
    chance = _chance(read, values, weight, NORMALISE[normalise], count, workspace.settings.seed)
    rows: list[dict[str, Any]] = [
        {"rank": found.rank[n], "mine_id": mine_id, "name": names[mine_id],
         "status": RankStatus.RANKED.key, "score": found.score[n],
         "p_best": None if chance is None else chance[n], "best": count,
         "method": found.method if method == "topsis" else f"{method}; {found.method}"}
        for n, mine_id in enumerate(ids)
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["rank"], row["mine_id"]))
    rows += [
        {"mine_id": read.mine_id[n], "name": names.get(read.mine_id[n], ""), "status": one.key}
        for n, one in enumerate(status) if one is not RankStatus.RANKED
    ]  # fmt: skip
    return Ranked(RANKS.frame(rows), read, weight, log, consistency, count)


def _log(method: str, path: Path | None) -> tuple[tuple[GroupWeights, ...], dict[str, Comparisons]]:
    """What people said, as weights; comparisons that contradict each other are refused."""
    if path is None:
        return (), {}
    if method != "ahp":
        return read_weights(read_rows(path)), {}
    rows, consistency = [], {}
    for pairs in read_pairs(path):
        found = consistency[pairs.group] = ahp_weights(pairs.matrix)
        rows += [
            {"group": pairs.group, "asked": pairs.asked, "date": pairs.date,
             "criterion": criterion, "weight": weight}
            for criterion, weight in zip(pairs.criteria, found.weights, strict=True)
        ]  # fmt: skip
    return read_weights(rows), consistency


def _weights(
    method: str, criteria: Criteria, log: Sequence[GroupWeights], values: Any
) -> dict[str, float]:
    """Weight of every criterion, in the order of the criteria; empty for benefit over cost."""
    if method == "benefit-cost":
        return {}
    if method == "entropy":
        return dict(zip(criteria.names, entropy_weights(values), strict=True))
    mean = mean_weights(log)
    if set(mean) != set(criteria.names):
        raise InvalidInput(
            f"the weights are about {', '.join(sorted(mean))}, the criteria are "
            f"{', '.join(sorted(criteria.names))}.",
            "Use the same words in both files.",
        )
    return {name: mean[name] for name in criteria.names}


def _ranking(
    method: str, ids: Sequence[str], criteria: Criteria, values: Any, weight: dict[str, float],
    normalise: str,
) -> Ranking:  # fmt: skip
    if method != "benefit-cost":
        return topsis(ids, values, list(weight.values()), criteria.is_cost, normalise)
    cost = np.array(criteria.is_cost)
    if cost.sum() != 1 or (~cost).sum() < 1:
        raise InvalidInput(
            f"benefit over cost needs one criterion of which less is better, got {cost.sum()}.",
            "Leave one cost; benefits in the same currency and price year are summed.",
        )
    return benefit_cost_ranking(ids, values[:, ~cost].sum(axis=1), values[:, cost][:, 0])


def _chance(
    criteria: Criteria, values: Any, weight: dict[str, float], normalise: str, best: int, seed: int
) -> Any:
    """Chance of staying among the first; None where there are no weights to draw around."""
    if not weight:
        return None
    share = np.array(list(weight.values()))
    used = share > 0
    return rank_robustness(
        values[:, used], np.array(criteria.is_cost)[used].tolist(), best, share[used].tolist(),
        normalisation=normalise, draws=DRAWS, seed=seed,
    )  # fmt: skip
