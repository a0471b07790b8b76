"""The lock on the folder of runs, for changes that two programs of one machine must not make at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cnnviz.errors import RunError

__all__ = ["changing"]

LOCK_SECONDS = 10.0


@contextmanager
def changing(runs: Path) -> Iterator[None]:
    """Holds the lock by which a run is not deleted and continued, nor continued twice, at the same time.

    Between machines, where a shared file system may not keep locks, a run's lease decides; see `cnnviz.runs.lease`.

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
