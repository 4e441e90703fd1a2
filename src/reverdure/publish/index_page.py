"""The first page of a report: totals, counties, map, claims, sources."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from reverdure.core.codes import DisputeStatus, Reason, Verdict
from reverdure.core.fields import TOTALS, VERDICTS
from reverdure.core.records import ImportReport
from reverdure.publish import figures
from reverdure.publish.contents import ReportData, rows
from reverdure.publish.correction_words import dispute_mark, dispute_of
from reverdure.publish.files import write_page
from reverdure.publish.maps import mine_map
from reverdure.publish.messages import LANGUAGES, both, pair, text
from reverdure.publish.natural import natural_facts
from reverdure.publish.pages import fill, heading
from reverdure.publish.signs import SIGN_OF, SIGNS
from reverdure.publish.totals import county_lines, county_name, summary
from reverdure.publish.wording import label

FIELD_PAGE = "field.html"
_NO_FIELD = Markup("<!-- no field verification yet -->")
STATIC_CLAIMS = 200  # rows that stand in the page itself; the script holds all of them
_SHOWN_FINDINGS = 200
_TABLE_KINDS = {"xlsx": "Excel", "csv": "CSV", "gpkg": "GeoPackage", "parquet": "GeoParquet"}
# the signs an auditor looks for are drawn last, on top of the others
_DRAWING_ORDER = ("", *(code.key for code in (
    Verdict.NO_DATA, Verdict.CANNOT_BE_SEEN, Verdict.NO_REFERENCE, Verdict.TOO_EARLY,
    Verdict.SUPPORTED, Verdict.UNDECIDED, Verdict.PARTLY_SUPPORTED, Verdict.NOT_SUPPORTED,
)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table of claims."""

    name: str
    label: Markup
    has_unit: bool


def index_page(
    data: ReportData,
    names: Mapping[str, str],
    tables: Sequence[Path],
    claim_names: Mapping[str, str] | None = None,
    *,
    has_field: bool = False,
) -> str:
    """The index as HTML.

    Parameters
    ----------
    data : ReportData
    names : mapping
        Mine id to the file name of its page.
    tables : sequence of Path
        Exported tables, relative to the report's folder.
    claim_names : mapping, optional
        Claim id to the file name of its page; default: claims have no pages.
    has_field : bool, default False
        Whether the page of a field verification, `FIELD_PAGE`, lies beside it.
    """
    claim_names = claim_names or {}
    mine_names = dict(zip(data.mines["mine_id"], data.mines["name"].fillna(""), strict=True))
    claims = rows(data.verdicts.sort_values("claim_id"))
    totals = rows(data.totals)
    facts: dict[str, Any] = {
        "field": {field.name: heading(field) for field in TOTALS},
        "totals": summary(next((row for row in totals if row["county"] == ""), None)),
        "counties": county_lines(totals),
        "county_note": pair(
            *(text("counties.note", language, {"unit": _unit(language)}) for language in LANGUAGES)
        ),
        "columns": _columns(),
        "claims": [
            _claim_line(row, mine_names, names, claim_names) for row in claims[:STATIC_CLAIMS]
        ],
        "claims_left_out": len(claims) > STATIC_CLAIMS,
        "claims_total": len(claims),
        "natural": natural_facts(data, mine_names, names),
        "field_line": _field_line() if has_field else _NO_FIELD,
        "imports": [_import(report) for report in data.imports],
        "tables": _tables(tables),
        "data": _script_data(claims, mine_names, names, claim_names),
    }
    return fill("index.html.j2", data, facts | _map_facts(data, claims, mine_names, names))


def link_field_page(folder: Path) -> None:
    """Let an index that was written before the page of the field verification link to it.

    Parameters
    ----------
    folder : Path
        Folder of the report; without an index nothing is done.

    Raises
    ------
    DiskFull
        If no space is left; the index stays whole.
    """
    index = folder / "index.html"
    if index.is_file():
        page = index.read_text(encoding="utf-8")
        if _NO_FIELD in page:
            write_page(index, page.replace(_NO_FIELD, _field_line(), 1))


def _field_line() -> Markup:
    link = Markup('<p id="field"><a href="{}">{}</a></p>')
    return link.format(FIELD_PAGE, both("field.result.title"))


def _unit(language: str) -> Markup:
    return Markup('<span class="ha">{}</span><span class="mu">{}</span>').format(
        text("unit.ha", language), text("unit.mu", language)
    )


def _columns() -> list[_Column]:
    fields = {field.name: heading(field) for field in VERDICTS}
    return [
        _Column("mine", both("claims.name"), False),
        _Column("county", fields["county"], False),
        _Column("year", both("claims.year"), False),
        _Column("claimed", both("claims.claimed"), True),
        _Column("restored", both("claims.restored"), True),
        _Column("interval", both("claims.interval"), True),
        _Column("verdict", fields["verdict"], False),
        _Column("reason", fields["reason"], False),
    ]


def _claim_line(
    row: Mapping[str, Any],
    mine_names: Mapping[str, str],
    names: Mapping[str, str],
    claim_names: Mapping[str, str],
) -> dict[str, Any]:
    mine_id, claim_id = row["mine_id"], row["claim_id"]
    return {
        "href": _href(names, mine_id),
        "claim_href": "claims/" + quote(claim_names[claim_id]) if claim_id in claim_names else "",
        "mine": mine_names.get(mine_id) or mine_id,
        "claim_id": row["claim_id"],
        "county": county_name(row["county"] or None),
        "year": figures.year(row["year"]),
        "claimed": figures.area(row["claimed_ha"]),
        "restored": figures.area(row["restored_ha"]),
        "interval": ""
        if row["restored_ha_low"] is None
        else figures.area_range(row["restored_ha_low"], row["restored_ha_high"]),
        "sign": SIGN_OF[row["verdict"]],
        "dispute": dispute_mark(row["flags"]),
        "reason": pair(*(label(Reason, row["reason"], language) for language in LANGUAGES)),
    }


