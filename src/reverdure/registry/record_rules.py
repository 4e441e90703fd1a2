"""What records must be to each other: each rule names the rows that break it.

A rule sees the registry as it would be with the new rows, and the ids of these rows in the
order of the file. It may refuse only those.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from reverdure.core.kinds import LISTED, Kind, choices, kinds
from reverdure.core.record_book import Book, Record
from reverdure.registry.lineage import patches_keep_their_land
from reverdure.registry.money_rules import MONEY_RULES
from reverdure.registry.record_cells import Refusal

Found = Iterator[tuple[str, Refusal]]
Rule = Callable[[Kind, Book, Collection[str]], Found]

_LISTED_WORDS = {"mine": ("mine", "矿山"), "claim": ("claim", "上报")}
_ORDERED = (
    ("from_year", "to_year"), ("from_date", "to_date"), ("from_date", "due_date"),
    ("from_date", "done_date"), ("to_date", "accepted_date"), ("found_date", "due_date"),
    ("found_date", "closed_date"), ("closed_date", "reopened_date"),
    ("opens_date", "closes_date"),
)  # fmt: skip
_NEEDS_EVIDENCE = {"work": "accepted_date", "rectification": "closed_date", "duty": "done_date"}
_YEARS = ("year", "from_year", "date", "from_date", "found_date")
_LEVELS = ("programme", "major_project", "sub_project")
_PUBLIC = ("government", "department")
# shares of a whole are typed with two decimals or so
_ROUNDING = 1e-6


def broken_rules(kind: Kind, book: Book, ids: Collection[str]) -> dict[str, Refusal]:
    """The first rule that each of these rows breaks, by id."""
    broken: dict[str, Refusal] = {}
    for rule in (*_OF_ALL, *_OF_KIND.get(kind.name, ())):
        for record_id, refusal in rule(kind, book, ids):
            broken.setdefault(record_id, refusal)
        if broken:
            # sums over rows that are refused anyway would refuse good ones too
            return broken
    return broken


def kinds_needed(kind: Kind) -> list[str]:
    """Kinds of records that the rules of a kind look at."""
    named = {column.refers for column in kind.columns if column.refers and column.refers in kinds()}
    return sorted({kind.name, "evidence", "unit", *named, *_LOOKED_AT.get(kind.name, ())})


def _rows(kind: Kind, book: Book, ids: Collection[str]) -> Iterator[Record]:
    return (book.of(kind.name)[record_id] for record_id in ids)


def references_exist(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Whatever a row refers to is in the registry, or in the file."""
    for row in _rows(kind, book, ids):
        for column in kind.columns:
            seen = row.values.get(column.name)
            if seen and column.refers and not book.holds(column.refers, seen):
                of, of_zh = _named(column.refers)
                yield (
                    row.id,
                    Refusal("no_such", {"column": column, "seen": seen, "of": of, "of_zh": of_zh}),
                )
        for seen in _parts(row.values.get("evidence")):
            if not book.holds("evidence", seen):
                fill = {"column": kind.column("evidence"), "seen": seen, "of": "evidence",
                        "of_zh": "证据"}  # fmt: skip
                yield row.id, Refusal("no_such", fill)


