"""Rule packs: what comes with the program, and what is refused in one."""

import re
import tomllib
from typing import Any

import pytest

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.registry.packs import STATUSES, RulePack, pack, pack_names, pack_text


@pytest.fixture
def plain() -> dict[str, Any]:
    return pack("jiangxi").to_dict()


@pytest.mark.parametrize("name", pack_names())
def test_a_pack_survives_the_way_to_the_registry_and_back(name: str) -> None:
    assert RulePack.from_dict(name, pack(name).to_dict()) == pack(name)
    assert pack(name).gaps or not pack(name).rules


def test_jiangxi_claims_no_clause_it_has_not_seen() -> None:
    found = pack("jiangxi")
    assert {rule.status for rule in found.rules} <= set(STATUSES) - {"verified"}
    assert not any(rule.clause for rule in found.rules)
    assert not any(duty.days or duty.months or duty.date for duty in found.duties)
    assert [step.order for step in found.steps] == [1, 2, 3, 4, 5]
    assert "natural_recovery" in found.steps[-1].outcomes


def test_the_examples_of_the_empty_pack_are_a_pack_once_uncommented() -> None:
    kept = [
        line.removeprefix("# ").removeprefix("#")
        for line in pack_text("empty").split("\n\n", maxsplit=1)[1].splitlines()
    ]
    text = "\n".join(kept).replace('valid_from = ""', "valid_from = 2026-02-01")
    found = RulePack.from_dict("mine", tomllib.loads(text))
    assert len(found.rules) == 4
    assert found.valid_from == "2026-02-01"
    assert (found.duties[0].months, found.duties[0].after) == (24, "mining_ends")


SPOILED: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown key": ("duty", {"fine": 3}, "'fine' is not known there"),
    "unknown status": ("duty", {"status": "sure"}, "'sure' is not known there; use assumption"),
    "no clause": ("duty", {"status": "verified"}, "names no clause"),
    "no source": ("duty", {"source": ""}, "'' is not known there"),
    "nobody": ("duty", {"who": []}, "who: '' is not known"),
    "who": ("duty", {"who": ["king"]}, "'king' is not known"),
    "two deadlines": ("duty", {"days": 3, "date": "2026-01-01"}, "deadline is not clear"),
    "days after nothing": ("duty", {"days": 3}, "deadline is not clear"),
    "after nothing known": ("duty", {"days": 3, "after": "rain"}, "'rain' is not known"),
    "no day": ("duty", {"date": "2026-02-30"}, "'2026-02-30' is no day"),
    "text for number": ("duty", {"days": "3"}, "days is '3'; write it like 3."),
    "yes for number": ("duty", {"days": True}, "days is True; write it like 3."),
    "numbers for texts": ("duty", {"who": [1]}, "who is 1; write it like"),
    "gap in steps": ("step", {"order": 7}, "numbered 2, 3, 4, 5, 7; expected 1 to 5"),
    "role": ("step", {"role": "king"}, "'king' is not known there; use county"),
    "forward": ("step", {"returns_to": "accepted"}, "'accepted' is not known there"),
    "outcome": ("step", {"outcomes": ["lost"]}, "'lost' is not known there"),
    "twice": ("step", {"key": "accepted"}, "'accepted' stands twice"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_rule_is_refused_by_its_place(name: str, plain: dict[str, Any]) -> None:
    kind, change, said = SPOILED[name]
    plain[kind][0] |= change
    with pytest.raises(InvalidInput, match=f"jiangxi, {kind}|jiangxi: the steps") as error:
        RulePack.from_dict("jiangxi", plain)
    assert re.search(re.escape(said), str(error.value))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": []}, "'rule' is not known there"),
        ({"version": 0}, "version 0 is below 1"),
        ({"valid_from": ""}, "'' is no day"),
        ({"step": {}}, "step is {}; write it like"),
        ({"gap": ["none"]}, "gap 1: 'none' is no table"),
        ({"gap": [{"en": "x"}]}, "gap 1: 'zh' is missing"),
    ],
)
def test_a_spoiled_head_is_refused(
    change: dict[str, Any], said: str, plain: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        RulePack.from_dict("jiangxi", plain | change)


def test_a_pack_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownOption, match="'atlantis' is not known; use one of empty, jiangxi"):
        pack("atlantis")


RULE = {"key": "k", "en": "k", "zh": "k", "source": "", "status": "assumption"}


@pytest.mark.parametrize(
    ("kind", "rule", "said"),
    [
        ("threshold", RULE, "threshold k has no value; write value = NUMBER"),
        ("threshold", RULE | {"value": float("inf")}, "threshold k has no value"),
        ("limit", RULE | {"land_use": "moon"}, "'moon' is not known there"),
        ("limit", RULE, "land_use: '' is not known there"),
    ],
)
def test_thresholds_have_numbers_and_limits_have_uses(
    kind: str, rule: dict[str, Any], said: str, plain: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        RulePack.from_dict("jiangxi", plain | {kind: [rule]})


def test_whole_numbers_are_numbers_and_a_clause_makes_a_rule_verified(
    plain: dict[str, Any],
) -> None:
    rule = RULE | {"source": "excerpts", "status": "verified", "clause": "7(2)", "value": 3}
    found = RulePack.from_dict("jiangxi", plain | {"threshold": [rule]})
    assert found.thresholds[0].value == 3.0
    assert RulePack.from_dict("jiangxi", found.to_dict()) == found
