"""The tutorial runs as it stands, and shows what it says it shows."""

import json
import re

import pytest
from tests.contracts import tutorial


@pytest.fixture(scope="module")
def notebook():
    return json.loads(tutorial.PAGE.read_text(encoding="utf-8"))


def test_every_cell_runs_and_gives_what_the_page_shows(notebook):
    shown = [cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert tutorial.run(notebook) == shown


def test_it_is_small_and_names_no_place_on_a_machine(notebook):
    text = tutorial.PAGE.read_text(encoding="utf-8")
    assert len(text) < 30_000
    assert re.findall(r"/tmp|/home|/root|/work|[A-Z]:\\\\", text) == []
    assert notebook["nbformat"] == 4


def test_it_goes_through_every_public_step(notebook):
    code = "".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code")
    steps = {
        "load_scenes", "annual_composites", "spectral_index", "segment", "reference",
        "recovery_metrics", "verdicts", "rsei",
    }  # fmt: skip
    assert steps <= set(re.findall(r"rv\.(\w+)\(", code))
