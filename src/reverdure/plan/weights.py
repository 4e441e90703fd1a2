"""Weights of criteria as groups of people gave them, with who was asked and when."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reverdure.core.errors import InvalidInput, MissingColumn

COLUMNS = ("group", "criterion", "weight", "asked", "date")


@dataclass(frozen=True, slots=True)
class GroupWeights:
    """What one group said of all criteria on one day.

    Attributes
    ----------
    group : str
        For example "villagers".
    asked : str
        Who was asked: names, or how many and where.
    date : datetime.date
    weights : mapping of criterion to float
        Add up to 1.
    """

    group: str
    asked: str
    date: datetime.date
    weights: Mapping[str, float]


def read_weights(rows: Sequence[Mapping[str, Any]]) -> tuple[GroupWeights, ...]:
    """The log of who was asked and when, from rows of a table.

    Parameters
    ----------
    rows : sequence of mappings
        Columns group, criterion, weight, asked and date (2026-03-01): one row for each
        criterion of each asking. Weights are brought to a sum of 1.

    Returns
    -------
    tuple of GroupWeights
        By date, then group; the same group may be asked again.

    Raises
    ------
    MissingColumn
        If a column is missing.
    InvalidInput
        If a weight is no number or below zero, somebody or a day is not named, a criterion
        stands twice, or a group was not asked about all criteria.

    Examples
    --------
    >>> asked = {"group": "villagers", "asked": "12 of Shuangxi", "date": "2026-03-01"}
    >>> log = read_weights([asked | {"criterion": "safety", "weight": 3},
    ...                     asked | {"criterion": "cost", "weight": 1}])
    >>> log[0].weights, log[0].asked, log[0].date.isoformat()
    ({'safety': 0.75, 'cost': 0.25}, '12 of Shuangxi', '2026-03-01')
    """
    gathered: dict[tuple[datetime.date, str, str], dict[str, float]] = {}
    for number, row in enumerate(rows, 1):
        date, group, asked, criterion, weight = _read(row, number)
        given = gathered.setdefault((date, group, asked), {})
        if criterion in given:
            raise InvalidInput(f"row {number}: {group} weighs {criterion} twice on {date}.")
        given[criterion] = weight
    criteria = {criterion for given in gathered.values() for criterion in given}
    for (date, group, _), given in gathered.items():
        lacking = sorted(criteria - set(given))
        if lacking:
            raise InvalidInput(
                f"{group} was not asked about {', '.join(lacking)} on {date}.",
                "Give every criterion a weight, 0 where it does not count.",
            )
        if not sum(given.values()) > 0:
            raise InvalidInput(f"all weights of {group} on {date} are 0.")
    return tuple(
        GroupWeights(group, asked, date, _shares(given))
        for (date, group, asked), given in sorted(gathered.items(), key=lambda item: item[0])
    )


def mean_weights(log: Sequence[GroupWeights]) -> dict[str, float]:
    """Mean over groups, each with one voice and what it said last.

    Raises
    ------
    InvalidInput
        If nobody was asked.

    Examples
    --------
    >>> day = datetime.date(2026, 3, 1)
    >>> mean_weights([GroupWeights("a", "x", day, {"cost": 0.2, "safety": 0.8}),
    ...               GroupWeights("b", "y", day, {"cost": 0.4, "safety": 0.6})])
    {'cost': 0.3, 'safety': 0.7}
    """
    last = {one.group: one.weights for one in sorted(log, key=lambda one: one.date)}
    if not last:
        raise InvalidInput("nobody was asked for weights.")
    criteria = next(iter(last.values()))
    return {
        criterion: round(sum(weights[criterion] for weights in last.values()) / len(last), 12)
        for criterion in criteria
    }


def _shares(given: Mapping[str, float]) -> dict[str, float]:
    total = sum(given.values())
    return {criterion: weight / total for criterion, weight in given.items()}


def _read(row: Mapping[str, Any], number: int) -> tuple[datetime.date, str, str, str, float]:
    lacking = [name for name in COLUMNS if name not in row]
    if lacking:
        raise MissingColumn(
            f"the table of weights has no column {', '.join(lacking)}.",
            f"It needs {', '.join(COLUMNS)}.",
        )
    group, asked, criterion = (str(row[name] or "").strip() for name in ("group", "asked",
                                                                         "criterion"))  # fmt: skip
    if not (group and asked and criterion):
        raise InvalidInput(f"row {number} does not say which group, who was asked, or about what.")
    try:
        weight = float(row["weight"])
        date = datetime.date.fromisoformat(str(row["date"]).strip()[:10])
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"row {number}: weight {row['weight']!r} or date {row['date']!r} cannot be read.",
            "Write a number, and the day as 2026-03-01.",
        ) from error
    if not 0 <= weight < float("inf"):
        raise InvalidInput(f"row {number}: a weight cannot be {weight:g}.")
    return date, group, asked, criterion, weight
