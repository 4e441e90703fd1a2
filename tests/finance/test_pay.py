"""What a fund pays, by hand and as properties that hold for any fund and any claims."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverdure.core.codes import PayStatus, Verdict
from reverdure.finance.results import Line, pay
from reverdure.finance.terms import Judged, Step, Terms
from reverdure.finance.ways import of_process, of_results, on_process

STEPS = (Step("S1", 1, 0, 500_000), Step("S2", 2, 3, 300_000), Step("S3", 3, 5, 200_000))
TERMS = Terms("reward", "CNY", 2026, amount=1_000_000_00, per_ha=30_000_00, steps=STEPS)


def claim(claim_id: str, year: int, claimed: float, low: float | None, **more: object) -> Judged:
    values = {
        "restored_ha": None if low is None else low * 1.2,
        "verdict": Verdict.SUPPORTED,
        "last_clear_year": 2025,
        "payee": "P1",
        "mine_id": f"M-{claim_id}",
        **more,
    }
    return Judged(claim_id=claim_id, county="", year=year, claimed_ha=claimed, low_ha=low, **values)  # type: ignore[arg-type]


def told(lines: tuple[Line, ...]) -> list[tuple[str, int, str, int, int]]:
    return [
        (one.claim.claim_id, one.step.order if one.step else 0, one.status.key, one.amount,
         one.clawback)
        for one in lines
    ]  # fmt: skip


def test_a_programme_by_hand() -> None:
    claims = [
        # 8 of 10 ha proved, completed 2022: 1st and 2nd step due, 3rd in 2027
        claim("A", 2022, 10.0, 8.0),
        # the bound lies above the claim: paid is what was claimed; 2nd step in 2027
        claim("B", 2024, 2.0, 2.5, verdict=Verdict.SUPPORTED),
        # 2nd step due in 2026, not seen yet
        claim("C", 2023, 4.0, 3.0, verdict=Verdict.PARTLY_SUPPORTED),
        claim("D", 2022, 5.0, 0.1, verdict=Verdict.NOT_SUPPORTED),
        claim("E", 2022, 5.0, 1.0, verdict=Verdict.UNDECIDED),
        claim("F", 2025, 5.0, None, verdict=Verdict.TOO_EARLY),
        claim("G", 2022, 1.0, 1.0, payee=""),
        claim("H", 2027, 1.0, 1.0),
        claim("I", 2022, 1.0, 1.0, is_disputed=True),
        claim("J", 2022, 1.0, 1.0, in_area=False),
        claim("K", 2022, 1.0, 1.0, paid_elsewhere=True),
        claim("L", 2022, 1.0, 1.0, payee_fits=False),
    ]
    lines = pay(TERMS, claims, {})
    assert told(lines) == [
        ("A", 1, "paid", 120_000_00, 0),  # 8 ha x 30,000 x 0.5
        ("A", 2, "paid", 72_000_00, 0),
        ("A", 3, "due_later", 0, 0),
        ("D", 0, "not_supported", 0, 0),
        ("E", 0, "undecided", 0, 0),
        ("G", 1, "no_party", 15_000_00, 0),
        ("G", 2, "no_party", 9_000_00, 0),
        ("G", 3, "due_later", 0, 0),
        ("I", 0, "disputed", 0, 0),
        ("J", 0, "not_eligible_area", 0, 0),
        ("K", 0, "paid_elsewhere", 0, 0),
        ("L", 0, "not_eligible_party", 0, 0),
        ("C", 1, "paid", 45_000_00, 0),
        ("C", 2, "not_seen", 0, 0),
        ("C", 3, "due_later", 0, 0),
        ("B", 1, "paid", 30_000_00, 0),
        ("B", 2, "due_later", 0, 0),
        ("B", 3, "due_later", 0, 0),
        ("F", 0, "not_judged", 0, 0),
        ("H", 0, "due_later", 0, 0),
    ]
    # the estimate of A is 9.6 ha: 9.6 x 30,000 x 0.5
    assert lines[0].due_by_mean == 144_000_00


def test_both_ways_by_hand() -> None:
    terms = Terms("F", "CNY", 2026, amount=500_000_00, per_ha=30_000_00)
    claims = [
        claim("A", 2020, 10.0, 8.0),
        claim("B", 2021, 5.0, 0.0, verdict=Verdict.NOT_SUPPORTED),
        claim("C", 2022, 4.0, 3.5),
    ]
    lines = pay(terms, claims, {})
    result = of_results(terms, lines)
    assert (result.money, result.claims, result.not_supported) == (345_000_00, 2, 0)
    assert result.supported_ha == pytest.approx(11.5)
    assert result.ha_per_10000 == pytest.approx(1 / 3)
    # 300,000 + 150,000, and 50,000 of 120,000 are left for the third
    got = on_process(terms, claims, {})
    assert got == {"A": 300_000_00, "B": 150_000_00, "C": 50_000_00}
    process = of_process(terms, claims, got)
    assert (process.money, process.claims, process.not_supported) == (500_000_00, 3, 150_000_00)
    assert process.supported_ha == pytest.approx(8.0 + 3.5 * 5 / 12)
    assert process.ha_per_10000 == pytest.approx((8.0 + 3.5 * 5 / 12) / 50)


def test_money_ends_at_the_fund_and_at_the_ceiling_of_a_mine() -> None:
    terms = replace(TERMS, steps=(Step("", 1, 0, 1_000_000),), amount=310_000_00,
                    ceiling=150_000_00, own_share=200_000)  # fmt: skip
    claims = [claim("A", 2020, 5.0, 5.0, mine_id="M1"), claim("B", 2021, 5.0, 5.0, mine_id="M1"),
              claim("C", 2022, 9.0, 9.0), claim("D", 2023, 5.0, 5.0)]  # fmt: skip
    # 30,000 less an own share of a fifth: 24,000 a hectare; 10,000 went to M1 before
    assert told(pay(terms, claims, {"M1": 10_000_00})) == [
        ("A", 1, "paid", 120_000_00, 0),
        ("B", 1, "ceiling", 20_000_00, 0),
        ("C", 1, "ceiling", 150_000_00, 0),
        ("D", 1, "no_money", 10_000_00, 0),
    ]


def test_what_was_paid_and_is_lost_is_asked_back_and_never_netted() -> None:
    paid = {"S1": 120_000_00}  # for 8 ha in the first step
    smaller = claim("A", 2022, 10.0, 6.0, paid=paid)
    assert told(pay(TERMS, [smaller], {"M-A": 120_000_00}))[:2] == [
        ("A", 1, "clawback", 0, 30_000_00),
        ("A", 2, "paid", 54_000_00, 0),
    ]
    lost = claim(
        "A", 2022, 10.0, 0.2, verdict=Verdict.NOT_SUPPORTED, reason="lost_again", paid=paid
    )
    assert told(pay(TERMS, [lost], {"M-A": 120_000_00})) == [("A", 1, "clawback", 0, 120_000_00)]
    given_back = replace(lost, paid={"S1": 0})
    assert told(pay(TERMS, [given_back], {"M-A": 0})) == [("A", 0, "not_supported", 0, 0)]
    # an open or disputed verdict moves nothing either way
    for held in (replace(lost, verdict=Verdict.UNDECIDED), replace(smaller, is_disputed=True)):
        (line,) = pay(TERMS, [held], {"M-A": 120_000_00})
        assert (line.amount, line.clawback, line.paid_before) == (0, 0, 120_000_00)


def test_a_payment_that_names_no_step_counts_to_the_first() -> None:
    one = claim("A", 2022, 10.0, 8.0, paid={"": 100_000_00, "gone": 20_000_00})
    assert told(pay(TERMS, [one], {"M-A": 120_000_00}))[:2] == [
        ("A", 1, "nothing_more", 0, 0),
        ("A", 2, "paid", 72_000_00, 0),
    ]


AREAS = st.floats(0.0, 60.0, allow_nan=False)


@st.composite
def judged(draw: st.DrawFn) -> Judged:
    low = draw(st.none() | AREAS)
    number = draw(st.integers(0, 10_000))
    return Judged(
        claim_id=f"C{number}",
        mine_id=f"M{number % 3}",
        county="",
        year=draw(st.integers(2015, 2028)),
        claimed_ha=draw(AREAS),
        restored_ha=None if low is None else low * 1.3,
        low_ha=low,
        verdict=draw(st.sampled_from(list(Verdict))),
        last_clear_year=draw(st.none() | st.integers(2018, 2026)),
        is_disputed=draw(st.integers(0, 9)) == 0,
        payee=draw(st.sampled_from(["", "P1", "P2"])),
        in_area=draw(st.integers(0, 9)) > 0,
    )


@st.composite
def programmes(draw: st.DrawFn) -> tuple[Terms, list[Judged]]:
    shares = draw(st.lists(st.integers(0, 333_333), min_size=1, max_size=3))
    steps = tuple(
        Step(f"S{order}", order, 2 * order - 2, share) for order, share in enumerate(shares, 1)
    )
    terms = Terms(
        "F",
        "CNY",
        2026,
        amount=draw(st.integers(0, 5_000_000_00)),
        per_ha=draw(st.integers(1, 50_000_00)),
        own_share=draw(st.integers(0, 1_000_000)),
        ceiling=draw(st.none() | st.integers(0, 2_000_000_00)),
        steps=steps,
    )
    claims = draw(st.lists(judged(), max_size=12, unique_by=lambda one: one.claim_id))
    return terms, claims


def by_claim(lines: tuple[Line, ...]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.claim.claim_id] = sums.get(line.claim.claim_id, 0) + line.amount
    return sums


def booked(claims: list[Judged], lines: tuple[Line, ...]) -> tuple[list[Judged], dict[str, int]]:
    """Claims and what mines got after the list was paid; what has no payee was not."""
    spent: dict[str, int] = {}
    paid: dict[str, dict[str, int]] = {one.claim_id: dict(one.paid or {}) for one in claims}
    for line in lines:
        if line.claim.payee and line.step:
            steps = paid[line.claim.claim_id]
            steps[line.step.step_id] = steps.get(line.step.step_id, 0) + line.amount
    after = [replace(one, paid=paid[one.claim_id]) for one in claims]
    for one in after:
        spent[one.mine_id] = spent.get(one.mine_id, 0) + one.paid_in_all
    return after, spent


@given(programmes(), st.integers(0, 3_000_000_00))
def test_more_money_never_lowers_what_anybody_gets(
    programme: tuple[Terms, list[Judged]], more: int
) -> None:
    terms, claims = programme
    less = by_claim(pay(terms, claims, {}))
    richer = by_claim(pay(replace(terms, amount=terms.amount + more), claims, {}))
    assert all(richer[claim_id] >= amount for claim_id, amount in less.items())


@given(programmes())
def test_no_more_than_the_fund_the_ceiling_and_the_claim(
    programme: tuple[Terms, list[Judged]],
) -> None:
    terms, claims = programme
    lines = pay(terms, claims, {})
    assert sum(line.amount for line in lines) <= terms.amount
    for mine_id in {one.mine_id for one in claims}:
        of_mine = sum(line.amount for line in lines if line.claim.mine_id == mine_id)
        assert terms.ceiling is None or of_mine <= terms.ceiling
    for one in claims:
        assert one.proved_m2 <= one.claimed_ha * 10_000 + 1e-5
        assert by_claim(lines)[one.claim_id] <= terms.worth(one.claimed_m2)
        if not one.is_supported:
            assert by_claim(lines)[one.claim_id] == 0
    assert sum(on_process(terms, claims, {}).values()) <= terms.amount


@given(programmes(), st.randoms(use_true_random=False))
def test_the_order_of_rows_moves_nothing(
    programme: tuple[Terms, list[Judged]], random: Random
) -> None:
    terms, claims = programme
    mixed = list(claims)
    random.shuffle(mixed)
    assert pay(terms, mixed, {}) == pay(terms, claims, {})
    got = on_process(terms, claims, {})
    assert on_process(terms, mixed, {}) == got
    assert of_process(terms, mixed, got) == of_process(terms, claims, got)


@given(programmes())
def test_paid_once_nothing_is_left_to_pay(programme: tuple[Terms, list[Judged]]) -> None:
    terms, claims = programme
    first = pay(terms, claims, {})
    again = pay(terms, *booked(claims, first))
    assert sum(line.amount for line in again if line.claim.payee) == 0
    assert sum(line.clawback for line in again) == 0
    held = [line.amount for line in first if not line.claim.payee]
    assert [line.amount for line in again if not line.claim.payee] == held


@settings(max_examples=60)
@given(programmes(), st.lists(AREAS, min_size=12, max_size=12))
def test_what_is_paid_less_what_is_asked_back_is_what_is_proved(
    programme: tuple[Terms, list[Judged]], lows: list[float]
) -> None:
    terms, claims = programme
    after, spent = booked(claims, pay(terms, claims, {}))
    measured = [
        replace(one, low_ha=low) if one.low_ha is not None else one
        for one, low in zip(after, lows, strict=False)
    ]
    for line in pay(terms, measured, spent):
        if line.status is PayStatus.CLAWBACK:
            assert line.amount == 0
            assert line.paid_before - line.clawback == line.earned
        elif line.step is not None and line.paid_before:
            assert line.paid_before + line.due <= line.earned
    assert sum(spent.values()) <= terms.amount