def _href(names: Mapping[str, str], mine_id: str) -> str:
    """Address of a mine's page; "" for a mine that is not in the list."""
    return "mines/" + quote(names[mine_id]) if mine_id in names else ""


def _map_facts(
    data: ReportData,
    claims: Sequence[Mapping[str, Any]],
    mine_names: Mapping[str, str],
    names: Mapping[str, str],
) -> dict[str, Any]:
    verdict_of = _verdict_of_largest(claims)
    drawn = mine_map(data.mines, verdict_of, data.counties)
    if drawn is None:
        return {"map": None, "unmapped": len(data.mines)}
    counts = Counter({key: len(marks) for key, marks in drawn.marks.items()})
    layers = [
        {
            "key": key,
            "marks": [
                {
                    "href": _href(names, mark.mine_id),
                    "x": mark.x,
                    "y": mark.y,
                    "title": mine_names.get(mark.mine_id) or mark.mine_id,
                }
                for mark in drawn.marks.get(key, ())
            ],
        }
        for key in _DRAWING_ORDER
    ]
    legend = [
        {"key": sign.key, "label": pair(sign.en, sign.zh), "count": counts[sign.key]}
        for sign in SIGNS
    ]
    if counts[""]:
        legend.append({"key": "", "label": both("map.unclaimed"), "count": counts[""]})
    return {
        "map": drawn,
        "layers": layers,
        "legend": legend,
        "unmapped": len(data.mines) - counts.total(),
    }


def _verdict_of_largest(claims: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Verdict on each mine's largest claim; of equal ones, the first id."""
    largest: dict[str, tuple[float, str]] = {}
    for row in claims:
        size = row["claimed_ha"] or 0.0
        if row["mine_id"] not in largest or size > largest[row["mine_id"]][0]:
            largest[row["mine_id"]] = (size, row["verdict"])
    return {mine_id: verdict for mine_id, (_, verdict) in largest.items()}


def _import(report: ImportReport) -> dict[str, Any]:
    return {
        "source": report.source,
        "line": pair(report.line("en"), report.line("zh")),
        "count": len(report.findings),
        "findings": [
            {
                "row": finding.row,
                "id": finding.id,
                "action": finding.action,
                "message": pair(finding.message, finding.message_zh or finding.message),
            }
            for finding in report.findings[:_SHOWN_FINDINGS]
        ],
    }


def _tables(tables: Sequence[Path]) -> list[dict[str, Any]]:
    found = []
    for name in ("verdicts", "mines", "natural_recovery"):
        links = [
            {"href": quote(path.as_posix()), "label": title}
            for kind, title in _TABLE_KINDS.items()
            for path in tables
            if path.name == f"{name}.{kind}"
        ]
        if links:
            found.append({"name": name, "links": links})
    return found


def _script_data(
    claims: Sequence[Mapping[str, Any]],
    mine_names: Mapping[str, str],
    names: Mapping[str, str],
    claim_names: Mapping[str, str],
) -> Markup:
    """All claims for the script, as JSON that cannot end its own element."""
    counties = sorted({row["county"] or "unknown" for row in claims})
    place = {county: number for number, county in enumerate(counties)}
    reasons, verdicts = list(Reason), list(Verdict)
    content = {
        "counties": [_two("counties.unknown") if c == "unknown" else [c, c] for c in counties],
        "verdicts": [[code.key, code.en, code.zh] for code in verdicts],
        "reasons": [[code.en, code.zh] for code in reasons],
        "disputes": {int(code): [code.en, code.zh] for code in DisputeStatus},
        "claimed": _two("claims.claimed"),
        "restored": _two("claims.restored"),
        "anyVerdict": _two("claims.any_verdict"),
        "anyCounty": _two("claims.any_county"),
        "search": _two("claims.search"),
        "rows": [
            [
                row["claim_id"],
                row["mine_id"],
                mine_names.get(row["mine_id"], ""),
                place[row["county"] or "unknown"],
                row["year"],
                *(_rounded(row[name]) for name in _AREAS),
                verdicts.index(Verdict.from_key(row["verdict"])),
                reasons.index(Reason.from_key(row["reason"])),
                _page_if_other(names, row["mine_id"]),
                _page_if_other(claim_names, row["claim_id"]),
                *_dispute(row["flags"]),
            ]
            for row in claims
        ],
    }
    dumped = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        dumped = dumped.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(dumped)  # noqa: S704 - every sign that HTML knows is written as an escape


_AREAS = ("claimed_ha", "restored_ha", "restored_ha_low", "restored_ha_high")


def _dispute(flags: str | None) -> list[int]:
    """Number of a dispute's state; nothing without one, which keeps the data small."""
    status = dispute_of(flags)
    return [] if status is None else [int(status)]


def _two(key: str) -> list[str]:
    return [str(text(key, language)) for language in LANGUAGES]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _page_if_other(names: Mapping[str, str], id_: str) -> str | int | None:
    """Name of the page; 0 where it is simply the id, which keeps the data small."""
    name = names.get(id_)
    return 0 if name == f"{id_}.html" else name
