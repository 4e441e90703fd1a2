"""Which mines to visit this month: risk in three named parts, and a draw nobody can steer.

**Size**: what is claimed on the mine, a / (a + half), so that it grows with every hectare
and never passes 1. **Doubt**: how far the likeliest of the three verdicts is from certain,
(1 - max p) / (1 - 1/3) (least confidence, Lewis & Gale 1994, SIGIR, 3-12), of the most
doubtful claim; 1 without a measured probability. **Record**: share of duties overdue,
rectifications open and claims not supported among all of who answers for the mine, drawn
to a prior share while little is known; of several parties the worst. Risk is their weighted
mean; weights, half and prior are assumptions of `data/inspection.toml`.
"""

import datetime
import math
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from reverdure.core.codes import Verdict
from reverdure.core.errors import InvalidInput, NoMines
from reverdure.core.provenance import digest
from reverdure.core.record_book import Book, is_open, is_overdue
from reverdure.core.units import ha_to_mu
from reverdure.registry.unequal_draw import draw

_DECIDED = {Verdict.SUPPORTED.key, Verdict.PARTLY_SUPPORTED.key, Verdict.NOT_SUPPORTED.key}
_ANSWERING = ("duty", "rectification", "permit")
Reason = tuple[str, Mapping[str, Any]]
"""Key of the words in `data/inspection.toml`, and what is filled into them."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim with what the last run says of it; probabilities are NaN where it says nothing."""

    claim_id: str
    mine_id: str
    claimed_ha: float
    claimant: str = ""
    verdict: str = ""
    p_supported: float = math.nan
    p_not_supported: float = math.nan


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a party on a day: failures, and how many could have failed.

    Attributes
    ----------
    duties, rectifications, claims : int
        Duties overdue, rectifications open or opened again, claims not supported.
    known : int
        Duties done or due, rectifications, and claims with a verdict.
    """

    duties: int = 0
    rectifications: int = 0
    claims: int = 0
    known: int = 0

    @property
    def failed(self) -> int:
        """All failures."""
        return self.duties + self.rectifications + self.claims

    @property
    def share(self) -> float:
        """Share of failures, drawn to the prior share while little is known.

        Examples
        --------
        >>> History().share, History(duties=3, known=4).share
        (0.25, 0.5)
        """
        failed, known = constant("prior_failed"), constant("prior_known")
        return (self.failed + failed) / (self.known + known)


@dataclass(frozen=True, slots=True)
class Risk:
    """Why a mine should be visited.

    Attributes
    ----------
    mine_id : str
    claimed_ha : float
        Sum of its claims; NaN where none states an area.
    size, doubt, record, risk : float
        Parts and their weighted mean, 0 to 1.
    parties : tuple of str
        Names of who answers for it.
    is_certain : bool
        Whether a rectification on it is overdue.
    why : tuple of Reason
    """

    mine_id: str
    claimed_ha: float
    size: float
    doubt: float
    record: float
    risk: float
    parties: tuple[str, ...]
    is_certain: bool
    why: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """A mine, its chance to be drawn, and its place on the list; 0 where it was not drawn."""

    risk: Risk
    probability: float
    rank: int


def constant(name: str) -> float:
    """Value of an entry of `data/inspection.toml`.

    Examples
    --------
    >>> constant("half_size_ha")
    3.4
    """
    return float(data()["constant"][name]["value"])


@cache
def data() -> Mapping[str, Any]:
    """`data/inspection.toml`: constants with source and status, words in two languages."""
    source = resources.files("reverdure.registry").joinpath("data/inspection.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def in_words(why: Sequence[Reason], language: str, unit: str = "ha") -> str:
    """Reasons in "en" or "zh", areas in "ha" or "mu".

    Examples
    --------
    >>> in_words((("size", {"claimed_ha": 2.0}), ("nobody", {})), "en", "mu")
    'claimed on it: 30.00 mu; nobody named who answers for it'
    """
    said = []
    for key, values in why:
        area = float(values.get("claimed_ha", math.nan))
        area = ha_to_mu(area) if unit == "mu" else area
        shown = f"{area:,.2f} {data()['unit'][unit][language]}" if math.isfinite(area) else "-"
        said.append(data()["words"][key][language].format(**values, area=shown))
    return ("；" if language == "zh" else "; ").join(said)


def risks(
    mine_ids: Iterable[str], claims: Iterable[Claimed], book: Book, day: datetime.date
) -> list[Risk]:
    """Risk of each mine on a day, by id.

    Parameters
    ----------
    mine_ids : iterable of str
    claims : iterable of Claimed
        Of all mines: those of other mines tell of the same claimant.
    book : Book
        Duties, rectifications, permits and parties.
    day : date
        What is open or overdue is so at the end of this day.

    Examples
    --------
    >>> one, other = risks(["M1", "M2"], [Claimed("C1", "M1", 3.4)], Book({}),
    ...                    datetime.date(2026, 5, 1))
    >>> one.size, one.doubt, one.record, one.risk
    (0.5, 1.0, 0.25, 0.5833333333333334)
    >>> other.size, other.doubt
    (0.0, 0.0)
    """
    by_mine: dict[str, list[Claimed]] = defaultdict(list)
    known = sorted(claims, key=lambda one: one.claim_id)
    for one in known:
        by_mine[one.mine_id].append(one)
    histories = _histories(known, book, day)
    answering = _answering(by_mine, book)
    late = Counter(
        one.values["mine_id"]
        for one in book.of("rectification").values()
        if is_overdue(one.values, day)
    )
    return [
        _risk(mine_id, by_mine[mine_id], answering[mine_id], histories, late[mine_id])
        for mine_id in sorted(mine_ids)
    ]


def monthly_list(
    found: Sequence[Risk], visits: int, month: str, seed: int, area: str = ""
) -> list[Visit]:
    """Draw the mines of a month with chances in proportion to risk.

    Parameters
    ----------
    found : sequence of Risk
    visits : int
        Mines that can be visited; all of them where there are no more.
    month : str
        "YYYY-MM".
    seed : int
        Of the workspace. With the month and the area it decides the draw alone.
    area : str
        County; "" for all.

    Returns
    -------
    list of Visit
        Every mine: the drawn ones first, certain visits before the others, by falling risk.

    Raises
    ------
    InvalidInput
        If the month is none or there are no visits.
    NoMines
        If there is no mine.
    """
    first_day(month)
    if visits < 1:
        raise InvalidInput(f"{visits} visits were asked for; write 1 or more.")
    if not found:
        raise NoMines("there is no mine to visit.", "Add some: reverdure add mines FILE -w W")
    drawn = draw(
        {one.mine_id: one.risk for one in found},
        visits,
        digest(["inspection", seed, month, area]),
        [one.mine_id for one in found if one.is_certain],
    )
    ordered = sorted(
        found,
        key=lambda one: (one.mine_id not in drawn.chosen, not one.is_certain, -one.risk,
                         one.mine_id),
    )  # fmt: skip
    return [
        Visit(one, drawn.probability[one.mine_id], place if one.mine_id in drawn.chosen else 0)
        for place, one in enumerate(ordered, 1)
    ]


def first_day(month: str) -> datetime.date:
    """First day of a month, on which it is asked what is overdue.

    Raises
    ------
    InvalidInput
        If it is not written YYYY-MM.

    Examples
    --------
    >>> first_day("2026-05")
    datetime.date(2026, 5, 1)
    """
    try:
        day = datetime.date.fromisoformat(f"{month}-01")
    except ValueError:
        day = None
    # one month has one spelling, or it would have several draws
    if day is None or day.isoformat()[:7] != month:
        raise InvalidInput(f"{month!r} is no month; write it as 2026-05.")
    return day


def _risk(
    mine_id: str,
    claims: Sequence[Claimed],
    answering: Mapping[str, str],
    histories: Mapping[str, History],
    late: int,
) -> Risk:
    areas = [one.claimed_ha for one in claims if math.isfinite(one.claimed_ha)]
    claimed = sum(areas) if areas else math.nan
    size = sum(areas) / (sum(areas) + constant("half_size_ha"))
    doubt = max((_doubt(one) for one in claims), default=0.0)
    known = {one: histories.get(one, History()) for one in answering}
    worst = max(known, key=lambda one: (known[one].share, one), default="")
    history = known.get(worst, History())
    parts = {"size": size, "doubt": doubt, "record": history.share}
    weights = {name: constant(f"weight_{name}") for name in parts}
    risk = sum(weights[name] * part for name, part in parts.items()) / sum(weights.values())
    why = [*_why_of_claims(claims, claimed), _why_of_record(answering.get(worst, ""), history)]
    if late:
        why.insert(0, ("overdue_rectification", {"count": late}))
    parties = tuple(answering[one] for one in sorted(answering))
    return Risk(mine_id, claimed, size, doubt, history.share, risk, parties, late > 0, tuple(why))


def _answering(by_mine: Mapping[str, Sequence[Claimed]], book: Book) -> dict[str, dict[str, str]]:
    """Who answers for each mine: key and name of parties, and of claimants who are none."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    parties = _parties(book)
    for mine_id, claims in by_mine.items():
        for one in claims:
            if one.claimant:
                key = parties.get(one.claimant, one.claimant)
                found[mine_id][key] = book.value("party", key, "name") or key
    for kind in _ANSWERING:
        for record in book.of(kind).values():
            key = record.values["party_id"]
            found[record.values["mine_id"]][key] = book.value("party", key, "name") or key
    return found


