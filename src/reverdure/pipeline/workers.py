"""Doing many pieces of work on all cores."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from reverdure.core.records import OnProgress, Progress


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def do_all(stage: str, tasks: Iterable[Callable[[], None]], on_progress: OnProgress | None) -> None:
    """Do tasks on all cores; the first error, or Ctrl-C, ends the stage."""
    todo = list(tasks)
    if on_progress and todo:
        on_progress(Progress(stage, 0, len(todo)))
    pool = ThreadPoolExecutor(cores())
    try:
        pending = {pool.submit(task) for task in todo}
        while pending:
            done, pending = wait(pending, timeout=0.5, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            if on_progress and done:
                on_progress(Progress(stage, len(todo) - len(pending), len(todo)))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
