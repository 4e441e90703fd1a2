"""The monthly list: chances that are what they say, parts that mean what they say."""

import datetime
import math
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from reverdure.core.errors import InvalidInput, NoMines
from reverdure.core.record_book import Book, Record
from reverdure.registry.inspection import (
    Claimed,
    Risk,
    constant,
    data,
    in_words,
    monthly_list,
    risks,
)
from reverdure.registry.unequal_draw import draw, inclusion_probabilities

DAY = datetime.date(2026, 5, 1)
SEEDS = range(1500)


def random_sizes(seed: int, n: int) -> dict[str, float]:
    chance = random.Random(seed)
    return {f"M{place:03d}": chance.uniform(0.05, 1.0) ** 3 for place in range(n)}


def book_with(**kinds: Mapping[str, dict[str, Any]]) -> Book:
    return Book(
        {
            kind: {key: Record(key, 1, values) for key, values in rows.items()}
            for kind, rows in kinds.items()
        }
    )


def duty(mine_id: str, party_id: str, due: str, done: str = "") -> dict[str, Any]:
    values = {"mine_id": mine_id, "party_id": party_id, "due_date": due}
    return values | ({"done_date": done} if done else {})


def rectification(mine_id: str, party_id: str, due: str, **more: str) -> dict[str, Any]:
    return {"mine_id": mine_id, "party_id": party_id, "found_date": "2026-01-01",
            "due_date": due} | more  # fmt: skip


def only(found: list[Risk], mine_id: str) -> Risk:
    return next(one for one in found if one.mine_id == mine_id)


@pytest.mark.parametrize("seed", range(40))
def test_chances_sum_to_the_visits_and_none_exceeds_one(seed: int) -> None:
    chance = random.Random(seed)
    sizes = random_sizes(seed, chance.randint(1, 60))
    n = chance.randint(0, len(sizes))
    found = inclusion_probabilities(list(sizes.values()), n)
    assert found.sum() == pytest.approx(n, abs=1e-9)
    assert (found <= 1).all()
    assert n == 0 or (found > 0).all()
    assert len(draw(sizes, n, str(seed)).chosen) == n


@pytest.mark.parametrize("seed", range(20))
def test_a_larger_size_never_lowers_its_own_chance(seed: int) -> None:
    chance = random.Random(seed)
    sizes = np.array(list(random_sizes(seed, 30).values()))
    n, one = chance.randint(1, 29), chance.randrange(30)
    raised = sizes.copy()
    before = inclusion_probabilities(sizes, n)[one]
    for _ in range(12):
        raised[one] *= 1.3
        now = inclusion_probabilities(raised, n)[one]
        assert now >= before - 1e-12
        before = now


def far_from(sizes: Mapping[str, float], n: int, wanted: Mapping[str, float]) -> float:
    """Squared deviations of the counts over their variance, a unit: 1 where they agree."""
    counts = Counter(unit for seed in SEEDS for unit in draw(sizes, n, str(seed)).chosen)
    unsure = [unit for unit in sizes if wanted[unit] < 1]
    assert all(counts[unit] == len(SEEDS) for unit in sizes if unit not in unsure)
    squares = [
        (counts[unit] - len(SEEDS) * wanted[unit]) ** 2
        / (len(SEEDS) * wanted[unit] * (1 - wanted[unit]))
        for unit in unsure
    ]
    return sum(squares) / len(squares)


def test_units_are_drawn_as_often_as_their_chances_say() -> None:
    sizes = random_sizes(3, 25) | {"big": 9.0}
    wanted = draw(sizes, 8, "any").probability
    assert wanted["big"] == 1
    # 25 counts of 1,500 draws: their mean square is 1 with a deviation of about 0.28
    assert far_from(sizes, 8, wanted) < 1.8
    even = dict.fromkeys(sizes, 7 / 25) | {"big": 1.0}
    assert far_from(sizes, 8, even) > 10


def test_a_total_is_estimated_without_bias_from_what_was_drawn() -> None:
    sizes = random_sizes(4, 30)
    values = {unit: float(place) for place, unit in enumerate(sizes)}
    estimates = []
    for seed in SEEDS:
        found = draw(sizes, 6, str(seed))
        estimates.append(sum(values[unit] / found.probability[unit] for unit in found.chosen))
    error = np.std(estimates, ddof=1) / math.sqrt(len(estimates))
    assert abs(np.mean(estimates) - sum(values.values())) < 3 * error


def test_the_order_of_rows_changes_nothing() -> None:
    sizes = random_sizes(5, 40)
    turned = dict(reversed(sizes.items()))
    assert draw(sizes, 9, "s") == draw(turned, 9, "s")
    claims = [Claimed(f"C{m}", m, size * 9, "A") for m, size in sizes.items()]
    found = monthly_list(risks(sizes, claims, Book({}), DAY), 9, "2026-05", 0)
    again = monthly_list(risks(turned, claims[::-1], Book({}), DAY), 9, "2026-05", 0)
    assert found == again


def test_month_seed_and_area_decide_the_draw() -> None:
    found = risks(random_sizes(6, 40), [], Book({}), DAY)
    lists = {
        frozenset(one.risk.mine_id for one in monthly_list(found, 8, *how) if one.rank)
        for how in (("2026-05", 0), ("2026-06", 0), ("2026-05", 1), ("2026-05", 0, "X"))
    }
    assert len(lists) == 4
    assert monthly_list(found, 8, "2026-05", 0) == monthly_list(found, 8, "2026-05", 0)


