"""The worker process. It waits for a free slot, trains, and leaves the run in one of its final states.

As a spare it loads TensorFlow first and then waits to be told which run is its.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from queue import SimpleQueue

from cnnviz import temporary
from cnnviz.errors import NOT_ENOUGH_MEMORY, CnnvizError, RunError, disk_full, out_of_memory, unexpected
from cnnviz.processes import this_process
from cnnviz.progress import Cancelled
from cnnviz.runs.crash_cause import oom_kills
from cnnviz.runs.launch import wait_for_slot
from cnnviz.runs.lease import Lease, take
from cnnviz.runs.resume_checkpoint import remove_checkpoints
from cnnviz.runs.status import ENDED
from cnnviz.runs.store import open_run
from cnnviz.train.priority import lower_process, lower_session
from cnnviz.train.run_writer import RunWriter
from cnnviz.train.tensorflow_loading import quick_and_quiet

SPARE_SECONDS = 900.0
"""How long a spare waits without hearing that it is still wanted."""


def main(folder: Path) -> int:
    """Carries out the run in `folder`; returns the process's exit code (0 finished, paused or stopped, 1 failed)."""
    lease: Lease | None = None
    try:
        with take(folder) as lease:
            return _carry_out(folder, lease)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError:
        if lease is None or not lease.lost():
            raise
        print("Another worker has taken this run over, since this one gave no sign of life.", file=sys.stderr)
        return 1


def _carry_out(folder: Path, lease: Lease) -> int:
    temporary.clear(folder)
    written = open_run(folder.name, folder.parent).written
    if written.state in ENDED:  # an engine that begins a lost worker again may not know that it had just ended
        print(f"This run is {written.state}.", file=sys.stderr)
        return 0
    writer = RunWriter(folder, written, lease)
    signal.signal(signal.SIGTERM, lambda *_: writer.stop())
    try:
        writer.write(state="queued", process=this_process(), oom_kills=oom_kills())
        writer.reserve()
        with _slot(writer):
            writer.write(state="starting", started=time.time())
            if "tensorflow" not in sys.modules:
                writer.note("Loading TensorFlow")
            _load_tensorflow()
            from cnnviz.train.loop import carry_out

            carry_out(writer)
        writer.end(state="finished")
        with suppress(OSError):
            remove_checkpoints(folder)
    except Cancelled:
        paused = writer.pausing()
        writer.end(state="paused" if paused else "stopped")
        writer.say("Paused on request." if paused else "Stopped on request.")
    except Exception as error:
        writer.end(state="failed", message=_message(error))
        with suppress(OSError):
            traceback.print_exc()
        return 1
    return 0


def _slot(writer: RunWriter) -> AbstractContextManager[object]:
    """Waits for a slot of this machine, which runs have to share that no other engine puts in their place."""
    if writer.state.engine != "local":
        return nullcontext()
    slot = wait_for_slot(
        writer.folder, cancelled=writer.stopping, waiting=lambda other: writer.note(f"Waiting for {other}")
    )
    if slot is None:
        raise Cancelled
    return slot


def wait_for_run() -> Path:
    """Loads TensorFlow and returns the folder of the run that a line on standard input names; what is printed goes to
    that run's log from then on.

    An empty line says that the spare is still wanted. The process ends where the one who asks is gone, or has said
    nothing for `SPARE_SECONDS`.
    """
    told: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(told,), daemon=True).start()
    with suppress(Exception):  # what is wrong is said in the log of the run, which will try it again
        _load_tensorflow()
        if told.empty():
            from cnnviz.train.warm_up import warm_up

            warm_up()
    folder, log = json.loads(told.get())
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    return Path(folder)


def _listen(told: SimpleQueue[str]) -> None:
    """Puts the line that names a run; from then on somebody waits for it, so that what still loads goes first."""
    line = "\n"
    while not line.strip():
        forgotten = threading.Timer(SPARE_SECONDS, os._exit, (0,))
        forgotten.daemon = True
        forgotten.start()
        line = sys.stdin.readline()
        forgotten.cancel()
        if not line:
            os._exit(0)
    lower_session(0)
    told.put(line)


def _load_tensorflow() -> None:
    with quick_and_quiet():
        import cnnviz.train.loop  # noqa: F401


def _message(error: Exception) -> str:
    """What failed, for the page; the traceback is in the log."""
    if isinstance(error, CnnvizError):
        return str(error)
    if out_of_memory(error):
        return NOT_ENOUGH_MEMORY
    if disk_full(error):
        return "The disk is full; the last good model and the figures are kept: free some space, then continue."
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"A file could not be written ({error.strerror}): make the run's folder writable, then continue."
    if isinstance(error, OSError):
        return f"A file could not be read or written ({error.strerror or error}); see the log."
    return unexpected("Training", error, "the log")


def _command(arguments: list[str]) -> int:
    folder = Path(arguments[0]).absolute() if len(arguments) == 1 else None
    spare = arguments == ["--spare"]
    if folder is None or not (spare or (folder / "recipe.json").is_file()):
        print("usage: python -m cnnviz.train RUN_FOLDER (a folder with recipe.json)", file=sys.stderr)
        return 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    lower_process()
    if spare:
        lower_session()
        folder = wait_for_run()
    return main(folder)


if __name__ == "__main__":
    raise SystemExit(_command(sys.argv[1:]))
