"""A verdict in words: what was claimed, what was found, why it is so."""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from reverdure.core import codes as core_codes
from reverdure.core.codes import (
    Aim,
    ClaimStatus,
    Code,
    DisputeStatus,
    MiningMethod,
    Reason,
    Verdict,
)
from reverdure.core.fields import Field
from reverdure.publish.figures import area_with_unit, per_cent
from reverdure.publish.figures import year as year_text
from reverdure.publish.messages import LANGUAGES, pair, text

# Columns that hold the key of a code, and its codes.
CODES: Mapping[str, type[Code]] = MappingProxyType(
    {
        "aim": Aim,
        "verdict": Verdict,
        "reason": Reason,
        "status": ClaimStatus,
        "mining_method": MiningMethod,
    }
)

UNITS_ZH = {"ha": "公顷", "mu": "亩", "deg": "度", "currency": "币种见“币种”列"}
_DISPUTES = {status.key for status in DisputeStatus}


def label(codes: type[Code], key: str | None, language: str) -> str:
    """Label of a code in a table; a key that is none of ours is shown as it is.

    Examples
    --------
    >>> label(Aim, "grass", "zh"), label(Aim, "slipped", "en")
    ('草地', 'slipped')
    """
    known = {code.key: code for code in codes}
    return known[key].label(language) if key in known else key or ""


def codes_of(field: Field) -> type[Code] | None:
    """Codes whose keys a column holds, as its specification says; None where it holds none.

    Examples
    --------
    >>> codes_of(Field("status", "text", "Status", "状态", "Key of RseiStatus.")).__name__
    'RseiStatus'
    """
    stated = re.search(r"\bKey of (\w+)", field.about)
    if stated is None:
        return CODES.get(field.name)
    found: type[Code] | None = getattr(core_codes, stated[1], None)
    return found


def column_heading(field: Field, language: str) -> str:
    """Heading of a column in one language, with its unit where it does not say it.

    Examples
    --------
    >>> column_heading(Field("a_ha", "number", "Area", "面积", "", "ha"), "zh")
    '面积 (公顷)'
    """
    name, unit = field.en, field.unit
    if language == "zh":
        name, unit = field.zh, UNITS_ZH.get(unit, unit)
    return f"{name} ({unit})" if unit and unit not in name else name


def sentences(claim: Mapping[str, Any], verdict: Mapping[str, Any]) -> Markup:
    """What was claimed, what was measured and why, in both languages.

    Parameters
    ----------
    claim, verdict : mapping
        A row of CLAIMS and of VERDICTS, None where a value is missing.

    Returns
    -------
    Markup
        Three sentences: the claim; the finding with its number and interval, or that
        there is none; the reason.
    """
    return pair(*(_sentences(claim, verdict, language) for language in LANGUAGES))


def _sentences(claim: Mapping[str, Any], verdict: Mapping[str, Any], language: str) -> Markup:
    claimed = verdict["claimed_ha"]
    words: dict[str, object] = {
        "claimed": _area(claimed, language),
        "year": year_text(verdict["year"]),
        "aim": label(Aim, verdict["aim"], language),
        "claimant": claim.get("claimant") or "",
        "restored": _area(verdict["restored_ha"], language),
        "low": _area(verdict["restored_ha_low"], language),
        "high": _area(verdict["restored_ha_high"], language),
        "share": per_cent(verdict["restored_ha"], claimed),
    }
    bounds = [verdict[f"restored_ha{end}"] for end in ("", "_low", "_high")]
    finding = "measured" if all(_is_number(bound) for bound in bounds) else "unmeasured"
    keys = (
        "claim.by" if words["claimant"] else "claim.anonymous",
        f"verdict.{verdict['verdict']}.{finding}",
        f"reason.{verdict['reason']}",
    )
    joint = Markup(" ") if language == "en" else Markup("")
    return joint.join(text(key, language, words) for key in keys)


def _area(value_ha: float | None, language: str) -> Markup:
    if value_ha is None or not _is_number(value_ha):
        return text("area.unknown", language)
    return area_with_unit(value_ha, language)


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def further(flags: str | None) -> list[Markup]:
    """Further reasons of a verdict as labels in both languages."""
    keys = [key for key in (flags or "").split(";") if key]
    named = [(DisputeStatus if key in _DISPUTES else Reason, key) for key in keys]
    return [pair(label(codes, key, "en"), label(codes, key, "zh")) for codes, key in named]
