"""What a rule says of a site, in words."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from reverdure.core.codes import Suitability
from reverdure.core.kinds import choices
from reverdure.core.messages import message_table
from reverdure.plan.rule_answers import Answer
from reverdure.plan.site_rules import DERIVED, Rule, SiteRules, factors

_UNITS_ZH = {"degree": "度", "cm": "厘米", "m": "米", "mm": "毫米", "mm/a": "毫米/年",
             "km": "公里", "m/s": "米/秒", "m3/ha": "立方米/公顷"}  # fmt: skip


def factor_words(name: str, language: str) -> str:
    """A factor as people call it.

    Examples
    --------
    >>> factor_words("seed_source_m", "en"), factor_words("irrigation_m3_ha", "zh")
    ('seed source', '需灌溉水量')
    """
    if name in DERIVED:
        return message_table("plan")[f"fit.{name}"][language]
    column = factors()[name]
    if language == "zh":
        return column.zh
    # pH and names keep their letters
    return column.en[0].lower() + column.en[1:] if column.en[1:2].islower() else column.en


def value_words(name: str, value: Any, language: str) -> str:
    """A value of a factor with its unit, "yes", or one of its choices."""
    table = message_table("plan")
    if name not in DERIVED and factors()[name].choices:
        return str(choices(factors()[name].choices)[value][language])
    if name not in DERIVED and factors()[name].kind == "boolean":
        return table["fit.yes" if value else "fit.no"][language]
    unit = "m3/ha" if name in DERIVED else factors()[name].unit
    if unit in ("", "1"):
        return f"{value:.4g}"
    return f"{value:.4g} {unit}" if language == "en" else f"{value:.4g}{_UNITS_ZH[unit]}"


def reason(answer: Answer, at: int, language: str) -> str:
    """Factor, value, verdict and the limits of a rule for one mine."""
    table, rule = message_table("plan"), answer.rule
    seen = answer.sites.values[rule.factor][at]
    # None or NaN is not known
    known = seen is not None and seen == seen  # noqa: PLR0124
    value = value_words(rule.factor, seen, language) if known else table["fit.unknown"][language]
    verdict = Suitability.from_number(int(answer.verdict[at]))
    missing = [name for name, where in answer.missing.items() if where[at]]
    label = verdict.label(language)
    if missing:
        names = _joined([factor_words(one, language) for one in missing], language)
        label = table["fit.survey"][language].format(factors=names)
    is_number = known and factors()[rule.factor].kind == "number"
    return table["fit.reason" if is_number else "fit.reason_of"][language].format(
        factor=factor_words(rule.factor, language), value=value, verdict=label,
        limits=limits(answer.rule, language),
    )  # fmt: skip


@cache
def limits(rule: Rule, language: str) -> str:
    """Where a rule says ok and where on a condition."""
    table, parts = message_table("plan"), []
    for verdict in (Suitability.OK, Suitability.CONDITIONAL):
        said = [_case(one.bounds, language) for one in rule.cases if one.verdict is verdict]
        if said:
            words = table["fit.or"][language].join(said)
            parts.append(table[f"fit.{verdict.key}"][language].format(bounds=words))
    return ("; " if language == "en" else "；").join(parts)


def condition(answer: Answer, at: int, language: str) -> str:
    """The condition on which a rule lets a package through; "" for none."""
    if answer.verdict[at] != Suitability.CONDITIONAL:
        return ""
    # where the case itself is open, every case it can be gives the same verdict
    number = max(int(answer.case[at]), 0)
    case = next(one for one in answer.rule.cases[number:] if one.verdict is Suitability.CONDITIONAL)
    return case.zh if language == "zh" else case.en


def note_words(rules: SiteRules, commodity: str, measure: str, language: str) -> list[str]:
    """What the commodity of a mine brings with it for a measure, and whether rules name it."""
    table = message_table("plan")
    unnamed = [] if measure in rules.interventions else [table["fit.not_in_rules"][language]]
    if not commodity:
        return [table["fit.no_commodity"][language], *unnamed]
    meant = [note for note in rules.notes if note.is_of(commodity)]
    return [
        note.zh if language == "zh" else note.en
        for note in meant
        if not note.measures or measure in note.measures
    ] + unnamed


def _case(bounds: Mapping[str, Mapping[str, Any]], language: str) -> str:
    table, said = message_table("plan"), []
    if not bounds:
        return table["fit.otherwise"][language]
    for name, asked in bounds.items():
        for bound, limit in asked.items():
            shown = (
                _joined([value_words(name, one, language) for one in limit], language)
                if bound == "none_of"
                else value_words(name, limit, language)
            )
            said.append(
                table[f"fit.{bound}"][language].format(
                    factor=factor_words(name, language), limit=shown
                )
            )
    return table["fit.and"][language].join(said)


def _joined(words: list[str], language: str) -> str:
    return (", " if language == "en" else "、").join(words)
