"""What a search finds and costs: against the preset, against the same trainings alone, killed, pruned and continued.

    CNNVIZ_SLOTS=2 python -m benchmarks.search [--trials 24] [--pruned 5] [--kills 5] [--parts best,overhead]

Everything is trained in a folder of its own that is removed at the end. `best`: a search of preset Q, and Q itself with
other seeds for as long as the search took. `overhead`: the recipes that the search made (without pruning) again, all
put into the queue at once. `pruned`: as many trials are pruned, continued, and compared with uninterrupted runs by the
hash of their weights. `killed`: the coordinator is ended by SIGKILL at random moments and continued.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from cnnviz import runs, search
from cnnviz.files import read_json
from cnnviz.presets import PRESETS
from cnnviz.processes import Process, alive
from cnnviz.recipe import Recipe, replace
from cnnviz.runs.launch import slots
from cnnviz.search.store import Search, trials_of
from cnnviz.search.study import read_study

SPACE = {
    "fit.learning_rate": {"low": 3e-4, "high": 3e-2, "log": True},
    "fit.optimizer": ["adam", "adamw", "rmsprop", "sgd"],
    "network.layers.0.filters": [16, 32, 64],
    "network.layers.5.rate": {"low": 0.0, "high": 0.6},
    "augmentation": ["none", "digits", "light"],
}
FINISHED = (1, 2, 3)
"""Optuna's numbers for complete, pruned and failed, in its journal."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--pruned", type=int, default=5)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--parts", default="best,overhead,pruned,killed")
    chosen = parser.parse_args()
    parts = chosen.parts.split(",")
    print(f"{slots()} slots, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CNNVIZ_CHECKPOINTS"] = folder
        if "best" in parts or "overhead" in parts:
            found, seconds = _searched(chosen.trials)
            if "best" in parts:
                _best(found, seconds)
            if "overhead" in parts:
                _overhead(found, seconds)
        if "pruned" in parts:
            _pruned(chosen.pruned)
        if "killed" in parts:
            _killed(chosen.trials, chosen.kills)


def _spec(trials: int, recipe: Recipe = PRESETS["Q"], **more: object) -> search.SearchSpec:
    return search.parse_spec({"recipe": recipe, "space": SPACE, "trials": trials, **more})


def _wait(found: Search) -> Search:
    while (now := search.open_search(found.id)).active:
        time.sleep(0.5)
    return now


def _searched(trials: int) -> tuple[Search, float]:
    """A search without pruning, and how long it took, start-up included."""
    began = time.perf_counter()
    found = _wait(search.start(_spec(trials)))
    seconds = time.perf_counter() - began
    print(f"search: {found.state}, {found.result.trials} trials in {seconds:.1f} s, load {os.getloadavg()[0]:.1f}")
    return found, seconds


def _trained(recipes: list[Recipe]) -> tuple[list[runs.Run], float]:
    began = time.perf_counter()
    started = [runs.start(recipe) for recipe in recipes]
    while any(runs.open_run(run.id).active for run in started):
        time.sleep(0.5)
    return [runs.open_run(run.id) for run in started], time.perf_counter() - began


def _best(found: Search, seconds: float) -> None:
    """The preset with one seed after another, for as long as the search took."""
    began, reached = time.perf_counter(), list[float]()
    while time.perf_counter() - began < seconds:
        recipes = [replace(PRESETS["Q"], {"seed": len(reached) + number}) for number in range(slots())]
        reached += [run.written.metrics["val_accuracy"] for run in _trained(recipes)[0]]
    best = found.result.best
    assert best is not None
    first = next(run for run in trials_of(found) if run.written.trial == 0).written.metrics["val_accuracy"]
    test = runs.open_run(best.run).written.test.get("accuracy")
    print(f"best: search {best.value:.4f} (test {test:.4f}), {json.dumps(best.settings)}")
    print(f"preset: {first:.4f}; with {len(reached)} seeds in the same time best {max(reached):.4f}")


def _overhead(found: Search, seconds: float) -> None:
    recipes = [run.recipe for run in trials_of(found) if run.recipe is not None]
    _, alone = _trained(recipes)
    load = os.getloadavg()[0]
    print(f"overhead: {seconds:.1f} s searched, {alone:.1f} s alone: {seconds / alone - 1:+.1%}, load {load:.1f}")


def _pruned(wanted: int) -> None:
    """Searches with pruning until as many trials are pruned; each is continued and trained without a break."""
    equal, seen = 0, 0
    for seed in range(100):
        found = _wait(search.start(_spec(12, pruner="median", seed=seed)))
        for run in trials_of(found):
            if run.state != "paused" or seen == wanted:
                continue
            seen += 1
            runs.resume(run.id)
            assert run.recipe is not None
            [alone], _ = _trained([run.recipe])
            while runs.open_run(run.id).active:
                time.sleep(0.5)
            hashes = [read_json(one / "report.json")["last_weights_sha256"] for one in (run.folder, alone.folder)]
            equal += hashes[0] == hashes[1]
        if seen == wanted:
            break
    print(f"pruned, continued and equal to an uninterrupted run: {equal} of {seen}")


def _killed(trials: int, kills: int) -> None:
    chance, done = random.Random(0), 0
    found = search.start(_spec(trials))
    while done < kills and search.open_search(found.id).active:
        time.sleep(chance.uniform(1, 20))
        process = Process.model_validate(read_json(found.folder / "launched.json"))
        if not alive(process):
            break
        os.kill(process.pid, signal.SIGKILL)
        while alive(process):
            time.sleep(0.05)
        done += 1
        search.resume(found.id)
    found = _wait(found)
    told = _told(found.journal)
    states = Counter(trial.state.name for trial in read_study(found).trials)
    made = [run.written.trial for run in trials_of(found)]
    lost = trials - len(told)
    twice = sum(count > 1 for count in told.values())
    whole = made == list(range(trials))
    print(f"killed {done} times: {lost} trials lost, {twice} told twice, a run each: {whole}, {dict(states)}")


def _told(journal: Path) -> Counter:
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return Counter(line["trial_id"] for line in lines if line.get("state") in FINISHED and "trial_id" in line)


if __name__ == "__main__":
    main()
