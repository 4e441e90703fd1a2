"""The snippets of the page on steering run as they stand."""

import doctest
from pathlib import Path


def test_the_snippets_on_steering_run() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "steering.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted >= 8
    assert result.failed == 0