def test_raising_a_claim_never_lowers_the_chance_of_its_mine() -> None:
    chance = random.Random(7)
    claims = [
        Claimed(f"C{n}", f"M{n % 12}", chance.uniform(0.1, 30), "A", "supported",
                chance.uniform(0.4, 1.0), 0.0)
        for n in range(20)
    ]  # fmt: skip
    mines = [f"M{n}" for n in range(12)]
    before = 0.0
    for area in (0.1, 1.0, 4.0, 40.0, 4000.0):
        raised = [*claims[:5], Claimed("C5", "M5", area, "A", "supported", 0.99, 0.0), *claims[6:]]
        listed = monthly_list(risks(mines, raised, Book({}), DAY), 4, "2026-05", 0)
        now = next(one.probability for one in listed if one.risk.mine_id == "M5")
        assert now > before
        before = now


def test_doubt_is_full_without_a_probability_and_none_where_the_verdict_is_certain() -> None:
    claims = [
        Claimed("C1", "M1", 2.0),
        Claimed("C2", "M2", 2.0, "", "supported", 1.0, 0.0),
        Claimed("C3", "M3", 2.0, "", "not_supported", 0.0, 1.0),
        Claimed("C4", "M4", 2.0, "", "partly_supported", 0.0, 0.0),
        Claimed("C5", "M5", 2.0, "", "undecided", 0.5, 0.25),
        Claimed("C6", "M6", 2.0, "", "no_data"),
        Claimed("C7", "M6", math.nan, "", "supported", 1.0, 0.0),
    ]
    found = risks([f"M{n}" for n in range(1, 7)], claims, Book({}), DAY)
    assert [one.doubt for one in found] == [1, 0, 0, 0, 0.75, 1]


def test_the_record_of_a_party_follows_it_to_its_other_mines() -> None:
    book = book_with(
        party={"P1": {"name": "Late Ltd"}, "P2": {"name": "Good Ltd"}},
        duty={
            "D1": duty("M1", "P1", "2026-04-01"),
            "D2": duty("M1", "P1", "2026-04-01", "2026-04-20"),
            "D3": duty("M2", "P1", "2027-01-01"),
            "D4": duty("M3", "P2", "2026-04-01", "2026-03-01"),
        },
        rectification={"R1": rectification("M3", "P2", "2026-04-01", closed_date="2026-03-01")},
    )
    claims = [
        Claimed("C1", "M4", 1.0, "Late Ltd", "not_supported", 0.0, 1.0),
        Claimed("C2", "M5", 1.0, "Newcomer"),
    ]
    found = risks(["M1", "M2", "M3", "M4", "M5", "M6"], claims, book, DAY)
    late = (2 + 1) / (3 + 4)
    assert [one.record for one in found] == pytest.approx([late] * 2 + [1 / 6, late, 0.25, 0.25])
    assert in_words(found[1].why, "en") == (
        "nothing claimed; Late Ltd: failed 2 of 3 (duties overdue 1, rectifications open or"
        " opened again 0, claims not supported 1)"
    )
    assert in_words(found[4].why, "zh").endswith("Newcomer：尚无记录")
    assert found[5].parties == ()


def test_overdue_rectifications_are_visited_for_certain() -> None:
    book = book_with(
        rectification={
            "R1": rectification("M07", "P1", "2026-04-30"),
            "R2": rectification("M08", "P1", "2026-05-01"),
            "R3": rectification("M09", "P1", "2026-02-01", closed_date="2026-01-31",
                                reopened_date="2026-04-01"),
        }
    )  # fmt: skip
    mines = [f"M{n:02d}" for n in range(20)]
    found = risks(mines, [], book, DAY)
    assert [one.mine_id for one in found if one.is_certain] == ["M07", "M09"]
    listed = monthly_list(found, 5, "2026-05", 0)
    assert {one.risk.mine_id for one in listed[:2]} == {"M07", "M09"}
    assert [one.rank for one in listed[:6]] == [1, 2, 3, 4, 5, 0]
    assert sum(one.probability for one in listed) == pytest.approx(5)
    short = monthly_list(found, 1, "2026-05", 0)
    assert short[0].risk.mine_id in {"M07", "M09"}
    assert {one.risk.mine_id for one in short if one.probability} == {"M07", "M09"}


def test_more_visits_than_mines_visit_all() -> None:
    listed = monthly_list(risks(["a", "b"], [], Book({}), DAY), 40, "2026-05", 0)
    assert [(one.probability, one.rank) for one in listed] == [(1, 1), (1, 2)]


@pytest.mark.parametrize("month", ["2026-5", "2026-05-01", "2026", "May", "2026-13", ""])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(InvalidInput, match="is no month; write it as 2026-05"):
        monthly_list(risks(["a"], [], Book({}), DAY), 1, month, 0)


def test_no_visits_and_no_mines_are_refused() -> None:
    with pytest.raises(InvalidInput, match="0 visits"):
        monthly_list(risks(["a"], [], Book({}), DAY), 0, "2026-05", 0)
    with pytest.raises(NoMines):
        monthly_list([], 1, "2026-05", 0)


def test_constants_name_source_and_status() -> None:
    for name, entry in data()["constant"].items():
        assert entry["status"] in ("verified", "to confirm", "assumption")
        assert entry["source"], name
        assert constant(name) > 0
