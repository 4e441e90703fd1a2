"""Rankings against published figures, and what must hold of any of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverdure.core.errors import InvalidInput, MissingColumn, UnknownOption
from reverdure.plan.ranking import (
    ahp_weights,
    benefit_cost_ranking,
    combined_weights,
    entropy_weights,
    rank_robustness,
    topsis,
    with_indirect,
)
from reverdure.plan.weights import mean_weights, read_weights

DRINKS = [
    [1, 9, 5, 2, 1, 1, 1 / 2],
    [1 / 9, 1, 1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9],
    [1 / 5, 3, 1, 1 / 3, 1 / 4, 1 / 3, 1 / 9],
    [1 / 2, 9, 3, 1, 1 / 2, 1, 1 / 3],
    [1, 9, 4, 2, 1, 2, 1 / 2],
    [1, 9, 3, 1, 1 / 2, 1, 1 / 3],
    [2, 9, 9, 3, 2, 3, 1],
]
TABLE = [[250, 16, 12, 5], [200, 16, 8, 3], [300, 32, 16, 4], [275, 32, 8, 4], [225, 16, 16, 2]]
COST = [True, False, False, False]


def test_drinks_of_saaty() -> None:
    """Saaty 2008, doi:10.1504/IJSSCI.2008.017590 (METHODS 2.1, T12)."""
    found = ahp_weights(DRINKS)
    published = [0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327]
    assert found.weights == pytest.approx(published, abs=6e-4)
    assert [round(weight, 4) for weight in found.weights] == [
        0.1775, 0.0191, 0.0418, 0.1164, 0.1896, 0.1288, 0.3268,
    ]  # fmt: skip
    assert (round(found.eigenvalue, 4), round(found.ratio, 4)) == (7.1766, 0.0223)


def test_three_criteria() -> None:
    """METHODS 2.1."""
    found = ahp_weights([[1, 1 / 3, 5], [3, 1, 7], [1 / 5, 1 / 7, 1]])
    assert [round(weight, 4) for weight in found.weights] == [0.2790, 0.6491, 0.0719]
    assert (round(found.eigenvalue, 4), round(found.ratio, 4)) == (3.0649, 0.0559)


def test_comparisons_that_contradict_each_other_are_refused() -> None:
    circle = [[1, 3, 1 / 3], [1 / 3, 1, 3], [3, 1 / 3, 1]]
    with pytest.raises(InvalidInput, match=r"consistency ratio 1\.\d+, allowed is under 0.1"):
        ahp_weights(circle)
    with pytest.raises(InvalidInput, match="comparison 1, 2 is 3, its counterpart 3"):
        ahp_weights([[1, 3], [3, 1]])
    with pytest.raises(InvalidInput, match="number above 0"):
        ahp_weights([[1, np.nan], [1, 1]])
    with pytest.raises(InvalidInput, match="square matrix of 1 to 10"):
        ahp_weights(np.ones((11, 11)))


def test_topsis_both_ways() -> None:
    """METHODS 2.1, T13 (as pymcdm has it): the order hangs on the normalisation."""
    vector = topsis("ABCDE", TABLE, [0.25] * 4, COST)
    assert [round(score, 4) for score in vector.score] == [0.5343, 0.3084, 0.6916, 0.5347, 0.4010]
    other = topsis("ABCDE", TABLE, [0.25] * 4, COST, "min_max")
    assert [round(score, 4) for score in other.score] == [0.5000, 0.4027, 0.5973, 0.4869, 0.4654]
    assert (vector.rank, other.rank) == ((3, 5, 1, 2, 4), (2, 5, 1, 3, 4))
    assert (vector.method, other.method) == ("topsis, vector", "topsis, min_max")
    with pytest.raises(UnknownOption, match="normalisation 'sum' is not known"):
        topsis("ABCDE", TABLE, [0.25] * 4, COST, "sum")


def test_entropy() -> None:
    """METHODS 2.1, T13 (as pymcdm has it)."""
    assert [round(one, 4) for one in entropy_weights(TABLE)] == [0.0639, 0.3788, 0.2879, 0.2693]
    same = np.column_stack([TABLE, np.full(5, 7)])
    assert entropy_weights(same) == pytest.approx((*entropy_weights(TABLE), 0.0))
    below = np.array(TABLE, float)
    below[:, 0] -= 250
    assert sum(entropy_weights(below)) == pytest.approx(1)
    with pytest.raises(InvalidInput, match="no criterion differs"):
        entropy_weights(np.ones((3, 2)))
    with pytest.raises(InvalidInput, match="1 alternatives lack a criterion"):
        entropy_weights([[1, 2], [np.nan, 2]])


def test_weights_that_were_asked_and_measured() -> None:
    both = combined_weights([0.5, 0.3, 0.2], [0.2, 0.3, 0.5])
    assert both["product"] == pytest.approx((10 / 29, 9 / 29, 10 / 29))
    assert both["mean"] == pytest.approx((0.35, 0.3, 0.35))
    with pytest.raises(InvalidInput, match="no criterion has weight in both"):
        combined_weights([1, 0], [0, 1])


def test_longshan() -> None:
    """Ecological Indicators, Sept. 2024, Longshan mining area (METHODS 2.2)."""
    assert with_indirect(0.34, 3.13) == pytest.approx(1.404, abs=5e-4)


def test_benefit_over_cost_and_nothing_is_free() -> None:
    assert benefit_cost_ranking("abc", [10, 20, 30], [5, 20, 15]).rank == (1, 3, 1)
    for cost in (0.0, -1.0, np.nan):
        with pytest.raises(InvalidInput, match="costs numbers above 0"):
            benefit_cost_ranking("ab", [1, 2], [1, cost])


tables = st.integers(0, 100_000).map(
    lambda seed: np.random.default_rng(seed).uniform(1, 9, (6, 4)).round(3)
)


@given(tables, st.sampled_from(["vector", "min_max"]), st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_and_units_move_nothing(table, normalisation, random) -> None:
    weights, ids = [0.4, 0.3, 0.2, 0.1], list("abcdef")
    found = dict(zip(ids, topsis(ids, table, weights, COST, normalisation).score, strict=True))
    rows, columns = random.sample(range(6), 6), random.sample(range(4), 4)
    turned = topsis(
        [ids[i] for i in rows], 1000 * table[np.ix_(rows, columns)],
        [weights[j] for j in columns], [COST[j] for j in columns], normalisation,
    )  # fmt: skip
    assert dict(zip(turned.ids, turned.score, strict=True)) == pytest.approx(found)


@given(tables)
def test_the_better_in_everything_never_ranks_behind(table) -> None:
    table[0, 0], table[0, 1:] = table[:, 0].min() - 0.5, table[:, 1:].max(axis=0) + 0.5
    for normalisation in ("vector", "min_max"):
        assert topsis("abcdef", table, [1, 1, 1, 1], COST, normalisation).rank[0] == 1
    assert rank_robustness(table, COST, best=1, draws=50)[0] == 1.0


@given(tables, st.integers(1, 6))
def test_chances_of_the_first_ranks_add_up(table, best) -> None:
    chance = rank_robustness(table, COST, best, draws=40)
    assert chance.sum() == pytest.approx(best)
    assert rank_robustness(table, COST, best, draws=40).tolist() == chance.tolist()


def test_draws_close_to_the_weights_keep_the_order() -> None:
    weights = [0.1, 0.4, 0.3, 0.2]
    first = topsis("ABCDE", TABLE, weights, COST).rank.index(1)
    near = rank_robustness(TABLE, COST, 1, weights, concentration=1000.0)
    wide = rank_robustness(TABLE, COST, 1)
    assert near[first] > 0.99 > wide[first] > 0.3
    with pytest.raises(InvalidInput, match="rank 6 of 5 alternatives"):
        rank_robustness(TABLE, COST, 6)


def asked(group: str, day: str, **weights: object) -> list[dict[str, object]]:
    return [
        {"group": group, "asked": "12 of Shuangxi", "date": day, "criterion": key, "weight": value}
        for key, value in weights.items()
    ]


def test_who_was_asked_and_when_and_what_was_said_last_counts() -> None:
    rows = [
        *asked("villagers", "2026-05-01", safety="2", cost=2),
        *asked("villagers", "2026-03-01", safety=9, cost=1),
        *asked("bureau", "2026-04-01", safety=1, cost=3),
    ]
    log = read_weights(rows)
    assert [(one.group, one.date.month, one.asked) for one in log] == [
        ("villagers", 3, "12 of Shuangxi"), ("bureau", 4, "12 of Shuangxi"),
        ("villagers", 5, "12 of Shuangxi"),
    ]  # fmt: skip
    assert mean_weights(log) == {"safety": 0.375, "cost": 0.625}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (asked("a", "2026-05-01", x=-1), "a weight cannot be -1"),
        (asked("a", "2026-05-01", x=float("nan")), "a weight cannot be nan"),
        (asked("a", "May", x=1), "date 'May' cannot be read"),
        (asked("a", "2026-05-01", x=0), "all weights of a on 2026-05-01 are 0"),
        (asked("", "2026-05-01", x=1), "row 1 does not say which group"),
        (2 * asked("a", "2026-05-01", x=1), "row 2: a weighs x twice"),
        (asked("a", "2026-05-01", x=1, y=1) + asked("b", "2026-05-01", x=1), "not asked about y"),
    ],
)
def test_a_log_that_cannot_be_is_refused(rows, words) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_weights(rows)


def test_a_log_without_its_columns_is_refused() -> None:
    with pytest.raises(MissingColumn, match="no column asked, date"):
        read_weights([{"group": "a", "criterion": "x", "weight": 1}])
