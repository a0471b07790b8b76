"""The list of 1,000 finished runs of 100 epochs beside the list of 10: the listing itself, and the whole Runs page.

Runs are made in a temporary folder. First times are measured in a fresh process with the files in the system's cache;
later times are medians of alternating turns. Prints seconds and ratios.

    python benchmarks/runs_list.py [--runs 1000] [--turns 15]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from cnnviz import runs  # noqa: E402
from cnnviz.presets import PRESETS  # noqa: E402
from cnnviz.recipe import replace  # noqa: E402
from cnnviz.runs.metrics import Writer  # noqa: E402
from cnnviz.runs.status import State  # noqa: E402
from cnnviz.runs.store import write_state  # noqa: E402

FEW = 10
EPOCHS = 100
FIRST = """
import sys, time
from pathlib import Path
from cnnviz import runs
began = time.perf_counter()
count = len(runs.listing(Path(sys.argv[1])))
print(time.perf_counter() - began)
"""


def fill(folder: Path, count: int) -> None:
    """Makes finished runs of `EPOCHS` epochs, of all presets in turn."""
    presets = list(PRESETS.values())
    figures = {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.6, "val_accuracy": 0.7}
    for number in range(count):
        recipe = replace(presets[number % len(presets)], {"seed": number, "fit.epochs": EPOCHS})
        run = runs.create(recipe, folder)
        writer = Writer(run.metrics_path)
        for epoch in range(1, EPOCHS + 1):
            writer.append("epoch", epoch=epoch, batches=100, seconds=2.0 * epoch, learning_rate=1e-3, **figures)
        writer.close()
        created = 1.7e9 + 300 * number
        write_state(
            run.folder,
            State(
                state="finished",
                created=created,
                started=created,
                ended=created + 200,
                epoch=EPOCHS,
                best_epoch=EPOCHS,
                metrics=figures,
                test={"accuracy": 0.7},
            ),
        )


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def alternating(few: Callable[[], object], many: Callable[[], object], turns: int) -> tuple[float, float]:
    """Median seconds of both, measured in turn."""
    pairs = [(seconds(few), seconds(many)) for _ in range(turns)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def first_time(folder: Path) -> float:
    """Seconds that the first listing takes in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


class PageView:
    """The Runs page on one folder, as a person who looks at it again and again."""

    def __init__(self, folder: Path):
        from streamlit.testing.v1 import AppTest

        self._folder = folder
        os.environ["CNNVIZ_CHECKPOINTS"] = str(folder)
        self._app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
        self._app.switch_page("pages/runs.py")
        self.first = seconds(self.look)

    def look(self) -> None:
        os.environ["CNNVIZ_CHECKPOINTS"] = str(self._folder)
        self._app.run()
        if self._app.exception:
            raise SystemExit(f"The page failed: {self._app.exception[0].message}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=15)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        few, many = Path(place) / "few", Path(place) / "many"
        fill(few, FEW)
        fill(many, chosen.runs)
        first = statistics.median(first_time(many) for _ in range(3))
        print(f"first listing of {chosen.runs:,} runs: {first:.3f} s (wanted: under 1 s)")
        told = {"first_listing_seconds": round(first, 4)}
        runs.listing(few), runs.listing(many)
        times = alternating(lambda: runs.listing(few), lambda: runs.listing(many), 20 * chosen.turns)
        told |= report("listing once read", *times)
        small, large = PageView(few), PageView(many)
        print(f"first look at the page with {chosen.runs:,} runs: {large.first:.3f} s, with {FEW}: {small.first:.3f} s")
        told |= report("page once read", *alternating(small.look, large.look, chosen.turns))
        print(json.dumps(told))


def report(what: str, few: float, many: float) -> dict[str, float]:
    """Prints both times and their ratio."""
    print(f"{what}: {1000 * few:.4f} ms with {FEW} runs, {1000 * many:.4f} ms with many, ratio {many / few:.2f}")
    return {f"{what} ratio".replace(" ", "_"): round(many / few, 2)}


if __name__ == "__main__":
    main()
