"""A workspace: one folder with its settings, registry, rasters, products and runs."""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from reverdure.core.errors import (
    InvalidInput,
    UnknownOption,
    WorkspaceExists,
    WorkspaceMissing,
    WorkspaceTooNew,
)
from reverdure.core.files import remove_leftovers
from reverdure.store.database import Database
from reverdure.store.lock import exclusive

FORMAT = 1
_TEMPLATE = """\
# Settings of this workspace. Changing one makes `reverdure run` compute anew what depends on it.
format = {format}

# Scenes between these days (month-day, both included) make the picture of a year. A season
# that crosses New Year counts for the year it ends in.
season = ["{season[0]}", "{season[1]}"]

# "medoid": the observation nearest to all others of the season; "median": band by band.
method = "{method}"

# Years to measure; 0 takes the first or last year there is imagery for.
first_year = {first_year}
last_year = {last_year}

# Side of a tile in pixels; it changes no result.
tile_pixels = {tile_pixels}

# Where no undisturbed land is fit as reference: may a mine be compared with its own
# level before the damage?
allow_before_level = {allow_before_level}

# Seed of all random draws.
seed = {seed}
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `reverdure.toml` holds.

    Attributes
    ----------
    season : (str, str)
        First and last day, "MM-DD".
    method : str
        "medoid" or "median".
    first_year, last_year : int
        0 for whatever the imagery has.
    tile_pixels : int
    allow_before_level : bool
    seed : int
    """

    season: tuple[str, str] = ("06-01", "09-30")
    method: str = "medoid"
    first_year: int = 0
    last_year: int = 0
    tile_pixels: int = 256
    allow_before_level: bool = False
    seed: int = 0


class Workspace:
    """An open workspace.

    Attributes
    ----------
    root : Path
    settings : Settings
    database : Database
    """

    def __init__(self, root: Path, settings: Settings, database: Database) -> None:
        self.root = root
        self.settings = settings
        self.database = database

    @classmethod
    def create(cls, root: Path, settings: Settings | None = None) -> "Workspace":
        """Make a new workspace in a folder that is empty or not there yet.

        Raises
        ------
        WorkspaceExists
            If the folder holds anything.
        """
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise WorkspaceExists(f"{root} is not empty.", "Choose a new folder.")
        chosen = settings or Settings()
        root.mkdir(parents=True, exist_ok=True)
        database = Database.create(root / "registry.gpkg")
        values = asdict(chosen) | {"allow_before_level": str(chosen.allow_before_level).lower()}
        (root / "reverdure.toml").write_text(
            _TEMPLATE.format(format=FORMAT, **values), encoding="utf-8"
        )
        with database.transaction("init", settings=asdict(chosen)):
            pass
        return cls(root, chosen, database)

    @classmethod
    def open(cls, root: Path) -> "Workspace":
        """Open a workspace.

        Raises
        ------
        WorkspaceMissing
            If the folder is not a workspace.
        WorkspaceTooNew
            If a newer version wrote it.
        InvalidInput, UnknownOption
            If `reverdure.toml` cannot be read.
        """
        path = root / "reverdure.toml"
        registry = root / "registry.gpkg"
        if not path.is_file() or not registry.is_file():
            raise WorkspaceMissing(
                f"{root} is not a workspace.", f"Make one with: reverdure init {root}"
            )
        return cls(root, _read_settings(path), Database.open(registry))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the workspace for writing; a second writer is told so at once."""
        with exclusive(self.root / ".lock"):
            remove_leftovers(self.root)
            yield

    @property
    def cubes(self) -> Path:
        """Folder of rasters."""
        return self.root / "cubes"

    @property
    def parts(self) -> Path:
        """Folder of what was measured mine by mine."""
        return self.root / "products" / "parts"

    @property
    def products(self) -> Path:
        """Folder of tables."""
        return self.root / "products"

    @property
    def runs(self) -> Path:
        """Folder of run manifests and of the verdicts of every run."""
        return self.root / "runs"

    @property
    def report(self) -> Path:
        """Folder of the report."""
        return self.root / "report"

    def size_mb(self) -> float:
        """Space the workspace takes, [MB]."""
        total = 0
        for folder, _, names in os.walk(self.root):
            total += sum((Path(folder) / name).lstat().st_size for name in names)
        return total / 1e6


def _read_settings(path: Path) -> Settings:
    try:
        stated: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path.name} cannot be read: {error}.") from error
    version = stated.pop("format", None)
    if not isinstance(version, int) or version < 1:
        raise InvalidInput(f"{path.name} states format = {version!r}; expected {FORMAT}.")
    if version > FORMAT:
        raise WorkspaceTooNew(
            f"the workspace has format {version}, this program knows up to {FORMAT}.",
            "Update reverdure.",
        )
    kinds = {field.name: type(field.default) for field in fields(Settings)}
    for name, value in stated.items():
        if name not in kinds:
            raise UnknownOption(f"{path.name}: {name!r} is not known; use {', '.join(kinds)}.")
        if not isinstance(value, list if kinds[name] is tuple else kinds[name]):
            raise InvalidInput(f"{path.name}: {name} = {value!r}; expected {kinds[name].__name__}.")
    season = stated.get("season", Settings().season)
    if len(season) != 2:
        raise InvalidInput(f"{path.name}: season = {season!r}; expected two days as MM-DD.")
    if not 32 <= stated.get("tile_pixels", 256) <= 4096:
        raise InvalidInput(f"{path.name}: tile_pixels must lie in 32..4096.")
    return Settings(**(stated | {"season": (str(season[0]), str(season[1]))}))
