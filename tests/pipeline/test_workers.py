"""Work on all cores: everything is done once, errors come back, nothing outlives its parent."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from reverdure.core.errors import InvalidInput
from reverdure.core.records import Progress
from reverdure.pipeline import workers
from reverdure.pipeline.workers import do_apart

_LONG_S = 60


def _noting(folder: Path) -> Callable[[int], None]:
    def note(task: int) -> None:
        if task == 13:
            raise InvalidInput("13 is not taken.", "Leave it out.")
        (folder / f"{task}").write_text(str(os.getpid()))

    return note


def _sleeping(folder: Path) -> Callable[[int], None]:
    def sleep(task: int) -> None:
        (folder / f"{os.getpid()}").touch()
        time.sleep(_LONG_S)

    return sleep


@pytest.mark.parametrize("worth", [1, 100])
def test_every_task_is_done_once_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth: int
) -> None:
    monkeypatch.setattr(workers, "WORTH_PROCESSES", worth)
    told: list[Progress] = []
    do_apart("count", partial(_noting, tmp_path), range(11), told.append)
    assert {file.name for file in tmp_path.iterdir()} == {str(task) for task in range(11)}
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 11, 11)
    by = {int(file.read_text()) for file in tmp_path.iterdir()}
    assert (os.getpid() in by) == (worth > 11)


def test_an_error_in_a_process_is_the_error_of_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WORTH_PROCESSES", 1)
    with pytest.raises(InvalidInput, match="13 is not taken") as seen:
        do_apart("count", partial(_noting, tmp_path), range(10, 16), None)
    assert seen.value.hint == "Leave it out."


def test_no_task_is_nothing_to_begin(tmp_path: Path) -> None:
    do_apart("count", partial(_noting, tmp_path / "absent"), [], None)


def test_processes_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, __file__, tmp_path])
    try:
        _until(lambda: len(list(tmp_path.iterdir())) >= min(2, workers.cores()))
        children = [psutil.Process(int(file.name)) for file in tmp_path.iterdir()]
    finally:
        parent.kill()
        parent.wait()
    _until(lambda: not any(child.is_running() for child in children))


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _LONG_S
    while not holds():
        assert time.monotonic() < end, "did not come to pass"
        time.sleep(0.1)


if __name__ == "__main__":
    workers.WORTH_PROCESSES = 1
    do_apart("sleep", partial(_sleeping, Path(sys.argv[1])), range(40), None)
