"""Payment on verified results: verdicts and records to a list, and from it to payment records."""

import datetime
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverdure.core.codes import DisputeStatus, PayStatus, PayWay, Verdict
from reverdure.core.errors import InvalidInput, NotFound
from reverdure.core.kinds import kinds
from reverdure.core.money_fields import PAYMENT_LIST, PAYMENT_WAYS
from reverdure.core.record_book import Book, Record
from reverdure.core.records import Finding
from reverdure.core.units import M2_PER_HA, MU_PER_HA
from reverdure.finance.results import Line, pay
from reverdure.finance.terms import AT_ONCE, CENTS, MILLION, Judged, Step, Terms
from reverdure.finance.ways import Way, of_process, of_results, on_process
from reverdure.intake.record_tables import RecordTable
from reverdure.pipeline.corrections import standing_of
from reverdure.pipeline.known_dates import known_years
from reverdure.pipeline.records import book_of
from reverdure.registry.corrections import with_disputes
from reverdure.registry.money_rules import allowed_by, is_within
from reverdure.registry.records import check_records
from reverdure.store.records import Author, write
from reverdure.store.workspace import Workspace

_MEASURED_FROM = (
    "add mines", "add claims", "add counties", "add scenes", "add composites",
    "add layer", "harmonise", "correct", "events",
)  # fmt: skip
_ABOUT_VERDICTS = ("dispute", "settlement")
_HELD = {DisputeStatus.DISPUTED.key, DisputeStatus.DISPUTE_UPHELD.key}
_SHOWN_IDS = 8


@dataclass(frozen=True, slots=True)
class PayList:
    """What a fund pays in a year, and the same programme as process subsidy.

    Attributes
    ----------
    fund : Record
    terms : Terms
    lines : tuple of Line
        By year of completion, claim and step.
    process : mapping of claim to int
        What each would have got on completion as claimed, [cents].
    ways : mapping of PayWay to Way
    run_id : str
        Run whose verdicts these are.
    """

    fund: Record
    terms: Terms
    lines: tuple[Line, ...]
    process: Mapping[str, int]
    ways: Mapping[PayWay, Way]
    run_id: str

    @property
    def to_pay(self) -> tuple[Line, ...]:
        """Lines that money goes out for now."""
        return tuple(line for line in self.lines if line.amount and line.claim.payee)

    def line_id(self, line: Line) -> str:
        """Id of a line: fund, claim and, where it is of one, step."""
        parts = [self.terms.fund_id, line.claim.claim_id]
        return "/".join(parts if line.step is None else [*parts, str(line.step.order)])


@dataclass(frozen=True, slots=True)
class RecordedPayments:
    """A list, how many of its payments were written, and which the rules refused."""

    found: PayList
    written: int
    refused: tuple[Finding, ...]


def pay_list(workspace: Workspace, fund_id: str, year: int) -> PayList:
    """Work out what a fund pays on the verdicts of the last run; writes nothing.

    Parameters
    ----------
    workspace : Workspace
    fund_id : str
    year : int
        Year the payment is made in.

    Raises
    ------
    NotFound
        If there is no such fund.
    InvalidInput
        If it pays nothing per hectare or is not open in that year, if nothing was measured,
        or if what verdicts rest on changed since.
    """
    return _pay_list(workspace, book_of(workspace), fund_id, year)


def record_payments(
    workspace: Workspace, fund_id: str, year: int, day: datetime.date, author: Author
) -> RecordedPayments:
    """Work out the list and write its payments into the registry, through its rules.

    What is to be given back is not written: it is, with `reverdure add payments`, once the
    money has come. Given again, nothing is left to pay.

    Parameters
    ----------
    workspace, fund_id, year
        As for `pay_list`.
    day : date
        Day the money moves, in that year.
    author : Author

    Raises
    ------
    NotFound, InvalidInput
        As `pay_list`; also if the day lies in another year.
    """
    if day.year != year:
        raise InvalidInput(
            f"payments of {year} cannot be dated {day.isoformat()}.",
            "Say the day the money moves: --on YYYY-MM-DD.",
        )
    with workspace.writing():
        book = book_of(workspace)
        found = _pay_list(workspace, book, fund_id, year)
        kind = kinds()["payment"]
        rows = [_payment(found, line, day, book) for line in found.to_pay]
        table = RecordTable(
            f"pay {fund_id} {year}",
            dict.fromkeys((column.name for column in kind.columns), 1.0),
            tuple(enumerate(rows, start=1)),
            (),
        )
        checked = check_records(kind, table, book)
        if checked.new:
            with workspace.database.transaction(
                "pay", fund_id=fund_id, year=year, run_id=found.run_id, payments=len(checked.new),
                person=author.person,
            ) as transaction:  # fmt: skip
                written = [(one.id, one.version, one.values) for one in checked.new]
                write(transaction, kind.name, written, author)
    return RecordedPayments(found, len(checked.new), checked.refused)


