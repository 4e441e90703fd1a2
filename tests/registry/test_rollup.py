"""Programmes and targets as trees: every mine once, and what no part carries."""

import math

from hypothesis import given
from hypothesis import strategies as st

from reverdure.core.record_book import Book, Record
from reverdure.registry.rollup import MineFacts, programme_tree, target_tree

LEVELS = ("programme", "major_project", "sub_project")


def book(kind: str, rows: dict[str, dict]) -> Book:
    return Book({}).with_rows(kind, [Record(name, 1, values) for name, values in rows.items()])


def test_a_mine_in_two_projects_of_a_programme_counts_once_in_it():
    programmes = book("programme", {
        "P": {"name": "five-year plan"},
        "A": {"name": "a", "parent_id": "P"},
        "B": {"name": "b", "parent_id": "P"},
        "Q": {"name": "another"},
    }).of("programme")  # fmt: skip
    held = [("A", "M1"), ("B", "M1"), ("B", "M2"), ("Q", "M2")]
    works = [("W1", "A", "M3"), ("W2", None, "M3")]
    facts = {f"M{n}": MineFacts(10.0 * n, 5.0, 2.0) for n in (1, 2, 3)}
    tree = programme_tree(programmes, held, works, facts)
    found = {one.record.id if one.record else "": one for one in tree}
    assert {name: (one.mines, one.works, one.area_ha) for name, one in found.items()} == {
        "P": (3, 1, 60.0), "A": (2, 1, 40.0), "B": (2, 0, 30.0), "Q": (1, 0, 20.0),
        "": (3, 1, 60.0),
    }  # fmt: skip
    assert [one.depth for one in tree] == [0, 1, 1, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=30))
def test_the_whole_is_every_mine_once_however_they_are_shared(held):
    rows = {"0": {"name": "p"}} | {
        str(n): {"name": "p", "parent_id": str((n - 1) // 2)} for n in range(1, 7)
    }
    members = [(str(p), f"M{m}") for p, m in held]
    facts = {f"M{n}": MineFacts(float(n), 1.0, 0.5) for n in range(10)}
    found = programme_tree(book("programme", rows).of("programme"), members, [], facts)
    mines = {m for _, m in held}
    whole = found[-1]
    assert whole.record is None
    assert (whole.mines, whole.area_ha) == (len(mines), float(sum(mines)))
    assert (found[0].mines, found[0].area_ha) == (whole.mines, whole.area_ha)
    assert all(one.mines <= whole.mines for one in found)


def test_what_no_part_of_a_target_carries_is_said():
    found = target_tree(book("target", {
        "T": {"value": 100.0}, "T1": {"value": 60.0, "parent_id": "T"},
        "T2": {"value": 30.0, "parent_id": "T"}, "T1a": {"value": 60.0, "parent_id": "T1"},
    }))  # fmt: skip
    assert [(one.record.id, one.depth, one.parts) for one in found] == [
        ("T", 0, 2), ("T1", 1, 1), ("T1a", 2, 0), ("T2", 1, 0),
    ]  # fmt: skip
    assert [one.left for one in found[:2]] == [10.0, 0.0]
    assert math.isnan(found[2].left)
