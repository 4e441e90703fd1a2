"""Kept figures are of today's steps, and a bar is a bar."""

import json
from pathlib import Path

import pytest
from benchmarks.__main__ import subjects
from benchmarks.figures import Figure

from reverdure.pipeline.steps import STEP_VERSIONS

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def test_kept_results_are_of_the_steps_of_today():
    kept = json.loads((FOLDER / "results.json").read_text("utf-8"))
    assert kept["step_versions"] == STEP_VERSIONS, (
        "a step's numbers moved: run python3 dev.py bench and keep its results"
    )
    assert set(kept["benchmarks"]) == set(kept["commits"]) == set(subjects())


def test_every_subject_is_found():
    assert {"demo", "inventory", "resume", "segmentation", "tiling", "verdicts"} <= set(subjects())


@pytest.mark.parametrize(
    ("figure", "bar", "is_met"),
    [
        (Figure("a", 3.5, at_most=3.5), "at most 3.5", True),
        (Figure("a", 3.6, at_most=3.5), "at most 3.5", False),
        (Figure("a", 3.0, at_least=3.0), "at least 3", True),
        (Figure("a", 2.9, at_least=3.0), "at least 3", False),
        (Figure("a", 0, at_most=0), "at most 0", True),
        (Figure("a", float("nan"), at_most=1), "at most 1", False),
        (Figure("a", 2.9), "", None),
    ],
)
def test_a_bar_is_kept_or_missed(figure, bar, is_met):
    assert (figure.bar, figure.is_met) == (bar, is_met)
    assert figure.to_dict()["met"] is is_met