def _parties(book: Book) -> dict[str, str]:
    """Id of the party that a claimant names, by its name or id."""
    known = book.of("party")
    return {one.values["name"]: key for key, one in known.items()} | {key: key for key in known}


def _histories(claims: Iterable[Claimed], book: Book, day: datetime.date) -> dict[str, History]:
    """What is known of each party and claimant."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    parties = _parties(book)
    for one in book.of("duty").values():
        values, count = one.values, counts[one.values["party_id"]]
        count["duties"] += is_overdue(values, day)
        count["known"] += values["due_date"] < day.isoformat() or not is_open(values, day)
    for one in book.of("rectification").values():
        if one.values["found_date"] <= day.isoformat():
            count = counts[one.values["party_id"]]
            again = one.values.get("reopened_date", "9999")
            count["rectifications"] += is_open(one.values, day) or again <= day.isoformat()
            count["known"] += 1
    for claim in claims:
        if claim.claimant and claim.verdict in _DECIDED:
            count = counts[parties.get(claim.claimant, claim.claimant)]
            count["claims"] += claim.verdict == Verdict.NOT_SUPPORTED.key
            count["known"] += 1
    return {key: History(**count) for key, count in counts.items()}


def _doubt(one: Claimed) -> float:
    """How far the likeliest verdict is from certain, 0 to 1; 1 without probabilities.

    Examples
    --------
    >>> _doubt(Claimed("C", "M", 1.0)), _doubt(Claimed("C", "M", 1.0, "", "", 1.0, 0.0))
    (1.0, 0.0)
    """
    return 1.0 if math.isnan(one.p_supported) else 1.5 * (1.0 - _likeliest(one))


def _likeliest(one: Claimed) -> float:
    partly = 1.0 - one.p_supported - one.p_not_supported
    return min(max(one.p_supported, one.p_not_supported, partly), 1.0)


def _why_of_claims(claims: Sequence[Claimed], claimed: float) -> list[Reason]:
    if not claims:
        return [("no_claim", {})]
    why: list[Reason] = [("size", {"claimed_ha": claimed})]
    unmeasured = sum(math.isnan(one.p_supported) for one in claims)
    if unmeasured:
        why.append(("no_verdict", {"count": unmeasured}))
    else:
        why.append(("doubt", {"share": f"{min(map(_likeliest, claims)):.2f}"}))
    return why


def _why_of_record(who: str, history: History) -> Reason:
    if not who:
        return "nobody", {}
    if not history.known:
        return "new", {"who": who}
    counts = {
        "failed": history.failed, "known": history.known, "duties": history.duties,
        "rectifications": history.rectifications, "claims": history.claims,
    }  # fmt: skip
    return "record", {"who": who} | counts