def write_list(path: Path, found: PayList, language: str) -> None:
    """Write the list, and both ways of paying, as a workbook."""
    from reverdure.publish.payment_book import write_payment_book

    write_payment_book(path, rows_of(found), ways_of(found), language)


def rows_of(found: PayList) -> list[dict[str, Any]]:
    """Rows of `core.money_fields.PAYMENT_LIST`."""
    rows, seen = [], set()
    for line in found.lines:
        claim, step = line.claim, line.step
        rows.append(
            PAYMENT_LIST.row(
                {
                    "line_id": found.line_id(line),
                    "status": line.status.key,
                    "claim_id": claim.claim_id,
                    "mine_id": claim.mine_id,
                    "county": claim.county,
                    "party_id": claim.payee or None,
                    "year": claim.year,
                    "verdict": claim.verdict.key,
                    "reason": claim.reason,
                    "last_clear_year": claim.last_clear_year,
                    "claimed_ha": claim.claimed_ha,
                    "restored_ha": claim.restored_ha,
                    "restored_ha_low": claim.low_ha,
                    "paid_ha": claim.proved_m2 / M2_PER_HA,
                    "paid_mu": claim.proved_m2 / M2_PER_HA * MU_PER_HA,
                    "step": step.order if step else None,
                    "due_year": claim.year + step.years_after if step else None,
                    "share": step.share_millionths / MILLION if step else None,
                    "per_ha": found.terms.worth(round(M2_PER_HA)) / CENTS,
                    "earned": line.earned / CENTS,
                    "paid_before": line.paid_before / CENTS,
                    "due": line.due / CENTS,
                    "amount": line.amount / CENTS,
                    "clawback": line.clawback / CENTS,
                    "due_by_mean": line.due_by_mean / CENTS,
                    "process_amount": (
                        None if claim.claim_id in seen else found.process[claim.claim_id] / CENTS
                    ),
                    "currency": found.terms.currency,
                    "run_id": found.run_id,
                }
            )
        )
        seen.add(claim.claim_id)
    return rows


def ways_of(found: PayList) -> list[dict[str, Any]]:
    """Rows of `core.money_fields.PAYMENT_WAYS`."""
    return [
        PAYMENT_WAYS.row(
            {
                "way": way.key,
                "fund_id": found.terms.fund_id,
                "up_to_year": found.terms.year,
                "money": sums.money / CENTS,
                "claims": sums.claims,
                "supported_ha": sums.supported_ha,
                "supported_ha_per_10000": sums.ha_per_10000,
                "not_supported": sums.not_supported / CENTS,
                "currency": found.terms.currency,
                "price_year": found.fund.values["price_year"],
                "run_id": found.run_id,
            }
        )
        for way, sums in found.ways.items()
    ]


def _pay_list(workspace: Workspace, book: Book, fund_id: str, year: int) -> PayList:
    fund = _fund(book, fund_id)
    terms = _terms(book, fund, year)
    verdicts = _verdicts(workspace)
    spent: dict[str, int] = defaultdict(int)
    for row in book.of("payment").values():
        if row.values["fund_id"] == fund_id:
            spent[row.values["mine_id"]] += _signed(row)
    claims = _claims(workspace, book, fund, verdicts)
    otherwise = dict(spent)
    for claim in claims:
        if claim.paid_in_all:
            otherwise[claim.mine_id] -= claim.paid_in_all
    lines = pay(terms, claims, spent)
    process = on_process(terms, claims, otherwise)
    ways = {
        PayWay.RESULT: of_results(terms, lines),
        PayWay.PROCESS: of_process(terms, claims, process),
    }
    return PayList(fund, terms, lines, process, ways, _run_id(verdicts))


