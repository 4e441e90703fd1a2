"""Write docs/reference.md from the code: `.venv/bin/python tests/contracts/reference_page.py`.

Commands, columns, codes, errors and column names come from where they are used, so the
page cannot drift; test_documents.py compares the two.
"""

import inspect
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer.main

from reverdure.cli.main import app
from reverdure.core import codes, errors, fields, money_fields, steer_fields, units, visit_fields
from reverdure.recovery.indices import INDICES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference.md"
OPENING = """# Reference

This page is written from the code by `tests/contracts/reference_page.py`; do not edit it.

- [Commands](#commands)
- [Tables](#tables)
- [Codes](#codes)
- [Indices](#indices)
- [Column names that are recognised](#column-names-that-are-recognised)
- [Area units](#area-units)
- [Constants of the measurement](#constants-of-the-measurement)
- [Errors](#errors)
"""


def page() -> str:
    """The whole page."""
    parts = [
        [OPENING.rstrip()],
        ["## Commands", *commands(typer.main.get_command(app), "reverdure")],
        ["## Tables", *tables()],
        ["## Codes", *code_lists()],
        ["## Indices", *indices()],
        ["## Column names that are recognised", *aliases()],
        ["## Area units", *area_units()],
        ["## Constants of the measurement", *constants()],
        ["## Errors", *error_list()],
    ]
    return "\n\n".join(block for part in parts for block in part) + "\n"


def markdown_table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def commands(command: Any, name: str) -> Iterator[str]:
    """A command with its arguments and options, then those under it."""
    yield f"### `{name}`"
    if command.help:
        yield inspect.cleandoc(command.help).replace("\b", "").strip()
    rows = [
        (f"`{spelling(parameter)}`", getattr(parameter, "help", None) or "", default(parameter))
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
    ]
    if rows:
        yield markdown_table(("argument or option", "meaning", "default"), rows)
    for key, child in sorted(getattr(command, "commands", {}).items()):
        if not child.hidden:
            yield from commands(child, f"{name} {key}")


def spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return (parameter.name or "").upper()
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or value is False or value == () or callable(value):
        return ""
    return f"`{value}`"


def tables() -> Iterator[str]:
    for table in (
        *public(fields, fields.Table),
        *public(money_fields, fields.Table),
        *public(visit_fields, fields.Table),
        *public(steer_fields, fields.Table),
    ):
        yield f"### {table.name}"
        yield f"One row per `{table.key}`." if table.key != "county" else "One row per county."
        rows = [
            (f"`{field.name}`", field.kind, field.unit, field.en, field.zh, field.about)
            for field in table
        ]
        yield markdown_table(("column", "type", "unit", "English", "中文", "meaning"), rows)


def code_lists() -> Iterator[str]:
    for code in vars(codes).values():
        if not (isinstance(code, type) and issubclass(code, codes.Code)) or code is codes.Code:
            continue
        yield f"### {code.__name__}"
        yield inspect.getdoc(code) or ""
        rows = [(member.value, f"`{member.key}`", member.en, member.zh) for member in code]
        yield markdown_table(("number", "key", "English", "中文"), rows)


def indices() -> Iterator[str]:
    rows = [
        (f"`{name}`", spec.en, spec.zh, spec.kind.value, f"`{spec.formula}`", spec.source)
        for name, spec in INDICES.items()
    ]
    yield markdown_table(("id", "English", "中文", "kind", "formula", "source"), rows)


def aliases() -> Iterator[str]:
    text = files("reverdure.intake").joinpath("data/aliases.toml").read_text("utf-8")
    yield (
        "Compared without case, spaces, underscores, hyphens and dots; a unit in brackets or at "
        "the end is split off first. Of two headings for one column the one named earlier is taken."
    )
    columns = tomllib.loads(text)
    for table in ("mines", "claims"):
        yield f"### Headings of {table}"
        rows = [
            (f"`{name}`", ", ".join(f"`{word}`" for word in lists[table]))
            for name, lists in columns.items()
            if table in lists
        ]
        yield markdown_table(("column", "recognised headings"), rows)


def area_units() -> Iterator[str]:
    rows = [(f"`{name}`", f"{size:.10g}") for name, size in units.HA_PER_UNIT.items()]
    yield markdown_table(("unit", "hectares"), rows)


def constants() -> Iterator[str]:
    text = files("reverdure.recovery").joinpath("data/constants.toml").read_text("utf-8")
    yield (
        "Status: verified (read in the source), measured (fitted on simulated mines, never on "
        "those that judge it), to confirm (from memory of the source), assumption (our choice)."
    )
    rows = [
        (f"`{name}`", entry["value"], entry["unit"], entry["about"], entry["source"],
         entry["status"])
        for name, entry in tomllib.loads(text).items()
    ]  # fmt: skip
    yield markdown_table(("name", "value", "unit", "meaning", "source", "status"), rows)


def error_list() -> Iterator[str]:
    rows = [
        (f"`{error.code}`", (inspect.getdoc(error) or "").splitlines()[0])
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.ReverdureError)
    ]
    yield markdown_table(("code", "meaning"), rows[1:])


def public(module: object, kind: type) -> Iterator[object]:
    return (value for value in vars(module).values() if isinstance(value, kind))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
