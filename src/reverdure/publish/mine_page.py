"""The page of one mine: verdicts in words, pictures, trajectories, figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from reverdure.core.fields import MINES, TRAJECTORIES, VERDICTS, Field
from reverdure.core.records import Finding, Picture
from reverdure.publish.charts import Chart, Event, chart, yearly_series
from reverdure.publish.contents import ReportData
from reverdure.publish.correction_words import corrections_said, dispute_mark
from reverdure.publish.figures import decimal
from reverdure.publish.figures import year as year_text
from reverdure.publish.messages import LANGUAGES, both, messages, pair
from reverdure.publish.natural import natural_sentences
from reverdure.publish.pages import Particular, fill, heading, particular
from reverdure.publish.pictures import plates
from reverdure.publish.signs import SIGN_OF
from reverdure.publish.totals import county_name
from reverdure.publish.wording import CODES, further, label, sentences

Row = Mapping[str, Any]

MOST_BYTES = 150_000
_YEARLY = tuple(f for f in TRAJECTORIES if f.name not in ("mine_id", "index", "run_id"))


@dataclass(frozen=True, slots=True)
class _Room:
    """How much a page shows; a mine with very much to show gets less of each."""

    claims: int
    indices: int
    has_yearly_tables: bool
    pictures_bytes: int


_ROOMS = (
    _Room(12, 4, has_yearly_tables=True, pictures_bytes=80_000),
    _Room(6, 3, has_yearly_tables=True, pictures_bytes=40_000),
    _Room(6, 2, has_yearly_tables=False, pictures_bytes=30_000),
    _Room(2, 1, has_yearly_tables=False, pictures_bytes=20_000),
)


@dataclass(frozen=True, slots=True)
class MineFacts:
    """All rows about one mine.

    Attributes
    ----------
    mine : mapping
        Row of MINES.
    claims : sequence of (claim, verdict)
        Rows of CLAIMS and VERDICTS, in order of the claim's id.
    yearly : sequence of mapping
        Rows of TRAJECTORIES.
    findings : sequence of Finding
        What the import saw in this mine and its claims.
    natural : sequence of mapping
        Rows of NATURAL_RECOVERY.
    """

    mine: Row
    claims: Sequence[tuple[Row, Row]]
    yearly: Sequence[Row]
    findings: Sequence[Finding]
    natural: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class _Trajectory:
    """One index of the mine, drawn for a wide and for a narrow page."""

    index: str
    label: Markup
    charts: tuple[Chart, Chart]
    rows: list[list[str]]


def mine_page(data: ReportData, facts: MineFacts, claim_names: Mapping[str, str]) -> str:
    """The page of one mine as HTML, at most 150 kB: what does not fit stands in the tables.

    Parameters
    ----------
    data : ReportData
    facts : MineFacts
    claim_names : mapping
        Claim id to the file name of its page.
    """
    pictures = data.pictures(facts.mine["mine_id"])
    for room in _ROOMS:
        page = _page(data, facts, pictures, room, claim_names)
        if len(page.encode("utf-8", "replace")) <= MOST_BYTES:
            break
    return page


def _page(
    data: ReportData,
    facts: MineFacts,
    pictures: Sequence[Picture],
    room: _Room,
    claim_names: Mapping[str, str],
) -> str:
    mine = facts.mine
    shown = facts.claims[: room.claims]
    values: dict[str, Any] = {
        "mine_id": mine["mine_id"],
        "heading": mine["name"] or mine["mine_id"],
        "byline": _byline(mine, facts.claims),
        "claims": [_claim(claim, verdict, claim_names) for claim, verdict in shown],
        "natural": natural_sentences(facts.natural[: room.claims]),
        "more_claims": len(facts.claims) - len(shown),
        "plates": plates(pictures, room.pictures_bytes),
        "trajectories": _trajectories(facts)[: room.indices],
        "has_yearly_tables": room.has_yearly_tables,
        "yearly_fields": [heading(field) for field in _YEARLY],
        "facts": [coded(field, mine[field.name]) for field in MINES if field.kind != "geometry"],
        "corrections": corrections_said(data.corrections(mine["mine_id"])),
        "findings": [pair(f.message, f.message_zh or f.message) for f in facts.findings[:20]],
    }
    return fill("mine.html.j2", data, values)


def _byline(mine: Row, claims: Sequence[tuple[Row, Row]]) -> list[Markup]:
    """County and commodity where they are known."""
    counties = [mine["county"], *(verdict["county"] for _, verdict in claims)]
    county = next((name for name in counties if name and name != "unknown"), None)
    return [pair(fact, fact) for fact in (county, mine["commodity"]) if fact]


def _claim(claim: Row, verdict: Row, claim_names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "href": "../claims/" + quote(claim_names[verdict["claim_id"]]),
        "claim_id": verdict["claim_id"],
        "sign": SIGN_OF[verdict["verdict"]],
        "dispute": dispute_mark(verdict["flags"]),
        "words": sentences(claim, verdict),
        "further": Markup("; ").join(further(verdict["flags"])),
        "numbers": [coded(field, verdict[field.name]) for field in VERDICTS],
    }


def coded(field: Field, value: object) -> Particular:
    """A value under its heading; a code as its label."""
    if field.name == "county" and value == "unknown":
        return Particular(heading(field), county_name("unknown"), has_unit=False)
    codes = CODES.get(field.name)
    if codes is None or not isinstance(value, str) or not value:
        return particular(field, value)
    words = pair(*(label(codes, value, language) for language in LANGUAGES))
    return Particular(heading(field), words, has_unit=False)


def _trajectories(facts: MineFacts) -> list[_Trajectory]:
    indices = list(dict.fromkeys(row["index"] for row in facts.yearly))
    events = claim_events(facts.claims)
    return [
        _trajectory(index, [row for row in facts.yearly if row["index"] == index], events)
        for index in indices
    ]


def _trajectory(index: str, yearly: Sequence[Row], events: Sequence[Event]) -> _Trajectory:
    ordered = sorted(yearly, key=lambda row: int(row["year"]))
    series = yearly_series(ordered)
    key = f"index.{index}"
    return _Trajectory(
        index.upper(),
        both(key) if key in messages() else pair(index.upper(), index.upper()),
        (chart(series, events, 900.0, 260.0), chart(series, events, 340.0, 220.0)),
        [_yearly_line(row) for row in ordered],
    )


def _yearly_line(row: Row) -> list[str]:
    """Year and values as digits; a page holds hundreds of them, so nothing else is done."""
    values = (row[field.name] for field in _YEARLY if field.name != "year")
    return [year_text(row["year"]), *(decimal(value, 3) for value in values)]


def claim_events(claims: Sequence[tuple[Row, Row]]) -> list[Event]:
    """Damage, claimed work and recovery, at most six so that the lanes stay few."""
    found: list[Event] = []
    for claim, verdict in claims:
        if verdict["damage_year"] is not None:
            year = int(verdict["damage_year"])
            found.append(Event(year, year, "damage"))
        if verdict["year"] is not None:
            last = int(verdict["year"])
            start = claim.get("start_year")
            found.append(Event(last if start is None else int(start), last, "work"))
        if verdict["recovered_year"] is not None:
            year = int(verdict["recovered_year"])
            found.append(Event(year, year, "recovered"))
    return list(dict.fromkeys(found))[:6]
