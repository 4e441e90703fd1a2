"""The three commands of this repository: demo, test, bench.

    python3 dev.py demo [--small]      simulate a county, measure it, name the report to open
    python3 dev.py test [-- ARGS]      lint, types, architecture, tests; ARGS go to pytest
    python3 dev.py bench [NAME ...]    the full bars, written to benchmarks/results.json

Standard library only, so that it starts on a bare machine: it makes .venv beside this
file, installs requirements.lock into it by hash, and says plainly what is missing.
"""

from __future__ import annotations

import argparse
import ctypes.util
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
EXE = ".exe" if os.name == "nt" else ""
PYTHON = BIN / f"python{EXE}"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "installed-from.txt"
INSTALLER = VENV / "installer"  # apart from site-packages, so that a sync cannot remove uv
UV = "uv==0.13.9"
COMPARED = VENV / "compared"  # no dependency: on the path of the benchmarks only
COMPARED_PACKAGE = "cdts==0.23.0"
WARM_UP = "from reverdure import kernels; kernels.warm_up()"
OLDEST, NEWEST = (3, 11), (3, 13)

DEMO = ROOT / "demo"
DEMO_MARK = "made-by-dev.txt"
DEMO_MINES, DEMO_YEARS, DEMO_SEED = 24, 20, 7
SMALL_MINES, SMALL_YEARS = 6, 12

POSTGRES = Path("/usr/lib/postgresql")
POSTGRES_SHARE = Path("/usr/share/postgresql")
BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "msedge", "microsoft-edge",
)  # fmt: skip
BROWSER_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"{PROGRAMFILES}\Google\Chrome\Application\chrome.exe",
    r"{PROGRAMFILES(X86)}\Microsoft\Edge\Application\msedge.exe",
)


