"""Tables that come with the program, a file each: rule packs and cases."""

from importlib import resources


def packaged_names(folder: str) -> list[str]:
    """Names of the tables in a folder of `data`.

    Examples
    --------
    >>> packaged_names("packs")
    ['empty', 'jiangxi']
    """
    files = resources.files("reverdure.registry").joinpath("data", folder).iterdir()
    return sorted(one.name.removesuffix(".toml") for one in files)


def packaged_text(folder: str, name: str) -> str:
    """One of them as its file has it."""
    source = resources.files("reverdure.registry").joinpath("data", folder, f"{name}.toml")
    return source.read_text(encoding="utf-8")
