"""The measures of a workspace: its own `measures.toml`, or those that come with the program."""

import tomllib

from reverdure.core.errors import InvalidInput
from reverdure.core.files import read_text
from reverdure.plan.measures import Catalogue, catalogue, read_catalogue
from reverdure.store.workspace import Workspace

MEASURES = "measures.toml"
"""Measures of the workspace's own, in place of those that come with the program."""


def workspace_measures(workspace: Workspace) -> Catalogue:
    """Measures that hold in a workspace.

    Raises
    ------
    InvalidInput
        If its own file cannot be read.
    """
    return measures_of(own_measures(workspace))


def own_measures(workspace: Workspace) -> str:
    """Text of the workspace's own measures; "" where it has none.

    Raises
    ------
    UnreadableFile
        If the file is no text.
    """
    path = workspace.root / MEASURES
    return read_text(path) if path.is_file() else ""


def measures_of(text: str) -> Catalogue:
    """The catalogue of such a text; the one that comes with the program for "".

    Raises
    ------
    InvalidInput
        If it is no catalogue.
    """
    if not text:
        return catalogue()
    try:
        return read_catalogue(text)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(
            f"{MEASURES} cannot be read: {error}.",
            "It has the form of plan/data/measures.toml, all parts of each measure included.",
        ) from error
