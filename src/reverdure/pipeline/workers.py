"""Doing many pieces of work on all cores."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import (
    FIRST_EXCEPTION,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from functools import partial
from typing import Any

from reverdure.core.records import OnProgress, Progress

Work = Callable[[Any], None]

# fewer tasks end sooner in threads than processes have started (decision 8)
WORTH_PROCESSES = 200
# neighbours in the list share tiles: one process takes several in a row
_BATCH = 4


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def do_all(stage: str, tasks: Iterable[Callable[[], None]], on_progress: OnProgress | None) -> None:
    """Do tasks on all cores; the first error, or Ctrl-C, ends the stage."""
    todo = list(tasks)
    pool = ThreadPoolExecutor(cores())
    try:
        _await({pool.submit(task): 1 for task in todo}, stage, on_progress)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def do_apart(
    stage: str, begin: Callable[[], Work], tasks: Sequence[Any], on_progress: OnProgress | None
) -> None:
    """Do many tasks that hold the interpreter, each core in a process of its own.

    Parameters
    ----------
    stage : str
    begin : callable
        Makes what does one task; called once in each process, so it must be a function
        of a module, or a `partial` of one. A process may end at any moment: what it
        writes must appear whole or not at all.
    tasks : sequence
        Those that follow each other are done by one process where they can be.
    on_progress : callable, optional
    """
    if len(tasks) < WORTH_PROCESSES:
        work = begin() if tasks else _nothing
        do_all(stage, [partial(work, task) for task in tasks], on_progress)
        return
    # started afresh: a copy of this process would hold locks of threads it does not have
    fresh = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(cores(), fresh, initializer=_start, initargs=(begin,))
    try:
        batches = [tasks[first : first + _BATCH] for first in range(0, len(tasks), _BATCH)]
        _await({pool.submit(_do, batch): len(batch) for batch in batches}, stage, on_progress)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _await(sizes: dict[Future[None], int], stage: str, on_progress: OnProgress | None) -> None:
    """Wait for all, telling how many tasks are done; the first error ends it."""
    total, done_so_far = sum(sizes.values()), 0
    if on_progress and total:
        on_progress(Progress(stage, 0, total))
    pending = set(sizes)
    while pending:
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
            done_so_far += sizes[future]
        if on_progress and done:
            on_progress(Progress(stage, done_so_far, total))


def _nothing(task: object) -> None:
    """There is nothing to do."""


_work: Work = _nothing


def _start(begin: Callable[[], Work]) -> None:
    """Make this process ready; Ctrl-C is the parent's to answer, and it ends with the parent."""
    global _work  # noqa: PLW0603 - a process of a pool has no other place to keep it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = begin()


def _end_with_parent() -> None:
    """A parent that was killed tells nobody, and its processes would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(batch: Sequence[Any]) -> None:
    for task in batch:
        _work(task)
