"""What people corrected, in words: who, when, why, and whether it still counts."""

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from reverdure.core.codes import CorrectionKind, DisputeStatus, Verdict
from reverdure.publish.messages import LANGUAGES, pair, text

Row = Mapping[str, Any]


def corrections_said(rows: Iterable[Row]) -> list[Markup]:
    """One line a correction, in both languages.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of `core.fields.CORRECTIONS`; names of evidence are not among them.

    Examples
    --------
    >>> row = {"number": 1, "kind": "year", "mine_id": "M1", "claim_id": "", "county": "",
    ...        "year": 2013, "about": None, "verdict": "", "outcome": "", "person": "Li Wei",
    ...        "why": "haze", "at": "2026-03-01T08:00:00+00:00", "in_force": True}
    >>> print(corrections_said([row])[0].striptags()[:63])
    1. Year marked not clear (M1, 2013). By Li Wei, 2026-03-01: haz
    """
    return [pair(*(_line(row, language) for language in LANGUAGES)) for row in rows]


def dispute_of(flags: str | None) -> DisputeStatus | None:
    """State of the dispute that the flags of a verdict name.

    Examples
    --------
    >>> dispute_of("lost_again;disputed").key, dispute_of("lost_again")
    ('disputed', None)
    """
    keys = (flags or "").split(";")
    return next((status for status in DisputeStatus if status.key in keys), None)


def dispute_mark(flags: str | None) -> Markup:
    """The state of a dispute beside a verdict, "" without one."""
    status = dispute_of(flags)
    return Markup("") if status is None else pair(status.en, status.zh)


def _line(row: Row, language: str) -> Markup:
    kind = CorrectionKind.from_key(row["kind"]).label(language)
    words = {
        "number": row["number"],
        "kind": kind[:1].upper() + kind[1:],
        "about": _about(row, language),
        "person": row["person"],
        "day": row["at"][:10],
        "why": row["why"],
    }
    line = text("corrected.line", language, words)
    return line if row["in_force"] else line + text("corrected.ended", language)


def _about(row: Row, language: str) -> str:
    place = row["claim_id"] or row["mine_id"] or row["county"]
    parts = [place or str(text("corrected.everywhere", language))]
    if row["year"] is not None:
        parts.append(str(row["year"]))
    if row["verdict"]:
        parts.append(Verdict.from_key(row["verdict"]).label(language))
    if row["outcome"]:
        parts.append(DisputeStatus.from_key(row["outcome"]).label(language))
    if row["about"] is not None:
        parts.append(str(text("corrected.about", language, {"number": row["about"]})))
    return ", ".join(parts)
