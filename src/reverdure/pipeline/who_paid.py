"""Who paid for whose damage in a workspace."""

from reverdure.finance.who_paid import Paid, who_paid
from reverdure.store.records import current
from reverdure.store.workspace import Workspace


def paid(workspace: Workspace) -> list[Paid]:
    """Payments by liability of their mine and source of their fund."""
    workspace.database.require_all("what was paid")
    found = current(workspace.database, ["duty", "fund", "payment"])
    return who_paid(found["duty"].values(), found["fund"], found["payment"].values())
