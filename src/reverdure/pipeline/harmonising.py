"""Whether the composites of a workspace are harmonised, and by which lines."""

import json
from typing import Any

from reverdure.recovery.harmonise import Harmonisation
from reverdure.store.workspace import Workspace

SETTING = "harmonise"
"""Name under which the registry keeps the lines in force; nothing there means none."""


def harmonisation_of(workspace: Workspace) -> Harmonisation | None:
    """The lines in force; None where composites are made as the sensors saw."""
    kept: Any = workspace.database.setting(SETTING)
    return None if kept is None else Harmonisation.from_dict(kept)


def keep_harmonisation(workspace: Workspace, lines: Harmonisation | None) -> bool:
    """Put lines in force, or none, with an entry in the audit log; whether that is new."""
    before = harmonisation_of(workspace)
    if before == lines:
        return False
    text = json.dumps(None if lines is None else lines.to_dict(), sort_keys=True)
    names = {"before": before.name if before else "none", "now": lines.name if lines else "none"}
    with workspace.database.transaction("harmonise", **names) as write:
        write.replace("setting", [{"name": SETTING, "value": text}])
    return True
