"""A run that is killed again and again at random moments, and continued: nothing of it may ever be unreadable.

    python benchmarks/kills.py [KILLS] [SEED]

After every SIGKILL the script looks at the folder as a page and the command line would: the list of runs, the state,
the figures, the best model, the generations to go on from. The last line is a JSON object with the counts.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from cnnviz import runs
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics, saved

RECIPE = replace(
    PRESETS["Q"],
    {
        "network.layers": [{"type": "Flatten"}, {"type": "Dense", "units": 64}, {"type": "Dropout", "rate": 0.2}],
        "data.limits": {"train": 100, "validation": 50, "test": 50},
        "fit.epochs": 10_000,
        "fit.schedule": "constant",
        "fit.learning_rate": 1e-5,
        "fit.monitor": "val_loss",
    },
)
# As in the tests: copies of a process that has loaded TensorFlow carry the run out.
NURSERY = """
import os, sys
import cnnviz.train.loop
from pathlib import Path
from cnnviz.train.__main__ import main
print("ready", flush=True)
for line in sys.stdin:
    if os.fork() == 0:
        os._exit(main(Path(line.strip())))
    os.wait()
    print("ended", flush=True)
"""


def main(kills: int = 50, seed: int = 0) -> int:
    """Kills so many times; returns 1 if anything was unreadable."""
    chance, found = random.Random(seed), Counter()
    with tempfile.TemporaryDirectory() as place:
        os.environ["CNNVIZ_CHECKPOINTS"] = place
        run = runs.create(RECIPE)
        nursery = subprocess.Popen(
            [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        nursery.stdout.readline()
        for number in range(1, kills + 1):
            nursery.stdin.write(f"{run.folder}\n")
            nursery.stdin.flush()
            began = runs.open_run(run.id).written.epoch
            patience = time.monotonic() + 60
            while time.monotonic() < patience:  # until it trains: kills while it loads are the fewer
                now = runs.open_run(run.id)
                if now.state == "running" and (now.written.epoch > began or chance.random() < 0.002):
                    break
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.5))
            os.kill(runs.open_run(run.id).written.process.pid, signal.SIGKILL)
            nursery.stdout.readline()
            found.update(look(run))
            print(f"{number:>3} kills: {dict(found)}", file=sys.stderr, flush=True)
        nursery.stdin.close()
        nursery.wait()
        epochs = runs.open_run(run.id).written.epoch
        listed = subprocess.run([sys.executable, "-m", "cnnviz", "runs", "--json"], capture_output=True, text=True)
        found["unlisted"] += listed.returncode != 0 or json.loads(listed.stdout)[0]["run"] != run.id
    bad = sum(count for name, count in found.items() if name != "crashed")
    print(json.dumps({"kills": kills, "epochs": epochs, "unreadable": bad, **found}))
    return 1 if bad or found["crashed"] != kills else 0


def look(run: runs.Run) -> Counter:
    """What is readable and what isn't, as a count of each."""
    found = Counter()
    (now,) = runs.listing()
    found["crashed"] += now.state == "crashed"
    found["state"] += now.written.sentence == "Its state can't be read." or now.recipe is None
    epochs = [record["epoch"] for record in metrics.epochs(now.metrics_path)]
    found["metrics"] += epochs != list(range(1, len(epochs) + 1))
    lines = now.metrics_path.read_bytes().splitlines()
    found["metrics"] += sum(not whole(line) for line in lines[:-1])
    kept = sorted((run.folder / "resume").glob("epoch-*.bin"))
    found["resume"] += len(kept) > saved.GENERATIONS + 1 or (bool(kept) and saved.newest(run.folder, RECIPE) is None)
    if now.best_path.exists():
        import keras

        try:
            keras.models.load_model(now.best_path, compile=False)
        except Exception:
            found["model"] += 1
    return found


def whole(line: bytes) -> bool:
    """Whether a line is JSON."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
