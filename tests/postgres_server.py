"""A PostgreSQL with PostGIS of its own: in a temporary folder, on a free port of this machine."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

BOSS, OWNER = "boss", "owner"
_PLACES = "/usr/lib/postgresql"


def binaries() -> Path | None:
    """Folder of a PostgreSQL that has PostGIS; None where there is none."""
    found = shutil.which("pg_ctl")
    places = [Path(found).parent] if found else []
    places += sorted(Path(_PLACES).glob("*/bin"), reverse=True)
    for place in places:
        if not (place / "initdb").exists() or not (place / "pg_config").exists():
            continue
        answer = subprocess.run([place / "pg_config", "--sharedir"], capture_output=True,
                                text=True, check=True)  # fmt: skip
        if (Path(answer.stdout.strip()) / "extension" / "postgis.control").is_file():
            return place
    return None


class Server:
    """A running cluster; `stop` ends it and removes what it left."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="reverdure-pg-"))
        # PostgreSQL does not run as root
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._data = self.folder / "data"
        self._run("initdb", "-D", self._data, "-U", BOSS, "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        if not durable:
            options += " -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self.folder / "log", "-o", options,
                  "start")  # fmt: skip
        self._made = 0
        self.ask("postgres", f"create role {OWNER} login createrole")
        self.ask("postgres", "create database gis")
        self.ask("gis", "create extension postgis")

    def _run(self, program: str, *arguments: object) -> None:
        command = [*self._as, str(self._programs / program), *map(str, arguments)]
        subprocess.run(command, check=True, cwd=self.folder, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, timeout=120)  # fmt: skip

    def new_database(self) -> str:
        """Name of a new, empty database with PostGIS, owned by a login that is no superuser."""
        self._made += 1
        name = f"registry{self._made}"
        self.ask("postgres", f"create database {name} template gis owner {OWNER}")
        return name

    def url(self, database: str, login: str = OWNER) -> str:
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str, login: str = BOSS) -> psycopg.Connection:
        return psycopg.connect(self.url(database, login), autocommit=True)

    def ask(self, database: str, statement: str, login: str = BOSS) -> list[tuple]:
        """Rows of a statement, asked by the driver and not by the program."""
        with self.connect(database, login) as connection:
            cursor = connection.execute(sql.SQL(statement))
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
