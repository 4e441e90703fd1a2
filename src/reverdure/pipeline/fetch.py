"""Fetching scenes from an archive: only the windows near mines, kept, and gone on with."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reverdure.core.errors import NoImagery, ReverdureError
from reverdure.core.records import OnProgress, Progress
from reverdure.imagery.archives.addresses import shown
from reverdure.imagery.archives.items import FoundItem
from reverdure.imagery.archives.layers import Layer, RemoteFile
from reverdure.imagery.archives.scenes import Place, fetch_one, finish, layer_path
from reverdure.imagery.archives.signing import Signer
from reverdure.imagery.archives.web import Client, Patience
from reverdure.imagery.refusals import Refusal, refuse
from reverdure.pipeline.archive_plan import FetchPlan, plan_fetch
from reverdure.store.workspace import Workspace

__all__ = ["Estimate", "FetchPlan", "Fetched", "Request", "fetch_scenes"]

_AT_ONCE = 8
_SAMPLE = 3
_REQUESTS_A_LAYER = 3
# a line that carries eight questions at once carries at least so much
_BYTES_PER_S = 4e6
# so many faults before anything came: the archive is down, or shut
_HOPELESS = 12


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks an archive for.

    Attributes
    ----------
    url : str
    collections : tuple of str
    years : tuple of int
        Years the seasons count for.
    """

    url: str
    collections: tuple[str, ...]
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a fetch will cost, told before it begins.

    Attributes
    ----------
    scenes, kept : int
        Scenes to fetch, and scenes that are there already.
    gigabytes, hours : float
        From the headers of a few of the files.
    """

    scenes: int
    kept: int
    gigabytes: float
    hours: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a fetch.

    Attributes
    ----------
    folder : Path
        Where the scenes lie.
    scenes, kept : int
        Scenes fetched now, and scenes that were there already.
    faults : int
        Answers that failed and were asked for again.
    received : int
        Bytes.
    failed : tuple of Refusal
        Scenes that are not whole; the same request goes on with them.
    """

    folder: Path
    scenes: int
    kept: int
    faults: int
    received: int
    failed: tuple[Refusal, ...]


def fetch_scenes(
    workspace: Workspace,
    request: Request,
    *,
    signer: Signer | None = None,
    patience: Patience | None = None,
    go_on: Callable[[FetchPlan, Estimate], bool] = lambda plan, estimate: True,
    on_progress: OnProgress | None = None,
) -> Fetched:
    """Search an archive and fetch the windows near mines as scene folders.

    Parameters
    ----------
    workspace : Workspace
        Its mines, season and tiles say what is needed.
    request : Request
    signer : Signer, optional
        Opens the archive's files.
    patience : Patience, optional
    go_on : callable, optional
        Given what was found and what it will cost; False ends here.
    on_progress : callable, optional

    Returns
    -------
    Fetched
        The folder is for `add_scenes`.

    Raises
    ------
    NoMines, NoImagery
        If it is not known where to look; Sentinel-2 needs Landsat first.
    ArchiveUnavailable, ArchiveAnswer, UnsafeAddress, NotFound
        If the archive cannot be used at all. A fault of single scenes is in `failed`.
    """
    with workspace.writing(registry=False), _client(request.url, signer, patience) as client:
        plan = plan_fetch(workspace, client, request.url, request.collections, request.years)
        if not plan.todo and not plan.kept:
            raise NoImagery(
                f"{shown(request.url)} has no scenes of {', '.join(request.collections)} near the"
                f" mines in the season of these years ({plan.sent} entries looked at).",
                "Check --collection and --years, and season in reverdure.toml.",
            )
        estimate = _estimate(workspace, client, plan)
        if not go_on(plan, estimate):
            return Fetched(workspace.root / "imagery", 0, plan.kept, client.faults, 0, ())
        done, failed = _fetch_all(workspace, client, plan, request.url, on_progress)
        with workspace.database.transaction(
            "fetch scenes",
            source=shown(request.url),
            collections=list(request.collections),
            years=[request.years[0], request.years[-1]],
            fetched=done,
            kept=plan.kept,
            failed=len(failed),
        ):
            pass
        return Fetched(
            workspace.root / "imagery", done, plan.kept, client.faults, client.received,
            tuple(failed),
        )  # fmt: skip


