"""The worker process. It waits for a free slot, trains, and leaves the run in one of its final states."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cnnviz.errors import CnnvizError
from cnnviz.runs.launch import wait_for_slot
from cnnviz.runs.status import this_process
from cnnviz.runs.store import open_run
from cnnviz.train.diary import Diary, Stopped

NICENESS = 10


def main(folder: Path) -> int:
    """Carries out the run in `folder`; returns the process's exit code (0 finished or stopped, 1 failed)."""
    diary = Diary(folder, open_run(folder.name, folder.parent).written)
    signal.signal(signal.SIGTERM, lambda *_: diary.stop())
    _step_back()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        diary.write(state="queued", process=this_process())
        slot = wait_for_slot(folder, cancelled=diary.stopping, waiting=lambda other: diary.note(f"Waiting for {other}"))
        if slot is None:
            raise Stopped
        with slot:
            diary.write(state="starting", started=time.time())
            diary.note("Loading TensorFlow")
            with _quiet_stderr():
                from cnnviz.train.loop import carry_out

            carry_out(diary)
        diary.write(state="finished", ended=time.time())
    except Stopped:
        diary.say("Stopped on request.")
        diary.write(state="stopped", ended=time.time())
    except Exception as error:
        traceback.print_exc()
        diary.write(state="failed", ended=time.time(), sentence=_sentence(error))
        return 1
    return 0


def _step_back() -> None:
    """Lets other programs go first. Where Linux groups processes by session (`autogroup`), the whole group has to."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keeps what TensorFlow's C++ says about the machine while it loads out of the log; exceptions still come out."""
    kept, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(void)


def _sentence(error: Exception) -> str:
    """What failed, for the page; the traceback is in the log."""
    if isinstance(error, CnnvizError):
        return str(error)
    if type(error).__name__ == "ResourceExhaustedError" or isinstance(error, MemoryError):
        return "The memory was not enough for this network and batch; choose a smaller batch, picture or network."
    if isinstance(error, OSError):
        return f"A file could not be read or written ({error.strerror or error}); see the log."
    first = str(error).strip().splitlines()[:1]
    return f"Training failed with {type(error).__name__}: {first[0][:200] if first else 'no message'}; see the log."


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "recipe.json").is_file():
        print("usage: python -m cnnviz.train RUN_FOLDER (a folder with recipe.json)", file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(Path(sys.argv[1]).absolute()))