def _fund(book: Book, fund_id: str) -> Record:
    known = book.of("fund")
    if fund_id not in known:
        named = [*sorted(known)[:_SHOWN_IDS], *(["..."] if len(known) > _SHOWN_IDS else [])]
        raise NotFound(f"no fund is called {fund_id!r}.", f"Known: {', '.join(named) or 'none'}")
    return known[fund_id]


def _terms(book: Book, fund: Record, year: int) -> Terms:
    """Terms of a fund that pays per hectare and is open in the year."""
    values = fund.values
    if not values.get("per_ha"):
        raise InvalidInput(
            f"fund {fund.id!r} says no amount per hectare.",
            "Fill in per_ha and add it again: reverdure add funds FILE --update",
        )
    opens, closes = values["opens_date"], values.get("closes_date", "")
    if year < int(opens[:4]) or (closes and year > int(closes[:4])):
        raise InvalidInput(
            f"fund {fund.id!r} is open from {opens} to {closes or '...'}, not in {year}."
        )
    steps = [row for row in book.of("step").values() if row.values["fund_id"] == fund.id]
    return Terms(
        fund.id,
        values["currency"],
        year,
        amount=_cents(values["amount"]),
        per_ha=_cents(values["per_ha"]),
        own_share=round(values.get("match_share", 0) * MILLION),
        ceiling=_cents(values["ceiling"]) if "ceiling" in values else None,
        steps=tuple(sorted(map(_step, steps), key=lambda one: (one.years_after, one.order)))
        or (AT_ONCE,),
    )


def _step(row: Record) -> Step:
    share = round(row.values["share"] * MILLION)
    return Step(row.id, row.values["order"], row.values["years_after"], share)


def _verdicts(workspace: Workspace) -> list[dict[str, Any]]:
    """Verdicts in force; refused where what they rest on changed since.

    Raises
    ------
    InvalidInput
    """
    import pandas as pd

    log = workspace.database.rows("audit", ["number", "action", "detail", "at"])
    full = [
        row["number"]
        for row in log
        if row["action"] == "run" and json.loads(row["detail"])["only"] is None
    ]
    path = workspace.products / "verdicts.parquet"
    if not full or not path.is_file():
        raise InvalidInput("nothing has been run yet.", "Run first: reverdure run")
    for row in log:
        if row["number"] > full[-1] and _moves_verdicts(workspace, row):
            raise InvalidInput(
                f"verdicts are older than what they rest on: {row['action']!r} of {row['at']} "
                "came after the last run.",
                "Run again before anything is paid: reverdure run",
            )
    frame = pd.read_parquet(path)
    frame = frame.drop(columns="geometry").astype(object).where(frame.notna(), None)
    frame["flags"] = with_disputes(
        frame["flags"], frame["claim_id"], standing_of(workspace.database)
    )
    return [dict(row) for row in frame.to_dict("records")]


def _moves_verdicts(workspace: Workspace, line: Mapping[str, Any]) -> bool:
    """Whether a line of the audit log tells of something that verdicts rest on."""
    if line["action"] == "add events":
        return bool(known_years(workspace))
    if line["action"] not in _MEASURED_FROM:
        return False
    detail = json.loads(line["detail"])
    if "import" in detail and not (detail.get("replaced") or detail.get("removed")):
        # a list that said what was known already changed nothing
        reports = workspace.database.rows("import_report", ["number", "record"])
        kept = {row["number"]: json.loads(row["record"])["accepted"] for row in reports}
        return bool(kept[detail["import"]])
    return detail.get("kind") not in _ABOUT_VERDICTS


def _run_id(verdicts: Sequence[Mapping[str, Any]]) -> str:
    return ";".join(dict.fromkeys(str(row["run_id"]) for row in verdicts))


