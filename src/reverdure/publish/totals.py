"""Totals as the first page shows them: groups of verdicts, bars, one line a county."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from reverdure.core.codes import Verdict
from reverdure.core.fields import TOTALS
from reverdure.publish import figures
from reverdure.publish.messages import LANGUAGES, both, pair, text

# Groups of the totals and the verdict whose sign stands for each.
_GROUPS = {
    "supported": Verdict.SUPPORTED,
    "partly_supported": Verdict.PARTLY_SUPPORTED,
    "not_supported": Verdict.NOT_SUPPORTED,
    "undecided": Verdict.UNDECIDED,
    "not_judged": Verdict.NO_DATA,
}


@dataclass(frozen=True, slots=True)
class Group:
    """One group of verdicts among all claims."""

    sign: str
    label: Markup
    claims: str
    claims_share: str
    area: Markup
    area_share: str


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a stacked bar."""

    colour: str
    percent: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A stacked bar with its title."""

    title: Markup
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Claimed area against measured area with its interval, in per cent of the longer."""

    claimed: float
    restored: float
    low: float
    width: float
    claimed_text: Markup
    restored_text: Markup
    interval_text: Markup


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole programme in words, bars and figures."""

    claims: int
    claims_text: str
    supported_text: str
    open_text: str
    most_text: str
    area_sentence: Markup
    bars: tuple[Bar, ...]
    groups: tuple[Group, ...]
    span: Span | None


@dataclass(frozen=True, slots=True)
class CountyLine:
    """One county in figures."""

    name: Markup
    is_whole: bool
    mines: str
    claims: str
    groups: tuple[str, ...]
    claimed: Markup
    restored: Markup
    interval: Markup


def summary(whole: Mapping[str, Any] | None) -> Summary:
    """Summary of the row of TOTALS that stands for everything; empty without one.

    The claims that have no answer yet are given as a range of the count: all of them
    refuted, or all of them supported.
    """
    row: Mapping[str, Any] = whole or dict.fromkeys(TOTALS.columns)
    claims = int(row["claims"] or 0)
    supported = int(row["supported_claims"] or 0)
    undecided = sum(int(row[f"{group}_claims"] or 0) for group in ("undecided", "not_judged"))
    return Summary(
        claims,
        figures.decimal(claims, 0),
        figures.decimal(supported, 0),
        figures.decimal(undecided, 0),
        figures.decimal(supported + undecided, 0),
        _area_sentence(row),
        (
            _bar(row, "claims", "totals.by_count"),
            _bar(row, "claimed_ha", "totals.by_area"),
        ),
        tuple(_group(row, name, code) for name, code in _GROUPS.items()),
        _span(row),
    )


def _area_sentence(row: Mapping[str, Any]) -> Markup:
    names = {"claimed": "claimed_ha", "restored": "restored_ha",
             "low": "restored_ha_low", "high": "restored_ha_high"}  # fmt: skip
    if any(row[name] is None for name in names.values()):
        return Markup()
    return pair(
        *(
            text(
                "totals.restored",
                language,
                {key: figures.area_with_unit(row[name], language) for key, name in names.items()},
            )
            for language in LANGUAGES
        )
    )


def _bar(row: Mapping[str, Any], what: str, title: str) -> Bar:
    values = [(code.colour, float(row[f"{name}_{what}"] or 0)) for name, code in _GROUPS.items()]
    whole = sum(value for _, value in values) or 1.0
    return Bar(both(title), tuple(Part(colour, 100 * value / whole) for colour, value in values))


def _group(row: Mapping[str, Any], name: str, code: Verdict) -> Group:
    count, area_ha = row[f"{name}_claims"], row[f"{name}_claimed_ha"]
    return Group(
        code.key,
        group_label(name),
        figures.decimal(count, 0),
        figures.per_cent(count, row["claims"]),
        figures.area(area_ha, 1),
        figures.per_cent(area_ha, row["claimed_ha"]),
    )


def group_label(name: str) -> Markup:
    """Label of a group, as the heading of its column says it without the unit."""
    field = next(field for field in TOTALS if field.name == f"{name}_claims")
    return pair(field.en.partition(" (")[0], field.zh.partition("(")[0])


def _span(row: Mapping[str, Any]) -> Span | None:
    names = ("claimed_ha", "restored_ha", "restored_ha_low", "restored_ha_high")
    if any(row[name] is None for name in names):
        return None
    claimed, restored, low, high = (float(row[name]) for name in names)
    longest = max(claimed, restored, high) or 1.0
    return Span(
        round(100 * claimed / longest, 2),
        round(100 * restored / longest, 2),
        round(100 * low / longest, 2),
        round(100 * (high - low) / longest, 2),
        figures.area(claimed, 1),
        figures.area(restored, 1),
        figures.area_range(low, high, 1),
    )


def county_lines(totals: Sequence[Mapping[str, Any]]) -> list[CountyLine]:
    """One line a county by name, the unknown one after them, the whole at the end."""
    order = {"unknown": 1, "": 2}
    return [
        _county_line(row)
        for row in sorted(totals, key=lambda row: (order.get(row["county"], 0), row["county"]))
    ]


def county_name(county: str | None) -> Markup:
    """Name of a county, the whole and the unknown one in words."""
    if county is None or county == "unknown":
        return both("counties.unknown")
    return pair(county, county) if county else both("counties.whole")


def _county_line(row: Mapping[str, Any]) -> CountyLine:
    county = row["county"]
    return CountyLine(
        county_name(county),
        county == "",
        figures.decimal(row["mines"], 0),
        figures.decimal(row["claims"], 0),
        tuple(figures.decimal(row[f"{name}_claims"], 0) for name in _GROUPS),
        figures.area(row["claimed_ha"], 1),
        figures.area(row["restored_ha"], 1),
        figures.area_range(row["restored_ha_low"], row["restored_ha_high"], 1),
    )
