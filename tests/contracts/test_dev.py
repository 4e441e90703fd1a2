"""dev.py and .ci/run: bare machines, clear words, nothing of others removed, exit codes kept."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "dev.py"


@pytest.fixture
def dev(tmp_path, monkeypatch):
    """dev.py as a module whose folders all lie in a temporary one."""
    spec = importlib.util.spec_from_file_location("dev", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("DEMO", "VENV", "PYTHON", "STAMP", "INSTALLER"):
        monkeypatch.setattr(module, name, tmp_path / getattr(module, name).relative_to(ROOT))
    return module


def test_it_needs_the_standard_library_only():
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    modules = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [])
        + [alias.name for alias in node.names if isinstance(node, ast.Import)]
    }
    assert {name.partition(".")[0] for name in modules} <= sys.stdlib_module_names


def test_an_old_python_can_read_it_far_enough_to_say_what_it_needs(dev, monkeypatch):
    ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 8))
    monkeypatch.setattr(dev.sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 to 3\.13; this is 3\.9\."):
        dev.make_venv()


def test_a_machine_without_venv_is_told_so(dev, monkeypatch):
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(dev, "is_root", lambda: False)
    with pytest.raises(SystemExit, match="python3-venv is missing"):
        dev.make_venv()


def test_the_demo_replaces_its_own_folder_only(dev, tmp_path):
    dev.clear_demo()
    (dev.DEMO / "old").touch()
    dev.clear_demo()
    assert [path.name for path in dev.DEMO.iterdir()] == [dev.DEMO_MARK]
    (dev.DEMO / dev.DEMO_MARK).unlink()
    (dev.DEMO / "thesis.txt").touch()
    with pytest.raises(SystemExit, match="not made by this command"):
        dev.clear_demo()
    assert (dev.DEMO / "thesis.txt").exists()


def test_the_demo_follows_no_link(dev, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / dev.DEMO_MARK).touch()
    dev.DEMO.symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(SystemExit):
        dev.clear_demo()
    assert (elsewhere / dev.DEMO_MARK).exists()


def test_no_address_is_printed(dev):
    address = "https" + "://index.example/simple"
    code, output = dev.quietly([sys.executable, "-c", f"print('Looking in {address} now')"])
    assert (code, output) == (0, "Looking in <address> now")


def test_the_exit_code_and_both_streams_are_kept(dev):
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    code, output = dev.quietly([sys.executable, "-c", program])
    assert code == 3
    assert set(output.split()) == {"out", "err"}


def test_the_stamp_moves_with_the_lock(dev, monkeypatch, tmp_path):
    before = dev.stamp()
    assert before == dev.stamp()
    other = tmp_path / "requirements.lock"
    other.write_bytes(dev.LOCK.read_bytes() + b"\n")
    monkeypatch.setattr(dev, "LOCK", other)
    assert dev.stamp() != before


def test_arguments_after_two_dashes_go_to_the_tests_alone(dev, monkeypatch):
    assert dev.split_at_dashes(["test", "--", "-k", "a"]) == (["test"], ["-k", "a"])
    monkeypatch.setattr(dev, "set_up", lambda: pytest.fail("set up for nothing"))
    with pytest.raises(SystemExit) as stopped:
        dev.main(["demo", "--", "-k", "a"])
    assert stopped.value.code == 2


def test_peak_memory_of_a_step_is_that_of_its_process():
    if not hasattr(os, "wait4"):
        pytest.skip("this system does not tell the memory of a child")
    # in a small process, as dev.py is: a child starts with the peak of the one it is forked from
    program = (
        "import sys; sys.path.insert(0, '.'); import dev;"
        "print(*dev.run_measured([sys.executable, '-c', 'held = bytearray(200_000_000)']))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    code, peak_gb = answer.stdout.split()
    assert code == "0"
    assert 0.2 < float(peak_gb) < 0.3


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("closing", "code", "expected", "last"),
    [
        ("== 12 passed, 1 skipped in 3.20s ==", 0, 0, "== 12 passed, 1 skipped in 3.20s =="),
        ("1 failed, 2 passed in 0.50s", 1, 1, "1 failed, 2 passed in 0.50s"),
        ("12 passed in 3.20s", 1, 1, "12 passed in 3.20s"),
        ("no tests ran in 0.01s", 5, 5, "no test was run"),
        ("no tests ran in 0.01s", 0, 1, "no test was run"),
        ("", 0, 1, "no test was run"),
    ],
)
def test_ci_keeps_the_exit_code_and_ends_with_the_closing_line(
    tmp_path, closing, code, expected, last
):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "dev.py").write_text(f"import sys; print({closing!r}); sys.exit({code})\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("apt-get", "chromium"):
        (programs / name).write_text("#!/bin/sh\nexit 0\n")
        (programs / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    answer = subprocess.run(
        ["bash", tmp_path / ".ci" / "run"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == expected
    assert answer.stdout.splitlines()[-1] == last
