"""Verification step by step: whose turn it is, and that nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverdure.registry.packs import pack
from reverdure.registry.record_cells import RowRefused
from reverdure.registry.review import Act, by_claim, standing, take

PACK = pack("jiangxi")
ROLES = [role.key for role in PACK.roles]
ACTS = [
    Act("issued", "province", "2026-01-01"),
    Act("county_check", "county", "2026-02-01", evidence=("E1",), outcome="restored"),
    Act("prefecture_review", "prefecture", "2026-03-01"),
    Act("province_review", "province", "2026-04-01"),
    Act("accepted", "province", "2026-05-01", outcome="natural_recovery"),
]


def after(acts: list[Act]) -> list[dict]:
    rows: list[dict] = []
    for act in acts:
        rows.append(dict(take(PACK, standing(PACK.steps, "C1", rows), act).values))
    return rows


def refused(acts: list[Act], act: Act) -> str:
    with pytest.raises(RowRefused) as seen:
        take(PACK, standing(PACK.steps, "C1", after(acts)), act)
    finding = seen.value.refusal.finding(0, "C1")
    assert "{" not in finding.message + finding.message_zh
    return finding.code


def test_a_claim_walks_through_every_step_and_is_accepted_as_recovered_by_itself():
    for count in range(len(ACTS) + 1):
        at = standing(PACK.steps, "C1", after(ACTS[:count]))
        assert at.rows == count
        assert at.is_accepted == (count == len(ACTS))
        assert (at.next.key if at.next else "") == (ACTS[count].step if count < len(ACTS) else "")
    assert at.outcome == "natural_recovery"


def test_what_is_not_its_turn_is_refused():
    assert refused([], ACTS[1]) == "not_its_turn"
    assert refused(ACTS[:1], ACTS[0]) == "not_its_turn"
    assert refused(ACTS, ACTS[4]) == "review_closed"


def test_each_step_is_for_its_role_with_evidence_and_an_outcome():
    assert refused(ACTS[:1], Act("county_check", "province", "2026-02-01")) == "other_role"
    bare = Act("county_check", "county", "2026-02-01", outcome="restored")
    assert refused(ACTS[:1], bare) == "step_needs_evidence"
    mute = Act("county_check", "county", "2026-02-01", evidence=("E1",))
    assert refused(ACTS[:1], mute) == "no_such_outcome"
    spoken = Act("prefecture_review", "prefecture", "2026-03-01", outcome="restored")
    assert refused(ACTS[:2], spoken) == "no_such_outcome"
    early = Act("prefecture_review", "prefecture", "2026-01-31")
    assert refused(ACTS[:2], early) == "before_last_step"


def test_a_review_sends_back_to_the_county_and_the_walk_begins_there_again():
    back = Act("province_review", "province", "2026-04-01", returns=True)
    rows = after([*ACTS[:3], back])
    at = standing(PACK.steps, "C1", rows)
    assert at.returned
    assert at.last is not None
    assert (at.last.key, at.next.key, at.outcome) == ("issued", "county_check", "")
    assert refused(ACTS[:1], Act("county_check", "county", "2026-02-01", returns=True)) == (
        "no_return"
    )


@given(st.lists(st.tuples(st.sampled_from([act.step for act in ACTS]), st.sampled_from(ROLES),
                          st.booleans(), st.booleans(), st.sampled_from(["", "restored"])),
                max_size=30))  # fmt: skip
def test_whatever_is_tried_an_accepted_claim_had_evidence_and_every_role_in_turn(tries):
    rows: list[dict] = []
    for step, role, returns, proved, outcome in tries:
        act = Act(step, role, "2026-01-01", returns, ("E1",) if proved else (), outcome)
        try:
            rows.append(dict(take(PACK, standing(PACK.steps, "C1", rows), act).values))
        except RowRefused:
            continue
    at = standing(PACK.steps, "C1", rows)
    assert at.rows == len(rows)
    if at.is_accepted:
        last = [row["step"] for row in rows[-len(ACTS) + 1 :]]
        assert last == [act.step for act in ACTS[1:]]
        assert rows[-len(ACTS) + 1]["evidence"] == "E1"


def test_rows_of_a_claim_are_in_order_of_their_number():
    from reverdure.core.record_book import Record

    records = [Record(f"C/1/{n}", 1, {"n": n}) for n in (10, 2, 1)]
    assert by_claim(records) == {"C/1": [{"n": 1}, {"n": 2}, {"n": 10}]}
