"""Killed again and again at random moments, a run leaves nothing that can't be read."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras

from benchmarks import kills
from cnnviz import runs
from cnnviz.runs import metrics
from cnnviz.runs import resume_checkpoint as saved

ROOT = Path(__file__).parents[2]


def test_a_run_that_trains_is_killed_at_random_moments(checkpoints):
    """The same with fifty kills is `benchmarks/kills.py`."""
    found = kills.kill(4, seed=7)
    assert (found["crashed"], found["unreadable"]) == (4, 0), found
    assert found["epochs"] >= 3


# What a worker writes in an epoch, in its order and by its own means, as fast as the disk takes it.
WRITER = """
import os, sys, time
from itertools import count
from pathlib import Path
import numpy as np
from benchmarks.kills import RECIPE
from cnnviz.files import replacing
from cnnviz.runs import open_run, resume_checkpoint as saved
from cnnviz.runs.resume_checkpoint import Saved
from cnnviz.processes import this_process
from cnnviz.train.run_writer import RunWriter

def work(folder, model):
    diary = RunWriter(folder, open_run(folder.name).written)
    found = saved.newest(folder, RECIPE)
    begin = found.epoch if found else 0
    diary.rewind(begin)
    diary.write(state="running", process=this_process(), epoch=begin)
    for epoch in count(begin + 1):
        for batch in range(3):
            diary.figures.append("batch", epoch=epoch, batch=batch, batches=3, seconds=1.0, loss=1 / epoch)
        diary.figures.append("epoch", epoch=epoch, loss=1 / epoch, val_loss=1 / epoch)
        with replacing(folder / "best.keras") as path:
            path.write_bytes(model)
        diary.write(epoch=epoch, best_epoch=epoch, metrics={"val_loss": 1 / epoch})
        saved.save(folder, RECIPE, Saved(epoch, {"epoch": epoch}, {"numbers": np.full(20_000, epoch)}))

model = Path(sys.argv[2]).read_bytes()
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        work(Path(sys.argv[1]), model)
    print(child, flush=True)
    os.wait()
    print("ended", flush=True)
"""


def at_work(run: runs.Run, worker: int, epoch: int) -> bool:
    """Whether this worker has written its name and come so far."""
    written = runs.open_run(run.id).written
    return written.process is not None and written.process.pid == worker and written.epoch >= epoch


def test_what_a_worker_writes_survives_fifty_kills(checkpoints, until, tmp_path):
    from cnnviz.models.build.model import build

    model = tmp_path / "network.keras"
    build(kills.RECIPE).save(model)
    run, chance = runs.create(kills.RECIPE), random.Random(11)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(run.folder), str(model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    reached = []
    for _ in range(50):
        writer.stdin.write("\n")
        writer.stdin.flush()
        child = int(writer.stdout.readline())
        further = (reached[-1] if reached else 0) + chance.randrange(4)
        until(lambda child=child, further=further: at_work(run, child, further))
        time.sleep(chance.uniform(0, 0.02))  # the moment is what is tried
        os.kill(child, signal.SIGKILL)
        writer.stdout.readline()
        (now,) = runs.listing()
        assert (now.state, now.recipe, now.written.message) == ("crashed", kills.RECIPE, "")
        epochs = [record["epoch"] for record in metrics.epochs(now.metrics_path)]
        assert epochs == list(range(1, len(epochs) + 1))
        assert all(map(kills.whole, now.metrics_path.read_bytes().split(b"\n")[:-2]))
        found = saved.newest(run.folder, kills.RECIPE)
        if found is None:
            assert not list((run.folder / "resume").glob("epoch-*.bin"))
        else:
            assert (found.arrays["numbers"] == found.epoch).all()
            assert found.facts == {"epoch": found.epoch}
            assert found.epoch in (len(epochs), len(epochs) - 1)
            assert now.best_path.read_bytes() == model.read_bytes()
            reached.append(found.epoch)
    writer.stdin.close()
    writer.wait()
    assert reached == sorted(reached), "what was saved is never lost"
    assert reached[-1] >= 25
    keras.models.load_model(now.best_path, compile=False)
