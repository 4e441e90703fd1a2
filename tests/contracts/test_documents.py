"""The documentation holds what the code does: commands, options, links, snippets."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """The anchor of a heading, as code hosts make it."""
    text = re.sub(r"[`*\[\]]|\(.*?\)", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    text = FENCE.sub("", path.read_text("utf-8"))
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_the_reference_is_what_the_code_says(reference_page):
    assert reference_page.PAGE.read_text("utf-8") == reference_page.page(), (
        "write it again: .venv/bin/python tests/contracts/reference_page.py"
    )


def test_every_link_between_pages_leads_somewhere(documents):
    broken = []
    for page in documents:
        text = FENCE.sub("", page.read_text("utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            name, _, place = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            if not path.exists() or (place and place not in anchors(path)):
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def commands_shown(page: Path) -> list[list[str]]:
    """Words of every `reverdure ...` line in the code blocks of a page."""
    lines = [
        line.partition("  #")[0].strip()
        for _, block in FENCE.findall(page.read_text("utf-8"))
        for line in block.splitlines()
    ]
    return [shlex.split(line)[1:] for line in lines if line.startswith("reverdure ")]


def test_every_command_shown_exists_with_its_options(documents, reference_page):
    root = reference_page.typer.main.get_command(reference_page.app)
    shown = [(page, words) for page in documents for words in commands_shown(page)]
    assert len(shown) > 10
    wrong = []
    for page, words in shown:
        command = root
        for word in words:
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
        known = {name for parameter in (*root.params, *command.params) for name in parameter.opts}
        options = {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)}
        if hasattr(command, "commands") or options - known:
            wrong.append(f"{page.name}: reverdure {' '.join(words)}")
    assert wrong == []


@pytest.mark.parametrize("name", ["README.md", "docs/install.md", "ARCHITECTURE.md"])
def test_every_command_of_the_repository_shown_exists(name):
    listed = set(re.findall(r"dev\.py (demo|test|bench)\b", (ROOT / "dev.py").read_text("utf-8")))
    shown = set(re.findall(r"python3 dev\.py (\w+)", (ROOT / name).read_text("utf-8")))
    assert shown
    assert shown <= listed == {"demo", "test", "bench"}


def test_the_snippets_for_researchers_run():
    result = doctest.testfile(
        str(ROOT / "docs" / "researcher.md"),
        module_relative=False,
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )
    assert result.attempted > 10
    assert result.failed == 0
