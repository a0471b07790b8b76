"""A run that is killed again and again at random moments, and continued: nothing of it may ever be unreadable.

    python benchmarks/kills.py [KILLS] [SEED]

After every SIGKILL the script looks at the folder as a page and the command line would: the list of runs, the state,
the figures, the best model, the generations to go on from. The last line is a JSON object with the counts.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.nursery import Nursery
from cnnviz import runs
from cnnviz.__main__ import main as commands
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics, resume_checkpoint

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


def main(kills: int = 50, seed: int = 0) -> int:
    """Kills so many times in a folder of its own; returns 1 if anything was unreadable."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["CNNVIZ_CHECKPOINTS"] = place
        found = kill(kills, seed)
    print(json.dumps(found))
    return 1 if found["unreadable"] or found["crashed"] != kills else 0


def kill(kills: int, seed: int) -> dict[str, int]:
    """Makes a run where `CNNVIZ_CHECKPOINTS` says, kills its worker so many times and starts it again; returns the
    counts, and how many epochs the run came to."""
    chance, found = random.Random(seed), Counter()
    run, nursery = runs.create(RECIPE), Nursery()
    for number in range(1, kills + 1):
        nursery.begin(run)
        trains = epoch_after(run, runs.open_run(run.id).written.epoch) if number % 4 else identified(run)
        until(trains)
        time.sleep(chance.uniform(0, 0.3))
        os.kill(runs.open_run(run.id).written.process.pid, signal.SIGKILL)
        nursery.ended()
        found.update(look(run))
        print(f"{number:>3} kills: {dict(found)}", file=sys.stderr, flush=True)
    nursery.close()
    bad = sum(count for name, count in found.items() if name != "crashed")
    return {"kills": kills, "epochs": runs.open_run(run.id).written.epoch, "unreadable": bad, **found}


def epoch_after(run: runs.Run, epoch: int) -> Callable[[], bool]:
    """Whether the run has gone further than this epoch: kills hit what it saves."""
    return lambda: (now := runs.open_run(run.id)).state == "running" and now.written.epoch > epoch


def identified(run: runs.Run) -> Callable[[], bool]:
    """Whether a new worker has said who it is: some kills hit how it begins."""
    before = runs.open_run(run.id).written.process
    return lambda: runs.open_run(run.id).written.process not in (before, None)


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Waits for the condition."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {seconds} seconds in vain.")
        time.sleep(0.01)


def look(run: runs.Run) -> Counter:
    """What is readable and what isn't, as a count of each."""
    found = Counter()
    (now,) = runs.listing()
    shown = io.StringIO()
    with redirect_stdout(shown):
        found["unlisted"] += commands(["runs", "--json"]) != 0 or json.loads(shown.getvalue())[0]["run"] != run.id
    found["crashed"] += now.state == "crashed"
    found["state"] += now.written.message == "Its state can't be read." or now.recipe is None
    epochs = [record["epoch"] for record in metrics.epochs(now.metrics_path)]
    found["metrics"] += epochs != list(range(1, len(epochs) + 1))
    lines = now.metrics_path.read_bytes().splitlines()
    found["metrics"] += sum(not whole(line) for line in lines[:-1])
    kept = sorted((run.folder / "resume").glob("epoch-*.bin"))
    found["resume"] += len(kept) > resume_checkpoint.GENERATIONS + 1 or (
        bool(kept) and resume_checkpoint.newest(run.folder, RECIPE) is None
    )
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
