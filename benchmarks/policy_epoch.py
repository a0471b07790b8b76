"""Seconds per epoch of D3 with its augmentation beside D3 without, both through the worker, in turn.

The first epoch of each, which builds the graph, is left out. Prints the medians and their ratio, and ends with code 1
if it is above `--limit`.

    CNNVIZ_DATA=../shared/data python -m benchmarks.policy_epoch [--turns 3] [--epochs 3] [--limit 1.15]
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


def epoch_seconds(runs: Path, epochs: int, *, policy: bool) -> list[float]:
    """Trains D3 and returns what its epochs took, validation and the first epoch left out."""
    settings = [f"fit.epochs={epochs}"] + ([] if policy else ["augmentation=none"])
    done = subprocess.run(
        [sys.executable, "-m", "cnnviz", "train", "D3", *(word for one in settings for word in ("--set", one))],
        env={**os.environ, "CNNVIZ_CHECKPOINTS": str(runs)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    lines = (runs / json.loads(done.stdout)["run"] / "metrics.jsonl").read_text().splitlines()
    found = [record for record in map(json.loads, lines) if record["kind"] == "epoch"]
    return [record["epoch_seconds"] for record in found[1:]]


def main() -> int:
    """Runs both in turn and prints what they took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=1.15)
    given = parser.parse_args()
    took: dict[str, list[float]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(given.turns):
            for name in took:
                seconds = epoch_seconds(Path(folder), given.epochs, policy=name == "with")
                took[name] += seconds
                print(f"turn {turn + 1} {name:8} {', '.join(f'{one:.2f} s' for one in seconds)}", flush=True)
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    ratio = medians["with"] / medians["without"]
    print(
        f"medians: without {medians['without']:.2f} s, with {medians['with']:.2f} s, ratio {ratio:.3f} "
        f"(at most {given.limit:g})"
    )
    return int(ratio > given.limit)


if __name__ == "__main__":
    sys.exit(main())
