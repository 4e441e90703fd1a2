"""Numbers as people read them: areas in two units, shares, years, gaps."""

import math

from markupsafe import Markup, escape

from reverdure.core.units import ha_to_mu
from reverdure.publish.messages import text

GAP = "–"  # what stands where there is no number


def decimal(value: float | None, digits: int) -> str:
    """A number with thousands separated and a true minus sign.

    Examples
    --------
    >>> decimal(10253, 0), decimal(-0.25, 2), decimal(None, 1)
    ('10,253', '−0.25', '–')
    """
    if value is None or math.isnan(value):
        return GAP
    # rounding first keeps -0.001 from being shown as minus nothing
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")


def year(value: float | None) -> str:
    """A year, without separator."""
    return GAP if value is None else str(int(value))


def per_cent(part: float | None, whole: float | None) -> str:
    """A share of a whole in per cent.

    Examples
    --------
    >>> per_cent(1, 8), per_cent(1, 0)
    ('12%', '–')
    """
    return GAP if part is None or not whole else f"{100 * part / whole:.0f}%"


def area(value_ha: float | None, digits: int = 2) -> Markup:
    """An area without unit in both units; the column heading names the unit shown."""
    if value_ha is None:
        return escape(GAP)
    return _either(decimal(value_ha, digits), decimal(ha_to_mu(value_ha), max(digits - 1, 0)))


def area_range(low_ha: float | None, high_ha: float | None, digits: int = 2) -> Markup:
    """An interval of areas without unit in both units."""
    if low_ha is None or high_ha is None:
        return escape(GAP)
    ends = [
        (decimal(bound, digits), decimal(ha_to_mu(bound), max(digits - 1, 0)))
        for bound in (low_ha, high_ha)
    ]
    return _either(f"{ends[0][0]}–{ends[1][0]}", f"{ends[0][1]}–{ends[1][1]}")


def area_with_unit(value_ha: float, language: str) -> Markup:
    """An area inside a sentence of one language, with its unit, in both units."""
    digits = 2 if value_ha < 100 else 1 if value_ha < 1000 else 0
    gap = "" if language == "zh" else "\N{NO-BREAK SPACE}"
    return _either(
        f"{decimal(value_ha, digits)}{gap}{text('unit.ha', language)}",
        f"{decimal(ha_to_mu(value_ha), max(digits - 1, 0))}{gap}{text('unit.mu', language)}",
    )


def _either(ha: str, mu: str) -> Markup:
    return Markup('<span class="ha">{}</span><span class="mu">{}</span>').format(ha, mu)
