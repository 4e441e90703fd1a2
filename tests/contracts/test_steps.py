"""The flow as data: nothing is needed before it is made, nothing is made twice."""

from reverdure.pipeline.steps import REGISTRY, STEP_VERSIONS, STEPS


def test_every_need_is_made_by_an_earlier_step_or_held_by_the_registry():
    there = set(REGISTRY)
    for step in STEPS:
        assert set(step.needs) <= there, step.id
        there |= set(step.makes)


def test_nothing_is_made_twice():
    made = [product for step in STEPS for product in step.makes]
    assert len(made) == len(set(made))
    assert not set(made) & set(REGISTRY)


def test_every_step_has_a_version_of_its_own_and_a_name_in_both_languages():
    assert {step.id: step.version for step in STEPS} == STEP_VERSIONS
    assert len(STEP_VERSIONS) == len(STEPS)
    assert [step.id for step in STEPS if not (step.en and step.zh and step.version >= 1)] == []
