"""Kinds of records the registry holds beside mines and claims, from `data/records.toml`."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from reverdure.core.errors import UnknownOption
from reverdure.core.fields import Field

LISTED = ("mine", "claim")
"""What a column may refer to that is no kind of record: rows of the two lists."""


@dataclass(frozen=True, slots=True)
class Column(Field):
    """One column of a kind: a field, and what a cell may hold.

    Attributes
    ----------
    needed : bool
        Whether it may not be empty.
    refers : str
        Kind whose id it holds; "" for none.
    choices : str
        Name of the list it is taken from; "" for any.
    also : tuple of str
        Other headings it goes by.
    same_as : str
        Column it is taken from where it is empty; "" for none.
    most : float
        Largest number it may hold.
    """

    needed: bool = False
    refers: str = ""
    choices: str = ""
    also: tuple[str, ...] = ()
    same_as: str = ""
    most: float = math.inf


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: its name, its words, and its columns, of which the first is the id.

    Where it is `final`, a row that was added is never edited.
    """

    name: str
    plural: str
    en: str
    zh: str
    columns: tuple[Column, ...]
    final: bool = False

    @property
    def outline(self) -> Column | None:
        """Column that holds an outline; None where a record has none."""
        return next((column for column in self.columns if column.kind == "outline"), None)

    @property
    def key(self) -> str:
        """Column that holds the id."""
        return self.columns[0].name

    def column(self, name: str) -> Column:
        """Column of this name; KeyError otherwise."""
        return {column.name: column for column in self.columns}[name]


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by its name.

    Examples
    --------
    >>> kinds()["duty"].key, kinds()["duty"].column("mine_id").refers
    ('duty_id', 'mine')
    """
    return {
        name: Kind(
            name,
            one["plural"],
            one["en"],
            one["zh"],
            tuple(
                Column(
                    **({"needed": place == 0} | column | {"also": tuple(column.get("also", ()))})
                )
                for place, column in enumerate(one["columns"])
            ),
            one.get("final", False),
        )
        for name, one in _data()["kind"].items()
    }


def kind_of(plural: str) -> Kind:
    """The kind that goes by this name in commands.

    Raises
    ------
    UnknownOption
        If there is none.
    """
    named = {kind.plural: kind for kind in kinds().values()}
    if plural not in named:
        raise UnknownOption(f"no table is called {plural!r}; use one of {', '.join(named)}.")
    return named[plural]


@cache
def choices(name: str) -> Mapping[str, Mapping[str, str]]:
    """What a column may hold: key to its words in `en` and `zh`.

    Examples
    --------
    >>> choices("liability")["no_liable_party"]["zh"]
    '责任主体灭失'
    """
    found: Mapping[str, Mapping[str, str]] = _data()["choices"][name]
    return found


@cache
def _data() -> Mapping[str, Any]:
    source = resources.files("reverdure.core").joinpath("data/records.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))
