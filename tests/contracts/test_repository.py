"""The repository itself: sizes, names, nothing of one machine, no test that cannot run."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "reverdure"
# written in pieces, so that this file passes its own test
PLACES = re.compile("|".join(["/" + "work/", "/" + "root/", "/" + "home/", "/" + "tmp/"]))
HOSTS = re.compile(
    "|".join(
        [r"pypi\." + "org", "python" + "hosted", r"registry\." + "npm", r"deb\." + "debian",
         "/" + "simple/", "--" + "index-url", "--" + "find-links"]
    )
)  # fmt: skip
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc", "base", "tools"}


def texts(files: list[Path]) -> list[tuple[str, str]]:
    """Name and text of every file that is text."""
    found = []
    for path in files:
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((str(path.relative_to(ROOT)), content.decode("utf-8")))
    return found


def lines_matching(files: list[Path], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts(files)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_every_tracked_file_is_under_one_megabyte(tracked_files):
    large = [str(path) for path in tracked_files if path.stat().st_size > 1_000_000]
    assert large == []


def test_no_file_names_a_place_on_one_machine(tracked_files):
    assert lines_matching(tracked_files, PLACES) == []


def test_no_file_names_a_package_index(tracked_files):
    assert lines_matching(tracked_files, HOSTS) == []


def test_every_source_file_is_short():
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    assert {str(path): n for path, n in lines.items() if n > 500} == {}


def test_no_module_has_a_name_that_says_nothing():
    vague = [
        str(path.relative_to(ROOT))
        for path in SOURCE.rglob("*")
        if path.stem in VAGUE and (path.is_dir() or path.suffix == ".py")
    ]
    assert vague == []


def is_test_file(path: Path) -> bool:
    return path.suffix == ".py" and path.name.startswith("test_")


def test_every_test_file_holds_a_test(tracked_files):
    empty = [
        str(path.relative_to(ROOT))
        for path in filter(is_test_file, tracked_files)
        if not any(
            isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    ]
    assert empty == []


def test_no_test_file_is_skipped_as_a_whole(tracked_files):
    skip = re.compile(r"importorskip|allow_module_level|^pytestmark = .*mark\.skip")
    whole = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in filter(is_test_file, tracked_files)
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign | ast.Expr | ast.If) and skip.search(ast.unparse(node))
    ]
    assert whole == []


def test_the_lock_pins_every_package_by_hash():
    text = (ROOT / "requirements.lock").read_text("utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    assert len(entries) > 50
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