def main(arguments: list[str]) -> int:
    """Run one command; the answer is the exit code."""
    arguments, extra = split_at_dashes(arguments)
    parser = argparse.ArgumentParser(
        prog="dev.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo_parser = commands.add_parser("demo", help="simulate a county, measure it, name the report")
    demo_parser.add_argument("--small", action="store_true", help="a smaller county")
    commands.add_parser("test", help="lint, types, architecture, tests; arguments after -- go on")
    bench_parser = commands.add_parser("bench", help="the full bars, into benchmarks/results.json")
    bench_parser.add_argument("names", nargs="*", help="only these benchmarks; results not kept")
    options = parser.parse_args(arguments)
    if extra and options.command != "test":
        parser.error("only `test` takes arguments after --")

    set_up()
    if options.command == "demo":
        return demo(small=options.small)
    if options.command == "test":
        return test(extra)
    return bench(options.names)


def split_at_dashes(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Arguments before and after the first `--`."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


# Setting up


def set_up() -> None:
    """Make .venv and install the lock, unless the stamp says that it is done already."""
    wanted = stamp()
    if PYTHON.exists() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    started = time.monotonic()
    make_venv()
    STAMP.unlink(missing_ok=True)
    install_lock()
    say("compiling kernels")
    run([PYTHON, "-c", WARM_UP])
    STAMP.write_text(wanted, encoding="utf-8")
    say(f"installed in {time.monotonic() - started:.0f} s")


def stamp() -> str:
    """What .venv was made from: the lock, the project file and the place it stands in."""
    state = hashlib.sha256(str(ROOT).encode())
    for path in (LOCK, ROOT / "pyproject.toml"):
        state.update(path.read_bytes())
    return state.hexdigest()


def make_venv() -> None:
    """Make .venv with a Python that fits, or keep the one that works."""
    if PYTHON.exists() and venv_version() is not None:
        return
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        fail(
            f"Reverdure needs Python {dotted(OLDEST)} to {dotted(NEWEST)}; "
            f"this is {dotted(version)}.{other_pythons()}"
        )
    if importlib.util.find_spec("ensurepip") is None:
        if not apt_install("python3-venv"):
            fail(
                "This Python cannot make a virtual environment: the package python3-venv is "
                "missing. On Debian or Ubuntu, as root: apt-get install python3-venv"
            )
        importlib.invalidate_caches()
    say("making .venv")
    # a child, since ensurepip may have come with apt a moment ago
    code, output = quietly([sys.executable, "-m", "venv", "--clear", VENV])
    if code:
        fail(f"python -m venv failed:\n{output}")


def venv_version() -> tuple[int, int] | None:
    """Version of the Python in .venv if it runs, stands here and fits."""
    code, output = quietly(
        [PYTHON, "-c", "import sys; print(sys.prefix); print(*sys.version_info[:2])"]
    )
    lines = output.splitlines()
    if code or len(lines) != 2 or Path(lines[0]).resolve() != VENV.resolve():
        return None
    major, minor = (int(word) for word in lines[1].split())
    return (major, minor) if OLDEST <= (major, minor) <= NEWEST else None


def other_pythons() -> str:
    """Names of fitting Pythons on the PATH, as advice."""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = [name for name in names if shutil.which(name)]
    return f" Start it with {found[0]} dev.py" if found else " Install one of these first."


def install_lock() -> None:
    """Install exactly the lock, by hash and compiled, then this package in place."""
    say("installing requirements.lock")
    uv = install_uv()
    if uv:
        lock = ["pip", "sync", "--python", PYTHON, "--require-hashes", "--compile-bytecode", LOCK]
        package = ["pip", "install", "--python", PYTHON, "--no-deps", "--no-build-isolation"]
        installs = [[uv, *lock], [uv, *package, "-e", ROOT]]
        if run_installs(installs):
            return
        say("uv did not succeed; trying pip, which takes a few minutes")
    pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install"]
    installs = [
        [*pip, "--quiet", "--require-hashes", "-r", LOCK],
        [*pip, "--quiet", "--no-deps", "--no-build-isolation", "-e", ROOT],
    ]
    if not run_installs(installs):
        fail("The packages could not be installed; the reason stands above.")


def install_uv() -> Path | None:
    """Path of uv in its own folder of .venv; None where pip cannot get it."""
    uv = INSTALLER / "bin" / f"uv{EXE}"
    if not uv.exists():
        command = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        quietly([*command, "--target", INSTALLER, UV])
    return uv if uv.exists() else None


def run_installs(commands: list[list[str | Path]]) -> bool:
    """Run each; the first that fails is shown without the addresses it names."""
    environment = {**os.environ, **index_for_uv()}
    for command in commands:
        code, output = quietly(command, environment)
        if code:
            say(output)
            return False
    return True


def index_for_uv() -> dict[str, str]:
    """The package index that pip is set to, for uv, which does not read pip's settings."""
    if any(name in os.environ for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE")):
        return {}
    code, output = quietly([PYTHON, "-m", "pip", "config", "get", "global.index-url"], mask=False)
    index = os.environ.get("PIP_INDEX_URL") or ("" if code else output.strip())
    return {"UV_DEFAULT_INDEX": index} if index else {}


def apt_install(*packages: str) -> bool:
    """Install Debian packages where that is possible: as root, with apt-get."""
    if not is_root() or shutil.which("apt-get") is None:
        return False
    say(f"apt-get install {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quietly(["apt-get", "update", "-qq"], environment)
    code, output = quietly(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], environment
    )
    if code:
        say(output)
    return code == 0


def is_root() -> bool:
    """Whether this is the superuser of a Unix."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


# test


def test(extra: list[str]) -> int:
    """Run every check; pytest last. The exit code is pytest's if the others pass."""
    started = time.monotonic()
    browser = find_browser()
    find_postgres()
    checks = (
        ("ruff check", [BIN / f"ruff{EXE}", "check"]),
        ("ruff format", [BIN / f"ruff{EXE}", "format", "--check"]),
        ("mypy", [BIN / f"mypy{EXE}"]),
        # its cache has hidden a broken contract from one run to the next
        ("lint-imports", [BIN / f"lint-imports{EXE}", "--no-cache"]),
        # numba's cache is written here once, never by two workers at a time
        ("kernels", [PYTHON, "-c", WARM_UP]),
    )
    failed = [name for name, command in checks if not check(name, command)]
    code = pytest(browser, extra)
    say(f"checks and tests took {(time.monotonic() - started) / 60:.1f} minutes")
    if failed:
        say(f"FAILED before the tests: {', '.join(failed)}")
    return code or bool(failed)


def check(name: str, command: list[str | Path]) -> bool:
    """Run one check; what it prints is shown only where it fails."""
    started = time.monotonic()
    code, output = quietly(command)
    say(f"{name}: {'FAILED' if code else 'passed'} ({time.monotonic() - started:.1f} s)")
    if code:
        say(output)
    return code == 0


def pytest(browser: str | None, extra: list[str]) -> int:
    """Run the tests in two workers, without plug-ins that nobody asked for."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    if browser:
        environment["REVERDURE_CHROMIUM"] = browser
    workers = max(1, min(os.cpu_count() or 1, 2))
    command = [PYTHON, "-m", "pytest", "-p", "xdist", "-p", "timeout", "-n", str(workers)]
    return run([*command, "--dist", "loadfile", "-q", *extra], environment)


def find_browser() -> str | None:
    """Path of a Chromium, installed on a Debian as root if there is none."""
    browser = installed_browser()
    wanted = [] if browser else ["chromium", "fonts-wqy-microhei"]
    if sys.platform == "linux" and ctypes.util.find_library("atomic") is None:
        wanted.append("libatomic1")  # Playwright's own Node needs it
    if wanted and not apt_install(*wanted):
        say(f"missing for the browser tests, which will be skipped: {', '.join(wanted)}")
    return browser or installed_browser()


def installed_browser() -> str | None:
    """Path of a Chromium-like browser: REVERDURE_CHROMIUM, the PATH, the usual places."""
    stated = os.environ.get("REVERDURE_CHROMIUM")
    if stated:
        return stated
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    places = (re.sub(r"\{(.+?)\}", lambda m: os.environ.get(m[1], ""), p) for p in BROWSER_PLACES)
    return next((place for place in places if Path(place).is_file()), None)


def find_postgres() -> None:
    """Install PostgreSQL with PostGIS on a Debian as root if there is none; the tests find it."""
    if shutil.which("pg_ctl") or sys.platform != "linux":
        return
    if not any(POSTGRES.glob("*/bin/pg_ctl")):
        apt_install("postgresql")
    versions = sorted(path.parents[1].name for path in POSTGRES.glob("*/bin/pg_ctl"))
    extensions = POSTGRES_SHARE.glob("*/extension/postgis.control")
    if versions and not any(extensions):
        apt_install(f"postgresql-{versions[-1]}-postgis-3")
    if not versions or not any(POSTGRES_SHARE.glob("*/extension/postgis.control")):
        say(
            "missing for the tests of a team's registry, which will be skipped: postgresql, postgis"
        )


# demo


def demo(*, small: bool) -> int:
    """Simulate a county, take it through every stage, and name the report."""
    clear_demo()
    mines, years = (SMALL_MINES, SMALL_YEARS) if small else (DEMO_MINES, DEMO_YEARS)
    county, workspace = DEMO / "county", DEMO / "workspace"
    seed = ["--seed", str(DEMO_SEED)]
    into = ["-w", workspace]
    steps: list[list[str | Path]] = [
        ["simulate", county, "--mines", str(mines), "--years", str(years), *seed],
        ["init", workspace],
        ["add", "mines", county / "mines.gpkg", *into],
        ["add", "claims", county / "claims.csv", *into],
        ["add", "scenes", county / "scenes", *into],
        ["add", "layer", county / "dem.tif", "--as", "elevation", *into],
        ["add", "counties", county / "counties.gpkg", *into],
        ["run", *into],
        ["show", *into],
    ]
    started = time.monotonic()
    measured: list[dict[str, str | float]] = []
    for step in steps:
        say("")
        say("$ reverdure " + " ".join(shown(word) for word in step))
        begun = time.monotonic()
        code, peak_gb = run_measured([PYTHON, "-m", "reverdure", *step])
        seconds = round(time.monotonic() - begun, 2)
        measured.append({"step": step_name(step), "seconds": seconds, "peak_gb": peak_gb})
        if code:
            say(f"this step ended with exit code {code}; the demo stops here")
            return code
    (DEMO / "measured.json").write_text(json.dumps(measured, indent=1), encoding="utf-8")
    whole = {
        "step": "all",
        "seconds": time.monotonic() - started,
        "peak_gb": max(row["peak_gb"] for row in measured),
    }
    say("")
    for row in [*measured, whole]:
        say("{step:<14}{seconds:7.1f} s   peak {peak_gb:.2f} GB".format(**row))
    say("")
    say(f"Open this file in a browser: {workspace / 'report' / 'index.html'}")
    say(f"What was really restored:    {county / 'truth.parquet'}")
    return 0


def clear_demo() -> None:
    """Remove an earlier demo; refuse a folder that something else made."""
    if DEMO.is_symlink() or (DEMO.exists() and not (DEMO / DEMO_MARK).is_file()):
        fail(f"{DEMO} is there and was not made by this command. Move it away first.")
    if DEMO.exists():
        shutil.rmtree(DEMO)
    DEMO.mkdir()
    (DEMO / DEMO_MARK).write_text("Made by dev.py demo; removed by the next one.\n", "utf-8")


def step_name(step: list[str | Path]) -> str:
    """First words of a command, as far as they are words."""
    return f"add {step[1]}" if step[0] == "add" else str(step[0])


def shown(word: str | Path) -> str:
    """A word of a command line as a person would type it, standing in the repository."""
    return str(word.relative_to(ROOT)) if isinstance(word, Path) else word


# bench


def bench(names: list[str]) -> int:
    """Run the benchmarks, beside the program they compare with where pip can get it."""
    if not COMPARED.is_dir():
        command = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        code, _ = quietly([*command, "--no-deps", "--target", COMPARED, COMPARED_PACKAGE])
        if code:
            say(f"{COMPARED_PACKAGE} cannot be had here; segmentation is timed without it")
    environment = {**os.environ, "PYTHONPATH": str(COMPARED)}
    return run([PYTHON, "-m", "benchmarks", *names], environment)


# Running and saying


def run(command: list[str | Path], environment: dict[str, str] | None = None) -> int:
    """Run a command in the repository, its output shown; the exit code."""
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def run_measured(command: list[str | Path]) -> tuple[int, float]:
    """Run a command; its exit code and its peak memory, [GB] (0 where unknown)."""
    process = subprocess.Popen(command, cwd=ROOT)
    if not hasattr(os, "wait4"):
        return process.wait(), 0.0
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, else KiB
    return process.returncode, round(usage.ru_maxrss * unit / 1e9, 3)


def quietly(
    command: list[str | Path], environment: dict[str, str] | None = None, *, mask: bool = True
) -> tuple[int, str]:
    """Run a command; its exit code and all it printed, addresses masked."""
    with tempfile.TemporaryFile() as stream:
        code = subprocess.run(
            command, cwd=ROOT, env=environment, check=False, stdin=subprocess.DEVNULL,
            stdout=stream, stderr=subprocess.STDOUT,
        ).returncode  # fmt: skip
        stream.seek(0)
        output = stream.read().decode("utf-8", "replace").strip()
    return code, re.sub(r"\b\w+://\S+", "<address>", output) if mask else output


def dotted(version: tuple[int, ...]) -> str:
    """(3, 11) as 3.11."""
    return ".".join(str(part) for part in version)


def say(text: str) -> None:
    """Print at once, so that the order holds when the output is a file."""
    print(text, flush=True)


def fail(message: str) -> None:
    """Say what is wrong and stop."""
    sys.exit(f"dev.py: {message}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
