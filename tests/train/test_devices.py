"""A fit on several devices gives what it gives on one, within the noise of the order of summation."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics

# Random masks and statistics of a part of a batch differ by design, so there are none.
RECIPE = replace(
    PRESETS["Q"],
    {
        "network.layers": [{"type": "Conv2D", "filters": 8}, {"type": "Flatten"}, {"type": "Dense", "units": 16}],
        "augmentation.steps": [],
        "data.limits": {"train": 200, "validation": 60, "test": 60},
        "fit.epochs": 4,
        "fit.optimizer": "sgd",
        "fit.learning_rate": 0.02,
        "fit.schedule": "plateau",
    },
)
WORKER = """
import sys
from pathlib import Path
import tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import cnnviz.train.devices as devices
real = tf.config.list_logical_devices
tf.config.list_logical_devices = lambda kind=None: real("CPU" if kind == "GPU" else kind)
from cnnviz.train.__main__ import main
raise SystemExit(main(Path(sys.argv[1])))
"""
"""A worker on a machine whose two processors are taken for graphics cards."""


def carried_out(run: runs.Run, *script: str) -> runs.Run:
    done = subprocess.run([sys.executable, *script, str(run.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (run.folder / "said.txt").write_text(done.stderr)
    return runs.open_run(run.id)


def test_two_devices_come_to_what_one_does(checkpoints) -> None:
    one = carried_out(runs.create(RECIPE), "-m", "cnnviz.train")
    two = carried_out(runs.create(RECIPE), "-c", WORKER)
    assert "Each batch is dealt to 2 graphics cards" in (two.folder / "said.txt").read_text()
    for mine, theirs in zip(metrics.epochs(one.metrics_path), metrics.epochs(two.metrics_path), strict=True):
        for name in ("loss", "val_loss"):
            assert mine[name] == pytest.approx(theirs[name], rel=1e-3), mine["epoch"]
    assert one.written.test["loss"] == pytest.approx(two.written.test["loss"], rel=1e-3)
    assert json.loads((two.folder / "report.json").read_text())["splits"]


def test_a_run_on_two_devices_goes_on_exactly(checkpoints, until) -> None:
    whole = carried_out(runs.create(RECIPE), "-c", WORKER)
    run = runs.create(replace(RECIPE, {"fit.epochs": 4}))
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(run.folder)], stderr=subprocess.DEVNULL)
    until(lambda: runs.open_run(run.id).written.epoch >= 1)
    worker.kill()
    worker.wait()
    again = carried_out(runs.open_run(run.id), "-c", WORKER)
    hashes = [json.loads((each.folder / "report.json").read_text())["last_weights_sha256"] for each in (whole, again)]
    assert hashes[0] == hashes[1]
    assert os.path.exists(again.best_path)
