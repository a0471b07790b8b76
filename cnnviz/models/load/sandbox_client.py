"""Trying a model in another process before this one opens it. Importing this loads no TensorFlow.

The process is started with the first model and kept for a while, as it takes a second to get ready and a trial takes
a fraction of that, see `cnnviz.models.load.sandbox`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from cnnviz.errors import ModelError
from cnnviz.models.load.archive_check import Copy
from cnnviz.models.load.config_check import Refused
from cnnviz.processes import import_path

__all__ = ["try_model", "warm"]

START_SECONDS = 60
REPLY_SECONDS = 30
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


class _Checker:
    """The process and its two pipes; one model at a time. `peak_mb` is the most that any of its children took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self.peak_mb = 0

    def warm(self) -> None:
        """Starts the process, unless it is there, and doesn't wait for it."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._close()
                self._process, self._ready = _started(), False

    def ask(self, path: Path) -> dict[str, Any]:
        for _ in range(2):  # it may just have ended, for it had nothing to do
            try:
                self.warm()
                with self._lock:
                    if not self._ready:
                        self._ready = bool(self._reply(START_SECONDS).get("ready"))
                    self._pipes()[0].write(json.dumps({"path": str(path)}).encode() + b"\n")
                    reply = self._reply(REPLY_SECONDS)
                    self.peak_mb = max(self.peak_mb, reply["peak_mb"])
                    return reply
            except (OSError, ValueError, KeyError, AttributeError):
                self.close()
        raise ModelError(
            "The process that tries models before they are opened can't be started, so none can be "
            "opened: restart the server."
        )

    def _reply(self, seconds: float) -> dict[str, Any]:
        stdout = self._pipes()[1]
        if not select.select([stdout], [], [], seconds)[0]:
            raise TimeoutError
        reply: dict[str, Any] = json.loads(stdout.readline())
        return reply

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Its stdin and stdout."""
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise BrokenPipeError  # another thread has just closed it
        return self._process.stdin, self._process.stdout

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        self._process, self._ready = None, False


def _started() -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {
        "PYTHONPATH": import_path(),
        "KERAS_BACKEND": "numpy",
        "KERAS_HOME": os.devnull,  # no settings are read or written
        "HOME": os.devnull,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "cnnviz.models.load.sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        env=environment,
        start_new_session=True,  # Ctrl+C is the server's
    )


@cache
def _checker() -> _Checker:
    checker = _Checker()
    atexit.register(checker.close)
    return checker


def warm() -> None:
    """Starts the process that tries models, so that it is ready by the time the first one is to be opened."""
    with suppress(OSError):
        _checker().warm()


def try_model(copy: Copy) -> int:
    """Puts the model together in a child process; returns how many values one layer makes of an image at most.

    Raises:
        Refused: it can't be put together, not within the limits, or does anything else.
        ModelError: no process can be started.
    """
    reply = _checker().ask(copy.path)
    if "reason" in reply:
        raise Refused(reply["reason"], reply.get("remedy", ""))
    return int(reply["largest"])
