"""Runs on a Ray cluster of two nodes on this machine: what Ray costs, and what is lost when nodes die.

    python -m benchmarks.cluster cost [RUNS] [TURNS]
    python -m benchmarks.cluster kills [KILLS] [SEED]
    python -m benchmarks.cluster lease [TRIES]

`cost` trains the same runs of Q here with two slots and on two nodes of one processor each, in alternating turns, and
prints the ratio of the medians. `kills` trains runs while nodes are killed at random moments, and compares the weights
with those of uninterrupted runs. `lease` pauses a holder past its lease, wakes it when the run is another's, and counts
what it could still write. The last line is a JSON object with the counts.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cnnviz import runs
from cnnviz.engines.ray_cluster import LocalCluster
from cnnviz.files import read_json
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe
from cnnviz.runs.groups import seed_recipes
from cnnviz.runs.lease import in_force
from cnnviz.runs.status import EngineName

__all__ = ["HOLDER", "free_port", "kill_nodes", "until", "wake_after_lease"]

HOLDER = """
import sys
from pathlib import Path
from cnnviz.files import write_json
from cnnviz.runs.lease import take
folder = Path(sys.argv[1])
with take(folder) as lease:
    print(lease.number, flush=True)
    for line in sys.stdin:
        try:
            write_json(folder / "said.json", line.strip())
            print("written", flush=True)
        except OSError as error:
            print("lost" if lease.lost() else error, flush=True)
"""
"""Takes the lease of a folder and writes there what it is told."""


def until(condition: Callable[[], bool], seconds: float = 1800) -> None:
    """Waits for the condition."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {seconds} seconds in vain.")
        time.sleep(0.1)


def free_port() -> int:
    """A port on the loopback that nobody has now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def trained(recipes: list[Recipe], engine: EngineName) -> float:
    """The seconds that runs take in a folder of their own, from the first start to the last end."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["CNNVIZ_CHECKPOINTS"] = place
        began = time.perf_counter()
        begun = runs.start_group(recipes, engine=engine)
        until(lambda: not any(run.active for run in runs.listing()))
        seconds = time.perf_counter() - began
        states = [runs.open_run(run.id).state for run in begun]
        if set(states) != {"finished"}:
            raise RuntimeError(f"Not all runs have finished: {states}")
        return seconds


def cost(count: int = 12, turns: int = 2) -> dict[str, object]:
    """What the same runs take on Ray and here."""
    recipes = seed_recipes(PRESETS["Q"], count)
    os.environ["CNNVIZ_SLOTS"] = "2"
    taken: dict[EngineName, list[float]] = {"local": [], "ray": []}
    for turn in range(turns):
        for engine in ("local", "ray") if turn % 2 == 0 else ("ray", "local"):
            cluster = LocalCluster(2, port=free_port()) if engine == "ray" else None
            try:
                if cluster:
                    os.environ["RAY_ADDRESS"] = cluster.address
                taken[engine].append(round(trained(recipes, engine), 1))
            finally:
                if cluster:
                    cluster.shutdown()
            print(json.dumps(taken), file=sys.stderr, flush=True)
    ratio = statistics.median(taken["ray"]) / statistics.median(taken["local"])
    return {"runs": count, "seconds": taken, "ratio": round(ratio, 3), "load": os.getloadavg()[0]}


def kill_nodes(recipe: Recipe, count: int, kills: int, seed: int = 0) -> dict[str, object]:
    """Trains runs of one recipe on two nodes in the folder that `CNNVIZ_CHECKPOINTS` names, and kills the node of one
    that trains, so many times; another node takes its place.

    Returns:
        How many epochs each kill cost, the hashes of all runs' last weights, and their states.
    """
    chance, cluster = random.Random(seed), LocalCluster(2, port=free_port())
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        begun = [run.id for run in runs.start_group([recipe] * count, engine="ray")]
        hosts, done = set(), 0
        while done < kills and any(run.active for run in runs.listing()):
            training = [run for run in runs.listing() if run.state == "running" and in_force(run.folder)]
            hosts |= {run.written.process.host for run in training}
            under = {run.written.process.host for run in training if run.written.epoch >= 1}
            if busy := [node for node in cluster.nodes if any(host.endswith(node.node_id[:6]) for host in under)]:
                time.sleep(chance.uniform(0, 3))
                node = chance.choice(busy)
                cluster.nodes.remove(node)
                cluster.kill_node(node)
                done += 1
                cluster.nodes.append(cluster.add_node())
                print(f"{done} kills", file=sys.stderr, flush=True)
                time.sleep(5)
            time.sleep(0.2)
        until(lambda: not any(run.active for run in runs.listing()))
    finally:
        cluster.shutdown()
    found = [runs.open_run(run) for run in begun]
    return {
        "kills": done,
        "hosts": len(hosts),
        "states": [run.state for run in found],
        "lost_epochs": [lost for run in found for lost in lost_epochs(run)],
        "hashes": [(read_json(run.folder / "report.json") or {}).get("last_weights_sha256") for run in found],
    }


def lost_epochs(run: runs.Run) -> list[int]:
    """How many epochs each continuation of a run did again, by its log."""
    done, lost = 0, []
    for line in run.log_path.read_text().splitlines():
        if match := re.search(r"Epoch (\d+): ", line):
            done = int(match[1])
        elif match := re.search(r"Going on after epoch (\d+)", line):
            lost.append(done - int(match[1]))
    return lost


def wake_after_lease(tries: int) -> dict[str, int]:
    """Pauses the holder of a lease past it, lets another take it, wakes the first and has both write.

    Returns:
        How often the run had two writers at once, and how often the first noticed.
    """

    def begin(folder: Path, host: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "CNNVIZ_HOST": host, "CNNVIZ_LEASE_SECONDS": "1"},
        )

    def tell(process: subprocess.Popen[str], words: str) -> str:
        process.stdin.write(words + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    chance, found = random.Random(0), {"tries": 0, "two_writers": 0, "noticed": 0}
    with tempfile.TemporaryDirectory() as place:
        for number in range(tries):
            folder = Path(place, str(number))
            folder.mkdir()
            first = begin(folder, "one")
            first.stdout.readline()
            first.stdin.writelines(f"{n}\n" for n in range(chance.randrange(400)))  # stopped anywhere in its writing
            first.stdin.flush()
            time.sleep(chance.uniform(0, 0.02))
            os.kill(first.pid, signal.SIGSTOP)
            second = begin(folder, "two")
            second.stdout.readline()
            tell(second, "second")
            os.kill(first.pid, signal.SIGCONT)
            tell_first = first.communicate("first\n")[0].splitlines()
            found["tries"] += 1
            found["noticed"] += tell_first[-1] == "lost"
            found["two_writers"] += (folder / "said.json").read_text().strip() != '"second"'
            second.communicate()
            if number % 20 == 19:
                print(json.dumps(found), file=sys.stderr, flush=True)
    return found


def main(what: str = "", *numbers: str) -> int:
    """Measures what is asked for."""
    given = list(map(int, numbers))
    if what == "cost":
        print(json.dumps(cost(*given)))
        return 0
    if what == "lease":
        found = wake_after_lease(*(given or [200]))
        print(json.dumps(found))
        return 1 if found["two_writers"] else 0
    if what == "kills":
        kills, seed = (given + [20, 0][len(given) :])[:2]
        with tempfile.TemporaryDirectory() as place:
            os.environ["CNNVIZ_CHECKPOINTS"] = place
            print(json.dumps(kill_nodes(PRESETS["Q"], 12, kills, seed)))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
