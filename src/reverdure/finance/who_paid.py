"""Who paid for whose damage: money that moved, by liability for the mine and by source."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reverdure.core.record_book import Record

LIABLE = ("liable_enterprise", "illegal")
NOT_RECORDED = ""
OWN = "enterprise"
_SIGN = {"payment": 1, "clawback": -1, "repayment": -1}


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid for the mines of one liability in one currency.

    Attributes
    ----------
    liability : str
        Key of the liability, the heaviest of a mine's duties; "" where none is recorded.
    currency : str
    by_source : mapping of source of fund to amount
        Payments less clawbacks and repayments.
    mines : tuple of str
        Ids of the mines, sorted.
    public_mines : tuple of str
        Those of them that anybody but the enterprise paid for.
    """

    liability: str
    currency: str
    by_source: Mapping[str, Decimal]
    mines: tuple[str, ...]
    public_mines: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        """All sources together."""
        return sum(self.by_source.values(), Decimal(0))


def who_paid(
    duties: Iterable[Record], funds: Mapping[str, Record], payments: Iterable[Record]
) -> list[Paid]:
    """Payments by liability of the mine, currency and source of the fund.

    Prices of different years and different currencies are never added: sums are of what moved,
    by currency, as booked.

    Examples
    --------
    >>> duty = Record("D1", 1, {"mine_id": "M1", "liability": "liable_enterprise"})
    >>> fund = Record("F1", 1, {"source": "central", "currency": "CNY"})
    >>> row = {"fund_id": "F1", "mine_id": "M1", "type": "payment", "amount": 5.0,
    ...        "currency": "CNY"}
    >>> (found,) = who_paid([duty], {"F1": fund}, [Record("B1", 1, row)])
    >>> found.liability, found.total, found.public_mines
    ('liable_enterprise', Decimal('5.0'), ('M1',))
    """
    liability: dict[str, str] = {}
    for duty in duties:
        mine_id, of = duty.values["mine_id"], duty.values["liability"]
        # one liable party is enough: the others' duties do not free it
        if of in LIABLE or mine_id not in liability:
            liability[mine_id] = of
    amounts: dict[tuple[str, str], dict[str, Decimal]] = {}
    of_mine: dict[tuple[str, str], dict[str, dict[str, Decimal]]] = {}
    for payment in payments:
        values = payment.values
        mine_id, source = values["mine_id"], funds[values["fund_id"]].values["source"]
        key = liability.get(mine_id, NOT_RECORDED), values["currency"]
        amount = _SIGN[values["type"]] * Decimal(str(values["amount"]))
        for sums in (
            amounts.setdefault(key, {}),
            of_mine.setdefault(key, {}).setdefault(mine_id, {}),
        ):
            sums[source] = sums.get(source, Decimal(0)) + amount
    return [
        Paid(
            *key,
            amounts[key],
            tuple(sorted(of_mine[key])),
            tuple(
                mine_id
                for mine_id, sums in sorted(of_mine[key].items())
                if any(amount > 0 for source, amount in sums.items() if source != OWN)
            ),
        )
        for key in sorted(amounts)
    ]
