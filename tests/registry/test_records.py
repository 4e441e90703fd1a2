"""Tables of records: what is taken, and what is refused by which rule."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverdure.core.kinds import kinds
from reverdure.core.record_book import Book, Record
from reverdure.intake.record_tables import RecordTable, read_records
from reverdure.registry.records import Checked, check_records

LISTED = {"mine": {"M1": "Xingguo", "M2": "Yudu"}, "claim": {"C1": "M1"}}
EMPTY = Book({}, LISTED)


def table(kind: str, *rows: dict) -> RecordTable:
    columns = dict.fromkeys((name for row in rows for name in row), 1.0)
    return RecordTable("list.csv", columns, tuple(enumerate(rows, start=1)), ())


def check(book: Book, kind: str, *rows: dict, **how) -> Checked:
    return check_records(kinds()[kind], table(kind, *rows), book, **how)


def with_records(book: Book, kind: str, *rows: dict) -> Book:
    """The book after an import in which no row may be refused."""
    seen = check(book, kind, *rows, update=True)
    assert not seen.refused, [one.message for one in seen.refused]
    kept = [dataclasses.replace(one, version=one.version + 1) for one in (*seen.new, *seen.changed)]
    return book.with_rows(kind, kept)


def rules(checked: Checked) -> dict[str, str]:
    return {one.id: one.code for one in checked.refused}


@pytest.fixture
def book() -> Book:
    made = with_records(
        EMPTY, "unit",
        {"unit_id": "360700", "name": "Ganzhou", "level": "prefecture"},
        {"unit_id": "360732", "name": "Xingguo", "level": "county", "parent_id": "360700",
         "from_year": "1983"},
        {"unit_id": "360781", "name": "Ruijin", "level": "county", "to_year": 2013},
    )  # fmt: skip
    made = with_records(
        made, "party",
        {"party_id": "P1", "name": "Tin works", "type": "enterprise", "unit_id": "360732"},
        {"party_id": "G1", "name": "Xingguo county", "type": "政府"},
    )  # fmt: skip
    return with_records(
        made, "evidence",
        {"evidence_id": "E1", "title": "photo", "taken_date": "2026/1/5", "sha256": "AB" * 32},
    )  # fmt: skip


DUTY = {"duty_id": "D1", "mine_id": "M1", "party_id": "P1", "duty": "restore",
        "liability": "liable_enterprise", "due_date": "2026-12-31"}  # fmt: skip
FUND = {"fund_id": "F1", "name": "reward", "source": "reward", "amount": 1000, "currency": "CNY",
        "price_year": 2026, "opens_date": "2026-01-01", "closes_date": "2026-12-31"}  # fmt: skip
PAY = {"payment_id": "Y1", "fund_id": "F1", "mine_id": "M1", "party_id": "P1", "type": "payment",
       "amount": 400, "currency": "CNY", "date": "2026-03-01"}  # fmt: skip
TARGET = {"target_id": "T1", "metric": "land restored", "measured_in": "ha", "value": 100,
          "from_year": 2022, "to_year": 2025, "basis": "plan"}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "row", "rule"),
    [
        ("duty", DUTY | {"party_id": ""}, "missing"),
        ("duty", DUTY | {"duty_id": ""}, "no_id"),
        ("duty", DUTY | {"mine_id": "M9"}, "no_such"),
        ("duty", DUTY | {"party_id": "P9"}, "no_such"),
        ("duty", DUTY | {"liability": "nobody"}, "not_in_list"),
        ("duty", DUTY | {"due_date": "soon"}, "not_a_day"),
        ("duty", DUTY | {"from_date": "2027-01-01"}, "wrong_order"),
        ("duty", DUTY | {"liability": "no_liable_party"}, "duty_of_nobody"),
        ("duty", DUTY | {"done_date": "2026-05-01"}, "no_evidence"),
        ("duty", DUTY | {"done_date": "2026-05-01", "evidence": "E1; E9"}, "no_such"),
        ("work", {"work_id": "W1", "mine_id": "M1", "measure": "planting", "state": "accepted"},
         "no_evidence"),
        ("work", {"work_id": "W1", "mine_id": "M1", "measure": "planting", "state": "planned",
                  "quantity": "-3"}, "negative"),
        ("work", {"work_id": "W1", "mine_id": "M1", "measure": "planting", "state": "planned",
                  "quantity": "3,4"}, "not_a_number"),
        ("evidence", {"evidence_id": "E2", "title": "x", "taken_date": "2026-01-01",
                      "sha256": "ab"}, "not_a_hash"),
        ("observation", {"observation_id": "O1", "unit_id": "360781", "metric": "jobs",
                         "measured_in": "people", "value": 3, "year": 2020, "basis": "yearbook"},
         "code_of_other_year"),
        ("observation", {"observation_id": "O1", "metric": "jobs", "measured_in": "people",
                         "value": 3, "year": 2020.5, "basis": "yearbook"}, "not_whole"),
        ("fund", FUND | {"currency": "yuan"}, "not_a_currency"),
        ("fund", FUND | {"repayable": "perhaps"}, "not_yes_or_no"),
        ("fund", FUND | {"closes_date": "2025-12-31"}, "wrong_order"),
    ],
)  # fmt: skip
def test_a_row_that_breaks_a_rule_says_which_in_both_languages(book, kind, row, rule):
    checked = check(book, kind, row)
    (seen,) = checked.refused
    assert seen.code == rule
    assert seen.row == 1
    assert seen.message != seen.message_zh
    assert any("一" <= sign <= "鿿" for sign in seen.message_zh)
    assert "{" not in seen.message + seen.message_zh
    assert not checked.new


@pytest.mark.parametrize("day", ["2026-12-31", "2026/12/31", "2026年12月31日", "20261231"])
def test_days_are_kept_in_one_form(book, day):
    (kept,) = check(book, "duty", DUTY | {"due_date": day}).new
    assert kept.values["due_date"] == "2026-12-31"


def test_a_refused_row_takes_no_good_one_with_it(book):
    rows = [DUTY, DUTY | {"duty_id": "D2", "mine_id": "M9"}, DUTY | {"duty_id": "D3"}]
    checked = check(book, "duty", *rows)
    assert [one.id for one in checked.new] == ["D1", "D3"]
    assert rules(checked) == {"D2": "no_such"}


def test_the_second_of_two_rows_with_one_id_is_refused(book):
    checked = check(book, "duty", DUTY, DUTY | {"duty": "monitor"})
    assert [one.values["duty"] for one in checked.new] == ["restore"]
    assert rules(checked) == {"D1": "twice"}


def test_a_row_may_refer_to_a_later_row_of_the_file_and_falls_with_it(book):
    rows = [
        {"programme_id": "S", "name": "s", "level": "sub_project", "parent_id": "M"},
        {"programme_id": "M", "name": "m", "level": "major_project", "parent_id": "P"},
        {"programme_id": "P", "name": "p", "level": "programme"},
    ]
    assert [one.id for one in check(book, "programme", *rows).new] == ["S", "M", "P"]
    fallen = check(book, "programme", *rows[:2])
    assert rules(fallen) == {"M": "no_such", "S": "no_such"}


def test_programmes_nest_by_level_and_without_circle(book):
    nested = with_records(
        book, "programme",
        {"programme_id": "P", "name": "p", "level": "programme"},
        {"programme_id": "M", "name": "m", "level": "major_project", "parent_id": "P"},
    )  # fmt: skip
    sub = {"programme_id": "S", "name": "s", "level": "sub_project", "parent_id": "P"}
    assert rules(check(nested, "programme", sub)) == {"S": "wrong_level"}
    turned = {"programme_id": "P", "name": "p", "level": "programme", "parent_id": "M"}
    checked = check(nested, "programme", turned, update=True)
    assert rules(checked) == {"P": "circle"}
    assert "P > M > P" in checked.refused[0].message
    sunk = with_records(nested, "programme", sub | {"parent_id": "M"})
    assert rules(check(sunk, "programme", {"programme_id": "M", "level": "sub_project"},
                       update=True)) == {"M": "wrong_level"}  # fmt: skip
    alone = {"programme_id": "X", "name": "x", "level": "programme", "parent_id": "X"}
    assert rules(check(book, "programme", alone)) == {"X": "circle"}


def test_parts_of_a_target_stay_within_the_whole(book):
    whole = with_records(book, "target", TARGET)
    parts = [
        TARGET | {"target_id": f"T1-{n}", "parent_id": "T1", "value": value}
        for n, value in enumerate((60, 40.0))
    ]
    assert not check(whole, "target", *parts).refused
    more = check(whole, "target", *parts, TARGET | {"target_id": "T1-x", "parent_id": "T1",
                                                    "value": 0.01})  # fmt: skip
    assert set(rules(more).values()) == {"parts_exceed"}
    held = with_records(whole, "target", *parts)
    lowered = check(held, "target", TARGET | {"value": 99}, update=True)
    assert rules(lowered) == {"T1": "parts_exceed"}
    other = TARGET | {"target_id": "T2", "parent_id": "T1", "measured_in": "mu", "value": 1}
    assert rules(check(whole, "target", other)) == {"T2": "other_metric"}


def test_payments_keep_to_their_fund(book):
    funded = with_records(book, "fund", FUND)
    assert not check(funded, "payment", PAY, PAY | {"payment_id": "Y2", "amount": 600}).refused
    for change, rule in (
        ({"amount": 1000.01}, "beyond_fund"),
        ({"date": "2025-12-31"}, "before_opening"),
        ({"date": "2027-01-01"}, "after_closing"),
        ({"currency": "USD"}, "other_currency"),
        ({"fund_id": "F9"}, "no_such"),
        ({"type": "clawback"}, "more_back_than_paid"),
    ):
        assert rules(check(funded, "payment", PAY | change)) == {"Y1": rule}, change


def test_only_what_goes_beyond_a_fund_is_refused_and_by_day(book):
    funded = with_records(book, "fund", FUND)
    rows = [
        PAY | {"payment_id": "late", "amount": 300, "date": "2026-09-01"},
        PAY | {"payment_id": "early", "amount": 900, "date": "2026-02-01"},
        PAY | {"payment_id": "last", "amount": 100, "date": "2026-10-01"},
    ]
    checked = check(funded, "payment", *rows)
    assert rules(checked) == {"late": "beyond_fund"}
    paid = with_records(funded, "payment", rows[1])
    assert rules(check(paid, "payment", PAY | {"amount": 101, "date": "2026-01-02"})) == {
        "Y1": "beyond_fund"
    }
    back = PAY | {"payment_id": "back", "type": "clawback", "amount": 900, "date": "2027-05-01"}
    freed = with_records(paid, "payment", back)
    assert not check(freed, "payment", PAY | {"amount": 1000}).refused


def test_a_fund_is_spent_on_what_it_names(book):
    narrow = FUND | {"areas": "360700", "measures": "planting", "party_types": "enterprise",
                     "ceiling": 500}  # fmt: skip
    funded = with_records(book, "fund", narrow)
    funded = with_records(
        funded, "work",
        {"work_id": "W1", "mine_id": "M1", "measure": "planting", "state": "planned"},
        {"work_id": "W2", "mine_id": "M1", "measure": "dredging", "state": "planned"},
    )  # fmt: skip
    assert not check(funded, "payment", PAY | {"work_id": "W1"}).refused
    assert rules(check(funded, "payment", PAY | {"work_id": "W2"})) == {"Y1": "not_eligible"}
    assert rules(check(funded, "payment", PAY | {"party_id": "G1"})) == {"Y1": "not_eligible"}
    assert rules(check(funded, "payment", PAY | {"amount": 501})) == {"Y1": "beyond_ceiling"}
    elsewhere = with_records(book, "fund", narrow | {"areas": "360781"})
    assert rules(check(elsewhere, "payment", PAY)) == {"Y1": "not_eligible"}


def test_a_fund_is_not_made_smaller_than_what_left_it(book):
    paid = with_records(with_records(book, "fund", FUND), "payment", PAY)
    assert rules(check(paid, "fund", FUND | {"amount": 399}, update=True)) == {"F1": "beyond_fund"}
    assert rules(check(paid, "fund", FUND | {"currency": "USD"}, update=True)) == {
        "F1": "other_currency"
    }


def test_a_commitment_binds_its_payments(book):
    funded = with_records(book, "fund", FUND)
    promised = with_records(
        funded, "commitment",
        {"commitment_id": "K1", "fund_id": "F1", "mine_id": "M1", "party_id": "P1",
         "amount": 500, "currency": "CNY", "date": "2026-02-01"},
    )  # fmt: skip
    on_it = PAY | {"commitment_id": "K1"}
    assert not check(promised, "payment", on_it).refused
    assert rules(check(promised, "payment", on_it | {"amount": 501})) == {"Y1": "beyond_commitment"}
    assert rules(check(promised, "payment", on_it | {"mine_id": "M2"})) == {
        "Y1": "other_commitment"
    }


def test_a_commitment_stays_as_large_as_what_was_paid_on_it(book):
    promise = {"commitment_id": "K1", "fund_id": "F1", "mine_id": "M1", "party_id": "P1",
               "amount": 500, "currency": "CNY", "date": "2026-02-01"}  # fmt: skip
    paid = with_records(with_records(book, "fund", FUND), "commitment", promise)
    paid = with_records(paid, "payment", PAY | {"commitment_id": "K1"})
    assert not check(paid, "commitment", promise | {"amount": 400}, update=True).refused
    assert rules(check(paid, "commitment", promise | {"amount": 399}, update=True)) == {
        "K1": "beyond_commitment"
    }
    assert rules(check(paid, "commitment", promise | {"mine_id": "M2"}, update=True)) == {
        "K1": "other_commitment"
    }


def test_a_payment_is_taken_back_and_never_edited(book):
    paid = with_records(with_records(book, "fund", FUND), "payment", PAY)
    assert rules(check(paid, "payment", PAY | {"amount": 1}, update=True)) == {"Y1": "final"}
    assert check(paid, "payment", PAY).unchanged == 1


def test_an_edit_of_an_older_version_is_a_conflict_and_shows_both(book):
    first = with_records(book, "duty", DUTY)
    second = with_records(first, "duty", DUTY | {"duty": "restore and monitor"})
    stale = check(second, "duty", DUTY | {"duty": "hand over", "version": 1})
    (seen,) = stale.refused
    assert seen.code == "conflict"
    assert "restore and monitor" in seen.message
    assert "hand over" in seen.message
    fresh = check(second, "duty", DUTY | {"duty": "hand over", "version": 2})
    assert [(one.version, one.values["duty"]) for one in fresh.changed] == [(2, "hand over")]
    same = check(second, "duty", DUTY | {"duty": "restore and monitor", "version": 1})
    assert (same.unchanged, same.refused) == (1, ())


def test_a_known_row_changes_only_when_asked_and_keeps_what_the_file_leaves_out(book):
    held = with_records(book, "duty", DUTY | {"basis": "clause"})
    moved = {"duty_id": "D1", "due_date": "2027-06-30"}
    assert rules(check(held, "duty", moved)) == {"D1": "known"}
    (kept,) = check(held, "duty", moved, update=True).changed
    assert (kept.values["due_date"], kept.values["basis"]) == ("2027-06-30", "clause")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 700), st.booleans()), max_size=12))
@settings(max_examples=60, deadline=None)
def test_no_sequence_of_imports_takes_a_fund_below_zero(steps):
    funded = with_records(EMPTY, "party", {"party_id": "P1", "name": "a", "type": "enterprise"})
    funded = with_records(funded, "fund", FUND)
    for number, amount, back in steps:
        row = PAY | {"payment_id": f"Y{number}", "amount": amount,
                     "type": "clawback" if back else "payment"}  # fmt: skip
        seen = check(funded, "payment", row, update=True)
        assert len(seen.new) + len(seen.changed) + seen.unchanged + len(seen.refused) == 1
        kept = [dataclasses.replace(one, version=one.version + 1)
                for one in (*seen.new, *seen.changed)]  # fmt: skip
        funded = funded.with_rows("payment", kept)
        signed = [(-1 if one.values["type"] == "clawback" else 1) * one.values["amount"]
                  for one in funded.of("payment").values()]  # fmt: skip
        assert 0 <= sum(signed) <= FUND["amount"]


def test_areas_come_in_the_unit_of_their_heading(tmp_path: Path):
    for heading, factor in (("许可面积(亩)", 15), ("Permitted area (ha)", 1), ("permitted_mu", 15)):
        file = tmp_path / "p.csv"
        file.write_text(
            f"permit_id,mine_id,party_id,{heading},from_year,to_year,colour\n"
            f"K1,M1,P1,{30 * factor},2020,2030,red\n", encoding="utf-8",
        )  # fmt: skip
        read = read_records(file, kinds()["permit"])
        assert read.unknown == ("colour",)
        party = Record("P1", 1, {"party_id": "P1", "name": "a", "type": "enterprise"})
        (kept,) = check_records(kinds()["permit"], read, EMPTY.with_rows("party", [party])).new
        assert kept.values["permitted_ha"] == pytest.approx(30)
