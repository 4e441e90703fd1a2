"""A workspace: one folder with its settings, registry, rasters, products and runs."""

import json
import os
import re
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
from reverdure.core.files import atomic, remove_leftovers
from reverdure.store.database import Database
from reverdure.store.lock import exclusive
from reverdure.store.postgres import check_url

FORMAT = 1
SETTINGS, REGISTRY = "reverdure.toml", "registry.gpkg"
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
_DATABASE = """
# Where the registry of the team is; PGPASSWORD or ~/.pgpass has the password, never this file.
database = {url}
"""
_ANY_DATABASE = re.compile(r"(\n# Where the registry of the team is[^\n]*)?\ndatabase *=[^\n]*\n")


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
    def create(
        cls, root: Path, settings: Settings | None = None, database_url: str = ""
    ) -> "Workspace":
        """Make a new workspace in a folder that is empty or not there yet.

        Parameters
        ----------
        root : Path
        settings : Settings, optional
        database_url : str
            Address of the PostgreSQL database that keeps the registry; "" for a file.

        Raises
        ------
        WorkspaceExists
            If the folder holds anything, or the database tables of ours.
        InvalidInput
            If the address holds a password, or is none.
        DatabaseUnavailable, NotAllowed
            If the database does not answer, or this login may not make tables in it.
        """
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise WorkspaceExists(f"{root} is not empty.", "Choose a new folder.")
        chosen = settings or Settings()
        root.mkdir(parents=True, exist_ok=True)
        database = Database.create(check_url(database_url) if database_url else root / REGISTRY)
        values = asdict(chosen) | {"allow_before_level": str(chosen.allow_before_level).lower()}
        text = naming(_TEMPLATE.format(format=FORMAT, **values), database_url)
        (root / SETTINGS).write_text(text, encoding="utf-8")
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
        path = root / SETTINGS
        settings, url = _read_settings(path) if path.is_file() else (Settings(), "")
        if not path.is_file() or not (url or (root / REGISTRY).is_file()):
            raise WorkspaceMissing(
                f"{root} is not a workspace.", f"Make one with: reverdure init {root}"
            )
        return cls(root, settings, Database.open(url or root / REGISTRY))

    @contextmanager
    def writing(self, *, registry: bool = True) -> Iterator[None]:
        """Hold the workspace for writing; a second writer is told so at once.

        Parameters
        ----------
        registry : bool
            Whether what is read from the registry must still stand when it is written: then
            the registry of a team is held too, on all machines. Not for what takes hours.
        """
        with exclusive(self.root / ".lock"):
            remove_leftovers(self.root)
            if not registry:
                yield
                return
            with self.database.alone():
                yield

    def name_database(self, url: str) -> "Workspace":
        """Say in `reverdure.toml` where the registry is from now on ("" for the file)."""
        text = (self.root / SETTINGS).read_text(encoding="utf-8")
        with atomic(self.root / SETTINGS) as temporary:
            temporary.write_text(naming(text, url), encoding="utf-8")
        return Workspace.open(self.root)

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


def naming(text: str, url: str) -> str:
    r"""Settings that name this database and no other; none where it is "".

    Examples
    --------
    >>> naming(naming("seed = 0\n", "postgresql://db/x"), "")
    'seed = 0\n'
    """
    rest = _ANY_DATABASE.sub("", text)
    return rest + _DATABASE.format(url=json.dumps(url)) if url else rest


def _read_settings(path: Path) -> tuple[Settings, str]:
    """Settings, and the address of the database ("" where the registry is the file)."""
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
    url = stated.pop("database", "")
    if not isinstance(url, str):
        raise InvalidInput(f"{path.name}: database = {url!r}; expected str.")
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
    settings = Settings(**(stated | {"season": (str(season[0]), str(season[1]))}))
    return settings, check_url(url) if url else ""
