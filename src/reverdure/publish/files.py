"""Files of a report: names that are safe on every system, and writing without halves."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from reverdure.core.files import atomic

_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,78}[A-Za-z0-9_-])?")
_WINDOWS_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


def page_names(mine_ids: Iterable[str], kind: str = "mine") -> dict[str, str]:
    """File name of each mine's or claim's page: its id where that is safe, else a readable digest.

    Ids with other signs than A-Z a-z 0-9 . _ -, device names of Windows, and ids that
    differ only in case (one file on Windows and macOS) get what can be kept of the id and
    ten digits of its SHA-256. Names are unique, also without regard to case.

    Parameters
    ----------
    mine_ids : iterable of str
        Ids; repeated ones count once.
    kind : str
        First word of the names that are no ids.

    Returns
    -------
    dict of str to str
        Id to file name.

    Examples
    --------
    >>> page_names(["M00042", "赣-7"])
    {'M00042': 'M00042.html', '赣-7': 'mine-7-b46582263a.html'}
    """
    ids = list(dict.fromkeys(mine_ids))
    folded: dict[str, int] = {}
    for mine_id in ids:
        folded[mine_id.casefold()] = folded.get(mine_id.casefold(), 0) + 1
    kept = {i for i in ids if _is_safe(i) and folded[i.casefold()] == 1}
    taken = {i.casefold() for i in kept}
    return {i: f"{i if i in kept else _digest_name(i, taken, kind)}.html" for i in ids}


def _is_safe(mine_id: str) -> bool:
    return bool(_SAFE.fullmatch(mine_id)) and not _WINDOWS_DEVICE.fullmatch(mine_id)


def _digest_name(mine_id: str, taken: set[str], kind: str) -> str:
    """Name built from a digest; grows until no other page has it."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", mine_id).strip("-")[:40]
    digest = hashlib.sha256(mine_id.encode("utf-8", "surrogatepass")).hexdigest()
    stem = f"{kind}-{readable}-" if readable else f"{kind}-"
    for length in range(10, len(digest) + 1):
        name = stem + digest[:length]
        if name.casefold() not in taken:
            break
    taken.add(name.casefold())
    return name


def write_page(path: Path, text: str) -> None:
    """Write a page as UTF-8 with plain line ends, whole or not at all."""
    with atomic(path, durable=False) as temporary:
        # an id read from a broken file may hold half a character, which UTF-8 cannot
        temporary.write_bytes(text.encode("utf-8", "replace"))
