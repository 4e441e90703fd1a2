"""The public names and their signatures stay."""

import dataclasses
import inspect

import pytest
import xarray as xr

import reverdure as rv

REQUIRED = inspect.Parameter.empty
NAMES = {
    "SegmentParams", "annual_composites", "harmonise", "load_scenes", "recovery_metrics",
    "reference", "rsei", "segment", "sensors", "spectral_index", "verdicts",
}  # fmt: skip
SIGNATURES = {
    "annual_composites": {
        "scenes": REQUIRED, "season": ("06-01", "09-30"), "method": "medoid",
    },
    "load_scenes": {"source": REQUIRED, "around": REQUIRED},
    "harmonise": {"pictures": REQUIRED, "sensor": None, "table": "roy2016"},
    "spectral_index": {"bands": REQUIRED, "index": REQUIRED},
    "rsei": {"composites": REQUIRED, "sensor": None},
    "segment": {"index": REQUIRED, "params": None, "disturbance": "decrease"},
    "reference": {"index": REQUIRED, "segments": REQUIRED, "mines": REQUIRED, "terrain": None},
    "recovery_metrics": {"index": REQUIRED, "segments": REQUIRED, "reference": REQUIRED},
    "verdicts": {"mines": REQUIRED, "claims": REQUIRED, "metrics": REQUIRED, "seed": 0},
}  # fmt: skip
SEGMENT_DEFAULTS = {
    "max_segments": 6,
    "spike_threshold": 0.9,
    "vertex_count_overshoot": 3,
    "prevent_one_year_recovery": False,
    "recovery_threshold": 0.25,
    "pval_threshold": 0.1,
    "best_model_proportion": 0.75,
    "min_observations_needed": 6,
}


def test_the_public_names_are_these():
    assert set(rv.__all__) >= NAMES
    assert set(dir(rv)) == set(rv.__all__)
    assert [name for name in rv.__all__ if not hasattr(rv, name)] == []


@pytest.mark.parametrize("name", SIGNATURES)
def test_parameters_keep_their_names_order_and_defaults(name):
    parameters = inspect.signature(getattr(rv, name)).parameters
    positional = {
        key: parameter.default
        for key, parameter in parameters.items()
        if parameter.kind is not parameter.VAR_POSITIONAL
    }
    assert list(positional.items())[: len(SIGNATURES[name])] == list(SIGNATURES[name].items())


@pytest.mark.parametrize("name", SIGNATURES)
def test_further_parameters_are_optional_and_none_is_swallowed(name):
    parameters = inspect.signature(getattr(rv, name)).parameters
    extra = [parameters[key] for key in parameters if key not in SIGNATURES[name]]
    assert [parameter.name for parameter in extra if parameter.default is REQUIRED] == []
    assert [parameter.name for parameter in extra if parameter.kind is parameter.VAR_KEYWORD] == []


def test_no_parameters_mean_the_default_parameters():
    index = xr.DataArray([0.8, 0.8, 0.2, 0.3, 0.4, 0.5, 0.6], [("year", range(2001, 2008))])
    assert rv.segment(index).identical(rv.segment(index, rv.SegmentParams()))


def test_segment_parameters_keep_their_names_and_defaults():
    fields = dataclasses.fields(rv.SegmentParams)
    assert {field.name: field.default for field in fields} == SEGMENT_DEFAULTS
    with pytest.raises(dataclasses.FrozenInstanceError):
        rv.SegmentParams().max_segments = 3


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_public_name_is_documented_with_its_source_or_an_example(name):
    assert len(inspect.getdoc(getattr(rv, name)) or "") > 200
