"""Rule packs of a workspace: read from a file, kept version by version, never overwritten."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from reverdure.core.errors import InvalidInput, UnreadableFile
from reverdure.core.files import atomic
from reverdure.registry.packs import RulePack, pack, pack_text
from reverdure.store.records import Author, current, history, write
from reverdure.store.workspace import Workspace

_KIND = "pack"
_MOST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class PackInForce:
    """A version of a pack as a workspace keeps it.

    Attributes
    ----------
    pack : RulePack
    number : int
        How often the pack was put in force or changed here, from 1.
    at, person, why, source : str
        When (UTC), by whom, why, and from which file.
    """

    pack: RulePack
    number: int
    at: str
    person: str
    why: str
    source: str


def read_pack(name: str) -> RulePack:
    """A pack that comes with the program, or one in a file.

    Parameters
    ----------
    name : str
        Name of a pack, or path of a .toml file; the file's name is that of the pack then.

    Raises
    ------
    UnknownOption
        If it is neither.
    UnreadableFile
        If the file is none, or no TOML in UTF-8.
    InvalidInput
        If a rule in it is refused.
    """
    path = Path(name)
    if path.suffix.lower() != ".toml":
        return pack(name)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UnreadableFile(f"{path} is larger than a rule pack can be (4 MB).")
        plain = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise UnreadableFile(
            f"{path} cannot be read as a rule pack: {error}.",
            "Start from a copy: reverdure rules empty --copy FILE",
        ) from error
    return RulePack.from_dict(path.stem, plain)


def copy_pack(name: str, path: Path) -> None:
    """Write a pack that comes with the program as a file to edit; never over another one."""
    text = pack_text(name)
    if path.suffix.lower() != ".toml" or path.exists():
        raise InvalidInput(
            f"{path} is there already, or does not end in .toml.", "Choose another name."
        )
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def use_pack(workspace: Workspace, name: str, author: Author) -> tuple[PackInForce, bool]:
    """Put a pack in force in a workspace: an act with who and why, kept for ever.

    Parameters
    ----------
    workspace : Workspace
    name : str
        As in `read_pack`.
    author : Author

    Returns
    -------
    (PackInForce, bool)
        What is in force now, and whether it is new.

    Raises
    ------
    InvalidInput
        If nobody answers for it, the pack holds no rule, or its rules changed while its
        version did not rise.
    """
    if not author.person.strip():
        raise InvalidInput("who answers for this pack is not said.", "Add --by NAME.")
    found = read_pack(name)
    if not found.rules:
        raise InvalidInput(f"rule pack {found.name!r} holds no rule to put in force.")
    with workspace.writing():
        before = current(workspace.database, [_KIND])[_KIND].get(found.name)
        now = packs_in_force(workspace)
        if now and now[-1].pack == found:
            return now[-1], False
        kept = None if before is None else RulePack.from_dict(found.name, before.values)
        if kept is not None and kept != found and found.version <= kept.version:
            raise InvalidInput(
                f"the rules of {found.name!r} changed, but it still says version {found.version};"
                f" version {kept.version} was in force here.",
                "Raise version in the file.",
            )
        number = 0 if before is None else before.version
        with workspace.database.transaction("use pack", pack=found.name) as transaction:
            write(transaction, _KIND, [(found.name, number, found.to_dict())], author)
            transaction.detail |= {"version": found.version}
    return packs_in_force(workspace)[-1], True


def packs_in_force(workspace: Workspace) -> list[PackInForce]:
    """Every pack that was put in force here, oldest first; the last one is."""
    rows = [
        (row["number"], name, row)
        for name in current(workspace.database, [_KIND])[_KIND]
        for row in history(workspace.database, _KIND, name)
    ]
    return [
        PackInForce(
            RulePack.from_dict(name, row["body"]), row["version"], row["at"], row["person"],
            row["why"], row["source"],
        )
        for _, name, row in sorted(rows, key=lambda one: one[0])
    ]  # fmt: skip


def pack_of(workspace: Workspace) -> RulePack | None:
    """The pack in force; None where none was ever put in force."""
    found = packs_in_force(workspace)
    return found[-1].pack if found else None
