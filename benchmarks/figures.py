"""A measured figure with its bar, as it is kept in results.json."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes
    ----------
    name : str
        What was measured, in words.
    value : float or str
        A number; a table as text.
    unit : str
    at_most, at_least : float or None
        The bar; None where there is none.
    """

    name: str
    value: float | str
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def bar(self) -> str:
        """The bar in words; "" without one."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return "" if self.at_least is None else f"at least {self.at_least:g}"

    @property
    def is_met(self) -> bool | None:
        """Whether the value keeps its bar; None without one."""
        if not self.bar:
            return None
        value = float(self.value)
        return value <= self.at_most if self.at_most is not None else value >= self.at_least

    def to_dict(self) -> dict[str, object]:
        """As kept in results.json."""
        value = self.value if isinstance(self.value, str) else float(f"{self.value:.4g}")
        return {
            "name": self.name, "value": value, "unit": self.unit, "bar": self.bar,
            "met": self.is_met,
        }  # fmt: skip
