"""Reported figures on the screen: as stated, what they come to, what they leave open."""

from collections.abc import Callable, Sequence
from functools import partial

from reverdure.cli.changes import Area
from reverdure.cli.screen import language, say, words
from reverdure.core.codes import Bound
from reverdure.core.units import ha_to_mu
from reverdure.registry.statements import Amount, Case, Statement, Sum, amounts, metrics

_SIGN = {"share": "reported.of", "remainder": "reported.less", "total": "reported.plus",
         "ratio": "reported.by"}  # fmt: skip
Number = Callable[[float], float]


def print_case(case: Case, area: Area) -> None:
    """Print the figures of a case; areas in both units, the one chosen first."""
    found = amounts(case)
    show = _Figures(case, "mu" if area.is_mu else "ha")
    say("reported.title", name=_named(case))
    units = {one.code: _named(one) for one in case.units}
    for one in case.statements:
        say(
            "reported.statement",
            place=units[one.unit_code],
            figure=show.figure(found[one.statement_id], show.counted(one.statement_id)),
            what=_named(one),
            when=_when(one),
            name=one.statement_id,
        )
    if case.sums:
        say("reported.sums")
    for each in case.sums:
        text = show.working(each, found)
        say("reported.sum", what=_named(each), text=text, name=each.sum_id)
    if case.questions:
        say("reported.open")
    for question in case.questions:
        say("reported.question", text=_named(question), about=", ".join(question.about))
    for source in case.sources:
        published = source.published or words("reported.undated")
        say("reported.source", source=_named(source), published=published)


class _Figures:
    """How the amounts of a case are written."""

    def __init__(self, case: Case, unit: str) -> None:
        self._metric = {one.statement_id: one.metric for one in case.statements}
        for each in case.sums:
            self._metric[each.sum_id] = self._metric[each.of[0]]
        self._areas = ("mu", "ha") if unit == "mu" else ("ha", "mu")

    def counted(self, name: str) -> str:
        """What a statement or sum counts: "mines"."""
        return str(metrics()[self._metric[name]]["unit"][language()])

    def figure(self, amount: Amount, counted: str) -> str:
        """One amount with its unit and how exact it is."""
        bound = Bound.from_key(amount.bound)
        before = (
            "" if bound is Bound.EXACT else words("reported.bound", bound=bound.label(language()))
        )
        texts = [
            words("reported.amount", value=_digits(convert(amount.value)), unit=unit)
            for unit, convert in self._units(amount.unit, counted)
        ]
        return before + " = ".join(texts)

    def working(self, one: Sum, found: dict[str, Amount]) -> str:
        """The figures a sum is made of, and what they come to."""
        parts = [found[name] for name in one.of]
        result = self.figure(found[one.sum_id], self.counted(one.of[0]))
        if one.kind == "ratio":
            made_of = [self._first(part, name) for part, name in zip(parts, one.of, strict=True)]
            return f"{words(_SIGN[one.kind]).join(made_of)} = {result}"
        lines = [
            words("reported.amount", value=self._row(parts, convert, one.kind), unit=unit)
            for unit, convert in self._units(parts[0].unit, self.counted(one.of[0]))
        ]
        return f"{' = '.join(lines)}: {result}" if len(lines) > 1 else f"{lines[0]} = {result}"

    def _first(self, amount: Amount, name: str) -> str:
        unit, convert = self._units(amount.unit, self.counted(name))[0]
        return words("reported.amount", value=_digits(convert(amount.value)), unit=unit)

    def _row(self, parts: Sequence[Amount], convert: Number, kind: str) -> str:
        return words(_SIGN[kind]).join(_digits(convert(part.value)) for part in parts)

    def _units(self, unit: str, counted: str) -> list[tuple[str, Number]]:
        """Names of the units an amount is written in, with what turns it into them."""
        if unit == "%":
            return [("%", float)]
        if unit == "count":
            return [(counted, float)]
        above, _, below = unit.partition("/")
        if not below:
            return self._area() if unit == "ha" else [(words(f"currency.{unit}"), float)]
        named = words(f"unit.{above}") if above == "ha" else words(f"currency.{above}")
        if below != "ha":
            each = words("reported.each") if below == "count" else words(f"currency_one.{below}")
            return [(words("reported.per", above=named, below=each), float)]
        hectares = {words("unit.ha"): 1.0, words("unit.mu"): ha_to_mu(1.0)}
        return [
            (words("reported.per", above=named, below=name), partial(_by, hectares[name]))
            for name, _ in self._area()
        ]

    def _area(self) -> list[tuple[str, Number]]:
        turn: dict[str, Number] = {"ha": float, "mu": ha_to_mu}
        return [(words(f"unit.{name}"), turn[name]) for name in self._areas]


def _named(one: object) -> str:
    return str(getattr(one, language()))


def _by(parts: float, value: float) -> float:
    return value / parts


def _digits(value: float) -> str:
    """Whole where it is whole or large, else four digits."""
    if abs(value) >= 1000 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def _when(one: Statement) -> str:
    """Day or years, after a comma; nothing where the source names none."""
    years = "" if one.from_year is None else f"{one.from_year}-{one.to_year or ''}"
    when = one.as_of or years
    return words("reported.when", when=when) if when else ""
