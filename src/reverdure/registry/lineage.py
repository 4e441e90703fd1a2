"""Patches that were split or merged: what came from what, and that no land got lost."""

from collections.abc import Collection, Iterator, Mapping

from reverdure.core.kinds import Kind
from reverdure.core.record_book import Book, Record
from reverdure.registry.record_cells import Refusal

# outlines are drawn anew when they are split: no more may come or go than that explains
KEPT_SHARE = 0.02
"""Area that may come or go when patches are split or merged, as a share; an assumption."""


def parents_of(record: Record) -> list[str]:
    """Ids of the patches it came from.

    Examples
    --------
    >>> parents_of(Record("P3", 1, {"came_from": "P1; P2"}))
    ['P1', 'P2']
    """
    return [one.strip() for one in record.values.get("came_from", "").split(";") if one.strip()]


def children_of(patches: Mapping[str, Record]) -> dict[str, list[str]]:
    """Ids of the patches that came from each patch, sorted.

    Examples
    --------
    >>> rows = {"P1": Record("P1", 1, {}), "P2": Record("P2", 1, {"came_from": "P1"})}
    >>> children_of(rows)
    {'P1': ['P2']}
    """
    found: dict[str, list[str]] = {}
    for record_id in sorted(patches):
        for parent in parents_of(patches[record_id]):
            found.setdefault(parent, []).append(record_id)
    return found


def line_of(patches: Mapping[str, Record], patch_id: str) -> tuple[list[str], list[str]]:
    """Every patch that one came from, and every one that came from it, nearest first.

    Examples
    --------
    >>> rows = {"P1": Record("P1", 1, {}), "P2": Record("P2", 1, {"came_from": "P1"}),
    ...         "P3": Record("P3", 1, {"came_from": "P2"})}
    >>> line_of(rows, "P2")
    (['P1'], ['P3'])
    """
    parents = {name: parents_of(record) for name, record in patches.items()}
    return _reached(parents, patch_id), _reached(children_of(patches), patch_id)


def patches_keep_their_land(
    kind: Kind, book: Book, ids: Collection[str]
) -> Iterator[tuple[str, Refusal]]:
    """Where patches came from others: these exist and have ended, and the area is kept."""
    patches = book.of(kind.name)
    children = children_of(patches)
    for record_id in ids:
        for parent in parents_of(patches[record_id]):
            if parent not in patches:
                fill = {"column": kind.column("came_from"), "seen": parent, "of": kind.name,
                        "of_zh": kind.zh}  # fmt: skip
                yield record_id, Refusal("no_such", fill)
            elif parent == record_id or parent in _reached(children, record_id):
                way = f"{record_id} > {parent} > {record_id}"
                yield record_id, Refusal("circle", {"id": record_id, "way": way})
            elif "ended_date" not in patches[parent].values:
                fill = {"id": parent, "parts": ", ".join(children[parent])}
                yield record_id, Refusal("still_stands", fill)
    for before, after in _changes(patches, children):
        before_ha, after_ha = (
            sum(patches[one].values["damaged_ha"] for one in side) for side in (before, after)
        )
        if abs(after_ha - before_ha) > KEPT_SHARE * before_ha:
            fill = {"before": ", ".join(before), "after": ", ".join(after),
                    "before_ha": before_ha, "after_ha": after_ha,
                    "percent": 100 * KEPT_SHARE}  # fmt: skip
            for record_id in (*before, *after):
                if record_id in ids:
                    yield record_id, Refusal("area_not_kept", fill)


def _changes(
    patches: Mapping[str, Record], children: Mapping[str, list[str]]
) -> Iterator[tuple[list[str], list[str]]]:
    """Groups of patches that became groups of patches."""
    left = {parent for parent in children if parent in patches}
    while left:
        before: set[str] = {min(left)}
        after: set[str] = set()
        while True:
            new = {child for one in before for child in children[one]}
            wider = {p for child in new for p in parents_of(patches[child]) if p in patches}
            if new == after and wider <= before:
                break
            after, before = new, before | wider
        left -= before
        yield sorted(before), sorted(after)


def _reached(ways: Mapping[str, list[str]], start: str) -> list[str]:
    found: list[str] = []
    todo = list(ways.get(start, ()))
    while todo:
        one = todo.pop(0)
        if one not in found:
            found.append(one)
            todo += ways.get(one, ())
    return found