def numbers_in_range(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """No number is above the most its column may hold."""
    for row in _rows(kind, book, ids):
        for column in kind.columns:
            seen = row.values.get(column.name)
            if isinstance(seen, int | float) and seen > column.most:
                fill = {"column": column, "seen": f"{seen:g}", "most": f"{column.most:g}"}
                yield row.id, Refusal("too_large", fill)


def dates_in_order(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Nothing ends before it begins."""
    for row in _rows(kind, book, ids):
        for earlier, later in _ORDERED:
            early, late = row.values.get(earlier), row.values.get(later)
            if early is not None and late is not None and late < early:
                fill = {"earlier": kind.column(earlier), "later": kind.column(later),
                        "early": early, "late": late}  # fmt: skip
                yield row.id, Refusal("wrong_order", fill)


def codes_of_their_year(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """The code of a unit was in force in the year of the row."""
    for row in _rows(kind, book, ids):
        unit = book.of("unit").get(row.values.get("unit_id", "")) if kind.name != "unit" else None
        written = next((row.values[name] for name in _YEARS if name in row.values), None)
        if unit is None or written is None:
            continue
        year = int(str(written)[:4])
        first, last = unit.values.get("from_year"), unit.values.get("to_year")
        if (first is not None and year < first) or (last is not None and year > last):
            span = f"{first or '...'}-{last or '...'}"
            yield row.id, Refusal("code_of_other_year",
                                  {"seen": unit.id, "span": span, "year": year})  # fmt: skip


def trees_have_no_circle(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Nothing is part of itself."""
    if "parent_id" not in [column.name for column in kind.columns]:
        return
    for record_id in ids:
        way, at = [record_id], book.value(kind.name, record_id, "parent_id")
        while at and at not in way:
            way.append(at)
            at = book.value(kind.name, at, "parent_id")
        if at == record_id:
            yield record_id, Refusal("circle", {"id": record_id, "way": " > ".join([*way, at])})


def evidence_is_named(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Acceptance, closing and fulfilment name their evidence."""
    name = _NEEDS_EVIDENCE.get(kind.name)
    for row in _rows(kind, book, ids):
        accepted = name in row.values or row.values.get("state") == "accepted"
        if name and accepted and not _parts(row.values.get("evidence")):
            yield row.id, Refusal("no_evidence", {"column": kind.column(name)})


def projects_nest(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """A sub-project is part of a major project, that of a programme."""
    for row in book.of(kind.name).values():
        parent_id, level = row.values.get("parent_id", ""), row.values["level"]
        parent = book.value(kind.name, parent_id, "level")
        if parent is not None and _LEVELS.index(level) != _LEVELS.index(parent) + 1:
            words, above = choices("programme_level")[level], choices("programme_level")[parent]
            for record_id in _touched([row.id, parent_id], ids):
                yield record_id, Refusal("wrong_level", {
                    "level": words["en"], "level_zh": words["zh"],
                    "parent_level": above["en"], "parent_level_zh": above["zh"],
                })  # fmt: skip


def parts_stay_within(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """The parts of a target count the same thing and do not exceed it."""
    parts: dict[str, list[Record]] = {}
    for row in book.of("target").values():
        if "parent_id" in row.values:
            parts.setdefault(row.values["parent_id"], []).append(row)
    for whole_id, rows in parts.items():
        whole = book.of("target")[whole_id]
        same = [row for row in rows if _counted(row) == _counted(whole)]
        for row in rows:
            if row not in same:
                metric, unit = _counted(row)
                fill = {"seen": metric, "unit": unit, "whole": whole_id,
                        "whole_metric": whole.values["metric"],
                        "whole_unit": whole.values["measured_in"]}  # fmt: skip
                for record_id in _touched([row.id, whole_id], ids):
                    yield record_id, Refusal("other_metric", fill)
        total = sum(row.values["value"] for row in same)
        if total > whole.values["value"] * (1 + _ROUNDING):
            fill = {"whole": whole_id, "parts": total, "unit": whole.values["measured_in"],
                    "value": whole.values["value"]}  # fmt: skip
            for record_id in _touched([*(row.id for row in same), whole_id], ids):
                yield record_id, Refusal("parts_exceed", fill)


def duties_have_a_bearer(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Where nobody is liable, the public hand is."""
    for row in _rows(kind, book, ids):
        party = row.values["party_id"]
        of = book.value("party", party, "type")
        if row.values["liability"] == "no_liable_party" and of not in _PUBLIC:
            words = choices("party_type")[of]
            yield row.id, Refusal("duty_of_nobody", {
                "party": party, "type": words["en"], "type_zh": words["zh"],
            })  # fmt: skip


def _counted(row: Record) -> tuple[Any, Any]:
    return row.values["metric"], row.values["measured_in"]


def _touched(candidates: list[str], ids: Collection[str]) -> list[str]:
    return [record_id for record_id in candidates if record_id in ids]


def _parts(value: Any) -> list[str]:
    return [part.strip() for part in str(value or "").split(";") if part.strip()]


def _named(kind: str) -> tuple[str, str]:
    if kind in LISTED:
        return _LISTED_WORDS[kind]
    column = kinds()[kind].columns[0]
    return kind, column.zh


_OF_ALL: tuple[Rule, ...] = (
    references_exist, numbers_in_range, dates_in_order, trees_have_no_circle, evidence_is_named,
    codes_of_their_year,
)  # fmt: skip
_LOOKED_AT = {
    "fund": ("commitment", "payment"),
    "commitment": ("payment",),
    "payment": ("commitment", "step", "work"),
}
_OF_KIND: dict[str, tuple[Rule, ...]] = {
    "programme": (projects_nest,),
    "target": (parts_stay_within,),
    "duty": (duties_have_a_bearer,),
    "patch": (patches_keep_their_land,),
    **MONEY_RULES,
}
