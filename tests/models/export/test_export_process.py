"""A run's model in other formats, made in a process of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil
import pytest

from cnnviz.errors import ModelError
from cnnviz.models.export.export_process import OFFERED, available_formats, export_apart
from cnnviz.presets import PRESETS
from tests.made_runs import make_run


def test_what_goes_wrong_is_the_command_lines_sentence(tmp_path: Path) -> None:
    run = make_run(PRESETS["Q"], runs=tmp_path)
    shutil.rmtree(run.folder)
    told: list[tuple] = []
    with pytest.raises(ModelError, match=r"^There is no run .*give a run's id or the path of a \.keras file\.$"):
        export_apart(run, "tflite", progress=lambda *said: told.append(said))
    assert told == [("Writing LiteRT and asking it", 0, 0)]


def command_of(process: psutil.Process) -> str:
    """What a process was started with; "" of one that is gone, or that nobody has buried yet."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_cancelled_it_leaves_no_process(tmp_path: Path) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 1

    assert export_apart(make_run(PRESETS["Q"], runs=tmp_path), "tflite", cancelled=cancelled) is None
    children = psutil.Process(os.getpid()).children(recursive=True)
    assert not [child for child in children if "cnnviz export" in command_of(child)]


def test_onnx_is_offered_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnviz.models.export.export_process._ONNX_NEEDS", ("numpy",))
    assert available_formats() == list(OFFERED)
    monkeypatch.setattr("cnnviz.models.export.export_process._ONNX_NEEDS", ("numpy", "no_such_library"))
    assert available_formats() == [kind for kind in OFFERED if kind != "onnx"]
