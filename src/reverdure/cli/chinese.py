"""Help and usage errors of the command line in Chinese.

Each help text holds both languages, "English / 中文"; in Chinese the second half is shown.
"""

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer
import typer.main

from reverdure.cli.screen import words
from reverdure.core.chinese import in_chinese


def language_first(arguments: Sequence[str]) -> list[str]:
    """The words of a command line with --lang before the command, wherever it was written.

    Examples
    --------
    >>> language_first(["explain", "M00042", "--lang", "zh", "-w", "w"])
    ['--lang', 'zh', 'explain', 'M00042', '-w', 'w']
    >>> language_first(["run", "--lang=zh"]), language_first(["run", "--", "--lang", "zh"])
    (['--lang=zh', 'run'], ['run', '--', '--lang', 'zh'])
    """
    spoken: list[str] = []
    others: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            others += [word, *rest]
        elif word == "--lang" and (value := next(rest, "")):
            spoken = [word, value]
        elif word.startswith("--lang="):
            spoken = [word]
        else:
            others.append(word)
    return spoken + others


def asks_for_chinese(arguments: Sequence[str], otherwise: str) -> bool:
    """Whether --lang, which stands first, says zh; else what the environment says.

    Examples
    --------
    >>> asks_for_chinese(["--lang", "zh", "run"], ""), asks_for_chinese(["--lang=en"], "zh")
    (True, False)
    """
    if arguments[:1] == ["--lang"]:
        return arguments[1:2] == ["zh"]
    if arguments and arguments[0].startswith("--lang="):
        return arguments[0] == "--lang=zh"
    return otherwise == "zh"


def run_in_chinese(app: typer.Typer, arguments: Sequence[str]) -> NoReturn:
    """Run the command line; what its parser prints is Chinese too."""
    # the base of all errors of the parser, which typer does not name in public
    refused_by_parser: Any = typer.BadParameter.__mro__[2]
    command: Any = typer.main.get_command(app)
    _translate(command)
    try:
        sys.exit(command.main(list(arguments), standalone_mode=False))
    except refused_by_parser as error:
        _print_usage_error(error)
        sys.exit(2)
    except typer.Abort:
        sys.stderr.write(words("usage.aborted") + "\n")
        sys.exit(1)


def _translate(command: Any) -> None:
    """Let a command and those under it speak of themselves in Chinese."""
    command.options_metavar = words("usage.options")
    command.format_usage = _bound(_write_usage, command)
    command.format_help = _bound(_write_help, command)
    for inner in getattr(command, "commands", {}).values():
        command.subcommand_metavar = words("usage.command")
        _translate(inner)


def _bound(write: Callable[..., None], command: Any) -> Callable[..., None]:
    return lambda context, formatter: write(command, context, formatter)


def _write_usage(command: Any, context: Any, formatter: Any) -> None:
    pieces = " ".join(command.collect_usage_pieces(context))
    formatter.write(words("usage.usage", command=f"{context.command_path} {pieces}") + "\n")


def _write_help(command: Any, context: Any, formatter: Any) -> None:
    """A help page: usage, purpose, then each argument, option and command on its lines."""
    _write_usage(command, context, formatter)
    formatter.write(f"\n{chinese_half(command.help or '')}\n")
    parts: dict[str, list[str]] = {"argument": [], "option": [], "command": []}
    for parameter in command.params:
        parts[parameter.param_type_name] += _parameter_lines(parameter)
    parts["option"] += ["  --help", f"      {words('usage.help')}"]
    for name, inner in getattr(command, "commands", {}).items():
        parts["command"].append(f"  {name:<12}  {chinese_half(inner.help or '')}")
    for part, lines in parts.items():
        if lines:
            formatter.write("\n" + "\n".join([words(f"usage.{part}s_part"), *lines]) + "\n")


def _parameter_lines(parameter: Any) -> list[str]:
    """Its names, then what it means and what it may be."""
    is_option = parameter.param_type_name == "option"
    notes = [chinese_half(parameter.help or "")]
    if parameter.required:
        notes.append(words("usage.required"))
    elif is_option and parameter.default not in (None, "", False):
        notes.append(words("usage.default", value=parameter.default))
    if is_option and parameter.envvar:
        notes.append(words("usage.environment", name=parameter.envvar))
    names = ", ".join(parameter.opts) if is_option else parameter.name
    return [f"  {names}", f"      {' '.join(notes)}"]


def chinese_half(text: str) -> str:
    """The Chinese of a help text that holds both languages.

    Examples
    --------
    >>> chinese_half("Make a new workspace. / 新建工作区")
    '新建工作区'
    """
    return re.split(r"\s/ ", text)[-1]


def _print_usage_error(error: Any) -> None:
    """What is wrong, how the command is used, and where to read more."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stdout.write(error.format_message() + "\n")
        return
    sys.stderr.write(words("usage.error", text=in_chinese(error.format_message())) + "\n")
    if context is not None:
        sys.stderr.write(f"  {context.get_usage()}\n")
        sys.stderr.write(f"  {words('usage.more', command=context.command_path)}\n")
