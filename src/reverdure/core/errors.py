"""Every error a user can meet, one tree: a stable code, what was seen, what to do.

`pipeline` and `cli` catch `ReverdureError` and nothing wider.
"""

from typing import ClassVar


class ReverdureError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    message : str
        What is wrong, with the value seen and what was allowed.
    hint : str
        What to do about it; empty where the message already says it.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UnknownOption(ReverdureError):
    """A name, unit, method or parameter that is not in the list."""

    code = "unknown_option"


class InvalidInput(ReverdureError):
    """A value or table that breaks its specification."""

    code = "invalid_input"


class WrongDimensions(ReverdureError):
    """A labelled array without the dimensions asked for."""

    code = "wrong_dimensions"


class UnreadableFile(ReverdureError):
    """A file that is missing, empty, truncated or in a format not known here."""

    code = "unreadable_file"


class WrongEncoding(ReverdureError):
    """Text that is in none of the encodings tried."""

    code = "wrong_encoding"


class UnsafeArchive(ReverdureError):
    """An archive with a path that leaves it, or that unpacks beyond the bounds."""

    code = "unsafe_archive"


class MissingCRS(ReverdureError):
    """Coordinates without a reference system."""

    code = "missing_crs"


class DoubtfulPosition(ReverdureError):
    """Coordinates that contradict their reference system, or that sit systematically off."""

    code = "doubtful_position"


class MissingColumn(ReverdureError):
    """A table without a column that cannot be done without."""

    code = "missing_column"


class UnsupportedScene(ReverdureError):
    """A scene that is not Landsat Collection 2 Level-2 with its QA."""

    code = "unsupported_scene"


class NotReflectance(ReverdureError):
    """Values that cannot be surface reflectance, or cannot be told from it."""

    code = "not_reflectance"


class NotKelvin(ReverdureError):
    """Numbers given as surface temperature that cannot be kelvin."""

    code = "not_kelvin"


class GridMismatch(ReverdureError):
    """Rasters whose grids do not fit together."""

    code = "grid_mismatch"


class NoImagery(ReverdureError):
    """Nothing to measure with."""

    code = "no_imagery"


class NoMines(ReverdureError):
    """Nothing to measure."""

    code = "no_mines"


class NotFound(ReverdureError):
    """A mine or claim id that the workspace does not hold."""

    code = "not_found"


class WorkspaceMissing(ReverdureError):
    """A folder that is not a workspace."""

    code = "workspace_missing"


class WorkspaceExists(ReverdureError):
    """A folder that already holds something."""

    code = "workspace_exists"


class WorkspaceTooNew(ReverdureError):
    """A workspace written by a newer version."""

    code = "workspace_too_new"


class WorkspaceBusy(ReverdureError):
    """Another process is writing to the workspace."""

    code = "workspace_busy"


class DatabaseUnavailable(ReverdureError):
    """A database that does not answer, or whose driver is not installed."""

    code = "database_unavailable"


class NotAllowed(ReverdureError):
    """What the role of this login may not see or do."""

    code = "not_allowed"


class DiskFull(ReverdureError):
    """No space left for a product."""

    code = "disk_full"


class NotWritable(ReverdureError):
    """A place nothing can be written to: a file where a folder is needed, or no right to."""

    code = "not_writable"


class ArchiveUnavailable(ReverdureError):
    """An archive on the web that does not answer, or fails again and again."""

    code = "archive_unavailable"


class ArchiveAnswer(ReverdureError):
    """An answer of an archive that cannot be used: a web page, a refusal, too much, no STAC."""

    code = "archive_answer"


class UnsafeAddress(ReverdureError):
    """A web address that must not be asked: not http(s), or inside a private network."""

    code = "unsafe_address"
