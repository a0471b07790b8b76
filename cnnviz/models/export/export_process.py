"""Exporting a run's model in a process of its own, so that a server's models and locks are left alone.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cnnviz.errors import ModelError
from cnnviz.processes import import_path
from cnnviz.progress import CancelCheck, Progress
from cnnviz.runs import Run
from cnnviz.temporary import own_name, room_for

__all__ = [
    "FORMATS",
    "OFFERED",
    "QUANTIZED",
    "Written",
    "accuracy_words",
    "available_formats",
    "export_apart",
    "missing_for_onnx",
]

OFFERED = {
    "savedmodel": ("SavedModel", ".zip"),
    "tflite": ("LiteRT", ".tflite"),
    "tflite-float16": ("LiteRT, float16", ".tflite"),
    "tflite-int8": ("LiteRT, int8", ".tflite"),
    "onnx": ("ONNX", ".onnx"),
}
"""What it can be written as beside Keras's own format: what people call it, and how its file ends."""
FORMATS = {"keras": ".keras", **{kind: ending for kind, (_, ending) in OFFERED.items()}}
"""All that a model can be written as, by the endings of the files."""
QUANTIZED = {"float16": "tflite-float16", "int8": "tflite-int8"}
"""LiteRT files with smaller numbers, by what `--quantize` calls them."""
_ONNX_NEEDS = ("tf2onnx", "onnxruntime")
_PATIENCE_SECONDS, _LOOK_SECONDS = 900, 0.2


@dataclass(frozen=True)
class Written:
    """A model as a file, and the largest difference of its predictions from the model's own, as it was measured.

    `accuracy` is there of a quantized one: a sentence on how often it is right before and after.
    """

    data: bytes
    difference: float
    accuracy: str = ""


def available_formats() -> list[str]:
    """Returns the formats that can be written with what is installed."""
    lacking = {"onnx"} if missing_for_onnx() else set()
    lacking |= set() if find_spec("ai_edge_litert") else {"tflite-float16", "tflite-int8"}
    return [kind for kind in OFFERED if kind not in lacking]


def missing_for_onnx() -> list[str]:
    """Returns the libraries that ONNX needs and that aren't installed."""
    return [name for name in _ONNX_NEEDS if find_spec(name) is None]


def export_apart(
    run: Run,
    kind: str,
    head: str | None = None,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck = lambda: False,
) -> Written | None:
    """Returns the model of a run's best epoch in another format, or `None` if it was cancelled.

    Args:
        run: whose.
        kind: one of `OFFERED`.
        head: the only head to keep; all of them without it.
        progress: called with what is done, 0 and 0, as nobody knows how long it takes.
        cancelled: asked a few times a second; `True` ends the process.

    Raises:
        ModelError: it can't be written so, with the sentence of the command line; or it takes too long.
    """
    if progress is not None:
        progress(f"Writing {OFFERED[kind][0]} and asking it", 0, 0)
    with room_for("the model's file"), tempfile.TemporaryDirectory(**own_name()) as place:
        out, told, said = (Path(place) / name for name in (f"network{OFFERED[kind][1]}", "told", "said"))
        command = [
            sys.executable,
            "-P",
            "-m",
            "cnnviz",
            "export",
            run.id,
            "--format",
            kind,
            "--out",
            str(out),
            "--json",
        ]
        with open(told, "wb") as told_file, open(said, "wb") as said_file:
            try:
                process = subprocess.Popen(
                    command + ([f"--head={head}"] if head is not None else []),
                    cwd=place,
                    env=_environment(run),
                    stdin=subprocess.DEVNULL,
                    stdout=told_file,
                    stderr=said_file,
                    start_new_session=True,
                )
            except OSError as error:
                raise ModelError(f"No process could be started to write it: {error.strerror or error}.") from None
            try:
                if not _ended(process, cancelled):
                    return None
            finally:
                _end(process)
        if process.returncode:
            raise ModelError(_message(said.read_text(errors="replace"), kind))
        facts = json.loads(told.read_text())
        return Written(out.read_bytes(), float(facts["difference"]), accuracy_words(facts.get("accuracy")))


def accuracy_words(found: dict[str, Any] | None) -> str:
    """Returns accuracies as `export --json` tells them in a sentence; "" for none."""
    if not found:
        return ""
    told = [f"{found['before'][head]:.1%} before, {found['after'][head]:.1%} after" for head in found["before"]]
    named = [f"{head} {words}" for head, words in zip(found["before"], told, strict=True)] if len(told) > 1 else told
    return f"Accuracy on {found['images']:,} {found['split']} images: {'; '.join(named)}."


def _environment(run: Run) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": import_path(),
        "CNNVIZ_CHECKPOINTS": str(run.folder.parent),
    }


def _ended(process: subprocess.Popen[bytes], cancelled: CancelCheck) -> bool:
    """Waits for the end; `False` where it was cancelled."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not cancelled():
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
            return True
        if time.monotonic() > until:
            raise ModelError(
                f"Writing the model took longer than {_PATIENCE_SECONDS // 60} minutes and was ended: "
                "try `python -m cnnviz export`."
            )
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process, and the one that it asks its file in, where they still work."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _message(said: str, kind: str) -> str:
    """The command line's sentence, or what there is in its place."""
    lines = [line for line in said.splitlines() if line.strip()]
    found = next((line for line in reversed(lines) if line.startswith("cnnviz: ")), "")
    if found:
        return found.removeprefix("cnnviz: ")
    last = lines[-1].strip()[:200] if lines else "its process ended without a word"
    return f"The model can't be written as {OFFERED[kind][0]}: {last.rstrip('.')}."
