"""A module that runs in a process of its own, is given one text and tells in lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from cnnviz.processes import import_path
from cnnviz.progress import CancelCheck, check_cancelled

__all__ = ["json_lines"]

_LOOK_SECONDS = 0.2


def json_lines(module: str, given: str, *, cancelled: CancelCheck | None = None) -> Iterator[dict[str, Any]]:
    """Runs `python -m module` and yields each object that it prints, until it ends, however it does. The process is
    killed where whoever reads goes away.

    Args:
        module: such as "cnnviz.audit".
        given: its standard input.
        cancelled: asked now and then; `True` kills the process.

    Raises:
        Cancelled: `cancelled` said so.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": import_path(), "TF_CPP_MIN_LOG_LEVEL": "3"},
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None  # as both are pipes
    ended = threading.Event()
    threading.Thread(target=_end_where_cancelled, args=(child, cancelled, ended), daemon=True).start()
    try:
        child.stdin.write(given)
        child.stdin.close()
        for line in child.stdout:
            yield json.loads(line)
    except (BrokenPipeError, json.JSONDecodeError):  # it has ended in the middle
        pass
    except BaseException:  # nobody reads on: Ctrl-C, or the generator was closed
        child.kill()
        raise
    finally:
        ended.set()
        child.stdout.close()
        child.wait()
    check_cancelled(cancelled)


def _end_where_cancelled(child: subprocess.Popen[str], cancelled: CancelCheck | None, ended: threading.Event) -> None:
    while cancelled is not None and not ended.wait(_LOOK_SECONDS):
        if cancelled():
            child.kill()
            return