@contextmanager
def _client(url: str, signer: Signer | None, patience: Patience | None) -> Iterator[Client]:
    client = Client(url, signer, patience)
    try:
        yield client
    finally:
        client.close()
        if signer is not None:
            signer.close()


def _estimate(workspace: Workspace, client: Client, plan: FetchPlan) -> Estimate:
    """Bytes and time, from the headers of a few scenes."""
    todo = plan.todo
    if not todo:
        return Estimate(0, plan.kept, 0.0, 0.0)
    step = max(len(todo) // _SAMPLE, 1)
    layers = [(found, layer) for found in todo[::step][:_SAMPLE] for layer in found.hrefs]

    def look(task: tuple[FoundItem, str]) -> tuple[int, float] | None:
        found, layer = task
        path = layer_path(found, Place.of(workspace.root, found.folder), layer)
        start = time.perf_counter()
        try:
            remote = RemoteFile(client, found.hrefs[layer], path.with_name(f"{path.name}.look"))
            size = remote.bytes_to_move(remote.blocks(plan.needs[found.folder]))
        except ReverdureError:
            return None
        return size, time.perf_counter() - start

    with _pool(client) as pool:
        seen = [one for one in pool.map(look, layers) if one is not None]
    if not seen:
        return Estimate(len(todo), plan.kept, float("nan"), float("nan"))
    n_layers = sum(len(found.hrefs) for found in todo)
    size = statistics.fmean(one[0] for one in seen) * n_layers
    pause = statistics.median(one[1] for one in seen) * _REQUESTS_A_LAYER * n_layers / _AT_ONCE
    return Estimate(len(todo), plan.kept, size / 1e9, (pause + size / _BYTES_PER_S) / 3600)


@contextmanager
def _pool(client: Client) -> Iterator[ThreadPoolExecutor]:
    """Threads that end soon when the block is left by an error or Ctrl-C."""
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield pool
    except BaseException:
        client.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _fetch_all(
    workspace: Workspace,
    client: Client,
    plan: FetchPlan,
    archive: str,
    on_progress: OnProgress | None,
) -> tuple[int, list[Refusal]]:
    """Fetch layer by layer; a scene appears once it is whole."""
    places = {found.folder: Place.of(workspace.root, found.folder) for found in plan.todo}
    tasks = [(found, layer) for found in plan.todo for layer in sorted(found.hrefs)]
    left = {found.folder: len(found.hrefs) for found in plan.todo}
    failed: dict[str, Refusal] = {}
    whole = arrived = 0

    def look(done: Future[Layer], found: FoundItem, layer: str) -> None:
        nonlocal whole, arrived
        left[found.folder] -= 1
        try:
            done.result()
            arrived += 1
        except ReverdureError as error:
            if not arrived and len(failed) >= _HOPELESS:
                raise
            detail = f"{layer}: {error.message}"
            failed.setdefault(found.folder, refuse(found.folder, "not_fetched", detail=detail))
        if not left[found.folder] and found.folder not in failed:
            finish(found, places[found.folder], plan.needs[found.folder], archive)
            whole += 1

    with _pool(client) as pool:
        running: dict[Future[Layer], tuple[FoundItem, str]] = {}
        _tell(on_progress, 0, len(tasks))
        waiting = iter(tasks)
        finished = 0
        while True:
            for found, layer in _some(waiting, 2 * _AT_ONCE - len(running)):
                need, place = plan.needs[found.folder], places[found.folder]
                running[pool.submit(fetch_one, client, found, place, layer, need)] = found, layer
            if not running:
                break
            done, _ = wait(running, timeout=0.5, return_when="FIRST_COMPLETED")
            for future in done:
                look(future, *running.pop(future))
                finished += 1
            if done:
                _tell(on_progress, finished, len(tasks))
    return whole, [failed[folder] for folder in sorted(failed)]


def _some(tasks: Iterator[tuple[FoundItem, str]], number: int) -> Iterable[tuple[FoundItem, str]]:
    for _ in range(number):
        task = next(tasks, None)
        if task is None:
            return
        yield task


def _tell(on_progress: OnProgress | None, done: int, total: int) -> None:
    if on_progress and total:
        on_progress(Progress("fetch", done, total))
