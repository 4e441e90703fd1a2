"""The page templates, filled from the same words, signs and labels everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reverdure.core.fields import Field
from reverdure.publish import figures
from reverdure.publish.messages import both, pair, text
from reverdure.publish.signs import SIGNS


def _words(key: str, values: Mapping[str, object] | None = None) -> Markup:
    """Both languages at once, where a page can hold no markup: titles and labels."""
    return Markup(" / ").join((text(key, "en", values), text(key, "zh", values)))


def _both_tspan(key: str, values: Mapping[str, object] | None = None) -> Markup:
    """Both languages inside a drawing."""
    return Markup('<tspan class="en">{}</tspan><tspan class="zh">{}</tspan>').format(
        text(key, "en", values), text(key, "zh", values)
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reverdure.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {
        "both": both,
        "both_tspan": _both_tspan,
        "pair": pair,
        "words": _words,
        "signs": SIGNS,
    }
    return environment


class OfRun(Protocol):
    """What the foot of every page says."""

    @property
    def run_id(self) -> str:
        """Run whose figures these are."""

    @property
    def years(self) -> tuple[int, int]:
        """First and last year of the imagery."""


def fill(template: str, data: OfRun, facts: Mapping[str, Any]) -> str:
    """One page as HTML; everything that is not markup of ours is escaped."""
    first, last = data.years
    common = {"run_id": data.run_id, "first_year": first, "last_year": last}
    return draw(template, {**common, **facts})


def draw(template: str, facts: Mapping[str, Any]) -> str:
    """A template filled with facts; everything that is not markup of ours is escaped."""
    return _environment().get_template(template).render({"version": version("reverdure"), **facts})


@dataclass(frozen=True, slots=True)
class Particular:
    """One line of a table of figures: heading, value, whether the heading names a unit."""

    label: Markup
    value: Markup
    has_unit: bool


@cache
def heading(field: Field) -> Markup:
    """Heading of a column in both languages."""
    return pair(field.en, field.zh)


def particular(field: Field, value: object) -> Particular:
    """One value of a table under its heading, written by the kind of its column."""
    return Particular(heading(field), value_text(field, value), field.unit == "ha")


def value_text(field: Field, value: object) -> Markup:
    """A value as its column's kind and unit want it; a gap where there is none.

    Examples
    --------
    >>> value_text(Field("n", "number", "Number", "数", "A number."), 2.5)
    Markup('2.5')
    """
    if value is None or value == "":
        return escape(figures.GAP)
    if isinstance(value, int | float) and field.unit == "ha":
        return figures.area(value)
    if isinstance(value, int | float) and field.kind == "integer":
        return escape(int(value))
    if isinstance(value, int | float):
        return escape(f"{round(value, 3) + 0.0:g}".replace("-", "−"))
    return escape(value)
