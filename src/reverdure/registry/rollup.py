"""Programmes and targets as trees: what each holds with all its parts, every mine once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reverdure.core.record_book import Book, Record

_WHOLE = ""


class MineFacts(NamedTuple):
    """What is known of a mine.

    Attributes
    ----------
    area_ha : float
        Measured, else stated; 0 where neither is known.
    claimed_ha, supported_ha : float
        Of its claims: as claimed, and what the satellite supports.
    """

    area_ha: float
    claimed_ha: float
    supported_ha: float


@dataclass(frozen=True, slots=True)
class Branch:
    """A programme with everything under it, each mine once.

    Attributes
    ----------
    record : Record or None
        None for the whole: all programmes together.
    depth : int
        0 for what is part of nothing.
    mines, works : int
    area_ha, claimed_ha, supported_ha : float
    """

    record: Record | None
    depth: int
    mines: int
    works: int
    area_ha: float
    claimed_ha: float
    supported_ha: float


@dataclass(frozen=True, slots=True)
class Cascade:
    """A target beside the sum of its parts.

    Attributes
    ----------
    record : Record
    depth : int
    parts : int
        How many it is divided into directly.
    divided : float
        Their sum; 0 without parts.
    left : float
        Of the whole, what no part carries; NaN without parts.
    """

    record: Record
    depth: int
    parts: int
    divided: float
    left: float


def programme_tree(
    programmes: Mapping[str, Record],
    members: Iterable[tuple[str, str]],
    works: Iterable[tuple[str, str | None, str]],
    facts: Mapping[str, MineFacts],
) -> list[Branch]:
    """Every programme, parts under their whole, and last the whole.

    A mine that is in several programmes, or in a programme and a part of it, counts once in
    each sum it belongs to; so sums of parts may exceed their whole, and the whole is right.
    A work counts where it says it belongs, and in everything above.

    Parameters
    ----------
    programmes : mapping of id to Record
    members : iterable of (programme id, mine id)
    works : iterable of (work id, programme id or None, mine id)
    facts : mapping of mine id to MineFacts

    Examples
    --------
    >>> rows = {"P": {"name": "p"}, "A": {"name": "a", "parent_id": "P"}}
    >>> programmes = {key: Record(key, 1, values) for key, values in rows.items()}
    >>> members, facts = [("P", "M1"), ("A", "M1")], {"M1": MineFacts(3, 2, 1)}
    >>> tree = programme_tree(programmes, members, [], facts)
    >>> [(one.depth, one.mines, one.area_ha) for one in tree]
    [(0, 1, 3), (1, 1, 3), (0, 1, 3)]
    """
    own: dict[str, set[str]] = {}
    done: dict[str, set[str]] = {}
    for programme_id, mine_id in members:
        own.setdefault(programme_id, set()).add(mine_id)
    for work_id, of_programme, mine_id in works:
        if of_programme:
            done.setdefault(of_programme, set()).add(work_id)
            # a mine on which a programme works is a mine of that programme
            own.setdefault(of_programme, set()).add(mine_id)
    order = _ordered(programmes)
    under = _with_parts(order)
    found = [_branch(record, depth, under[record.id], own, done, facts) for record, depth in order]
    everything = {record.id for record, _ in order}
    return [*found, _branch(None, 0, everything, own, done, facts)]


def summed_tree(
    programmes: Mapping[str, Record],
    shared: Iterable[tuple[Collection[str], int, float, float, float]],
    works: Mapping[str, int],
) -> list[Branch]:
    """What `programme_tree` gives, from mines that were counted already.

    Parameters
    ----------
    programmes : mapping of id to Record
    shared : iterable of (ids, mines, area_ha, claimed_ha, supported_ha)
        Sums over the mines that belong to the same programmes.
    works : mapping of programme id to int
        How many works name it.

    Examples
    --------
    >>> rows = {"P": {"name": "p"}, "A": {"name": "a", "parent_id": "P"}}
    >>> programmes = {key: Record(key, 1, values) for key, values in rows.items()}
    >>> tree = summed_tree(programmes, [({"P", "A"}, 1, 3, 2, 1)], {"A": 4})
    >>> [(one.depth, one.mines, one.works, one.area_ha) for one in tree]
    [(0, 1, 4, 3.0), (1, 1, 4, 3.0), (0, 1, 4, 3.0)]
    """
    order = _ordered(programmes)
    above: dict[str, frozenset[str]] = {}
    for record, _ in order:
        up = above.get(record.values.get("parent_id", ""), frozenset({_WHOLE}))
        above[record.id] = up | {record.id}
    mines: dict[str, int] = dict.fromkeys([_WHOLE, *above], 0)
    done = dict(mines)
    areas_ha = {name: [0.0, 0.0, 0.0] for name in mines}
    for ids, count, *of in shared:
        for name in frozenset[str]().union(*(above.get(one, ()) for one in ids)):
            mines[name] += count
            areas_ha[name] = [a + b for a, b in zip(areas_ha[name], of, strict=True)]
    for programme, count in works.items():
        for name in above.get(programme, ()):
            done[name] += count
    return [
        Branch(record, depth, mines[name], done[name], *areas_ha[name])
        for name, record, depth in [*((one.id, one, depth) for one, depth in order),
                                    (_WHOLE, None, 0)]
    ]  # fmt: skip


def target_tree(book: Book) -> list[Cascade]:
    """Every target, parts under their whole.

    Examples
    --------
    >>> rows = {"T": {"value": 10.0}, "A": {"value": 6.0, "parent_id": "T"}}
    >>> book = Book({}).with_rows("target", [Record(k, 1, v) for k, v in rows.items()])
    >>> [(one.record.id, one.depth, one.divided, one.left) for one in target_tree(book)]
    [('T', 0, 6.0, 4.0), ('A', 1, 0.0, nan)]
    """
    targets = book.of("target")
    parts: dict[str, list[float]] = {}
    for record in targets.values():
        if "parent_id" in record.values:
            parts.setdefault(record.values["parent_id"], []).append(record.values["value"])
    found = []
    for record, depth in _ordered(targets):
        of = parts.get(record.id, [])
        left = record.values["value"] - sum(of) if of else float("nan")
        found.append(Cascade(record, depth, len(of), float(sum(of)), left))
    return found


def _ordered(records: Mapping[str, Record]) -> list[tuple[Record, int]]:
    """Records by id, parts after what they are part of, with their depth."""
    children: dict[str, list[Record]] = {}
    for record in sorted(records.values(), key=lambda one: one.id):
        children.setdefault(record.values.get("parent_id", ""), []).append(record)

    def walk(parent: str, depth: int) -> Iterable[tuple[Record, int]]:
        for record in children.get(parent, ()):
            yield record, depth
            yield from walk(record.id, depth + 1)

    return list(walk("", 0))


def _with_parts(order: Sequence[tuple[Record, int]]) -> dict[str, set[str]]:
    """Each id with the ids under it."""
    under: dict[str, set[str]] = {record.id: {record.id} for record, _ in order}
    for record, _ in reversed(order):
        parent = record.values.get("parent_id")
        if parent:
            under[parent] |= under[record.id]
    return under


def _branch(
    record: Record | None,
    depth: int,
    programmes: Iterable[str],
    own: Mapping[str, set[str]],
    works: Mapping[str, set[str]],
    facts: Mapping[str, MineFacts],
) -> Branch:
    mines: set[str] = set()
    done: set[str] = set()
    for programme in programmes:
        mines |= own.get(programme, set())
        done |= works.get(programme, set())
    known = [facts[mine_id] for mine_id in sorted(mines) if mine_id in facts]
    return Branch(
        record,
        depth,
        len(mines),
        len(done),
        sum(one.area_ha for one in known),
        sum(one.claimed_ha for one in known),
        sum(one.supported_ha for one in known),
    )
