"""Folders of runs that somebody edited: other values in their files, torn, swapped, linked and missing ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.models.load import sandbox_client
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.runs import flags, snapshots
from cnnviz.runs import predictions as evaluated
from cnnviz.runs.predictions import Predictions
from cnnviz.runs.results_cache import model_digest
from cnnviz.runs.snapshots import Maps, Moment, Probe, Snapshot
from tests.made_runs import make_run
from tests.pages_run import through_the_app
from tests.security.good_model import places

os.environ["STREAMLIT_CLIENT_SHOW_ERROR_DETAILS"] = "full"
APP = Path(__file__).parents[2] / "streamlit_app.py"
SHAPES = Path(__file__).parents[2] / "checkpoints" / "shapes"
VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    10**9,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "<b>",
    "..",
    [],
    [[]],
    [None],
    {},
    {"": 0},
    "x" * 100_000,
    "2026-01-01",
    [1] * 1000,
    "\ud800",
]


HOW = ["value", "value", "value", "bytes", "cut", "gone", "swap", "link", "pipe", "folder", "empty", "huge"]


def ready() -> None:
    """Starts the process that tries models, once for all."""
    sandbox_client.warm()


def whole(root: Path) -> Path:
    """A run with all that a run can leave behind, from the shipped one of two heads."""
    folder = root / "shapes"
    shutil.copytree(SHAPES, folder)
    report = json.loads((folder / "report.json").read_text())
    classes = {head: tuple(names) for head, names in report["classes"].items()}
    rng, count = np.random.default_rng(0), 40
    labels = {head: np.arange(count) % len(names) for head, names in classes.items()}
    probabilities = {
        head: rng.dirichlet(np.ones(len(names)), count).astype(np.float32) for head, names in classes.items()
    }
    losses = {head: rng.random(count, np.float32) for head in classes}
    model = model_digest(folder / "best.keras")
    evaluated.save(folder, Predictions("test", model, "", np.arange(count), labels, probabilities, losses, classes))
    probe = Probe(
        rng.integers(0, 256, (6, 32, 32, 3), np.uint8),
        tuple("abcdef"),
        {head: np.arange(6) % len(names) for head, names in classes.items()},
        classes,
    )
    snapshots.save_images(folder, probe)
    for epoch in range(4):
        levels = rng.integers(0, 256, (6, 8, 8, 4), np.uint8)
        maps = Maps("conv2d", (32, 32, 4), levels, np.zeros((6, 4), np.float32), np.ones((6, 4), np.float32))
        cams = {head: rng.random((6, 8, 8), np.float32) for head in classes}
        predictions = {
            head: rng.dirichlet(np.ones(len(names)), 6).astype(np.float32) for head, names in classes.items()
        }
        snapshots.save(
            folder, Snapshot(Moment(epoch), predictions, "conv2d", cams, (maps,), rng.random((3, 3, 3, 4), np.float32))
        )
    flags.write(folder, {"test/1": "unclear"})
    (folder / "log.txt").write_text("Epoch 1\nEpoch 2\n")
    return folder


def other_value(draw: Random, text: str) -> str:
    """JSON, or a line of it, with another value somewhere."""
    lines = text.splitlines() if text.count("\n{") else [text]
    at = draw.choice([0, len(lines) - 1, draw.randrange(len(lines))])
    try:
        tree = json.loads(lines[at])
    except ValueError:
        return text
    spots = list(places(tree)) if isinstance(tree, (dict, list)) else []
    if not spots or draw.random() < 0.05:
        tree = draw.choice(VALUES)
    else:
        holder, key = draw.choice(spots)
        if draw.random() < 0.2:
            del holder[key]
        else:
            holder[key] = draw.choice(VALUES)
    lines[at] = json.dumps(tree)
    return "\n".join(lines) + "\n"


def edit(draw: Random, folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    readable = [path for path in files if path.suffix in (".json", ".jsonl")]
    path = draw.choice(readable if readable and draw.random() < 0.6 else files)
    how = draw.choice(
        ["value", "value", "value", "bytes", "cut", "gone", "swap", "link", "pipe", "folder", "empty", "huge"]
    )
    data = path.read_bytes() if path.stat().st_size < 1 << 24 else b""
    if how == "value" and path in readable:
        path.write_text(other_value(draw, data.decode(errors="replace")))
    elif how == "bytes" and data:
        changed = bytearray(data)
        for _ in range(draw.choice([1, 5, 50])):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        path.write_bytes(changed)
    elif how == "cut":
        path.write_bytes(data[: draw.randrange(len(data) + 1)])
    elif how == "gone":
        path.unlink()
    elif how == "swap":
        other = draw.choice(files)
        path.write_bytes(other.read_bytes() if other.stat().st_size < 1 << 24 else b"")
    elif how == "link":
        path.unlink()
        path.symlink_to(draw.choice(["/dev/zero", "/etc/hostname", "nowhere", path.name, "..", "/dev/stdin"]))
    elif how == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "huge":
        with open(path, "ab") as file:
            file.truncate(5 << 30)


def made(draw: Random, folder: Path) -> Path:
    root = folder / "checkpoints"
    root.mkdir()
    path = whole(root)
    make_run(PRESETS["Q"], runs=root)
    for _ in range(draw.choice([1, 1, 2, 4])):
        edit(draw, path)
    return path


def asked(path: Path) -> None:
    """The Runs page lists it, shows it, all its tabs, and its snapshots."""
    root = path.parent
    assert len(runs.listing(root)) >= 1
    through_the_app(pytest.MonkeyPatch())  # of this process, which ends with the file
    for shown in ("", "report", "epochs"):
        app = AppTest.from_file(str(APP), default_timeout=60).run()
        app.switch_page("pages/runs.py")
        app.query_params["run"] = path.name
        app.query_params["show"] = shown
        app.run()
        if app.exception:
            raise RuntimeError(
                "\n".join(f"{one.message}\n{chr(10).join(one.stack_trace[-4:])}" for one in app.exception)
            )
    try:
        run = runs.open_run(path.name, root)
    except CnnvizError:  # such as one without a folder
        return
    classifier = load_run(run)
    classifier.predict(np.zeros((1, *classifier.image_size, classifier.channels), np.uint8))
