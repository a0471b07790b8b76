"""The locks on the folder of runs, for changes that two programs must not make at the same time, and on one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cnnviz.errors import RunError

__all__ = ["LEAVING_SECONDS", "at_work", "changing", "worker_lock"]

LOCK_SECONDS = 10.0
LEAVING_SECONDS = 5.0
"""How long an earlier worker is waited for that is about to leave: it has written its last word, or was killed and the
system takes its memory apart, which is seen as ended before its lock is free."""


def worker_lock(folder: Path) -> FileLock:
    """Returns the lock that a run's worker holds for as long as it lives, however it ends."""
    return FileLock(folder / ".worker.lock", timeout=LEAVING_SECONDS)


def at_work(folder: Path) -> bool:
    """Returns whether some worker holds the run for longer than `LEAVING_SECONDS`, whatever is written of it.

    A run that can't be locked has none.
    """
    if not (folder / ".worker.lock").exists():
        return False
    try:
        with worker_lock(folder):
            return False
    except Timeout:
        return True
    except OSError:
        return False


@contextmanager
def changing(runs: Path) -> Iterator[None]:
    """Holds the lock by which a run is not deleted and continued, nor continued twice, at the same time.

    Raises:
        RunError: the folder of runs can't be written, or somebody else holds the lock for long.
    """
    try:
        (runs / ".slots").mkdir(exist_ok=True)
        lock = FileLock(runs / ".slots" / "runs.lock", timeout=LOCK_SECONDS)
        lock.acquire()
    except Timeout:
        raise RunError(
            f"Another program has been changing the runs in {runs} for {LOCK_SECONDS:.0f} seconds; try again."
        ) from None
    except OSError as error:
        raise RunError(f"The runs in {runs} can't be changed: {error.strerror or error}.") from None
    try:
        yield
    finally:
        lock.release()
