"""Plans of a workspace: kept under a name with the question they answer, found again, listed.

`products/plans/NAME/0001` holds the first plan of a name, `0002` the one that replaced it: what
was there stays. A version appears whole or not at all.
"""

import datetime
import json
import math
import os
import re
import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverdure.core.codes import PlanStatus
from reverdure.core.errors import InvalidInput, NotFound
from reverdure.core.files import atomic
from reverdure.store.records import Author
from reverdure.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from reverdure.plan.programme import Plan

TABLES = ("works", "money", "budget", "shortfalls")
_NAME = re.compile(r"\w[\w.-]{0,63}")
_VERSION = re.compile(r"\d{4,}")
_PACKAGES = ("reverdure", "highspy", "numpy")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was kept; its tables are read when they are asked for.

    Attributes
    ----------
    name : str
    version : int
        Counted from 1; the last one is in force.
    status : PlanStatus
    objective, bound, gap, seconds : float
    fingerprint : str
        Hash of all that the plan was made from; see `Problem.fingerprint`.
    inputs : mapping of str to str
        Hashes of its parts, to say which of them changed since.
    question : mapping
        What was asked, to be asked again: years, budget, requirements, changes ...
    base : str
        Plan it was made from; "" for none.
    versions : mapping of str to str
        Packages it was made with.
    saved_at, person, why : str
        When (UTC), by whom and why it was kept.
    folder : Path
    """

    name: str
    version: int
    status: PlanStatus
    objective: float
    bound: float
    gap: float
    seconds: float
    fingerprint: str
    inputs: Mapping[str, str]
    question: Mapping[str, Any]
    base: str
    versions: Mapping[str, str]
    saved_at: str
    person: str
    why: str
    folder: Path

    @property
    def works(self) -> "pd.DataFrame":
        """One row a start: the columns of `plan.programme.WORKS`."""
        return self.table("works")

    @property
    def money(self) -> "pd.DataFrame":
        """Who pays what where: source, kind, county, year, paid_mcny."""
        return self.table("money")

    @property
    def budget(self) -> "pd.DataFrame":
        """Each budget from its opening to its close."""
        return self.table("budget")

    @property
    def shortfalls(self) -> "pd.DataFrame":
        """What elastic requirements miss."""
        return self.table("shortfalls")

    def table(self, name: str) -> "pd.DataFrame":
        """One of `TABLES`, or of what the plan was made from: mines, allowed, costs."""
        import pandas as pd

        return pd.read_parquet(self.folder / f"{name}.parquet")

    def has(self, name: str) -> bool:
        """Whether such a table was kept; `allowed` and `costs` only where they were given."""
        return (self.folder / f"{name}.parquet").is_file()


def save_plan(
    workspace: Workspace,
    name: str,
    plan: "Plan",
    question: Mapping[str, Any],
    author: Author,
    *,
    base: str = "",
    inputs: Mapping[str, str] | None = None,
    replace: bool = False,
) -> SavedPlan:
    """Keep a plan under a name, with a line in the audit log.

    Parameters
    ----------
    workspace : Workspace
    name : str
        Letters, digits, dot, hyphen and underscore; at most 64.
    plan : Plan
    question : mapping
        What JSON can hold.
    author : Author
    base : str
        Plan it was made from.
    inputs : mapping of str to str, optional
        Hashes of the parts of what it was made from.
    replace : bool
        Whether a plan of this name may be followed by this one; the former one stays.

    Raises
    ------
    InvalidInput
        If the name cannot be one or is taken, nobody answers for it, or there is no plan.
    """
    called = checked_name(name)
    if not author.person.strip():
        raise InvalidInput("who answers for this plan is not said.", "Add --by NAME.")
    if not plan.has_works:
        raise InvalidInput(f"there is no plan to be kept as {called!r}: {plan.status.en}.")
    with workspace.writing():
        folder = _plans(workspace) / called
        earlier = _versions(folder)
        if earlier and not replace:
            raise InvalidInput(
                f"there is a plan {called!r} already.",
                "Choose another name, or add --replace; the former one is kept.",
            )
        number = max(earlier, default=0) + 1
        record = _record(called, number, plan, author, base, inputs or {})
        with workspace.database.transaction(
            "plan", name=called, version=number, base=base, status=plan.status.key,
            fingerprint=plan.fingerprint, person=author.person,
        ):  # fmt: skip
            _write(folder / f"{number:04d}", plan, question, record)
    return _read(folder / f"{number:04d}")


def load_plan(workspace: Workspace, name: str, version: int = 0) -> SavedPlan:
    """A plan by its name.

    Parameters
    ----------
    workspace : Workspace
    name : str
    version : int
        0 for the one in force.

    Raises
    ------
    NotFound
        If there is no such plan or version.
    InvalidInput
        If the name cannot be one, or its files cannot be read.
    """
    folder = _plans(workspace) / checked_name(name)
    known = _versions(folder)
    if not known:
        others = [plan.name for plan in plans_of(workspace)]
        shown = others[:_SHOWN] + (["..."] if len(others) > _SHOWN else [])
        raise NotFound(f"no plan is called {name!r}.", f"Known: {', '.join(shown) or 'none'}")
    if version and version not in known:
        raise NotFound(f"plan {name!r} has no version {version}; the last one is {known[-1]}.")
    return _read(folder / f"{version or known[-1]:04d}")


def plans_of(workspace: Workspace) -> tuple[SavedPlan, ...]:
    """The plans in force, by name."""
    folder = _plans(workspace)
    names = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return tuple(
        _read(path / f"{versions[-1]:04d}") for path in names if (versions := _versions(path))
    )


def checked_name(name: str) -> str:
    """A name that can be a folder of its own, composed as NFC.

    Examples
    --------
    >>> checked_name("dry-year")
    'dry-year'
    >>> checked_name("../base")
    Traceback (most recent call last):
    ...
    reverdure.core.errors.InvalidInput: '../base' cannot be the name of a plan.
    """
    composed = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(composed):
        raise InvalidInput(
            f"{name!r} cannot be the name of a plan.",
            "Use letters, digits, dot, hyphen and underscore, 64 at most.",
        )
    return composed


def _plans(workspace: Workspace) -> Path:
    return workspace.products / "plans"


def _versions(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if _VERSION.fullmatch(path.name))


def _record(
    name: str, number: int, plan: "Plan", author: Author, base: str, inputs: Mapping[str, str]
) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {
        "name": name,
        "version": number,
        "status": plan.status.key,
        "objective": _plain(plan.objective),
        "bound": _plain(plan.bound),
        "gap": _plain(plan.gap),
        "seconds": round(plan.seconds, 3),
        "fingerprint": plan.fingerprint,
        "inputs": dict(inputs),
        "base": base,
        "versions": {package: version_of(package) for package in _PACKAGES},
        "saved_at": now,
        "person": author.person,
        "why": author.why,
    }


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _write(
    folder: Path, plan: "Plan", question: Mapping[str, Any], record: Mapping[str, Any]
) -> None:
    """All files of a version beside its place, then in it by one renaming."""
    draft = folder.with_name(f".{os.getpid()}-{folder.name}")
    for leftover in folder.parent.glob(".*-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        tables = {name: getattr(plan, name) for name in TABLES} | _made_from(plan)
        for name, table in tables.items():
            with atomic(draft / f"{name}.parquet") as temporary:
                table.to_parquet(temporary, index=False)
        with atomic(draft / "solution.npz") as temporary, temporary.open("wb") as stream:
            _write_solution(stream, plan)
        for name, content in (("question", question), ("record", record)):
            text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
            with atomic(draft / f"{name}.json") as temporary:
                temporary.write_text(text, encoding="utf-8")
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _made_from(plan: "Plan") -> dict[str, "pd.DataFrame"]:
    """Tables a plan was made from, so that it can be asked about when the data have changed."""
    import pandas as pd

    asked = plan.compiled.problem
    columns = {
        "mine_id": asked.mines.ids,
        "county": asked.mines.county,
        "prefecture": asked.mines.prefecture,
        "has_owner": asked.mines.has_owner,
    }
    given = {k: v for k, v in asked.mines.numbers.items() if k not in asked.mines.assumed}
    tables = {"mines": pd.DataFrame(columns | given)}
    for name, table in (("allowed", asked.allowed), ("costs", asked.costs)):
        if table is not None:
            tables[name] = table
    return tables


def _write_solution(stream: Any, plan: "Plan") -> None:
    """What the model came to, so that prices and reasons need not be found again."""
    import numpy as np

    relaxed = plan.found.relaxed
    known = {"x": plan.found.x}
    if relaxed is not None:
        known |= {"relaxed": relaxed.x, "prices": relaxed.prices, "reduced": relaxed.reduced}
    arrays: dict[str, Any] = {key: value for key, value in known.items() if value is not None}
    np.savez_compressed(stream, **arrays)


def _read(folder: Path) -> SavedPlan:
    try:
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        question = json.loads((folder / "question.json").read_text(encoding="utf-8"))
        status = PlanStatus.from_key(record.pop("status"))
        numbers = {
            key: math.nan if record[key] is None else float(record[key])
            for key in ("objective", "bound", "gap", "seconds")
        }
        return SavedPlan(**{**record, **numbers}, status=status, question=question, folder=folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"plan {folder.parent.name!r} cannot be read: {error}.", "Make it again."
        ) from error
