"""Moving a registry as one archive: written, and made a workspace again."""

import tempfile
from pathlib import Path

from reverdure.core.errors import UnreadableFile, WorkspaceExists
from reverdure.intake.archives import unpack
from reverdure.store.dump import restore
from reverdure.store.workspace import Workspace


def restore_archive(path: Path, root: Path, url: str = "") -> tuple[Workspace, dict[str, int]]:
    """Make a workspace from a dump: wholly, or not at all.

    Parameters
    ----------
    path, root : Path
        Archive, and folder of the new workspace.
    url : str
        Address of an empty database that keeps the registry; "" for a file in the folder.

    Raises
    ------
    WorkspaceExists
        If the folder holds anything, or the database tables of something else.
    UnreadableFile, UnsafeArchive, WorkspaceTooNew
        If the archive is damaged, unsafe, no dump, or of a newer version.
    InvalidInput, DatabaseUnavailable, NotAllowed
        If the address is none or holds a password, or the database refuses.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise WorkspaceExists(f"{root} is not empty.", "Choose a new folder.")
    if not path.is_file():
        raise UnreadableFile(f"{path} is not there.")
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".restore-") as folder:
        unpacked, made = Path(folder) / "unpacked", Path(folder) / "made"
        unpacked.mkdir()
        unpack(path, unpacked)
        counts = restore(unpacked, made, url)
        if root.exists():
            root.rmdir()
        made.rename(root)
    return Workspace.open(root), counts
