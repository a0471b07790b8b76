"""An audit in a process of its own, so that whoever asks for it loads no TensorFlow and stays quick."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

from cnnviz.errors import DataError
from cnnviz.processes import import_path
from cnnviz.progress import CancelCheck, Cancelled, Progress
from cnnviz.recipe import Data

__all__ = ["audit_elsewhere"]

_LOOK_SECONDS = 0.2


def audit_elsewhere(data: Data, *, progress: Progress | None = None, cancelled: CancelCheck | None = None) -> None:
    """Makes the audit of a recipe's data, which `kept_audit` then finds.

    Args:
        data: names the data set and its splits.
        progress: called with what is done, how much and of how much.
        cancelled: asked now and then; `True` ends the process.

    Raises:
        DataError: see `audit`; or the process has ended without a word.
        Cancelled: `cancelled` said so.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "cnnviz.audit"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": import_path()},
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None  # as both are pipes
    ended = threading.Event()
    watch = threading.Thread(target=_end_where_cancelled, args=(child, cancelled, ended), daemon=True)
    watch.start()
    said: dict[str, object] = {}
    try:
        child.stdin.write(data.model_dump_json())
        child.stdin.close()
        for line in child.stdout:
            said = json.loads(line)
            if progress is not None and "progress" in said:
                progress(*said["progress"])  # type: ignore[misc]  # as `__main__` writes it
    except (BrokenPipeError, json.JSONDecodeError):  # it has ended in the middle
        pass
    finally:
        ended.set()
        child.stdout.close()
        child.wait()
    if cancelled is not None and cancelled():
        raise Cancelled
    if "error" in said:
        raise DataError(str(said["error"]))
    if "done" not in said:
        raise DataError("The audit ended unexpectedly; the memory may not have been enough. `cnnviz audit` says more.")


def _end_where_cancelled(child: subprocess.Popen[str], cancelled: CancelCheck | None, ended: threading.Event) -> None:
    while cancelled is not None and not ended.wait(_LOOK_SECONDS):
        if cancelled():
            child.kill()
            return
