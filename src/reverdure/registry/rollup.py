"""Programmes and targets as trees: what each holds with all its parts, every mine once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reverdure.core.record_book import Book, Record


@dataclass(frozen=True, slots=True)
class MineFacts:
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


def programme_tree(book: Book, facts: Mapping[str, MineFacts]) -> list[Branch]:
    """Every programme, parts under their whole, and last the whole.

    A mine that is in several programmes, or in a programme and a part of it, counts once in
    each sum it belongs to; so sums of parts may exceed their whole, and the whole is right.
    A work counts where it says it belongs, and in everything above.

    Examples
    --------
    >>> rows = {"P": {"name": "p"}, "A": {"name": "a", "parent_id": "P"}}
    >>> book = Book({}).with_rows("programme", [Record(k, 1, v) for k, v in rows.items()])
    >>> mines = [Record(k, 1, {"programme_id": k, "mine_id": "M1"}) for k in rows]
    >>> tree = programme_tree(book.with_rows("membership", mines), {"M1": MineFacts(3, 2, 1)})
    >>> [(one.depth, one.mines, one.area_ha) for one in tree]
    [(0, 1, 3), (1, 1, 3), (0, 1, 3)]
    """
    own: dict[str, set[str]] = {}
    works: dict[str, set[str]] = {}
    for row in book.of("membership").values():
        own.setdefault(row.values["programme_id"], set()).add(row.values["mine_id"])
    for row in book.of("work").values():
        if "programme_id" in row.values:
            works.setdefault(row.values["programme_id"], set()).add(row.id)
            # a mine on which a programme works is a mine of that programme
            own.setdefault(row.values["programme_id"], set()).add(row.values["mine_id"])
    order = _ordered(book.of("programme"))
    under = _with_parts(order)
    found = [_branch(record, depth, under[record.id], own, works, facts) for record, depth in order]
    everything = {record.id for record, _ in order}
    return [*found, _branch(None, 0, everything, own, works, facts)]


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