def _claims(
    workspace: Workspace, book: Book, fund: Record, verdicts: Sequence[Mapping[str, Any]]
) -> list[Judged]:
    """Claims with their verdicts, payees, and what was paid for them."""
    database = workspace.database
    claimants = {
        row["claim_id"]: row["claimant"] or ""
        for row in database.rows("claim", ["claim_id", "claimant"])
    }
    units = _units(book, database.rows("county", ["county", "county_code"]))
    allowed = allowed_by(fund, "areas")
    own, others = _paid(book, fund.id)
    parties = _parties(book)
    found = []
    for row in verdicts:
        payee = parties.get(claimants.get(row["claim_id"], "").strip(), "")
        of_mine = [row["county"], *units.get(row["county"], ())]
        found.append(
            Judged(
                row["claim_id"],
                row["mine_id"],
                row["county"],
                int(row["year"]),
                float(row["claimed_ha"]),
                row["restored_ha"],
                row["restored_ha_low"],
                Verdict.from_key(row["verdict"]),
                row["reason"],
                None if row["last_clear_year"] is None else int(row["last_clear_year"]),
                is_disputed=bool(_HELD & set(row["flags"].split(";"))),
                payee=payee,
                in_area=not allowed or any(is_within(book, unit, allowed) for unit in of_mine),
                payee_fits=not payee or _fits(book, fund, payee),
                paid_elsewhere=others.get(row["claim_id"], 0) > 0,
                paid=own.get(row["claim_id"]),
            )
        )
    return found


def _units(book: Book, counties: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Codes that a county of this name goes by."""
    units: dict[str, list[str]] = defaultdict(list)
    for row in counties:
        if row["county_code"]:
            units[row["county"]].append(row["county_code"])
    for unit in book.of("unit").values():
        units[unit.values["name"]].append(unit.id)
    return units


def _parties(book: Book) -> dict[str, str]:
    """Party that a claimant means, by its id or its name; a name of two means neither."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for party in book.of("party").values():
        by_name[party.values["name"]].append(party.id)
    named = {name: ids[0] for name, ids in by_name.items() if len(ids) == 1}
    return named | {party_id: party_id for party_id in book.of("party")}


def _fits(book: Book, fund: Record, party_id: str) -> bool:
    """Whether the fund may pay this party, as the rules of payments have it."""
    types, areas = allowed_by(fund, "party_types"), allowed_by(fund, "areas")
    unit = book.value("party", party_id, "unit_id")
    fits = not types or book.value("party", party_id, "type") in types
    return fits and (not areas or unit is None or is_within(book, unit, areas))


def _paid(book: Book, fund_id: str) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Paid for each claim by step out of this fund, and for its result out of others, [cents]."""
    own: dict[str, dict[str, int]] = {}
    others: dict[str, int] = defaultdict(int)
    for row in book.of("payment").values():
        claim_id = row.values.get("claim_id")
        if claim_id is None:
            continue
        if row.values["fund_id"] == fund_id:
            steps = own.setdefault(claim_id, defaultdict(int))
            steps[row.values.get("step_id", "")] += _signed(row)
        elif book.value("fund", row.values["fund_id"], "per_ha"):
            others[claim_id] += _signed(row)
    return own, others


def _payment(found: PayList, line: Line, day: datetime.date, book: Book) -> dict[str, Any]:
    """A line as a row of payments; its id says fund, claim and step, and counts on from 2."""
    payment_id = first = found.line_id(line)
    number = 1
    while book.holds("payment", payment_id):
        number += 1
        payment_id = f"{first}/{number}"
    return {
        "payment_id": payment_id,
        "fund_id": found.terms.fund_id,
        "mine_id": line.claim.mine_id,
        "claim_id": line.claim.claim_id,
        "step_id": line.step.step_id if line.step else "",
        "party_id": line.claim.payee,
        "type": "payment",
        "amount": line.amount / CENTS,
        "currency": found.terms.currency,
        "date": day.isoformat(),
    }


def _signed(row: Record) -> int:
    cents = _cents(row.values["amount"])
    return cents if row.values["type"] == "payment" else -cents


def _cents(amount: float) -> int:
    return round(amount * CENTS)


def sums_by_status(lines: Sequence[Line]) -> dict[PayStatus, tuple[int, int, int]]:
    """Lines, amount and clawback of each status that occurs, [cents]."""
    sums: dict[PayStatus, tuple[int, int, int]] = {}
    for line in lines:
        count, amount, back = sums.get(line.status, (0, 0, 0))
        sums[line.status] = count + 1, amount + line.amount, back + line.clawback
    return dict(sorted(sums.items()))
