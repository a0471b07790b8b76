"""Seconds per epoch of C2 through the worker, with all its figures and files, beside the tutorial's bare `model.fit`.

Both are processes of their own that train in turn on the same 60,000 Fashion-MNIST images and validate on the same
10,000; the first epoch of each, which builds the graph, is left out. Prints the medians and their ratio.

    CNNVIZ_DATA=../shared/data python benchmarks/worker_epoch.py [--turns 3] [--epochs 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BARE = """
import json, sys, time
import keras
from cnnviz.data import open_dataset
from cnnviz.presets import preset
dataset = open_dataset(preset("C2").data)
def arrays(name):
    split = dataset.splits[name]
    import numpy as np
    return np.stack([split.image(i) for i in range(len(split))]) / 255.0, split.labels["label"]
(x, y), validation = arrays("train"), arrays("test")
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
    keras.layers.MaxPooling2D(),
    keras.layers.Flatten(),
    keras.layers.Dense(128, activation="relu"),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
class Clock(keras.callbacks.Callback):
    seconds = []
    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)
model.fit(x, y, batch_size=32, epochs=int(sys.argv[1]), validation_data=validation, verbose=0, callbacks=[Clock()])
print(json.dumps(Clock.seconds))
"""


def bare(epochs: int) -> list[float]:
    """Seconds of each epoch after the first, with nothing but Keras."""
    done = subprocess.run([sys.executable, "-c", BARE, str(epochs)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])[1:]


def worker(epochs: int, runs: Path) -> list[float]:
    """Seconds of each epoch after the first, as the command line starts it."""
    command = [sys.executable, "-m", "cnnviz", "train", "C2", "--set", f"fit.epochs={epochs}"]
    environment = {**os.environ, "CNNVIZ_CHECKPOINTS": str(runs)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    folder = runs / json.loads(done.stdout.splitlines()[-1])["run"]
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [record["epoch_seconds"] for record in records if record["kind"] == "epoch"][1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    chosen = parser.parse_args()
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as runs:
        for turn in range(chosen.turns):
            theirs += bare(chosen.epochs)
            ours += worker(chosen.epochs, Path(runs))
            print(f"turn {turn + 1}: bare {theirs[-1]:.2f} s, worker {ours[-1]:.2f} s", flush=True)
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"median epoch: bare {statistics.median(theirs):.2f} s, worker {statistics.median(ours):.2f} s")
    print(f"ratio {ratio:.3f} (wanted: at most 1.03)")


if __name__ == "__main__":
    main()
