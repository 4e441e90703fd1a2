"""Steps of payment that cannot be, row by row."""

import pytest

from reverdure.core.kinds import kinds
from reverdure.core.record_book import Book, Record
from reverdure.registry.record_rules import broken_rules

FUND = {
    "name": "R", "source": "reward", "amount": 100.0, "currency": "CNY", "price_year": 2026,
    "opens_date": "2026-01-01", "per_ha": 1.0,
}  # fmt: skip
BOOK = Book(
    {
        "fund": {fund_id: Record(fund_id, 1, FUND) for fund_id in ("F", "G")},
        "party": {"P": Record("P", 1, {"name": "P", "type": "enterprise"})},
        "step": {},
    },
    {"mine": {"M": ""}, "claim": {"C": "M"}},
)


def step(step_id: str, order: int, share: float, version: int = 0) -> Record:
    values = {"fund_id": "F", "order": order, "years_after": 0, "share": share}
    return Record(step_id, version, values)


@pytest.mark.parametrize(
    ("known", "new", "rule"),
    [
        ([], [step("a", 1, 0.5), step("b", 2, 0.5)], {}),
        ([], [step("a", 1, 1.5)], {"a": "not_a_share"}),
        ([step("a", 1, 0.7, 1)], [step("b", 2, 0.4)], {"b": "shares_exceed"}),
        ([step("a", 1, 0.5, 1)], [step("b", 1, 0.2)], {"b": "same_order"}),
    ],
)
def test_steps_pay_no_more_than_the_whole(
    known: list[Record], new: list[Record], rule: dict[str, str]
) -> None:
    book = BOOK.with_rows("step", [*known, *new])
    broken = broken_rules(kinds()["step"], book, [row.id for row in new])
    assert {record_id: refusal.rule for record_id, refusal in broken.items()} == rule
    for number, (record_id, refusal) in enumerate(broken.items()):
        assert refusal.finding(number, record_id).message_zh


def test_a_payment_names_a_step_of_its_own_fund() -> None:
    values = {
        "fund_id": "G", "mine_id": "M", "claim_id": "C", "step_id": "a", "party_id": "P",
        "type": "payment", "amount": 1.0, "currency": "CNY", "date": "2026-02-01",
    }  # fmt: skip
    book = BOOK.with_rows("step", [step("a", 1, 1.0, 1)])
    for fund_id, rule in (("G", {"p": "other_step"}), ("F", {})):
        paid = book.with_rows("payment", [Record("p", 0, values | {"fund_id": fund_id})])
        broken = broken_rules(kinds()["payment"], paid, ["p"])
        assert {record_id: refusal.rule for record_id, refusal in broken.items()} == rule
