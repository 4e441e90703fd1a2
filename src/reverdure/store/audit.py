"""The chain of the audit log, walked from its first line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reverdure.core.codes import AuditBreak
from reverdure.core.provenance import digest

GENESIS = "0" * 16
_CONTENT = ("at", "actor", "action", "detail")


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What the chain of an audit log shows.

    Attributes
    ----------
    count, held : int
        Lines there are, and lines that follow from each other from the first on.
    broken : dict or None
        The first line that does not hold.
    why : AuditBreak or None
    last : str
        Hash of the last line that holds; "" where none does.
    """

    count: int
    held: int
    broken: dict[str, Any] | None
    why: AuditBreak | None
    last: str


def link(before: str, line: Mapping[str, Any]) -> str:
    """Hash of a line, in which the hash of the line before it is.

    Examples
    --------
    >>> line = {"at": "", "actor": "", "action": "init", "detail": "{}"}
    >>> link(GENESIS, line) == link(GENESIS, line | {"action": "run"})
    False
    """
    return digest([before, {name: line[name] for name in _CONTENT}])


def check_audit(rows: Sequence[Mapping[str, Any]]) -> AuditCheck:
    """Walk the chain up to the first line that does not follow from the one before.

    Each line carries a hash over itself and the hash of the line before (Haber & Stornetta
    1991, doi:10.1007/BF00196791, section 5.1, linking). What that cannot show: that the
    newest lines were removed, and that somebody wrote the whole log anew. Against both
    helps only a hash that is kept elsewhere.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of the table `audit`, by number.

    Examples
    --------
    >>> line = {"number": 1, "at": "", "actor": "", "action": "init", "detail": "{}"}
    >>> check_audit([line | {"chain": link(GENESIS, line)}]).held
    1
    >>> check_audit([line | {"chain": "f" * 16}]).why.key
    'changed'
    """
    before, number = GENESIS, 0
    for held, row in enumerate(rows):
        if not _follows(before, row):
            why = _why(rows, row, number)
            return AuditCheck(len(rows), held, dict(row), why, before if held else "")
        before, number = str(row["chain"]), int(row["number"])
    return AuditCheck(len(rows), len(rows), None, None, before if rows else "")


def _follows(before: str, row: Mapping[str, Any]) -> bool:
    # SQLite holds anything in any column: what is no text was not written by this program
    if not all(isinstance(row[name], str) for name in (*_CONTENT, "chain")):
        return False
    return link(before, row) == str(row["chain"])


def _why(rows: Sequence[Mapping[str, Any]], row: Mapping[str, Any], number: int) -> AuditBreak:
    """What the rest of the log tells of a line that does not hold."""
    others = [GENESIS, *(one["chain"] for one in rows if isinstance(one["chain"], str))]
    if any(_follows(other, row) for other in others):
        return AuditBreak.MOVED
    if int(row["number"]) != number + 1:
        return AuditBreak.REMOVED
    return AuditBreak.CHANGED
