"""Whether dates on record tell years apart that the imagery cannot, and which those are."""

import json
from collections.abc import Mapping

from reverdure.core.errors import UnknownOption
from reverdure.store.record_pages import Question, page
from reverdure.store.workspace import Workspace

SETTING = "events"
WAYS = ("show", "use")
OF_DAMAGE = ("mining_begins", "accident")
"""Types of event by which ground becomes bare."""


def known_years(workspace: Workspace) -> Mapping[str, tuple[int, ...]]:
    """Years of recorded events of damage by mine, in order; none where they are only shown."""
    if workspace.database.setting(SETTING) != "use":
        return {}
    found: dict[str, set[int]] = {}
    for one in page(workspace.database, Question("event")).records:
        if one.values["type"] in OF_DAMAGE and "mine_id" in one.values:
            found.setdefault(one.values["mine_id"], set()).add(int(one.values["date"][:4]))
    return {mine_id: tuple(sorted(years)) for mine_id, years in sorted(found.items())}


def choose_events(workspace: Workspace, way: str) -> bool:
    """Let events date damage from now on, or only be shown; whether that is new.

    Raises
    ------
    UnknownOption
        If `way` is neither.
    """
    if way not in WAYS:
        raise UnknownOption(f"--events is {way!r}; use one of {', '.join(WAYS)}.")
    before = workspace.database.setting(SETTING) or "show"
    if before == way:
        return False
    with workspace.database.transaction("events", before=before, now=way) as write:
        write.replace("setting", [{"name": SETTING, "value": json.dumps(way)}])
    return True
