"""What the commands print: messages in two languages, tables, progress, errors."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from reverdure.core.chinese import in_chinese
from reverdure.core.errors import ReverdureError, UnknownOption
from reverdure.core.messages import LANGUAGES, message_table
from reverdure.core.records import OnProgress, Progress
from reverdure.core.units import area_unit

_state = {"language": "en"}


def set_language(name: str) -> None:
    """Print in "en" or "zh" from now on."""
    if name not in LANGUAGES:
        raise UnknownOption(f"language {name!r} is not known; use en or zh.")
    _state["language"] = name


def language() -> str:
    """Language chosen for this command."""
    return _state["language"]


def area_shown(unit: str) -> str:
    """Unit that areas are printed in, "ha" or "mu".

    Raises
    ------
    UnknownOption
        If it is another.
    """
    shown = area_unit(unit)
    if shown not in ("ha", "mu"):
        raise UnknownOption(f"areas are shown in ha or mu, not {unit!r}.")
    return shown


def say(key: str, **values: object) -> None:
    """Print a message of the table."""
    sys.stdout.write(words(key, **values) + "\n")


def words(key: str, **values: object) -> str:
    """A message of the table with its values filled in."""
    return message_table("cli")[key][language()].format(**values)


def fail(error: ReverdureError) -> NoReturn:
    """Print an error, its code and what to do; end with exit code 1."""
    sys.stderr.write(words("error.line", code=error.code, text=_spoken(error.message)) + "\n")
    if error.hint:
        sys.stderr.write(f"  {_spoken(error.hint)}\n")
    raise SystemExit(1)


def _spoken(english: str) -> str:
    """What an error says, in the language of this command."""
    return in_chinese(english) if language() == "zh" else english


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], numbers_from: int = 1) -> None:
    """Print a table; columns from `numbers_from` on stand right."""
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for position, heading in enumerate(headings):
        grid.add_column(heading, justify="left" if position < numbers_from else "right")
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    Console(file=sys.stdout, highlight=False).print(grid)


def say_page(number: int, count: int, rows: int) -> None:
    """Which page of a list this is, counted from 1, and how to see the next; nothing of one."""
    pages = -(-count // rows)
    if pages > 1:
        say("records.page", page=number, pages=pages, next=number % pages + 1)


@contextmanager
def progress() -> Iterator[OnProgress]:
    """A bar a stage on a terminal; one line a finished stage elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    console = Console(file=sys.stderr)
    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    shown: dict[str, TaskID] = {}

    def on_progress(step: Progress) -> None:
        if step.stage not in shown:
            shown[step.stage] = bars.add_task(_stage(step.stage), total=step.total)
        bars.update(shown[step.stage], completed=step.done, total=step.total)
        if step.done == step.total and not console.is_terminal and step.total:
            sys.stderr.write(f"{_stage(step.stage)}: {step.done}/{step.total}\n")

    with bars:
        yield on_progress


def _stage(name: str) -> str:
    text = message_table("cli").get(f"stage.{name}")
    return text[language()] if text else name
