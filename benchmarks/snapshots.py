"""What watching a model learn costs: each snapshot's share of an epoch's time, and its bytes, for C2, D2 and S.

Every preset is trained for some epochs by the worker's own loop in a process of its own; the time of a snapshot
(computing, packing, writing) is set against the time of its epoch (training, validation, saving the best), as the
worker does to decide which epochs to leave out. The first epoch, which builds the graph, is left out; what is done once
a run (compiling, the images, the untrained model) is told by itself. D2 takes a folder of cats and dogs, or, where
there is none, images of noise of that size. Ends with code 1 if a share is above 2 % or a file above 300 KB.

    CNNVIZ_DATA=../shared/data python benchmarks/snapshots.py [--epochs 4] [--presets C2 D2 S]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

MOST_SHARE, MOST_BYTES = 0.02, 300_000

ONE = """
import json, sys, time
from pathlib import Path
import numpy as np
from cnnviz import runs
from cnnviz.errors import CnnvizError
from cnnviz.presets import preset
from cnnviz.recipe import replace
from cnnviz.train import loop
from cnnviz.train.run_writer import RunWriter
from cnnviz.train.snapshots import Snapshots

name, epochs, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
recipe = replace(preset(name), {"fit.epochs": epochs})
if name == "D2":
    from cnnviz.data import open_dataset
    try:
        open_dataset(recipe.data)
    except CnnvizError:
        rng, arrays = np.random.default_rng(0), {}
        for split, count in (("train", 2000), ("test", 1000)):
            arrays["x_" + split] = rng.integers(0, 256, (count, 150, 150, 3), dtype=np.uint8)
            arrays["y_" + split] = np.arange(count) % 2
        np.savez(folder / "noise.npz", **arrays)
        recipe = replace(recipe, {"data.dataset": str(folder / "noise.npz"), "data.validation_share": 0})

class Timed(Snapshots):
    began, once, epochs, snapshots = 0.0, 0.0, [], []
    def on_train_begin(self, logs=None):
        began = time.perf_counter()
        super().on_train_begin(logs)
        Timed.once = time.perf_counter() - began
    def on_epoch_end(self, epoch, logs=None):
        trained, spent = self._trained, self.spent
        super().on_epoch_end(epoch, logs)
        Timed.epochs.append(self._trained - trained)
        Timed.snapshots.append(self.spent - spent)

loop.Snapshots = Timed
run = runs.create(recipe, folder)
diary = RunWriter(run.folder, run.written)
loop.carry_out(diary)
sizes = [path.stat().st_size for path in sorted((run.folder / "snapshots").glob("epoch-*.z"))]
print(json.dumps({"once": Timed.once, "epochs": Timed.epochs, "snapshots": Timed.snapshots, "bytes": sizes}))
"""


def measured(name: str, epochs: int) -> dict:
    """Seconds of epochs and of their snapshots, and the files' sizes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", ONE, name, str(epochs), folder]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--presets", nargs="+", default=["C2", "D2", "S"])
    chosen = parser.parse_args()
    failed = False
    for name in chosen.presets:
        found = measured(name, chosen.epochs)
        pairs = [(took, epoch) for took, epoch in zip(found["snapshots"], found["epochs"], strict=True) if took][1:]
        share = statistics.median(took / epoch for took, epoch in pairs)
        largest = max(found["bytes"])
        failed |= share > MOST_SHARE or largest > MOST_BYTES
        print(
            f"{name}: a snapshot {1000 * statistics.median(took for took, _ in pairs):.0f} ms, an epoch "
            f"{statistics.median(epoch for _, epoch in pairs):.2f} s: {100 * share:.2f} % (at most 2); largest file "
            f"{largest / 1000:.0f} KB (at most 300); once a run {found['once']:.2f} s; "
            f"{len(found['bytes'])} snapshots of {chosen.epochs} epochs and the beginning",
            flush=True,
        )
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
