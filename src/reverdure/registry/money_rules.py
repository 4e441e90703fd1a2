"""What money may do: no more than its fund holds, when it is open, for what it is meant."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from reverdure.core.kinds import Kind
from reverdure.core.record_book import Book, Record
from reverdure.registry.record_cells import Refusal

Found = Iterator[tuple[str, Refusal]]
_CENT = 0.005
# shares are typed with two decimals or so
_ROUNDING = 1e-6


def currency_is_the_funds(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Money leaves a fund in its own currency."""
    for row, fund in _with_fund(kind, book, ids):
        if row.values["currency"] != fund.values["currency"]:
            yield row.id, Refusal("other_currency", {
                "seen": row.values["currency"], "fund": fund.id,
                "currency": fund.values["currency"],
            })  # fmt: skip


def fund_is_open(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Money is committed and paid while the fund is open; it may come back later."""
    for row, fund in _with_fund(kind, book, ids):
        day, opens = row.values["date"], fund.values["opens_date"]
        closes = fund.values.get("closes_date")
        if day < opens:
            yield row.id, Refusal("before_opening", {"day": day, "fund": fund.id, "opens": opens})
        elif closes is not None and day > closes and not _comes_back(row):
            yield row.id, Refusal("after_closing", {"day": day, "fund": fund.id, "closes": closes})


def fund_is_meant_for_it(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Measure, party and area are among those the fund names."""
    for row, fund in _with_fund(kind, book, ids):
        work = book.of("work").get(row.values.get("work_id", ""))
        party = book.of("party").get(row.values["party_id"])
        checks: list[tuple[str, Any, str]] = []
        if work is not None:
            checks.append(("measures", work.values["measure"], "measure"))
        if party is not None:
            checks.append(("party_types", party.values["type"], "party_type"))
            unit = party.values.get("unit_id")
            if unit is not None:
                checks.append(("areas", unit, "unit_id"))
        for of_fund, seen, column in checks:
            allowed = allowed_by(fund, of_fund)
            within = seen in allowed or (of_fund == "areas" and is_within(book, seen, allowed))
            if allowed and not within:
                yield row.id, Refusal("not_eligible", {
                    "fund": fund.id, "column": column, "seen": seen,
                    "allowed": ", ".join(allowed),
                })  # fmt: skip


def fund_is_not_exceeded(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Sums in order of day: what goes beyond the fund, or the ceiling of a mine, is refused."""
    words = ("payments", "支付") if kind.name == "payment" else ("commitments", "承诺")
    for fund in book.of("fund").values():
        rows = [row for row in book.of(kind.name).values() if row.values["fund_id"] == fund.id]
        currency, amount = fund.values["currency"], fund.values["amount"]
        for row, total in _new_beyond(rows, ids, amount):
            yield row.id, Refusal("beyond_fund", {
                "what": words[0], "what_zh": words[1], "fund": fund.id, "sum": total,
                "currency": currency, "amount": amount,
            })  # fmt: skip
        ceiling = fund.values.get("ceiling")
        if ceiling is not None:
            for mine_id in dict.fromkeys(row.values["mine_id"] for row in rows):
                of_mine = [row for row in rows if row.values["mine_id"] == mine_id]
                for row, total in _new_beyond(of_mine, ids, ceiling):
                    yield row.id, Refusal("beyond_ceiling", {
                        "mine": mine_id, "sum": total, "currency": currency, "fund": fund.id,
                        "ceiling": ceiling,
                    })  # fmt: skip


def changed_fund_holds(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """A fund is never made smaller than what left it, and keeps the currency it paid in."""
    for fund_id in ids:
        fund = book.of(kind.name)[fund_id]
        for name, words in (("commitment", ("commitments", "承诺")),
                            ("payment", ("payments", "支付"))):  # fmt: skip
            rows = [row for row in book.of(name).values() if row.values["fund_id"] == fund_id]
            for row in rows:
                if row.values["currency"] != fund.values["currency"]:
                    yield fund_id, Refusal("other_currency", {
                        "seen": row.values["currency"], "fund": fund_id,
                        "currency": fund.values["currency"],
                    })  # fmt: skip
            total = sum(map(_signed, rows))
            if total > fund.values["amount"] + _CENT:
                yield fund_id, Refusal("beyond_fund", {
                    "what": words[0], "what_zh": words[1], "fund": fund_id, "sum": total,
                    "currency": fund.values["currency"], "amount": fund.values["amount"],
                })  # fmt: skip


def commitment_is_kept(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """A payment is for the fund, mine and payee that were committed, and no more."""
    for commitment in book.of("commitment").values():
        rows = [row for row in book.of("payment").values()
                if row.values.get("commitment_id") == commitment.id]  # fmt: skip
        for row in rows:
            blamed = _blamed(kind, row, commitment, ids)
            for name in ("fund_id", "mine_id", "party_id"):
                if blamed and row.values[name] != commitment.values[name]:
                    yield blamed, Refusal("other_commitment", {
                        "commitment": commitment.id, "column": kind.column(name),
                        "now": commitment.values[name], "seen": row.values[name],
                    })  # fmt: skip
        for row, total in _beyond(rows, ids, commitment.values["amount"]):
            blamed = _blamed(kind, row, commitment, ids)
            if blamed:
                yield blamed, Refusal("beyond_commitment", {
                    "commitment": commitment.id, "sum": total,
                    "currency": commitment.values["currency"],
                    "amount": commitment.values["amount"],
                })  # fmt: skip


def _blamed(kind: Kind, payment: Record, commitment: Record, ids: Collection[str]) -> str:
    """Which of the two the file brought; "" for neither."""
    brought = payment.id if kind.name == "payment" else commitment.id
    return brought if brought in ids else ""


def shares_are_shares(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """Nobody brings, and no step pays, more than the whole."""
    for record_id in ids:
        for name in ("match_share", "share"):
            seen = book.value(kind.name, record_id, name)
            if seen is not None and seen > 1:
                yield record_id, Refusal("not_a_share", {"column": kind.column(name), "seen": seen})


def steps_make_a_whole(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """The steps of a fund pay no more than the amount, and follow each other."""
    for fund_id in dict.fromkeys(book.value("step", one, "fund_id") for one in ids):
        rows = sorted(
            (row for row in book.of("step").values() if row.values["fund_id"] == fund_id),
            key=lambda row: (row.id in ids, row.values["order"], row.id),
        )
        total = 0.0
        orders: dict[int, str] = {}
        for row in rows:
            order = row.values["order"]
            if order in orders and row.id in ids:
                yield row.id, Refusal("same_order", {"order": order, "other": orders[order]})
            orders[order] = row.id
            total += row.values["share"]
            if total > 1 + _ROUNDING and row.id in ids:
                yield row.id, Refusal("shares_exceed", {"fund": fund_id, "sum": total})


def step_is_the_funds(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """A payment names a step of its own fund."""
    for row, fund in _with_fund(kind, book, ids):
        step = book.of("step").get(row.values.get("step_id", ""))
        if step is not None and step.values["fund_id"] != fund.id:
            yield row.id, Refusal("other_step", {
                "step": step.id, "fund": fund.id, "other": step.values["fund_id"],
            })  # fmt: skip


def no_more_comes_back(kind: Kind, book: Book, ids: Collection[str]) -> Found:
    """No more comes back from a mine than was paid for it."""
    sums: dict[tuple[str, str], list[Record]] = {}
    for row in book.of(kind.name).values():
        sums.setdefault((row.values["fund_id"], row.values["mine_id"]), []).append(row)
    for (fund_id, mine_id), rows in sums.items():
        paid = sum(row.values["amount"] for row in rows if not _comes_back(row))
        back = 0.0
        for row in _in_order(filter(_comes_back, rows), ids):
            back += row.values["amount"]
            if back > paid + _CENT and row.id in ids:
                back -= row.values["amount"]
                yield row.id, Refusal("more_back_than_paid", {
                    "mine": mine_id, "fund": fund_id, "sum": back + row.values["amount"],
                    "paid": paid, "currency": row.values["currency"],
                })  # fmt: skip


def _with_fund(kind: Kind, book: Book, ids: Collection[str]) -> Iterator[tuple[Record, Record]]:
    for record_id in ids:
        row = book.of(kind.name)[record_id]
        yield row, book.of("fund")[row.values["fund_id"]]


def _new_beyond(
    rows: Iterable[Record], ids: Collection[str], limit: float
) -> Iterator[tuple[Record, float]]:
    return ((row, total) for row, total in _beyond(rows, ids, limit) if row.id in ids)


def _beyond(
    rows: Iterable[Record], ids: Collection[str], limit: float
) -> Iterator[tuple[Record, float]]:
    """Rows that take the sum over a limit, and that sum; they are left out of it."""
    total = 0.0
    for row in _in_order(rows, ids):
        after = total + _signed(row)
        if after > limit + _CENT:
            yield row, after
        else:
            total = after


def _in_order(rows: Iterable[Record], ids: Collection[str]) -> list[Record]:
    """What stood before, what the file takes back, then what it adds, by day."""
    return sorted(rows, key=lambda row: (row.id in ids, not _comes_back(row), row.values["date"],
                                         row.id))  # fmt: skip


def _signed(row: Record) -> float:
    amount = float(row.values["amount"])
    return -amount if _comes_back(row) else amount


def _comes_back(row: Record) -> bool:
    return row.values.get("type") in ("clawback", "repayment")


def allowed_by(fund: Record, column: str) -> list[str]:
    """What a fund names in one of its lists; empty where anything is allowed."""
    return [one.strip() for one in str(fund.values.get(column, "")).split(";") if one.strip()]


def is_within(book: Book, unit: str, allowed: Collection[str]) -> bool:
    """Whether a unit is one of those named, or part of one."""
    seen: list[str] = []
    at: str | None = unit
    while at and at not in seen:
        if at in allowed:
            return True
        seen.append(at)
        at = book.value("unit", at, "parent_id")
    return False


_ANY = (currency_is_the_funds, fund_is_open, fund_is_meant_for_it, fund_is_not_exceeded)
MONEY_RULES: Mapping[str, Any] = {
    "fund": (changed_fund_holds, shares_are_shares),
    "step": (shares_are_shares, steps_make_a_whole),
    "commitment": (*_ANY, commitment_is_kept),
    "payment": (*_ANY, commitment_is_kept, step_is_the_funds, no_more_comes_back),
}
